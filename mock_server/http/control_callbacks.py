"""The control API's operations on callbacks: attempts, deliveries and what is done to them, callback faults."""

from __future__ import annotations

from mock_server.callback_rules import CallbackPattern
from mock_server.core.callback import callback_fault
from mock_server.core.faulttext import IllegalFault, when_of
from mock_server.core.task import TaskStatus
from mock_server.deliveries import Delivery, DeliveryState
from mock_server.faults import NameTaken
from mock_server.http import showing_callbacks as showing
from mock_server.http.admission import ControlError
from mock_server.http.asking import Asked, Endpoint
from mock_server.http.showing import Json


def list_callbacks(asked: Asked) -> Json:
    """The callback attempts, oldest first."""
    account = asked.account
    dropped = account.callbacks_made - len(account.callbacks)
    return {"callbacks": showing.attempts(account), "dropped": dropped}


def list_deliveries(asked: Asked) -> Json:
    """The deliveries with their attempts, oldest first."""
    deliveries = asked.account.deliveries
    state, task = asked.request.query_params.get("state"), asked.request.query_params.get("task")
    if state is not None and state not in list(DeliveryState):
        raise ControlError(400, f"'state' must be one of {', '.join(DeliveryState)}")
    task_id = None if task is None else asked.task(task).id
    shown = [
        showing.delivery(item)
        for item in deliveries
        if state in (None, item.state) and task_id in (None, item.task.id)
    ]
    return {"deliveries": shown, "hold": deliveries.hold, "dropped": deliveries.dropped}


def get_delivery(asked: Asked) -> Json:
    """One delivery."""
    return showing.delivery(_delivery(asked))


def act(asked: Asked) -> Json:
    """Does something to one delivery: resend, hold, release, drop, fire."""
    delivery, account = _delivery(asked), asked.account
    courier = asked.world.courier
    action = asked.body["action"]
    if action == "resend":
        return showing.delivery(courier.resend(account, delivery))
    is_held, is_planned = delivery.state is DeliveryState.HELD, delivery.next_at is not None
    can_be_done = {
        "hold": is_planned,
        "release": is_held,
        "fire": is_held or is_planned,
        "drop": is_held or is_planned,
    }
    if not can_be_done[action]:
        is_open = delivery.state is DeliveryState.PENDING and not is_planned
        words = "under way" if is_open else delivery.state
        raise ControlError(409, f"delivery {delivery.number} is {words}: no {action}")
    if action == "hold":
        delivery.state, delivery.next_at = DeliveryState.HELD, None
    elif action == "drop":
        account.deliveries.finish(delivery, DeliveryState.DROPPED)
    else:
        courier.send(account, delivery)
    return showing.delivery(delivery)


def set_hold(asked: Asked) -> Json:
    """Holds new callbacks of the account, or releases all that are held."""
    deliveries = asked.account.deliveries
    deliveries.hold = asked.body["hold"]
    released = 0
    if not deliveries.hold:
        for delivery in deliveries:
            if delivery.state is DeliveryState.HELD:
                asked.world.courier.send(asked.account, delivery)
                released += 1
    return {"hold": deliveries.hold, "released": released}


def arm(asked: Asked) -> Json:
    """Arms a callback fault."""
    account, body = asked.account, asked.body
    now = account.clock.now()
    match = body.get("match", {})
    status = TaskStatus(match["task_status"]) if "task_status" in match else None
    pattern = CallbackPattern(match.get("task", ""), status)
    try:
        fault = callback_fault(body["fault"])
    except IllegalFault as error:
        raise ControlError(400, f"fault: {error}") from None
    if fault.early:
        raise ControlError(400, "fault: early belongs to a scenario: the create has to wait for it")
    try:
        when = when_of(body.get("when", {}))
        rule = account.callback_rules.arm(body.get("id", ""), pattern, fault, when, now)
    except IllegalFault as error:
        raise ControlError(400, f"when: {error}") from None
    except NameTaken as error:
        raise ControlError(409, str(error)) from None
    return showing.rule(rule, now)


def list_rules(asked: Asked) -> Json:
    """The armed callback faults."""
    now = asked.account.clock.now()
    rules = asked.account.callback_rules.rules
    return {"callback_faults": [showing.rule(rule, now) for rule in rules]}


def get_rule(asked: Asked) -> Json:
    """One armed callback fault."""
    found = asked.found(asked.account.callback_rules.rule(asked.id), "callback fault")
    return showing.rule(found, asked.account.clock.now())


def disarm(asked: Asked) -> Json:
    """Takes a callback fault away."""
    found = asked.found(asked.account.callback_rules.disarm(asked.id), "callback fault")
    return showing.rule(found, asked.account.clock.now())


def disarm_all(asked: Asked) -> Json:
    """Takes all callback faults away."""
    rules = asked.account.callback_rules.rules
    for rule in rules:
        asked.account.callback_rules.disarm(rule.id)
    return {"disarmed": len(rules)}


def _delivery(asked: Asked) -> Delivery:
    text = asked.id
    is_number = text.isascii() and text.isdigit() and len(text) <= 15
    return asked.found(asked.account.deliveries.get(int(text)) if is_number else None, "delivery")


ENDPOINTS = (
    Endpoint("GET", "/callbacks", "listCallbacks", list_callbacks),
    Endpoint("PUT", "/callbacks", "setCallbacks", set_hold),
    Endpoint("GET", "/deliveries", "listDeliveries", list_deliveries, parameters=("state", "task")),
    Endpoint("GET", "/deliveries/{id}", "getDelivery", get_delivery),
    Endpoint("POST", "/deliveries/{id}", "actOnDelivery", act),
    Endpoint("GET", "/callback-faults", "listCallbackFaults", list_rules),
    Endpoint("POST", "/callback-faults", "armCallbackFault", arm, 201),
    Endpoint("DELETE", "/callback-faults", "disarmCallbackFaults", disarm_all),
    Endpoint("GET", "/callback-faults/{id}", "getCallbackFault", get_rule),
    Endpoint("DELETE", "/callback-faults/{id}", "disarmCallbackFault", disarm),
)
