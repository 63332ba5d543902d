"""The control API's operations on time: the clock, advancing it, settling, and waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import TypeVar

from mock_server.account import Account
from mock_server.core.task import TaskStatus
from mock_server.events import Event, plain
from mock_server.http import showing
from mock_server.http.admission import ControlError
from mock_server.http.asking import Asked, Endpoint
from mock_server.http.showing import Json
from mock_server.waiting import Interrupted, NeverHappens

T = TypeVar("T")

#: The last instant that a clock is moved to, in ms. Source: openapi/control.yaml, Advance.to.
END_OF_TIME = 90_000_000_000_000


async def _unless_stopped(happening: Awaitable[T]) -> T:
    """What is awaited on a clock, which ends when the server stops or the account is reset."""
    try:
        return await happening
    except asyncio.CancelledError:
        raise ControlError(503, "the server stopped or the account was reset meanwhile") from None


def get_clock(asked: Asked) -> Json:
    """The account's clock."""
    return showing.clock(asked.account)


async def set_clock(asked: Asked) -> Json:
    """Changes the rate, and moves forward to an instant."""
    account, body = asked.account, asked.body
    mode = body.get("mode")
    rate = {"real": 1.0, "manual": 0.0}.get(str(mode), body.get("rate"))
    if "now" in body:
        _refuse_past(account, int(body["now"]))
        await _unless_stopped(asked.world.dispatcher.advance_to(account, int(body["now"])))
    if rate is not None:
        asked.world.dispatcher.set_rate(account, rate)
    return showing.clock(account)


async def advance(asked: Asked) -> Json:
    """Moves the account's clock by a time, to an instant, or until a task has a status."""
    account, body, dispatcher = asked.account, asked.body, asked.world.dispatcher
    deliver = body.get("deliver", True)
    begin = account.clock.now()
    if "by" in body:
        by_ms = round(body["by"] * 1000)
        if begin + by_ms > END_OF_TIME:
            raise ControlError(409, f"that is after {END_OF_TIME}, the last instant there is")
        moving = dispatcher.advance(account, by_ms, deliver=deliver)
    elif "to" in body:
        _refuse_past(account, int(body["to"]))
        moving = dispatcher.advance_to(account, int(body["to"]), deliver=deliver)
    else:
        task = asked.task(body["until"]["task"])
        status = TaskStatus(body["until"]["status"])
        moving = asked.world.waits.advance_until(account, task, status, deliver=deliver)
    try:
        happened = await _unless_stopped(moving)
    except NeverHappens as error:
        raise ControlError(409, str(error)) from None
    except Interrupted as error:
        raise ControlError(503, f"{error} meanwhile") from None
    return {**showing.clock(account), "from": begin, "events": _plain(happened)}


async def settle(asked: Asked) -> Json:
    """Lets happen what is due now, and waits for what is in flight."""
    timeout = asked.body.get("timeout", 10)

    async def settled() -> list[Event]:
        async with asyncio.timeout(timeout):
            return await asked.world.dispatcher.settle(asked.account)

    try:
        happened = await _unless_stopped(settled())
    except TimeoutError:
        raise ControlError(408, f"callbacks are still on their way after {timeout:g} s") from None
    return {**showing.clock(asked.account), "events": _plain(happened)}


def _refuse_past(account: Account, instant: int) -> None:
    now = account.clock.now()
    if instant < now:
        words = datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="milliseconds")
        raise ControlError(409, f"time does not go back: it is {now} ({words}) already")


def _plain(events: list[Event]) -> list[Json]:
    return [plain(event) for event in events]


ENDPOINTS = (
    Endpoint("GET", "/clock", "getClock", get_clock),
    Endpoint("PUT", "/clock", "setClock", set_clock),
    Endpoint("POST", "/clock/advance", "advanceClock", advance),
    Endpoint("POST", "/settle", "settle", settle),
)
