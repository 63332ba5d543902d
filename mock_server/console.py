"""What the command line prints: where the server listens, then a line per event, for people or as JSON."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Protocol

from mock_server import __version__
from mock_server.events import (
    CallbackAttempted,
    CallbackNotDelivered,
    Event,
    RequestAnswered,
    TaskMoved,
    plain,
)
from mock_server.settings import Settings

#: What comes after the base URL in each dialect: with it, a dialect's own paths begin with /v1.
PREFIXES = {"klingai": "", "kkiai": "/kling", "ezmodel": "/kling"}
_NOTES = {
    "klingai": "the official API, in place of https://api-singapore.klingai.com",
    "kkiai": "in place of https://www.kkiai.com/kling",
    "ezmodel": "POST /v1/tts, in place of EzModel's host and /kling",
}


class Stream(Protocol):
    """What lines are written to."""

    def write(self, text: str, /) -> object:
        """Writes text."""

    def flush(self) -> object:
        """Hands on what was written."""


class Console:
    """Prints to one stream, and stops printing when nobody reads it any more.

    Args:
        stream: usually standard output.
        settings: ``json`` prints JSON lines; ``quiet`` prints one line at the start, and none per event.
    """

    def __init__(self, stream: Stream, settings: Settings) -> None:
        self._stream: Stream | None = stream
        self._json = settings.json
        self._quiet = settings.quiet
        self.not_delivered = 0

    def ready(self, url: str, seed: str) -> None:
        """Says that the server is ready: the one line of --json, or where to go and what to paste."""
        if self._json:
            self._line(_json({"event": "ready", "url": url, "seed": seed, "version": __version__}))
            return
        self._line(f"kling-mock {__version__} listens on {url}  (seed {seed})")
        if self._quiet:
            return
        for dialect, prefix in PREFIXES.items():
            self._line(f"  {dialect:<8} {url + prefix:<30} {_NOTES[dialect]}")
        self._line("Try:")
        self._line(f"  {curl(url)}")

    def __call__(self, event: Event, /) -> None:
        """Prints one event; what was not delivered is counted and printed even when quiet."""
        if isinstance(event, CallbackNotDelivered):
            self.not_delivered += 1
        elif self._quiet:
            return
        self._line(_json(plain(event)) if self._json else f"{_clock()} {sentence(event)}")

    def stopped(self, lines_dropped: int = 0) -> None:
        """Says that the server has stopped, what was not delivered, and how many lines nobody read in time."""
        if self._json:
            counts = {"lines_dropped": lines_dropped} if lines_dropped else {}
            stopped = {"event": "stopped", "callbacks_not_delivered": self.not_delivered}
            self._line(_json(stopped | counts))
            return
        missing = f"; callbacks not delivered: {self.not_delivered}" if self.not_delivered else ""
        dropped = f"; lines dropped: {lines_dropped}" if lines_dropped else ""
        self._line(f"{_clock()} stopped{missing}{dropped}")

    def _line(self, text: str) -> None:
        if self._stream is None:
            return
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            # What the terminal has no character for is no reason to fall silent.
            self._stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None  # the reader is gone; the server goes on


def sentence(event: Event) -> str:
    """An event in one readable line."""
    match event:
        case RequestAnswered():
            code = "" if event.code is None else f" code {event.code}"
            note = f": {_shown(event.note)}" if event.note else ""
            line = f"{event.method} {_shown(event.path)} -> {event.status}{code}{note}"
            return f"request   {line}  ({_shown(event.account_id)}, {event.took_ms} ms)"
        case TaskMoved():
            note = f": {_shown(event.message)}" if event.message else ""
            return f"task      {event.task_id} {event.kind} is {event.status}{note}"
        case CallbackAttempted():
            outcome = event.error or str(event.status)
            target = f"{event.task_id} {event.task_status} to {_shown(event.url)}"
            return f"callback  {target} -> {_shown(outcome)}  ({event.took_ms} ms)"
        case CallbackNotDelivered():
            due = "was due" if event.due_in_s is None else f"due in {event.due_in_s:g} s"
            target = f"{event.task_id} {event.task_status} to {_shown(event.url)}"
            return f"callback  {target} not delivered ({due})"


def curl(url: str) -> str:
    """A curl line that works against a server at ``url``."""
    body = '{"text": "Hello", "voice_id": "oversea_male1", "voice_language": "en"}'
    return (
        f"curl {url}/v1/audio/tts -H 'Authorization: Bearer any-key'"
        f" -H 'Content-Type: application/json' -d '{body}'"
    )


def _json(value: dict[str, Any]) -> str:
    # In ASCII: no terminal lacks a character of it, and no reader takes one for the end of a line.
    return json.dumps(value, separators=(",", ":"))


def _clock() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]


def _shown(text: str) -> str:
    # What a client sent is printed on somebody's terminal: no control characters, no endless lines.
    plain_text = "".join(char if char.isprintable() else "?" for char in text[:200])
    return plain_text + ("..." if len(text) > 200 else "")
