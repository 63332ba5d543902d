"""Whether ids come back as they were given: 18 digits do not fit into a JSON number of JavaScript."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote

from mock_server.core.card.evidence import (
    QUERIES,
    Evidence,
    Item,
    Proof,
    Request,
    Subject,
    Verdict,
    plural,
)

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
#: Characters of an id that must be left for it to be a part of another.
_PART = 8
#: Digits of a number that is looked at, and the first whole number that a double cannot tell from its neighbour.
_DIGITS = 40
_EXACT = 1 << 53
_FLOAT = "as a floating-point number"

CHANGED = Subject(
    "ids.changed",
    "Ids that came back changed",
    "Ids are strings and stay strings: never parse, print or store them as numbers, and percent-encode them once in a"
    " path.",
    "ids.string",
)
CONFUSED = Subject(
    "ids.confused",
    "Ids of the wrong kind",
    "Query by task_id or external_task_id; delete by the voice_id in task_result.voices.",
    "voice-delete.by-voice-id",
)


def items(evidence: Evidence) -> Iterator[Item]:
    """The items on ids."""
    known = _known(evidence)
    asked = list(_asked(evidence))
    unknown = [(request, given) for request, given in asked if given not in known]
    yield changed(len(asked), unknown, known)
    yield confused(evidence, asked)


def _known(evidence: Evidence) -> Mapping[str, str]:
    """What each id that the client was given names."""
    return {
        **dict.fromkeys(evidence.audios, "audio"),
        **dict.fromkeys(evidence.voices, "voice"),
        **dict.fromkeys(evidence.names, "external id"),
        **dict.fromkeys(evidence.tasks, "task"),
    }


def _asked(evidence: Evidence) -> Iterator[tuple[Request, str]]:
    """Requests with the id that they are about, in the characters that were sent."""
    for request in evidence.requests:
        given: Any = None
        if request.operation in QUERIES:
            given = request.path_id
        elif request.operation == "deleteVoice":
            given = request.fields.get("voice_id")
        if isinstance(given, int | float) and not isinstance(given, bool):
            with suppress(ValueError):  # more digits than Python prints
                given = repr(given)
        if isinstance(given, str) and given:
            yield request, given


def changed(asked: int, unknown: list[tuple[Request, str]], known: Mapping[str, str]) -> Item:
    """Whether an id that nobody has is one of ours that was changed on its way."""
    if not asked:
        return CHANGED.not_seen("no id was sent")
    certain: list[Proof] = []
    likely: list[Proof] = []
    forms = _Forms(known)
    for request, given in unknown:
        found = forms.of(given)
        if found is None:
            continue
        how, right, is_certain = found
        words = f"{known[right]} {right} came back as {given[:80]!r}, {how}"
        (certain if is_certain else likely).append(Proof(words, request.number))
    numbers = {"ids": asked, "unknown": len(unknown), "changed": len(certain) + len(likely)}
    if certain:
        seen = f"{plural(len(certain), 'id')} came back changed"
        return CHANGED.judged(Verdict.WARNING, seen, numbers, [*certain, *likely])
    if likely:
        seen = f"{plural(len(likely), 'unknown id')} like one that was given"
        return CHANGED.judged(Verdict.ADVICE, seen, numbers, likely)
    return CHANGED.judged(Verdict.OK, f"{plural(asked, 'id')}, none changed", numbers)


class _Forms:
    """What each known id becomes in the hands of clients, the other way round: from the form to the id."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self._sorted = sorted(known)
        self._floats: dict[float, str] = {}
        self._forms: dict[str, tuple[str, str]] = {}
        self._lower: dict[str, str] = {}
        for right in known:
            self._lower.setdefault(right.lower(), right)
            if right.isascii() and right.isdigit() and len(right) <= _DIGITS:
                self._add(right)

    def _add(self, right: str) -> None:
        number = int(right)
        self._floats.setdefault(float(number), right)
        if right.startswith("0"):
            self._forms.setdefault(str(number), ("without leading zeros", right))
        if number < _EXACT:
            return
        # What C, Go and Python print, and what JavaScript prints.
        for form in (f"{float(number):.0f}", f"{Decimal(repr(float(number))):f}"):
            if form != right:
                self._forms.setdefault(form, (f"{_FLOAT}: it does not survive 2^53", right))
        unsigned = number % (1 << 32)
        for cut in (unsigned, unsigned - (1 << 32)):
            self._forms.setdefault(str(cut), ("cut to 32 bits", right))

    def of(self, given: str) -> tuple[str, str, bool] | None:
        """How it was changed, from which id, and whether that is certain; ``None`` if it is like none."""
        return self._as_number(given) or self._as_text(given)

    def _as_number(self, given: str) -> tuple[str, str, bool] | None:
        digits = given[:-2] if given.endswith(".0") else given
        form = self._forms.get(digits)
        if form is not None:
            return (*form, True)
        if not _NUMBER.fullmatch(given):
            return None
        if not given.isdigit():
            with suppress(InvalidOperation, OverflowError):
                found = self._floats.get(float(Decimal(given)))
                return None if found is None else (f"written {_FLOAT}", found, True)
            return None
        right = given.lstrip("0")
        return ("with leading zeros", right, True) if right in self._known else None

    def _as_text(self, given: str) -> tuple[str, str, bool] | None:
        for how, text in (
            ("with blanks", "".join(given.split())),
            ("in quotes", given.strip("\"'")),
            ("percent-encoded twice", unquote(given)),
        ):
            if text != given and text in self._known:
                return how, text, True
        right = self._lower.get(given.lower())
        if right is not None:
            return "in other letters", right, False
        if len(given) >= _PART:
            place = bisect_left(self._sorted, given)
            right = self._sorted[place] if place < len(self._sorted) else ""
            if right.startswith(given):
                return f"cut after {len(given)} of {len(right)} characters", right, False
        return None


def confused(evidence: Evidence, asked: list[tuple[Request, str]]) -> Item:
    """Whether an id of one kind is sent in the place of another."""
    proofs = []
    for request, given in asked:
        is_delete = request.operation == "deleteVoice"
        if not request.is_permanent or request.struck is not None:
            continue
        if is_delete and given in evidence.names and given not in evidence.voices:
            words = f"{given} is the task {evidence.names[given]}, not a voice"
        elif not is_delete and given in evidence.voices and given not in evidence.names:
            words = f"{given} is the voice of task {evidence.voices[given].id}"
        elif not is_delete and given in evidence.audios and given not in evidence.names:
            words = f"{given} is the audio of task {evidence.audios[given].id}"
        else:
            continue
        proofs.append(Proof(words, request.number))
    if not asked:
        return CONFUSED.not_seen("no id was sent")
    numbers = {"ids": len(asked), "confused": len(proofs)}
    if not proofs:
        return CONFUSED.judged(Verdict.OK, "each kind of id in its place", numbers)
    seen = f"{plural(len(proofs), 'id')} of another kind"
    return CONFUSED.judged(Verdict.ADVICE, seen, numbers, proofs)
