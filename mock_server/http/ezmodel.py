"""The EzModel dialect: one synchronous operation in a flat envelope, as EzModel documents it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from types import MappingProxyType

from mock_server.contract import Violation
from mock_server.core.behaviour import Behaviour
from mock_server.core.errors import Reason, Refused
from mock_server.core.task import TERMINAL, Observation, Task, TaskKind, TaskStatus, observe_step
from mock_server.http import wire
from mock_server.http.dialect import Call, Dialect, not_an_object, type_name
from mock_server.http.envelope import Answer, ezmodel_error, ezmodel_success


def create_speech(call: Call) -> Answer | Awaitable[Answer]:
    """POST /kling/v1/tts. The operation is synchronous: a slow task holds the answer on the account's clock."""
    order = wire.ezmodel_speech_order(call)
    task = call.task = call.world.service.create_speech(call.account, order)
    call.created = True
    seen = observe_step(task, 0)
    return _answer(call, task, seen) if seen.status in TERMINAL else _held(call, task)


async def _held(call: Call, task: Task) -> Answer:
    try:
        seen = await call.world.dispatcher.until_terminal(call.account, task)
    except asyncio.CancelledError:
        raise Refused(
            Reason.SERVER_UNAVAILABLE,
            "The server stopped, or the account was reset, before the audio was ready",
        ) from None
    return _answer(call, task, seen)


def _answer(call: Call, task: Task, seen: Observation) -> Answer:
    if seen.status is TaskStatus.FAILED:
        # The flat envelope has no place for a failed task (assumed).
        raise Refused(Reason.CONTENT_POLICY, seen.message, task.scenario)
    answer = ezmodel_success(call.request_id, wire.ezmodel_speech(task, seen.updated_at))
    if task.scenario != "default":
        answer.scenario = task.scenario
    return answer


def words(violation: Violation, behaviour: Behaviour) -> Refused:
    """The refusal of a request that breaks a rule of its schema; "... is required for tts" is documented."""
    field, limit = violation.field, violation.limit
    match violation.rule:
        case "type" if not field:
            return not_an_object(behaviour, "invalid request body: not a JSON object")
        case "required" | "minLength":
            text = f"{field} is required for tts"
        case "maxLength":
            got = len(violation.value)
            text = f"{field} length exceeds maximum {limit} characters, got: {got}"
        case "minimum" | "maximum":
            low, high = RANGES.get(field, (limit, limit))
            text = f"{field} must be between {low} and {high}, got: {violation.value:f}"
        case "type":
            text = f"{field} must be {type_name(limit)}"
        case "pattern":
            text = f"{field} must be an http or https URL"
        case "depth":
            text = "invalid request body: nested too deeply"
        case _:
            text = f"{field or 'the request body'} is invalid"
    return Refused(Reason.PARAMETER_ILLEGAL, text)


#: Documented ranges, for the words of a refusal; the schema does the refusing.
RANGES = {"speed": (0.5, 2.0), "volume": (0.0, 2.0)}

DIALECT = Dialect(
    "ezmodel",
    "/kling/v1/tts",
    MappingProxyType({"createSpeech": create_speech}),
    ezmodel_error,
    words,
    lambda uuid: "req_tts_" + uuid.replace("-", "")[:12],
    MappingProxyType({"createSpeech": TaskKind.SPEECH}),
)
