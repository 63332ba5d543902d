"""The contract as the kit reads it: the documents of openapi/, resolved, with the shape of every body.

The kit shares no code with the mock, so it finds, resolves and compiles the documents itself. They lie beside this
package in a checkout, and under ``mock_server/_data`` in an installed wheel; no module of the mock is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from contract_tests.shapes import Shape

#: The dialects, each described by the document of its name.
DIALECTS = ("klingai", "kkiai", "ezmodel")
#: The dialects with the official operations, envelope and error table.
OFFICIAL = ("klingai", "kkiai")

_METHODS = ("get", "post", "put", "patch", "delete")
_JSON = "application/json"

Json = Any


class ContractMissing(FileNotFoundError):
    """Raised when the documents are in neither place; the message says where they were looked for."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An x-rules entry: a clause of the contract, with how well it is known and from where."""

    id: str
    text: str
    evidence: str
    source: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document.

    Attributes:
        responses: the shape of the body per declared HTTP status.
        callbacks: the shape of the body per callback, by its name.
    """

    id: str
    method: str
    path: str
    request: Shape | None
    responses: Mapping[int, Shape]
    callbacks: Mapping[str, Shape]


class Document:
    """One dialect's document.

    Args:
        name: the dialect.
        folder: the folder that holds the documents.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._path = folder / f"{name}.yaml"

    @cached_property
    def raw(self) -> dict[str, Json]:
        """The document with every reference replaced by what it leads to."""
        resolved: dict[str, Json] = _resolved(_file(self._path), self._path)
        return resolved

    @cached_property
    def operations(self) -> dict[str, Operation]:
        """The operations by operationId."""
        found = (
            _operation(method, path, item[method])
            for path, item in self.raw["paths"].items()
            for method in _METHODS
            if method in item
        )
        return {operation.id: operation for operation in found}

    @cached_property
    def pairs(self) -> frozenset[tuple[int, int]]:
        """The (HTTP status, code) pairs of the error table, that of success among them."""
        table = self.raw["info"].get("x-error-table") or _shared_table(self._path.parent)
        return frozenset((row["status"], row["code"]) for row in table)

    @cached_property
    def rules(self) -> dict[str, Rule]:
        """The rules by id."""
        return {rule.id: rule for rule in _rules(self.raw)}


@cache
def document(name: str) -> Document:
    """The document of a dialect."""
    return Document(name, folder())


@cache
def folder() -> Path:
    """The folder of the documents.

    Raises:
        ContractMissing: it is in neither place.
    """
    places = [Path(__file__).resolve().parents[1] / "openapi"]
    spec = find_spec("mock_server")  # looks the package up without running it
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        places += [package / "_data" / "openapi", package.parent / "openapi"]
    for place in places:
        if (place / f"{DIALECTS[0]}.yaml").is_file():
            return place
    raise ContractMissing(f"no openapi/ in {', '.join(map(str, places))}")


@cache
def _file(path: Path) -> Json:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)


def _shared_table(openapi: Path) -> list[dict[str, Json]]:
    table: list[dict[str, Json]] = _file(openapi / "components" / "responses.yaml")["x-error-table"]
    return table


def _resolved(value: Json, file: Path) -> Json:
    """A copy of a value of ``file`` without references. The documents hold no reference that leads to itself."""
    if isinstance(value, list):
        return [_resolved(item, file) for item in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str):
        place, _, pointer = reference.partition("#")
        source = (file.parent / place).resolve() if place else file
        target = _file(source)
        for key in pointer.strip("/").split("/"):
            target = target[key.replace("~1", "/").replace("~0", "~")]
        return _resolved(target, source)
    return {key: _resolved(item, file) for key, item in value.items()}


def _operation(method: str, path: str, item: dict[str, Json]) -> Operation:
    callbacks = {
        name: _shape(post["post"]["requestBody"])
        for name, by_expression in item.get("callbacks", {}).items()
        for post in by_expression.values()
    }
    return Operation(
        item["operationId"],
        method.upper(),
        path,
        _shape(item["requestBody"]) if "requestBody" in item else None,
        {int(status): _shape(response) for status, response in item["responses"].items()},
        callbacks,
    )


def _shape(holder: dict[str, Json]) -> Shape:
    return Shape(holder["content"][_JSON]["schema"])


def _rules(value: Json) -> Iterator[Rule]:
    if isinstance(value, list):
        for item in value:
            yield from _rules(item)
    elif isinstance(value, dict):
        for entry in value.get("x-rules", ()):
            yield Rule(entry["id"], entry["text"], entry["evidence"], entry["source"])
        for item in value.values():
            yield from _rules(item)
