"""The control API on callbacks: attempts, deliveries and what is done to them, callback faults, waiting for one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx2
import pytest

from mock_server import RunningServer
from mock_server.account import Account
from mock_server.core.task import TaskStatus
from mock_server.events import CallbackAttempted
from mock_server.http import showing_callbacks
from tests.http.api import START, Api, api
from tests.support.clocks import still_clock
from tests.support.receiver import Answer, Receiver

#: What a test sends in the headers of a create.
SCENARIO = "x-mock-scenario"

_keys = count()


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A real server that tries three times more, a minute apart; its clock stands still."""
    with RunningServer(speed=0, seed="7", start=START, callback_retries="fixed") as running:
        yield running


@pytest.fixture
def live(server: RunningServer) -> Iterator[Api]:
    """A new account of the real server."""
    with httpx2.Client(base_url=server.base_url, timeout=20) as client:
        yield Api(client, f"live-{next(_keys)}")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that says OK."""
    with Receiver() as found:
        yield found


def arm(mock: Api, fault: Any, **more: Any) -> dict[str, Any]:
    """Arms a callback fault; the rule."""
    status, value = mock.control("POST", "/callback-faults", {"fault": fault, **more})
    assert status == 201, value
    rule: dict[str, Any] = value
    return rule


def rule(mock: Api, name: str) -> dict[str, Any]:
    """An armed callback fault."""
    status, value = mock.control("GET", f"/callback-faults/{name}")
    assert status == 200, value
    found: dict[str, Any] = value
    return found


def deliveries(mock: Api, query: str = "") -> list[dict[str, Any]]:
    """The deliveries."""
    status, value = mock.control("GET", f"/deliveries{query}")
    assert status == 200, value
    found: list[dict[str, Any]] = value["deliveries"]
    return found


def states(mock: Api) -> list[str]:
    """The state of each delivery."""
    return [item["state"] for item in deliveries(mock)]


def act(mock: Api, number: int, action: str) -> tuple[int, dict[str, Any]]:
    """Does something to a delivery."""
    return mock.control("POST", f"/deliveries/{number}", {"action": action})


def hold(mock: Api, switch: bool) -> tuple[int, dict[str, Any]]:
    """Holds callbacks, or releases them."""
    return mock.control("PUT", "/callbacks", {"hold": switch})


def reported(receiver: Receiver) -> list[str]:
    """The statuses that arrived."""
    return [request.json["task_status"] for request in receiver.requests]


def settle(mock: Api) -> None:
    """Waits for what is on its way."""
    assert mock.control("POST", "/settle", {})[0] == 200


# ---- the log --------------------------------------------------------------------------------


def test_log_of_an_account_without_callbacks_is_empty() -> None:
    """Nothing was called back, nothing is held, nothing was dropped from the log."""
    mock = api()
    mock.learn()
    mock.advance(9)

    assert mock.control("GET", "/callbacks") == (200, {"callbacks": [], "dropped": 0})
    empty = {"deliveries": [], "hold": False, "dropped": 0}
    assert mock.control("GET", "/deliveries") == (200, empty)


def test_every_attempt_is_logged_with_its_answer(live: Api, receiver: Receiver) -> None:
    """A delivery shows its body and each attempt: answer, first bytes, duration, virtual and wall time."""
    receiver.script += [Answer(), Answer(500, body=b"x" * 2000), Answer(cut=True)]
    url = receiver.url("/cb?token=s3cret")
    task_id = live.learn(callback_url=url).data["task_id"]
    live.advance(9 + 60 + 60)

    first, second = deliveries(live)
    assert (first["task_status"], first["state"], first["body"]["task_id"]) == (
        "processing",
        "delivered",
        task_id,
    )
    shown = second["body"].pop("task_result")["voices"][0]
    record = live.voice(task_id).data
    voice = record.pop("task_result")["voices"][0]
    assert second["body"] == record
    assert shown["trial_url"] == voice["trial_url"]
    assert {key: second[key] for key in ("number", "task_id", "task_status", "state")} == {
        "number": 2,
        "task_id": task_id,
        "task_status": "succeed",
        "state": "delivered",
    }
    assert second["url"] == receiver.url("/cb?...")
    assert (second["fault"], second["copy_of"], second["next_at"]) == ("", None, None)
    assert second["id"].startswith("msg_")
    assert second["id"] != first["id"]

    tries = second["attempts"]
    assert [item["attempt"] for item in tries] == [1, 2, 3]
    assert [item["at"] - START for item in tries] == [9_000, 69_000, 129_000]
    assert [item["status"] for item in tries] == [500, None, 200]
    assert [item["error"] != "" for item in tries] == [False, True, False]
    assert tries[0]["answer"] == "x" * 500
    assert all(item["took_ms"] > 0 for item in tries)
    walls = [item["wall"] for item in tries]
    assert walls == sorted(walls)
    assert walls[0] > START

    attempts = live.control("GET", "/callbacks")[1]["callbacks"]
    assert [(item["number"], item["delivery"], item["attempt"]) for item in attempts] == [
        (1, 1, 1),
        (2, 2, 1),
        (3, 2, 2),
        (4, 2, 3),
    ]


def test_delivery_that_waits_says_for_when(live: Api, receiver: Receiver) -> None:
    """A delivery that will be tried again is pending and has the instant; the clock names it as next due."""
    receiver.script += [Answer(), Answer(503)]
    live.learn(callback_url=receiver.url())
    live.advance(9)

    (waiting,) = deliveries(live, "?state=pending")
    assert waiting["next_at"] == START + 69_000
    assert live.control("GET", "/clock")[1]["next_due"] == START + 69_000


def test_deliveries_are_found_by_state_and_task(live: Api, receiver: Receiver) -> None:
    """The list can be narrowed to a state, and to a task by either id."""
    receiver.script.append(Answer(410))
    url = receiver.url()
    task_id = live.learn(callback_url=url, external_task_id="order-1").data["task_id"]
    live.learn(callback_url=url)
    live.advance(9)

    assert len(deliveries(live)) == 4
    for name in (task_id, "order-1"):
        mine = deliveries(live, f"?task={name}")
        assert [item["task_id"] for item in mine] == [task_id] * 2
    failed = deliveries(live, "?state=failed")
    assert len(failed) == 1
    assert failed[0]["attempts"][0]["status"] == 410
    assert len(deliveries(live, f"?task={failed[0]['task_id']}&state=delivered")) == 1
    assert deliveries(live, "?state=held") == []


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/deliveries?state=lost", 400, "'state' must be one of pending, held, delivered"),
        ("/deliveries?task=nobody", 404, "has no task 'nobody'"),
        ("/deliveries?stat=held", 400, "did you mean 'state'?"),
        ("/deliveries/1", 404, "has no delivery '1'"),
        ("/deliveries/0", 404, "has no delivery '0'"),
        ("/deliveries/x", 404, "has no delivery 'x'"),
        ("/deliveries/-1", 404, "has no delivery '-1'"),
        ("/deliveries/%C2%B2", 404, "has no delivery"),
        ("/deliveries/" + "9" * 5000, 404, "has no delivery"),
        ("/callback-faults/none", 404, "has no callback fault 'none'"),
    ],
)
def test_what_is_not_there_is_said(path: str, status: int, words: str) -> None:
    """Unknown states, tasks, deliveries and rules are refused by name."""
    found, value = api().control("GET", path)

    assert found == status
    assert words in value["error"]


def test_delivery_of_another_account_is_not_shown(live: Api, receiver: Receiver) -> None:
    """An account sees its own deliveries, attempts and rules, and can do nothing to others."""
    live.learn(callback_url=receiver.url())
    live.advance(9)
    arm(live, "drop")
    other = live.using(f"other-{next(_keys)}")
    other.learn()

    assert deliveries(other) == []
    assert act(other, 1, "resend")[0] == 404
    assert other.control("DELETE", "/callback-faults/callback-fault-1")[0] == 404
    assert other.control("GET", "/callback-faults")[1] == {"callback_faults": []}


def test_attempts_keep_their_numbers_when_old_ones_are_dropped() -> None:
    """Beyond the number that is kept the oldest attempts go; the others keep theirs, so that since= still counts."""
    account = Account("mine", still_clock())
    account.callbacks = deque(maxlen=2)
    for number in range(1, 6):
        account.add_attempt(
            CallbackAttempted("1", "mine", TaskStatus.SUCCEED, "", number, 200, "", 1.0, 0, number)
        )

    shown = showing_callbacks.attempts(account)
    assert [(item["number"], item["attempt"]) for item in shown] == [(4, 4), (5, 5)]


# ---- what is done to a delivery -------------------------------------------------------------


def test_resend_is_a_copy_that_goes_now(live: Api, receiver: Receiver) -> None:
    """A delivery that was taken is sent once more: another number, the same id and bytes; time stands still."""
    live.learn(callback_url=receiver.url())
    live.advance(9)
    status, copy = act(live, 1, "resend")
    settle(live)

    assert status == 200
    assert (copy["number"], copy["copy_of"], copy["state"]) == (3, 1, "pending")
    assert reported(receiver) == ["processing", "succeed", "processing"]
    assert receiver.requests[2].body == receiver.requests[0].body
    shown = deliveries(live)
    assert [item["id"] for item in shown][2] == shown[0]["id"]
    assert [item["state"] for item in shown] == ["delivered"] * 3
    assert live.control("GET", "/clock")[1]["now"] == START + 9000


def test_resend_of_a_failed_one_may_succeed(live: Api, receiver: Receiver) -> None:
    """The first stays failed; its copy is delivered."""
    receiver.script.append(Answer(410))
    live.learn(callback_url=receiver.url())
    live.advance(2)
    act(live, 1, "resend")
    settle(live)

    assert states(live) == ["failed", "delivered"]


def test_hold_keeps_back_what_is_planned(live: Api, receiver: Receiver) -> None:
    """A planned retry that is held does not come, however much time passes; released it goes at once."""
    receiver.script.append(Answer(500))
    live.learn(callback_url=receiver.url())
    live.advance(2)
    status, held = act(live, 1, "hold")
    assert (status, held["state"], held["next_at"]) == (200, "held", None)
    assert live.control("GET", "/clock")[1]["next_due"] == START + 9000
    live.advance(10_000)
    assert reported(receiver) == ["processing", "succeed"]

    assert act(live, 1, "release")[0] == 200
    settle(live)
    assert reported(receiver) == ["processing", "succeed", "processing"]
    assert states(live) == ["delivered", "delivered"]
    assert len(deliveries(live)[0]["attempts"]) == 2


def test_fire_does_not_wait(live: Api, receiver: Receiver) -> None:
    """A planned retry that is fired goes now, and not again at its instant."""
    receiver.script.append(Answer(500))
    live.learn(callback_url=receiver.url())
    live.advance(2)
    assert act(live, 1, "fire")[0] == 200
    settle(live)
    assert reported(receiver) == ["processing", "processing"]
    live.advance(1000)

    assert reported(receiver) == ["processing", "processing", "succeed"]


def test_fire_sends_what_is_held(live: Api, receiver: Receiver) -> None:
    """A held delivery that is fired goes as if it were released; the others stay held."""
    hold(live, True)
    live.learn(callback_url=receiver.url())
    live.advance(9)
    assert act(live, 2, "fire")[0] == 200
    settle(live)

    assert reported(receiver) == ["succeed"]
    assert states(live) == ["held", "delivered"]


def test_fired_attempt_that_fails_goes_on_by_the_schedule(live: Api, receiver: Receiver) -> None:
    """Firing uses up an attempt of the schedule; the next is planned from it."""
    receiver.script += [Answer(500)] * 9
    live.learn({SCENARIO: "slow"}, callback_url=receiver.url())
    live.advance(30)
    for _ in range(3):
        act(live, 1, "fire")
        settle(live)

    (item,) = deliveries(live)
    assert (item["state"], len(item["attempts"])) == ("failed", 4)


def test_drop_calls_off(live: Api, receiver: Receiver) -> None:
    """A planned or held delivery that is dropped never comes."""
    receiver.script.append(Answer(500))
    live.learn(callback_url=receiver.url())
    live.advance(2)
    assert act(live, 1, "drop")[1]["state"] == "dropped"
    hold(live, True)
    live.advance(1000)
    assert act(live, 2, "drop")[1]["state"] == "dropped"
    hold(live, False)
    settle(live)

    assert reported(receiver) == ["processing"]


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        ("delivered", ["hold", "release", "fire", "drop"]),
        ("failed", ["hold", "release", "fire", "drop"]),
        ("dropped", ["hold", "release", "fire", "drop"]),
        ("held", ["hold"]),
        ("pending", ["release"]),
    ],
)
def test_what_cannot_be_done_is_409(
    live: Api, receiver: Receiver, state: str, actions: list[str]
) -> None:
    """What makes no sense in a state is refused with number, state and action, and changes nothing."""
    answers = {"failed": Answer(410), "pending": Answer(500)}
    receiver.script.append(answers.get(state, Answer()))
    if state in ("held", "dropped"):
        arm(live, {"held": "hold", "dropped": "drop"}[state])
    live.learn(callback_url=receiver.url())
    live.advance(2)
    before = deliveries(live)
    assert before[0]["state"] == state

    for action in actions:
        status, value = act(live, 1, action)
        assert (status, value["error"]) == (409, f"delivery 1 is {state}: no {action}")
    assert deliveries(live) == before


def test_what_is_under_way_is_left_alone(live: Api, receiver: Receiver) -> None:
    """While the receiver has not answered nothing is done to the delivery; a resend waits its turn."""
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))
    live.learn(callback_url=receiver.url())
    live.control("POST", "/clock/advance", {"by": 2, "deliver": False})
    receiver.wait_until(lambda: len(receiver.requests) == 1, "the callback")

    for action in ("hold", "release", "fire", "drop"):
        status, value = act(live, 1, action)
        assert (status, value["error"]) == (409, f"delivery 1 is under way: no {action}")
    assert act(live, 1, "resend")[0] == 200
    assert len(receiver.requests) == 1
    gate.set()
    settle(live)

    assert states(live) == ["delivered", "delivered"]
    assert reported(receiver) == ["processing", "processing"]


@pytest.mark.parametrize("body", [{}, {"action": "explode"}, {"action": "drop", "more": 1}])
def test_unknown_action_is_refused(live: Api, receiver: Receiver, body: dict[str, Any]) -> None:
    """A body that is no action is 400."""
    live.learn(callback_url=receiver.url())
    live.advance(2)

    assert live.control("POST", "/deliveries/1", body)[0] == 400
    assert states(live) == ["delivered"]


# ---- holding --------------------------------------------------------------------------------


def test_account_that_holds_sends_nothing_new(live: Api, receiver: Receiver) -> None:
    """New callbacks wait, an advance does not; releasing sends all that waited, in order per task."""
    assert hold(live, True) == (200, {"hold": True, "released": 0})
    tasks = [live.learn(callback_url=receiver.url()).data["task_id"] for _ in range(3)]
    live.advance(9)
    assert receiver.requests == []
    assert states(live) == ["held"] * 6
    assert live.control("GET", "/deliveries")[1]["hold"] is True
    assert all(item["body"] is None for item in deliveries(live))

    assert hold(live, False) == (200, {"hold": False, "released": 6})
    settle(live)
    for task_id in tasks:
        mine = [item.json for item in receiver.requests if item.json["task_id"] == task_id]
        assert [item["task_status"] for item in mine] == ["processing", "succeed"]
        assert [item["updated_at"] for item in mine] == [START + 2000, START + 9000]
    assert states(live) == ["delivered"] * 6


def test_order_of_a_release_makes_a_race(live: Api, receiver: Receiver) -> None:
    """Held callbacks are released one by one in any order: the end before the beginning."""
    hold(live, True)
    live.learn(callback_url=receiver.url())
    live.advance(9)
    for number in (2, 1):
        act(live, number, "release")
        settle(live)

    assert reported(receiver) == ["succeed", "processing"]


def test_holding_is_of_one_account(live: Api, receiver: Receiver) -> None:
    """Another account's callbacks go out."""
    hold(live, True)
    other = live.using(f"other-{next(_keys)}")
    other.learn(callback_url=receiver.url())
    other.advance(9)

    assert reported(receiver) == ["processing", "succeed"]


