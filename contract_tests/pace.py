"""How quickly a server answers, and what is done otherwise where it takes its time.

An answer from far away takes as long however little there is to do, so a thousand of them, one after the other, take
minutes. Then what shares nothing is asked at once, and less is generated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

#: Seconds that the quickest of the first answers takes where a server is far away, and how many those are at least.
FAR_S = 0.1
_FIRST = 3
#: Requests that are sent there at once.
AT_ONCE = 8
#: What is generated there: requests per operation, of which a part is enough; and stories of the machine.
_PART_OF_EXAMPLES, _LEAST_EXAMPLES = 3, 3
STORIES = 2

T = TypeVar("T")
R = TypeVar("R")


class Pace:
    """How quickly a server answers: what the first look at it has shown counts for the whole run.

    Args:
        is_single: whether requests leave one by one, however long that takes.

    Attributes:
        quickest_s: seconds of the quickest answer of the first look.
        is_crowded: whether it has refused a request since there were too many.
        is_far: whether each answer takes long.
    """

    def __init__(self, *, is_single: bool = False) -> None:
        self.quickest_s = float("inf")
        self.is_crowded = False
        self.is_far = False
        self._is_single = is_single
        self._answers = 0
        self._is_looking = True

    def note(self, took_s: float, *, is_busy: bool) -> None:
        """An answer came."""
        self.is_crowded = self.is_crowded or is_busy
        if self._is_looking:
            self._answers += 1
            self.quickest_s = min(self.quickest_s, took_s)

    @property
    def wants_more(self) -> bool:
        """Whether a few more answers would tell whether the server is far away."""
        return not self._is_single and self.quickest_s >= FAR_S and self._answers < _FIRST

    def settle(self) -> None:
        """The first look is over."""
        self._is_looking = False
        self.is_far = self._answers >= _FIRST and self.quickest_s >= FAR_S

    @property
    def at_once(self) -> int:
        """How many requests that share nothing are sent at once; 1 for one after the other."""
        return AT_ONCE if self.is_far and not (self.is_crowded or self._is_single) else 1

    def each(self, act: Callable[[T], R], of: Iterable[T]) -> list[R]:
        """What comes of each, in order; several at once where the server is far away."""
        if self.at_once == 1:
            return [act(one) for one in of]
        with ThreadPoolExecutor(self.at_once) as pool:
            return list(pool.map(act, of))


def fewer(examples: int) -> int:
    """How many requests are generated per operation of a server far away, of so many."""
    return max(examples // _PART_OF_EXAMPLES, min(examples, _LEAST_EXAMPLES))


def words(pace: Pace, examples: int) -> str:
    """What was done otherwise, in words; empty where nothing was."""
    if not pace.is_far:
        return ""
    together = f"; of those that share nothing, {AT_ONCE} were sent at once"
    return (
        f"each answer took {int(pace.quickest_s * 100) / 100:g} s and more, so less was generated: {fewer(examples)}"
        f" requests per operation instead of {examples}, and {min(examples, STORIES)} stories"
        f"{together * (pace.at_once > 1)}"
    )
