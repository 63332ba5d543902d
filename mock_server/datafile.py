"""Reading our YAML files: one fast loader, and errors that name file, line, key and remedy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from mock_server.schema import Schema, dotted

# The C loader is ten times as fast; some builds of PyYAML lack it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_Loader):  # type: ignore[misc]  # which base it is depends on the build
    """What people write: text keys, none twice, and only values that JSON has."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """A mapping; a key that is no text or stands twice is refused at its place."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str) or key in seen:
                problem = "stands twice" if isinstance(key, str) else "is an unknown key"
                words = f"{key!r} {problem}"
                raise yaml.constructor.ConstructorError(None, None, words, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def refuse(self, node: Any) -> Any:
        """A value that JSON does not have."""
        words = f"{node.tag!r} is no kind of value here"
        raise yaml.constructor.ConstructorError(None, None, words, node.start_mark)


# Dates are read as the text they are; the schema then says what was wanted.
_StrictLoader.yaml_implicit_resolvers = {
    first: [rule for rule in rules if rule[0] != "tag:yaml.org,2002:timestamp"]
    for first, rules in _Loader.yaml_implicit_resolvers.items()
}
for _tag in ("timestamp", "binary", "set", "omap", "pairs"):
    _StrictLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _StrictLoader.refuse)


#: Values in a file, aliases counted each time, and levels of nesting: far more than anybody writes.
_MOST_VALUES = 200_000
_DEEPEST = 60


#: Texts whose values are kept. Ours are fewer.
_MOST_TEXTS = 128


class BrokenFile(ValueError):
    """Raised when one of our files cannot be used; the message is one line: file, line, key, remedy."""


def parse(text: str, name: str, loader: Any = _Loader) -> Any:
    """The value of a YAML text, which whoever asks for the same text shares: nobody changes it.

    Raises:
        BrokenFile: it is not YAML.
    """
    try:
        return _value_of(text, loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BrokenFile(f"{name}:{line}: not YAML: {_one_line(error.problem)}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise BrokenFile(f"{name}: not YAML: {_one_line(error)}") from None


@lru_cache(_MOST_TEXTS)
def _value_of(text: str, loader: Any) -> Any:
    """The value of a text. Parsing is most of a server's start, and tests start many in one process."""
    return yaml.load(text, Loader=loader)  # both loaders are safe ones


def _one_line(problem: object) -> str:
    return " ".join(str(problem).split())


def read(path: Path) -> Any:
    """The value of a YAML file.

    Raises:
        BrokenFile: it cannot be read, or is not YAML.
    """
    return parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        BrokenFile: it cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenFile(f"{path}: {_words(error)}") from None


def read_checked(path: Path, schema: dict[str, Any]) -> Any:
    """The value of a YAML file that has the given JSON Schema.

    Raises:
        BrokenFile: it cannot be read, is not YAML, or breaks the schema; the first place is named.
    """
    text = read_text(path)
    value = parse(text, str(path), _StrictLoader)
    if not _is_finite(value):
        raise BrokenFile(f"{path}: it is nested too deeply, too large, or refers to itself")
    problem = Schema(schema).problem(value)
    if problem is not None:
        line = line_of(text, problem.place, problem.key)
        raise BrokenFile(f"{path}:{line}: {dotted(problem.place)}: {problem.words}")
    return value


def _is_finite(value: Any) -> bool:
    """Whether a value can be walked: aliases can make a small text endless."""
    left, layers = _MOST_VALUES, [[value]]
    while layers:
        if not layers[-1]:
            layers.pop()
            continue
        item = layers[-1].pop()
        left -= 1
        if not left or len(layers) > _DEEPEST:
            return False
        if isinstance(item, dict | list):
            layers.append(list(item.values() if isinstance(item, dict) else item))
    return True


def line_of(text: str, place: Sequence[str | int], unknown: str = "") -> int:
    """The line, from 1, on which the value at a place of a YAML text begins, or the key ``unknown`` in it."""
    node = yaml.compose(text, Loader=_Loader)
    for key in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key]
        elif isinstance(node, yaml.MappingNode):
            node = next((value for name, value in node.value if name.value == key), node)
    if unknown and isinstance(node, yaml.MappingNode):
        node = next((name for name, _ in node.value if name.value == unknown), node)
    return node.start_mark.line + 1 if node is not None else 1


def _words(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return error.strerror or type(error).__name__
