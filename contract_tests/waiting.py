"""How long a machine may wait for a server that cannot be told to hurry."""

from __future__ import annotations

#: Real seconds that all stories together may wait where the clock cannot be moved.
WAITING_S = 8.0


class Waiting:
    """How much longer the machine may wait for a server whose clock it cannot move."""

    def __init__(self, seconds: float = WAITING_S) -> None:
        self._until_spent_s = seconds

    def take(self, seconds: float) -> float:
        """Takes up to ``seconds``; returns what there was."""
        taken = min(seconds, self._until_spent_s)
        self._until_spent_s -= taken
        return taken
