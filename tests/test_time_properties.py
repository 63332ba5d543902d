"""What holds for any program: reading is pure, time adds up, worlds repeat, accounts and epochs are apart."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from mock_server.core.behaviour import Behaviour
from mock_server.core.task import TERMINAL, InvalidTimeline, TaskIsTerminal, TaskStatus, observe
from mock_server.core.task import Step as TaskStep
from mock_server.sender import Attempt
from mock_server.waiting import Interrupted, Waits
from tests.support import programs
from tests.support.bench import StubSender, bench, run, turns
from tests.support.programs import READS, WRITES, Step, World, by, new_accounts, without_request_id
from tests.support.receiver import PATIENCE_S
from tests.support.tasks import T0

few = settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])
Pair = tuple[World, World]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Two instances that are asked for the same, account by account."""
    with programs.instance() as one, programs.instance() as two:
        yield one, two


@pytest.fixture(scope="module")
def polled() -> Iterator[Pair]:
    """Two instances under the polls progression."""
    with (
        programs.instance(progression="polls", polls=2) as one,
        programs.instance(progression="polls", polls=2) as two,
    ):
        yield one, two


def interleaved(reads: st.SearchStrategy[Step]) -> st.SearchStrategy[list[tuple[Step, list[Step]]]]:
    """Programs with reads before each step."""
    return st.lists(st.tuples(WRITES | programs.RESETS, st.lists(reads, max_size=3)), max_size=10)


def assert_reads_are_pure(pair: Pair, steps: list[tuple[Step, list[Step]]]) -> None:
    """One instance reads in between and the other does not; all else they are told is the same."""
    reader, other = new_accounts(*pair)
    for write, reads in steps:
        reader.run(reads)
        assert without_request_id(reader.do(write)) == without_request_id(other.do(write))
    assert reader.look() == other.look()
    assert reader.sent == other.sent


@few
@given(steps=interleaved(READS))
def test_reading_changes_nothing(pair: Pair, steps: list[tuple[Step, list[Step]]]) -> None:
    """Queries, lists and control reads change no task, no later answer but for request ids, and no callback."""
    assert_reads_are_pure(pair, steps)


@few
@given(steps=interleaved(programs.CONTROL_READS | programs.LISTS))
def test_only_queries_of_a_task_are_polls(
    polled: Pair, steps: list[tuple[Step, list[Step]]]
) -> None:
    """Under the polls progression lists and control reads count as no query."""
    queried = [
        (step, reads) for write, reads in steps for step, reads in ((write, reads), (QUERY, []))
    ]

    assert_reads_are_pure(polled, queried)


QUERY = Step("GET", f"{programs.VOICES}/{{task}}")


@few
@given(st.lists(WRITES, max_size=6), st.lists(programs.SECONDS, min_size=1, max_size=4))
@example(
    [Step("POST", programs.VOICES, {"voice_name": "A", "voice_url": "http://h.test/a"})], [2, 7]
)
def test_advances_add_up(pair: Pair, before: list[Step], parts: list[float]) -> None:
    """Advancing in parts and at once lead to the same tasks, the same events in the same order, the same callbacks."""
    parted, whole = new_accounts(*pair)
    assert parted.run(before) == whole.run(before)

    events = [event for part in parts for event in parted.do(by(part))[2]["events"]]
    at_once = whole.do(by(round(sum(parts), 3)))[2]["events"]

    assert events == at_once
    assert parted.look() == whole.look()
    assert parted.sent == whole.sent


@settings(max_examples=5, deadline=None)
@given(st.lists(WRITES | READS | programs.RESETS, max_size=20))
def test_fresh_worlds_repeat(steps: list[Step]) -> None:
    """Two fresh instances agree on every answer, header, journal entry and callback body of a program."""
    with programs.instance() as one, programs.instance() as two:
        assert one.run(steps) == two.run(steps)
        last = Step("GET", "/__mock__/journal")
        assert one.do(last) == two.do(last)
        assert one.sent == two.sent


