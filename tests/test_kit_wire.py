"""The kit's own HTTP client: connections that close between answers, and bodies that end early."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
import pytest

from contract_tests.observation import NOT_JSON, Request, decoded
from contract_tests.wire import Wire, unpacked

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def _closing(*answers: int) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads one request more than it answers on each connection; yields its URL and what it read.

    Args:
        answers: how many requests are answered on each connection, one after the other.
    """
    read: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket, count: int) -> None:
        with connection:
            for number in range(count + 1):
                read.append(connection.recv(65_536))
                if number < count:
                    connection.sendall(_ANSWER)

    def serve() -> None:
        for count in answers:
            connection, _ = listening.accept()
            threading.Thread(target=one, args=(connection, count), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", read
    finally:
        listening.close()


def test_a_connection_that_closes_between_answers_is_opened_anew() -> None:
    """What was sent over a connection that had been used before, and closed, is sent once more over a new one."""
    with _closing(1, 1) as (url, read):
        wire = Wire()
        answers = [wire.exchange(Request("GET", url), 5.0) for _ in range(2)]
        wire.close()
    assert [answer.status for answer in answers] == [200, 200]
    assert len([request for request in read if request]) == 3


def test_a_new_connection_that_closes_is_an_error() -> None:
    """A server that closes a new connection without an answer gave none: nothing is sent again."""
    with _closing(0, 1) as (url, read):
        wire = Wire()
        with pytest.raises(httpx2.ReadError):
            wire.exchange(Request("GET", url), 5.0)
        wire.close()
    assert len(read) == 1


def test_what_may_cost_is_never_sent_twice() -> None:
    """Where a POST may cost something it goes over a connection of its own."""
    with _closing(1, 1) as (url, read):
        wire = Wire(is_careful=True)
        for method in ("GET", "POST"):
            assert wire.exchange(Request(method, url), 5.0).status == 200
        sent = [request[:4] for request in read if request]
        wire.close()
    assert sent == [b"GET ", b"POST"]


def test_a_packed_body_that_ends_early_is_an_error() -> None:
    """A gzip body without its last bytes is refused, as many clients refuse it; an empty one is none."""
    headers = {"content-encoding": "gzip"}
    packed = gzip.compress(b'{"code": 0}')
    assert unpacked(headers, packed) == b'{"code": 0}'
    assert unpacked(headers, b"") == b""
    with pytest.raises(httpx2.RemoteProtocolError):
        unpacked(headers, packed[:-8])


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_no_json(word: str) -> None:
    """Words that stand for no number are not JSON, whatever Python's parser takes."""
    assert decoded(b'{"code": 0, "cost": %s}' % word.encode()) is NOT_JSON
    assert decoded(b'{"code": 0}') == {"code": 0}
