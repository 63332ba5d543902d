"""JSON names: requests decoded into orders, tasks encoded into records. Only this file knows how the API spells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import parse_qsl

from mock_server.catalogue import PresetVoice
from mock_server.core.errors import Reason, Refused
from mock_server.core.limits import PRICE
from mock_server.core.media_url import media_url
from mock_server.core.page import DEFAULT_PAGE_NUM, DEFAULT_PAGE_SIZE, MAX_PAGE_NUM, Page
from mock_server.core.scenario import Scenario
from mock_server.core.task import CustomVoice, Observation, Speech, Task, TaskStatus
from mock_server.orders import SpeechOrder, VoiceOrder

Json = dict[str, Any]


class Called(Protocol):
    """What an order is made from: the request's body, and what was chosen for it."""

    body: Any
    origin: str
    scenario: Scenario | None
    visible_after_ms: int


#: What a task that succeeded has cost.
UNITS = f"{PRICE / 100:.2f}"
#: Documented: the voice_language that is meant when none is sent.
DEFAULT_LANGUAGE = "zh"


def speech_order(dialect: str, call: Called, speed: float) -> SpeechOrder:
    """The order of an official text-to-speech request (schema SpeechRequest)."""
    body = call.body
    language = body.get("voice_language", DEFAULT_LANGUAGE)
    return SpeechOrder(
        dialect,
        body["text"],
        body["voice_id"],
        language,
        speed,
        call.origin,
        "",
        call.scenario,
        call.visible_after_ms,
    )


def ezmodel_speech_order(call: Called) -> SpeechOrder:
    """The order of an EzModel text-to-speech request (schema EzSpeechRequest)."""
    body = call.body
    return SpeechOrder(
        "ezmodel",
        body["text"],
        body["voice_id"],
        None,
        float(body.get("speed", 1.0)),
        call.origin,
        body.get("callback_url", ""),
        call.scenario,
        call.visible_after_ms,
    )


def voice_order(dialect: str, call: Called) -> VoiceOrder:
    """The order of a custom-voice request (schema CustomVoiceRequest). An empty string is an absent field."""
    body = call.body
    return VoiceOrder(
        dialect,
        body["voice_name"],
        body.get("voice_url", ""),
        body.get("video_id", ""),
        body.get("external_task_id", ""),
        body.get("callback_url", ""),
        call.origin,
        call.scenario,
        call.visible_after_ms,
    )


def page(query: bytes, page_size_max: int) -> Page:
    """The page of a list request: pageNum in [1, 1000], pageSize in [1, ``page_size_max``].

    Raises:
        Refused: not a whole number, or out of range.
    """
    if not query:
        return Page()
    fields = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    return Page(
        _bounded(fields, "pageNum", DEFAULT_PAGE_NUM, MAX_PAGE_NUM),
        _bounded(fields, "pageSize", DEFAULT_PAGE_SIZE, page_size_max),
    )


def created_voice(task: Task, seen: Observation) -> Json:
    """What creating a custom voice answers (schema CreatedTask)."""
    return {
        "task_id": task.id,
        "task_info": _task_info(task),
        "task_status": seen.status,
        "created_at": task.created_at,
        "updated_at": seen.updated_at,
    }


def voice_record(task: Task, seen: Observation) -> Json:
    """A custom-voice task as queries, lists and callbacks show it (schema CustomVoiceTask)."""
    record = _record(task, seen)
    record["task_info"] = _task_info(task)
    voice = task.product
    if seen.status is TaskStatus.SUCCEED and isinstance(voice, CustomVoice):
        record["task_result"] = {"voices": [_voice(task, voice, seen.updated_at)]}
    return record


def speech_record(task: Task, seen: Observation) -> Json:
    """A text-to-speech task (schema SpeechTask); documented without task_info."""
    record = _record(task, seen)
    speech = task.product
    if seen.status is TaskStatus.SUCCEED and isinstance(speech, Speech):
        audio = {
            "id": speech.audio_id,
            "url": audio_url(task, speech, seen.updated_at),
            "duration": _seconds(speech.duration_ms),
        }
        record["task_result"] = {"audios": [audio]}
    return record


def ezmodel_speech(task: Task, ended_at: int) -> Json:
    """What EzModel's text-to-speech answers and calls back with (schema EzSpeech)."""
    speech = task.product
    if not isinstance(speech, Speech):
        raise TypeError(f"task {task.id} is no speech")
    return {
        "audio_id": speech.audio_id,
        "audio_url": audio_url(task, speech, ended_at),
        "duration": speech.duration_ms,
        "created_at": task.created_at,
    }


def preset_record(preset: PresetVoice, origin: str) -> Json:
    """An entry of the preset library: a pseudo-task without task_info and deductions (observed)."""
    voice = {
        "voice_id": preset.voice_id,
        "voice_name": preset.voice_name,
        "trial_url": f"{origin}/media/preset/{preset.voice_id}.wav",
        "owned_by": "kling",
    }
    return {
        "task_id": preset.task_id,
        "task_status": TaskStatus.SUCCEED,
        "task_status_msg": "",
        "task_result": {"voices": [voice]},
        "created_at": preset.created_at,
        "updated_at": preset.created_at,
    }


def audio_url(task: Task, speech: Speech, ended_at: int) -> str:
    """Where the audio of a speech is served; the length is part of the URL, so no state is needed to serve it."""
    name = f"speech/{speech.audio_id}-{speech.duration_ms}.mp3"
    return media_url(task.origin, task.account_id, name, ended_at + task.urls_live_ms)


def _record(task: Task, seen: Observation) -> Json:
    record: Json = {
        "task_id": task.id,
        "task_status": seen.status,
        "task_status_msg": seen.message,
        "created_at": task.created_at,
        "updated_at": seen.updated_at,
    }
    if seen.status is TaskStatus.SUCCEED:
        record["final_unit_deduction"] = UNITS
    elif seen.status is TaskStatus.FAILED:
        record["task_result"] = {}  # observed: an empty object, and no deduction
    return record


def _task_info(task: Task) -> Json:
    # Observed: an empty object when the client gave no id.
    return {"external_task_id": task.external_id} if task.external_id else {}


def _voice(task: Task, voice: CustomVoice, ended_at: int) -> Json:
    name, expires_at = f"trial/{voice.voice_id}.wav", ended_at + task.urls_live_ms
    return {
        "voice_id": voice.voice_id,
        "voice_name": voice.voice_name,
        "trial_url": media_url(task.origin, task.account_id, name, expires_at),
        "owned_by": voice.owned_by,
    }


def _seconds(duration_ms: int) -> str:
    return f"{duration_ms / 1000:.3f}".rstrip("0").rstrip(".")


def _bounded(fields: Mapping[str, str], name: str, default: int, high: int) -> int:
    text = fields.get(name)
    if text is None:
        return default
    # A number of more than nine digits is out of every range, and int() of a long text is slow.
    if text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= high:
        return int(text)
    raise Refused(Reason.PARAMETER_ILLEGAL, f"{name} must be a whole number from 1 to {high}")
