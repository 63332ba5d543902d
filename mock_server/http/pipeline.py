"""The hot path: one pipeline. Match, authenticate, read, decode, validate, act, answer, tell.

The order of the checks is the order of the answers a client gets: path, method, authentication, body, fields, and then
what the use case refuses. A request that is refused has changed nothing.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable
from difflib import get_close_matches

import orjson
from starlette.types import Receive, Scope, Send

from mock_server.contract import Match, Operation
from mock_server.core.errors import Reason, Refused
from mock_server.core.scenario import UnknownScenario
from mock_server.events import RequestAnswered
from mock_server.http import request
from mock_server.http.dialect import Call, Dialect, not_an_object
from mock_server.http.envelope import Answer
from mock_server.world import World

#: A longer path is not compared with the known ones: that costs time and helps nobody.
_LONGEST_HINTED_PATH = 200
#: What is told of a request whose client did not wait for the answer; never sent. The number is nginx's.
CLIENT_GONE = 499
_JSON = (b"content-type", b"application/json")


class Pipeline:
    """Answers requests for the operations of all dialects, and for paths and methods that do not exist."""

    def __init__(self, world: World, dialects: Iterable[Dialect]) -> None:
        self._world = world
        self._dialects = {dialect.name: dialect for dialect in dialects}
        # The longest base path first: the more specific dialect answers.
        self._by_base = sorted(
            self._dialects.values(), key=lambda dialect: len(dialect.base_path), reverse=True
        )
        self._public_url = world.settings.public_url
        self._tells = not world.settings.quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        began = time.perf_counter() if self._tells else 0.0
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        found = self._world.contract.match(raw_path)
        dialect = self._dialects[found.dialect] if found else self._dialect_below(raw_path)
        call = Call(self._world, self._world.accounts.anonymous)
        try:
            operation = self._operation(scope, raw_path, found)
            self._admit(scope, dialect, operation, call)
            if found is not None:
                call.id = found.id
            if operation.body is not None:
                self._decode(await request.body(receive), dialect, operation, call)
            answer = dialect.handlers[operation.operation_id](call)
            if not isinstance(answer, Answer):
                answer = await request.unless_gone(answer, receive)
        except Refused as refused:
            answer = self._refused(dialect, refused, call)
        except request.ClientGone:
            answer = Answer(CLIENT_GONE, b"", None, "the client went away")
        except Exception:  # noqa: BLE001  # whatever breaks, the client gets the dialect's own error
            traceback.print_exc()
            answer = self._refused(dialect, Refused(Reason.SERVER_ERROR), call)
        if answer.status != CLIENT_GONE:
            headers = _headers(answer, call)
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})
        if self._tells:
            self._tell(scope["method"], raw_path, answer, call, began)

    def _operation(self, scope: Scope, raw_path: bytes, found: Match | None) -> Operation:
        if found is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, self._no_path(scope["method"], raw_path))
        operation = found.operations.get(scope["method"])
        if operation is None:
            known = ", ".join(sorted(found.operations))
            words = f"Method {scope['method']} is not supported here; use {known}"
            raise Refused(Reason.METHOD_INVALID, words)
        return operation

    def _admit(self, scope: Scope, dialect: Dialect, operation: Operation, call: Call) -> None:
        """Finds the account, and notes of the request's head what the handler needs."""
        world = self._world
        headers = request.headers(scope)
        account = world.accounts.get(world.credentials.account_id(headers.authorization))
        call.account = account
        number = account.ordinals.next("request")
        call.request_id = dialect.request_id(world.ids.request_id(account.id, number))
        call.query = scope["query_string"]
        call.origin = self._public_url or request.origin(scope, headers.host)
        if headers.scenario is not None or headers.unknown:
            self._choose(headers, dialect, operation, call)

    def _choose(
        self, headers: request.Headers, dialect: Dialect, operation: Operation, call: Call
    ) -> None:
        """Takes the X-Mock-* headers: what cannot be applied is warned about, or refused with --strict."""
        warnings = [f"unknown header {name}" for name in headers.unknown]
        if headers.scenario is not None:
            try:
                scenario = self._world.scenarios.named(headers.scenario)
            except UnknownScenario as error:
                raise Refused(Reason.PARAMETER_ILLEGAL, f"X-Mock-Scenario: {error}") from None
            if dialect.creates.get(operation.operation_id) in scenario.plans:
                call.scenario = scenario
            else:
                words = f"scenario {scenario.name} does not apply to {operation.operation_id}"
                warnings.append(words)
        if warnings and self._world.settings.strict:
            raise Refused(Reason.PARAMETER_ILLEGAL, "; ".join(warnings))
        call.warning = "; ".join(warnings)

    def _decode(
        self, raw: bytes | None, dialect: Dialect, operation: Operation, call: Call
    ) -> None:
        behaviour = self._world.settings.behaviour
        if raw is None:
            raise not_an_object(behaviour, "The request body is larger than 1 MB")
        try:
            call.body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise not_an_object(behaviour, "The request body is not valid JSON") from None
        violation = operation.violation(call.body)
        if violation is not None:
            raise dialect.words(violation, behaviour)

    def _refused(self, dialect: Dialect, refused: Refused, call: Call) -> Answer:
        if not call.request_id:
            # Nobody's account id is empty, so nobody's request ids are these.
            number = call.account.ordinals.next("request")
            call.request_id = dialect.request_id(self._world.ids.request_id("", number))
        answer = dialect.error(refused, call.request_id)
        answer.scenario = refused.scenario
        return answer

    def _dialect_below(self, raw_path: bytes) -> Dialect:
        path = raw_path.decode("latin-1")
        below = (item for item in self._by_base if path.startswith(item.base_path))
        return next(below, self._by_base[-1])  # "OPTIONS *" is below none

    def _no_path(self, method: str, raw_path: bytes) -> str:
        path = raw_path.decode("latin-1")
        text = f"No resource {method} {path[:_LONGEST_HINTED_PATH]}"
        if len(path) > _LONGEST_HINTED_PATH:
            return text
        near = get_close_matches(path, self._world.contract.paths, n=1)
        return f"{text}; did you mean {near[0]}?" if near else text

    def _tell(self, method: str, raw_path: bytes, answer: Answer, call: Call, began: float) -> None:
        took_ms = round((time.perf_counter() - began) * 1000, 1)
        path = raw_path.decode("latin-1")
        account_id = call.account.id
        self._world.publish(
            RequestAnswered(
                method, path, answer.status, answer.code, account_id, took_ms, answer.note
            )
        )


def _headers(answer: Answer, call: Call) -> list[tuple[bytes, bytes]]:
    headers = [_JSON, (b"content-length", b"%d" % len(answer.body))]
    if answer.scenario:
        headers.append((b"x-mock-scenario", answer.scenario.encode()))
    if call.warning:
        headers.append((b"x-mock-warning", call.warning.encode("latin-1", "replace")))
    return headers
