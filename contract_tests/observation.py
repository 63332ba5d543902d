"""What was seen: an answer of the server, and a notification it sent. Checks are functions over these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contract_tests import curl, redaction

#: What stands where a body is not JSON.
NOT_JSON = object()
#: Characters of a body or value that a message quotes.
_QUOTED = 600
#: Characters of a body before and after the place where it is no JSON.
_NEAR = 24


@dataclass(frozen=True)
class Request:
    """A request of the kit, as sent."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def curl(self) -> str:
        """A command line that sends it again in any shell, but for the credential, and for bodies too long to show."""
        return curl.line(self.method, self.url, self.headers, self.body)


@dataclass(frozen=True)
class Answer:
    """An answer of the server."""

    request: Request
    status: int
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def json(self) -> Any:
        """The body as JSON, or ``NOT_JSON``."""
        return decoded(self.body)

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case; may be empty."""
        return media_type(self.headers.get("content-type", ""))

    @property
    def code(self) -> Any:
        """The envelope's code as sent, ``None`` without one."""
        return self.json.get("code") if isinstance(self.json, dict) else None

    @property
    def pair(self) -> tuple[int, Any]:
        """HTTP status and code."""
        return self.status, self.code

    @property
    def data(self) -> Any:
        """The envelope's data, ``None`` without."""
        return self.json.get("data") if isinstance(self.json, dict) else None

    def __str__(self) -> str:
        text = shortened(self.body.decode("utf-8", "replace"))
        return f"HTTP {self.status} {text}\n  {self.request.curl}"


@dataclass(frozen=True)
class Notification:
    """A request that reached the kit's receiver.

    Attributes:
        ordinal: its place among all that arrived, from 0.
    """

    ordinal: int
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def json(self) -> Any:
        """The body as JSON, or ``NOT_JSON``."""
        return decoded(self.body)

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case; may be empty."""
        return media_type(self.headers.get("content-type", ""))

    def __str__(self) -> str:
        text = shortened(self.body.decode("utf-8", "replace"))
        return f"#{self.ordinal} {self.method} {self.path} {text}"


def decoded(body: bytes) -> Any:
    """A body as JSON, or ``NOT_JSON``.

    JSON is UTF-8 without a mark in front, and without NaN and Infinity: many clients can read neither.
    """
    try:
        return _JSON.decode(body.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        return NOT_JSON


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


_JSON = json.JSONDecoder(parse_constant=_no_number)


def unreadable(body: bytes) -> str:
    """Why a body is not JSON, and where; a sentence's beginning."""
    if not body:
        return "the body is empty"
    try:
        text = body.decode("utf-8", "surrogatepass")
        _JSON.decode(text)
    except UnicodeDecodeError as reason:
        return f"the body is not JSON: byte {reason.start + 1} is no UTF-8"
    except json.JSONDecodeError as reason:
        near = " ".join(text[max(0, reason.pos - _NEAR) : reason.pos + _NEAR].split())
        is_open = redaction.clean(text) == text  # else a part of a secret may be there
        shown = f" near `{near}`" if is_open else ""
        return f"the body is not JSON: line {reason.lineno} column {reason.colno}{shown}"
    except (ValueError, RecursionError):
        return "the body is not JSON that everybody can read: nested too deeply, or a number too long, or NaN"
    return "the body is JSON"


def media_type(header: str) -> str:
    """A Content-Type without parameters, in lower case."""
    return header.partition(";")[0].strip().lower()


def shortened(text: str) -> str:
    """A text short enough for a message, without secrets: what is cut in two is found no more."""
    text = redaction.clean(text)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}... ({len(text)} characters)"
