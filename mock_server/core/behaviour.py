"""Disputed behaviours: every reading of the API that sources dispute or leave open, in one frozen record.

The default is the best-supported reading. A rule of this kind is never an ``if`` with a comment elsewhere: code asks
the record. The values are words, so that the command line, the settings file and the control API spell them alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any


class UnknownBehaviour(ValueError):
    """Raised when a name or value is none of the record's; the message names the valid ones."""


def _reading(default: str, others: tuple[str, ...], evidence: str, source: str, text: str) -> Any:
    return field(
        default=default,
        metadata={
            "choices": (default, *others),
            "evidence": evidence,
            "source": source,
            "text": text,
        },
    )


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The reading in force of every disputed rule."""

    speech_speed_out_of_range: str = _reading(
        "clamp",
        ("refuse",),
        "documented",
        "official API reference, Text-to-Speech; resellers refuse",
        "a voice_speed outside [0.8, 2.0] is moved to the nearest bound, or refused",
    )
    speech_content_risk: str = _reading(
        "refuse",
        ("fail",),
        "documented",
        "official API reference, Text-to-Speech: rejected content returns an error code",
        "risky text is refused with code 1301, or becomes a task that failed",
    )
    text_too_long: str = _reading(
        "1201",
        ("1200",),
        "assumed",
        "official API reference names an error code without saying which",
        "the code of a text that is too long",
    )
    unparsable_body: str = _reading(
        "1200",
        ("1201",),
        "assumed",
        "vendor error-code page: 1200 is invalid parameters, 1201 an illegal value",
        "the code of a body that is no JSON object or is over 1 MB",
    )
    both_sources: str = _reading(
        "accept",
        ("refuse",),
        "assumed",
        "kkiai's example sends both; a Chinese copy of the official page says one of the two",
        "voice_url together with video_id is accepted (voice_url counts), or refused",
    )
    external_id_after_failure: str = _reading(
        "taken",
        ("free",),
        "assumed",
        "documented as unique per account; reuse after a failure was never observed",
        "whether a failed task's external_task_id may be used again",
    )
    page_size_max: str = _reading(
        "1000",
        ("500",),
        "documented",
        "official voice pages say 1000; the Chinese copy and the sibling pages say 500",
        "the largest pageSize",
    )
    delete_answer: str = _reading(
        "record",
        ("stub", "none"),
        "observed",
        "live calls 2026-09; the documents say task_id and task_status; a sibling endpoint sent no data",
        "what deleting a voice answers: the full task record, task_id and task_status, or no data",
    )
    deleted_voice_task: str = _reading(
        "visible",
        ("hidden",),
        "assumed",
        "not documented",
        "whether the task of a deleted voice is still found by queries",
    )
    callback_firing: str = _reading(
        "changes",
        ("with_submitted", "terminal"),
        "documented",
        "callback protocol: notified when the status changes",
        "which statuses are reported: every change, submitted too, or the terminal one only",
    )

    def replaced(self, name: str, value: str) -> Behaviour:
        """A copy with one reading changed.

        Raises:
            UnknownBehaviour: no such name, or not one of its choices; the message names the nearest.
        """
        known = {item.name: item for item in fields(self)}
        if name not in known:
            near = get_close_matches(name, known, n=1) or sorted(known)
            raise UnknownBehaviour(f"unknown behaviour {name!r}; did you mean {near[0]!r}?")
        choices: tuple[str, ...] = known[name].metadata["choices"]
        if value not in choices:
            raise UnknownBehaviour(
                f"behaviour {name!r} is one of {', '.join(choices)}; not {value!r}"
            )
        values = {item: getattr(self, item) for item in known}
        return Behaviour(**{**values, name: value})
