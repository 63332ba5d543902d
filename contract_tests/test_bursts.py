"""Several callers at once who each ask for something else: whoever is served gets his own, and nobody another's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from contract_tests import checks, routes, samples, story
from contract_tests.api import Record
from contract_tests.garden import FAILURES, PLAIN, SPARE, Garden
from contract_tests.observation import Answer
from contract_tests.oracle import KnownVoice
from contract_tests.saying import Said
from contract_tests.sending import is_busy
from contract_tests.together import each_at_once

pytestmark = pytest.mark.billable

#: Creations at once; beside them so many callers list, each so often.
CREATORS, LISTERS, LISTS = 6, 2, 3
_COSTS = "not looked at: it would cost several tasks (--free says that it does not)"
_FEW = "not looked at: the server takes fewer requests at once"

_Act = Callable[[], list[Answer]]


def test_creations_at_once_make_each_its_own_task(garden: Garden) -> None:
    """Who creates at the same moment as others gets a task of his own, which has his external id and is found by it.

    So it is while others list and query.

    Source: task.info.echo, ids.unique, voice-get.by-external-id, voice-create.external-id.unique, server.no-5xx.
    """
    for task in _burst(garden):
        found = garden.api.voice(task.external_id)
        saw = story.another(found, task.id, task.seen[0])
        checks.require(found["task_id"] == task.id, "voice-get.by-external-id", saw)
        garden.oracle.shown(task, found)


@pytest.mark.last
def test_voices_asked_for_at_once_are_each_the_right_one(garden: Garden) -> None:
    """What was asked for at the same moment ends in voices of their own, each with its name, and told at its address.

    Source: voice.name.echo, ids.unique, callback.on-change.
    """
    for task in _burst(garden):
        garden.api.target.eventually(f"the end of {task.id}", partial(_ended, garden, task))
        for item in garden.receiver.inbox.of(_callback_path(task)):
            told = item.json.get("task_id") if isinstance(item.json, dict) else task.id
            words = "task {} is told of at the address of task {}, where that one is due"
            saw = Said(words, told, task.id, by=(task.seen[0], item))
            checks.upheld(told == task.id, "callback.on-change", saw)


def _burst(garden: Garden) -> Sequence[KnownVoice]:
    """The tasks that were created at the same moment. Skips the test where they may cost, or the server is busy."""
    if garden.api.is_paid:
        pytest.skip(_COSTS)
    if not garden.burst:
        garden.planted(PLAIN)  # a server that accepts nothing has another fault
        requests = [_request(garden) for _ in range(CREATORS)]
        creators: list[_Act] = [partial(_create, garden, request) for request in requests]
        answers = each_at_once(lambda act: act(), [*creators, *_lookers(garden)])
        created = [several[0] for several in answers[:CREATORS]]
        for answer in created:  # all of them before any is judged
            garden.api.remember("createCustomVoice", answer)
        _judge_looks(garden, [answer for several in answers[CREATORS:] for answer in several])
        _judge_creations(garden, requests, created)
    if not garden.burst:
        pytest.skip(_FEW)
    return garden.burst


def _request(garden: Garden) -> Record:
    """A create request that has nothing in common with another."""
    api = garden.api
    word = api.target.unique("burst")
    request = samples.voice(
        garden.receiver, voice_name=api.new_name(), external_task_id=word, callback_url=""
    )
    if api.target.is_loopback:
        request["callback_url"] = f"{garden.receiver.base_url}/burst/{word}"
    return request


def _callback_path(task: KnownVoice) -> str:
    return f"/burst/{task.external_id}"


def _create(garden: Garden, request: Record) -> list[Answer]:
    path = garden.api.document.operations["createCustomVoice"].path
    return [garden.api.target.call("POST", path, body=request)]


def _lookers(garden: Garden) -> list[_Act]:
    """Callers who look while others create: some list, and some query a task that is there."""
    operations, call = garden.api.document.operations, garden.api.target.call
    path, query = operations["listCustomVoices"].path, {"pageNum": 1, "pageSize": 5}
    acts: list[_Act] = [
        lambda: [call("GET", path, query=query) for _ in range(LISTS)] for _ in range(LISTERS)
    ]
    for kind in (PLAIN, SPARE):
        try:
            task = garden.planted(kind)
        except FAILURES:
            continue  # another test says why
        if not task.deleted:
            place = operations["getCustomVoice"].path.replace("{id}", routes.segment(task.id))
            acts.append(partial(_query, garden, place))
    return acts


def _query(garden: Garden, path: str) -> list[Answer]:
    return [garden.api.target.call("GET", path)]


def _judge_looks(garden: Garden, answers: Sequence[Answer]) -> None:
    for answer in answers:
        if is_busy(answer):
            continue
        checks.envelope(answer, garden.api.dialect)
        checks.accepted(answer, "server.answers", "when others create at that moment")
        if not isinstance(answer.data, dict):
            continue
        asked_for = answer.request.url.rpartition("/")[2]
        saw = story.another(answer.data, asked_for, answer)
        checks.require(answer.data["task_id"] == asked_for, "voice-get.by-task-id", saw)


def _judge_creations(garden: Garden, requests: Sequence[Record], answers: Sequence[Answer]) -> None:
    """Each that was accepted made a task of its own; none may be refused, but for want of room."""
    words = [str(request["external_task_id"]) for request in requests]
    made: list[tuple[Record, Answer]] = []
    for request, answer in zip(requests, answers, strict=True):
        if is_busy(answer):
            continue
        checks.envelope(answer, garden.api.dialect)
        if answer.pair == (200, 0):
            checks.conforms(answer, garden.api.document.operations["createCustomVoice"])
            made.append((request, answer))
            continue
        own = str(request["external_task_id"])
        is_mixed_up = any(word in str(answer.json) for word in words if word != own)
        clause = "task.info.echo" if is_mixed_up else "voice-create.external-id.unique"
        why = "since its external id is new; others were sent at that moment"
        checks.upheld(False, clause, checks.not_due(answer, "HTTP 200, code 0", why))
    records = [answer.data for _, answer in made]
    checks.distinct("ids.unique", [record["task_id"] for record in records], records)
    garden.burst += [garden.oracle.created(request, answer.data) for request, answer in made]


def _ended(garden: Garden, task: KnownVoice) -> bool | None:
    garden.look(task)
    return task.is_terminal or None
