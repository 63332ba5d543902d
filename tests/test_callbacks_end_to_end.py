"""Callbacks from a real server to a real receiver: tried again, signed, none lost or doubled, and where they may go."""

from __future__ import annotations

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from mock_server import RunningServer
from mock_server.events import CallbackNotDelivered, Event
from mock_server.http.app import create_app
from mock_server.settings import SettingsError, build
from tests.http.api import EZ_PATH, EZ_SPEECH, START, VOICE, Api
from tests.support.receiver import PATIENCE_S, Answer, Receiver, Request
from tests.support.sink import Sink

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 byt").decode()
VOICES = "/v1/general/custom-voices"
BROKEN = Answer(500)

_keys = count()


#: The servers that run, by their options; accounts keep tests apart.
_running: dict[str, httpx2.Client] = {}
_stack = ExitStack()


@pytest.fixture(autouse=True, scope="module")
def stopping() -> Iterator[None]:
    """Stops the servers at the end."""
    with _stack:
        yield
    _running.clear()


def serving(**options: Any) -> Api:
    """A new account of a real server whose clock stands still unless options say otherwise."""
    name = repr(sorted(options.items()))
    if name not in _running:
        server = RunningServer(**{"speed": 0, "seed": "7", "start": START, **options})
        url = _stack.enter_context(server).base_url
        _running[name] = _stack.enter_context(httpx2.Client(base_url=url, timeout=30))
    return Api(_running[name], f"key-{next(_keys)}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that says OK."""
    with Receiver() as found:
        yield found


def deliveries(mock: Api) -> list[dict[str, Any]]:
    """The deliveries."""
    status, value = mock.control("GET", "/deliveries")
    assert status == 200, value
    found: list[dict[str, Any]] = value["deliveries"]
    return found


def instants(mock: Api) -> list[float]:
    """Virtual seconds of every attempt, in their order."""
    found = [item["at"] for item in mock.control("GET", "/callbacks")[1]["callbacks"]]
    return [(at - START) / 1000 for at in found]


def is_genuine(request: Request, secret: str = SECRET) -> bool:
    """Whether the reference verifier takes a callback for genuine."""
    try:
        Webhook(secret).verify(request.body, request.headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def ended(mock: Api, url: str) -> str:
    """Creates a voice that is at its end with its first callback, whose instant is 1 s; its task id."""
    task_id = mock.learn(callback_url=url).data["task_id"]
    mock.advance(1)
    status, value = mock.control("POST", f"/tasks/{task_id}/transition", {"to": "succeed"})
    assert status == 200, value
    return str(task_id)


# ---- trying again ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "after"),
    [
        ("none", []),
        ("fixed", [60, 60, 60]),
        ("exponential", [1, 2, 4, 8, 16]),
        ("standard-webhooks", [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]),
    ],
)
def test_callback_is_tried_again_by_the_schedule(
    receiver: Receiver, schedule: str, after: list[float]
) -> None:
    """A receiver that never takes it sees the attempts of the schedule in virtual time; then the callback failed."""
    receiver.script += [BROKEN] * 20
    mock = serving(callback_retries=schedule)
    ended(mock, receiver.url())
    mock.advance(10**6)
    (delivery,) = deliveries(mock)
    found = instants(mock)

    assert delivery["state"] == "failed"
    assert found[0] == 1
    assert len(receiver.requests) == len(found) == 1 + len(after)
    assert len({request.body for request in receiver.requests}) == 1
    waits = [later - before for before, later in pairwise(found)]
    for wait, middle in zip(waits, after, strict=True):
        assert wait == pytest.approx(middle, rel=0.21)
        assert schedule != "fixed" or wait == middle


def test_callback_without_a_schedule_is_sent_once(receiver: Receiver) -> None:
    """By default nothing is tried again: no vendor documents it."""
    receiver.script.append(BROKEN)
    mock = serving()
    ended(mock, receiver.url())
    mock.advance(10**6)
    assert [item["state"] for item in deliveries(mock)] == ["failed"]

    assert len(receiver.requests) == 1


def test_receiver_that_was_down_gets_its_callbacks() -> None:
    """While nobody listens attempts fail, and the task goes its way; once somebody does each callback arrives once."""
    with Receiver() as gone:
        port = gone.port
    mock = serving(callback_retries="fixed")
    task_id = mock.learn(callback_url=f"http://127.0.0.1:{port}/").data["task_id"]
    mock.advance(69)
    shown = mock.control("GET", "/callbacks")[1]["callbacks"]
    assert [item["status"] for item in shown] == [None] * 4
    assert all(item["error"] for item in shown)
    assert mock.voice(task_id).data["task_status"] == "succeed"
    assert [item["state"] for item in deliveries(mock)] == ["pending"] * 2
    with Receiver(port) as back:
        mock.advance(1000)
        assert [item["state"] for item in deliveries(mock)] == ["delivered"] * 2
        told = [request.json["task_status"] for request in back.requests]
    assert told == ["processing", "succeed"]


def test_busy_receiver_is_left_alone_as_long_as_it_asks(receiver: Receiver) -> None:
    """Retry-After of a busy receiver, in seconds, is waited for in virtual time."""
    receiver.script += [Answer(503, {"retry-after": "120"}), Answer(429, {"retry-after": "7"})]
    mock = serving(callback_retries="fixed")
    ended(mock, receiver.url())
    mock.advance(1000)
    assert instants(mock) == [1, 121, 181]
    assert [item["state"] for item in deliveries(mock)] == ["delivered"]


def test_receiver_that_is_gone_is_not_called_again(receiver: Receiver) -> None:
    """410 ends the attempts of a callback; the next status is reported all the same."""
    receiver.script.append(Answer(410))
    mock = serving(callback_retries="standard-webhooks")
    mock.learn(callback_url=receiver.url())
    mock.advance(10**6)
    assert [item["state"] for item in deliveries(mock)] == ["failed", "delivered"]

    assert len(receiver.requests) == 2


def test_slow_receiver_is_tried_again(receiver: Receiver) -> None:
    """An answer that does not come in time is an attempt that failed, and the next may do better."""
    receiver.script.append(Answer(after=receiver.gate()))
    mock = serving(callback_retries="fixed", callback_timeout=0.5)
    ended(mock, receiver.url())
    mock.advance(60)
    (delivery,) = deliveries(mock)

    assert [item["error"] for item in delivery["attempts"]] == ["no answer within 0.5 s", ""]
    assert delivery["state"] == "delivered"
    assert receiver.requests[0].body == receiver.requests[1].body


def test_retries_come_by_themselves_when_the_clock_runs(receiver: Receiver) -> None:
    """With a running clock nobody has to advance: the timer sends what is due, retries among them."""
    receiver.script += [BROKEN] * 2
    mock = serving(speed=1000, callback_retries="exponential")
    mock.learn(callback_url=receiver.url())
    match = {"task_status": "succeed", "status": 200}
    body = {"for": "callback", "match": match, "timeout": PATIENCE_S}
    assert mock.control("POST", "/wait", body)[0] == 200
    receiver.wait_until(lambda: len(receiver.requests) >= 4, "two callbacks and two retries")


# ---- signatures -----------------------------------------------------------------------------


def test_every_attempt_is_signed(receiver: Receiver) -> None:
    """The reference verifier takes every attempt, retries too; a callback's id and bytes stay the same."""
    receiver.script += [BROKEN] * 5
    mock = serving(callback_retries="fixed", webhook_secret=SECRET)
    mock.learn(callback_url=receiver.url())
    mock.speak()
    mock.advance(1000)
    shown = deliveries(mock)

    assert len(receiver.requests) == 7
    assert all(is_genuine(request) for request in receiver.requests)
    assert not any(is_genuine(request, OTHER) for request in receiver.requests)
    by_id: dict[str, set[bytes]] = {}
    for request in receiver.requests:
        by_id.setdefault(request.headers["webhook-id"], set()).add(request.body)
    assert set(by_id) == {item["id"] for item in shown}
    assert [len(bodies) for bodies in by_id.values()] == [1, 1]


def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    """By default callbacks have no header of a signature."""
    mock = serving()
    ended(mock, receiver.url())

    mock.advance(0)
    assert [name for name in receiver.requests[0].headers if name.startswith("webhook-")] == []


@pytest.mark.parametrize("given", [[SECRET, OTHER], f"{SECRET},{OTHER}"], ids=["list", "text"])
def test_during_a_rotation_either_secret_does(receiver: Receiver, given: Any) -> None:
    """With two secrets every attempt can be verified by either of them, and by no third."""
    mock = serving(webhook_secret=given)
    mock.learn(callback_url=receiver.url())
    mock.advance(9)

    third = "whsec_" + base64.b64encode(b"a third secret, 24 bytes").decode()
    for request in receiver.requests:
        assert len(request.headers["webhook-signature"].split(" ")) == 2
        found = [is_genuine(request, secret) for secret in (SECRET, OTHER, third)]
        assert found == [True, True, False]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("bad", "No matching signature"),
        ("other-secret", "No matching signature"),
        ("stale", "too old"),
        ("unsigned", "Missing required headers"),
    ],
)
def test_wrong_signature_is_refused(receiver: Receiver, fault: str, words: str) -> None:
    """A receiver that verifies refuses what is wrong on purpose for the right reason, and takes the rest."""
    mock = serving(webhook_secret=SECRET)
    body = {"fault": f"signature={fault}", "match": {"task_status": "processing"}}
    assert mock.control("POST", "/callback-faults", body)[0] == 201
    mock.learn(callback_url=receiver.url())
    mock.advance(9)

    wrong, right = receiver.requests
    with pytest.raises(WebhookVerificationError, match=words):
        Webhook(SECRET).verify(wrong.body, wrong.headers)
    assert is_genuine(right)
    assert wrong.json["task_status"] == "processing"


