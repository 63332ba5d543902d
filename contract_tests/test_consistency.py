"""What several looks say of one thing: list and query, a task and its deletion, a voice and its namesake."""

from __future__ import annotations

import pytest

from contract_tests import checks
from contract_tests.faults import ILLEGAL
from contract_tests.garden import NAMESAKE, Garden
from contract_tests.story import ends_apart, same_end
from contract_tests.walk import Walk

pytestmark = pytest.mark.billable


@pytest.fixture(scope="module")
def walk(garden: Garden) -> Walk:
    """The walk through one dialect."""
    return Walk.of(garden)


def test_the_list_knows_of_an_end_at_once(walk: Walk) -> None:
    """The list shows an end as soon as a query has shown it, with its result.

    Source: voice-list.same-record, task.status.terminal.
    """
    task = walk.ended
    shown = walk.garden.listed_at_the_end()
    item = next((record for record in shown if record["task_id"] == task.id), None)
    if item is None:
        pytest.skip("not looked at: the list does not show the task, or it had ended at once")
    end = next(record for record in task.seen if record["task_status"] in checks.TERMINAL)
    is_same = item["task_status"] == end["task_status"] and same_end(end, item)
    where = ("by query", "in the list right after that")
    saw = ends_apart(end, item, "where both are due the same", where=where)
    checks.require(is_same, "voice-list.same-record", saw)


def test_a_task_is_found_by_its_own_ids_alone(walk: Walk) -> None:
    """What is only the beginning of a task's ids, or a pattern that they match, is no id: it is refused as unknown.

    Whether a task is found by the id of its voice, too, nobody says.

    Source: voice-get.unknown, voice-get.by-external-id.
    """
    task = walk.ended
    word, beginning = task.external_id, task.external_id.rpartition("-")[0]
    patterns = (f"{beginning}%", f"{word[:-1]}_", f"{word[:-1]}*", f"{word[:-1]}.", "%")
    for name in (word[:-1], beginning, task.id[:-1], *patterns):
        answer = walk.api.call("getCustomVoice", name=name, clause="voice-get.unknown")
        checks.refused(answer, walk.api.dialect, "voice-get.unknown", ILLEGAL)
    if task.voice_id:
        answer = walk.api.call("getCustomVoice", name=task.voice_id)
        if answer.pair == (200, 0):
            told = checks.not_due(answer, "HTTP 400, code 1201", "for the id of a voice")
            raise checks.found("voice-get.unknown", told)


@pytest.mark.last
def test_an_end_lasts(walk: Walk) -> None:
    """When all has been looked at, a task that has ended is what it was, and a voice that was deleted still is.

    Source: task.status.terminal, voice-list.complete, voice-list.same-record, voice-delete.effective.
    """
    task = walk.ended
    walk.garden.look(task)
    walk.garden.look(task, task.external_id)
    walk.listed(None)
    if walk.doomed.deleted:
        answer = walk.api.call("deleteVoice", {"voice_id": walk.doomed.voice_id})
        saw = checks.not_due(answer, "a refusal", "for a voice that was deleted some time ago")
        checks.require(answer.pair != (200, 0), "voice-delete.effective", saw)


def test_two_voices_may_have_one_name(walk: Walk) -> None:
    """Two voices of an account may have the same name. Deleting one leaves the other, which can be deleted, too.

    Source: voice-create.name.not-unique, voice-delete.by-voice-id, voice-delete.effective.
    """
    clause = "voice-delete.by-voice-id"
    namesake = walk.garden.made(NAMESAKE)
    checks.kept("voice-create.name.not-unique")
    _ = walk.deleted
    seen = walk.api.call("getCustomVoice", name=namesake.id)
    words = "as only voice {} of the same name was deleted"
    checks.accepted(seen, clause, words, walk.doomed.voice_id)
    walk.oracle.shown(namesake, seen.data)
    answer = walk.api.call("deleteVoice", {"voice_id": namesake.voice_id})
    checks.accepted(answer, clause, words, walk.doomed.voice_id)
    walk.oracle.deleted(namesake, answer.data)


def test_a_deletion_takes_nothing_back(walk: Walk) -> None:
    """Where the task of a deleted voice is still shown, by either id or in the list, it is where it was.

    Its status stays, and updated_at is no earlier.

    Source: task.status.terminal, task.updated-at.monotone, voice-delete.task-stays.
    """
    _ = walk.deleted
    task = walk.doomed
    for name in (task.id, task.external_id):
        answer = walk.api.call("getCustomVoice", name=name)
        if answer.pair == (200, 0):
            walk.oracle.shown(task, answer.data)
    walk.listed(100)
