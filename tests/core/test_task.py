"""A task and its timeline: every pair of statuses is decided, and a status is a function of the plan and of now."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mock_server.core.task import (
    TERMINAL,
    TRANSITIONS,
    InvalidTimeline,
    Observation,
    Step,
    TaskIsTerminal,
    TaskStatus,
    Timeline,
    check_timeline,
    count_poll,
    due_at,
    intervene,
    observe,
    observe_step,
)
from tests.support.tasks import (
    DEFAULT_PLAN,
    FAILED,
    ORDERS,
    PROCESSING,
    RANK,
    SUBMITTED,
    SUCCEED,
    T0,
    ages,
    is_rising,
    quick,
    reason,
    timelines,
    voice_task,
)

#: Source: openapi, rules task.status.transitions and task.status.terminal.
LEGAL = {
    (SUBMITTED, PROCESSING),
    (SUBMITTED, SUCCEED),
    (SUBMITTED, FAILED),
    (PROCESSING, SUCCEED),
    (PROCESSING, FAILED),
}
PAIRS = list(product(TaskStatus, TaskStatus))


# ---- what a timeline may say ----------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_pair_of_statuses_is_decided(before: TaskStatus, after: TaskStatus) -> None:
    """A status becomes a later one or is refused by name; none is repeated or taken back."""
    timeline = (Step(before, 0), Step(after, 1))
    if (before, after) in LEGAL:
        assert check_timeline(timeline) is timeline
    else:
        with pytest.raises(InvalidTimeline, match=f"step 2: {before} cannot become {after}"):
            check_timeline(timeline)


def test_the_table_of_transitions_is_complete() -> None:
    """Every status has its row, and those without a next status are the terminal ones."""
    table = {(before, after) for before, row in TRANSITIONS.items() for after in row}
    assert set(TRANSITIONS) == set(TaskStatus)
    assert table == LEGAL
    assert {SUCCEED, FAILED} == TERMINAL


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_every_legal_order_of_statuses_is_a_timeline(order: tuple[TaskStatus, ...]) -> None:
    """A timeline may leave steps out, and may have all its steps at one instant."""
    timeline = tuple(Step(status, 0) for status in order)
    assert check_timeline(timeline) is timeline


@pytest.mark.parametrize(
    ("timeline", "words"),
    [
        ((), "at least one step"),
        ((Step(SUBMITTED, 1),), "step 1 must come at 0"),
        ((Step(SUBMITTED, None),), "step 1 must come at 0"),
        ((Step(SUBMITTED, 0), Step(PROCESSING, 5), Step(SUCCEED, 4)), "step 3 comes before step 2"),
        ((Step(SUBMITTED, 0), Step(PROCESSING, -1)), "step 2 comes before step 1"),
        ((Step(SUBMITTED, 0), Step(PROCESSING, None), Step(SUCCEED, 4)), "step 3 has a time"),
    ],
)
def test_an_illegal_timeline_is_refused_by_its_step(timeline: Timeline, words: str) -> None:
    """A timeline begins at 0, does not go back, and ends at a step that never comes by itself."""
    with pytest.raises(InvalidTimeline, match=words):
        check_timeline(timeline)


@quick
@given(timelines())
def test_a_legal_timeline_is_returned_unchanged(timeline: Timeline) -> None:
    """Checking a legal timeline gives it back."""
    assert check_timeline(timeline) is timeline


# ---- what is seen ---------------------------------------------------------------------------


@quick
@given(timelines(), st.lists(ages, min_size=2, max_size=8))
def test_time_only_moves_a_task_forward(timeline: Timeline, moments: list[int]) -> None:
    """As now grows, neither the status nor updated_at goes back."""
    task = voice_task(timeline)
    seen = [observe(task, T0 + age) for age in sorted(moments)]
    assert is_rising([RANK[item.status] for item in seen])
    assert is_rising([item.step for item in seen])
    assert is_rising([item.updated_at for item in seen])


@quick
@given(timelines(), ages)
def test_updated_at_lies_between_the_create_and_now(timeline: Timeline, age: int) -> None:
    """A status began no earlier than the create and, once the task exists, no later than now."""
    seen = observe(voice_task(timeline), T0 + age)
    assert T0 <= seen.updated_at <= max(T0, T0 + age)


@quick
@given(timelines(), ages, st.integers(0, 10**12))
def test_a_terminal_status_is_the_last(timeline: Timeline, age: int, later: int) -> None:
    """After succeed or failed nothing that is seen of a task changes again."""
    task = voice_task(timeline)
    seen = observe(task, T0 + age)
    if seen.status in TERMINAL:
        assert observe(task, T0 + age + later) == seen
    else:
        assert seen.step < len(timeline) - 1 or observe(task, T0 + age + later) == seen


@quick
@given(timelines(), ages, st.lists(ages, max_size=5))
def test_looking_changes_nothing(timeline: Timeline, age: int, looks: list[int]) -> None:
    """What is seen at an instant does not depend on who looked when, so one jump equals many."""
    watched, unwatched = voice_task(timeline), voice_task(timeline)
    for look in looks:
        observe(watched, T0 + look)
    assert observe(watched, T0 + age) == observe(unwatched, T0 + age)
    assert watched == unwatched


@quick
@given(timelines(), ages)
def test_the_last_step_that_has_come_is_seen(timeline: Timeline, age: int) -> None:
    """The status at an instant is that of the last step that has come; its instant belongs to it."""
    come = [
        index
        for index, step in enumerate(timeline)
        if index == 0 or (step.after_ms is not None and step.after_ms <= age)
    ]
    step = timeline[come[-1]]
    assert observe(voice_task(timeline), T0 + age) == Observation(
        come[-1], step.status, T0 + (step.after_ms or 0), reason(step.status)
    )


@quick
@given(timelines())
def test_a_step_is_seen_at_the_instant_it_is_due(timeline: Timeline) -> None:
    """At its due instant a step has come, and one millisecond earlier it has not."""
    task = voice_task(timeline)
    for index in range(1, len(timeline)):
        due = due_at(task, index)
        if due is None:
            assert timeline[index].after_ms is None
            assert observe(task, T0 + 10**9).step < index
        else:
            assert observe(task, due).step >= index
            assert observe(task, due - 1).step < index
            assert observe_step(task, index).updated_at == due


def test_nothing_is_due_behind_the_last_step() -> None:
    """A timeline has no step behind its last."""
    assert due_at(voice_task(), len(DEFAULT_PLAN)) is None


@pytest.mark.parametrize(
    ("age", "index"), [(-1, 0), (0, 0), (1999, 0), (2000, 1), (8999, 1), (9000, 2), (10**9, 2)]
)
def test_the_default_plan_by_the_millisecond(age: int, index: int) -> None:
    """By default a custom voice is submitted, after 2 s processing and after 9 s succeed."""
    seen = observe(voice_task(), T0 + age)
    assert (seen.step, seen.status) == (index, DEFAULT_PLAN[index].status)


def test_of_steps_at_one_instant_the_last_is_seen() -> None:
    """Steps that come at one instant are passed through at once."""
    task = voice_task((Step(SUBMITTED, 0), Step(PROCESSING, 0), Step(SUCCEED, 0)))
    assert observe(task, T0).status is SUCCEED
    assert observe_step(task, 0).status is SUBMITTED


def test_a_task_is_a_value() -> None:
    """A task cannot be changed in place."""
    task = voice_task()
    with pytest.raises(AttributeError):
        task.polls = 1  # type: ignore[misc]  # that is the point


# ---- intervening ----------------------------------------------------------------------------


@quick
@given(timelines(), ages, st.sampled_from(TaskStatus))
@example(DEFAULT_PLAN[:1], 0, PROCESSING)  # at the very instant of the create
@example((Step(SUBMITTED, 0), Step(PROCESSING, 4), Step(SUCCEED, 4)), 4, FAILED)
def test_an_intervention_is_legal_and_moves_or_changes_nothing(
    timeline: Timeline, age: int, status: TaskStatus
) -> None:
    """An intervention starts a later status now, or is refused and leaves the task as it was."""
    task = voice_task(timeline)
    copy = tuple(task)
    now = T0 + age
    before = observe(task, now).status
    if before in TERMINAL:
        with pytest.raises(TaskIsTerminal, match=f"already {before}") as refused:
            intervene(task, now, Step(status))
        assert refused.value.status is before
    elif (before, status) not in LEGAL:
        with pytest.raises(InvalidTimeline):
            intervene(task, now, Step(status))
    else:
        seen = observe(intervene(task, now, Step(status, None, "why")), max(now, T0))
        assert (seen.status, seen.message) == (status, "why")
        assert seen.updated_at == max(now, T0)
    assert tuple(task) == copy


@quick
@given(timelines(), st.integers(0, 12), st.sampled_from([PROCESSING, SUCCEED, FAILED]))
def test_an_intervention_never_changes_the_past(
    timeline: Timeline, age: int, status: TaskStatus
) -> None:
    """What was seen of a task before an intervention stays true, and what was planned after it is gone."""
    task = voice_task(timeline)
    assume((observe(task, T0 + age).status, status) in LEGAL)
    changed = intervene(task, T0 + age, Step(status))
    for earlier in range(-3, age):
        assert observe(changed, T0 + earlier) == observe(task, T0 + earlier)
    assert observe(changed, T0 + 10**9) == observe(changed, T0 + age)
    assert check_timeline(changed.timeline) is changed.timeline


# ---- polls ----------------------------------------------------------------------------------


@quick
@given(st.sampled_from(ORDERS), st.integers(1, 3), st.lists(st.integers(0, 4), max_size=10))
def test_the_nth_poll_brings_the_next_step(
    order: tuple[TaskStatus, ...], per_step: int, gaps: list[int]
) -> None:
    """Under polls, each N queries move a task one step, at the instant of the N-th, until it is at its end."""
    steps = (Step(order[0], 0), *(Step(status, None) for status in order[1:]))
    task = voice_task(steps, polls_per_step=per_step)
    now = T0
    for number, gap in enumerate(gaps, start=1):
        now += gap
        before = observe(task, now)
        task = count_poll(task, now)
        seen = observe(task, now)
        assert seen.step == min(number // per_step, len(order) - 1)
        assert seen.updated_at == (now if seen.step > before.step else before.updated_at)
        check_timeline(task.timeline)


@quick
@given(timelines(), ages)
def test_polls_move_nothing_under_other_progressions(timeline: Timeline, age: int) -> None:
    """A task that is not driven by polls is the same task after one."""
    task = voice_task(timeline)
    assert count_poll(task, T0 + age) is task


@quick
@given(st.integers(1, 3), st.integers(0, 5))
def test_a_poll_at_the_end_is_not_counted(per_step: int, age: int) -> None:
    """A task at its last step is the same task after a poll."""
    task = voice_task((Step(SUCCEED, 0),), polls_per_step=per_step)
    assert count_poll(task, T0 + age) is task


def test_a_poll_never_changes_the_past() -> None:
    """What was seen before the poll that moved a task stays true."""
    task = voice_task((Step(SUBMITTED, 0), Step(SUCCEED, None)), polls_per_step=1)
    moved = count_poll(task, T0 + 5)
    assert [observe(moved, T0 + age).status for age in (0, 4, 5)] == [SUBMITTED, SUBMITTED, SUCCEED]


def test_a_poll_before_the_create_moves_the_task_at_its_create() -> None:
    """A clock that shows an instant before the create cannot make a timeline go back."""
    task = voice_task((Step(SUBMITTED, 0), Step(SUCCEED, None)), polls_per_step=1)
    assert observe(count_poll(task, T0 - 5), T0).updated_at == T0
