"""Faults by header: whatever X-Mock-Fault says happens to the one request that carries it, in every dialect."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx2
import pytest

from mock_server import RunningServer
from mock_server.core.errors import Reason
from mock_server.core.fault import BodyFault, SocketFault
from mock_server.http.envelope import ROWS
from tests.http.api import EZ_PATH, EZ_SPEECH, SPEECH, START, VOICE, Answer, Api, api

FAULT, SCENARIO, WARNING = "x-mock-fault", "x-mock-scenario", "x-mock-warning"
VOICES, SPEECHES = "/v1/general/custom-voices", "/v1/audio/tts"
#: The create of a speech in each dialect.
CREATES: dict[str, tuple[str, dict[str, Any]]] = {
    "klingai": (SPEECHES, SPEECH),
    "kkiai": ("/kling" + SPEECHES, SPEECH),
    "ezmodel": (EZ_PATH, EZ_SPEECH),
}
DIALECTS = sorted(CREATES)
#: Real seconds after which a client gives up on an answer that never comes.
IMPATIENT_S = 0.3

_keys = count()


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A real server, for what breaks connections; its clock stands still."""
    with RunningServer(speed=0, seed="7", start=START) as running:
        yield running


@pytest.fixture
def live(server: RunningServer) -> Iterator[Api]:
    """A new account of the real server."""
    with httpx2.Client(base_url=server.base_url, timeout=20) as client:
        yield Api(client, f"live-{next(_keys)}")


def headers(mock: Api, fault: str, **more: str) -> dict[str, str]:
    """The headers of a request that carries a fault."""
    return {"authorization": f"Bearer {mock.key}", FAULT: fault, **more}


def speak(mock: Api, dialect: str, fault: str, **more: str) -> httpx2.Response:
    """Creates a speech in a dialect with a fault; the answer is not held against the documents."""
    path, body = CREATES[dialect]
    return mock.http.post(path, json=body, headers=headers(mock, fault, **more))


def learn(mock: Api, fault: str, **fields: Any) -> Answer:
    """Creates a custom voice with a fault."""
    return mock.learn({FAULT: fault}, **fields)


def tasks(mock: Api) -> int:
    """How many tasks there are, also those that queries do not show."""
    status, value = mock.control("GET", "/tasks")
    assert status == 200
    return len(value["tasks"])


def last(mock: Api) -> dict[str, Any]:
    """The newest entry of the journal."""
    entry: dict[str, Any] = mock.control("GET", "/journal")[1]["entries"][-1]
    return entry


# ---- errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_error_can_be_asked_for(dialect: str, reason: Reason) -> None:
    """By code and by reason: status and code are the dialect's, and nothing is executed."""
    mock = api()
    row = ROWS[reason]
    for fault in (str(row.code), reason.value):
        answer = speak(mock, dialect, fault)
        value = answer.json()

        expected = (row.ezmodel, row.ezmodel) if dialect == "ezmodel" else (row.status, row.code)
        assert (answer.status_code, value["code"]) == expected
        assert set(value) == {"code", "message", "request_id"}
        assert value["message"] == row.message
        assert answer.headers[FAULT] == fault
        assert WARNING not in answer.headers
    assert tasks(mock) == 0


@pytest.mark.parametrize("status", ["403", "500", "503", "504"])
def test_a_status_with_one_row_can_be_asked_for(status: str) -> None:
    """An HTTP status that one row of the table has means that row."""
    assert learn(api(), status).status == int(status)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_error_can_have_other_words_and_a_retry_after(dialect: str) -> None:
    """A message replaces the row's words, and retry-after is a header of the answer."""
    answer = speak(api(), dialect, "1302;message=Slow down, please;retry-after=7")

    assert answer.status_code == 429
    assert answer.json()["message"] == "Slow down, please"
    assert answer.headers["retry-after"] == "7"


def test_every_operation_can_be_struck() -> None:
    """All operations obey the header, reading ones too."""
    mock = api()
    record = mock.ready_voice()
    voice_id = record["task_result"]["voices"][0]["voice_id"]
    fault = {FAULT: "5001"}
    for answer in (
        mock.get(f"{VOICES}/{record['task_id']}", fault),
        mock.get(VOICES, fault),
        mock.get("/v1/general/presets-voices", fault),
        mock.post("/v1/general/delete-voices", {"voice_id": voice_id}, fault),
        mock.learn(fault),
        mock.speak(fault),
    ):
        assert answer.error == (503, 5001)
        assert answer.headers[FAULT] == "5001"
    assert tasks(mock) == 1
    assert mock.delete(voice_id).status == 200


