"""``kling-mock ctl``: tasks, and the scenario that new ones follow."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mock_server import ctl_values as read
from mock_server.ctl_client import Call, segment
from mock_server.ctl_command import Commands, Value
from mock_server.terminal import aligned, cell, instant, table


def add(commands: Commands) -> None:
    """Adds the commands."""
    tasks = commands.add(
        "tasks",
        "list the tasks, newest first",
        lambda a: Call("GET", "/tasks", query=read.given(a, ("kind", "status", "limit"))),
        lambda value: task_lines(value["tasks"]),
    )
    tasks.add_argument("--kind", type=read.kind, metavar="KIND", help="speech | custom_voice")
    tasks.add_argument("--status", type=read.status, metavar="STATUS", help="only with this status")
    tasks.add_argument("--limit", type=read.positive, metavar="N", help="at most so many")
    task = commands.add(
        "task",
        "show one task and its timeline",
        lambda a: Call("GET", f"/tasks/{segment(a.task)}"),
        _task,
    )
    _add_task(task)
    failing = commands.add("fail-task", "let a task fail now", _fail_call, _moved)
    _add_task(failing)
    failing.add_argument("message", nargs="?", metavar="MESSAGE", help="the reason of the failure")
    moving = commands.add("move-task", "let a status of a task begin now", _move_call, _moved)
    _add_task(moving)
    moving.add_argument(
        "status",
        type=read.status,
        metavar="STATUS",
        help="submitted | processing | succeed | failed",
    )
    scenario = commands.add(
        "scenario", "show, set or clear the scenario of new tasks", _scenario_call, _scenario
    )
    which = scenario.add_mutually_exclusive_group()
    which.add_argument("name", nargs="?", metavar="NAME", help="`kling-mock scenarios` lists them")
    which.add_argument("--clear", action="store_true", help="back to the server's default")


def _add_task(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", metavar="ID", help="task id or external id")


def _fail_call(arguments: argparse.Namespace) -> Call:
    body = {"to": "failed"} | read.given(arguments, ("message",))
    return Call("POST", f"/tasks/{segment(arguments.task)}/transition", body)


def _move_call(arguments: argparse.Namespace) -> Call:
    path = f"/tasks/{segment(arguments.task)}/transition"
    return Call("POST", path, {"to": arguments.status})


def _scenario_call(arguments: argparse.Namespace) -> Call:
    if arguments.clear:
        return Call("DELETE", "/scenario")
    if arguments.name is None:
        return Call("GET", "/scenario")
    return Call("PUT", "/scenario", {"scenario": arguments.name})


def task_lines(tasks: Sequence[Value]) -> list[str]:
    """A table of tasks."""
    rows = [
        (
            task["task_id"],
            task["kind"],
            task["status"],
            task["scenario"],
            instant(task["created_at"]),
            task["external_task_id"],
            task["message"],
        )
        for task in tasks
    ]
    head = ("TASK", "KIND", "STATUS", "SCENARIO", "CREATED", "EXTERNAL ID", "MESSAGE")
    return table(head, rows, "no tasks")


def _task(value: Value) -> list[str]:
    facts = [
        ("task", value["task_id"]),
        ("kind", value["kind"]),
        ("status", value["status"] + (f": {value['message']}" if value["message"] else "")),
        ("dialect", value["dialect"]),
        ("scenario", value["scenario"]),
        ("external id", value["external_task_id"]),
        ("callback url", value["callback_url"]),
        ("created", instant(value["created_at"])),
        ("updated", instant(value["updated_at"])),
    ]
    if value["visible_at"] is not None:
        facts.append(("visible from", instant(value["visible_at"])))
    steps = [
        (step["status"], instant(step["at"]), _stage(step), cell(step["message"] or " "))
        for step in value["timeline"]
    ]
    return [*aligned(facts), "timeline", *aligned(steps, indent="  ")]


def _stage(step: Value) -> str:
    if step["arrived"]:
        return "has come"
    return "comes only when told" if step["at"] is None else "is to come"


def _moved(value: Value) -> list[str]:
    return [f"{value['task_id']} is {value['task_status']} since {instant(value['at'])}"]


def _scenario(value: Value) -> list[str]:
    return [f"new tasks follow the scenario {cell(value['scenario'])}"]
