"""What ``kling-mock listen`` prints: where it listens, each delivery, the sum; for people or as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mock_server import __version__
from mock_server.console import Stream
from mock_server.core.verifying import UNCHECKED, Signed, Verdict
from mock_server.listen_body import Body
from mock_server.listen_book import Sighting
from mock_server.listen_forward import Forwarded
from mock_server.listen_options import Plan
from mock_server.terminal import cell, count

_NO_SECRET = "not checked (no --secret)"  # words


@dataclass(slots=True)
class Delivery:
    """A callback, what is to be said of it, and what became of it.

    Attributes:
        number: from 1 on, in the order of arrival.
        at: instant of its arrival in ms, by the clock of the machine.
        size: bytes of the body.
        raw: the body; ``None`` when it is too large, or did not come to its end.
        status: what it was answered with; ``None`` when it was not.
        words: why it was answered so; or empty.
    """

    number: int
    at: int
    method: str
    path: str
    webhook_id: str = ""
    raw: bytes | None = None
    body: Body = field(default_factory=Body)
    verdict: Verdict = UNCHECKED
    sighting: Sighting = field(default_factory=Sighting)
    forwarded: Forwarded | None = None
    status: int | None = None
    words: str = ""
    took_ms: float = 0.0

    @property
    def is_success(self) -> bool:
        """Whether its sender was told that it arrived."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def signed(self) -> str:
        """The verdict on its signature, in words."""
        return _NO_SECRET if self.verdict.signed is Signed.UNCHECKED else self.verdict.words


class Printer:
    """Prints to one stream, and counts.

    Args:
        stream: standard output.
        plan: how it prints.
        target: where callbacks are handed on, as it may be shown; or empty.
    """

    def __init__(self, stream: Stream, plan: Plan, target: str = "") -> None:
        self._stream = stream
        self._plan = plan
        self._target = target
        self._counts = dict.fromkeys(("deliveries", "failures", "duplicates", "bad_signatures"), 0)
        self._others = 0

    def ready(self, url: str) -> None:
        """Says where it listens, and what to paste into a request."""
        if self._plan.json:
            self._event({"event": "ready", "url": url, "version": __version__})
        else:
            self._lines([f'kling-mock listens on {url}  (paste: "callback_url": "{url}")'])

    def delivery(self, told: Delivery) -> None:
        """Prints a delivery."""
        counts = self._counts
        counts["deliveries"] += 1
        counts["failures"] += not told.is_success
        counts["duplicates"] += bool(told.sighting.duplicate_of)
        counts["bad_signatures"] += told.verdict.is_bad
        if self._plan.json:
            self._event(_plain(told, has_body=not self._plan.quiet_body))
        else:
            self._lines(self._block(told))

    def other(self, method: str, path: str, status: int, words: str) -> None:
        """Prints a request that is no callback."""
        self._others += 1
        if self._plan.json:
            value = {"method": method, "path": path, "status": status, "error": words}
            self._event({"event": "other", **value})
        else:
            self._lines([f"{_clock()} {cell(method)} {cell(path)} -> {status}: {words}"])

    def stopped(self) -> None:
        """Says how many there were."""
        if self._plan.json:
            self._event({"event": "stopped", **self._counts, "others": self._others})
            return
        counts = self._counts
        parts = [
            "1 delivery" if counts["deliveries"] == 1 else f"{counts['deliveries']} deliveries",
            count(counts["failures"], "failure"),
            count(counts["duplicates"], "duplicate"),
            count(counts["bad_signatures"], "bad signature"),
        ]
        if self._others:
            parts.append(count(self._others, "other request"))
        self._lines([f"{_clock()} stopped: {', '.join(parts)}"])

    def _block(self, told: Delivery) -> Iterator[str]:
        about = f"  task {cell(told.body.task_id)}" if told.body.task_id else ""
        about += f" {cell(told.body.status)}" if told.body.status else ""
        if told.sighting.attempt:
            about += f"  attempt {told.sighting.attempt} of {cell(told.webhook_id)}"
        yield f"{_clock(told.at)} no. {told.number}  {told.method} {cell(told.path)}{about}"
        yield f"  signed: {told.signed}"
        yield from (f"  {cell(note)}" for note in _notes(told))
        if told.raw is not None and not self._plan.quiet_body:
            yield from _body_lines(told.body, len(told.raw))
        if told.forwarded is not None:
            yield f"  forwarded: {_forwarded(told.forwarded, self._target)}"
        words = f", {cell(told.words)}" if told.words else ""
        answer = "nothing" if told.status is None else str(told.status)
        yield f"  answered: {answer}{words}  ({told.took_ms:.0f} ms)"

    def _event(self, value: dict[str, Any]) -> None:
        # In ASCII: no terminal lacks a character of it, and no reader takes one for the end of a line.
        self._lines([json.dumps(value, separators=(",", ":"))])

    def _lines(self, lines: Iterator[str] | list[str]) -> None:
        # At once: what is told of one delivery stays together.
        self._stream.write("".join(f"{line}\n" for line in lines))


