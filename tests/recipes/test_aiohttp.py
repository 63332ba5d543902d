"""aiohttp: several voices at once, polled while the event loop goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from mock_server.testing import KlingMock

VOICES = "/v1/general/custom-voices"


async def make_voice(
    api: aiohttp.ClientSession,
    name: str,
    sample: str,
    sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
) -> str:
    """Clones a voice from a recording, and returns its id."""
    async with api.post(VOICES, json={"voice_name": name, "voice_url": sample}) as answer:
        task = (await answer.json())["data"]
    while task["task_status"] not in ("succeed", "failed"):
        await sleep(3)
        async with api.get(f"{VOICES}/{task['task_id']}") as answer:
            task = (await answer.json())["data"]
    if task["task_status"] == "failed":
        raise RuntimeError(task["task_status_msg"])
    voice_id: str = task["task_result"]["voices"][0]["voice_id"]
    return voice_id


@pytest.fixture
def anyio_backend() -> str:
    """The only loop that aiohttp knows. With pytest-asyncio, its marker is enough."""
    return "asyncio"


@pytest.mark.anyio
async def test_makes_voices_side_by_side(kling_mock: KlingMock) -> None:
    """What is awaited of ``kling_mock.aio`` does not block the loop that the client runs in."""
    sample = "https://example.com/sample.mp3"

    async with aiohttp.ClientSession(
        kling_mock.base_url, headers=kling_mock.headers(), raise_for_status=True
    ) as api:
        made = await asyncio.gather(
            *(make_voice(api, name, sample, kling_mock.aio.clock.advance) for name in "ABC")
        )

    assert len(set(made)) == 3
