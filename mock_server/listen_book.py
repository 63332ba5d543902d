"""What was received before: attempts, duplicates, and the order of a task's statuses."""

from __future__ import annotations

from dataclasses import dataclass, field

from mock_server.core.task import TaskStatus

#: How far a status is on its way. ``succeeded`` is how the new standard spells it.
_RANKS = {
    TaskStatus.SUBMITTED.value: 0,
    TaskStatus.PROCESSING.value: 1,
    TaskStatus.SUCCEED.value: 2,
    TaskStatus.FAILED.value: 2,
    "succeeded": 2,
}
_TERMINAL_RANK = 2


@dataclass(slots=True)
class _Mark:
    """Deliveries with something in common: how many, the latest, and the latest that was answered with a success."""

    times: int = 0
    latest: int = 0
    accepted: int = 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """How a delivery stands to those before it; 0 is none of them.

    Attributes:
        attempt: how often its webhook-id was seen, itself included; 0 without one.
        duplicate_of: a delivery that was accepted and said the same.
        retry_of: the latest delivery that said the same, when none was accepted.
        same: what is the same.
        order: what is wrong with the order; or empty.
        marks: to be settled when it is accepted.
    """

    attempt: int = 0
    duplicate_of: int = 0
    retry_of: int = 0
    same: str = ""
    order: str = ""
    marks: tuple[_Mark, ...] = field(default=(), compare=False)


class Book:
    """Remembers all deliveries."""

    def __init__(self) -> None:
        self._by_id: dict[str, _Mark] = {}
        self._by_status: dict[tuple[str, str], _Mark] = {}
        self._furthest: dict[str, str] = {}

    def note(
        self, number: int, webhook_id: str, task_id: str, status: str, *, is_trusted: bool
    ) -> Sighting:
        """Takes in a delivery.

        Args:
            number: its own, from 1 on.
            webhook_id: empty when it has none, as are ``task_id`` and ``status``.
            is_trusted: else what it says of the task does not count.
        """
        marks: dict[str, _Mark] = {}
        if webhook_id:
            marks["webhook-id"] = self._by_id.setdefault(webhook_id, _Mark())
        order = ""
        if is_trusted and task_id and status:
            marks["task and status"] = self._by_status.setdefault((task_id, status), _Mark())
            order = self._order(task_id, status)
        duplicate_of, retry_of, same = _relation(marks)
        for mark in marks.values():
            mark.times += 1
            mark.latest = number
        attempt = marks["webhook-id"].times if webhook_id else 0
        return Sighting(attempt, duplicate_of, retry_of, same, order, tuple(marks.values()))

    def accept(self, number: int, sighting: Sighting) -> None:
        """A delivery is answered with a success: what says the same from now on is a duplicate."""
        for mark in sighting.marks:
            mark.accepted = number

    def _order(self, task_id: str, status: str) -> str:
        rank, before = _RANKS.get(status), self._furthest.get(task_id, "")
        if rank is None:
            return ""
        if not before or rank > _RANKS[before]:
            self._furthest[task_id] = status
            return ""
        if status == before:
            return ""
        if _RANKS[before] == _TERMINAL_RANK:
            return f"{status} after {before}, which is terminal"
        return f"{status} after {before} goes back"


def _relation(marks: dict[str, _Mark]) -> tuple[int, int, str]:
    for same, mark in marks.items():
        if mark.accepted:
            return mark.accepted, 0, same
    for same, mark in marks.items():
        if mark.latest:
            return 0, mark.latest, same
    return 0, 0, ""
