"""The virtual clock of an account, as a test holds it."""

from __future__ import annotations

import math
from typing import Any

from mock_server.ctl_client import Call, segment
from mock_server.testing.asking import (
    Awaiting,
    Blocking,
    ControlFailed,
    Part,
    Steps,
    Value,
    expecting,
    twin,
)


class _Clock(Part):
    """The operations of a clock. Instants are milliseconds since the Unix epoch, UTC."""

    @twin
    def now(self) -> Steps[int]:
        """The present instant: milliseconds since the Unix epoch, UTC."""
        return int((yield Call("GET", "/clock"))["now"])

    @twin
    def show(self) -> Steps[Value]:
        """The clock: ``now``, ``rate``, ``mode``, ``next_due`` (ms, or ``None``) and ``planned``."""
        return (yield Call("GET", "/clock"))

    @twin
    def advance(self, seconds: float, *, deliver: bool = True) -> Steps[list[dict[str, Any]]]:
        """Moves the clock forward, and returns what happened on the way, in due order.

        When it returns, every status has changed and every callback that fell due was attempted.

        Args:
            seconds: virtual seconds, 0 or more.
            deliver: whether the answers of callback receivers are awaited.

        Raises:
            ControlFailed: the number is negative or not finite; the clock has not moved.
        """
        try:
            is_number = math.isfinite(seconds)
        except TypeError:  # "9s"
            is_number = False
        if not is_number:
            raise ControlFailed(f"{seconds!r} is no number of seconds")
        return (yield _moving({"by": seconds, "deliver": deliver}))["events"]  # type: ignore[no-any-return]

    @twin
    def advance_to(self, instant: int) -> Steps[list[dict[str, Any]]]:
        """Moves the clock forward to an instant (ms), and returns what happened on the way.

        Raises:
            ControlFailed: the instant is past.
        """
        return (yield _moving({"to": instant}))["events"]  # type: ignore[no-any-return]

    @twin
    def until(self, task: str, status: str = "") -> Steps[list[dict[str, Any]]]:
        """Moves the clock forward until a task has a status, and returns what happened on the way.

        Args:
            task: the task id or external id.
            status: by default the last one of the task's plan.

        Raises:
            NotAsExpected: the task's plan never gets there; the clock has not moved.
            ControlFailed: there is no such task or status.
        """
        if not status:
            shown = yield Call("GET", f"/tasks/{segment(task)}")
            status = shown["timeline"][-1]["status"]
        body = {"until": {"task": task, "status": status}}
        value = yield from expecting(_moving(body))
        return value["events"]  # type: ignore[no-any-return]

    @twin
    def set_rate(self, rate: float) -> Steps[Value]:
        """Sets the virtual seconds per second: 0 stands still until told, 1 is as fast as the machine's clock.

        Raises:
            ControlFailed: the rate is negative or over a million.
        """
        return (yield Call("PUT", "/clock", {"rate": rate}))


class Clock(_Clock, Blocking):
    """The virtual clock of one account."""


class AsyncClock(_Clock, Awaiting):
    """The virtual clock of one account; each operation is awaited."""


def _moving(body: Value) -> Call:
    return Call("POST", "/clock/advance", body, waits_s=None)