def test_wrong_signature_stays_wrong_when_it_is_tried_again(receiver: Receiver) -> None:
    """A receiver that refuses a forgery meets the forgery again; each attempt is shown in the log."""
    receiver.script += [Answer(401)] * 9
    mock = serving(webhook_secret=SECRET, callback_retries="fixed")
    body = {"fault": "signature=other-secret"}
    assert mock.control("POST", "/callback-faults", body)[0] == 201
    ended(mock, receiver.url())
    mock.advance(1000)
    (delivery,) = deliveries(mock)

    assert [item["status"] for item in delivery["attempts"]] == [401] * 4
    assert delivery["fault"] == "signature=other-secret"
    assert not any(is_genuine(request) for request in receiver.requests)


@pytest.mark.parametrize("secret", ["none", "whsec_", "whsec_x", "whsec_c2hvcnQ="])
def test_secret_that_is_none_is_refused_at_the_start(secret: str) -> None:
    """A server with an unusable secret does not start; the words do not repeat the secret."""
    with pytest.raises(SettingsError, match="webhook") as refused:
        build(webhook_secret=secret)
    assert secret == "whsec_" or secret not in str(refused.value)


def test_secrets_are_shown_nowhere(receiver: Receiver) -> None:
    """Neither the log, nor the events, nor the settings' own words hold a secret."""
    told: list[Event] = []
    settings = build(port=0, speed=0, webhook_secret=SECRET, callback_retries="fixed")
    assert SECRET not in repr(settings)
    with (
        RunningServer(settings, publish=told.append) as running,
        httpx2.Client(base_url=running.base_url) as client,
    ):
        mock = Api(client)
        ended(mock, receiver.url())
        texts = [
            client.get(f"/__mock__/{name}", headers={"authorization": "Bearer any-key"}).text
            for name in ("deliveries", "callbacks", "health", "journal", "accounts")
        ]
    assert not any(SECRET in text for text in [*texts, str(told)])


