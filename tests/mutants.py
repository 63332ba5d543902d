"""Servers with one deliberate defect each, and a healthy one that offers a tester nothing: wrappers around the mock.

Served by ``RunningServer(app=...)``, so the control API works through them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mock_server.catalogue import Catalogue
from mock_server.core.task import Observation, Task
from mock_server.http.app import create_app
from mock_server.settings import Settings
from tests.support.places import FIXTURES

#: What an answer becomes: HTTP status and body of the healthy one, and the path.
Change = Callable[[str, int, Any], tuple[int, Any]]
#: What a request's query and body become, given its path.
Before = Callable[[str, bytes, bytes], tuple[bytes, bytes]]
#: What an answer becomes, given path, the request's JSON, HTTP status and body.
After = Callable[[str, Any, int, Any], tuple[int, Any]]
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


class Confused:
    """An application that confuses something: its requests and answers may be replaced, with both in view.

    Args:
        app: the healthy application.
        before: given path, query and body of a request; returns query and body to use instead.
        after: given path, request, HTTP status and body of the answer; returns status and body.
    """

    def __init__(
        self, app: ASGIApp, before: Before | None = None, after: After | None = None
    ) -> None:
        self._app = app
        self._before = before
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the healthy application does, but for the confusion."""
        if scope["type"] != "http" or scope["path"].startswith((CONTROL, "/media")):
            await self._app(scope, receive, send)
            return
        query, asked = scope["query_string"], await _whole(receive)
        if self._before is not None:
            query, asked = self._before(scope["path"], query, asked)
        headers = [item for item in scope["headers"] if item[0] != b"content-length"]
        headers.append((b"content-length", str(len(asked)).encode()))
        seen = {**scope, "query_string": query, "headers": headers}
        status, answered, body = await _asked(self._app, seen, asked)
        if self._after is not None:
            status, body = self._after(scope["path"], _object(asked), status, body)
        await _answer(send, status, answered, json.dumps(body).encode())


def deletes_by_task_id() -> ASGIApp:
    """The task's id does for deleting, too."""
    tasks: set[str] = set()

    def after(path: str, asked: Any, status: int, body: Any) -> tuple[int, Any]:
        data = body.get("data")
        if isinstance(data, dict) and "custom-voices" in path:
            tasks.add(data["task_id"])
        is_task = path.endswith("delete-voices") and str(asked.get("voice_id")) in tasks
        return (200, _success(body)) if is_task else (status, body)

    return Confused(create_app(_QUIET), after=after)


def deletes_presets() -> ASGIApp:
    """Voices of the official library are deleted without a word."""
    presets = _presets()

    def after(path: str, asked: Any, status: int, body: Any) -> tuple[int, Any]:
        is_preset = path.endswith("delete-voices") and str(asked.get("voice_id")) in presets
        return (200, _success(body)) if is_preset else (status, body)

    return Confused(create_app(_QUIET), after=after)


def _speaks(voices: Callable[[str, Any], Iterable[str]], known: Iterable[str] = ()) -> ASGIApp:
    """Text-to-speech takes the voices that some answers show for its own."""
    able = set(known)

    def after(path: str, asked: Any, status: int, body: Any) -> tuple[int, Any]:
        able.update(voices(path, body))
        if not path.endswith("/tts") or str(asked.get("voice_id")) not in able:
            return status, body
        audio = {"id": "1", "url": "http://127.0.0.1:9/1.mp3", "duration": "1.0"}
        at = 1_722_769_557_708
        data = {"task_id": body["request_id"], "task_status": "succeed", "created_at": at}
        data |= {"updated_at": at, "task_result": {"audios": [audio]}}
        return 200, {**_success(body), "data": data}

    return Confused(create_app(_QUIET), after=after)


def speaks_in_presets() -> ASGIApp:
    """Text-to-speech takes ids of the official library."""
    return _speaks(lambda _path, _body: (), _presets())


def speaks_in_custom_voices() -> ASGIApp:
    """Text-to-speech takes ids of custom voices."""

    def made(path: str, body: Any) -> Iterable[str]:
        data = body.get("data")
        if "/custom-voices/" in path and isinstance(data, dict):
            yield from (
                voice["voice_id"] for voice in (data.get("task_result") or {}).get("voices", ())
            )

    return _speaks(made)


