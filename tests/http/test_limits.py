"""Resource packs, slots and rates: what an account may do, and how it is told that it may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.http.api import EZ_PATH, EZ_SPEECH, NOTHING, PREFIXES, START, Answer, Api, api

DIALECTS = sorted(PREFIXES)
USED_UP, TOO_FAST, TOO_MANY = (429, 1102), (429, 1302), (429, 1303)
NO_VOICE: dict[str, Any] = {"voice_id": "nobody"}


def ledger(mock: Api) -> dict[str, Any]:
    """The account's books."""
    status, value = mock.control("GET", "/ledger")
    assert status == 200
    found: dict[str, Any] = value
    return found


def books(mock: Api) -> tuple[Any, Any, Any]:
    """What was spent, what will be when all goes well, and what is left of the pack until then."""
    found = ledger(mock)
    return found["spent"], found["pending"], found["balance"]


def created(*answers: Answer) -> list[str]:
    """The ids of tasks that were created."""
    return [answer.data["task_id"] for answer in answers]


# ---- units ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_used_up_pack_is_1102(dialect: str) -> None:
    """Each speech costs 0.05 units; when less is left, creates of both kinds are 429/1102 in the observed words."""
    mock = api(dialect, units="0.12")

    created(mock.speak(), mock.speak())

    for answer in (mock.speak(), mock.learn()):
        assert answer.error == USED_UP
        assert answer.message == "Account balance not enough"
    assert books(mock) == (0.1, 0, 0.02)
    assert mock.voices().data == []


def test_units_are_exact() -> None:
    """Units are counted in whole hundredths: 0.15 units are three tasks, and nothing is left."""
    mock = api(units="0.15")

    created(mock.speak(), mock.speak(), mock.speak())

    assert mock.speak().error == USED_UP
    assert books(mock) == (0.15, 0, 0)


def test_an_empty_pack_lets_nothing_in_but_questions() -> None:
    """With no unit at all only creates are refused: queries, lists and presets go on."""
    mock = api(units=0)

    assert mock.speak().error == USED_UP
    assert mock.voices().data == []
    assert mock.presets().status == 200
    assert mock.voice("nobody").error == (400, 1201)


def test_tasks_in_flight_count_before_they_end() -> None:
    """What tasks in flight will cost is not left for others; it is deducted when they succeed."""
    mock = api(units="0.10")
    created(mock.learn(), mock.learn())

    assert mock.learn().error == USED_UP
    assert books(mock) == (0, 0.1, 0.1)
    mock.advance(9)
    assert books(mock) == (0.1, 0, 0)
    assert mock.learn().error == USED_UP


def test_failed_tasks_are_free() -> None:
    """A task that fails costs nothing, and what was set aside for it is free again from that instant on."""
    mock = api(units="0.05")
    mock.learn(voice_name="mock:noisy")
    assert mock.learn().error == USED_UP

    mock.advance(5.999)
    assert mock.learn().error == USED_UP
    mock.advance(0.001)

    assert books(mock) == (0, 0, 0.05)
    created(mock.learn())


def test_deductions_are_booked_at_the_end_of_the_task() -> None:
    """The ledger lists each deduction with the instant of its success, and those that will come with theirs."""
    mock = api(units=1)
    voice, failing = created(mock.learn(), mock.learn(voice_name="mock:noisy"))
    mock.advance(1)
    (speech,) = created(mock.speak())
    mock.advance(9)
    (later,) = created(mock.learn())

    found = ledger(mock)

    rows = [(row["task_id"], row["units"], row["at"], row["state"]) for row in found["entries"]]
    assert sorted(rows, key=lambda row: str(row[3])) == [
        (later, 0.05, START + 19_000, "pending"),
        (speech, 0.05, START + 1000, "spent"),
        (voice, 0.05, START + 9000, "spent"),
    ]
    assert failing not in [row[0] for row in rows]
    assert (found["units"], found["spent"], found["pending"]) == (1, 0.1, 0.05)


def test_without_a_pack_everything_is_counted_and_nothing_refused() -> None:
    """The ledger is kept without a limit too, also when nobody looked before."""
    mock = api()
    created(*(mock.speak() for _ in range(3)))
    mock.learn()

    found = ledger(mock)

    assert (found["units"], found["balance"]) == (None, None)
    assert (found["spent"], found["pending"]) == (0.15, 0.05)


def test_refusals_are_free() -> None:
    """A create that is refused, for whatever reason, costs nothing and takes no external id."""
    mock = api(units="0.05")
    mock.learn(external_task_id="a", voice_url="")
    mock.speak(**NO_VOICE)
    mock.speak(text="mock:risk-control")
    assert books(mock) == (0, 0, 0.05)

    created(mock.learn(external_task_id="a"))
    assert mock.learn(external_task_id="b").error == USED_UP
    mock.control("PUT", "/limits", {"units": 1})

    assert mock.voice("b").error == (400, 1201)
    created(mock.learn(external_task_id="b"))


