"""The official voices as a library of their own, and its pages."""

from __future__ import annotations

import pytest

from contract_tests import checks
from contract_tests.api import Api, Record
from contract_tests.faults import ILLEGAL, PARAMETERS
from contract_tests.receiver import Receiver
from contract_tests.saying import Said

#: Tasks on a page when nothing is said about it, and the most that every reading of the documents allows.
DEFAULT_SIZE, LARGE_SIZE, LARGEST_SIZE = 30, 500, 1000
#: Small pages of a list that are looked at, at most.
MOST_PAGES = 6


def _library(api: Api) -> list[Record]:
    """The tasks of the official library, on one page."""
    return _tasks(api, "listPresetVoices", 1, LARGE_SIZE, "presets.endpoint")


def _tasks(api: Api, operation: str, number: int, size: int, clause: str) -> list[Record]:
    query = {"pageNum": number, "pageSize": size}
    tasks: list[Record] = api.data(operation, query=query, clause=clause)
    return tasks


def _voices(task: Record) -> list[Record]:
    """The voices of a task; a failed one has none."""
    voices: list[Record] = task["task_result"].get("voices", [])
    return voices


def _voice_ids(api: Api) -> list[str]:
    """The official voices. Skips the test where there are none."""
    tasks = _library(api)
    voices = [voice["voice_id"] for task in tasks for voice in _voices(task)]
    if not voices:
        pytest.skip("not looked at: the official library is empty")
    return voices


def test_official_voices_are_kling_s(voices_api: Api) -> None:
    """The official library is listed page by page; each of its voices has an id and is owned by kling.

    Source: presets.endpoint, presets.owner, ids.unique.
    """
    tasks = _library(voices_api)
    voices = [voice for task in tasks for voice in _voices(task)]
    for voice in voices:
        owner = voice.get("owned_by", "kling")
        saw = Said('owned_by is {}, where "kling" is due', owner, by=(voice,))
        checks.require(owner == "kling", "presets.owner", saw)
    voice_ids = [voice["voice_id"] for voice in voices]
    checks.distinct("ids.unique", voice_ids, tasks)
    checks.distinct("ids.unique", [task["task_id"] for task in tasks], tasks)


def test_the_library_is_the_same_for_all(voices_api: Api) -> None:
    """The official voices are the same at every look, and for every account.

    Source: presets.same-for-all.
    """
    first = sorted(_voice_ids(voices_api))
    second_key = voices_api.target.api_key2
    looks = [voices_api]
    if second_key:
        looks.append(voices_api.with_target(voices_api.target.with_key(second_key)))
    for api in looks:
        seen = sorted(_voice_ids(api))
        if seen != first:
            words = "the official voices are {}, where {} are due as at the look before"
            told = Said(words, seen, first, by=(_library(api),))
            raise checks.found("presets.same-for-all", told)
    checks.kept("presets.same-for-all")


