"""Playing a fault: whether the operation is executed, what becomes of its answer, and how long that takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import orjson
from starlette.types import Receive, Scope

from mock_server.core.errors import Reason, Refused
from mock_server.core.fault import BodyFault, Commit, Fault
from mock_server.faults import Strike
from mock_server.http import request
from mock_server.http.breakage import can_break
from mock_server.http.choosing import NOTHING_CREATED
from mock_server.http.dialect import Call, Dialect
from mock_server.http.envelope import Answer
from mock_server.patching import patched
from mock_server.world import World

#: A gateway's page, as reverse proxies word it.
_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>%d %s</title></head>\n"
    b"<body><center><h1>%d %s</h1></center></body></html>\n"
)
_WORDS = {500: b"Internal Server Error", 502: b"Bad Gateway", 503: b"Service Unavailable"}
_WORDS |= {
    504: b"Gateway Time-out",
    404: b"Not Found",
    403: b"Forbidden",
    429: b"Too Many Requests",
}


class Faulting:
    """Plays faults in one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def play(
        self,
        call: Call,
        dialect: Dialect,
        scope: Scope,
        receive: Receive,
        run: Callable[[], Awaitable[Answer]],
    ) -> Answer:
        """The answer that an exchange which is struck gets.

        Args:
            run: executes the operation; refusals are answers.

        Raises:
            Refused: the fault needs a socket, came by header, and there is none; nothing changed.
            ClientGone: the client did not wait.
        """
        strike = call.strike
        fault = None if strike is None else strike.fault
        if strike is None or fault is None:
            return await run()
        if fault.needs_socket and not can_break(scope):
            return await self._without_socket(strike, fault, call, run)
        call.fault = _shown(fault.text)
        if fault.commit is Commit.NEVER:
            answer = dialect.error(
                Refused(fault.reason or Reason.SERVER_ERROR, fault.message), call.request_id
            )
        else:
            answer = await self._executed(strike, fault, call, run)
            if fault.reason is not None:
                answer = dialect.error(Refused(fault.reason, fault.message), call.request_id)
        if call.is_of_scenario and not answer.scenario and call.scenario is not None:
            answer.scenario = call.scenario.name
        answer = _distorted(answer, strike, fault, call)
        if fault.latency is not None:
            await self._pause(fault, call, receive)
        return answer

    async def _executed(
        self, strike: Strike, fault: Fault, call: Call, run: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        if fault.commit is Commit.AFTER:
            call.visible_after_ms = round(fault.visible_after_s * 1000)
        answer = await run()
        if fault.commit is Commit.AFTER and not call.created:
            strike.bypass()
            if _says_only(fault, "commit", "visible_after"):
                call.fault = ""
            if not call.warning:
                call.note(NOTHING_CREATED)
        return answer

    async def _without_socket(
        self, strike: Strike, fault: Fault, call: Call, run: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        words = f"{fault.socket} needs a real connection, and this server is in-process"
        if strike.source is None:
            raise Refused(Reason.PARAMETER_ILLEGAL, f"X-Mock-Fault: {words}")
        strike.bypass()
        call.note(words)
        return await run()

    async def _pause(self, fault: Fault, call: Call, receive: Receive) -> None:
        if fault.latency is None:
            return
        number = call.account.ordinals.next("latency")
        drawn = self._world.ids.fractions(call.account.id, f"latency {fault.text}", number)
        stopping = self._world.dispatcher.stopping
        pause = asyncio.sleep(fault.latency.draw(*drawn))
        await request.unless_gone(_unless_stopped(pause, stopping), receive)


async def _unless_stopped(pause: Awaitable[None], stopping: asyncio.Event | None) -> None:
    paused = asyncio.ensure_future(pause)
    waiting = {paused} if stopping is None else {paused, asyncio.ensure_future(_wait(stopping))}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for item in waiting:
            item.cancel()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


def _distorted(answer: Answer, strike: Strike, fault: Fault, call: Call) -> Answer:
    if fault.retry_after is not None:
        answer.headers = (*answer.headers, (b"retry-after", b"%d" % fault.retry_after))
    if fault.edit:
        edited = patched(orjson.loads(answer.body), fault.edit)
        if edited is None:
            strike.bypass()
            if _says_only(fault, "edit", "commit"):
                call.fault = ""
            if not call.is_of_scenario:  # a scenario edits what there is to edit
                call.note("the edit does not fit this answer")
        else:
            answer.body = edited
    match fault.body:
        case BodyFault.MALFORMED:
            answer.body = answer.body[:-1] + b",}"
        case BodyFault.TRUNCATED:
            answer.body = answer.body[: int(len(answer.body) * fault.fraction)]
        case BodyFault.WRONG_TYPE:
            answer.content_type = b"text/plain; charset=utf-8"
        case BodyFault.HTML:
            words = _WORDS.get(fault.status, b"Error")
            answer.status, answer.code = fault.status, None
            answer.body = _PAGE % (fault.status, words, fault.status, words)
            answer.content_type = b"text/html"
        case BodyFault.EMPTY:
            answer.body = b""
    return answer


def _says_only(fault: Fault, *keys: str) -> bool:
    """Whether a fault has no other effect than these."""
    return set(fault.value) <= set(keys)


def _shown(text: str) -> str:
    """A fault as a header may carry it."""
    return "".join(char if char.isprintable() and char.isascii() else "?" for char in text)[:200]
