"""``kling-mock probe-receiver``: the way from the command line to the battery of the contract kit.

The kit is a package of its own that the mock does not depend on; it is imported by name when the command runs.
"""

from __future__ import annotations

import argparse
import re
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from mock_server import values
from mock_server.ctl_values import duration, reads
from mock_server.settings import environment
from mock_server.terminal import complain

PROFILES = ("smoke", "standard", "thorough")
#: What the extra brings, and the probe needs.
_NEEDED = ("hypothesis",)
#: The variable of the webhook secrets, which the mock reads too: on a command line they can be seen by others.
_SECRETS = "KLING_MOCK_WEBHOOK_SECRET"
#: Headers that the probe itself writes.
_OWN = ("host", "content-length", "content-type", "transfer-encoding", "connection", "expect")
_OWN_PREFIX = "webhook-"


def fill(parser: argparse.ArgumentParser) -> None:
    """Gives the parser of ``probe-receiver`` its options."""
    parser.add_argument("url", metavar="URL", type=reads(_url), help="where callbacks are posted")
    parser.add_argument(
        "--secret",
        metavar="SECRET",
        action="append",
        default=[],
        help="the receiver's secret: whsec_ and base64, or plain; twice for a receiver that knows"
        f" two, as during a rotation ({_SECRETS})",
    )
    parser.add_argument(
        "--header",
        metavar="'NAME: VALUE'",
        action="append",
        type=reads(_header),
        default=[],
        help="header of every delivery, for a receiver behind a login; repeatable",
    )
    parser.add_argument(
        "--task-id",
        metavar="ID",
        type=reads(_id),
        help="task of every notification, for a receiver that refuses those it does not know",
    )
    parser.add_argument(
        "--external-id",
        metavar="ID",
        type=reads(_id),
        help="external id of every notification that has one",
    )
    _add_ways(parser)
    parser.set_defaults(run=_probe)


def _add_ways(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        choices=PROFILES,
        default="standard",
        help="how many bodies are generated (default standard)",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=reads(_whole),
        help="repeats the generated bodies; random by default",
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=reads(_timeout),
        default=5.0,
        help="time that a delivery may take (default 5 s, as the mock waits)",
    )
    parser.add_argument("--strict", action="store_true", help="a finding is a failure too")
    group = parser.add_argument_group("reports")
    group.add_argument("--json", action="store_true", help="print one JSON object")
    group.add_argument("--junit", metavar="FILE", default="", help="write JUnit's XML there")


def _probe(arguments: argparse.Namespace) -> int:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        complain(
            f"probe-receiver needs {', '.join(missing)}; in a clone of the repository:"
            " .venv/bin/pip install -c constraints.txt '.[check]'"
        )
        return 2
    place = "--secret" if arguments.secret else _SECRETS
    arguments.secret = arguments.secret or list(values.texts(environment(_SECRETS)))
    signatures = import_module("contract_tests.signatures")
    for secret in arguments.secret:
        try:
            signatures.keys_of(secret)
        except ValueError as error:
            complain(f"{place}: {error}")
            return 2
    arguments.task_id = arguments.task_id or ""
    arguments.external_id = arguments.external_id or ""
    code: int = import_module("contract_tests.probe.session").main(arguments)
    return code


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:
        is_url = False
    # What was given is not repeated: it may hold a secret.
    if not is_url or not text.isprintable() or any(char.isspace() for char in text):
        raise ValueError("must be an http or https URL, such as http://127.0.0.1:3000/callback")
    if parts.username is not None:
        raise ValueError("must have no user and password; give --header 'Authorization: Basic ...'")
    if parts.fragment:
        raise ValueError("must have no fragment: what follows # is not sent")
    return text


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    name, value = name.strip(), value.strip()
    is_value = value.isascii() and value.isprintable()
    if not colon or not is_value or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
        raise ValueError("must be 'Name: value' in printable ASCII")
    if name.lower() in _OWN or name.lower().startswith(_OWN_PREFIX):
        raise ValueError(f"must not be {name.lower()}, which the probe writes itself")
    return name, value


def _id(text: str) -> str:
    if not text or not text.isprintable():
        raise ValueError("must be printable and not empty")
    return text


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise ValueError(f"must be a whole number from 0, of at most 12 digits, not {text!r}")
    return int(text)


def _timeout(text: str) -> Any:
    seconds = duration(text)
    return values.number(0.01, 600)(seconds)