def test_small_pages_make_up_the_library(voices_api: Api) -> None:
    """A page holds pageSize tasks, but for the last; the next page goes on where it ended.

    Source: paging.number, paging.size.counts-tasks, ids.unique.
    """
    whole = [task["task_id"] for task in _library(voices_api)]
    if len(whole) < 2:
        pytest.skip("not looked at: the official library has no two voices")
    size = max(-(-len(whole) // (MOST_PAGES - 1)), min(2, len(whole) - 1))
    shown: list[str] = []
    for number in range(1, -(-len(whole) // size) + 1):
        tasks = _tasks(voices_api, "listPresetVoices", number, size, "paging.number")
        due = min(size, len(whole) - len(shown))
        words = f"page {number} in pages of {size} holds {len(tasks)} tasks, where {due} are due"
        saw = Said(words, by=(tasks,))
        checks.require(len(tasks) <= size, "paging.size.counts-tasks", saw)
        shown += [task["task_id"] for task in tasks]
        checks.require(len(tasks) == due, "paging.number", saw)
    again = [task["task_id"] for task in _library(voices_api)]
    words = f"pages of {size} hold {{}}, where what one page of {LARGE_SIZE} holds is due: {{}}"
    held = Said(words, shown, whole, by=(tasks,))
    if sorted(again) == sorted(whole):  # nobody has changed it
        checks.require(sorted(shown) == sorted(whole), "paging.number", held)
    if again == whole:  # the order stays
        checks.require(shown == whole, "paging.number", held)


@pytest.mark.parametrize("operation", ["listPresetVoices", "listCustomVoices"])
def test_a_short_page_is_the_last(voices_api: Api, operation: str) -> None:
    """A page shorter than pageSize is the last: nothing is cut off a long one, and the next holds nothing.

    To begin anew past the end is another reading of what a page there shows.

    Source: voice-list.no-total, paging.size.max, paging.size.counts-tasks, paging.past-the-end.
    """
    for size in (LARGE_SIZE, DEFAULT_SIZE):
        tasks = _tasks(voices_api, operation, 1, size, "paging.size.max")
        words = f"a page of {size} holds {len(tasks)} tasks, where at most {size} are due"
        checks.require(len(tasks) <= size, "paging.size.counts-tasks", Said(words, by=(tasks,)))
        if len(tasks) == size:
            continue
        query = {"pageNum": 2, "pageSize": size}
        after = voices_api.call(operation, query=query)
        is_end = after.status == 400 or after.data == []  # paging.past-the-end is assumed
        words = (
            f"page 1 of {size} holds {len(tasks)} tasks and page 2 holds some, where none is due"
        )
        more = Said(words, by=(after,))
        if after.status == 200 and after.data and not _ids_of(after.data) - _ids_of(tasks):
            raise checks.found("paging.past-the-end", more)
        checks.require(is_end, "voice-list.no-total", more)


@pytest.mark.parametrize("operation", ["listPresetVoices", "listCustomVoices"])
def test_a_page_may_be_large(voices_api: Api, operation: str) -> None:
    """A pageSize of 500 is accepted; one of 1,000 too, or refused: the documents differ. Page 1,000 may be asked for.

    Source: paging.size.max, paging.number.
    """
    has_some = False
    for size in (1, LARGE_SIZE, LARGEST_SIZE):
        answer = voices_api.call(operation, query={"pageNum": 1, "pageSize": size})
        is_empty = answer.data == []
        words = (
            f"page 1 is empty where pageSize is {size}, where the tasks of smaller pages are due"
        )
        none_left = Said(words, by=(answer,))
        checks.require(not (has_some and is_empty), "paging.number", none_left)
        has_some = has_some or not is_empty
        is_right = answer.pair == (200, 0) or (size == LARGEST_SIZE and answer.status == 400)
        saw = checks.not_due(answer, f"HTTP 200, code 0 for a pageSize of {size}")
        checks.require(is_right, "paging.size.max", saw)


def test_an_official_voice_cannot_be_deleted(voices_api: Api) -> None:
    """Deleting a voice of the official library is refused with HTTP 400, and it is still there.

    Source: voice-delete.official.
    """
    voice_id = _voice_ids(voices_api)[0]
    answer = voices_api.call("deleteVoice", {"voice_id": voice_id})
    checks.refused(answer, voices_api.dialect, "voice-delete.official", PARAMETERS)
    is_there = voice_id in _voice_ids(voices_api)
    words = "official voice {} is gone after a refused deletion, where it is due to stay"
    checks.require(is_there, "voice-delete.official", Said(words, voice_id, by=(answer,)))


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
    if len(_page(voices_api, operation, DEFAULT_SIZE + 1)) <= DEFAULT_SIZE:
        voices_api, operation = _filled(voices_api, receiver), "listCustomVoices"
    expected = _page(voices_api, operation, DEFAULT_SIZE)
    shown = _page(voices_api, operation, None)
    words = f"a page without pageSize holds {len(shown)} tasks, where {DEFAULT_SIZE} are due"
    checks.require(len(shown) == DEFAULT_SIZE, "paging.size", Said(words, by=(shown,)))
    now = _page(voices_api, operation, DEFAULT_SIZE)
    if _in_order(now) == _in_order(expected):  # nobody promises an order that stays
        words = "a page without a query holds tasks {}, where {} of page 1 are due"
        told = Said(words, _in_order(shown), _in_order(expected), by=(expected, shown))
        checks.require(_in_order(shown) == _in_order(expected), "paging.number", told)


def _ids_of(tasks: list[Record]) -> set[str]:
    return {task["task_id"] for task in tasks}


def _in_order(tasks: list[Record]) -> list[str]:
    return [task["task_id"] for task in tasks]


def _page(api: Api, operation: str, size: int | None) -> list[Record]:
    query = {"pageNum": 1, "pageSize": size} if size else None
    tasks: list[Record] = api.data(operation, query=query, clause="paging.size")
    return tasks


def _filled(api: Api, receiver: Receiver) -> Api:
    """An account with more tasks than a page has. Skips the test where so many would cost somebody something."""
    if api.target.key_was_given or not api.target.control:
        pytest.skip(f"not looked at: the library has no more than {DEFAULT_SIZE} voices")
    other = api.with_target(api.target.fresh())
    request = {"voice_name": "One of many", "voice_url": receiver.sample_url}
    for _ in range(DEFAULT_SIZE + 1):
        other.data("createCustomVoice", request, clause="voice-create.endpoint")
    return other
