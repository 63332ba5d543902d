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


class About(int):
    """A number that is known roughly only, and equals all that it may have been.

    So an instant in seconds contradicts none in milliseconds of the same second.
    """

    _within: int

    def __new__(cls, value: int, within: int) -> About:
        """Keeps how far it may be off."""
        made = super().__new__(cls, value)
        made._within = within
        return made

    def __eq__(self, other: object) -> bool:
        """Whether it may be that number."""
        return isinstance(other, int) and abs(int(self) - int(other)) < self._within

    def __ne__(self, other: object) -> bool:
        """Whether it cannot be that number."""
        return not self == other

    def __lt__(self, other: int) -> bool:
        """Whether it is less in any case."""
        return self != other and int(self) < int(other)

    def __le__(self, other: int) -> bool:
        """Whether it may be as little."""
        return self == other or int(self) < int(other)

    def __gt__(self, other: int) -> bool:
        """Whether it is more in any case."""
        return self != other and int(self) > int(other)

    def __ge__(self, other: int) -> bool:
        """Whether it may be as much."""
        return self == other or int(self) > int(other)

    __hash__ = int.__hash__


def mended(shape: Shape, body: Any) -> tuple[list[Misfit], bool]:
    """Puts right what can be, in the body itself.

    Returns:
        What was wrong, and whether the body has the shape now.
    """
    found: list[Misfit] = []
    put: list[tuple[dict[str, Any], str, Any]] = []
    misfit = shape.misfit(body)
    while misfit is not None:
        found.append(misfit)
        if len(found) > _MOST or not _is_mended(shape, body, misfit, put):
            return found, False
        misfit = shape.misfit(body)
    for holder, name, before in put:  # last: the validator knows plain numbers only
        within = _within_ms(before)
        if within and isinstance(holder.get(name), int):
            holder[name] = About(holder[name], within)
    return found, True


def _within_ms(before: Any) -> int:
    """How far an instant may be off that stood there as something else; 0 for what is exact."""
    if isinstance(before, float):
        return 2
    if isinstance(before, str):
        return 0 if before.isdigit() else 2 if "." in before else 1000
    return 1000 if isinstance(before, int) else 0


def part_of(body: Any, misfit: Misfit) -> Any:
    """What is worth showing of a body: the record that does not fit, else all of it."""
    path = misfit.path
    depth = 2 if len(path) > 1 and path[0] == "data" and isinstance(path[1], int) else 0
    return _at(body, path[:depth])


def _is_mended(
    shape: Shape, body: Any, misfit: Misfit, put: list[tuple[dict[str, Any], str, Any]]
) -> bool:
    """Puts a value right, and that of other items of the list; remembers where, and what stood there."""
    holder = _at(body, misfit.path[:-1]) if misfit.path else None
    if not isinstance(holder, dict):
        return False
    before, name = dict(holder), str(misfit.path[-1])
    for place, instead in enumerate(_instead(name, misfit, before)):
        holder.clear()
        holder.update(instead)
        after = shape.misfit(body)
        if after is None or after.path != misfit.path:
            put.append((holder, name, before.get(name)))
            for sibling in _siblings(body, misfit, before):
                meant = [*_instead(name, misfit, dict(sibling))]
                if place < len(meant):
                    put.append((sibling, name, sibling.get(name)))
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
