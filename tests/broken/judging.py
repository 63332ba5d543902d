"""What the kit says of a broken server: the tests that look at the broken clause, else all, until it is named."""

from __future__ import annotations

import gc
import io
import re
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from contract_tests import checks, clauses, generating, listing, notices
from contract_tests.session import UNNEEDED
from mock_server.server import RunningServer
from tests.broken import everyone
from tests.broken.base import Mutant
from tests.support.places import ROOT

_KIT = ROOT / "contract_tests"
#: What takes longest to collect.
_GENERATED = _KIT / "test_operations.py"
_PLUGINS = ("_hypothesis_pytestplugin", "schemathesis.pytest.plugin")
_NAMED = re.compile(r"\[([a-z0-9-]+(?:\.[a-z0-9-]+)+)\]")
_ID = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
#: Seconds after which no further test begins, and that a task may take.
MOST_S, PATIENCE_S = 60.0, 3.0
#: Seconds that a notification may take, and between two looks at a list: these servers are on this machine, and quick.
_DELIVERY_S, _PAUSE_S = 3.0, 0.2


@dataclass
class Judged:
    """What was said of a server.

    Attributes:
        failed: documented and observed clauses that were named broken.
        findings: assumed ones.
        errors: tests that ended in something else.
        seconds: how long it took.
    """

    failed: set[str] = field(default_factory=set)
    findings: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    ended: bool = True

    def says(self, mutant: Mutant) -> str:
        """The word for how a mutant fared: killed | found | other | survived."""
        if self.failed & set(mutant.clauses):
            return "killed"
        if self.findings & set(mutant.clauses):
            return "found"
        return "other" if self.failed or self.errors else "survived"


class Watch:
    """A pytest plugin that notes which clauses are broken, and ends a run when a wanted one is.

    Args:
        wanted: clauses any of which ends the run.
        dialect: which is looked at.

    Attributes:
        is_brief: whether only tests run that say they look at what is wanted.
    """

    def __init__(self, wanted: Iterable[str], dialect: str) -> None:
        self.judged = Judged()
        self.is_brief = True
        self._wanted = set(wanted)
        self._dialect = dialect
        self._began = time.monotonic()

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        """Shrinks nothing: which clause is broken is enough."""
        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("smoke", settings.get_profile("smoke"), phases=phases)
        settings.load_profile("smoke")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leaves out the tests that do not say they look at what is wanted, while that may be enough."""
        if self.is_brief:
            others = [item for item in items if not self._looks(item)]
            items[:] = [item for item in items if self._looks(item)]
            config.hook.pytest_deselected(items=others)

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """A phase of a test has ended."""
        if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
            self._note(item, call.excinfo.value)
        for noted in checks.noted:
            self._note(item, noted)
        if self._is_named():
            item.session.shouldfail = "the wanted clause was named"
        elif time.monotonic() - self._began > MOST_S:
            self.judged.ended = False
            item.session.shouldfail = "it took too long"

    def _is_named(self) -> bool:
        """Whether no more can be said: a finding may yet become a failure, unless the clause is assumed."""
        surest = {
            clause
            for clause in self.judged.findings
            if clauses.find(clause, self._dialect).evidence == clauses.ASSUMED
        }
        return not self._wanted.isdisjoint(self.judged.failed | surest)

    def _note(self, item: pytest.Item, error: BaseException) -> None:
        for one in _flat(error):
            named = _NAMED.match(str(one))
            identifier = getattr(one, "clause", None) or (named and named[1])
            if not isinstance(identifier, str) or identifier not in clauses.catalogue():
                continue
            evidence = clauses.find(identifier, self._dialect).evidence
            is_finding = evidence == clauses.ASSUMED or isinstance(one, checks.Finding)
            (self.judged.findings if is_finding else self.judged.failed).add(identifier)
            return
        self.judged.errors.append(f"{item.name}: {type(error).__name__}: {str(error)[:200]}")

    def _looks(self, item: pytest.Item) -> bool:
        return not self._wanted.isdisjoint(_clauses_of(item))


class _Index:
    """A pytest plugin that notes which modules look at a clause."""

    def __init__(self) -> None:
        self.modules: dict[str, set[Path]] = defaultdict(set)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """All tests are known, and none has been left out."""
        for item in items:
            for clause in _clauses_of(item):
                self.modules[clause].add(item.path)


def _clauses_of(item: pytest.Item) -> set[str]:
    """The clauses that a test says it looks at."""
    function = getattr(item, "function", None)
    words = (getattr(function, "__doc__", None) or "").partition("Source: ")[2]
    fault = getattr(getattr(item, "callspec", None), "params", {}).get("fault")
    return {*_ID.findall(words), getattr(fault, "clause", "")}


@cache
def modules() -> dict[str, set[Path]]:
    """The modules of the kit that look at each clause.

    What was loaded for that stays for as long as this process, which runs the kit again and again.
    """
    index = _Index()
    _pytest([*_KIT.glob("test_*.py")], index, "--collect-only")
    gc.collect()
    gc.freeze()
    return index.modules


def judge(name: str) -> Judged:
    """What the kit says of a mutant."""
    mutant = everyone()[name]
    watch = Watch(mutant.clauses, mutant.dialect)
    notices.DELIVERY_S, listing.PAUSE_S = _DELIVERY_S, _PAUSE_S
    looking = set[Path]().union(*(modules().get(clause, ()) for clause in mutant.clauses))
    with RunningServer(app=mutant.make()) as server:
        # A mock lets the kit invent accounts; elsewhere a second one has to be given.
        alone = ("--contract-free", "--contract-api-key2", "second")
        second = () if mutant.host == "mock" else alone
        options = (*mutant.options, *second)
        picked = {*_KIT.glob("test_*.py")} - {_GENERATED}
        for is_brief, paths in ((True, looking), (False, picked), (False, {_GENERATED})):
            watch.is_brief = is_brief
            if paths and watch.judged.says(mutant) not in ("killed", "found"):
                look(server.base_url, mutant.dialect, watch, *options, paths=paths)
    return watch.judged


def look(
    url: str, dialect: str, watch: Watch, *options: str, paths: Iterable[Path] = (_KIT,)
) -> None:
    """Runs the kit's suite, or modules of it, against a server, in this process."""
    began = time.monotonic()
    printed = _pytest(
        paths,
        watch,
        *("--contract-base-url", url, "--contract-dialect", dialect, "--contract-seed", "1"),
        *("--contract-patience", str(PATIENCE_S), *options),
    )
    if printed:
        watch.judged.errors.append(printed)
    watch.judged.seconds += time.monotonic() - began


def _pytest(paths: Iterable[Path], plugin: object, *options: str) -> str:
    """Runs pytest; returns what it printed where it could not run."""
    words = [
        *(*map(str, sorted(paths)), "-c", str(_KIT / "check.ini"), "--rootdir", str(_KIT)),
        # No tracebacks: to write one takes longer than to find what is broken.
        *("-q", "--tb=native", "--assert=plain", "--disable-plugin-autoload"),
        *(word for name in UNNEEDED for word in ("-p", f"no:{name}")),
        *(word for plugin in _PLUGINS for word in ("-p", plugin)),
        *("--hypothesis-profile", "smoke", *options),
    ]
    printed = io.StringIO()
    with redirect_stdout(printed), redirect_stderr(printed), generating.prepared():
        code = pytest.main(words, plugins=[plugin])
    is_wrong = code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)
    return printed.getvalue()[-2000:] if is_wrong else ""


def _flat(error: BaseException) -> Iterable[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _flat(one)
        return
    yield error
    if error.__cause__ is not None:
        yield from _flat(error.__cause__)
