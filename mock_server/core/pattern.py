"""Patterns: which exchanges are meant, and how nearly another one was.

A pattern names only what matters; what it leaves out is anything. The same words select requests for a fault, for
verification and for a wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import unquote

from mock_server.core.redact import redacted


class Exchange(Protocol):
    """What a pattern looks at. An answer that is not there yet has status 0."""

    @property
    def operation(self) -> str:
        """The operationId, or empty."""

    @property
    def dialect(self) -> str:
        """The dialect."""

    @property
    def method(self) -> str:
        """The HTTP method."""

    @property
    def path(self) -> str:
        """The path as it was sent."""

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""

    @property
    def code(self) -> int | None:
        """The business code of the answer."""

    @property
    def scenario(self) -> str:
        """The scenario that was followed, or empty."""

    @property
    def fault(self) -> str:
        """The fault that was applied, or empty."""

    @property
    def names(self) -> tuple[str, ...]:
        """The ids a task of this exchange goes by: in the path, task id, external id."""

    @property
    def json(self) -> Any:
        """The decoded request body, or ``None``."""

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query parameters."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What an exchange must be like (schema Pattern). ``path`` may hold ``*``; ``fault`` of ``*`` is any fault."""

    operation: tuple[str, ...] = ()
    dialect: str = ""
    method: str = ""
    path: str = ""
    task: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    code: int | None = None
    fault: str = ""
    scenario: str = ""

    def matches(self, exchange: Exchange) -> bool:
        """Whether the exchange is meant."""
        return next(self.mismatches(exchange), None) is None

    def mismatches(self, exchange: Exchange) -> Iterator[str]:
        """Why an exchange is not meant, in words, the cheapest to see first."""
        if self.operation and exchange.operation not in self.operation:
            words = " or ".join(self.operation)
            yield f"operation is {exchange.operation or 'unknown'}, not {words}"
        for name in ("dialect", "method", "status", "code", "scenario"):
            wanted = getattr(self, name)
            if wanted not in ("", None) and wanted != getattr(exchange, name):
                yield f"{name} is {getattr(exchange, name)!r}, not {wanted!r}"
        if self.path and not _is_like(exchange.path, self.path):
            yield f"path is {exchange.path}, not {self.path}"
        if self.fault and not (exchange.fault and self.fault in ("*", exchange.fault)):
            yield f"fault is {exchange.fault or 'none'}, not {self.fault}"
        if self.task and self.task not in exchange.names:
            yield f"task is {' or '.join(filter(None, exchange.names)) or 'none'}, not {self.task}"
        for name, text in self.query.items():
            if exchange.parameters.get(name) != text:
                yield f"query {name} is {exchange.parameters.get(name)!r}, not {text!r}"
        if self.body:
            yield from differences(self.body, exchange.json, "body")


def _is_like(path: str, wanted: str) -> bool:
    """Whether a path is like a wanted one, as it was sent or percent-decoded."""
    glob = _literal(wanted)
    return fnmatchcase(path, glob) or ("%" in path and fnmatchcase(unquote(path), glob))


@lru_cache(maxsize=256)
def _literal(path: str) -> str:
    # Of fnmatch's signs only * is meant.
    return path.replace("[", "[[]").replace("?", "[?]")


def differences(wanted: Any, found: Any, place: str) -> Iterator[str]:
    """Where ``found`` does not contain ``wanted``: objects may have more keys, everything else is equal."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key, value in wanted.items():
            if key in found:
                yield from differences(value, found[key], f"{place}.{key}")
            else:
                yield f"{place}.{key} is missing"
    elif isinstance(wanted, bool) is not isinstance(found, bool) or wanted != found:
        yield f"{place} is {_short(found)}, not {_short(wanted)}"


def _short(value: Any) -> str:
    text = repr(redacted(value))
    return text if len(text) <= 80 else text[:77] + "..."
