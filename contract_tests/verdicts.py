"""What a run says of each clause, gathered while the tests run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from contract_tests import checks, clauses, documents, options, selecting
from contract_tests.observation import Request
from contract_tests.sending import Exchange, Sender

FAILED, FINDING, NOT_LOOKED_AT, PASSED = "failed", "finding", "not_looked_at", "passed"
#: In the order of their weight.
RESULTS = (FAILED, FINDING, NOT_LOOKED_AT, PASSED)

_NAMED = re.compile(r"\[([a-z0-9-]+(?:\.[a-z0-9-]+)+)\]")
_CURL = re.compile(r"^\s*((?:printf '[^']*' \| )?curl .*)$", re.MULTILINE)
_TASK = re.compile(r"""['"]task_id['"]: ['"]([^'"]+)""")
#: Requests that are shown of what took several.
_SHOWN = 4
_NOBODY = "no check of this run looks at it"


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


class Verdicts:
    """A pytest plugin that gathers what the tests saw.

    Attributes:
        errors: tests that ended in something that no clause explains.
        done: tests that have ended.
        left: tasks whose voices could not be deleted.
    """

    def __init__(self, dialects: tuple[str, ...], sender: Sender, *, strict: bool) -> None:
        self.errors: list[str] = []
        self.done = 0
        self.left: list[str] = []
        self._dialects = dialects
        self._sender = sender
        self._is_strict = strict
        self._looked: dict[str, list[str]] = {}
        self._breaches: dict[str, Breach] = {}
        self._reasons: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """A test begins."""
        checks.looked.clear()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """A phase of a test has ended."""
        dialect = self._dialect_of(item)
        for identifier in checks.looked:
            seen_in = self._looked.setdefault(identifier, [])
            if dialect not in seen_in:
                seen_in.append(dialect)
        self.done += call.when == "call"
        if call.excinfo is None:
            return
        error = call.excinfo.value
        if isinstance(error, pytest.skip.Exception):
            for identifier in selecting.sources_of(item):
                self._reasons.setdefault(identifier, str(error.msg).removeprefix("not looked at: "))
            return
        self._failed(item, dialect, error)

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Some tests were left out."""
        for item in items:
            reason = item.stash.get(selecting.REASON, "")
            for identifier in selecting.sources_of(item) if reason else ():
                self._reasons.setdefault(identifier, reason)

    def pytest_sessionfinish(self) -> None:
        """The tests are over. Silence that ended a test without a word is a failure too."""
        silent = self._sender.silences
        name = "server.answers"
        if self._sender.gave_up and silent and name not in self._breaches:
            saw, line = silent[-1].error, silent[-1].request.curl
            clause = clauses.find(name)
            self._breaches[name] = Breach(
                clause, self._dialects[0], saw, line, (line,), "", is_finding=False
            )

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module could not be read: that is the kit's mistake."""
        if report.failed:
            self.errors.append(f"{report.nodeid}: {report.longreprtext}")

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """The run is over, and what it made is deleted."""
        self.left = config.stash.get(options.LEFT, [])

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
                yield Verdict(clause, NOT_LOOKED_AT, self._reasons.get(identifier, _NOBODY))

    def _failed(self, item: pytest.Item, dialect: str, error: BaseException) -> None:
        for one in _flat(error):
            identifier = _clause_of(one)
            if identifier is None:
                continue
            breach = _breach(clauses.find(identifier, dialect), dialect, one, self._sender.recent)
            known = self._breaches.get(identifier)
            # The same clause again: one report is enough, the shortest request, and a failure before a finding.
            if known is None or _rank(breach) < _rank(known):
                self._breaches[identifier] = breach
            for other in selecting.sources_of(item):
                self._reasons.setdefault(
                    other, f"a check of it ended early: {identifier} is broken"
                )
            return
        self.errors.append(f"{item.name}: {type(error).__name__}: {error}")

    def _weight(self, breach: Breach) -> str:
        is_lenient = breach.is_finding or breach.clause.evidence == clauses.ASSUMED
        return FINDING if is_lenient and not self._is_strict else FAILED

    def _dialect_of(self, item: pytest.Item) -> str:
        params: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        named = params.get("dialect") or params.get("official")
        if named is None and hasattr(item, "operation_label"):
            label = item.name.partition("[")[2]
            named = next((name for name in documents.DIALECTS if label.startswith(name)), None)
        return str(named or self._dialects[0])


def _breach(
    clause: clauses.Clause, dialect: str, error: BaseException, recent: Iterable[Exchange]
) -> Breach:
    saw = error.saw if isinstance(error, checks.Broken) else str(error)
    if isinstance(error, checks.Broken) and "[schema]" in str(error):
        saw = f"{str(error).partition('] ')[2]}"
    named = _CURL.search(saw)
    requests = tuple(request.curl for request in _concerned(saw, list(recent)))
    request = named[1] if named else requests[-1] if requests else ""
    notes = "\n".join(getattr(error, "__notes__", ()))
    return Breach(
        clause,
        dialect,
        _CURL.sub("", saw).strip(),
        request,
        () if named and not notes else requests,
        notes if "state" in notes else "",
        isinstance(error, checks.Finding),
    )


def _concerned(saw: str, recent: list[Exchange]) -> list[Request]:
    """The requests whose answers hold a task that was quoted: the one that made it, and the last ones."""
    names = {name.encode() for name in _TASK.findall(saw)}
    about = [
        exchange.request
        for exchange in recent
        if exchange.answer is not None and any(name in exchange.answer.body for name in names)
    ]
    about = about or [exchange.request for exchange in recent[-1:]]
    return about if len(about) <= _SHOWN else [about[0], *about[1 - _SHOWN :]]


def _rank(breach: Breach) -> tuple[bool, bool, int]:
    return breach.is_finding, not breach.request, len(breach.request) + len(breach.steps)


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
