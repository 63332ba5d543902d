"""The contract as the mock uses it: operations by path and method, and a validator for each request.

Types, lengths, enums and required fields are refused from the documents in openapi/; code holds only what a schema
cannot say. Paths are matched on the bytes of the request line, so a percent-encoded slash stays part of an id.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema_rs

from mock_server.documents import DIALECTS, EXTENSIONS, Document, Documents

_Kinds = jsonschema_rs.ValidationErrorKind
_METHODS = ("get", "put", "post", "delete", "patch")


@dataclass(frozen=True, slots=True)
class Violation:
    """The first rule a request body breaks.

    Attributes:
        field: the field's name, empty for the body as a whole.
        rule: the JSON Schema keyword that is broken.
        limit: what the keyword demands: a bound, the options, a type.
        value: what was sent.
    """

    field: str
    rule: str
    limit: Any = None
    value: Any = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method and path of one document."""

    dialect: str
    operation_id: str
    method: str
    path: str
    summary: str = ""
    body: jsonschema_rs.Validator | None = None

    @property
    def has_id(self) -> bool:
        """Whether the path ends in an id."""
        return self.path.endswith("}")

    def violation(self, body: Any) -> Violation | None:
        """The first rule a decoded body breaks, required fields first; ``None`` when it keeps the contract."""
        try:
            if self.body is None or self.body.is_valid(body):
                return None
            errors = [_violation(error) for error in self.body.iter_errors(body)]
        except ValueError:  # the validator's own limit on depth
            return Violation("", "depth")
        return min(errors, key=lambda error: (_ORDER.get(error.rule, 9), error.field))


#: Which of several broken rules is named first.
_ORDER = {"type": 0, "required": 1}


@dataclass(frozen=True, slots=True)
class Match:
    """What a path leads to: its dialect, its operations by method, and the id in it (percent-decoded) if it has one."""

    dialect: str
    operations: Mapping[str, Operation]
    id: str = ""


@dataclass(slots=True)
class Contract:
    """All operations of all dialects."""

    operations: list[Operation]
    _fixed: dict[bytes, Match] = field(init=False, default_factory=dict)
    _with_id: dict[bytes, dict[str, Operation]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in self.operations:
            by_path.setdefault(operation.path, {})[operation.method] = operation
        for path, operations in by_path.items():
            if path.endswith("}"):
                self._with_id[path.rpartition("/")[0].encode()] = operations
            else:
                self._fixed[path.encode()] = Match(_dialect(operations), operations)

    def match(self, raw_path: bytes) -> Match | None:
        """What the raw path of a request leads to, or ``None``."""
        fixed = self._fixed.get(raw_path)
        if fixed is not None:
            return fixed
        parent, _, last = raw_path.rpartition(b"/")
        operations = self._with_id.get(parent)
        if operations is None or not last:
            return None
        if b"%" in last:
            last = unquote_to_bytes(last)
        return Match(_dialect(operations), operations, last.decode("utf-8", "replace"))

    @property
    def paths(self) -> list[str]:
        """Every path, as the documents spell it."""
        return sorted({operation.path for operation in self.operations})


def _dialect(operations: Mapping[str, Operation]) -> str:
    return next(iter(operations.values())).dialect


def load(documents: Documents, names: Iterable[str] = (*DIALECTS, EXTENSIONS)) -> Contract:
    """Compiles documents into a contract.

    Raises:
        BrokenFile: a document cannot be used.
    """
    return Contract(
        [operation for name in names for operation in _operations(documents.requests(name))]
    )


def _operations(document: Document) -> Iterable[Operation]:
    validators: dict[str, jsonschema_rs.Validator] = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method not in item:
                continue
            spec = item[method]
            yield Operation(
                spec.get("x-dialect") or document["info"]["x-dialect"],
                spec["operationId"],
                method.upper(),
                path,
                spec.get("summary", ""),
                _validator(spec, document, validators),
            )


def _validator(
    spec: Any, document: Document, validators: dict[str, jsonschema_rs.Validator]
) -> jsonschema_rs.Validator | None:
    content = spec.get("requestBody", {}).get("content", {})
    if not content:
        return None
    schema = content["application/json"]["schema"]
    key = schema.get("$ref", spec["operationId"])
    if key not in validators:
        # References inside the schema are pointers from the document's root.
        rooted = {**schema, "components": {"schemas": document["components"]["schemas"]}}
        validators[key] = jsonschema_rs.Draft202012Validator(rooted)
    return validators[key]


def _violation(error: jsonschema_rs.ValidationError) -> Violation:
    kind = error.kind
    place = ".".join(str(key) for key in error.instance_path)
    if isinstance(kind, _Kinds.Required):
        return Violation(str(kind.property), kind.name)
    if isinstance(kind, _Kinds.AnyOf):
        alternatives = dict.fromkeys(
            str(inner.kind.property)
            if isinstance(inner.kind, _Kinds.Required)
            else str(inner.instance_path[-1])
            for branch in kind.context
            for inner in branch
        )
        return Violation(place, kind.name, list(alternatives))
    return Violation(place, kind.name, getattr(kind, "value", None), error.instance)
