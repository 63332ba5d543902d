"""Servers that break HTTP itself, each in one way, on real sockets."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

Manner = Callable[[socket.socket, bytes], None]

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@cache
def bomb() -> bytes:
    """64 MiB, packed."""
    return gzip.compress(bytes(2**26), 1)


def hangs(connection: socket.socket, _request: bytes) -> None:
    """Reads, and never answers."""
    with contextlib.suppress(OSError):
        while connection.recv(65_536):
            pass


def resets(connection: socket.socket, _request: bytes) -> None:
    """Closes without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def dribbles(connection: socket.socket, _request: bytes) -> None:
    """Sends a header that goes on for ever, a byte at a time."""
    connection.sendall(_HEAD + b"X-Slow: ")
    while True:
        connection.sendall(b"x")
        time.sleep(0.2)


def never_ends(connection: socket.socket, _request: bytes) -> None:
    """Sends a body without an end."""
    connection.sendall(_HEAD + b"\r\n")
    while True:
        connection.sendall(b"x" * 65_536)


def bombs(connection: socket.socket, _request: bytes) -> None:
    """Sends little that unpacks to much."""
    size = str(len(bomb())).encode()
    connection.sendall(
        _HEAD + b"Content-Encoding: gzip\r\nContent-Length: " + size + b"\r\n\r\n" + bomb()
    )


def cuts_short(connection: socket.socket, _request: bytes) -> None:
    """Promises more bytes than it sends."""
    connection.sendall(_HEAD + b"Content-Length: 500\r\n\r\n{}")


def promises_less(connection: socket.socket, _request: bytes) -> None:
    """Sends more bytes than it promises."""
    connection.sendall(_HEAD + b'Content-Length: 1\r\n\r\n{"code": 0}' * 3)


def redirects_to_itself(connection: socket.socket, request: bytes) -> None:
    """Sends everybody back to where they came from."""
    path = request.split(b" ")[1]
    connection.sendall(
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: " + path + b"\r\nContent-Length: 0\r\n\r\n"
    )


def keeps_interim(connection: socket.socket, _request: bytes) -> None:
    """Announces an answer without an end."""
    while True:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")


def is_old(connection: socket.socket, _request: bytes) -> None:
    """Speaks HTTP/1.0 without a length, and no JSON."""
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n<html>welcome</html>")


def is_no_json(connection: socket.socket, _request: bytes) -> None:
    """Answers 200 with broken JSON that says it is JSON."""
    connection.sendall(_HEAD + b'Content-Length: 9\r\n\r\n{"code":0')


def has_a_long_header(connection: socket.socket, _request: bytes) -> None:
    """Sends a header of megabytes."""
    connection.sendall(_HEAD + b"X-Long: " + b"x" * 4_000_000 + b"\r\nContent-Length: 2\r\n\r\n{}")


def has_many_headers(connection: socket.socket, _request: bytes) -> None:
    """Sends thousands of headers."""
    connection.sendall(_HEAD + b"X-Many: x\r\n" * 5000 + b"Content-Length: 2\r\n\r\n{}")


def speaks_no_http(connection: socket.socket, _request: bytes) -> None:
    """Speaks another protocol."""
    connection.sendall(b"220 mail.example.com ESMTP\r\n")


def fails(connection: socket.socket, _request: bytes) -> None:
    """Answers 500 with a page to everything."""
    body = b"<html>Internal Server Error</html>"
    size = str(len(body)).encode()
    connection.sendall(
        b"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\nContent-Length: "
        + size
        + b"\r\n\r\n"
        + body
    )


def is_a_page(connection: socket.socket, _request: bytes) -> None:
    """Answers everything with a page and 200."""
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\n\r\n<html>hi</html>"
    )


def falls_silent(first: int) -> Manner:
    """Answers so many requests, and then hangs."""
    answered = 0

    def manner(connection: socket.socket, request: bytes) -> None:
        nonlocal answered
        answered += 1
        if answered > first:
            hangs(connection, request)
        else:
            fails(connection, request)

    return manner


@contextmanager
def rude_server(manner: Manner) -> Iterator[str]:
    """A server that answers each connection's first request in one manner, and closes; yields where it is."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    connections: list[socket.socket] = []

    def answer(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(65_536)
                if not part:
                    return
                head += part
            manner(connection, head)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