def _notes(told: Delivery) -> Iterator[str]:
    """What is remarkable about a delivery, a sentence each."""
    sighting, body = told.sighting, told.body
    if sighting.duplicate_of:
        yield f"duplicate of no. {sighting.duplicate_of} (same {sighting.same})"
    if sighting.retry_of:
        yield f"retry of no. {sighting.retry_of} (same {sighting.same})"
    if sighting.order:
        yield f"out of order: {sighting.order}"
    if body.unknown:
        yield f"unknown fields: {', '.join(body.unknown)}"
    if body.missing:
        yield f"missing fields: {', '.join(body.missing)}"
    yield from body.remarks
    if body.error:
        yield body.error


def _body_lines(body: Body, size: int) -> Iterator[str]:
    text = body.text if body.error else json.dumps(body.value, indent=2, ensure_ascii=False)
    yield f"  body: {size} bytes"
    # Only at \n: others break lines, too, and are shown as question marks.
    yield from (f"    {_visible(line)}" for line in text.split("\n") if text)


def _forwarded(forwarded: Forwarded, target: str) -> str:
    took = f"({forwarded.took_ms:.0f} ms)"
    if forwarded.status is None:
        return f"{target} -> {cell(forwarded.error)}  {took}"
    words = " ".join(forwarded.body.decode("utf-8", "replace").split())
    return f"{target} -> {forwarded.status}{' ' + cell(words) if words else ''}  {took}"


def _plain(told: Delivery, *, has_body: bool) -> dict[str, Any]:
    sighting, forwarded = told.sighting, told.forwarded
    value: dict[str, Any] = {
        "event": "delivery",
        "number": told.number,
        "at": told.at,
        "method": told.method,
        "path": told.path,
        "webhook_id": told.webhook_id or None,
        "attempt": sighting.attempt or None,
        "task_id": told.body.task_id or None,
        "task_status": told.body.status or None,
        "signed": told.verdict.signed.value,
        "signature": told.signed,
        "duplicate_of": sighting.duplicate_of or None,
        "retry_of": sighting.retry_of or None,
        "out_of_order": sighting.order or None,
        "unknown_fields": list(told.body.unknown),
        "missing_fields": list(told.body.missing),
        "remarks": list(told.body.remarks),
        "bytes": None if told.raw is None else len(told.raw),
        "body_error": told.body.error or None,
    }
    if has_body:
        value["body"] = told.body.text if told.body.error else told.body.value
    if forwarded is not None:
        value["forwarded"] = {
            "status": forwarded.status,
            "error": forwarded.error or None,
            "took_ms": forwarded.took_ms,
        }
        if has_body:
            value["forwarded"]["body"] = forwarded.body.decode("utf-8", "replace")
    return {**value, "status": told.status, "words": told.words, "took_ms": told.took_ms}


def _clock(at_ms: int | None = None) -> str:
    moment = datetime.now() if at_ms is None else datetime.fromtimestamp(at_ms / 1000)
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]


def _visible(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)
