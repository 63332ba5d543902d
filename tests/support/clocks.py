"""Clocks that only a test moves."""

from __future__ import annotations

from mock_server.clock import VirtualClock
from tests.support.tasks import T0


class Hand:
    """A source of real seconds that a test turns by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """The present second."""
        return self.seconds


def still_clock(start: int = T0) -> VirtualClock:
    """A clock that stands still until it is told to jump."""
    return VirtualClock(start, rate=0)
