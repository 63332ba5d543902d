"""What hypothesis would find out at every run, said to it.

It has no options for either, so functions of its own are replaced; values are generated all the same without.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from hypothesis.internal import charmap
from hypothesis.internal.conjecture import engine, providers
from hypothesis.internal.constants_ast import Constants
from hypothesis.internal.intervalsets import IntervalSet

_tried = charmap.intervals_from_codec


@cache
def characters_of(codec: str) -> tuple[IntervalSet, IntervalSet]:
    """The characters that a codec can write, and those among them that it reads back as others.

    Hypothesis tries each of the million there are, and keeps the result in its folder, which a run of ours throws away.
    """
    if codec == "utf-8":  # all but halves of a pair
        return IntervalSet([(0, 0xD7FF), (0xE000, 0x10FFFF)]), IntervalSet([])
    return _tried(codec)


def no_constants() -> Constants:
    """The constants to try.

    Hypothesis takes those in the source of all modules outside of site-packages: the kit's own in a clone, the caller's
    else. They say nothing of the server, and what a seed generates would depend on where the kit is installed.
    """
    return Constants()


@contextmanager
def prepared() -> Iterator[None]:
    """Says it, for the length of a run."""
    tried, collected = charmap.intervals_from_codec, providers._get_local_constants
    charmap.intervals_from_codec = characters_of
    providers._get_local_constants = no_constants
    try:
        yield
    finally:
        charmap.intervals_from_codec, providers._get_local_constants = tried, collected


class Shrinking:
    """How long a test looks for a shorter story of what is broken: not at all for what is known already."""

    def __init__(self) -> None:
        self._before = {name: vars(engine)[name] for name in ("MAX_SHRINKING_SECONDS", "report")}

    def __enter__(self) -> Shrinking:
        """As long as ever, until something is met that is known."""
        return self

    def needless(self) -> None:
        """What was just met was shown before: the first story of it will do."""
        vars(engine).update(MAX_SHRINKING_SECONDS=0, report=_unsaid)

    def __exit__(self, *_: object) -> None:
        """The next test shrinks as before."""
        vars(engine).update(self._before)


def _unsaid(_words: object) -> None:
    """It would say that minutes were spent."""
