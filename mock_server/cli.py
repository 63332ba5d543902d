"""The command line: ``kling-mock serve``, ``ctl``, ``listen``, ``check``, ``probe-receiver``, and lists of things.

Exit codes: 0 done, 2 the user's mistake, said in one line. All but ``serve`` and the lists have 1 too.
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from mock_server import __version__, contract, resources
from mock_server.core.scenario import UnknownScenario
from mock_server.core.words import nearest
from mock_server.datafile import BrokenFile
from mock_server.documents import Documents
from mock_server.resources import ResourceMissing
from mock_server.settings import (
    ENVIRONMENT_PREFIX,
    FILE_NAME,
    NAMES,
    Settings,
    SettingsError,
    default_of,
    flag,
    load,
)
from mock_server.sockets import CannotStart
from mock_server.terminal import aligned, fail, write, write_json

#: Settings that are on or off: ``--quiet`` and ``--no-quiet``.
_REPEATED = ("behaviour", "webhook_secret", "callback_allow", "callback_rewrite")
_SWITCHES = ("magic", "strict", "quiet", "json")
#: Settings that say which scenarios there are, and which readings are in force.
_OF_SCENARIOS = ("scenarios", "scenario", "fixtures", "magic")
_OF_BEHAVIOURS = ("behaviour",)


class Parser(argparse.ArgumentParser):
    """An argument parser that says a mistake in one line, with the nearest valid word."""

    def error(self, message: str) -> NoReturn:
        """Prints one line and exits with 2."""
        prefix = "unrecognized arguments: "
        choice = re.match(
            r"argument [A-Z]+: invalid choice: '?(.*?)'? \(choose from (.*)\)", message
        )
        if message.startswith(prefix):
            unknown = message.removeprefix(prefix).split()[0].partition("=")[0]
            message = f"unexpected argument {unknown!r}"
            if unknown.startswith("-"):
                hint = nearest(unknown, self._option_string_actions)
                message = f"unknown option {unknown!r}{hint}"
        elif choice is not None:
            known = re.findall(r"[\w-]+", choice[2])
            hint = nearest(choice[1], known) or f"; one of {', '.join(known)}"
            message = f"unknown command {choice[1]!r}{hint}"
        fail(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    parser = _parser("".join(words[:1]))
    arguments, unknown = parser.parse_known_args(words)
    command: Callable[[argparse.Namespace], int] | None = getattr(arguments, "run", None)
    if unknown:
        arguments.parser.error("unrecognized arguments: " + " ".join(unknown))
    if command is None:
        arguments.parser.print_help()
        return 2
    try:
        code = command(arguments)
        sys.stdout.flush()
        return code
    except (SettingsError, BrokenFile, CannotStart, ResourceMissing, UnknownScenario) as error:
        fail(str(error))
    except KeyboardInterrupt:  # before the server took over the signal
        return 0
    except BrokenPipeError:  # whoever read what is printed has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser(chosen: str) -> Parser:
    parser = Parser(
        prog="kling-mock",
        description="A stateful mock of Kling AI's text-to-speech and custom-voice API.",
        allow_abbrev=False,
    )
    parser.set_defaults(parser=parser)
    parser.add_argument("--version", action="version", version=f"kling-mock {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)

    def command(name: str, text: str, description: str = "") -> Parser:
        added = commands.add_parser(
            name,
            help=text,
            description=description or text[0].upper() + text[1:] + ".",
            allow_abbrev=False,
        )
        added.set_defaults(parser=added)
        return added

    serve = command(
        "serve",
        "start the mock",
        "Starts the mock. Each option is also an environment variable"
        f" ({ENVIRONMENT_PREFIX}PORT) and a key of {FILE_NAME} (port = 8700).",
    )
    _add_settings(serve, NAMES)
    serve.add_argument(
        "--until-eof",
        action="store_true",
        help="stop when standard input ends, as a pipe does with the process that holds it (a flag only)",
    )
    serve.set_defaults(run=_serve)
    _add_lazily(command, chosen)
    _add_kit(command, chosen)
    _add_listings(command)
    return parser


def _add_lazily(command: Callable[[str, str, str], Parser], chosen: str) -> None:
    """Commands whose many options are made only when they are chosen."""
    ctl = command(
        "ctl",
        "look into a running mock, and steer it",
        "Looks into a running mock, and steers it. Exit codes: 0 done; 1 a wait ran out, or what"
        " was checked is not so; 2 a mistake, a refusal, or no server.",
    )
    listen = command(
        "listen",
        "receive callbacks: verify, show, forward them, or misbehave",
        "Receives callbacks: verifies, shows and forwards them, or misbehaves. Exit codes: 0 ended"
        " by a signal or --count; 1 --count was not reached within --timeout; 2 a mistake.",
    )
    if chosen == "ctl":
        from mock_server import ctl as ctl_module

        ctl_module.fill(ctl)
    elif chosen == "listen":
        from mock_server import listen as listen_module

        listen_module.fill(listen)


def _add_kit(command: Callable[[str, str, str], Parser], chosen: str) -> None:
    """The commands of the contract kit."""
    clauses = command(
        "clauses",
        "list the clauses of the contract, with their evidence",
        "Lists the clauses of the contract: what a server promises, with evidence and source.",
    )
    check = command(
        "check",
        "prove that a server keeps the contract",
        "Proves that a server keeps the contract, clause by clause. Exit codes: 0 kept; 1 broken;"
        " 2 could not look: a mistake, no server, a refused key, or nobody agreed to pay.",
    )
    probe = command(
        "probe-receiver",
        "prove that your own receiver of callbacks is a good one",
        "Proves that a receiver of callbacks is a good one, clause by clause. Exit codes: 0 it is;"
        " 1 a clause is broken; 2 could not look: a mistake, nobody there, or it lets nobody in.",
    )
    if chosen in ("clauses", "check"):
        from mock_server import kit

        kit.fill_clauses(clauses)
        kit.fill_check(check)
    elif chosen == "probe-receiver":
        from mock_server import kit_probe

        kit_probe.fill(probe)


def _add_listings(command: Callable[[str, str], Parser]) -> None:
    scenarios = command("scenarios", "list the scenarios that tasks can follow")
    _add_settings(scenarios, _OF_SCENARIOS)
    scenarios.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of a scenario file instead"
    )
    behaviours = command("behaviours", "list the disputed rules and the readings in force")
    _add_settings(behaviours, _OF_BEHAVIOURS)
    routes = command("routes", "list the operations")
    for parser, run in ((scenarios, _scenarios), (behaviours, _behaviours), (routes, _routes)):
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.set_defaults(run=run)


def _add_settings(parser: argparse.ArgumentParser, names: Collection[str]) -> None:
    parser.add_argument(
        "--config", metavar="FILE", type=Path, help=f"settings file; else {FILE_NAME} if it is here"
    )
    for item in fields(Settings):
        if item.name not in names:
            continue
        text = item.metadata["help"]
        if item.name in _SWITCHES:
            parser.add_argument(
                flag(item.name),
                action=argparse.BooleanOptionalAction,
                default=argparse.SUPPRESS,
                help=text,
            )
        else:
            shown = default_of(item.name)
            parser.add_argument(
                flag(item.name),
                metavar=item.metadata["metavar"],
                action="append" if item.name in _REPEATED else "store",
                default=argparse.SUPPRESS,
                help=f"{text} (default {shown})" if shown not in ("", None) else text,
            )


def _settings(arguments: argparse.Namespace, names: Collection[str]) -> Settings:
    flags: dict[str, Any] = {
        name: getattr(arguments, name) for name in names if hasattr(arguments, name)
    }
    return load(flags, file=arguments.config)


def _serve(arguments: argparse.Namespace) -> int:
    gc.disable()  # a start makes no garbage worth looking for; foreground.serve enables it
    from mock_server import foreground

    return foreground.serve(_settings(arguments, NAMES), until_eof=arguments.until_eof)


def _scenarios(arguments: argparse.Namespace) -> int:
    from mock_server import listing

    settings = _settings(arguments, _OF_SCENARIOS)
    if arguments.schema:
        write_json(listing.scenario_schema(settings))
        return 0
    found = listing.scenarios_of(settings)
    if arguments.json:
        write_json(found)
    else:
        write(listing.scenario_lines(found["scenarios"]))
    return 0


def _behaviours(arguments: argparse.Namespace) -> int:
    from mock_server import listing

    found = listing.behaviours_of(_settings(arguments, _OF_BEHAVIOURS).behaviour)
    if arguments.json:
        write_json(found)
    else:
        write(listing.behaviour_lines(found["behaviours"]))
    return 0


def _routes(arguments: argparse.Namespace) -> int:
    operations = contract.load(Documents(resources.folder("openapi"))).operations
    if arguments.json:
        rows = [
            {
                "dialect": operation.dialect,
                "method": operation.method,
                "path": operation.path,
                "operationId": operation.operation_id,
                "summary": operation.summary,
            }
            for operation in operations
        ]
        write_json(rows)
        return 0
    write(
        aligned([(item.dialect, item.method, item.path, item.operation_id) for item in operations])
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