def test_a_fault_strikes_one_request() -> None:
    """The header counts for its own request, and for no other."""
    mock = api()
    assert learn(mock, "5000").status == 500

    answer = mock.learn()

    assert answer.status == 200
    assert FAULT not in answer.headers


def test_a_fault_does_not_care_for_the_body() -> None:
    """What is not executed is not looked at either: a broken body meets the same error."""
    mock = api()

    assert mock.post(VOICES, b"{", {FAULT: "5001"}).error == (503, 5001)
    assert mock.post(VOICES, {}, {FAULT: "5001"}).error == (503, 5001)


def test_a_fault_needs_an_operation_and_an_account() -> None:
    """Unknown paths and methods, and requests without a credential, are refused as ever."""
    mock = api()
    for answer, error in (
        (mock.get("/v1/nothing", {FAULT: "5001"}), (404, 1203)),
        (mock.call("PUT", VOICES, {}, {FAULT: "5001"}), (404, 1202)),
        (mock.using("").speak({FAULT: "5001"}), (401, 1001)),
    ):
        assert answer.error == error
        assert FAULT not in answer.headers


# ---- whether it is executed -----------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "executed"),
    [
        ("5002", False),
        ("5002;commit=never", False),
        ("5002;commit=before", True),
        ("5002;commit=after", True),
        ("html", False),
        ("html;commit=before", True),
        ("malformed", True),
        ("malformed;commit=never", False),
        ("empty", True),
        ("truncated", True),
        ("latency=0", True),
        ("latency=0;commit=never", False),
        ("commit=never", False),
    ],
)
def test_a_fault_says_whether_the_operation_is_executed(
    dialect: str, fault: str, executed: bool
) -> None:
    """With an error or a gateway's page nothing is executed unless commit says so; with all else it is."""
    mock = api()
    answer = speak(mock, dialect, fault)

    assert answer.headers[FAULT] == fault
    assert tasks(mock) == int(executed)


def test_an_error_after_the_commit_leaves_the_task() -> None:
    """commit=before: the create is an error, and the task goes its way with its external id."""
    mock = api()
    assert learn(mock, "5002;commit=before", external_task_id="order-1").error == (504, 5002)
    mock.advance(9)

    assert mock.voice("order-1").data["task_status"] == "succeed"


@pytest.mark.parametrize(
    ("fault", "seconds"), [("commit=after", 5), ("commit=after;visible-after=30", 30)]
)
def test_a_task_can_show_later(fault: str, seconds: float) -> None:
    """commit=after: the create is answered as ever, and the task is found only later."""
    mock = api()
    task_id = learn(mock, fault).data["task_id"]

    mock.advance(seconds - 0.001)
    assert mock.voice(task_id).error == (400, 1201)
    assert mock.voices().data == []
    mock.advance(0.001)
    assert mock.voice(task_id).data["task_id"] == task_id
    assert len(mock.voices().data) == 1


def test_an_error_and_a_task_that_shows_later() -> None:
    """An error with commit=after is the worst of both: the retry meets an external id that no query finds yet."""
    mock = api()
    fault = "5002;commit=after;visible-after=10"
    assert learn(mock, fault, external_task_id="order-1").error == (504, 5002)

    assert mock.voice("order-1").error == (400, 1201)
    assert mock.learn(external_task_id="order-1").message.endswith("already exists")
    mock.advance(10)
    assert mock.voice("order-1").data["task_status"] == "succeed"


def test_a_task_that_shows_later_cannot_be_made_by_a_query() -> None:
    """commit=after where nothing is created is told, and the answer is that of an ordinary request."""
    mock = api()
    answer = mock.get(VOICES, {FAULT: "commit=after"})

    assert answer.data == []
    assert "commit=after did not apply" in answer.headers[WARNING]
    refused = learn(mock, "commit=after", voice_url="")
    assert refused.error == (400, 1201)
    assert "commit=after did not apply" in refused.headers[WARNING]


def test_a_refusal_can_be_distorted_too() -> None:
    """A create that is executed and refused has the refusal's body, distorted."""
    mock = api()
    answer = mock.http.post(
        VOICES, json={**VOICE, "voice_url": ""}, headers=headers(mock, "malformed")
    )

    assert answer.status_code == 400
    assert '"code":1201' in answer.text
    with pytest.raises(json.JSONDecodeError):
        answer.json()


