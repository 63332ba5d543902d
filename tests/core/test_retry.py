"""Retry schedules: when a callback is tried again, and when no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.retry import EXPONENTIAL, FIXED, NONE, SCHEDULES, STANDARD, Schedule
from tests.support.tasks import quick

#: In the middle: no jitter at all.
MIDDLE = 0.5
PLAIN = Schedule("plain", (10, 20))

schedules = st.sampled_from(list(SCHEDULES.values()))
fractions = st.floats(0, 1, exclude_max=True)
answers = st.none() | st.integers(100, 599)


def delays(schedule: Schedule, drawn: float = MIDDLE, status: int | None = 500) -> list[float]:
    """Every delay of a schedule, until it gives up."""
    found: list[float] = []
    while (delay := schedule.delay_s(len(found) + 1, status, None, drawn)) is not None:
        found.append(delay)
    return found


def test_the_schedules_there_are() -> None:
    """Four, by the names that the setting has; the vendor documents none, so the first is the default."""
    assert {name: schedule.name for name, schedule in SCHEDULES.items()} == {
        name: name for name in ("none", "standard-webhooks", "fixed", "exponential")
    }


def test_the_delays_of_each_schedule() -> None:
    """None never tries again; the others as often, and as late, as they say."""
    assert delays(NONE) == []
    assert delays(FIXED) == [60, 60, 60]
    assert delays(EXPONENTIAL) == [1, 2, 4, 8, 16]
    minute, hour = 60, 3600
    assert delays(STANDARD) == [
        5,
        5 * minute,
        30 * minute,
        2 * hour,
        5 * hour,
        10 * hour,
        14 * hour,
        20 * hour,
        24 * hour,
    ]


@pytest.mark.parametrize(
    ("schedule", "share"), [(FIXED, 0.0), (EXPONENTIAL, 0.2), (STANDARD, 0.1)], ids=str
)
def test_jitter_is_a_share_of_the_delay(schedule: Schedule, share: float) -> None:
    """The number that was drawn moves a delay by at most its share, to both sides alike; equal draws, equal delays."""
    middle = delays(schedule)
    assert delays(schedule, 0.0) == pytest.approx([delay * (1 - share) for delay in middle])
    latest = delays(schedule, 1 - 1e-12)
    assert latest == pytest.approx([delay * (1 + share) for delay in middle])
    assert delays(schedule, 0.3) == delays(schedule, 0.3)


@quick
@given(schedules, fractions, answers)
def test_every_delay_is_within_its_jitter(
    schedule: Schedule, drawn: float, status: int | None
) -> None:
    """Without Retry-After a delay depends on the attempts and the draw only, or there is none after 410."""
    found = delays(schedule, drawn, status)
    if status == 410:
        assert found == []
    else:
        for delay, middle in zip(found, schedule.delays_s, strict=True):
            assert abs(delay - middle) <= middle * schedule.jitter * 1.000001


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retry_after_makes_a_delay_longer(status: int) -> None:
    """A busy receiver that says when is not called earlier; that it says less makes no delay shorter."""
    assert PLAIN.delay_s(1, status, 15.0, MIDDLE) == 15
    assert PLAIN.delay_s(1, status, 10.0, MIDDLE) == 10
    assert PLAIN.delay_s(1, status, 3.0, MIDDLE) == 10
    assert PLAIN.delay_s(1, status, 0.0, MIDDLE) == 10
    assert PLAIN.delay_s(1, status, None, MIDDLE) == 10


@pytest.mark.parametrize("status", [None, 400, 404, 500, 501, 302])
def test_retry_after_counts_with_busy_receivers_only(status: int | None) -> None:
    """Beside an answer that is not about haste a Retry-After means nothing."""
    assert PLAIN.delay_s(1, status, 15.0, MIDDLE) == 10


def test_retry_after_adds_no_attempt() -> None:
    """Whoever asks for later is not tried more often than the schedule says."""
    assert PLAIN.delay_s(3, 503, 15.0, MIDDLE) is None
    assert NONE.delay_s(1, 503, 15.0, MIDDLE) is None


def test_a_schedule_may_be_deaf() -> None:
    """Whether Retry-After and 410 are honoured is data of the schedule."""
    deaf = Schedule("deaf", (10,), honours_retry_after=False, stops_when_gone=False)
    assert deaf.delay_s(1, 503, 15.0, MIDDLE) == 10
    assert deaf.delay_s(1, 410, None, MIDDLE) == 10
    assert PLAIN.delay_s(1, 410, None, MIDDLE) is None
    assert PLAIN.delay_s(1, 410, 15.0, MIDDLE) is None
