"""The use cases. Each is synchronous, so it is atomic on the event loop: there are no locks.

A use case either refuses, and then has changed nothing, or acts, and has planned what will happen in the account's
agenda. Delivering is the dispatcher's.
"""

from __future__ import annotations

from dataclasses import replace

from mock_server.account import Account
from mock_server.core import speech
from mock_server.core.errors import Reason, Refused
from mock_server.core.limits import PRICE
from mock_server.core.page import Page, take
from mock_server.core.scenario import Chosen, Plan
from mock_server.core.task import CustomVoice, Task, TaskKind, TaskStatus, observe
from mock_server.orders import SpeechOrder, VoiceOrder
from mock_server.planning import Planner
from mock_server.ports import Voices

#: Observed wording for a voice that does not exist or does not speak the language (live calls 2026-09).
VOICE_NOT_FOUND = "Voice id not found"


class Service:
    """The use cases of the mocked API."""

    def __init__(self, planner: Planner, voices: Voices) -> None:
        self._planner = planner
        self._voices = voices

    def speech_speed(self, account: Account, voice_speed: float) -> float:
        """The speed a ``voice_speed`` is applied as: one decimal, and in [0.8, 2.0] unless refused.

        Raises:
            Refused: out of range, and Behaviour.speech_speed_out_of_range is ``refuse``.
        """
        speed = speech.rounded_speed(voice_speed)
        if speech.is_in_range(speed):
            return speed
        if account.behaviour.speech_speed_out_of_range == "refuse":
            raise _illegal("voice_speed must be between 0.8 and 2.0")
        return speech.clamped(speed)

    def create_speech(self, account: Account, order: SpeechOrder) -> Task:
        """Synthesises a text; by default the task is terminal at once.

        Raises:
            Refused: unknown voice, a language it does not speak, refused content, or a limit of the account; nothing
                changed.
        """
        if not self._voices.speaks(order.voice_id, order.language, order.dialect):
            raise _illegal(VOICE_NOT_FOUND)
        chosen = self._planner.chosen(TaskKind.SPEECH, order.scenario, account)
        if account.behaviour.speech_content_risk == "refuse":
            _refuse_if_planned(chosen)
        if account.is_limited:
            _refuse_beyond_limits(account)
        task = self._planner.new_speech(account, order, chosen)
        account.add_speech(task)
        self._planner.begin(account, task, chosen.plan)
        return task

    def speech(self, account: Account, task_id: str) -> Task:
        """A text-to-speech record by task id (an extension of the mock).

        Raises:
            Refused: unknown here, or dropped from the ring.
        """
        if account.is_limited:
            _refuse_beyond_rate(account)
        task = account.speech(task_id)
        if task is None or not _shows(task, account):
            raise _not_found(task_id)
        return self._planner.polled(account, task)

    def create_custom_voice(self, account: Account, order: VoiceOrder) -> Task:
        """Begins to make a voice.

        Raises:
            Refused: no source, both sources (Behaviour.both_sources), an external id that is taken, or a limit of the
                account; nothing changed.
        """
        if not order.voice_url and not order.video_id:
            raise _illegal("voice_url or video_id is required")
        if order.voice_url and order.video_id and account.behaviour.both_sources == "refuse":
            raise _illegal("voice_url and video_id exclude each other")
        if order.external_id and self._is_taken(account, order.external_id):
            raise _illegal(f"External_task_id {order.external_id} already exists")
        chosen = self._planner.chosen(TaskKind.CUSTOM_VOICE, order.scenario, account)
        _refuse_if_planned(chosen)
        if account.is_limited:
            _refuse_beyond_limits(account)
        task = self._planner.new_voice(account, order, chosen)
        account.add_voice_task(task)
        self._planner.begin(account, task, chosen.plan)
        return task

    def custom_voice(self, account: Account, name: str) -> Task:
        """A custom-voice task by task id or external id.

        Raises:
            Refused: this account has none, or its voice was deleted and Behaviour.deleted_voice_task is ``hidden``.
        """
        if account.is_limited:
            _refuse_beyond_rate(account)
        task = account.voice_task(name)
        if task is None or not _is_visible(task, account):
            raise _not_found(name)
        return self._planner.polled(account, task)

    def custom_voices(self, account: Account, page: Page) -> list[Task]:
        """One page of the account's custom-voice tasks, newest first; may be empty. Never counts as a poll."""
        if account.is_limited:
            _refuse_beyond_rate(account)
        return take((task for task in account.newest_first() if _is_visible(task, account)), page)

    def delete_voice(self, account: Account, voice_id: str) -> Task:
        """Deletes a custom voice; its external id stays taken.

        Raises:
            Refused: the voice does not exist (yet, or any more), or is a preset; nothing changed.
        """
        if account.is_limited:
            _refuse_beyond_rate(account)
        if voice_id in self._voices.preset_ids:
            raise _illegal(f"Only custom voices can be deleted, not {voice_id}")
        task = account.task_of_voice(voice_id)
        now = account.clock.now()
        if task is None or observe(task, now).status is not TaskStatus.SUCCEED:
            raise _illegal(f"Voice not found for id: {voice_id}")
        voice = task.product
        if not isinstance(voice, CustomVoice) or voice.deleted_at is not None:
            # Worded after the sibling endpoint's answer (live calls 2026-09).
            raise _illegal(f"Voice already be deleted for id: {voice_id}")
        deleted = task._replace(product=replace(voice, deleted_at=now))
        account.replace(deleted)
        return deleted

    def plan_of(self, task: Task) -> Plan | None:
        """The plan of the scenario that a task follows."""
        return self._planner.plan_of(task)

    def _is_taken(self, account: Account, external_id: str) -> bool:
        holder = account.external_id_holder(external_id)
        if holder is None:
            return False
        if account.behaviour.external_id_after_failure == "taken":
            return True
        return observe(holder, account.clock.now()).status is not TaskStatus.FAILED

    def admit(self, account: Account) -> None:
        """Lets in a request that concerns no task.

        Raises:
            Refused: the account asks too fast.
        """
        _refuse_beyond_rate(account)


