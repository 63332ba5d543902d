"""Servers with one deliberate defect each, and a healthy one that offers a tester nothing: wrappers around the mock.

Served by ``RunningServer(app=...)``, so the control API works through them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mock_server.core.task import Observation, Task
from mock_server.http.app import create_app
from mock_server.settings import Settings

#: What an answer becomes: HTTP status and body of the healthy one, and the path.
Change = Callable[[str, int, Any], tuple[int, Any]]
#: Where no defect is planted.
CONTROL = "/__mock__"

_QUIET = Settings(quiet=True)


class Rewritten:
    """An application whose JSON answers are changed before they are sent.

    Args:
        app: the healthy application.
        change: given path, HTTP status and body; returns status and body.
    """

    def __init__(self, app: ASGIApp, change: Change) -> None:
        self._app = app
        self._change = change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the healthy application does, but for the change."""
        if scope["type"] != "http" or scope["path"].startswith((CONTROL, "/media")):
            await self._app(scope, receive, send)
            return
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        status = messages[0]["status"]
        healthy = json.loads(b"".join(item.get("body", b"") for item in messages[1:]))
        status, body = self._change(scope["path"], status, healthy)
        await _answer(send, status, messages[0]["headers"], json.dumps(body).encode())


class WithoutControl:
    """A healthy server that offers a tester nothing: its control API is not there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers the API only."""
        if scope["type"] == "http" and scope["path"].startswith(CONTROL):
            await _answer(send, 404, [(b"content-type", b"text/plain")], b"no such thing")
            return
        await self._app(scope, receive, send)


def errors_with_200() -> ASGIApp:
    """Refusals are answered with HTTP 200 and the code of the refusal."""

    def change(_path: str, _status: int, body: Any) -> tuple[int, Any]:
        return 200, body

    return Rewritten(create_app(_QUIET), change)


def regressing_status() -> ASGIApp:
    """Once a query has shown a task in succeed, later queries show it in processing again."""
    shown: set[str] = set()

    def change(path: str, status: int, body: Any) -> tuple[int, Any]:
        data = body.get("data")
        if "/custom-voices/" not in path or not isinstance(data, dict):
            return status, body
        task_id = data["task_id"]
        if task_id in shown:
            return status, {
                **body,
                "data": {**data, "task_status": "processing", "task_result": {}},
            }
        if data["task_status"] == "succeed":
            shown.add(task_id)
        return status, body

    return Rewritten(create_app(_QUIET), change)


def enveloped_callbacks() -> ASGIApp:
    """Callbacks carry the task in the envelope of the API's answers."""
    app: Starlette = create_app(_QUIET)
    outgoing = app.state.world.courier._outgoing
    render: Callable[[Task, Observation], bytes] = outgoing._render

    def enveloped(task: Task, seen: Observation) -> bytes:
        data = json.loads(render(task, seen))
        return json.dumps(
            {"code": 0, "message": "SUCCEED", "request_id": task.id, "data": data}
        ).encode()

    outgoing._render = enveloped
    return app


#: The mutants, each with a clause that must name it.
MUTANTS: dict[str, tuple[Callable[[], ASGIApp], str]] = {
    "errors_with_200": (errors_with_200, "envelope.code-zero"),
    "regressing_status": (regressing_status, "task.status.terminal"),
    "enveloped_callbacks": (enveloped_callbacks, "callback.bare"),
}


async def _answer(
    send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
) -> None:
    kept = [(name, value) for name, value in headers if name != b"content-length"]
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*kept, length]})
    await send({"type": "http.response.body", "body": body})
