"""Requests at the same moment: a thread for each, none of which begins before all are there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

#: Seconds after which a thread that did not begin is given up.
_BEGIN_S = 10.0

S = TypeVar("S")
T = TypeVar("T")


def at_once(count: int, act: Callable[[], T]) -> list[T]:
    """What ``count`` threads get that act at the same moment."""
    return each_at_once(lambda _: act(), range(count))


def each_at_once(act: Callable[[S], T], of: Sequence[S]) -> list[T]:
    """What comes of each, in order, where a thread for each acts at the same moment."""
    barrier = Barrier(len(of))

    def one(item: S) -> T:
        barrier.wait(_BEGIN_S)
        return act(item)

    with ThreadPoolExecutor(len(of)) as pool:
        return [future.result() for future in [pool.submit(one, item) for item in of]]