# ---- nothing lost, nothing doubled ----------------------------------------------------------


def test_reset_while_retries_are_planned(receiver: Receiver) -> None:
    """After a reset nothing of before arrives, however far time goes; what is new does."""
    receiver.script += [BROKEN] * 4
    mock = serving(callback_retries="fixed")
    for number in range(2):
        mock.learn(callback_url=receiver.url(f"/old/{number}"))
    mock.advance(9)
    assert len(receiver.requests) == 4
    assert mock.control("POST", "/reset", {})[0] == 200
    mock.learn(callback_url=receiver.url("/new"))
    mock.advance(1000)

    assert [item["state"] for item in deliveries(mock)] == ["delivered"] * 2
    assert [request.path for request in receiver.requests[4:]] == ["/new"] * 2


def test_reset_of_one_account_spares_the_others(receiver: Receiver) -> None:
    """Retries of another account come."""
    receiver.script += [BROKEN] * 2
    mock = serving(callback_retries="fixed")
    other = mock.using(f"{mock.key}-other")
    for account, path in ((mock, "/mine"), (other, "/other")):
        ended(account, receiver.url(path))
        account.advance(0)
    mock.control("POST", "/reset", {})
    mock.advance(1000)
    other.advance(1000)

    assert [request.path for request in receiver.requests] == ["/mine", "/other", "/other"]


