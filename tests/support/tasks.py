"""Tasks and timelines to begin a test with, and strategies that make them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st

from mock_server.core.task import (
    CustomVoice,
    Speech,
    Step,
    Task,
    TaskKind,
    TaskStatus,
    Timeline,
)

#: The instant (ms) at which most tests begin: 2025-12-01T00:00:00Z.
T0 = 1_764_547_200_000

SUBMITTED = TaskStatus.SUBMITTED
PROCESSING = TaskStatus.PROCESSING
SUCCEED = TaskStatus.SUCCEED
FAILED = TaskStatus.FAILED

#: Properties here are quick, and a loaded machine is no failure.
quick = settings(max_examples=60, deadline=None)

#: The plan of a custom voice by default: 0, 2 and 9 seconds.
DEFAULT_PLAN = (Step(SUBMITTED, 0), Step(PROCESSING, 2000), Step(SUCCEED, 9000))

#: Every legal order of statuses, as the documents have it; written out so that the table under test is not its judge.
ORDERS = (
    (SUBMITTED,),
    (PROCESSING,),
    (SUCCEED,),
    (FAILED,),
    (SUBMITTED, PROCESSING),
    (SUBMITTED, SUCCEED),
    (SUBMITTED, FAILED),
    (PROCESSING, SUCCEED),
    (PROCESSING, FAILED),
    (SUBMITTED, PROCESSING, SUCCEED),
    (SUBMITTED, PROCESSING, FAILED),
)

#: How far along each status is.
RANK = {SUBMITTED: 0, PROCESSING: 1, SUCCEED: 2, FAILED: 2}


def voice_task(
    timeline: Timeline = DEFAULT_PLAN,
    *,
    task_id: str = "1",
    voice_id: str = "9",
    external_id: str = "",
    callback_url: str = "",
    polls_per_step: int = 0,
    created_at: int = T0,
) -> Task:
    """A custom-voice task that was created at ``created_at`` (ms)."""
    return Task(
        task_id,
        TaskKind.CUSTOM_VOICE,
        "account",
        "klingai",
        created_at,
        timeline,
        CustomVoice(voice_id, "Narrator", "7"),
        external_id,
        callback_url,
        "http://mock.test",
        "default",
        polls_per_step,
    )


def speech_task(task_id: str, *, created_at: int = T0) -> Task:
    """A text-to-speech task that has succeeded."""
    timeline = (Step(SUCCEED, 0),)
    return Task(
        task_id, TaskKind.SPEECH, "account", "klingai", created_at, timeline, Speech("5", 24)
    )


@st.composite
def timelines(draw: st.DrawFn, *, never: bool = True) -> Timeline:
    """Legal timelines with steps a few milliseconds apart; with ``never``, the last may wait for a word."""
    order = draw(st.sampled_from(ORDERS))
    gaps = draw(st.lists(st.integers(0, 4), min_size=len(order) - 1, max_size=len(order) - 1))
    comes = draw(st.integers(1, len(order))) if never else len(order)
    at = 0
    steps = [Step(order[0], 0, reason(order[0]))]
    for number, (status, gap) in enumerate(zip(order[1:], gaps, strict=True), start=1):
        at += gap
        steps.append(Step(status, at if number < comes else None, reason(status)))
    return tuple(steps)


def reason(status: TaskStatus) -> str:
    """The reason of a failure; other statuses have none."""
    return "too noisy" if status is FAILED else ""


#: Ages of a task in ms, from before its create to after every step of ``timelines``.
ages = st.integers(-3, 12)


def is_rising(values: list[int]) -> bool:
    """Whether no value is below the one before it."""
    return all(before <= after for before, after in pairwise(values))
