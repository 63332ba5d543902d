"""What voices are learned from: recordings of some seconds, as far as the server fetches what the kit serves."""

from __future__ import annotations

import time

import pytest

from contract_tests import checks, slots
from contract_tests.garden import FAILING, LONG, RECORDINGS, SHORT, Garden
from contract_tests.saying import Said

pytestmark = pytest.mark.billable

#: Tasks that are made to fail one after the other, and real seconds for them: a leak of slots has filled few by then.
_MOST_FAILED, _FAILING_S = 8, 20.0
_ABOUT = {
    SHORT: ("voice-create.url.duration", "a recording of 4 seconds"),
    LONG: ("voice-create.url.duration", "a recording of 32 seconds"),
    FAILING: ("voice-create.url.media", "a text"),
}


@pytest.mark.parametrize("kind", RECORDINGS)
def test_a_voice_is_learned_from_a_recording(garden: Garden, kind: str) -> None:
    """No voice is made of a recording that is shorter than 5 or longer than 30 seconds, nor of a text.

    Whether the request is refused or the task fails is assumed. A server that never fetches what it is to learn from
    cannot know, which is a finding.

    Source: voice-create.url.duration, voice-create.url.media, voice-create.url.late-refusal.
    """
    if garden.api.is_paid:
        pytest.skip("not looked at: each recording that is accepted costs (--free says otherwise)")
    if garden.api.target.is_mock:
        return  # it fetches no recording, but goes by its name (reasons.py)
    clause, what = _ABOUT[kind]
    try:
        task = garden.ripe(kind)
    except checks.Finding:
        checks.kept(*[clause] * garden.was_fetched(kind))  # it was refused at once
        raise
    was_fetched = garden.was_fetched(kind)
    if task.status != "failed":
        unread = "" if was_fetched else "; nobody has fetched it"
        words = f"task_status is {{}} for {what}, where a refusal or failed is due{unread}"
        saw = Said(words, task.status, by=(task.seen[-1],))
        raise checks.Broken(clause, saw) if was_fetched else checks.found(clause, saw)
    if not was_fetched:
        pytest.skip("not looked at: the task failed, but nobody fetched the recording")
    checks.kept(clause, "voice-create.url.late-refusal")


@pytest.mark.last
def test_a_failed_task_holds_no_slot(garden: Garden) -> None:
    """Where an account has few slots, failed tasks free theirs: one after the other may fail, and the next has a slot.

    Source: limits.slot.held.
    """
    target = garden.api.target
    known = slots.of(target)
    if target.is_paid or target.is_mock or not known.were_full or not garden.has_ended(FAILING):
        return
    if garden.planted(FAILING).status != "failed":
        return
    until = time.monotonic() + _FAILING_S
    for _ in range(_MOST_FAILED):
        if time.monotonic() > until:
            return
        bad = garden.planted(FAILING).request["voice_url"]
        request = {"voice_name": garden.api.new_name(), "voice_url": bad}
        answer = garden.api.accepted("createCustomVoice", request, clause="voice-create.endpoint")
        task = garden.oracle.created(request, answer.data)
        garden.end(task)
