"""What every server must refuse: the documents' request schemas, without what is only assumed.

Which rules are assumed is read from the documents. What such a rule has put into the schema beside it stands here.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

#: What takes the place of keywords that an assumed rule gave to the schema beside it; ``None`` for nothing.
OF_RULES: dict[str, dict[str, Any]] = {
    "speech.speed.type": {"type": ["number", "string"]},
    "speech.voice.id-length": {"maxLength": None},
    "voice-create.name.empty": {"minLength": None},
    "voice-create.url.format": {"pattern": None},
    "voice-create.url.max-length": {"maxLength": None},
    "voice-create.video.id-length": {"maxLength": None},
    # Its length is bounded by voice-create.url.max-length, which stands elsewhere.
    "voice-create.callback-url.format": {"pattern": None, "maxLength": None},
    "voice-delete.unknown": {"minLength": None, "maxLength": None},
    "ez.voice.id-length": {"maxLength": None},
    "ez.voice.unknown": {"minLength": None},
    "ez.callback-url.format": {"pattern": None, "maxLength": None},
}
#: Assumed rules about fields of requests that no schema says.
NOT_IN_SCHEMAS = frozenset(
    {
        "speech.text.error-code",
        "speech.text.code-points",
        "speech.speed.clamped",
        "voice-create.name.not-unique",
        "voice-create.url.late-refusal",
        "voice-create.callback-url.harmless",
        "voice-create.external-id.not-freed",
        "voice-create.external-id.no-bound",
        "ez.callback-url.empty",
    }
)


def relaxed(schema: Schema) -> Schema:
    """A request schema without what is assumed only: what it forbids every server must refuse.

    Whether several fields go together is assumed (voice-create.source.required, .both), and so is that null is a
    wrong type where a field may be missing (request.null-is-a-wrong-type). An empty text may stand for a missing one.
    """
    required = schema["required"]
    properties = {
        name: _property(field) if name in required else _optional(_property(field))
        for name, field in schema["properties"].items()
    }
    return {"type": "object", "required": required, "properties": properties}


def assumed(field: Schema) -> list[str]:
    """The ids of the assumed rules beside a field."""
    rules = field.get("x-rules", ())
    return [rule["id"] for rule in rules if rule["evidence"] == "assumed"]


def _property(field: Schema) -> Schema:
    found = {key: value for key, value in field.items() if key != "x-rules"}
    for identifier in assumed(field):
        found |= OF_RULES.get(identifier, {})
    return {key: value for key, value in found.items() if value is not None}


def _optional(field: Schema) -> Schema:
    absent: list[Any] = [None]
    if field["type"] == "string":
        absent.append("")
    return {"anyOf": [field, {"enum": absent}]}
