"""Recordings of others as observations: HAR files of browsers, proxies and test tools."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from contract_tests.observation import Answer, Notification, Request

#: Answers that hold nothing of their own: none came, or the browser had it already.
_EMPTY = (0, -1, 304)


class BadRecording(Exception):
    """Raised when a file is no recording; the message is one line that names the place."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One recorded exchange.

    Attributes:
        answer: ``None`` where the recording does not hold it whole.
        began: Unix seconds.
        ended: Unix seconds.
    """

    request: Request
    answer: Answer | None
    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds, oldest first."""

    seen: list[Seen]
    notifications: list[Notification]


def read(path: str) -> Recording:
    """Reads a recording.

    Raises:
        BadRecording: it cannot be read, or is none.
    """
    try:
        log = json.loads(Path(path).read_bytes())["log"]
        entries = log["entries"]
        if not isinstance(entries, list):
            raise TypeError
    except OSError as reason:
        raise BadRecording(f"{path}: {reason.strerror or reason}") from None
    except (ValueError, RecursionError) as reason:
        raise BadRecording(f"{path}: no JSON: {reason}") from None
    except (KeyError, TypeError):
        raise BadRecording(f"{path}: no HAR: it has no list log.entries") from None
    seen = [_seen(entry, f"{path}: log.entries[{at}]") for at, entry in enumerate(entries)]
    arrived = log.get("_notifications")
    notifications = [
        _notification(item, at, f"{path}: log._notifications[{at}]")
        for at, item in enumerate(arrived if isinstance(arrived, list) else [])
    ]
    return Recording(sorted(seen, key=lambda item: item.ended), notifications)


def _seen(entry: Any, place: str) -> Seen:
    request = _member(entry, "request", dict, place)
    method = _member(request, "method", str, f"{place}.request")
    url = _member(request, "url", str, f"{place}.request")
    sent = Request(method, url, _headers(request), _posted(request, f"{place}.request"))
    began = _instant(entry.get("startedDateTime"))
    took_ms = entry.get("time")
    took_s = max(took_ms, 0) / 1000 if isinstance(took_ms, int | float) else 0.0
    response = _member(entry, "response", dict, place)
    answer = _answer(sent, response, f"{place}.response")
    return Seen(sent, answer, began, began + took_s)


def _answer(sent: Request, response: Mapping[str, Any], place: str) -> Answer | None:
    status = _member(response, "status", int, place)
    content = response.get("content")
    if status in _EMPTY or not isinstance(content, dict):
        return None
    text, size = content.get("text"), content.get("size")
    if text is None:
        return Answer(sent, status, _headers(response), b"") if size == 0 else None
    body = _bytes(text, content.get("encoding"), f"{place}.content.text")
    is_cut = isinstance(size, int) and size > len(body)
    return None if is_cut else Answer(sent, status, _headers(response), body)


def _posted(request: Mapping[str, Any], place: str) -> bytes:
    data = request.get("postData")
    text = data.get("text") if isinstance(data, dict) else None
    if not isinstance(data, dict) or text is None:
        return b""
    encoding = data.get("_encoding", data.get("encoding"))
    return _bytes(text, encoding, f"{place}.postData.text")


def _bytes(text: Any, encoding: Any, place: str) -> bytes:
    if not isinstance(text, str):
        raise BadRecording(f"{place}: no text")
    if encoding != "base64":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=False)
    except (binascii.Error, ValueError) as reason:
        raise BadRecording(f"{place}: no base64: {reason}") from None


def _headers(holder: Mapping[str, Any]) -> dict[str, str]:
    """The headers, names in lower case; the pseudo headers of HTTP/2 are none."""
    found: dict[str, str] = {}
    listed = holder.get("headers")
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            name, value = item["name"].lower(), str(item.get("value", ""))
            if not name.startswith(":"):
                found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _notification(item: Any, ordinal: int, place: str) -> Notification:
    method = _member(item, "method", str, place)
    path = _member(item, "path", str, place)
    body = _bytes(item.get("text", ""), item.get("encoding"), f"{place}.text")
    return Notification(ordinal, method, path, _headers(item), body)


def _member(holder: Any, name: str, kind: type, place: str) -> Any:
    value = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        raise BadRecording(f"{place}: no {name}")
    return value


def _instant(text: Any) -> float:
    """Unix seconds; 0 where nothing is said."""
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError):
        return 0.0
