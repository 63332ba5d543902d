"""The control API on tasks and scenarios: shown with their plan, moved by hand, and the default of new ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.api import START, Api, api

SECOND = 1000


def transition(mock: Api, name: str, body: Any) -> tuple[int, Any]:
    """Lets a status of a task begin."""
    return mock.control("POST", f"/tasks/{name}/transition", body)


def tasks(mock: Api, query: str = "") -> list[str]:
    """The ids of the tasks that are listed."""
    status, value = mock.control("GET", "/tasks" + query)
    assert status == 200
    return [item["task_id"] for item in value["tasks"]]


def test_task_is_shown_with_its_plan() -> None:
    """A task shows what it is, where it reports to, and which of its statuses have come."""
    mock = api("kkiai")
    task_id = mock.learn(external_task_id="e", callback_url="http://u:p@127.0.0.1:9/hook?t=1").data[
        "task_id"
    ]
    mock.advance(2)

    status, value = mock.control("GET", f"/tasks/{task_id}")

    assert (status, value) == (
        200,
        {
            "task_id": task_id,
            "kind": "custom_voice",
            "dialect": "kkiai",
            "scenario": "default",
            "external_task_id": "e",
            "callback_url": "http://127.0.0.1:9/hook?...",
            "created_at": START,
            "updated_at": START + 2 * SECOND,
            "status": "processing",
            "message": "",
            "terminal": False,
            "visible_at": None,
            "timeline": [
                {"status": "submitted", "at": START, "message": "", "arrived": True},
                {"status": "processing", "at": START + 2 * SECOND, "message": "", "arrived": True},
                {"status": "succeed", "at": START + 9 * SECOND, "message": "", "arrived": False},
            ],
        },
    )
    assert mock.control("GET", "/tasks/e")[1] == value


def test_speech_is_a_task_too() -> None:
    """A speech is shown, terminal from the start, with its scenario."""
    mock = api()
    task_id = mock.speak().data["task_id"]

    value = mock.control("GET", f"/tasks/{task_id}")[1]

    assert (value["kind"], value["status"], value["terminal"]) == ("speech", "succeed", True)
    assert value["callback_url"] == value["external_task_id"] == ""


def test_step_that_never_comes_has_no_instant() -> None:
    """Under a stuck scenario the last step has come and nothing follows; under manual none has an instant."""
    stuck = api()
    task_id = stuck.learn(voice_name="mock:stuck").data["task_id"]
    steps = stuck.control("GET", f"/tasks/{task_id}")[1]["timeline"]
    assert steps[-1]["status"] == "processing" or steps[-1]["at"] is None

    manual = api(progression="manual")
    task_id = manual.learn().data["task_id"]
    steps = manual.control("GET", f"/tasks/{task_id}")[1]["timeline"]
    assert [(step["at"], step["arrived"]) for step in steps] == [(START, True)] + [
        (None, False)
    ] * 2


def test_task_that_queries_do_not_show_yet_is_shown_here() -> None:
    """A task that is visible later is listed here, with the instant from which queries find it."""
    mock = api()
    task_id = mock.learn(voice_name="mock:late-visible").data["task_id"]

    assert mock.voice(task_id).error == (400, 1201)
    assert tasks(mock) == [task_id]
    assert mock.control("GET", f"/tasks/{task_id}")[1]["visible_at"] == START + 5 * SECOND


def test_list_is_newest_first_and_can_be_narrowed() -> None:
    """Tasks of both kinds are listed newest first; kind, status and limit choose among them."""
    mock = api()
    made = []
    for number in range(6):
        made.append((mock.learn if number % 2 else mock.speak)().data["task_id"])
        mock.advance(1)
    newest_first = made[::-1]

    assert tasks(mock) == newest_first
    assert tasks(mock, "?limit=2") == newest_first[:2]
    assert tasks(mock, "?kind=speech") == newest_first[1::2]
    assert tasks(mock, "?kind=custom_voice&limit=1") == newest_first[:1]
    assert tasks(mock, "?status=succeed") == newest_first[1::2]
    assert tasks(mock, "?status=processing&kind=custom_voice") == [made[3], made[1]]
    assert tasks(mock, "?status=failed") == []


def test_list_is_newest_first_within_one_instant() -> None:
    """On a clock that stands still too, the task that was made last is listed first."""
    mock = api()
    made = [
        mock.learn().data["task_id"],
        mock.speak().data["task_id"],
        mock.learn().data["task_id"],
    ]

    assert tasks(mock) == made[::-1]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?kind=voice", "'kind' must be one of speech, custom_voice"),
        ("?kind=", "'kind'"),
        ("?status=done", "'status' must be one of submitted, processing, succeed, failed"),
        ("?limit=0", "'limit'"),
        ("?limit=-1", "'limit'"),
        ("?limit=x", "'limit'"),
        ("?limit=", "'limit'"),
        ("?limit=1.5", "'limit'"),
        ("?limit=٣", "'limit'"),
    ],
)
def test_list_refuses_nonsense(query: str, words: str) -> None:
    """An unknown kind or status, and a limit that is no number from 1, is 400 and named."""
    status, value = api().control("GET", "/tasks" + query)

    assert status == 400
    assert words in value["error"]


def test_reading_here_counts_as_no_query() -> None:
    """Under the polls progression neither the task nor the list moves what is read here; a query does."""
    mock = api(progression="polls")
    task_id = mock.learn().data["task_id"]

    for _ in range(3):
        assert mock.control("GET", f"/tasks/{task_id}")[1]["status"] == "submitted"
        assert mock.control("GET", "/tasks")[1]["tasks"][0]["status"] == "submitted"
    assert mock.voice(task_id).data["task_status"] == "processing"
    assert mock.control("GET", f"/tasks/{task_id}")[1]["status"] == "processing"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/tasks/{id}", None), ("POST", "/tasks/{id}/transition", {"to": "succeed"})],
)
def test_task_of_another_account_is_not_found(method: str, path: str, body: Any) -> None:
    """A task is shown to and moved by its own account only; an unknown one is named."""
    mock = api()
    task_id = mock.learn(external_task_id="mine").data["task_id"]
    stranger = mock.using(mock.key + "-other")

    for name in (task_id, "mine", "1", "%00", "x" * 3000):
        given = body if body is not None else ...
        status, value = stranger.control(method, path.format(id=name), given)
        assert status == 404
        assert "has no task" in value["error"]
    assert mock.voice(task_id).data["task_status"] == "submitted"


def test_external_id_with_a_slash_names_its_task() -> None:
    """An external id has no documented alphabet: a percent-encoded slash in the path is part of it."""
    mock = api()
    task_id = mock.learn(external_task_id="c/d").data["task_id"]

    assert mock.control("GET", "/tasks/c%2Fd")[1].get("task_id") == task_id


def test_a_manual_task_moves_only_when_told() -> None:
    """Under the manual progression time moves nothing; a transition begins at once and is seen by the next query."""
    mock = api(progression="manual")
    task_id = mock.learn().data["task_id"]
    mock.advance(1000)
    assert mock.voice(task_id).data["task_status"] == "submitted"

    for to in ("processing", "succeed"):
        assert transition(mock, task_id, {"to": to}) == (
            200,
            {"task_id": task_id, "task_status": to, "at": START + 1000 * SECOND},
        )
        assert mock.voice(task_id).data["task_status"] == to
    assert mock.voice(task_id).data["task_result"]["voices"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"to": "succeed"}, 409, "already succeed"),
        ({"to": "processing"}, 409, "already succeed"),
        ({"to": "succeeded"}, 400, "'succeed'"),
        ({}, 400, "to"),
        ({"to": 5}, 400, "to"),
        ({"to": "failed", "message": ""}, 400, "message"),
        ({"to": "failed", "message": 5}, 400, "message"),
        ({"to": "succeed", "message": "x"}, 400, "message"),
        ({"to": "succeed", "because": "x"}, 400, "'because'"),
        ([], 400, "object"),
    ],
)
def test_a_transition_that_cannot_be_changes_nothing(body: Any, status: int, words: str) -> None:
    """From a terminal status, to an unknown one or with odd words: refused, and the task is as it was."""
    mock = api()
    task_id = mock.learn().data["task_id"]
    mock.advance(9)
    before = mock.control("GET", f"/tasks/{task_id}")[1]

    refused = transition(mock, task_id, body)

    assert (refused[0], words in refused[1]["error"]) == (status, True), refused
    assert mock.control("GET", f"/tasks/{task_id}")[1] == before


@pytest.mark.parametrize(("at", "to"), [(0, "submitted"), (2, "processing"), (2, "submitted")])
def test_a_transition_back_is_refused(at: int, to: str) -> None:
    """A status that cannot follow the present one is 409, and the plan goes on."""
    mock = api()
    task_id = mock.learn().data["task_id"]
    mock.advance(at)

    status, value = transition(mock, task_id, {"to": to})

    assert status == 409
    assert f"cannot become {to}" in value["error"]
    mock.advance(9)
    assert mock.voice(task_id).data["task_status"] == "succeed"


def test_a_transition_cuts_the_plan() -> None:
    """What was planned after an intervention does not come any more, and what was seen before stays true."""
    mock = api()
    task_id = mock.learn(external_task_id="e").data["task_id"]
    mock.advance(2)

    told = transition(mock, "e", {"to": "failed", "message": "No"})
    assert told[1] == {"task_id": task_id, "task_status": "failed", "at": START + 2 * SECOND}

    assert mock.advance(100) == []
    found = mock.voice(task_id).data
    assert (found["task_status"], found["task_status_msg"]) == ("failed", "No")
    assert mock.control("GET", "/clock")[1]["planned"] == 0


def test_scenarios_are_listed_with_what_chooses_them() -> None:
    """Every scenario tells what happens, how well that is known, and the values that ask for it: and those work."""
    mock = api()
    listed = mock.control("GET", "/scenarios")[1]["scenarios"]
    names = [item["name"] for item in listed]
    assert "default" in names
    assert names == sorted(names)

    slow = next(item for item in listed if item["name"] == "slow")
    for row in slow["magic"]:
        value = row.get("value") or f"https://example.com/{row['file']}.mp3"
        fields: dict[str, Any] = {row["field"]: value}
        create = mock.speak if row["field"] == "text" else mock.learn
        assert create(None, **fields).headers["x-mock-scenario"] == "slow"
    assert {row["field"] for row in slow["magic"]} == {"text", "voice_name", "voice_url"}


def test_default_scenario_is_the_accounts_own() -> None:
    """A default scenario is followed by new tasks of this account only, until it is cleared."""
    mock = api()
    other = mock.using(mock.key + "-other")
    assert mock.control("GET", "/scenario") == (200, {"scenario": "default"})

    assert mock.control("PUT", "/scenario", {"scenario": "slow"}) == (200, {"scenario": "slow"})
    assert mock.control("GET", "/scenario")[1] == {"scenario": "slow"}
    mock.learn()
    mock.learn(voice_name="mock:too-short")
    other.learn()
    assert mock.control("DELETE", "/scenario") == (200, {"scenario": "default"})
    mock.learn()

    followed = [item["scenario"] for item in mock.control("GET", "/tasks")[1]["tasks"]]
    assert followed == ["default", "too-short", "slow"]
    assert other.control("GET", "/tasks")[1]["tasks"][0]["scenario"] == "default"


def test_cleared_scenario_is_the_servers() -> None:
    """Without one of its own an account follows the server's default."""
    mock = api(scenario="slow")
    mock.control("PUT", "/scenario", {"scenario": "stuck"})

    assert mock.control("DELETE", "/scenario")[1] == {"scenario": "slow"}


def test_unknown_scenario_is_404_with_the_nearest() -> None:
    """A scenario that does not exist is refused with the nearest name, and the one in force stays."""
    mock = api()
    mock.control("PUT", "/scenario", {"scenario": "stuck"})

    status, value = mock.control("PUT", "/scenario", {"scenario": "slwo"})

    assert status == 404
    assert "did you mean 'slow'" in value["error"]
    assert mock.control("GET", "/scenario")[1] == {"scenario": "stuck"}
