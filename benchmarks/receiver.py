"""A receiver of callbacks that costs next to nothing: a raw protocol that keeps what arrives and answers 200.

``GET /taken`` answers with what arrived since it was last asked, and forgets it; so the benchmark sees that every
callback came, and gets the bodies that the bare client then posts again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import cast

from uvicorn.loops.auto import auto_loop_factory

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Arrived:
    """What the connections have received: heads without a target, which tell clients apart, and bodies in order."""

    def __init__(self) -> None:
        self.heads: set[bytes] = set()
        self.bodies: list[bytes] = []

    def taken(self) -> bytes:
        """All of it as JSON; forgets it."""
        value = {
            "heads": sorted(head.decode("latin-1") for head in self.heads),
            "bodies": [body.decode() for body in self.bodies],
        }
        self.heads, self.bodies = set(), []
        return json.dumps(value).encode()


class Connection(asyncio.Protocol):
    """One connection; a client sends the next request when it has the answer to the last."""

    def __init__(self, arrived: Arrived) -> None:
        self._arrived = arrived
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        """Answers a request once it is complete."""
        data = self._buffer + data
        end = data.find(_END)
        if end < 0:
            self._buffer = data
            return
        head = data[:end].lower()
        at = head.find(_LENGTH)
        size = int(head[at + len(_LENGTH) :].split(b"\r", 1)[0]) if at >= 0 else 0
        if len(data) < end + 4 + size:
            self._buffer = data
            return
        self._buffer = b""
        self._answer(head, data[end + 4 :])

    def _answer(self, head: bytes, body: bytes) -> None:
        if self._transport is None:
            return
        if head.startswith(b"get "):
            taken = self._arrived.taken() if head.startswith(b"get /taken ") else b""
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(taken))
            self._transport.write(taken)
            return
        self._arrived.heads.add(b"\n".join(sorted(head.split(b"\r\n")[1:])))
        self._arrived.bodies.append(body)
        self._transport.write(_OK)


async def serve(port: int) -> None:
    """Listens on loopback until the process ends."""
    arrived = Arrived()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(arrived), "127.0.0.1", port)
    await server.serve_forever()


def main() -> None:
    """Serves on loopback."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
