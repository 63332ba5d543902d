"""The operations on an account as a whole: books, limits, behaviours, reset, report."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from mock_server.ctl_client import Call
from mock_server.testing.asking import NotAsExpected, Part, Steps, Value, twin
from mock_server.testing.requests import Requests

#: A limit that stays as it is.
_KEPT: Any = object()


class Whole(Part):
    """The operations on an account as a whole."""

    verify = Requests.verify

    @twin
    def settle(self, timeout: float = 10) -> Steps[list[dict[str, Any]]]:
        """Lets happen what is due now, moves no time, and returns what happened.

        Args:
            timeout: seconds of the machine's clock.

        Raises:
            ControlFailed: it took longer than that.
        """
        call = Call("POST", "/settle", {"timeout": timeout}, waits_s=timeout)
        return (yield call)["events"]  # type: ignore[no-any-return]

    @twin
    def reset(self) -> Steps[None]:
        """Forgets everything of the account: tasks, clock, faults, journal. Nothing of before happens any more."""
        yield Call("POST", "/reset")
        self._via.expected.clear()  # numbers begin anew

    @twin
    def ledger(self) -> Steps[Value]:
        """The books, in units: ``units``, ``spent``, ``pending``, ``balance`` and ``entries``."""
        return (yield Call("GET", "/ledger"))

    @twin
    def slots(self) -> Steps[Value]:
        """The tasks in flight: ``slots``, ``held`` and ``free``."""
        return (yield Call("GET", "/slots"))

    @twin
    def limits(self) -> Steps[Value]:
        """What the account may use: ``units``, ``slots`` and ``rate``; ``None`` is no limit."""
        return (yield Call("GET", "/limits"))

    @twin
    def set_limits(
        self,
        *,
        units: float | None = _KEPT,
        slots: int | None = _KEPT,
        rate: tuple[int, float] | None = _KEPT,
    ) -> Steps[Value]:
        """Changes the limits that are given, and returns all; ``None`` is no limit.

        Args:
            units: the resource pack; a task that succeeds takes 0.05 of it.
            slots: tasks in flight.
            rate: so many requests in any so many virtual seconds.

        Raises:
            ControlFailed: a number cannot be used; nothing changed.
        """
        per = rate if rate is None or rate is _KEPT else {"requests": rate[0], "seconds": rate[1]}
        given = {"units": units, "slots": slots, "rate": per}
        change = {name: value for name, value in given.items() if value is not _KEPT}
        return (yield Call("PUT" if change else "GET", "/limits", change or None))

    @twin
    def behaviours(self, /, **readings: str) -> Steps[dict[str, str]]:
        """Chooses readings of disputed rules by name, and returns those in force.

        Raises:
            ControlFailed: a rule or reading is not known; nothing changed.
        """
        call = Call("PUT" if readings else "GET", "/behaviours", dict(readings) or None)
        return {row["name"]: row["value"] for row in (yield call)["behaviours"]}

    @twin
    def report(self, *, since: int = 0) -> Steps[Value]:
        """The report card on the client: how it polled, retried, and treated ids and callbacks.

        Args:
            since: judges only requests with a greater number.
        """
        return (yield Call("GET", "/report", query={"since": since}))

    @twin
    def assert_well_behaved(
        self,
        *,
        fail_on: Literal["warning", "advice"] = "warning",
        ignore: Collection[str] = (),
        since: int = 0,
    ) -> Steps[None]:
        """Asserts that the report card has nothing to say against the client.

        Args:
            fail_on: the mildest verdict that counts.
            ignore: ids of items and lints that do not count, such as ``retries.speech``.
            since: judges only requests with a greater number.

        Raises:
            NotAsExpected: it has; the message is what ``kling-mock ctl report`` says of it.
            ValueError: there is no such verdict.
        """
        __tracebackhide__ = True
        if fail_on not in ("warning", "advice"):
            raise ValueError(f"fail_on is 'warning' or 'advice', not {fail_on!r}")
        card = yield from Whole.report(self, since=since)
        from mock_server.ctl_report import bad  # what reads command lines is seldom needed

        if lines := bad(card, fail_on, ignore):
            raise NotAsExpected("\n".join(["the client does not behave well", *lines]))

    @twin
    def seed(self) -> Steps[str]:
        """The seed of the server: with it and the same key, ids are the same again."""
        return str((yield Call("GET", "/health"))["seed"])
