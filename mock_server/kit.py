"""``kling-mock clauses`` and ``check``: the way from the command line to the contract kit.

The kit is a package of its own that the mock does not depend on; it is imported by name when one of them runs.
"""

from __future__ import annotations

import argparse
import gc
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

from mock_server import values
from mock_server.ctl_values import reads
from mock_server.settings import environment
from mock_server.terminal import aligned, complain, write, write_json

DIALECTS = ("klingai", "kkiai", "ezmodel")
PROFILES = ("smoke", "standard", "thorough", "live-free", "live-canary")
#: New objects of a run before they are looked through for garbage.
_GC_THRESHOLD = 50_000
#: What the extra brings.
_NEEDED = ("schemathesis", "hypothesis", "pytest")
#: Secrets by the variables that stand in for their options, so that no process list shows them.
_SECRETS = {
    "api_key": "KLING_MOCK_API_KEY",
    "api_key2": "KLING_MOCK_API_KEY2",
    "access_key": "KLING_MOCK_ACCESS_KEY",
    "secret_key": "KLING_MOCK_SECRET_KEY",
    "webhook_secret": "KLING_MOCK_WEBHOOK_SECRET",
}


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
        "url",
        metavar="URL",
        nargs="?",
        type=reads(values.public_url),
        default="",
        help="where the server is; without it, a mock is started and checked",
    )
    parser.add_argument(
        "--app",
        metavar="MODULE:NAME",
        default="",
        help="check this ASGI application, or what this function makes, instead of a URL",
    )
    _add_secrets(parser)
    _add_ways(parser)
    _add_times(parser)
    _add_reports(parser)
    _add_recordings(parser)
    _add_money(parser)
    _add_live(parser)
    _say_mistakes_as_json(parser)
    parser.set_defaults(run=_check)


def _say_mistakes_as_json(parser: argparse.ArgumentParser) -> None:
    """Makes a mistake on the command line one JSON object too, where ``--json`` is among the words."""
    parse, plain = parser.parse_known_args, parser.error
    words = sys.argv[1:]

    def parsed(args: Any = None, namespace: Any = None) -> Any:
        words[:] = words if args is None else args
        return parse(args, namespace)

    def error(message: str) -> NoReturn:
        said = io.StringIO()
        try:
            with redirect_stderr(said):
                plain(message)
        finally:
            line = said.getvalue()
            if "--json" in words:
                _write_mistake(line.strip().removeprefix("kling-mock: "))
            sys.stderr.write(line)

    vars(parser).update(parse_known_args=parsed, error=error)


def _write_mistake(message: str) -> None:
    write_json({"exit_code": 2, "error": message, "clauses": []})


def _mistake(message: str, arguments: argparse.Namespace) -> int:
    """Says a mistake; returns the exit code."""
    if arguments.json:
        _write_mistake(message)
    complain(message)
    return 2


def _add_secrets(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "secrets", "Each can come from the environment instead, where no process list shows it."
    )
    group.add_argument(
        "--api-key",
        metavar="KEY",
        default="",
        help="API key or token to use there (KLING_MOCK_API_KEY)",
    )
    group.add_argument(
        "--api-key2",
        metavar="KEY",
        default="",
        help="key of another account (KLING_MOCK_API_KEY2); without it, what accounts see of each other is not"
        " looked at",
    )
    group.add_argument(
        "--access-key",
        metavar="KEY",
        default="",
        help="access key to sign tokens for (KLING_MOCK_ACCESS_KEY), so that expired and forged ones are looked at;"
        " without --api-key the kit works with such tokens",
    )
    group.add_argument(
        "--secret-key",
        metavar="SECRET",
        default="",
        help="secret to sign them with (KLING_MOCK_SECRET_KEY)",
    )
    group.add_argument(
        "--webhook-secret",
        metavar="SECRET",
        default="",
        help="secret that notifications are signed with there (KLING_MOCK_WEBHOOK_SECRET)",
    )


