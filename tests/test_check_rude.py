"""``kling-mock check`` against servers that break HTTP itself: an end in time, a verdict or one line, no traceback."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import Message, Receive, Scope, Send

from contract_tests.meter import NotSent
from contract_tests.observation import Request
from contract_tests.sending import Sender
from contract_tests.wire import MOST_BYTES, Wire
from mock_server.http.app import create_app
from mock_server.settings import build
from tests.mutants import Rewritten
from tests.support import rude
from tests.support.checking import check
from tests.test_cli import is_one_line

#: Manners that are no HTTP answer, and what is said of them.
NO_ANSWER = {
    "hangs": (rude.hangs, "no whole answer within 1 s"),
    "resets": (rude.resets, "reset|closed"),
    "dribbles": (rude.dribbles, "no whole answer within 1 s"),
    "never_ends": (rude.never_ends, "body of more than|within 1 s"),
    "bombs": (rude.bombs, f"unpacks to more than {MOST_BYTES} bytes"),
    "cuts_short": (rude.cuts_short, "ends 498 bytes early"),
    "keeps_interim": (rude.keeps_interim, "one interim answer after the other"),
    "has_a_long_header": (rude.has_a_long_header, "header line"),
    "has_many_headers": (rude.has_many_headers, "100 headers"),
    "speaks_no_http": (rude.speaks_no_http, "no HTTP"),
}


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Connections that are closed again."""
    made = Wire()
    yield made
    made.close()


@pytest.mark.parametrize("name", NO_ANSWER)
def test_what_is_no_answer_ends_in_time(name: str, wire: Wire) -> None:
    """Whatever a server does, an exchange ends with an answer or a reason, soon after its time."""
    manner, words = NO_ANSWER[name]
    rude.bomb()  # takes a while, the first time
    began = time.monotonic()
    with rude.rude_server(manner) as url, pytest.raises(httpx2.TransportError, match=words):
        wire.exchange(Request("GET", f"{url}/"), 1.0)
    assert time.monotonic() - began < 10


def test_an_old_server_is_understood(wire: Wire) -> None:
    """HTTP/1.0 without a length is an answer."""
    with rude.rude_server(rude.is_old) as url:
        answer = wire.exchange(Request("GET", f"{url}/"), 5.0)
    assert (answer.status, answer.body) == (200, b"<html>welcome</html>")


class Leaving:
    """A server that answers the first request of a connection, and hangs up at the second, which it does not read.

    Attributes:
        connections: how many there were.
    """

    def __init__(self) -> None:
        self.connections = 0

    def __call__(self, connection: socket.socket, _request: bytes) -> None:
        """Answers, and waits until the next request is under way."""
        self.connections += 1
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        connection.recv(1)


def test_a_connection_that_ends_is_no_silence(wire: Wire) -> None:
    """A request that meets the end of a kept connection is sent again, over a new one."""
    leaving = Leaving()
    with rude.rude_server(leaving) as url:
        for _ in range(4):
            assert wire.exchange(Request("GET", f"{url}/"), 5.0).body == b"{}"
    assert leaving.connections == 4


def test_what_may_be_charged_is_not_asked_twice() -> None:
    """A request that may be charged has a connection of its own, so that it never has to be sent again."""
    leaving, wire = Leaving(), Wire(is_careful=True)
    with rude.rude_server(leaving) as url:
        for _ in range(3):
            assert wire.exchange(Request("POST", f"{url}/", {}, b"{}"), 5.0).body == b"{}"
    wire.close()
    assert leaving.connections == 3


def test_tls_on_a_plain_port_is_said(wire: Wire) -> None:
    """A plain server that is spoken to in TLS is no answer, and the reason says TLS."""
    with (
        rude.rude_server(rude.speaks_no_http) as url,
        pytest.raises(httpx2.ConnectError, match="no TLS"),
    ):
        wire.exchange(Request("GET", url.replace("http:", "https:") + "/"), 1.0)


def test_a_silent_server_is_given_up() -> None:
    """After four requests in a row without an answer nothing more is sent."""
    sender = Sender(timeout_s=1)
    with rude.rude_server(rude.hangs) as url:
        for _ in range(4):
            with pytest.raises(httpx2.ReadTimeout):
                sender.send(Request("GET", f"{url}/"), timeout_s=1)
        with pytest.raises(NotSent, match="gave up: 4 requests in a row"):
            sender.send(Request("GET", f"{url}/"))
    assert len(sender.silences) == 4
    sender.close()


