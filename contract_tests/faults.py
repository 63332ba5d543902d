"""Hand-picked bad requests: what is wrong with each, which clause says so, and which refusals are right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: A body that is no JSON object, and a bad field: either code will do for either (errors.1200-or-1201).
PARAMETERS = frozenset({(400, 1200), (400, 1201)})
#: Where 1201 was observed.
ILLEGAL = frozenset({(400, 1201)})
EZ = frozenset({(400, 400)})

SPEECH = "createSpeech"
VOICE = "createCustomVoice"
DELETE = "deleteVoice"

_TEXT = {"text": "Good morning.", "voice_id": "oversea_male1", "voice_language": "en"}
_EZ_TEXT = {"text": "Good morning.", "voice_id": "voice_001"}
#: Values that look like zh or en to a careless server, and others.
_NO_LANGUAGES = ("fr", "EN", "Zh", "en-US", "zh_CN", "en ", "english", "ja", 1, True, ["en"])
_NAMED = {"voice_name": "Narrator", "video_id": "830460928805724256"}


@dataclass(frozen=True, slots=True)
class Fault:
    """A request that must be refused.

    Attributes:
        name: in a word or two, what is wrong.
        clause: the rule that is broken.
        pairs: the HTTP statuses and codes that are right.
        path_id: the id in the path.
        assumed: whether a server may well read the rule differently, so that accepting is a finding.
    """

    name: str
    operation: str
    clause: str
    pairs: frozenset[tuple[int, int]] = PARAMETERS
    body: bytes | Mapping[str, Any] | None = None
    query: Mapping[str, str | int] | None = None
    path_id: str = ""
    assumed: bool = False


def _unreadable(operation: str, clause: str, pairs: frozenset[tuple[int, int]]) -> list[Fault]:
    bodies = {
        "not JSON": b'{"text": ',
        "no UTF-8": b'{"text": "\xff\xfe"}',
        "empty": b"",
        "an array": b"[]",
        "a string": b'"text"',
        "null": b"null",
        "deep nesting": b"[" * 10_000,
    }
    return [Fault(name, operation, clause, pairs, body) for name, body in bodies.items()]


def _without(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}


def _paging(operation: str) -> list[Fault]:
    values: dict[str, tuple[str | int, ...]] = {
        "pageNum": (0, -1, 1001, "one", "1.5"),
        "pageSize": (0, -1, 1001, "many", 10**30),
    }
    return [
        Fault(
            f"{name} {value}", operation, "paging.out-of-range", query={name: value}, assumed=True
        )
        for name, several in values.items()
        for value in several
    ]


def _wrong(
    operation: str,
    good: Mapping[str, Any],
    field: str,
    *values: Any,
    clause: str = "schema.request.refused",
    pairs: frozenset[tuple[int, int]] = PARAMETERS,
) -> list[Fault]:
    """A field with each of some values that its type or its enumeration forbids."""
    return [
        Fault(f"{field} {json.dumps(value)[:20]}", operation, clause, pairs, {**good, field: value})
        for value in values
    ]


#: What the official dialects must refuse.
OFFICIAL = [
    *_unreadable(SPEECH, "errors.1200-or-1201", PARAMETERS),
    *_unreadable(VOICE, "errors.1200-or-1201", PARAMETERS),
    *_unreadable(DELETE, "errors.1200-or-1201", PARAMETERS),
    Fault("no text", SPEECH, "speech.text.error-code", body=_without(_TEXT, "text")),
    Fault("empty text", SPEECH, "speech.text.error-code", body={**_TEXT, "text": ""}),
    Fault("text 1001", SPEECH, "speech.text.max-length", body={**_TEXT, "text": "a" * 1001}),
    *_wrong(SPEECH, _TEXT, "text", 1, True, None, ["Hello"], {}),
    Fault("no voice", SPEECH, "speech.voice.unknown", body=_without(_TEXT, "voice_id")),
    Fault("empty voice", SPEECH, "speech.voice.unknown", body={**_TEXT, "voice_id": ""}),
    *_wrong(SPEECH, _TEXT, "voice_id", 1, True, None, ["oversea_male1"]),
    Fault(
        "unknown voice",
        SPEECH,
        "speech.voice.unknown",
        ILLEGAL,
        {**_TEXT, "voice_id": "no-such-voice"},
    ),
    Fault(
        "voice and more",
        SPEECH,
        "speech.voice.unknown",
        ILLEGAL,
        {**_TEXT, "voice_id": f"{_TEXT['voice_id']}x"},
    ),
    Fault(
        "language mismatch",
        SPEECH,
        "speech.voice.language-mismatch",
        ILLEGAL,
        {**_TEXT, "voice_language": "zh"},
    ),
    *_wrong(SPEECH, _TEXT, "voice_language", *_NO_LANGUAGES, clause="speech.language.enum"),
    *_wrong(SPEECH, _TEXT, "voice_speed", True, [1.0], {}),
    Fault("speed a word", SPEECH, "speech.speed.type", body={**_TEXT, "voice_speed": "fast"}),
    Fault(
        "speed a numeric text",
        SPEECH,
        "speech.speed.type",
        body={**_TEXT, "voice_speed": "1.0"},
        assumed=True,
    ),
    Fault("no name", VOICE, "voice-create.name.empty", body=_without(_NAMED, "voice_name")),
    Fault("empty name", VOICE, "voice-create.name.empty", body={**_NAMED, "voice_name": ""}),
    Fault(
        "name 21", VOICE, "voice-create.name.max-length", body={**_NAMED, "voice_name": "n" * 21}
    ),
    *_wrong(VOICE, _NAMED, "voice_name", 1, True, None, ["Narrator"], {}),
    *_wrong(VOICE, _NAMED, "voice_url", 1, ["http://127.0.0.1:9/sample.mp3"]),
    *_wrong(VOICE, _NAMED, "video_id", 830460928805724256, True, {}),
    *_wrong(VOICE, _NAMED, "callback_url", False, {}),
    *_wrong(VOICE, _NAMED, "external_task_id", 42, True, ["a"]),
    Fault("no source", VOICE, "voice-create.source.required", body=_without(_NAMED, "video_id")),
    Fault(
        "empty sources",
        VOICE,
        "voice-create.source.required",
        body={"voice_name": "Narrator", "video_id": "", "voice_url": ""},
    ),
    Fault(
        "voice_url no address",
        VOICE,
        "voice-create.url.format",
        body={"voice_name": "Narrator", "voice_url": "sample.mp3"},
        assumed=True,
    ),
    Fault(
        "callback_url no address",
        VOICE,
        "voice-create.callback-url.format",
        body={**_NAMED, "callback_url": "not an address"},
        assumed=True,
    ),
    Fault(
        "null field",
        VOICE,
        "request.null-is-a-wrong-type",
        body={**_NAMED, "voice_url": None},
        assumed=True,
    ),
    Fault("unknown task", "getCustomVoice", "voice-get.unknown", ILLEGAL, path_id="no-such-task"),
    Fault(
        "unknown number",
        "getCustomVoice",
        "voice-get.unknown",
        ILLEGAL,
        path_id="100000000000000000",
    ),
    Fault(
        "unknown unicode id", "getCustomVoice", "voice-get.unknown", ILLEGAL, path_id="没有 100%"
    ),
    Fault("no voice_id", DELETE, "voice-delete.unknown", body={}),
    Fault("empty voice_id", DELETE, "voice-delete.unknown", body={"voice_id": ""}),
    *_wrong(DELETE, {}, "voice_id", 850087542757535834, True, None, ["850087542757535834"]),
    Fault(
        "unknown voice_id", DELETE, "voice-delete.unknown", body={"voice_id": "850087542757535834"}
    ),
    *_paging("listCustomVoices"),
    *_paging("listPresetVoices"),
]


def _ez_wrong(field: str, *values: Any) -> list[Fault]:
    return _wrong(SPEECH, _EZ_TEXT, field, *values, clause="ez.errors.400", pairs=EZ)


#: What EzModel must refuse.
EZMODEL = [
    *_unreadable(SPEECH, "ez.errors.400", EZ),
    Fault("no text", SPEECH, "ez.text.required", EZ, _without(_EZ_TEXT, "text")),
    Fault("empty text", SPEECH, "ez.text.required", EZ, {**_EZ_TEXT, "text": ""}),
    Fault("text 10001", SPEECH, "ez.text.max-length", EZ, {**_EZ_TEXT, "text": "a" * 10_001}),
    *_ez_wrong("text", 1, True, None, ["Hello"], {}),
    *_ez_wrong("voice_id", "", 1, True, None, ["voice_001"]),
    *_ez_wrong("speed", "1.0", True, [1]),
    *_ez_wrong("volume", "1.0", "loud", False, {}),
    *_ez_wrong("callback_url", 1, {}),
    Fault("no voice", SPEECH, "ez.errors.400", EZ, _without(_EZ_TEXT, "voice_id")),
    Fault(
        "unknown voice",
        SPEECH,
        "ez.voice.unknown",
        EZ,
        {**_EZ_TEXT, "voice_id": "no-such-voice"},
        assumed=True,
    ),
    Fault("speed 2.0001", SPEECH, "ez.speed.range", EZ, {**_EZ_TEXT, "speed": 2.0001}),
    Fault("speed 0.4999", SPEECH, "ez.speed.range", EZ, {**_EZ_TEXT, "speed": 0.4999}),
    Fault("speed 0", SPEECH, "ez.speed.range", EZ, {**_EZ_TEXT, "speed": 0}),
    Fault("volume 2.0001", SPEECH, "ez.volume.range", EZ, {**_EZ_TEXT, "volume": 2.0001}),
    Fault("volume -0.0001", SPEECH, "ez.volume.range", EZ, {**_EZ_TEXT, "volume": -0.0001}),
    Fault("speed 2.01", SPEECH, "ez.speed.range", EZ, {**_EZ_TEXT, "speed": 2.01}),
    Fault("speed 0.49", SPEECH, "ez.speed.range", EZ, {**_EZ_TEXT, "speed": 0.49}),
    Fault("speed a word", SPEECH, "ez.errors.400", EZ, {**_EZ_TEXT, "speed": "fast"}),
    Fault("volume 2.01", SPEECH, "ez.volume.range", EZ, {**_EZ_TEXT, "volume": 2.01}),
    Fault("volume -0.01", SPEECH, "ez.volume.range", EZ, {**_EZ_TEXT, "volume": -0.01}),
]