@few
@given(steps=st.lists(WRITES | READS | programs.RESETS, max_size=12))
def test_worlds_repeat(pair: Pair, steps: list[Step]) -> None:
    """Two instances in the same state agree on every answer, header and callback of a program of new accounts."""
    one, two = new_accounts(*pair)
    shared = ("/__mock__/accounts", "/__mock__/nothing")

    for step in steps:
        if step.path not in shared:
            assert one.do(step) == two.do(step)
    assert one.do(Step("GET", "/__mock__/journal")) == two.do(Step("GET", "/__mock__/journal"))
    assert one.sent == two.sent


ANYTHING = st.lists(WRITES | READS | programs.RESETS, max_size=8)


@few
@given(mine=ANYTHING, theirs=ANYTHING, order=st.lists(st.booleans(), min_size=16, max_size=16))
def test_accounts_do_not_interfere(
    pair: Pair, mine: list[Step], theirs: list[Step], order: list[bool]
) -> None:
    """Two accounts that take turns in any order are each told what they are told alone, to the byte."""
    alone, beside = new_accounts(*pair)
    accounts = Step("GET", "/__mock__/accounts").path
    own = [step for step in mine if step.path != accounts]
    foreign = [replace(step, key="theirs") for step in theirs if step.path != accounts]
    expected = alone.run(own), alone.run(foreign)

    told: tuple[list[Any], list[Any]] = ([], [])
    queues = own[::-1], foreign[::-1]
    for turn in [*order, *[False] * 16, *[True] * 16]:
        if queues[turn]:
            told[turn].append(beside.do(queues[turn].pop()))

    assert told == expected
    assert beside.look() == alone.look()
    assert beside.look("theirs") == alone.look("theirs")
    assert sorted(beside.sent) == sorted(alone.sent)


@few
@given(before=st.lists(WRITES, max_size=8), to=st.sampled_from(list(TaskStatus)))
def test_refused_transition_changes_nothing(pair: Pair, before: list[Step], to: TaskStatus) -> None:
    """A transition either begins now and leaves what had come as it was, or is refused and changes nothing."""
    (world,) = new_accounts(pair[0])
    create = Step("POST", programs.VOICES, {"voice_name": "A", "voice_url": "http://h.test/a"})
    world.run([programs.control("POST", "/reset"), create, *before])
    shown = Step("GET", "/__mock__/tasks/{task}")
    looks, (status, _, task) = world.look(), world.do(shown)
    if status == 404:
        return

    moved, _, value = world.do(programs.control("POST", "/tasks/{task}/transition", {"to": to}))

    if task["terminal"]:
        assert moved == 409
    if moved == 409:
        assert "error" in value
        assert world.look() == looks
        return
    after = world.do(shown)[2]
    arrived = [step for step in task["timeline"] if step["arrived"]]
    assert after["timeline"][:-1] == arrived
    assert (after["status"], after["timeline"][-1]["status"]) == (to, to)


