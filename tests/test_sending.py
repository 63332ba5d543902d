"""The courier: attempts by a schedule, in order, and what a callback fault makes of a callback."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.callback_rules import CallbackPattern
from mock_server.core.callback import callback_fault
from mock_server.core.fault import ALWAYS
from mock_server.core.retry import EXPONENTIAL, FIXED, SCHEDULES, STANDARD, Schedule
from mock_server.core.scenario import Progression
from mock_server.core.signing import key_of
from mock_server.deliveries import OVER, Delivery, DeliveryState
from mock_server.events import CallbackAttempted, CallbackNotDelivered
from mock_server.sender import Attempt
from mock_server.sending import PER_RECEIVER
from tests.support.bench import Bench, StubSender, bench, run, turns
from tests.support.tasks import PROCESSING, SUCCEED, T0, quick

CALLBACK = "http://receiver.test/callback"
KEY = key_of("whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=")
OK, BUSY, GONE, BROKEN = (Attempt(status, "", 0.0) for status in (200, 503, 410, 500))
NOBODY = Attempt(None, "nobody listens", 0.0)
PENDING, HELD = DeliveryState.PENDING, DeliveryState.HELD
DELIVERED, FAILED, DROPPED = DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.DROPPED


class Scripted(StubSender):
    """A sender whose outcomes are scripted; when the script is over it is always the last."""

    def __init__(self, *outcomes: Attempt, after: Attempt = OK) -> None:
        super().__init__()
        self.outcomes = deque(outcomes)
        self.after = after

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """Notes the callback."""
        await super().post(url, body, headers)
        return self.outcomes.popleft() if self.outcomes else self.after


def arm(parts: Bench, fault: Any) -> None:
    """Arms a callback fault for callbacks of succeed."""
    pattern = CallbackPattern("", SUCCEED)
    parts.mine.callback_rules.arm("", pattern, callback_fault(fault), ALWAYS, T0)


def instants(parts: Bench, status: str = SUCCEED) -> list[float]:
    """Virtual seconds at which callbacks of a status were attempted."""
    told = parts.told.of(CallbackAttempted)
    return [(event.at - T0) / 1000 for event in told if event.task_status == status]


def states(parts: Bench) -> list[str]:
    """The state of each delivery."""
    return [item.state for item in parts.mine.deliveries]


def of_succeed(parts: Bench) -> Delivery:
    """The first delivery of succeed."""
    return next(item for item in parts.mine.deliveries if item.seen.status is SUCCEED)


# ---- attempts -------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=lambda schedule: schedule.name)
def test_a_callback_that_is_never_taken_fails_in_the_end(schedule: Schedule) -> None:
    """Attempts follow the schedule from due to due, within its jitter; after the last the delivery has failed."""

    async def work() -> None:
        parts = bench(sender=Scripted(after=BROKEN), schedule=schedule)
        parts.voice(callback_url=CALLBACK, scenario="default")
        await parts.advance(10**6)
        found = instants(parts)
        assert found[0] == 9
        waits = [later - before for before, later in pairwise(found)]
        assert len(waits) == len(schedule.delays_s)
        for wait, delay in zip(waits, schedule.delays_s, strict=True):
            assert abs(wait - delay) <= delay * schedule.jitter + 0.001
        assert states(parts) == [FAILED, FAILED]
        assert parts.mine.agenda.next_at() is None
        delivery = of_succeed(parts)
        assert [tried.attempt for tried in delivery.attempts] == list(range(1, len(waits) + 2))
        assert {tried.status for tried in delivery.attempts} == {500}

    run(work())


def test_jitter_repeats_by_seed_and_differs_by_delivery() -> None:
    """Two worlds with one seed try again at the same instants; two callbacks of one world do not."""

    async def story() -> list[list[float]]:
        parts = bench(sender=Scripted(after=BROKEN), schedule=EXPONENTIAL)
        for _ in range(2):
            parts.voice(callback_url=CALLBACK)
        await parts.advance(100)
        found = [[tried.at / 1000 for tried in item.attempts] for item in parts.mine.deliveries]
        return found[-2:]

    first = run(story())
    assert first == run(story())
    assert first[0] != first[1]
    assert any(instant % 1 for instant in first[0])


def test_a_callback_that_is_taken_is_not_tried_again() -> None:
    """The first 2xx ends the attempts; whatever came before is in the log."""

    async def work() -> None:
        parts = bench(sender=Scripted(OK, BROKEN, NOBODY, OK), schedule=FIXED)
        parts.voice(callback_url=CALLBACK)
        await parts.advance(1000)
        assert instants(parts) == [9, 69, 129]
        assert states(parts) == [DELIVERED, DELIVERED]
        tried = of_succeed(parts).attempts
        assert [(item.status, item.error) for item in tried] == [
            (500, ""),
            (None, "nobody listens"),
            (200, ""),
        ]

    run(work())


def test_all_attempts_of_a_callback_have_its_bytes() -> None:
    """What is tried again is what was rendered first, though the task has gone on; its id stays, too."""

    async def work() -> None:
        sender = Scripted(BROKEN, BROKEN, after=OK)
        parts = bench(sender=sender, schedule=FIXED, keys=[KEY])
        parts.voice(callback_url=CALLBACK)
        await parts.advance(2)
        await parts.advance(998)
        assert instants(parts, PROCESSING) == [2, 62]
        by_id: dict[str, set[bytes]] = {}
        for (_, body), headers in zip(sender.sent, sender.headers, strict=True):
            by_id.setdefault(headers["webhook-id"], set()).add(body)
        assert [len(bodies) for bodies in by_id.values()] == [1, 1]
        told = [json.loads(body)["task_status"] for _, body in sender.sent]
        assert Counter(told) == {PROCESSING: 2, SUCCEED: 2}

    run(work())


def test_a_retry_does_not_hold_up_the_next_callback() -> None:
    """While a callback waits for its next attempt, the next status is reported when it comes."""

    async def work() -> None:
        parts = bench(sender=Scripted(BROKEN), schedule=FIXED)
        parts.voice(callback_url=CALLBACK)
        await parts.advance(1000)
        assert parts.told.attempts == [(PROCESSING, 500), (SUCCEED, 200), (PROCESSING, 200)]

    run(work())


@pytest.mark.parametrize(
    ("answer", "instant"),
    [
        (replace(BUSY, retry_after_s=100.0), 109),
        (replace(BUSY, retry_after_s=5.0), 69),
        (replace(BROKEN, retry_after_s=100.0), 69),
        (BUSY, 69),
    ],
    ids=["longer", "shorter", "not busy", "without"],
)
def test_retry_after_is_honoured(answer: Attempt, instant: float) -> None:
    """A busy receiver that asks for more time than the schedule gives gets it, in virtual seconds."""

    async def work() -> None:
        parts = bench(sender=Scripted(OK, answer), schedule=FIXED)
        parts.voice(callback_url=CALLBACK)
        await parts.advance(1000)
        assert instants(parts) == [9, instant]

    run(work())


def test_gone_is_gone() -> None:
    """410 ends the attempts of this callback, and of no other."""

    async def work() -> None:
        parts = bench(sender=Scripted(GONE, BROKEN), schedule=FIXED)
        parts.voice(callback_url=CALLBACK)
        await parts.advance(1000)
        assert states(parts) == [FAILED, DELIVERED]
        assert len(parts.told.attempts) == 3

    run(work())


def test_a_refused_target_is_not_tried_again() -> None:
    """Where nothing may be sent it is in vain to try again; the log says why, and the task goes its way."""

    async def work() -> None:
        refused = Attempt(None, "target refused: 169.254.1.1 is ...", 0.0, is_refused=True)
        parts = bench(sender=Scripted(after=refused), schedule=STANDARD)
        task = parts.voice(callback_url="http://169.254.1.1/")
        await parts.advance(10**6)
        assert states(parts) == [FAILED, FAILED]
        assert [len(item.attempts) for item in parts.mine.deliveries] == [1, 1]
        assert of_succeed(parts).attempts[0].error.startswith("target refused")
        assert parts.service.custom_voice(parts.mine, task.id) is task

    run(work())


# ---- callback faults ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("drop", []),
        ("hold", []),
        ("times=3", [9, 9, 9]),
        ("times=3;every=2", [9, 11, 13]),
        ("delay=30", [39]),
        ("delay=0", [9]),
        ("delay=30;times=2;every=5", [39, 44]),
        ("replay=3600", [9, 3609]),
        ("replay=0", [9, 9]),
        ("times=2;every=1;replay=100", [9, 10, 109]),
        ("early", [9]),
        ("malformed", [9]),
    ],
    ids=str,
)
def test_a_fault_says_when_and_how_often(fault: str, expected: list[float]) -> None:
    """A callback that is struck goes out at these virtual seconds; the others, and the task, are spared."""

    async def work() -> None:
        parts = bench(sender=StubSender())
        arm(parts, fault)
        task = parts.voice(callback_url=CALLBACK)
        await parts.advance(10_000)
        assert instants(parts) == expected
        assert instants(parts, PROCESSING) == [2]
        assert parts.told.moves[-1] == (task.id, SUCCEED)

    run(work())


def test_copies_are_deliveries_of_their_own() -> None:
    """Each copy has its own number and attempts, the id and bytes of the first, and says whose copy it is."""

    async def work() -> None:
        sender = Scripted(OK, BROKEN, after=OK)
        parts = bench(sender=sender, schedule=FIXED)
        arm(parts, "times=3")
        parts.voice(callback_url=CALLBACK)
        await parts.advance(100)
        first, *copies = list(parts.mine.deliveries)[1:]
        assert [item.number for item in (first, *copies)] == [2, 3, 4]
        assert {item.id for item in (first, *copies)} == {first.id}
        assert [item.original for item in copies] == [first, first]
        assert {item.body for item in copies} == {first.body}
        assert [len(item.attempts) for item in (first, *copies)] == [2, 1, 1]
        assert states(parts) == [DELIVERED] * 4

    run(work())


@pytest.mark.parametrize(
    ("answer", "state"), [(OK, DELIVERED), (BROKEN, FAILED), (NOBODY, FAILED), (BUSY, FAILED)]
)
def test_a_replay_is_sent_once(answer: Attempt, state: DeliveryState) -> None:
    """What is replayed is the very request of before, and is not tried again whatever the receiver says."""

    async def work() -> None:
        sender = Scripted(OK, OK, after=answer)
        parts = bench(sender=sender, schedule=FIXED, keys=[KEY])
        arm(parts, "replay=100")
        parts.voice(callback_url=CALLBACK)
        await parts.advance(10_000)
        assert instants(parts) == [9, 109]
        assert sender.sent[1] == sender.sent[2]
        assert sender.headers[1] == sender.headers[2]
        assert sorted(states(parts)) == sorted([DELIVERED, DELIVERED, state])

    run(work())


@pytest.mark.parametrize("fault", ["replay=5", "times=3;every=5", "delay=5", "delay=5;replay=5"])
def test_while_an_account_holds_nothing_new_is_sent(fault: str) -> None:
    """A callback that is struck waits like any other, its copies too, and nothing of it is replayed."""

    async def work() -> None:
        sender = StubSender()
        parts = bench(sender=sender)
        parts.mine.deliveries.hold = True
        arm(parts, fault)
        parts.voice(callback_url=CALLBACK)
        await parts.advance(1000)
        assert sender.sent == []
        assert set(states(parts)) == {HELD}

    run(work())


def test_the_log_has_the_headers_of_each_attempt() -> None:
    """What was signed, and how, is kept with the attempt: retries have timestamps of their own."""

    async def work() -> None:
        sender = Scripted(OK, BROKEN, BROKEN, OK)
        parts = bench(sender=sender, schedule=FIXED, keys=[KEY])
        parts.voice(callback_url=CALLBACK)
        await parts.advance(1000)
        tried = [item for delivery in parts.mine.deliveries for item in delivery.attempts]
        assert [item.headers for item in tried] == sender.headers
        assert {item.headers["webhook-id"] for item in tried[1:]} == {of_succeed(parts).id}

    run(work())


def test_a_delay_may_be_drawn() -> None:
    """Drawn delays differ from task to task, so that callbacks overtake each other, and repeat by seed."""

    async def story() -> list[tuple[str, float]]:
        parts = bench(sender=StubSender())
        arm(parts, {"delay": {"uniform": [0, 60]}})
        tasks = [parts.voice(callback_url=CALLBACK).id for _ in range(10)]
        await parts.advance(100)
        told = [event for event in parts.told.of(CallbackAttempted) if event.task_status == SUCCEED]
        order = [(event.task_id, (event.at - T0) / 1000) for event in told]
        assert {name for name, _ in order} == set(tasks)
        assert [name for name, _ in order] != tasks
        assert all(9 <= at < 69 for _, at in order)
        return order

    assert run(story()) == run(story())


def test_a_scenario_strikes_each_of_its_tasks() -> None:
    """What a scenario does to callbacks it does to its own tasks only."""

    async def work() -> None:
        parts = bench(sender=StubSender())
        twice = parts.voice(callback_url=CALLBACK, scenario="cb-twice")
        once = parts.voice(callback_url=CALLBACK)
        await parts.advance(100)
        counts = Counter(event.task_id for event in parts.told.of(CallbackAttempted))
        assert counts == {twice.id: 4, once.id: 2}

    run(work())


# ---- by hand --------------------------------------------------------------------------------


def test_an_account_can_hold_its_callbacks() -> None:
    """While an account holds, new callbacks wait, and an advance does not wait for them; others' are sent."""

    async def work() -> None:
        sender = StubSender()
        parts = bench(sender=sender)
        parts.mine.deliveries.hold = True
        yours = parts.accounts.get("yours")
        for account in (parts.mine, yours):
            parts.voice(account, callback_url=f"{CALLBACK}/{account.id}")
            await parts.advance(9, account)
        assert states(parts) == [HELD, HELD]
        assert [url for url, _ in sender.sent] == [f"{CALLBACK}/yours"] * 2
        for item in parts.mine.deliveries:
            parts.courier.send(parts.mine, item)
        await parts.advance(0)
        assert states(parts) == [DELIVERED, DELIVERED]
        assert [json.loads(body)["task_status"] for _, body in sender.sent[2:]] == [
            PROCESSING,
            SUCCEED,
        ]

    run(work())


