"""Delivering callbacks, and walking an account's clock from due to due."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.behaviour import Behaviour
from mock_server.core.scenario import Progression
from mock_server.core.target import TargetPolicy
from mock_server.core.task import Step, intervene, observe
from mock_server.events import CallbackAttempted, CallbackNotDelivered, Event, TaskMoved
from mock_server.http import wire
from mock_server.outgoing import CONTENT_TYPE
from mock_server.sender import Sender
from mock_server.sending import PER_RECEIVER
from mock_server.service import Service
from tests.support.bench import Bench, StubSender, bench, run, turns
from tests.support.receiver import PATIENCE_S, Answer, Receiver
from tests.support.tasks import FAILED, PROCESSING, SUBMITTED, SUCCEED, T0, quick

IMMEDIATE = Progression.IMMEDIATE
CALLBACK = "http://receiver.test/callback"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that says OK."""
    with Receiver() as found:
        yield found


def statuses(receiver: Receiver) -> list[str]:
    """The task statuses that arrived, in order of arrival."""
    return [request.json["task_status"] for request in receiver.requests]


def reading(name: str, value: str) -> Behaviour:
    """The record with one reading changed."""
    return Behaviour().replaced(name, value)


async def arrived(receiver: Receiver, count: int) -> None:
    """Waits until so many requests have arrived."""
    await asyncio.to_thread(
        receiver.wait_until, lambda: len(receiver.requests) >= count, f"{count} requests"
    )


def shape(events: list[Event]) -> list[tuple[Any, ...]]:
    """Events without their wall times, comparable."""
    shapes: list[tuple[Any, ...]] = []
    for event in events:
        if isinstance(event, TaskMoved):
            shapes.append(("moved", event.task_id, event.status, event.at))
        elif isinstance(event, CallbackAttempted):
            shapes.append(("attempt", event.task_id, event.task_status, event.status))
        else:
            shapes.append(("other", event))
    return shapes


# ---- what is sent ---------------------------------------------------------------------------


def test_a_callback_is_the_task_as_a_query_shows_it(receiver: Receiver) -> None:
    """The body is the bare task record as it was at the instant of the status, sent as JSON."""

    async def work() -> None:
        parts = bench()
        parts.dispatcher.start(parts.accounts)
        task = parts.voice(callback_url=receiver.url("/cb?x=1"), external_id="e")
        await parts.advance(100)
        for request, age in zip(receiver.requests, (2000, 9000), strict=True):
            assert request.method == "POST"
            assert request.path == "/cb?x=1"
            assert request.headers["content-type"] == CONTENT_TYPE
            assert request.json == json.loads(
                json.dumps(wire.voice_record(task, observe(task, T0 + age)))
            )
            assert request.json["updated_at"] == T0 + age
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())
    assert statuses(receiver) == [PROCESSING, SUCCEED]


def test_immediate_progression_reports_each_status(receiver: Receiver) -> None:
    """When all steps come at once, each has its callback with its own status, in order."""

    async def work() -> None:
        parts = bench(IMMEDIATE)
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=receiver.url())
        await parts.told.until(lambda: len(parts.told.attempts) == 2)
        await parts.dispatcher.stop(parts.accounts, 0)
        assert parts.told.undelivered == []

    run(work())
    assert statuses(receiver) == [PROCESSING, SUCCEED]
    assert "task_result" not in receiver.requests[0].json


def test_ezmodel_calls_back_with_its_flat_record(receiver: Receiver) -> None:
    """A speech of EzModel reports its audio once, in the dialect's own record."""

    async def work() -> None:
        parts = bench()
        parts.dispatcher.start(parts.accounts)
        parts.speech(dialect="ezmodel", language=None, callback_url=receiver.url())
        await parts.told.until(lambda: len(parts.told.attempts) == 1)
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())
    (request,) = receiver.requests
    assert set(request.json) == {"audio_id", "audio_url", "duration", "created_at"}


def test_an_attempt_is_told_without_the_secrets_of_its_url(receiver: Receiver) -> None:
    """An attempt is told with its number, status and the URL, but not with user information and query."""

    async def work() -> None:
        parts = bench(behaviour=reading("callback_firing", "terminal"))
        parts.dispatcher.start(parts.accounts)
        url = receiver.url("/cb?token=s3cret").replace("http://", "http://me:s3cret@")
        task = parts.voice(callback_url=url)
        await parts.advance(9)
        (told,) = parts.told.of(CallbackAttempted)
        assert (told.task_id, told.account_id, told.attempt) == (task.id, "mine", 1)
        assert told.url == f"http://127.0.0.1:{receiver.port}/cb?..."
        assert "s3cret" not in str(parts.told.events)
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())
    assert receiver.requests[0].path == "/cb?token=s3cret"


