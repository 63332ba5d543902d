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

    What every server must refuse is sent too, but a broken server may accept and charge it. So one of several calls is
    kept back for that, and when all are used up nothing leaves that could be taken for a creation. Where none but
    canaries may be charged (``is_guarded``), or none at all, the first such acceptance is the last.

    Attributes:
        billed: calls that were accepted, or may have been.
        unexpected: calls among them that every server must refuse.
        is_spent: whether a request was held back because the budget was spent.
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
        self.unexpected = 0
        self.is_spent = False
        self._is_live = self._is_guarded = is_guarded
        self._is_cleaning = False

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
        is_probe = bool(named) and is_forbidden(named, body)
        if named and self._is_guarded and not is_probe:
            raise NotSent("not looked at: it costs money, and this profile spends none on it")
        kept_back = 0 if self._is_cleaning else _KEPT_BACK * self.billed
        if self.requests + kept_back >= self.most_requests:
            self.is_spent = True
            raise NotSent(
                f"not looked at: all {self.most_requests} requests are spent (--max-requests)"
            )
        if named:
            self._may_be_billed(is_probe=is_probe)
            self.billed += 1  # until the answer says that nothing was charged
        self.requests += 1

    def _may_be_billed(self, *, is_probe: bool) -> None:
        """Holds a call back that would be one too many.

        Raises:
            NotSent: it would.
        """
        words = ""
        if is_probe and (self._is_live or not self.most_billed):
            if self.unexpected:
                words = (
                    "what is to be refused was accepted, and may be charged: no more of it is sent"
                )
        elif self.billed >= self.most_billed:
            words = f"all {self.most_billed} calls that may be charged are spent (--max-billed)"
        elif not (is_probe or self._is_live) and self.billed + 1 == self.most_billed > 1:
            words = (
                f"of {self.most_billed} calls that may be charged all are spent but one, which is kept back in case"
                " that what is to be refused is accepted (--max-billed)"
            )
        if words:
            self.is_spent = True
            raise NotSent(f"not looked at: {words}")

    def after(self, method: str, path: str, sent: bytes, status: int, body: bytes) -> bool:
        """Takes back what a refusal shows not to have been charged.

        Args:
            sent: the body of the request.
            body: the one of the answer.

        Returns:
            Whether something was accepted that every server must refuse.
        """
        named = routes.may_be_billed(method, path)
        if not named:
            return False
        if _is_refused(status, body):
            self.billed -= 1
            return False
        is_unexpected = status < 400 and is_forbidden(named, sent)
        self.unexpected += is_unexpected
        return is_unexpected

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


def _is_refused(status: int, body: bytes) -> bool:
    """Whether an answer shows that nothing was made; whatever leaves that open does not."""
    if status != 200 and not 400 <= status < 500:
        return False
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return status != 200  # who knows
    if not isinstance(answer, dict):
        return status != 200
    data = answer.get("data")
    if isinstance(data, dict) and "task_id" in data:
        return False
    code = answer.get("code")
    says_no = isinstance(code, int) and not isinstance(code, bool) and code not in (0, 200)
    return status != 200 or says_no