def test_what_was_called_off_does_not_come() -> None:
    """A planned attempt that was held or dropped meanwhile is no attempt; one that was fired comes once."""

    async def work() -> None:
        parts = bench(sender=Scripted(BROKEN, BROKEN, BROKEN, BROKEN), schedule=FIXED)
        for _ in range(2):
            parts.voice(callback_url=CALLBACK)
        await parts.advance(9)
        held, dropped, fired, alone = parts.mine.deliveries
        held.state, held.next_at = HELD, None
        parts.mine.deliveries.finish(dropped, DROPPED)
        parts.courier.send(parts.mine, fired)
        await parts.advance(1000)
        assert states(parts) == [HELD, DROPPED, DELIVERED, DELIVERED]
        assert [len(item.attempts) for item in (held, dropped, fired, alone)] == [1, 1, 2, 2]

    run(work())


def test_a_fired_attempt_takes_the_place_of_the_planned_one() -> None:
    """Whoever fires between two attempts moves the schedule: the old instant brings nothing, the new one does."""

    async def work() -> None:
        parts = bench(sender=Scripted(OK, after=BROKEN), schedule=FIXED)
        parts.voice(callback_url=CALLBACK)
        await parts.advance(20)
        parts.courier.send(parts.mine, of_succeed(parts))
        await parts.advance(1000)
        assert instants(parts) == [9, 20, 80, 140]

    run(work())