def test_stop_names_what_was_not_delivered(receiver: Receiver) -> None:
    """A server that stops tells each callback that is planned, held or still to come, once, and the time to go."""
    receiver.script.append(BROKEN)
    told: list[Event] = []
    settings = build(port=0, speed=0, seed="7", start=START, callback_retries="fixed")
    with (
        RunningServer(settings, publish=told.append) as running,
        httpx2.Client(base_url=running.base_url) as client,
    ):
        mock = Api(client)
        retried = mock.learn(callback_url=receiver.url("/cb?token=s3cret")).data["task_id"]
        mock.advance(2)
        mock.control("PUT", "/callbacks", {"hold": True})
        held = mock.learn(callback_url=receiver.url()).data["task_id"]
        mock.advance(2)
        silent = mock.learn().data["task_id"]

    missed = [event for event in told if isinstance(event, CallbackNotDelivered)]
    assert sorted((event.task_id, event.task_status, event.due_in_s) for event in missed) == sorted(
        [
            (retried, "processing", 58.0),
            (retried, "succeed", 5.0),
            (held, "processing", None),
            (held, "succeed", 7.0),
        ]
    )
    assert silent not in {event.task_id for event in missed}
    assert "s3cret" not in str(told)


def test_stop_gives_what_is_under_way_its_time(receiver: Receiver) -> None:
    """A callback that is under way when the server stops is delivered if it is answered soon."""
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))
    told: list[Event] = []
    running = RunningServer(build(port=0, speed=0), publish=told.append).start()
    with httpx2.Client(base_url=running.base_url) as client:
        mock = Api(client)
        task_id = mock.learn(callback_url=receiver.url()).data["task_id"]
        mock.control("POST", "/clock/advance", {"by": 2, "deliver": False})
        receiver.wait_until(lambda: len(receiver.requests) == 1, "the callback")
    gate.set()
    running.stop()

    missed = [event for event in told if isinstance(event, CallbackNotDelivered)]
    assert [(event.task_id, event.task_status) for event in missed] == [(task_id, "succeed")]


