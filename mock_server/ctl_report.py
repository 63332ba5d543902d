"""``kling-mock ctl report``: the report card on the client of an account."""

from __future__ import annotations

import argparse
import shutil
import textwrap
from collections.abc import Collection, Iterator

from mock_server import ctl_values as read
from mock_server.ctl_client import Call
from mock_server.ctl_command import Commands, Value
from mock_server.terminal import aligned, cell, count

#: From the mildest to the worst; the last two can fail a build.
_LEVELS = ("advice", "warning")
_MARKS = {"warning": "WARNING", "advice": "advice", "ok": "ok", "not_seen": "not seen"}
#: Columns that lines are wrapped to: those of the terminal, within these bounds.
_NARROWEST, _WIDEST = 40, 100
#: Proofs that are shown of an item.
_PROOFS = 3


def add(commands: Commands) -> None:
    """Adds the command."""
    report = commands.add(
        "report", "judge the client: the report card of its account", _call, _card, _judge
    )
    report.add_argument(
        "--since", type=read.whole, metavar="N", help="only requests with a greater number"
    )
    report.add_argument(
        "--fail-on",
        choices=_LEVELS,
        metavar="LEVEL",
        help="exit code 1 if anything is as bad: warning, or advice (which warnings are as well)",
    )


def _call(arguments: argparse.Namespace) -> Call:
    return Call("GET", "/report", query=read.given(arguments, ("since",)))


def _judge(arguments: argparse.Namespace, value: Value) -> str:
    level = arguments.fail_on
    if level is None or value["worst"] not in _LEVELS[_LEVELS.index(level) :]:
        return ""
    counts = value["counts"]
    bad = [count(counts["warning"], "warning")]
    if level == "advice":
        bad.append(_advices(counts["advice"]))
    return f"the client has {' and '.join(bad)} (--fail-on {level})"


def _advices(number: int) -> str:
    return f"{number} advice" if number == 1 else f"{number} advices"


def _card(value: Value) -> list[str]:
    return list(_lines(value))


def _lines(value: Value) -> Iterator[str]:
    asked = value["requests"]
    yield f"{cell(value['account'])}: {count(asked['judged'], 'request')} judged"
    yield cell(value["summary"])
    for sentence in value["blind"]:
        yield from _wrapped(f"not known: {sentence}", "  ")
    for verdict in ("warning", "advice"):
        for item in value["items"]:
            if item["verdict"] == verdict:
                yield ""
                yield from _item(item)
    good = [item for item in value["items"] if item["verdict"] == "ok"]
    if good:
        yield ""
        yield from aligned([("ok", item["id"], item["seen"]) for item in good])
    unseen = [item["id"] for item in value["items"] if item["verdict"] == "not_seen"]
    if unseen:
        yield ""
        yield from _wrapped(f"not seen: {', '.join(unseen)}", "  ")
    if value["lints"]:
        yield ""
        yield "What depends on a rule that sources leave open:"
        for row in value["lints"]:
            yield from _lint(row)
    yield ""
    yield from _wrapped(_cost(value["cost"]), "")


def bad(card: Value, level: str, ignored: Collection[str] = ()) -> list[str]:
    """What of a card is as bad as a level, ``warning`` or ``advice``, in lines; none when nothing is.

    Args:
        ignored: ids of items and lints that do not count.
    """
    verdicts = _LEVELS[_LEVELS.index(level) :]
    lines: list[str] = []
    for said, rows in ((_item, card["items"]), (_lint, card["lints"])):
        for row in rows:
            if row["verdict"] in verdicts and row["id"] not in ignored:
                lines += said(row)
    return lines


def _item(item: Value) -> Iterator[str]:
    yield from _wrapped(f"{_MARKS[item['verdict']]}  {item['id']}: {cell(item['seen'])}", "")
    for proof in item["proofs"][:_PROOFS]:
        yield from _wrapped(f"{_place(proof)}{cell(proof['words'])}", "  ")
    if len(item["proofs"]) > _PROOFS:
        yield "  ... (all with --json)"
    yield from _wrapped(f"-> {item['remedy']}", "  ")
    if item["clause"] is not None:
        yield from _wrapped(_clause(item["clause"]), "  ")


def _lint(row: Value) -> Iterator[str]:
    head = f"{row['id']}, {row['outcome']} {row['count']} times" if row["count"] > 1 else ""
    head = head or f"{row['id']}, {row['outcome']} once"
    yield f"{_MARKS[row['verdict']]}  {head}"
    yield from _wrapped(f"{_place(row['example'])}{cell(row['example']['words'])}", "  ")
    yield from _wrapped(f"-> {row['consequence']}", "  ")
    if row["clause"] is not None:
        yield from _wrapped(_clause(row["clause"]), "  ")


def _place(proof: Value) -> str:
    if proof["number"] is not None:
        return f"no. {proof['number']}: "
    return f"delivery {proof['delivery']}: " if proof["delivery"] is not None else ""


def _clause(clause: Value) -> str:
    return f"{clause['id']} ({clause['evidence']}): {clause['text']}"


def _wrapped(text: str, indent: str) -> list[str]:
    more = indent + "   "
    columns = shutil.get_terminal_size((_WIDEST, 24)).columns
    plain = "".join(char if char.isprintable() else "?" for char in text)
    return textwrap.wrap(
        plain,
        min(max(columns, _NARROWEST), _WIDEST),
        initial_indent=indent,
        subsequent_indent=more,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _cost(cost: Value) -> str:
    parts = [
        f"{cost['units']:g} units",
        count(cost["calls"], "call"),
        count(cost["tasks"], "task"),
        f"{cost['minutes']:g} minutes of waiting",
    ]
    return f"live this would have cost {', '.join(parts)}"
