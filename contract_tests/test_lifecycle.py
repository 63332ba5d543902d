"""One deterministic walk through a custom voice's life, so that nothing depends on luck."""

from __future__ import annotations

import pytest

from contract_tests import checks, listing, story
from contract_tests.faults import ILLEGAL, PARAMETERS
from contract_tests.garden import (
    ALL,
    EMPTY,
    FAILING,
    KEPT,
    NAMESAKE,
    PLAIN,
    REFUSED,
    SPARE,
    UNHEARD,
    Garden,
)
from contract_tests.media import fetched
from contract_tests.oracle import KnownVoice, voices_of
from contract_tests.saying import Apart, Said
from contract_tests.story import whole
from contract_tests.target import Target
from contract_tests.walk import Walk

pytestmark = pytest.mark.billable


@pytest.fixture(scope="module")
def walk(garden: Garden) -> Walk:
    """The walk through one dialect; it goes on as the tests ask for it."""
    return Walk.of(garden)


def test_a_voice_is_created_at_once_and_made_later(walk: Walk) -> None:
    """Creating a voice answers HTTP 200, code 0, with the task in its first status and the external id as given.

    Source: voice-create.endpoint, voice-create.asynchronous, task.info.echo.
    """
    assert walk.created.id


def test_a_task_can_be_queried_at_once(walk: Walk) -> None:
    """A task is found by the task_id of its create answer, right after that answer.

    Source: voice-get.by-task-id, voice-get.endpoint.
    """
    shown, due = walk.first_look, walk.created.id
    checks.require(shown["task_id"] == due, "voice-get.by-task-id", story.another(shown, due))
    checks.kept("voice-get.endpoint", "voice-get.object")


def test_the_list_shows_a_task_at_once(walk: Walk) -> None:
    """A task is listed as soon as its create answer has been sent, before those that are older.

    Source: voice-create.readable-at-once, voice-list.newest-first.
    """
    shown = walk.garden.listed_at_once()
    place = [record["task_id"] for record in shown]
    if walk.created.id not in place:
        listing.counts_from_one(walk.api, shown)
        words = "the list right after the create answer shows no task {}, where it is due"
        saw = Said(words, walk.created.id, by=(walk.created.seen[0], *shown[:1]))
        raise checks.found("voice-create.readable-at-once", saw)
    checks.kept("voice-create.readable-at-once")
    newest = max(record["created_at"] for record in shown)
    if shown[0]["created_at"] != newest:
        words = "created_at of the first task is {}, where {} is due, the latest in the list"
        saw = Said(words, shown[0]["created_at"], newest, by=(shown[0],))
        raise checks.found("voice-list.newest-first", saw)
    checks.kept("voice-list.newest-first")


def test_looking_changes_nothing(walk: Walk) -> None:
    """Queries in a row show the same task: its updated_at does not move because somebody looked.

    Source: voice-get.no-effect.
    """
    looks = walk.quick_looks
    instants = {record["updated_at"] for record in looks}
    same_status = len({record["task_status"] for record in looks}) == 1
    if same_status and len(instants) == len(looks):
        saw = Said(
            "each of {} queries shows another updated_at, where one is due",
            len(looks),
            by=(looks[-1],),
        )
        raise checks.found("voice-get.no-effect", saw)
    checks.kept("voice-get.no-effect")


def test_an_external_id_is_used_once(walk: Walk) -> None:
    """A second create request with an external id of the account is refused with HTTP 400, code 1201; no task is made.

    So it is while the first task is under way, and whatever else the second request says.

    Source: voice-create.external-id.unique, voice-create.external-id.no-effect, errors.no-effect.
    """
    answer = walk.garden.duplicate()
    checks.refused(answer, walk.api.dialect, "voice-create.external-id.unique", ILLEGAL)
    if walk.ended.status == "succeed":
        clause = "voice-create.external-id.unique"
        again = walk.api.call("createCustomVoice", walk.created.request, clause=clause)
        checks.refused(again, walk.api.dialect, clause, ILLEGAL)
    walk.listed(100)
    checks.kept("voice-create.external-id.no-effect", "errors.no-effect")


