"""What a client orders: the decoded, schema-checked request of a create."""

from __future__ import annotations

from typing import NamedTuple

from mock_server.core.scenario import Scenario


class SpeechOrder(NamedTuple):
    """A text-to-speech request.

    Attributes:
        language: ``zh`` or ``en``, or ``None`` where the dialect has no such field.
        speed: as it will be applied, after rounding.
        scenario: the one chosen, or ``None`` for the server's default.
        visible_after_ms: how long after the create it begins to show; usually at once.
    """

    dialect: str
    text: str
    voice_id: str
    language: str | None
    speed: float
    origin: str
    callback_url: str = ""
    scenario: Scenario | None = None
    visible_after_ms: int = 0


class VoiceOrder(NamedTuple):
    """A custom-voice request. An empty string is an absent field (the official sample sends them so)."""

    dialect: str
    voice_name: str
    voice_url: str
    video_id: str
    external_id: str
    callback_url: str
    origin: str
    scenario: Scenario | None = None
    visible_after_ms: int = 0
