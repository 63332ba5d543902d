"""The awaited account: the event loop goes on while the control API answers; and the mock in process."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from mock_server import MockAccount, RunningServer, Settings, create_app
from mock_server.ctl_client import Call
from mock_server.testing import ControlFailed, NotAsExpected
from tests.http.api import START, VOICE

VOICES = "/v1/general/custom-voices"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server whose clock stands still."""
    with RunningServer(speed=0, start=START) as server:
        yield server


@pytest.fixture
def mock(server: RunningServer) -> MockAccount:
    """An account of its own."""
    return server.new_account("aio")


async def cloned(mock: MockAccount, **fields: Any) -> str:
    """A client under test: creates a voice and polls until it is finished; returns its status."""
    async with httpx2.AsyncClient(
        base_url=mock.base_url, headers=mock.headers(), trust_env=False
    ) as api:
        created = await api.post(VOICES, json={**VOICE, **fields})
        task = created.json()["data"]
        while task["task_status"] not in ("succeed", "failed"):
            task = (await api.get(f"{VOICES}/{task['task_id']}")).json()["data"]
        return str(task["task_status"])


def test_time_moves_while_a_client_polls(mock: MockAccount) -> None:
    """A client that polls in the same event loop sees its task finished when the test moves time."""

    async def story() -> str:
        running = asyncio.create_task(cloned(mock, external_task_id="e"))
        await mock.aio.requests.wait_for(operation="getCustomVoice", count=2)
        await mock.aio.clock.until("e")
        return await running

    assert asyncio.run(story()) == "succeed"


def test_receiver_in_the_same_loop_is_heard(mock: MockAccount) -> None:
    """An awaited advance lets a receiver of the same event loop answer, so that its callbacks are delivered."""
    seen: list[bytes] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def story() -> None:
        async with await asyncio.start_server(receive, "127.0.0.1", 0) as receiver:
            url = f"http://127.0.0.1:{receiver.sockets[0].getsockname()[1]}/hook"
            running = asyncio.create_task(cloned(mock, callback_url=url))
            await mock.aio.requests.wait_for(operation="createCustomVoice")
            await mock.aio.clock.advance(9)
            await mock.aio.callbacks.assert_order(
                [{"task_status": "processing"}, {"task_status": "succeed", "status": 200}]
            )
            assert await running == "succeed"

    asyncio.run(story())

    assert len(seen) == 2


def test_waits_do_not_stop_each_other(mock: MockAccount) -> None:
    """More waits at once than a usual pool has threads end; so does a call in another event loop after them."""

    async def story() -> list[Any]:
        await _created(mock, "e")
        found = asyncio.gather(*(mock.aio.tasks.wait_for("e") for _ in range(60)))
        await asyncio.sleep(0)  # they begin before the clock is moved
        await mock.aio.clock.until("e")
        return await found

    assert {task["status"] for task in asyncio.run(story())} == {"succeed"}
    assert asyncio.run(_of(mock.aio.tasks.list))[0]["status"] == "succeed"


async def _of(operation: Callable[[], Awaitable[Any]]) -> Any:
    return await operation()


def test_cancelled_wait_ends_at_once(mock: MockAccount) -> None:
    """A wait that is cancelled lets the test go on; the account works as before."""

    async def story() -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await mock.aio.requests.wait_for(operation="createSpeech", timeout=60)
        return await mock.aio.clock.now()

    assert asyncio.run(story()) == START


