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


#: Real seconds that all further waits take together when one was in vain.
IN_VAIN_S = 10.0


class Patience:
    """How long is waited for a server in real time: when one wait was in vain, the next ones are short.

    Args:
        seconds: for each of them, as long as none was in vain.

    Attributes:
        is_list_wrong: whether a list stayed wrong, however often it was looked at.
    """

    def __init__(self, seconds: float) -> None:
        self.is_list_wrong = False
        self._seconds = seconds
        self._left_s = IN_VAIN_S
        self._in_vain: set[str] = set()

    @property
    def was_in_vain(self) -> bool:
        """Whether something did not come."""
        return bool(self._in_vain)

    def take(self, what: str) -> float:
        """The seconds to wait for something; none if it was waited for before."""
        if what in self._in_vain:
            return 0.0
        return min(self._seconds, self._left_s) if self._in_vain else self._seconds

    def lost(self, what: str, waited_s: float) -> None:
        """Something did not come."""
        if self._in_vain:
            self._left_s = max(0.0, self._left_s - waited_s)
        self._in_vain.add(what)
