"""What may be shown of a URL that a client gave us: query, fragment and user information can hold secrets."""

from __future__ import annotations

from urllib.parse import urlsplit


def shown_url(url: str) -> str:
    """The URL without user information, and with ``?...`` in the place of a query."""
    try:
        parts = urlsplit(url)
        authority = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(not a URL)"
    return f"{parts.scheme}://{authority}{parts.path}" + ("?..." if parts.query else "")
