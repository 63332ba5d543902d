"""The control API's operations on an account as a whole: limits, books, behaviours, reset."""

from __future__ import annotations

from dataclasses import replace

from mock_server.core.behaviour import UnknownBehaviour
from mock_server.core.limits import PRICE, Rate
from mock_server.core.task import TaskStatus
from mock_server.http import showing
from mock_server.http.admission import ControlError
from mock_server.http.asking import Asked, Endpoint
from mock_server.http.showing import Json, units
from mock_server.waiting import comes_at


def list_accounts(asked: Asked) -> Json:
    """The accounts that were seen; ``-`` is that of requests without a valid credential."""
    accounts = asked.world.accounts
    shown = [accounts.anonymous] if accounts.anonymous.journal.last else []
    return {
        "accounts": [
            {
                "account": account.id,
                "now": account.clock.now(),
                "tasks": account.size,
                "requests": account.journal.last,
            }
            for account in (*accounts, *shown)
            if account.is_touched
        ]
    }


def get_limits(asked: Asked) -> Json:
    """What the account may do."""
    return showing.limits(asked.account.limits)


def set_limits(asked: Asked) -> Json:
    """Changes what the account may do; what is not named stays."""
    body, account = asked.body, asked.account
    changes: dict[str, object] = {}
    if "units" in body:
        given = body["units"]
        changes["units"] = None if given is None else round(given * 100)
    if "slots" in body:
        changes["slots"] = None if body["slots"] is None else int(body["slots"])
    if "rate" in body:
        rate = body["rate"]
        changes["rate"] = None if rate is None else Rate(int(rate["requests"]), rate["seconds"])
    account.limits = replace(account.limits, **changes)  # type: ignore[arg-type]  # by the schema
    return get_limits(asked)


def get_ledger(asked: Asked) -> Json:
    """What was deducted, and what the tasks in flight will cost."""
    account = asked.account
    in_flight = account.in_flight(account.clock.now())
    ledger, pack = account.ledger, account.limits.units
    pending = len(in_flight) * PRICE
    spent_entries = [
        {
            "task_id": booking.task_id,
            "kind": booking.kind,
            "units": units(booking.units),
            "at": booking.at,
            "state": "spent",
        }
        for booking in sorted(ledger.bookings)
    ]
    pending_entries = [
        {
            "task_id": task.id,
            "kind": task.kind,
            "units": units(PRICE),
            "at": comes_at(task, TaskStatus.SUCCEED),
            "state": "pending",
        }
        for task in in_flight
    ]
    return {
        "units": None if pack is None else units(pack),
        "spent": units(ledger.spent),
        "pending": units(pending),
        "balance": None if pack is None else units(pack - ledger.spent),
        "entries": spent_entries + pending_entries,
    }


def get_slots(asked: Asked) -> Json:
    """The tasks that hold a slot."""
    account = asked.account
    held = account.in_flight(account.clock.now())
    slots = account.limits.slots
    return {
        "slots": slots,
        "held": [{"task_id": task.id, "since": task.created_at} for task in held],
        "free": None if slots is None else max(0, slots - len(held)),
    }


def get_behaviours(asked: Asked) -> Json:
    """The reading in force of every disputed rule."""
    return {"behaviours": showing.behaviours(asked.account.behaviour)}


def set_behaviours(asked: Asked) -> Json:
    """Changes readings for this account; what is not named stays."""
    behaviour = asked.account.behaviour
    for name, value in asked.body.items():
        try:
            behaviour = behaviour.replaced(name, value)
        except UnknownBehaviour as error:
            raise ControlError(400, str(error)) from None
    asked.account.behaviour = behaviour
    return get_behaviours(asked)


async def reset(asked: Asked) -> Json:
    """Puts a new, empty account in this one's place; nothing that was queued is ever delivered."""
    new = asked.world.accounts.reset(asked.account)
    await asked.world.dispatcher.forget(asked.account)
    return {"account": new.id, "epoch": new.epoch}


ENDPOINTS = (
    Endpoint("GET", "/accounts", "listAccounts", list_accounts, has_account=False),
    Endpoint("GET", "/limits", "getLimits", get_limits),
    Endpoint("PUT", "/limits", "setLimits", set_limits),
    Endpoint("GET", "/ledger", "getLedger", get_ledger),
    Endpoint("GET", "/slots", "getSlots", get_slots),
    Endpoint("GET", "/behaviours", "getBehaviours", get_behaviours),
    Endpoint("PUT", "/behaviours", "setBehaviours", set_behaviours),
    Endpoint("POST", "/reset", "reset", reset),
)
