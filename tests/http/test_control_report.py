"""The report card over HTTP: clients that misbehave in one way each, and one that does not, whatever happens to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import httpx2
import pytest

from mock_server import RunningServer
from tests.http.api import START, api
from tests.support.clients import VOICES, Client, Habits, Lost, Refused, Signer
from tests.support.places import ROOT
from tests.support.receiver import Answer, Receiver

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
SCENARIOS = sorted(path.stem for path in (ROOT / "fixtures" / "scenarios").glob("*.yaml"))
FAULTS = [
    *("1302", "1302;retry-after=7", "1303", "5000", "5000;commit=before", "5001;retry-after=30"),
    *("5002;commit=before", "reset", "reset;commit=before", "close", "reset-in-body", "hang"),
    *("short-body", "bad-chunk", "garbage", "malformed", "truncated", "empty", "html", "1000"),
    *("html;status=504;commit=before", "commit=after;visible-after=3", "1102", "1201", "1301"),
]
_keys = count()


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server whose clocks stand still, which signs callbacks."""
    with RunningServer(
        speed=0, seed="card", start=START, webhook_secret=SECRET, callback_timeout=0.3
    ) as running:
        yield running


@pytest.fixture
def client(server: RunningServer) -> Iterator[Client]:
    """A careful client with an account of its own."""
    made = Client(server.base_url, f"key-{next(_keys)}")
    yield made
    made.close()


def item(card: dict[str, Any], name: str) -> dict[str, Any]:
    """One item of a card."""
    (found,) = (item for item in card["items"] if item["id"] == name)
    return found  # type: ignore[no-any-return]


def verdict(card: dict[str, Any], name: str) -> str:
    """The verdict of one item."""
    return str(item(card, name)["verdict"])


def bad(card: dict[str, Any], level: str = "warning") -> list[str]:
    """The items and lints of a verdict."""
    return [row["id"] for row in card["items"] + card["lints"] if row["verdict"] == level]


def live(client: Client, name: str, **fields: Any) -> dict[str, Any]:
    """The life of a voice and of some speech, with a careful client."""
    task_id = client.create(name, **fields)
    record = client.wait(task_id) if task_id else {}
    client.delete(record)
    client.speak(f"Hello {name}")
    client.speak(f"Goodbye {name}")
    return record


# ---- the careful client ---------------------------------------------------------------------


def test_a_careful_client_gets_no_warning(client: Client) -> None:
    """Whoever polls with back-off, retries what can pass, deletes and stops has nothing to be told."""
    live(client, "Ada")
    card = client.report()

    assert bad(card) == bad(card, "advice") == card["lints"] == card["blind"] == []
    assert card["worst"] == "ok"
    assert card["assumed"] == 0
    assert card["cost"] == {
        "units": 0.15,
        "spent": 0.15,
        "pending": 0.0,
        "calls": card["requests"]["judged"],
        "tasks": 3,
        "minutes": 0.15,
    }
    assert verdict(card, "polling.interval") == "ok"
    assert verdict(card, "polling.after-terminal") == "ok"


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_careful_client_gets_no_warning_in_any_scenario(client: Client, scenario: str) -> None:
    """Whatever a scenario does to a careful client, the card does not blame the client."""
    with Receiver() as receiver:
        client.do("PUT", "/scenario", {"scenario": scenario})
        fields = (
            {} if scenario in ("cb-bad-sign", "cb-replay") else {"callback_url": receiver.url()}
        )
        live(client, "Ada", **fields)
        client.pass_time(100)

    assert bad(client.report()) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_careful_client_gets_no_warning_with_any_fault(client: Client, fault: str) -> None:
    """Nor when the first request of each kind meets a fault."""
    for operation in ("createCustomVoice", "getCustomVoice", "deleteVoice", "createSpeech"):
        body = {"match": {"operation": operation}, "fault": fault, "when": {"count": 1}}
        client.do("POST", "/faults", body)
    with suppress(Lost, Refused):  # of the delete
        live(client, "Ada")

    assert bad(client.report()) == []


