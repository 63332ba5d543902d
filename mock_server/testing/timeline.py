"""What happened in an account, in lines: requests, statuses and callbacks in the order of virtual time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mock_server.ctl_client import Call
from mock_server.store import ANONYMOUS
from mock_server.terminal import cell, count, instant
from mock_server.testing.asking import ControlFailed, Steps, Via, blocking_of
from mock_server.testing.words import attempt_line, request_line

#: Lines that are shown: the first ones, and the last.
_FIRST, _LAST = 10, 40
#: Characters of a request body that are shown.
_BODY = 100
#: What looks like a signed token or a secret of callbacks, in whatever place a client put it.
_SECRET = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*|whsec_[\w+/=-]+")
_HIDDEN = "***"
#: What a callback's line says when its receiver did not answer in time, and what may be the reason.
_UNANSWERED = "-> no answer within "
_BLOCKED = (
    "the event loop stood still during a call; a receiver in the same loop answers while the test"
    " awaits the call's twin under aio"
)

#: An event: its instant (ms), what comes first in the same instant, and its words.
Row = tuple[int, int, str]


def timeline_of(
    account: Via, secrets: tuple[str, ...] = (), *, since_anonymous: int | None = None
) -> str:
    """What happened in an account, a line each; bounded, and without secrets. Never raises.

    Args:
        secrets: more that is not shown, besides the credential of the account.
        since_anonymous: requests without a valid credential after this number are shown too.
    """
    try:
        rows = blocking_of(account, _rows(since_anonymous))
    except ControlFailed as error:
        return f"kling-mock: what happened is not known: {error}"
    lines = [*_lines(rows)]
    if account.expected.blocks_a_loop and any(_UNANSWERED in words for _, _, words in rows):
        lines.append(_BLOCKED)
    text = _SECRET.sub(_HIDDEN, "\n".join(lines))
    for secret in (account.api_key, *secrets):
        if len(secret) > 3:
            text = text.replace(secret, _HIDDEN)
    return text


def _rows(since_anonymous: int | None) -> Steps[list[Row]]:
    journal = yield Call("GET", "/journal")
    entries = journal["entries"]
    nobodys = []
    if since_anonymous is not None:
        query = {"account": ANONYMOUS, "since": since_anonymous}
        nobodys = (yield Call("GET", "/journal", query=query))["entries"]
    tasks = (yield Call("GET", "/tasks", query={"limit": 1000}))["tasks"]
    attempts = (yield Call("GET", "/callbacks"))["callbacks"]
    deliveries = (yield Call("GET", "/deliveries"))["deliveries"]
    rows = [(entry["at"], 0, _request(entry)) for entry in entries]
    if journal["dropped"]:
        rows.insert(
            0, (entries[0]["at"], -1, f"{journal['dropped']} older requests are no longer kept")
        )
    now = (yield Call("GET", "/clock"))["now"]
    # Their clock is another one: they are shown where they were on the machine's.
    rows += (
        (_place(item["wall"], entries, now), 0, f"{_request(item)} (without a valid credential)")
        for item in nobodys
    )
    rows += (row for task in reversed(tasks) for row in _statuses(task))
    rows += ((item["at"], 2, f"callback {attempt_line(item)}") for item in attempts)
    for item in deliveries:
        if not item["attempts"]:
            rows.append((item["next_at"] or 0, 3, _unsent(item)))
    return sorted(rows, key=lambda row: (row[0] or float("inf"), row[1]))


def _place(wall: int, entries: list[dict[str, Any]], now: int) -> int:
    """The virtual instant (ms) of the account's next request, or the present one."""
    return next((entry["at"] for entry in entries if entry["wall"] > wall), now)


def _request(entry: dict[str, Any]) -> str:
    body = entry["body"]
    text = "" if body is None else json.dumps(body, ensure_ascii=False)
    text = f"  {text[:_BODY]}{'...' if len(text) > _BODY else ''}" if text else ""
    warning = f" (warning: {entry['warning']})" if entry["warning"] else ""
    return f"request  {request_line(entry)}{warning}{text}"


def _statuses(task: dict[str, Any]) -> Iterator[Row]:
    """The statuses that a task has had, and the one it is waiting for."""
    name = task["task_id"] + (f" ({task['external_task_id']})" if task["external_task_id"] else "")
    follows = f", scenario {task['scenario']}" if task["scenario"] not in ("", "default") else ""
    for step in task["timeline"]:
        note = f": {step['message']}" if step["message"] else ""
        if step["arrived"]:
            yield step["at"], 1, f"task     {name} is {step['status']}{note}{follows}"
        else:
            when = "will never be by itself" if step["at"] is None else "is not yet"
            yield step["at"] or 0, 4, f"task     {name} {when} {step['status']}"
            return


def _unsent(delivery: dict[str, Any]) -> str:
    return f"callback {delivery['task_status']} of {delivery['task_id']} is {delivery['state']}"


def _lines(rows: list[Row]) -> Iterator[str]:
    if not rows:
        yield "nothing was asked of this account"
        return
    begin = rows[0][0]
    yield f"virtual seconds since {instant(begin)}"
    left = len(rows) - _FIRST - _LAST
    for place, (at, _, words) in enumerate(rows):
        if left > 0 and place == _FIRST:
            yield f"  ... {count(left, 'line')} more ..."
        if left <= 0 or place < _FIRST or place >= _FIRST + left:
            when = f"{(at - begin) / 1000:+10.3f}" if at else " " * 10
            yield f"{when}  {cell(words)}"
