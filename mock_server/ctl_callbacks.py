"""``kling-mock ctl``: deliveries of callbacks, and what goes wrong with them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mock_server import ctl_values as read
from mock_server.ctl_client import Call, segment
from mock_server.ctl_command import Commands, MakeCall, Value
from mock_server.ctl_faults import add_when, given_when, words
from mock_server.terminal import cell, count, instant, table

_STATES = ("pending", "held", "delivered", "failed", "dropped")
_ACTIONS = {
    "resend": "send a callback once more, whatever became of it",
    "hold": "keep back one callback that is planned, or all that come",
    "release": "send one callback that is held, or all",
    "fire": "send now what is held or planned",
    "drop": "call off what is held or planned",
}


def add(commands: Commands) -> None:
    """Adds the commands."""
    deliveries = commands.add(
        "deliveries", "list the callbacks with their attempts, oldest first", _list_call, _listed
    )
    deliveries.add_argument("--state", choices=_STATES, help="only those in this state")
    deliveries.add_argument("--task", metavar="ID", help="only those of this task")
    for action, text in _ACTIONS.items():
        is_of_all = action in ("hold", "release")
        parser = commands.add(action, text, _acting(action), _acted)
        parser.add_argument(
            "number",
            nargs="?" if is_of_all else None,
            type=read.positive,
            metavar="NUMBER",
            help="of the delivery" + ("; else all" if is_of_all else ""),
        )
    _add_faults(commands)


def _add_faults(commands: Commands) -> None:
    arm = commands.add(
        "arm-callback",
        "arm a fault of callbacks",
        _arm_call,
        lambda value: [f"armed {_rule(value)}"],
    )
    arm.add_argument(
        "fault",
        type=read.fault,
        metavar="FAULT",
        help="such as drop, 'times=3;every=1', delay=30, replay=3600, signature=bad; or a JSON object",
    )
    arm.add_argument("--task", metavar="ID", help="callbacks of this task")
    arm.add_argument("--task-status", metavar="STATUS", help="callbacks of this status")
    add_when(arm)
    commands.add(
        "callback-faults",
        "list the faults of callbacks",
        lambda _: Call("GET", "/callback-faults"),
        lambda value: [_rule(rule) for rule in value["callback_faults"]] or ["no callback faults"],
    )
    disarm = commands.add(
        "disarm-callback",
        "disarm one fault of callbacks, or all",
        lambda a: Call("DELETE", "/callback-faults" + (f"/{segment(a.id)}" if a.id else "")),
        lambda value: [f"disarmed {value.get('id') or value.get('disarmed')}"],
    )
    disarm.add_argument("id", nargs="?", metavar="ID", help="this one; else all")


# ---- calls ----------------------------------------------------------------------------------


def _list_call(arguments: argparse.Namespace) -> Call:
    return Call("GET", "/deliveries", query=read.given(arguments, ("state", "task")))


def _acting(action: str) -> MakeCall:
    def call(arguments: argparse.Namespace) -> Call:
        if arguments.number is None:
            return Call("PUT", "/callbacks", {"hold": action == "hold"})
        return Call("POST", f"/deliveries/{arguments.number}", {"action": action})

    return call


def _arm_call(arguments: argparse.Namespace) -> Call:
    body: Value = {"fault": arguments.fault} | read.given(arguments, ("id",))
    match, when = read.given(arguments, ("task", "task_status")), given_when(arguments)
    if match:
        body["match"] = match
    if when:
        body["when"] = when
    return Call("POST", "/callback-faults", body)


# ---- answers --------------------------------------------------------------------------------


def _listed(value: Value) -> list[str]:
    held = ["new callbacks are held"] if value["hold"] else []
    return [*delivery_lines(value["deliveries"]), *held]


def delivery_lines(deliveries: Sequence[Value]) -> list[str]:
    """A table of deliveries."""
    rows = [
        (
            item["number"],
            item["task_id"],
            item["task_status"],
            item["state"],
            ", ".join(_outcome(tried) for tried in item["attempts"]) or "-",
            "-" if item["next_at"] is None else instant(item["next_at"]),
            item["fault"] or "-",
            item["url"],
        )
        for item in deliveries
    ]
    head = ("NUMBER", "TASK", "REPORTS", "STATE", "ATTEMPTS", "NEXT", "FAULT", "URL")
    return table(head, rows, "no deliveries")


def _acted(value: Value) -> list[str]:
    if "number" in value:
        return delivery_lines([value])
    if value["hold"]:
        return ["new callbacks are held until they are released"]
    return [f"released {count(value['released'], 'callback')}"]


def _outcome(tried: Value) -> str:
    return cell(tried["error"] or tried["status"])


def _rule(value: Value) -> str:
    match = words(value["match"]) or "every callback"
    when = words(value["when"]) or "each"
    return f"{value['id']}: {words(value['fault'])} on {match}, {when}"