# ---- order and limits -----------------------------------------------------------------------


def test_a_task_reports_in_order(receiver: Receiver) -> None:
    """The next callback of a task waits for the answer to the one before."""
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))

    async def work() -> None:
        parts = bench(IMMEDIATE, behaviour=reading("callback_firing", "with_submitted"))
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=receiver.url("/first"))
        await arrived(receiver, 1)
        # Another task's callbacks come through meanwhile, so the loop had its time.
        parts.voice(callback_url=receiver.url("/second"))
        await parts.told.until(lambda: len(parts.told.attempts) == 3)
        assert [request.path for request in receiver.requests].count("/first") == 1
        gate.set()
        await parts.told.until(lambda: len(parts.told.attempts) == 6)
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())
    for path in ("/first", "/second"):
        order = [item.json["task_status"] for item in receiver.requests if item.path == path]
        assert order == [SUBMITTED, PROCESSING, SUCCEED]


def test_at_most_four_are_open_to_a_receiver(receiver: Receiver) -> None:
    """A receiver has at most four callbacks open at once, of all accounts together; others have their own four."""
    gate = receiver.gate()
    receiver.script += [Answer(after=gate)] * 20

    async def work() -> None:
        with Receiver() as other:
            parts = bench(IMMEDIATE)
            parts.dispatcher.start(parts.accounts)
            yours = parts.accounts.get("yours")
            for number in range(5):
                parts.voice(callback_url=receiver.url(f"/{number}"))
                parts.voice(yours, callback_url=receiver.url(f"/y{number}"))
            await arrived(receiver, PER_RECEIVER)
            parts.voice(callback_url=other.url())
            await parts.told.until(lambda: len(parts.told.attempts) == 2)
            assert receiver.open == PER_RECEIVER == 4
            assert len(receiver.requests) == 4
            gate.set()
            await parts.told.until(lambda: len(parts.told.attempts) == 22)
            await parts.dispatcher.stop(parts.accounts, 0)

    run(work())
    assert receiver.most_open == 4
    assert len(receiver.requests) == 20


def test_a_receiver_is_its_host_and_port() -> None:
    """Letter case and user information of a URL do not make another receiver of it."""

    async def work() -> None:
        sender = StubSender()
        sender.go.clear()
        parts = bench(IMMEDIATE, sender=sender)
        parts.dispatcher.start(parts.accounts)
        for url in (
            "http://r.test/",
            "http://R.test/x",
            "http://a:b@r.test/",
            "http://r.test:80/",
        ) * 2:
            parts.voice(callback_url=url)
        await turns()
        sender.go.set()
        await parts.told.until(lambda: len(parts.told.attempts) == 16)
        await parts.dispatcher.stop(parts.accounts, 0)
        assert sender.most_open == PER_RECEIVER

    run(work())


# ---- receivers that do not behave -----------------------------------------------------------


def test_a_slow_receiver_disturbs_nobody(receiver: Receiver) -> None:
    """While a receiver is silent, tasks are created, queried and advanced, and others get their callbacks."""
    receiver.script.append(Answer(after=receiver.gate()))

    async def work() -> None:
        with Receiver() as other:
            parts = bench()
            parts.dispatcher.start(parts.accounts)
            task = parts.voice(callback_url=receiver.url())
            advancing = asyncio.create_task(parts.advance(2))
            await arrived(receiver, 1)
            yours = parts.accounts.get("yours")
            theirs = parts.voice(yours, callback_url=other.url())
            assert len(await parts.advance(9, yours)) == 4
            assert parts.service.custom_voice(yours, theirs.id) is theirs
            assert parts.service.custom_voice(parts.mine, task.id) is task
            assert observe(task, parts.mine.clock.now()).status is PROCESSING
            assert parts.voice().id != task.id
            assert not advancing.done()
            advancing.cancel()
            await asyncio.gather(advancing, return_exceptions=True)
            await parts.dispatcher.stop(parts.accounts, 0)
        assert statuses(other) == [PROCESSING, SUCCEED]

    run(work())


