"""Limits of the platform: what a task costs, and how many requests a window lets in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.limits import PRICE, Limits, Rate, RateWindow
from tests.support.tasks import T0, quick


def test_the_price_is_a_twentieth_of_a_unit() -> None:
    """A task costs 0.05 units (observed), counted in whole hundredths."""
    assert PRICE == 5


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(), False),
        (Limits(units=0), True),
        (Limits(slots=1), True),
        (Limits(rate=Rate(1, 1)), True),
    ],
)
def test_limits_know_whether_there_are_any(limits: Limits, expected: bool) -> None:
    """Limits are false while nothing is limited; an empty resource pack is a limit."""
    assert bool(limits) is expected


def let_in(rate: Rate, instants: list[int]) -> list[int]:
    """Which of the requests at these instants are let in."""
    window = RateWindow()
    return [instant for instant in instants if window.admits(rate, instant)]


def test_a_window_slides() -> None:
    """A request is let in again when the oldest of those that were let in is a whole window ago."""
    rate = Rate(2, 1.0)
    assert let_in(rate, [T0, T0 + 400, T0 + 999]) == [T0, T0 + 400]
    assert let_in(rate, [T0, T0 + 400, T0 + 1000, T0 + 1399]) == [T0, T0 + 400, T0 + 1000]
    assert let_in(rate, [T0, T0, T0, T0 + 1000, T0 + 1000]) == [T0, T0, T0 + 1000, T0 + 1000]


def test_what_is_refused_does_not_count() -> None:
    """A client that keeps asking too fast is let in as soon as one that waits."""
    rate = Rate(1, 1.0)
    assert let_in(rate, [T0 + step for step in range(0, 2001, 100)]) == [T0, T0 + 1000, T0 + 2000]


@quick
@given(
    st.integers(1, 4),
    st.sampled_from([0.001, 0.5, 1.0, 3.0]),
    st.lists(st.integers(0, 1500), max_size=20),
)
def test_no_window_lets_in_too_many(requests: int, seconds: float, gaps: list[int]) -> None:
    """In any window at most so many are let in, and a request is refused only when the window is full."""
    rate = Rate(requests, seconds)
    instants: list[int] = []
    now = T0
    for gap in gaps:
        now += gap
        instants.append(now)
    admitted: list[int] = []
    window = RateWindow()
    for now in instants:
        recent = [item for item in admitted if item > now - seconds * 1000]
        lets_in = window.admits(rate, now)
        assert lets_in == (len(recent) < requests)
        if lets_in:
            admitted.append(now)


def test_a_changed_rate_counts_what_was_let_in_before() -> None:
    """When the rate is changed, the requests that were let in under the old one still count."""
    window = RateWindow()
    assert [window.admits(Rate(3, 10.0), T0) for _ in range(3)] == [True] * 3
    assert not window.admits(Rate(2, 10.0), T0 + 1)
    assert window.admits(Rate(4, 10.0), T0 + 2)