def test_a_task_moves_forward_to_an_end(walk: Walk) -> None:
    """Polled, a task goes from submitted over processing to succeed or failed.

    Steps may be skipped but are never taken back; created_at stays; updated_at never goes back and is never before it.

    Source: task.status.transitions, task.created-at.constant, task.updated-at.monotone, task.updated-at.after-creation.
    """
    statuses = [record["task_status"] for record in walk.ended.seen]
    checks.forward_only("task.status.transitions", statuses, walk.ended.id)


def test_every_task_ends(walk: Walk) -> None:
    """Every task reaches succeed or failed, with and without an address for notifications, in one story each.

    Source: task.ends, task.status.transitions, task.status.terminal.
    """
    for kind in ALL:
        try:
            task = walk.garden.ripe(kind)
        except (checks.Finding, pytest.skip.Exception):
            continue  # it is not there, and another test says why
        story.judged(task.glimpses)


def test_an_ended_task_never_changes(walk: Walk) -> None:
    """After succeed or failed, neither status nor result changes again, however often and late one asks.

    That updated_at stays, too, is assumed.

    Source: task.status.terminal, task.updated-at.final.
    """
    assert walk.much_later[0]["task_status"] == walk.ended.status


def test_a_made_voice_has_the_name_that_was_asked_for(walk: Walk) -> None:
    """A task in succeed holds a voice with an id and the requested name, owned by its creator and not by kling.

    Source: voice.result.when-succeed, voice.name.echo, voice.owner.
    """
    assert walk.succeeded.voice_id
    other = _task(walk, SPARE)
    made = [walk.succeeded.seen[-1], *([walk.garden.ripe(SPARE).seen[-1]] if other else [])]
    owners = [
        voice["owned_by"] for item in made for voice in voices_of(item) if "owned_by" in voice
    ]
    if len({*owners}) > 1:
        words = (
            "owned_by is {} of two voices of an account, where the id of their one creator is due"
        )
        checks.note("voice.owner", Said(words, owners, by=(*made,)))


def test_a_voices_sample_can_be_fetched(walk: Walk, target: Target) -> None:
    """trial_url, where there is one, is absolute and readable without credentials, and leads to a WAV file.

    Source: schema Voice; media.url.no-auth, voice.trial.wav.
    """
    voice = voices_of(walk.succeeded.seen[-1])[0]
    if "trial_url" not in voice:
        pytest.skip("not looked at: the voice has no trial_url")
    content = fetched(target, voice["trial_url"], data=walk.succeeded.seen[-1])
    is_wave = content[:4] in (b"RIFF", b"RF64", b"RIFX") and content[8:12] == b"WAVE"
    words = "{} begins the file at {}, where a WAV file is due"
    checks.require(
        is_wave,
        "voice.trial.wav",
        Said(words, content[:16].decode("latin-1"), voice["trial_url"], by=(walk.ended.seen[-1],)),
    )


def test_a_failed_task_says_why(walk: Walk) -> None:
    """A task whose recording is none fails, if the server looks at it: with a reason, no voice, and still HTTP 200.

    Source: task.failed.reason, voice.result.failed-is-empty, voice-create.url.late-refusal, envelope.code-zero.
    """
    task = walk.garden.ripe(FAILING)  # each look is held against the clauses of failed tasks
    if task.status != "failed":
        pytest.skip("not looked at: the server made a voice of a file that is no recording")
    checks.kept("voice-create.url.late-refusal")


def test_a_task_is_found_by_its_external_id(walk: Walk) -> None:
    """A query by external_task_id shows the same record as one by task_id, whichever task is asked for.

    So it is where the external id is a number, as those of orders are.

    Source: voice-get.by-external-id, task.id.constant.
    """
    _ = walk.ended
    for kind in (PLAIN, SPARE, REFUSED, UNHEARD, NAMESAKE, FAILING):
        task = _task(walk, kind)
        if task is not None:
            found = walk.api.voice(task.external_id)
            saw = story.another(found, task.id, task.seen[0])
            checks.require(found["task_id"] == task.id, "voice-get.by-external-id", saw)
            walk.garden.look(task, task.external_id)