@pytest.mark.parametrize(
    "answer", [Answer(500), Answer(302, {"location": "/"}), Answer(cut=True)], ids=str
)
def test_a_failing_receiver_changes_no_task(receiver: Receiver, answer: Answer) -> None:
    """A receiver that fails, redirects or hangs up is told so, and the task goes its way."""
    receiver.script += [answer, answer]

    async def work() -> None:
        parts = bench()
        parts.dispatcher.start(parts.accounts)
        task = parts.voice(callback_url=receiver.url())
        await parts.advance(9)
        expected = None if answer.cut else answer.status
        assert parts.told.attempts == [(PROCESSING, expected), (SUCCEED, expected)]
        assert observe(task, parts.mine.clock.now()).status is SUCCEED
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())
    assert [request.path for request in receiver.requests] == ["/callback"] * 2


def test_a_receiver_that_times_out_ends_the_advance(receiver: Receiver) -> None:
    """An advance waits for a silent receiver only as long as an attempt may take, for each attempt anew."""
    receiver.script += [Answer(after=receiver.gate())] * 2

    async def work() -> None:
        parts = bench(sender=Sender(0.1, TargetPolicy()))
        parts.dispatcher.start(parts.accounts)
        task = parts.voice(callback_url=receiver.url())
        await parts.advance(9)
        told = parts.told.of(CallbackAttempted)
        assert [event.task_status for event in told] == [PROCESSING, SUCCEED]
        assert [event.error for event in told] == ["no answer within 0.1 s"] * 2
        assert observe(task, parts.mine.clock.now()).status is SUCCEED
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://0", "target refused"),
        ("http://[bad", ""),
        ("http://127.0.0.1:99999/", ""),
        ("http://☃☃/", ""),
        ("http://user:s3cret@169.254.169.254/?k=s3cret", "link-local"),
        ("http://[fe80::1]/", "link-local"),
    ],
)
def test_an_odd_url_is_told_and_the_task_goes_on(
    url: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A callback URL that leads nowhere, or where it must not, is told as a failed attempt; no secret is shown."""
    real = socket.getaddrinfo

    def here(host: Any, *args: Any, **options: Any) -> Any:
        if host in ("☃☃", "xn--n3ha"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", here)

    async def work() -> None:
        parts = bench(IMMEDIATE)
        parts.dispatcher.start(parts.accounts)
        task = parts.voice(callback_url=url)
        await parts.told.until(lambda: len(parts.told.attempts) == 2)
        for event in parts.told.of(CallbackAttempted):
            assert event.status is None
            assert words in event.error
            assert event.error
        assert observe(task, T0).status is SUCCEED
        assert "s3cret" not in str(parts.told.events)
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


# ---- advancing ------------------------------------------------------------------------------


def test_an_advance_goes_from_due_to_due(receiver: Receiver) -> None:
    """An advance tells what happened in due order: each transition, then its callback, at its own instant."""

    async def work() -> None:
        parts = bench()
        parts.dispatcher.start(parts.accounts)
        first = parts.voice(callback_url=receiver.url())
        await parts.advance(1)
        second = parts.voice(scenario="noisy")
        events = await parts.advance(8)
        assert shape(events) == [
            ("moved", first.id, PROCESSING, T0 + 2000),
            ("attempt", first.id, PROCESSING, 200),
            ("moved", second.id, PROCESSING, T0 + 3000),
            ("moved", second.id, FAILED, T0 + 7000),
            ("moved", first.id, SUCCEED, T0 + 9000),
            ("attempt", first.id, SUCCEED, 200),
        ]
        assert parts.told.events[2:] == events
        assert parts.mine.clock.now() == T0 + 9000
        assert parts.clock.now() == T0
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


def test_an_advance_awaits_each_attempt(receiver: Receiver) -> None:
    """An advance ends only when the receiver has answered, and the clock waits at the instant of the callback."""
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))

    async def work() -> None:
        parts = bench()
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=receiver.url())
        advancing = asyncio.create_task(parts.advance(9))
        await arrived(receiver, 1)
        await turns()
        assert not advancing.done()
        assert parts.mine.clock.now() == T0 + 2000
        gate.set()
        assert len(await advancing) == 4
        assert parts.mine.clock.now() == T0 + 9000
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


def test_after_an_advance_nothing_that_was_due_is_in_flight(receiver: Receiver) -> None:
    """An advance also awaits callbacks that had fallen due, and were begun, before it."""
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))

    async def work() -> None:
        parts = bench(IMMEDIATE)
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=receiver.url())
        await arrived(receiver, 1)
        advancing = asyncio.create_task(parts.advance(0))
        await turns()
        early = advancing.done()
        gate.set()
        await advancing
        attempts = list(parts.told.attempts)
        await parts.dispatcher.stop(parts.accounts, PATIENCE_S)
        assert not early
        assert attempts == [(PROCESSING, 200), (SUCCEED, 200)]

    run(work())


def test_an_advance_works_without_a_running_dispatcher() -> None:
    """Advancing delivers by itself, also where nothing is sent by timer."""

    async def work() -> None:
        sender = StubSender()
        parts = bench(sender=sender)
        parts.voice(callback_url=CALLBACK)
        await parts.advance(9)
        assert [url for url, _ in sender.sent] == [CALLBACK] * 2

    run(work())


seconds = st.sampled_from([0.0, 0.5, 1.0, 2.0, 4.0, 7.0])


@quick
@given(st.lists(seconds, min_size=1, max_size=5), st.lists(st.booleans(), min_size=1, max_size=3))
def test_many_advances_equal_one(parts_of_it: list[float], noisy: list[bool]) -> None:
    """advance(a) + advance(b) equals advance(a + b): for task state, the clock, what happened and what was sent."""

    async def work(jumps: list[float]) -> Any:
        sender = StubSender()
        parts = bench(sender=sender)
        parts.dispatcher.start(parts.accounts)
        tasks = [
            parts.voice(scenario="noisy" if fails else None, callback_url=f"{CALLBACK}{number}")
            for number, fails in enumerate(noisy)
        ]
        events: list[Event] = []
        for jump in jumps:
            events += await parts.advance(jump)
        now = parts.mine.clock.now()
        await parts.dispatcher.stop([], 0)
        return now, [observe(task, now) for task in tasks], shape(events), sender.sent

    assert run(work(parts_of_it)) == run(work([sum(parts_of_it)]))


@quick
@given(seconds)
def test_a_jump_swallows_nothing(jump: float) -> None:
    """Whatever the length of an advance, exactly the steps up to its end happen, none twice and none left out."""

    async def work() -> None:
        parts = bench(sender=StubSender(), behaviour=reading("callback_firing", "with_submitted"))
        task = parts.voice(callback_url=CALLBACK)
        events = shape(await parts.advance(jump))
        due = [(SUBMITTED, 0), (PROCESSING, 2), (SUCCEED, 9)]
        come = [(status, at) for status, at in due if at <= jump]
        assert [row for row in events if row[0] == "moved"] == [
            ("moved", task.id, status, T0 + at * 1000) for status, at in come[1:]
        ]
        assert [row[2] for row in events if row[0] == "attempt"] == [status for status, _ in come]

    run(work())


def test_advances_of_one_account_wait_for_each_other(receiver: Receiver) -> None:
    """Two advances at once are done one after the other and add up, and nothing is delivered twice."""
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))

    async def work() -> None:
        parts = bench()
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=receiver.url())
        parts.mine.own_clock()
        first = asyncio.create_task(parts.dispatcher.advance(parts.mine, 5000))
        await arrived(receiver, 1)
        second = asyncio.create_task(parts.dispatcher.advance(parts.mine, 4000))
        await turns()
        assert parts.mine.clock.now() == T0 + 2000
        gate.set()
        assert [row[2] for row in shape(await first)] == [PROCESSING, PROCESSING]
        assert [row[2] for row in shape(await second)] == [SUCCEED, SUCCEED]
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())
    assert statuses(receiver) == [PROCESSING, SUCCEED]


def test_an_advance_by_nothing_moves_nothing() -> None:
    """An advance by 0 delivers what is due now, and no more."""

    async def work() -> None:
        parts = bench(sender=StubSender())
        parts.mine.own_clock().jump_to(T0 + 500)
        parts.voice(callback_url=CALLBACK)
        assert await parts.dispatcher.advance(parts.mine, 0) == []
        assert parts.mine.clock.now() == T0 + 500

    run(work())


def test_a_cancelled_advance_leaves_the_rest_to_the_timer(receiver: Receiver) -> None:
    """When the caller of an advance goes away, the clock stays where it got to, and later steps still come."""
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))

    async def work() -> None:
        parts = bench()
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=receiver.url())
        advancing = asyncio.create_task(parts.advance(9))
        await arrived(receiver, 1)
        advancing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await advancing
        assert parts.mine.clock.now() == T0 + 2000
        gate.set()
        # The attempt that was under way is told to whoever advances next.
        events = shape(await parts.advance(7))
        assert [row[2] for row in events] == [PROCESSING, SUCCEED, SUCCEED]
        await parts.dispatcher.stop(parts.accounts, PATIENCE_S)

    run(work())
    assert statuses(receiver) == [PROCESSING, SUCCEED]


def test_an_advance_to_an_instant_goes_there(receiver: Receiver) -> None:
    """An advance to an instant is the advance by what is missing; to one that has passed it moves nothing."""

    async def work() -> None:
        parts = bench()
        task = parts.voice(callback_url=receiver.url())
        dispatcher = parts.dispatcher
        assert shape(await dispatcher.advance_to(parts.mine, T0 + 2000)) == [
            ("moved", task.id, PROCESSING, T0 + 2000),
            ("attempt", task.id, PROCESSING, 200),
        ]
        assert parts.mine.clock.now() == T0 + 2000
        assert await dispatcher.advance_to(parts.mine, T0 + 1000) == []
        assert parts.mine.clock.now() == T0 + 2000
        await dispatcher.advance_to(parts.mine, T0 + 9001)
        assert parts.mine.clock.now() == T0 + 9001
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


def test_an_advance_need_not_wait_for_receivers(receiver: Receiver) -> None:
    """Without deliver the clock goes all the way while receivers hold their answers; the callbacks follow in order."""
    gate = receiver.gate()
    receiver.script += [Answer(after=gate)]

    async def work() -> None:
        parts = bench()
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=receiver.url())
        events = await parts.dispatcher.advance(parts.mine, 9000, deliver=False)
        assert [row[0] for row in shape(events)] == ["moved", "moved"]
        assert parts.mine.clock.now() == T0 + 9000
        assert parts.told.attempts == []
        await arrived(receiver, 1)
        assert bool(parts.courier.in_flight(parts.mine))
        assert not parts.courier.in_flight(parts.accounts.get("yours"))
        gate.set()
        await parts.told.until(lambda: len(parts.told.attempts) == 2)
        await turns()
        assert not bool(parts.courier.in_flight(parts.mine))
        await parts.dispatcher.stop(parts.accounts, PATIENCE_S)

    run(work())
    assert statuses(receiver) == [PROCESSING, SUCCEED]


def test_settling_delivers_what_is_due_and_moves_no_time(receiver: Receiver) -> None:
    """A settle awaits what is in flight and what is due now, and touches no clock."""
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))

    async def work() -> None:
        parts = bench()
        task = parts.voice(callback_url=receiver.url())
        parts.clock.jump(2000)
        settling = asyncio.create_task(parts.dispatcher.settle(parts.mine))
        await arrived(receiver, 1)
        await turns()
        assert not settling.done()
        gate.set()
        assert shape(await settling) == [
            ("moved", task.id, PROCESSING, T0 + 2000),
            ("attempt", task.id, PROCESSING, 200),
        ]
        assert await parts.dispatcher.settle(parts.mine) == []
        assert not parts.mine.has_own_clock
        assert parts.clock.now() == T0 + 2000
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


def test_a_settle_tells_what_was_in_flight(receiver: Receiver) -> None:
    """Callbacks that were begun before are told by the settle that awaits them."""
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))

    async def work() -> None:
        parts = bench(IMMEDIATE)
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=receiver.url())
        await arrived(receiver, 1)
        settling = asyncio.create_task(parts.dispatcher.settle(parts.mine))
        await turns()
        gate.set()
        assert [(row[0], row[2]) for row in shape(await settling)] == [
            ("attempt", PROCESSING),
            ("attempt", SUCCEED),
        ]
        await parts.dispatcher.stop(parts.accounts, PATIENCE_S)

    run(work())


def test_attempts_are_logged_with_the_instant_of_their_account(receiver: Receiver) -> None:
    """An account logs its own attempts, each with the instant its clock showed."""

    async def work() -> None:
        parts = bench()
        yours = parts.accounts.get("yours")
        parts.voice(callback_url=receiver.url())
        parts.voice(yours, callback_url=receiver.url())
        await parts.advance(9)
        assert [(item.task_status, item.at) for item in parts.mine.callbacks] == [
            (PROCESSING, T0 + 2000),
            (SUCCEED, T0 + 9000),
        ]
        assert list(yours.callbacks) == []
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


# ---- forgetting -----------------------------------------------------------------------------


def test_nothing_of_a_reset_account_is_sent(receiver: Receiver) -> None:
    """After an account is forgotten its callbacks neither begin nor go on, and another account's do."""
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))

    async def work() -> None:
        parts = bench()
        parts.dispatcher.start(parts.accounts)
        yours = parts.accounts.get("yours")
        for account in (parts.mine, yours):
            parts.voice(account, callback_url=receiver.url(f"/{account.id}"))
        await parts.dispatcher.advance(parts.mine, 9000, deliver=False)
        await arrived(receiver, 1)
        old = parts.mine
        new = parts.accounts.reset(old)
        await parts.dispatcher.forget(old)
        assert not bool(parts.courier.in_flight(old))
        gate.set()
        assert await parts.dispatcher.settle(new) == []
        await parts.advance(100, new)
        assert len(await parts.advance(9, yours)) == 4
        await parts.dispatcher.stop(parts.accounts, PATIENCE_S)
        assert old.callbacks_made == 0
        assert parts.told.undelivered == []

    run(work())
    assert [request.path for request in receiver.requests] == ["/mine", "/yours", "/yours"]


