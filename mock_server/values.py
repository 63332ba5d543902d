"""Reading one raw value of a setting, wherever it comes from: a flag, a variable, a TOML file, a test.

Each reader takes text or what TOML makes of it, and raises ``ValueError`` with words that complete "the setting ...".
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mock_server.behaviour_file import ENDINGS, readings
from mock_server.core.behaviour import Behaviour, UnknownBehaviour
from mock_server.core.limits import Rate
from mock_server.core.scenario import Progression
from mock_server.core.signing import key_of
from mock_server.core.target import Network


def number(low: float, high: float) -> Callable[[Any], float]:
    """A reader of finite numbers from ``low`` to ``high``."""

    def read(value: Any) -> float:
        try:
            found = math.nan if isinstance(value, bool) else float(value)
        except (ValueError, TypeError, OverflowError):
            found = math.nan
        if not low <= found <= high:
            raise ValueError(f"must be a number from {low:g} to {high:g}, not {value!r}")
        return found

    return read


def whole(low: int, high: int) -> Callable[[Any], int]:
    """A reader of whole numbers from ``low`` to ``high``."""

    def read(value: Any) -> int:
        text = str(value)
        if isinstance(value, bool) or not re.fullmatch("-?[0-9]{1,9}", text):
            raise ValueError(f"must be a whole number from {low} to {high}, not {value!r}")
        if not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}, not {value!r}")
        return int(text)

    return read


def one_of(*choices: str) -> Callable[[Any], str]:
    """A reader of one of some words."""

    def read(value: Any) -> str:
        if value not in choices:
            near = get_close_matches(str(value), choices, n=1, cutoff=0.3)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"must be one of {', '.join(choices)}, not {str(value)!r}{hint}")
        return str(value)

    return read


def units(value: Any) -> int:
    """Units of a resource pack, in hundredths: ``1.5`` is 150."""
    hundredths = number(0, 1e9)(value) * 100
    if abs(hundredths - round(hundredths)) > 1e-6:
        raise ValueError(f"must have at most two decimals, not {value!r}")
    return round(hundredths)


def rate(value: Any) -> Rate:
    """Requests per window: ``10/1`` is ten in any second."""
    requests, _, seconds = str(value).partition("/")
    try:
        return Rate(whole(1, 1_000_000)(requests.strip()), number(0.001, 86_400)(seconds.strip()))
    except ValueError:
        words = "must be requests/seconds, such as 10/1"
        raise ValueError(f"{words}, not {value!r}") from None


def text(value: Any) -> str:
    """Text; numbers are taken for the text that they are in a TOML file."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise ValueError("must be text")
    return str(value)


def secret(value: Any) -> str:
    """A credential: printable and not empty. What is wrong with it is not repeated."""
    found = text(value)
    if not found:
        raise ValueError("must not be empty")
    if not found.isprintable():
        raise ValueError("must be printable")
    return found


def texts(value: Any) -> tuple[str, ...]:
    """Several texts: a list, or one text with commas."""
    parts = value if isinstance(value, list | tuple) else text(value).split(",")
    return tuple(item for part in parts for item in (text(part).strip(),) if item)


def webhook_secrets(value: Any) -> tuple[str, ...]:
    """Secrets of callbacks' signatures. What is wrong with one is not repeated."""
    secrets = texts(value)
    for item in secrets:
        key_of(item)
    return secrets


def rewrites(value: Any) -> tuple[str, ...]:
    """Pairs of hosts: ``localhost=host.docker.internal``."""
    pairs = texts(value)
    for pair in pairs:
        old, _, new = pair.partition("=")
        if not old.strip() or not new.strip():
            raise ValueError(f"must be host=host, not {pair!r}")
        # Several colons are an IPv6 address.
        if re.search(r"[/\s]", new.strip()) or new.count(":") == 1:
            raise ValueError(f"must be host=host without port and path, not {pair!r}")
    return tuple("=".join(part.strip().lower() for part in pair.split("=", 1)) for pair in pairs)


def targets(entries: Iterable[str]) -> tuple[tuple[Network, ...], frozenset[str]]:
    """Networks and host names, told apart."""
    networks: list[Network] = []
    hosts: set[str] = set()
    for item in entries:
        try:
            networks.append(ip_network(item, strict=False))
        except ValueError:
            hosts.add(item.lower())
    return tuple(networks), frozenset(hosts)


def switch(value: Any) -> bool:
    """On or off."""
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    try:
        return words[str(value).lower()]
    except KeyError:
        raise ValueError(f"must be true or false, not {value!r}") from None


def progression(value: Any) -> Progression:
    """One of the progressions."""
    known = [item.value for item in Progression]
    if value in known:
        return Progression(value)
    near = get_close_matches(str(value), known, n=1, cutoff=0.3)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"must be one of {', '.join(known)}, not {str(value)!r}{hint}")


def public_url(value: Any) -> str:
    """The base of a URL, without a slash at the end; empty for none."""
    url = text(value)
    if url and not _is_base(url):
        # What was given is not repeated: it may hold a secret.
        raise ValueError("must be an http or https URL without user, query and fragment")
    return url.rstrip("/")


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or parts.username is not None) and port != 0
    is_visible = url.isprintable() and not any(char.isspace() for char in url)
    return is_plain and is_visible and parts.scheme in ("http", "https") and bool(parts.hostname)


#: Instants of the contract are milliseconds, which seconds could not be taken for: from 2001, and far from their end.
_INSTANTS = (1_000_000_000_000, 90_000_000_000_000)


def instant(value: Any) -> int:
    """An instant in ms since the Unix epoch, from that number or ISO 8601; UTC where no zone is given."""
    words = f"must be ISO 8601 or milliseconds since the Unix epoch, from 2001 on, not {value!r}"
    try:
        found = int(value) if re.fullmatch(r"[0-9]{1,15}", str(value)) else _of_iso(value)
    except (ValueError, OverflowError):
        raise ValueError(words) from None
    if not _INSTANTS[0] <= found <= _INSTANTS[1]:
        raise ValueError(words)
    return found


def _of_iso(value: Any) -> int:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def behaviour(value: Any, base: Behaviour | None = None) -> Behaviour:
    """Readings of disputed rules: a table, or a list or text of name=value and YAML files.

    Those not named are the base's; what comes later in a list wins.
    """
    pairs = value.items() if isinstance(value, Mapping) else _pairs(value)
    record = value if isinstance(value, Behaviour) else base or Behaviour()
    for name, choice in pairs:
        try:
            record = record.replaced(str(name), str(choice))
        except UnknownBehaviour as error:
            raise ValueError(str(error)) from None
    return record


def _pairs(value: Any) -> list[tuple[str, str]]:
    if isinstance(value, Behaviour):
        return []
    texts = value if isinstance(value, list) else str(value).split(",")
    pairs: list[tuple[str, str]] = []
    for part in texts:
        name, _, choice = str(part).partition("=")
        if not choice and name.strip().endswith(ENDINGS):
            pairs += readings(Path(name.strip())).items()
        elif not name.strip() or not choice.strip():
            raise ValueError(f"must be name=value or a YAML file of readings, not {part!r}")
        else:
            pairs.append((name.strip(), choice.strip()))
    return pairs
