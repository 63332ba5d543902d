"""What a command of ``kling-mock ctl`` is: a call that its options make, and how the answer is shown."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from mock_server.ctl_client import Call

Value = dict[str, Any]
#: Makes the call from the options; shows its answer; says what is not as asked for (exit code 1), or nothing.
MakeCall = Callable[[argparse.Namespace], Call]
Show = Callable[[Value], list[str]]
Judge = Callable[[argparse.Namespace, Value], str]


def _content(_arguments: argparse.Namespace, _value: Value) -> str:
    return ""


class Commands:
    """A set of commands that are chosen by a word.

    Args:
        parser: gets the commands.
        metavar: how help names the word.
        common: options that every command has.
    """

    def __init__(
        self,
        parser: argparse.ArgumentParser,
        metavar: str,
        common: Sequence[argparse.ArgumentParser],
    ) -> None:
        self._common = list(common)
        self._commands = parser.add_subparsers(
            title="commands", metavar=metavar, parser_class=type(parser)
        )

    def add(
        self, name: str, text: str, call: MakeCall, show: Show, judge: Judge = _content
    ) -> argparse.ArgumentParser:
        """Adds a command; returns its parser, for its own options."""
        parser = self._parser(name, text)
        parser.set_defaults(call=call, show=show, judge=judge)
        return parser

    def group(self, name: str, text: str, metavar: str) -> Commands:
        """Adds a command whose next word chooses further."""
        return Commands(self._parser(name, text), metavar, self._common)

    def _parser(self, name: str, text: str) -> argparse.ArgumentParser:
        parser = self._commands.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            parents=self._common,
            allow_abbrev=False,
        )
        parser.set_defaults(parser=parser)
        return parser