def test_who_waits_for_a_forgotten_account_is_let_go(receiver: Receiver) -> None:
    """A wait for a task of a reset account, and an advance of it, end; a wait of another account goes on."""
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))

    async def work() -> None:
        parts = bench()
        yours = parts.accounts.get("yours")
        task, other = parts.voice(callback_url=receiver.url()), parts.voice(yours)
        waiting = asyncio.create_task(parts.dispatcher.until_terminal(parts.mine, task))
        waits_on = asyncio.create_task(parts.dispatcher.until_terminal(yours, other))
        advancing = asyncio.create_task(parts.advance(9))
        await arrived(receiver, 1)
        parts.accounts.reset(parts.mine)
        await parts.dispatcher.forget(parts.mine)
        for ended in (waiting, advancing):
            with pytest.raises(asyncio.CancelledError):
                await ended
        assert parts.mine.clock.now() == T0 + 2000
        await turns()
        assert not waits_on.done()
        await parts.advance(9, yours)
        assert (await waits_on).status is SUCCEED
        gate.set()
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


# ---- timers ---------------------------------------------------------------------------------


def test_steps_come_by_themselves_when_the_clock_runs() -> None:
    """With a running clock nobody has to ask: each step is told and reported when it is due."""

    async def work() -> None:
        sender = StubSender()
        parts = bench(rate=1e6, sender=sender)
        parts.dispatcher.start(parts.accounts)
        tasks = [parts.voice(callback_url=f"{CALLBACK}{number}") for number in range(3)]
        await parts.told.until(lambda: len(parts.told.attempts) == 6)
        for task in tasks:
            moves = [status for task_id, status in parts.told.moves if task_id == task.id]
            assert moves == [SUBMITTED, PROCESSING, SUCCEED]
        assert len(parts.mine.agenda) == 0
        await parts.dispatcher.stop(parts.accounts, 0)
        assert parts.told.undelivered == []

    run(work())


