"""What a request must be like: the tables of the documents, by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from math import floor
from typing import Any
from urllib.parse import urlsplit

from tests.healthy.reading import Reading

#: Voices of text-to-speech and the languages they speak. A few of the vendor's guide will do.
VOICES: Mapping[str, tuple[str, ...]] = {
    "genshin_vindi2": ("zh", "en"),
    "zhinen_xuesheng": ("zh", "en"),
    "oversea_male1": ("en",),
    "reader_en_m-v1": ("en",),
    "uk_boy1": ("en",),
    "tiyuxi_xuedi": ("zh",),
    "mengwa-v1": ("zh",),
}
EZ_VOICES = (*VOICES, "voice_001")
_SPEECH = ("text", "voice_id", "voice_language", "voice_speed")
_VOICE = ("voice_name", "voice_url", "video_id", "callback_url", "external_task_id")


class Refusal(Exception):
    """A refused request.

    Attributes:
        status: HTTP.
        code: of the official table; what EzModel says is the status.
    """

    def __init__(self, status: int, code: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.code = code
        self.words = words


class Fields:
    """The body of a request, read field by field.

    Raises:
        Refusal: it is no JSON object.
    """

    def __init__(self, content: bytes, reading: Reading) -> None:
        self._reading = reading
        try:
            found = json.loads(content.decode("utf-8"), parse_constant=_no_number)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Refusal(400, reading.body_code, "The body is not a JSON object")
        if reading.null == "absent":
            found = {name: value for name, value in found.items() if value is not None}
        self.given: dict[str, Any] = found

    def bad(self, words: str) -> Refusal:
        """The refusal of a field."""
        return Refusal(400, self._reading.field_code, words)

    def text(self, name: str, most: int = 0, *, least: int = 0) -> str:
        """A text of ``least`` to ``most`` characters; a missing one is empty."""
        value = self.given.get(name, "")
        if not isinstance(value, str):
            raise self.bad(f"{name} is not a string")
        if len(value) < least:
            raise self.bad(f"{name} is missing")
        if most and len(value) > most:
            raise self.bad(f"{name} has more than {most} characters")
        return value

    def address(self, name: str) -> str:
        """An http or https address, or nothing."""
        value = self.text(name)
        if not value or self._reading.lax:
            return value
        if len(value) > 4096 or not is_address(value):
            raise self.bad(f"{name} is not an address")
        return value

    def number(self, name: str) -> float:
        """A number; 1 when it is missing."""
        value = self.given.get(name, 1.0)
        if self._reading.lax and name == "voice_speed" and isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                raise self.bad(f"{name} is not a number") from None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.bad(f"{name} is not a number")
        return float(max(-1e9, min(1e9, value)))

    def only(self, *names: str) -> None:
        """No other field is there, where that matters."""
        others = [name for name in self.given if name not in names]
        if others and self._reading.unknown_fields == "refuse":
            raise self.bad("There is a field that is not known")


def speech(fields: Fields, reading: Reading) -> tuple[str, float]:
    """Text and speed of a request of the official text-to-speech."""
    fields.only(*_SPEECH)
    text = fields.text("text", 1000, least=1)
    voice = fields.text("voice_id", least=1)
    language = fields.given.get("voice_language", "zh")
    if reading.language == "required" and "voice_language" not in fields.given:
        raise fields.bad("voice_language is missing")
    if language == "" and reading.lax:
        language = "zh"
    if not isinstance(language, str) or language not in ("zh", "en"):
        raise fields.bad("voice_language is zh or en")
    speed = floor(max(0.8, min(2.0, fields.number("voice_speed"))) * 10 + 0.5) / 10
    if language not in VOICES.get(voice, ()):
        raise Refusal(400, 1201, "Voice id not found")
    return text, speed


def gateway_speech(fields: Fields, reading: Reading) -> tuple[str, float, str]:
    """Text, speed and callback address of a request of EzModel."""
    if not fields.given.get("text"):
        raise fields.bad("text is required for tts")
    text = fields.text("text", 10_000, least=1)
    voice = fields.text("voice_id", least=1)
    speed = _within(fields, "speed", 0.5)
    _within(fields, "volume", 0.0)
    if voice not in EZ_VOICES and not reading.lax:
        raise fields.bad("voice_id is not known")
    return text, speed, fields.address("callback_url")


def voice(fields: Fields, reading: Reading) -> dict[str, str]:
    """The fields of a request for a voice; what is not given is empty."""
    fields.only(*_VOICE)
    found = {
        "voice_name": fields.text("voice_name", 20, least=0 if reading.lax else 1),
        "voice_url": fields.address("voice_url"),
        "video_id": fields.text("video_id"),
        "callback_url": fields.address("callback_url"),
        "external_task_id": fields.text("external_task_id"),
    }
    if "voice_name" not in fields.given:
        raise fields.bad("voice_name is missing")
    if reading.plain:
        _plain(fields, found)
    if not found["voice_url"] and not found["video_id"] and not reading.lax:
        raise fields.bad("voice_url or video_id is missing")
    if found["voice_url"] and found["video_id"] and reading.both_sources == "refuse":
        raise fields.bad("voice_url and video_id exclude each other")
    if found["video_id"] and reading.video == "refuse":
        raise Refusal(400, 1201, "Video not found")
    return found


def _plain(fields: Fields, found: Mapping[str, str]) -> None:
    name, word = found["voice_name"], found["external_task_id"]
    if name != name.strip() or set(name) & set("&<>\"'"):
        raise fields.bad("voice_name has blanks around it, or marks")
    if word and not re.fullmatch(r"[\w.-]+", word, re.ASCII):
        raise fields.bad("external_task_id has odd characters")


def page(query: Mapping[str, str], reading: Reading) -> tuple[int, int]:
    """Number and size of the page that is asked for."""
    number = _whole(query.get("pageNum"), 1, 1000, reading)
    return number, _whole(query.get("pageSize"), 30, reading.largest_page, reading)


def is_address(value: str) -> bool:
    """Whether a text is an http or https address without blanks and control characters."""
    try:
        parts = urlsplit(value)
        odd = any(char <= " " or "\x7f" <= char <= "\x9f" for char in value)
        return parts.scheme in ("http", "https") and bool(parts.netloc) and not odd
    except ValueError:
        return False


def _whole(value: str | None, default: int, most: int, reading: Reading) -> int:
    if value is None:
        return default
    is_number = value.isascii() and value.isdigit() and len(value) < 12
    number = int(value) if is_number else 0
    if 1 <= number <= most:
        return number
    if reading.bad_page == "clamp":
        return max(1, min(most, number)) if is_number else default
    raise Refusal(400, reading.field_code, "The page is out of range")


def _within(fields: Fields, name: str, least: float) -> float:
    value = fields.number(name)
    if not least <= value <= 2.0:
        raise fields.bad(f"{name} is out of range")
    return value


def _no_number(word: str) -> Callable[[], None]:
    raise ValueError(f"{word} is no JSON")
