"""The options of ``kling-mock listen``, and the plan that they make."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mock_server import values
from mock_server.core.signing import IllegalSecret, key_of
from mock_server.ctl_values import duration, positive, reads, whole
from mock_server.settings import environment
from mock_server.values import texts

#: The variable of the webhook secrets, which the mock reads too.
SECRETS = "KLING_MOCK_WEBHOOK_SECRET"
#: Statuses whose answers have no body.
BODILESS = (204, 205, 304)


@dataclass(frozen=True)
class Plan:
    """How callbacks are received.

    Attributes:
        path: those at it, and below it, are callbacks.
        keys: those of the secrets; without one no signature is checked.
        accept_all: a bad signature is shown, and not refused.
        forward_to: the target whose answers are given; or empty.
        status: what is answered else.
        drop_first: so many are closed without an answer; then ``hang_first`` are never answered, and then
            ``fail_first`` are answered with ``fail_status``.
        retry_after: seconds that answers which are no success ask to wait.
        count: deliveries after which it ends; ``None``: never.
        timeout_s: wall seconds that those may take.
    """

    host: str = "127.0.0.1"
    port: int = 9700
    path: str = "/"
    keys: tuple[bytes, ...] = ()
    accept_all: bool = False
    forward_to: str = ""
    status: int = 200
    drop_first: int = 0
    hang_first: int = 0
    fail_first: int = 0
    fail_status: int = 500
    retry_after: int | None = None
    latency_s: float = 0.0
    count: int | None = None
    timeout_s: float | None = None
    json: bool = False
    quiet_body: bool = False


def add(parser: argparse.ArgumentParser) -> None:
    """Gives a parser the options."""
    where = parser.add_argument_group("where")
    where.add_argument(
        "--host", metavar="ADDRESS", help=f"address to listen on (default {Plan.host})"
    )
    where.add_argument(
        "--port",
        type=reads(values.whole(0, 65535)),
        metavar="PORT",
        help=f"port to listen on; 0 takes a free one (default {Plan.port})",
    )
    where.add_argument(
        "--path",
        type=reads(_path),
        metavar="PATH",
        help="what is posted here, or below, is a callback (default /)",
    )
    _add_signatures(parser)
    _add_answers(parser)
    _add_ends(parser)


def _add_signatures(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("signatures")
    group.add_argument(
        "--secret",
        dest="keys",
        type=reads(key_of),
        action="extend",
        nargs="+",
        metavar="whsec_...",
        help=f"webhook secret; all that are given are in force, as during a rotation; else {SECRETS}",
    )
    group.add_argument(
        "--accept-all",
        action="store_true",
        default=None,
        help="do not answer a bad signature with 401",
    )


def _add_answers(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "answers", "the first are dropped, the next are left hanging, the next fail"
    )
    usual = group.add_mutually_exclusive_group()
    usual.add_argument(
        "--status",
        type=reads(values.whole(200, 599)),
        metavar="N",
        help=f"HTTP status to answer (default {Plan.status})",
    )
    usual.add_argument(
        "--forward-to",
        type=reads(_target),
        metavar="URL",
        help="hand on body and headers as they came, and answer as this does",
    )
    for name, text in (
        ("drop", "close the connection of the first N without an answer"),
        ("hang", "never answer the first N"),
        ("fail", "answer the first N with --fail-status"),
    ):
        group.add_argument(f"--{name}-first", type=whole, metavar="N", help=text)
    group.add_argument(
        "--fail-status",
        type=reads(values.whole(300, 599)),
        metavar="N",
        help=f"HTTP status of --fail-first (default {Plan.fail_status})",
    )
    group.add_argument(
        "--retry-after", type=whole, metavar="S", help="seconds that a failure asks to wait"
    )
    group.add_argument(
        "--latency",
        dest="latency_s",
        type=duration,
        metavar="S",
        help="wait before each answer: seconds, or with a unit, such as 500ms",
    )


def _add_ends(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("end and output")
    group.add_argument("--count", type=positive, metavar="N", help="end after N deliveries")
    group.add_argument(
        "--timeout",
        dest="timeout_s",
        type=duration,
        metavar="S",
        help="end with exit code 1 when --count was not reached within this time",
    )
    for name, text in (
        ("json", "print a line of JSON per delivery"),
        ("quiet-body", "do not print bodies"),
    ):
        group.add_argument(f"--{name}", action="store_true", default=None, help=text)


def plan_of(arguments: argparse.Namespace) -> Plan:
    """The plan that the options make. Options that would do nothing end the process."""
    names = Plan.__dataclass_fields__
    given: dict[str, Any] = {
        name: value
        for name, value in vars(arguments).items()
        if name in names and value is not None
    }
    given["keys"] = tuple(given.get("keys") or _keys_of_environment(arguments))
    plan = Plan(**given)
    fails = plan.fail_first or plan.status >= 300
    for is_idle, words in (
        ("fail_status" in given and not plan.fail_first, "--fail-status needs --fail-first"),
        (
            plan.retry_after is not None and not fails,
            "--retry-after needs --fail-first, or a --status from 300 on",
        ),
        (plan.timeout_s is not None and plan.count is None, "--timeout needs --count"),
    ):
        if is_idle:
            arguments.parser.error(words)
    return plan


def _keys_of_environment(arguments: argparse.Namespace) -> list[bytes]:
    """The keys of the variable that the mock reads its secrets from: on a command line they can be seen by others."""
    keys: list[bytes] = []
    try:
        keys += (key_of(item) for item in texts(environment(SECRETS)))
    except IllegalSecret as error:
        arguments.parser.error(f"{SECRETS}: {error}")
    return keys


def _path(text: str) -> str:
    if re.fullmatch(r"/[!-~]*", text) and not set(text) & set('?#"\\'):
        return text.rstrip("/") or "/"
    near = "/" + re.sub(r"[^!-~]|[?#].*|[\"\\]", "", text).lstrip("/")
    raise ValueError(f"must be a path without query, not {text!r}; did you mean {near!r}?")


def _target(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    is_visible = text.isprintable() and not any(char.isspace() for char in text)
    if not is_url or not is_visible:
        # What was given is not repeated: it may hold a secret.
        raise ValueError("must be an http or https URL, such as http://127.0.0.1:3000/callback")
    return text