def test_faults_plans_and_scenarios_are_awaited_or_entered(mock: MockAccount) -> None:
    """Awaiting sets up, and async with takes away at the end as well."""

    async def story() -> None:
        aio = mock.aio
        fault = await aio.fault("5001", operation="createSpeech", count=1)
        assert (await fault.show())["state"] == "armed"
        with pytest.raises(NotAsExpected, match="struck 0 of 1"):
            await fault.assert_consumed()
        await fault.disarm()
        async with aio.plan({"createSpeech": ["5000"]}) as plan:
            with pytest.raises(NotAsExpected, match="left are createSpeech: 5000"):
                await plan.assert_completed()
        async with aio.callback_fault("drop", task_status="succeed") as dropping:
            assert dropping.id
        async with aio.scenario("slow"):
            await _created(mock, "slow-one")
        slow = await aio.scenario("stuck")
        await slow.restore()
        await _created(mock, "usual-one")
        assert (await aio.tasks.get("slow-one"))["scenario"] == "slow"
        assert (await aio.tasks.get("usual-one"))["scenario"] == "default"
        with pytest.raises(ControlFailed, match="did you mean 'slow'"):
            await aio.scenario("slwo")
        await aio.reset()
        assert await aio.tasks.list() == []
        assert await aio.settle() == []

    asyncio.run(story())


def test_what_was_never_awaited_is_told(mock: MockAccount) -> None:
    """A fault, plan or scenario that nobody awaited does nothing, and says so, as a coroutine does."""
    for forgotten, words in (
        (lambda: mock.aio.fault("5001"), "<AsyncArmed not set up> was never awaited"),
        (lambda: mock.aio.plan({"createSpeech": "5000"}), "<AsyncPlan not set up> was never"),
        (lambda: mock.aio.scenario("slow"), "<AsyncScenario slow> was never awaited"),
    ):
        with pytest.warns(RuntimeWarning, match=words):
            _given_up(forgotten)
    assert mock.http.value(Call("GET", "/faults"), mock.api_key)["faults"] == []


def _given_up(make: Callable[[], object]) -> None:
    """Makes something, and drops it."""
    make()
    if sys.implementation.name != "cpython":  # which drops it at once
        gc.collect()


async def _created(mock: MockAccount, name: str) -> None:
    async with httpx2.AsyncClient(base_url=mock.base_url, headers=mock.headers()) as api:
        await api.post(VOICES, json={**VOICE, "external_task_id": name})


# ---- in process -----------------------------------------------------------------------------


def test_app_in_process_is_held_by_an_account_too() -> None:
    """Through a TestClient the whole account works, without a socket; its lifespan delivers callbacks."""
    with TestClient(create_app(Settings(speed=0)), base_url="http://mock.test") as client:
        mock = MockAccount.through(client, "k")
        client.post(VOICES, json={**VOICE, "external_task_id": "e"}, headers=mock.headers())

        mock.clock.until("e")

        assert mock.tasks.get("e")["status"] == "succeed"
        mock.close()
        assert mock.requests.last() == 1


def test_app_in_process_is_awaited() -> None:
    """Through an ASGITransport the account is awaited; what would block says so."""

    async def story() -> None:
        app = create_app(Settings(speed=0))
        transport = httpx2.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://mock.test") as client,
        ):
            mock = MockAccount.through(client, "k")
            waiting = asyncio.create_task(mock.aio.requests.wait_for(operation="createCustomVoice"))
            await client.post(
                VOICES, json={**VOICE, "external_task_id": "e"}, headers=mock.headers()
            )
            assert len(await waiting) == 1
            await mock.aio.clock.until("e")
            assert (await mock.aio.tasks.get("e"))["status"] == "succeed"
            with pytest.raises(ControlFailed, match="await its aio"):
                mock.clock.now()

    asyncio.run(story())


def test_app_without_lifespan_acts_when_time_is_moved() -> None:
    """Without its lifespan nothing happens by itself; what falls due while a test moves time does, callbacks too."""

    async def story() -> None:
        transport = httpx2.ASGITransport(create_app(Settings(speed=0)))
        async with httpx2.AsyncClient(transport=transport, base_url="http://mock.test") as client:
            mock = MockAccount.through(client, "k")
            body = {**VOICE, "external_task_id": "e", "callback_url": "http://127.0.0.1:9/hook"}
            await client.post(VOICES, json=body, headers=mock.headers())
            await mock.aio.clock.advance(9)
            assert (await mock.aio.tasks.get("e"))["status"] == "succeed"
            assert len(await mock.aio.callbacks.attempts(task="e")) == 2

    asyncio.run(story())
