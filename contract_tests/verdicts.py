"""What the tests of a run say of each clause, gathered by a pytest plugin."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

import httpx2
import pytest

from contract_tests import checks, clauses, options, redaction, selecting
from contract_tests.gathering import Breach, Gathered
from contract_tests.meter import NotSent
from contract_tests.saying import unanswered
from contract_tests.sending import Exchange, Sender


class Verdicts(Gathered):
    """A pytest plugin that gathers what the tests saw.

    Args:
        sender: what sends the requests of the run.

    Attributes:
        done: tests that have ended.
        late: tests that did not run to their end since the time of the run was up.
        left: tasks whose voices could not be deleted.
    """

    def __init__(self, dialects: tuple[str, ...], sender: Sender, *, strict: bool) -> None:
        super().__init__(dialects, strict=strict)
        self.done = 0
        self.late = 0
        self.left: list[str] = []
        self._sender = sender

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """A test begins."""
        checks.looked.clear()
        checks.noted.clear()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """A phase of a test has ended."""
        dialect = selecting.dialect_of(item) or self._dialects[0]
        self.looked(checks.looked, dialect)
        self.done += call.when == "call"
        for noted in checks.noted:
            self.failed(noted, dialect, self._sender.recent, self._sender.made)
        if call.excinfo is None:
            return
        error = self._named(call.excinfo.value)
        sources = selecting.sources_of(item)
        if isinstance(error, pytest.skip.Exception):
            reason = redaction.clean(str(error.msg).removeprefix("not looked at: "))
            self.explained(sources, reason)
            self.late += isinstance(error, NotSent) and self._sender.is_late
            return
        broken = self.failed(error, dialect, self._sender.recent, self._sender.made)
        if broken:
            self.explained(sources, f"a check of it ended early: {broken} is broken")
        else:
            self.errors.append(f"{item.name}: {type(error).__name__}: {error}")

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Some tests were left out."""
        for item in items:
            reason = item.stash.get(selecting.REASON, "")
            if reason:
                self.explained(selecting.sources_of(item), reason)

    def pytest_sessionfinish(self) -> None:
        """The tests are over. Silence that ended a test without a word is a failure too."""
        silent = self._silences()
        name = "server.answers"
        if silent and not self.is_broken(name):
            told = unanswered(silent[-1].request, silent[-1].error)
            line = silent[-1].request.curl
            self.broke(
                Breach(
                    clauses.find(name),
                    self._dialects[0],
                    told.sentence,
                    line,
                    (line,),
                    "",
                    is_finding=False,
                )
            )

    def _silences(self) -> list[Exchange]:
        """The requests to the server under test that got no answer."""
        origin = self._sender.origin
        return [one for one in self._sender.silences if urlsplit(one.request.url).netloc == origin]

    def _named(self, error: BaseException) -> BaseException:
        """What a test ended in; no answer to a question of the kit's own, as to what server it is, is one missing."""
        silent = self._silences()
        if not isinstance(error, httpx2.TransportError) or not silent:
            return error
        return checks.Broken("server.answers", unanswered(silent[-1].request, error))

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module could not be read: that is the kit's mistake."""
        if report.failed:
            self.errors.append(f"{report.nodeid}: {report.longreprtext}")

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """The run is over, and what it made is deleted."""
        self.left = config.stash.get(options.LEFT, [])
