"""The command line: ``kling-mock serve`` and ``kling-mock routes``.

Exit codes: 0 done, 2 the user's mistake, said in one line.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import NoReturn

import orjson

from mock_server import __version__, contract, resources
from mock_server.core.scenario import UnknownScenario
from mock_server.core.words import nearest
from mock_server.datafile import BrokenFile
from mock_server.documents import Documents
from mock_server.resources import ResourceMissing
from mock_server.settings import (
    ENVIRONMENT_PREFIX,
    FILE_NAME,
    Settings,
    SettingsError,
    default_of,
    flag,
    load,
)
from mock_server.sockets import CannotStart

#: Settings that are on or off: ``--quiet`` and ``--no-quiet``.
_SWITCHES = ("magic", "strict", "quiet", "json")


class Parser(argparse.ArgumentParser):
    """An argument parser that says a mistake in one line, with the nearest valid word."""

    def error(self, message: str) -> NoReturn:
        """Prints one line and exits with 2."""
        prefix = "unrecognized arguments: "
        if message.startswith(prefix):
            unknown = message.removeprefix(prefix).split()[0].partition("=")[0]
            message = f"unknown option {unknown!r}{nearest(unknown, self._option_string_actions)}"
        _fail(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = _parser()
    arguments, unknown = parser.parse_known_args(argv)
    command: Callable[[argparse.Namespace], int] | None = getattr(arguments, "run", None)
    if unknown:
        arguments.parser.error("unrecognized arguments: " + " ".join(unknown))
    if command is None:
        parser.print_help()
        return 2
    try:
        code = command(arguments)
        sys.stdout.flush()
        return code
    except (SettingsError, BrokenFile, CannotStart, ResourceMissing, UnknownScenario) as error:
        _fail(str(error))
    except KeyboardInterrupt:  # before the server took over the signal
        return 0
    except BrokenPipeError:  # whoever read what is printed has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> Parser:
    parser = Parser(
        prog="kling-mock",
        description="A stateful mock of Kling AI's text-to-speech and custom-voice API.",
        allow_abbrev=False,
    )
    parser.set_defaults(parser=parser)
    parser.add_argument("--version", action="version", version=f"kling-mock {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    serve = commands.add_parser(
        "serve",
        help="start the mock",
        description="Starts the mock. Each option is also an environment variable"
        f" ({ENVIRONMENT_PREFIX}PORT) and a key of {FILE_NAME} (port = 8700).",
        allow_abbrev=False,
    )
    _add_settings(serve)
    serve.set_defaults(run=_serve, parser=serve)
    routes = commands.add_parser("routes", help="list the operations", allow_abbrev=False)
    routes.add_argument("--json", action="store_true", help="print JSON")
    routes.set_defaults(run=_routes, parser=routes)
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", metavar="FILE", type=Path, help=f"settings file; else {FILE_NAME} if it is here"
    )
    for item in fields(Settings):
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
                action="append" if item.name == "behaviour" else "store",
                default=argparse.SUPPRESS,
                help=f"{text} (default {shown})" if shown not in ("", None) else text,
            )


def _serve(arguments: argparse.Namespace) -> int:
    gc.disable()  # a start makes no garbage worth looking for; foreground.serve enables it
    from mock_server import foreground

    flags = {
        item.name: getattr(arguments, item.name)
        for item in fields(Settings)
        if hasattr(arguments, item.name)
    }
    return foreground.serve(load(flags, file=arguments.config))


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
        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return 0
    for operation in operations:
        print(
            f"{operation.dialect:<8} {operation.method:<5} {operation.path:<40}"
            f" {operation.operation_id}"
        )
    return 0


def _fail(message: str) -> NoReturn:
    # One line, whatever file name or host is quoted in it.
    line = "".join(char if char.isprintable() else "?" for char in message)
    print(f"kling-mock: {line}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    sys.exit(main())
