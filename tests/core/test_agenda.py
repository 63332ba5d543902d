"""The agenda: steps come out in due order, ties in the order of planning."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.agenda import Agenda, Due
from tests.support.tasks import quick

instants = st.lists(st.integers(0, 4), max_size=10)


def planned(at: list[int]) -> Agenda:
    """An agenda with step ``n`` of task ``n`` at the n-th instant."""
    agenda = Agenda()
    for number, instant in enumerate(at):
        agenda.plan(instant, str(number), number)
    return agenda


@quick
@given(instants)
def test_steps_come_out_in_due_order(at: list[int]) -> None:
    """Everything planned comes out once, earliest first, and of one instant in the order of planning."""
    agenda = planned(at)
    popped: list[Due] = []
    while (due := agenda.pop_due(100)) is not None:
        popped.append(due)
    assert [(due.at, due.step) for due in popped] == sorted((at[n], n) for n in range(len(at)))
    assert all(due.task_id == str(due.step) for due in popped)
    assert len(agenda) == 0
    assert agenda.next_at() is None


@quick
@given(instants, st.integers(-1, 5))
def test_nothing_comes_out_before_it_is_due(at: list[int], now: int) -> None:
    """By an instant exactly the steps planned up to and with it come out; the rest stays."""
    agenda = planned(at)
    count = 0
    while agenda.pop_due(now) is not None:
        count += 1
    later = [instant for instant in at if instant > now]
    assert count == len(at) - len(later)
    assert agenda.next_at() == (min(later) if later else None)


@quick
@given(instants)
def test_looking_through_the_agenda_takes_nothing_out(at: list[int]) -> None:
    """Iterating shows what is planned in due order and leaves it there."""
    agenda = planned(at)
    assert [due.at for due in agenda] == sorted(at)
    assert len(agenda) == len(at)