def test_no_time_is_no_request() -> None:
    """When the time of the run is up, nothing is sent."""
    sender = Sender(limit_s=0.001)
    time.sleep(0.01)
    with pytest.raises(NotSent, match="--time-limit"):
        sender.send(Request("GET", "http://127.0.0.1:9/"))


@pytest.mark.parametrize("name", ["hangs", "cuts_short"])
def test_no_answer_is_no_verdict(name: str, tmp_path: Path) -> None:
    """Where the first question gets no answer, the exit code is 2 with one line."""
    with rude.rude_server(NO_ANSWER[name][0]) as url:
        run = check(url, "--free", "--timeout", "1", cwd=tmp_path)
    assert (run.code, run.out) == (2, "")
    assert is_one_line(run.err)
    assert NO_ANSWER[name][1] in run.err


@pytest.mark.parametrize(
    ("manner", "clause"),
    [(rude.fails, "server.no-5xx"), (rude.redirects_to_itself, "envelope.json")],
    ids=["fails", "redirects to itself"],
)
def test_a_wrong_answer_is_a_breach(manner: rude.Manner, clause: str, tmp_path: Path) -> None:
    """A server that fails at everything, or sends everybody in a circle, breaks clauses; the kit does not stumble."""
    with rude.rude_server(manner) as url:
        run = check(url, "--free", "--json", "--dialect", "klingai", cwd=tmp_path)
    assert run.code == 1, run.err
    assert clause in run.of("failed")
    assert run.report["errors"] == []


@pytest.mark.parametrize(
    ("manner", "words"),
    [(rude.is_a_page, "HTTP 200, text/html"), (rude.redirects_to_itself, "a redirect to ")],
    ids=["a page", "redirects"],
)
def test_a_site_is_no_such_api(manner: rude.Manner, words: str, tmp_path: Path) -> None:
    """A site that has a page, or a redirect, for whatever is asked is said to be no such API, at once."""
    with rude.rude_server(manner) as url:
        run = check(url, "--free", cwd=tmp_path)
    assert (run.code, run.out) == (2, "")
    assert is_one_line(run.err)
    assert words in run.err
    assert "no such API" in run.err


def test_falling_silent_is_loud(tmp_path: Path) -> None:
    """A server that answers no more is broken; that the rest was not looked at stands in a line of its own."""
    with rude.rude_server(rude.falls_silent(14)) as url:
        run = check(url, "--free", "--timeout", "1", "--dialect", "klingai", cwd=tmp_path)
    assert run.code == 1
    assert "server.answers (documented)" in run.out
    assert "\nGave up: 4 requests in a row got no answer" in run.out
    assert "THE KIT STUMBLED" not in run.out


class Dying:
    """A healthy application that closes the connection at texts with a NUL, as a crash does."""

    def __init__(self) -> None:
        self._app = create_app(build(quiet=True))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the mock does, or not at all."""
        seen = b""

        async def heard() -> Message:
            nonlocal seen
            message = await receive()
            seen += message.get("body", b"")
            if b"\\u0000" in seen:
                raise ConnectionResetError
            return message

        await self._app(scope, heard, send)


def test_a_crash_is_a_breach(tmp_path: Path) -> None:
    """A request at which the server hangs up breaks a clause, shows that request, and stops nothing else."""
    run = check(Dying(), "--json", "--dialect", "klingai", cwd=tmp_path)
    assert run.code == 1, run.err
    broken = {"server.answers", "server.no-5xx"} & set(run.of("failed"))
    assert broken
    assert "u0000" in run.clause(min(broken))["request"]
    assert "voice-delete.twice" in run.of("passed")


def test_ids_that_are_no_unicode_break_no_report(tmp_path: Path) -> None:
    """Task ids that end in half a surrogate pair are reported, by --json too, and nothing stumbles over them."""

    def halved(_path: str, status: int, body: Any) -> tuple[int, Any]:
        data = body.get("data")
        if isinstance(data, dict) and "task_id" in data:
            data = {**data, "task_id": f"{data['task_id']}\ud83c"}
        return status, {**body, "data": data}

    app = Rewritten(create_app(build(quiet=True)), halved)
    run = check(app, "--json", "--dialect", "klingai", cwd=tmp_path)
    assert run.code == 1, run.err
    assert "Traceback" not in run.err
    assert run.report["errors"] == []
