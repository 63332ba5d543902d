"""Golden payloads: exchanges and callbacks as the mock gives them in one reproducible world.

``fixtures/golden/<dialect>/<step>.json`` holds a request and its response, ``callback-<status>.json`` the body of a
callback. They are data for anybody's offline tests. ``python -m tests.support.golden`` writes them anew from the
requests below; the test in tests/test_golden.py compares them with what the mock answers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from mock_server import settings
from mock_server.core.task import observe_step
from mock_server.http.app import callback_body, create_app

FOLDER = Path(__file__).parent.parent.parent / "fixtures" / "golden"
#: Everything that could differ from run to run is fixed.
WORLD = {
    "seed": "golden",
    "start": "2026-01-01T00:00:00Z",
    "speed": 0,
    "public_url": "https://mock.example",
}
KEY = "golden-key"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, sent after ``advance_s`` virtual seconds. ``{task_id}`` and ``{voice_id}`` are the first voice's."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    advance_s: int = 0
    key: str = KEY


def _official(prefix: str) -> list[Exchange]:
    speech = {
        "text": "Hello",
        "voice_id": "oversea_male1",
        "voice_language": "en",
        "voice_speed": 1,
    }
    voice = {
        "voice_name": "Ada",
        "voice_url": "https://example.com/ada.mp3",
        "callback_url": "https://example.com/callback",
        "external_task_id": "ada-1",
    }
    failing = {"voice_name": "Bob", "voice_url": "https://example.com/mock-risk-control.mp3"}
    voices = f"{prefix}/v1/general/custom-voices"
    delete = f"{prefix}/v1/general/delete-voices"
    return [
        Exchange("create-speech", "POST", f"{prefix}/v1/audio/tts", speech),
        Exchange(
            "create-speech-1201", "POST", f"{prefix}/v1/audio/tts", {**speech, "voice_id": "no"}
        ),
        Exchange("create-custom-voice", "POST", voices, voice),
        Exchange("create-custom-voice-1201", "POST", voices, voice),
        Exchange("create-custom-voice-that-fails", "POST", voices, failing),
        Exchange("get-custom-voice-submitted", "GET", f"{voices}/{{task_id}}"),
        Exchange("get-custom-voice-processing", "GET", f"{voices}/ada-1", advance_s=2),
        Exchange("get-custom-voice-succeed", "GET", f"{voices}/ada-1", advance_s=7),
        Exchange("get-custom-voice-1201", "GET", f"{voices}/nobody"),
        Exchange("get-custom-voice-1001", "GET", f"{voices}/ada-1", key=""),
        Exchange("list-custom-voices", "GET", f"{voices}?pageNum=1&pageSize=30"),
        Exchange("list-preset-voices", "GET", f"{prefix}/v1/general/presets-voices?pageSize=2"),
        Exchange("delete-voice", "POST", delete, {"voice_id": "{voice_id}"}),
        Exchange("delete-voice-1201", "POST", delete, {"voice_id": "{voice_id}"}),
        Exchange("wrong-method-1202", "PUT", voices),
    ]


def _ezmodel() -> list[Exchange]:
    speech = {"text": "Hello", "voice_id": "voice_001", "speed": 1.2, "volume": 0.8}
    return [
        Exchange("create-speech", "POST", "/kling/v1/tts", speech),
        Exchange("create-speech-400", "POST", "/kling/v1/tts", {"voice_id": "voice_001"}),
        Exchange("create-speech-401", "POST", "/kling/v1/tts", speech, key=""),
    ]


EXCHANGES = {"klingai": _official(""), "kkiai": _official("/kling"), "ezmodel": _ezmodel()}


def payloads(dialect: str) -> Iterator[tuple[str, Any]]:
    """The golden payloads of a dialect by name, from a fresh world."""
    app = create_app(settings.build(**WORLD))
    client = TestClient(app, base_url="https://mock.example")
    names: dict[str, str] = {}
    for exchange in EXCHANGES[dialect]:
        headers = {"authorization": f"Bearer {exchange.key}"} if exchange.key else {}
        if exchange.advance_s:
            client.post("/__mock__/clock/advance", json={"by": exchange.advance_s}, headers=headers)
        path = _filled(exchange.path, names)
        body = {key: _filled(value, names) for key, value in (exchange.body or {}).items()} or None
        answer = client.request(exchange.method, path, json=body, headers=headers)
        value = answer.json()
        if exchange.name == "create-custom-voice":
            names["task_id"] = value["data"]["task_id"]
        if exchange.name == "get-custom-voice-succeed":
            names["voice_id"] = value["data"]["task_result"]["voices"][0]["voice_id"]
        request = {"method": exchange.method, "path": path} | ({"body": body} if body else {})
        yield (
            exchange.name,
            {"request": request, "response": {"status": answer.status_code, "body": value}},
        )
    yield from _callbacks(app, names)


def _callbacks(app: Any, names: dict[str, str]) -> Iterator[tuple[str, Any]]:
    for account in app.state.world.accounts:
        task = account.task(names.get("task_id", ""))
        if task is None:
            continue
        for index in range(1, len(task.timeline)):
            seen = observe_step(task, index)
            yield f"callback-{seen.status}", json.loads(callback_body(task, seen))


def _filled(value: Any, names: dict[str, str]) -> Any:
    for name, known in names.items():
        if isinstance(value, str):
            value = value.replace("{" + name + "}", known)
    return value


def written(payload: Any) -> str:
    """A payload as its file holds it."""
    return json.dumps(payload, ensure_ascii=False, indent=2) + "\n"


def renew() -> None:
    """Writes all files anew."""
    for dialect in EXCHANGES:
        folder = FOLDER / dialect
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.json"):
            old.unlink()
        for name, payload in payloads(dialect):
            (folder / f"{name}.json").write_text(written(payload), encoding="utf-8")


if __name__ == "__main__":
    renew()
