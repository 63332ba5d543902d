"""Tasks that were made a moment ago: that they can be queried at once is assumed, and that they can be is not."""

from __future__ import annotations

import time
from collections.abc import Callable

from contract_tests import checks
from contract_tests.observation import Answer
from contract_tests.target import Target

#: Seconds after its create answer in which a task may still be unknown: real ones, and virtual ones of the kit's clock.
LAG_S = 2.0
#: The first and the longest pause between two looks, in seconds.
_PAUSES_S = (0.05, 0.4)


class Fresh:
    """The ids of new tasks that no query has found yet.

    Args:
        target: where they were made.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._until: dict[str, float] = {}
        self._has_failed = False

    def made(self, *names: object) -> None:
        """A task was made; these are its ids, as far as they are any."""
        now = time.monotonic()
        self._until |= {name: now + LAG_S for name in names if isinstance(name, str) and name}

    def clear(self) -> None:
        """Something was deleted, and what is no more need not be found."""
        self._until.clear()

    def settled(self, name: str, answer: Answer, look: Callable[[], Answer]) -> Answer:
        """The answer to a query, asked again while a task that is so new is not found.

        After one that was not found in all that time, none is waited for.

        Args:
            name: which id the query names.
            answer: the first one.
        """
        until = self._until.pop(name, 0.0)
        if not until or not _is_unknown(answer):
            return answer
        late = answer
        if not self._has_failed:
            answer = self._awaited(answer, look, until)
        if _is_unknown(answer):
            self._has_failed = True
        elif answer.pair == (200, 0):
            words = "for a task that was just made, and is found a little later"
            told = checks.not_due(late, "HTTP 200, code 0", words)
            checks.note("voice-create.readable-at-once", told)
        return answer

    def _awaited(self, answer: Answer, look: Callable[[], Answer], until: float) -> Answer:
        if self._target.control:
            self._target.advance(LAG_S)
            return look()
        pause_s, longest_s = _PAUSES_S
        while _is_unknown(answer) and time.monotonic() < until:
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, longest_s)
            answer = look()
        return answer


def _is_unknown(answer: Answer) -> bool:
    return answer.status in (400, 404)
