"""How long a speech lasts, and how its speed is read."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_server.core.speech import (
    FRAME_MS,
    clamped,
    duration_ms,
    is_in_range,
    rounded_speed,
)
from mock_server.media import MAX_DURATION_MS
from tests.support.tasks import quick

words = st.text(alphabet="a 中。é\ud800", max_size=60)
speeds = st.sampled_from([0.5, 0.8, 1.0, 1.3, 2.0])
any_number = st.one_of(
    st.floats(allow_nan=False), st.integers(-(10**400), 10**400), st.floats(0.0, 3.0)
)


@quick
@given(words, speeds)
def test_a_speech_is_a_whole_number_of_frames(text: str, speed: float) -> None:
    """A speech lasts a multiple of 24 ms, and at least one frame."""
    duration = duration_ms(text, speed)
    assert duration >= FRAME_MS == 24
    assert duration % FRAME_MS == 0


@quick
@given(words, words, speeds)
def test_more_text_never_lasts_shorter(text: str, more: str, speed: float) -> None:
    """Adding words anywhere never makes a speech shorter."""
    assert duration_ms(text + more, speed) >= duration_ms(text, speed)
    assert duration_ms(more + text, speed) >= duration_ms(text, speed)


@quick
@given(words, speeds)
def test_speed_divides_the_length(text: str, speed: float) -> None:
    """A speech at a speed lasts the normal length divided by it, but for the rounding to frames."""
    normal = max(FRAME_MS, sum(220 if char in "中。" else 84 for char in text))
    assert abs(duration_ms(text, speed) - normal / speed) <= FRAME_MS


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [("x" * 134, 11_256), ("", 24), ("x" * 1000, 84_000), ("中" * 1000, 220_008)],
)
def test_lengths_that_were_heard(text: str, expected_ms: int) -> None:
    """134 Latin characters last about 11.3 s (observed); a Chinese character lasts about 0.22 s."""
    assert duration_ms(text, 1.0) == expected_ms


def test_the_longest_speech_of_any_dialect_can_be_served() -> None:
    """10,000 Chinese characters at speed 0.5, EzModel's bounds, stay below the longest audio."""
    assert duration_ms("中" * 10_000, 0.5) <= MAX_DURATION_MS


@pytest.mark.parametrize(
    ("speed", "expected"),
    [
        (1.25, 1.3),
        (0.75, 0.8),
        (1.35, 1.4),
        (1.05, 1.1),
        (1.15, 1.2),
        (0.85, 0.9),
        (1.24, 1.2),
        (1.2499999999999, 1.2),
        (2.04, 2.0),
        (2.05, 2.1),
        (1, 1.0),
        (0.0, 0.0),
        (1e-300, 0.0),
        (5e-324, 0.0),
    ],
)
def test_speed_is_rounded_to_one_decimal_half_up(speed: float, expected: float) -> None:
    """A speed has one decimal; a half goes up, as it is written and not as a float holds it (documented)."""
    assert rounded_speed(speed) == expected


@quick
@given(st.integers(0, 3000))
def test_rounding_agrees_with_counting_thousandths(thousandths: int) -> None:
    """For every speed with three decimals, rounding half up is what whole numbers say."""
    assert rounded_speed(thousandths / 1000) == (thousandths + 50) // 100 / 10


@quick
@given(any_number)
@example(float("inf"))
@example(-1e308)
@example(10**400)
def test_any_number_becomes_a_speed_in_range(number: float) -> None:
    """Whatever number is sent, rounding and clamping give a speed in [0.8, 2.0] and leave it so."""
    speed = clamped(rounded_speed(number))
    assert is_in_range(speed)
    assert clamped(rounded_speed(speed)) == speed


@quick
@given(any_number)
def test_clamping_moves_only_what_is_out_of_range(number: float) -> None:
    """A speed in range is kept; one out of range moves to the nearest bound."""
    speed = rounded_speed(number)
    expected = speed if is_in_range(speed) else (0.8 if speed < 0.8 else 2.0)
    assert clamped(speed) == expected


@pytest.mark.parametrize(
    ("speed", "inside"), [(0.7, False), (0.8, True), (1.4, True), (2.0, True), (2.1, False)]
)
def test_the_documented_range_includes_its_bounds(speed: float, inside: bool) -> None:
    """The documented range is [0.8, 2.0]."""
    assert is_in_range(speed) is inside
