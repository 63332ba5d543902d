"""The official voices as a library of their own, and its pages."""

from __future__ import annotations

import pytest

from contract_tests import checks
from contract_tests.api import Api, Record
from contract_tests.faults import ILLEGAL, PARAMETERS
from contract_tests.receiver import Receiver

#: Tasks on a page when nothing is said about it.
DEFAULT_SIZE = 30


def _voice_ids(api: Api) -> list[str]:
    """The official voices. Skips the test where there are none."""
    query = {"pageNum": 1, "pageSize": 500}
    tasks: list[Record] = api.data("listPresetVoices", query=query, clause="presets.endpoint")
    voices = [voice["voice_id"] for task in tasks for voice in task["task_result"]["voices"]]
    if not voices:
        pytest.skip("not looked at: the official library is empty")
    return voices


def test_an_official_voice_cannot_be_deleted(voices_api: Api) -> None:
    """Deleting a voice of the official library is refused with HTTP 400, and it is still there.

    Source: voice-delete.official.
    """
    voice_id = _voice_ids(voices_api)[0]
    answer = voices_api.call("deleteVoice", {"voice_id": voice_id})
    checks.refused(answer, voices_api.dialect, "voice-delete.official", PARAMETERS)
    is_there = voice_id in _voice_ids(voices_api)
    checks.require(is_there, "voice-delete.official", f"{voice_id} is gone after\n  {answer}")


def test_an_official_voice_does_not_speak(voices_api: Api) -> None:
    """The library is not the text-to-speech catalogue: its ids are refused like unknown ones, in either language.

    Source: speech.voice.preset-refused, presets.separate-library.
    """
    voice_id = _voice_ids(voices_api)[0]
    for language in ("zh", "en"):
        request = {"text": "Hello", "voice_id": voice_id, "voice_language": language}
        answer = voices_api.call("createSpeech", request)
        checks.refused(answer, voices_api.dialect, "speech.voice.preset-refused", ILLEGAL)
    checks.kept("presets.separate-library")


def test_a_page_has_thirty_tasks(voices_api: Api, receiver: Receiver) -> None:
    """Without pageNum and pageSize the first 30 tasks are listed.

    Source: paging.size, paging.number.
    """
    operation = "listPresetVoices"
    if len(_ids(voices_api, operation, DEFAULT_SIZE + 1)) <= DEFAULT_SIZE:
        voices_api, operation = _filled(voices_api, receiver), "listCustomVoices"
    expected = _ids(voices_api, operation, DEFAULT_SIZE)
    shown = _ids(voices_api, operation, None)
    saw = f"{len(shown)} tasks in {operation}: {shown}\n  where pageNum=1&pageSize=30 shows {expected}"
    checks.require(len(shown) == DEFAULT_SIZE, "paging.size", saw)
    if _ids(voices_api, operation, DEFAULT_SIZE) == expected:  # nobody promises an order that stays
        checks.require(shown == expected, "paging.number", saw)


def _ids(api: Api, operation: str, size: int | None) -> list[str]:
    query = {"pageNum": 1, "pageSize": size} if size else None
    tasks: list[Record] = api.data(operation, query=query, clause="paging.size")
    return [task["task_id"] for task in tasks]


def _filled(api: Api, receiver: Receiver) -> Api:
    """An account with more tasks than a page has. Skips the test where so many would cost somebody something."""
    if api.target.key_was_given or not api.target.control:
        pytest.skip(f"not looked at: the library has no more than {DEFAULT_SIZE} voices")
    other = api.with_target(api.target.fresh())
    request = {"voice_name": "One of many", "voice_url": receiver.sample_url}
    for _ in range(DEFAULT_SIZE + 1):
        other.data("createCustomVoice", request, clause="voice-create.endpoint")
    return other
