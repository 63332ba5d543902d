"""The report card by the fixture: real clients that behave badly in one way each, one that does not, and what is said.

The cards themselves are judged in tests/core/test_report_card.py and tests/http/test_control_report.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx2
import pytest

from mock_server.testing import KlingMock, NotAsExpected
from tests.support.clients import VOICES, Client, Habits, Lost, Refused
from tests.test_pytest_plugin import installed, run

pytest_plugins = ["pytester"]

pytestmark = installed


@pytest.fixture
def client(kling_mock: KlingMock) -> Iterator[Client]:
    """A careful client, whose sleep moves the clock of the fixture, which else stands still."""
    kling_mock.clock.set_rate(0)
    made = Client(kling_mock.base_url, kling_mock.api_key, sleep=kling_mock.clock.advance)
    yield made
    made.close()


def item(card: dict[str, Any], name: str) -> dict[str, Any]:
    """One item of a card."""
    return next(row for row in card["items"] if row["id"] == name)


# ---- a client that behaves well -------------------------------------------------------------


def test_careful_client_has_a_clean_card(kling_mock: KlingMock, client: Client) -> None:
    """Whoever backs off, heeds Retry-After, and looks for lost answers is told nothing, whatever went wrong."""
    kling_mock.plan({"createCustomVoice": ["1302;retry-after=7", "5001", "reset-in-body", "ok"]})
    with kling_mock.fault("1303", operation="getCustomVoice", count=1):
        client.delete(client.wait(client.create("Ada") or ""))
    client.speak("Hello")

    kling_mock.assert_well_behaved(fail_on="advice")
    card = kling_mock.report()
    assert card["worst"] == "ok"
    for name in ("retries.back-off", "retries.retry-after", "recovery.external-id", "ids.changed"):
        assert item(card, name)["verdict"] == "ok", name


def test_client_that_never_asked_has_a_clean_card(kling_mock: KlingMock) -> None:
    """Before the first request there is nothing to blame, and nothing counts as seen."""
    card = kling_mock.report()
    assert card["counts"]["not_seen"] == len(card["items"])
    kling_mock.assert_well_behaved(fail_on="advice")


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_card_is_awaited(kling_mock: KlingMock) -> None:
    """In an async test the card and its assertion are those of aio, and judge an asynchronous client alike."""
    async with httpx2.AsyncClient(
        base_url=kling_mock.base_url, headers=kling_mock.headers(), trust_env=False
    ) as api:
        body = {"voice_name": "Ada", "voice_url": "https://example.com/a.mp3"}
        task_id = (await api.post(VOICES, json=body)).json()["data"]["task_id"]
        for _ in range(6):
            await api.get(f"{VOICES}/{task_id}")

    assert item(await kling_mock.aio.report(), "polling.interval")["verdict"] == "warning"
    with pytest.raises(NotAsExpected, match=r"polling\.interval"):
        await kling_mock.aio.assert_well_behaved()


# ---- clients that behave badly --------------------------------------------------------------


def polls_too_fast(client: Client, mock: KlingMock) -> None:
    """It asks without a pause, and the mock takes nine seconds."""
    task_id = client.create("Ada")
    for _ in range(20):
        client.call("GET", f"{VOICES}/{task_id}")
        mock.clock.advance(0.1)


def never_stops(client: Client, mock: KlingMock) -> None:
    """It goes on asking what it knows."""
    task_id = client.create("Ada") or ""
    client.wait(task_id)
    for _ in range(3):
        mock.clock.advance(3)
        client.call("GET", f"{VOICES}/{task_id}")


def retries_for_good(client: Client, mock: KlingMock) -> None:
    """It takes every 429 for one that passes."""
    client.habits = Habits(retries=frozenset({1102}))
    with mock.scenario("no-balance"):
        client.speak("Hello")


def retries_at_once(client: Client, mock: KlingMock) -> None:
    """It sends again without a pause."""
    client.habits = Habits(back_off=(0, 0, 0))
    mock.fault("1303", operation="createSpeech", count=3)
    client.speak("Hello")


def ignores_retry_after(client: Client, mock: KlingMock) -> None:
    """It backs off, but does not read how long."""
    client.habits = Habits(heeds=False)
    mock.fault("5001;retry-after=30", operation="createSpeech", count=2)
    client.speak("Hello")


def keeps_ids_as_floats(client: Client, mock: KlingMock) -> None:
    """Its JSON library makes numbers of ids, as JavaScript's would beyond 2^53."""
    task_id = client.create("Ada") or ""
    mock.clock.advance(9)
    with suppress(Refused):
        client.call("GET", f"{VOICES}/{int(float(task_id))}")


def reuses_an_expired_token(_client: Client, mock: KlingMock) -> None:
    """It keeps its token after 1004."""
    headers = {"authorization": f"Bearer {mock.token(lifetime_s=-60)}"}
    with httpx2.Client(base_url=mock.base_url, headers=headers, trust_env=False) as api:
        for _ in range(3):
            assert api.get("/v1/general/presets-voices").json()["code"] == 1004
            mock.clock.advance(2)


