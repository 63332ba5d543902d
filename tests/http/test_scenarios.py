"""Every bundled scenario, over HTTP: what its summary promises is what a client meets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from mock_server import RunningServer
from tests.http.api import BASE_URL, EZ_PATH, EZ_SPEECH, PREFIXES, SPEECH, START, VOICE, Api, api
from tests.support.bench import scenarios
from tests.support.receiver import Answer as Answered
from tests.support.receiver import Receiver, Request

DIALECTS = sorted(PREFIXES)
HEADER = "x-mock-scenario"
SPEECHES, VOICES = "/v1/audio/tts", "/v1/general/custom-voices"
#: Real seconds after which a client gives up on an answer that never comes.
IMPATIENT_S = 0.3
#: What callbacks of one of the servers are signed with.
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="

_keys = count()


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A real server, for what breaks connections; its clock stands still."""
    with RunningServer(speed=0, seed="7", start=START) as running:
        yield running


@pytest.fixture
def live(server: RunningServer) -> Iterator[Api]:
    """A new account of the real server."""
    with httpx2.Client(base_url=server.base_url) as client:
        yield Api(client, f"live-{next(_keys)}")


@pytest.fixture
def signing() -> Iterator[Api]:
    """An account of a real server that signs its callbacks."""
    with (
        RunningServer(speed=0, seed="7", start=START, webhook_secret=SECRET) as running,
        httpx2.Client(base_url=running.base_url) as client,
    ):
        yield Api(client, f"signing-{next(_keys)}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of callbacks that says OK."""
    with Receiver() as found:
        yield found


def following(name: str) -> dict[str, str]:
    """The header that asks for a scenario."""
    return {HEADER: name}


def raw(mock: Api, method: str, path: str, body: Any = None, name: str = "") -> httpx2.Response:
    """An exchange that is not held against the documents."""
    headers = {"authorization": f"Bearer {mock.key}", **({HEADER: name} if name else {})}
    # The very bytes that Api sends: a retry is the same request again.
    content = None if body is None else json.dumps(body).encode()
    return mock.http.request(method, mock.prefix + path, content=content, headers=headers)


def tasks(mock: Api) -> list[dict[str, Any]]:
    """The tasks that exist, newest first, also those that queries do not show."""
    status, value = mock.control("GET", "/tasks")
    assert status == 200
    found: list[dict[str, Any]] = value["tasks"]
    return found


def statuses(mock: Api, task_id: str, *seconds: float) -> list[str]:
    """What a voice's status is at each of these seconds after its create."""
    found = []
    before = 0.0
    for instant in seconds:
        mock.advance(instant - before)
        before = instant
        found.append(mock.voice(task_id).data["task_status"])
    return found


def test_every_bundled_scenario_is_shown_here() -> None:
    """A scenario that is shipped has a test of what it promises."""
    asked_for = Path(__file__).read_text("utf-8")
    missing = [item.name for item in scenarios() if f'"{item.name}"' not in asked_for]
    assert missing == []


# ---- how tasks evolve -----------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
def test_default_voice_takes_nine_seconds_and_speech_none(dialect: str) -> None:
    """By default a custom voice is ready after 9 s, and speech with its create; no header names the scenario."""
    mock = api(dialect)
    voice, speech = mock.learn(following("default")), mock.speak(following("default"))

    assert HEADER not in voice.headers
    assert speech.data["task_status"] == "succeed"
    assert statuses(mock, voice.data["task_id"], 1.999, 2, 8.999, 9) == [
        "submitted",
        "processing",
        "processing",
        "succeed",
    ]


def test_slow_takes_minutes() -> None:
    """A slow voice takes five minutes, a slow speech half a minute."""
    mock = api()
    voice = mock.learn(following("slow")).data["task_id"]
    speech = mock.speak(following("slow")).data["task_id"]

    assert statuses(mock, voice, 29.999) == ["submitted"]
    assert mock.get(f"{SPEECHES}/{speech}").data["task_status"] == "processing"
    mock.advance(0.001)
    assert mock.get(f"{SPEECHES}/{speech}").data["task_status"] == "succeed"
    assert statuses(mock, voice, 0, 269.999, 270) == ["processing", "processing", "succeed"]


def test_stuck_never_ends() -> None:
    """A stuck task is processing after a year."""
    mock = api()
    voice = mock.learn(following("stuck")).data["task_id"]

    assert statuses(mock, voice, 2, 365 * 86400) == ["processing", "processing"]


@pytest.mark.parametrize(
    ("name", "at", "reason"),
    [
        ("noisy", 6, "The voice must be clean and contain only one human voice"),
        ("too-short", 4, "The duration of the voice must be between 5 and 30 seconds"),
        ("risk-control", 9, "Failure to pass the risk control system"),
    ],
)
def test_samples_that_are_not_taken_fail_with_their_reason(name: str, at: int, reason: str) -> None:
    """A sample that is not taken makes a task that fails, with its reason, an empty result and no deduction."""
    mock = api()
    task_id = mock.learn(following(name)).data["task_id"]

    assert statuses(mock, task_id, at - 0.001, at) == ["processing", "failed"]
    record = mock.voice(task_id).data
    assert (record["task_status_msg"], record["task_result"]) == (reason, {})
    assert "final_unit_deduction" not in record


def test_risk_control_refuses_speech() -> None:
    """Risky text is 400/1301."""
    answer = api().speak(following("risk-control"))

    assert answer.error == (400, 1301)
    assert answer.message == "Failure to pass the risk control system"


def test_varying_is_drawn_for_each_task_and_repeatable() -> None:
    """Voices take different times, never more than a minute; a second world with the seed takes the same."""

    def ends(seed: str) -> list[int]:
        mock = api(seed=seed).using("varying")
        mock.control("POST", "/reset")
        for _ in range(30):
            mock.learn(following("varying"))
        mock.advance(60)
        return [item["updated_at"] - item["created_at"] for item in mock.voices().data]

    first = ends("a")

    assert len(first) == 30
    assert len(set(first)) > 25
    assert max(first) <= 60_000
    assert 5000 < sorted(first)[15] < 16_000
    assert first == ends("a") != ends("b")


# ---- creates that are refused ---------------------------------------------------------------


@pytest.mark.parametrize("path", [SPEECHES, VOICES, EZ_PATH])
@pytest.mark.parametrize(
    ("name", "refused", "error", "retry_after"),
    [
        ("rate-limit", 3, (429, 1302), "1"),
        ("server-error", 2, (500, 5000), None),
        ("timeout-created", 1, (504, 5002), None),
    ],
)
def test_the_first_creates_are_refused(
    path: str, name: str, refused: int, error: tuple[int, int], retry_after: str | None
) -> None:
    """The first creates are refused with the code of the summary, and the retry after them is accepted."""
    mock = api()
    body = {SPEECHES: SPEECH, VOICES: VOICE, EZ_PATH: EZ_SPEECH}[path]
    if path == EZ_PATH:
        error = (error[0], error[0]) if error[0] < 500 else (500, 500)

    for _ in range(refused):
        answer = mock.post(path, body, following(name))
        assert answer.error == error
        assert answer.headers.get("retry-after") == retry_after
        assert answer.headers["x-mock-fault"]
    if name != "timeout-created":
        assert tasks(mock) == []

    assert mock.post(path, body, following(name)).status == 200


def test_rate_limit_is_counted_for_each_request_body() -> None:
    """Another create begins its own count, so that two jobs of one client do not disturb each other."""
    mock = api()
    for name in ("Ada", "Bob"):
        answers = [mock.learn(following("rate-limit"), voice_name=name) for _ in range(4)]
        assert [answer.status for answer in answers] == [429, 429, 429, 200]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_balance_refuses_for_ever(dialect: str) -> None:
    """Every create is 429/1102, however often and late it is tried."""
    mock = api(dialect)
    for _ in range(4):
        for answer in (mock.learn(following("no-balance")), mock.speak(following("no-balance"))):
            assert (answer.error, answer.message) == ((429, 1102), "Account balance not enough")
        mock.advance(86_400)

    assert tasks(mock) == []


def test_slots_full_until_a_slot_is_free() -> None:
    """Creates are 429/1303 for 9 s after the first try, and then accepted."""
    mock = api()
    for wait in (0, 5, 3.999):
        mock.advance(wait)
        assert mock.learn(following("slots-full")).error == (429, 1303)
    mock.advance(0.001)

    assert mock.learn(following("slots-full")).status == 200


def test_maintenance_lasts_thirty_seconds() -> None:
    """Creates are 503/5001 with Retry-After for 30 s, and then accepted; queries are not disturbed."""
    mock = api()
    other = mock.learn().data["task_id"]
    for wait in (0, 29.999):
        mock.advance(wait)
        answer = mock.speak(following("maintenance"))
        assert answer.error == (503, 5001)
        assert answer.headers["retry-after"] == "30"
        assert mock.voice(other).status == 200
    mock.advance(0.001)

    assert mock.speak(following("maintenance")).status == 200


def test_timeout_created_exists_nevertheless() -> None:
    """The create answers 504/5002 and yet the task is there: a retry meets its external id."""
    mock = api()
    answer = mock.learn(following("timeout-created"), external_task_id="order-1")
    assert answer.error == (504, 5002)

    retry = mock.learn(following("timeout-created"), external_task_id="order-1")

    assert retry.error == (400, 1201)
    assert retry.message == "External_task_id order-1 already exists"
    assert mock.voice("order-1").data["task_status"] == "submitted"
    assert len(tasks(mock)) == 1


@pytest.mark.parametrize("dialect", DIALECTS)
def test_flaky_auth_refuses_three_of_ten(dialect: str) -> None:
    """About three of ten requests are 401/1000, creates and queries; the others, and a retry, are answered."""
    mock = api(dialect, seed="flaky")
    header = following("flaky-auth")
    creates = [mock.learn(header, voice_name=f"Voice {number}") for number in range(100)]
    refused = [answer for answer in creates if answer.status != 200]

    assert 15 <= len(refused) <= 45
    for answer in refused:
        assert answer.error == (401, 1000)
        assert answer.message == "Authorization signature is invalid"
    assert len(tasks(mock)) == 100 - len(refused)
    task_id = next(answer for answer in creates if answer.status == 200).data["task_id"]
    queries = [mock.voice(task_id).status for _ in range(100)]
    assert 15 <= queries.count(401) <= 45
    assert queries.count(200) == 100 - queries.count(401)
    retries = [mock.learn(header, voice_name="Voice x").status for _ in range(20)]
    assert 200 in retries


# ---- creates whose answer is lost -----------------------------------------------------------


def test_lost_answer_leaves_a_task(live: Api) -> None:
    """The connection breaks, and the task exists: a retry is 1201 already exists, a query finds it."""
    body = {**VOICE, "external_task_id": "order-1"}
    with pytest.raises(httpx2.TransportError):
        raw(live, "POST", VOICES, body, "lost-answer")

    retry = live.post(VOICES, body, following("lost-answer"))

    assert retry.message == "External_task_id order-1 already exists"
    assert live.voice("order-1").data["task_status"] == "submitted"


def test_lost_answer_of_speech_is_lost_money(live: Api) -> None:
    """The speech was made and paid; the retry makes and costs another."""
    with pytest.raises(httpx2.TransportError):
        raw(live, "POST", SPEECHES, SPEECH, "lost-answer")
    assert live.speak(following("lost-answer")).status == 200

    assert len(tasks(live)) == 2
    assert live.control("GET", "/ledger")[1]["spent"] == 0.1


def test_hang_is_never_answered(live: Api) -> None:
    """The first create is not answered and creates nothing; the second is accepted."""
    with pytest.raises(httpx2.ReadTimeout):
        live.http.post(
            VOICES,
            content=json.dumps(VOICE).encode(),
            headers={"authorization": f"Bearer {live.key}", HEADER: "hang"},
            timeout=IMPATIENT_S,
        )
    assert tasks(live) == []

    assert live.learn(following("hang")).status == 200
    assert len(tasks(live)) == 1


def test_cut_answer_breaks_the_first_query(live: Api) -> None:
    """The first query's answer ends in the middle; the second is whole."""
    task_id = live.learn(following("cut-answer")).data["task_id"]
    with pytest.raises(httpx2.TransportError):
        raw(live, "GET", f"{VOICES}/{task_id}")

    assert live.voice(task_id).data["task_status"] == "submitted"


def test_cut_answer_breaks_the_create_of_speech(live: Api) -> None:
    """The answer of a speech ends in the middle, though the speech was made; the second is whole."""
    with pytest.raises(httpx2.TransportError):
        raw(live, "POST", SPEECHES, SPEECH, "cut-answer")
    assert live.speak(following("cut-answer")).status == 200

    assert len(tasks(live)) == 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_late_visible_task_is_found_after_five_seconds(dialect: str) -> None:
    """A task that was accepted is not found by queries and lists for 5 s; then it is, as old as it is."""
    mock = api(dialect)
    answer = mock.learn(following("late-visible"), external_task_id="order-1")
    task_id = answer.data["task_id"]
    assert answer.data["task_status"] == "submitted"

    for wait in (0, 4.999):
        mock.advance(wait)
        for name in (task_id, "order-1"):
            assert mock.voice(name).message == f"Task not found by id/external id: {name}"
        assert mock.voices().data == []
    assert mock.learn(external_task_id="order-1").message.endswith("already exists")
    mock.advance(0.001)

    assert mock.voice("order-1").data["task_status"] == "processing"
    assert [item["task_id"] for item in mock.voices().data] == [task_id]
    assert mock.voice(task_id).data["created_at"] == START


def test_late_visible_speech() -> None:
    """A speech is answered with its audio, and its record is found 5 s later."""
    mock = api()
    record = mock.speak(following("late-visible")).data
    path = f"{SPEECHES}/{record['task_id']}"

    assert mock.get(path).error == (400, 1201)
    mock.advance(5)
    assert mock.get(path).data == record


# ---- answers that are odd -------------------------------------------------------------------


@pytest.mark.parametrize("path", [VOICES, SPEECHES, EZ_PATH])
def test_gateway_page_instead_of_an_answer(path: str) -> None:
    """The first create is answered with a gateway's page and creates nothing; the second is accepted."""
    mock = api()
    body = {SPEECHES: SPEECH, VOICES: VOICE, EZ_PATH: EZ_SPEECH}[path]
    page = raw(mock, "POST", path, body, "gateway-page")

    assert page.status_code == 502
    assert page.headers["content-type"] == "text/html"
    assert "<h1>502 Bad Gateway</h1>" in page.text
    assert tasks(mock) == []
    assert mock.post(path, body, following("gateway-page")).status == 200


def test_gateway_page_for_the_first_query() -> None:
    """The first query of the voice meets the page as well, the second does not."""
    mock = api()
    raw(mock, "POST", VOICES, VOICE, "gateway-page")
    task_id = mock.learn(following("gateway-page")).data["task_id"]

    assert raw(mock, "GET", f"{VOICES}/{task_id}").headers["content-type"] == "text/html"
    assert mock.voice(task_id).data["task_status"] == "submitted"


def test_not_json_for_the_first_query() -> None:
    """The first query says it is JSON and is not; the second is."""
    mock = api()
    task_id = mock.learn(following("not-json")).data["task_id"]
    answer = raw(mock, "GET", f"{VOICES}/{task_id}")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.text.startswith('{"code":0')
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert mock.voice(task_id).status == 200


def test_not_json_for_a_speech() -> None:
    """The create of a speech is almost JSON, though the speech was made."""
    mock = api()
    with pytest.raises(json.JSONDecodeError):
        raw(mock, "POST", SPEECHES, SPEECH, "not-json").json()

    assert len(tasks(mock)) == 1
    assert mock.speak(following("not-json")).status == 200


@pytest.mark.parametrize("dialect", DIALECTS)
def test_data_array_instead_of_a_record(dialect: str) -> None:
    """Every query of the task has its record in an array; the create and lists are as ever."""
    mock = api(dialect)
    task_id = mock.learn(following("data-array")).data["task_id"]
    for wait in (0, 9):
        mock.advance(wait)
        answer = raw(mock, "GET", f"{VOICES}/{task_id}")
        assert answer.status_code == 200
        assert answer.json()["data"] == mock.voices().data
    assert mock.voices().data[0]["task_status"] == "succeed"


def test_delete_no_data() -> None:
    """Deleting answers success without data; the voice is deleted."""
    mock = api()
    task_id = mock.learn(following("delete-no-data")).data["task_id"]
    mock.advance(9)
    voice_id = mock.voice(task_id).data["task_result"]["voices"][0]["voice_id"]
    answer = raw(mock, "POST", "/v1/general/delete-voices", {"voice_id": voice_id})

    assert answer.status_code == 200
    assert set(answer.json()) == {"code", "message", "request_id"}
    again = mock.delete(voice_id)
    assert again.error == (400, 1201)
    assert "already be deleted" in again.message
    assert "x-mock-warning" not in again.headers


@pytest.mark.parametrize("dialect", DIALECTS)
def test_succeeded_is_spelled_otherwise(dialect: str) -> None:
    """The status of a query is spelled succeeded once the task is; before, all is as ever."""
    mock = api(dialect)
    task_id = mock.learn(following("succeeded")).data["task_id"]
    assert statuses(mock, task_id, 0, 2) == ["submitted", "processing"]
    mock.advance(7)
    record = raw(mock, "GET", f"{VOICES}/{task_id}").json()["data"]

    assert record["task_status"] == "succeeded"
    assert {**record, "task_status": "succeed"} == mock.voices().data[0]


def test_succeeded_speech() -> None:
    """The create of a speech, and its record, spell it so too."""
    mock = api()
    created = raw(mock, "POST", SPEECHES, SPEECH, "succeeded").json()["data"]

    assert created["task_status"] == "succeeded"
    assert raw(mock, "GET", f"{SPEECHES}/{created['task_id']}").json()["data"] == created


def test_no_result_though_it_succeeded() -> None:
    """The status is succeed and the result is empty, of a voice and of a speech."""
    mock = api()
    task_id = mock.learn(following("no-result")).data["task_id"]
    assert "task_result" not in mock.voice(task_id).data
    mock.advance(9)
    voice = raw(mock, "GET", f"{VOICES}/{task_id}").json()["data"]
    speech = raw(mock, "POST", SPEECHES, SPEECH, "no-result").json()["data"]
    record = raw(mock, "GET", f"{SPEECHES}/{speech['task_id']}").json()["data"]

    for found in (voice, speech, record):
        assert (found["task_status"], found["task_result"]) == ("succeed", {})


def test_new_field_in_every_record() -> None:
    """Creates and queries have two fields more than the documents know; the others are as ever."""
    mock = api()
    created = raw(mock, "POST", VOICES, VOICE, "new-field").json()["data"]
    record = raw(mock, "GET", f"{VOICES}/{created['task_id']}").json()["data"]
    speech = raw(mock, "POST", SPEECHES, SPEECH, "new-field").json()["data"]

    for found in (created, record, speech):
        assert found["final_balance_deduction"] == {"quota": "0", "list_price": "0.05"}
        assert found["added_later"] == [{"anything": None}]
    more = ("final_balance_deduction", "added_later")
    plain = {key: value for key, value in record.items() if key not in more}
    assert plain == mock.voices().data[0]


# ---- around the task ------------------------------------------------------------------------


def test_expired_url_is_dead_on_arrival() -> None:
    """The URLs of the results are 403 from the first moment on."""
    mock = api()
    speech = mock.speak(following("expired-url")).data["task_result"]["audios"][0]["url"]
    task_id = mock.learn(following("expired-url")).data["task_id"]
    mock.advance(9)
    trial = mock.voice(task_id).data["task_result"]["voices"][0]["trial_url"]

    for url in (speech, trial):
        assert url.startswith(f"{BASE_URL}/media/")
        assert mock.http.get(url).status_code == 403


def test_no_callback_ever_comes(live: Api) -> None:
    """The task ends well, and the receiver hears nothing of it; another task's callbacks come."""
    with Receiver() as receiver:
        url = receiver.url()
        silent = live.learn(following("no-callback"), callback_url=url).data["task_id"]
        other = live.learn(callback_url=url).data["task_id"]
        live.advance(100)
        assert live.voice(silent).data["task_status"] == "succeed"
        assert [request.json["task_id"] for request in receiver.requests] == [other, other]


def test_token_expires_during_the_polling() -> None:
    """The voice takes 40 minutes; after 30 minutes of polling one query is 401/1004, and the next is answered."""
    mock = api()
    task_id = mock.learn(following("token-expires")).data["task_id"]
    seen = []
    for _minute in range(41):
        answer = mock.voice(task_id)
        seen.append(answer.data["task_status"] if answer.status == 200 else answer.error)
        mock.advance(60)

    expected: list[Any] = ["submitted", *["processing"] * 39, "succeed"]
    expected[30] = (401, 1004)
    assert seen == expected


# ---- callbacks ------------------------------------------------------------------------------


def reported(receiver: Receiver) -> list[str]:
    """The statuses that callbacks told, in order of arrival."""
    return [request.json["task_status"] for request in receiver.requests]


def is_genuine(request: Request) -> bool:
    """Whether an independent verifier takes the signature for good."""
    try:
        Webhook(SECRET).verify(request.body, request.headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def test_cb_ahead_of_the_query(live: Api, receiver: Receiver) -> None:
    """A callback says succeed while queries still say processing; at the end both say the same."""
    created = live.learn(following("cb-ahead"), callback_url=receiver.url())
    live.advance(2)

    assert reported(receiver) == ["succeed"]
    assert live.voice(created.data["task_id"]).data["task_status"] == "processing"
    live.advance(7)
    assert receiver.requests[1].json == live.voice(created.data["task_id"]).data


def test_cb_bad_sign_is_no_valid_signature(signing: Api, receiver: Receiver) -> None:
    """The headers are there, the body is the task's, and no verifier takes the signature; others are genuine."""
    bad = signing.learn(following("cb-bad-sign"), callback_url=receiver.url()).data["task_id"]
    signing.learn(callback_url=receiver.url())
    signing.advance(9)

    assert len(receiver.requests) == 4
    for request in receiver.requests:
        assert request.headers["webhook-signature"].startswith("v1,")
        assert is_genuine(request) is (request.json["task_id"] != bad)


def test_cb_bad_sign_without_a_secret_is_ordinary(live: Api, receiver: Receiver) -> None:
    """Where callbacks are not signed, nothing can be wrong with their signature."""
    live.learn(following("cb-bad-sign"), callback_url=receiver.url())
    live.advance(9)

    assert reported(receiver) == ["processing", "succeed"]
    assert "webhook-signature" not in receiver.requests[0].headers


def test_cb_behind_the_query(live: Api, receiver: Receiver) -> None:
    """Queries show a status 5 s before its callback comes, which tells it as it was then."""
    task_id = live.learn(following("cb-behind"), callback_url=receiver.url()).data["task_id"]
    live.advance(6.999)
    assert live.voice(task_id).data["task_status"] == "processing"
    assert receiver.requests == []
    live.advance(0.001)
    assert reported(receiver) == ["processing"]
    live.advance(6.999)
    assert live.voice(task_id).data["task_status"] == "succeed"
    assert reported(receiver) == ["processing"]
    live.advance(0.001)

    assert reported(receiver) == ["processing", "succeed"]
    assert [item.json["updated_at"] for item in receiver.requests] == [START + 2000, START + 9000]


def test_cb_burst_of_one_callback(signing: Api, receiver: Receiver) -> None:
    """The callback of succeed comes twenty times at one instant: same id, same bytes, each with a good signature."""
    signing.learn(following("cb-burst"), callback_url=receiver.url())
    signing.advance(9)

    assert reported(receiver) == ["processing", *["succeed"] * 20]
    burst = receiver.requests[1:]
    assert len({(request.headers["webhook-id"], request.body) for request in burst}) == 1
    assert all(is_genuine(request) for request in burst)
    signing.advance(10_000)
    assert len(receiver.requests) == 21


def test_cb_contradicts_the_query(live: Api, receiver: Receiver) -> None:
    """The callback says failed without a result, and queries say succeed with one."""
    task_id = live.learn(following("cb-contradicts"), callback_url=receiver.url()).data["task_id"]
    live.advance(9)

    assert reported(receiver) == ["processing", "failed"]
    assert receiver.requests[1].json["task_result"] == {}
    record = live.voice(task_id).data
    assert (record["task_status"], len(record["task_result"]["voices"])) == ("succeed", 1)


def test_cb_early_comes_before_the_create_is_answered(live: Api, receiver: Receiver) -> None:
    """While the receiver has not answered the callback of submitted, the create is not answered."""
    gate = receiver.gate()
    receiver.script.append(Answered(after=gate))
    answers: list[dict[str, Any]] = []

    def create() -> None:
        answer = live.learn(following("cb-early"), callback_url=receiver.url())
        answers.append(answer.data)

    creating = threading.Thread(target=create)
    creating.start()
    receiver.wait_until(lambda: len(receiver.requests) == 1, "the callback")
    # Another request comes through meanwhile, so the server had its time.
    task_id = tasks(live)[0]["task_id"]
    assert answers == []
    gate.set()
    creating.join()

    assert answers[0].items() <= receiver.requests[0].json.items()
    assert (answers[0]["task_id"], answers[0]["task_status"]) == (task_id, "submitted")
    live.advance(9)
    assert reported(receiver) == ["submitted", "processing", "succeed"]


def test_cb_late_after_the_end(live: Api, receiver: Receiver) -> None:
    """The callback of processing comes 3 s after that of succeed, and is that of back then."""
    live.learn(following("cb-late"), callback_url=receiver.url())
    live.advance(11.999)
    assert reported(receiver) == ["succeed"]
    live.advance(0.001)

    assert reported(receiver) == ["succeed", "processing"]
    assert receiver.requests[1].json["updated_at"] == START + 2000
    assert "task_result" not in receiver.requests[1].json


def test_cb_malformed_is_almost_json(signing: Api, receiver: Receiver) -> None:
    """The body says it is JSON and is not; the signature is that of those very bytes."""
    signing.learn(following("cb-malformed"), callback_url=receiver.url())
    signing.advance(9)

    assert len(receiver.requests) == 2
    for request in receiver.requests:
        assert request.headers["content-type"] == "application/json; charset=utf-8"
        assert request.body.startswith(b'{"task_id":')
        with pytest.raises(json.JSONDecodeError):
            assert request.json
        assert is_genuine(request)


def test_cb_new_field_in_every_callback(live: Api, receiver: Receiver) -> None:
    """Callbacks have two fields more than the query, and the same otherwise."""
    task_id = live.learn(following("cb-new-field"), callback_url=receiver.url()).data["task_id"]
    live.advance(9)
    bodies = [request.json for request in receiver.requests]

    for body in bodies:
        assert body.pop("final_balance_deduction") == {"quota": "0", "list_price": "0.05"}
        assert body.pop("added_later") == [{"anything": None}]
    assert [body["task_status"] for body in bodies] == ["processing", "succeed"]
    assert bodies[1] == live.voice(task_id).data


def test_cb_replay_an_hour_later(signing: Api, receiver: Receiver) -> None:
    """After an hour the very same request comes again: body, id, timestamp and signature."""
    signing.learn(following("cb-replay"), callback_url=receiver.url())
    signing.advance(9 + 3599.999)
    assert reported(receiver) == ["processing", "succeed"]
    signing.advance(0.001)

    assert reported(receiver) == ["processing", "succeed", "succeed"]
    first, again = receiver.requests[1:]
    assert (again.body, again.headers) == (first.body, first.headers)
    assert is_genuine(first)


def test_cb_twice_with_the_same_id(signing: Api, receiver: Receiver) -> None:
    """Each callback comes again a second later, with the same id and bytes."""
    signing.learn(following("cb-twice"), callback_url=receiver.url())
    counts = []
    for wait in (2, 0.999, 0.001, 6, 1):
        signing.advance(wait)
        counts.append(len(receiver.requests))

    assert counts == [1, 1, 2, 3, 4]
    assert reported(receiver) == ["processing", "processing", "succeed", "succeed"]
    ids = [request.headers["webhook-id"] for request in receiver.requests]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    assert all(is_genuine(request) for request in receiver.requests)


CALLBACK_SCENARIOS = [item.name for item in scenarios() if item.name.startswith("cb-")]


@pytest.mark.parametrize("name", CALLBACK_SCENARIOS)
def test_callback_scenarios_spare_the_task(live: Api, receiver: Receiver, name: str) -> None:
    """Whatever goes wrong with callbacks, queries show the default life of a voice, and a speech is made as ever."""
    task_id = live.learn(following(name), callback_url=receiver.url()).data["task_id"]
    assert statuses(live, task_id, 0, 2, 9) == ["submitted", "processing", "succeed"]
    assert live.voice(task_id).data["task_result"]["voices"]

    spoken = live.speak(following(name))
    assert spoken.data["task_status"] == "succeed"
    words = f"scenario {name} does not apply to createSpeech"
    assert spoken.headers["x-mock-warning"] == words


def test_callback_scenarios_repeat_by_seed() -> None:
    """Two servers with one seed send the same requests, with the same ids, at the same instants."""

    def story() -> tuple[list[bytes], list[Any]]:
        with (
            Receiver() as receiver,
            RunningServer(speed=0, seed="9", start=START, public_url=BASE_URL) as running,
            httpx2.Client(base_url=running.base_url) as client,
        ):
            mock = Api(client)
            for name in CALLBACK_SCENARIOS:
                mock.learn(following(name), callback_url=receiver.url())
            mock.advance(4000)
            status, value = mock.control("GET", "/deliveries")
            assert status == 200
            bodies = sorted(request.body for request in receiver.requests)
            shown = [
                (item["id"], [tried["at"] for tried in item["attempts"]], item["body"])
                for item in value["deliveries"]
            ]
        return bodies, shown

    first = story()
    assert len(first[0]) > 2 * len(CALLBACK_SCENARIOS)
    assert first == story()


# ---- how a scenario is asked for ------------------------------------------------------------


def test_a_scenario_of_the_account_counts_for_every_create() -> None:
    """PUT /scenario lets all creates without a choice of their own follow a scenario, faults included."""
    mock = api()
    mock.control("PUT", "/scenario", {"scenario": "server-error"})

    assert [mock.learn().status for _ in range(3)] == [500, 500, 200]
    assert mock.learn(following("default"), voice_name="Bob").status == 200
    assert mock.learn(voice_name="mock:no-balance").error == (429, 1102)
    mock.control("DELETE", "/scenario")
    assert mock.learn(voice_name="Cleo").status == 200


def test_a_scenario_of_the_server_counts_for_every_account() -> None:
    """The setting scenario lets all creates of all accounts follow a scenario, faults included."""
    for _ in range(2):
        mock = api(scenario="server-error")
        assert [mock.speak().status for _ in range(3)] == [500, 500, 200]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_magic_values_bring_faults_too(dialect: str) -> None:
    """A magic word or file does what the header does, without any header."""
    mock = api(dialect)
    file = "https://example.com/mock-server-error.mp3"

    assert [mock.speak(text="mock:rate-limit x").status for _ in range(4)] == [429, 429, 429, 200]
    assert [mock.learn(voice_url=file).status for _ in range(3)] == [500, 500, 200]


def test_a_create_that_breaks_the_contract_meets_no_fault() -> None:
    """A scenario's fault is for good creates: a bad one is refused in its own words and counts nothing."""
    mock = api()
    assert mock.speak(following("server-error"), text="").error == (400, 1201)

    assert [mock.speak(following("server-error")).status for _ in range(3)] == [500, 500, 200]


def test_an_external_id_is_what_is_retried() -> None:
    """Creates with one external id are tries of one job, though the bodies differ."""
    mock = api()
    answers = [
        mock.learn(following("server-error"), voice_name=name, external_task_id="order-1")
        for name in ("Ada", "Bob", "Cleo")
    ]

    assert [answer.status for answer in answers] == [500, 500, 200]


@pytest.mark.parametrize(
    ("name", "refused"), [("rate-limit", 3), ("server-error", 2), ("gateway-page", 1)]
)
def test_an_order_that_was_accepted_begins_anew(name: str, refused: int) -> None:
    """Once a create was let through, the same create sent again is another job, and is refused as the first was."""
    mock = api()
    for _ in range(2):
        tries = [raw(mock, "POST", VOICES, VOICE, name).status_code for _ in range(refused + 1)]
        assert 200 not in tries[:refused]
        assert tries[refused] == 200

    assert len(tasks(mock)) == 2


def test_what_lasts_a_while_begins_anew_after_it() -> None:
    """The thirty seconds of a maintenance begin with the first try of each job."""
    mock = api()
    for _ in range(2):
        assert mock.speak(following("maintenance")).error == (503, 5001)
        mock.advance(30)
        assert mock.speak(following("maintenance")).status == 200
