"""All accounts of a server."""

from __future__ import annotations

from mock_server.account import Defaults
from mock_server.core.behaviour import Behaviour
from mock_server.core.fault import Fault, When
from mock_server.core.limits import Limits
from mock_server.core.media_url import tag
from mock_server.core.pattern import Pattern
from mock_server.store import ANONYMOUS, Accounts
from tests.support.clocks import still_clock
from tests.support.tasks import T0, speech_task, voice_task


def test_an_account_is_made_when_it_is_first_asked_for() -> None:
    """One id is one account, made on first sight and the same ever after; they are listed in that order."""
    accounts = Accounts(still_clock())
    assert list(accounts) == []
    first, second = accounts.get("b"), accounts.get("a")
    assert accounts.get("b") is accounts.find("b") is first
    assert accounts.find("c") is None
    assert list(accounts) == [first, second]
    assert [account.id for account in accounts] == ["b", "a"]


def test_accounts_share_nothing() -> None:
    """Tasks, names, ordinals, agenda and a touched clock of one account are not seen in another."""
    accounts = Accounts(still_clock())
    mine, yours = accounts.get("mine"), accounts.get("yours")
    task = voice_task(external_id="order-1")
    mine.add_voice_task(task)
    mine.agenda.plan(T0, task.id, 1)
    mine.ordinals.next("task")
    mine.own_clock().jump_to(T0 + 9)
    assert yours.voice_task(task.id) is None
    assert yours.voice_task("order-1") is None
    assert yours.task_of_voice("9") is None
    assert not yours.holds(task.id)
    assert list(yours.newest_first()) == []
    assert len(yours.agenda) == 0
    assert yours.ordinals.next("task") == 1
    assert yours.clock.now() == T0


def test_requests_without_a_credential_have_an_account_of_their_own() -> None:
    """The account ``-`` counts unauthenticated requests, and is none of the clients'."""
    accounts = Accounts(still_clock())
    assert accounts.anonymous.id == ANONYMOUS == "-"
    assert list(accounts) == []


def test_accounts_can_be_made_while_they_are_gone_through() -> None:
    """Going through the accounts takes those that were there at the beginning."""
    accounts = Accounts(still_clock())
    accounts.get("a")
    for _ in accounts:
        accounts.get("b")
    assert [account.id for account in accounts] == ["a", "b"]


def test_every_account_begins_with_the_defaults() -> None:
    """Accounts that are made later begin with the same defaults as the first, and as the anonymous one."""
    defaults = Defaults(Behaviour(both_sources="refuse"), Limits(slots=3), 5)
    accounts = Accounts(still_clock(), defaults)
    for account in (accounts.anonymous, accounts.get("a"), accounts.get("b")):
        assert (account.behaviour, account.limits) == (defaults.behaviour, defaults.limits)


def test_media_expire_by_the_clock_of_their_account() -> None:
    """The tag of a URL leads to the account's clock, also once it has its own; any other text to the server's."""
    server_clock = still_clock()
    accounts = Accounts(server_clock)
    mine = accounts.get("mine")
    assert accounts.clock_of(tag("mine")) is server_clock
    mine.own_clock().jump_to(T0 + 9)
    assert accounts.clock_of(tag("mine")) is mine.clock
    for other in (tag("yours"), "mine", "", tag(ANONYMOUS)):
        assert accounts.clock_of(other) is server_clock


def test_a_reset_puts_a_new_account_in_the_place() -> None:
    """After a reset nothing of the account is left: the old one is closed, the new one has the server's clock again."""
    server_clock = still_clock()
    accounts = Accounts(server_clock, Defaults(limits=Limits(slots=3)))
    old, other = accounts.get("mine"), accounts.get("yours")
    old.add_voice_task(voice_task(external_id="order-1"))
    old.add_speech(speech_task("5"))
    old.agenda.plan(T0, "1", 1)
    old.faults.arm("f", Pattern(), Fault(), When(), T0)
    old.own_clock().jump_to(T0 + 9)
    old.limits = Limits(slots=1)
    new = accounts.reset(old)
    assert (old.closed, new.closed) == (True, False)
    assert (old.epoch, new.epoch) == (0, 1)
    assert accounts.get("mine") is accounts.find("mine") is new is not old
    assert accounts.clock_of(tag("mine")) is new.clock is server_clock
    assert new.limits == Limits(slots=3)
    assert not new.holds("1")
    assert new.external_id_holder("order-1") is None
    assert new.ordinals.next("task") == 1
    assert (len(new.agenda), len(old.agenda), new.faults.armed) == (0, 0, False)
    assert list(accounts) == [new, other]
    assert accounts.reset(new).epoch == 2


def test_the_anonymous_account_can_be_reset() -> None:
    """The account of requests without a credential is replaced like any other, and still is nobody's."""
    accounts = Accounts(still_clock())
    old = accounts.anonymous
    old.ordinals.next("request")
    new = accounts.reset(old)
    assert accounts.anonymous is new is not old
    assert new.id == ANONYMOUS
    assert list(accounts) == []


def test_the_chance_of_a_fault_depends_on_the_account() -> None:
    """Equal rules of two accounts are decided apart: the hash knows the account."""
    asked: list[tuple[str, str, int]] = []

    def chance(account: str, rule: str, ordinal: int) -> float:
        asked.append((account, rule, ordinal))
        return 0.0

    accounts = Accounts(still_clock(), chance=chance)
    for name in ("mine", "yours"):
        faults = accounts.get(name).faults
        faults.in_tasks = True
        faults.of_scenario("s", iter([(0, Fault(), When(probability=0.5))]), "k", T0)
    assert asked == [("mine", "s.0 k", 1), ("yours", "s.0 k", 1)]
