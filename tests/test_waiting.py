"""Waiting on the server's side while a client acts: nobody sleeps, and a wait that is in vain ends."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx2
import pytest

from mock_server import RunningServer
from mock_server.waiting import Waits
from tests.http.api import EZ_PATH, EZ_SPEECH, Api
from tests.support.receiver import PATIENCE_S, Answer, Receiver

#: Real seconds that a wait may take at most when nothing goes wrong; it takes a fraction of one.
LONG_S = 8
SECOND = 1000
_keys = count()
#: Waits that have begun on a server and that no test has taken note of.
_begun = threading.Semaphore(0)

Waited = Future[tuple[int, Any]]


@pytest.fixture(autouse=True)
def _beginnings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a test know that its wait has begun: what it does then comes after."""
    until = Waits.until

    def noted(*arguments: Any, **options: Any) -> Any:
        _begun.release()
        return until(*arguments, **options)

    monkeypatch.setattr(Waits, "until", noted)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server whose clock stands still."""
    with RunningServer(speed=0, callback_timeout=PATIENCE_S) as running:
        yield running


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads that wait."""
    with ThreadPoolExecutor(8) as threads:
        yield threads


@pytest.fixture
def mock(server: RunningServer) -> Iterator[Api]:
    """A new account of the server."""
    with client_of(server) as client:
        yield Api(client, f"waiting-{next(_keys)}")


def client_of(server: RunningServer) -> httpx2.Client:
    """A client with patience."""
    return httpx2.Client(base_url=server.base_url, timeout=LONG_S, trust_env=False)


class Elsewhere:
    """An account as a thread of its own uses it: a call that is held up holds up nobody else."""

    def __init__(self, mock: Api, pool: ThreadPoolExecutor) -> None:
        self._mock = mock
        self._pool = pool

    def call(self, path: str, body: Any) -> Waited:
        """Begins a control call."""
        return self._pool.submit(self._control, path, body)

    def wait(self, what: str, match: dict[str, Any], **more: Any) -> Waited:
        """Begins a wait; returns when the server has begun it."""
        waiting = self.call("/wait", {"for": what, "match": match, "timeout": LONG_S, **more})
        assert _begun.acquire(timeout=PATIENCE_S)
        return waiting

    def _control(self, path: str, body: Any) -> tuple[int, Any]:
        url = str(self._mock.http.base_url)
        with httpx2.Client(base_url=url, timeout=LONG_S, trust_env=False) as client:
            return Api(client, self._mock.key).control("POST", path, body)


@pytest.fixture
def elsewhere(mock: Api, pool: ThreadPoolExecutor) -> Elsewhere:
    """The account in another thread."""
    return Elsewhere(mock, pool)


def held(future: Waited, mock: Api, act: Callable[[], object]) -> None:
    """Acts, and sees that the call in the other thread still waits after the server did something else."""
    act()
    assert mock.control("GET", "/clock")[0] == 200
    assert not future.done()


def test_wait_for_a_request_ends_with_its_answer(mock: Api, elsewhere: Elsewhere) -> None:
    """A wait for a request goes on while others come, and ends when one matches; it is then in the journal."""
    waiting = elsewhere.wait("request", {"operation": "getCustomVoice", "status": 200})
    held(waiting, mock, lambda: mock.voice("nobody"))
    task_id = mock.learn().data["task_id"]
    mock.voice(task_id)

    status, value = waiting.result(LONG_S)

    assert status == 200
    assert [(item["number"], item["task_id"]) for item in value["found"]] == [(3, task_id)]


def test_wait_for_several_requests_counts_from_since(mock: Api, elsewhere: Elsewhere) -> None:
    """With count it ends at the last one wanted; with since those before do not count."""
    for _ in range(2):
        mock.voices()
    both = elsewhere.wait("request", {"operation": "listCustomVoices"}, count=4)
    later = elsewhere.wait("request", {"operation": "listCustomVoices"}, count=2, since=2)
    held(both, mock, mock.voices)
    held(later, mock, mock.presets)
    mock.voices()

    assert [item["number"] for item in both.result(LONG_S)[1]["found"]] == [1, 2, 3, 5]
    assert [item["number"] for item in later.result(LONG_S)[1]["found"]] == [3, 5]


def test_wait_for_a_task_ends_when_somebody_moves_it(mock: Api, elsewhere: Elsewhere) -> None:
    """A wait for a status ends by an advance or a transition, and not before."""
    advanced = mock.learn(external_task_id="advanced").data["task_id"]
    by_time = elsewhere.wait("task", {"task": "advanced", "status": "succeed"})
    held(by_time, mock, lambda: mock.advance(8.999))
    moved = mock.learn().data["task_id"]
    by_hand = elsewhere.wait("task", {"task": moved})
    held(by_hand, mock, lambda: mock.voice(moved))
    mock.control("POST", f"/tasks/{moved}/transition", {"to": "succeed"})
    assert by_hand.result(LONG_S)[1]["found"][0]["status"] == "succeed"

    mock.advance(0.001)

    status, value = by_time.result(LONG_S)
    assert (status, value["found"][0]["task_id"], value["events"]) == (200, advanced, [])


