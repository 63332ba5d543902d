"""All pages of the list beside what is known of the account."""

from __future__ import annotations

import time
from collections.abc import Sequence

from contract_tests import checks
from contract_tests.api import PAGE_SIZE, Api, Record
from contract_tests.fresh import LAG_S
from contract_tests.oracle import KnownVoice, Oracle
from contract_tests.saying import Said

#: How often the pages are walked before what is wrong with them counts, and the seconds between two walks.
WALKS = 3
PAUSE_S = 2.0


def listed(api: Api, oracle: Oracle, page_size: int | None) -> list[Record]:
    """All pages together, held against what is known.

    What they do not show at once they may show a little later (voice-create.readable-at-once is assumed), and while
    tasks change a list may be in another order on each page (voice-list.newest-first is). What lasts counts; where one
    has stayed wrong, the next is looked at once.

    Raises:
        Broken: a task is missing, there twice or another account's, or contradicts what is known.
        TooManyTasks: there are too many, or somebody else makes tasks.
    """
    patience = api.target.patience
    for left in reversed(range(WALKS)):
        began_s = time.monotonic()
        shown = api.voices(page_size)
        missing = oracle.missing(shown)
        if not (_is_doubled(shown) or missing):
            break
        counts_from_one(api, shown)
        is_one_page = not api.target.control and len(shown) < (page_size or PAGE_SIZE)
        if is_one_page and any(_is_old(task, began_s) for task in missing):
            break
        if not left or patience.is_list_wrong:
            patience.is_list_wrong = True
            break
        if api.target.control:
            api.target.advance(PAUSE_S)
        else:
            time.sleep(PAUSE_S)
    _are_own(api, oracle, shown)
    oracle.listed(shown)
    return shown


def _are_own(api: Api, oracle: Oracle, shown: Sequence[Record]) -> None:
    """None of the tasks was made with the key of the other account."""
    key = api.target.api_key2
    if not key or key == api.target.api_key:
        return
    theirs = {made.task_id for made in api.target.sender.made if made.is_by(f"Bearer {key}")}
    foreign = [
        record
        for record in shown
        if record["task_id"] in theirs and record["task_id"] not in oracle.tasks
    ]
    words = "the list of the first account shows tasks {} of the second, where none of them is due"
    saw = Said(words, [record["task_id"] for record in foreign], by=(*foreign[:1],))
    checks.require(not foreign, "auth.account", saw)


def _is_doubled(shown: Sequence[Record]) -> bool:
    return len({record["task_id"] for record in shown}) < len(shown)


def _is_old(task: KnownVoice, now_s: float) -> bool:
    """Whether a task was created so long ago that no list may leave it out; on one page no order can hide it."""
    return bool(task.glimpses) and now_s - task.glimpses[0].ended_s > LAG_S


def counts_from_one(api: Api, shown: Sequence[Record]) -> None:
    """The first page of a list that shows nothing is not empty where a smaller first page is not.

    Raises:
        Broken: it is, so that pages count from another number.
    """
    if shown:
        return
    small = api.call("listCustomVoices", query={"pageNum": 1, "pageSize": 1})
    large = api.call("listCustomVoices", query={"pageNum": 1, "pageSize": PAGE_SIZE})
    is_odd = small.pair == large.pair == (200, 0) and bool(small.data) and not large.data
    words = f"page 1 is empty where pageSize is {PAGE_SIZE} and holds a task where it is 1, where both are due it"
    checks.require(not is_odd, "paging.number", Said(words, by=(small, large)))
