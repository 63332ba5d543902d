"""A receiver for very many callbacks: it says OK, notes what arrived, and costs next to nothing."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Sink:
    """A receiver on loopback, on a loop in a thread of its own. Look at it after the block.

    Attributes:
        bodies: what arrived, in the order of arrival.
        most_open: the most connections there ever were at once.
        connections: those that are open.
    """

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.most_open = 0
        self.connections: set[asyncio.Transport] = set()
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for connection in self.connections:
            connection.abort()
        self._loop.run_until_complete(server.wait_closed())
        self._loop.run_until_complete(
            asyncio.sleep(0)
        )  # aborted connections are closed in the next turn
        self._loop.close()

    def __enter__(self) -> Sink:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


class _Connection(asyncio.Protocol):
    """Requests with a Content-Length, one after the other."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        connections = self._sink.connections
        connections.add(transport)
        self._sink.most_open = max(self._sink.most_open, len(connections))

    def connection_lost(self, _exc: Exception | None) -> None:
        """Counts the connection no more."""
        if self._transport is not None:
            self._sink.connections.discard(self._transport)
            self._transport = None

    def data_received(self, data: bytes) -> None:
        """Notes and answers each request that is whole."""
        self._buffer += data
        while self._transport is not None:
            head, blank, rest = self._buffer.partition(b"\r\n\r\n")
            if not blank:
                return
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            if len(rest) < length:
                return
            self._sink.bodies.append(rest[:length])
            self._buffer = rest[length:]
            self._transport.write(_OK)
