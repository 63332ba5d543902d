"""What a fixture costs each test, in a real pytest run of empty tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import HTTPSERVER, MOCK, MOTO
from benchmarks.servers import ROOT

#: The run to compare with: the same tests without a fixture.
BARE = "no fixture"
#: As its documentation teaches: one server for the session, reset over HTTP for each test.
_MOTO = """
import pytest
import requests
from moto.server import ThreadedMotoServer

@pytest.fixture(scope="session")
def moto_server():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()

@pytest.fixture
def moto(moto_server):
    requests.post(f"{moto_server}/moto-api/reset")
    return moto_server
"""
#: Of each: the parameter of its tests, the plugin that is loaded, and what its conftest says.
_SUITES = {
    BARE: ("", "", ""),
    MOCK: ("kling_mock", "kling_mock_pytest", ""),
    HTTPSERVER: ("httpserver", "pytest_httpserver.pytest_plugin", ""),
    MOTO: ("moto", "", _MOTO),
}
#: The first test pays for the start of the session's server and the last for its stop, so neither is counted.
_HOOKS = """
import json
import time
from pathlib import Path

ENDED = []

def pytest_runtest_logfinish():
    ENDED.append((time.perf_counter(), time.process_time()))

def pytest_sessionfinish():
    Path("ended.json").write_text(json.dumps(ENDED))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds and CPU seconds from the end of one test to the end of the next, on average over a run."""

    wall_s: float
    cpu_s: float


def per_test(name: str, tests: int, folder: Path) -> Cost:
    """What each test of a suite costs; its server runs in the same process, so the CPU time is that of both.

    Args:
        name: a peer, the mock, or ``BARE``.
        tests: how many are counted, 1 or more.
        folder: where the suite is written.

    Raises:
        CalledProcessError: a test failed; what pytest printed is in its output.
    """
    parameter, plugin, fixtures = _SUITES[name]
    (folder / "conftest.py").write_text(_HOOKS + fixtures, "utf-8")
    lines = [f"def test_{number}({parameter}): pass\n" for number in range(tests + 2)]
    (folder / "test_empty.py").write_text("".join(lines), "utf-8")
    loaded = ["-p", plugin] if plugin else []
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *loaded, str(folder)],
        cwd=folder,
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
    )
    ended = json.loads((folder / "ended.json").read_text("utf-8"))
    if len(ended) != tests + 2:
        raise AssertionError(f"{len(ended)} of {tests + 2} tests ran")
    (wall, cpu), (last_wall, last_cpu) = ended[0], ended[-2]
    return Cost((last_wall - wall) / tests, (last_cpu - cpu) / tests)
