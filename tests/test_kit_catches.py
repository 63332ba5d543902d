"""The kit of the kit: healthy servers pass it, and each mutant is killed by the clause it breaks.

The whole suite, against every mutant and beside plain schemathesis, is ``python -m tests.score``. Here a run ends when
the broken clause was named.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
from starlette.types import ASGIApp

from contract_tests import clauses
from mock_server import settings
from mock_server.http.app import create_app
from mock_server.server import RunningServer
from tests import mutants, mutants_requests
from tests.broken import everyone
from tests.broken.health import checked
from tests.broken.judging import judge
from tests.broken.survivors import FALSE_ALARMS, SURVIVORS
from tests.healthy.reading import READINGS, taking
from tests.support.places import ROOT

#: Seconds after which a run hangs.
TIMEOUT_S = 300
#: Every disputed rule read as unlike the default as can be.
OTHER_READINGS = {
    "speech_speed_out_of_range": "refuse",
    "speech_content_risk": "fail",
    "text_too_long": "1200",
    "unparsable_body": "1201",
    "both_sources": "refuse",
    "external_id_after_failure": "free",
    "page_size_max": "500",
    "delete_answer": "stub",
    "deleted_voice_task": "hidden",
    "callback_firing": "with_submitted",
}
#: The modules that look at single requests.
SINGLE = "auth or errors or gateway or library or limits or media or requests or speech"
#: Those that a finding names although their clause is more than assumed, and why; a failure names all others.
LENIENT = {
    "another_message": "words are for people",
    "gateway_message": "words are for people",
    "another_price": "prices are observed on one account",
    "refused_speed": "sources disagree whether it is adjusted or refused",
    "speech_with_task_info": "it is one field more, and such are ignored",
    "other_words_for_slots": "words are for people",
    "always_compressed": "HTTP only advises against it",
}
MUTANTS = [
    pytest.param(
        name,
        marks=[pytest.mark.xfail(strict=True, reason=SURVIVORS[name])] if name in SURVIVORS else [],
    )
    for name in everyone()
]


HEALTHY = [
    pytest.param(
        name,
        marks=[pytest.mark.xfail(strict=True, reason=FALSE_ALARMS[name])]
        if name in FALSE_ALARMS
        else [],
    )
    for name in READINGS
]


@pytest.fixture(scope="session")
def judges() -> Iterator[ProcessPoolExecutor]:
    """A process that judges one mutant after the other: what pytest keeps for a process is not shared with this one."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        yield pool


def kit(app: ASGIApp, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the kit against an application, in a process of its own; the suite itself generates more for the mock."""
    with RunningServer(app=app) as server:
        command = [sys.executable, "-m", "pytest", "contract_tests", "-p", "no:cacheprovider"]
        command += ["--hypothesis-profile", "smoke"]
        url = ("--contract-base-url", server.base_url)
        return subprocess.run(
            [*command, *url, *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
        )


def test_kit_passes_the_mock() -> None:
    """The mock as it is keeps every clause, and every clause is looked at for which nothing else must be given."""
    run = kit(create_app(settings.build(quiet=True)), "-rs")
    assert run.returncode == 0, run.stdout
    assert not re.search(r"\d (x?failed|error)", run.stdout), run.stdout
    assert run.stdout.count("SKIPPED") == run.stdout.count("no webhook secret is given")


@pytest.mark.parametrize("dialect", ["klingai", "ezmodel"])
def test_another_reading_of_what_is_assumed_fails_nothing(dialect: str) -> None:
    """A server that reads assumed rules of single requests in another way has findings, and no failure."""
    app = mutants_requests.reads_otherwise()
    run = kit(app, "--contract-dialect", dialect, "-k", SINGLE, "-rx", "--contract-free")
    assert run.returncode == 0, run.stdout
    assert "finding [" in run.stdout


def test_kit_waits_for_a_server_without_control() -> None:
    """Where no clock can be moved, the kit waits for real, and says what it did not look at."""
    app = mutants.WithoutControl(create_app(settings.build(quiet=True, speed=20)))
    run = kit(app, "-k", "accounts or lifecycle or machine", "-rs", "--contract-free")
    assert run.returncode == 0, run.stdout
    assert "not looked at: no second account" in run.stdout


@pytest.mark.parametrize("name", HEALTHY)
def test_kit_passes_a_healthy_server_that_it_does_not_know(name: str) -> None:
    """A server that shares nothing with the mock passes, however it reads what is disputed or only assumed."""
    found = checked(READINGS[name], "--dialect", "klingai")
    assert found.passed, found


def test_kit_passes_a_healthy_server_that_takes_its_time() -> None:
    """Voices that take a third of a second of real time are waited for."""
    found = checked(taking("old-host", 0.3), "--dialect", "kkiai", two_accounts=False)
    assert found.passed, found


def test_a_signature_that_nobody_can_verify_is_not_called_kept() -> None:
    """Without the secret a well-formed signature says nothing."""
    found = checked(READINGS["official"], "--only", "callback", "--dialect", "klingai")
    assert found.passed, found
    assert "callback.method" in found.kept
    assert not [clause for clause in found.kept if clause.startswith("callback.signature")]


@pytest.mark.parametrize("name", MUTANTS)
def test_kit_kills_mutant_by_its_clause(name: str, judges: ProcessPoolExecutor) -> None:
    """A broken server is noticed, and by the clause that it breaks: a failure, or a finding where that is assumed."""
    mutant = everyone()[name]
    judged = judges.submit(judge, name).result(TIMEOUT_S)
    is_assumed = clauses.find(mutant.clauses[0], mutant.dialect).evidence == clauses.ASSUMED
    wanted = ("killed", "found") if is_assumed else ("found" if name in LENIENT else "killed",)
    assert judged.says(mutant) in wanted, (mutant, judged)


def test_mutants_name_clauses() -> None:
    """Each mutant names a clause that exists, and there are some for all parts of the contract."""
    known = clauses.catalogue()
    assert all(mutant.clauses[0] in known for mutant in everyone().values())
    families = {mutant.family for mutant in everyone().values()}
    assert {"speech", "envelope", "errors", "auth", "ids", "time", "task", "callback"} <= families
    assert {"voice-create", "voice-get", "voice-list", "voice-delete", "paging", "ez"} <= families
    assert set(SURVIVORS) <= set(everyone())
