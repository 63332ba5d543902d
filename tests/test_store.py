"""All accounts of a server."""

from __future__ import annotations

from mock_server.store import ANONYMOUS, Accounts
from tests.support.clocks import still_clock
from tests.support.tasks import T0, voice_task


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
