"""The kit of the kit, for single requests: each mutant is killed by the clause it breaks, and none by accident."""

from __future__ import annotations

import subprocess
import sys

import pytest
from starlette.types import ASGIApp

from contract_tests import clauses
from mock_server import settings
from mock_server.http.app import create_app
from mock_server.server import RunningServer
from tests import mutants_requests
from tests.support.places import ROOT

KIT = ROOT / "contract_tests"
#: All modules of the kit that look at single requests.
MODULES = (
    *("test_auth", "test_errors", "test_gateway", "test_library"),
    *("test_limits", "test_media", "test_requests", "test_speech"),
)
#: The modules that kill a family of mutants, so that no other need run.
KILLERS = {
    **dict.fromkeys(mutants_requests.BOUNDS, ("test_limits", "test_errors", "test_speech")),
    **dict.fromkeys(
        mutants_requests.ANSWERS, ("test_auth", "test_errors", "test_limits", "test_library")
    ),
    **dict.fromkeys(mutants_requests.SPEECHES, ("test_speech", "test_media")),
    **dict.fromkeys(mutants_requests.CREDENTIALS, ("test_auth",)),
    **dict.fromkeys(mutants_requests.PAGES, ("test_library",)),
    **dict.fromkeys(mutants_requests.CRASHES, ("test_requests", "test_errors")),
    **dict.fromkeys(
        mutants_requests.EZMODEL, ("test_gateway", "test_errors", "test_auth", "test_speech")
    ),
}
#: Seconds after which a run hangs.
TIMEOUT_S = 120


def kit(app: ASGIApp, dialect: str, modules: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Runs modules of the kit against an application, in a process of its own, as ``kling-mock check`` does."""
    with RunningServer(app=app) as server:
        command = [sys.executable, "-m", "pytest", *(str(KIT / f"{name}.py") for name in modules)]
        command += ["-c", str(KIT / "check.ini"), "--rootdir", str(KIT), "-q", "-rfx"]
        command += ["-p", "no:cacheprovider", "--disable-plugin-autoload"]
        command += ["-p", "_hypothesis_pytestplugin", "--hypothesis-profile", "smoke"]
        command += ["--contract-base-url", server.base_url, "--contract-dialect", dialect]
        return subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT_S
        )


@pytest.mark.parametrize("dialect", ["klingai", "kkiai", "ezmodel"])
def test_the_mock_keeps_every_clause_of_single_requests(dialect: str) -> None:
    """The mock as it is has neither a failure nor a finding."""
    run = kit(create_app(settings.build(quiet=True)), dialect, MODULES)
    assert run.returncode == 0, run.stdout
    assert "XFAIL" not in run.stdout, run.stdout


@pytest.mark.parametrize("dialect", ["klingai", "ezmodel"])
def test_another_reading_of_what_is_assumed_fails_nothing(dialect: str) -> None:
    """A server that reads assumed rules in another way has findings, and no failure."""
    run = kit(mutants_requests.reads_otherwise(), dialect, MODULES)
    assert run.returncode == 0, run.stdout
    assert "finding [" in run.stdout


@pytest.mark.parametrize("name", mutants_requests.MUTANTS)
def test_a_mutant_fails_by_its_clause(name: str) -> None:
    """A broken server fails, and a failure names the broken clause, which is more than assumed."""
    make, clause = mutants_requests.MUTANTS[name]
    run = kit(make(), "ezmodel" if name.startswith("ez_") else "klingai", KILLERS[name])
    assert run.returncode == 1, run.stdout
    assert f"Broken: [{clause}]" in run.stdout
    assert clauses.find(clause).evidence != clauses.ASSUMED