def test_a_task_id_is_found_before_an_external_id(walk: Walk) -> None:
    """Where a value is the task_id of one task and the external id of another, the task_id wins.

    Source: voice-get.task-id-first.
    """
    # Both are made for this alone: where the external id wins, the first is found by its id no more.
    source = walk.garden.receiver.sample_url
    request = {"voice_name": walk.api.new_name(), "voice_url": source}
    due = str(
        walk.api.data("createCustomVoice", request, clause="voice-create.endpoint")["task_id"]
    )
    answer = walk.api.call("createCustomVoice", {**request, "external_task_id": due})
    if answer.pair != (200, 0):
        pytest.skip(f"not looked at: a task id is no external id here ({answer.pair})")
    found = walk.api.voice(due)
    if found["task_id"] != due:
        raise checks.found("voice-get.task-id-first", story.another(found, due, answer))
    checks.kept("voice-get.task-id-first")


@pytest.mark.parametrize("page_size", [1, 2, 500])
def test_the_list_shows_every_task_once(walk: Walk, page_size: int) -> None:
    """The pages together show every task once, failed ones too; none holds more than pageSize tasks.

    Source: voice-list.complete, paging.size.counts-tasks.
    """
    _ = walk.ended
    walk.listed(page_size)


def test_the_list_shows_what_queries_show(walk: Walk) -> None:
    """An item of the list is the record that the query of that task shows.

    Source: voice-list.same-record.
    """
    tasks = [task for kind in KEPT if (task := _task(walk, kind)) is not None]
    before = {task.id: whole(walk.api.voice(task.id)) for task in tasks}
    pages = {record["task_id"]: record for record in walk.pages()}
    listed = {task_id: whole(record) for task_id, record in pages.items()}
    looks = {task.id: walk.api.voice(task.id) for task in tasks}
    after = {task_id: whole(record) for task_id, record in looks.items()}
    for task in tasks:
        item = listed.get(task.id)
        if item is not None and before[task.id] == after[task.id]:
            words, where = "where one record is due", ("by query", "in the list")
            saw = Apart(
                after[task.id], item, words, where=where, by=(looks[task.id], pages[task.id])
            )
            checks.require(item == after[task.id], "voice-list.same-record", saw)
    checks.kept("voice-list.same-record")


def test_a_deaf_receiver_changes_nothing(walk: Walk) -> None:
    """A receiver that answers with an error, or that is not there, changes neither the task nor the API's answers.

    Source: voice-create.callback-url.harmless.
    """
    plain = walk.ended
    for kind in (REFUSED, UNHEARD):
        task = walk.garden.ripe(kind)
        words = (
            "task_status is {} where the receiver is deaf, where {} is due as for any other task"
        )
        saw = Said(words, task.status, plain.status, by=(plain.seen[-1], task.seen[-1]))
        checks.require(task.status == plain.status, "voice-create.callback-url.harmless", saw)


def test_an_empty_text_is_no_value(walk: Walk) -> None:
    """An empty callback_url, video_id or external_task_id means that the field is not given.

    Source: voice-create.empty-is-absent, task.info.empty.
    """
    task = walk.garden.ripe(EMPTY)
    words = "task_status is {} with empty fields, where {} is due as without them"
    saw = Said(words, task.status, walk.ended.status, by=(task.seen[-1],))
    checks.require(task.status == walk.ended.status, "voice-create.empty-is-absent", saw)


