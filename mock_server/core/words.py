"""Words for a mistake: the known word nearest to one that is unknown."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean ...?`` with the known word nearest to one that is unknown, or nothing."""
    by_lower = {str(item).lower(): str(item) for item in known}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.4)
    return f"; did you mean {by_lower[near[0]]!r}?" if near else ""