def test_a_careful_client_with_tokens_gets_no_warning(server: RunningServer) -> None:
    """A token that is kept until shortly before it expires, and signed anew after 1004, is as it should be."""
    client = Client(server.base_url, "", authorization=Signer("access-key-careful"))
    client.do("PUT", "/scenario", {"scenario": "token-expires"})
    live(client, "Ada")
    card = client.report()
    client.close()

    assert bad(card) == []
    assert verdict(card, "auth.expired") == verdict(card, "auth.minted") == "ok"
    assert card["lints"] == []


def test_real_time_counts_where_nobody_moves_the_clock() -> None:
    """With a clock that runs by itself, a client that waits by its own clock is judged by that."""
    with RunningServer(speed=1, seed="card") as server:
        hasty = Client(server.base_url, "hasty", Habits(pauses=(0.01,)), sleep=time.sleep)
        task_id = hasty.create("Ada")
        for _ in range(6):
            hasty.call("GET", f"{VOICES}/{task_id}")
        card = hasty.report()
        hasty.close()

    assert bad(card) == ["polling.interval"]
    assert 0 <= item(card, "polling.interval")["numbers"]["median_s"] < 0.9


# ---- careless ones --------------------------------------------------------------------------


def test_a_hasty_poller_is_told(client: Client) -> None:
    """Polls of half a second are a warning with the task, the interval and the clause."""
    client.habits = Habits(pauses=(0.5,))
    record = client.wait(client.create("Ada") or "")
    found = item(client.report(), "polling.interval")

    assert found["verdict"] == "warning"
    assert found["numbers"]["median_s"] == 0.5
    assert record["task_id"] in found["proofs"][0]["words"]
    assert "constant" in found["proofs"][0]["words"]
    assert found["proofs"][0]["number"] == 3
    assert found["remedy"]
    assert found["clause"]["evidence"] == "observed"


def test_polls_after_the_end_are_told(client: Client) -> None:
    """Whoever goes on polling has missed that succeed is an end."""
    task_id = client.create("Ada") or ""
    client.wait(task_id)
    for _ in range(4):
        client.pass_time(2)
        client.call("GET", f"{VOICES}/{task_id}")
    card = client.report()

    assert bad(card) == ["polling.after-terminal"]
    assert item(card, "polling.after-terminal")["numbers"]["polls_after_end"] == 4


def test_looking_again_is_no_polling(client: Client) -> None:
    """One more look at once, and looks an hour later, are no polls."""
    task_id = client.create("Ada") or ""
    client.wait(task_id)
    client.call("GET", f"{VOICES}/{task_id}")
    for _ in range(5):
        client.pass_time(3600)
        client.call("GET", f"{VOICES}/{task_id}")

    assert verdict(client.report(), "polling.after-terminal") == "ok"


def test_an_end_that_nobody_saw_is_told(client: Client) -> None:
    """A client that stops polling before the end of a slow task never learns what it has paid for."""
    client.do("PUT", "/scenario", {"scenario": "slow"})
    task_id = client.create("Ada")
    client.pass_time(2)
    client.call("GET", f"{VOICES}/{task_id}")
    client.pass_time(4000)
    card = client.report()

    assert verdict(card, "polling.gave-up") == "advice"
    client.call("GET", VOICES)
    assert verdict(client.report(), "polling.gave-up") == "ok"


def test_a_list_that_is_polled_is_told(client: Client) -> None:
    """Lists in place of queries of the one task."""
    client.create("Ada")
    for _ in range(4):
        client.pass_time(2)
        client.call("GET", VOICES)

    assert verdict(client.report(), "polling.lists") == "advice"


@pytest.mark.parametrize("code", [1100, 1101, 1102, 1103, 1200, 1201, 1300, 1301, 1304])
def test_retries_of_permanent_errors_are_told(client: Client, code: int) -> None:
    """What no retry removes, and was sent again all the same."""
    client.habits = Habits(retries=frozenset({code}))
    client.do("POST", "/faults", {"fault": str(code), "when": {"count": 2}})
    client.speak("Hello")
    card = client.report()

    assert bad(card) == ["retries.permanent"]
    told = item(card, "retries.permanent")
    assert told["numbers"]["sent_again"] == 2
    # Only what looks like a limit of the rate rests on the clause that says it is none.
    is_429 = code in (1100, 1101, 1102, 1304)
    assert (told["clause"] and told["clause"]["id"]) == ("errors.429.permanent" if is_429 else None)


