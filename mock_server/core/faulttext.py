"""Reading and writing faults: the short text of headers, plans and the command line, and the object of files and JSON.

``5001;retry-after=2``, ``reset;commit=before``, ``latency=uniform:0.1:0.5``. A text is read into the object first, so
both go through the same rules.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from mock_server.core.delay import Delay, Fixed, Lognormal, Uniform
from mock_server.core.errors import Reason
from mock_server.core.fault import ALWAYS, BodyFault, Commit, Fault, SocketFault, When
from mock_server.core.words import nearest

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
#: The longest injected latency, hang apart, in wall seconds.
MAX_LATENCY_S = 3600.0
#: The longest time until a task shows, in virtual seconds: ten years.
MAX_VISIBLE_AFTER_S = 315_360_000.0
#: The largest Retry-After, in seconds.
MAX_RETRY_AFTER_S = 86_400
_KEYS = {
    "retry-after": "retry_after",
    "latency": "latency",
    "commit": "commit",
    "visible-after": "visible_after",
    "message": "message",
    "fraction": "fraction",
    "status": "status",
    "over": "over",
    "chunks": "chunks",
    "scenario": "scenario",
}
_OBJECT_KEYS = (*_KEYS.values(), "reason", "body", "edit", "socket")
_SOCKETS = {item.value for item in SocketFault}
_BODIES = {item.value for item in BodyFault}
#: At least one of these makes an object a fault.
_EFFECTS = ("reason", "latency", "body", "edit", "socket", "scenario", "commit")
#: What belongs to something else: key, the key it needs, the value that one must have.
_BELONGS = (
    ("message", "reason", None),
    ("fraction", "body", BodyFault.TRUNCATED),
    ("status", "body", BodyFault.HTML),
    ("over", "socket", SocketFault.DRIBBLE),
    ("chunks", "socket", SocketFault.DRIBBLE),
    ("visible_after", "commit", Commit.AFTER),
)


class IllegalFault(ValueError):
    """Raised when a text or object is no fault; the message names the part and the nearest valid word."""


class FaultReader:
    """Reads faults.

    Args:
        rows: the reason that each business code, and each HTTP status with one row only, stands for.
        several: the codes of each HTTP status that has several rows.
    """

    def __init__(
        self,
        rows: Mapping[str, Reason],
        several: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self._rows = rows
        self._several = several

    def fault(self, value: Any) -> Fault:
        """A fault from its text or object.

        Raises:
            IllegalFault: it is none.
        """
        if isinstance(value, str):
            return self._of_object(self._of_text(value), value.strip())
        if isinstance(value, Mapping):
            return self._of_object(value, "")
        raise IllegalFault("a fault is a text such as '5001;retry-after=2', or an object")

    def _of_text(self, text: str) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for part in filter(None, (part.strip() for part in text.split(";"))):
            name, equals, rest = part.partition("=")
            key, item = self._pair(name.strip(), rest.strip()) if equals else self._word(part)
            if key in value:
                raise IllegalFault(f"{part!r}: there is a {key} already")
            value[key] = item
        if not value:
            raise IllegalFault("a fault needs a word, such as 5001, reset or malformed")
        return value

    def _word(self, word: str) -> tuple[str, Any]:
        if word in self._rows:
            return "reason", self._rows[word].value
        if word in set(Reason):
            return "reason", word
        if word in _SOCKETS:
            return "socket", word
        if word in _BODIES:
            return "body", word
        if word in self._several:
            raise IllegalFault(f"{word} can be any of {', '.join(self._several[word])}; name one")
        known = [*self._rows, *Reason, *_SOCKETS, *_BODIES]
        raise IllegalFault(f"unknown fault {word!r}{_near(word, known)}")

    def _pair(self, name: str, text: str) -> tuple[str, Any]:
        key = _KEYS.get(name)
        if key is None:
            raise IllegalFault(f"unknown key {name!r}{_near(name, _KEYS)}")
        if key in ("commit", "message", "scenario"):
            if not text:
                raise IllegalFault(f"{name!r} needs a value")
            return key, text
        if key == "latency":
            return key, latency_of(text)
        return key, number_of(name, text)

    def _of_object(self, value: Mapping[str, Any], text: str) -> Fault:
        for key in value:
            if key not in _OBJECT_KEYS:
                raise IllegalFault(f"unknown key {key!r}{_near(str(key), _OBJECT_KEYS)}")
        if not any(key in value for key in _EFFECTS):
            raise IllegalFault(f"a fault needs one of {', '.join(_EFFECTS)}")
        reason = _one_of(value, "reason", Reason)
        body = _one_of(value, "body", BodyFault)
        default = Commit.NEVER if reason or body is BodyFault.HTML else Commit.BEFORE
        commit = _one_of(value, "commit", Commit) or default
        fault = Fault(
            reason=reason,
            message=str(value.get("message", "")),
            retry_after=_whole(value, "retry_after", 0, MAX_RETRY_AFTER_S),
            latency=delay(value["latency"], MAX_LATENCY_S) if "latency" in value else None,
            commit=commit,
            visible_after_s=_seconds(value, "visible_after", Fault().visible_after_s),
            body=body,
            fraction=_seconds(value, "fraction", 0.5, math.nextafter(1, 0)),
            status=_whole(value, "status", 200, 599) or Fault().status,
            edit=tuple(value.get("edit", ())),
            socket=_one_of(value, "socket", SocketFault),
            over_s=_seconds(value, "over", 1.0, MAX_LATENCY_S),
            chunks=_whole(value, "chunks", 1, 1000) or Fault().chunks,
            scenario=str(value.get("scenario", "")),
            text=text or short(value),
            written=text or dict(value),
            value=dict(value),
        )
        _check(fault, value)
        return fault


def delay(value: Any, most: float = math.inf) -> Delay:
    """A delay from a number of seconds or an object (schema Delay).

    Raises:
        IllegalFault: it is none, or longer than ``most`` seconds.
    """
    match value:
        case bool():
            pass
        case int() | float() if 0 <= value <= most:
            return Fixed(float(value))
        case {"uniform": [low, high], **rest} if not rest and _are_numbers(low, high):
            if 0 <= low <= high <= most:
                return Uniform(low, high)
        case {"lognormal": {"median": median, "sigma": sigma, **rest}} if len(value) == 1:
            longest: Any = rest.pop("max", most)
            is_whole = not rest and _are_numbers(median, sigma, longest)
            if is_whole and 0 < median <= most and 0 <= sigma <= 10 and longest > 0:
                cap = min(most, longest)
                return Lognormal(median, sigma, None if math.isinf(cap) else cap)
    raise IllegalFault(
        "a delay is a number of seconds, {uniform: [low, high]} or {lognormal: {median, sigma, max}}"
        + (f", at most {most:g} s" if most < math.inf else "")
    )


def when_of(value: Mapping[str, Any]) -> When:
    """Which matches are struck, from an object that keeps the schema When."""
    if not value:
        return ALWAYS
    window = value.get("window")
    if window is not None and not window[0] < window[1]:
        raise IllegalFault("a window is from less to more seconds")
    return When(
        after=value.get("after", 0),
        count=value.get("count"),
        probability=value.get("probability", 1.0),
        window=None if window is None else (window[0], window[1]),
        ttl_s=value.get("ttl"),
    )


def short(value: Mapping[str, Any]) -> str:
    """An object in one line: as a text where one can say it."""
    words = [str(value[key]) for key in ("reason", "socket", "body") if key in value]
    if "edit" in value:
        words.append("edit")
    spelling = {key: name for name, key in _KEYS.items()}
    for key, name in spelling.items():
        if key in value:
            words.append(f"{name}={_latency_text(value[key]) if key == 'latency' else value[key]}")
    return ";".join(words)


def _check(fault: Fault, value: Mapping[str, Any]) -> None:
    for key, needs, exactly in _BELONGS:
        wanted = needs if exactly is None else f"{needs}: {exactly}"
        if key in value and (value.get(needs) is None or exactly not in (None, value.get(needs))):
            raise IllegalFault(f"{key!r} goes with {wanted}")
    if fault.body is BodyFault.HTML and fault.reason:
        raise IllegalFault("a gateway's page has no reason: leave out one of reason and html")
    if fault.socket is not None and fault.socket is not SocketFault.DRIBBLE and fault.body:
        raise IllegalFault(f"a connection that fails by {fault.socket} has no body to distort")
    if fault.status in (204, 205, 304):
        raise IllegalFault(f"an answer of status {fault.status} has no body")
    is_whole = fault.socket in (None, SocketFault.DRIBBLE)
    if fault.edit and not is_whole:
        raise IllegalFault(f"a connection that fails by {fault.socket} has no body to edit")
    if fault.body is BodyFault.EMPTY and fault.edit:
        raise IllegalFault("an empty body cannot be edited")


def _one_of(value: Mapping[str, Any], key: str, kind: Callable[[str], Any]) -> Any:
    if key not in value:
        return None
    try:
        return kind(value[key])
    except ValueError:
        known = list(kind)  # type: ignore[call-overload]  # an enumeration
        raise IllegalFault(f"unknown {key} {value[key]!r}{_near(str(value[key]), known)}") from None


def _seconds(
    value: Mapping[str, Any], key: str, default: float, most: float = MAX_VISIBLE_AFTER_S
) -> float:
    found = value.get(key, default)
    if not _are_numbers(found) or not 0 <= found <= most:
        raise IllegalFault(f"{key!r} must be a number from 0 to {most:g}, not {found!r}")
    return float(found)


def _whole(value: Mapping[str, Any], key: str, low: int, high: int) -> int | None:
    found = value.get(key)
    if found is None:
        return None
    if not _are_numbers(found) or not low <= found <= high or found != int(found):
        raise IllegalFault(f"{key!r} must be a whole number from {low} to {high}, not {found!r}")
    return int(found)


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def number_of(name: str, text: str) -> float:
    """A number from the text of a part.

    Raises:
        IllegalFault: it is none.
    """
    # float() also takes digits of other scripts, and underscores.
    found = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(found):
        raise IllegalFault(f"{name!r} must be a number, not {text!r}")
    return int(found) if found == int(found) else found


def latency_of(text: str, name: str = "latency") -> Any:
    """A delay, as an object or number, from the text of a part: ``0.5``, ``uniform:0.1:2``.

    Raises:
        IllegalFault: it is none.
    """
    kind, *numbers = text.split(":")
    values = [number_of(name, number) for number in numbers]
    if kind == "uniform" and len(values) == 2:
        return {"uniform": values}
    if kind == "lognormal" and len(values) in (2, 3):
        return {"lognormal": dict(zip(("median", "sigma", "max"), values, strict=False))}
    return number_of(name, text)


def _latency_text(value: Any) -> str:
    match value:
        case {"uniform": numbers}:
            return ":".join(map(str, ("uniform", *numbers)))
        case {"lognormal": {"median": median, "sigma": sigma, **rest}}:
            return ":".join(map(str, ("lognormal", median, sigma, *rest.values())))
    return str(value)


def _near(word: str, known: Iterable[str]) -> str:
    return nearest(word, known) or f"; known are {', '.join(known)}"