def _is_visible(task: Task, account: Account) -> bool:
    if account.behaviour.deleted_voice_task == "hidden":
        voice = task.product
        if isinstance(voice, CustomVoice) and voice.deleted_at is not None:
            return False
    return _shows(task, account)


def _shows(task: Task, account: Account) -> bool:
    return not task.visible_at or task.visible_at <= account.clock.now()


def _refuse_beyond_limits(account: Account) -> None:
    """Balance, rate, slots: the order in which a client gets to know them."""
    limits = account.limits
    now = account.clock.now()
    if limits.units is not None or limits.slots is not None:
        in_flight = len(account.in_flight(now))
        pending = in_flight * PRICE
        if limits.units is not None and limits.units - account.ledger.spent - pending < PRICE:
            raise Refused(Reason.RESOURCE_PACK_USED_UP)
        _refuse_beyond_rate(account)
        if limits.slots is not None and in_flight >= limits.slots:
            raise Refused(Reason.CONCURRENCY_LIMIT)
    else:
        _refuse_beyond_rate(account)


def _refuse_beyond_rate(account: Account) -> None:
    rate = account.limits.rate
    if rate is not None and not account.rate_window.admits(rate, account.clock.now()):
        raise Refused(Reason.RATE_LIMIT)


def _refuse_if_planned(chosen: Chosen) -> None:
    refusal = chosen.refusal
    if refusal is not None:
        raise Refused(refusal.reason, refusal.message, chosen.scenario)


def _illegal(message: str) -> Refused:
    return Refused(Reason.PARAMETER_ILLEGAL, message)


def _not_found(name: str) -> Refused:
    # Observed, and not 404/1203 (live calls 2026-09).
    return _illegal(f"Task not found by id/external id: {name}")