def forgets_a_lost_answer(client: Client, mock: KlingMock) -> None:
    """Its create is answered by a broken connection, and it does not look for the task."""
    mock.fault("reset-in-body", operation="createCustomVoice", count=1)
    body = {"voice_name": "Ada", "voice_url": "https://e.com/a.mp3", "external_task_id": "ada"}
    with pytest.raises(Lost):
        client.call("POST", VOICES, body)
    mock.clock.advance(3600)


def orders_twice(client: Client, mock: KlingMock) -> None:
    """After 5002 it sends the create again, under no external id."""
    mock.fault("5002;commit=before", operation="createCustomVoice", count=1)
    for _ in range(2):
        with suppress(Refused):
            client.habits = Habits(retries=frozenset())
            client.call("POST", VOICES, {"voice_name": "Ada", "voice_url": "https://e.com/a.mp3"})
        mock.clock.advance(2)


HABITS: dict[Callable[[Client, KlingMock], None], tuple[str, str]] = {
    polls_too_fast: ("polling.interval", "less than a second apart"),
    never_stops: ("polling.after-terminal", "after"),
    retries_for_good: ("retries.permanent", "1102"),
    retries_at_once: ("retries.back-off", "1303"),
    ignores_retry_after: ("retries.retry-after", "30"),
    keeps_ids_as_floats: ("ids.changed", "2^53"),
    reuses_an_expired_token: ("auth.expired", "expired"),
    forgets_a_lost_answer: ("recovery.external-id", "1 lost answer never recovered"),
    orders_twice: ("retries.double-charge", "1 task made twice"),
}


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.__name__)
def test_bad_habit_is_named_with_its_remedy(
    kling_mock: KlingMock, client: Client, habit: Callable[[Client, KlingMock], None]
) -> None:
    """The card names the item, what was seen and the remedy; the assertion says so, unless it is ignored."""
    name, words = HABITS[habit]
    habit(client, kling_mock)

    found = item(kling_mock.report(), name)
    assert found["verdict"] == "warning"
    assert found["remedy"]
    assert found["proofs"]
    with pytest.raises(NotAsExpected) as error:
        kling_mock.assert_well_behaved()
    text = " ".join(str(error.value).split())
    assert f"WARNING {name}: " in text
    assert words in text
    assert f"-> {found['remedy']}" in text
    others = [
        row["id"]
        for row in (*kling_mock.report()["items"], *kling_mock.report()["lints"])
        if row["verdict"] == "warning" and row["id"] != name
    ]
    kling_mock.assert_well_behaved(ignore=[name, *others])


def test_what_passes_only_by_an_assumption_is_a_lint(kling_mock: KlingMock, client: Client) -> None:
    """A request that is taken although sources differ is in the table of lints, with its clause; no warning."""
    client.speak("Hello", mood="gay")

    (lint,) = kling_mock.report()["lints"]
    assert (lint["id"], lint["count"], lint["clause"]["evidence"]) == (
        *("unknown-fields", 1),
        "assumed",
    )
    kling_mock.assert_well_behaved()


def test_only_later_requests_are_judged(kling_mock: KlingMock, client: Client) -> None:
    """With since, what a set-up did before is not laid at the client's door."""
    retries_for_good(client, kling_mock)
    mark = kling_mock.requests.last()
    client.speak("Hello")

    kling_mock.assert_well_behaved(since=mark)
    assert kling_mock.report(since=mark)["requests"]["judged"] == 1
    with pytest.raises(NotAsExpected, match=r"retries\.permanent"):
        kling_mock.assert_well_behaved()


def test_verdict_that_is_none_is_named(kling_mock: KlingMock) -> None:
    """A mistake in fail_on is no assertion that always passes."""
    with pytest.raises(ValueError, match="'warning' or 'advice', not 'error'"):
        kling_mock.assert_well_behaved(fail_on="error")  # type: ignore[arg-type]


SUITE = """
import httpx2

def test_hasty(kling_mock):
    headers = kling_mock.headers()
    with httpx2.Client(base_url=kling_mock.base_url, headers=headers, trust_env=False) as api:
        body = {"voice_name": "Ada", "voice_url": "https://example.com/a.mp3"}
        task = api.post("/v1/general/custom-voices", json=body).json()["data"]
        for _ in range(6):
            api.get(f"/v1/general/custom-voices/{task['task_id']}")
    kling_mock.assert_well_behaved()
"""


def test_failing_suite_says_what_to_do(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a user reads: the item, the remedy and the clause, the line of the test, and nothing of ours."""
    pytester.makepyfile(SUITE)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    result = run(pytester, "-p", "kling_mock_pytest")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "> *assert_well_behaved()",
            "E*the client does not behave well",
            "E*WARNING  polling.interval: *",
            "E*-> Wait a second or more between polls*",
        ]
    )
    assert "account.py" not in result.stdout.str()