def test_thousands_due_at_once_arrive_once_each() -> None:
    """Thousands of callbacks due at one instant each arrive exactly once, over at most four connections."""
    number = 2_000  # tests/test_sending.py has ten thousand, without sockets
    with Sink() as sink:
        content = json.dumps({**VOICE, "callback_url": sink.url}).encode()
        mock = serving(journal=0, callback_timeout=60)
        drop = {"fault": "drop", "match": {"task_status": "succeed"}}
        assert mock.control("POST", "/callback-faults", drop)[0] == 201
        connection = HTTPConnection(mock.http.base_url.host, mock.http.base_url.port)
        created: set[str] = set()
        for _ in range(number):
            connection.request("POST", VOICES, content, {"authorization": f"Bearer {mock.key}"})
            created.add(json.loads(connection.getresponse().read())["data"]["task_id"])
        connection.close()
        mock.control("POST", "/clock/advance", {"by": 2, "deliver": False})
        mock.control("POST", "/settle", {"timeout": 60})
        mock.advance(100)

    arrived = Counter(json.loads(body)["task_id"] for body in sink.bodies)
    assert len(created) == number
    assert set(arrived) == created
    assert set(arrived.values()) == {1}
    assert 1 <= sink.most_open <= 4


# ---- targets --------------------------------------------------------------------------------


REFUSED = "http://169.254.169.254/latest/meta-data"


def test_refused_target_is_in_the_log_and_fails_no_task(receiver: Receiver) -> None:
    """A link-local target is refused without a connection, once, and said so; the task ends as ever."""
    mock = serving(callback_retries="standard-webhooks")
    task_id = mock.learn(callback_url=REFUSED).data["task_id"]
    mock.learn(callback_url=receiver.url())
    mock.advance(10**6)
    assert mock.voice(task_id).data["task_status"] == "succeed"
    refused = [item for item in deliveries(mock) if item["task_id"] == task_id]

    assert [item["state"] for item in refused] == ["failed", "failed"]
    for item in refused:
        (attempt,) = item["attempts"]
        assert attempt["status"] is None
        assert attempt["error"] == "target refused: 169.254.169.254 is a link-local address"
    assert len(receiver.requests) == 2


def test_host_is_rewritten(receiver: Receiver) -> None:
    """A name that leads nowhere is reached at another host; the receiver sees the name that was asked for."""
    url = f"http://app.internal:{receiver.port}/hook"
    mock = serving(callback_rewrite="app.internal=127.0.0.1")
    ended(mock, url)
    mock.advance(0)
    (delivery,) = deliveries(mock)

    assert delivery["state"] == "delivered"
    assert delivery["url"] == url
    assert receiver.requests[0].headers["host"] == f"app.internal:{receiver.port}"


def policy(**options: Any) -> Callable[[str, str], str | None]:
    """What a server with these settings says about an address and the host that led there."""
    settings = build(**{"api_key": "k", **options})
    create_app(settings)  # such a server can be built
    return settings.target_policy.refusal


@pytest.mark.parametrize(
    ("options", "address", "host", "allowed"),
    [
        ({}, "127.0.0.1", "", True),
        ({}, "10.0.0.7", "", True),
        ({}, "8.8.8.8", "", True),
        ({}, "169.254.169.254", "", False),
        ({"host": "0.0.0.0"}, "127.0.0.1", "", False),
        ({"host": "0.0.0.0"}, "10.0.0.7", "", False),
        ({"host": "0.0.0.0"}, "8.8.8.8", "", True),
        ({"host": "0.0.0.0", "callback_allow": "10.0.0.0/8"}, "10.0.0.7", "", True),
        ({"host": "0.0.0.0", "callback_allow": "10.0.0.0/8"}, "192.168.0.7", "", False),
        ({"host": "0.0.0.0", "callback_allow": "10.0.0.7"}, "10.0.0.7", "", True),
        ({"host": "0.0.0.0", "callback_allow": "10.0.0.7/8"}, "10.9.9.9", "", True),
        ({"host": "0.0.0.0", "callback_allow": "127.0.0.1,::1"}, "::1", "", True),
        ({"host": "0.0.0.0", "callback_allow": ["receiver"]}, "172.18.0.3", "Receiver", True),
        ({"host": "0.0.0.0", "callback_allow": ["receiver"]}, "172.18.0.3", "other", False),
        ({"host": "0.0.0.0", "callback_allow": ["receiver"]}, "169.254.169.254", "receiver", False),
        ({"callback_allow": "169.254.0.0/16"}, "169.254.169.254", "", False),
        ({"callback_allow": "0.0.0.0/0,::/0"}, "fe80::1", "", False),
        ({"callback_allow": "0.0.0.0/0,::/0"}, "::ffff:169.254.169.254", "", False),
        ({"callback_allow": "0.0.0.0/0"}, "100.100.100.200", "", False),
        ({"callback_allow": "::/0"}, "fd00:ec2::254", "", False),
        ({"host": "0.0.0.0", "callback_allow": "10.0.0.0/8"}, "::ffff:10.0.0.7", "", True),
    ],
    ids=str,
)
def test_settings_make_the_target_policy(
    options: dict[str, Any], address: str, host: str, allowed: bool
) -> None:
    """Loopback and private need a local server or --callback-allow; link-local and metadata are never allowed."""
    assert (policy(**options)(address, host) is None) is allowed


