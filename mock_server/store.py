"""All accounts of a server, in memory. Nothing is persisted."""

from __future__ import annotations

from collections.abc import Iterator

from mock_server.account import Account
from mock_server.ports import Clock

#: The account of requests that no valid credential came with.
ANONYMOUS = "-"


class Accounts:
    """Accounts by id; one is made when its credential is first seen."""

    def __init__(self, server_clock: Clock) -> None:
        self._server_clock = server_clock
        self._accounts: dict[str, Account] = {}
        self.anonymous = Account(ANONYMOUS, server_clock)

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
            account = self._accounts[account_id] = Account(account_id, self._server_clock)
        return account
