"""The control API's wait, where nothing has to happen any more: found at once, never, or refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.http.api import START, Api, api, app


@pytest.fixture
def live() -> Iterator[Api]:
    """An account of a mock in process whose lifespan runs."""
    with TestClient(app()) as client:
        yield Api(client)


def wait(mock: Api, what: str, match: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
    """Waits."""
    return mock.control("POST", "/wait", {"for": what, "match": match, "timeout": 0.05, **more})


def test_what_has_happened_is_found_at_once() -> None:
    """Requests, tasks and statuses that are there already answer at once, even with no time to wait."""
    mock = api()
    task_id = mock.learn(external_task_id="e").data["task_id"]
    mock.voice("e")
    mock.advance(9)

    status, value = wait(mock, "request", {"operation": "getCustomVoice"}, timeout=0)
    assert (status, value["for"], value["now"], value["events"]) == (
        200,
        "request",
        START + 9000,
        [],
    )
    assert [item["number"] for item in value["found"]] == [2]
    for match in (
        {"task": task_id},
        {"task": "e", "status": "succeed"},
        {"task": "e", "status": "submitted"},
    ):
        status, value = wait(mock, "task", match, timeout=0)
        assert (status, [item["task_id"] for item in value["found"]]) == (200, [task_id])
        assert value["found"][0]["status"] == "succeed"


def test_count_and_since_are_of_requests() -> None:
    """So many are wanted; since leaves out the ones that were there before."""
    mock = api()
    for _ in range(3):
        mock.voices()

    assert wait(mock, "request", {}, count=3)[0] == 200
    assert [item["number"] for item in wait(mock, "request", {}, since=1, count=2)[1]["found"]] == [
        2,
        3,
    ]
    assert wait(mock, "request", {}, since=3)[0] == 408
    status, value = wait(mock, "request", {}, count=4)
    assert (status, "found 3 of 4" in value["error"]) == (408, True)


def test_time_is_over_and_the_words_say_what_was_there() -> None:
    """408 names the seconds, what was found, and what came nearest instead."""
    mock = api()
    assert "no other request" in wait(mock, "request", {"method": "GET"})[1]["error"]
    mock.learn()

    status, value = wait(mock, "request", {"body": {"voice_name": "Bob"}})
    assert status == 408
    assert "waited 0.05 s for request" in value["error"]
    assert "number 1, POST /v1/general/custom-voices" in value["error"]
    assert "body.voice_name is 'Ada', not 'Bob'" in value["error"]

    status, value = wait(mock, "callback", {})
    assert (status, "no callback was attempted" in value["error"]) == (408, True)


def test_clock_that_stands_still_is_blamed() -> None:
    """A task that is waited for in vain is told with its status, what is due, and the clock's rate."""
    mock = api()
    task_id = mock.learn().data["task_id"]
    mock.advance(2)

    status, value = wait(mock, "task", {"task": task_id, "status": "succeed"})

    assert status == 408
    assert "it is processing (next due in 7 s; the clock's rate is 0)" in value["error"]


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize(
    ("scenario", "match"),
    [
        ("stuck", {"status": "succeed"}),
        ("stuck", {}),
        ("too-short", {"status": "succeed"}),
        ("default", {"status": "failed"}),
    ],
)
def test_what_never_can_happen_is_refused_at_once(
    scenario: str, match: dict[str, Any], skip: bool
) -> None:
    """A status that is not in the plan is 409 without waiting, and names scenario and status; no time passes."""
    mock = api()
    task_id = mock.learn(headers={"x-mock-scenario": scenario}).data["task_id"]

    status, value = wait(mock, "task", {"task": task_id, **match}, timeout=600, skip=skip)

    assert status == 409
    assert "never gets to" in value["error"]
    assert f"scenario '{scenario}'" in value["error"]
    assert mock.control("GET", "/clock")[1]["now"] == START


def test_status_that_was_left_out_never_comes() -> None:
    """A task that ended without the status cannot get it any more: 409."""
    mock = api(progression="manual")
    task_id = mock.learn().data["task_id"]
    assert wait(mock, "task", {"task": task_id, "status": "succeed"})[0] == 408
    mock.control("POST", f"/tasks/{task_id}/transition", {"to": "failed"})

    assert wait(mock, "task", {"task": task_id, "status": "succeed"}, timeout=600)[0] == 409
    assert wait(mock, "task", {"task": task_id, "status": "processing"}, timeout=600)[0] == 409
    assert wait(mock, "task", {"task": task_id})[0] == 200


def test_one_task_is_not_two() -> None:
    """More than one of a single task cannot be found: refused, and not waited for."""
    mock = api()
    task_id = mock.speak().data["task_id"]

    assert wait(mock, "task", {"task": task_id}, count=2, timeout=0.3)[0] in (400, 409)


def test_skip_moves_the_clock_to_what_is_waited_for(live: Api) -> None:
    """With skip the clock jumps from due to due and stops where the wait ends; what happened is told."""
    first = live.learn().data["task_id"]
    live.learn(voice_name="mock:slow")

    status, value = wait(live, "task", {"task": first}, skip=True, timeout=5)

    assert (status, value["now"]) == (200, START + 9000)
    assert [item["status"] for item in value["events"] if item["task_id"] == first] == [
        "processing",
        "succeed",
    ]
    assert live.control("GET", "/clock")[1]["now"] == START + 9000


def test_without_skip_no_time_passes(live: Api) -> None:
    """A wait alone leaves a clock that stands still where it is."""
    task_id = live.learn().data["task_id"]

    assert wait(live, "task", {"task": task_id})[0] == 408
    assert live.control("GET", "/clock")[1]["now"] == START


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "for"),
        ({"for": "task"}, 400, "match"),
        ({"for": "task", "match": {}}, 400, "task"),
        ({"for": "task", "match": {"task": "e", "status": "done"}}, 400, "match.status"),
        ({"for": "task", "match": {"task": "e", "operation": "getSpeech"}}, 400, "'operation'"),
        ({"for": "callback", "match": {"status": 99}}, 400, "match.status"),
        ({"for": "callback", "match": {"task_status": 5}}, 400, "match.task_status"),
        ({"for": "request", "match": {"task_status": "succeed"}}, 400, "'task_status'"),
        ({"for": "request", "match": {}, "count": 0}, 400, "count"),
        ({"for": "request", "match": {}, "timeout": -1}, 400, "timeout"),
        ({"for": "request", "match": {}, "timeout": 601}, 400, "timeout"),
        ({"for": "request", "match": {}, "since": -1}, 400, "since"),
        ({"for": "request", "match": {}, "skip": "yes"}, 400, "skip"),
        ({"for": "task", "match": {"task": "nobody"}}, 404, "'nobody'"),
        ({"for": "callback", "match": {"task": "nobody"}}, 404, "'nobody'"),
    ],
    ids=str,
)
def test_nonsense_is_not_waited_for(body: dict[str, Any], status: int, words: str) -> None:
    """A mistake is told at once with its place; a task that the account does not have is 404."""
    mock = api()
    mock.using(mock.key + "-other").learn(external_task_id="nobody")

    refused = mock.control("POST", "/wait", {"timeout": 60, **body})

    assert (refused[0], words in refused[1]["error"]) == (status, True), refused
