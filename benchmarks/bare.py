"""What uvicorn needs by itself: an ASGI application that imports nothing and answers every request alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
_BODY = {"type": "http.response.body", "body": b"ok"}


async def app(scope: dict[str, Any], _receive: Receive, send: Send) -> None:
    """Answers 200."""
    if scope["type"] == "http":
        await send(_START)
        await send(_BODY)
