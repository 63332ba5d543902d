"""Scenarios: a named plan of how a task evolves, and the progression that says how time enters it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from mock_server.core.errors import Reason
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
class Plan:
    """What a scenario does to one kind of task.

    Attributes:
        timeline: the statuses of an accepted task.
        refusal: the refusal to answer with instead, where the behaviour in force asks for it.
    """

    timeline: Timeline
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What applies to a request: the scenario's name, the timeline at the pace in force, and the refusal if any."""

    scenario: str
    timeline: Timeline
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named plan. A kind of task without an entry is one the scenario does not apply to."""

    name: str
    summary: str
    evidence: str
    source: str
    plans: Mapping[TaskKind, Plan] = field(default_factory=lambda: MappingProxyType({}))


def paced(timeline: Timeline, progression: Progression) -> Timeline:
    """The timeline under a progression. The first step always comes at 0: it is what the create answers."""
    if progression is Progression.TIME:
        return timeline
    after_ms = 0 if progression is Progression.IMMEDIATE else None
    return (timeline[0], *(replace(step, after_ms=after_ms) for step in timeline[1:]))
