"""Checking a value against a JSON Schema: the first mistake, its place and its remedy."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server.schema import Problem, Schema, dotted

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "fault": {"$ref": "#/$defs/fault"},
        "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
        "move": {"oneOf": [{"required": ["by"]}, {"required": ["to"]}], "type": "object"},
        "row": {"anyOf": [{"required": ["word"]}, {"required": ["file"]}], "type": "object"},
        "odd": {"anyOf": [{"type": "integer"}, {"type": "boolean"}]},
        "never": False,
    },
    "$defs": {
        "fault": {
            "type": ["string", "object"],
            "if": {"type": "object"},
            "then": {"$ref": "#/$defs/object"},
        },
        "object": {
            "additionalProperties": False,
            "properties": {"reason": {"enum": ["rate", "x"]}},
        },
        "step": {
            "type": "object",
            "additionalProperties": False,
            "required": ["at"],
            "properties": {"at": {"type": "number", "minimum": 0}, "status": {"type": "string"}},
        },
    },
}
CHECKED = Schema(SCHEMA)


@pytest.mark.parametrize(
    "value",
    [
        {"name": "a"},
        {"name": "a", "fault": "reset", "steps": [{"at": 0}], "move": {"by": 1}},
        {"name": "a", "fault": {"reason": "x"}, "row": {"word": "w", "file": "f"}, "odd": True},
    ],
)
def test_a_value_that_keeps_its_schema_has_no_problem(value: Any) -> None:
    """Where nothing is wrong there is nothing to say."""
    assert CHECKED.problem(value) is None


@pytest.mark.parametrize(
    ("changes", "place", "words"),
    [
        ({"nam": "b"}, [], "unknown key 'nam'; did you mean 'name'?"),
        ({"zzz": 1}, [], "unknown key 'zzz'; known are name, fault, steps, move, row, odd, never"),
        ({"fault": {"reson": "x"}}, ["fault"], "unknown key 'reson'; did you mean 'reason'?"),
        ({"fault": {"reason": "rat"}}, ["fault", "reason"], "'rat' is none of rate, x; did you mean 'rate'?"),
        ({"fault": 5001}, ["fault"], "; put it in quotes"),
        ({"name": 5}, ["name"], "; put it in quotes"),
        ({"name": []}, ["name"], "[] is not of type"),
        ({"steps": [{"at": 0}, {"att": 1}]}, ["steps", 1], "unknown key 'att'; did you mean 'at'?"),
        ({"steps": [{"at": -1}]}, ["steps", 0, "at"], "-1 is less than the minimum of 0"),
        ({"steps": [{"at": "soon"}]}, ["steps", 0, "at"], "is not of type"),
        ({"move": {}}, ["move"], "needs exactly one of by, to"),
        ({"move": {"by": 1, "to": 1}}, ["move"], "needs exactly one of by, to"),
        ({"odd": "x"}, ["odd"], "is not valid under any"),
        ({"never": 1}, ["never"], "does not go with what else is said here"),
    ],
    ids=str,
)  # fmt: skip
def test_the_mistake_is_told_with_its_place(
    changes: dict[str, Any], place: list[str | int], words: str
) -> None:
    """The first mistake is said with where it is, and what to do about it, in one line."""
    problem = CHECKED.problem({"name": "a", **changes})
    assert problem is not None
    assert problem.place == place
    assert words in problem.words
    assert "\n" not in problem.words


def test_of_alternatives_that_may_stand_together_one_is_enough() -> None:
    """Where any of several keys will do, the words do not forbid two."""
    problem = CHECKED.problem({"name": "a", "row": {}})
    assert problem is not None
    assert "word" in problem.words
    assert "file" in problem.words
    assert "exactly" not in problem.words


def test_an_unknown_key_is_told_before_a_missing_one() -> None:
    """Most often the one is the other, misspelt."""
    problem = CHECKED.problem({"nme": "a"})
    assert problem is not None
    assert problem.words == "unknown key 'nme'; did you mean 'name'?"


@pytest.mark.parametrize(
    "value", ["x" * 10_000, {"name": ["x"] * 5000}, {"fault": "a\nb"}, None, []]
)
def test_words_stay_short(value: Any) -> None:
    """However large the value, the words are one line that can be read."""
    problem = CHECKED.problem(value)
    assert problem is not None
    assert len(problem.words) <= 320
    assert "\n" not in problem.words


def test_a_problem_reads_as_a_sentence() -> None:
    """A problem is its place and its words; at the top there is no place to name."""
    assert str(Problem(["steps", 1, "at"], "is wrong")) == "steps[1].at: is wrong"
    assert str(Problem([], "is wrong")) == "is wrong"
    assert dotted([]) == "file"