def test_a_cause_that_was_removed_is_no_retry(client: Client) -> None:
    """A test that empties the pack, and fills it again, makes no bad client."""
    client.do("PUT", "/limits", {"units": 0})
    client.speak("Hello")
    client.do("PUT", "/limits", {"units": None})
    assert client.speak("Hello")

    assert bad(client.report()) == []


def test_an_ignored_retry_after_is_told(client: Client) -> None:
    """Coming back before the time that was told."""
    client.habits = Habits(heeds=False)
    client.do("POST", "/faults", {"fault": "5001;retry-after=30", "when": {"count": 2}})
    client.speak("Hello")
    card = client.report()

    assert bad(card) == ["retries.retry-after"]
    assert item(card, "retries.retry-after")["numbers"]["ignored"] == 2


@pytest.mark.parametrize("code", [1302, 1303, 5000, 5001])
def test_retries_without_a_pause_are_told(client: Client, code: int) -> None:
    """A loop that does not wait."""
    client.habits = Habits(back_off=(0, 0, 0))
    client.do("POST", "/faults", {"fault": str(code), "when": {"count": 3}})
    client.speak("Hello")

    assert bad(client.report()) == ["retries.back-off"]


def test_a_create_sent_again_without_an_external_id_is_told(client: Client) -> None:
    """After 5002 the task may exist: the second create makes a second one, which is charged."""
    client.do("POST", "/faults", {"fault": "5002;commit=before", "when": {"count": 1}})
    body = {"voice_name": "Ada", "voice_url": "https://e.com/a.mp3"}
    client.call("POST", VOICES, body)
    card = client.report()

    assert set(bad(card)) == {"retries.double-charge", "recovery.external-id"}
    assert item(card, "retries.double-charge")["numbers"]["double_tasks"] == 1
    assert item(card, "recovery.external-id")["numbers"]["units_wasted"] == 0.05


def test_a_create_sent_again_with_another_external_id_is_told(client: Client) -> None:
    """A new external id for every try keeps nothing from happening twice."""
    client.do("POST", "/faults", {"fault": "reset;commit=before", "when": {"count": 1}})
    for number in range(2):
        body = {"voice_name": "Ada", "voice_url": "https://e.com/a.mp3"}
        try:
            client.call("POST", VOICES, {**body, "external_task_id": f"try-{number}"})
        except Lost:
            client.pass_time(2)
    card = client.report()

    assert "retries.double-charge" in bad(card)
    assert "another external id" in item(card, "retries.double-charge")["proofs"][0]["words"]


def test_a_lost_answer_that_nobody_looks_for_is_told(client: Client) -> None:
    """The task exists and costs, and its external id is never asked for; the card names it."""
    client.do("POST", "/faults", {"fault": "reset;commit=before", "when": {"count": 1}})
    with pytest.raises(Lost):
        client.call(
            "POST",
            VOICES,
            {"voice_name": "A", "voice_url": "https://e.com/a.mp3", "external_task_id": "job-1"},
        )
    found = item(client.report(), "recovery.external-id")

    assert found["verdict"] == "warning"
    assert "job-1" in found["proofs"][0]["words"]
    client.call("GET", f"{VOICES}/job-1")
    assert verdict(client.report(), "recovery.external-id") == "ok"


def test_lost_speech_is_an_advice(client: Client) -> None:
    """Nobody can get it back, so nobody is blamed; what it cost is said."""
    client.do("POST", "/faults", {"fault": "reset;commit=before", "when": {"count": 1}})
    client.speak("Hello")
    card = client.report()

    assert bad(card) == []
    assert item(card, "recovery.speech")["numbers"] == {"lost": 1, "units_wasted": 0.05}


