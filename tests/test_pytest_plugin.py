"""The pytest fixtures, used by test suites of their own in processes of their own."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

#: The fixture is only there where the package is installed, as it is by both commands of the README.
installed = pytest.mark.skipif(
    not any(item.name == "kling_mock" for item in entry_points(group="pytest11")),
    reason="kling-mock is not installed here, so pytest does not load its plugin",
)

HELPERS = """
import httpx2
import pytest

def learn(mock, **fields):
    body = {"voice_name": "Ada", "voice_url": "https://example.com/ada.mp3", **fields}
    return httpx2.post(
        f"{mock.base_url}/v1/general/custom-voices",
        json=body, headers={"authorization": f"Bearer {mock.api_key}"}, trust_env=False,
    ).json()

def listed(mock):
    return httpx2.get(
        f"{mock.base_url}/v1/general/custom-voices",
        headers={"authorization": f"Bearer {mock.api_key}"}, trust_env=False,
    ).json()["data"]
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Runs the suite in a process of its own, with every plugin that is installed."""
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q", *arguments)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments for a run with this plugin alone; loading all others takes a second."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return ["-p", "kling_mock_pytest"]


@installed
def test_nothing_is_imported_until_a_test_asks(pytester: pytest.Pytester) -> None:
    """Unless a test uses the fixture nothing of the server is imported: a suite's own mock_server is found."""
    package = pytester.mkpydir("mock_server")
    (package / "own.py").write_text("NAME = 'mine'\n", "utf-8")
    pytester.makepyfile(
        """
import sys
import threading

def test_unused():
    assert "kling_mock_pytest" in sys.modules
    assert [name for name in sys.modules if name.startswith("mock_server")] == []
    assert "uvicorn" not in sys.modules
    assert [thread.name for thread in threading.enumerate() if thread.name == "kling-mock"] == []

def test_own_package():
    from mock_server.own import NAME
    assert NAME == "mine"
"""
    )

    run(pytester).assert_outcomes(passed=2)


def test_each_test_has_an_account_of_its_own(pytester: pytest.Pytester, alone: list[str]) -> None:
    """kling_mock is one server and, for each test and parameter, an account whose tasks and clock nobody else moves."""
    pytester.makepyfile(
        HELPERS
        + """
seen = []

@pytest.mark.parametrize("number", range(3))
def test_own(kling_mock, number):
    assert listed(kling_mock) == []
    before = kling_mock.clock.now()
    assert learn(kling_mock, external_task_id="e")["code"] == 0
    kling_mock.clock.advance(3600)
    assert kling_mock.clock.now() >= before + 3_600_000
    seen.append((kling_mock.base_url, kling_mock.api_key, before))

def test_all():
    urls, keys, instants = zip(*seen)
    assert len(set(urls)) == 1
    assert len(set(keys)) == 3
    assert max(instants) - min(instants) < 3_600_000

def test_events(kling_mock):
    task_id = learn(kling_mock)["data"]["task_id"]
    events = kling_mock.clock.advance(9)
    assert [(event["task_id"], event["status"]) for event in events] == [
        (task_id, "processing"), (task_id, "succeed")]
    assert [item["task_status"] for item in listed(kling_mock)] == ["succeed"]
"""
    )

    # Warnings are errors: everything is closed at the end.
    run(pytester, *alone, "-W", "error").assert_outcomes(passed=5)


def test_works_under_xdist(pytester: pytest.Pytester, alone: list[str]) -> None:
    """With -n 2 each worker has a server, and accounts stay apart."""
    pytester.makepyfile(
        HELPERS
        + """
@pytest.mark.parametrize("number", range(8))
def test_own(kling_mock, number):
    assert listed(kling_mock) == []
    assert learn(kling_mock, external_task_id="e")["code"] == 0
    assert len(kling_mock.clock.advance(9)) == 2
"""
    )

    run(pytester, *alone, "-p", "xdist", "-n", "2").assert_outcomes(passed=8)


def test_server_can_be_overridden(pytester: pytest.Pytester, alone: list[str]) -> None:
    """A suite that overrides kling_mock_server gets its own settings."""
    pytester.makeconftest(
        """
import pytest
from mock_server import RunningServer

@pytest.fixture(scope="session")
def kling_mock_server():
    with RunningServer(speed=0, progression="immediate") as server:
        yield server
"""
    )
    pytester.makepyfile(
        HELPERS
        + """
def test_immediate(kling_mock):
    learn(kling_mock)
    assert [item["task_status"] for item in listed(kling_mock)] == ["succeed"]
"""
    )

    run(pytester, *alone).assert_outcomes(passed=1)


def test_fixtures_are_listed_with_their_meaning(
    pytester: pytest.Pytester, alone: list[str]
) -> None:
    """The option --fixtures shows kling_mock and kling_mock_server with a sentence each."""
    pytester.makepyfile("def test_nothing(): pass")

    shown = run(pytester, *alone, "--fixtures").stdout.str()

    assert "kling_mock -- " in shown
    assert "base_url" in shown
    assert "kling_mock_server [session scope] -- " in shown
