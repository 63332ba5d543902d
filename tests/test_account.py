"""The account: namespace and aggregate."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server import account as account_module
from mock_server.account import Account, Defaults, Ordinals
from mock_server.core.behaviour import Behaviour
from mock_server.core.fault import Fault, When
from mock_server.core.limits import Limits
from mock_server.core.pattern import Pattern
from mock_server.core.task import TaskStatus
from mock_server.events import CallbackAttempted
from tests.support.bench import run, turns
from tests.support.clocks import still_clock
from tests.support.tasks import T0, quick, speech_task, voice_task


def make_account() -> Account:
    """An account on a clock that stands still."""
    return Account("key-1", still_clock())


@quick
@given(st.lists(st.sampled_from(["task", "voice", "request"]), max_size=12))
def test_ordinals_count_each_kind_from_one(kinds: list[str]) -> None:
    """Each kind is counted by itself, from 1, without a gap."""
    ordinals = Ordinals()
    for number, kind in enumerate(kinds):
        assert ordinals.next(kind) == kinds[: number + 1].count(kind)


@quick
@given(st.integers(1, 3), st.integers(0, 7))
def test_the_newest_speech_is_kept(ring: int, added: int) -> None:
    """An account keeps its newest text-to-speech records, drops the oldest, and counts what it dropped."""
    account = make_account()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account_module, "SPEECH_RING", ring)
        for number in range(added):
            account.add_speech(speech_task(str(number)))
    kept = [str(number) for number in range(added) if account.holds(str(number))]
    assert kept == [str(number) for number in range(max(0, added - ring), added)]
    assert account.speech_dropped == max(0, added - ring)
    for number in range(added):
        found = account.speech(str(number))
        assert (found is not None) == (str(number) in kept)
        assert account.task(str(number)) is found


def test_the_ring_holds_ten_thousand() -> None:
    """The newest 10,000 text-to-speech records of an account are kept."""
    assert account_module.SPEECH_RING == 10_000


def test_custom_voice_tasks_are_never_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ring is for speech alone."""
    monkeypatch.setattr(account_module, "SPEECH_RING", 1)
    account = make_account()
    for number in range(5):
        account.add_voice_task(voice_task(task_id=str(number), voice_id=f"v{number}"))
        account.add_speech(speech_task(f"s{number}"))
    assert [task.id for task in account.newest_first()] == ["4", "3", "2", "1", "0"]
    assert account.speech_dropped == 4


def test_a_task_is_found_by_each_of_its_names() -> None:
    """A custom-voice task is found by task id, by external id and by the voice it makes, and by nothing else."""
    account = make_account()
    task = voice_task(task_id="1", voice_id="9", external_id="order-1")
    account.add_voice_task(task)
    assert account.voice_task("1") is account.voice_task("order-1") is task
    assert account.task("1") is account.task_of_voice("9") is task
    assert account.external_id_holder("order-1") is task
    for name in ("9", "", "order-2", "order-1 "):
        assert account.voice_task(name) is None
    assert account.task("order-1") is None
    assert account.task_of_voice("1") is None
    assert account.speech("1") is None


def test_a_task_without_an_external_id_has_none() -> None:
    """An absent external id is no name: the empty text finds nothing."""
    account = make_account()
    account.add_voice_task(voice_task())
    assert account.voice_task("") is None
    assert account.external_id_holder("") is None


def test_a_task_id_wins_over_an_external_id() -> None:
    """When a name is one task's id and another's external id, the task id counts."""
    account = make_account()
    named = voice_task(task_id="1", voice_id="8")
    other = voice_task(task_id="2", voice_id="9", external_id="1")
    account.add_voice_task(named)
    account.add_voice_task(other)
    assert account.voice_task("1") is named
    assert account.external_id_holder("1") is other


def test_the_newest_holder_of_an_external_id_counts() -> None:
    """Where an external id was used again, it means the newer task."""
    account = make_account()
    account.add_voice_task(voice_task(task_id="1", voice_id="8", external_id="order"))
    newer = voice_task(task_id="2", voice_id="9", external_id="order")
    account.add_voice_task(newer)
    assert account.voice_task("order") is account.external_id_holder("order") is newer


def test_a_replaced_task_keeps_its_place_and_names() -> None:
    """A changed task stands where the old one stood, under the same names."""
    account = make_account()
    for number in "123":
        account.add_voice_task(
            voice_task(task_id=number, voice_id=f"v{number}", external_id=f"e{number}")
        )
    changed = voice_task(task_id="2", voice_id="v2", external_id="e2", polls_per_step=5)
    account.replace(changed)
    assert [task.id for task in account.newest_first()] == ["3", "2", "1"]
    assert account.voice_task("e2") is account.task_of_voice("v2") is account.task("2") is changed


