"""The official dialect: its operations and its words."""

from __future__ import annotations

from types import MappingProxyType

from mock_server.contract import Violation
from mock_server.core.behaviour import Behaviour
from mock_server.core.errors import Reason, Refused
from mock_server.core.page import take
from mock_server.core.task import Task, TaskKind, observe, observe_step
from mock_server.http import wire
from mock_server.http.dialect import (
    PARAMETER_CODES,
    Call,
    Dialect,
    Handler,
    not_an_object,
    type_name,
)
from mock_server.http.envelope import Answer, kling_error, kling_success

#: Which operations make a task.
CREATES = MappingProxyType(
    {"createSpeech": TaskKind.SPEECH, "createCustomVoice": TaskKind.CUSTOM_VOICE}
)


class Operations:
    """The operations of the official API under one dialect's name."""

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect

    def handlers(self) -> dict[str, Handler]:
        """The handlers by operationId."""
        return {
            "createSpeech": self.create_speech,
            "getSpeech": self.get_speech,
            "createCustomVoice": self.create_custom_voice,
            "getCustomVoice": self.get_custom_voice,
            "listCustomVoices": self.list_custom_voices,
            "listPresetVoices": self.list_preset_voices,
            "deleteVoice": self.delete_voice,
        }

    def create_speech(self, call: Call) -> Answer:
        """POST .../audio/tts: the answer already holds the audio."""
        service = call.world.service
        _warn_of_foreign_fields(call)
        speed = service.speech_speed(call.account, call.body.get("voice_speed", 1.0))
        order = wire.speech_order(self._dialect, call, speed)
        task = call.task = service.create_speech(call.account, order)
        call.created = True
        record = wire.speech_record(task, observe_step(task, 0))
        return _created(task, kling_success(call.request_id, record))

    def get_speech(self, call: Call) -> Answer:
        """GET .../audio/tts/{id}: an extension of the mock."""
        task = call.task = call.world.service.speech(call.account, call.id)
        record = wire.speech_record(task, observe(task, call.account.clock.now()))
        return kling_success(call.request_id, record)

    def create_custom_voice(self, call: Call) -> Answer:
        """POST .../general/custom-voices: answers with the first status."""
        order = wire.voice_order(self._dialect, call)
        task = call.task = call.world.service.create_custom_voice(call.account, order)
        call.created = True
        record = wire.created_voice(task, observe_step(task, 0))
        return _created(task, kling_success(call.request_id, record))

    def get_custom_voice(self, call: Call) -> Answer:
        """GET .../general/custom-voices/{id}: by task id or external id."""
        task = call.task = call.world.service.custom_voice(call.account, call.id)
        record = wire.voice_record(task, observe(task, call.account.clock.now()))
        return kling_success(call.request_id, record)

    def list_custom_voices(self, call: Call) -> Answer:
        """GET .../general/custom-voices: newest first."""
        page = wire.page(call.query, _page_size_max(call))
        now = call.account.clock.now()
        tasks = call.world.service.custom_voices(call.account, page)
        records = [wire.voice_record(task, observe(task, now)) for task in tasks]
        return kling_success(call.request_id, records)

    def list_preset_voices(self, call: Call) -> Answer:
        """GET .../general/presets-voices: the preset library."""
        page = wire.page(call.query, _page_size_max(call))
        call.world.service.admit(call.account)
        presets = take(call.world.catalogue.presets, page)
        records = [wire.preset_record(preset, call.origin) for preset in presets]
        return kling_success(call.request_id, records)

    def delete_voice(self, call: Call) -> Answer:
        """POST .../general/delete-voices: by voice id; what it answers is Behaviour.delete_answer."""
        task = call.task = call.world.service.delete_voice(call.account, call.body["voice_id"])
        seen = observe(task, call.account.clock.now())
        record = wire.voice_record(task, seen)
        match call.account.behaviour.delete_answer:
            case "none":
                return kling_success(call.request_id, ...)
            case "stub":
                record = {key: record[key] for key in ("task_id", "task_status")}
        return kling_success(call.request_id, record)


def words(violation: Violation, behaviour: Behaviour) -> Refused:
    """The refusal of a request that breaks a rule of its schema; free text, as the real messages are."""
    field, limit = violation.field, violation.limit
    reason = Reason.PARAMETER_ILLEGAL
    match violation.rule:
        case "type" if not field:
            return not_an_object(behaviour, "The request body must be a JSON object")
        case "required":
            text = f"{field} is required"
        case "anyOf":
            text = f"{' or '.join(limit)} is required"
        case "minLength":
            text = f"{field} must not be empty"
        case "maxLength":
            text = f"{field} exceeds the maximum of {limit} characters"
            if field == "text":
                reason = PARAMETER_CODES[behaviour.text_too_long]
        case "enum":
            text = f"{field} must be one of {', '.join(map(str, limit))}"
        case "type":
            text = f"{field} must be {type_name(limit)}"
        case "pattern":
            text = f"{field} must be an http or https URL"
        case "depth":
            text = "The request body is nested too deeply"
        case _:
            text = f"{field or 'The request body'} has an illegal value"
    return Refused(reason, text)


def _warn_of_foreign_fields(call: Call) -> None:
    """callback_url and external_task_id are no fields of text-to-speech (documented): sent, they do nothing."""
    foreign = [name for name in ("callback_url", "external_task_id") if call.body.get(name)]
    if foreign:
        call.warn(f"text-to-speech has no {' and no '.join(foreign)}")


def _created(task: Task, answer: Answer) -> Answer:
    if task.scenario != "default":
        answer.scenario = task.scenario
    return answer


def _page_size_max(call: Call) -> int:
    return int(call.account.behaviour.page_size_max)


DIALECT = Dialect(
    "klingai",
    "/",
    Operations("klingai").handlers(),
    kling_error,
    words,
    creates=CREATES,
)