def _add_ways(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dialect",
        action="append",
        choices=DIALECTS,
        default=[],
        help="dialect to check, repeatable; by default all that the server answers",
    )
    parser.add_argument(
        "--only",
        metavar="CLAUSE",
        action="append",
        default=[],
        help="look at this clause, or at all that begin so (voice-create); repeatable",
    )
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="standard",
        help="how much is looked at (default standard); live-free sends nothing that can be charged, live-canary"
        " a few such calls",
    )
    parser.add_argument("--seed", metavar="N", type=_whole, help="repeats a run; random by default")
    parser.add_argument(
        "--strict", action="store_true", help="breaking an assumed clause is a failure too"
    )


def _add_times(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--patience",
        metavar="SECONDS",
        type=_seconds,
        default=120.0,
        help="how long a task may take where the clock cannot be moved (default 120)",
    )
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=30.0,
        help="how long an answer may take (default 30)",
    )
    parser.add_argument(
        "--time-limit",
        metavar="SECONDS",
        type=_seconds,
        default=0.0,
        help="look at nothing new after that (default 5 minutes in smoke, 15 in standard)",
    )


def _add_reports(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("reports")
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument("--junit", metavar="FILE", default="", help="write JUnit's XML there")
    group.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="draw a bar on standard error; by default on a terminal only",
    )


def _add_recordings(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("recordings")
    group.add_argument(
        "--har-out", metavar="FILE", default="", help="record every exchange there, without secrets"
    )
    group.add_argument(
        "--from-har",
        metavar="FILE",
        default="",
        help="judge recorded traffic, of a browser or proxy, and send nothing",
    )
    group.add_argument(
        "--base-url",
        metavar="URL",
        type=reads(values.public_url),
        default="",
        help="which traffic of the recording is meant; by default whatever has a path of the API",
    )


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
        help="make no more calls that are charged",
    )


def _add_live(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the live API")
    group.add_argument(
        "--canary",
        metavar="K",
        type=_whole,
        default=0,
        help="paid calls of the profile live-canary (default 2)",
    )
    group.add_argument(
        "--sample-url",
        metavar="URL",
        default="",
        help="a recording of 5 to 30 seconds that it can fetch; without it, live-canary makes no voice",
    )
    group.add_argument(
        "--callback-url",
        metavar="URL",
        type=reads(values.public_url),
        default="",
        help="a public address, such as a tunnel's, that leads to --callback-port here; without it, notifications"
        " of a server elsewhere are not looked at",
    )
    group.add_argument(
        "--callback-port", metavar="PORT", type=_whole, default=0, help="where to listen for them"
    )


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


def _check(arguments: argparse.Namespace) -> int:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        return _mistake(
            f"check needs {', '.join(missing)}; in a clone of the repository:"
            " .venv/bin/pip install -c constraints.txt '.[check]'",
            arguments,
        )
    named = [name for name in ("url", "app", "from_har") if getattr(arguments, name)]
    if len(named) > 1:
        return _mistake("check takes one of URL, --app and --from-har", arguments)
    for name, variable in _SECRETS.items():
        secret = getattr(arguments, name) or environment(variable) or ""
        if not secret.isprintable():
            option = f"--{name.replace('_', '-')}"
            words = f"{option}: it has a character that no header can carry, such as a line break"
            return _mistake(words, arguments)
        setattr(arguments, name, secret)
    module = "recording" if arguments.from_har else "session"
    try:
        with _seldom_collecting():
            code: int = import_module(f"contract_tests.{module}").main(arguments)
    except KeyboardInterrupt:
        # Before the kit took over the signal, or once more while it tidied up.
        complain("interrupted")
        return 2
    return code


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Looks for garbage seldom: most of what a run makes lives as long as the run."""
    before = gc.get_threshold()
    gc.set_threshold(_GC_THRESHOLD, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)
