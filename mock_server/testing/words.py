"""Patterns as keyword arguments, and how they and what they are held against are said."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Required, TypedDict

from mock_server.terminal import cell, count

#: Others than these are not listed in a message.
_MOST_LISTED = 10


class Match(TypedDict, total=False):
    """What a request must be like; what is left out is anything (schema Match)."""

    operation: str | Sequence[str]
    dialect: str
    method: str
    path: str
    task: str
    body: dict[str, Any]
    query: dict[str, str]


class Pattern(Match, total=False):
    """What a request and its answer must be like (schema Pattern). ``fault="*"`` is any fault."""

    status: int
    code: int
    fault: str
    scenario: str


class When(TypedDict, total=False):
    """Which matches are struck (schema When); spans are virtual seconds."""

    after: int
    count: int
    probability: float
    window: Sequence[float]
    ttl: float


class FaultOptions(Match, total=False):
    """What a fault strikes, and when: as two objects, or the keys of both beside each other."""

    match: Match
    when: When
    after: int
    count: int
    probability: float
    window: Sequence[float]
    ttl: float


class Expectation(TypedDict, total=False):
    """A pattern, and how many requests must match it: at least 1 when nothing is said."""

    match: Required[Pattern]
    count: int
    at_least: int
    at_most: int


class CallbackMatch(TypedDict, total=False):
    """What a callback attempt must be like.

    ``task`` is a task id or external id, ``status`` the HTTP status of the receiver's answer, ``body`` what the body
    that was sent contains.
    """

    task: str
    task_status: str
    status: int
    attempt: int
    url: str
    body: dict[str, Any]


def said(pattern: Mapping[str, Any]) -> str:
    """A pattern in words: ``operation=getSpeech status=200``."""
    return cell(" ".join(f"{name}={_said(value)}" for name, value in pattern.items()) or "anything")


def _said(value: Any) -> str:
    if isinstance(value, str | int | float):
        return str(value)
    return json.dumps(value, ensure_ascii=False, default=list)


def amount(noun: str, number: int | None, at_least: int | None, at_most: int | None) -> str:
    """How many are wanted: ``exactly 2 requests``.

    Raises:
        TypeError: more than one is given, so that nobody knows which counts.
    """
    given = {"exactly": number, "at least": at_least, "at most": at_most}
    found = [f"{name} {count(value, noun)}" for name, value in given.items() if value is not None]
    if len(found) > 1:
        raise TypeError("give only one of count, at_least and at_most")
    return found[0] if found else f"at least 1 {noun}"


def listed(title: str, lines: Sequence[str]) -> list[str]:
    """A title and the last lines of many."""
    left = len(lines) - _MOST_LISTED
    head = [f"  ... {count(left, 'line')} before these"] if left > 0 else []
    return [title, *head, *(f"  {line}" for line in lines[-_MOST_LISTED:])]


def request_line(entry: Mapping[str, Any]) -> str:
    """A journal entry in words: ``no. 3 POST /v1/audio/tts -> 400, code 1201: Voice id not found``."""
    query = f"?{entry['query']}" if entry["query"] else ""
    answer = "no answer" if entry["status"] is None else entry["status"]
    code = "" if entry["code"] is None else f", code {entry['code']}"
    note = f": {entry['message']}" if entry["message"] else ""
    fault = f" (fault {entry['fault']})" if entry["fault"] else ""
    return cell(
        f"no. {entry['number']} {entry['method']} {entry['path']}{query} -> {answer}{code}{note}{fault}"
    )


def attempt_line(attempt: Mapping[str, Any]) -> str:
    """A callback attempt in words: ``no. 2 succeed of 930801290416885794 to http://127.0.0.1:9/hook -> 200``."""
    outcome = attempt["error"] or attempt["status"]
    again = f", attempt {attempt['attempt']}" if attempt["attempt"] > 1 else ""
    what = f"{attempt['task_status']} of {attempt['task_id']} to {attempt['url']}{again}"
    return cell(f"no. {attempt['number']} {what} -> {outcome}")


def joined(lines: Iterable[str]) -> str:
    """Lines as a message."""
    return "\n".join(lines)
