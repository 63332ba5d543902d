"""A hard cap on what is sent to a server that may charge for it. It is asked where bytes leave, below every client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from _pytest.outcomes import Skipped

from contract_tests import documents, leniency, routes
from contract_tests.profiles import Profile
from contract_tests.shapes import Shape

#: What one call costs that is charged, in units (speech.price, voice-create.price).
UNITS = 0.05
#: Requests kept back for each call that may be charged, to delete what it made: a query and a deletion.
_KEPT_BACK = 2


class NotSent(Skipped):
    """Raised instead of sending a request that would cost too much; the test that wanted it is skipped."""


class Meter:
    """Counts requests, and the calls among them that may be charged.

    Args:
        most_requests: not one more is sent.
        most_billed: when as many calls may have been charged, no other that may be is sent.
        is_guarded: whether what may be charged is held back, but while ``paying``.
        is_paid: whether the server may charge; one that does not is metered in a live profile only.

    Attributes:
        is_spent: whether a request was held back because the budget was spent.
        held_back: requests that were not sent because they cost money in this profile.
    """

    def __init__(
        self,
        most_requests: int,
        most_billed: int,
        *,
        is_guarded: bool = False,
        is_paid: bool = True,
    ) -> None:
        self.most_requests = most_requests
        self.most_billed = most_billed
        self.is_paid = is_paid
        self.requests = 0
        self.billed = 0
        self.is_spent = False
        self.held_back = 0
        self._is_guarded = is_guarded
        self._is_cleaning = False
        self._is_fooled = False

    @classmethod
    def of(cls, profile: Profile, requests: int, billed: int | None, *, is_paid: bool) -> Meter:
        """The meter of a profile.

        Args:
            requests: at most so many instead of the profile's; 0 for those.
            billed: at most so many charged calls instead of the profile's; ``None`` for those.
        """
        most_billed = profile.billed if billed is None else billed
        return cls(
            requests or profile.requests,
            most_billed,
            is_guarded=profile.is_live,
            is_paid=is_paid,
        )

    def plan(self) -> str:
        """What a run may cost, in words."""
        cost = self.most_billed * UNITS
        return (
            f"at most {self.most_requests} requests, at most {self.most_billed} of them charged"
            f" ({UNITS:g} units each: {cost:g} units)"
        )

    def spent(self) -> str:
        """What was sent, in words."""
        return (
            f"{self.requests} of {self.most_requests} requests,"
            f" {self.billed} of {self.most_billed} charged"
        )

    def before(self, method: str, path: str, body: bytes) -> None:
        """Counts a request that is about to be sent.

        Raises:
            NotSent: it is one too many, or costs money in a profile that costs none.
        """
        named = routes.may_be_billed(method, path)
        may_cost = named and (self._is_fooled or not is_forbidden(named, body))
        if may_cost and self._is_guarded:
            self.held_back += 1
            raise NotSent("not looked at: it costs money, and this profile spends none on it")
        kept_back = 0 if self._is_cleaning else _KEPT_BACK * self.billed
        if self.requests + kept_back >= self.most_requests:
            self.is_spent = True
            raise NotSent(
                f"not looked at: all {self.most_requests} requests are spent (--max-requests)"
            )
        if named:
            if self.billed >= self.most_billed and may_cost:
                self.is_spent = True
                raise NotSent(
                    f"not looked at: all {self.most_billed} calls that may be charged are spent (--max-billed)"
                )
            self.billed += 1  # until the answer says that nothing was charged
        self.requests += 1

    def after(self, method: str, path: str, asked: bytes, status: int, body: bytes) -> None:
        """Takes back what a refusal shows not to have been charged.

        A server that accepts what every server must refuse is not sent any more of that beyond the budget.

        Args:
            asked: the body of the request.
        """
        named = routes.may_be_billed(method, path)
        if not named:
            return
        if 400 <= status < 500 or (status == 200 and not _is_accepted(body)):
            self.billed -= 1
        elif is_forbidden(named, asked):
            self._is_fooled = True

    @contextmanager
    def paying(self) -> Iterator[None]:
        """Lets calls that are charged through, within the cap."""
        was, self._is_guarded = self._is_guarded, False
        try:
            yield
        finally:
            self._is_guarded = was

    @contextmanager
    def cleaning(self) -> Iterator[None]:
        """Lets the requests be used that were kept back."""
        self._is_cleaning = True
        try:
            yield
        finally:
            self._is_cleaning = False


def is_forbidden(named: str, body: bytes) -> bool:
    """Whether every server must refuse a body, whichever way it reads what is only assumed.

    Args:
        named: dialect and operation, such as ``klingai createSpeech``.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return True
    return not _lenient(named).fits(value)


@cache
def _lenient(named: str) -> Shape:
    dialect, _, name = named.partition(" ")
    document = documents.document(dialect)
    operation = document.operations[name]
    item = document.raw["paths"][operation.path][operation.method.lower()]
    schema = item["requestBody"]["content"]["application/json"]["schema"]
    return Shape(leniency.relaxed(schema))


def _is_accepted(body: bytes) -> bool:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return True  # who knows
    return not isinstance(answer, dict) or answer.get("code") == 0
