"""Driving an ASGI application without a server: one call after the other, nothing between.

Neither application ever waits here, so a call is one step of its coroutine and needs no event loop.
"""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp

Message = MutableMapping[str, Any]

_HEADERS = [
    (b"host", b"127.0.0.1:8700"),
    (b"accept", b"*/*"),
    (b"accept-encoding", b"gzip, deflate"),
    (b"user-agent", b"benchmark/1.0"),
    (b"authorization", b"Bearer benchmark-key"),
]


class Caller:
    """Calls one application.

    Args:
        app: the application; its lifespan is not run, so the mock delivers nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._request: Message = {}
        self.status = 0
        self.body = b""

    def __call__(self, method: str, path: str, body: bytes = b"") -> bytes:
        """Sends one request; the body of the answer.

        Raises:
            RuntimeError: the application waits for something, or answers with another status than 200.
        """
        headers = list(_HEADERS)
        if body:
            headers += [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
            ]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": headers,
            "server": ("127.0.0.1", 8700),
            "client": ("127.0.0.1", 50000),
        }
        self._request = {"type": "http.request", "body": body, "more_body": False}
        call: Any = self._app(scope, self._receive, self._send)
        try:
            call.send(None)
        except StopIteration:
            pass
        else:
            raise RuntimeError("the application waits, which this caller cannot serve")
        if self.status != 200:
            raise RuntimeError(f"{method} {path}: {self.status} {self.body!r}")
        return self.body

    def task_id(self, method: str, path: str, body: bytes) -> str:
        """Sends one request; the task id of the answer."""
        found: str = json.loads(self(method, path, body))["data"]["task_id"]
        return found

    async def _receive(self) -> Message:
        return self._request

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        else:
            self.body = message["body"]