@pytest.mark.parametrize("fault", ["times=1", "drop", "hold", "malformed"])
def test_anything_can_be_sent_once_more(fault: str) -> None:
    """A resent callback is a delivery of its own with the same id and bytes, whatever became of the first."""

    async def work() -> None:
        sender = StubSender()
        parts = bench(sender=sender)
        arm(parts, fault)
        parts.voice(callback_url=CALLBACK)
        await parts.advance(9)
        first = of_succeed(parts)
        before, sent = first.state, len(sender.sent)
        copy = parts.courier.resend(parts.mine, first)
        again = parts.courier.resend(parts.mine, copy)
        await parts.advance(0)
        assert first.state is before
        assert (copy.id, copy.original, again.original) == (first.id, first, first)
        assert [item.state for item in (copy, again)] == [DELIVERED] * 2
        assert [body for _, body in sender.sent[sent:]] == [first.body] * 2

    run(work())


# ---- nothing lost, nothing doubled ----------------------------------------------------------


def test_ten_thousand_at_once_come_once_each() -> None:
    """Ten thousand callbacks that fall due together are each delivered exactly once, four at a time."""
    count = 10_000

    async def work() -> None:
        sender = StubSender()
        parts = bench(sender=sender)
        tasks = [parts.voice(callback_url=CALLBACK, scenario="default").id for _ in range(count)]
        await parts.advance(9)
        told = Counter(
            (event.task_id, event.task_status) for event in parts.told.of(CallbackAttempted)
        )
        assert len(told) == 2 * count
        assert set(told.values()) == {1}
        assert {name for name, _ in told} == set(tasks)
        assert len(sender.sent) == 2 * count
        assert sender.most_open <= PER_RECEIVER
        assert len(parts.mine.deliveries) + parts.mine.deliveries.dropped == 2 * count
        assert set(states(parts)) == {DELIVERED}

    run(work())


