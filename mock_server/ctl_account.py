"""``kling-mock ctl``: the journal, callbacks, limits, books and behaviours of an account."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mock_server import ctl_values as read
from mock_server.ctl_client import Call
from mock_server.ctl_command import Commands, Value
from mock_server.ctl_faults import words
from mock_server.listing import behaviour_lines
from mock_server.terminal import aligned, cell, count, instant, seconds, table

_COUNTS = ("count", "at_least", "at_most")


def add(commands: Commands) -> None:
    """Adds the commands."""
    journal = commands.add(
        "journal", "list what was asked and answered, oldest first", _journal_call, _journal
    )
    journal.add_argument(
        "--since", type=read.whole, metavar="N", help="only entries with a greater number"
    )
    journal.add_argument("--limit", type=read.positive, metavar="N", help="only the newest N")
    journal.add_argument("--clear", action="store_true", help="forget all entries instead")
    _add_verify(commands)
    commands.add(
        "callbacks",
        "list the attempts to deliver callbacks, oldest first",
        lambda _: Call("GET", "/callbacks"),
        lambda value: [*callback_lines(value["callbacks"]), *_dropped(value)],
    )
    _add_limits(commands)
    commands.add("ledger", "show the units spent", lambda _: Call("GET", "/ledger"), _ledger)
    commands.add("slots", "show the tasks in flight", lambda _: Call("GET", "/slots"), _slots)
    behaviours = commands.add(
        "behaviours", "show or choose the readings of disputed rules", _behaviours_call, _behaviours
    )
    behaviours.add_argument(
        "readings", nargs="*", type=read.pair, metavar="NAME=VALUE", help="the reading of a rule"
    )
    commands.add(
        "reset",
        "forget everything of the account: tasks, clock, faults, journal",
        lambda _: Call("POST", "/reset"),
        lambda value: [f"{cell(value['account'])} begins anew (reset {value['epoch']})"],
    )


def _add_verify(commands: Commands) -> None:
    verify = commands.add(
        "verify", "count requests in the journal; exit code 1 if wrong", _verify_call, _verdict, _no
    )
    read.add_pattern(verify)
    how_many = verify.add_argument_group("how many", "at least 1, where nothing is said")
    number = how_many.add_mutually_exclusive_group()
    number.add_argument("--count", type=read.whole, metavar="N", help="exactly so many")
    number.add_argument("--at-least", type=read.whole, metavar="N", help="so many or more")
    number.add_argument("--at-most", type=read.whole, metavar="N", help="so many or fewer")
    verify.add_argument(
        "--since", type=read.whole, metavar="N", help="only entries with a greater number"
    )


def _add_limits(commands: Commands) -> None:
    limits = commands.add("limits", "show or set the limits", _limits_call, _limits)
    for name, reader, metavar, text in (
        ("--units", read.units_limit, "N|none", "resource pack"),
        ("--slots", read.slots_limit, "N|none", "tasks in flight"),
        ("--rate", read.rate_limit, "N/SECONDS|none", "requests per virtual seconds"),
    ):
        limits.add_argument(
            name, type=reader, metavar=metavar, help=text, default=argparse.SUPPRESS
        )


# ---- calls ----------------------------------------------------------------------------------


def _journal_call(arguments: argparse.Namespace) -> Call:
    if arguments.clear:
        return Call("DELETE", "/journal")
    return Call("GET", "/journal", query=read.given(arguments, ("since", "limit")))


def _verify_call(arguments: argparse.Namespace) -> Call:
    expected = {"match": read.pattern_of(arguments)} | read.given(arguments, _COUNTS)
    body = {"expect": [expected]} | read.given(arguments, ("since",))
    return Call("POST", "/journal/verify", body)


def _limits_call(arguments: argparse.Namespace) -> Call:
    given = vars(arguments)
    names = ("units", "slots", "rate")
    change: Value = {name: given[name] for name in names if name in given}
    return Call("PUT" if change else "GET", "/limits", change or None)


def _behaviours_call(arguments: argparse.Namespace) -> Call:
    change = dict(arguments.readings)
    return Call("PUT" if change else "GET", "/behaviours", change or None)


# ---- answers --------------------------------------------------------------------------------


def _journal(value: Value) -> list[str]:
    if "cleared" in value:
        return [f"forgot {count(value['cleared'], 'request')}"]
    return [*entry_lines(value["entries"]), *_dropped(value)]


def _dropped(value: Value) -> list[str]:
    return [f"{value['dropped']} older ones are no longer kept"] if value["dropped"] else []


def entry_lines(entries: Sequence[Value]) -> list[str]:
    """A table of journal entries."""
    rows = [
        (
            entry["number"],
            instant(entry["at"]),
            f"{entry['method']} {entry['path']}" + (f"?{entry['query']}" if entry["query"] else ""),
            entry["status"],
            entry["code"],
            f"{entry['took_ms']:g}",
            entry["task_id"],
            _notes(entry),
        )
        for entry in entries
    ]
    head = ("NUMBER", "AT", "REQUEST", "STATUS", "CODE", "MS", "TASK", "NOTES")
    return table(head, rows, "no requests")


def _notes(entry: Value) -> str:
    parts = [entry["message"]]
    parts += [f"{name}: {entry[name]}" for name in ("fault", "warning") if entry[name]]
    if entry["scenario"] not in ("", "default"):
        parts.append(f"scenario: {entry['scenario']}")
    return "; ".join(filter(None, parts))


def callback_lines(attempts: Sequence[Value]) -> list[str]:
    """A table of attempts to deliver callbacks."""
    rows = [
        (
            attempt["number"],
            instant(attempt["at"]),
            attempt["task_id"],
            attempt["task_status"],
            attempt["attempt"],
            attempt["error"] or attempt["status"],
            f"{attempt['took_ms']:g}",
            attempt["url"],
        )
        for attempt in attempts
    ]
    head = ("NUMBER", "AT", "TASK", "REPORTED", "ATTEMPT", "ANSWER", "MS", "URL")
    return table(head, rows, "no callbacks")


def _verdict(value: Value) -> list[str]:
    lines: list[str] = []
    for result in value["results"]:
        numbers = ", ".join(map(str, result["numbers"]))
        which = f" ({cell(f'no. {numbers}')})" if numbers else ""
        found = f"{result['matched']} found{which}, {result['wanted']} wanted"
        pattern = cell(words(result["match"]) or "any request")
        lines.append(f"{'ok' if result['ok'] else 'not ok'}: {found}: {pattern}")
        lines += [
            f"  nearly: {miss['number']} {cell(miss['request'])}: {cell('; '.join(miss['mismatches']))}"
            for miss in result["near_misses"]
        ]
    return lines


def _no(_arguments: argparse.Namespace, value: Value) -> str:
    return "" if value["ok"] else "the journal does not hold what was expected"


def _limits(value: Value) -> list[str]:
    rate = value["rate"]
    per = rate and f"{count(rate['requests'], 'request')} in {seconds(rate['seconds'] * 1000)}"
    return aligned(
        [
            ("units", _number(value["units"])),
            ("slots", _number(value["slots"])),
            ("rate", per or "no limit"),
        ]
    )


def _number(limit: float | None) -> str:
    return "no limit" if limit is None else f"{limit:g}"


def _ledger(value: Value) -> list[str]:
    rows = [
        (row["task_id"], row["kind"], f"{row['units']:g}", row["state"], instant(row["at"]))
        for row in value["entries"]
    ]
    total = [
        ("pack", _number(value["units"])),
        ("spent", f"{value['spent']:g}"),
        ("pending", f"{value['pending']:g}"),
        ("balance", _number(value["balance"])),
    ]
    return [
        *table(("TASK", "KIND", "UNITS", "STATE", "AT"), rows, "no deductions"),
        *aligned(total),
    ]


def _slots(value: Value) -> list[str]:
    rows = [(row["task_id"], instant(row["since"])) for row in value["held"]]
    slots = (
        "no limit"
        if value["slots"] is None
        else f"{value['free']} of {count(value['slots'], 'slot')} free"
    )
    return [*table(("TASK", "SINCE"), rows, "no tasks in flight"), slots]


def _behaviours(value: Value) -> list[str]:
    return behaviour_lines(value["behaviours"])