def _javascript(task_id: str) -> str:
    """A number as JavaScript prints it: the shortest digits that mean the same, and zeros."""
    digits, _, exponent = f"{float(task_id)!r}".partition("e+")
    return digits.replace(".", "").ljust(int(exponent) + 1, "0")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda name: str(int(float(name))), "2^53"),
        (_javascript, "2^53"),
        (lambda name: repr(float(name)), "floating-point"),
        (lambda name: "000" + name, "leading zeros"),
        (lambda name: f"%20{name}%20", "blanks"),
        (lambda name: f"%22{name}%22", "quotes"),
        (lambda name: str(int(name) % 2**32), "32 bits"),
    ],
)
def test_ids_that_come_back_changed_are_told(
    client: Client, change: Callable[[str], str], words: str
) -> None:
    """The id that was given and the one that came back are both named."""
    task_id = client.create("Ada") or ""
    with pytest.raises(Refused):
        client.call("GET", f"{VOICES}/{change(task_id)}")
    card = client.report()

    assert bad(card) == ["ids.changed"]
    assert words in item(card, "ids.changed")["proofs"][0]["words"]
    assert task_id in item(card, "ids.changed")["proofs"][0]["words"]


def test_a_voice_id_that_was_a_number_is_told(client: Client) -> None:
    """A voice_id that went through a JSON number is the one that was given, no matter that it is refused."""
    record = client.wait(client.create("Ada") or "")
    voice_id = record["task_result"]["voices"][0]["voice_id"]
    with pytest.raises(Refused):
        client.call("POST", "/v1/general/delete-voices", {"voice_id": float(voice_id)})

    assert "ids.changed" in bad(client.report())


@pytest.mark.parametrize(
    "name", ["nobody", "930801290416885794", "1", "0", "%00", "é", "1e999", "-1"]
)
def test_ids_of_nobody_are_not_blamed(client: Client, name: str) -> None:
    """A test that asks for what does not exist has changed nothing."""
    client.create("Ada")
    with pytest.raises(Refused):
        client.call("GET", f"{VOICES}/{name}")
    card = client.report()

    assert bad(card) == bad(card, "advice") == []


def test_ids_of_another_kind_are_told(client: Client) -> None:
    """A task id where a voice id belongs, and the other way round."""
    record = client.wait(client.create("Ada") or "")
    voice_id = record["task_result"]["voices"][0]["voice_id"]
    for method, path, body in (
        ("GET", f"{VOICES}/{voice_id}", None),
        ("POST", "/v1/general/delete-voices", {"voice_id": record["task_id"]}),
    ):
        with pytest.raises(Refused):
            client.call(method, path, body)

    assert item(client.report(), "ids.confused")["numbers"]["confused"] == 2


def test_an_expired_token_that_is_used_again_is_told(server: RunningServer) -> None:
    """What was refused as expired is in the journal of nobody, and on the card of whom the token names."""
    signer = Signer("access-key-expired")
    old = signer.sign(time.time() - 4000)
    client = Client(server.base_url, "", authorization=lambda: old)
    for _ in range(4):
        with pytest.raises(Refused):
            client.call("GET", VOICES)
    client.authorization = signer.sign
    client.call("GET", VOICES)
    card = client.report()
    client.close()

    assert "auth.expired" in bad(card)
    found = item(card, "auth.expired")
    assert found["numbers"]["used_again"] == 3
    assert "account -" in found["proofs"][0]["words"]
    assert old.removeprefix("Bearer ") not in str(card)


def test_one_expired_token_is_no_offence(server: RunningServer) -> None:
    """A token that expires, and a new one after it, are how it is meant."""
    signer = Signer("access-key-renewed")
    tokens = iter([signer.sign(time.time() - 4000), signer.sign(), signer.sign()])
    client = Client(server.base_url, "", authorization=lambda: next(tokens))
    with pytest.raises(Refused):
        client.call("GET", VOICES)
    client.call("GET", VOICES)
    card = client.report()
    client.close()

    assert verdict(card, "auth.expired") == "ok"
    assert item(card, "auth.expired")["numbers"]["refused"] == 1


def test_a_token_for_every_request_is_told(server: RunningServer) -> None:
    """Six requests, six tokens, each of which had nearly all of its life left."""
    signer = Signer("access-key-minted")
    seconds = count()
    client = Client(
        server.base_url, "", authorization=lambda: signer.sign(time.time() - next(seconds))
    )
    for _ in range(6):
        client.call("GET", VOICES)
    card = client.report()
    client.close()

    assert verdict(card, "auth.minted") == "advice"


