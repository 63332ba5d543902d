"""The control API's server-side wait: for a request, a task's status, a callback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mock_server.core.task import TERMINAL, Task, TaskStatus, observe
from mock_server.core.verify import Expectation, verify
from mock_server.events import CallbackAttempted, plain
from mock_server.http import showing, showing_callbacks
from mock_server.http.admission import ControlError
from mock_server.http.asking import Asked, Endpoint
from mock_server.http.control_faults import pattern_of
from mock_server.http.showing import Json
from mock_server.waiting import (
    Interrupted,
    NeverHappens,
    WaitedInVain,
    comes_at,
    has_had,
    never_words,
)


@dataclass(frozen=True, slots=True)
class _Sought:
    """What is waited for.

    Attributes:
        found: what there is of it, shown.
        never: why it cannot come any more, or nothing.
        instead: what there is in its place, in words.
    """

    found: Callable[[], list[Json]]
    never: Callable[[], str]
    instead: Callable[[], str]


async def wait(asked: Asked) -> Json:
    """Waits, and answers with what was found; refuses with what happened instead."""
    body, account = asked.body, asked.account
    kind, count = body["for"], int(body.get("count", 1))
    timeout_s, since = body.get("timeout", 10), int(body.get("since", 0))
    if kind == "task" and count > 1:
        raise ControlError(400, "count: there is one task of a name; leave it out")
    sought = _SOUGHT[kind](asked, body["match"], since)
    try:
        events = await asked.world.waits.until(
            account,
            lambda: len(sought.found()) >= count,
            timeout_s=timeout_s,
            skip=body.get("skip", False),
            never=sought.never,
        )
    except NeverHappens as error:
        raise ControlError(409, str(error)) from None
    except WaitedInVain:
        seen = f"{len(sought.found())} of {count}"
        words = f"waited {timeout_s:g} s for {kind}: found {seen}; {sought.instead()}"
        raise ControlError(408, words) from None
    except Interrupted as error:
        raise ControlError(503, f"{error} while this waited") from None
    return {
        "for": kind,
        "found": sought.found(),
        "now": account.clock.now(),
        "events": [plain(event) for event in events],
    }


def _of_requests(asked: Asked, match: dict[str, Any], since: int) -> _Sought:
    pattern, journal = pattern_of(match), asked.account.journal

    def found() -> list[Json]:
        return [showing.entry(item) for item in journal.since(since) if pattern.matches(item)]

    def instead() -> str:
        entries = journal.since(since)
        near = verify(Expectation(pattern, len(entries) + 1), entries).near
        if not near:
            return "no other request came"
        entry = entries[near[0].place]
        reasons = "; ".join(near[0].mismatches)
        return f"the nearest is number {entry.number}, {entry.method} {entry.path}: {reasons}"

    return _Sought(found, str, instead)


def _of_tasks(asked: Asked, match: dict[str, Any], _since: int) -> _Sought:
    account, name = asked.account, match["task"]
    wanted = TaskStatus(match["status"]) if "status" in match else None

    def now() -> int:
        return account.clock.now()

    def task() -> Task:
        return asked.task(name)

    def found() -> list[Json]:
        item = task()
        is_so = (
            observe(item, now()).status in TERMINAL
            if wanted is None
            else has_had(item, wanted, now())
        )
        return [showing.task(item, now())] if is_so else []

    def never() -> str:
        item, statuses = task(), TERMINAL if wanted is None else {wanted}
        is_over = observe(item, now()).status in TERMINAL
        can_come = any(comes_at(item, status) is not None for status in statuses)
        # One that is moved by hand or by queries may still get there.
        is_moved = any(step.after_ms is None for step in item.timeline)
        if can_come or (is_moved and not is_over and not asked.body.get("skip")):
            return ""
        return never_words(item, wanted or TaskStatus.SUCCEED, now())

    def instead() -> str:
        seen = observe(task(), now())
        due = account.agenda.next_at()
        when = "nothing is due" if due is None else f"next due in {max(0, due - now()) / 1000:g} s"
        return f"it is {seen.status} ({when}; the clock's rate is {account.clock.rate:g})"

    task()
    return _Sought(found, never, instead)


def _of_callbacks(asked: Asked, match: dict[str, Any], since: int) -> _Sought:
    account = asked.account
    task_id = asked.task(match["task"]).id if "task" in match else None

    def is_meant(item: CallbackAttempted) -> bool:
        if task_id is not None and item.task_id != task_id:
            return False
        if match.get("task_status", item.task_status) != item.task_status:
            return False
        return bool(match.get("status", item.status) == item.status)

    def found() -> list[Json]:
        first = account.callbacks_made - len(account.callbacks) + 1
        return [
            showing_callbacks.attempt(number, item)
            for number, item in enumerate(account.callbacks, first)
            if number > since and is_meant(item)
        ]

    def instead() -> str:
        tried = [
            f"{item.task_id} {item.task_status} -> {item.error or item.status}"
            for item in list(account.callbacks)[-3:]
        ]
        return f"the last attempts: {', '.join(tried)}" if tried else "no callback was attempted"

    return _Sought(found, str, instead)


_SOUGHT = {"request": _of_requests, "task": _of_tasks, "callback": _of_callbacks}

ENDPOINTS = (Endpoint("POST", "/wait", "wait", wait),)
