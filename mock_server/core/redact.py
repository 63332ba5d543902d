"""What may be shown of a URL that a client gave us: query, fragment and user information can hold secrets."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

#: What may be an address, as schemes of URLs go.
_URL = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")


def shown_url(url: str) -> str:
    """The URL without user information, and with ``?...`` in the place of a query."""
    try:
        parts = urlsplit(url)
        authority = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(not a URL)"
    return f"{parts.scheme}://{authority}{parts.path}" + ("?..." if parts.query else "")


def redacted(value: Any) -> Any:
    """A decoded JSON value whose URLs, at any depth, are shown without user, query and fragment.

    Signed addresses are credentials.
    """
    if isinstance(value, str):
        return shown_url(value) if _URL.match(value) else value
    if isinstance(value, list):
        return [redacted(item) for item in value]
    if isinstance(value, dict):
        return {key: redacted(item) for key, item in value.items()}
    return value


def is_deep(value: Any, levels: int) -> bool:
    """Whether a decoded JSON value is nested deeper than so many levels."""
    layer = [value]
    for _ in range(levels):
        layer = [
            item
            for outer in layer
            if isinstance(outer, list | dict)
            for item in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not layer:
            return False
    return any(isinstance(item, list | dict) for item in layer)
