"""What a case is: a delivery, the clause that it looks at, and how bad each kind of answer would be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from contract_tests.probe.pen import Pen
from contract_tests.probe.wire import Delivery


class Weight(IntEnum):
    """How bad an answer is."""

    FINE = 0
    FINDING = 1
    FAILURE = 2


FINE, FINDING, FAILURE = Weight


@dataclass(frozen=True, slots=True)
class Want:
    """How bad each kind of answer is.

    Attributes:
        words: what a good receiver does.
        accepted: 2xx.
        refused: 4xx.
        crashed: 5xx, or a connection that ends without an answer.
    """

    words: str
    accepted: Weight
    refused: Weight
    crashed: Weight


ACCEPT = Want("2xx", FINE, FAILURE, FAILURE)
REFUSE = Want("4xx", FAILURE, FINE, FAILURE)
#: Good receivers may do otherwise; what may not happen is that they crash.
RATHER_ACCEPT = Want("2xx", FINE, FINDING, FAILURE)
RATHER_REFUSE = Want("4xx", FINDING, FINE, FAILURE)
EITHER = Want("2xx or 4xx", FINE, FINE, FAILURE)
#: Where libraries in wide use stumble: worth knowing, and the receiver's author may not be able to help it.
REFUSE_OR_STUMBLE = Want("4xx", FAILURE, FINE, FINDING)
STUMBLE = Want("2xx or 4xx", FINE, FINE, FINDING)


@dataclass(frozen=True, slots=True)
class Case:
    """One delivery, and what is wanted of its answer.

    Attributes:
        clause: the id of the clause that it looks at.
        what: the delivery in words.
        on_refusal: the clause that a refusal breaks, where that is another one.
        on_crash: the clause that a crash breaks, where that is another one.
    """

    clause: str
    what: str
    want: Want
    delivery: Delivery
    on_refusal: str = ""
    on_crash: str = ""

    @property
    def clauses(self) -> list[str]:
        """All clauses that it looks at."""
        return [name for name in (self.clause, self.on_refusal, self.on_crash) if name]

    @property
    def is_hostile(self) -> bool:
        """Whether a good receiver need not take it; whether it survives is seen by a valid one afterwards."""
        return self.want is not ACCEPT


Cases = Iterator[Case]


def accepts(pen: Pen, clause: str, what: str, body: dict[str, object] | bytes) -> Case:
    """A valid delivery."""
    return Case(f"receiver.accepts.{clause}", what, ACCEPT, pen.post(body))