# ---- bodies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", list(BodyFault))
def test_a_body_can_be_wrong(dialect: str, kind: BodyFault) -> None:
    """Each kind of body is what it is named after, and the answer is otherwise good HTTP."""
    mock = api()
    answer = speak(mock, dialect, kind.value)

    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.status_code == (502 if kind is BodyFault.HTML else 200)
    is_json = True
    try:
        answer.json()
    except ValueError:
        is_json = False
    assert is_json == (kind is BodyFault.WRONG_TYPE)
    content_type = answer.headers["content-type"].partition(";")[0]
    types = {BodyFault.WRONG_TYPE: "text/plain", BodyFault.HTML: "text/html"}
    assert content_type == types.get(kind, "application/json")
    assert (answer.content == b"") == (kind is BodyFault.EMPTY)


@pytest.mark.parametrize(("fraction", "share"), [("0", 0), ("0.25", 0.25), ("0.999", 0.999)])
def test_a_body_is_cut_where_one_says(fraction: str, share: float) -> None:
    """Fraction says how much of a truncated body is left: as many bytes of the whole."""
    mock = api()
    path = "/v1/general/presets-voices?pageSize=3"
    whole = mock.http.get(path, headers=headers(mock, "latency=0")).content
    cut = mock.http.get(path, headers=headers(mock, f"truncated;fraction={fraction}")).content

    assert len(cut) == int(len(whole) * share)
    assert cut[:20] == whole[: len(cut)][:20]


@pytest.mark.parametrize(
    ("status", "words"), [(502, "Bad Gateway"), (503, "Service Unavailable"), (599, "Error")]
)
def test_a_gateway_has_its_own_status(status: int, words: str) -> None:
    """The page of a gateway has the status that was asked for, and says so."""
    answer = speak(api(), "klingai", f"html;status={status};retry-after=3")

    assert answer.status_code == status
    assert f"<h1>{status} {words}</h1>" in answer.text
    assert answer.headers["retry-after"] == "3"


def test_an_answer_can_be_edited() -> None:
    """JSON Patch operations change the answer; what is executed is not changed."""
    mock = api()
    edit = [
        {"op": "replace", "path": "/data/task_status", "value": "done"},
        {"op": "remove", "path": "/data/created_at"},
        {"op": "add", "path": "/data/more", "value": [1]},
    ]
    status, rule = mock.control("POST", "/faults", {"fault": {"edit": edit}, "when": {"count": 1}})
    assert status == 201
    answer = mock.http.post(VOICES, json=VOICE, headers={"authorization": f"Bearer {mock.key}"})
    data = answer.json()["data"]

    assert (data["task_status"], data["more"]) == ("done", [1])
    assert "created_at" not in data
    assert answer.headers[FAULT] == "edit"
    assert mock.voice(data["task_id"]).data["created_at"] == START
    assert mock.control("GET", f"/faults/{rule['id']}")[1]["consumed"] == 1


def test_an_edit_that_does_not_fit_is_bypassed() -> None:
    """An edit of what is not there changes nothing: the answer is as ever, says so, and does not use the rule up."""
    mock = api()
    edit = [{"op": "remove", "path": "/data/task_result/voices"}]
    _, rule = mock.control("POST", "/faults", {"fault": {"edit": edit}, "when": {"count": 1}})
    answer = mock.learn()

    assert answer.data["task_status"] == "submitted"
    assert answer.headers[WARNING] == "the edit does not fit this answer"
    assert FAULT not in answer.headers
    found = mock.control("GET", f"/faults/{rule['id']}")[1]
    assert (found["consumed"], found["bypassed"], found["remaining"]) == (0, 1, 1)


# ---- time -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", ["latency=0.15", "latency=uniform:0.15:0.2", "5001;latency=0.15"])
def test_an_answer_can_be_late(dialect: str, fault: str) -> None:
    """Latency holds the answer for wall seconds; the clock of the account does not move by it."""
    mock = api()
    began = time.perf_counter()
    answer = speak(mock, dialect, fault)
    took_s = time.perf_counter() - began

    assert took_s >= 0.15
    assert answer.status_code in (200, 500, 503)
    assert mock.control("GET", "/clock")[1]["now"] == START
    assert last(mock)["took_ms"] >= 150


def test_a_late_answer_was_executed_before() -> None:
    """While an answer is held its task is there already: a client that gives up has a task."""
    with RunningServer(speed=0) as running, httpx2.Client(base_url=running.base_url) as client:
        mock = Api(client, "late")
        with pytest.raises(httpx2.ReadTimeout):
            client.post(
                VOICES,
                json=VOICE,
                headers=headers(mock, "latency=3600"),
                timeout=IMPATIENT_S,
            )
        assert tasks(mock) == 1