outcomes = st.lists(
    st.sampled_from([OK, BUSY, BROKEN, GONE, NOBODY, replace(BUSY, retry_after_s=33.0)]),
    max_size=30,
)


@quick
@given(
    outcomes,
    st.lists(st.sampled_from([0.5, 2, 7, 60, 300]), min_size=1, max_size=6),
    st.sampled_from(list(SCHEDULES.values())),
)
def test_every_callback_is_delivered_failed_or_pending(
    script: list[Attempt], jumps: list[float], schedule: Schedule
) -> None:
    """Whatever receivers answer: no callback is lost, none is sent after it was taken, and all end in the end."""

    async def work() -> None:
        parts = bench(sender=Scripted(*script, after=OK), schedule=schedule)
        tasks = [parts.voice(callback_url=CALLBACK).id for _ in range(3)]
        for jump in jumps:
            await parts.advance(jump)
        await parts.advance(10**7)
        found = [(item.task.id, item.seen.status) for item in parts.mine.deliveries]
        assert sorted(found) == sorted(
            (name, status) for name in tasks for status in (PROCESSING, SUCCEED)
        )
        for item in parts.mine.deliveries:
            assert item.state in OVER
            taken = [tried.status == 200 for tried in item.attempts]
            assert 1 <= len(taken) <= len(schedule.delays_s) + 1
            assert sum(taken) == (item.state is DELIVERED)
            assert not any(taken[:-1])
            assert [tried.attempt for tried in item.attempts] == list(range(1, len(taken) + 1))
        assert parts.mine.callbacks_made == sum(
            len(item.attempts) for item in parts.mine.deliveries
        )
        assert parts.mine.agenda.next_at() is None

    run(work())


