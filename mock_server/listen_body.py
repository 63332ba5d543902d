"""What the body of a callback says, and where it is not as documented."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mock_server.core.redact import is_deep
from mock_server.core.task import TaskStatus
from mock_server.core.words import nearest

#: Documented fields; below a name, those of the object, or of each object of the list, that it holds.
Fields = Mapping[str, "Fields | None"]


def _fields(names: str, **nested: Fields) -> Fields:
    return {**dict.fromkeys(names.split()), **nested}


_VIDEO = _fields("id url duration")
#: Source: components/schemas.yaml, VoiceNotification; images and videos: the vendor's callback page 2026-09 (OFF-09).
TASK = _fields(
    "task_id task_status task_status_msg created_at updated_at final_unit_deduction",
    final_balance_deduction=_fields("quota list_price"),
    task_info=_fields("external_task_id", parent_video=_VIDEO),
    task_result=_fields(
        "",
        images=_fields("index url"),
        videos=_VIDEO,
        voices=_fields("voice_id voice_name trial_url owned_by"),
    ),
)
#: The new standard, which the vendor's test callback speaks (OFF-09). What outputs hold depends on the product.
STANDARD = _fields("id status message create_time update_time external_id outputs billing")
#: Source: components/ezmodel.yaml, EzSpeech.
EZMODEL = _fields("audio_id audio_url duration created_at")

_REQUIRED = ("task_id", "task_status", "created_at", "updated_at")
_STATUSES = tuple(item.value for item in TaskStatus)
_MAX_LEVELS = 100


@dataclass(frozen=True, slots=True)
class Body:
    """A decoded body.

    Attributes:
        value: the JSON value; ``None`` with an ``error``.
        text: as it came.
        error: why it is no JSON.
        task_id: empty when it names none; ``status`` likewise.
        unknown: fields that are not documented, as paths.
        missing: required fields that are not there.
        remarks: what else is not as documented.
    """

    value: Any = None
    text: str = ""
    error: str = ""
    task_id: str = ""
    status: str = ""
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def read(raw: bytes) -> Body:
    """Reads a body, whatever it is."""
    text = raw.decode("utf-8", "replace")
    try:
        value = json.loads(raw.decode(), parse_constant=_no_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        return Body(text=text, error=f"invalid JSON: no UTF-8 at byte {error.start}")
    except RecursionError:
        return Body(text=text, error="invalid JSON: nested too deep")
    except ValueError as error:
        return Body(text=text, error=f"invalid JSON: {error}" if raw else "empty body")
    if is_deep(value, _MAX_LEVELS):
        return Body(text=text, error=f"JSON that is nested deeper than {_MAX_LEVELS} levels")
    if not isinstance(value, dict):
        return Body(value, text, remarks=("the body is no JSON object",))
    return _of_object(value, text)


def _of_object(value: dict[str, Any], text: str) -> Body:
    # By what only one of them has; a body that is neither is held against the bare task.
    if "task_id" not in value and "task_status" not in value:
        if "audio_id" in value:
            return Body(value, text, unknown=_unknown(value, EZMODEL))
        if "id" in value and "status" in value:
            told = _text(value["id"]), _text(value["status"])
            return Body(value, text, "", *told, unknown=_unknown(value, STANDARD))
    status = _text(value.get("task_status"))
    return Body(
        value,
        text,
        task_id=_text(value.get("task_id")),
        status=status,
        unknown=_unknown(value, TASK),
        missing=tuple(name for name in _REQUIRED if name not in value),
        remarks=tuple(_remarks(value, status)),
    )


def _remarks(value: dict[str, Any], status: str) -> Iterator[str]:
    for name in ("task_id", "task_status"):
        if name in value and not isinstance(value[name], str):
            yield f"{name} is no string"
    if status and status not in _STATUSES:
        yield f"unknown status {status!r}{nearest(status, _STATUSES)}"


def _unknown(value: Any, fields: Fields) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_paths(value, fields, "")))


def _paths(value: Any, fields: Fields, prefix: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield from _paths(item, fields, prefix.removesuffix(".") + "[].")
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in fields:
                yield prefix + name
            elif (nested := fields[name]) is not None:
                yield from _paths(inner, nested, f"{prefix}{name}.")


def _text(value: Any) -> str:
    """An id or status, also where it is a number by mistake."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is beyond all bounds")
    return number
