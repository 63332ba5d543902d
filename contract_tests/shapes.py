"""What a body must look like, and which rule is nearest to the place where it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jsonschema_rs

from contract_tests.observation import shortened
from contract_tests.saying import quoted

Json = Any

#: Half of a surrogate pair, which the validator cannot read; what stands for it counts as one character, too.
_HALF = re.compile("[\\ud800-\\udfff]")

#: Rules that a schema says in full, so that a body that fits has kept them wherever it holds such a value.
_SAID_IN_FULL = frozenset(
    {
        "ids.string",
        "task.status.enum",
        "time.milliseconds",
        "speech.duration.string",
        "errors.code-is-integer",
        "speech.result.when-succeed",
    }
)
#: Rules beside a value that say nothing of its shape, so that no misfit is theirs.
_NOT_OF_SHAPE = frozenset(
    {
        "media.url.expires",
        "task.created-at.constant",
        "task.updated-at.after-creation",
        "task.updated-at.monotone",
    }
)
#: Rules beside a value that are of the conditions about it alone.
_OF_CONDITIONS = frozenset({"task.failed.reason"})
#: Texts that are empty or absent where there is nothing to say; null for one of them contradicts no source.
_MAY_BE_NOTHING = frozenset({"task_status_msg"})
_FORMATS = {"uri": "an absolute address"}
#: How types and bounds of a schema are called.
_TYPES = {
    "integer": "an integer",
    "string": "a string",
    "object": "an object",
    "array": "an array",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "a text of at least {} characters",
    "maxLength": "a text of at most {} characters",
    "minItems": "a list of at least {} items",
    "maxItems": "a list of at most {} items",
}
#: Fields whose shape a rule is about that stands beside another one: "both instants".
_LIKE = {"created_at": "updated_at"}


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where and how a body does not fit.

    Attributes:
        words: a sentence that says what is there, and what is due.
        rule: the id of the nearest rule that is more than assumed; empty where there is none.
        path: the way to the value, and to the field that is missing.
        is_missing: whether there is nothing at the end of that way.
        is_silence: whether null stands there for a text that may be empty or absent.
    """

    words: str
    rule: str
    path: tuple[str | int, ...] = ()
    is_missing: bool = False
    is_silence: bool = False


class Shape:
    """A JSON Schema without references, whose parts may carry x-rules.

    Attributes:
        schema: as it was given.
    """

    def __init__(self, schema: dict[str, Json]) -> None:
        self.schema = schema
        self._validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)

    def fits(self, body: Json) -> bool:
        """Whether a body has the shape."""
        try:
            return self._validator.is_valid(body)
        except UnicodeEncodeError:
            return self._validator.is_valid(_whole(body))
        except ValueError:  # nested too deeply
            return False

    def misfit(self, body: Json) -> Misfit | None:
        """The first thing that is wrong with a body, if any: better one that a rule is about."""
        try:
            return self._first_misfit(body)
        except UnicodeEncodeError:
            return self._first_misfit(_whole(body))
        except ValueError as reason:
            if "Unsupported type" in str(reason):  # it was read before, and mended (mending.About)
                return self._first_misfit(_plain(body))
            return Misfit(f"the body cannot be read: {reason}", "")

    def _first_misfit(self, body: Json) -> Misfit | None:
        misfits = [self._misfit(error) for error in self._validator.iter_errors(body)]
        # What has neither id nor status is no task, of which no rule about a field of tasks says anything.
        missing = {one.path for one in misfits if one.is_missing}
        for one in misfits:
            if one.path[-1:] == ("task_id",) and (*one.path[:-1], "task_status") in missing:
                return replace(one, rule="")
        return next((one for one in misfits if one.rule), misfits[0] if misfits else None)

    def _misfit(self, error: jsonschema_rs.ValidationError) -> Misfit:
        missing = getattr(error.kind, "property", None)
        path = [*error.schema_path]
        if error.kind.name == "required" and isinstance(missing, str):
            path = [*path[:-1], "properties", missing]
        at = [*error.instance_path, *([missing] if isinstance(missing, str) else [])]
        if at and at[-1] in _LIKE:
            path = [_LIKE.get(str(step), step) for step in path]
        is_missing = isinstance(missing, str)
        rule = "" if error.kind.name == "format" else self._about(at, path) or self._nearest(path)
        if rule in _OF_CONDITIONS and not {"then", "else"} & set(path):
            rule = ""
        said_nothing = not (rule or is_missing) and is_silence(at, error.instance)
        words = _in_words(error, at, is_missing=is_missing)
        return Misfit(words, rule, tuple(at), is_missing, said_nothing)

    @cached_property
    def enforced(self) -> frozenset[str]:
        """The rules that a body of this shape has kept by having it."""
        return frozenset(_ids(self.schema)) & _SAID_IN_FULL

    def _about(self, place: list[str | int], path: list[str | int]) -> str:
        """The rule beside the value itself, where it is a condition elsewhere that is not met."""
        if not {"then", "else"} & set(path):
            return ""
        node: Json = self.schema
        for step in place:
            key = "items" if isinstance(step, int) else "properties"
            node = node.get(key, {}) if isinstance(node, dict) else {}
            node = node if isinstance(step, int) else node.get(step, {})
        return _sure(node)

    def _nearest(self, path: list[str | int]) -> str:
        """The rule that is nearest to a place in the schema.

        A rule about an object says nothing of its fields, but for what its own conditions say of them.
        """
        node: Json = self.schema
        found, is_condition = _sure(node), False
        for step in path:
            is_condition = is_condition or step in ("then", "else", "not")
            if not is_condition and step in ("properties", "items"):
                found = ""
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                break
            found = _sure(node) or found
        return found


def is_silence(place: Sequence[str | int], value: Json) -> bool:
    """Whether null stands for a text that may be empty or absent."""
    return value is None and bool(place) and place[-1] in _MAY_BE_NOTHING


def _in_words(
    error: jsonschema_rs.ValidationError, place: list[str | int], *, is_missing: bool
) -> str:
    named = ".".join(map(str, place)) or "the body"
    if is_missing:
        return f"{named} is missing, where it is due"
    kind: Any = error.kind
    due = ""
    if kind.name == "type":
        due = " or ".join(_TYPES.get(name, name) for name in kind.types)
    elif kind.name == "enum":
        due = " or ".join(map(quoted, kind.options))
    elif kind.name in _BOUNDS:
        due = _BOUNDS[kind.name].format(kind.limit)
    elif kind.name == "pattern":
        due = f"a text like {kind.pattern}"
    elif kind.name == "format":
        due = _FORMATS.get(kind.format, kind.format)
    elif kind.name == "falseSchema":
        return f"{named} is {quoted(error.instance)}, where none is due"
    if due:
        return f"{named} is {quoted(error.instance)}, where {due} is due"
    return f"{named} is {quoted(error.instance)}: {shortened(error.message)}"


def _sure(node: Json) -> str:
    """The first rule beside a schema that is more than assumed."""
    rules = node.get("x-rules", ()) if isinstance(node, dict) else ()
    sure = (rule["id"] for rule in rules if rule["evidence"] != "assumed")
    return next((identifier for identifier in sure if identifier not in _NOT_OF_SHAPE), "")


def _whole(value: Json) -> Json:
    """A value in whose texts no surrogate stands alone."""
    if isinstance(value, str):
        return _HALF.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value


def _plain(value: Json) -> Json:
    """A value whose numbers are of no type of our own."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _ids(value: Json) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _ids(item)
    elif isinstance(value, dict):
        for rule in value.get("x-rules", ()):
            yield rule["id"]
        for item in value.values():
            yield from _ids(item)
