"""The control API on the account: limits, books, slots, behaviours, the list of accounts, reset."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.core.behaviour import Behaviour
from tests.http.api import START, Api, api

SECOND = 1000
NO_LIMITS = {"units": None, "slots": None, "rate": None}


def put_limits(mock: Api, **limits: Any) -> Any:
    """Sets limits; what they are then."""
    status, value = mock.control("PUT", "/limits", limits)
    assert status == 200
    return value


def test_limits_are_off_and_set_one_by_one() -> None:
    """What is named changes, null is no limit, the rest stays; the server's own are what one begins with."""
    mock = api()
    rate = {"requests": 10, "seconds": 1}
    assert mock.control("GET", "/limits")[1] == NO_LIMITS

    assert put_limits(mock, units=10) == {**NO_LIMITS, "units": 10}
    assert put_limits(mock, rate=rate) == {"units": 10, "slots": None, "rate": rate}
    assert put_limits(mock, slots=0, units=None) == {"units": None, "slots": 0, "rate": rate}
    assert mock.using(mock.key + "-other").control("GET", "/limits")[1] == NO_LIMITS

    given = api(units="2.5", slots=3, rate_limit="4/2")
    started = {"units": 2.5, "slots": 3, "rate": {"requests": 4, "seconds": 2}}
    assert given.control("GET", "/limits")[1] == started
    put_limits(given, **NO_LIMITS)
    given.control("POST", "/reset")
    assert given.control("GET", "/limits")[1] == started


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"units": -1},
        {"units": "1"},
        {"units": 1e308},
        {"slots": -1},
        {"slots": 1.5},
        {"slots": 2**64},
        {"slots": 1e300},
        {"rate": 5},
        {"rate": {"requests": 1}},
        {"rate": {"requests": 0, "seconds": 1}},
        {"rate": {"requests": 1, "seconds": 0}},
        {"rate": {"requests": 1, "seconds": 86401}},
        {"units": 1, "rate": {"requests": 1, "seconds": 1, "burst": 2}},
    ],
    ids=str,
)
def test_nonsense_limits_are_refused(body: dict[str, Any]) -> None:
    """A limit that is negative, enormous or no number is 400 and named; none of the others changes either."""
    mock = api()
    put_limits(mock, units=7, slots=7)

    status, value = mock.control("PUT", "/limits", body)

    assert status == 400
    assert any(name in value["error"] for name in (*body, "less than 1 prop"))
    assert mock.control("GET", "/limits")[1] == {**NO_LIMITS, "units": 7, "slots": 7}


def test_books_show_what_was_spent_and_what_is_pending() -> None:
    """A task in flight is pending, one that succeeded is spent, one that failed was free; a refusal cost nothing."""
    mock = api()
    put_limits(mock, units=0.2)
    first = mock.learn().data["task_id"]
    failing = mock.learn(voice_name="mock:too-short").data["task_id"]
    stuck = mock.learn(voice_name="mock:stuck").data["task_id"]
    spoken = mock.speak().data["task_id"]
    assert mock.learn().error == (429, 1102)

    before = mock.control("GET", "/ledger")[1]
    assert (before["units"], before["spent"], before["pending"], before["balance"]) == (
        0.2,
        0.05,
        0.15,
        0.15,
    )
    mock.advance(9)
    after = mock.control("GET", "/ledger")[1]

    assert (after["spent"], after["pending"], after["balance"]) == (0.1, 0.05, 0.1)
    shown = [(item["task_id"], item["state"], item["at"]) for item in after["entries"]]
    assert shown == [
        (spoken, "spent", START),
        (first, "spent", START + 9 * SECOND),
        (stuck, "pending", None),
    ]
    assert failing not in str(after)
    assert {item["units"] for item in after["entries"]} == {0.05}


def test_books_without_a_pack_have_no_balance() -> None:
    """Without a limit the books still say what was spent."""
    mock = api()
    mock.speak()

    assert mock.control("GET", "/ledger")[1]["spent"] == 0.05
    assert mock.control("GET", "/ledger")[1]["balance"] is None


def test_slots_show_who_holds_them() -> None:
    """A task holds a slot until it is finished; a further one is refused meanwhile."""
    mock = api()
    assert mock.control("GET", "/slots")[1] == {"slots": None, "held": [], "free": None}
    put_limits(mock, slots=2)
    mock.advance(1)
    held = [mock.learn().data["task_id"] for _ in range(2)]

    assert mock.learn().error == (429, 1303)
    assert mock.control("GET", "/slots")[1] == {
        "slots": 2,
        "held": [{"task_id": task_id, "since": START + SECOND} for task_id in held],
        "free": 0,
    }
    put_limits(mock, slots=1)
    assert mock.control("GET", "/slots")[1]["free"] == 0
    mock.advance(9)
    assert mock.control("GET", "/slots")[1] == {"slots": 1, "held": [], "free": 1}


