"""RunningServer: ready or an exception, several at once, nothing left behind."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from mock_server import RunningServer, Settings
from mock_server.datafile import BrokenFile
from mock_server.events import Event, RequestAnswered, TaskMoved
from mock_server.http.app import create_app
from mock_server.settings import SettingsError
from mock_server.sockets import CannotStart
from tests.http.api import EZ_PATH, EZ_SPEECH, Api
from tests.http.wire import connected, request
from tests.support.places import FIXTURES, copy_of
from tests.support.receiver import PATIENCE_S, Answer, Receiver


def is_healthy(url: str) -> bool:
    """Whether a mock answers at an address."""
    try:
        return httpx2.get(f"{url}/__mock__/health", trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def servers() -> set[threading.Thread]:
    """The threads of running servers."""
    return {thread for thread in threading.enumerate() if thread.name == "kling-mock"}


def has_succeeded(mock: Api, task_id: str) -> bool:
    """Whether a custom voice is ready."""
    return bool(mock.voice(task_id).data["task_status"] == "succeed")


@contextmanager
def nothing_left() -> Iterator[None]:
    """Holds that as many server threads are there afterwards as before."""
    before = servers()
    yield
    assert servers() == before


@contextmanager
def taken_port() -> Iterator[int]:
    """A port of loopback on which somebody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def eventually(happened: Callable[[], bool], what: str) -> None:
    """Waits, for a bounded time, until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    tick = threading.Event()
    while not happened():
        assert time.monotonic() < deadline, f"waited for {what}"
        tick.wait(0.005)


def test_server_is_ready_when_entered_and_gone_when_left() -> None:
    """Inside the with block requests are answered at once; afterwards nothing listens and no thread is left."""
    before = servers()
    with nothing_left():
        with RunningServer() as server:
            url = server.base_url
            assert is_healthy(url)
            assert len(servers() - before) == 1
        assert not is_healthy(url)


def test_port_0_is_a_free_port_and_the_default() -> None:
    """Several servers run at once on ports of their own, and share nothing."""
    with RunningServer() as one, RunningServer(port=0) as two:
        assert one.base_url != two.base_url
        assert one.settings.port == 0
        with httpx2.Client(trust_env=False) as client:
            task_id = Api(client, prefix=one.base_url).learn().data["task_id"]
            assert Api(client, prefix=one.base_url).voice(task_id).status == 200
            assert Api(client, prefix=two.base_url).voice(task_id).error == (400, 1201)


def test_base_url_of_a_stopped_server_is_an_error() -> None:
    """base_url and account need a running server, before the start and after the stop."""
    server = RunningServer()

    with pytest.raises(RuntimeError, match="not running"):
        _ = server.base_url
    with server:
        _ = server.base_url
    with pytest.raises(RuntimeError, match="not running"):
        server.account()


def test_second_start_is_refused_and_harmless() -> None:
    """Starting a running server is an error, and it goes on running."""
    with RunningServer() as server:
        url = server.base_url
        with pytest.raises(RuntimeError, match="running already"):
            server.start()
        assert server.base_url == url
        assert is_healthy(url)


def test_stop_is_idempotent_and_a_start_may_follow() -> None:
    """Stopping twice, or before a start, does nothing; a stopped server can be started again, with an empty world."""
    server = RunningServer(seed="again")
    server.stop()
    with nothing_left():
        first = server.start().account("k")
        Api(first.http.client, "k").learn(external_task_id="e")
        server.stop()
        server.stop()

        second = server.start().account("k")
        assert Api(second.http.client, "k").learn(external_task_id="e").status == 200
        server.stop()


def test_fixed_port_can_be_used_again_at_once() -> None:
    """A server restarts on the same port although connections of the last run linger."""
    with taken_port() as port:
        pass
    for _ in range(3):
        with RunningServer(port=port) as server:
            assert server.base_url == f"http://127.0.0.1:{port}"
            assert is_healthy(server.base_url)


def test_port_in_use_is_an_error_that_names_the_remedy() -> None:
    """A port in use raises CannotStart with the port and the way out; no thread is left, and it can be tried again."""
    with nothing_left(), taken_port() as port:
        server = RunningServer(port=port)
        with pytest.raises(CannotStart, match=rf"127\.0\.0\.1:{port}: .*--port 0"):
            server.start()
        with pytest.raises(CannotStart):
            server.start()


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-name.invalid", "127.0.0..1", "a" * 300])
def test_address_that_is_not_ours_is_an_error(host: str) -> None:
    """A host that cannot be listened on, or is none, raises CannotStart."""
    with nothing_left(), pytest.raises(CannotStart, match="cannot listen on"):
        RunningServer(host=host).start()


def test_settings_or_options_are_given_not_both() -> None:
    """Settings are given as an object or by name; unknown names and bad values are told before anything starts."""
    with RunningServer(Settings(port=0, quiet=True, seed="given")) as server:
        assert server.settings.seed == "given"
    with pytest.raises(TypeError):
        RunningServer(Settings(), port=0)
    with pytest.raises(SettingsError, match="prot"):
        RunningServer(prot=1)
    with pytest.raises(SettingsError, match="port"):
        RunningServer(port="x")


def test_broken_fixtures_are_an_error_and_leave_nothing(tmp_path: Path) -> None:
    """A broken fixtures folder raises BrokenFile, and neither thread nor socket is left."""
    folder = copy_of(FIXTURES, tmp_path)
    (folder / "voices.yaml").write_text("voices: 5\n", "utf-8")

    with nothing_left(), pytest.raises(BrokenFile, match=r"voices\.yaml:1"):
        RunningServer(fixtures=str(folder)).start()


@pytest.mark.parametrize("moment", ["startup", "before the app is asked"])
def test_app_that_cannot_start_is_an_error_and_leaves_nothing(moment: str) -> None:
    """An application whose lifespan fails raises CannotStart; the thread ends."""

    @asynccontextmanager
    async def failing(_app: Starlette) -> Any:
        raise OSError("no luck")
        yield

    starlette = Starlette(lifespan=failing)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if moment != "startup":
            raise OSError("no luck")
        await starlette(scope, receive, send)

    with nothing_left(), pytest.raises(CannotStart, match="did not become ready"):
        RunningServer(app=app).start()


def test_any_application_can_be_served() -> None:
    """An application given by the caller is served in place of the mock's own."""

    async def hello(_request: Any) -> PlainTextResponse:
        return PlainTextResponse("hello")

    with RunningServer(app=Starlette(routes=[Route("/", hello)])) as server:
        assert httpx2.get(server.base_url, trust_env=False).text == "hello"


