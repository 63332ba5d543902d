"""What accounts see of each other: nothing."""

from __future__ import annotations

import pytest

from contract_tests import checks, routes
from contract_tests.api import Api, Record, TooManyTasks
from contract_tests.faults import PARAMETERS
from contract_tests.garden import SPARE, Garden
from contract_tests.observation import Answer
from contract_tests.oracle import KnownVoice, voices_of
from contract_tests.saying import Said
from contract_tests.sending import is_busy
from contract_tests.story import another
from contract_tests.together import each_at_once

pytestmark = pytest.mark.billable

#: An unknown id: voice-get.unknown, voice-delete.unknown.
UNKNOWN = {(400, 1201)}
#: How often each account asks for each thing, all at the same moment.
AT_ONCE = 2


@pytest.fixture
def other(garden: Garden) -> Api:
    """The same dialect with the key of another account."""
    key = garden.api.target.api_key2
    if not key:
        pytest.skip("not looked at: no second account (--contract-api-key2)")
    return garden.api.with_target(garden.api.target.with_key(key))


@pytest.fixture
def mine(garden: Garden) -> KnownVoice:
    """A task of the first account, as it is by now."""
    return garden.ripe(SPARE)


def test_a_foreign_task_is_unknown(garden: Garden, mine: KnownVoice, other: Api) -> None:
    """A task of one account is as unknown to another as one that never was, by either id.

    Source: auth.account, voice-get.foreign.
    """
    for name in (mine.id, mine.external_id):
        answer = other.call("getCustomVoice", name=name)
        checks.require(answer.pair != (200, 0), "auth.account", _foreign(answer, "task"))
        checks.refused(answer, other.dialect, "voice-get.foreign", UNKNOWN)
    garden.look(mine)


def test_a_foreign_task_is_not_listed(garden: Garden, mine: KnownVoice, other: Api) -> None:
    """The list shows no task of another account, on whichever page.

    Source: auth.account, voice-list.complete.
    """
    try:
        listed = other.voices()
    except TooManyTasks as reason:
        pytest.skip(f"not looked at: {reason}")
    foreign = [record for record in listed if record["task_id"] in garden.oracle.tasks]
    names = [record["task_id"] for record in foreign]
    words = "the list of the second account shows tasks {} of the first, where none of them is due"
    saw = Said(words, names, by=(*foreign[:1],))
    checks.require(not foreign, "auth.account", saw)
    checks.kept("voice-list.complete")
    garden.look(mine)


def test_a_foreign_voice_cannot_be_deleted(garden: Garden, other: Api) -> None:
    """Deleting a voice of another account is refused like deleting an unknown one, and the voice stays.

    Source: auth.account, voice-delete.unknown, errors.no-effect.
    """
    voice = garden.made(SPARE)
    answer = other.call("deleteVoice", {"voice_id": voice.voice_id})
    voice.deleted = voice.deleted or answer.pair == (200, 0)  # nobody else need complain
    checks.require(answer.pair != (200, 0), "auth.account", _foreign(answer, "voice"))
    checks.refused(answer, other.dialect, "voice-delete.unknown", PARAMETERS)
    garden.look(voice)
    checks.kept("errors.no-effect")


def test_an_external_id_is_free_in_another_account(
    garden: Garden, mine: KnownVoice, other: Api
) -> None:
    """Two accounts may use the same external id; each finds its own task by it.

    Source: voice-create.external-id.account, auth.account, ids.unique.
    """
    request = {**mine.request, "callback_url": ""}
    clause = "voice-create.external-id.account"
    theirs: Record = other.data("createCustomVoice", request, clause=clause)
    words = "task_id {} is given in both accounts, where each task is due its own"
    saw = Said(words, theirs["task_id"], by=(mine.seen[0], theirs))
    checks.require(theirs["task_id"] not in garden.oracle.tasks, "ids.unique", saw)
    for api, own in ((other, theirs["task_id"]), (garden.api, mine.id)):
        found = api.data("getCustomVoice", name=mine.external_id, clause="voice-get.by-external-id")
        checks.require(found["task_id"] == own, "auth.account", another(found, own))
    again = garden.look(mine)
    theirs_now = other.data("getCustomVoice", name=theirs["task_id"], clause="voice-get.by-task-id")
    both = {voice["voice_id"] for voice in (*voices_of(again), *voices_of(theirs_now))}
    count = len(voices_of(again)) + len(voices_of(theirs_now))
    words = "one voice_id is shown in both accounts, where each voice is due its own"
    saw = Said(words, by=(again, theirs_now))
    checks.require(len(both) == count, "ids.unique", saw)


def test_accounts_that_ask_at_once_see_their_own(
    garden: Garden, mine: KnownVoice, other: Api
) -> None:
    """Whoever asks at the same moment as another account sees his own tasks, and none of the other's.

    Source: auth.account.
    """
    asks = [(api, name) for api in (garden.api, other) for name in (mine.id, "")] * AT_ONCE
    for (api, name), answer in zip(asks, each_at_once(_asked, asks), strict=True):
        if is_busy(answer):
            continue
        checks.envelope(answer, api.dialect)
        if api is garden.api:
            own = answer.pair == (200, 0)
            due = "HTTP 200, code 0 for the first account"
            saw = checks.not_due(answer, due, "while the second asks at that moment")
            checks.require(own, "auth.account", saw)
        elif name:
            checks.require(answer.pair != (200, 0), "auth.account", _foreign(answer, "task"))
        else:
            shown = answer.data if isinstance(answer.data, list) else []
            foreign = [task["task_id"] for task in shown if task["task_id"] in garden.oracle.tasks]
            words = "the list of the second account shows tasks {} of the first while both ask"
            saw = Said(f"{words}, where none of them is due", foreign, by=(answer,))
            checks.require(not foreign, "auth.account", saw)


def _asked(ask: tuple[Api, str]) -> Answer:
    """The answer to a query of a task, or to a look at the first page where no task is named."""
    api, name = ask
    operations = api.document.operations
    if not name:
        query = {"pageNum": 1, "pageSize": 20}
        return api.target.call("GET", operations["listCustomVoices"].path, query=query)
    path = operations["getCustomVoice"].path.replace("{id}", routes.segment(name))
    return api.target.call("GET", path)


def _foreign(answer: Answer, what: str) -> Said:
    return checks.not_due(answer, "a refusal", f"since the {what} is the first account's")
