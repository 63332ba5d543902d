"""Virtual time: an object with a rate and a jump, forward only.

The idea is that of trio's MockClock: virtual time is ``base + rate * elapsed``. Rate 1 is real time, 60 runs a minute a
second, 0 stands still. Where real time comes from is an argument, so the clock's own tests patch nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class TimeGoesForward(ValueError):
    """Raised when a clock is asked to go back; it has not moved."""


def wall_ms() -> int:
    """The machine's clock: milliseconds since the Unix epoch, UTC."""
    return time.time_ns() // 1_000_000


class VirtualClock:
    """Virtual time in whole milliseconds since the Unix epoch, UTC.

    Args:
        start: the instant (ms) it begins at.
        rate: virtual seconds per real second, 0 or more.
        monotonic: real seconds that never go back.
    """

    __slots__ = ("_base", "_jumped_ms", "_monotonic", "_rate", "_since")

    def __init__(
        self, start: int, rate: float = 1.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        if not rate >= 0:
            raise ValueError(f"a clock's rate is 0 or more, not {rate}")
        self._base = start
        self._rate = rate
        self._monotonic = monotonic
        self._since = monotonic()
        self._jumped_ms = 0

    @property
    def jumped_ms(self) -> int:
        """Milliseconds it was moved by jumps, apart from its own running."""
        return self._jumped_ms

    @property
    def rate(self) -> float:
        """Virtual seconds per real second; 0 stands still."""
        return self._rate

    def set_rate(self, rate: float) -> None:
        """Changes the rate from now on.

        Raises:
            ValueError: it is negative or no number.
        """
        if not rate >= 0:
            raise ValueError(f"a clock's rate is 0 or more, not {rate}")
        self._base, self._since = self.now(), self._monotonic()
        self._rate = rate

    def now(self) -> int:
        """The present instant in ms."""
        if not self._rate:
            return self._base
        return self._base + int((self._monotonic() - self._since) * 1000 * self._rate)

    def jump(self, duration_ms: int) -> None:
        """Moves forward by ``duration_ms``.

        Raises:
            TimeGoesForward: the duration is negative.
        """
        if duration_ms < 0:
            raise TimeGoesForward("time does not go back")
        self._base += duration_ms
        self._jumped_ms += duration_ms

    def jump_to(self, instant: int) -> None:
        """Moves forward to an instant (ms); does nothing when it has passed already."""
        self.jump(max(0, instant - self.now()))

    def real_delay_s(self, instant: int) -> float | None:
        """Real seconds until an instant (ms): 0 when it has come, ``None`` when the clock stands still before it."""
        missing = instant - self.now()
        if missing <= 0:
            return 0.0
        return missing / 1000 / self._rate if self._rate else None

    def copy(self) -> VirtualClock:
        """A clock of its own that shows the same time now and runs at the same rate."""
        return VirtualClock(self.now(), self._rate, self._monotonic)
