"""What voices are learned from: recordings of some seconds, as far as the server fetches what the kit serves."""

from __future__ import annotations

import pytest

from contract_tests import checks
from contract_tests.garden import FAILING, LONG, RECORDINGS, SHORT, Garden
from contract_tests.saying import Said

pytestmark = pytest.mark.billable

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
