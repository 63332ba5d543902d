"""All accounts of a server, in memory. Nothing is persisted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from mock_server.account import Account, Defaults
from mock_server.core.media_url import tag
from mock_server.ports import Clock

#: The account of requests that no valid credential came with.
ANONYMOUS = "-"


class Accounts:
    """Accounts by id; one is made when its credential is first seen.

    Args:
        chance: the hash that decides on faults: of account, rule and ordinal.
    """

    def __init__(
        self,
        server_clock: Clock,
        defaults: Defaults | None = None,
        chance: Callable[[str, str, int], float] = lambda _account, _rule, _ordinal: 0.0,
    ) -> None:
        self._server_clock = server_clock
        self._defaults = defaults or Defaults()
        self._chance = chance
        self._accounts: dict[str, Account] = {}
        self._by_tag: dict[str, Account] = {}
        self.anonymous = self._new(ANONYMOUS)

    def __iter__(self) -> Iterator[Account]:
        """The accounts, in the order in which they were first seen."""
        return iter(list(self._accounts.values()))

    def find(self, account_id: str) -> Account | None:
        """The account with this id, if its credential has been seen."""
        return self._accounts.get(account_id)

    def get(self, account_id: str) -> Account:
        """The account with this id, made if need be."""
        account = self._accounts.get(account_id)
        if account is None:
            account = self._accounts[account_id] = self._new(account_id)
        return account

    def clock_of(self, account_tag: str) -> Clock:
        """The clock of the account whose media have this tag; the server's when nobody has it."""
        account = self._by_tag.get(account_tag)
        return self._server_clock if account is None else account.clock

    def reset(self, account: Account) -> Account:
        """Closes an account and puts a new, empty one in its place; returns that."""
        account.closed = True
        account.agenda.clear()
        new = self._new(account.id, account.epoch + 1)
        if account.id == ANONYMOUS:
            self.anonymous = new
        else:
            self._accounts[account.id] = new
        account.stir()
        return new

    def _new(self, account_id: str, epoch: int = 0) -> Account:
        chance = partial(self._chance, account_id)
        account = Account(account_id, self._server_clock, self._defaults, chance, epoch)
        self._by_tag[tag(account_id)] = account
        return account
