"""How the control API shows things: the shapes of openapi/control.yaml."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from mock_server.account import Account
from mock_server.core.behaviour import Behaviour
from mock_server.core.fault import When
from mock_server.core.limits import Limits
from mock_server.core.pattern import Pattern
from mock_server.core.redact import is_deep, redacted, shown_url
from mock_server.core.scenario import Scenario
from mock_server.core.task import TERMINAL, Task, observe
from mock_server.faults import FaultRule, Plan
from mock_server.journal import Entry
from mock_server.scenarios import Scenarios

Json = dict[str, Any]

#: Levels of nesting that are shown: the encoder has an end, and nobody reads further.
DEEPEST = 100


def clock(account: Account) -> Json:
    """The clock of an account (schema Clock)."""
    rate, planned = account.clock.rate, account.planned()
    return {
        "account": account.id,
        "now": account.clock.now(),
        "rate": rate,
        "mode": "manual" if rate == 0 else "real" if rate == 1 else "scaled",
        "next_due": planned[0] if planned else None,
        "planned": len(planned),
    }


def task(item: Task, now: int) -> Json:
    """A task with its plan (schema TaskShown)."""
    seen = observe(item, now)
    return {
        "task_id": item.id,
        "kind": item.kind,
        "dialect": item.dialect,
        "scenario": item.scenario,
        "external_task_id": item.external_id,
        "callback_url": shown_url(item.callback_url) if item.callback_url else "",
        "created_at": item.created_at,
        "updated_at": seen.updated_at,
        "status": seen.status,
        "message": seen.message,
        "terminal": seen.status in TERMINAL,
        "visible_at": item.visible_at or None,
        "timeline": [
            {
                "status": step.status,
                "at": None if step.after_ms is None else item.created_at + step.after_ms,
                "message": step.message,
                "arrived": index <= seen.step,
            }
            for index, step in enumerate(item.timeline)
        ],
    }


def scenario(item: Scenario, scenarios: Scenarios) -> Json:
    """A scenario and the magic values that ask for it (schema ScenarioShown)."""
    return {
        "name": item.name,
        "summary": item.summary,
        "evidence": item.evidence,
        "source": item.source,
        "kinds": list(item.plans),
        "magic": scenarios.magic_of(item),
    }


def rule(item: FaultRule, now: int) -> Json:
    """An armed fault (schema FaultRule)."""
    return {
        "id": item.id,
        "match": pattern(item.pattern),
        "fault": item.fault.value,
        "when": when(item.when),
        "state": item.state(now),
        "matched": item.matched,
        "consumed": item.consumed,
        "remaining": item.remaining,
        "bypassed": item.bypassed,
    }


def plan(item: Plan) -> Json:
    """A plan, and how far it was played (schema Plan)."""
    steps = {
        operation: {
            "done": item.done.get(operation, 0),
            "left": ["ok" if step is None else step.written for step in item.left(operation)],
        }
        for operation in item.steps
    }
    return {"id": item.id, "steps": steps, "completed": item.completed}


def pattern(item: Pattern) -> Json:
    """A pattern as it was given (schemas Match and Pattern)."""
    shown: Json = {}
    for field in fields(item):
        value = getattr(item, field.name)
        if value is None or value in ("", (), {}):
            continue
        if field.name == "operation":
            value = value[0] if len(value) == 1 else list(value)
        shown[field.name] = value
    return shown


def when(item: When) -> Json:
    """Which matches are struck, as far as it says more than the default (schema When)."""
    shown: Json = {"after": item.after} if item.after else {}
    if item.count is not None:
        shown["count"] = item.count
    if item.probability < 1:
        shown["probability"] = item.probability
    if item.window is not None:
        shown["window"] = list(item.window)
    if item.ttl_s is not None:
        shown["ttl"] = item.ttl_s
    return shown


def entry(item: Entry) -> Json:
    """An entry of the journal (schema JournalEntry)."""
    body = item.json
    is_cut = item.is_cut or is_deep(body, DEEPEST)
    return {
        "number": item.number,
        "at": item.at,
        "wall": item.wall,
        "method": item.method,
        "path": item.path,
        "query": item.query,
        "operation": item.operation,
        "dialect": item.dialect,
        "body": None if is_cut else redacted(body),
        "body_truncated": is_cut,
        "status": item.status or None,
        "code": item.code,
        "message": item.message,
        "took_ms": item.took_ms,
        "request_id": item.request_id,
        "task_id": item.task_id,
        "scenario": item.scenario,
        "fault": item.fault,
        "warning": item.warning,
    }


def limits(item: Limits) -> Json:
    """What an account may do (schema Limits)."""
    rate = item.rate
    return {
        "units": None if item.units is None else units(item.units),
        "slots": item.slots,
        "rate": None if rate is None else {"requests": rate.requests, "seconds": rate.seconds},
    }


def units(hundredths: int) -> float:
    """Units as a number."""
    return hundredths / 100


def behaviours(item: Behaviour) -> list[Json]:
    """The reading in force of every disputed rule (schema BehaviourShown)."""
    return [
        {
            "name": field.name,
            "value": getattr(item, field.name),
            "choices": list(field.metadata["choices"]),
            "evidence": field.metadata["evidence"],
            "source": field.metadata["source"],
            "text": field.metadata["text"],
        }
        for field in fields(item)
    ]
