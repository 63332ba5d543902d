"""Limits of the real platform: resource packs, concurrency slots, rate windows. Off unless somebody sets them.

Units are counted in integer hundredths: 0.05 units are 5. Documented: deductions are booked at completion, refusals are
free, a slot is held from submitted until the task is finished, and all keys of an account share them. Assumed: that
text-to-speech and custom voices take slots, and that failed tasks are free.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

#: Observed: every text-to-speech call and every custom voice costs 0.05 units (live calls 2026-09). In hundredths.
PRICE = 5


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``requests`` in any ``seconds`` virtual seconds."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account may do; ``None`` is no limit.

    Attributes:
        units: the resource pack, in hundredths of a unit.
        slots: tasks in flight at once.
        rate: requests per window.
    """

    units: int | None = None
    slots: int | None = None
    rate: Rate | None = None

    def __bool__(self) -> bool:
        return self.units is not None or self.slots is not None or self.rate is not None


class RateWindow:
    """The instants of the requests that were let in, as far back as the window reaches."""

    __slots__ = ("_instants",)

    def __init__(self) -> None:
        self._instants: deque[int] = deque()

    def admits(self, rate: Rate, now: int) -> bool:
        """Whether one more request is let in at ``now`` (ms); if so, it is counted."""
        oldest = now - rate.seconds * 1000
        while self._instants and self._instants[0] <= oldest:
            self._instants.popleft()
        if len(self._instants) >= rate.requests:
            return False
        self._instants.append(now)
        return True
