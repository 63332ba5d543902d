"""Identifiers: hashes of a seed and an ordinal."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mock_server.ids import SeededIds
from tests.support.tasks import quick

names = st.text("a\x00é中\ud800", max_size=4)
kinds = st.sampled_from(["task", "voice", "audio", "owner"])
ordinals = st.integers(0, 3) | st.integers(0, 10**12)
keys = st.tuples(names, kinds, ordinals)


@quick
@given(keys)
def test_a_number_has_eighteen_digits(key: tuple[str, str, int]) -> None:
    """An id is 18 decimal digits as text, the first not 0, whatever the account is called."""
    assert re.fullmatch("[1-9][0-9]{17}", SeededIds("seed").number(*key))


@quick
@given(keys)
def test_a_pair_is_two_numbers(key: tuple[str, str, int]) -> None:
    """A task and what it makes get two different numbers, the same ones each time."""
    first, second = SeededIds("seed").pair(*key)
    assert re.fullmatch("[1-9][0-9]{17} [1-9][0-9]{17}", f"{first} {second}")
    assert first != second
    assert SeededIds("seed").pair(*key) == (first, second)


@quick
@given(names, ordinals)
def test_a_request_id_is_a_uuid_of_version_4(account: str, ordinal: int) -> None:
    """A request id reads as a UUID of version 4 in its canonical spelling."""
    text = SeededIds("seed").request_id(account, ordinal)
    value = uuid.UUID(text)
    assert (value.version, value.variant, str(value)) == (4, uuid.RFC_4122, text)


@quick
@given(keys)
def test_equal_arguments_give_equal_ids(key: tuple[str, str, int]) -> None:
    """Two worlds with the same seed make the same ids."""
    first, second = SeededIds("seed"), SeededIds("seed")
    assert first.number(*key) == second.number(*key)
    assert first.request_id(key[0], key[2]) == second.request_id(key[0], key[2])


@quick
@given(keys, keys)
@example(("a", "task", 1), ("a", "voice", 1))
@example(("a", "task", 1), ("b", "task", 1))
@example(("a", "task", 1), ("a", "task", 2))
@example(("a", "task", 12), ("a1", "task", 2))
@example(("\ud800", "task", 1), ("?", "task", 1))
def test_account_kind_and_ordinal_tell_ids_apart(
    one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    """Another account, kind or ordinal gives another id."""
    assume(one != other)
    ids = SeededIds("seed")
    assert ids.number(*one) != ids.number(*other)
    assert not set(ids.pair(*one)) & set(ids.pair(*other))


@quick
@given(keys, st.sampled_from(["", "a", "b", "中"]), st.sampled_from(["", "a", "b", "中"]))
def test_another_seed_gives_other_ids(key: tuple[str, str, int], one: str, other: str) -> None:
    """Ids of worlds with different seeds differ."""
    assume(one != other)
    assert SeededIds(one).number(*key) != SeededIds(other).number(*key)
    assert SeededIds(one).request_id(key[0], key[2]) != SeededIds(other).request_id(key[0], key[2])


@quick
@given(keys)
def test_fractions_are_two_numbers_below_one(key: tuple[str, str, int]) -> None:
    """What is drawn is two numbers of [0, 1), the same ones each time; a chance is one of a rule."""
    first, second = SeededIds("seed").fractions(*key)
    assert 0 <= first < 1
    assert 0 <= second < 1
    assert first != second
    assert SeededIds("seed").fractions(*key) == (first, second)
    account, rule, ordinal = key
    chance = SeededIds("seed").chance(account, rule, ordinal)
    assert 0 <= chance < 1
    assert chance == SeededIds("seed").chance(account, rule, ordinal)


def test_fractions_are_spread_evenly() -> None:
    """Of many chances about as many are in each tenth."""
    ids = SeededIds("seed")
    tenths = [int(10 * ids.chance("a", "rule", ordinal)) for ordinal in range(5000)]
    assert all(400 < tenths.count(tenth) < 600 for tenth in range(10))
    pairs = [ids.fractions("a", "kind", ordinal) for ordinal in range(5000)]
    corners = [(first < 0.5, second < 0.5) for first, second in pairs]
    assert all(
        1100 < corners.count((one, other)) < 1400
        for one in (False, True)
        for other in (False, True)
    )


@pytest.mark.parametrize("seed", ["", "x" * 1000, "种子", "\udcff"], ids=ascii)
def test_a_seed_is_any_text(seed: str) -> None:
    """Any text is a seed, also one out of a command line that is not UTF-8."""
    assert len(SeededIds(seed).number("a", "task", 1)) == 18


def test_ids_do_not_change_from_release_to_release() -> None:
    """An id that was written down in somebody's test stays: these are pinned."""
    ids = SeededIds("seed")
    assert ids.number("key-1", "task", 1) == PINNED_NUMBER
    assert ids.request_id("key-1", 1) == PINNED_REQUEST_ID
    assert ids.chance("key-1", "fault-1", 1) == PINNED_CHANCE


PINNED_CHANCE = pytest.approx(0.47541792683198736)
PINNED_NUMBER = "232669950662828382"
PINNED_REQUEST_ID = "071840e5-b050-417f-ad81-9e57cb21defe"
