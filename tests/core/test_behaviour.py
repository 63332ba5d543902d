"""The record of disputed behaviours."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, fields
from typing import Any

import pytest

from mock_server.core.behaviour import Behaviour, UnknownBehaviour

READINGS = fields(Behaviour)
CHOICES = [(item.name, choice) for item in READINGS for choice in item.metadata["choices"]]


@pytest.mark.parametrize(("name", "choice"), CHOICES)
def test_every_choice_can_be_set(name: str, choice: str) -> None:
    """Each reading takes each of its choices, and the others stay as they are."""
    before = Behaviour()
    after = before.replaced(name, choice)
    assert asdict(after) == {**asdict(before), name: choice}
    assert before == Behaviour()


@pytest.mark.parametrize("item", READINGS, ids=lambda item: item.name)
def test_every_reading_says_what_it_rests_on(item: Any) -> None:
    """A reading has at least two choices, the default first, a text, a source and one of three kinds of evidence."""
    choices = item.metadata["choices"]
    assert len(set(choices)) == len(choices) >= 2
    assert item.default == choices[0] == getattr(Behaviour(), item.name)
    assert item.metadata["evidence"] in {"documented", "observed", "assumed"}
    assert len(item.metadata["source"]) > 5
    assert len(item.metadata["text"]) > 5


@pytest.mark.parametrize("name", [item.name for item in READINGS])
def test_an_unknown_choice_names_the_valid_ones(name: str) -> None:
    """A value that a reading does not have is refused, and its choices are named."""
    with pytest.raises(UnknownBehaviour) as refused:
        Behaviour().replaced(name, "nonsense")
    for word in (name, "nonsense", *(choice for item, choice in CHOICES if item == name)):
        assert word in str(refused.value)


@pytest.mark.parametrize("name", [item.name for item in READINGS])
def test_a_misspelt_reading_names_the_nearest(name: str) -> None:
    """A name with a letter missing is refused, and the right name is named."""
    with pytest.raises(UnknownBehaviour, match=f"did you mean '{name}'"):
        Behaviour().replaced(name[:3] + name[4:], "refuse")


def test_a_name_like_none_gets_a_valid_one() -> None:
    """A name that resembles no reading is answered with one that exists."""
    with pytest.raises(UnknownBehaviour, match="did you mean '") as refused:
        Behaviour().replaced("", "refuse")
    assert any(repr(item.name) in str(refused.value) for item in READINGS)


def test_the_record_is_frozen() -> None:
    """A reading cannot be changed in place."""
    with pytest.raises(FrozenInstanceError):
        Behaviour().both_sources = "refuse"  # type: ignore[misc]  # that is the point
