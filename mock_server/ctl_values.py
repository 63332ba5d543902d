"""Reading the words of ``kling-mock ctl``: durations, instants, limits, patterns, faults."""

from __future__ import annotations

import argparse
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from mock_server import values
from mock_server.core.task import TaskKind, TaskStatus

_STATUSES = tuple(item.value for item in TaskStatus)
_KINDS = tuple(item.value for item in TaskKind)
_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DIALECTS = ("klingai", "kkiai", "ezmodel")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: What a pattern is made of, and what it can see in an answer besides.
_MATCH = ("operation", "dialect", "method", "path", "task", "body", "query")
_PATTERN = (*_MATCH, "status", "code", "fault", "scenario")

Reader = Callable[[str], Any]


def reads(reader: Callable[[Any], Any]) -> Reader:
    """A reader whose words argparse prints."""

    def read(text: str) -> Any:
        try:
            return reader(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return read


def _duration(text: str) -> float:
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ms|s|m|h|d)?", text.strip())
    if found is None:
        raise ValueError(f"must be seconds, or a number with ms, s, m, h or d, not {text!r}")
    number = float(found[1]) * _UNITS[found[2] or ""]
    if math.isinf(number):
        raise ValueError(f"must be a finite number, not {text!r}")
    return int(number) if number.is_integer() else round(number, 9)


def _window(text: str) -> list[float]:
    begin, _, end = text.partition(":")
    window = [_duration(begin), _duration(end)]
    if not window[0] < window[1]:
        raise ValueError(f"must be FROM:TO, from less to more, not {text!r}")
    return window


def _until(text: str) -> dict[str, str]:
    task, _, wanted = text.rpartition("=")
    if not task:
        raise ValueError(f"must be TASK=STATUS, not {text!r}")
    return {"task": task, "status": values.one_of(*_STATUSES)(wanted)}


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError(f"must be NAME=VALUE, not {text!r}")
    return name, value


def _limit(reader: Callable[[Any], Any]) -> Callable[[str], Any]:
    return lambda text: None if text == "none" else _or_none(reader, text)


def _or_none(reader: Callable[[Any], Any], text: str) -> Any:
    try:
        return reader(text)
    except ValueError as error:
        raise ValueError(f"{error}; none is no limit") from None


def _rate(text: str) -> dict[str, float]:
    found = values.rate(text)
    return {"requests": found.requests, "seconds": found.seconds}


def _units(text: str) -> float:
    return values.units(text) / 100


def _object(text: str) -> dict[str, Any]:
    value = _json(text)
    if not isinstance(value, dict):
        raise ValueError(f"must be a JSON object, not {text!r}")
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"must be JSON, not {text!r}") from None


def _fault(text: str) -> Any:
    return _object(text) if text.lstrip().startswith("{") else text


def _steps(text: str) -> tuple[str, list[Any]]:
    operation, faults = _pair(text)
    if faults.startswith("["):
        steps = _json(faults)
        return operation, steps if isinstance(steps, list) else [steps]
    steps = [part.strip() for part in faults.split(",")]
    if not all(steps):
        raise ValueError(f"must be OPERATION=FAULT,FAULT,ok, not {text!r}")
    return operation, steps


duration = reads(_duration)
window = reads(_window)
until = reads(_until)
instant = reads(values.instant)
status = reads(values.one_of(*_STATUSES))
kind = reads(values.one_of(*_KINDS))
mode = reads(values.one_of("real", "manual"))
rate = reads(values.number(0, 1e6))
whole = reads(values.whole(0, 999_999_999))
positive = reads(values.whole(1, 999_999_999))
probability = reads(values.number(0, 1))
units_limit = reads(_limit(_units))
slots_limit = reads(_limit(values.whole(0, 1_000_000)))
rate_limit = reads(_limit(_rate))
pair = reads(_pair)
fault = reads(_fault)
steps = reads(_steps)


def add_match(parser: argparse.ArgumentParser) -> None:
    """The options that say which requests are meant; what is left out is anything."""
    group = parser.add_argument_group("which requests", "what is left out is anything")
    group.add_argument(
        "--operation",
        metavar="OP",
        action="append",
        help="operationId, as `kling-mock routes` lists them; may be repeated",
    )
    group.add_argument(
        "--task", metavar="ID", help="task id or external id that is in the path of the request"
    )
    group.add_argument(
        "--dialect", type=reads(values.one_of(*_DIALECTS)), help=" | ".join(_DIALECTS), metavar="D"
    )
    group.add_argument(
        "--method", type=reads(_method), help="method of the request", metavar="METHOD"
    )
    group.add_argument("--path", help="path; * stands for any characters", metavar="GLOB")
    group.add_argument(
        "--body", type=reads(_object), help="JSON object that the body must contain", metavar="JSON"
    )
    group.add_argument(
        "--query",
        type=pair,
        action="append",
        help="query parameter; may be repeated",
        metavar="NAME=VALUE",
    )


def add_pattern(parser: argparse.ArgumentParser) -> None:
    """The options that say which requests and answers are meant."""
    add_match(parser)
    group = parser.add_argument_group("and which answers")
    group.add_argument(
        "--status", type=reads(values.whole(100, 599)), help="HTTP status", metavar="N"
    )
    group.add_argument(
        "--code", type=reads(values.whole(0, 999_999)), help="business code", metavar="N"
    )
    group.add_argument(
        "--fault", help="fault that was applied, as the journal shows it; * is any", metavar="TEXT"
    )
    group.add_argument("--scenario", help="scenario that was followed", metavar="NAME")


def _method(text: str) -> str:
    return values.one_of(*_METHODS)(text.upper())


def match_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The match that ``add_match`` was given."""
    return _given(arguments, _MATCH)


def pattern_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """The pattern that ``add_pattern`` was given."""
    return _given(arguments, _PATTERN)


def _given(arguments: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    found = given(arguments, names)
    if "operation" in found:
        operations = list(dict.fromkeys(found["operation"]))
        found["operation"] = operations[0] if len(operations) == 1 else operations
    if "query" in found:
        found["query"] = dict(found["query"])
    return found


def given(arguments: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    """Those of the named options that have a value."""
    every: Mapping[str, Any] = vars(arguments)
    return {name: every[name] for name in names if every.get(name) is not None}
