"""``kling-mock clauses`` and ``check``: the way from the command line to the contract kit.

The kit is a package of its own that the mock does not depend on; it is imported by name when one of them runs.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec

from mock_server import values
from mock_server.ctl_values import reads
from mock_server.settings import environment
from mock_server.terminal import aligned, complain, write, write_json

DIALECTS = ("klingai", "kkiai", "ezmodel")
PROFILES = ("smoke", "standard", "thorough")
#: What the extra brings.
_NEEDED = ("schemathesis", "hypothesis", "pytest")
_KEY = "KLING_MOCK_API_KEY"


def fill_clauses(parser: argparse.ArgumentParser) -> None:
    """Gives the parser of ``clauses`` its options."""
    parser.add_argument(
        "--dialect", choices=DIALECTS, default="", help="only what this dialect promises"
    )
    parser.add_argument(
        "--receiver",
        action="store_true",
        help="what a receiver of callbacks does well, as probe-receiver looks at it",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_clauses)


def _clauses(arguments: argparse.Namespace) -> int:
    if arguments.receiver:
        found = import_module("contract_tests.probe.catalogue").catalogue().values()
    else:
        found = import_module("contract_tests.clauses").catalogue(arguments.dialect).values()
    if arguments.json:
        write_json({"clauses": [asdict(clause) for clause in found]})
        return 0
    rows = [(item.id, item.evidence, ",".join(item.dialects), item.text) for item in found]
    write(aligned([("CLAUSE", "EVIDENCE", "DIALECTS", "TEXT"), *rows]))
    return 0


def fill_check(parser: argparse.ArgumentParser) -> None:
    """Gives the parser of ``check`` its options."""
    parser.add_argument(
        "url", metavar="URL", type=reads(values.public_url), help="where the server is"
    )
    parser.add_argument(
        "--api-key", metavar="KEY", default="", help=f"API key or token to use there ({_KEY})"
    )
    parser.add_argument(
        "--api-key2",
        metavar="KEY",
        default="",
        help="key of another account; without it, what accounts see of each other is not looked at",
    )
    _add_ways(parser)
    _add_reports(parser)
    _add_money(parser)
    parser.set_defaults(run=_check)


def _add_ways(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dialect",
        action="append",
        choices=DIALECTS,
        default=[],
        help="dialect to check, repeatable; by default all that the server answers",
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="standard",
        help="how many requests are generated (default standard, about a minute)",
    )
    parser.add_argument("--seed", metavar="N", type=_whole, help="repeats a run; random by default")
    parser.add_argument(
        "--strict", action="store_true", help="breaking an assumed clause is a failure too"
    )
    parser.add_argument(
        "--patience",
        metavar="SECONDS",
        type=float,
        default=120.0,
        help="how long a task may take where the clock cannot be moved (default 120)",
    )


def _add_reports(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("reports")
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument("--junit", metavar="FILE", default="", help="write JUnit's XML there")


def _add_money(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "money",
        "A server that is no kling-mock may charge for calls, be it on this machine or not.",
    )
    group.add_argument("--free", action="store_true", help="it charges nothing: no limits")
    group.add_argument(
        "--i-will-pay", action="store_true", help="call a server that may charge for it"
    )
    group.add_argument(
        "--max-requests", metavar="N", type=_whole, default=0, help="send no more requests there"
    )
    group.add_argument(
        "--max-billed",
        metavar="N",
        type=_whole,
        default=0,
        help="make no more calls that are charged",
    )


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def _check(arguments: argparse.Namespace) -> int:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        complain(
            f"check needs {', '.join(missing)}; in a clone of the repository:"
            " .venv/bin/pip install -c constraints.txt '.[check]'"
        )
        return 2
    arguments.api_key = arguments.api_key or environment(_KEY) or ""
    code: int = import_module("contract_tests.session").main(arguments)
    return code
