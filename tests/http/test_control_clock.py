"""The control API's clock: read, and set to another rate or instant."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.http.api import START, Api, api, app

SECOND = 1000


def clock(mock: Api) -> dict[str, Any]:
    """The account's clock."""
    status, value = mock.control("GET", "/clock")
    assert status == 200
    found: dict[str, Any] = value
    return found


def test_clock_is_the_accounts_own() -> None:
    """An advance moves the account's clock by exactly that much, and no other account's."""
    mock = api()
    other = mock.using(mock.key + "-other")
    account = clock(mock)["account"]

    status, value = mock.control("POST", "/clock/advance", {"by": 2.5})

    shown = {
        "account": account,
        "now": START + 2500,
        "rate": 0.0,
        "mode": "manual",
        "next_due": None,
        "planned": 0,
    }
    assert (status, value) == (200, {**shown, "from": START, "events": []})
    assert clock(mock) == shown
    assert clock(other)["now"] == START


def test_clock_says_what_is_due_next() -> None:
    """The clock names the instant of the next transition, and how many are planned."""
    mock = api()
    mock.learn()
    mock.advance(1)
    mock.learn()

    assert (clock(mock)["next_due"], clock(mock)["planned"]) == (START + 2 * SECOND, 2)
    mock.advance(100)
    assert (clock(mock)["next_due"], clock(mock)["planned"]) == (None, 0)


@pytest.mark.parametrize(
    ("body", "rate", "mode"),
    [
        ({"mode": "manual"}, 0, "manual"),
        ({"mode": "real"}, 1, "real"),
        ({"mode": "scaled", "rate": 60}, 60, "scaled"),
        ({"mode": "scaled", "rate": 0.5}, 0.5, "scaled"),
        ({"rate": 0}, 0, "manual"),
        ({"rate": 1}, 1, "real"),
        ({"rate": 1.0, "mode": "real"}, 1, "real"),
        ({"rate": 1_000_000}, 1_000_000, "scaled"),
        ({"mode": "manual", "rate": 0, "now": START + 5}, 0, "manual"),
    ],
)
def test_clock_runs_as_it_is_set(body: dict[str, Any], rate: float, mode: str) -> None:
    """Mode and rate say the same, and the answer and the next look show it."""
    mock = api()

    status, value = mock.control("PUT", "/clock", body)

    assert status == 200
    assert (
        (value["rate"], value["mode"]) == (clock(mock)["rate"], clock(mock)["mode"]) == (rate, mode)
    )
    assert clock(mock)["now"] >= body.get("now", START)


def test_setting_the_instant_lets_happen_what_is_due() -> None:
    """Moving to an instant reaches every status on the way and leaves the rate alone."""
    mock = api()
    task_id = mock.learn().data["task_id"]

    status, value = mock.control("PUT", "/clock", {"now": START + 9 * SECOND})

    assert (status, value["now"], value["planned"]) == (200, START + 9 * SECOND, 0)
    assert mock.voice(task_id).data["task_status"] == "succeed"
    assert value["mode"] == "manual"


def test_running_clock_moves_tasks_by_itself() -> None:
    """After the clock was set to run a task succeeds without an advance."""
    wait = {"for": "task", "match": {"task": "e", "status": "succeed"}, "timeout": 5}
    with TestClient(app()) as client:
        live = Api(client)
        live.learn(external_task_id="e")
        live.control("PUT", "/clock", {"rate": 1000})

        assert live.control("POST", "/wait", wait)[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"mode": "fast"},
        {"mode": "scaled"},
        {"mode": "scaled", "rate": 0},
        {"mode": "real", "rate": 2},
        {"mode": "manual", "rate": 1},
        {"rate": -1},
        {"rate": 1_000_001},
        {"rate": "1"},
        {"rate": None},
        {"now": START + 0.5},
        {"now": -1},
        {"now": 90_000_000_000_001},
        {"now": "2026-01-01T00:00:00Z"},
        {"mode": "real", "now": 5, "rate": 1},
    ],
    ids=str,
)
def test_clock_is_not_set_to_nonsense(body: dict[str, Any]) -> None:
    """What is no rate, mode or instant, or contradicts itself, is 400 and leaves the clock as it was."""
    mock = api()
    before = clock(mock)

    status, value = mock.control("PUT", "/clock", body)

    assert status == 400
    assert any(key in value["error"] for key in (*body, "rate", "less than 1 prop"))
    assert clock(mock) == before


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/clock", {"now": START + 999, "rate": 5}),
        ("POST", "/clock/advance", {"to": START + 999}),
    ],
)
def test_time_does_not_go_back(method: str, path: str, body: dict[str, Any]) -> None:
    """An instant that has passed is 409, names the present one, and changes neither instant nor rate."""
    mock = api()
    mock.advance(1)
    before = clock(mock)

    status, value = mock.control(method, path, body)

    assert status == 409
    assert str(START + SECOND) in value["error"]
    assert clock(mock) == before