def test_wait_for_a_task_that_queries_move(pool: ThreadPoolExecutor) -> None:
    """Under the polls progression the client's own queries end the wait; skipping time would not: 409."""
    with RunningServer(speed=0, progression="polls") as other, client_of(other) as client:
        mock = Api(client)
        task_id = mock.learn().data["task_id"]
        match = {"task": task_id, "status": "succeed"}
        waiting = Elsewhere(mock, pool).wait("task", match)
        skipping = Elsewhere(mock, pool).wait("task", match, skip=True)
        assert skipping.result(LONG_S)[0] == 409
        held(waiting, mock, lambda: mock.voice(task_id))
        mock.voice(task_id)

        assert waiting.result(LONG_S)[0] == 200


def test_wait_becomes_hopeless(mock: Api, elsewhere: Elsewhere) -> None:
    """A wait whose status is cut from the plan meanwhile ends at once with 409."""
    task_id = mock.learn().data["task_id"]
    waiting = elsewhere.wait("task", {"task": task_id, "status": "succeed"})
    held(waiting, mock, lambda: mock.voice(task_id))

    mock.control("POST", f"/tasks/{task_id}/transition", {"to": "failed", "message": "No"})

    status, value = waiting.result(LONG_S)
    assert (status, "is failed and never gets to succeed" in value["error"]) == (409, True)


def test_wait_for_a_callback_ends_with_its_attempt(mock: Api, elsewhere: Elsewhere) -> None:
    """A wait for a callback ends when an attempt has ended as wanted: task, status, answer, count, since."""
    with Receiver() as receiver:
        receiver.script.append(Answer(status=500))
        first = mock.learn(callback_url=receiver.url(), external_task_id="e").data["task_id"]
        mock.learn(callback_url=receiver.url())
        anything = elsewhere.wait("callback", {})
        done = elsewhere.wait("callback", {"task": "e", "task_status": "succeed", "status": 200})
        all_four = elsewhere.wait("callback", {}, count=3, since=1)
        held(done, mock, lambda: mock.advance(2))

        assert anything.result(LONG_S)[1]["found"][0]["number"] == 1
        held(all_four, mock, lambda: mock.advance(6))
        mock.advance(1)
        assert [item["number"] for item in all_four.result(LONG_S)[1]["found"]] == [2, 3, 4]
        (found,) = done.result(LONG_S)[1]["found"]
        assert (found["task_id"], found["task_status"], found["status"]) == (first, "succeed", 200)


def test_wait_in_vain_says_what_happened_instead(mock: Api, elsewhere: Elsewhere) -> None:
    """408 names the nearest request, the task's status, and the last callback attempts."""
    mock.learn(callback_url="http://127.0.0.1:1/", external_task_id="e")
    mock.advance(2)

    cases: list[tuple[str, dict[str, Any], str]] = [
        ("request", {"body": {"voice_name": "Bob"}}, "body.voice_name is 'Ada', not 'Bob'"),
        ("task", {"task": "e"}, "it is processing (next due in 7 s"),
        ("callback", {"task_status": "succeed"}, " processing -> "),
    ]
    for what, match, words in cases:
        status, value = elsewhere.wait(what, match, timeout=0.05).result(LONG_S)
        assert status == 408
        assert f"waited 0.05 s for {what}: found 0 of 1" in value["error"]
        assert words in value["error"]


def test_skip_lets_time_pass_while_somebody_waits(mock: Api, elsewhere: Elsewhere) -> None:
    """Skipping jumps from due to due until it is found, awaits the callbacks on the way, and then time stands still."""
    with Receiver() as receiver:
        mock.learn(callback_url=receiver.url())
        slow = mock.learn(voice_name="mock:slow").data["task_id"]
        begin = mock.control("GET", "/clock")[1]["now"]

        match = {"task_status": "succeed"}
        status, value = elsewhere.wait("callback", match, skip=True).result(LONG_S)

        assert (status, value["now"] - begin) == (200, 9 * SECOND)
        assert [item["event"] for item in value["events"]].count("callback_attempt") == 2
        assert mock.control("GET", "/clock")[1]["now"] == value["now"]
        assert mock.voice(slow).data["task_status"] != "succeed"


def test_skip_with_nothing_due_waits_for_the_client(mock: Api, elsewhere: Elsewhere) -> None:
    """A skip that has nowhere to go moves nothing, and ends when the client acts."""
    begin = mock.control("GET", "/clock")[1]["now"]
    waiting = elsewhere.wait("request", {"operation": "createCustomVoice"}, skip=True)
    held(waiting, mock, mock.voices)

    mock.learn()

    assert waiting.result(LONG_S)[1]["now"] == begin


