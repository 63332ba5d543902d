"""Many clients at once over a real socket: each use case is atomic, and accounts do not interfere."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx2
import pytest

from mock_server import RunningServer
from tests.http.api import SPEECH, VOICE, judged

VOICES = "/v1/general/custom-voices"
#: Connections at once.
AT_ONCE = 50

Work = Callable[[httpx2.AsyncClient], Awaitable[Any]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The base URL of a server whose clock stands still."""
    with RunningServer(speed=0) as server:
        yield server.base_url


def together(url: str, work: list[Work]) -> list[Any]:
    """Does all work at once; the results in the order of the work."""

    async def all_of_it() -> list[Any]:
        limits = httpx2.Limits(max_connections=AT_ONCE)
        async with httpx2.AsyncClient(
            base_url=url, limits=limits, timeout=60, trust_env=False
        ) as client:
            return await asyncio.gather(*(item(client) for item in work))

    return asyncio.run(all_of_it())


def post(key: str, path: str, body: Any) -> Work:
    """A POST by an account."""

    async def work(client: httpx2.AsyncClient) -> Any:
        return judged(
            await client.post(path, json=body, headers={"authorization": f"Bearer {key}"})
        )

    return work


def get(key: str, path: str) -> Work:
    """A GET by an account."""

    async def work(client: httpx2.AsyncClient) -> Any:
        return judged(await client.get(path, headers={"authorization": f"Bearer {key}"}))

    return work


def test_one_of_many_equal_external_ids_succeeds(url: str) -> None:
    """Of 200 creates at once with one external id exactly one succeeds; the others are 400/1201 and create nothing."""
    create = post("race", VOICES, {**VOICE, "external_task_id": "e"})

    answers = together(url, [create] * 200)

    assert Counter(item.value["code"] for item in answers) == {0: 1, 1201: 199}
    (winner,) = [item.data["task_id"] for item in answers if item.status == 200]
    (found, listed) = together(url, [get("race", f"{VOICES}/e"), get("race", VOICES)])
    assert found.data["task_id"] == winner
    assert [item["task_id"] for item in listed.data] == [winner]


def test_one_of_many_equal_deletions_succeeds(url: str) -> None:
    """Of 50 deletions of one voice at once exactly one succeeds."""
    with httpx2.Client(base_url=url, trust_env=False) as client:
        headers = {"authorization": "Bearer deletions"}
        task_id = client.post(VOICES, json=VOICE, headers=headers).json()["data"]["task_id"]
        client.post("/__mock__/clock/advance", json={"by": 9}, headers=headers)
        record = client.get(f"{VOICES}/{task_id}", headers=headers).json()["data"]
    voice_id = record["task_result"]["voices"][0]["voice_id"]
    delete = post("deletions", "/v1/general/delete-voices", {"voice_id": voice_id})

    answers = together(url, [delete] * 50)

    assert Counter(item.value["code"] for item in answers) == {0: 1, 1201: 49}


def test_creates_at_once_are_all_there(url: str) -> None:
    """Creates of all kinds at once get different ids, and every task is found and listed once."""
    work = [post("all", VOICES, VOICE) for _ in range(100)]
    work += [post("all", "/v1/audio/tts", SPEECH) for _ in range(100)]

    answers = together(url, work)

    ids = [item.data["task_id"] for item in answers]
    assert len(set(ids)) == 200
    assert len({item.value["request_id"] for item in answers}) == 200
    (listed,) = together(url, [get("all", f"{VOICES}?pageSize=1000")])
    assert {item["task_id"] for item in listed.data} == set(ids[:100])
    assert len(listed.data) == 100


def test_accounts_do_not_interfere(url: str) -> None:
    """While 40 accounts create, advance and read at once, each sees its own tasks at its own time."""

    def life(number: int) -> Work:
        async def work(client: httpx2.AsyncClient) -> Any:
            headers = {"authorization": f"Bearer account-{number}"}
            name = f"voice {number}"
            body = {**VOICE, "voice_name": name, "external_task_id": "same"}
            judged(await client.post(VOICES, json=body, headers=headers))
            for _ in range(number % 10):
                await client.post("/__mock__/clock/advance", json={"by": 1}, headers=headers)
            return judged(await client.get(VOICES, headers=headers)).data

        return work

    lists = together(url, [life(number) for number in range(40)])

    for number, listed in enumerate(lists):
        (record,) = listed
        seconds = number % 10
        expected = "submitted" if seconds < 2 else "processing" if seconds < 9 else "succeed"
        assert record["task_status"] == expected
        if expected == "succeed":
            assert record["task_result"]["voices"][0]["voice_name"] == f"voice {number}"


def test_advances_at_once_add_up(url: str) -> None:
    """Advances of one account at once are done one after the other: their sum, and each transition once."""
    (created,) = together(url, [post("advances", VOICES, VOICE)])

    async def advance(client: httpx2.AsyncClient) -> Any:
        headers = {"authorization": "Bearer advances"}
        answer = await client.post("/__mock__/clock/advance", json={"by": 1}, headers=headers)
        return answer.json()

    answers = together(url, [advance] * 20)

    moved = [event["status"] for item in answers for event in item["events"]]
    assert sorted(moved) == ["processing", "succeed"]
    assert max(item["now"] for item in answers) == created.data["created_at"] + 20_000
    # What another advance has done meanwhile may be part of an answer, so only the end is exact.
    assert all(item["from"] <= item["now"] for item in answers)
