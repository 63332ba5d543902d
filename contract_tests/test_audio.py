"""Whether an audio that could be fetched early in a run can be fetched at its end."""

from __future__ import annotations

import time

import httpx2
import pytest

from contract_tests import checks, samples
from contract_tests.api import Api
from contract_tests.media import audio_of, fetched
from contract_tests.saying import Said


@pytest.mark.billable
def test_an_audio_can_be_fetched(voices_api: Api) -> None:
    """The audio of a speech can be fetched as soon as its address is there.

    Source: media.url.no-auth, media.url.expires.
    """
    if voices_api.is_paid:
        pytest.skip("not looked at: it would cost one more speech (--free says that it does not)")
    request = samples.speech(voices_api.dialect)
    data = voices_api.data("createSpeech", request, clause="speech.endpoint")
    url = str(audio_of(data)["url"])
    fetched(voices_api.target, url, data=data)
    voices_api.first_audio = (url, time.monotonic())


@pytest.mark.last
def test_an_audio_is_there_at_the_end(voices_api: Api) -> None:
    """What could be fetched can be fetched as long as the run lasts, which is less than 30 days.

    Source: media.url.expires.
    """
    url, fetched_s = voices_api.first_audio
    if not url:
        pytest.skip("not looked at: no audio was fetched before")
    passed_s = time.monotonic() - fetched_s
    try:
        answer = voices_api.target.plain("GET", url)
    except httpx2.TransportError as reason:
        pytest.skip(f"not looked at: {url} cannot be reached any more ({reason})")
    words = (
        f"the audio is answered with HTTP {answer.status} {passed_s:.1f} s after it was fetched,"
        " where HTTP 200 is due for 30 days"
    )
    is_there = answer.status in (200, 429)
    checks.require(is_there, "media.url.expires", Said(words, by=(answer.request,)))