def test_a_clock_that_stands_still_brings_nothing() -> None:
    """While the clock stands still no later step comes, whatever else the loop does."""

    async def work() -> None:
        sender = StubSender()
        parts = bench(sender=sender)
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=CALLBACK)
        await turns()
        assert sender.sent == []
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


def test_what_was_planned_before_the_start_is_sent() -> None:
    """Steps that are due when the dispatcher starts are sent at once."""

    async def work() -> None:
        sender = StubSender()
        parts = bench(IMMEDIATE, sender=sender)
        parts.voice(callback_url=CALLBACK)
        await turns()
        assert sender.sent == []
        parts.dispatcher.start(parts.accounts)
        await parts.told.until(lambda: len(parts.told.attempts) == 2)
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


def test_a_thousand_steps_at_once_are_all_handled() -> None:
    """More steps than one turn of the loop handles are all told, each once and per task in order."""

    async def work() -> None:
        parts = bench(IMMEDIATE, sender=StubSender())
        parts.dispatcher.start(parts.accounts)
        tasks = [parts.voice() for _ in range(600)]
        await parts.told.until(lambda: len(parts.told.moves) == 1800)
        for task in (tasks[0], tasks[-1]):
            moves = [status for task_id, status in parts.told.moves if task_id == task.id]
            assert moves == [SUBMITTED, PROCESSING, SUCCEED]
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


