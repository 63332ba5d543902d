"""What the command line writes: lines and columns for people, JSON for programs, and one line for a mistake."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Longer texts of others are cut: a line stays a line.
_MAX_CELL = 200


def fail(message: str, code: int = 2) -> NoReturn:
    """Ends the process with one line on standard error, whatever file name or host is quoted in it."""
    complain(message)
    raise SystemExit(code)


def complain(message: str) -> None:
    """Says what is wrong in one line on standard error."""
    encoding = sys.stderr.encoding or "utf-8"
    line = f"kling-mock: {_visible(message)}\n"
    sys.stderr.write(line.encode(encoding, "replace").decode(encoding))


def write(lines: Iterable[str]) -> None:
    """Writes lines to standard output; what it has no character for is a question mark."""
    encoding = sys.stdout.encoding or "utf-8"
    for line in lines:
        sys.stdout.write(line.encode(encoding, "replace").decode(encoding) + "\n")


def write_json(value: Any) -> None:
    """Writes a value as indented JSON. In ASCII: no terminal lacks a character of it, or obeys one."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def cell(value: Any) -> str:
    """A value as a part of a line: no control characters, no endless texts, ``-`` for nothing."""
    text = "-" if value is None or value == "" else str(value)
    return _visible(text if len(text) <= _MAX_CELL else text[:_MAX_CELL] + "...")


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], nothing: str) -> list[str]:
    """Aligned columns below their names, or the line ``nothing`` when there are no rows."""
    return [*aligned([head, *rows])] if rows else [nothing]


def aligned(rows: Sequence[Sequence[Any]], indent: str = "") -> list[str]:
    """Rows of equally many values in aligned columns."""
    texts = [[cell(value) for value in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*texts, strict=True)]
    return [
        indent
        + "  ".join(
            text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in texts
    ]


def instant(at: int | None) -> str:
    """An instant (ms) as local ISO 8601 with its offset, which every option that takes an instant reads again."""
    if at is None:
        return "never"
    try:
        moment = (_EPOCH + timedelta(milliseconds=at)).astimezone()
    except (OverflowError, ValueError, OSError):  # beyond what the calendar of the machine has
        return f"{at} ms"
    return moment.isoformat(timespec="milliseconds")


def seconds(ms: float) -> str:
    """A span (ms) in words: ``2.5 s``."""
    return f"{ms / 1000:.3f}".rstrip("0").rstrip(".") + " s"


def count(number: int, noun: str) -> str:
    """A number and its noun: ``1 task``, ``2 tasks``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _visible(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def _width(text: str) -> int:
    """Columns of a terminal that a text takes: wide characters take two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
