"""``SubprocessServer``: a server in a process of its own, which ends with whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from mock_server import Settings, SubprocessServer
from mock_server.settings import SettingsError
from mock_server.sockets import CannotStart
from mock_server.testing import ControlFailed
from tests.http.api import Api
from tests.support.places import ROOT
from tests.test_pytest_plugin import installed, run
from tests.test_server import taken_port

pytest_plugins = ["pytester"]

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")


def is_there(url: str) -> bool:
    """Whether anybody answers at a base URL."""
    try:
        httpx2.get(f"{url}/__mock__/health", trust_env=False)
    except httpx2.ConnectError:
        return False
    return True


def test_server_in_a_process_is_used_like_one_in_a_thread() -> None:
    """It has settings by keyword, accounts with everything a test needs, and another process; then it is gone."""
    with SubprocessServer(speed=0, seed="7", control_token="the-token") as server:
        assert (server.seed, server.pid != os.getpid()) == ("7", True)
        with server.new_account("a name") as mock, server.new_account() as other:
            api = Api(mock.http.client, mock.api_key)
            api.learn(external_task_id="e")
            assert [item["status"] for item in mock.clock.until("e")] == ["processing", "succeed"]
            mock.requests.assert_received(operation="createCustomVoice", count=1)
            assert other.tasks.list() == []
            with mock.fault("5001", operation="createSpeech", count=1) as fault:
                assert api.speak().error == (503, 5001)
                fault.assert_consumed()
            with pytest.raises(ControlFailed, match="no access key"):
                mock.token()
        url = server.base_url
        with pytest.raises(RuntimeError, match="running already"):
            server.start()
    assert not is_there(url)
    server.stop()
    for gone in ("base_url", "seed", "pid", "http"):
        with pytest.raises(RuntimeError, match="not running"):
            getattr(server, gone)


def test_configured_credentials_are_the_account() -> None:
    """Where credentials are configured, account() is theirs and signs tokens that are verified."""
    with SubprocessServer(access_key="AK", secret_key="SK") as server:
        account = server.account()
        assert Api(account.http.client, account.token()).presets().status == 200
        assert Api(account.http.client, "another").presets().status == 401
        with pytest.raises(RuntimeError, match="use account"):
            server.new_account()


def test_server_in_a_process_is_entered_with_async_with() -> None:
    """Entered with async with, it starts and stops while the event loop goes on."""

    async def story() -> str:
        async with SubprocessServer(Settings(port=0, speed=0)) as server:
            await server.account().aio.clock.advance(1)
            return server.base_url

    assert not is_there(asyncio.run(story()))


def test_environment_and_settings_file_have_no_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in the environment, in kling-mock.toml or in a folder called mock_server changes nothing."""
    (tmp_path / "kling-mock.toml").write_text("api_key = 'other'\n", "utf-8")
    (tmp_path / "mock_server.py").write_text("raise RuntimeError\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KLING_MOCK_API_KEY", "other")
    with SubprocessServer() as server:
        account = server.account()
        assert Api(account.http.client, account.api_key).presets().status == 200


def test_mistakes_are_told_where_they_are_made() -> None:
    """An unknown option is said at once; a port in use when it starts, in the words of the command line."""
    with pytest.raises(SettingsError, match="did you mean 'speed'"):
        SubprocessServer(sped=1)
    with pytest.raises(TypeError, match="not both"):
        SubprocessServer(Settings(), speed=1)
    with (
        taken_port() as port,
        pytest.raises(CannotStart, match=f"did not become ready: .*127.0.0.1:{port}"),
    ):
        SubprocessServer(port=port).start()


ORPHANING = """
import os
import signal
from mock_server import SubprocessServer

server = SubprocessServer().start()
print(server.base_url, server.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@posix_only
def test_server_ends_with_the_process_that_started_it() -> None:
    """Where the process of the tests is killed, its server does not stay behind."""
    done = subprocess.run(
        [sys.executable, "-c", ORPHANING],
        cwd=ROOT,
        stdout=subprocess.PIPE,  # which the server, were it left, would not hold
        text=True,
        timeout=60,
        check=False,
    )
    url, pid = done.stdout.split()
    assert done.returncode == -signal.SIGKILL
    while is_there(url):  # until the system has told it
        os.sched_yield()
    assert int(pid) > 0


@posix_only
def test_forked_process_does_not_keep_it() -> None:
    """A process that was forked off holds the pipe too; the server ends all the same, and at once."""
    server = SubprocessServer().start()
    url = server.base_url
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(tell)
        os.read(told, 1)
        os._exit(0)
    server.stop()
    assert not is_there(url)
    os.close(tell)
    os.waitpid(child, 0)
    os.close(told)


SUITE = """
import httpx2
import pytest
from mock_server import SubprocessServer

@pytest.fixture(scope="session")
def kling_mock_server():
    with SubprocessServer(speed=0) as server:
        yield server

def test_used(kling_mock):
    url = f"{kling_mock.base_url}/v1/general/presets-voices"
    assert httpx2.get(url, headers=kling_mock.headers(), trust_env=False).json()["code"] == 0
    kling_mock.requests.assert_received(count=1)

@pytest.mark.kling_mock(strict=True)
def test_strict(kling_mock):
    httpx2.get(f"{kling_mock.base_url}/v1/nothing", trust_env=False)
"""


@installed
def test_fixture_takes_a_server_in_a_process(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suite may put it in the place of the usual server; strictness sees what has no credential even so."""
    pytester.makepyfile(SUITE)

    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # others take seconds to load
    result = run(pytester, "-p", "kling_mock_pytest")

    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*unexpected request: no. 1 GET /v1/nothing*"])
