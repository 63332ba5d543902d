"""Sending callbacks: what is due goes to the sender, in order per task, at most four at once to one receiver.

Whether a callback is dropped, held, late or doubled is decided once, when its status comes. Its body is rendered then,
as of that instant, and serialised once: those bytes are signed, sent and tried again. When a receiver does not take it,
the schedule says when the next attempt is; that is an entry of the account's agenda like any other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from mock_server.account import Account
from mock_server.core.callback import CallbackFault
from mock_server.core.redact import shown_url
from mock_server.core.retry import NONE, Schedule
from mock_server.core.task import Observation, Task
from mock_server.deliveries import OVER, Delivery, DeliveryState, Tried
from mock_server.events import CallbackAttempted, CallbackNotDelivered, Observer
from mock_server.outgoing import Outgoing
from mock_server.ports import Ids
from mock_server.sender import Attempt, Sender

#: Connections open at once to one receiver.
PER_RECEIVER = 4

#: Which callback fault applies to a callback, if any.
Choose = Callable[[Account, Task, Observation], CallbackFault | None]
_Chain = deque[Delivery]


class Courier:
    """Sends deliveries.

    Args:
        outgoing: makes the bytes and headers of an attempt.
        choose: says which callback fault applies.
        publish: told of every attempt.

    Attributes:
        planned: told of an account whose agenda has a new entry; the dispatcher takes this place.
    """

    planned: Callable[[Account], None]

    def __init__(
        self,
        sender: Sender,
        outgoing: Outgoing,
        ids: Ids,
        choose: Choose,
        publish: Observer,
        schedule: Schedule = NONE,
    ) -> None:
        self.planned = lambda _account: None
        self._sender = sender
        self._outgoing = outgoing
        self._ids = ids
        self._choose = choose
        self._publish = publish
        self._schedule = schedule
        self._chains: dict[tuple[Account, str], _Chain] = {}
        self._runners: dict[asyncio.Task[None], Account] = {}
        self._receivers: WeakValueDictionary[tuple[str, str, int | None], asyncio.Semaphore] = (
            WeakValueDictionary()
        )

    def dispatch(self, account: Account, task: Task, seen: Observation) -> list[Delivery]:
        """A status has come that a callback reports: sends it, or does what the callback fault says.

        Returns what is on its way now.
        """
        fault = self._choose(account, task, seen)
        delivery = self._new(account, task, seen, fault)
        if fault is None:
            if account.deliveries.hold:
                delivery.state = DeliveryState.HELD
                return []
            return [self.send(account, delivery)]
        if fault.drop:
            account.deliveries.finish(delivery, DeliveryState.DROPPED)
            return []
        now = account.clock.now()
        is_held = fault.hold or account.deliveries.hold
        if fault.replay_after_s is not None and not is_held:
            replay = self._copy(account, delivery)
            replay.is_replay = True
            self._plan(account, replay, now + round(fault.replay_after_s * 1000))
        copies = [self._copy(account, delivery) for _ in range(fault.times - 1)]
        delay_ms = 0
        if fault.delay is not None:
            drawn = self._ids.fractions(account.id, f"late {task.id}", delivery.number)
            delay_ms = round(fault.delay.draw(*drawn) * 1000)
        sent: list[Delivery] = []
        for place, item in enumerate((delivery, *copies)):
            at = now + delay_ms + round(place * fault.every_s * 1000)
            if is_held:
                item.state = DeliveryState.HELD
            elif at > now:
                self._plan(account, item, at)
            else:
                sent.append(self.send(account, item))
        return sent

    def due(self, account: Account, number: int, at: int) -> Delivery | None:
        """An attempt that was planned for an instant (ms) has come; ``None`` when it was called off."""
        delivery = account.deliveries.get(number)
        if (
            delivery is None
            or delivery.next_at != at
            or delivery.state is not DeliveryState.PENDING
        ):
            return None
        return self.send(account, delivery)

    def send(self, account: Account, delivery: Delivery) -> Delivery:
        """Puts an attempt into the chain of its task; ``delivery.done`` tells when it is over."""
        loop = asyncio.get_running_loop()
        delivery.state, delivery.next_at = DeliveryState.PENDING, None
        delivery.done = loop.create_future()
        key = (account, delivery.task.id)
        chain = self._chains.get(key)
        if chain is None:
            chain = self._chains[key] = deque([delivery])
            runner = loop.create_task(self._run(account, key, chain))
            self._runners[runner] = account
            runner.add_done_callback(self._runners.pop)
        else:
            chain.append(delivery)
        return delivery

    def resend(self, account: Account, delivery: Delivery) -> Delivery:
        """Sends a callback once more, whatever became of it: a delivery of its own with the same id and bytes."""
        return self.send(account, self._copy(account, delivery))

    def in_flight(self, account: Account, task_id: str | None = None) -> list[Delivery]:
        """The account's deliveries whose attempts are under way or in a queue, of one task or of all."""
        return [
            delivery
            for (owner, name), chain in self._chains.items()
            if owner is account and task_id in (None, name)
            for delivery in chain
        ]

    def release(self) -> None:
        """Ends every wait for an attempt: the server is stopping."""
        for chain in self._chains.values():
            for delivery in chain:
                if delivery.done is not None:
                    delivery.done.cancel()

    async def forget(self, account: Account) -> None:
        """Ends what is under way for an account that was reset; after this nothing of it is sent."""
        for delivery in self.in_flight(account):
            if delivery.done is not None:
                delivery.done.cancel()
        runners = [runner for runner, owner in self._runners.items() if owner is account]
        for runner in runners:
            runner.cancel()
        await asyncio.gather(*runners, return_exceptions=True)
        for key in [key for key in self._chains if key[0] is account]:
            del self._chains[key]

    async def stop(self, accounts: Iterable[Account], grace_s: float) -> None:
        """Stops; attempts under way get ``grace_s`` wall seconds. Tells of every delivery that is not over."""
        if self._runners:
            await asyncio.wait(list(self._runners), timeout=grace_s)
        runners = list(self._runners)
        for runner in runners:
            runner.cancel()
        await asyncio.gather(*runners, return_exceptions=True)
        self.release()
        for account in accounts:
            now = account.clock.now()
            for delivery in account.deliveries:
                if delivery.state not in OVER:
                    at = delivery.next_at
                    due_in_s = None if at is None else max(0, at - now) / 1000
                    self._publish(not_delivered(delivery.task, delivery.seen, due_in_s))
        await self._sender.close()

    def _new(
        self, account: Account, task: Task, seen: Observation, fault: CallbackFault | None
    ) -> Delivery:
        number = self._ids.number(account.id, "delivery", account.ordinals.next("delivery"))
        return account.deliveries.new(f"msg_{number}", task, seen, fault)

    def _copy(self, account: Account, delivery: Delivery) -> Delivery:
        fault = delivery.fault
        once = None if fault is None else replace(fault, times=1, hold=False, delay=None)
        copy = account.deliveries.new(delivery.id, delivery.task, delivery.seen, once)
        copy.body, copy.headers = delivery.body, delivery.headers
        copy.original = delivery.original or delivery
        return copy

    def _plan(self, account: Account, delivery: Delivery, at: int) -> None:
        delivery.state, delivery.next_at = DeliveryState.PENDING, at
        account.agenda.plan(at, delivery.task.id, delivery.seen.step, delivery.number)
        self.planned(account)

    async def _run(self, account: Account, key: tuple[Account, str], chain: _Chain) -> None:
        while chain:
            delivery = chain[0]
            async with self._receiver(delivery.task.callback_url):
                attempt = await self._attempt(account, delivery)
            chain.popleft()
            self._settle(account, delivery, attempt)
            if delivery.done is not None and not delivery.done.done():
                delivery.done.set_result(attempt)
        self._chains.pop(key, None)

    async def _attempt(self, account: Account, delivery: Delivery) -> Attempt:
        headers = self._outgoing.prepare(account, delivery)
        attempt = await self._sender.post(delivery.task.callback_url, delivery.body or b"", headers)
        at, number = account.clock.now(), len(delivery.attempts) + 1
        tried = Tried(
            number,
            at,
            attempt.wall,
            headers,
            attempt.status,
            attempt.error,
            round(attempt.took_ms, 1),
            attempt.answer,
        )
        delivery.attempts.append(tried)
        told = attempted(account, delivery)
        account.add_attempt(told)
        self._publish(told)
        return attempt

    def _settle(self, account: Account, delivery: Delivery, attempt: Attempt) -> None:
        """What becomes of a delivery after an attempt."""
        if delivery.state in OVER or account.closed:
            return
        if attempt.delivered:
            account.deliveries.finish(delivery, DeliveryState.DELIVERED)
            return
        if delivery.is_replay:  # an attacker does not try again
            account.deliveries.finish(delivery, DeliveryState.FAILED)
            return
        tries = len(delivery.attempts)
        drawn = self._ids.fractions(account.id, f"retry {delivery.number}", tries)[0]
        delay_s = self._schedule.delay_s(tries, attempt.status, attempt.retry_after_s, drawn)
        if delay_s is None or attempt.is_refused:
            account.deliveries.finish(delivery, DeliveryState.FAILED)
        else:
            self._plan(account, delivery, account.clock.now() + round(delay_s * 1000))

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


def attempted(account: Account, delivery: Delivery) -> CallbackAttempted:
    """The event of a delivery's latest attempt."""
    tried = delivery.attempts[-1]
    return CallbackAttempted(
        delivery.task.id,
        account.id,
        delivery.seen.status,
        shown_url(delivery.task.callback_url),
        tried.attempt,
        tried.status,
        tried.error,
        tried.took_ms,
        tried.at,
        delivery.number,
    )


def not_delivered(task: Task, seen: Observation, due_in_s: float | None) -> CallbackNotDelivered:
    """The event of a callback that was not delivered when the server stopped."""
    return CallbackNotDelivered(
        task.id, task.account_id, seen.status, shown_url(task.callback_url), due_in_s
    )