def test_a_credential_in_an_address_is_told(client: Client) -> None:
    """Its name is said, and its value is not."""
    client.call("GET", f"{VOICES}?api_key=top-secret-value")
    card = client.report()

    assert "auth.in-query" in bad(card)
    assert "top-secret-value" not in str(card)


def test_orders_of_what_has_failed_are_told(client: Client) -> None:
    """Ordering the same again, which fails again."""
    client.do("PUT", "/scenario", {"scenario": "risk-control"})
    for number in range(3):
        client.wait(client.create(f"try-{number}", voice_name="Ada") or "")
    card = client.report()

    assert "recovery.failed-tasks" in bad(card)
    assert item(card, "recovery.failed-tasks")["numbers"]["ordered_again"] == 2


# ---- receivers ------------------------------------------------------------------------------


def told(client: Client, receiver: Receiver, fault: str = "") -> dict[str, Any]:
    """The card after the life of a voice with callbacks."""
    if fault:
        client.do("POST", "/callback-faults", {"fault": fault})
    client.create("Ada", callback_url=receiver.url())
    client.pass_time(20)
    return client.report()


def test_a_receiver_that_redirects_or_refuses_is_told(client: Client) -> None:
    """Redirects are not followed, and 500 is no 200."""
    with Receiver() as receiver:
        receiver.script.extend([Answer(301, {"location": "/elsewhere"}), Answer(500)])
        card = told(client, receiver)

    found = item(card, "callbacks.answers")
    assert bad(card) == ["callbacks.answers"]
    assert (found["numbers"]["redirects"], found["numbers"]["refused"]) == (1, 1)
    assert found["proofs"][0]["delivery"] == 1


def test_a_receiver_that_takes_its_time_is_told(client: Client) -> None:
    """No answer within the timeout."""
    with Receiver() as receiver:
        receiver.script.append(Answer(after=receiver.gate()))
        card = told(client, receiver)

    assert bad(card) == ["callbacks.slow"]


def test_a_receiver_that_is_not_there_is_an_advice(client: Client) -> None:
    """A test may give an address where nobody listens."""
    with Receiver() as receiver:
        url = receiver.url()
    client.create("Ada", callback_url=url)
    client.pass_time(20)
    card = client.report()

    assert bad(card) == []
    assert verdict(card, "callbacks.answers") == "advice"


@pytest.mark.parametrize("fault", ["signature=bad", "signature=stale", "signature=unsigned"])
def test_a_receiver_that_takes_forgeries_is_told(client: Client, fault: str) -> None:
    """A callback with a wrong signature is sent, and whoever takes it verifies nothing."""
    with Receiver() as receiver:
        card = told(client, receiver, fault)

    assert bad(card) == ["callbacks.signature"]


def test_a_receiver_that_refuses_forgeries_is_well(client: Client) -> None:
    """A refused forgery is no failed callback."""
    with Receiver() as receiver:
        receiver.script.extend([Answer(401)] * 4)
        card = told(client, receiver, "signature=bad")

    assert bad(card) == []
    assert verdict(card, "callbacks.signature") == "ok"


def test_a_receiver_that_refuses_copies_is_told(client: Client) -> None:
    """A callback may come twice; the second is to be taken as well."""
    with Receiver() as receiver:
        receiver.script.extend([Answer(200), Answer(409)] * 2)
        card = told(client, receiver, "times=2")

    assert bad(card) == ["callbacks.copies"]


