"""How long an audio can be fetched, to the day. Only a clock that can be moved shows it."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import pytest

from contract_tests import checks, samples
from contract_tests.api import Api
from contract_tests.media import audio_of
from contract_tests.observation import Answer
from contract_tests.saying import Said

DAY_S = 86_400.0
#: Days after which an audio must still be there, and after which it must be gone.
STILL_DAYS, GONE_DAYS = 29, 31
FORBIDDEN = 403


@pytest.mark.billable
def test_an_audio_is_there_for_thirty_days(voices_api: Api) -> None:
    """An audio can be fetched for 30 days and no longer; a URL that has expired, or lacks its parameters, is 403.

    Source: media.url.expires, media.url.dead.
    """
    target = voices_api.target.fresh()
    if target.key_was_given or not target.control:
        pytest.skip("not looked at: 30 days are too long to wait, and the clock is not the kit's")
    api = voices_api.with_target(target)
    data = api.data("createSpeech", samples.speech(api.dialect), clause="speech.endpoint")
    url = audio_of(data)["url"]
    if not target.is_own(url):
        pytest.skip("not looked at: the audio is on a host whose clock is not the kit's")
    bare = target.plain("GET", urlunsplit(urlsplit(url)._replace(query="")))
    target.advance(STILL_DAYS * DAY_S)
    still = target.plain("GET", url)
    checks.require(still.status == 200, "media.url.expires", _saw(still, STILL_DAYS))
    target.advance((GONE_DAYS - STILL_DAYS) * DAY_S)
    gone = target.plain("GET", url)
    checks.require(gone.status != 200, "media.url.expires", _saw(gone, GONE_DAYS))
    dead = [gone] if not urlsplit(url).query else [gone, bare]
    for answer in dead:
        if answer.status != FORBIDDEN:
            raise checks.found("media.url.dead", _saw(answer, GONE_DAYS))
    checks.kept("media.url.dead")


def _saw(answer: Answer, days: int) -> Said:
    due = "HTTP 200 is due" if days < 30 else f"HTTP {FORBIDDEN} is due"
    words = f"the audio is answered with HTTP {answer.status} after {days} days, where {due}"
    return Said(words, by=(answer.request,))