@few
@given(
    st.sampled_from(["default", "slow", "stuck", "too-short", "varying"]),
    st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(list(TaskStatus))), max_size=4),
)
def test_intervention_never_alters_the_past(
    scenario: str, story: list[tuple[int, TaskStatus]]
) -> None:
    """Whatever is done to a task and whenever, what was observed before that instant is observed still."""

    async def live() -> None:
        b = bench(sender=StubSender())
        task = b.voice(scenario=scenario)
        for wait_ms, to in story:
            await b.dispatcher.advance(b.mine, wait_ms)
            task = b.mine.task(task.id) or task
            now = b.mine.clock.now()
            past = [observe(task, t) for t in range(T0 - 1, now, max(1, (now - T0) // 50))]
            was = observe(task, now).status
            try:
                moved = b.dispatcher.transition(b.mine, task, TaskStep(to))
            except (TaskIsTerminal, InvalidTimeline):
                assert b.mine.task(task.id) == task
                continue
            assert was not in TERMINAL
            assert [observe(moved, t) for t in range(T0 - 1, now, max(1, (now - T0) // 50))] == past
            assert observe(moved, now).status is to

    run(live())


OLD, NEW = "http://127.0.0.1:9/old", "http://127.0.0.1:9/new"


class Stubborn(StubSender):
    """A sender that takes some turns of the loop to give up an attempt, as a connection does."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """Notes the callback, and gives it up slowly."""
        try:
            return await super().post(url, body, headers)
        except asyncio.CancelledError:
            await turns(5)
            raise


@few
@given(
    st.lists(st.sampled_from(["default", "slow", "too-short", "stuck"]), min_size=1, max_size=6),
    st.lists(st.sampled_from([0, 2000, 9000, 400_000]), max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_nothing_of_before_a_reset_happens_after_it(
    scenarios: list[str], advances: list[int], is_held: bool, deliver: bool
) -> None:
    """Queued and open callbacks, advances, waits and held answers end with a reset, and the new epoch is untouched."""

    async def live() -> None:
        sender = Stubborn()
        b = bench(sender=sender, behaviour=Behaviour(callback_firing="with_submitted"))
        b.dispatcher.start(b.accounts)
        if is_held:
            sender.go.clear()
        old = b.mine
        tasks = [b.voice(scenario=name, callback_url=OLD) for name in scenarios]
        held = b.speech(scenario="slow")
        work: list[Coroutine[Any, Any, Any]] = [
            b.dispatcher.advance(old, by_ms, deliver=deliver) for by_ms in advances
        ]
        waits = Waits(b.dispatcher)
        work.append(b.dispatcher.until_terminal(old, held))
        work.append(waits.until(old, bool, timeout_s=PATIENCE_S, skip=is_held))
        work.append(waits.advance_until(old, tasks[0], TaskStatus.PROCESSING, deliver=deliver))
        under_way = [asyncio.create_task(item) for item in work]
        await turns(3)

        new = b.accounts.reset(old)
        await b.dispatcher.forget(old)
        before = len(sender.sent)
        sender.go.set()
        made = b.voice(new, callback_url=NEW)
        await asyncio.wait_for(b.dispatcher.advance(new, 9000), PATIENCE_S)
        await asyncio.wait(under_way, timeout=PATIENCE_S)

        assert all(item.done() for item in under_way)
        ends = {type(item.exception()) for item in under_way if not item.cancelled()}
        assert ends <= {type(None), Interrupted}
        later = sender.sent[before:]
        assert {url for url, _ in later} == {NEW}
        told = [json.loads(body)["task_status"] for url, body in sender.sent if url == NEW]
        assert told == ["submitted", "processing", "succeed"]
        assert {json.loads(body)["task_id"] for _, body in later} == {made.id}
        assert old.agenda.next_at() is None
        assert len(new.callbacks) == 3
        await b.dispatcher.stop(b.accounts, 0)

    run(live())


@pytest.mark.parametrize("advances", [[], [2000], [2000, 9000]])
def test_new_epoch_is_served_while_the_old_one_ends(advances: list[int]) -> None:
    """A client that is quicker than the end of what was under way before the reset gets its callbacks all the same."""

    async def live() -> None:
        sender = Stubborn()
        b = bench(sender=sender, behaviour=Behaviour(callback_firing="with_submitted"))
        sender.go.clear()
        old = b.mine
        b.voice(callback_url=OLD)
        under_way = [asyncio.create_task(b.dispatcher.advance(old, by_ms)) for by_ms in advances]
        under_way.append(asyncio.create_task(b.dispatcher.settle(old)))
        await turns(3)

        new = b.accounts.reset(old)
        forgetting = asyncio.create_task(b.dispatcher.forget(old))
        await turns(1)
        b.voice(new, callback_url=NEW)
        advancing = asyncio.create_task(b.dispatcher.advance(new, 9000))
        await forgetting
        before = len(sender.sent)
        sender.go.set()
        await asyncio.wait_for(advancing, 1)
        await asyncio.wait(under_way, timeout=PATIENCE_S)

        assert OLD not in [url for url, _ in sender.sent[before:]]
        told = [json.loads(body)["task_status"] for url, body in sender.sent if url == NEW]
        assert told == ["submitted", "processing", "succeed"]

    run(live())
