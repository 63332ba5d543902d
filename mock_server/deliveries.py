"""The callbacks of one account: each delivery with its attempts, and what is planned for it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush
from typing import Any

from mock_server.core.callback import CallbackFault
from mock_server.core.task import Observation, Task

#: Deliveries kept per account once they are over; those that are not are always kept.
KEPT = 10_000


class DeliveryState(StrEnum):
    """How far a delivery is."""

    PENDING = "pending"
    HELD = "held"
    DELIVERED = "delivered"
    FAILED = "failed"
    DROPPED = "dropped"


OVER = frozenset({DeliveryState.DELIVERED, DeliveryState.FAILED, DeliveryState.DROPPED})


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt: instants in ms, headers sent, the receiver's answer with its first bytes, or why there is none."""

    attempt: int
    at: int
    wall: int
    headers: Mapping[str, str]
    status: int | None
    error: str
    took_ms: float
    answer: str


@dataclass(slots=True, eq=False)
class Delivery:
    """One callback: which status of which task, its bytes once they are rendered, and how it went.

    Attributes:
        number: from 1, in the order in which they were made.
        id: what it is signed as; a resent or doubled callback has that of the first.
        headers: of its first attempt; a replay sends the same again.
        original: the delivery that this one is a copy of, whose bytes it sends.
        next_at: instant in ms of the next attempt that is planned.
        done: resolved when the attempt that is under way is over.
    """

    number: int
    id: str
    task: Task
    seen: Observation
    fault: CallbackFault | None = None
    state: DeliveryState = DeliveryState.PENDING
    body: bytes | None = None
    headers: dict[str, str] | None = None
    original: Delivery | None = None
    is_replay: bool = False
    next_at: int | None = None
    attempts: list[Tried] = field(default_factory=list)
    done: asyncio.Future[Any] | None = None


class Deliveries:
    """The deliveries of one account, oldest first."""

    def __init__(self) -> None:
        self._all: dict[int, Delivery] = {}
        self._over: list[int] = []  # a heap
        self._made = 0
        #: New callbacks are held until somebody releases them.
        self.hold = False
        #: Deliveries that are no longer kept.
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Delivery]:
        """All that are kept, oldest first."""
        return iter(tuple(self._all.values()))

    def get(self, number: int) -> Delivery | None:
        """The delivery with this number, while it is kept."""
        return self._all.get(number)

    def new(
        self, delivery_id: str, task: Task, seen: Observation, fault: CallbackFault | None
    ) -> Delivery:
        """Makes the next delivery."""
        self._made += 1
        delivery = Delivery(self._made, delivery_id, task, seen, fault)
        self._all[delivery.number] = delivery
        return delivery

    def finish(self, delivery: Delivery, state: DeliveryState) -> None:
        """A delivery is over; the oldest that are over are dropped beyond ``KEPT``."""
        if delivery.state not in OVER:
            heappush(self._over, delivery.number)
        delivery.state, delivery.next_at = state, None
        if len(self._over) > KEPT:
            self._all.pop(heappop(self._over), None)
            self.dropped += 1