@pytest.mark.parametrize(
    ("what", "match"),
    [("request", {}), ("task", {"task": "e"}), ("callback", {})],
)
@pytest.mark.parametrize("skip", [False, True])
def test_reset_ends_a_wait(
    mock: Api, elsewhere: Elsewhere, what: str, match: dict[str, Any], skip: bool
) -> None:
    """A reset ends every wait on the account with 503, and none on another one."""
    with Receiver() as receiver:
        gate = receiver.gate()
        receiver.script.append(Answer(after=gate))
        mock.learn(callback_url=receiver.url(), external_task_id="e")
        wanted = {"method": "DELETE"} if what == "request" else match
        waiting = elsewhere.wait(what, wanted, skip=skip)
        if skip:
            receiver.wait_until(lambda: receiver.open == 1, "the callback")
        held(waiting, mock, mock.voices)

        assert mock.control("POST", "/reset")[0] == 200

        status, value = waiting.result(LONG_S)
        assert (status, "reset" in value["error"]) == (503, True)
        gate.set()
        assert mock.control("GET", "/callbacks")[1] == {"callbacks": [], "dropped": 0}


@pytest.mark.parametrize(
    ("what", "skip"), [("request", False), ("task", False), ("callback", False), ("task", True)]
)
def test_stop_ends_a_wait(pool: ThreadPoolExecutor, what: str, skip: bool) -> None:
    """A server that stops ends every wait with 503 and does not wait for it, nor for what a skip awaits."""
    with Receiver() as receiver, RunningServer(speed=0, callback_timeout=LONG_S) as stopping:
        gate = receiver.gate()
        receiver.script.append(Answer(after=gate))
        with client_of(stopping) as client:
            mock = Api(client)
            mock.learn(callback_url=receiver.url(), external_task_id="e")
            match = {"task": "e"} if what != "request" else {"method": "DELETE"}
            waiting = Elsewhere(mock, pool).wait(what, match, skip=skip)
            if skip:
                receiver.wait_until(lambda: receiver.open == 1, "the callback")
            held(waiting, mock, mock.voices)
        stopper = threading.Thread(target=stopping.stop)
        stopper.start()
        stopper.join(PATIENCE_S)
        assert not stopper.is_alive()

        status, value = waiting.result(PATIENCE_S)
        assert (status, "stopped" in value["error"]) == (503, True)
        gate.set()


def test_held_answer_and_wait_end_together(
    mock: Api, elsewhere: Elsewhere, pool: ThreadPoolExecutor
) -> None:
    """A skip that began before lets a held EzModel answer come: whoever asked gets it, and the wait finds it."""
    mock.control("PUT", "/scenario", {"scenario": "slow"})
    headers = {"authorization": f"Bearer {mock.key}"}
    waiting = elsewhere.wait("request", {"operation": "createSpeech"}, skip=True)
    asking = pool.submit(
        lambda: httpx2.post(
            f"{mock.http.base_url}{EZ_PATH}".replace("//kling", "/kling"),
            json=EZ_SPEECH,
            headers=headers,
            timeout=LONG_S,
            trust_env=False,
        )
    )

    status, value = waiting.result(LONG_S)

    assert (status, asking.result(LONG_S).status_code) == (200, 200)
    assert value["found"][0]["status"] == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tasks/{id}/transition", {"to": "processing"}),
        ("/clock/advance", {"until": {"task": "{id}", "status": "succeed"}}),
        ("/wait", {"for": "task", "match": {"task": "{id}"}, "skip": True}),
    ],
)
def test_call_that_a_reset_overtakes_is_of_the_new_epoch(
    mock: Api, path: str, body: dict[str, Any]
) -> None:
    """A call whose body comes after the reset meets no task of before: 404, nothing is sent, and the server goes on."""
    with Receiver() as receiver:
        task_id = mock.learn(callback_url=receiver.url()).data["task_id"]
        sent = json.dumps(body).replace("{id}", task_id).encode()
        url = mock.http.base_url
        head = (
            f"POST /__mock__{path.replace('{id}', task_id)} HTTP/1.1\r\nhost: {url.host}:{url.port}\r\n"
            f"authorization: Bearer {mock.key}\r\ncontent-length: {len(sent)}\r\n\r\n"
        )
        with socket.create_connection((url.host, url.port or 80), timeout=LONG_S) as connection:
            connection.sendall(head.encode())
            mock.control("GET", "/clock")
            mock.control("POST", "/reset")
            connection.sendall(sent)
            assert b" 404 " in connection.recv(65536).partition(b"\r\n")[0] + b" "
        mock.control("POST", "/settle")
        assert mock.control("GET", "/health")[0] == 200
        assert receiver.requests == []
