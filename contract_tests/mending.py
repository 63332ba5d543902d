"""Reads on after a misfit: a value in the wrong type is put right in what was read, so that one is no end of a walk.

What was wrong is said before; only what could be meant by the value is put there, and what was sent is still shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from contract_tests.shapes import Misfit, Shape

#: Misfits of one body that are put right.
_MOST = 40
#: Up to here a double holds every integer.
_EXACT = 2**53
#: What is read where a field is missing that only ever says a little.
_ABSENT: dict[str, Any] = {"task_info": {}, "task_result": {}, "task_status_msg": ""}
#: Instants of which one stands for the other where it is missing.
_OTHER = {"created_at": "updated_at", "updated_at": "created_at"}
#: What servers call statuses that the contract calls something else.
_STATUSES = {
    "succeeded": "succeed",
    "success": "succeed",
    "completed": "succeed",
    "done": "succeed",
    "failure": "failed",
    "error": "failed",
    "running": "processing",
    "pending": "submitted",
    "queued": "submitted",
}


def mended(shape: Shape, body: Any) -> tuple[list[Misfit], bool]:
    """Puts right what can be, in the body itself.

    Returns:
        What was wrong, and whether the body has the shape now.
    """
    found: list[Misfit] = []
    misfit = shape.misfit(body)
    while misfit is not None:
        found.append(misfit)
        if len(found) > _MOST or not _is_mended(shape, body, misfit):
            return found, False
        misfit = shape.misfit(body)
    return found, True


def part_of(body: Any, misfit: Misfit) -> Any:
    """What is worth showing of a body: the record that does not fit, else all of it."""
    path = misfit.path
    depth = 2 if len(path) > 1 and path[0] == "data" and isinstance(path[1], int) else 0
    return _at(body, path[:depth])


def _is_mended(shape: Shape, body: Any, misfit: Misfit) -> bool:
    holder = _at(body, misfit.path[:-1]) if misfit.path else None
    if not isinstance(holder, dict):
        return False
    before, name = dict(holder), str(misfit.path[-1])
    for place, instead in enumerate(_instead(name, misfit, before)):
        holder.clear()
        holder.update(instead)
        after = shape.misfit(body)
        if after is None or after.path != misfit.path:
            for sibling in _siblings(body, misfit, before):
                meant = [*_instead(name, misfit, dict(sibling))]
                if place < len(meant):
                    sibling.clear()
                    sibling.update(meant[place])
            return True
    holder.clear()
    holder.update(before)
    return False


def _siblings(body: Any, misfit: Misfit, holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same place in the other items of a list, where it is filled in the same way."""
    name = misfit.path[-1]
    for depth, step in enumerate(misfit.path):
        if not isinstance(step, int):
            continue
        items = _at(body, misfit.path[:depth])
        for number, item in enumerate(items):
            other = _at(item, misfit.path[depth + 1 : -1])
            is_like = isinstance(other, dict) and (name in other) == (name in holder)
            if (
                number != step
                and is_like
                and type(other.get(str(name))) is type(holder.get(str(name)))
            ):
                yield other
        return


def _at(value: Any, path: Sequence[str | int]) -> Any:
    try:
        for step in path:
            value = value[step]
    except (KeyError, IndexError, TypeError):
        return None
    return value


def _instead(name: str, misfit: Misfit, holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What an object may have meant, in which one field does not fit or is missing."""
    if misfit.is_missing:
        if name in _ABSENT:
            yield {**holder, name: _ABSENT[name]}
        elif _OTHER.get(name) in holder:
            yield {**holder, name: holder[_OTHER[name]]}
        return
    value = holder.get(name)
    if value is None:
        yield {key: other for key, other in holder.items() if key != name}
        if name in _ABSENT:
            yield {**holder, name: _ABSENT[name]}
    for meant in _meant(value):
        yield {**holder, name: meant}
    yield {key: other for key, other in holder.items() if key != name}


def _is_rounded(value: float) -> bool:
    """Whether a number may have lost its last digits, as ids do that go through a double: what it meant is gone."""
    return abs(value) > _EXACT and int(Decimal(repr(float(value)))) == value


def _meant(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        return
    if isinstance(value, float) and abs(value) < 1e18:
        yield int(value)
    if isinstance(value, int) and 10**8 < value < 10**10:
        yield value * 1000  # seconds where milliseconds are due
    if isinstance(value, int | float) and not _is_rounded(value):
        yield str(value)
    if isinstance(value, list | dict) and not value:
        yield ""
    if isinstance(value, str):
        yield {}
        yield _STATUSES.get(value.lower(), value.lower())
        if value.isascii() and value.isdigit() and len(value) < 19:
            yield int(value)
        try:
            yield int(datetime.fromisoformat(value).timestamp() * 1000)
        except (ValueError, OverflowError):
            return
