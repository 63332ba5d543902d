"""The hot path: one pipeline. Match, authenticate, read, decode, validate, act, answer, tell.

The order of the checks is the order of the answers a client gets: path, method, authentication, body, fields, and then
what the use case refuses. A request that is refused has changed nothing. A fault is chosen once operation and account
are known; nearly every request meets none, and pays for the question only.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Awaitable, Iterable
from contextlib import suppress
from difflib import get_close_matches
from functools import partial

import orjson
from starlette.types import Receive, Scope, Send

from mock_server.contract import Match, Operation
from mock_server.core.errors import Reason, Refused
from mock_server.credentials import TokenRefused
from mock_server.events import RequestAnswered
from mock_server.http import breakage, request
from mock_server.http.choosing import Choosing
from mock_server.http.dialect import Call, Dialect, not_an_object
from mock_server.http.envelope import CLIENT_GONE, Answer
from mock_server.http.faulting import Faulting
from mock_server.http.noting import note
from mock_server.world import World

#: A longer path is not compared with the known ones: that costs time and helps nobody.
_LONGEST_HINTED_PATH = 200


class Pipeline:
    """Answers requests for the operations of all dialects, and for paths and methods that do not exist."""

    def __init__(self, world: World, dialects: Iterable[Dialect]) -> None:
        self._world = world
        self._dialects = {dialect.name: dialect for dialect in dialects}
        # The longest base path first: the more specific dialect answers.
        self._by_base = sorted(
            self._dialects.values(), key=lambda dialect: len(dialect.base_path), reverse=True
        )
        self._choosing = Choosing(world)
        self._faulting = Faulting(world)
        self._public_url = world.settings.public_url
        self._tells = not world.settings.quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one HTTP request."""
        began = time.perf_counter()
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        found = self._world.contract.match(raw_path)
        dialect = self._dialects[found.dialect] if found else self._dialect_below(raw_path)
        call = Call(self._world, self._world.accounts.anonymous)
        try:
            operation = self._admitted(scope, raw_path, found, dialect, call)
            if operation.body is not None:
                call.raw = await request.body(receive)
                if call.account.closed:  # reset while the body came
                    call.account = self._world.accounts.get(call.account.id)
            answer = self._executed(dialect, operation, call, scope, receive)
            if not isinstance(answer, Answer):
                answer = await answer
        except TokenRefused as refused:
            call.token = refused.token
            answer = self._refused(dialect, refused, call)
        except Refused as refused:
            answer = self._refused(dialect, refused, call)
        except request.ClientGone:
            answer = Answer(CLIENT_GONE, b"", None, "the client went away")
        except Exception:  # noqa: BLE001  # whatever breaks, the client gets the dialect's own error
            traceback.print_exc()
            answer = self._refused(dialect, Refused(Reason.SERVER_ERROR), call)
        # Written before the answer is sent, so that whoever has the answer finds it.
        note(scope, raw_path, dialect, call, answer, began)
        if self._tells:
            self._tell(scope["method"], raw_path, answer, call, began)
        if call.fault:
            await self._send_faulty(answer, call, scope, receive, send)
        elif answer.status != CLIENT_GONE:
            headers = _headers(answer, call)
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})

    def _executed(
        self, dialect: Dialect, operation: Operation, call: Call, scope: Scope, receive: Receive
    ) -> Answer | Awaitable[Answer]:
        """The answer, or what is awaited for it: an answer that is held, or a fault."""
        if call.strike is None and call.account.faults.armed:
            self._choosing.by_account(dialect, operation, call, scope)
        is_prepared = call.strike is None
        if is_prepared:
            self._prepare(dialect, operation, call)
            if call.strike is None:  # nearly always
                answer = dialect.handlers[operation.operation_id](call)
                if isinstance(answer, Answer):
                    return self._after_callbacks(answer, call) if call.awaits_callbacks else answer
                return self._held(answer, call, receive)
        run = partial(self._run, dialect, operation, call, receive, is_prepared=is_prepared)
        return self._faulting.play(call, dialect, scope, receive, run)

    def _prepare(self, dialect: Dialect, operation: Operation, call: Call) -> None:
        """Decodes and validates the body, and chooses the scenario and what it does to this request.

        Raises:
            Refused: the body breaks the contract.
        """
        if operation.body is not None:
            self._decode(dialect, operation, call)
        kind = dialect.creates.get(operation.operation_id)
        if kind is not None:
            self._choosing.for_create(kind, call)
        elif call.account.faults.in_tasks:
            self._choosing.for_task(operation, call)

    async def _run(
        self,
        dialect: Dialect,
        operation: Operation,
        call: Call,
        receive: Receive,
        *,
        is_prepared: bool,
    ) -> Answer:
        """Executes an operation that a fault strikes; a refusal is an answer as well."""
        try:
            if not is_prepared:
                self._prepare(dialect, operation, call)
            answer = dialect.handlers[operation.operation_id](call)
            if not isinstance(answer, Answer):
                return await self._held(answer, call, receive)
            return await self._after_callbacks(answer, call) if call.awaits_callbacks else answer
        except Refused as refused:
            return self._refused(dialect, refused, call)

    def _operation(self, scope: Scope, raw_path: bytes, found: Match | None) -> Operation:
        if found is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, self._no_path(scope["method"], raw_path))
        operation = found.operations.get(scope["method"])
        if operation is None:
            known = ", ".join(sorted(found.operations))
            words = f"Method {scope['method']} is not supported here; use {known}"
            raise Refused(Reason.METHOD_INVALID, words)
        return operation

    def _admitted(
        self, scope: Scope, raw_path: bytes, found: Match | None, dialect: Dialect, call: Call
    ) -> Operation:
        """The operation; finds the account, and notes of the request's head what the handler needs."""
        try:
            operation = self._operation(scope, raw_path, found)
        except Refused:
            self._note_whose(scope, dialect, call)
            raise
        call.operation = operation.operation_id
        if found is not None:
            call.id = found.id
        world = self._world
        headers = request.headers(scope)
        account_id, call.token = world.credentials.admitted(headers.authorization)
        account = world.accounts.get(account_id)
        call.account, call.content_type = account, headers.content_type
        number = account.ordinals.next("request")
        call.request_id = dialect.request_id(world.ids.request_id(account.id, number))
        call.query = scope["query_string"]
        call.origin = self._public_url or request.origin(scope, headers.host)
        if headers.scenario is not None or headers.fault is not None or headers.unknown:
            self._choosing.by_headers(headers, dialect, operation, call)
        return operation

    def _note_whose(self, scope: Scope, dialect: Dialect, call: Call) -> None:
        """Finds the account of a request for what is not there: whoever sent it looks into its journal."""
        world = self._world
        with suppress(Refused):
            account_id = world.credentials.account_id(request.headers(scope).authorization)
            call.account = world.accounts.get(account_id)
            number = call.account.ordinals.next("request")
            call.request_id = dialect.request_id(world.ids.request_id(account_id, number))

    async def _held(self, answer: Awaitable[Answer], call: Call, receive: Receive) -> Answer:
        """An answer that is held on the account's clock, while the client waits."""
        answered = await request.unless_gone(answer, receive)
        return await self._after_callbacks(answered, call) if call.awaits_callbacks else answered

    async def _after_callbacks(self, answer: Answer, call: Call) -> Answer:
        """The answer of a create, once the callbacks that are due have been answered themselves."""
        if call.task is not None:
            await self._world.dispatcher.task_settled(call.account, call.task.id)
        return answer

    def _decode(self, dialect: Dialect, operation: Operation, call: Call) -> None:
        behaviour = call.account.behaviour
        if call.raw is None:
            raise not_an_object(behaviour, "The request body is larger than 1 MB")
        try:
            call.body = orjson.loads(call.raw)
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

    async def _send_faulty(
        self, answer: Answer, call: Call, scope: Scope, receive: Receive, send: Send
    ) -> None:
        headers = _headers(answer, call)
        fault = call.strike.fault if call.strike is not None else None
        if answer.status == CLIENT_GONE:
            return
        if fault is None or fault.socket is None:
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})
            return
        await breakage.play(
            fault.socket,
            answer.status,
            headers,
            answer.body,
            scope,
            receive,
            send,
            over_s=fault.over_s,
            chunks=fault.chunks,
            stopping=self._world.dispatcher.stopping,
        )

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
        path, account_id = raw_path.decode("latin-1"), call.account.id
        told = RequestAnswered(
            method, path, answer.status, answer.code, account_id, took_ms, answer.note, call.fault
        )
        self._world.publish(told)


def _headers(answer: Answer, call: Call) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", b"%d" % len(answer.body)),
        *answer.headers,
    ]
    if answer.scenario:
        headers.append((b"x-mock-scenario", answer.scenario.encode()))
    applied = call.fault or call.fault_text
    if applied:
        headers.append((b"x-mock-fault", applied.encode("ascii", "replace")))
    if call.warning:
        headers.append((b"x-mock-warning", call.warning.encode("latin-1", "replace")))
    return headers
