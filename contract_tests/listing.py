"""All pages of the list beside what is known of the account."""

from __future__ import annotations

import time
from collections.abc import Sequence

from contract_tests.api import Api, Record
from contract_tests.oracle import Oracle

#: How often the pages are walked before what is wrong with them counts, and the seconds between two walks.
WALKS = 3
PAUSE_S = 2.0


def listed(api: Api, oracle: Oracle, page_size: int | None) -> list[Record]:
    """All pages together, held against what is known.

    What they do not show at once they may show a little later (voice-create.readable-at-once is assumed), and while
    tasks change a list may be in another order on each page (voice-list.newest-first is). What lasts counts; where one
    has stayed wrong, the next is looked at once.

    Raises:
        Broken: a task is missing or there twice, or contradicts what is known.
        TooManyTasks: there are too many, or somebody else makes tasks.
    """
    patience = api.target.patience
    for left in reversed(range(1 if patience.is_list_wrong else WALKS)):
        shown = api.voices(page_size)
        is_wrong = _is_doubled(shown) or bool(oracle.missing(shown))
        if not left:
            patience.is_list_wrong = is_wrong
        if not left or not is_wrong:
            break
        if api.target.control:
            api.target.advance(PAUSE_S)
        else:
            time.sleep(PAUSE_S)
    oracle.listed(shown)
    return shown


def _is_doubled(shown: Sequence[Record]) -> bool:
    return len({record["task_id"] for record in shown}) < len(shown)
