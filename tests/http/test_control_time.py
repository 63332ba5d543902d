"""The control API on time: advancing the clock, and settling."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.http.api import NOTHING, START, Api, api, app
from tests.support.receiver import Answer, Receiver

YEAR_10_S = 315_360_000
SECOND = 1000


@pytest.fixture
def live() -> Iterator[Api]:
    """An account of a mock in process whose lifespan runs, so that callbacks are sent."""
    with TestClient(app(callback_timeout=2)) as client:
        yield Api(client)


def clock(mock: Api) -> dict[str, Any]:
    """The account's clock."""
    status, value = mock.control("GET", "/clock")
    assert status == 200
    found: dict[str, Any] = value
    return found


def test_advance_tells_what_happened_in_due_order() -> None:
    """The events of an advance are the transitions of all tasks on the way, ordered by their instants."""
    mock = api()
    first = mock.learn().data["task_id"]
    mock.advance(1)
    second = mock.learn(voice_name="mock:too-short").data["task_id"]

    events = mock.advance(8)

    told = [
        (item["at"] - START, item["task_id"], item["status"], item["message"]) for item in events
    ]
    assert told == [
        (2000, first, "processing", ""),
        (3000, second, "processing", ""),
        (5000, second, "failed", "The duration of the voice must be between 5 and 30 seconds"),
        (9000, first, "succeed", ""),
    ]
    assert {item["event"] for item in events} == {"transition"}
    assert {item["kind"] for item in events} == {"custom_voice"}


def test_advance_to_an_instant() -> None:
    """`to` ends exactly there; the present instant is no way to go."""
    mock = api()

    for instant in (START, START + 1, START + 9 * SECOND):
        status, value = mock.control("POST", "/clock/advance", {"to": instant})
        assert (status, value["now"]) == (200, instant)
    assert value["from"] == START + 1


@pytest.mark.parametrize("name", ["task id", "external id"])
def test_advance_until_a_status(name: str) -> None:
    """`until` ends the moment the task has the status, and goes nowhere when it had it already."""
    mock = api()
    task_id = mock.learn(external_task_id="e").data["task_id"]
    mock.learn()
    until = {"task": task_id if name == "task id" else "e", "status": "processing"}

    status, value = mock.control("POST", "/clock/advance", {"until": until})
    assert (status, value["now"]) == (200, START + 2 * SECOND)
    until["status"] = "succeed"
    value = mock.control("POST", "/clock/advance", {"until": until})[1]
    assert value["now"] == START + 9 * SECOND
    assert [item["status"] for item in value["events"]] == ["succeed"] * 2
    until["status"] = "submitted"
    value = mock.control("POST", "/clock/advance", {"until": until})[1]
    assert (value["now"], value["events"]) == (START + 9 * SECOND, [])


@pytest.mark.parametrize(
    ("scenario", "wanted", "is_now"),
    [
        ("stuck", "succeed", "submitted"),
        ("too-short", "succeed", "submitted"),
        ("", "failed", "submitted"),
    ],
)
def test_advance_until_what_never_comes(scenario: str, wanted: str, is_now: str) -> None:
    """A status that the plan never gets to is 409 at once, says what the task is, and moves nothing."""
    mock = api()
    headers = {"x-mock-scenario": scenario} if scenario else {}
    task_id = mock.learn(headers=headers).data["task_id"]
    until = {"task": task_id, "status": wanted}

    status, value = mock.control("POST", "/clock/advance", {"until": until})

    assert status == 409
    assert f"is {is_now} and never gets to {wanted}" in value["error"]
    assert clock(mock)["now"] == START


def test_advance_until_somebody_elses_task() -> None:
    """A task that the account does not have is 404, and the clock stands still."""
    mock = api()
    task_id = mock.using(mock.key + "-other").learn().data["task_id"]

    until = {"task": task_id, "status": "succeed"}
    status, value = mock.control("POST", "/clock/advance", {"until": until})

    assert (status, task_id in value["error"]) == (404, True)
    assert clock(mock)["now"] == START


