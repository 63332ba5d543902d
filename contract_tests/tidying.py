"""After a run: the voices that it made are deleted, since accounts hold few and they may cost."""

from __future__ import annotations

import time
from functools import partial

import httpx2

from contract_tests.meter import NotSent
from contract_tests.sending import Made, Sender, deletion, query, voices_in

#: Real seconds to wait for all tasks together that are still under way, and between two looks at them.
_WAIT_S = 30.0
_PAUSES_S = (0.5, 5.0)
_UNDER_WAY = ("submitted", "processing")


def delete_voices(sender: Sender, *, waits: bool = True) -> list[str]:
    """Deletes the voices of the tasks made in a run, newest first.

    Args:
        waits: whether to wait for the tasks that are still under way, within bounds.

    Returns:
        The tasks whose voices may be left: those that do not end in time, or could not be looked after.
    """
    sender.tidies()
    deadline = time.monotonic() + (_WAIT_S if waits else 0.0)
    pending = [made for made in reversed(sender.made) if not made.is_over]
    failed: list[Made] = []
    pause_s = _PAUSES_S[0]
    while True:
        gone = sender.pace.each(partial(_tried, sender), pending)
        failed += [made for made, is_gone in zip(pending, gone, strict=True) if is_gone is False]
        pending = [made for made, is_gone in zip(pending, gone, strict=True) if is_gone is None]
        if not pending or time.monotonic() >= deadline:
            return [made.task_id for made in (*pending, *failed)]
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, _PAUSES_S[1])


def _tried(sender: Sender, made: Made) -> bool | None:
    try:
        return _deleted(sender, made)
    except (httpx2.TransportError, LookupError, TypeError, AttributeError, NotSent):
        return False  # the server answers no more, or nonsense, or the budget is spent


def _deleted(sender: Sender, made: Made) -> bool | None:
    """Deletes the voices of a task; returns whether none is left, ``None`` while it is under way."""
    if made.voices and all(
        sender.send(deletion(made, voice_id)).pair == (200, 0) for voice_id in list(made.voices)
    ):
        return True
    answer = sender.send(query(made))
    record = answer.data if isinstance(answer.data, dict) else {}
    voices = voices_in(record)
    status = record.get("task_status")
    if not voices and status in _UNDER_WAY:
        return None
    for voice_id in voices:
        sender.send(deletion(made, voice_id))
    # A deleted voice's task may be hidden or say succeed without one: then nothing is left either.
    return bool(voices) or status == "failed" or answer.status in (400, 404)
