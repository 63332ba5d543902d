"""The fixtures beside what else people use: asyncio, anyio, unittest, hypothesis, xdist."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from tests.test_pytest_plugin import HELPERS, alone, run

__all__ = ["alone"]
pytest_plugins = ["pytester"]

POLLING = """
import asyncio
import httpx2
import pytest

async def cloned(mock):
    async with httpx2.AsyncClient(base_url=mock.base_url, headers=mock.headers(), trust_env=False) as api:
        body = {"voice_name": "Ada", "voice_url": "https://example.com/ada.mp3"}
        task = (await api.post("/v1/general/custom-voices", json=body)).json()["data"]
        while task["task_status"] != "succeed":
            task = (await api.get(f"/v1/general/custom-voices/{task['task_id']}")).json()["data"]
        return task["task_id"]
"""


@pytest.mark.skipif(find_spec("pytest_asyncio") is None, reason="pytest-asyncio is not installed")
@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_works_with_pytest_asyncio(pytester: pytest.Pytester, alone: list[str], mode: str) -> None:
    """In async tests a client polls while the test moves time, loop after loop; async fixtures may use it too."""
    mark = "" if mode == "auto" else "@pytest.mark.asyncio\n"
    pytester.makeini(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error"
    )
    pytester.makepyfile(
        POLLING
        + f"""
import pytest_asyncio

@pytest_asyncio.fixture
async def frozen(kling_mock):
    await kling_mock.aio.clock.set_rate(0)
    return kling_mock

{mark}@pytest.mark.parametrize("number", range(2))
async def test_polling(frozen, number):
    running = asyncio.create_task(cloned(frozen))
    await frozen.aio.requests.wait_for(operation="getCustomVoice", count=2)
    await frozen.aio.clock.advance(9)
    task_id = await running
    assert frozen.tasks.get(task_id)["status"] == "succeed"
    await frozen.aio.requests.assert_received(operation="createCustomVoice", count=1)
"""
    )

    ran = run(pytester, *alone, "-p", "pytest_asyncio.plugin", "--asyncio-mode", mode)

    ran.assert_outcomes(passed=2)


def test_blocked_event_loop_is_named(pytester: pytest.Pytester, alone: list[str]) -> None:
    """A blocking call keeps a receiver in the test's own loop from answering; the report says so, and the remedy."""
    pytester.makepyfile(
        """
import asyncio

import httpx2
import pytest

@pytest.mark.kling_mock(callback_timeout=0.3)
@pytest.mark.parametrize("is_awaited", [False, True])
def test_receiver_in_the_same_loop(kling_mock, is_awaited):
    async def answer(reader, writer):
        await reader.read(65536)
        writer.write(b"HTTP/1.1 500 No\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
        writer.close()

    async def notified():
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as receiver:
            port = receiver.sockets[0].getsockname()[1]
            body = {"voice_name": "Ada", "voice_url": "https://example.com/ada.mp3"}
            body |= {"external_task_id": "ada", "callback_url": f"http://127.0.0.1:{port}/hook"}
            url = f"{kling_mock.base_url}/v1/general/custom-voices"
            async with httpx2.AsyncClient(trust_env=False) as client:
                await client.post(url, json=body, headers=kling_mock.headers())
            if is_awaited:
                await kling_mock.aio.clock.until("ada")
            else:
                kling_mock.clock.until("ada")

    asyncio.run(notified())
    kling_mock.callbacks.assert_received(status=200)
"""
    )

    ran = run(pytester, *alone)

    ran.assert_outcomes(failed=2)
    ran.stdout.fnmatch_lines(["the event loop stood still during a call; *aio"])
    assert ran.stdout.str().count("the event loop stood still") == 1


def test_works_with_anyio(pytester: pytest.Pytester, alone: list[str]) -> None:
    """In tests of anyio, on each event loop it has here, the account is awaited."""
    backends = ["asyncio", "trio"] if find_spec("trio") else ["asyncio"]
    pytester.makepyfile(
        POLLING
        + f"""
import anyio

@pytest.fixture(params={backends})
def anyio_backend(request):
    return request.param

@pytest.mark.anyio
async def test_awaited(kling_mock):
    async with anyio.create_task_group() as group:
        group.start_soon(cloned, kling_mock)
        await kling_mock.aio.requests.wait_for(operation="getCustomVoice")
        await kling_mock.aio.clock.advance(9)
    assert [task["status"] for task in await kling_mock.aio.tasks.list()] == ["succeed"]
"""
    )

    run(pytester, *alone, "-p", "anyio").assert_outcomes(passed=len(backends))


def test_works_in_classes_of_unittest(pytester: pytest.Pytester, alone: list[str]) -> None:
    """A TestCase gets the account by an autouse fixture; marker, report and strictness work for it."""
    pytester.makepyfile(
        HELPERS
        + """
import unittest

class Voices(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _kling(self, kling_mock):
        self.mock = kling_mock

    @pytest.mark.kling_mock(scenario="slow")
    def test_marked(self):
        task = learn(self.mock)["data"]["task_id"]
        self.assertEqual(self.mock.tasks.get(task)["scenario"], "slow")

    def test_failing(self):
        self.mock.requests.assert_received(operation="createSpeech")

    @pytest.mark.kling_mock(strict=True)
    def test_strict(self):
        learn(self.mock, voice_name="")

@pytest.mark.usefixtures("kling_mock")
class Used(unittest.TestCase):
    def test_used(self): pass
"""
    )

    ran = run(pytester, *alone)

    ran.assert_outcomes(passed=3, failed=1, errors=1)
    ran.stdout.fnmatch_lines(["*expected at least 1 request like operation=createSpeech, found 0"])
    assert ran.stdout.str().count("- kling-mock -") == 2


def test_works_with_hypothesis(pytester: pytest.Pytester, alone: list[str]) -> None:
    """A property test takes the server, and an account for each example; a failing example tells what happened."""
    pytester.makepyfile(
        HELPERS
        + """
from hypothesis import assume, given, settings, strategies as st

@given(number=st.integers(0, 1000))
@settings(max_examples=20, deadline=None, database=None)
def test_each_example_is_empty(kling_mock_server, number):
    with kling_mock_server.new_account() as mock:
        assume(number % 7)
        assert listed(mock) == []
        assert learn(mock, external_task_id="e")["code"] == 0

@given(number=st.integers(0, 1000))
@settings(max_examples=20, deadline=None, database=None)
def test_failing(kling_mock_server, number):
    with kling_mock_server.new_account() as mock:
        learn(mock, external_task_id=f"e-{number}")
        assert number < 10
"""
    )

    ran = run(pytester, *alone)

    ran.assert_outcomes(passed=1, failed=1)
    ran.stdout.fnmatch_lines(["*request  no. 1 POST /v1/general/custom-voices -> 200*e-10*"])


def test_works_with_every_plugin_that_is_installed(pytester: pytest.Pytester) -> None:
    """Beside whatever plugins pytest finds here, the fixture works and is found by its entry point."""
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function")
    pytester.makepyfile(HELPERS + "def test_it(kling_mock): assert learn(kling_mock)['code'] == 0")

    run(pytester, "-n", "2").assert_outcomes(passed=1)
