"""How many tasks there are: as many as were asked for, however long the list is."""

from __future__ import annotations

import time
from functools import partial

import pytest

from contract_tests import checks, listing
from contract_tests.api import Api, Record, TooManyTasks
from contract_tests.observation import Answer
from contract_tests.oracle import Oracle
from contract_tests.receiver import Receiver
from contract_tests.run import Run
from contract_tests.saying import Said

pytestmark = pytest.mark.billable

#: Tasks to make: more than a page of 30 or of 100 holds; and with how many it is worth looking.
MANY = 105
ENOUGH = 31
#: One of so many has a callback_url.
TOLD_OF = 4
#: Real seconds in which they are made, and virtual ones in which some of them end.
_MAKING_S = 20.0
_PASSING_S = 5.0
_ENDING_S = 600.0


@pytest.fixture(scope="module")
def crowd(run: Run, official: str, receiver: Receiver) -> tuple[Api, Oracle]:
    """An account with many tasks, one as new as the other. Skips the test where that may cost."""
    shared = run.api(official)
    if shared.is_paid:
        pytest.skip("not looked at: many tasks may cost (--free says that they do not)")
    api = shared.with_target(shared.target.fresh())
    api.waits_when_busy = False
    oracle = Oracle()
    deadline = time.monotonic() + _MAKING_S
    pace = api.target.sender.pace
    while len(oracle.tasks) < MANY and time.monotonic() < deadline:
        several: list[Record] = [
            _voice(api, receiver, len(oracle.tasks) + place)
            for place in range(min(pace.at_once, MANY - len(oracle.tasks)))
        ]
        answers = pace.each(partial(api.call, "createCustomVoice"), several)
        for request, answer in zip(several, answers, strict=True):
            if answer.pair == (200, 0):
                oracle.created(request, answer.data)
        if any(answer.pair != (200, 0) for answer in answers):
            break
    api.waits_when_busy = True
    shared.adopt(api)
    if len(oracle.tasks) < ENOUGH:
        pytest.skip(f"not looked at: only {len(oracle.tasks)} tasks could be made at once")
    if api.target.control:
        api.target.advance(_PASSING_S)
    return api, oracle


def _voice(api: Api, receiver: Receiver, number: int) -> Record:
    request: Record = {"voice_name": api.new_name(), "voice_url": receiver.sample_url}
    if receiver.is_reachable and number % TOLD_OF == 0:
        request["callback_url"] = receiver.hook_url
    return request


@pytest.mark.parametrize("page_size", [None, 7, 30, 100, 500])
def test_a_long_list_shows_every_task_once(
    crowd: tuple[Api, Oracle], page_size: int | None
) -> None:
    """However many tasks there are, the pages together show every one once; a page holds 30 if nothing is said.

    Source: voice-list.complete, voice-list.no-total, paging.size.
    """
    api, oracle = crowd
    try:
        listing.listed(api, oracle, page_size)
    except TooManyTasks as reason:
        pytest.skip(f"not looked at: {reason}")
    checks.kept("voice-list.no-total")


def test_pages_are_disjoint_and_stable(crowd: tuple[Api, Oracle]) -> None:
    """While nothing changes, a page shows the same tasks each time it is asked for, and no task of another page.

    Source: voice-list.complete, paging.number.
    """
    api, _ = crowd
    if api.target.control:
        api.target.advance(_ENDING_S)
    pages: list[set[str]] = []
    looks: list[Answer] = []
    for number in (1, 2, 1, 2):
        answer = api.call("listCustomVoices", query={"pageNum": number, "pageSize": 15})
        checks.accepted(answer, "paging.number")
        if any(record["task_status"] not in checks.TERMINAL for record in answer.data):
            pytest.skip("not looked at: tasks are still under way")
        looks.append(answer)
        pages.append({record["task_id"] for record in answer.data})
    words = "tasks {} come or go between two looks at pages 1 and 2 of 15, where the same are due"
    moved = sorted((pages[0] ^ pages[2]) | (pages[1] ^ pages[3]))
    saw = Said(words, moved, by=(*looks,))
    checks.require(pages[:2] == pages[2:], "voice-list.complete", saw)
    words = "tasks {} are on page 1 and on page 2 of 15, where each is due once"
    saw = Said(words, sorted(pages[0] & pages[1]), by=(*looks[:2],))
    checks.require(not pages[0] & pages[1], "voice-list.complete", saw)


def test_one_request_makes_one_task(voices_api: Api, receiver: Receiver) -> None:
    """One accepted request makes exactly one task, and a refused one none; the list shows those, and no other.

    Source: voice-create.one-task, errors.no-effect, voice-list.complete.
    """
    api = voices_api.with_target(voices_api.target.fresh())
    before = {record["task_id"] for record in _pages(api)}
    oracle = Oracle(alone=not before and not api.target.key_was_given)
    named = {"voice_name": api.new_name(), "voice_url": receiver.sample_url}
    word = api.target.unique("only")
    with_word = {**named, "voice_name": api.new_name(), "external_task_id": word}
    refused = ({"voice_name": "None"}, with_word)  # no source; and the second time
    for request in (with_word, named):
        record = api.data("createCustomVoice", request, clause="voice-create.endpoint")
        oracle.created(request, record)
    for request in refused:
        answer = api.call("createCustomVoice", request)
        if answer.status == 200:
            pytest.skip("not looked at: what was to be refused was not, and other tests say so")
    voices_api.adopt(api)
    try:
        shown = listing.listed(api, oracle, 100)
    except TooManyTasks as reason:
        pytest.skip(f"not looked at: {reason}")
    strangers = {record["task_id"] for record in shown} - before - api.ever_made()
    words = "the list shows tasks {}, where only those that were asked for are due"
    by = [record for record in shown if record["task_id"] in strangers]
    saw = Said(words, sorted(strangers), by=(*by[:1],))
    checks.require(not strangers, "voice-create.one-task", saw)


def _pages(api: Api) -> list[Record]:
    try:
        return api.voices()
    except TooManyTasks as reason:
        pytest.skip(f"not looked at: {reason}")
