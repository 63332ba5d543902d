"""The voices a client can name: those of text-to-speech, and the preset library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mock_server import datafile


@dataclass(frozen=True, slots=True)
class Voice:
    """A text-to-speech voice: the languages it speaks (``zh``, ``en``) and the dialects that know it."""

    voice_id: str
    names: Mapping[str, str]
    dialects: frozenset[str]


@dataclass(frozen=True, slots=True)
class PresetVoice:
    """An entry of the preset library, listed as a task that succeeded. ``created_at`` is in ms."""

    task_id: str
    voice_id: str
    voice_name: str
    created_at: int


class Catalogue:
    """The voices of a fixtures folder.

    Raises:
        BrokenFile: a file cannot be used.
    """

    def __init__(self, fixtures: Path) -> None:
        self.voices: dict[str, Voice] = {}
        path = fixtures / "voices.yaml"
        for row in _unique(path, "voices", _read(path, "voices")["voices"]):
            self.voices[row["voice_id"]] = Voice(
                row["voice_id"], row["names"], frozenset(row["dialects"])
            )
        path = fixtures / "presets.yaml"
        rows = _unique(path, "presets", _read(path, "presets")["presets"])
        self.presets = tuple(PresetVoice(**row) for row in rows)
        self.preset_ids = frozenset(preset.voice_id for preset in self.presets)

    def speaks(self, voice_id: str, language: str | None, dialect: str) -> bool:
        """Whether a voice exists in a dialect and speaks a language; ``None`` asks for any."""
        voice = self.voices.get(voice_id)
        if voice is None or dialect not in voice.dialects:
            return False
        return language is None or language in voice.names


def _unique(path: Path, key: str, rows: list[Any]) -> list[Any]:
    known: set[str] = set()
    for number, row in enumerate(rows):
        voice_id = row["voice_id"]
        if voice_id in known:
            line = datafile.line_of(datafile.read_text(path), [key, number])
            place = f"{path}:{line}: {key}[{number}].voice_id"
            raise datafile.BrokenFile(f"{place}: {voice_id!r} stands twice")
        known.add(voice_id)
    return rows


def _read(path: Path, schema: str) -> Any:
    return datafile.read_checked(path, datafile.read(path.parent / "schemas" / f"{schema}.yaml"))
