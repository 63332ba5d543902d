"""The control API on faults: armed rules and plans, what strikes, and how it is accounted for."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.core.errors import Reason
from tests.http.api import Api, api

VOICES = "/v1/general/custom-voices"


def arm(mock: Api, fault: Any, **more: Any) -> dict[str, Any]:
    """Arms a fault; the rule."""
    status, value = mock.control("POST", "/faults", {"fault": fault, **more})
    assert status == 201, value
    rule: dict[str, Any] = value
    return rule


def rule(mock: Api, name: str) -> dict[str, Any]:
    """An armed rule."""
    status, value = mock.control("GET", f"/faults/{name}")
    assert status == 200
    found: dict[str, Any] = value
    return found


def test_armed_fault_strikes_what_matches() -> None:
    """A rule strikes the operation it names, as often as it says, and no other; it counts both."""
    mock = api()
    armed = arm(
        mock, "5001;retry-after=2", match={"operation": "getCustomVoice"}, when={"count": 1}
    )
    assert armed == {
        "id": "fault-1",
        "match": {"operation": "getCustomVoice"},
        "fault": {"reason": "server_unavailable", "retry_after": 2},
        "when": {"count": 1},
        "state": "armed",
        "matched": 0,
        "consumed": 0,
        "remaining": 1,
        "bypassed": 0,
    }

    task_id = mock.learn().data["task_id"]
    struck = mock.voice(task_id)
    assert (*struck.error, struck.headers["retry-after"]) == (503, 5001, "2")
    assert struck.headers["x-mock-fault"] == "5001;retry-after=2"
    assert mock.voice(task_id).status == 200

    counts = {"matched": 2, "consumed": 1, "remaining": 0, "state": "exhausted"}
    assert rule(mock, "fault-1") == {**armed, **counts}


@pytest.mark.parametrize("reason", list(Reason))
def test_every_row_of_the_error_table_can_be_armed(reason: Reason) -> None:
    """A fault names any row of the vendor's error table; nothing is executed."""
    mock = api()
    arm(mock, {"reason": reason.value})

    assert mock.learn().value["code"] != 0
    mock.control("DELETE", "/faults")
    assert mock.control("GET", "/tasks")[1]["tasks"] == []


@pytest.mark.parametrize(
    "match",
    [
        {},
        {"operation": "createCustomVoice"},
        {"operation": ["getSpeech", "createCustomVoice"]},
        {"dialect": "klingai"},
        {"method": "POST"},
        {"path": VOICES},
        {"path": "/v1/*/custom-voices"},
        {"path": "*"},
        {"body": {"voice_name": "Ada"}},
        {"query": {"a": "1"}},
        {"operation": "createCustomVoice", "method": "POST", "body": {"voice_name": "Ada"}},
    ],
    ids=str,
)
def test_what_a_match_means(match: dict[str, Any]) -> None:
    """Each key of a match selects the request; what is left out is anything; the match is shown as it was given."""
    mock = api()

    assert arm(mock, "5000", match=match)["match"] == match
    assert mock.post(f"{VOICES}?a=1&b=2", {"voice_name": "Ada"}).error == (500, 5000)


@pytest.mark.parametrize(
    "match",
    [
        {"operation": "getCustomVoice"},
        {"dialect": "kkiai"},
        {"method": "GET"},
        {"path": "/v1/general"},
        {"path": "/v1/general/custom-voice?"},
        {"body": {"voice_name": "Bob"}},
        {"body": {"voice_name": "Ada", "more": 1}},
        {"query": {"a": "2"}},
        {"task": "1"},
    ],
    ids=str,
)
def test_what_a_match_does_not_mean(match: dict[str, Any]) -> None:
    """A request that differs in anything named passes, and is not counted."""
    mock = api()
    arm(mock, "5000", match=match)

    assert mock.learn().status == 200
    assert rule(mock, "fault-1")["matched"] == 0


def test_task_is_matched_by_the_id_in_the_path() -> None:
    """A rule for one task leaves the others alone."""
    mock = api()
    mine = mock.learn().data["task_id"]
    other = mock.learn().data["task_id"]
    arm(mock, "5000", match={"task": mine})

    assert (mock.voice(mine).status, mock.voice(other).status) == (500, 200)


def test_when_says_which_matches_are_struck() -> None:
    """Of after, count, window and ttl: passed, struck, too early, expired."""
    mock = api()
    arm(mock, "5000", id="later", when={"after": 1, "count": 2})
    assert [mock.voices().status for _ in range(4)] == [200, 500, 500, 200]
    arm(mock, "5001", id="window", when={"window": [10, 20]})
    arm(mock, "5002", id="ttl", when={"ttl": 30})

    seen = []
    for _ in range(4):
        seen.append(
            (mock.voices().status, rule(mock, "window")["state"], rule(mock, "ttl")["state"])
        )
        mock.advance(10)

    assert seen == [
        (504, "armed", "armed"),
        (503, "armed", "armed"),
        (504, "expired", "armed"),
        (200, "expired", "expired"),
    ]


