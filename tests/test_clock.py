"""Virtual time: a rate and a jump, forward only."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.clock import TimeGoesForward, VirtualClock, wall_ms
from tests.support.clocks import Hand, still_clock
from tests.support.tasks import T0, is_rising, quick

rates = st.sampled_from([0.0, 0.5, 1.0, 60.0, 1e6])
#: What can happen to a clock: real seconds pass, it jumps some ms, it goes to an instant, or its rate changes.
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.sampled_from([0.0, 0.0004, 0.25, 3.0])),
        st.tuples(st.just("jump"), st.sampled_from([0, 1, 999])),
        st.tuples(st.just("jump_to"), st.sampled_from([T0 - 5, T0, T0 + 700])),
        st.tuples(st.just("rate"), rates),
    ),
    max_size=8,
)


@pytest.mark.parametrize(("rate", "moved_ms"), [(0, 0), (0.5, 1250), (1, 2500), (60, 150_000)])
def test_virtual_time_runs_at_its_rate(rate: float, moved_ms: int) -> None:
    """After 2.5 real seconds a clock has moved 2.5 s times its rate."""
    hand = Hand()
    clock = VirtualClock(T0, rate, hand)
    assert clock.now() == T0
    hand.seconds = 2.5
    assert clock.now() == T0 + moved_ms
    assert clock.rate == rate


@quick
@given(rates, happenings)
def test_a_clock_never_goes_back(rate: float, story: list[tuple[str, float]]) -> None:
    """Whatever happens to a clock, the next instant it shows is no earlier; a jump moves by what it says."""
    hand = Hand()
    clock = VirtualClock(T0, rate, hand)
    shown = [clock.now()]
    for what, value in story:
        before = clock.now()
        match what:
            case "pass":
                hand.seconds += value
            case "jump":
                clock.jump(int(value))
                assert clock.now() == before + value
            case "jump_to":
                clock.jump_to(int(value))
                assert clock.now() == max(before, value)
            case "rate":
                clock.set_rate(value)
                assert clock.now() == before
        shown.append(clock.now())
    assert is_rising(shown)


@quick
@given(st.lists(st.integers(0, 10**6), max_size=6))
def test_many_jumps_equal_one(jumps: list[int]) -> None:
    """Jumps add up, and the clock knows how far it was moved by them."""
    many, one = still_clock(), still_clock()
    for jump in jumps:
        many.jump(jump)
    one.jump(sum(jumps))
    assert many.now() == one.now() == T0 + sum(jumps)
    assert many.jumped_ms == sum(jumps)


def test_running_is_no_jump() -> None:
    """Time that passes by itself is not counted as jumped."""
    hand = Hand()
    clock = VirtualClock(T0, 60, hand)
    hand.seconds = 5
    clock.jump_to(T0 + 300_000)
    assert clock.jumped_ms == 0
    clock.jump_to(T0 + 300_007)
    assert clock.jumped_ms == 7


def test_a_jump_back_is_refused() -> None:
    """A negative jump is refused and does not move the clock."""
    clock = still_clock()
    with pytest.raises(TimeGoesForward):
        clock.jump(-1)
    assert (clock.now(), clock.jumped_ms) == (T0, 0)


@pytest.mark.parametrize("rate", [-1, -0.001, -math.inf, math.nan])
def test_a_rate_is_zero_or_more(rate: float) -> None:
    """A negative rate, or none at all, is refused, and the clock keeps its rate."""
    with pytest.raises(ValueError, match="0 or more"):
        VirtualClock(T0, rate)
    clock = VirtualClock(T0, 3)
    with pytest.raises(ValueError, match="0 or more"):
        clock.set_rate(rate)
    assert clock.rate == 3


def test_a_changed_rate_counts_from_the_change() -> None:
    """Time that has passed keeps the rate at which it passed."""
    hand = Hand()
    clock = VirtualClock(T0, 60, hand)
    hand.seconds = 1
    clock.set_rate(1)
    hand.seconds = 2
    assert clock.now() == T0 + 61_000
    clock.set_rate(0)
    hand.seconds = 50
    assert clock.now() == T0 + 61_000


@pytest.mark.parametrize(
    ("rate", "ahead_ms", "delay_s"),
    [(1, 1500, 1.5), (60, 60_000, 1.0), (1, 0, 0.0), (1, -5, 0.0), (0, 0, 0.0), (0, 1, None)],
)
def test_a_clock_knows_the_real_delay(rate: float, ahead_ms: int, delay_s: float | None) -> None:
    """Real seconds until an instant: none when it has come, unknown when the clock stands still before it."""
    assert VirtualClock(T0, rate, Hand()).real_delay_s(T0 + ahead_ms) == delay_s


def test_a_copy_shows_the_same_and_then_goes_its_own_way() -> None:
    """A copy begins at the same instant and rate; what happens to one does not happen to the other."""
    hand = Hand()
    clock = VirtualClock(T0, 60, hand)
    hand.seconds = 1
    copy = clock.copy()
    assert (copy.now(), copy.rate) == (clock.now(), 60)
    copy.jump(5)
    clock.set_rate(1)
    hand.seconds = 2
    assert copy.now() == T0 + 120_005
    assert clock.now() == T0 + 61_000


def test_the_wall_clock_counts_milliseconds() -> None:
    """The wall clock is milliseconds since the Unix epoch."""
    before, now, after = time.time(), wall_ms(), time.time()
    assert int(before * 1000) - 1 <= now <= after * 1000 + 1
