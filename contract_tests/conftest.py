"""The kit as a pytest suite: ``pytest contract_tests --contract-base-url URL``.

A test's docstring is the clause it looks at, in words that the author of a server may accept or dispute, with its
source; the ids in brackets in a failure are those of x-rules in openapi/. What cannot be looked at is skipped with the
reason. A server that reads an assumed clause differently is a finding: it shows as xfailed and fails nothing, unless
--contract-strict is given.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import httpx2
import pytest

from contract_tests import checks, documents, gathering, options, selecting
from contract_tests.ahead import Ahead
from contract_tests.api import Api
from contract_tests.garden import Garden
from contract_tests.receiver import Receiver
from contract_tests.run import Run, explain, refusal_to_pay
from contract_tests.target import Target

RUN = pytest.StashKey[Run]()
AHEAD = pytest.StashKey[Ahead]()
_MARKERS = (
    "assumed: servers may well read this clause differently; that is a finding, not a failure",
    "dialects(*names): the clause is about these dialects only",
    "billable: it makes calls that are charged when they are accepted",
    "last: it runs after all others",
    "canary: it makes the paid calls of the profile live-canary, and runs in no other",
)

options.register_profiles()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the kit's options."""
    options.add(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Reads the options. Starts nothing yet, but asks a server whether it is free where nobody says so."""
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    given = config.stash.get(options.GIVEN, None)
    options.register_profiles(is_far=bool(given and given[1].pace.is_far))
    options.load_profile(config)
    asked = options.read(config)
    run = config.stash[RUN] = Run(asked, given[1] if given else None)
    config.stash[AHEAD] = Ahead(run)
    seed = config.getoption("--contract-seed")
    if seed is not None and not config.getoption("--hypothesis-seed", None):
        config.option.hypothesis_seed = str(seed)
    if asked.base_url and not (asked.is_free or asked.will_pay):
        _refuse_to_pay(run)


def _refuse_to_pay(run: Run) -> None:
    """Refuses a server that may charge.

    Raises:
        pytest.UsageError: it may, or nobody knows.
    """
    ways = "add --contract-i-will-pay if that is meant, or --contract-free if it charges nothing"
    try:
        meter = run.sender.meter
        reason = refusal_to_pay(run.options, meter) if meter else ""
    except httpx2.TransportError as error:
        raise pytest.UsageError(f"{explain(error, run.options.base_url)}; {ways}") from None
    if reason:
        raise pytest.UsageError(f"{reason}; {ways}")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Says what a run may cost, before its first request.

    Raises:
        pytest.UsageError: nobody answers, or several processes would each spend the budget.
    """
    config = session.config
    run = config.stash[RUN]
    if config.option.collectonly or not run.options.base_url or options.GIVEN in config.stash:
        return
    try:
        meter = run.sender.meter
    except httpx2.TransportError as error:
        raise pytest.UsageError(explain(error, run.options.base_url)) from None
    if meter is None or not meter.is_paid:
        return
    if hasattr(config, "workerinput") or getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("one process looks at a server that may charge: leave out -n")
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(f"this may cost: {meter.plan()}")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Says what was spent, and whether that was all there was."""
    run = config.stash[RUN]
    meter = run.sender.meter if "sender" in vars(run) else None
    if meter is not None:
        terminalreporter.write_line(f"spent: {meter.spent()}")
        if meter.is_spent:
            terminalreporter.write_line("THE BUDGET IS SPENT: not everything was looked at")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops what was started."""
    run = config.stash.get(RUN, None)
    if run is not None:
        config.stash[options.LEFT] = run.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test begins."""
    checks.noted.clear()
    run = item.config.stash[RUN]
    if "sender" in vars(run):
        run.sender.begins()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test per dialect: all of them for ``dialect``, those with the official operations for ``official``."""
    asked = metafunc.config.stash[RUN].options.dialects or documents.DIALECTS
    only = next((mark.args for mark in metafunc.definition.iter_markers("dialects")), asked)
    for name, all_of in (("dialect", documents.DIALECTS), ("official", documents.OFFICIAL)):
        if name in metafunc.fixturenames:
            names = [item for item in all_of if item in asked and item in only]
            words = f"not looked at: it is about {' and '.join(only)} only"
            nobody = pytest.param("", marks=pytest.mark.skip(reason=words))
            metafunc.parametrize(name, names or [nobody], scope="module")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Gives schemathesis' items ids of their own: pytest 9.2 drops the operation from them."""
    label = getattr(item, "operation_label", None)
    identity: Any = getattr(item, "_id", None)
    if label is not None and hasattr(identity, "with_params") and label not in item.nodeid:
        item._id = identity.with_params(item.name.partition("[")[2].removesuffix("]"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what was not asked for, or costs money in a profile that spends none on it; puts others last."""
    asked = config.stash[RUN].options
    left_out = [item for item in items if selecting.is_left_out(item, asked)]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Leaves out the dialects for which nothing need be generated: that is what takes longest to collect."""
    made = yield
    schemas = getattr(made, "schemas", None)
    if not isinstance(schemas, dict):
        return made
    asked = collector.config.stash[RUN].options
    function = made.test_function
    made.schemas = {
        name: schema
        for name, schema in schemas.items()
        if selecting.wants_generated(asked, name, function.__doc__ or "")
    }
    return made if made.schemas else []


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test is run, unless it ran ahead."""
    return pyfuncitem.config.stash[AHEAD].is_done(pyfuncitem) or None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows a finding as such, and not as a failure; what was found and ended no test shows at its end."""
    report = yield
    error = call.excinfo.value if call.excinfo is not None else None
    dialect = selecting.dialect_of(item)
    seen = [one for one in (error, *checks.noted) if isinstance(one, checks.Broken)]
    item.config.stash[RUN].broken.update(one.clause for one in seen)
    if call.when == "call" and (error is None or isinstance(error, checks.Finding)):
        broken = [one for one in checks.noted if not gathering.is_finding(one, dialect)]
        error = next(iter(broken or ([] if error else checks.noted)), error)
    if not isinstance(error, checks.Broken):
        return report
    if item.config.stash[RUN].options.is_strict or not gathering.is_finding(error, dialect):
        report.outcome = "failed"
        if call.excinfo is None or call.excinfo.value is not error:
            report.longrepr = f"{type(error).__name__}: {error}"
    else:
        report.outcome = "skipped"
        report.wasxfail = f"finding {error}"
    return report


@pytest.fixture(scope="session")
def run(pytestconfig: pytest.Config) -> Run:
    """The run."""
    return pytestconfig.stash[RUN]


@pytest.fixture(scope="session")
def ahead(pytestconfig: pytest.Config) -> Ahead:
    """What was asked ahead of its turn."""
    return pytestconfig.stash[AHEAD]


@pytest.fixture(scope="session")
def target(run: Run) -> Target:
    """The server under test."""
    return run.target


@pytest.fixture(scope="session")
def receiver(run: Run) -> Receiver:
    """The receiver of callbacks."""
    return run.receiver


@pytest.fixture(scope="module")
def garden(run: Run, official: str) -> Garden:
    """The tasks that the tests of a dialect share."""
    return Garden.of(run.api(official), run.receiver, getattr(run.options, "webhook_secret", ""))


@pytest.fixture
def api(run: Run, dialect: str) -> Api:
    """A dialect of the target; all of them in turn."""
    return run.api(dialect)


@pytest.fixture
def voices_api(run: Run, official: str) -> Api:
    """A dialect of the target with the official operations; all of them in turn."""
    return run.api(official)