def test_deleting_gives_nothing_back() -> None:
    """A voice that is deleted stays paid."""
    mock = api(units="0.05")
    mock.delete(mock.ready_voice()["task_result"]["voices"][0]["voice_id"])

    assert books(mock) == (0.05, 0, 0)
    assert mock.learn().error == USED_UP


def test_a_task_moved_by_hand_is_booked_as_it_ended() -> None:
    """A transition to succeed is deducted when it happens, one to failed is free."""
    mock = api(units="0.10")
    good, bad = created(mock.learn(), mock.learn())
    for task_id, status in ((good, "succeed"), (bad, "failed")):
        mock.control("POST", f"/tasks/{task_id}/transition", {"to": "processing"})
        mock.control("POST", f"/tasks/{task_id}/transition", {"to": status})

    assert books(mock) == (0.05, 0, 0.05)


# ---- slots ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_slot_is_held_until_the_task_ends(dialect: str) -> None:
    """While all slots are held creates are 429/1303 in the observed words; the end of a task frees its slot."""
    mock = api(dialect, slots=2)
    created(mock.learn(), mock.learn(voice_name="mock:noisy"))

    for answer in (mock.learn(), mock.speak()):
        assert answer.error == TOO_MANY
        assert answer.message == "parallel task over resource pack limit"
    mock.advance(5.999)
    assert mock.learn().error == TOO_MANY
    mock.advance(0.001)  # the noisy one fails
    created(mock.learn())
    assert mock.learn().error == TOO_MANY
    mock.advance(3)
    created(mock.learn())


def test_speech_that_is_ready_at_once_holds_no_slot() -> None:
    """A task that ends with its create leaves its slot free; a slow one holds it."""
    mock = api(slots=1)

    created(mock.speak(), mock.speak(), mock.speak(text="mock:slow"))

    assert mock.speak().error == TOO_MANY
    mock.advance(30)
    created(mock.speak())


def test_slots_are_shown_with_who_holds_them() -> None:
    """The control API says which tasks hold slots since when, and how many are free."""
    mock = api(slots=3)
    first = created(mock.learn())[0]
    mock.advance(1)
    second = created(mock.learn(voice_name="mock:stuck"))[0]

    assert mock.control("GET", "/slots")[1] == {
        "slots": 3,
        "held": [
            {"task_id": first, "since": START},
            {"task_id": second, "since": START + 1000},
        ],
        "free": 1,
    }
    mock.advance(9)
    assert [row["task_id"] for row in mock.control("GET", "/slots")[1]["held"]] == [second]


def test_a_stuck_task_holds_its_slot_until_it_is_moved() -> None:
    """A task that never ends holds its slot; a transition to its end frees it."""
    mock = api(slots=1)
    (stuck,) = created(mock.learn(voice_name="mock:stuck"))
    mock.advance(1e6)
    assert mock.learn().error == TOO_MANY

    mock.control("POST", f"/tasks/{stuck}/transition", {"to": "failed"})

    created(mock.learn())


# ---- rates ----------------------------------------------------------------------------------

#: Every operation, with a request that is good on its own.
OPERATIONS: dict[str, Callable[[Api], Answer]] = {
    "createSpeech": lambda mock: mock.speak(),
    "getSpeech": lambda mock: mock.get("/v1/audio/tts/1"),
    "createCustomVoice": lambda mock: mock.learn(),
    "getCustomVoice": lambda mock: mock.voice("1"),
    "listCustomVoices": lambda mock: mock.voices(),
    "listPresetVoices": lambda mock: mock.presets(),
    "deleteVoice": lambda mock: mock.delete("1"),
}


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_too_many_requests_are_1302(dialect: str, name: str) -> None:
    """Every operation counts, and every one is 429/1302 beyond the rate, until the window has moved on."""
    mock = api(dialect, rate_limit="2/1")
    call = OPERATIONS[name]

    assert [call(mock).status != 429 for _ in range(2)] == [True, True]
    mock.advance(0.999)
    answer = call(mock)
    assert (answer.error, answer.message) == (TOO_FAST, "The API is called too fast")
    assert mock.presets().error == TOO_FAST
    mock.advance(0.001)
    assert [call(mock).status != 429 for _ in range(3)] == [True, True, False]


def test_what_is_refused_does_not_fill_the_window() -> None:
    """A client that keeps asking is let in when the window has moved on, and not later."""
    mock = api(rate_limit="1/10")
    mock.presets()
    for _ in range(9):
        mock.advance(1)
        assert mock.presets().error == TOO_FAST
    mock.advance(1)

    assert mock.presets().status == 200


