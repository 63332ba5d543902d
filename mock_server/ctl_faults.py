"""``kling-mock ctl``: faults and plans of faults."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mock_server import ctl_values as read
from mock_server.core.faulttext import short
from mock_server.ctl_client import Call, segment
from mock_server.ctl_command import Commands, Value
from mock_server.terminal import cell, count, table

_WHEN = ("count", "after", "probability", "window", "ttl")


def add(commands: Commands) -> None:
    """Adds the commands."""
    _add_arm(commands)
    faults = commands.add(
        "faults",
        "list the faults, or show one",
        lambda a: Call("GET", _path("/faults", a.id)),
        lambda value: fault_lines(value.get("faults", [value])),
    )
    _add_id(faults, "this one only")
    disarm = commands.add(
        "disarm",
        "disarm one fault, or all",
        lambda a: Call("DELETE", _path("/faults", a.id)),
        _disarmed,
    )
    _add_id(disarm, "this one; else all")
    _add_plans(commands)


def _add_plans(commands: Commands) -> None:
    plan = commands.add(
        "plan", "script what the next requests of an operation meet", _plan_call, _plan
    )
    plan.add_argument(
        "steps",
        nargs="+",
        type=read.steps,
        metavar="OPERATION=FAULT,...",
        help="faults and ok in the order of the requests, such as createSpeech=5001,reset,ok;"
        " or a JSON array of them",
    )
    plan.add_argument("--id", help="its name; else the next number", metavar="ID")
    plans = commands.add(
        "plans",
        "list the plans, or show one",
        lambda a: Call("GET", _path("/plans", a.id)),
        lambda value: plan_lines(value.get("plans", [value])),
        _unplayed,
    )
    _add_id(plans, "this one only")
    plans.add_argument(
        "--check", action="store_true", help="exit code 1 unless every step was played"
    )
    drop = commands.add(
        "drop-plan",
        "drop one plan, or all",
        lambda a: Call("DELETE", _path("/plans", a.id)),
        _dropped,
    )
    _add_id(drop, "this one; else all")


def _add_arm(commands: Commands) -> None:
    arm = commands.add("arm", "arm a fault", _arm_call, lambda value: [f"armed {_rule(value)}"])
    arm.add_argument(
        "fault",
        type=read.fault,
        metavar="FAULT",
        help="such as 5001, '5001;retry-after=2', reset, 'truncated;fraction=0.2', latency=0.5,"
        " scenario=slow; or a JSON object",
    )
    read.add_match(arm)
    add_when(arm)


def add_when(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say which matches are struck, and the id of the rule."""
    when = parser.add_argument_group("which of them", "each, where nothing is said")
    when.add_argument("--count", type=read.positive, metavar="N", help="at most so many")
    when.add_argument("--after", type=read.whole, metavar="N", help="the first so many pass")
    when.add_argument(
        "--probability", type=read.probability, metavar="P", help="each with this probability"
    )
    when.add_argument(
        "--window", type=read.window, metavar="FROM:TO", help="in this span of virtual time"
    )
    when.add_argument(
        "--ttl", type=read.duration, metavar="SECONDS", help="for so much virtual time"
    )
    parser.add_argument("--id", help="its name; else the next number", metavar="ID")


def given_when(arguments: argparse.Namespace) -> Value:
    """Which matches are struck, as far as the options say."""
    return read.given(arguments, _WHEN)


def _add_id(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("id", nargs="?", metavar="ID", help=text)


# ---- calls ----------------------------------------------------------------------------------


def _path(base: str, rule_id: str | None) -> str:
    return base if rule_id is None else f"{base}/{segment(rule_id)}"


def _arm_call(arguments: argparse.Namespace) -> Call:
    body: Value = {"fault": arguments.fault} | read.given(arguments, ("id",))
    match, when = read.match_of(arguments), given_when(arguments)
    if match:
        body["match"] = match
    if when:
        body["when"] = when
    return Call("POST", "/faults", body)


def _plan_call(arguments: argparse.Namespace) -> Call:
    steps: dict[str, list[Any]] = {}
    for operation, faults in arguments.steps:
        steps.setdefault(operation, []).extend(faults)
    return Call("POST", "/plans", {"steps": steps} | read.given(arguments, ("id",)))


# ---- answers --------------------------------------------------------------------------------


def fault_lines(faults: Sequence[Value]) -> list[str]:
    """A table of armed faults."""
    rows = [
        (
            rule["id"],
            rule["state"],
            fault_text(rule["fault"]),
            words(rule["match"]) or "every request",
            words(rule["when"]) or "each",
            rule["matched"],
            rule["consumed"],
            rule["remaining"],
            rule["bypassed"],
        )
        for rule in faults
    ]
    head = ("ID", "STATE", "FAULT", "REQUESTS", "WHEN")
    return table((*head, "MATCHED", "STRUCK", "LEFT", "BYPASSED"), rows, "no faults are armed")


def fault_text(fault: Any) -> str:
    """A fault in one line, as a text where one can say it."""
    if not isinstance(fault, Mapping):
        return str(fault)
    edit = f" {_json(fault['edit'])}" if "edit" in fault else ""
    return short(fault) + edit


def words(selection: Mapping[str, Any]) -> str:
    """What a match, pattern or when says: ``operation=getSpeech status=200``."""
    return " ".join(f"{name}={_word(value)}" for name, value in selection.items())


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return _json(value) if isinstance(value, dict) else str(value)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _rule(rule: Value) -> str:
    requests = words(rule["match"]) or "every request"
    when = f", {words(rule['when'])}" if rule["when"] else ""
    return f"{rule['id']}: {cell(fault_text(rule['fault']))} on {cell(requests)}{when}"


def _disarmed(value: Value) -> list[str]:
    if "disarmed" in value:
        return [f"disarmed {count(value['disarmed'], 'fault')}"]
    return [f"disarmed {_rule(value)}; it struck {value['consumed']} of {value['matched']} matches"]


def plan_lines(plans: Sequence[Value]) -> list[str]:
    """A table of plans, a row for each operation."""
    rows = [
        (plan["id"], operation, part["done"], ", ".join(map(fault_text, part["left"])))
        for plan in plans
        for operation, part in plan["steps"].items()
    ]
    return table(("ID", "OPERATION", "PLAYED", "LEFT"), rows, "no plans")


def _plan(value: Value) -> list[str]:
    parts = [
        f"{operation}={','.join(map(fault_text, part['left']))}"
        for operation, part in value["steps"].items()
    ]
    return [f"planned {value['id']}: {cell(' '.join(parts))}"]


def _dropped(value: Value) -> list[str]:
    if "dropped" in value:
        return [f"dropped {count(value['dropped'], 'plan')}"]
    state = "it was completed" if value["completed"] else f"left were {_left(value)}"
    return [f"dropped {value['id']}; {state}"]


def _left(plan: Value) -> str:
    parts = [
        f"{count(len(part['left']), 'step')} of {operation}"
        for operation, part in plan["steps"].items()
        if part["left"]
    ]
    return ", ".join(parts)


def _unplayed(arguments: argparse.Namespace, value: Value) -> str:
    if not arguments.check:
        return ""
    plans = value.get("plans", [value])
    if not plans:
        return "there is no plan to check; `kling-mock ctl plan` makes one"
    left = [f"{plan['id']} has left {_left(plan)}" for plan in plans if not plan["completed"]]
    return "; ".join(left)
