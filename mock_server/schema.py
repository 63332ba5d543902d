"""Checking a value against a JSON Schema: the first mistake, its place and its remedy, in words for a person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jsonschema_rs

from mock_server.core.words import nearest

_Kinds = jsonschema_rs.ValidationErrorKind


class Problem(NamedTuple):
    """A mistake: where it is, and what to do about it."""

    place: list[str | int]
    words: str
    #: The unknown key, where that is the mistake.
    key: str = ""

    def __str__(self) -> str:
        return f"{dotted(self.place)}: {self.words}" if self.place else self.words


class Schema:
    """A compiled JSON Schema.

    Args:
        schema: the whole of it; references lead inside it.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._validator = jsonschema_rs.validator_for(schema)

    def problem(self, value: Any) -> Problem | None:
        """The mistake to be told first, or ``None``: a key that is unknown before one that is missing."""
        errors = list(self._validator.iter_errors(value))
        if not errors:
            return None
        error = min(errors, key=_rank)
        kind = error.kind
        key = str(kind.unexpected[0]) if isinstance(kind, _Kinds.AdditionalProperties) else ""
        return Problem(list(error.instance_path), self._remedy(error), key)

    def _remedy(self, error: jsonschema_rs.ValidationError) -> str:
        kind = error.kind
        if isinstance(kind, _Kinds.AdditionalProperties):
            unknown = str(kind.unexpected[0])
            known = self._keys_beside(error)
            hint = nearest(unknown, known) or (f"; known are {', '.join(known)}" if known else "")
            return f"unknown key {unknown!r}{hint}"
        if isinstance(kind, _Kinds.Enum):
            options = [str(option) for option in kind.options]
            hint = nearest(str(error.instance), options)
            return f"{_short(error.instance)} is none of {', '.join(options)}{hint}"
        if isinstance(kind, _Kinds.FalseSchema):
            return "does not go with what else is said here"
        if isinstance(kind, _Kinds.OneOfNotValid | _Kinds.OneOfMultipleValid | _Kinds.AnyOf):
            keys = [" and ".join(branch["required"]) for branch in self._branches(error)]
            if keys:
                many = "at least" if isinstance(kind, _Kinds.AnyOf) else "exactly"
                return f"needs {many} one of {', '.join(keys)}"
        words = _one_line(error.message)
        if isinstance(kind, _Kinds.Type) and "string" in str(kind.types):
            return f"{words}; put it in quotes" if _is_scalar(error.instance) else words
        if isinstance(kind, _Kinds.Constant):
            return f"{words}, not {_short(error.instance)}{self._meaning(error)}"
        return f"{words}{self._meaning(error)}" if isinstance(kind, _Kinds.Type) else words

    def _meaning(self, error: jsonschema_rs.ValidationError) -> str:
        """What is meant where the mistake is, as the schema describes it."""
        path = error.schema_path
        for length in range(len(path), 0, -1):
            rule = self._rule(path[:length])
            if isinstance(rule, dict) and isinstance(rule.get("description"), str):
                return f" ({rule['description'].rstrip('.')})"
        return ""

    def _rule(self, path: Sequence[Any]) -> Any:
        """The part of the schema at a path of an error; references on the way are followed."""
        rule: Any = self._schema
        for key in path:
            if isinstance(rule, dict) and "$ref" in rule and key not in rule:
                rule = self._target(rule["$ref"])
            if key == "$ref":
                rule = self._target(rule["$ref"])
                continue
            rule = rule[int(key) if isinstance(rule, list) else key]
        return rule

    def _target(self, reference: str) -> Any:
        target: Any = self._schema
        for key in reference.removeprefix("#/").split("/"):
            target = target[key]
        return target

    def _keys_beside(self, error: jsonschema_rs.ValidationError) -> list[str]:
        return list(self._rule(error.schema_path[:-1]).get("properties", {}))

    def _branches(self, error: jsonschema_rs.ValidationError) -> list[Any]:
        branches = self._rule(error.schema_path)
        return branches if all("required" in branch for branch in branches) else []


def dotted(place: Sequence[str | int]) -> str:
    """A place in a value in words: ``voices[3].names``; the whole is ``file``."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place)
    return text.lstrip(".") or "file"


def _rank(error: jsonschema_rs.ValidationError) -> int:
    """An unknown key is named before what is missing: most often the one is the other, misspelt."""
    return 0 if isinstance(error.kind, _Kinds.AdditionalProperties) else 1


def _is_scalar(value: Any) -> bool:
    # What YAML reads as a number or a switch was often meant as text.
    return isinstance(value, bool | int | float)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _one_line(text: object) -> str:
    line = " ".join(str(text).split())
    return line if len(line) <= 300 else line[:297] + "..."
