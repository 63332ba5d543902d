"""The kit of the kit, lifecycle: each mutant of a custom voice's life is killed by the clause it breaks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.types import ASGIApp

from contract_tests.options import Options
from mock_server.server import RunningServer
from tests import mutants_lifecycle

ROOT = Path(__file__).parents[1]
#: Seconds after which a run hangs.
TIMEOUT_S = 300
#: The modules that look at what these mutants break. Not the machine: what it finds depends on what is drawn.
MODULES = ("accounts", "callbacks", "lifecycle", "links", "races", "volume")
#: Nothing depends on luck, so any seed will do.
SEED = "1"
_BROKEN = re.compile(r"(?:Broken|TooSlow): \[([a-z0-9-]+(?:\.[a-z0-9-]+)+)\]")


def kit(app: ASGIApp, *options: str, seed: str = SEED) -> subprocess.CompletedProcess[str]:
    """Runs the kit's lifecycle against one dialect of an application, in a process of its own."""
    with RunningServer(app=app) as server:
        return subprocess.run(
            [
                *(sys.executable, "-m", "pytest"),
                *(f"contract_tests/test_{name}.py" for name in MODULES),
                *("-p", "no:cacheprovider", "-q", "--tb=line"),
                *("--disable-plugin-autoload", "-p", "_hypothesis_pytestplugin"),
                *("--contract-base-url", server.base_url, "--contract-dialect", "klingai"),
                *("--contract-seed", seed, *options),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
        )


def broken(run: subprocess.CompletedProcess[str]) -> set[str]:
    """The clauses that a run found broken."""
    return set(_BROKEN.findall(run.stdout))


@pytest.mark.parametrize("name", mutants_lifecycle.MUTANTS)
def test_kit_kills_mutant_by_its_clause(name: str) -> None:
    """A server with a defect in the life of a voice fails, and a failure names the broken clause."""
    make, clause = mutants_lifecycle.MUTANTS[name]
    run = kit(make())
    assert run.returncode == 1, run.stdout
    assert clause in broken(run), run.stdout


@pytest.mark.skipif(
    "webhook_secret" not in Options.__dataclass_fields__, reason="the kit has no such option yet"
)
@pytest.mark.parametrize("name", mutants_lifecycle.SIGNING)
def test_kit_verifies_signatures(name: str) -> None:
    """Given the secret, the kit finds a notification that is not signed with it, or not over its bytes."""
    make, clause = mutants_lifecycle.SIGNING[name]
    secret = mutants_lifecycle.SECRET
    is_rotation = clause == "callback.signature.rotation"
    secrets = f"{secret},{mutants_lifecycle.OTHER_SECRET}" if is_rotation else secret
    run = kit(make(), "--contract-webhook-secret", secrets)
    assert run.returncode == 1, run.stdout
    assert clause in broken(run), run.stdout
