"""What an account has spent, and which of its tasks are in flight: both read off the tasks' timelines.

Nothing is counted apart from the tasks. A terminal status is never left again, so a task that was once seen terminal is
booked, and only the others are looked at again. Nobody pays for this before somebody asks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from mock_server.core.limits import PRICE
from mock_server.core.task import TERMINAL, Task, TaskStatus, observe

#: Deductions shown; ``spent`` sums up all.
BOOKINGS = 10_000


class Booking(NamedTuple):
    """A deduction: ``units`` in hundredths, at an instant in ms. In order, by that and by the ordinal of the task."""

    at: int
    ordinal: int
    task_id: str
    kind: str
    units: int


class Ledger:
    """The books of one account.

    Attributes:
        spent: units deducted so far, in hundredths, as of the last look.
        bookings: the newest deductions, in the order in which they were seen.
    """

    __slots__ = ("_open", "bookings", "spent")

    def __init__(self) -> None:
        self._open: dict[str, Task] | None = None
        self.spent = 0
        self.bookings: deque[Booking] = deque(maxlen=BOOKINGS)

    def opened(self, task: Task) -> None:
        """A task was created."""
        if self._open is not None:
            self._open[task.id] = task

    def changed(self, task: Task) -> None:
        """A task was changed."""
        if self._open is not None and task.id in self._open:
            self._open[task.id] = task

    def dropped(self, task: Task) -> None:
        """A record is kept no longer; what it cost stays spent."""
        if self._open is None and task.timeline[-1].status is TaskStatus.SUCCEED:
            self.spent += PRICE

    def in_flight(self, tasks: Iterable[Task], now: int) -> list[Task]:
        """The tasks that are in flight at ``now`` (ms), oldest first; what has ended meanwhile is booked.

        Args:
            tasks: all tasks of the account, for the first look.
        """
        if self._open is None:
            self._open = {
                task.id: task
                for task in sorted(tasks, key=lambda task: (task.created_at, task.ordinal))
            }
        ended = []
        for task in self._open.values():
            seen = observe(task, now)
            if seen.status in TERMINAL:
                ended.append((seen.updated_at, seen.status, task))
        for at, status, task in sorted(ended, key=lambda item: item[0]):
            del self._open[task.id]
            if status is TaskStatus.SUCCEED:
                self.spent += PRICE
                self.bookings.append(Booking(at, task.ordinal, task.id, task.kind, PRICE))
        return list(self._open.values())
