"""What will happen to an account's tasks, ordered by due time: one heap of small tuples, no timer per task."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import NamedTuple


class Due(NamedTuple):
    """Step ``step`` of a task comes at ``at`` (ms), or an attempt of the delivery with that number, unless it is 0.

    Ties are broken by the order of planning.
    """

    at: int
    order: int
    task_id: str
    step: int
    delivery: int = 0


class Agenda:
    """The planned steps of one account. Only the next step of a task is in it, so its size is the tasks in flight."""

    __slots__ = ("_heap", "_order")

    def __init__(self) -> None:
        self._heap: list[Due] = []
        self._order = 0

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Due]:
        """What is planned, in due order."""
        return iter(sorted(self._heap))

    def plan(self, at: int, task_id: str, step: int, delivery: int = 0) -> None:
        """Plans step ``step`` of a task, or an attempt of a delivery of it, for the instant ``at`` (ms)."""
        self._order += 1
        heappush(self._heap, Due(at, self._order, task_id, step, delivery))

    def clear(self) -> None:
        """Forgets everything that is planned."""
        self._heap.clear()

    def next_at(self) -> int | None:
        """The instant (ms) of the next planned step, or ``None``."""
        return self._heap[0].at if self._heap else None

    def pop_due(self, now: int) -> Due | None:
        """Takes the next step that has come by ``now`` (ms), or ``None``."""
        if self._heap and self._heap[0].at <= now:
            return heappop(self._heap)
        return None