def test_a_voice_is_not_deleted_by_its_task(walk: Walk) -> None:
    """Deleting names the voice: the ids of the task that made it are refused like unknown ones, and change nothing.

    So are the beginning of its id, and a pattern that it matches.

    Source: voice-delete.by-voice-id, errors.no-effect.
    """
    task = walk.succeeded
    if task.id == task.voice_id:
        words = "task_id and voice_id are both {}, where each is due its own"
        raise checks.Broken("ids.unique", Said(words, task.id, by=(task.seen[-1],)))
    beginning = task.voice_id[:-1]
    for named in (task.id, task.external_id, beginning, f"{beginning}%"):
        clause = "voice-delete.by-voice-id"
        answer = walk.api.call("deleteVoice", {"voice_id": named}, clause=clause)
        checks.refused(answer, walk.api.dialect, clause, PARAMETERS)
    walk.look(task.id)


def test_deleting_nothing_changes_nothing(walk: Walk) -> None:
    """Deleting a voice that never was is refused with HTTP 400, code 1201, and every voice stays.

    Source: voice-delete.unknown, errors.no-effect.
    """
    voice = walk.succeeded
    for named in (f"{voice.voice_id}0", walk.api.target.unique("nobody")):
        clause = "voice-delete.unknown"
        answer = walk.api.call("deleteVoice", {"voice_id": named}, clause=clause)
        checks.refused(answer, walk.api.dialect, clause, PARAMETERS)
    walk.look(voice.id)
    checks.kept("errors.no-effect")


def test_a_custom_voice_does_not_speak(walk: Walk) -> None:
    """A custom voice is no text-to-speech voice: its id is refused like an unknown one, in either language.

    Source: speech.voice.custom-refused, voice-create.not-for-speech.
    """
    for language in ("zh", "en"):
        request = {"text": "Hello", "voice_id": walk.succeeded.voice_id, "voice_language": language}
        clause = "speech.voice.custom-refused"
        answer = walk.api.call("createSpeech", request, clause=clause)
        checks.refused(answer, walk.api.dialect, clause, ILLEGAL)
    checks.kept("voice-create.not-for-speech")


def test_a_voice_can_be_deleted(walk: Walk) -> None:
    """Deleting a made voice answers HTTP 200, code 0; data is the task, a stub of it, or missing.

    Source: voice-delete.endpoint, voice-delete.data.
    """
    checks.accepted(walk.deleted, "voice-delete.endpoint")


def test_a_voice_is_deleted_once(walk: Walk) -> None:
    """Deleting a voice a second time is refused with HTTP 400, code 1201.

    Source: voice-delete.twice, voice-delete.effective.
    """
    answer = walk.deleted_again
    gone = answer.pair != (200, 0)
    checks.require(
        gone,
        "voice-delete.effective",
        checks.not_due(answer, "HTTP 400", "since the voice was deleted before"),
    )
    checks.refused(answer, walk.api.dialect, "voice-delete.twice", ILLEGAL)


def test_deleting_a_voice_touches_no_other(walk: Walk) -> None:
    """After a deletion every other task is what it was, and no page of the list but the last is short.

    Source: errors.no-effect, voice-list.complete, voice-list.no-total.
    """
    others = [walk.garden.ripe(kind) for kind in KEPT if _task(walk, kind) is not None]
    _ = walk.deleted
    for task in others:
        walk.garden.look(task)
    walk.listed(5)  # a short page ends it


@pytest.mark.last
def test_every_other_voice_is_still_there(walk: Walk) -> None:
    """After the deletion of one voice the others can be deleted, too, each once.

    Source: voice-delete.endpoint, voice-delete.effective.
    """
    _ = walk.deleted
    made = [walk.garden.made(kind) for kind in (PLAIN, SPARE)]
    for task in (task for task in made if not task.deleted):
        answer = walk.api.call("deleteVoice", {"voice_id": task.voice_id})
        checks.accepted(answer, "voice-delete.endpoint")
        walk.oracle.deleted(task, answer.data)


def _task(walk: Walk, kind: str) -> KnownVoice | None:
    """A task of the garden, unless it could not be planted or its voice is deleted."""
    try:
        task = walk.garden.planted(kind)
    except (checks.Broken, pytest.skip.Exception):
        return None  # another test says why
    return None if task.deleted else task
