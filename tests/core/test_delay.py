"""Delays: fixed, or drawn by two numbers of [0, 1)."""

from __future__ import annotations

import math
from statistics import median

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_server.core.delay import Fixed, Lognormal, Uniform
from tests.support.tasks import quick

#: Numbers of [0, 1), the largest of them included.
fractions = st.floats(0, 1, exclude_max=True, allow_nan=False)
LAST = math.nextafter(1, 0)
seconds = st.floats(0, 1e8, allow_nan=False)


@quick
@given(seconds, fractions, fractions)
def test_a_fixed_delay_is_always_the_same(delay: float, first: float, second: float) -> None:
    """Whatever is drawn, a fixed delay takes its seconds."""
    assert Fixed(delay).draw(first, second) == delay
    assert Fixed().draw(first, second) == 0


@quick
@given(seconds, seconds, fractions, fractions)
def test_a_uniform_delay_keeps_its_bounds(
    one: float, other: float, first: float, second: float
) -> None:
    """Every draw is from the lower bound to the upper, to the last digit a millisecond has."""
    low, high = sorted((one, other))
    drawn = Uniform(low, high).draw(first, second)
    assert low <= drawn <= high * (1 + 1e-12)


def test_a_uniform_delay_is_proportional() -> None:
    """The first number says how far between the bounds it is; the second does not count."""
    assert [Uniform(1, 3).draw(first, second) for first, second in ((0, 0), (0.5, 0.9))] == [1, 2]
    assert Uniform(2, 2).draw(0.7, 0.1) == 2


@quick
@given(
    st.floats(0.001, 1e6),
    st.floats(0, 10),
    st.none() | st.floats(0.001, 1e6),
    fractions,
    fractions,
)
@example(1.0, 10.0, None, LAST, 0.0)  # the longest there is
@example(1.0, 10.0, None, LAST, 0.5)  # the shortest
@example(1.0, 0.0, None, 0.0, 0.0)
def test_a_lognormal_delay_is_bounded(
    middle: float, sigma: float, longest: float | None, first: float, second: float
) -> None:
    """A draw is a number of at least 0 and at most the maximum: where none is given, a hundred medians."""
    drawn = Lognormal(middle, sigma, longest).draw(first, second)
    assert math.isfinite(drawn)
    assert 0 <= drawn <= (middle * 100 if longest is None else longest)


@quick
@given(st.floats(0.001, 1e6), fractions, fractions)
def test_without_spread_a_lognormal_delay_is_its_median(
    middle: float, first: float, second: float
) -> None:
    """A sigma of 0 spreads nothing."""
    assert Lognormal(middle, 0).draw(first, second) == middle


@pytest.mark.parametrize("sigma", [0.25, 0.5, 1.0])
def test_a_lognormal_delay_has_the_distribution_it_is_named_after(sigma: float) -> None:
    """Over evenly spread numbers half of the draws are below the median, and the logarithm spreads by sigma."""
    steps = [(number + 0.5) / 200 for number in range(200)]
    drawn = [Lognormal(8, sigma, 1e9).draw(first, second) for first in steps for second in steps]
    logs = [math.log(item) for item in drawn]
    middle = sum(logs) / len(logs)
    assert median(drawn) == pytest.approx(8, rel=0.02)
    assert middle == pytest.approx(math.log(8), abs=0.02)
    spread = math.sqrt(sum((item - middle) ** 2 for item in logs) / len(logs))
    assert spread == pytest.approx(sigma, rel=0.03)
