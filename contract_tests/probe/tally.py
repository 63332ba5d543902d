"""What a run says of each clause: gathered while deliveries are answered, one example per clause, the smallest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from contract_tests.clauses import ASSUMED, Clause
from contract_tests.probe.cases import FAILURE, Weight
from contract_tests.probe.catalogue import catalogue
from contract_tests.results import FAILED, FINDING, NOT_LOOKED_AT, PASSED

_NOBODY = "no delivery of this run looks at it"


@dataclass(frozen=True, slots=True)
class Breach:
    """A clause that was seen broken.

    Attributes:
        saw: what was sent, what was wanted, and what came back.
        request: a command line that sends the delivery again.
        size: bytes of the delivery's body; the smallest is shown.
    """

    weight: Weight
    saw: str
    request: str
    size: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of a clause.

    Attributes:
        deliveries: how many looked at it.
    """

    clause: Clause
    result: str
    message: str
    request: str = ""
    deliveries: int = 0


@dataclass
class Tally:
    """What was seen of each clause.

    Attributes:
        reasons: why clauses were not looked at, by the beginning of their ids.
        rest: why all others were not.
        errors: what kept the run from looking on.
    """

    is_strict: bool = False
    reasons: dict[str, str] = field(default_factory=dict)
    rest: str = _NOBODY
    errors: list[str] = field(default_factory=list)
    _looked: dict[str, int] = field(default_factory=dict)
    _breaches: dict[str, list[Breach]] = field(default_factory=dict)

    def looked(self, clauses: Iterable[str]) -> None:
        """A delivery has looked at clauses."""
        for identifier in clauses:
            self._looked[identifier] = self._looked.get(identifier, 0) + 1

    def broke(self, identifier: str, breach: Breach) -> None:
        """A clause was seen broken."""
        self._breaches.setdefault(identifier, []).append(breach)

    def is_broken(self, identifier: str) -> bool:
        """Whether a clause was seen broken."""
        return identifier in self._breaches

    def verdicts(self) -> list[Verdict]:
        """A verdict per clause, in the order of the catalogue."""
        return [self._verdict(clause) for clause in catalogue().values()]

    def _verdict(self, clause: Clause) -> Verdict:
        breaches = self._breaches.get(clause.id, [])
        count = self._looked.get(clause.id, 0)
        if breaches:
            worst = min(breaches, key=lambda item: (-item.weight, item.size))
            is_failure = worst.weight is FAILURE and clause.evidence != ASSUMED
            result = FAILED if is_failure or self.is_strict else FINDING
            more = f" ({len(breaches)} of {count} deliveries)" if len(breaches) > 1 else ""
            return Verdict(clause, result, worst.saw + more, worst.request, count)
        if count:
            return Verdict(clause, PASSED, f"kept in {count} deliveries", deliveries=count)
        reason = next(
            (text for begin, text in self.reasons.items() if clause.id.startswith(begin)), self.rest
        )
        return Verdict(clause, NOT_LOOKED_AT, reason)
