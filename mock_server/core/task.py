"""A task and its timeline: the state machine of the API.

Rules that live here
    * A task is an immutable value. Its timeline says which status comes how long after the create;
      a step whose ``after_ms`` is ``None`` never comes by itself.
    * ``observe(task, now)`` is the only way to a status. It reads nothing but its arguments, so reading a task never
      changes it, and it does not matter whether time moved in one jump or in many.
    * Statuses only move forward: submitted, processing, then succeed or failed, which are terminal. A step may be
      left out (text-to-speech is born succeed), none may be repeated or taken back.
    * An intervention cuts the timeline at an instant and appends. What was observed before that instant stays true.

Rules that do not live here: which timeline a request gets (scenario.py), what is delivered (the service), JSON names.

Instants are milliseconds since the Unix epoch, UTC; durations are milliseconds too, and say so in their name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from mock_server.core.media_url import URL_LIFE_MS


class TaskStatus(StrEnum):
    """The public status of a task. Source: components/schemas.yaml, TaskStatus (documented)."""

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEED = "succeed"
    FAILED = "failed"


#: Legal next statuses. Empty means terminal. Source: openapi, rule task.status.transitions.
TRANSITIONS: dict[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.SUBMITTED: frozenset({TaskStatus.PROCESSING, TaskStatus.SUCCEED, TaskStatus.FAILED}),
    TaskStatus.PROCESSING: frozenset({TaskStatus.SUCCEED, TaskStatus.FAILED}),
    TaskStatus.SUCCEED: frozenset(),
    TaskStatus.FAILED: frozenset(),
}

TERMINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)


class TaskKind(StrEnum):
    """What a task produces."""

    SPEECH = "speech"
    CUSTOM_VOICE = "custom_voice"


class InvalidTimeline(ValueError):
    """Raised when steps do not form a legal timeline; the message names the step, ``number`` is its own, from 1."""

    def __init__(self, message: str, number: int = 1) -> None:
        super().__init__(message)
        self.number = number


class TaskIsTerminal(Exception):
    """Raised when an intervention meets a task whose status is terminal; the task is unchanged."""

    def __init__(self, task_id: str, status: TaskStatus) -> None:
        super().__init__(f"task {task_id} is already {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Step:
    """One status of a timeline.

    Attributes:
        status: the status that begins here.
        after_ms: milliseconds after the create, or ``None`` when it never comes by itself.
        message: the reason of a failure (``task_status_msg``), else empty.
    """

    status: TaskStatus
    after_ms: int | None = 0
    message: str = ""


Timeline = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Speech:
    """What a text-to-speech task made: the id of the audio and its exact length in milliseconds."""

    audio_id: str
    duration_ms: int


@dataclass(frozen=True, slots=True)
class CustomVoice:
    """What a custom-voice task makes: a voice that exists from ``succeed`` until it is deleted.

    ``owned_by`` is the numeric id of its creator; ``deleted_at`` is the instant of the deletion in ms, or ``None``.
    """

    voice_id: str
    voice_name: str
    owned_by: str
    deleted_at: int | None = None


class Task(NamedTuple):
    """A task as it was accepted. Everything that time changes is computed by :func:`observe`.

    A tuple: it is made on every create, and a frozen dataclass takes five times as long to make.

    Attributes:
        id: 18 decimal digits, unique in its account. A string: it does not survive a JSON number in JavaScript.
        dialect: the dialect it was created in, which is the one its callbacks speak.
        created_at: instant of the create in ms, on the account's clock.
        external_id: the client's own id, or empty.
        callback_url: where status changes are reported, or empty.
        origin: scheme and authority of the urls it hands out.
        scenario: the name of the scenario its timeline is from.
        polls_per_step: with the ``polls`` progression, how many queries move it one step on; otherwise 0.
        polls: queries counted since the last step.
        visible_at: instant in ms before which queries and lists do not show it; 0: it always shows.
        urls_live_ms: how long the urls of its result live after its last change.
        ordinal: its number among the account's tasks of both kinds, in the order of their creates.
    """

    id: str
    kind: TaskKind
    account_id: str
    dialect: str
    created_at: int
    timeline: Timeline
    product: Speech | CustomVoice
    external_id: str = ""
    callback_url: str = ""
    origin: str = ""
    scenario: str = ""
    polls_per_step: int = 0
    polls: int = 0
    visible_at: int = 0
    urls_live_ms: int = URL_LIFE_MS
    ordinal: int = 0


class Observation(NamedTuple):
    """What a task looks like at one instant: step index, status, instant of that status (ms), failure reason."""

    step: int
    status: TaskStatus
    updated_at: int
    message: str


def check_timeline(timeline: Timeline) -> Timeline:
    """Returns the timeline unchanged.

    Raises:
        InvalidTimeline: it is empty, does not begin at 0 ms, goes back in time, continues after a step that never
            comes, or makes an illegal transition.
    """
    if not timeline:
        raise InvalidTimeline("a timeline needs at least one step")
    if timeline[0].after_ms != 0:
        raise InvalidTimeline("step 1 must come at 0: it is what the create answers")
    for number, (before, step) in enumerate(pairwise(timeline), start=2):
        if step.status not in TRANSITIONS[before.status]:
            words = f"{before.status} cannot become {step.status}"
            raise InvalidTimeline(f"step {number}: {words}", number)
        if before.after_ms is None and step.after_ms is not None:
            words = "has a time but follows one that never comes"
            raise InvalidTimeline(f"step {number} {words}", number)
        if step.after_ms is not None and step.after_ms < (before.after_ms or 0):
            raise InvalidTimeline(f"step {number} comes before step {number - 1}", number)
    return timeline


def observe(task: Task, now: int) -> Observation:
    """What the task looks like at ``now`` (ms): the last step that has come. Before the create it is the first."""
    age = now - task.created_at
    timeline = task.timeline
    index = len(timeline) - 1
    while index > 0:
        after = timeline[index].after_ms
        if after is not None and after <= age:
            break
        index -= 1
    return observe_step(task, index)


def observe_step(task: Task, index: int) -> Observation:
    """What the task looks like the moment step ``index`` comes. The create answers with step 0."""
    step = task.timeline[index]
    return Observation(index, step.status, task.created_at + (step.after_ms or 0), step.message)


def due_at(task: Task, index: int) -> int | None:
    """The instant (ms) at which step ``index`` comes, or ``None`` when there is none or it never comes by itself."""
    if index >= len(task.timeline):
        return None
    after = task.timeline[index].after_ms
    return None if after is None else task.created_at + after


def intervene(task: Task, now: int, step: Step) -> Task:
    """Cuts the timeline at ``now`` (ms) and lets ``step.status`` begin there.

    ``step.after_ms`` is ignored. The result observes exactly as before for every earlier instant.

    Raises:
        TaskIsTerminal: the status at ``now`` is terminal; nothing changed.
        InvalidTimeline: the transition is illegal; nothing changed.
    """
    seen = observe(task, now)
    if seen.status in TERMINAL:
        raise TaskIsTerminal(task.id, seen.status)
    moved = replace(step, after_ms=max(0, now - task.created_at))
    return task._replace(timeline=check_timeline((*task.timeline[: seen.step + 1], moved)))


def count_poll(task: Task, now: int) -> Task:
    """Counts one query of a task whose progression is ``polls``; the N-th brings the next step at ``now`` (ms)."""
    index = observe(task, now).step
    if not task.polls_per_step or index + 1 >= len(task.timeline):
        return task
    if task.polls + 1 < task.polls_per_step:
        return task._replace(polls=task.polls + 1)
    head, following, tail = (
        task.timeline[: index + 1],
        task.timeline[index + 1],
        task.timeline[index + 2 :],
    )
    arrived = replace(following, after_ms=max(0, now - task.created_at))
    return task._replace(polls=0, timeline=(*head, arrived, *tail))
