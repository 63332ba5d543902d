"""HTTP by hand over a real socket: what no client library would send."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

#: Real seconds that a test waits for an answer. It comes in a fraction of one.
PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it came over the socket."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def value(self) -> Any:
        """The decoded JSON body."""
        assert self.headers["content-type"] == "application/json", self
        return json.loads(self.body)


class Wire:
    """A connection on which bytes are sent as they are, and answers are read one after the other."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._file = connection.makefile("rb")

    def send(self, data: bytes) -> None:
        """Sends bytes."""
        self._socket.sendall(data)

    def reply(self, *, has_body: bool = True) -> Reply:
        """Reads the next answer; an answer to HEAD has no body."""
        line = self._file.readline()
        assert line.startswith(b"HTTP/1.1 "), line
        headers = {}
        while (header := self._file.readline().strip()) != b"":
            name, _, value = header.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = self._file.read(int(headers.get("content-length", 0))) if has_body else b""
        return Reply(int(line.split()[1]), headers, body)

    def line(self) -> bytes:
        """Reads a line; nothing when the server has closed the connection."""
        return self._file.readline()

    def is_closed(self) -> bool:
        """Whether the server has closed the connection, with nothing more to read."""
        return self._file.read(1) == b""

    def close(self) -> None:
        """Closes the connection."""
        self._file.close()
        self._socket.close()


@contextmanager
def connected(base_url: str) -> Iterator[Wire]:
    """A connection to a server."""
    address = urlsplit(base_url)
    connection = socket.create_connection((address.hostname, address.port), PATIENCE_S)
    wire = Wire(connection)
    try:
        yield wire
    finally:
        wire.close()


def head(method: str, path: str, *headers: str, key: str = "k") -> bytes:
    """The head of a request; a key of nothing sends no credential."""
    lines = [f"{method} {path} HTTP/1.1", "Host: kling.test", *headers]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def request(method: str, path: str, body: bytes = b"", *headers: str, key: str = "k") -> bytes:
    """A whole request with its length."""
    return head(method, path, f"Content-Length: {len(body)}", *headers, key=key) + body


def chunked(body: bytes, size: int) -> bytes:
    """A body in chunks of a size."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
    return framed + b"0\r\n\r\n"
