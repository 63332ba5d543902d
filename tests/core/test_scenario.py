"""Progressions: how time enters a timeline."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.scenario import Progression, Scenario, paced
from mock_server.core.task import Timeline, check_timeline
from tests.support.tasks import DEFAULT_PLAN, quick, timelines


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
