"""``kling-mock ctl``: the control API of a running server, from the command line.

Exit codes: 0 done; 1 a wait ran out, or what was checked is not so; 2 a mistake, a refusal or no server, in one line.
"""

from __future__ import annotations

import argparse

from mock_server import (
    ctl_account,
    ctl_callbacks,
    ctl_faults,
    ctl_report,
    ctl_tasks,
    ctl_time,
    values,
)
from mock_server.ctl_client import Control, CtlError, RanOut, Target
from mock_server.ctl_command import Commands
from mock_server.ctl_values import reads
from mock_server.settings import environment
from mock_server.terminal import complain, fail, write, write_json

DEFAULT_URL = "http://127.0.0.1:8700"
#: What a shell takes for "ended by Ctrl-C".
_INTERRUPTED = 130
#: Options that say which server and account: name, how the text is read, and the variable in its place.
_READERS = {
    "url": (values.public_url, "KLING_MOCK_URL"),
    "key": (values.secret, "KLING_MOCK_API_KEY"),
    "account": (values.secret, "KLING_MOCK_ACCOUNT"),
    "token": (values.secret, "KLING_MOCK_CONTROL_TOKEN"),
}


def fill(parser: argparse.ArgumentParser) -> None:
    """Gives the parser of ``ctl`` its commands."""
    common = argparse.ArgumentParser(add_help=False)
    _add_common(common)
    _add_common(parser)
    commands = Commands(parser, "COMMAND", [common])
    for module in (ctl_time, ctl_tasks, ctl_faults, ctl_callbacks, ctl_account, ctl_report):
        module.add(commands)
    parser.set_defaults(run=run)


def _add_common(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("which server and account")
    for name, metavar, text in (
        ("url", "URL", f"where the server listens (KLING_MOCK_URL, else {DEFAULT_URL})"),
        ("key", "KEY", "API key or token that is the account (KLING_MOCK_API_KEY)"),
        ("account", "ID", "the account's id (KLING_MOCK_ACCOUNT); needless if there is only one"),
        ("token", "TOKEN", "what the server calls --control-token (KLING_MOCK_CONTROL_TOKEN)"),
    ):
        reader = reads(_READERS[name][0])
        group.add_argument(
            f"--{name}", type=reader, metavar=metavar, help=text, default=argparse.SUPPRESS
        )
    group.add_argument(
        "--json", action="store_true", help="print the answer as JSON", default=argparse.SUPPRESS
    )


def run(arguments: argparse.Namespace) -> int:
    """Carries out a command; returns the exit code."""
    if not hasattr(arguments, "call"):
        arguments.parser.print_help()
        return 2
    try:
        with Control(_target(arguments)) as control:
            value = control.call(arguments.call(arguments))
    except RanOut as error:
        fail(str(error), 1)
    except CtlError as error:
        fail(str(error))
    except KeyboardInterrupt:
        return _INTERRUPTED
    if getattr(arguments, "json", False):
        write_json(value)
    else:
        write(arguments.show(value))
    problem = arguments.judge(arguments, value)
    if problem:
        complain(problem)
    return 1 if problem else 0


def _target(arguments: argparse.Namespace) -> Target:
    """The server and account: an option beats a variable, and one of the two ways to say an account beats the other."""
    given = {name: getattr(arguments, name) for name in _READERS if hasattr(arguments, name)}
    if "key" in given and "account" in given:
        raise CtlError("--key and --account are two ways to say one thing; give one of them")
    named = "key" in given or "account" in given
    for name in _READERS:
        if name not in given and not (named and name in ("key", "account")):
            given[name] = _of_environment(name)
    given["url"] = given["url"] or DEFAULT_URL
    return Target(**given)


def _of_environment(name: str) -> str:
    reader, variable = _READERS[name]
    text = environment(variable)
    try:
        return str(reader(text)) if text else ""
    except ValueError as error:
        raise CtlError(f"{variable}: {error}") from None