def test_wrapped_mock_is_served() -> None:
    """The mock's own application can be wrapped, which is how it is changed for a test of clients."""
    mock = create_app()

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        await mock(scope, receive, send)

    with RunningServer(app=wrapped) as server:
        assert is_healthy(server.base_url)


def test_exception_in_the_block_stops_the_server() -> None:
    """A failing test body leaves no server running, and its exception is not replaced."""
    with nothing_left():
        server = RunningServer()
        with pytest.raises(ZeroDivisionError), server:
            is_healthy(f"{server.base_url}/{1 // 0}")
        with pytest.raises(RuntimeError, match="not running"):
            _ = server.base_url


def test_observer_is_told_of_requests_and_transitions() -> None:
    """The observer is told of each request with its status, code and account, and of each transition."""
    events: list[Event] = []
    with RunningServer(speed=0, quiet=False, publish=events.append) as server:
        account = server.account("k")
        Api(account.http.client, "k").learn()
        account.clock.advance(9)
        Api(account.http.client, "k").voice("nobody")
        eventually(lambda: len(events) >= 5, "five events")

    moved = [event.status for event in events if isinstance(event, TaskMoved)]
    asked = [
        (event.method, event.status, event.code)
        for event in events
        if isinstance(event, RequestAnswered)
    ]
    assert moved == ["submitted", "processing", "succeed"]
    assert asked == [("POST", 200, 0), ("GET", 400, 1201)]