def test_probability_is_drawn_by_a_hash() -> None:
    """Two accounts draw differently, one that is made anew draws the same; about as many strike as was said."""

    def drawn(mock: Api) -> list[int]:
        arm(mock, "5000", id="r", when={"probability": 0.5})
        return [mock.presets().status for _ in range(60)]

    mock = api()
    first = drawn(mock)
    other = drawn(mock.using(mock.key + "-other"))
    mock.control("POST", "/reset")

    assert drawn(mock) == first != other
    assert 10 < first.count(500) < 50


def test_first_armed_fault_that_decides_to_strike_does() -> None:
    """Rules are asked in the order of their arming, plans before them."""
    mock = api()
    arm(mock, "5000", id="first", when={"count": 1})
    arm(mock, "5001", id="second")
    mock.control("POST", "/plans", {"steps": {"listCustomVoices": ["5002", "ok"]}})

    assert [mock.voices().status for _ in range(4)] == [504, 200, 500, 503]
    listed = mock.control("GET", "/faults")[1]["faults"]
    assert [(item["id"], item["matched"]) for item in listed] == [("first", 1 + 1), ("second", 1)]


def test_faults_are_listed_and_disarmed() -> None:
    """A rule is disarmed by its id, all of them at once; ids that are free are given in order."""
    mock = api()
    for name in ("a", "fault-1", "b"):
        arm(mock, "5000", id=name)
    assert arm(mock, "5000")["id"] == "fault-2"

    assert mock.control("DELETE", "/faults/a")[1]["id"] == "a"
    assert [item["id"] for item in mock.control("GET", "/faults")[1]["faults"]] == [
        "fault-1",
        "b",
        "fault-2",
    ]
    assert mock.control("DELETE", "/faults") == (200, {"disarmed": 3})
    assert mock.control("GET", "/faults")[1] == {"faults": []}
    assert mock.voices().status == 200


def test_disarming_leaves_plans_and_dropping_leaves_faults() -> None:
    """Rules and plans are apart: forgetting all of one kind leaves the other."""
    mock = api()
    arm(mock, "5000", match={"operation": "listPresetVoices"})
    mock.control("POST", "/plans", {"id": "p", "steps": {"listCustomVoices": ["5001"]}})

    mock.control("DELETE", "/faults")
    assert mock.control("GET", "/plans/p")[0] == 200
    arm(mock, "5000", match={"operation": "listPresetVoices"})
    assert mock.control("DELETE", "/plans") == (200, {"dropped": 1})
    assert (mock.presets().status, mock.voices().status) == (500, 200)


def test_plan_is_played_in_order() -> None:
    """Each operation of a plan has a script of its own; the plan says what was played and what is left."""
    mock = api()
    steps = {"listCustomVoices": ["5001", "ok"], "listPresetVoices": [{"reason": "server_error"}]}
    added = mock.control("POST", "/plans", {"steps": steps})
    shown = {name: {"done": 0, "left": left} for name, left in steps.items()}
    assert added == (201, {"id": "plan-1", "steps": shown, "completed": False})

    assert [mock.voices().status for _ in range(3)] == [503, 200, 200]
    half = mock.control("GET", "/plans/plan-1")[1]
    assert half["steps"]["listCustomVoices"] == {"done": 2, "left": []}
    assert not half["completed"]
    assert mock.presets().status == 500

    assert mock.control("GET", "/plans")[1]["plans"][0]["completed"]
    assert mock.control("DELETE", "/plans/plan-1")[1]["completed"]
    assert mock.control("GET", "/plans")[1] == {"plans": []}


@pytest.mark.parametrize(
    ("path", "body"), [("faults", {"fault": "5000"}), ("plans", {"steps": {"getSpeech": ["ok"]}})]
)
def test_id_that_is_in_use_is_refused(path: str, body: dict[str, Any]) -> None:
    """A second rule or plan with the same id is 409 and named; the first is as it was."""
    mock = api()
    first = mock.control("POST", f"/{path}", {"id": "x.Y_1-", **body})[1]

    status, value = mock.control("POST", f"/{path}", {"id": "x.Y_1-", **body})

    assert (status, "'x.Y_1-'" in value["error"]) == (409, True)
    assert mock.control("GET", f"/{path}")[1][path] == [first]


@pytest.mark.parametrize("name", ["faults", "plans"])
def test_unknown_id_is_404(name: str) -> None:
    """A rule or plan that does not exist, or is another account's, is 404 and named."""
    mock = api()
    body = (
        {"id": "mine", "fault": "5000"}
        if name == "faults"
        else {"id": "mine", "steps": {"getSpeech": ["ok"]}}
    )
    mock.control("POST", f"/{name}", body)
    stranger = mock.using(mock.key + "-other")

    for method in ("GET", "DELETE"):
        status, value = stranger.control(method, f"/{name}/mine")
        assert (status, "'mine'" in value["error"]) == (404, True)
    assert mock.control("GET", f"/{name}/mine")[0] == 200
