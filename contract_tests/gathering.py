"""What a run says of each clause: gathered breach by breach, summed up once per clause."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from contract_tests import checks, clauses, concerned, reasons
from contract_tests.results import FAILED, FINDING, NOT_LOOKED_AT, PASSED
from contract_tests.sending import Exchange, Made

_NAMED = re.compile(r"\[([a-z0-9-]+(?:\.[a-z0-9-]+)+)\]")
_CURL = re.compile(r"^\s*((?:printf '[^']*' \| )?curl .*)$", re.MULTILINE)
#: Clauses that the creation of a task shows, and no look at it.
_OF_CREATION = ("callback.", "schema.notification", "voice-create.")


@dataclass(frozen=True, slots=True)
class Breach:
    """A clause that was seen broken.

    Attributes:
        saw: what was seen instead of what the clause says.
        request: a command line that shows it; where it takes several, the last.
        requests: all of them, as far as they concern the task.
        steps: the shortest story that shows it, where one request does not.
        is_finding: whether the test itself calls it a finding.
    """

    clause: clauses.Clause
    dialect: str
    saw: str
    request: str
    requests: tuple[str, ...]
    steps: str
    is_finding: bool


@dataclass(slots=True)
class Verdict:
    """What is said of a clause."""

    clause: clauses.Clause
    result: str
    message: str
    breach: Breach | None = None
    looked_at: list[str] = field(default_factory=list)


class Gathered:
    """What was seen of the clauses.

    Args:
        nobody: what is said of a clause that nothing looked at, by its id.

    Attributes:
        errors: what no clause explains.
    """

    def __init__(
        self, dialects: tuple[str, ...], *, strict: bool, nobody: Callable[[str], str] = reasons.of
    ) -> None:
        self.errors: list[str] = []
        self._dialects = dialects
        self._is_strict = strict
        self._nobody = nobody
        self._looked: dict[str, list[str]] = {}
        self._breaches: dict[str, Breach] = {}
        self._reasons: dict[str, str] = {}

    def looked(self, identifiers: Iterable[str], dialect: str) -> None:
        """Clauses were looked at in a dialect."""
        for identifier in identifiers:
            seen_in = self._looked.setdefault(identifier, [])
            if dialect not in seen_in:
                seen_in.append(dialect)

    def explained(self, identifiers: Iterable[str], reason: str) -> None:
        """Clauses were not looked at, for a reason; the first one stays."""
        for identifier in identifiers:
            self._reasons.setdefault(identifier, reason)

    def failed(
        self,
        error: BaseException,
        dialect: str,
        recent: Iterable[Exchange],
        made: Iterable[Made] = (),
    ) -> str:
        """Something went wrong after some exchanges; returns the clause that is broken, empty if it is none.

        Args:
            made: the tasks of the run, whose creations may lie further back.
        """
        for one in _flat(error):
            identifier = _clause_of(one)
            if identifier is not None:
                clause = clauses.find(identifier, dialect)
                self.broke(_breach(clause, dialect, one, recent, made))
                return identifier
        return ""

    def broke(self, breach: Breach) -> None:
        """A clause was seen broken. One report is enough: the shortest, and a failure before a finding."""
        known = self._breaches.get(breach.clause.id)
        if known is None or _rank(breach) < _rank(known):
            self._breaches[breach.clause.id] = breach

    def is_broken(self, identifier: str) -> bool:
        """Whether a clause was seen broken."""
        return identifier in self._breaches

    @property
    def broken(self) -> int:
        """Clauses that were seen broken so far."""
        return len(self._breaches)

    def verdicts(self) -> Iterator[Verdict]:
        """A verdict per clause of the dialects that were looked at, in the order of the catalogue."""
        known: dict[str, clauses.Clause] = {}
        for dialect in self._dialects:
            for identifier, clause in clauses.catalogue(dialect).items():
                known.setdefault(identifier, clause)
        for identifier, clause in known.items():
            breach = self._breaches.get(identifier)
            seen_in = self._looked.get(identifier, [])
            if breach is not None:
                yield Verdict(breach.clause, self._weight(breach), breach.saw, breach, seen_in)
            elif seen_in:
                yield Verdict(clause, PASSED, f"kept by {', '.join(seen_in)}", None, seen_in)
            else:
                known_reason = self._reasons.get(identifier)
                yield Verdict(clause, NOT_LOOKED_AT, known_reason or self._nobody(identifier))

    def _weight(self, breach: Breach) -> str:
        is_lenient = breach.is_finding or breach.clause.evidence == clauses.ASSUMED
        return FINDING if is_lenient and not self._is_strict else FAILED


def is_finding(error: checks.Broken, dialect: str) -> bool:
    """Whether what is broken is assumed only, or the test itself says so."""
    known = clauses.find(error.clause, dialect)
    return isinstance(error, checks.Finding) or known.evidence == clauses.ASSUMED


def _breach(
    clause: clauses.Clause,
    dialect: str,
    error: BaseException,
    recent: Iterable[Exchange],
    made: Iterable[Made],
) -> Breach:
    saw = error.saw if isinstance(error, checks.Broken) else str(error)
    evidence = error.shown_by if isinstance(error, checks.Broken) else ()
    shown = concerned.Shown(list(recent), list(made))
    requests = [request.curl for request in shown.by(evidence) or shown.quoted_in(saw)]
    named = None if evidence else _CURL.search(saw)
    if named:
        requests = [*(line for line in requests if line != named[1]), named[1]]
    is_first = clause.id.startswith(_OF_CREATION) and not concerned.has_answer(evidence)
    notes = "\n".join(getattr(error, "__notes__", ()))
    return Breach(
        clause,
        dialect,
        "\n".join(line for line in _CURL.sub("", saw).splitlines() if line.strip()),
        requests[0 if is_first and not named else -1] if requests else "",
        tuple(requests),
        notes if "state" in notes else "",
        isinstance(error, checks.Finding),
    )


def _rank(breach: Breach) -> tuple[bool, bool, int]:
    length = sum(map(len, breach.requests)) + len(breach.steps) + len(breach.saw)
    return breach.is_finding, not breach.request, length


def _flat(error: BaseException) -> Iterator[BaseException]:
    """An error, or those of a group, and what they came from."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _flat(one)
        return
    yield error
    if error.__cause__ is not None:
        yield from _flat(error.__cause__)


def _clause_of(error: BaseException) -> str | None:
    if isinstance(error, checks.Broken):
        return error.clause
    named = _NAMED.match(str(error))
    return named[1] if named and named[1] in clauses.catalogue() else None
