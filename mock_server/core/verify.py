"""Verification: whether a list of exchanges holds what was expected, and if not, what came nearest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mock_server.core.pattern import Exchange, Pattern

#: Near misses shown for one expectation.
NEAREST = 3


@dataclass(frozen=True, slots=True)
class Expectation:
    """A pattern, and how many exchanges must match it: from ``at_least`` to ``at_most``, ``None`` for any number."""

    pattern: Pattern
    at_least: int = 1
    at_most: int | None = None

    @property
    def wanted(self) -> str:
        """How many are wanted, in words."""
        if self.at_least == self.at_most:
            return f"exactly {self.at_least}"
        return f"at least {self.at_least}" if self.at_most is None else f"at most {self.at_most}"


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An exchange, by its place in the list, that does not match, and why."""

    place: int
    mismatches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """How one expectation fared: the places of what matched, and what nearly did."""

    expectation: Expectation
    matched: tuple[int, ...]
    near: tuple[NearMiss, ...]

    @property
    def ok(self) -> bool:
        """Whether as many matched as were wanted."""
        most, count = self.expectation.at_most, len(self.matched)
        return count >= self.expectation.at_least and (most is None or count <= most)


def verify(expectation: Expectation, exchanges: Sequence[Exchange]) -> Result:
    """Holds one expectation against exchanges. Near misses are looked for only when too few match."""
    mismatches = [tuple(expectation.pattern.mismatches(item)) for item in exchanges]
    matched = tuple(place for place, reasons in enumerate(mismatches) if not reasons)
    if len(matched) >= expectation.at_least:
        return Result(expectation, matched, ())
    misses = [NearMiss(place, reasons) for place, reasons in enumerate(mismatches) if reasons]
    # The fewest reasons first; among equals, the newest.
    misses.sort(key=lambda miss: (len(miss.mismatches), -miss.place))
    return Result(expectation, matched, tuple(misses[:NEAREST]))


def in_order(results: Sequence[Result]) -> bool:
    """Whether what each expectation wants can be found after what the one before it wants."""
    earliest = 0
    for result in results:
        later = [place for place in result.matched if place >= earliest]
        needed = result.expectation.at_least
        if len(later) < needed:
            return False
        if needed:
            earliest = later[needed - 1] + 1
    return True