def test_a_polled_status_is_reported_once() -> None:
    """Queries that follow each other at once report each status they reach, and each once."""

    async def work() -> None:
        sender = StubSender()
        parts = bench(Progression.POLLS, sender=sender)
        parts.dispatcher.start(parts.accounts)
        task = parts.voice(callback_url=CALLBACK)
        for _ in range(5):
            parts.service.custom_voice(parts.mine, task.id)
        await parts.told.until(lambda: (SUCCEED, 200) in parts.told.attempts)
        await turns()
        assert [json.loads(body)["task_status"] for _, body in sender.sent] == [PROCESSING, SUCCEED]
        assert [status for _, status in parts.told.moves] == [SUBMITTED, PROCESSING, SUCCEED]
        await parts.dispatcher.stop(parts.accounts, 0)

    run(work())


def test_a_stale_step_is_skipped() -> None:
    """A step that an intervention has cut away is neither told nor reported when its old instant comes."""

    async def work() -> None:
        sender = StubSender()
        parts = bench(sender=sender)
        parts.dispatcher.start(parts.accounts)
        task = parts.voice(callback_url=CALLBACK)
        parts.mine.replace(intervene(task, T0 + 1000, Step(FAILED, None, "stopped")))
        assert await parts.advance(100) == []
        assert sender.sent == []
        await parts.dispatcher.stop(parts.accounts, 0)
        assert parts.told.undelivered == []

    run(work())


