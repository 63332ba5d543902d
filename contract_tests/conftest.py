"""The kit as a pytest suite: ``pytest contract_tests --contract-base-url URL``.

A test's docstring is the clause it looks at, in words that the author of a server may accept or dispute, with its
source; the ids in brackets in a failure are those of x-rules in openapi/. What cannot be looked at is skipped with the
reason. A server that reads an assumed clause differently is a finding: it shows as xfailed and fails nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from contract_tests import documents, options
from contract_tests.api import Api
from contract_tests.checks import Finding
from contract_tests.garden import Garden
from contract_tests.receiver import Receiver
from contract_tests.run import Run
from contract_tests.target import Target

RUN = pytest.StashKey[Run]()

options.register_profiles()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the kit's options."""
    options.add(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Reads the options; starts nothing yet."""
    config.addinivalue_line(
        "markers",
        "assumed: servers may well read this clause differently; that is a finding, not a failure",
    )
    config.addinivalue_line("markers", "dialects(*names): the clause is about these dialects only")
    config.addinivalue_line(
        "markers", "billable: sends create requests that are accepted, and may be charged"
    )
    config.stash[RUN] = Run(options.read(config))
    seed = config.getoption("--contract-seed")
    if seed is not None and not config.getoption("--hypothesis-seed", None):
        config.option.hypothesis_seed = str(seed)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops what was started."""
    run = config.stash.get(RUN, None)
    if run is not None:
        config.stash[options.LEFT] = run.close()


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
    """Leaves out generated tests of dialects that were not asked for."""
    asked = config.stash[RUN].options.dialects or documents.DIALECTS
    others = [
        item
        for item in items
        if hasattr(item, "operation_label") and not item.name.partition("[")[2].startswith(asked)
    ]
    if others:
        items[:] = [item for item in items if item not in others]
        config.hook.pytest_deselected(items=others)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows a finding as such, and not as a failure."""
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(Finding):
        report.outcome = "skipped"
        report.wasxfail = f"finding {call.excinfo.value}"
    return report


@pytest.fixture(scope="session")
def run(pytestconfig: pytest.Config) -> Run:
    """The run."""
    return pytestconfig.stash[RUN]


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
