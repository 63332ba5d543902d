"""One deterministic walk through a custom voice's life, so that nothing depends on luck."""

from __future__ import annotations

import pytest

from contract_tests import checks
from contract_tests.api import Api, Record, TooManyTasks
from contract_tests.faults import ILLEGAL, PARAMETERS
from contract_tests.media import fetched
from contract_tests.receiver import Receiver
from contract_tests.run import Run
from contract_tests.target import Target
from contract_tests.walk import Walk


@pytest.fixture(scope="module")
def walk(run: Run, official: str, receiver: Receiver) -> Walk:
    """The walk through one dialect; it goes on as the tests ask for it."""
    return Walk(run.api(official), receiver)


def test_a_voice_is_created_at_once_and_made_later(walk: Walk) -> None:
    """Creating a voice answers HTTP 200, code 0, with the task in its first status and the external id as given.

    Source: voice-create.endpoint, voice-create.asynchronous, task.info.echo.
    """
    assert walk.created.id


def test_a_task_can_be_queried_at_once(walk: Walk) -> None:
    """A task is found by the task_id of its create answer, right after that answer.

    Source: voice-get.by-task-id, voice-create.readable-at-once.
    """
    checks.require(
        walk.first_look["task_id"] == walk.created.id, "task.id.constant", walk.first_look
    )


def test_a_task_moves_forward_to_an_end(walk: Walk) -> None:
    """Polled, a task goes from submitted over processing to succeed or failed.

    Steps may be skipped but are never taken back; created_at stays; updated_at never goes back and is never before it.

    Source: task.status.transitions, task.created-at.constant, task.updated-at.monotone, task.updated-at.after-creation.
    """
    statuses = [record["task_status"] for record in walk.ended.seen]
    checks.forward_only("task.status.transitions", statuses, walk.ended.id)


def test_an_ended_task_never_changes(walk: Walk) -> None:
    """After succeed or failed, neither status nor result nor updated_at changes again, however often and late one asks.

    Source: task.status.terminal.
    """
    assert walk.much_later[0]["task_status"] == walk.ended.status


def test_a_made_voice_has_the_name_that_was_asked_for(walk: Walk) -> None:
    """A task in succeed holds a voice with an id and the requested name, owned by its creator and not by kling.

    Source: voice.result.when-succeed, voice.name.echo, voice.owner.
    """
    assert walk.succeeded.voice_id


def test_a_voices_sample_can_be_fetched(walk: Walk, target: Target) -> None:
    """trial_url, where there is one, is absolute and readable without credentials.

    Source: schema Voice; media.url.no-auth.
    """
    voice = walk.succeeded.seen[-1]["task_result"]["voices"][0]
    if "trial_url" not in voice:
        pytest.skip("not looked at: the voice has no trial_url")
    fetched(target, voice["trial_url"])


def test_a_task_is_found_by_its_external_id(walk: Walk) -> None:
    """A query by external_task_id shows the same record as one by task_id.

    Source: voice-get.by-external-id, task.id.constant.
    """
    _ = walk.ended
    walk.look(walk.created.external_id)


def test_an_external_id_is_used_once(walk: Walk) -> None:
    """A second create request with an external id of the account is refused with HTTP 400, code 1201; no task is made.

    Source: voice-create.external-id.unique, voice-create.external-id.no-effect.
    """
    _ = walk.created
    answer = walk.api.call("createCustomVoice", walk.created.request)
    if walk.created.status == "failed":
        pytest.skip("not looked at: the first task failed, and its id may be free again")
    checks.refused(answer, walk.api.dialect, "voice-create.external-id.unique", {(400, 1201)})
    _listed(walk, 500)


@pytest.mark.parametrize("page_size", [1, 500])
def test_the_list_shows_every_task_once(walk: Walk, page_size: int) -> None:
    """The pages together show every task once, in the words of its own query; none holds more than pageSize tasks.

    Source: voice-list.complete, voice-list.same-record, paging.size.counts-tasks.
    """
    _ = walk.ended
    _listed(walk, page_size)