@quick
@given(st.lists(st.sampled_from([0.5, 2.0, 7.0, 60.0, 61.0]), min_size=1, max_size=5))
def test_many_advances_equal_one_with_retries(jumps: list[float]) -> None:
    """Advancing piece by piece tries again at the same instants as one advance by the sum."""

    async def story(pieces: list[float]) -> list[Any]:
        parts = bench(sender=Scripted(after=BROKEN), schedule=EXPONENTIAL)
        for _ in range(2):
            parts.voice(callback_url=CALLBACK)
        for piece in pieces:
            await parts.advance(piece)
        return [
            (item.state, item.next_at, [tried.at for tried in item.attempts])
            for item in parts.mine.deliveries
        ]

    assert run(story(jumps)) == run(story([sum(jumps)]))


actions = st.tuples(
    st.sampled_from(["advance", "create", "hold", "release", "fire", "drop", "resend", "account"]),
    st.integers(0, 9),
)


def act(parts: Bench, action: str, number: int) -> None:
    """Does what the control API does, to one delivery or to the account, where it can be done."""
    deliveries = parts.mine.deliveries
    found = list(deliveries)
    if action == "account":
        deliveries.hold = not deliveries.hold
        return
    if action == "create":
        parts.voice(callback_url=CALLBACK, scenario="cb-twice" if number % 3 == 0 else None)
        return
    if not found:
        return
    delivery = found[number % len(found)]
    is_held, is_planned = delivery.state is HELD, delivery.next_at is not None
    if action == "resend":
        parts.courier.resend(parts.mine, delivery)
    elif action == "hold" and is_planned:
        delivery.state, delivery.next_at = HELD, None
    elif action == "drop" and (is_held or is_planned):
        deliveries.finish(delivery, DROPPED)
    elif (action == "release" and is_held) or (action == "fire" and (is_held or is_planned)):
        parts.courier.send(parts.mine, delivery)


