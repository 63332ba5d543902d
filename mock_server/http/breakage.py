"""Breaking connections: what a client meets when a server, or the network before it, fails below HTTP.

ASGI has no words for a reset, so these faults act on the connection's transport, which the server puts into the scope's
extensions. Where it is not there, as in-process, only the faults that need none can be played.

Uvicorn answers 500, and logs, when an application ends without an answer on a connection that is still there. So a
fault has been played only when the server has said that the connection is gone.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.types import Receive, Scope, Send

from mock_server.core.fault import SocketFault

#: The extension of a scope that holds the transport of its connection.
TRANSPORT = "kling_mock.transport"
#: Bytes that are announced but never sent, with ``short-body``.
MISSING_BYTES = 1000
#: Whole lines, so that clients reading lines need not wait to see that this is no HTTP.
GARBAGE = b"\x00\xff this is not HTTP\r\n\r\n"
#: No hexadecimal number.
BAD_CHUNK = b"xyz\r\n"

#: Wall seconds that a client gets to take what is sent before a reset. One that reads needs none.
_FLUSH_S = 5.0
_POLL_S = 0.001
#: On, and no time to send what is left: closing is a reset then. Windows has a structure of its own.
_RESET = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
#: Linux: how many bytes the kernel holds that were not sent yet. A reset throws them away.
_SIOCOUTQNSD = 0x894B

Headers = list[tuple[bytes, bytes]]


class Stopping(Protocol):
    """Says when the server stops. An ``asyncio.Event`` is one."""

    async def wait(self) -> object:
        """Returns when the server is stopping, or at once when it is already."""


def can_break(scope: Scope) -> bool:
    """Whether the connection of a request can be broken; never in-process."""
    return _transport(scope) is not None


async def play(
    fault: SocketFault,
    status: int,
    headers: Headers,
    body: bytes,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    over_s: float = 1.0,
    chunks: int = 10,
    stopping: Stopping | None = None,
) -> None:
    """Plays a fault instead of sending an answer; returns when the answer is complete or the connection gone.

    Args:
        fault: which. ``dribble`` and ``hang`` need no transport.
        status: of the answer, like its headers and body, as far as the fault sends it.
        over_s: wall seconds that a dribbled answer takes.
        chunks: pieces of a dribbled answer, at least one.
        stopping: ends the fault, and with it the connection, when the server stops. In-process, where there is no
            connection, a request that hangs is then answered.

    Raises:
        RuntimeError: the fault needs the transport, and the scope has none; nothing was sent.
    """
    answer = _Answer(status, headers, body, receive, send)
    transport = _transport(scope)
    if fault is SocketFault.DRIBBLE:
        acting = _dribble(answer, over_s, chunks)
    elif fault is SocketFault.HANG:
        acting = _hang(answer, stopping if transport is None else None)
    elif transport is not None:
        acting = _break(fault, answer, transport)
    else:
        raise RuntimeError(f"{fault} needs a connection that can be broken")
    await _until_stopping(acting, transport, stopping)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer and the ways to and from its client."""

    status: int
    headers: Headers
    body: bytes
    receive: Receive
    send: Send

    async def start(self, headers: Headers | None = None) -> None:
        """Sends the head."""
        headers = self.headers if headers is None else headers
        await self.send({"type": "http.response.start", "status": self.status, "headers": headers})

    async def part(self, body: bytes, *, last: bool = False) -> None:
        """Sends some of the body."""
        await self.send({"type": "http.response.body", "body": body, "more_body": not last})

    async def gone(self) -> None:
        """Waits until the client is gone; what it still sends of the request is thrown away."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    def headers_with(self, name: bytes, value: bytes) -> Headers:
        """The headers with another framing."""
        framing = (b"content-length", b"transfer-encoding")
        kept = [pair for pair in self.headers if pair[0].lower() not in framing]
        return [*kept, (name, value)]


async def _break(fault: SocketFault, answer: _Answer, transport: asyncio.Transport) -> None:
    if fault is SocketFault.RESET_IN_BODY:
        # An empty body is announced as one byte: with the head alone the answer would be complete.
        length = max(len(answer.body), 1)
        await answer.start(answer.headers_with(b"content-length", b"%d" % length))
        await answer.part(answer.body[: len(answer.body) // 2])
    elif fault is SocketFault.SHORT_BODY:
        length = len(answer.body) + MISSING_BYTES
        await answer.start(answer.headers_with(b"content-length", b"%d" % length))
        await answer.part(answer.body)
    elif fault is SocketFault.BAD_CHUNK:
        await answer.start(answer.headers_with(b"transfer-encoding", b"chunked"))
        _write(transport, BAD_CHUNK + answer.body)
    elif fault is SocketFault.GARBAGE:
        _write(transport, GARBAGE)
    if fault in (SocketFault.RESET, SocketFault.RESET_IN_BODY):
        await _reset(transport)
    else:
        transport.close()  # sends what is written first
    await answer.gone()


def _write(transport: asyncio.Transport, data: bytes) -> None:
    if not transport.is_closing():  # uvloop raises where asyncio is silent
        transport.write(data)


async def _reset(transport: asyncio.Transport) -> None:
    """Breaks the connection with a RST, after what was written before, of this answer and of those before it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _FLUSH_S
    # No event tells what the kernel has sent.
    while not transport.is_closing() and _unsent(transport) and loop.time() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(_POLL_S)
    if not transport.is_closing():
        with suppress(OSError):  # macOS: the client was faster
            transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _RESET
            )
    transport.abort()


