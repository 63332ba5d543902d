"""What was seen, said so that a server's author can act on it: a sentence, and then what shows it.

The sentence says what is and what is due. It is put in words only when somebody reads it, which takes longer than most
looks themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from contract_tests import redaction
from contract_tests.observation import Answer, Notification, Request, shortened

#: Characters of a value in a sentence.
_MOST = 160
#: Fields that are named where two records differ.
_NAMED = 4
_MISSING = object()


class Said:
    """A sentence about what was seen.

    Args:
        words: the sentence; each ``{}`` in it stands for a value.
        values: they stand there as JSON.
        by: what shows it: records, answers, requests and notifications, the one that shows most last.

    Attributes:
        by: the same.
    """

    __slots__ = ("_values", "_words", "by")

    def __init__(self, words: str, *values: Any, by: tuple[Any, ...] = ()) -> None:
        self._words = words
        self._values = values
        self.by = by

    @property
    def sentence(self) -> str:
        """The sentence alone."""
        if not self._values:
            return self._words
        return self._words.format(*map(quoted, self._values))

    def __str__(self) -> str:
        return "\n".join([self.sentence, *map(in_words, self.by)])


class Part:
    """A part of an answer or notification, as it was when it was seen.

    Attributes:
        whole: what it is a part of.
    """

    __slots__ = ("_text", "whole")

    def __init__(self, whole: Answer | Notification, part: Any) -> None:
        self.whole = whole
        self._text = shortened(_json(part))

    def __str__(self) -> str:
        asked = getattr(self.whole, "request", None)
        return f"{self._text}\n  {asked.curl}" if asked is not None else self._text


class Apart(Said):
    """Two records that should say the same: the fields that differ, and both values.

    Args:
        one: the record that is taken for right.
        other: the one that should say the same.
        words: what is due, behind the differences.
        where: where each of the two was seen, such as ``by query``.
        by: what else shows it.
    """

    __slots__ = ("_one", "_other", "_where")

    def __init__(
        self,
        one: Any,
        other: Any,
        words: str = "where the same is due",
        *values: Any,
        where: tuple[str, str] = ("at first", "later"),
        by: tuple[Any, ...] | None = None,
    ) -> None:
        super().__init__(words, *values, by=(one, other) if by is None else by)
        self._one, self._other, self._where = one, other, where

    @property
    def sentence(self) -> str:
        """The sentence alone."""
        first, second = self._where
        apart = [*differences(self._one, self._other)]
        shown = [
            f"{place} is {_told(one)} {first} and {_told(other)} {second}"
            for place, one, other in apart[:_NAMED]
        ]
        more = f"; {len(apart) - _NAMED} more fields differ" if len(apart) > _NAMED else ""
        return f"{'; '.join(shown)}{more}, {super().sentence}"


def differences(one: Any, other: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The places where two JSON values differ, and what each has there; ``_MISSING`` where it has nothing."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in [*one, *(name for name in other if name not in one)]:
            below = f"{place}.{name}" if place else str(name)
            yield from differences(one.get(name, _MISSING), other.get(name, _MISSING), below)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (first, second) in enumerate(zip(one, other, strict=True)):
            yield from differences(first, second, f"{place}[{number}]")
    elif one != other or isinstance(one, bool) != isinstance(other, bool):
        yield place or "the value", one, other


def quoted(value: Any) -> str:
    """A value as JSON, without secrets, and short enough for a sentence."""
    text = redaction.clean(_json(value))
    return text if len(text) <= _MOST else f"{text[:_MOST]}... ({len(text)} characters)"


def in_words(seen: Any) -> str:
    """What was seen as a text that shows it: a record as JSON, an answer or notification as it arrived."""
    if isinstance(seen, Request):
        return f"  {seen.curl}"
    if isinstance(seen, Mapping | list | tuple):
        return shortened(_json(seen))
    return str(seen)


def shown_by(saw: Any) -> tuple[Any, ...]:
    """What shows what was seen: records, answers, requests and notifications."""
    if isinstance(saw, Said):
        return saw.by
    if isinstance(saw, Answer | Notification | Request | Mapping):
        return (saw,)
    if isinstance(saw, list | tuple):
        return tuple(one for item in saw for one in shown_by(item))
    return ()


def unanswered(request: Request, reason: object, *, is_garbled: bool = False) -> Said:
    """A request without an answer, or with one that nobody can read."""
    if is_garbled:
        words = f"the answer has {reason}, where one that can be read is due"
        return Said(words, by=(request,))
    return Said(f"there is no answer ({reason}), where one is due", by=(request,))


def holding(value: str, saw: Any) -> tuple[Any, ...]:
    """What shows what was seen and holds a text; all of it where nothing does."""
    shown = shown_by(saw)
    own = tuple(one for one in shown if _json(value) in _json(one))
    return (own or shown)[:_NAMED]


def _told(value: Any) -> str:
    return "missing" if value is _MISSING else quoted(value)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return str(value)
