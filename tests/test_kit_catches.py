"""The kit of the kit: healthy servers pass it, and each mutant is killed by the clause it breaks."""

import subprocess
import sys
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from mock_server import settings
from mock_server.http.app import create_app
from mock_server.server import RunningServer
from tests import mutants

ROOT = Path(__file__).parents[1]
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


def kit(app: ASGIApp, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs the kit against an application, in a process of its own."""
    with RunningServer(app=app) as server:
        command = [sys.executable, "-m", "pytest", "contract_tests", "-p", "no:cacheprovider"]
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
    """The mock as it is keeps every clause, and every clause is looked at."""
    run = kit(create_app(settings.build(quiet=True)))
    assert run.returncode == 0, run.stdout
    assert " failed" not in run.stdout
    assert " skipped" not in run.stdout


def test_kit_passes_other_readings_of_disputed_rules() -> None:
    """A server that reads every disputed rule differently is as healthy."""
    app = create_app(settings.build(quiet=True, behaviour=OTHER_READINGS))
    run = kit(app)
    assert run.returncode == 0, run.stdout


def test_kit_waits_for_a_server_without_control() -> None:
    """Where no clock can be moved, the kit waits for real, and says what it did not look at."""
    app = mutants.WithoutControl(create_app(settings.build(quiet=True, speed=20)))
    run = kit(app, "-k", "lifecycle or machine", "--contract-free")
    assert run.returncode == 0, run.stdout
    assert "not looked at: no second account" in run.stdout


@pytest.mark.parametrize("name", mutants.MUTANTS)
def test_kit_kills_mutant_by_its_clause(name: str) -> None:
    """A broken server fails, and the failure names the broken clause."""
    make, clause = mutants.MUTANTS[name]
    run = kit(make(), "--maxfail=1")
    assert run.returncode == 1, run.stdout
    assert f"[{clause}]" in run.stdout