# ---- waiting for the end of a task ----------------------------------------------------------


def test_whoever_waits_is_woken_when_the_task_ends() -> None:
    """Everybody who waits for the end of a task sees the terminal status when it comes on the account's clock."""

    async def work() -> None:
        parts = bench(sender=StubSender())
        task = parts.voice(scenario="noisy")
        waiting = [
            asyncio.create_task(parts.dispatcher.until_terminal(parts.mine, task)) for _ in range(2)
        ]
        await turns()
        await parts.advance(5)
        assert not any(item.done() for item in waiting)
        await parts.advance(1)
        seen = await asyncio.gather(*waiting)
        assert [(item.status, item.updated_at) for item in seen] == [(FAILED, T0 + 6000)] * 2

    run(work())


def test_who_comes_late_does_not_wait() -> None:
    """A task that has ended already is seen at once."""

    async def work() -> None:
        parts = bench(IMMEDIATE, sender=StubSender())
        parts.dispatcher.start(parts.accounts)
        task = parts.speech(scenario="slow")
        await parts.told.until(lambda: (task.id, SUCCEED) in parts.told.moves)
        try:
            async with asyncio.timeout(0.2):
                seen = await parts.dispatcher.until_terminal(parts.mine, task)
        except TimeoutError:
            raise AssertionError("it waits for what has happened already") from None
        finally:
            await parts.dispatcher.stop(parts.accounts, 0)
        assert seen.status is SUCCEED

    run(work())


def test_a_stopping_server_lets_go_of_who_waits() -> None:
    """When the server stops nobody waits any longer."""

    async def work() -> None:
        parts = bench(sender=StubSender())
        task = parts.voice()
        waiting = asyncio.create_task(parts.dispatcher.until_terminal(parts.mine, task))
        await turns()
        parts.dispatcher.release()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await parts.advance(9)

    run(work())


# ---- stopping -------------------------------------------------------------------------------


def undelivered_of(parts: Bench, task_id: str) -> list[tuple[str, float | None]]:
    """Task status and seconds to go of what was told as not delivered for a task."""
    return [
        (event.task_status, event.due_in_s)
        for event in parts.told.of(CallbackNotDelivered)
        if event.task_id == task_id
    ]


