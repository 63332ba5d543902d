"""Which operation of which dialect a request is for, told by its method and path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple
from urllib.parse import quote, unquote

from contract_tests import documents

#: Operations that cost money when they are accepted.
BILLED = ("createSpeech", "createCustomVoice")
_SLASHES = re.compile(r"/+")


class Route(NamedTuple):
    """An operation, and the id in its path if it has one."""

    dialect: str
    operation: documents.Operation
    name: str = ""


def segment(name: str) -> str:
    """An id as a part of a path; whatever a server calls its tasks, half of a surrogate pair too."""
    return quote(name, safe="", errors="surrogatepass")


def find(
    method: str, path: str, *, prefix: str = "", dialects: tuple[str, ...] = documents.DIALECTS
) -> Route | None:
    """The operation that a request is for; ``None`` where it is for none of the contract's.

    Args:
        path: as sent, without query.
        prefix: what stands in front of the contract's paths, such as ``/gateway``.
        dialects: the ones that may be meant.
    """
    if not path.startswith(prefix):
        return None
    for dialect, operation, pattern in _patterns():
        if dialect in dialects and operation.method == method.upper():
            match = pattern.fullmatch(path[len(prefix) :])
            if match is not None:
                name = unquote(match["id"]) if "id" in pattern.groupindex else ""
                return Route(dialect, operation, name)
    return None


def find_anywhere(
    method: str, path: str, dialects: tuple[str, ...] = documents.DIALECTS
) -> Route | None:
    """The operation that a request is for, whatever a gateway has put in front of the contract's path."""
    starts = [at for at, char in enumerate(path) if char == "/"]
    found = (find(method, path, prefix=path[:at], dialects=dialects) for at in starts)
    return next((route for route in found if route is not None), None)


def may_be_billed(method: str, path: str) -> str:
    """The operation that a request may be charged for, however its path is spelled; empty for none.

    A gateway may have a path in front, and may read ``//v1/audio/tts/`` as the same place.
    """
    if method.upper() in ("GET", "HEAD", "OPTIONS", "DELETE"):
        return ""
    plain = _SLASHES.sub("/", unquote(path)).rstrip("/").lower()
    return next((name for end, name in _billed() if plain.endswith(end)), "")


@cache
def _billed() -> tuple[tuple[str, str], ...]:
    return tuple(
        (document.operations[name].path.lower(), f"{document.name} {name}")
        for document in map(documents.document, ("kkiai", "ezmodel", "klingai"))
        for name in BILLED
        if name in document.operations
    )


@cache
def _patterns() -> tuple[tuple[str, documents.Operation, re.Pattern[str]], ...]:
    return tuple(_compiled())


def _compiled() -> Iterator[tuple[str, documents.Operation, re.Pattern[str]]]:
    for dialect in documents.DIALECTS:
        for operation in documents.document(dialect).operations.values():
            template = re.escape(operation.path).replace(r"\{id\}", "(?P<id>[^/]+)")
            yield dialect, operation, re.compile(template)