@pytest.mark.parametrize("body", [{}, {"hold": "yes"}, {"hold": 1}, {"hold": True, "x": 1}])
def test_hold_is_true_or_false(body: dict[str, Any]) -> None:
    """Anything else is 400."""
    mock = api()

    assert mock.control("PUT", "/callbacks", body)[0] == 400
    assert mock.control("GET", "/deliveries")[1]["hold"] is False


def test_reset_forgets_deliveries_rules_and_the_hold(live: Api, receiver: Receiver) -> None:
    """After a reset there is nothing left: no log, no rule, no hold, and nothing that was planned comes."""
    receiver.script += [Answer(500)] * 2
    arm(live, "times=2;every=100")
    live.learn(callback_url=receiver.url())
    live.advance(9)
    hold(live, True)
    sent = len(receiver.requests)
    live.control("POST", "/reset", {})

    empty = {"deliveries": [], "hold": False, "dropped": 0}
    assert live.control("GET", "/deliveries") == (200, empty)
    assert live.control("GET", "/callback-faults")[1] == {"callback_faults": []}
    live.advance(10_000)
    assert len(receiver.requests) == sent


# ---- callback faults ------------------------------------------------------------------------


def test_callback_fault_strikes_what_matches(live: Api, receiver: Receiver) -> None:
    """A rule strikes callbacks of the task and status it names, as often as it says; it counts both."""
    task_id = live.learn(callback_url=receiver.url("/mine"), external_task_id="e").data["task_id"]
    live.learn(callback_url=receiver.url("/other"))
    match = {"task": "e", "task_status": "succeed"}
    armed = arm(live, "times=3", match=match, when={"count": 1})
    assert armed == {
        "id": "callback-fault-1",
        "match": match,
        "fault": {"times": 3},
        "when": {"count": 1},
        "state": "armed",
        "matched": 0,
        "consumed": 0,
        "remaining": 1,
    }
    live.advance(9)

    paths = [(request.path, request.json["task_status"]) for request in receiver.requests]
    assert paths.count(("/mine", "succeed")) == 3
    assert [paths.count(item) for item in (("/mine", "processing"), ("/other", "succeed"))] == [
        1,
        1,
    ]
    counts = {"matched": 1, "consumed": 1, "remaining": 0, "state": "exhausted"}
    assert rule(live, "callback-fault-1") == {**armed, **counts}
    struck = [item for item in deliveries(live, f"?task={task_id}") if item["fault"]]
    assert [item["fault"] for item in struck] == ["times=3"] * 3
    assert [item["copy_of"] for item in struck] == [None, struck[0]["number"], struck[0]["number"]]