@pytest.mark.parametrize("fault", ["latency=3600", "hang", "dribble;over=3600"])
def test_a_server_that_stops_waits_for_no_fault(fault: str) -> None:
    """However long a fault takes, the server stops at once, and whoever waits is let go."""
    begun = threading.Event()
    ended: list[str] = []

    def wait(base_url: str) -> None:
        with httpx2.Client(base_url=base_url, timeout=20) as client:
            mock = Api(client, "k")
            begun.set()
            try:
                ended.append(str(speak(mock, "klingai", fault).status_code))
            except httpx2.TransportError as error:
                ended.append(type(error).__name__)

    with RunningServer(speed=0) as running:
        thread = threading.Thread(target=wait, args=(running.base_url,))
        thread.start()
        assert begun.wait(5)
        with httpx2.Client(base_url=running.base_url) as client:
            deadline = time.monotonic() + 5
            while tasks(Api(client, "k")) == 0 and time.monotonic() < deadline:
                time.sleep(0.01)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    thread.join(5)
    assert len(ended) == 1
    assert ended != ["ReadTimeout"]


# ---- connections ----------------------------------------------------------------------------

BREAKING = [item for item in SocketFault if item not in (SocketFault.DRIBBLE, SocketFault.HANG)]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", BREAKING)
def test_a_connection_can_break(live: Api, dialect: str, kind: SocketFault) -> None:
    """No client gets an answer over a connection that breaks; the task was made unless commit says never."""
    with pytest.raises(httpx2.TransportError):
        speak(live, dialect, kind.value)
    assert tasks(live) == 1
    with pytest.raises(httpx2.TransportError):
        speak(live, dialect, f"{kind.value};commit=never")

    assert tasks(live) == 1
    entry = last(live)
    assert entry["fault"] == f"{kind.value};commit=never"
    assert speak(live, dialect, "latency=0").status_code == 200


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_answer_may_never_come(live: Api, dialect: str) -> None:
    """hang: the client waits until it gives up; then the server goes on as ever."""
    path, body = CREATES[dialect]
    with pytest.raises(httpx2.ReadTimeout):
        live.http.post(path, json=body, headers=headers(live, "hang"), timeout=IMPATIENT_S)

    assert tasks(live) == 1
    assert speak(live, dialect, "latency=0").status_code == 200


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_answer_may_come_slowly(live: Api, dialect: str) -> None:
    """dribble: the whole answer comes, in pieces, over the time that was asked for."""
    began = time.perf_counter()
    answer = speak(live, dialect, "dribble;over=0.2;chunks=4")
    took_s = time.perf_counter() - began

    assert took_s >= 0.15
    assert answer.json()["code"] == 0
    assert answer.headers[FAULT] == "dribble;over=0.2;chunks=4"


def test_a_slow_answer_may_be_an_error_or_wrong() -> None:
    """A slow answer goes with an error and with a wrong body."""
    mock = api()
    slow = ";dribble;over=0;chunks=2"

    assert speak(mock, "klingai", "5001" + slow).status_code == 503
    assert speak(mock, "klingai", "empty" + slow).content == b""


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("kind", BREAKING)
def test_in_process_there_is_no_connection_to_break(dialect: str, kind: SocketFault) -> None:
    """Without a socket such a fault is refused with its reason, and nothing is executed."""
    mock = api()
    answer = speak(mock, dialect, kind.value)

    assert answer.status_code == 400
    assert answer.json()["message"] == (
        f"X-Mock-Fault: {kind.value} needs a real connection, and this server is in-process"
    )
    assert FAULT not in answer.headers
    assert tasks(mock) == 0


