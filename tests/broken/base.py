"""How a defect is planted: on the wire of any application, or inside the second server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mock_server.http.app import create_app
from mock_server.settings import Settings
from tests.healthy.hosting import Application
from tests.healthy.reading import Reading
from tests.healthy.server import Server

#: Where no defect is planted: the mock's control API, and files.
_SOUND = ("/__mock__", "/media", "/files")
_OPERATIONS = (
    (r"/kling/v1/tts", "gateway"),
    (r".*/audio/tts", "speech"),
    (r".*/general/custom-voices", "voices"),
    (r".*/general/custom-voices/[^/]+", "query"),
    (r".*/general/presets-voices", "presets"),
    (r".*/general/delete-voices", "delete"),
)
_NOWHERE = "http://127.0.0.1:9/1.mp3"


@dataclass
class Exchange:
    """A request and its answer, which may be changed.

    Attributes:
        asked: the request's JSON object; empty where there is none.
        body: the answer's JSON.
        raw: sent instead of ``body``.
        memory: what earlier exchanges with this server left.
    """

    method: str
    path: str
    query: str
    authorization: str
    asked: dict[str, Any]
    content: bytes
    status: int
    body: dict[str, Any]
    memory: dict[str, Any]
    raw: bytes | None = None
    content_type: str = "application/json"

    @property
    def operation(self) -> str:
        """The word gateway | speech | create | list | query | presets | delete, or nothing."""
        for pattern, name in _OPERATIONS:
            if re.fullmatch(pattern, self.path):
                if name == "voices":
                    return {"POST": "create", "GET": "list"}.get(self.method, "")
                return name
        return ""

    @property
    def accepted(self) -> bool:
        """Whether the request was answered with a success."""
        return self.status == 200

    @property
    def data(self) -> Any:
        """The data of the answer, changeable in place."""
        return self.body.get("data")

    @property
    def records(self) -> list[dict[str, Any]]:
        """The tasks that the answer shows, changeable in place."""
        if not self.accepted or self.operation == "gateway" or not self.data:
            return []
        return self.data if isinstance(self.data, list) else [self.data]

    @property
    def voices(self) -> list[dict[str, Any]]:
        """The voices that the answer shows, changeable in place."""
        results = [record.get("task_result") or {} for record in self.records]
        return [voice for result in results for voice in result.get("voices", ())]

    @property
    def audio(self) -> dict[str, Any]:
        """The audio that the answer shows, changeable in place; empty where there is none."""
        is_speech = self.operation == "speech" and self.accepted
        audios = self.records[0].get("task_result", {}).get("audios") if is_speech else None
        return audios[0] if audios else {}

    def nth(self, name: str) -> int:
        """How often this was asked, from 1."""
        self.memory[name] = self.memory.get(name, 0) + 1
        return int(self.memory[name])

    def refuse(self, status: int, code: Any, message: str = "refused") -> None:
        """Makes a refusal of the answer."""
        request_id = self.body.get("request_id", "a-request")
        self.status = status
        self.body = {"code": code, "message": message, "request_id": request_id}

    def accept(self, data: Any = ...) -> None:
        """Makes a success of the answer."""
        self.refuse(200, 0, "success" if self.operation == "gateway" else "SUCCEED")
        if data is not ...:
            self.body["data"] = data

    def text(self, name: str) -> str:
        """A field of the request, if it is a text; else an empty one."""
        value = self.asked.get(name)
        return value if isinstance(value, str) else ""

    def speak(self) -> None:
        """Makes a finished speech of the answer, with an audio that cannot be fetched."""
        at, number = 1_722_769_557_708, 930_801_290_416_885_793 + 2 * self.nth("audio")
        if self.operation == "gateway":
            audio = {"audio_id": str(number), "audio_url": _NOWHERE, "duration": 960}
            self.accept({**audio, "created_at": at})
            return
        spoken = {"id": str(number + 1), "url": _NOWHERE, "duration": "0.96"}
        record = {"task_id": str(number), "task_status": "succeed", "task_status_msg": ""}
        times = {"created_at": at, "updated_at": at}
        self.accept({**record, **times, "task_result": {"audios": [spoken]}})


Defect = Callable[[Exchange], None]


class Wire:
    """An application whose answers are changed on their way.

    Args:
        app: the healthy application.
        defect: changes an exchange.
        before: changes an exchange before the application sees the request.
    """

    def __init__(self, app: ASGIApp, defect: Defect, before: Defect | None = None) -> None:
        self._app = app
        self._defect = defect
        self._before = before
        self._memory: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the application does, but for the defect."""
        if scope["type"] != "http" or scope["path"].startswith(_SOUND):
            await self._app(scope, receive, send)
            return
        seen = _exchange(scope, await _whole(receive), self._memory)
        if self._before is not None:
            self._before(seen)
        seen.status, content, content_type = await _answer(self._app, scope, seen)
        if content_type.startswith("application/json") or content_type.startswith("text/"):
            seen.body = _object(content)
            seen.content_type = content_type
        self._defect(seen)
        content = json.dumps(seen.body).encode() if seen.raw is None else seen.raw
        head = [(b"content-length", str(len(content)).encode())]
        if seen.content_type:
            head.append((b"content-type", seen.content_type.encode()))
        await send({"type": "http.response.start", "status": seen.status, "headers": head})
        await send({"type": "http.response.body", "body": content})