@pytest.mark.parametrize(
    ("fault", "value"),
    [
        ("drop", {"drop": True}),
        ("times=2;every=1", {"times": 2, "every": 1}),
        ({"signature": "bad"}, {"signature": "bad"}),
        ({"delay": {"uniform": [1, 2]}}, {"delay": {"uniform": [1, 2]}}),
        (
            {"edit": [{"op": "remove", "path": "/task_id"}]},
            {"edit": [{"op": "remove", "path": "/task_id"}]},
        ),
        ("truncated;fraction=0.1;delay=3", {"body": "truncated", "fraction": 0.1, "delay": 3}),
    ],
    ids=str,
)
def test_callback_fault_is_shown_as_an_object(fault: Any, value: dict[str, Any]) -> None:
    """However it was written, a rule shows the object that means the same."""
    mock = api()

    assert arm(mock, fault, id="x")["fault"] == value
    assert mock.control("GET", "/callback-faults")[1]["callback_faults"] == [rule(mock, "x")]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"fault": "dorp"}, "fault: unknown part 'dorp'; did you mean 'drop'?"),
        ({"fault": ""}, "fault"),
        ({"fault": {}}, "fault"),
        ({"fault": {"drop": "yes"}}, "fault"),
        ({"fault": "early"}, "early belongs to a scenario"),
        ({"fault": {"early": True}}, "early belongs to a scenario"),
        ({"fault": {"edit": []}}, "fault"),
        ({"fault": {"edit": "x"}}, "fault"),
        ({"fault": {"times": 2.5}}, "fault"),
        ({"fault": 5}, "fault"),
        ({}, "fault"),
        ({"fault": "drop", "match": {"task_status": "done"}}, "match"),
        ({"fault": "drop", "match": {"operation": "getCustomVoice"}}, "match"),
        ({"fault": "drop", "when": {"count": 0}}, "when"),
        ({"fault": "drop", "when": {"window": [5, 1]}}, "when"),
        ({"fault": "drop", "id": ""}, "id"),
        ({"fault": "drop", "more": 1}, "more"),
    ],
    ids=str,
)
def test_what_is_no_callback_fault_is_refused(body: dict[str, Any], words: str) -> None:
    """A body that arms nothing is 400 and says what is wrong; nothing is armed."""
    mock = api()
    status, value = mock.control("POST", "/callback-faults", body)

    assert status == 400
    assert words in value["error"]
    assert mock.control("GET", "/callback-faults")[1] == {"callback_faults": []}


