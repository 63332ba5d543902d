"""The ASGI application of ``kling-mock listen``: takes callbacks in, and answers, forwards or misbehaves as planned."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from typing import NamedTuple

from starlette.types import Receive, Scope, Send

from mock_server.core.fault import SocketFault
from mock_server.core.verifying import verify
from mock_server.http import breakage
from mock_server.http.request import MAX_BODY_BYTES, ClientGone, body, unless_gone
from mock_server.listen_body import read
from mock_server.listen_book import Book
from mock_server.listen_forward import Forwarder, Headers
from mock_server.listen_options import BODILESS, Plan
from mock_server.listen_print import Delivery, Printer


class _Turn(Enum):
    """What happens to the first deliveries on purpose, in this order."""

    DROP = "dropped"
    HANG = "left hanging"
    FAIL = "failed"


class _Reply(NamedTuple):
    """An answer; ``words`` say why."""

    status: int
    words: str = ""
    headers: Headers = []  # noqa: RUF012  # never changed
    body: bytes | None = None


class Listener:
    """The application.

    Args:
        plan: how callbacks are received.
        printer: is told of everything.
        forwarder: where callbacks are handed on, if they are.
        on_enough: called once, when as many deliveries as planned have been dealt with.

    Attributes:
        done: deliveries that have been dealt with.
        stopping: set when the server stops; nobody is kept waiting then.
    """

    def __init__(
        self,
        plan: Plan,
        printer: Printer,
        forwarder: Forwarder | None,
        on_enough: Callable[[], None],
    ) -> None:
        self.done = 0
        self.stopping = asyncio.Event()
        self._plan = plan
        self._printer = printer
        self._forwarder = forwarder
        self._on_enough = on_enough
        self._book = Book()
        self._arrived = 0
        self._turns = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        reply = self._if_no_callback(scope)
        if reply is None:
            await self._deliver(scope, receive, send)
            return
        with suppress(ClientGone):
            await body(receive)
        self._printer.other(scope["method"], _shown_path(scope), reply.status, reply.words)
        await _answer(reply, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if self._forwarder is not None:
            await self._forwarder.close()
        await send({"type": "lifespan.shutdown.complete"})

    def _if_no_callback(self, scope: Scope) -> _Reply | None:
        below = self._plan.path.rstrip("/") + "/"
        if not (scope["path"] + "/").startswith(below):
            return _Reply(404, f"callbacks are posted to {self._plan.path}")
        if scope["method"] != "POST":
            return _Reply(405, "callbacks are posted", [(b"allow", b"POST")])
        return None

    async def _deliver(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        delivery = await self._taken_in(scope, receive)
        try:
            await self._respond(delivery, began, scope, receive, send)
        finally:
            self.done += 1
            if self.done == self._plan.count:
                self._on_enough()

    async def _taken_in(self, scope: Scope, receive: Receive) -> Delivery:
        at = int(time.time() * 1000)
        headers = _text_headers(scope)
        raw, gone = None, False
        try:
            raw = await body(receive)
        except ClientGone:
            gone = True
        self._arrived += 1
        delivery = Delivery(self._arrived, at, scope["method"], _shown_path(scope))
        delivery.webhook_id = headers.get("webhook-id", "")
        if gone:
            delivery.words = "the sender hung up before the body was complete"
        if raw is not None:
            delivery.raw = raw
            delivery.body = read(raw)
            delivery.verdict = verify(headers, raw, self._plan.keys, at // 1000)
            delivery.sighting = self._book.note(
                delivery.number,
                delivery.webhook_id,
                delivery.body.task_id,
                delivery.body.status,
                is_trusted=self._plan.accept_all or not delivery.verdict.is_bad,
            )
        return delivery

    async def _respond(
        self, delivery: Delivery, began: float, scope: Scope, receive: Receive, send: Send
    ) -> None:
        def tell() -> None:
            delivery.took_ms = round((time.perf_counter() - began) * 1000, 3)
            self._printer.delivery(delivery)

        if delivery.words:  # nobody is there to be answered
            tell()
            return
        try:
            reply = await self._planned(delivery, scope, receive)
        except ClientGone:
            delivery.words = "the sender hung up"
            tell()
            return
        if isinstance(reply, SocketFault):
            tell()
            # A fault answers only when the server stops and there is no connection to break.
            await breakage.play(reply, 503, [], b"", scope, receive, send, stopping=self.stopping)
            return
        delivery.status, delivery.words = reply.status, reply.words
        if delivery.is_success:  # before its sender knows, who may send the next at once
            self._book.accept(delivery.number, delivery.sighting)
        await _answer(reply, send)
        tell()

    def _refusal(self, delivery: Delivery) -> _Reply | None:
        if delivery.raw is None:
            return _Reply(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        if delivery.verdict.is_bad and not self._plan.accept_all:
            return _Reply(401, f"signature: {delivery.verdict.words}")
        return None

    async def _planned(
        self, delivery: Delivery, scope: Scope, receive: Receive
    ) -> _Reply | SocketFault:
        """What is answered by plan.

        Raises:
            ClientGone: the sender did not wait for it.
        """
        plan, refusal = self._plan, self._refusal(delivery)
        turn, words = self._turn() if refusal is None else (None, "")
        if plan.latency_s:
            await unless_gone(self._pause(plan.latency_s), receive)
        if refusal is not None:
            return refusal
        if turn is _Turn.DROP or turn is _Turn.HANG:
            delivery.words = words
            return SocketFault.CLOSE if turn is _Turn.DROP else SocketFault.HANG
        if turn is _Turn.FAIL:
            return _Reply(plan.fail_status, words, self._retry_after())
        if self._forwarder is None:
            return _Reply(plan.status, "", [] if plan.status < 300 else self._retry_after())
        return await unless_gone(self._forwarded(self._forwarder, delivery, scope), receive)

    def _turn(self) -> tuple[_Turn | None, str]:
        plan, number = self._plan, self._turns + 1
        self._turns = number
        for turn, times in (
            (_Turn.DROP, plan.drop_first),
            (_Turn.HANG, plan.hang_first),
            (_Turn.FAIL, plan.fail_first),
        ):
            if number <= times:
                return turn, f"{turn.value} on purpose ({number} of {times})"
            number -= times
        return None, ""

    def _retry_after(self) -> Headers:
        seconds = self._plan.retry_after
        return [] if seconds is None else [(b"retry-after", b"%d" % seconds)]

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def _forwarded(self, forwarder: Forwarder, delivery: Delivery, scope: Scope) -> _Reply:
        post = asyncio.ensure_future(forwarder.post(scope["headers"], delivery.raw or b""))
        stop = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait({post, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not post.done():
                return _Reply(502, "stopped before the target answered")
            found = delivery.forwarded = post.result()
        finally:
            post.cancel()
            stop.cancel()
            await asyncio.gather(post, stop, return_exceptions=True)
        if found.status is None:
            return _Reply(502, f"{forwarder.shown}: {found.error}")
        return _Reply(found.status, "", found.headers, found.body)


async def _answer(reply: _Reply, send: Send) -> None:
    headers = list(reply.headers)
    content = reply.body
    if content is None:
        value = {"error": reply.words} if reply.words else {"received": reply.status < 300}
        content = json.dumps(value).encode()
        headers.append((b"content-type", b"application/json"))
    if reply.status in BODILESS:
        content = b""
        headers = [pair for pair in headers if not pair[0].lower().startswith(b"content-")]
    else:
        headers.append((b"content-length", b"%d" % len(content)))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def _text_headers(scope: Scope) -> Mapping[str, str]:
    """The headers as text; of those that are there more than once, the values in a row."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("utf-8", "replace")
        found[name] = f"{found[name]} {value}" if name in found else value
    return found


def _shown_path(scope: Scope) -> str:
    """The path as it was sent; a query may hold a secret."""
    path: str = scope["raw_path"].decode("latin-1")
    return path + ("?..." if scope["query_string"] else "")
