"""Progressions: how time enters a timeline."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.delay import Delay, Fixed, Lognormal, Uniform
from mock_server.core.scenario import Plan, Progression, Scenario, drawn, paced
from mock_server.core.task import Step, Timeline, check_timeline
from tests.support.tasks import DEFAULT_PLAN, PROCESSING, SUBMITTED, SUCCEED, quick, timelines


@quick
@given(timelines(), st.sampled_from(Progression))
def test_pacing_keeps_statuses_reasons_and_legality(
    timeline: Timeline, progression: Progression
) -> None:
    """A progression changes when steps come, and nothing else; the create still answers the first."""
    result = paced(timeline, progression)
    assert check_timeline(result) is result
    assert [(step.status, step.message) for step in result] == [
        (step.status, step.message) for step in timeline
    ]
    assert result[0] == timeline[0]


@quick
@given(timelines())
def test_time_leaves_a_timeline_as_it_is(timeline: Timeline) -> None:
    """Under time, steps come when the scenario says."""
    assert paced(timeline, Progression.TIME) is timeline


def test_immediate_brings_every_step_at_once() -> None:
    """Under immediate, every step comes with the create."""
    assert [step.after_ms for step in paced(DEFAULT_PLAN, Progression.IMMEDIATE)] == [0, 0, 0]


def test_manual_and_polls_bring_no_step_by_themselves() -> None:
    """Under manual and polls, only the first step comes by itself."""
    for progression in (Progression.MANUAL, Progression.POLLS):
        assert [step.after_ms for step in paced(DEFAULT_PLAN, progression)] == [0, None, None]


def test_a_scenario_without_plans_applies_to_nothing() -> None:
    """A scenario has plans for the kinds of task it applies to, by default none, and they cannot be changed."""
    scenario = Scenario("empty", "nothing", "assumed", "ours")
    assert dict(scenario.plans) == {}
    assert not hasattr(scenario.plans, "__setitem__")


@quick
@given(timelines())
def test_without_delays_nothing_is_drawn(timeline: Timeline) -> None:
    """A plan whose steps all have their time gives its very timeline."""

    def nothing(_step: int) -> tuple[float, float]:
        raise AssertionError("asked for a number")

    assert drawn(Plan(timeline), nothing) is timeline


delays = st.one_of(
    st.builds(Fixed, st.floats(0, 0.02)),
    st.builds(Uniform, st.floats(0, 0.005), st.floats(0.005, 0.02)),
    st.builds(Lognormal, st.floats(0.001, 0.01), st.floats(0, 2)),
)


@quick
@given(timelines(), st.dictionaries(st.integers(1, 2), delays, min_size=1), st.randoms())
def test_a_drawn_timeline_is_a_legal_one(
    timeline: Timeline, chosen: dict[int, Delay], random: Random
) -> None:
    """Whatever is drawn: statuses stay, no step comes before the one it follows, and what never comes does not."""
    found = drawn(Plan(timeline, chosen), lambda _step: (random.random(), random.random()))
    assert check_timeline(found) is found
    assert [(step.status, step.message) for step in found] == [
        (step.status, step.message) for step in timeline
    ]
    assert [step.after_ms is None for step in found] == [step.after_ms is None for step in timeline]
    assert found[0] == timeline[0]


def test_each_step_has_numbers_of_its_own() -> None:
    """A step is drawn by the numbers for its index; a step whose time has passed by then comes at once."""
    timeline = (Step(SUBMITTED, 0), Step(PROCESSING, 0), Step(SUCCEED, 3000))
    plan = Plan(timeline, {1: Uniform(0, 10)})
    early = drawn(plan, lambda step: (0.25 if step == 1 else 0.9, 0.0))
    late = drawn(plan, lambda step: (0.75 if step == 1 else 0.9, 0.0))
    assert [step.after_ms for step in early] == [0, 2500, 3000]
    assert [step.after_ms for step in late] == [0, 7500, 7500]
