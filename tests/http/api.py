"""A client of the mock that holds every answer against the documents, and a mock in process for it to talk to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import count
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.testclient import TestClient

from mock_server import settings
from mock_server.http.app import create_app
from tests.http.documents import broken_rules, place

#: The instant (ms) at which a mock in process begins: 2026-01-01T00:00:00Z.
START = 1_767_225_600_000
BASE_URL = "http://mock.test"
#: How long the URL of a result lives, in ms: 30 days (documented).
URL_LIFE_MS = 2_592_000_000
#: What both official dialects have in front of their paths.
PREFIXES = {"klingai": "", "kkiai": "/kling"}

SPEECH = {"text": "Hello", "voice_id": "oversea_male1", "voice_language": "en"}
VOICE = {"voice_name": "Ada", "voice_url": "https://example.com/ada.mp3"}
EZ_SPEECH = {"text": "Hello", "voice_id": "voice_001"}
EZ_PATH = "/kling/v1/tts"

_keys = count()

#: No body at all, unlike ``None``, which is the JSON value null.
NOTHING: Any = ...


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that keeps its operation's description."""

    status: int
    value: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def data(self) -> Any:
        """The ``data`` of a success."""
        assert self.status == 200, self.value
        return self.value["data"]

    @property
    def error(self) -> tuple[int, int]:
        """The HTTP status and the code of a refusal, which has exactly three fields."""
        assert set(self.value) == {"code", "message", "request_id"}, self.value
        return self.status, self.value["code"]

    @property
    def message(self) -> str:
        """The message beside the code."""
        return str(self.value["message"])


@dataclass(frozen=True, slots=True)
class Api:
    """A client with one credential; an empty key sends none."""

    http: httpx2.Client
    key: str = "any-key"
    prefix: str = ""

    def using(self, key: str) -> Api:
        """The same server with another credential."""
        return Api(self.http, key, self.prefix)

    def call(
        self, method: str, path: str, body: Any = NOTHING, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Sends a request; ``bytes`` are sent as they are, other bodies as JSON."""
        sent = {**({"authorization": f"Bearer {self.key}"} if self.key else {}), **(headers or {})}
        answer = self.http.request(method, self.prefix + path, content=_content(body), headers=sent)
        return judged(answer)

    def post(
        self, path: str, body: Any = NOTHING, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """POSTs a body."""
        return self.call("POST", path, body, headers)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """GETs a path."""
        return self.call("GET", path, headers=headers)

    def speak(self, headers: Mapping[str, str] | None = None, **fields: Any) -> Answer:
        """Creates a speech; fields replace those of ``SPEECH``."""
        return self.post("/v1/audio/tts", {**SPEECH, **fields}, headers)

    def learn(self, headers: Mapping[str, str] | None = None, **fields: Any) -> Answer:
        """Creates a custom voice; fields replace those of ``VOICE``."""
        return self.post("/v1/general/custom-voices", {**VOICE, **fields}, headers)

    def voice(self, name: str) -> Answer:
        """Queries a custom voice by an id that needs no encoding."""
        return self.get(f"/v1/general/custom-voices/{name}")

    def voices(self, query: str = "") -> Answer:
        """Lists custom voices."""
        return self.get("/v1/general/custom-voices" + query)

    def presets(self, query: str = "") -> Answer:
        """Lists preset voices."""
        return self.get("/v1/general/presets-voices" + query)

    def delete(self, voice_id: str) -> Answer:
        """Deletes a custom voice."""
        return self.post("/v1/general/delete-voices", {"voice_id": voice_id})

    def ready_voice(self, **fields: Any) -> dict[str, Any]:
        """Creates a custom voice and lets it succeed; its record."""
        task_id = self.learn(**fields).data["task_id"]
        self.advance(9)
        record: dict[str, Any] = self.voice(task_id).data
        assert record["task_status"] == "succeed"
        return record

    def control(
        self, method: str, path: str, body: Any = NOTHING, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Calls the control API; the answer is held against openapi/control.yaml."""
        sent = {**({"authorization": f"Bearer {self.key}"} if self.key else {}), **(headers or {})}
        answer = self.http.request(method, "/__mock__" + path, content=_content(body), headers=sent)
        value = answer.json()
        at = place(method, "/__mock__" + path.partition("?")[0], ("control",))
        if at.document == "control" and at.method == method.lower():
            assert not broken_rules(at, answer.status_code, value), value
        else:
            assert set(value) == {"error"}, value
        return answer.status_code, value

    def media_url(self, name: str, ended_at: int) -> str:
        """The URL of an audio of a task of this account that ended at an instant (ms)."""
        account = f"key-{sha256(self.key.encode()).hexdigest()[:12]}"
        tag = sha256(account.encode()).hexdigest()[:12]
        return f"{BASE_URL}/media/{tag}/{name}?Expires={(ended_at + URL_LIFE_MS) // 1000}"

    def advance(self, seconds: float) -> list[dict[str, Any]]:
        """Moves the account's clock; returns what happened."""
        status, value = self.control("POST", "/clock/advance", {"by": seconds})
        assert status == 200, value
        events: list[dict[str, Any]] = value["events"]
        return events


def _content(body: Any) -> bytes | None:
    if body is NOTHING or isinstance(body, bytes):
        return None if body is NOTHING else body
    return json.dumps(body).encode()


def judged(answer: httpx2.Response) -> Answer:
    """An answer of the mocked API, after it was held against its operation's description."""
    assert answer.headers["content-type"] == "application/json", answer.text
    value = answer.json()
    raw_path = answer.request.url.raw_path.decode("ascii").partition("?")[0]
    at = place(answer.request.method, raw_path)
    assert not broken_rules(at, answer.status_code, value), (at, answer.status_code, value)
    return Answer(answer.status_code, value, answer.headers)


def app(**options: Any) -> Starlette:
    """A mock whose clock stands still at ``START`` and whose ids repeat, unless options say otherwise."""
    return create_app(settings.build(**{"speed": 0, "seed": "7", "start": START, **options}))


@cache
def _client(options: tuple[tuple[str, Any], ...]) -> httpx2.Client:
    return TestClient(app(**dict(options)), base_url=BASE_URL)


def api(dialect: str = "klingai", **options: Any) -> Api:
    """A new account of a mock in process, whose clock stands still until it is advanced.

    Mocks with equal options are one: accounts are what is apart.
    """
    client = _client(tuple(sorted(options.items())))
    return Api(client, f"key-{next(_keys)}", PREFIXES.get(dialect, ""))
