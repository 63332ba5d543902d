"""A small client of the API as somebody writes one who has read its documents, and whose habits can be spoilt.

It knows nothing of the mock but one thing: its sleep advances the account's clock, so that a test need not wait.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2

VOICES = "/v1/general/custom-voices"
#: Codes of the error table after which the same request can succeed later (documented).
TRANSIENT = frozenset({1302, 1303, 5000, 5001, 5002})
#: Good credentials are refused now and then (observed).
DOUBTFUL = frozenset({1000, 1002})
#: How often a request is sent again for that.
MOST_DOUBTS = 3
#: Wall seconds that the client waits for an answer.
PATIENCE_S = 0.4


class Refused(Exception):
    """The API refused a request for good, or for too long."""

    def __init__(self, status: int, code: int | None, message: str) -> None:
        super().__init__(f"{status}/{code}: {message}")
        self.code = code


class Lost(Exception):
    """Nobody knows what became of a request."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What a client does, as a careful one does it.

    Attributes:
        pauses: seconds before each further poll; the last goes on.
        back_off: seconds before each retry; as many retries as there are numbers.
        heeds: a Retry-After is waited for.
        retries: codes after which a request is sent again.
    """

    pauses: tuple[float, ...] = (1, 2, 4, 8, 16, 30)
    back_off: tuple[float, ...] = (1, 2.1, 4.3, 8.2)
    heeds: bool = True
    retries: frozenset[int] = TRANSIENT | DOUBTFUL


CAREFUL = Habits()


@dataclass
class Client:
    """A client of one account.

    Args:
        sleep: lets time pass; by default the account's clock is advanced.
        authorization: makes the value of the header for each request.
    """

    base_url: str
    key: str
    habits: Habits = CAREFUL
    sleep: Callable[[float], object] | None = None
    authorization: Callable[[], str] | None = None
    http: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx2.Client(base_url=self.base_url, trust_env=False, timeout=PATIENCE_S)
        self.control = httpx2.Client(base_url=self.base_url, trust_env=False, timeout=10)

    def close(self) -> None:
        """Closes its connections."""
        self.http.close()
        self.control.close()

    def headers(self) -> dict[str, str]:
        """The headers of the next request."""
        make = self.authorization or (lambda: f"Bearer {self.key}")
        return {"authorization": make()}

    def pass_time(self, seconds: float) -> None:
        """Waits."""
        if self.sleep is not None:
            self.sleep(seconds)
            return
        answer = self.control.post(
            "/__mock__/clock/advance", json={"by": seconds}, headers=self.headers()
        )
        assert answer.status_code == 200, answer.text

    def once(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        """Sends a request once."""
        content = None if body is None else json.dumps(body).encode()
        headers = self.headers()
        if content is not None:
            headers["content-type"] = "application/json"
        return self.http.request(method, path, content=content, headers=headers)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Sends a request, again where that helps; its ``data``.

        Raises:
            Refused: for good, or too often.
            Lost: the last try got no answer.
        """
        pauses = iter(self.habits.back_off)
        doubts = 0
        while True:
            wait: float | None = None
            try:
                answer = self.once(method, path, body)
                value = answer.json()
                code = value.get("code") if isinstance(value, dict) else None
                if answer.status_code == 200 and code in (0, "0"):
                    return value.get("data")
                failure: Exception = Refused(answer.status_code, code, str(value))
                doubts += code in DOUBTFUL
                if code not in self.habits.retries or doubts > MOST_DOUBTS:
                    raise failure
                if self.habits.heeds and answer.headers.get("retry-after"):
                    wait = float(answer.headers["retry-after"])
            except (httpx2.TransportError, ValueError) as error:
                failure = Lost(str(error))
                if method == "POST":
                    raise failure from None
            pause = next(pauses, None)
            if pause is None:
                raise failure
            self.pass_time(max(pause, wait or 0))

    def create(self, name: str, **fields: Any) -> str | None:
        """Orders a voice under an external id; its task id, or ``None`` where it cannot be had."""
        body = {"voice_name": name, "voice_url": "https://e.com/a.mp3", "external_task_id": name}
        body |= fields
        path = f"{VOICES}/{body['external_task_id']}"
        for pause in self.habits.back_off:
            try:
                return str(self.call("POST", VOICES, body)["task_id"])
            except Lost:
                pass
            except Refused as refused:
                if refused.code != 1201 or "already exists" not in str(refused):
                    return None
            try:
                return str(self.call("GET", path)["task_id"])
            except (Lost, Refused):
                self.pass_time(pause)
        return None

    def wait(self, task_id: str) -> dict[str, Any]:
        """Polls a task until its end, or for long enough; its last record."""
        record: dict[str, Any] = {}
        for pause in self._pauses():
            self.pass_time(pause)
            try:
                found = self.call("GET", f"{VOICES}/{task_id}")
            except Lost:
                continue
            except Refused:
                return record
            record = found[0] if isinstance(found, list) else found
            if str(record.get("task_status", "")).startswith(("succeed", "failed")):
                break
        return record

    def _pauses(self) -> Iterator[float]:
        yield from self.habits.pauses
        for _ in range(90):
            yield self.habits.pauses[-1]

    def delete(self, record: dict[str, Any]) -> None:
        """Deletes the voices of a task."""
        for voice in (record.get("task_result") or {}).get("voices", []):
            self.call("POST", "/v1/general/delete-voices", {"voice_id": voice["voice_id"]})

    def speak(self, text: str, **fields: Any) -> Any:
        """Orders speech; what got lost is not ordered again."""
        body = {"text": text, "voice_id": "oversea_male1", "voice_language": "en", **fields}
        try:
            return self.call("POST", "/v1/audio/tts", body)
        except (Lost, Refused):
            return None

    def do(self, method: str, path: str, body: Any) -> Any:
        """Calls the control API."""
        answer = self.control.request(method, "/__mock__" + path, json=body, headers=self.headers())
        assert answer.is_success, answer.text
        return answer.json()

    def report(self, query: str = "") -> dict[str, Any]:
        """The report card."""
        answer = self.control.get("/__mock__/report" + query, headers=self.headers())
        assert answer.status_code == 200, answer.text
        value: dict[str, Any] = answer.json()
        return value


class Signer:
    """Signs tokens as the vendor's sample does, and keeps one until shortly before it expires."""

    def __init__(self, access_key: str, lifetime_s: int = 1800, margin_s: int = 60) -> None:
        self._access_key = access_key
        self._lifetime_s = lifetime_s
        self._margin_s = margin_s
        self._expires_at = 0.0
        self._token = ""

    def sign(self, now_s: float | None = None) -> str:
        """The value of the header with a new token."""
        import jwt

        now = int(time.time() if now_s is None else now_s)
        claims: dict[str, Any] = {
            "iss": self._access_key,
            "exp": now + self._lifetime_s,
            "nbf": now - 5,
        }
        self._expires_at = claims["exp"]
        self._token = "Bearer " + jwt.encode(claims, "s" * 32, algorithm="HS256")
        return self._token

    def __call__(self) -> str:
        """The value of the header."""
        if time.time() > self._expires_at - self._margin_s:
            self.sign()
        return self._token
