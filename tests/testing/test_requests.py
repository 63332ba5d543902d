"""Requests of an account: listing, waiting, and assertions whose messages say what came instead."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mock_server import MockAccount, RunningServer
from mock_server.testing import ControlFailed, NotAsExpected
from tests.http.api import SPEECH, START, Api


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server whose clock stands still."""
    with RunningServer(speed=0, start=START) as server:
        yield server


@pytest.fixture
def mock(server: RunningServer) -> MockAccount:
    """An account of its own."""
    return server.new_account("requests")


def client(mock: MockAccount) -> Api:
    """The client under test."""
    return Api(mock.http.client, mock.api_key)


def test_requests_are_filtered_by_a_pattern(mock: MockAccount) -> None:
    """Without a pattern all are listed, oldest first; a pattern names what matters, and finds none where none is so."""
    client(mock).learn(external_task_id="e")
    client(mock).voice("e")
    client(mock).speak(text="Hello")

    assert [entry["number"] for entry in mock.requests.list()] == [1, 2, 3]
    assert [entry["number"] for entry in mock.requests.list(task="e")] == [1, 2]
    assert [entry["number"] for entry in mock.requests.list(body={"text": "Hello"})] == [3]
    assert [entry["number"] for entry in mock.requests.list(since=2)] == [3]
    assert mock.requests.list(operation="deleteVoice") == []
    assert mock.requests.last() == 3
    assert mock.requests.clear() == 3
    assert mock.requests.list() == []


def test_counts_are_exact_or_bounds(mock: MockAccount) -> None:
    """assert_received wants at least one, or exactly, at least, at most so many; assert_none wants none."""
    client(mock).speak()
    client(mock).speak()

    mock.requests.assert_received(operation="createSpeech")
    mock.requests.assert_received(operation="createSpeech", count=2)
    mock.requests.assert_received(operation="createSpeech", at_least=1)
    mock.requests.assert_received(operation="createSpeech", at_most=2)
    mock.requests.assert_received(operation="createSpeech", count=1, since=1)
    mock.requests.assert_none(operation="createCustomVoice")
    mock.requests.assert_none(since=2)


def test_missing_request_is_told_with_the_nearest(mock: MockAccount) -> None:
    """The message says what was wanted, which request came nearest and why it is another, and lists what came."""
    client(mock).speak(text="Hello")

    with pytest.raises(NotAsExpected) as error:
        mock.requests.assert_received(operation="createSpeech", body={"text": "Hi"}, count=1)

    assert str(error.value).splitlines() == [
        'expected exactly 1 request like operation=createSpeech body={"text": "Hi"}, found 0',
        "  nearly: no. 1 POST /v1/audio/tts: body.text is 'Hello', not 'Hi'",
        "1 request came:",
        "  no. 1 POST /v1/audio/tts -> 200, code 0",
    ]


def test_superfluous_requests_are_told_by_number(mock: MockAccount) -> None:
    """Where too many came, their numbers are said; where nothing came, that."""
    with pytest.raises(NotAsExpected, match="no request came"):
        mock.requests.assert_received(operation="createSpeech")
    client(mock).speak()
    client(mock).speak()

    with pytest.raises(NotAsExpected, match=r"expected exactly 0 requests .* found 2 \(no. 1, 2\)"):
        mock.requests.assert_none(operation="createSpeech")
    with pytest.raises(NotAsExpected, match="at most 1 request like anything"):
        mock.requests.assert_received(at_most=1)


def test_long_lists_are_cut(mock: MockAccount) -> None:
    """A message lists the last requests only, and says how many there were."""
    for _ in range(30):
        client(mock).presets()

    with pytest.raises(NotAsExpected) as error:
        mock.requests.assert_received(operation="createSpeech")

    text = str(error.value)
    assert "30 requests came:\n  ... 20 lines before these\n  no. 21 " in text
    assert len(text.splitlines()) < 20


def test_order_is_that_of_the_patterns(mock: MockAccount) -> None:
    """assert_order lets others come between, and says which is missing or that the order is another."""
    client(mock).learn(external_task_id="e")
    client(mock).speak()
    client(mock).voice("e")

    mock.requests.assert_order(
        [{"operation": "createCustomVoice"}, {"operation": "getCustomVoice"}]
    )
    mock.requests.assert_order(["createCustomVoice", {"operation": "createSpeech"}])
    with pytest.raises(NotAsExpected, match="2 requests in order; they came in another order"):
        mock.requests.assert_order(
            [{"operation": "getCustomVoice"}, {"operation": "createCustomVoice"}]
        )
    with pytest.raises(NotAsExpected, match="number 2 of them is missing"):
        mock.requests.assert_order([{"operation": "createSpeech"}, {"operation": "deleteVoice"}])
    with pytest.raises(ValueError, match="at least one pattern"):
        mock.requests.assert_order([])


def test_wait_ends_when_the_request_comes(mock: MockAccount) -> None:
    """wait_for answers when so many requests were answered, though they come later."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(mock.requests.wait_for, operation="createSpeech", count=2)
        client(mock).speak()
        client(mock).speak()

        assert [entry["number"] for entry in waiting.result()] == [1, 2]


def test_wait_in_vain_says_what_came(mock: MockAccount) -> None:
    """A wait that is over raises with the nearest request that came instead."""
    client(mock).speak()

    with pytest.raises(NotAsExpected, match="the nearest is number 1, POST /v1/audio/tts"):
        mock.requests.wait_for(operation="createCustomVoice", timeout=0.01)


def test_mistakes_in_a_pattern_are_no_assertions(mock: MockAccount) -> None:
    """An unknown key or value is refused with the nearest, and two numbers at once are a TypeError."""
    with pytest.raises(ControlFailed, match="did you mean 'operation'"):
        mock.requests.assert_received(operatoin="createSpeech")  # type: ignore[call-arg]
    with pytest.raises(ControlFailed, match="'createVoice' is none of"):
        mock.requests.list(operation="createVoice")
    with pytest.raises(TypeError, match="only one of count"):
        mock.requests.assert_received(count=1, at_least=1)


def test_verdict_is_returned_without_judging(mock: MockAccount) -> None:
    """Verify returns what the control API says; it raises for nothing that did or did not come."""
    client(mock).speak()

    verdict = mock.verify([{"match": {"operation": "createSpeech"}, "count": 2}])

    assert not verdict["ok"]
    assert verdict["results"][0]["matched"] == 1
    assert mock.verify([{"match": {"body": SPEECH}}], in_order=True)["in_order"]


def test_what_is_raised_shows_no_inner_frames(mock: MockAccount) -> None:
    """The traceback of an assertion is short: pytest hides what is ours, and nothing is chained."""
    with pytest.raises(NotAsExpected) as error:
        mock.requests.assert_received()

    shown = [entry for entry in error.traceback if not entry.ishidden(None)]
    assert len(shown) == 1
    assert error.value.__suppress_context__
    for mistaken in (
        lambda: mock.fault("5001;retry-aftr=2"),
        lambda: mock.callback_fault("time=2"),
        lambda: mock.plan({"createSpeach": ["ok"]}),
        lambda: mock.scenario("slwo"),
    ):
        with pytest.raises(ControlFailed) as refused:
            mistaken()
        shown = [entry for entry in refused.traceback if not entry.ishidden(None)]
        assert len(shown) == 2  # this loop, and the line of the user's
