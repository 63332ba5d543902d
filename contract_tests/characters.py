"""Which characters UTF-8 can write, said to hypothesis, which else tries each of the million at every run."""

from __future__ import annotations

from functools import cache

from hypothesis.internal import charmap
from hypothesis.internal.intervalsets import IntervalSet

_tried = charmap.intervals_from_codec


@cache
def of_codec(codec: str) -> tuple[IntervalSet, IntervalSet]:
    """The characters that a codec can write, and those among them that it reads back as others."""
    if codec == "utf-8":  # all but halves of a pair
        return IntervalSet([(0, 0xD7FF), (0xE000, 0x10FFFF)]), IntervalSet([])
    return _tried(codec)


def say() -> None:
    """Says it, for the rest of the process."""
    charmap.intervals_from_codec = of_codec
