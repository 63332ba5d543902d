"""Scenarios: a named plan of how a task evolves and what goes wrong with it, and how time enters it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from mock_server.core.callback import CallbackRule
from mock_server.core.delay import Delay
from mock_server.core.errors import Reason
from mock_server.core.fault import Fault, When
from mock_server.core.media_url import URL_LIFE_MS
from mock_server.core.task import TaskKind, Timeline


class Progression(StrEnum):
    """How tasks move: at once, with the clock, only when told, or with each query."""

    IMMEDIATE = "immediate"
    TIME = "time"
    MANUAL = "manual"
    POLLS = "polls"


class UnknownScenario(LookupError):
    """Raised when no scenario has a name; the message names the nearest."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A create that is refused instead of accepted: the row of the error table and its message."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class ScenarioFault:
    """A fault that a scenario does to its own tasks: on its ``create``, ``get`` or ``delete``."""

    operation: str
    fault: Fault
    when: When


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scenario does to one kind of task.

    Attributes:
        timeline: the statuses of an accepted task; where a delay is drawn, the instant stands for it.
        delays: the delays of steps that are drawn anew for each task, by step index.
        refusal: the refusal to answer with instead, where the behaviour in force asks for it.
        faults: what goes wrong with the requests about such a task.
        firing: which statuses callbacks report, or empty for the behaviour in force.
        callbacks: what goes wrong with those.
        urls_live_ms: how long the urls of its result live.
    """

    timeline: Timeline
    delays: Mapping[int, Delay] = field(default_factory=lambda: MappingProxyType({}))
    refusal: Refusal | None = None
    faults: tuple[ScenarioFault, ...] = ()
    firing: str = ""
    callbacks: tuple[CallbackRule, ...] = ()
    urls_live_ms: int = URL_LIFE_MS

    @property
    def is_early(self) -> bool:
        """Whether a callback is to be answered before the create is."""
        return any(rule.fault.early for rule in self.callbacks)


@dataclass(frozen=True, slots=True)
class Chosen:
    """What applies to a request: the scenario's name, its plan, and the timeline at the pace in force."""

    scenario: str
    plan: Plan
    timeline: Timeline

    @property
    def refusal(self) -> Refusal | None:
        """The refusal, if the plan has one."""
        return self.plan.refusal


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named plan. A kind of task without an entry is one the scenario does not apply to."""

    name: str
    summary: str
    evidence: str
    source: str
    plans: Mapping[TaskKind, Plan] = field(default_factory=lambda: MappingProxyType({}))


def drawn(plan: Plan, numbers: Callable[[int], tuple[float, float]]) -> Timeline:
    """The timeline of one task, its delays drawn; no step comes before the one it follows.

    Args:
        numbers: two numbers of [0, 1) for a step index.
    """
    if not plan.delays:
        return plan.timeline
    steps = list(plan.timeline)
    earliest = 0
    for index, step in enumerate(steps):
        delay = plan.delays.get(index)
        if step.after_ms is None:
            break
        after_ms = step.after_ms if delay is None else round(delay.draw(*numbers(index)) * 1000)
        earliest = max(earliest, after_ms)
        steps[index] = replace(step, after_ms=earliest)
    return tuple(steps)


def paced(timeline: Timeline, progression: Progression) -> Timeline:
    """The timeline under a progression. The first step always comes at 0: it is what the create answers."""
    if progression is Progression.TIME:
        return timeline
    after_ms = 0 if progression is Progression.IMMEDIATE else None
    return (timeline[0], *(replace(step, after_ms=after_ms) for step in timeline[1:]))