def test_rate_is_counted_in_virtual_time() -> None:
    """Of more requests than the rate allows the rest is refused until virtual time has passed."""
    mock = api()
    put_limits(mock, rate={"requests": 2, "seconds": 5})

    assert [mock.voices().status for _ in range(3)] == [200, 200, 429]
    mock.advance(5)
    assert mock.voices().status == 200


def test_behaviours_tell_reading_choices_and_evidence() -> None:
    """Every disputed rule is listed with the reading in force; it can be chosen per account by name."""
    mock = api(behaviour="page_size_max=500")
    listed = {item["name"]: item for item in mock.control("GET", "/behaviours")[1]["behaviours"]}
    assert set(listed) == set(Behaviour.__dataclass_fields__)
    assert {name for name, item in listed.items() if item["value"] not in item["choices"]} == set()
    assert listed["page_size_max"]["value"] == "500"

    for name, item in listed.items():
        for value in item["choices"]:
            answer = mock.control("PUT", "/behaviours", {name: value})[1]["behaviours"]
            assert {shown["name"]: shown["value"] for shown in answer}[name] == value
    other = mock.using(mock.key + "-other").control("GET", "/behaviours")[1]["behaviours"]
    assert other == list(listed.values())


def test_behaviour_in_force_is_followed() -> None:
    """After a reading was chosen the mocked API follows it at once."""
    mock = api()
    assert mock.voices("?pageSize=501").status == 200

    mock.control("PUT", "/behaviours", {"page_size_max": "500", "both_sources": "refuse"})

    assert mock.voices("?pageSize=501").status == 400
    assert mock.learn(video_id="1").error == (400, 1201)


@pytest.mark.parametrize(
    "body",
    [{}, {"delete_answer": "maybe"}, {"page_size_max": 500}, {"both_sources": "refuse", "x": "y"}],
    ids=str,
)
def test_nonsense_behaviours_are_refused(body: dict[str, Any]) -> None:
    """An unknown rule or reading is 400, and no reading changes."""
    mock = api()
    before = mock.control("GET", "/behaviours")

    assert mock.control("PUT", "/behaviours", body)[0] == 400
    assert mock.control("GET", "/behaviours") == before


def test_accounts_are_listed_in_the_order_of_their_first_request() -> None:
    """Accounts show clock, tasks and requests; the nameless one appears with its first refused request."""
    mock = api(seed="accounts")
    one, two = mock.using("a"), mock.using("b")
    one.learn()
    two.advance(1)
    first, second = mock.control("GET", "/accounts")[1]["accounts"]
    assert (first["tasks"], first["requests"], first["now"]) == (1, 1, START)
    assert (second["tasks"], second["requests"], second["now"]) == (0, 0, START + SECOND)

    mock.using("").learn()

    listed = mock.control("GET", "/accounts")[1]["accounts"]
    assert [item["account"] for item in listed] == [first["account"], second["account"], "-"]
    assert listed[2]["requests"] == 1


def test_reset_forgets_everything_of_the_account() -> None:
    """After a reset the account answers everything as one that was never seen; others are as they were."""
    reads = [
        "/clock",
        "/tasks",
        "/scenario",
        "/faults",
        "/plans",
        "/callbacks",
        "/journal",
        "/limits",
        "/ledger",
        "/slots",
        "/behaviours",
    ]
    mock = api()
    other = mock.using(mock.key + "-other")
    other.learn(external_task_id="theirs")
    fresh = [mock.control("GET", path) for path in reads]
    task_id = mock.learn(external_task_id="e").data["task_id"]
    mock.control("PUT", "/scenario", {"scenario": "slow"})
    mock.control("POST", "/faults", {"fault": "5001", "match": {"operation": "listPresetVoices"}})
    mock.control("POST", "/plans", {"steps": {"getSpeech": ["5001"]}})
    mock.control("PUT", "/behaviours", {"delete_answer": "none"})
    put_limits(mock, units=1, slots=1)
    mock.advance(10)
    account = mock.control("GET", "/clock")[1]["account"]
    assert [mock.control("GET", path) for path in reads] != fresh

    assert mock.control("POST", "/reset") == (200, {"account": account, "epoch": 1})

    assert [mock.control("GET", path) for path in reads] == fresh
    assert mock.voice("e").error == (400, 1201)
    assert mock.learn(external_task_id="e").data["task_id"] == task_id
    assert other.voice("theirs").status == 200
    assert mock.control("POST", "/reset")[1]["epoch"] == 2


def test_requests_of_nobody_can_be_reset() -> None:
    """The account of requests without a valid credential is reset like any other."""
    mock = api(seed="a reset of nobody")
    mock.using("").learn()
    assert mock.control("GET", "/journal?account=-")[1]["last"] == 1

    assert mock.control("POST", "/reset?account=-") == (200, {"account": "-", "epoch": 1})

    assert mock.control("GET", "/journal?account=-")[1] == {"entries": [], "dropped": 0, "last": 0}
    assert "-" not in [item["account"] for item in mock.control("GET", "/accounts")[1]["accounts"]]
