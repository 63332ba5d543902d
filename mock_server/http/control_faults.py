"""The control API's operations on faults: armed rules, and plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mock_server.core.fault import Fault
from mock_server.core.faulttext import IllegalFault, when_of
from mock_server.core.pattern import Pattern
from mock_server.core.scenario import UnknownScenario
from mock_server.faults import NameTaken
from mock_server.http import showing
from mock_server.http.admission import ControlError
from mock_server.http.asking import Asked, Endpoint
from mock_server.http.breakage import can_break
from mock_server.http.showing import Json


def pattern_of(value: Mapping[str, Any]) -> Pattern:
    """A pattern from an object that keeps the schema Pattern."""
    operation = value.get("operation", ())
    names = (operation,) if isinstance(operation, str) else tuple(operation)
    return Pattern(**{**value, "operation": names})


def _fault(asked: Asked, value: Any, place: str) -> Fault:
    try:
        fault = asked.world.fault_reader.fault(value)
    except IllegalFault as error:
        raise ControlError(400, f"{place}: {error}") from None
    if fault.scenario:
        try:
            asked.world.scenarios.named(fault.scenario)
        except UnknownScenario as error:
            raise ControlError(404, f"{place}: {error}") from None
    if fault.needs_socket and not can_break(asked.request.scope):
        words = f"{fault.socket} needs a real connection, and this server is in-process"
        raise ControlError(400, f"{place}: {words}")
    return fault


def arm(asked: Asked) -> Json:
    """Arms a fault."""
    account, body = asked.account, asked.body
    fault = _fault(asked, body["fault"], "fault")
    now = account.clock.now()
    try:
        when = when_of(body.get("when", {}))
        rule = account.faults.arm(
            body.get("id", ""), pattern_of(body.get("match", {})), fault, when, now
        )
    except IllegalFault as error:
        raise ControlError(400, f"when: {error}") from None
    except NameTaken as error:
        raise ControlError(409, str(error)) from None
    return showing.rule(rule, now)


def list_faults(asked: Asked) -> Json:
    """The armed faults."""
    now = asked.account.clock.now()
    return {"faults": [showing.rule(rule, now) for rule in asked.account.faults.rules]}


def get_fault(asked: Asked) -> Json:
    """One armed fault."""
    return showing.rule(asked.found(asked.account.faults.rule(asked.id), "fault"), _now(asked))


def disarm(asked: Asked) -> Json:
    """Takes an armed fault away."""
    return showing.rule(asked.found(asked.account.faults.disarm(asked.id), "fault"), _now(asked))


def disarm_all(asked: Asked) -> Json:
    """Takes all armed faults away."""
    rules = asked.account.faults.rules
    for rule in rules:
        asked.account.faults.disarm(rule.id)
    return {"disarmed": len(rules)}


def add_plan(asked: Asked) -> Json:
    """Adds a plan."""
    steps = {
        operation: [
            None if step == "ok" else _fault(asked, step, f"steps.{operation}[{number}]")
            for number, step in enumerate(items)
        ]
        for operation, items in asked.body["steps"].items()
    }
    try:
        return showing.plan(asked.account.faults.script(asked.body.get("id", ""), steps))
    except NameTaken as error:
        raise ControlError(409, str(error)) from None


def list_plans(asked: Asked) -> Json:
    """The plans."""
    return {"plans": [showing.plan(plan) for plan in asked.account.faults.plans]}


def get_plan(asked: Asked) -> Json:
    """One plan, and how far it was played."""
    return showing.plan(asked.found(asked.account.faults.plan(asked.id), "plan"))


def drop_plan(asked: Asked) -> Json:
    """Takes a plan away."""
    return showing.plan(asked.found(asked.account.faults.drop(asked.id), "plan"))


def drop_plans(asked: Asked) -> Json:
    """Takes all plans away."""
    plans = asked.account.faults.plans
    for plan in plans:
        asked.account.faults.drop(plan.id)
    return {"dropped": len(plans)}


def _now(asked: Asked) -> int:
    return asked.account.clock.now()


ENDPOINTS = (
    Endpoint("GET", "/faults", "listFaults", list_faults),
    Endpoint("POST", "/faults", "armFault", arm, 201),
    Endpoint("DELETE", "/faults", "disarmFaults", disarm_all),
    Endpoint("GET", "/faults/{id}", "getFault", get_fault),
    Endpoint("DELETE", "/faults/{id}", "disarmFault", disarm),
    Endpoint("GET", "/plans", "listPlans", list_plans),
    Endpoint("POST", "/plans", "addPlan", add_plan, 201),
    Endpoint("DELETE", "/plans", "dropPlans", drop_plans),
    Endpoint("GET", "/plans/{id}", "getPlan", get_plan),
    Endpoint("DELETE", "/plans/{id}", "dropPlan", drop_plan),
)