@pytest.mark.parametrize("seconds", [0, 0.0, -0.0, 1e-9, 0.001, 1, YEAR_10_S])
def test_advance_takes_seconds(seconds: float) -> None:
    """From 0 to ten years are accepted, to the millisecond."""
    status, value = api().control("POST", "/clock/advance", {"by": seconds})

    assert (status, value["now"]) == (200, START + round(seconds * 1000))


@pytest.mark.parametrize(
    "body",
    [
        NOTHING,
        b"",
        b"{}",
        b'{"by": NaN}',
        b'{"by": 1e999}',
        b'{"by": -1e-9}',
        b'{"by": true}',
        b'{"by": null}',
        b'{"by": "9"}',
        b'{"by": 315360001}',
        b'{"by": 1e308}',
        b'{"by": ' + b"9" * 400 + b"}",
        json.dumps({"by": 9, "to": START + 9}).encode(),
        b'{"by": 9, "until": {"task": "1", "status": "succeed"}}',
        b'{"deliver": true}',
        b'{"by": 9, "deliver": 1}',
        b'{"to": "9"}',
        b'{"until": "succeed"}',
        b'{"until": {"task": "1"}}',
        b'{"until": {"task": "", "status": "succeed"}}',
        b'{"until": {"task": "1", "status": "done"}}',
    ],
    ids=lambda body: ascii(body)[:40],
)
def test_advance_by_anything_else_is_refused(body: Any) -> None:
    """No number, a negative or huge one, none or two of by, to and until are 400, and the clock stands still."""
    mock = api()

    status, value = mock.control("POST", "/clock/advance", body)

    assert (status, set(value)) == (400, {"error"})
    assert clock(mock)["now"] == START


def test_advance_says_which_three_there_are() -> None:
    """None or two of by, to and until are answered with the three of them."""
    for body in ({}, {"by": 1, "to": START}):
        words = api().control("POST", "/clock/advance", body)[1]["error"]
        assert "exactly one of by, to, until" in words


def test_advance_awaits_receivers_unless_told_not_to(live: Api) -> None:
    """An advance tells each attempt's outcome; with `deliver: false` it answers while the receiver still thinks."""
    with Receiver() as receiver:
        gate = receiver.gate()
        receiver.script.append(Answer(status=503))
        receiver.script.append(Answer(after=gate))
        live.learn(callback_url=receiver.url("/hook?t=1"))

        (moved, tried) = live.advance(2)
        assert (moved["event"], moved["status"]) == ("transition", "processing")
        assert (tried["event"], tried["task_status"], tried["status"]) == (
            "callback_attempt",
            "processing",
            503,
        )
        assert tried["url"] == receiver.url("/hook?...")
        hasty = live.control("POST", "/clock/advance", {"by": 7, "deliver": False})[1]
        assert [item["event"] for item in hasty["events"]] == ["transition"]
        receiver.wait_until(lambda: receiver.open == 1, "the second callback")

        assert live.control("POST", "/settle", {"timeout": 0.05})[0] == 408
        gate.set()
        status, value = live.control("POST", "/settle")
        assert (status, value["now"]) == (200, START + 9 * SECOND)
        assert live.control("GET", "/callbacks")[1]["callbacks"][1]["status"] == 200


def test_settle_moves_no_time(live: Api) -> None:
    """Settling with nothing due answers at once, without and with a body, and leaves the clock alone."""
    live.learn()

    for body in (NOTHING, b"", {}, {"timeout": 0}, {"timeout": 600}):
        status, value = live.control("POST", "/settle", body)
        assert (status, value["now"], value["events"]) == (200, START, [])
    assert clock(live)["next_due"] == START + 2 * SECOND


@pytest.mark.parametrize("body", [{"timeout": -1}, {"timeout": 601}, {"timeout": "1"}, {"by": 1}])
def test_settle_refuses_nonsense(body: dict[str, Any]) -> None:
    """A timeout is a number of seconds from 0 to 600."""
    status, value = api().control("POST", "/settle", body)

    assert status == 400
    assert "timeout" in value["error"]
