"""requests: a polling loop whose sleep is passed in, and a task that fails inside HTTP 200."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from mock_server.testing import KlingMock


class VoiceFailed(Exception):
    """The task ended without a voice."""


def make_voice(
    base_url: str, api_key: str, sample: str, sleep: Callable[[float], Any] = time.sleep
) -> str:
    """Clones a voice from a recording, and returns its id."""
    with requests.Session() as api:
        api.headers["Authorization"] = f"Bearer {api_key}"
        voices = f"{base_url}/v1/general/custom-voices"
        answer = api.post(voices, json={"voice_name": "Ada", "voice_url": sample}, timeout=10)
        answer.raise_for_status()
        task = answer.json()["data"]
        while task["task_status"] not in ("succeed", "failed"):
            sleep(3)
            answer = api.get(f"{voices}/{task['task_id']}", timeout=10)
            answer.raise_for_status()
            task = answer.json()["data"]
    if task["task_status"] == "failed":  # although HTTP says 200, code 0 and message SUCCEED
        raise VoiceFailed(task["task_status_msg"])
    voice_id: str = task["task_result"]["voices"][0]["voice_id"]
    return voice_id


def test_polls_until_the_voice_is_there(kling_mock: KlingMock) -> None:
    """The client's sleep moves the clock of the mock: nine seconds take none."""
    sample = "https://example.com/ada.mp3"

    assert make_voice(kling_mock.base_url, kling_mock.api_key, sample, kling_mock.clock.advance)

    kling_mock.requests.assert_received(operation="getCustomVoice", count=3)


def test_says_why_there_is_no_voice(kling_mock: KlingMock) -> None:
    """The reason is in task_status_msg; a magic file name chooses the scenario."""
    sample = "https://example.com/mock-risk-control.mp3"

    with pytest.raises(VoiceFailed, match="risk control"):
        make_voice(kling_mock.base_url, kling_mock.api_key, sample, kling_mock.clock.advance)