@dataclass(frozen=True, slots=True)
class Mutant:
    """A server with one defect.

    Attributes:
        make: serves it.
        clause: what must name it; several where each says it, with bars between.
        about: the defect in words.
        dialect: where it shows.
        host: mock | second, the healthy server it was made of.
        options: what the kit must be told of it.
    """

    make: Callable[[], ASGIApp]
    clause: str
    about: str
    dialect: str
    host: str = "mock"
    options: tuple[str, ...] = ()

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses each of which may name it."""
        return tuple(self.clause.split("|"))

    @property
    def family(self) -> str:
        """The first word of its clause."""
        return self.clause.partition(".")[0]


@dataclass
class Table:
    """Mutants by name; its methods are decorators that put one in."""

    mutants: dict[str, Mutant] = field(default_factory=dict)

    def wire(
        self, clause: str, *, before: Defect | None = None, **settings: Any
    ) -> Callable[[Defect], Defect]:
        """The mock with a defect on the wire."""

        def put(defect: Defect) -> Defect:
            def make() -> ASGIApp:
                return Wire(create_app(Settings(quiet=True, **settings)), defect, before)

            self._put(defect.__name__, Mutant(make, clause, _words(defect), dialect_of(clause)))
            return defect

        return put

    def second(
        self, clause: str, *, options: tuple[str, ...] = (), **choices: Any
    ) -> Callable[[type[Server]], type[Server]]:
        """The second server with a defect inside, under a reading."""

        def put(broken: type[Server]) -> type[Server]:
            def make() -> ASGIApp:
                return Application(lambda: broken(Reading(**choices)))

            name = re.sub(r"(?<!^)(?=[A-Z])", "_", broken.__name__.strip("_")).lower()
            about, dialect = _words(broken), dialect_of(clause)
            mutant = Mutant(make, clause, about, dialect, "second", options)
            self._put(name, mutant)
            return broken

        return put

    def _put(self, name: str, mutant: Mutant) -> None:
        if name in self.mutants:
            raise ValueError(f"two mutants are called {name}")
        self.mutants[name] = mutant


def dialect_of(clause: str) -> str:
    """The dialect that a mutant is looked at in."""
    return "ezmodel" if "ez." in clause else "klingai"


def _words(made: object) -> str:
    return (made.__doc__ or "").strip().partition("\n")[0]


def _exchange(scope: Scope, content: bytes, memory: dict[str, Any]) -> Exchange:
    headers = dict(scope["headers"])
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    query, path = scope["query_string"].decode("latin-1"), unquote(scope["path"])
    asked = _object(content)
    return Exchange(
        scope["method"], path, query, authorization, asked, content, 0, {}, memory, None, ""
    )


async def _answer(app: ASGIApp, scope: Scope, seen: Exchange) -> tuple[int, bytes, str]:
    """What an application answers: status, content and its type."""
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": seen.content, "more_body": False}

    async def keep(message: Message) -> None:
        messages.append(message)

    kept = [
        item for item in scope["headers"] if item[0] not in (b"content-length", b"authorization")
    ]
    kept.append((b"content-length", str(len(seen.content)).encode()))
    if seen.authorization:
        kept.append((b"authorization", seen.authorization.encode("latin-1")))
    asked = {**scope, "headers": kept, "query_string": seen.query.encode("latin-1")}
    await app(asked, receive, keep)
    content_type = dict(messages[0]["headers"]).get(b"content-type", b"").decode()
    content = b"".join(item.get("body", b"") for item in messages[1:])
    return messages[0]["status"], content, content_type


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _object(content: bytes) -> dict[str, Any]:
    """A body as a JSON object; empty where it is none."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