# ---- what is said ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("rset", "unknown fault 'rset'; did you mean 'reset'?"),
        ("5009", "unknown fault '5009'; did you mean '500"),
        ("429", "429 can be any of "),
        ("5001;retry_after=1", "unknown key 'retry_after'; did you mean 'retry-after'?"),
        ("5001;commit=sometimes", "unknown commit 'sometimes'"),
        ("latency=9999", "at most 3600 s"),
        ("", "a fault needs a word"),
        ("scenario=slwo", "unknown scenario 'slwo'; did you mean 'slow'?"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_no_fault_is_refused(dialect: str, strict: bool, fault: str, words: str) -> None:
    """A value that is none is a 400 that names the part and the nearest word; nothing is executed."""
    mock = api(strict=strict)
    answer = speak(mock, dialect, fault)

    assert answer.status_code == 400
    assert answer.json()["code"] == (400 if dialect == "ezmodel" else 1201)
    assert answer.json()["message"].startswith("X-Mock-Fault: ")
    assert words in answer.json()["message"]
    assert tasks(mock) == 0


@pytest.mark.parametrize(
    "fault", ["5001", "latency=0", "commit=after", "scenario=slow", "malformed"]
)
def test_strict_obeys_what_applies(fault: str) -> None:
    """With strict faults that apply are applied, without a warning."""
    mock = api(strict=True)
    answer = speak(mock, "klingai", fault)

    assert answer.headers[FAULT] == fault
    assert WARNING not in answer.headers


@pytest.mark.parametrize("fault", ["scenario=slow", "commit=after"])
def test_strict_refuses_what_does_not_apply(fault: str) -> None:
    """With strict a fault that cannot apply to the operation is 400, and without it is a warning."""
    answer = api(strict=True).get(VOICES, {FAULT: fault})
    assert answer.error == (400, 1201)
    assert "appl" in answer.message

    lenient = api().get(VOICES, {FAULT: fault})
    assert lenient.status == 200
    assert "appl" in lenient.headers[WARNING]


def test_the_journal_knows_the_fault() -> None:
    """The fault that was applied stands in the journal as it was written, and requests can be found by it."""
    mock = api()
    learn(mock, "5001;retry-after=1")
    mock.learn()
    first, second = mock.control("GET", "/journal")[1]["entries"]

    assert (first["fault"], first["status"], first["code"]) == ("5001;retry-after=1", 503, 5001)
    assert not second["fault"]
    for fault in ("*", "5001;retry-after=1"):
        expect = [{"match": {"fault": fault}, "count": 1}]
        assert mock.control("POST", "/journal/verify", {"expect": expect})[1]["ok"]


def test_a_text_that_is_no_header_is_shown_safely() -> None:
    """A fault is shown in the answer without what a header cannot carry, and not at any length."""
    mock = api()
    words = "é" * 300
    answer = mock.http.post(
        VOICES,
        json=VOICE,
        headers=[
            (b"authorization", f"Bearer {mock.key}".encode()),
            (FAULT.encode(), f"5001;message={words}".encode("latin-1")),
        ],
    )

    assert answer.json()["message"] == words
    assert answer.headers[FAULT] == f"5001;message={words}"[:200].replace("é", "?")


# ---- who goes first -------------------------------------------------------------------------


def test_the_header_goes_before_what_is_armed() -> None:
    """A fault in the request counts instead of plans and rules, which count nothing then."""
    mock = api()
    _, plan = mock.control("POST", "/plans", {"steps": {"createCustomVoice": ["5000"]}})
    _, rule = mock.control("POST", "/faults", {"fault": "1302", "when": {"count": 1}})

    assert learn(mock, "5001").error == (503, 5001)
    assert mock.control("GET", f"/plans/{plan['id']}")[1]["completed"] is False
    assert mock.control("GET", f"/faults/{rule['id']}")[1]["matched"] == 0
    assert mock.learn().error == (500, 5000)
    assert mock.learn().error == (429, 1302)
    assert mock.learn().status == 200


def test_a_fault_goes_before_those_of_a_scenario() -> None:
    """A fault in the request counts instead of what the scenario does; the scenario's plan is followed."""
    mock = api()
    answer = mock.learn({FAULT: "latency=0", SCENARIO: "no-balance"})

    assert answer.status == 200
    assert answer.headers[SCENARIO] == "no-balance"
    assert mock.learn({SCENARIO: "no-balance"}).error == (429, 1102)


def test_a_fault_can_choose_a_scenario() -> None:
    """scenario= lets the new task follow one; the header of its own goes before."""
    mock = api()

    assert learn(mock, "scenario=slow").headers[SCENARIO] == "slow"
    both = mock.learn({FAULT: "scenario=slow", SCENARIO: "stuck"})
    assert both.headers[SCENARIO] == "stuck"
    magic = mock.learn({FAULT: "scenario=slow"}, voice_name="mock:noisy")
    assert magic.headers[SCENARIO] == "slow"


def test_a_plan_can_let_pass_what_a_scenario_would_strike() -> None:
    """A step of ok means nothing at all, also nothing by the scenario."""
    mock = api()
    mock.control("POST", "/plans", {"steps": {"createCustomVoice": ["ok"]}})

    answers = [mock.learn({SCENARIO: "no-balance"}) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 429]


# ---- a fault that chooses a scenario --------------------------------------------------------


def test_a_scenario_of_the_header_plays_its_own_faults() -> None:
    """scenario= in X-Mock-Fault is as good as X-Mock-Scenario: what the scenario does to creates it does."""
    mock = api()
    answers = [learn(mock, "scenario=server-error") for _ in range(3)]

    assert [answer.status for answer in answers] == [500, 500, 200]
    assert [answer.headers[SCENARIO] for answer in answers] == ["server-error"] * 3
    assert learn(mock, "scenario=no-balance").error == (429, 1102)


def test_a_scenario_of_an_armed_fault_plays_its_own_faults() -> None:
    """An armed scenario= brings the scenario's faults to every create that it strikes, and to no other."""
    mock = api()
    mock.control("POST", "/faults", {"fault": "scenario=server-error", "when": {"count": 3}})

    assert [mock.learn().status for _ in range(5)] == [500, 500, 200, 200, 200]
    assert mock.control("GET", "/faults/fault-1")[1]["consumed"] == 3


def test_a_scenario_of_a_plan_plays_its_own_faults() -> None:
    """A step of scenario= brings the scenario's faults to its create; later, the queries of the task meet them."""
    mock = api()
    steps = {"createCustomVoice": ["scenario=no-balance", "scenario=not-json", "ok"]}
    mock.control("POST", "/plans", {"steps": steps})

    assert mock.learn().error == (429, 1102)
    task_id = mock.learn().data["task_id"]
    assert SCENARIO not in mock.learn().headers
    broken = mock.http.get(
        f"/v1/general/custom-voices/{task_id}", headers={"authorization": f"Bearer {mock.key}"}
    )
    with pytest.raises(json.JSONDecodeError):
        broken.json()
    assert mock.voice(task_id).status == 200


def test_the_header_spares_the_scenario_of_an_armed_fault() -> None:
    """A scenario in the header goes before an armed one, which is told and given back."""
    mock = api()
    mock.control("POST", "/faults", {"fault": "scenario=no-balance", "when": {"count": 1}})

    answer = mock.learn({SCENARIO: "slow"})

    assert answer.headers[SCENARIO] == "slow"
    assert "the header's comes first" in answer.headers["x-mock-warning"]
    rule = mock.control("GET", "/faults/fault-1")[1]
    assert (rule["consumed"], rule["bypassed"]) == (0, 1)
    assert mock.learn().error == (429, 1102)


# ---- faults for one task --------------------------------------------------------------------


@pytest.mark.parametrize("asked_by", ["task id", "external id"])
@pytest.mark.parametrize("matched_by", ["task id", "external id"])
def test_a_fault_for_a_task_matches_by_either_id(matched_by: str, asked_by: str) -> None:
    """match.task is the task id or the external id, by whichever of them the request asks for the task."""
    mock = api()
    task_id = mock.learn(external_task_id="order-1").data["task_id"]
    other = mock.learn(external_task_id="order-2").data["task_id"]
    ids = {"task id": task_id, "external id": "order-1"}
    mock.control("POST", "/faults", {"fault": "5000", "match": {"task": ids[matched_by]}})

    assert mock.voice(ids[asked_by]).error == (500, 5000)
    assert [mock.voice(name).status for name in (other, "order-2")] == [200, 200]


@pytest.mark.parametrize("matched_by", ["task id", "external id"])
def test_a_fault_for_a_task_strikes_the_delete_of_its_voice(matched_by: str) -> None:
    """Deleting a voice is a request about the task that made it; deleting another voice is not."""
    mock = api()
    mine = mock.ready_voice(external_task_id="order-1")
    other = mock.ready_voice()
    name = {"task id": mine["task_id"], "external id": "order-1"}[matched_by]
    mock.control("POST", "/faults", {"fault": "5000", "match": {"task": name}})

    voices = [item["task_result"]["voices"][0]["voice_id"] for item in (mine, other)]
    assert [mock.delete(voice).status for voice in voices] == [500, 200]


def test_a_fault_for_an_external_id_strikes_its_create() -> None:
    """The create that brings an external id is a request about that task already."""
    mock = api()
    mock.control("POST", "/faults", {"fault": "5000", "match": {"task": "order-1"}})

    assert mock.learn(external_task_id="order-1").error == (500, 5000)
    assert mock.learn(external_task_id="order-2").status == 200
    assert mock.learn().status == 200
