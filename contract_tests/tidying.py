"""After a run: the voices that it made are deleted, since accounts hold few and they may cost."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import httpx2

from contract_tests.meter import NotSent
from contract_tests.sending import Made, Sender, deletion, query

#: Voices that are deleted after a run, at most, and real seconds to wait for all tasks that are still under way.
_MOST = 300
_WAIT_S = 30.0
_PAUSE_S = 1.0


def delete_voices(sender: Sender) -> list[str]:
    """Deletes the voices of the tasks made in a run; returns the tasks that could not be looked after."""
    sender.tidies()
    deadline = time.monotonic() + _WAIT_S
    left = [made.task_id for made in sender.made[_MOST:]]
    for made in sender.made[:_MOST]:
        try:
            is_gone = _deleted(sender, made, deadline)
        except (httpx2.TransportError, LookupError, TypeError, AttributeError, NotSent):
            is_gone = False  # the server answers no more, or nonsense, or the budget is spent
        if not is_gone:
            left.append(made.task_id)
    return left


def _deleted(sender: Sender, made: Made, deadline: float) -> bool:
    """Deletes the voice of a task, once it is there; returns whether none is left."""
    while True:
        answer = sender.send(query(made))
        record = answer.data if isinstance(answer.data, dict) else {}
        voices = list(_voices(record))
        if voices or record.get("task_status") not in ("submitted", "processing"):
            break
        if time.monotonic() > deadline or sender.meter is None:
            return False
        time.sleep(_PAUSE_S)
    for voice_id in voices:
        sender.send(deletion(made, voice_id))
    # A deleted voice's task may be hidden or say succeed without one: then nothing is left either.
    return bool(voices) or record.get("task_status") == "failed" or answer.status == 400


def _voices(record: dict[str, Any]) -> Iterable[Any]:
    result = record.get("task_result") or {}
    for voice in result.get("voices") or ():
        yield voice["voice_id"]