def test_real_clock_moves_tasks_and_sends_callbacks() -> None:
    """With a fast clock and nobody advancing it, a voice gets ready and its callbacks arrive in order."""
    with Receiver() as receiver, RunningServer(speed=500) as server:
        mock = Api(server.account("k").http.client, "k")
        task_id = mock.learn(callback_url=receiver.url()).data["task_id"]

        receiver.wait_until(lambda: len(receiver.requests) == 2, "two callbacks")

        assert [item.json["task_status"] for item in receiver.requests] == ["processing", "succeed"]
        assert mock.voice(task_id).data == receiver.requests[-1].json


def test_unreachable_and_slow_receivers_disturb_nobody() -> None:
    """While one receiver does not answer and another is not there, the API answers and tasks go on."""
    with Receiver() as receiver, RunningServer(speed=500, callback_timeout=30) as server:
        receiver.script.append(Answer(after=receiver.gate()))
        mock = Api(server.account("k").http.client, "k")
        slow = mock.learn(callback_url=receiver.url()).data["task_id"]
        with taken_port() as port:
            pass
        gone = mock.learn(callback_url=f"http://127.0.0.1:{port}/").data["task_id"]
        receiver.wait_until(lambda: receiver.open == 1, "the callback that hangs")

        for task_id in (slow, gone):
            eventually(partial(has_succeeded, mock, task_id), "succeed")
        assert receiver.open == 1


def test_stop_does_not_wait_for_a_slow_receiver() -> None:
    """A callback that hangs holds up the stop by no more than its grace."""
    with Receiver() as receiver:
        receiver.script.append(Answer(after=receiver.gate()))
        with RunningServer(speed=500, callback_timeout=3600) as server:
            Api(server.account("k").http.client, "k").learn(callback_url=receiver.url())
            receiver.wait_until(lambda: receiver.open == 1, "the callback that hangs")
            began = time.monotonic()
        assert time.monotonic() - began < PATIENCE_S


def test_held_answer_comes_when_the_clock_gets_there() -> None:
    """EzModel's answer to a slow speech is held until the account's clock passes its end."""
    seen: list[Event] = []
    with RunningServer(speed=0, quiet=False, publish=seen.append) as server:
        account = server.account("k")
        with connected(server.base_url) as wire:
            body = b'{"text": "mock:slow", "voice_id": "voice_001"}'
            wire.send(request("POST", EZ_PATH, body))
            eventually(lambda: len(seen) >= 1, "the held request")
            account.clock.advance(29.9)
            account.clock.advance(0.1)
            reply = wire.reply()

    assert reply.status == 200
    assert reply.headers["x-mock-scenario"] == "slow"
    assert reply.value["data"]["duration"] > 0


def test_held_answer_is_let_go_when_the_server_stops() -> None:
    """A client whose answer is held gets EzModel's 500 when the server stops, and the stop is prompt."""
    seen: list[Event] = []
    server = RunningServer(speed=0, quiet=False, publish=seen.append).start()
    with connected(server.base_url) as wire:
        wire.send(request("POST", EZ_PATH, b'{"text": "mock:stuck", "voice_id": "voice_001"}'))
        eventually(lambda: len(seen) >= 1, "the held request")
        began = time.monotonic()
        server.stop()
        reply = wire.reply()

    assert time.monotonic() - began < PATIENCE_S
    assert (reply.status, reply.value["code"]) == (500, 500)
    assert "stopped" in reply.value["message"]


def test_held_answer_of_a_client_that_left_is_dropped() -> None:
    """When a client gives up waiting for a held answer, the server goes on and stops without it."""
    seen: list[Event] = []
    with nothing_left(), RunningServer(speed=0, quiet=False, publish=seen.append) as server:
        with connected(server.base_url) as wire:
            wire.send(request("POST", EZ_PATH, b'{"text": "mock:slow", "voice_id": "voice_001"}'))
            eventually(lambda: len(seen) >= 1, "the held request")
        account = server.account("k")
        account.clock.advance(60)
        assert (
            account.http.client.post(EZ_PATH, json=EZ_SPEECH, headers=account.headers()).status_code
            == 200
        )


def test_idle_connections_do_not_hold_up_the_stop() -> None:
    """Keep-alive connections that are open are closed by the stop."""
    with nothing_left(), RunningServer() as server, connected(server.base_url) as wire:
        wire.send(request("GET", "/v1/general/custom-voices"))
        assert wire.reply().status == 200
        server.stop()
        assert wire.is_closed()