class Doubling:
    """A refused duplicate of an external id makes a second task all the same."""

    #: What the second task's id has more; nobody sees it.
    _MARK = "~again"

    def __init__(self) -> None:
        self._app = create_app(_QUIET)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the healthy application does, but for the second task."""
        if scope["type"] != "http" or scope["path"].startswith((CONTROL, "/media")):
            await self._app(scope, receive, send)
            return
        asked = await _whole(receive)
        status, headers, body = await _asked(self._app, scope, asked)
        if status == 400 and "already exists" in body["message"]:
            request = _object(asked)
            request["external_task_id"] += self._MARK
            again = json.dumps(request).encode()
            kept = [item for item in scope["headers"] if item[0] != b"content-length"]
            kept.append((b"content-length", str(len(again)).encode()))
            await _asked(self._app, {**scope, "headers": kept}, again)
        await _answer(send, status, headers, json.dumps(body).replace(self._MARK, "").encode())


def pages_of_ten() -> ASGIApp:
    """A page holds ten tasks when nothing is said about it."""

    def before(_path: str, query: bytes, asked: bytes) -> tuple[bytes, bytes]:
        return (query if b"pageSize" in query else query + b"&pageSize=10"), asked

    return Confused(create_app(_QUIET), before=before)


def counts_bytes() -> ASGIApp:
    """The length of a text is that of its UTF-8."""

    def after(path: str, asked: Any, status: int, body: Any) -> tuple[int, Any]:
        text = asked.get("text")
        if not path.endswith("/audio/tts") or not isinstance(text, str):
            return status, body
        if len(text.encode("utf-8", "replace")) <= 1000:
            return status, body
        return 400, _refusal(body, 1201)

    return Confused(create_app(_QUIET), after=after)


def fails_on(*odd: bytes) -> ASGIApp:
    """Some characters are too much for a library somewhere inside."""
    seen = [False]

    def before(_path: str, query: bytes, asked: bytes) -> tuple[bytes, bytes]:
        seen[0] = any(word in asked.lower() for word in odd)
        return query, asked

    def after(_path: str, _asked: Any, status: int, body: Any) -> tuple[int, Any]:
        return (500, _refusal(body, 5000)) if seen[0] else (status, body)

    return Confused(create_app(_QUIET), before, after)


def fails_on_surrogates() -> ASGIApp:
    """A lone surrogate is HTTP 500."""
    return fails_on(b"\\ud800", b"\\udfff")


def fails_on_nul() -> ASGIApp:
    """A NUL is HTTP 500."""
    return fails_on(b"\\u0000")


#: The mutants, each with a clause that must name it.
MUTANTS: dict[str, tuple[Callable[[], ASGIApp], str]] = {
    "errors_with_200": (errors_with_200, "envelope.code-zero"),
    "regressing_status": (regressing_status, "task.status.terminal"),
    "enveloped_callbacks": (enveloped_callbacks, "callback.bare"),
    "deletes_by_task_id": (deletes_by_task_id, "voice-delete.by-voice-id"),
    "deletes_presets": (deletes_presets, "voice-delete.official"),
    "speaks_in_presets": (speaks_in_presets, "speech.voice.preset-refused"),
    "speaks_in_custom_voices": (speaks_in_custom_voices, "speech.voice.custom-refused"),
    "doubling": (Doubling, "voice-create.external-id.no-effect"),
    "pages_of_ten": (pages_of_ten, "paging.size"),
    "counts_bytes": (counts_bytes, "speech.text.max-length"),
    "fails_on_surrogates": (fails_on_surrogates, "server.no-5xx"),
    "fails_on_nul": (fails_on_nul, "server.no-5xx"),
}


async def _answer(
    send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
) -> None:
    kept = [(name, value) for name, value in headers if name != b"content-length"]
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*kept, length]})
    await send({"type": "http.response.body", "body": body})


async def _whole(receive: Receive) -> bytes:
    """The body of a request."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _asked(app: ASGIApp, scope: Scope, body: bytes) -> tuple[int, Any, Any]:
    """What an application answers: status, headers and JSON."""
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    healthy = json.loads(b"".join(item.get("body", b"") for item in messages[1:]))
    return messages[0]["status"], messages[0]["headers"], healthy


def _object(body: bytes) -> dict[str, Any]:
    """A body as a JSON object; empty where it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _success(body: Any) -> dict[str, Any]:
    return {"code": 0, "message": "SUCCEED", "request_id": body["request_id"]}


def _refusal(body: Any, code: int) -> dict[str, Any]:
    return {"code": code, "message": "refused", "request_id": body["request_id"]}


def _presets() -> set[str]:
    """The ids of the official library."""
    return set(Catalogue(FIXTURES).preset_ids)
