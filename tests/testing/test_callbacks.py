"""Callbacks of an account: what a test does to them, and assertions whose messages say what was sent instead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mock_server import MockAccount, RunningServer
from mock_server.testing import ControlFailed, NotAsExpected
from tests.http.api import START, Api
from tests.support.receiver import Answer, Receiver


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server whose clock stands still."""
    with RunningServer(speed=0, start=START) as server:
        yield server


@pytest.fixture
def mock(server: RunningServer) -> MockAccount:
    """An account of its own."""
    return server.new_account("callbacks")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver."""
    with Receiver() as receiver:
        yield receiver


def learn(mock: MockAccount, receiver: Receiver, name: str = "e") -> str:
    """Creates a custom voice whose changes are reported; returns its task id."""
    answer = Api(mock.http.client, mock.api_key).learn(
        external_task_id=name, callback_url=receiver.url("/hook")
    )
    return str(answer.data["task_id"])


def test_callbacks_are_listed_and_asserted(mock: MockAccount, receiver: Receiver) -> None:
    """Deliveries and attempts are listed with their bodies; counts and order are asserted by what matters."""
    task_id = learn(mock, receiver)
    mock.clock.advance(9)

    assert [item["state"] for item in mock.callbacks.list(task="e")] == ["delivered"] * 2
    assert [item["task_status"] for item in mock.callbacks.attempts(status=200)] == [
        "processing",
        "succeed",
    ]
    mock.callbacks.assert_received(task="e", count=2)
    mock.callbacks.assert_received(task=task_id, task_status="succeed", url="*/hook", count=1)
    mock.callbacks.assert_received(body={"task_id": task_id, "task_status": "succeed"}, at_least=1)
    mock.callbacks.assert_received(at_most=2)
    mock.callbacks.assert_none(task_status="failed")
    mock.callbacks.assert_none(since=2)
    mock.callbacks.assert_order([{"task_status": "processing"}, {"task_status": "succeed"}])
    mock.callbacks.assert_order(["processing", "succeed"])


def test_missing_callback_is_told_with_the_nearest(mock: MockAccount, receiver: Receiver) -> None:
    """The message names the attempts that came nearest, why they are others, and lists all."""
    task_id = learn(mock, receiver)
    mock.clock.advance(2)
    sent_to = receiver.url("/hook")

    with pytest.raises(NotAsExpected) as error:
        mock.callbacks.assert_received(task="e", task_status="succeed")

    assert str(error.value).splitlines() == [
        "expected at least 1 callback like task=e task_status=succeed, found 0",
        "  nearly: no. 1: task_status is 'processing', not 'succeed'",
        "1 callback was attempted:",
        f"  no. 1 processing of {task_id} to {sent_to} -> 200",
    ]


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ({"body": {"task_status": "failed"}}, "body.task_status is 'processing', not 'failed'"),
        ({"url": "*/other"}, "url is .*/hook, not .*/other"),
        ({"task": "nobody"}, "task is '[0-9]+', not 'nobody'"),
        ({"status": 500}, "status is 200, not 500"),
    ],
    ids=["body", "url", "task", "status"],
)
def test_each_difference_is_said(
    mock: MockAccount, receiver: Receiver, match: dict[str, object], words: str
) -> None:
    """Whatever a callback differs in is in the message."""
    learn(mock, receiver)
    mock.clock.advance(2)

    with pytest.raises(NotAsExpected, match=words):
        mock.callbacks.assert_received(**match)  # type: ignore[arg-type]


def test_wrong_order_and_wrong_numbers_are_told(mock: MockAccount, receiver: Receiver) -> None:
    """Too many callbacks, none at all, and another order are told as such."""
    with pytest.raises(NotAsExpected, match="no callback was attempted"):
        mock.callbacks.assert_received()
    learn(mock, receiver)
    mock.clock.advance(9)

    with pytest.raises(
        NotAsExpected, match=r"expected exactly 0 callbacks .* found 2 \(no. 1, 2\)"
    ):
        mock.callbacks.assert_none()
    with pytest.raises(NotAsExpected, match="of them, task_status=processing, did not come"):
        mock.callbacks.assert_order([{"task_status": "succeed"}, {"task_status": "processing"}])
    with pytest.raises(TypeError, match="unknown 'staus'"):
        mock.callbacks.assert_received(staus=200)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="only one of count"):
        mock.callbacks.assert_received(count=1, at_most=1)
    with pytest.raises(ValueError, match="at least one pattern"):
        mock.callbacks.assert_order([])


def test_callbacks_are_held_released_resent_and_dropped(
    mock: MockAccount, receiver: Receiver
) -> None:
    """What the control API does to deliveries, a test does by method."""
    mock.callbacks.hold()
    learn(mock, receiver)
    mock.clock.advance(9)
    assert receiver.requests == []

    assert [item["state"] for item in mock.callbacks.list(state="held")] == ["held", "held"]
    mock.callbacks.drop(2)
    assert mock.callbacks.release() == {"hold": False, "released": 1}
    mock.settle()
    copy = mock.callbacks.resend(1)

    mock.callbacks.wait_for(task_status="processing", count=2)
    assert copy["copy_of"] == 1
    assert [item.json["task_status"] for item in receiver.requests] == ["processing"] * 2
    with pytest.raises(ControlFailed):
        mock.callbacks.fire(99)


def test_wait_moves_time_only_when_told(mock: MockAccount, receiver: Receiver) -> None:
    """wait_for with skip lets the callbacks come; without, a clock that stands still is told in the message."""
    receiver.script.extend([Answer(), Answer(status=500)])
    learn(mock, receiver)
    with pytest.raises(NotAsExpected, match="found 0 of 1"):
        mock.callbacks.wait_for(task="e", timeout=0.01)

    found = mock.callbacks.wait_for(task="e", count=2, skip=True)

    assert [item["status"] for item in found] == [200, 500]


def test_callback_fault_is_armed(mock: MockAccount, receiver: Receiver) -> None:
    """A fault of callbacks strikes those it is for, and says how often."""
    with mock.callback_fault("times=2", task_status="succeed", count=1) as fault:
        learn(mock, receiver)
        mock.clock.advance(9)

        assert (fault.matched, fault.consumed, fault.remaining) == (1, 1, 0)
    assert [item.json["task_status"] for item in receiver.requests].count("succeed") == 2
