"""Delivering callbacks, and waiting on an account's clock.

What is due, and when, is data in each account's agenda. The dispatcher keeps one timer per account, for its next due
step; it hands callbacks to one chain per task, so that a receiver gets a task's callbacks in order, and opens at most
four connections to one receiver. A receiver that is slow or gone delays what is meant for it, and nothing else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from mock_server.account import Account
from mock_server.core.redact import shown_url
from mock_server.core.task import TERMINAL, Observation, Step, Task, due_at, observe, observe_step
from mock_server.events import CallbackAttempted, CallbackNotDelivered, Event, Observer
from mock_server.planning import Arrival, Planner, moved
from mock_server.ports import Renderer
from mock_server.sender import Attempt, Sender

#: Connections open at once to one receiver.
PER_RECEIVER = 4
#: Steps handled in one turn of the loop, so that a thousand due at once do not hold up requests.
_PER_TURN = 500
#: A timer is set again at least this often, in seconds: loops refuse enormous delays.
_LONGEST_TIMER_S = 3600.0


@dataclass(slots=True, eq=False)
class Delivery:
    """A callback to be sent: which status of which task, and the bytes once they are rendered."""

    account: Account
    task: Task
    seen: Observation
    done: asyncio.Future[Attempt]
    body: bytes | None = None
    attempts: list[Attempt] = field(default_factory=list)


class Dispatcher:
    """Sends what is due.

    Args:
        planner: asked what arrives; it plans the next step.
        render: makes the body, from the task as it is at the due instant.
        publish: told of every attempt.
    """

    def __init__(
        self,
        planner: Planner,
        sender: Sender,
        render: Renderer,
        publish: Observer,
    ) -> None:
        self._planner = planner
        planner.planned = self.planned
        self._sender = sender
        self._render = render
        self._publish = publish
        self._loop: asyncio.AbstractEventLoop | None = None
        # With the instant beside each: uvloop's handle of a call that is due at once does not know it.
        self._timers: dict[str, tuple[float, asyncio.Handle]] = {}
        self._advancing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._chains: dict[str, deque[Delivery]] = {}
        self._runners: dict[asyncio.Task[None], Account] = {}
        self._receivers: WeakValueDictionary[tuple[str, str, int | None], asyncio.Semaphore] = (
            WeakValueDictionary()
        )
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
                while (at := account.agenda.next_at()) is not None and at <= to:
                    if moves:
                        clock.jump_to(at)
                    happened += await self._happen(account, at, deliver)
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
        runners = [runner for runner, owner in self._runners.items() if owner is account]
        for chain in self._chains.values():
            for delivery in chain:
                if delivery.account is account:
                    delivery.done.cancel()
        for runner in runners:
            runner.cancel()
        await asyncio.gather(*runners, return_exceptions=True)
        for task_id in [key for key, chain in self._chains.items() if chain[0].account is account]:
            del self._chains[task_id]
        for owner, future in [item for items in self._watchers.values() for item in items]:
            if owner is account:
                future.cancel()

    def is_delivering(self, account: Account) -> bool:
        """Whether a callback of the account is on its way or in a queue."""
        return any(owner is account for owner in self._runners.values())

    def release(self) -> None:
        """Ends every wait on a clock, every advance and every fault that takes time: the server is stopping."""
        if self.stopping is not None:
            self.stopping.set()
        for chain in self._chains.values():
            for delivery in chain:
                delivery.done.cancel()
        for waiting in self._watchers.values():
            for _, future in waiting:
                future.cancel()

    async def stop(self, accounts: Iterable[Account], grace_s: float) -> None:
        """Stops sending; attempts under way get ``grace_s`` wall seconds. Tells of every callback not delivered."""
        for _, timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._loop = None
        if self._runners:
            await asyncio.wait(self._runners, timeout=grace_s)
        for runner in self._runners:
            runner.cancel()
        await asyncio.gather(*self._runners, return_exceptions=True)
        for chain in self._chains.values():
            for delivery in chain:
                delivery.done.cancel()
                self._publish(_not_delivered(delivery.task, delivery.seen, None))
        for account in accounts:
            told: set[tuple[str, int]] = set()
            for due in account.agenda:
                self._tell_planned(account, due.task_id, due.step, told)
        await self._sender.close()

    def _tell_planned(
        self, account: Account, task_id: str, index: int, told: set[tuple[str, int]]
    ) -> None:
        task = account.task(task_id)
        now = account.clock.now()
        while task is not None and (at := due_at(task, index)) is not None:
            seen = observe_step(task, index)
            if (task_id, index) not in told and self._planner.is_reported(account, task, seen):
                told.add((task_id, index))
                self._publish(_not_delivered(task, seen, max(0, at - now) / 1000))
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
            arrival = self._planner.arrive(account, due)
            if arrival is not None:
                self._arrived(account, arrival)
            most = None if most is None else most - 1

    def _arrived(self, account: Account, arrival: Arrival) -> Delivery | None:
        if arrival.seen.status in TERMINAL:
            for owner, future in self._watchers.get(arrival.task.id, ()):
                if owner is account and not future.done():
                    future.set_result(arrival.seen)
        return self._enqueue(account, arrival) if arrival.reported and not account.closed else None

    async def _in_flight(self, account: Account) -> list[Event]:
        """Waits for the account's callbacks that fell due before, and are on their way or in a queue."""
        waiting = [
            delivery
            for chain in self._chains.values()
            for delivery in chain
            if delivery.account is account
        ]
        return [_attempted(delivery, await asyncio.shield(delivery.done)) for delivery in waiting]

    async def _happen(self, account: Account, at: int, deliver: bool) -> list[Event]:
        happened: list[Event] = []
        deliveries: list[Delivery] = []
        while (due := account.agenda.pop_due(at)) is not None:
            arrival = self._planner.arrive(account, due)
            if arrival is None:
                continue
            if due.step:
                happened.append(moved(arrival.task, arrival.seen))
            delivery = self._arrived(account, arrival)
            if delivery is not None and deliver:
                deliveries.append(delivery)
        for delivery in deliveries:
            attempt = await asyncio.shield(delivery.done)
            happened.append(_attempted(delivery, attempt))
        return happened

    def _enqueue(self, account: Account, arrival: Arrival) -> Delivery:
        loop = asyncio.get_running_loop()
        delivery = Delivery(account, arrival.task, arrival.seen, loop.create_future())
        chain = self._chains.get(arrival.task.id)
        if chain is None:
            chain = self._chains[arrival.task.id] = deque([delivery])
            runner = loop.create_task(self._run(arrival.task.id, chain))
            self._runners[runner] = account
            runner.add_done_callback(self._runners.pop)
        else:
            chain.append(delivery)
        return delivery

    async def _run(self, task_id: str, chain: deque[Delivery]) -> None:
        while chain:
            delivery = chain[0]
            async with self._receiver(delivery.task.callback_url):
                attempt = await self._attempt(delivery)
            chain.popleft()
            if not delivery.done.done():
                delivery.done.set_result(attempt)
        self._chains.pop(task_id, None)

    async def _attempt(self, delivery: Delivery) -> Attempt:
        if delivery.body is None:
            delivery.body = self._render(delivery.task, delivery.seen)
        attempt = await self._sender.post(delivery.task.callback_url, delivery.body)
        delivery.attempts.append(attempt)
        told = _attempted(delivery, attempt)
        delivery.account.add_attempt(told)
        self._publish(told)
        return attempt

    def _receiver(self, url: str) -> asyncio.Semaphore:
        return self._receivers.setdefault(_receiver_of(url), asyncio.Semaphore(PER_RECEIVER))


def _receiver_of(url: str) -> tuple[str, str, int | None]:
    """What makes two URLs lead to one receiver: scheme, host and port."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        return parts.scheme, parts.hostname or "", port
    except ValueError:
        return "", url, None


def _attempted(delivery: Delivery, attempt: Attempt) -> CallbackAttempted:
    return CallbackAttempted(
        delivery.task.id,
        delivery.task.account_id,
        delivery.seen.status,
        shown_url(delivery.task.callback_url),
        len(delivery.attempts),
        attempt.status,
        attempt.error,
        round(attempt.took_ms, 1),
        delivery.account.clock.now(),
    )


def _not_delivered(task: Task, seen: Observation, due_in_s: float | None) -> CallbackNotDelivered:
    return CallbackNotDelivered(
        task.id, task.account_id, seen.status, shown_url(task.callback_url), due_in_s
    )