# ---- lints ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("send", "name", "evidence"),
    [
        (lambda c: c.speak("Hello", mood="gay"), "unknown-fields", "assumed"),
        (lambda c: c.speak("Hello", voice_speed=3), "speed-out-of-range", "assumed"),
        (lambda c: c.speak("Hello", voice_speed=1.23), "speed-decimals", "documented"),
        (lambda c: c.speak("é" * 600), "text-length", "assumed"),
        (lambda c: c.speak("Hello", external_task_id="a"), "foreign-speech-fields", "documented"),
        (lambda c: c.create("Ada", video_id="1"), "both-sources", "assumed"),
        (lambda c: c.create("Ada", external_task_id="ä b"), "external-id-characters", "assumed"),
        (lambda c: c.create("声" * 10, external_task_id="x"), "name-length", "documented"),
        (lambda c: c.create("Ada", voice_url="https://e.com/a"), "media-format", "documented"),
        (lambda c: c.create("A", callback_url="http://e.com/"), "callback-address", "assumed"),
        (lambda c: c.call("GET", f"{VOICES}?pageNum=9"), "past-the-end", "assumed"),
        (lambda c: c.call("GET", f"{VOICES}?pageSize=800"), "large-page", "documented"),
        (lambda c: c.call("GET", f"{VOICES}?page=1"), "unknown-parameters", "assumed"),
        (lambda c: c.speak("Hello", voice_speed="1"), "speed-as-text", "assumed"),
        (lambda c: c.speak("Hello", voice_speed=None), "null", "assumed"),
        (lambda c: c.create("Ada", voice_url=""), "no-source", "assumed"),
        (lambda c: [c.create(n, voice_name="Ada") for n in "ab"], "repeated-name", "assumed"),
    ],
)
def test_what_depends_on_an_open_rule_is_told(
    client: Client, send: Callable[[Client], Any], name: str, evidence: str
) -> None:
    """The row names the first request, the clause with its evidence, and what may happen."""
    send(client)
    card = client.report()
    (row,) = card["lints"]

    assert row["id"] == name
    assert row["clause"]["evidence"] == evidence
    assert row["example"]["number"] >= 1
    assert row["consequence"]
    assert card["assumed"] == (evidence == "assumed")


def test_a_missing_content_type_and_language_are_told(client: Client) -> None:
    """A body without its header passes here; speech without a language in Chinese."""
    body = b'{"text": "Hello", "voice_id": "genshin_vindi2"}'
    client.http.post("/v1/audio/tts", content=body, headers=client.headers())
    card = client.report()

    assert {row["id"] for row in card["lints"]} == {"content-type", "no-language"}


def test_every_clause_that_is_named_exists(client: Client) -> None:
    """No item and no lint names a clause that no document has."""
    from mock_server import resources
    from mock_server.core.card import auth, callbacks, ids, polling, recovery, retries, voices
    from mock_server.core.card.evidence import Subject
    from mock_server.core.card.lints import RULES
    from mock_server.documents import Documents
    from mock_server.http.reporting import clauses

    known = clauses(Documents(resources.folder("openapi")))
    subjects = [
        value
        for module in (auth, callbacks, ids, polling, recovery, retries, voices)
        for value in vars(module).values()
        if isinstance(value, Subject)
    ]
    assert {subject.clause for subject in subjects} <= set(known)
    assert {rule.clause for rule in RULES} <= set(known)
    assert sorted(subject.id for subject in subjects) == sorted(
        row["id"] for row in client.report()["items"]
    )


# ---- what the card is -----------------------------------------------------------------------


def test_the_card_keeps_its_document_and_changes_nothing() -> None:
    """The answer keeps the schema of the control API, and reading it changes neither clock nor journal."""
    mock = api()
    mock.ready_voice()
    mock.speak(x=None)
    _, before = mock.control("GET", "/journal")
    status, first = mock.control("GET", "/report")
    _, second = mock.control("GET", "/report")

    assert status == 200
    assert first == second
    assert mock.control("GET", "/journal")[1] == before


def test_the_card_is_named_as_everywhere() -> None:
    """By Authorization or by account; nobody's card is that of requests without a credential."""
    mock = api()
    mock.speak()
    account = mock.control("GET", "/report")[1]["account"]

    assert mock.using("").control("GET", f"/report?account={account}")[1]["account"] == account
    assert mock.using("").control("GET", "/report?account=-")[0] == 200
    assert mock.control("GET", "/report?account=nobody")[0] == 404
    assert mock.control("GET", "/report?sinse=3")[0] == 400
    assert mock.control("GET", "/report?since=x")[0] == 400


