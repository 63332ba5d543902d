"""What a run has touched, counted: the report shows it, so that a run that looked at little does not look thorough."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Coverage:
    """What was touched, and how often.

    Attributes:
        operations: by dialect and operation, such as ``klingai createSpeech``.
        statuses: by operation, HTTP status and code, such as ``createSpeech 200/0``.
        links: links of the documents that were followed.
        states: lifecycle states that were seen.
        callbacks: statuses that notifications told of.
    """

    operations: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    links: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    callbacks: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        """Forgets everything: a run begins."""
        for counter in (self.operations, self.statuses, self.links, self.states, self.callbacks):
            counter.clear()


#: Of the run under way.
seen = Coverage()