@pytest.mark.parametrize("value", ["localhost", "=x", "x=", "=", "a=b,c", "a=b:80"])
def test_rewrite_rule_that_is_none_is_refused(value: str) -> None:
    """A rule names two hosts."""
    with pytest.raises(SettingsError, match="host=host"):
        build(callback_rewrite=value)


# ---- dialects -------------------------------------------------------------------------------


def test_ezmodel_calls_back_in_its_own_shape(receiver: Receiver) -> None:
    """A speech of EzModel is reported once, in its flat record, signed, and tried again like any other."""
    receiver.script.append(BROKEN)
    mock = serving(webhook_secret=SECRET, callback_retries="fixed")
    body = {**EZ_SPEECH, "callback_url": receiver.url("/ez")}
    created = mock.post(EZ_PATH, body)
    assert created.status == 200
    mock.advance(1000)
    (delivery,) = deliveries(mock)

    assert [item["status"] for item in delivery["attempts"]] == [500, 200]
    first, second = receiver.requests
    assert first.body == second.body
    assert first.json == created.value["data"]
    assert set(first.json) == {"audio_id", "audio_url", "duration", "created_at"}
    assert is_genuine(first)
    assert is_genuine(second)


#: A scenario of one's own: a speech whose callback is answered before its create is.
EARLY_SPEECH = """
name: early-speech
summary: mine
evidence: assumed
source: me
speech:
  timeline: [{status: submitted, at: 0}, {status: succeed, at: 5}]
  callbacks: {faults: [{status: succeed, fault: early}]}
"""


def test_held_answer_comes_after_an_early_callback(receiver: Receiver, tmp_path: Path) -> None:
    """A speech of EzModel that takes its time is answered only when the receiver has answered its callback."""
    (tmp_path / "early-speech.yaml").write_text(EARLY_SPEECH, "utf-8")
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))
    mock = serving(scenarios=str(tmp_path))
    body = {**EZ_SPEECH, "callback_url": receiver.url()}
    answers: list[Any] = []

    def create() -> None:
        answers.append(mock.post(EZ_PATH, body, {"x-mock-scenario": "early-speech"}).value["data"])

    creating = threading.Thread(target=create)
    creating.start()
    while not mock.control("GET", "/tasks")[1]["tasks"]:
        assert creating.is_alive()
    mock.control("POST", "/clock/advance", {"by": 5, "deliver": False})
    receiver.wait_until(lambda: len(receiver.requests) == 1, "the callback")
    # Other requests come through meanwhile, so the server had its time.
    mock.control("GET", "/clock")
    assert answers == []
    gate.set()
    creating.join()
    assert answers == [receiver.requests[0].json]


def test_dialects_report_alike(receiver: Receiver) -> None:
    """Both official dialects report a voice as they answer a query for it."""
    mock = serving()
    for prefix in ("", "/kling"):
        dialect = Api(mock.http, mock.key, prefix)
        task_id = dialect.learn(callback_url=receiver.url(prefix or "/")).data["task_id"]
        dialect.advance(9)
        assert receiver.requests[-1].json == dialect.voice(task_id).data

    counts = Counter(request.path for request in receiver.requests)
    assert counts == {"/": 2, "/kling": 2}
