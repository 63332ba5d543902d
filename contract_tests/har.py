"""Recordings of a run as HAR 1.2, the format that browsers and proxies read and write. No secret is written."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

from contract_tests import redaction
from contract_tests.observation import Answer, Notification, Request
from contract_tests.sending import Exchange, Sender

#: Headers whose values are secrets.
_SECRET = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-mock-token"}
)
_VERSION = "1.2"


class Recorder:
    """Writes exchanges as they happen, so that an interrupted run is recorded too.

    Args:
        path: the file; one that is there is replaced.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: str) -> None:
        self._file: IO[str] = Path(path).open("w", encoding="utf-8")  # noqa: SIM115
        self._is_first = True
        self._turn = threading.Lock()  # callers race in some tests, and a text file is one thread's
        creator = json.dumps({"name": "kling-mock check", "version": "1"})
        self._file.write(f'{{"log": {{"version": "{_VERSION}", "creator": {creator}, "entries": [')

    def __call__(self, exchange: Exchange) -> None:
        """Writes an exchange."""
        text = json.dumps(entry(exchange))
        with self._turn:
            separator = "" if self._is_first else ","
            self._is_first = False
            self._file.write(f"{separator}\n{text}")

    def end(self, notifications: Iterable[Notification]) -> None:
        """Writes what arrived at the receiver, in a field of its own, and closes the file."""
        if self._file.closed:
            return
        arrived = json.dumps([_notification(item) for item in notifications])
        self._file.write(f'\n], "_notifications": {arrived}}}}}\n')
        self._file.close()


def begin(sender: Sender, path: str) -> None:
    """Records what is sent from now on.

    Raises:
        OSError: the file cannot be written.
    """
    sender.watch = Recorder(path)


def end(sender: Sender, notifications: Iterable[Notification] = ()) -> None:
    """Ends the recording, if there is one."""
    if isinstance(sender.watch, Recorder):
        sender.watch.end(notifications)


def entry(exchange: Exchange) -> dict[str, Any]:
    """An exchange as an entry of a HAR."""
    took_ms = round(exchange.took_s * 1000, 3)
    written: dict[str, Any] = {
        "startedDateTime": _instant(exchange.began),
        "time": took_ms,
        "request": _request(exchange.request),
        "response": _response(exchange.answer),
        "cache": {},
        "timings": {"send": 0, "wait": took_ms, "receive": 0},
    }
    if exchange.error:
        written["response"]["_error"] = redaction.clean(exchange.error)
    return written


def _request(request: Request) -> dict[str, Any]:
    url = redaction.clean(request.url)
    written: dict[str, Any] = {
        "method": request.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(request.headers),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
        ],
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        kind = {name.lower(): value for name, value in request.headers.items()}.get("content-type")
        text, encoding = _text(request.body)
        # HAR knows no encoding of what is posted; readers that do not know this one see base64.
        odd = {"_encoding": encoding} if encoding else {}
        written["postData"] = {"mimeType": kind or "", "params": [], "text": text, **odd}
    return written


def _response(answer: Answer | None) -> dict[str, Any]:
    written: dict[str, Any] = {
        "status": answer.status if answer else 0,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(answer.headers) if answer else [],
        "redirectURL": redaction.clean(answer.headers.get("location", "")) if answer else "",
        "headersSize": -1,
        "bodySize": len(answer.body) if answer else -1,
    }
    body = answer.body if answer else b""
    text, encoding = _text(body)
    kind = answer.headers.get("content-type", "") if answer else ""
    content: dict[str, Any] = {"size": len(body), "mimeType": kind or "x-unknown", "text": text}
    if encoding:
        content["encoding"] = encoding
    return {**written, "content": content}


def _headers(headers: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": _value(name, value)} for name, value in headers.items()]


def _value(name: str, value: str) -> str:
    if name.lower() not in _SECRET or not value:
        return redaction.clean(value)
    scheme, blank, rest = value.partition(" ")
    is_credential = name.lower().endswith("authorization") and blank and rest
    return f"{scheme} {redaction.HIDDEN}" if is_credential else redaction.HIDDEN


def _notification(seen: Notification) -> dict[str, Any]:
    text, encoding = _text(seen.body)
    return {
        "method": seen.method,
        "path": redaction.clean(seen.path),
        "headers": _headers(seen.headers),
        "text": text,
        **({"encoding": encoding} if encoding else {}),
    }


def _text(body: bytes) -> tuple[str, str]:
    """A body as text without secrets, and how it is encoded: not at all, or in base64."""
    try:
        return redaction.clean(body.decode("utf-8")), ""
    except UnicodeDecodeError:
        known = redaction.clean(body.decode("latin-1")).encode("latin-1", "replace")
        return base64.b64encode(known).decode(), "base64"


def _instant(seconds: float) -> str:
    return (
        datetime.fromtimestamp(seconds, UTC)
        .isoformat(timespec="microseconds")
        .replace("+00:00", "Z")
    )