@quick
@given(st.lists(actions, max_size=25), outcomes)
def test_the_log_is_the_truth(program: list[tuple[str, int]], script: list[Attempt]) -> None:
    """Whatever is done by hand: one delivery for each status, no attempt that is not logged, none after its end."""

    async def work() -> None:
        sender = Scripted(*script, after=OK)
        parts = bench(sender=sender, schedule=EXPONENTIAL, keys=[KEY])
        for action, number in program:
            if action == "advance":
                await parts.advance(number)
            else:
                act(parts, action, number)
        await parts.advance(10**5)
        found = list(parts.mine.deliveries)
        firsts = [(item.task.id, item.seen.status) for item in found if item.original is None]
        created = sum(action == "create" for action, _ in program)
        assert len(firsts) == len(set(firsts)) == 2 * created
        assert len(sender.sent) == sum(len(item.attempts) for item in found)
        assert Counter(headers["webhook-id"] for headers in sender.headers) == Counter(
            item.id for item in found for _ in item.attempts
        )
        bodies: dict[str, set[bytes]] = {}
        for (_, body), headers in zip(sender.sent, sender.headers, strict=True):
            bodies.setdefault(headers["webhook-id"], set()).add(body)
        assert all(len(alike) == 1 for alike in bodies.values())
        for item in found:
            assert item.state in {*OVER, HELD}
            assert item.next_at is None
            taken = [tried.status == 200 for tried in item.attempts]
            assert not any(taken[:-1])
            assert (item.state is DELIVERED) == bool(taken and taken[-1])
        assert parts.courier.in_flight(parts.mine) == []

    run(work())


# ---- resetting and stopping -----------------------------------------------------------------


def test_nothing_planned_of_a_reset_account_is_sent() -> None:
    """After a reset no retry, copy or replay of before goes out, and the new account begins with nothing."""

    async def work() -> None:
        sender = Scripted(after=BROKEN)
        parts = bench(sender=sender, schedule=FIXED)
        parts.dispatcher.start(parts.accounts)
        arm(parts, "times=5;every=10;replay=50")
        parts.voice(callback_url=CALLBACK)
        await parts.advance(9)
        old, sent = parts.mine, len(sender.sent)
        assert old.agenda.next_at() is not None
        new = parts.accounts.reset(old)
        await parts.dispatcher.forget(old)
        await parts.advance(1000, new)
        await parts.advance(1000, old)
        assert len(sender.sent) == sent
        assert len(new.deliveries) == 0
        await parts.dispatcher.stop(parts.accounts, 0)
        assert parts.told.undelivered == []

    run(work())


def test_an_attempt_under_way_plans_nothing_after_a_reset() -> None:
    """An attempt that a reset meets is ended; nothing is tried again on its behalf."""

    async def work() -> None:
        sender = Scripted(after=BROKEN)
        sender.go.clear()
        parts = bench(Progression.IMMEDIATE, sender=sender, schedule=FIXED)
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=CALLBACK)
        await turns()
        assert sender.open == 1
        old = parts.mine
        new = parts.accounts.reset(old)
        await parts.dispatcher.forget(old)
        sender.go.set()
        await parts.advance(1000, new)
        assert (sender.open, len(sender.sent), parts.told.attempts) == (0, 1, [])
        assert old.agenda.next_at() is None
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


def test_a_stop_names_all_that_is_pending() -> None:
    """Told are planned retries with the time to go, held ones and those under way without, and future statuses."""

    async def work() -> None:
        sender = Scripted(BROKEN)
        parts = bench(sender=sender, schedule=FIXED)
        parts.dispatcher.start(parts.accounts)
        retried = parts.voice(callback_url=CALLBACK).id
        await parts.advance(2)
        parts.mine.deliveries.hold = True
        held = parts.voice(callback_url=CALLBACK).id
        await parts.advance(2)
        parts.mine.deliveries.hold = False
        sender.go.clear()
        under_way = parts.voice(callback_url="http://slow.test/").id
        await parts.dispatcher.advance(parts.mine, 2000, deliver=False)
        await turns()
        assert sender.open == 1
        await parts.dispatcher.stop(parts.accounts, 0)
        told = [
            (event.task_id, event.task_status, event.due_in_s)
            for event in parts.told.of(CallbackNotDelivered)
        ]
        assert len(told) == len(set(told))
        assert set(told) == {
            (retried, PROCESSING, 56.0),
            (retried, SUCCEED, 3.0),
            (held, PROCESSING, None),
            (held, SUCCEED, 5.0),
            (under_way, PROCESSING, None),
            (under_way, SUCCEED, 7.0),
        }

    run(work())


def test_a_stop_names_nothing_that_is_over() -> None:
    """Delivered, failed and dropped callbacks are over: a stop is silent about them."""

    async def work() -> None:
        parts = bench(sender=Scripted(OK, BROKEN, OK))
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=CALLBACK)
        await parts.advance(9)
        arm(parts, "drop")
        parts.voice(callback_url=CALLBACK)
        await parts.advance(9)
        assert states(parts) == [DELIVERED, FAILED, DELIVERED, DROPPED]
        await parts.dispatcher.stop(parts.accounts, 0)
        assert parts.told.undelivered == []

    run(work())