def test_a_stop_tells_everything_that_was_not_delivered(receiver: Receiver) -> None:
    """At the stop each callback under way, queued behind it or planned for later is told, each once."""
    receiver.script += [Answer(after=receiver.gate())] * 4

    async def work() -> None:
        parts = bench()
        parts.dispatcher.start(parts.accounts)
        yours = parts.accounts.get("yours")
        slow = parts.voice(yours, callback_url=receiver.url("/x?k=s3cret"), scenario="noisy")
        advancing = asyncio.create_task(parts.advance(6, yours))
        await arrived(receiver, 1)
        planned = parts.voice(callback_url=receiver.url())
        parts.voice()
        await parts.dispatcher.stop(parts.accounts, 0)
        await asyncio.gather(advancing, return_exceptions=True)
        assert undelivered_of(parts, slow.id) == [(PROCESSING, None), (FAILED, 4.0)]
        assert undelivered_of(parts, planned.id) == [(PROCESSING, 2.0), (SUCCEED, 9.0)]
        assert len(parts.told.undelivered) == 4
        assert "s3cret" not in str(parts.told.events)

    run(work())


def test_a_stop_tells_what_is_queued_behind_a_slow_receiver(receiver: Receiver) -> None:
    """Callbacks that were due and waited for their turn are told as due."""
    receiver.script += [Answer(after=receiver.gate())] * 9

    async def work() -> None:
        parts = bench(IMMEDIATE)
        parts.dispatcher.start(parts.accounts)
        tasks = [parts.voice(callback_url=receiver.url()) for _ in range(6)]
        await arrived(receiver, 4)
        await parts.dispatcher.stop(parts.accounts, 0)
        for task in tasks:
            assert undelivered_of(parts, task.id) == [(PROCESSING, None), (SUCCEED, None)]

    run(work())


@pytest.mark.parametrize("firing", ["changes", "with_submitted", "terminal"])
def test_a_stop_tells_each_planned_callback_once(firing: str) -> None:
    """What is planned and not yet due is told once per status, whichever statuses are reported."""

    async def work() -> None:
        parts = bench(behaviour=reading("callback_firing", firing), sender=StubSender())
        parts.voice(callback_url=CALLBACK)
        parts.clock.jump(1000)
        await parts.dispatcher.stop(parts.accounts, 0)
        expected = {
            "changes": [(PROCESSING, 1.0), (SUCCEED, 8.0)],
            "with_submitted": [(SUBMITTED, 0.0), (PROCESSING, 1.0), (SUCCEED, 8.0)],
            "terminal": [(SUCCEED, 8.0)],
        }
        assert parts.told.undelivered == expected[firing]

    run(work())


def test_a_stop_gives_open_callbacks_their_grace(receiver: Receiver) -> None:
    """A callback under way that is answered within the grace is delivered, and what follows it too."""
    gate = receiver.gate()
    receiver.script.append(Answer(after=gate))

    async def work() -> None:
        parts = bench(IMMEDIATE)
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=receiver.url())
        await arrived(receiver, 1)
        stopping = asyncio.create_task(parts.dispatcher.stop(parts.accounts, PATIENCE_S))
        await turns()
        gate.set()
        await stopping
        assert parts.told.attempts == [(PROCESSING, 200), (SUCCEED, 200)]
        assert parts.told.undelivered == []

    run(work())


def test_a_stop_without_anything_to_send_is_silent() -> None:
    """Where nothing was to be delivered, a stop tells nothing; delivered and unreported statuses are not missing."""

    async def work() -> None:
        parts = bench(sender=StubSender())
        parts.dispatcher.start(parts.accounts)
        parts.voice(callback_url=CALLBACK)
        parts.voice()
        await parts.advance(9)
        parts.voice()
        await parts.dispatcher.stop(parts.accounts, 0)
        assert parts.told.undelivered == []

    run(work())


def test_after_a_stop_nothing_is_sent() -> None:
    """A dispatcher that has stopped sends nothing more by itself."""

    async def work() -> None:
        sender = StubSender()
        parts = bench(IMMEDIATE, sender=sender)
        parts.dispatcher.start(parts.accounts)
        await parts.dispatcher.stop(parts.accounts, 0)
        parts.voice(callback_url=CALLBACK)
        await turns()
        assert sender.sent == []

    run(work())


def test_use_cases_need_no_dispatcher() -> None:
    """Tasks are created and queried without a loop or a dispatcher; the agenda keeps what will happen."""
    parts = bench()
    assert isinstance(parts.service, Service)
    task = parts.voice(callback_url=CALLBACK)
    assert parts.service.custom_voice(parts.mine, task.id) is task
    assert len(parts.mine.agenda) == 1
