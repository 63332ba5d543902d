"""``kling-mock ctl``: accounts, the clock, and waiting."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from mock_server import ctl_values as read
from mock_server.ctl_account import callback_lines, entry_lines
from mock_server.ctl_client import Call
from mock_server.ctl_command import Commands, Value
from mock_server.ctl_tasks import task_lines
from mock_server.terminal import aligned, cell, instant, seconds, table

_MODES = {"manual": "it stands still until it is told", "real": "as fast as this machine's"}


def add(commands: Commands) -> None:
    """Adds the commands."""
    commands.add(
        "accounts",
        "list the accounts that have been seen",
        lambda _: Call("GET", "/accounts", for_account=False),
        _accounts,
    )
    clock = commands.add("clock", "show the clock, or set how fast it runs", _clock_call, _clock)
    pace = clock.add_mutually_exclusive_group()
    pace.add_argument(
        "--rate", type=read.rate, metavar="N", help="virtual seconds per second; 0 stands still"
    )
    pace.add_argument("--mode", type=read.mode, metavar="MODE", help="real | manual")
    _add_advance(commands)
    settle = commands.add(
        "settle",
        "deliver what is due now, without moving time",
        lambda a: Call("POST", "/settle", read.given(a, ("timeout",)), waits_s=a.timeout or 10),
        _settled,
    )
    _add_timeout(settle)
    waits = commands.group("wait", "wait until something has happened", "FOR")
    _add_wait_task(waits)
    _add_wait_request(waits)
    _add_wait_callback(waits)


def _add_advance(commands: Commands) -> None:
    advance = commands.add("advance", "move the clock forward", _advance_call, _advanced)
    how = advance.add_mutually_exclusive_group(required=True)
    how.add_argument(
        "by", nargs="?", type=read.duration, metavar="SECONDS", help="how far: 9, 90s, 5m, 2h, 30d"
    )
    how.add_argument("--to", type=read.instant, metavar="INSTANT", help="ISO 8601, or ms; not back")
    how.add_argument(
        "--until", type=read.until, metavar="TASK=STATUS", help="until the task has the status"
    )
    advance.add_argument(
        "--no-deliver", action="store_true", help="do not wait for the receivers of callbacks"
    )


def _add_wait_task(waits: Commands) -> None:
    task = waits.add(
        "task",
        "wait until a task has a status",
        lambda a: _wait_call(a, {"task": a.task} | ({"status": a.status} if a.status else {})),
        _waited,
    )
    task.add_argument("task", metavar="TASK", help="task id or external id")
    task.add_argument(
        "status",
        nargs="?",
        type=read.status,
        metavar="STATUS",
        help="the status; else any terminal one",
    )
    task.set_defaults(wait_for="task")
    _add_patience(task)


def _add_wait_request(waits: Commands) -> None:
    request = waits.add(
        "request",
        "wait until requests were answered",
        lambda a: _wait_call(a, read.pattern_of(a)),
        _waited,
    )
    request.set_defaults(wait_for="request")
    read.add_pattern(request)
    _add_count(request)
    request.add_argument(
        "--since", type=read.whole, metavar="N", help="only journal entries with a greater number"
    )
    _add_patience(request)


def _add_wait_callback(waits: Commands) -> None:
    callback = waits.add(
        "callback",
        "wait until callbacks were attempted",
        lambda a: _wait_call(a, read.given(a, ("task", "task_status", "status"))),
        _waited,
    )
    callback.set_defaults(wait_for="callback")
    callback.add_argument("--task", metavar="ID", help="of this task only")
    callback.add_argument(
        "--task-status", type=read.status, metavar="STATUS", help="which report this status"
    )
    callback.add_argument(
        "--status", type=read.whole, metavar="N", help="which were answered with this HTTP status"
    )
    _add_count(callback)
    callback.add_argument(
        "--since", type=read.whole, metavar="N", help="only attempts with a greater number"
    )
    _add_patience(callback)


def _add_count(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", type=read.positive, metavar="N", help="until so many (1)")


def _add_patience(parser: argparse.ArgumentParser) -> None:
    _add_timeout(parser)
    parser.add_argument(
        "--skip", action="store_true", help="move the clock to what is due next, again and again"
    )


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        type=read.duration,
        metavar="SECONDS",
        help="how long at most, on this machine's clock (10)",
    )


# ---- calls ----------------------------------------------------------------------------------


def _clock_call(arguments: argparse.Namespace) -> Call:
    change = read.given(arguments, ("rate", "mode"))
    return Call("PUT" if change else "GET", "/clock", change or None)


def _advance_call(arguments: argparse.Namespace) -> Call:
    body = read.given(arguments, ("by", "to", "until"))
    if arguments.no_deliver:
        body["deliver"] = False
    return Call("POST", "/clock/advance", body, waits_s=None)


def _wait_call(arguments: argparse.Namespace, match: dict[str, Any]) -> Call:
    body = {"for": arguments.wait_for, "match": match}
    body |= read.given(arguments, ("count", "timeout", "since"))
    if arguments.skip:
        body["skip"] = True
    return Call("POST", "/wait", body, waits_s=arguments.timeout or 10)


# ---- answers --------------------------------------------------------------------------------


def _accounts(value: Value) -> list[str]:
    rows = [
        (row["account"], row["tasks"], row["requests"], instant(row["now"]))
        for row in value["accounts"]
    ]
    head = ("ACCOUNT", "TASKS", "REQUESTS", "NOW")
    return table(head, rows, "no accounts have been seen")


def _clock(value: Value) -> list[str]:
    mode = value["mode"]
    return aligned(
        [
            ("account", value["account"]),
            ("now", instant(value["now"])),
            (mode, _MODES.get(mode, f"{value['rate']:g} virtual seconds per second")),
            ("next due", _next(value)),
        ]
    )


def _next(value: Value) -> str:
    due = value["next_due"]
    if due is None:
        return "nothing"
    return f"in {seconds(due - value['now'])}, {instant(due)}"


def _advanced(value: Value) -> list[str]:
    moved = f"it was moved by {seconds(value['now'] - value['from'])}"
    return [*_events(value["events"]), f"now {instant(value['now'])}; {moved}", _ahead(value)]


def _settled(value: Value) -> list[str]:
    happened = _events(value["events"]) or ["nothing was due"]
    return [*happened, f"now {instant(value['now'])}", _ahead(value)]


def _ahead(value: Value) -> str:
    return f"next due: {_next(value)}"


def _waited(value: Value) -> list[str]:
    shown = {"task": task_lines, "request": entry_lines, "callback": callback_lines}
    return [
        *_events(value["events"]),
        *shown[value["for"]](value["found"]),
        f"now {instant(value['now'])}",
    ]


def _events(events: Iterable[Value]) -> list[str]:
    rows = [(instant(event["at"]), *_event(event)) for event in events]
    return aligned(rows) if rows else []


def _event(event: Value) -> tuple[str, str]:
    if event["event"] == "transition":
        note = f": {cell(event['message'])}" if event["message"] else ""
        return "task", f"{event['task_id']} {event['kind']} is {event['status']}{note}"
    outcome = event["error"] or event["status"]
    reported = f"{event['task_id']} {event['task_status']}"
    return "callback", f"{reported} -> {cell(outcome)}  {cell(event['url'])}"