def test_what_is_not_held_is_not_replaced() -> None:
    """Replacing a task that the account does not hold, or has dropped, adds nothing."""
    account = make_account()
    account.replace(voice_task(task_id="1"))
    account.replace(speech_task("2"))
    assert not account.holds("1")
    assert not account.holds("2")
    account.add_speech(speech_task("2"))
    changed = speech_task("2", created_at=T0 + 1)
    account.replace(changed)
    assert account.speech("2") is changed


def test_an_account_follows_the_server_until_its_clock_is_touched() -> None:
    """An account shows the server's time; its own clock is a copy made once, and then both go their own way."""
    server_clock = still_clock()
    account = Account("key-1", server_clock)
    server_clock.jump(5)
    assert account.clock is server_clock
    own = account.own_clock()
    assert account.clock is account.own_clock() is own
    assert own.now() == T0 + 5
    server_clock.jump(10)
    own.jump_to(T0 + 7)
    assert (account.clock.now(), server_clock.now()) == (T0 + 7, T0 + 15)
    assert (own.jumped_ms, account.jumped_ms) == (2, 2)


def test_an_account_knows_whether_its_clock_was_touched() -> None:
    """Before its clock is touched an account has none of its own, and was moved by no jump."""
    account = make_account()
    assert not account.has_own_clock
    account.own_clock().jump_to(T0 + 7)
    assert account.has_own_clock
    assert account.jumped_ms == 7


def test_an_account_begins_with_the_defaults() -> None:
    """Behaviour and limits are the server's at first, each account's own from then on; nothing is armed."""
    defaults = Defaults(Behaviour(both_sources="refuse"), Limits(units=5), journal_entries=0)
    first, second = (Account(name, still_clock(), defaults) for name in "ab")
    assert first.behaviour is second.behaviour is defaults.behaviour
    first.behaviour, first.limits = Behaviour(), Limits(slots=1)
    assert (second.behaviour, second.limits) == (defaults.behaviour, defaults.limits)
    first.limits = Limits()
    assert (first.is_limited, second.is_limited) == (False, True)
    assert not first.faults.armed
    assert first.scenario is None
    assert (first.closed, first.epoch) == (False, 0)


def test_faults_with_a_probability_ask_the_accounts_chance() -> None:
    """What decides on a fault with a probability is handed in, and asked by rule and ordinal."""
    asked: list[tuple[str, int]] = []

    def chance(rule: str, ordinal: int) -> float:
        asked.append((rule, ordinal))
        return 0.4

    account = Account("a", still_clock(), chance=chance)
    rule = account.faults.arm("", Pattern(), Fault(), When(probability=0.5), T0)
    assert rule.strikes(T0, chance)
    assert asked == [(rule.id, 1)]


def test_tasks_in_flight_are_those_of_both_kinds_that_have_not_ended() -> None:
    """In flight are the voices and speeches whose status is not terminal at the instant, oldest first."""
    account = make_account()
    account.add_voice_task(voice_task(task_id="1", voice_id="8", created_at=T0 + 5))
    account.add_speech(speech_task("2", created_at=T0))
    account.add_voice_task(voice_task(task_id="3", voice_id="9", created_at=T0 + 1))
    assert [task.id for task in account.in_flight(T0 + 5)] == ["3", "1"]
    assert [task.id for task in account.in_flight(T0 + 9001)] == ["1"]
    assert account.in_flight(T0 + 9005) == []


@quick
@given(st.integers(1, 3), st.integers(0, 5))
def test_the_newest_callback_attempts_are_kept(ring: int, made: int) -> None:
    """An account logs its newest callback attempts and counts all."""
    attempts = [
        CallbackAttempted("1", "a", TaskStatus.SUCCEED, "http://r", number, 200, "", 0.0)
        for number in range(made)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account_module, "CALLBACK_RING", ring)
        account = make_account()
    for attempt in attempts:
        account.add_attempt(attempt)
    assert list(account.callbacks) == attempts[max(0, made - ring) :]
    assert account.callbacks_made == made


def test_who_watches_is_woken_once() -> None:
    """The next thing that happens wakes everybody who watches, also where one has given up meanwhile."""

    async def work() -> None:
        account = make_account()
        loop = asyncio.get_running_loop()
        first, gone, later = (loop.create_future() for _ in range(3))
        account.watch(first)
        account.watch(gone)
        gone.cancel()
        await turns()
        assert not first.done()
        account.stir()
        assert first.done()
        account.watch(later)
        await turns()
        assert not later.done()
        account.stir()
        assert later.done()

    run(work())


def test_text_to_speech_is_listed_newest_first() -> None:
    """The records of text-to-speech are gone through from the newest on."""
    account = make_account()
    for number in "123":
        account.add_speech(speech_task(number))
    assert [task.id for task in account.speeches()] == ["3", "2", "1"]
