"""Reads on after a misfit: a value in the wrong type is put right in what was read, so that one is no end of a walk.

What was wrong is said before; only what could be meant by the value is put there, and what was sent is still shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from contract_tests.shapes import Misfit, Shape

#: Misfits of one body that are put right.
_MOST = 40
#: What is read where a field is missing that only ever says a little.
_ABSENT: dict[str, Any] = {"task_info": {}, "task_result": {}, "task_status_msg": ""}
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


def _is_mended(shape: Shape, body: Any, misfit: Misfit) -> bool:
    if not misfit.path:
        return False
    holder, last = body, misfit.path[-1]
    try:
        for step in misfit.path[:-1]:
            holder = holder[step]
    except (KeyError, IndexError, TypeError):
        return False
    if not isinstance(holder, dict):
        return False
    before = dict(holder)
    for instead in _instead(str(last), misfit, before):
        holder.clear()
        holder.update(instead)
        after = shape.misfit(body)
        if after is None or after.path != misfit.path:
            return True
    holder.clear()
    holder.update(before)
    return False


def _instead(name: str, misfit: Misfit, holder: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What an object may have meant, in which one field does not fit or is missing."""
    if misfit.is_missing:
        if name in _ABSENT:
            yield {**holder, name: _ABSENT[name]}
        return
    value = holder.get(name)
    if value is None:
        yield {key: other for key, other in holder.items() if key != name}
        if name in _ABSENT:
            yield {**holder, name: _ABSENT[name]}
    for meant in _meant(value):
        yield {**holder, name: meant}


def _meant(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        return
    if isinstance(value, float) and abs(value) < 1e18:
        yield int(value)
    if isinstance(value, int) and 10**8 < value < 10**10:
        yield value * 1000  # seconds where milliseconds are due
    if isinstance(value, int | float):
        yield str(value)
    if isinstance(value, str):
        yield _STATUSES.get(value.lower(), value.lower())
        if value.isascii() and value.isdigit() and len(value) < 19:
            yield int(value)
        try:
            yield int(datetime.fromisoformat(value).timestamp() * 1000)
        except (ValueError, OverflowError):
            return
