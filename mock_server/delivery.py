"""Time passing: what is due in each account happens, and whoever waits on its clock is told.

What is due, and when, is data in each account's agenda. The dispatcher keeps one timer per account, for its next due
entry; callbacks are handed to the courier. A receiver that is slow or gone delays what is meant for it, and nothing
else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from weakref import WeakValueDictionary

from mock_server.account import Account
from mock_server.core.agenda import Due
from mock_server.core.task import TERMINAL, Observation, Step, Task, due_at, observe, observe_step
from mock_server.deliveries import Delivery
from mock_server.events import Event, Observer
from mock_server.planning import Planner, moved
from mock_server.sending import Courier, attempted, not_delivered

#: Steps handled in one turn of the loop, so that a thousand due at once do not hold up requests.
_PER_TURN = 500
#: A timer is set again at least this often, in seconds: loops refuse enormous delays.
_LONGEST_TIMER_S = 3600.0


class Dispatcher:
    """Lets happen what is due.

    Args:
        planner: asked what arrives; it plans the next step.
        courier: sends what a callback reports.
        publish: told of what is not delivered when the server stops.
    """

    def __init__(self, planner: Planner, courier: Courier, publish: Observer) -> None:
        self._planner = planner
        planner.planned = courier.planned = self.planned
        self._courier = courier
        self._publish = publish
        self._loop: asyncio.AbstractEventLoop | None = None
        # With the instant beside each: uvloop's handle of a call that is due at once does not know it.
        self._timers: dict[str, tuple[float, asyncio.Handle]] = {}
        self._advancing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._watchers: dict[str, list[tuple[Account, asyncio.Future[Observation]]]] = {}
        #: Set when the server stops; ``None`` before it starts.
        self.stopping: asyncio.Event | None = None

    def start(self, accounts: Iterable[Account]) -> None:
        """Begins to send, on the running loop; what is due already is sent at once."""
        self._loop = asyncio.get_running_loop()
        self.stopping = asyncio.Event()
        for account in accounts:
            self.planned(account)

    def planned(self, account: Account) -> None:
        """The account's agenda or clock has changed: sets its timer for the next due step."""
        account.stir()  # whoever skips from due to due looks again
        lock = self._advancing.get(account.id)
        if self._loop is None or account.closed or (lock is not None and lock.locked()):
            return
        next_at = account.agenda.next_at()
        delay = None if next_at is None else account.clock.real_delay_s(next_at)
        timer = self._timers.get(account.id)
        if delay is None:
            self._cancel_timer(account.id)
            return
        when = self._loop.time() + min(delay, _LONGEST_TIMER_S)
        if timer is not None and timer[0] <= when:
            return  # it fires early enough, and then is set anew
        self._cancel_timer(account.id)
        self._timers[account.id] = when, self._loop.call_at(when, self._on_timer, account)

    async def advance(self, account: Account, by_ms: int, *, deliver: bool = True) -> list[Event]:
        """Moves the account's clock by ``by_ms``, from due to due; returns what happened, in due order.

        Two advances at once follow each other, so that the clock moves by the sum.
        Every attempt that falls due is awaited up to its timeout, so after this nothing is in flight that was due;
        without ``deliver`` receivers are not waited for.
        """
        return await self._walk(account, lambda now: now + by_ms, deliver)

    async def advance_to(
        self, account: Account, instant: int, *, deliver: bool = True
    ) -> list[Event]:
        """Moves the account's clock to an instant (ms), as :meth:`advance` does; nowhere when it has passed."""
        return await self._walk(account, lambda _now: instant, deliver)

    def set_rate(self, account: Account, rate: float) -> None:
        """Changes the rate of the account's clock from now on.

        Raises:
            ValueError: it is negative or no number.
        """
        account.own_clock().set_rate(rate)
        self._cancel_timer(account.id)
        self.planned(account)

    async def settle(self, account: Account) -> list[Event]:
        """Lets happen what is due now, awaits what is in flight, and moves no time."""
        return await self._walk(account, lambda now: now, True, moves=False)

    async def _walk(
        self, account: Account, target: Callable[[int], int], deliver: bool, *, moves: bool = True
    ) -> list[Event]:
        happened: list[Event] = []
        try:
            async with self._advancing.setdefault(account.id, asyncio.Lock()):
                self._cancel_timer(account.id)
                clock = account.own_clock() if moves else account.clock
                if deliver:
                    happened += await self._in_flight(account)
                to = target(clock.now())
                told = 0
                while (at := account.agenda.next_at()) is not None and at <= to:
                    if moves:
                        clock.jump_to(at)
                    happened += await self._happen(account, at, deliver)
                    if len(happened) - told > _PER_TURN:
                        told = len(happened)
                        await asyncio.sleep(0)  # others get a turn
                if moves and not account.closed:
                    clock.jump_to(to)
        finally:
            self.planned(account)
        return happened

    def transition(self, account: Account, task: Task, step: Step) -> Task:
        """Lets a status of a task begin now; its callback is on its way when this returns.

        Raises:
            TaskIsTerminal: its status is terminal; nothing changed.
            InvalidTimeline: the status cannot follow the present one; nothing changed.
        """
        self._arrive_due(account)  # what has come by itself came before
        moved_on = self._planner.intervene(account, account.task(task.id) or task, step)
        self._arrive_due(account)
        return moved_on

    async def until_terminal(self, account: Account, task: Task) -> Observation:
        """Waits, on the account's clock, until a task's status is terminal."""
        seen = observe(account.task(task.id) or task, account.clock.now())
        if seen.status in TERMINAL:
            return seen
        future: asyncio.Future[Observation] = asyncio.get_running_loop().create_future()
        waiting = self._watchers.setdefault(task.id, [])
        waiting.append((account, future))
        try:
            return await future
        finally:
            waiting.remove((account, future))
            if not waiting:
                self._watchers.pop(task.id, None)

    async def forget(self, account: Account) -> None:
        """Ends everything that is under way for an account that was reset; after this nothing of it is sent."""
        self._cancel_timer(account.id)
        await self._courier.forget(account)
        for owner, future in [item for items in self._watchers.values() for item in items]:
            if owner is account:
                future.cancel()

    async def task_settled(self, account: Account, task_id: str) -> None:
        """Lets happen what is due for a new task, and waits for its callbacks that are on their way."""
        self._arrive_due(account)
        try:
            await _outcomes(account, self._courier.in_flight(account, task_id))
        except (
            asyncio.CancelledError
        ):  # the server stops, or the account was reset: nothing to wait for
            if self.stopping is None or not (self.stopping.is_set() or account.closed):
                raise

    def release(self) -> None:
        """Ends every wait on a clock, every advance and every fault that takes time: the server is stopping."""
        if self.stopping is not None:
            self.stopping.set()
        self._courier.release()
        for waiting in self._watchers.values():
            for _, future in waiting:
                future.cancel()

    async def stop(self, accounts: Iterable[Account], grace_s: float) -> None:
        """Stops sending; attempts under way get ``grace_s`` wall seconds. Tells of every callback not delivered."""
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._loop = None
        await self._courier.stop(accounts, grace_s)
        for account in accounts:
            told: set[tuple[str, int]] = set()
            for due in account.agenda:
                if not due.delivery:  # deliveries were told of already
                    self._tell_planned(account, due.task_id, due.step, told)

    def _tell_planned(
        self, account: Account, task_id: str, index: int, told: set[tuple[str, int]]
    ) -> None:
        task = account.task(task_id)
        now = account.clock.now()
        while task is not None and (at := due_at(task, index)) is not None:
            seen = observe_step(task, index)
            if (task_id, index) not in told and self._planner.is_reported(account, task, seen):
                told.add((task_id, index))
                self._publish(not_delivered(task, seen, max(0, at - now) / 1000))
            index += 1

    def _cancel_timer(self, account_id: str) -> None:
        timer = self._timers.pop(account_id, None)
        if timer is not None:
            timer[1].cancel()

    def _on_timer(self, account: Account) -> None:
        self._timers.pop(account.id, None)
        self._arrive_due(account, _PER_TURN)
        self.planned(account)

    def _arrive_due(self, account: Account, most: int | None = None) -> None:
        now = account.clock.now()
        while most != 0 and (due := account.agenda.pop_due(now)) is not None:
            self._come(account, due)
            most = None if most is None else most - 1

    def _come(self, account: Account, due: Due) -> tuple[Event | None, list[Delivery]]:
        """An entry of the agenda has come: what there is to tell of it, and what is on its way because of it."""
        if due.delivery:
            delivery = self._courier.due(account, due.delivery, due.at)
            return None, [] if delivery is None else [delivery]
        arrival = self._planner.arrive(account, due)
        if arrival is None:
            return None, []
        if arrival.seen.status in TERMINAL:
            for owner, future in self._watchers.get(arrival.task.id, ()):
                if owner is account and not future.done():
                    future.set_result(arrival.seen)
        told = moved(arrival.task, arrival.seen) if due.step else None
        if not arrival.reported or account.closed:
            return told, []
        return told, self._courier.dispatch(account, arrival.task, arrival.seen)

    async def _in_flight(self, account: Account) -> list[Event]:
        """Waits for the account's callbacks that fell due before, and are on their way or in a queue."""
        return await _outcomes(account, self._courier.in_flight(account))

    async def _happen(self, account: Account, at: int, deliver: bool) -> list[Event]:
        happened: list[Event] = []
        sent: list[Delivery] = []
        while (due := account.agenda.pop_due(at)) is not None:
            told, deliveries = self._come(account, due)
            if told is not None:
                happened.append(told)
            sent += deliveries
        return happened + (await _outcomes(account, sent) if deliver else [])


async def _outcomes(account: Account, deliveries: Iterable[Delivery]) -> list[Event]:
    """The attempts that are awaited, in the order in which they were begun."""
    happened: list[Event] = []
    for delivery in deliveries:
        if delivery.done is not None:
            await asyncio.shield(delivery.done)
            happened.append(attempted(account, delivery))
    return happened
