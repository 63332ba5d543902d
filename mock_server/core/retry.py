"""Retry schedules: when a callback that was not taken is tried again. No vendor documents one, so the default is none.

A schedule is data. It counts from the end of an attempt, in virtual seconds; its jitter is a hash, so that a run can be
repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: HTTP status that asks for no more attempts. Source: Standard Webhooks.
GONE = 410
#: Statuses that ask for less haste. Source: Standard Webhooks.
_BUSY = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to try again.

    Attributes:
        delays_s: seconds before the second attempt, the third, and so on; none after the last.
        jitter: the share of a delay that is drawn by a hash: 0.1 is from 90 % to 110 %.
        honours_retry_after: whether a receiver's Retry-After makes a delay longer.
        stops_when_gone: whether 410 ends the attempts.
    """

    name: str
    delays_s: tuple[float, ...] = ()
    jitter: float = 0.0
    honours_retry_after: bool = True
    stops_when_gone: bool = True

    def delay_s(
        self, attempts: int, status: int | None, retry_after_s: float | None, drawn: float
    ) -> float | None:
        """Seconds until the next attempt, or ``None`` for no more.

        Args:
            attempts: how many there were.
            status: what the receiver answered to the last, if it did.
            retry_after_s: what its Retry-After said, if it did.
            drawn: a number of [0, 1) that a hash made.
        """
        if attempts > len(self.delays_s) or (self.stops_when_gone and status == GONE):
            return None
        delay = self.delays_s[attempts - 1] * (1 + self.jitter * (2 * drawn - 1))
        is_asked = self.honours_retry_after and status in _BUSY and retry_after_s is not None
        return max(delay, retry_after_s or 0.0) if is_asked else delay


NONE = Schedule("none")
#: The example of the Standard Webhooks specification: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
STANDARD = Schedule(
    "standard-webhooks",
    (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400),
    jitter=0.1,
)
#: Three more attempts, a minute apart.
FIXED = Schedule("fixed", (60, 60, 60))
#: Five more attempts: 1, 2, 4, 8, 16 s, each up to a fifth more or less.
EXPONENTIAL = Schedule("exponential", (1, 2, 4, 8, 16), jitter=0.2)

SCHEDULES: Mapping[str, Schedule] = {
    schedule.name: schedule for schedule in (NONE, STANDARD, FIXED, EXPONENTIAL)
}