def test_callback_faults_are_disarmed(live: Api, receiver: Receiver) -> None:
    """One or all are taken away, shown as they were last; what is taken away strikes no more."""
    for name in ("a", "b", "c"):
        arm(live, "drop", id=name)
    assert live.control("POST", "/callback-faults", {"fault": "drop", "id": "a"})[0] == 409
    live.learn(callback_url=receiver.url())
    live.advance(2)

    status, gone = live.control("DELETE", "/callback-faults/a")
    assert (status, gone["consumed"]) == (200, 1)
    assert live.control("DELETE", "/callback-faults/a")[0] == 404
    assert live.control("DELETE", "/callback-faults") == (200, {"disarmed": 2})
    live.advance(7)
    assert reported(receiver) == ["succeed"]


def test_armed_faults_of_other_kinds_are_left_alone() -> None:
    """Callback faults and faults of exchanges are listed, counted and disarmed apart."""
    mock = api()
    arm(mock, "drop")
    assert mock.control("POST", "/faults", {"fault": "5000"})[1]["id"] == "fault-1"

    assert mock.control("DELETE", "/faults") == (200, {"disarmed": 1})
    assert rule(mock, "callback-fault-1")["state"] == "armed"


def test_plans_of_a_scenario_come_after_armed_ones(live: Api, receiver: Receiver) -> None:
    """A test that arms a fault overrules the scenario of the task for that callback."""
    arm(live, "drop", match={"task_status": "processing"})
    live.learn({SCENARIO: "cb-twice"}, callback_url=receiver.url())
    live.advance(100)

    assert reported(receiver) == ["succeed", "succeed"]


