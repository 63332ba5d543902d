"""What is left of a custom voice after its deletion: its task, its external id, and everything else."""

from __future__ import annotations

import re

import pytest

from contract_tests import checks, story
from contract_tests.api import Record
from contract_tests.faults import ILLEGAL
from contract_tests.garden import FAILING, Garden
from contract_tests.saying import Said
from contract_tests.walk import Walk

pytestmark = pytest.mark.billable

_FIVE_HUNDREDTHS = re.compile("0*[.]050*")


@pytest.fixture(scope="module")
def walk(garden: Garden) -> Walk:
    """The walk through one dialect; it goes on as the tests ask for it."""
    return Walk.of(garden)


def test_the_task_of_a_deleted_voice_stays(walk: Walk) -> None:
    """The task that made a deleted voice can still be queried and listed.

    Source: voice-delete.task-stays.
    """
    _ = walk.deleted
    answer = walk.api.call("getCustomVoice", name=walk.doomed.id)
    if answer.pair != (200, 0):
        told = checks.not_due(answer, "the task of the deleted voice")
        raise checks.found("voice-delete.task-stays", told)
    saw = story.another(answer.data, walk.doomed.id)
    checks.require(answer.data["task_id"] == walk.doomed.id, "voice-get.by-task-id", saw)
    other = walk.api.call("getCustomVoice", name=walk.doomed.external_id)
    if other.pair != (200, 0):
        told = checks.not_due(other, "the task of the deleted voice, by its external id")
        raise checks.found("voice-delete.task-stays", told)
    if walk.doomed.id not in [record["task_id"] for record in walk.listed(100)]:
        words = "task {} of the deleted voice is not in the list, where it is due"
        told = Said(words, walk.doomed.id, by=(walk.doomed.seen[-1],))
        raise checks.found("voice-delete.task-stays", told)
    checks.kept("voice-delete.task-stays")


@pytest.mark.parametrize("end", ["failed", "deleted"])
def test_an_external_id_stays_taken(walk: Walk, end: str) -> None:
    """The external id of a task stays taken after the task failed and after its voice was deleted.

    Source: voice-create.external-id.not-freed.
    """
    if end == "deleted":
        _ = walk.deleted
    task = walk.doomed if end == "deleted" else walk.garden.ripe(FAILING)
    if end == "failed" and task.status != "failed":
        pytest.skip("not looked at: no task failed")
    request = {**task.request, "callback_url": ""}
    answer = walk.api.call("createCustomVoice", request)
    if answer.pair == (200, 0):
        walk.oracle.created(request, answer.data)
        told = checks.not_due(answer, "HTTP 400", "since the external id stays taken")
        raise checks.found("voice-create.external-id.not-freed", told)
    checks.refused(answer, walk.api.dialect, "voice-create.external-id.not-freed", ILLEGAL)


def test_official_voices_stay_as_they_are(walk: Walk) -> None:
    """Making and deleting custom voices does not change the official library, nor do they appear in it.

    Source: presets.same-for-all, presets.separate-library.
    """
    before = walk.presets
    _ = walk.deleted
    after = walk.presets_now()
    words = "official voices {} are gone and {} new after a voice was deleted, where none is due to change"
    gone, new = sorted({*_ids(before)} - {*_ids(after)}), sorted({*_ids(after)} - {*_ids(before)})
    saw = Said(words, gone, new, by=(*after[:1],))
    checks.require(_ids(after) == _ids(before), "presets.same-for-all", saw)
    own = [record for record in after if record["task_id"] in walk.oracle.tasks]
    told = Said("custom voices are in the official library, where none is due", by=(*own[:1],))
    checks.require(not own, "presets.separate-library", told)


def test_a_voice_has_one_price(walk: Walk) -> None:
    """A voice costs 0.05 units; where its task names them, they are a text.

    Source: voice-create.price, billing.unit-deduction.
    """
    record = walk.succeeded.seen[-1]
    price = record.get("final_unit_deduction")
    if not price:
        pytest.skip("not looked at: the task of a voice names no units that it cost, and need not")
    if _FIVE_HUNDREDTHS.fullmatch(price) is None:
        told = Said('final_unit_deduction is {}, where "0.05" is due', price, by=(record,))
        raise checks.found("voice-create.price", told)
    checks.kept("voice-create.price", "billing.unit-deduction")


def _ids(presets: list[Record]) -> list[str]:
    return sorted(record["task_id"] for record in presets)
