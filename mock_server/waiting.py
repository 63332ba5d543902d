"""Waiting on the server's side, so that nobody writes a sleep: for a request, a task's status, a callback.

A wait looks, and looks again whenever something happens in its account. With ``skip`` it does not wait for the clock:
it lets the account's clock jump to what is due next, one due after the other, while somebody waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from mock_server.account import Account
from mock_server.core.task import Task, TaskStatus, due_at, observe
from mock_server.delivery import Dispatcher
from mock_server.events import Event


class NeverHappens(Exception):
    """Raised at once when what is waited for cannot happen; the message says why."""


class WaitedInVain(Exception):
    """Raised when the time of a wait is over."""


class Interrupted(Exception):
    """Raised when the server stops, or the account is reset, while somebody waits."""


class Waits:
    """Waits on the accounts of one server."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    async def advance_until(
        self, account: Account, task: Task, status: TaskStatus, *, deliver: bool = True
    ) -> list[Event]:
        """Moves the account's clock until a task has a status; nowhere when it had it already.

        Raises:
            NeverHappens: the task's plan never gets there; the clock has not moved.
            Interrupted: the server stops, or the account was reset.
        """
        happened: list[Event] = []
        while True:
            _go_on(account)
            task = account.task(task.id) or task
            if has_had(task, status, account.clock.now()):
                return happened
            at = comes_at(task, status)
            if at is None:
                raise NeverHappens(never_words(task, status, account.clock.now()))
            happened += await self._moved(account, at, deliver=deliver)

    async def until(
        self,
        account: Account,
        found: Callable[[], bool],
        *,
        timeout_s: float,
        skip: bool = False,
        never: Callable[[], str] = str,
    ) -> list[Event]:
        """Waits until ``found()``; returns what happened by skipping.

        Args:
            timeout_s: wall seconds.
            never: says why it cannot happen any more, or nothing.

        Raises:
            NeverHappens: ``never()`` says so.
            WaitedInVain: the time is over.
            Interrupted: the server stops, or the account was reset.
        """
        happened: list[Event] = []
        try:
            async with asyncio.timeout(timeout_s):
                while not found():
                    _go_on(account)
                    if words := never():
                        raise NeverHappens(words)
                    if skip and (at := account.agenda.next_at()) is not None:
                        happened += await self._moved(account, at, deliver=True)
                        await asyncio.sleep(0)  # whoever polls gets a turn
                    else:
                        await self._stirred(account)
        except TimeoutError:
            raise WaitedInVain from None
        return happened

    async def _moved(self, account: Account, at: int, *, deliver: bool) -> list[Event]:
        """What happened on the way to an instant; a reset or a stop cancels what is awaited there."""
        try:
            return await self._dispatcher.advance_to(account, at, deliver=deliver)
        except asyncio.CancelledError:
            _go_on(account)
            stopping = self._dispatcher.stopping
            if stopping is not None and stopping.is_set():
                raise Interrupted("the server stopped") from None
            raise

    async def _stirred(self, account: Account) -> None:
        loop = asyncio.get_running_loop()
        stirred: asyncio.Future[None] = loop.create_future()
        account.watch(stirred)
        stopping = self._dispatcher.stopping
        if stopping is None:  # in-process, without a lifespan
            await stirred
            return
        stopped = asyncio.create_task(stopping.wait())
        waiting: set[asyncio.Future[Any]] = {stirred, stopped}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if stopped.done():
                raise Interrupted("the server stopped")
        finally:
            stopped.cancel()
            stirred.cancel()


def _go_on(account: Account) -> None:
    if account.closed:
        raise Interrupted("the account was reset")


def has_had(task: Task, status: TaskStatus, now: int) -> bool:
    """Whether a task has a status at ``now`` (ms), or had it before."""
    seen = observe(task, now)
    return any(step.status is status for step in task.timeline[: seen.step + 1])


def comes_at(task: Task, status: TaskStatus) -> int | None:
    """The instant (ms) at which a task's plan gets to a status, or ``None`` when it never does by itself."""
    for index, step in enumerate(task.timeline):
        if step.status is status:
            return due_at(task, index)
    return None


def never_words(task: Task, status: TaskStatus, now: int) -> str:
    """Why a task never gets to a status."""
    seen = observe(task, now)
    return (
        f"task {task.id} is {seen.status} and never gets to {status} by itself"
        f" (scenario {task.scenario!r})"
    )
