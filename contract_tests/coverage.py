"""What a run has met: operations, answers, links, states, notifications. A report shows it; no verdict needs it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Coverage:
    """What was met since the last ``clear``. Counting is not exact where several threads count at once.

    Attributes:
        operations: requests by dialect and operation, ``klingai createSpeech``.
        statuses: answers by dialect, operation, HTTP status and code, ``klingai createSpeech 200/0``.
        links: links of the documents that were followed to a success, ``klingai createCustomVoice.queryCreated``.
        states: looks at tasks by status, and changes that were seen, ``processing -> succeed``.
        callbacks: notifications by the status they told of.
    """

    operations: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    links: set[str] = field(default_factory=set)
    states: Counter[str] = field(default_factory=Counter)
    callbacks: Counter[str] = field(default_factory=Counter)

    def answered(self, dialect: str, operation_id: str, pair: tuple[int, object]) -> None:
        """An operation has answered with an HTTP status and a code."""
        self.operations[f"{dialect} {operation_id}"] += 1
        self.statuses[f"{dialect} {operation_id} {pair[0]}/{pair[1]}"] += 1

    def looked(self, before: str, after: str) -> None:
        """A task was seen in a status, after another one or after none (an empty text)."""
        self.states[after] += 1
        if before and before != after:
            self.states[f"{before} -> {after}"] += 1

    def clear(self) -> None:
        """Forgets everything."""
        for met in (self.operations, self.statuses, self.links, self.states, self.callbacks):
            met.clear()


#: What this process has met.
seen = Coverage()
