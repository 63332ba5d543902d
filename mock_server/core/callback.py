"""What goes wrong with one callback, and how it is read from its text or object.

``drop``, ``times=3;every=1``, ``delay=30``, ``signature=bad``: the same grammar as that of faults. Without any, a
callback is sent once, when its status comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mock_server.core.delay import Delay
from mock_server.core.fault import BodyFault, When
from mock_server.core.faulttext import IllegalFault, delay, latency_of, number_of
from mock_server.core.signing import SignatureFault
from mock_server.core.task import TaskStatus
from mock_server.core.words import nearest

#: The longest time in a callback fault, in seconds: ten years.
LONGEST_S = 315_360_000
#: The most copies of one callback.
MAX_TIMES = 1000
_WORDS = ("drop", "hold", "early")
_BODIES = tuple(item.value for item in BodyFault if item is not BodyFault.HTML)
_KEYS = ("times", "every", "delay", "replay", "signature", "fraction")
_OBJECT_KEYS = (*_WORDS, *_KEYS, "body", "edit")


@dataclass(frozen=True, slots=True)
class CallbackFault:
    """What happens to one callback (schema CallbackFaultObject).

    Attributes:
        drop: it is never sent.
        hold: it waits until it is released.
        early: it is answered before the create is.
        times: how often it is sent; every time the same id and bytes.
        every_s: virtual seconds between those.
        delay: virtual seconds it is late.
        replay_after_s: virtual seconds after which its very first request is sent again, old signature and all.
        body: what is wrong with its body.
        fraction: how much of a truncated body is left.
        edit: JSON Patch operations on its body.
        signature: what is wrong with its signature.
        value: as an object; ``written`` as it was written.
    """

    drop: bool = False
    hold: bool = False
    early: bool = False
    times: int = 1
    every_s: float = 0.0
    delay: Delay | None = None
    replay_after_s: float | None = None
    body: BodyFault | None = None
    fraction: float = 0.5
    edit: tuple[dict[str, Any], ...] = ()
    signature: SignatureFault | None = None
    value: Mapping[str, Any] = field(default_factory=dict)
    written: str | Mapping[str, Any] = ""


@dataclass(frozen=True, slots=True)
class CallbackRule:
    """A callback fault of a scenario: for callbacks of one status, or of any."""

    status: TaskStatus | None
    fault: CallbackFault
    when: When


def callback_fault(value: Any) -> CallbackFault:
    """A callback fault from its text or object.

    Raises:
        IllegalFault: it is none; the message names the part and the nearest valid word.
    """
    if isinstance(value, str):
        return _of_object(_of_text(value), value.strip())
    if isinstance(value, Mapping):
        return _of_object(value, dict(value))
    raise IllegalFault("a callback fault is a text such as 'times=2', or an object")


def _of_text(text: str) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, rest = (item.strip() for item in part.partition("="))
        if name in _WORDS and not equals:
            value[name] = True
        elif name in _BODIES and not equals:
            value["body"] = name
        elif name in _KEYS and equals:
            value[name] = _item(name, rest)
        else:
            known = [*_WORDS, *_BODIES, *(f"{key}=" for key in _KEYS)]
            raise IllegalFault(f"unknown part {part!r}{_near(name, known)}")
    return value


def _item(name: str, text: str) -> Any:
    if name == "signature":
        return text
    return latency_of(text, name) if name == "delay" else number_of(name, text)


def _of_object(value: Mapping[str, Any], written: str | Mapping[str, Any]) -> CallbackFault:
    for key in value:
        if key not in _OBJECT_KEYS:
            raise IllegalFault(f"unknown key {key!r}{_near(str(key), _OBJECT_KEYS)}")
    if not value:
        raise IllegalFault("a callback fault needs a word, such as drop, times=2 or signature=bad")
    times = _number(value, "times", 1, 1, MAX_TIMES)
    if times != int(times):
        raise IllegalFault(f"'times' must be a whole number, not {times!r}")
    fault = CallbackFault(
        drop=_switch(value, "drop"),
        hold=_switch(value, "hold"),
        early=_switch(value, "early"),
        times=int(times),
        every_s=_number(value, "every", 0.0, 0, LONGEST_S),
        delay=delay(value["delay"]) if "delay" in value else None,
        replay_after_s=_number(value, "replay", 0.0, 0, LONGEST_S) if "replay" in value else None,
        body=_one_of(value, "body", _BODIES, BodyFault),
        fraction=_number(value, "fraction", 0.5, 0, 1),
        edit=_patch(value),
        signature=_one_of(value, "signature", tuple(SignatureFault), SignatureFault),
        value=dict(value),
        written=written,
    )
    if fault.fraction >= 1:
        raise IllegalFault("'fraction' must be less than 1")
    if fault.drop and len(value) > 1:
        raise IllegalFault("what is dropped can have nothing else wrong with it")
    if fault.early and (fault.delay or fault.hold):
        raise IllegalFault("what comes early is neither delayed nor held")
    return fault


def _patch(value: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    found = value.get("edit", [])
    if not isinstance(found, list):
        raise IllegalFault("'edit' must be a list of JSON Patch operations")
    return tuple(found)


def _switch(value: Mapping[str, Any], key: str) -> bool:
    found = value.get(key, False)
    if not isinstance(found, bool):
        raise IllegalFault(f"{key!r} must be true or false")
    return found


def _number(value: Mapping[str, Any], key: str, default: float, low: float, high: float) -> float:
    found = value.get(key, default)
    if isinstance(found, bool) or not isinstance(found, int | float) or not low <= found <= high:
        raise IllegalFault(f"{key!r} must be a number from {low:g} to {high:g}, not {found!r}")
    return found


def _one_of(value: Mapping[str, Any], key: str, known: tuple[str, ...], kind: Any) -> Any:
    if key not in value:
        return None
    if value[key] not in known:
        raise IllegalFault(f"unknown {key} {value[key]!r}{_near(str(value[key]), known)}")
    return kind(value[key])


def _near(word: str, known: Any) -> str:
    return nearest(word, known) or f"; known are {', '.join(known)}"
