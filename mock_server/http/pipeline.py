"""The hot path: one pipeline behind Starlette's router. Match, authenticate, read, decode, validate, act, answer, tell.

The order of the checks is the order of the answers a client gets: path, method, authentication, body, fields, and then
what the use case refuses. A request that is refused has changed nothing.
"""

from __future__ import annotations

import asyncio
import re
import time
import traceback
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

import orjson
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from mock_server.contract import Operation
from mock_server.core.errors import Reason, Refused
from mock_server.core.scenario import UnknownScenario
from mock_server.events import RequestAnswered
from mock_server.http.dialect import Call, Dialect, not_an_object
from mock_server.http.envelope import Answer
from mock_server.store import ANONYMOUS
from mock_server.world import World

#: The largest request body, in bytes (assumed: no limit is documented).
MAX_BODY_BYTES = 1_000_000
#: A longer path is not compared with the known ones: that costs time and helps nobody.
_LONGEST_HINTED_PATH = 200
_HOST = re.compile(rb"[A-Za-z0-9._~\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_JSON = (b"content-type", b"application/json")


class ClientGone(Exception):
    """Raised when the client closed the connection: nobody is left to answer."""


@dataclass(slots=True)
class Seen:
    """What is known of a request while it is handled, for whoever is told of it."""

    account_id: str = ANONYMOUS
    request_id: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Headers:
    """The request headers that matter here, as sent."""

    authorization: bytes | None = None
    host: bytes = b""
    scenario: str = ""
    unknown: tuple[str, ...] = ()


class ContractRoutes(BaseRoute):
    """The operations of all dialects, and the dialects' answers to paths and methods that do not exist.

    It takes every path that lies below no other prefix, so it stands last among the routes' prefixes.
    """

    def __init__(self, world: World, dialects: Iterable[Dialect], others: tuple[str, ...]) -> None:
        self._world = world
        self._dialects = {dialect.name: dialect for dialect in dialects}
        # The longest base path first: the more specific dialect answers.
        self._by_base = sorted(
            self._dialects.values(), key=lambda dialect: len(dialect.base_path), reverse=True
        )
        self._others = others
        self._tells = not world.settings.quiet

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Takes every HTTP path but those of the other routes."""
        if scope["type"] != "http" or scope["path"].startswith(self._others):
            return Match.NONE, {}
        return Match.FULL, {}

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """Has no names to look up."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        began = time.perf_counter() if self._tells else 0.0
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        seen = Seen()
        dialect = self._dialects["klingai"]
        try:
            found = self._world.contract.match(raw_path)
            dialect = self._dialect_of(found.operations if found else None, raw_path)
            if found is None:
                raise Refused(Reason.RESOURCE_NOT_FOUND, self._no_path(scope, raw_path))
            operation = found.operations.get(scope["method"])
            if operation is None:
                raise Refused(Reason.METHOD_INVALID, _no_method(scope, found.operations))
            answer = await self._act(scope, receive, dialect, operation, found.id, seen)
        except Refused as refused:
            answer = self._refused(dialect, refused, seen)
        except ClientGone:
            return
        except Exception:  # noqa: BLE001  # whatever breaks, the client gets the dialect's own error
            traceback.print_exc()
            answer = self._refused(dialect, Refused(Reason.SERVER_ERROR), seen)
        if seen.warnings:
            answer.headers.append((b"x-mock-warning", "; ".join(seen.warnings).encode()))
        await _send(send, answer)
        if self._tells:
            self._tell(scope, raw_path, answer, seen, began)

    async def _act(
        self,
        scope: Scope,
        receive: Receive,
        dialect: Dialect,
        operation: Operation,
        path_id: str,
        seen: Seen,
    ) -> Answer:
        world = self._world
        headers = _headers(scope)
        account = world.accounts.get(world.credentials.account_id(headers.authorization))
        seen.account_id = account.id
        seen.request_id = world.ids.request_id(account.id, account.ordinals.next("request"))
        body = None
        if operation.body is not None:
            body = self._decode(await _read(receive))
            violation = operation.violation(body)
            if violation is not None:
                raise dialect.words(violation, world.settings.behaviour)
        call = Call(
            world,
            account,
            dialect.request_id(seen.request_id),
            path_id,
            body,
            scope["query_string"],
            world.settings.public_url or _origin(scope, headers.host),
        )
        if headers.scenario or headers.unknown:
            self._choose(call, dialect, operation, headers, seen)
        answer = dialect.handlers[operation.operation_id](call)
        if isinstance(answer, Answer):
            return answer
        return await _unless_gone(answer, receive)

    def _decode(self, body: bytes | None) -> Any:
        behaviour = self._world.settings.behaviour
        if body is None:
            raise not_an_object(behaviour, "The request body is larger than 1 MB")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise not_an_object(behaviour, "The request body is not valid JSON") from None

    def _choose(
        self, call: Call, dialect: Dialect, operation: Operation, headers: Headers, seen: Seen
    ) -> None:
        warnings = [f"unknown header {name}" for name in headers.unknown]
        if headers.scenario:
            try:
                scenario = self._world.scenarios.named(headers.scenario)
            except UnknownScenario as error:
                raise Refused(Reason.PARAMETER_ILLEGAL, f"X-Mock-Scenario: {error}") from None
            if dialect.creates.get(operation.operation_id) in scenario.plans:
                call.scenario = scenario
            else:
                warnings.append(
                    f"scenario {scenario.name} does not apply to {operation.operation_id}"
                )
        if warnings and self._world.settings.strict:
            raise Refused(Reason.PARAMETER_ILLEGAL, "; ".join(warnings))
        seen.warnings += warnings

    def _refused(self, dialect: Dialect, refused: Refused, seen: Seen) -> Answer:
        if not seen.request_id:
            anonymous = self._world.accounts.anonymous
            seen.request_id = self._world.ids.request_id(
                anonymous.id, anonymous.ordinals.next("request")
            )
        answer = dialect.error(refused, dialect.request_id(seen.request_id))
        if refused.scenario:
            answer.headers.append((b"x-mock-scenario", refused.scenario.encode()))
        return answer

    def _dialect_of(self, operations: Any, raw_path: bytes) -> Dialect:
        if operations:
            return self._dialects[next(iter(operations.values())).dialect]
        path = raw_path.decode("latin-1")
        return next(item for item in self._by_base if path.startswith(item.base_path))

    def _no_path(self, scope: Scope, raw_path: bytes) -> str:
        path = raw_path.decode("latin-1")
        text = f"No resource {scope['method']} {path[:_LONGEST_HINTED_PATH]}"
        if len(path) > _LONGEST_HINTED_PATH:
            return text
        near = get_close_matches(path, self._world.contract.paths, n=1)
        return f"{text}; did you mean {near[0]}?" if near else text

    def _tell(
        self, scope: Scope, raw_path: bytes, answer: Answer, seen: Seen, began: float
    ) -> None:
        took_ms = (time.perf_counter() - began) * 1000
        self._world.publish(
            RequestAnswered(
                scope["method"],
                raw_path.decode("latin-1"),
                answer.status,
                answer.code,
                seen.account_id,
                round(took_ms, 1),
                answer.note,
            )
        )


def _headers(scope: Scope) -> Headers:
    authorization: bytes | None = None
    host = b""
    scenario = ""
    unknown: tuple[str, ...] = ()
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value
        elif name == b"host":
            host = value
        elif name == b"x-mock-scenario":
            scenario = value.decode("latin-1").strip()
        elif name.startswith(b"x-mock-") and name != b"x-mock-token":
            unknown = (*unknown, name.decode("latin-1"))
    return Headers(authorization, host, scenario, unknown)


def _origin(scope: Scope, host: bytes) -> str:
    """Scheme and authority as the client reached us; a Host that is none is not repeated."""
    if not _HOST.fullmatch(host):
        name, port = scope.get("server") or ("127.0.0.1", 80)
        host = f"[{name}]:{port}".encode() if ":" in name else f"{name}:{port}".encode()
    return f"{scope['scheme']}://{host.decode('ascii')}"


def _no_method(scope: Scope, operations: Any) -> str:
    known = ", ".join(sorted(operations))
    return f"Method {scope['method']} is not supported here; use {known}"


async def _read(receive: Receive) -> bytes | None:
    """The whole request body, or ``None`` when it is too large. It is read to its end in any case.

    A client that is still sending would otherwise see a broken connection instead of the answer.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    chunks = [body]
    size = len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
        else:
            chunks.clear()
    if message["type"] == "http.disconnect":
        raise ClientGone
    if size > MAX_BODY_BYTES:
        return None
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def _unless_gone(answer: Awaitable[Answer], receive: Receive) -> Answer:
    """Awaits an answer that is held, and gives up when the client does."""
    held = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({held, gone}, return_when=asyncio.FIRST_COMPLETED)
        if held.done():
            return held.result()
        raise ClientGone
    finally:
        held.cancel()
        gone.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: Send, answer: Answer) -> None:
    length = (b"content-length", b"%d" % len(answer.body))
    headers = [_JSON, length, *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
