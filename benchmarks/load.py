"""The load generator: a process of its own that reads slices of work and says how long each took.

A slice is one request, sent a number of times over a few keep-alive connections; each connection sends the next as soon
as the answer to the last is complete. Requests are prebuilt bytes and answers are not parsed beyond status line and
Content-Length, so this side costs a fraction of what a server costs; ``busy`` says which.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import cast

from uvicorn.loops.auto import auto_loop_factory

CONNECTIONS = 16
#: Seconds a slice may take: a server that hangs is a failure.
TIMEOUT_S = 60.0
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


@dataclass(frozen=True, slots=True)
class Slice:
    """What to send: ``count`` times ``request`` (latin-1 text) to a port of loopback, expecting ``status``."""

    port: int
    request: str
    count: int
    status: int = 200
    connections: int = CONNECTIONS


@dataclass(frozen=True, slots=True)
class Taken:
    """How a slice went: wall seconds, this process's busy share (1.0 is all of a core), the last answer's body."""

    seconds: float
    busy: float
    body: str


class Failed(RuntimeError):
    """Raised when a server answers with another status or closes the connection."""


class Work:
    """What the connections of one slice share: how much is left to send, and how much is unanswered."""

    def __init__(self, order: Slice, done: asyncio.Future[None]) -> None:
        self.request = order.request.encode("latin-1")
        self.expected = b"HTTP/1.1 %d " % order.status
        self.unsent = order.count
        self.unanswered = order.count
        self.done = done
        self.body = b""

    def fail(self, reason: str) -> None:
        """Ends the slice."""
        if not self.done.done():
            self.done.set_exception(Failed(reason))


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one in all but name

    def send(self) -> None:
        """Sends one request, if one is left."""
        work = self._work
        if work.unsent and self._transport is not None:
            work.unsent -= 1
            self._transport.write(work.request)

    def data_received(self, data: bytes) -> None:
        """Counts an answer once it is complete, and sends the next request."""
        if self._buffer:
            data = self._buffer + data
        end = data.find(_END)
        if end < 0:
            self._buffer = data
            return
        at = data.find(_LENGTH) + len(_LENGTH)
        size = int(data[at : data.find(b"\r", at)])
        if len(data) < end + 4 + size:
            self._buffer = data
            return
        self._buffer = b""
        work = self._work
        if not data.startswith(work.expected):
            work.fail(f"expected {work.expected.decode()}, got {data[:600].decode('latin-1')}")
            return
        work.unanswered -= 1
        if work.unsent:
            self.send()
        elif not work.unanswered and not work.done.done():
            work.body = data[end + 4 :]
            work.done.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """A connection that is lost before the end is a failure."""
        self._work.fail(f"the connection was closed: {exc}")

    def close(self) -> None:
        """Closes the connection."""
        if self._transport is not None:
            self._transport.close()


async def run(order: Slice) -> Taken:
    """Works through one slice; connections are opened before time is taken.

    Raises:
        Failed: an answer had another status, or a connection was closed.
        TimeoutError: the slice took longer than ``TIMEOUT_S``.
    """
    loop = asyncio.get_running_loop()
    work = Work(order, loop.create_future())
    clients: list[Client] = []
    for _ in range(min(order.connections, order.count)):
        _, client = await loop.create_connection(lambda: Client(work), "127.0.0.1", order.port)
        clients.append(client)
    began, cpu = time.perf_counter(), time.process_time()
    for client in clients:
        client.send()
    async with asyncio.timeout(TIMEOUT_S):
        await work.done
    seconds, busy = time.perf_counter() - began, time.process_time() - cpu
    for client in clients:
        client.close()
    return Taken(seconds, busy / seconds, work.body.decode("latin-1"))


def main() -> None:
    """Reads slices as JSON lines from standard input, and answers each with a line."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        for line in sys.stdin:
            taken = runner.run(run(Slice(**json.loads(line))))
            sys.stdout.write(json.dumps(asdict(taken)) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