def test_requests_that_break_the_contract_do_not_count() -> None:
    """What is refused before the rate is looked at - credential, body, fields, voice - fills no window."""
    mock = api(rate_limit="1/1000")
    for answer in (
        mock.post("/v1/audio/tts", b"{"),
        mock.speak(text=""),
        mock.speak(**NO_VOICE),
        mock.learn(voice_url=""),
        mock.using("").presets(),
        mock.call("PUT", "/v1/audio/tts"),
        mock.get("/v1/nothing"),
    ):
        assert answer.status in (400, 401, 404)

    assert mock.presets().status == 200
    assert mock.presets().error == TOO_FAST


def test_control_requests_do_not_count() -> None:
    """The control API has no rate."""
    mock = api(rate_limit="1/1000")
    for _ in range(5):
        assert mock.control("GET", "/clock")[0] == 200

    assert mock.presets().status == 200


# ---- all together ---------------------------------------------------------------------------


def test_the_order_of_refusals() -> None:
    """Fields, voice and external id come before the balance, that before the rate, and that before the slots."""
    mock = api(units="0.05", slots=1, rate_limit="2/10")
    created(
        mock.learn(external_task_id="a", voice_name="mock:stuck")
    )  # takes the balance and the slot
    mock.presets()  # fills the window

    for answer in (
        mock.speak(text=""),
        mock.speak(**NO_VOICE),
        mock.learn(voice_url=""),
        mock.learn(external_task_id="a"),
    ):
        assert answer.error == (400, 1201)
    assert mock.learn().error == mock.speak().error == USED_UP
    mock.control(
        "PUT", "/limits", {"units": None, "slots": 1, "rate": {"requests": 2, "seconds": 10}}
    )
    assert mock.learn().error == mock.speak().error == TOO_FAST
    mock.advance(10)
    assert mock.learn().error == TOO_MANY


def test_ezmodel_has_its_own_words() -> None:
    """EzModel's operation has the same limits; its code is the HTTP status."""
    for options, words in (
        ({"units": 0}, "Account balance not enough"),
        ({"rate_limit": "1/1"}, "The API is called too fast"),
        ({"slots": 1}, "parallel task over resource pack limit"),
    ):
        mock = api(**options)
        mock.presets()
        mock.learn()
        answer = mock.post(EZ_PATH, EZ_SPEECH)
        assert (answer.error, answer.message) == ((429, 429), words)


def test_the_dialects_share_one_account() -> None:
    """All dialects of one key take from one pack, from the same slots and the same rate."""
    official = api("klingai", units="0.10")
    other = Api(official.http, official.key, PREFIXES["kkiai"])
    created(official.speak())
    assert other.post("/v1/tts", EZ_SPEECH).status == 200

    assert official.speak().error == other.speak().error == USED_UP
    assert official.post(EZ_PATH, EZ_SPEECH).error == (429, 429)


def test_accounts_have_limits_of_their_own() -> None:
    """What one account uses up another still has."""
    mine, yours = api(units="0.05", slots=1), api(units="0.05", slots=1)
    assert mine.http is yours.http
    created(mine.learn())

    assert mine.learn().error == USED_UP
    created(yours.learn())


def test_limits_can_be_set_while_it_runs() -> None:
    """PUT /limits changes what the account may do from the next request on; null is no limit."""
    mock = api(rate_limit="1/1000", slots=3, units="0.05")
    assert mock.control("GET", "/limits")[1] == {
        "units": 0.05,
        "slots": 3,
        "rate": {"requests": 1, "seconds": 1000},
    }
    created(mock.learn())
    assert mock.learn().error == USED_UP

    unlimited = {"units": None, "slots": None, "rate": None}
    assert mock.control("PUT", "/limits", unlimited)[1] == unlimited
    created(*(mock.learn() for _ in range(5)))
    assert mock.control("PUT", "/limits", {**unlimited, "slots": 2})[1] == {**unlimited, "slots": 2}
    assert mock.learn().error == TOO_MANY
    mock.control("PUT", "/limits", {**unlimited, "units": 0.3})
    assert mock.learn().error == USED_UP


def test_a_reset_gives_the_limits_of_the_settings_back() -> None:
    """After a reset the pack is full again, and the limits are those the server was started with."""
    mock = api(units="0.05")
    created(mock.speak())
    mock.control("PUT", "/limits", {"units": 0})
    mock.control("POST", "/reset", NOTHING)

    assert mock.control("GET", "/limits")[1]["units"] == 0.05
    assert books(mock) == (0, 0, 0.05)
    created(mock.speak())


def test_a_retry_after_a_refusal_is_the_same_task_as_without() -> None:
    """What was refused for a limit leaves no trace in the ids of later tasks."""
    clean, limited = api(seed="limits"), api(seed="limits", slots=1)
    limited = limited.using(clean.key)
    clean.learn()
    limited.learn()
    for _ in range(3):
        assert limited.learn(external_task_id="a").error == TOO_MANY
    for mock in (clean, limited):
        mock.advance(9)

    assert created(clean.learn(external_task_id="a")) == created(
        limited.learn(external_task_id="a")
    )