def _unsent(transport: asyncio.Transport) -> int:
    """Bytes that a reset would throw away, as far as this system tells."""
    waiting = transport.get_write_buffer_size()
    if waiting:
        return waiting
    if sys.platform == "linux":
        from fcntl import ioctl

        with suppress(OSError):
            kept = ioctl(transport.get_extra_info("socket").fileno(), _SIOCOUTQNSD, bytes(4))
            return int.from_bytes(kept, sys.byteorder)
    return 0


async def _hang(answer: _Answer, stopping: Stopping | None) -> None:
    """Until the client is gone; given ``stopping``, there is no connection to abort, so then it is answered."""
    if stopping is None:
        await answer.gone()
        return
    async with _beside(answer.gone()) as gone, _beside(stopping.wait()) as stop:
        await asyncio.wait({gone, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not gone.done():
            await answer.start()
            await answer.part(answer.body, last=True)


async def _dribble(answer: _Answer, over_s: float, chunks: int) -> None:
    """The head at once; each piece after its share of the time, so that the answer takes all of it."""
    loop = asyncio.get_running_loop()
    began, size = loop.time(), len(answer.body)
    async with _beside(answer.gone()) as gone:
        await answer.start()
        for piece in range(1, chunks + 1):
            pause = began + over_s * piece / chunks - loop.time()
            await asyncio.wait({gone}, timeout=max(0.0, pause))
            if gone.done():
                return
            part = answer.body[size * (piece - 1) // chunks : size * piece // chunks]
            await answer.part(part, last=piece == chunks)


async def _until_stopping(
    acting: Coroutine[Any, Any, None],
    transport: asyncio.Transport | None,
    stopping: Stopping | None,
) -> None:
    if transport is None or stopping is None:
        await acting
        return
    async with _beside(_abort_when(stopping, transport)):
        await acting  # which ends when the connection does


async def _abort_when(stopping: Stopping, transport: asyncio.Transport) -> None:
    await stopping.wait()
    transport.abort()


@asynccontextmanager
async def _beside(doing: Coroutine[Any, Any, object]) -> AsyncIterator[asyncio.Task[object]]:
    """Something else that goes on meanwhile, and ends with the block."""
    task = asyncio.create_task(doing)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _transport(scope: Scope) -> asyncio.Transport | None:
    found: asyncio.Transport | None = (scope.get("extensions") or {}).get(TRANSPORT)
    return found
