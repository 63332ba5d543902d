"""The ledger: what was spent, and what is in flight, read off the tasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server import ledger as ledger_module
from mock_server.core.task import Step, Task, Timeline, intervene, observe
from mock_server.ledger import Booking, Ledger
from tests.support.tasks import (
    FAILED,
    SUBMITTED,
    SUCCEED,
    T0,
    quick,
    speech_task,
    timelines,
    voice_task,
)


def ids(tasks: list[Task]) -> list[str]:
    """The ids of tasks."""
    return [task.id for task in tasks]


def test_a_task_is_booked_when_it_has_succeeded() -> None:
    """While a task is in flight nothing is spent; its price is booked at the instant of its success."""
    ledger = Ledger()
    task = voice_task()
    ledger.opened(task)
    assert ids(ledger.in_flight([task], T0 + 8999)) == ["1"]
    assert (ledger.spent, list(ledger.bookings)) == (0, [])
    assert ledger.in_flight([task], T0 + 20_000) == []
    assert ledger.spent == 5
    assert list(ledger.bookings) == [Booking(T0 + 9000, 0, "1", "custom_voice", 5)]
    assert ledger.in_flight([task], T0 + 30_000) == []
    assert ledger.spent == 5


def test_a_failed_task_is_free() -> None:
    """A task that ends in failure is in flight no longer, and costs nothing."""
    ledger = Ledger()
    task = voice_task((Step(SUBMITTED, 0), Step(FAILED, 4000, "noisy")))
    assert ids(ledger.in_flight([task], T0)) == ["1"]
    assert ledger.in_flight([task], T0 + 4000) == []
    assert (ledger.spent, list(ledger.bookings)) == (0, [])


def test_a_task_that_never_ends_is_in_flight_for_ever() -> None:
    """A stuck task holds its slot and is never booked."""
    ledger = Ledger()
    task = voice_task((Step(SUBMITTED, 0), Step(SUCCEED, None)))
    assert ids(ledger.in_flight([task], T0 + 10**12)) == ["1"]
    assert ledger.spent == 0


def test_bookings_are_in_the_order_of_their_instants() -> None:
    """What ended between two looks is booked in the order in which it ended, not in that of its creation."""
    ledger = Ledger()
    slow = voice_task((Step(SUBMITTED, 0), Step(SUCCEED, 7000)), task_id="slow")
    fast = voice_task((Step(SUBMITTED, 0), Step(SUCCEED, 3000)), task_id="fast", voice_id="8")
    assert ledger.in_flight([slow, fast], T0 + 10_000) == []
    assert [(item.task_id, item.at - T0) for item in ledger.bookings] == [
        ("fast", 3000),
        ("slow", 7000),
    ]


def test_a_changed_task_is_seen_as_it_is() -> None:
    """A task that was moved by hand is booked by its new timeline."""
    ledger = Ledger()
    task = voice_task()
    ledger.opened(task)
    ledger.in_flight([task], T0)
    failed = intervene(task, T0 + 500, Step(FAILED, None, "stopped"))
    ledger.changed(failed)
    assert ledger.in_flight([failed], T0 + 600) == []
    assert ledger.spent == 0


def test_a_change_of_what_was_booked_changes_nothing() -> None:
    """A deleted voice is not booked a second time."""
    ledger = Ledger()
    task = voice_task()
    ledger.in_flight([task], T0 + 9000)
    ledger.changed(task)
    assert ledger.in_flight([task], T0 + 9001) == []
    assert ledger.spent == 5


@pytest.mark.parametrize("looked", [False, True])
def test_what_is_dropped_stays_spent(looked: bool) -> None:
    """A record that is kept no longer has cost what it has, whether or not anybody looked before."""
    ledger = Ledger()
    task = speech_task("1")
    if looked:
        ledger.in_flight([], T0)
    ledger.opened(task)
    ledger.dropped(task)
    assert ledger.in_flight([], T0 + 1) == []
    assert ledger.spent == 5


def test_of_bookings_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of deductions is bounded; the sum is not."""
    monkeypatch.setattr(ledger_module, "BOOKINGS", 2)
    ledger = Ledger()
    tasks = [speech_task(str(number), created_at=T0 + number) for number in range(5)]
    ledger.in_flight(tasks, T0 + 10)
    assert [item.task_id for item in ledger.bookings] == ["3", "4"]
    assert ledger.spent == 25


@quick
@given(
    st.lists(st.tuples(timelines(), st.integers(0, 12)), max_size=6),
    st.lists(st.integers(0, 8), max_size=5),
    st.integers(0, 5),
)
def test_the_ledger_is_what_the_tasks_are(
    made: list[tuple[Timeline, int]], looks: list[int], first: int
) -> None:
    """Whenever it is looked at, what is in flight and what is spent is what all tasks together say at that instant."""
    ledger = Ledger()
    tasks: list[Task] = []
    pending = [
        voice_task(timeline, task_id=str(number), voice_id=f"v{number}", created_at=T0 + at)
        for number, (timeline, at) in enumerate(sorted(made, key=lambda item: item[1]))
    ]
    now = T0
    for number, gap in enumerate([first, *looks]):
        now += gap
        while pending and pending[0].created_at <= now:
            task = pending.pop(0)
            ledger.opened(task)
            tasks.append(task)
        if number >= first:  # nobody need look from the beginning on
            seen = {task.id: observe(task, now).status for task in tasks}
            flying = [task.id for task in tasks if seen[task.id] not in (SUCCEED, FAILED)]
            assert ids(ledger.in_flight(tasks, now)) == flying
            assert ledger.spent == 5 * list(seen.values()).count(SUCCEED)
