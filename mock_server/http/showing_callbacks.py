"""How the control API shows callbacks: attempts, deliveries, callback faults."""

from __future__ import annotations

from typing import Any

import orjson

from mock_server.account import Account
from mock_server.callback_rules import ArmedCallbackRule
from mock_server.core.redact import shown_url
from mock_server.deliveries import Delivery, Tried
from mock_server.events import CallbackAttempted
from mock_server.http.showing import Json, when


def attempt(number: int, item: CallbackAttempted) -> Json:
    """A callback attempt (schema CallbackShown)."""
    return {
        "number": number,
        "delivery": item.delivery,
        "task_id": item.task_id,
        "task_status": item.task_status,
        "url": item.url,
        "attempt": item.attempt,
        "status": item.status,
        "error": item.error,
        "took_ms": item.took_ms,
        "at": item.at,
    }


def attempts(account: Account) -> list[Json]:
    """The callback attempts that are kept, oldest first."""
    first = account.callbacks_made - len(account.callbacks) + 1
    return [attempt(number, item) for number, item in enumerate(account.callbacks, first)]


def delivery(item: Delivery) -> Json:
    """A delivery with its attempts (schema DeliveryShown)."""
    first = item.original or item
    return {
        "number": item.number,
        "id": item.id,
        "task_id": item.task.id,
        "task_status": item.seen.status,
        "url": shown_url(item.task.callback_url),
        "state": item.state,
        "fault": "" if item.fault is None else _text(item.fault.written),
        "copy_of": None if item.original is None else first.number,
        "next_at": item.next_at,
        "body": _decoded(item.body),
        "attempts": [_tried(tried) for tried in item.attempts],
    }


def rule(item: ArmedCallbackRule, now: int) -> Json:
    """An armed callback fault (schema CallbackFaultRule)."""
    match: Json = {"task": item.pattern.task} if item.pattern.task else {}
    if item.pattern.status is not None:
        match["task_status"] = item.pattern.status
    return {
        "id": item.id,
        "match": match,
        "fault": item.fault.value,
        "when": when(item.when),
        "state": item.state(now),
        "matched": item.matched,
        "consumed": item.consumed,
        "remaining": item.remaining,
    }


def _tried(item: Tried) -> Json:
    return {
        "attempt": item.attempt,
        "at": item.at,
        "wall": item.wall,
        "headers": item.headers,
        "status": item.status,
        "error": item.error,
        "took_ms": item.took_ms,
        "answer": item.answer,
    }


def _decoded(body: bytes | None) -> Any:
    """The body as JSON; as text where a fault has spoilt it; ``None`` while there is none."""
    if body is None:
        return None
    try:
        return orjson.loads(body)  # all of it is the mock's own
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")


def _text(written: object) -> str:
    return written if isinstance(written, str) else orjson.dumps(written).decode()
