"""Which matches of a rule are struck."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.fault import ALWAYS, Fault, SocketFault, When
from tests.support.tasks import quick


def struck(when: When, chances: list[float], elapsed_s: float = 0.0) -> list[int]:
    """The ordinals that are struck, of as many matches as there are chances."""
    found: list[int] = []
    for ordinal, chance in enumerate(chances, start=1):
        if when.strikes(ordinal, len(found), elapsed_s, chance):
            found.append(ordinal)
    return found


@quick
@given(st.integers(0, 5), st.none() | st.integers(1, 5), st.integers(0, 12))
def test_the_first_pass_and_then_so_many_are_struck(
    after: int, count: int | None, matches: int
) -> None:
    """The first ``after`` matches pass; of the others the first ``count`` are struck, or all."""
    expected = [number for number in range(1, matches + 1) if number > after]
    assert struck(When(after, count), [0.0] * matches) == expected[:count]


@quick
@given(
    st.integers(0, 3),
    st.none() | st.integers(1, 4),
    st.floats(0, 1, exclude_min=True),
    st.lists(st.floats(0, 1, exclude_max=True), max_size=10),
)
def test_a_probability_decides_each_match(
    after: int, count: int | None, probability: float, chances: list[float]
) -> None:
    """A match is struck when its number is below the probability; only strikes are counted, not matches."""
    expected = [
        number
        for number, chance in enumerate(chances, start=1)
        if number > after and chance < probability
    ]
    assert struck(When(after, count, probability), chances) == expected[:count]


@quick
@given(st.lists(st.floats(0, 1, exclude_max=True), max_size=10))
def test_without_conditions_every_match_is_struck(chances: list[float]) -> None:
    """A rule without conditions strikes always."""
    assert struck(ALWAYS, chances) == list(range(1, len(chances) + 1))
    assert not ALWAYS.is_over(10**9, 1e9)


@pytest.mark.parametrize(
    ("elapsed_s", "strikes", "is_over"),
    [(0, False, False), (9.999, False, False), (10, True, False), (19.999, True, False),
     (20, False, True), (1e9, False, True)],
)  # fmt: skip
def test_a_window_is_from_and_before(elapsed_s: float, strikes: bool, is_over: bool) -> None:
    """In a window a match is struck from its first second on and before its last; after that the rule is over."""
    when = When(window=(10, 20))
    assert when.strikes(1, 0, elapsed_s, 0.0) is strikes
    assert when.is_over(0, elapsed_s) is is_over
    assert not when.is_expired(elapsed_s)


@pytest.mark.parametrize(("elapsed_s", "expired"), [(0, False), (4.999, False), (5, True)])
def test_a_time_to_live_ends_a_rule(elapsed_s: float, expired: bool) -> None:
    """From its time to live on a rule strikes nothing and is expired."""
    when = When(ttl_s=5)
    assert when.strikes(1, 0, elapsed_s, 0.0) is not expired
    assert when.is_expired(elapsed_s) is when.is_over(0, elapsed_s) is expired


@quick
@given(
    st.builds(
        When,
        st.integers(0, 2),
        st.none() | st.integers(1, 3),
        st.sampled_from([0.5, 1.0]),
        st.none() | st.sampled_from([(0, 5), (3, 8)]),
        st.none() | st.sampled_from([4.0, 9.0]),
    ),
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from([0.2, 0.8])), max_size=12),
)
def test_what_is_over_never_strikes_again(when: When, story: list[tuple[float, float]]) -> None:
    """As time and matches go on, a rule that is over stays over and strikes nothing."""
    elapsed_s, consumed, was_over = 0.0, 0, False
    for ordinal, (passes, chance) in enumerate(story, start=1):
        elapsed_s += passes
        is_over = when.is_over(consumed, elapsed_s)
        strikes = when.strikes(ordinal, consumed, elapsed_s, chance)
        assert not (is_over and strikes)
        assert is_over or not was_over
        was_over = is_over
        consumed += strikes
    assert when.count is None or consumed <= when.count


def test_some_socket_faults_need_no_socket() -> None:
    """A slow answer and none at all can be played anywhere; whatever breaks a connection needs one."""
    alone = {item for item in SocketFault if not Fault(socket=item).needs_socket}
    assert alone == {SocketFault.DRIBBLE, SocketFault.HANG}
    assert not Fault().needs_socket
