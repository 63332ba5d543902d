"""All that was seen of one task, judged as a set: whatever the order in which answers and notifications arrived.

What may be compared is said by the records themselves (``updated_at``) and by the clock of the kit: a look that ended
before another began was earlier. Looks that overlap are in no order. Equal instants say nothing of the status: a server
may count in whole seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from contract_tests.checks import RANK, TERMINAL, Broken, broke, kept, note, require
from contract_tests.saying import Apart, Said

Record = dict[str, Any]
T = TypeVar("T")

#: The clauses that a story keeps.
CLAUSES = (
    "task.id.constant",
    "task.created-at.constant",
    "task.status.transitions",
    "task.status.terminal",
    "task.updated-at.monotone",
)


@dataclass(frozen=True, slots=True)
class Glimpse:
    """A record, and when it was seen.

    Attributes:
        began_s: when the request was sent, by the kit's monotonic clock, in seconds.
        ended_s: when the answer was there.
    """

    record: Record
    began_s: float
    ended_s: float

    @property
    def rank(self) -> int:
        """How far the task was."""
        return RANK[self.record["task_status"]]

    @property
    def is_terminal(self) -> bool:
        """Whether the task had ended."""
        return self.record["task_status"] in TERMINAL


def timed(look: Callable[[], T]) -> tuple[T, float, float]:
    """What a look shows, when it began and when it ended."""
    began_s = time.monotonic()
    seen = look()
    return seen, began_s, time.monotonic()


def essence(record: Record) -> tuple[str, list[tuple[str, str | None]]]:
    """What may not change after the end. Addresses are not part of it: they may be signed anew."""
    voices = [
        (voice["voice_id"], voice.get("voice_name"))
        for voice in (record.get("task_result") or {}).get("voices") or ()
    ]
    return record["task_status"], voices


def whole(record: Record) -> Record:
    """A record without what may differ between two looks: addresses, and what is booked later."""
    return {
        "task_id": record["task_id"],
        "task_status_msg": record.get("task_status_msg") or "",
        "task_info": record.get("task_info") or {},
        "created_at": record["created_at"],
        "updated_at": record["updated_at"],
        **_of_end({"task_result": None, **record}),
    }


def same_end(one: Record, other: Record) -> bool:
    """Whether two records of an ended task agree; one without task_result, such as a create answer, is silent on it."""
    said = 2 if "task_result" in one and "task_result" in other else 1
    return essence(one)[:said] == essence(other)[:said]


def constant(field: str, record: Record, first: Record) -> Said:
    """A field that is not what it was."""
    words = f"{field} is {{}}, where {{}} is due, as it was before"
    return Said(words, record[field], first[field], by=(first, record))


def another(record: Record, task_id: str, *shown_by: Any) -> Said:
    """Another task than the one that was asked for."""
    words = "task {} is answered, where task {} was asked for and is due"
    return Said(words, record["task_id"], task_id, by=(*shown_by, record))


def status_after(record: Record, before: Record) -> Said:
    """A status that does not follow on another."""
    ended = before["task_status"] in TERMINAL
    due = "that end is due to stay" if ended else "no step back is due"
    words = f"task_status is {{}} after {{}}, where {due}"
    return Said(words, record["task_status"], before["task_status"], by=(before, record))


def earlier(record: Record, before: Record) -> Said:
    """An updated_at that went back."""
    words = "updated_at is {} after {} was shown, where a later look is due no earlier instant"
    return Said(words, record["updated_at"], before["updated_at"], by=(before, record))


def created_later(record: Mapping[str, Any], by: Any = None) -> Said:
    """A task that was updated before it was created."""
    words = "updated_at is {}, where created_at is {} and no later instant is due"
    shown = record if by is None else by
    return Said(words, record["updated_at"], record["created_at"], by=(shown,))


def ends_apart(
    one: Record, other: Record, words: str, where: tuple[str, str] = ("at first", "later")
) -> Said:
    """Two records of an ended task that do not agree on its end."""
    return Apart(_of_end(one), _of_end(other), words, where=where, by=(one, other))


def _of_end(record: Record) -> Record:
    status, voices = essence(record)
    told: Record = {"task_status": status}
    if "task_result" in record:
        told["voices"] = [{"voice_id": voice, "voice_name": name} for voice, name in voices]
    return told


def ended_alike(one: Record, other: Record) -> None:
    """Two records of an ended task agree; that their updated_at is the same is assumed.

    Raises:
        Broken: they do not agree.
    """
    kept("task.status.terminal", "task.updated-at.final")
    if not same_end(one, other):
        saw = ends_apart(one, other, "where no end changes again")
        raise Broken("task.status.terminal", saw)
    if one["updated_at"] != other["updated_at"]:
        note("task.updated-at.final", constant("updated_at", other, one))


def judged(glimpses: Sequence[Glimpse]) -> None:
    """Holds all looks at one task together against the clauses of a story.

    Raises:
        Broken: they are no story.
    """
    kept(*CLAUSES)
    if not glimpses:
        return
    first = glimpses[0].record
    for glimpse in glimpses:
        record = glimpse.record
        if record["task_id"] != first["task_id"]:
            raise Broken("task.id.constant", constant("task_id", record, first))
        if record["created_at"] != first["created_at"]:
            broke("task.created-at.constant", constant("created_at", record, first))
    _ends_are_one([glimpse.record for glimpse in glimpses if glimpse.is_terminal])
    _no_way_back(glimpses)
    _looks_go_on(glimpses)


def _ends_are_one(ends: Iterable[Record]) -> None:
    # A record that says nothing of the result stands in no chain of comparisons, but at its beginning.
    ordered = sorted(ends, key=lambda record: "task_result" in record)
    for one, other in pairwise(ordered):
        ended_alike(one, other)


def _no_way_back(glimpses: Iterable[Glimpse]) -> None:
    """Whoever shows a later updated_at shows no earlier status."""
    by_instant: dict[int, list[Glimpse]] = {}
    for glimpse in glimpses:
        by_instant.setdefault(glimpse.record["updated_at"], []).append(glimpse)
    furthest: Glimpse | None = None
    for instant in sorted(by_instant):
        now = by_instant[instant]
        least = min(now, key=lambda glimpse: glimpse.rank)
        if furthest is not None and least.rank < furthest.rank:
            clause = "task.status.terminal" if furthest.is_terminal else "task.status.transitions"
            require(False, clause, status_after(least.record, furthest.record))
        furthest = max([*([furthest] if furthest else []), *now], key=lambda item: item.rank)


def _looks_go_on(glimpses: Iterable[Glimpse]) -> None:
    """A look that began after another one had ended shows no less."""
    looks = sorted(glimpses, key=lambda glimpse: glimpse.began_s)
    done = sorted(looks, key=lambda glimpse: glimpse.ended_s)
    place, furthest, newest = 0, None, None
    for look in looks:
        while place < len(done) and done[place].ended_s <= look.began_s:
            ended = done[place]
            if furthest is None or ended.rank > furthest.rank:
                furthest = ended
            if newest is None or ended.record["updated_at"] > newest.record["updated_at"]:
                newest = ended
            place += 1
        if furthest is not None and look.rank < furthest.rank:
            clause = "task.status.terminal" if furthest.is_terminal else "task.status.transitions"
            require(False, clause, status_after(look.record, furthest.record))
        if newest is not None and look.record["updated_at"] < newest.record["updated_at"]:
            broke("task.updated-at.monotone", earlier(look.record, newest.record))