# ---- waiting for a callback -----------------------------------------------------------------


def test_wait_finds_an_attempt_that_was(live: Api, receiver: Receiver) -> None:
    """An attempt of before is found at once, by task, status of the task and answer."""
    receiver.script.append(Answer(500))
    task_id = live.learn(callback_url=receiver.url(), external_task_id="e").data["task_id"]
    live.advance(2)

    for match in (
        {},
        {"task": "e"},
        {"task": task_id, "task_status": "processing"},
        {"status": 500},
    ):
        body = {"for": "callback", "match": match, "timeout": 0}
        status, value = live.control("POST", "/wait", body)
        assert (status, [item["status"] for item in value["found"]]) == (200, [500])
    in_vain = {"for": "callback", "match": {"status": 200}, "timeout": 0.05}
    status, value = live.control("POST", "/wait", in_vain)
    assert status == 408
    assert f"{task_id} processing -> 500" in value["error"]


def test_wait_skips_to_a_retry(live: Api, receiver: Receiver) -> None:
    """With skip the clock jumps from due to due, retries among them, until the attempt is there."""
    receiver.script += [Answer(), Answer(500), Answer(500)]
    task_id = live.learn(callback_url=receiver.url()).data["task_id"]
    match = {"task": task_id, "task_status": "succeed", "status": 200}
    body = {"for": "callback", "match": match, "skip": True}
    status, value = live.control("POST", "/wait", body)

    assert (status, value["now"]) == (200, START + 129_000)
    assert [item["attempt"] for item in value["found"]] == [3]


def test_wait_is_woken_by_a_release(live: Api, receiver: Receiver) -> None:
    """Whoever waits gets its answer when somebody else releases the callback."""
    hold(live, True)
    live.learn(callback_url=receiver.url())
    live.advance(2)
    answers: list[tuple[int, Any]] = []
    body = {"for": "callback", "match": {}, "timeout": 5}
    waiting = threading.Thread(target=lambda: answers.append(live.control("POST", "/wait", body)))
    waiting.start()
    # Another request comes through meanwhile; whether the wait began before it or after, it is answered.
    hold(live, False)
    waiting.join()

    ((status, value),) = answers
    assert (status, len(value["found"])) == (200, 1)