def test_an_account_without_requests_has_an_empty_card() -> None:
    """Nothing was seen, and the card says that."""
    status, card = api().control("GET", "/report")

    assert status == 200
    assert card["worst"] == "not_seen"
    assert "no request" in card["blind"][0]


def test_what_the_journal_dropped_is_said() -> None:
    """A card on a part of the requests says which part, and nothing is held against what is not known."""
    mock = api(journal=3)
    mock.ready_voice()
    for _ in range(5):
        mock.presets()
    _, card = mock.control("GET", "/report")

    assert card["requests"] == {"judged": 3, "first": 5, "last": 7, "missing": 4}
    assert "4 older requests" in card["blind"][0]
    assert bad(card) == []
    _, part = mock.control("GET", "/report?since=6")
    assert part["requests"] == {"judged": 1, "first": 7, "last": 7, "missing": 0}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"5",
        b"1e400",
        b'{"voice_id": ' + b"9" * 4000 + b"}",
        b'{"voice_id": "\\ud800"}',
        b'{"voice_id": {}}',
        b'{"voice_id": 1e300}',
        b'{"text": "\\udfff", "voice_id": "oversea_male1", "voice_language": "en", "\\ud800": 1}',
        b'{"text": "a", "voice_id": "oversea_male1", "voice_speed": 1e308, "voice_language": "en"}',
        b'{"voice_name": "\\ud800", "voice_url": "http://[::1", "callback_url": "http://[", "a": 0}',
        b'{"voice_name": ["a"], "external_task_id": ["a"], "voice_url": 5, "callback_url": 6}',
        b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}",
        b"x" * 100_000,
    ],
    ids=lambda body: ascii(body[:30]),
)
def test_whatever_is_sent_there_is_a_card(body: bytes) -> None:
    """Bodies that are none, numbers of any size, lone surrogates: the card is made all the same."""
    mock = api()
    for path in ("/v1/audio/tts", VOICES, "/v1/general/delete-voices", "/kling/v1/tts"):
        for _ in range(2):
            mock.http.post(path, content=body, headers={"authorization": f"Bearer {mock.key}"})
    for path in (
        "%FF",
        "%ED%A0%80",
        "a" * 3000,
        "9" * 3000,
        "1e5",
        "..",
        "%2F",
        "NaN",
        "Infinity",
        "1_0",
    ):
        mock.http.get(f"{VOICES}/{path}", headers={"authorization": f"Bearer {mock.key}"})
        mock.http.get(f"{VOICES}?pageSize={path}", headers={"authorization": f"Bearer {mock.key}"})
    status, card = mock.control("GET", "/report")

    assert status == 200, card


def test_two_clients_at_once_are_not_blamed_for_each_other(server: RunningServer) -> None:
    """Ten threads that send the same, and are told to wait, are not taken for one that does not."""
    key = f"key-{next(_keys)}"
    clients = [Client(server.base_url, key) for _ in range(6)]
    task_id = clients[0].create("Ada") or ""
    clients[0].do("POST", "/faults", {"fault": "1303;retry-after=3", "when": {"count": 6}})
    begin = threading.Barrier(len(clients))

    def work(client: Client) -> None:
        begin.wait()
        client.speak("the same for all")
        client.wait(task_id)

    threads = [threading.Thread(target=work, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    card = clients[0].report()
    for client in clients:
        client.close()

    assert bad(card) == []


def test_a_client_of_new_connections_is_judged_as_one(server: RunningServer) -> None:
    """Whoever opens a connection for each request is still one who does not wait."""
    headers = {"authorization": f"Bearer key-{next(_keys)}"}
    with httpx2.Client(base_url=server.base_url, headers=headers, trust_env=False) as control:
        control.post("/__mock__/faults", json={"fault": "1302;retry-after=5", "when": {"count": 3}})
        body = {"text": "Hello", "voice_id": "oversea_male1", "voice_language": "en"}
        for _ in range(4):
            httpx2.post(
                server.base_url + "/v1/audio/tts", json=body, headers=headers, trust_env=False
            )
        card = control.get("/__mock__/report").json()

    assert item(card, "retries.retry-after")["numbers"]["ignored"] == 3
