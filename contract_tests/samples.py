"""Requests that every healthy server accepts, or whose fields at least are right."""

from __future__ import annotations

from typing import Any

from contract_tests.api import Api
from contract_tests.receiver import Receiver

#: A voice that speaks English only, and one that speaks Chinese only, as the documents print them.
ENGLISH, CHINESE = "oversea_male1", "genshin_vindi2"
_OFFICIAL = {
    "text": "Good morning. Your order has left.",
    "voice_id": ENGLISH,
    "voice_language": "en",
}
#: A voice id of the right form that nobody has.
NO_VOICE = "850087542757535834"
#: A task id that nobody has.
NO_TASK = "no-such-task"


def speech(dialect: str, **fields: Any) -> dict[str, Any]:
    """A text-to-speech request that is accepted, with some fields replaced or added."""
    if dialect == "ezmodel":
        return {"text": _OFFICIAL["text"], "voice_id": "voice_001", **fields}
    return {**_OFFICIAL, **fields}


def voice(receiver: Receiver, **fields: Any) -> dict[str, Any]:
    """A custom-voice request that is accepted, with some fields replaced or added; its end is told where that works."""
    told = {"callback_url": receiver.hook_url} if receiver.is_reachable else {}
    return {"voice_name": "Narrator", "voice_url": receiver.sample_url, **told, **fields}


def bodies(api: Api, receiver: Receiver) -> dict[str, dict[str, Any] | None]:
    """A body without a fault in its fields for each operation of a dialect; ``None`` for those that have none."""
    known: dict[str, dict[str, Any] | None] = {
        "createSpeech": speech(api.dialect),
        "createCustomVoice": voice(receiver),
        "deleteVoice": {"voice_id": NO_VOICE},
    }
    return {name: known.get(name) for name in api.document.operations}