def _listed(walk: Walk, page_size: int) -> None:
    try:
        walk.oracle.listed(walk.api.voices(page_size))
    except TooManyTasks as reason:
        pytest.skip(f"not looked at: {reason}")


def test_an_end_is_notified(walk: Walk) -> None:
    """With a callback_url, reaching succeed or failed is told there by a POST of the bare task as JSON.

    Every other notification of the task has that form too.

    Source: callback.terminal, callback.bare, callback.method.
    """
    shape = walk.api.document.operations["createCustomVoice"].callbacks["voiceTaskChanged"]
    for item in walk.notified:
        checks.notification(item, shape)


def test_notifications_agree_with_queries(walk: Walk) -> None:
    """The notifications of a task arrive in the order of its changes and say what queries say.

    Source: callback.order, callback.agrees-with-query.
    """
    test_an_end_is_notified(walk)
    walk.oracle.notified(walk.created, walk.notified)


def test_a_voice_is_not_deleted_by_its_task(walk: Walk) -> None:
    """Deleting names the voice: the id of the task that made it is refused like an unknown one.

    Source: voice-delete.by-voice-id.
    """
    task = walk.succeeded
    if task.id == task.voice_id:
        raise checks.Broken("ids.unique", task.seen[-1])
    answer = walk.api.call("deleteVoice", {"voice_id": task.id})
    checks.refused(answer, walk.api.dialect, "voice-delete.by-voice-id", PARAMETERS)


def test_a_custom_voice_does_not_speak(walk: Walk) -> None:
    """A custom voice is no text-to-speech voice: its id is refused like an unknown one, in either language.

    Source: speech.voice.custom-refused.
    """
    for language in ("zh", "en"):
        request = {"text": "Hello", "voice_id": walk.succeeded.voice_id, "voice_language": language}
        answer = walk.api.call("createSpeech", request)
        checks.refused(answer, walk.api.dialect, "speech.voice.custom-refused", ILLEGAL)


def test_a_voice_can_be_deleted(walk: Walk) -> None:
    """Deleting a made voice answers HTTP 200, code 0; data is the task, a stub of it, or missing.

    Source: voice-delete.endpoint, voice-delete.data.
    """
    checks.require(walk.deleted.pair == (200, 0), "voice-delete.endpoint", walk.deleted)


def test_a_voice_is_deleted_once(walk: Walk) -> None:
    """Deleting a voice a second time is refused with HTTP 400, code 1201.

    Source: voice-delete.twice, voice-delete.effective.
    """
    answer = walk.deleted_again
    checks.refused(answer, walk.api.dialect, "voice-delete.twice", {(400, 1201)})
    checks.kept("voice-delete.effective")


def test_another_account_sees_nothing(voices_api: Api, receiver: Receiver) -> None:
    """A task of one account is unknown to another, neither queried nor listed there, and its external id is free there.

    Source: auth.account, voice-get.foreign, voice-create.external-id.account.
    """
    key = voices_api.target.api_key2
    if not key:
        pytest.skip("not looked at: no second account (--contract-api-key2)")
    other = voices_api.with_target(voices_api.target.with_key(key))
    word = voices_api.target.unique("mine")
    request = {"voice_name": "Mine", "voice_url": receiver.sample_url, "external_task_id": word}
    clause = "voice-create.endpoint"
    mine: Record = voices_api.data("createCustomVoice", request, clause=clause)
    for name in (mine["task_id"], word):
        answer = other.call("getCustomVoice", name=name)
        checks.refused(answer, other.dialect, "voice-get.foreign", {(400, 1201)})
    foreign = [record["task_id"] for record in other.voices()]
    checks.require(mine["task_id"] not in foreign, "voice-list.complete", mine["task_id"])
    other.data("createCustomVoice", request, clause="voice-create.external-id.account")
