"""What the contract says must be seen of custom voices, given what was done to them. Written from openapi/ only.

The oracle knows the tasks that the kit made, and nothing of how a server works: no times, no order of a list, no
format of an id. Where the contract leaves a choice (what deleting answers, whether the task of a deleted voice stays
visible, which changes are notified) every reading passes. Other tasks in the account do not disturb it, unless it was
told that there are none.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from contract_tests.checks import (
    RANK,
    TERMINAL,
    Broken,
    broke,
    distinct,
    kept,
    note,
    require,
    upheld,
)
from contract_tests.coverage import seen as covered
from contract_tests.receiver import SAMPLE_PATH
from contract_tests.saying import Apart, Said
from contract_tests.story import (
    Glimpse,
    constant,
    created_later,
    earlier,
    ended_alike,
    same_end,
    status_after,
)

Record = dict[str, Any]


class Verdict(Enum):
    """What the contract says to a request."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    OPEN = "open"


@dataclass
class KnownVoice:
    """A task the kit made, and what was last seen of it.

    Attributes:
        request: the create request.
        seen: the records seen, oldest first, the create answer first.
        glimpses: what was seen before the voice was deleted, and when.
        deleted: whether its voice was deleted.
    """

    request: Mapping[str, Any]
    seen: list[Record]
    deleted: bool = False
    glimpses: list[Glimpse] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The task id."""
        return str(self.seen[0]["task_id"])

    @property
    def external_id(self) -> str:
        """The external id; empty when none was given."""
        return str(self.request.get("external_task_id") or "")

    @property
    def name(self) -> str:
        """The name of the voice that was asked for."""
        return str(self.request["voice_name"])

    @property
    def status(self) -> str:
        """The status last seen."""
        return str(self.seen[-1]["task_status"])

    @property
    def is_terminal(self) -> bool:
        """Whether it was seen to have ended."""
        return self.status in TERMINAL

    @property
    def voice_id(self) -> str:
        """The id of its voice; empty while none was seen."""
        voices = voices_of(self.seen[-1])
        return str(voices[0]["voice_id"]) if voices else ""


@dataclass
class Oracle:
    """The reference model of one account's custom voices.

    Attributes:
        alone: whether nobody else makes tasks in the account.
    """

    tasks: dict[str, KnownVoice] = field(default_factory=dict)
    alone: bool = False
    _shown_by: dict[str, list[KnownVoice]] = field(default_factory=dict, repr=False)

    def on_create(self, request: Mapping[str, Any]) -> Verdict:
        """Whether a well-formed create request must be accepted.

        An external id whose task failed, or whose voice was deleted, may or may not be free again. A task under way
        may have failed since it was last seen: that is looked at when a second request with its id is accepted.
        """
        holders = self.holders(str(request.get("external_task_id") or ""))
        if not holders:
            # An invented video may be unknown, and what is no recording may be known as such.
            return Verdict.ACCEPT if is_ordinary(request) else Verdict.OPEN
        if all(task.status == "failed" or task.deleted for task in holders):
            return Verdict.OPEN
        return Verdict.REFUSE

    def holders(self, external_id: str) -> list[KnownVoice]:
        """The tasks that were made with an external id."""
        if not external_id:
            return []
        return [task for task in self.tasks.values() if task.external_id == external_id]

    def created(self, request: Mapping[str, Any], record: Record) -> KnownVoice:
        """A create request was accepted."""
        distinct("ids.unique", [*self.tasks, record["task_id"]], record)
        task = KnownVoice(request, [record])
        _constant(task, record)
        early = bool(voices_of(record)) and record["task_status"] != "succeed"
        words = "a voice is shown with task_status {}, where it is due with succeed only"
        saw = Said(words, record["task_status"], by=(record,))
        require(not early, "voice-create.asynchronous", saw)
        task.glimpses.append(_now(record))
        covered.states[record["task_status"]] += 1
        self.tasks[task.id] = task
        self._keep_voice(task)
        return task

    def shown(self, task: KnownVoice, record: Record, began_s: float | None = None) -> None:
        """A query or the list has shown a task.

        Args:
            began_s: when the look began, by the monotonic clock; now by default.
        """
        _constant(task, record)
        if task.deleted:
            _outlasts(task.seen[-1], record)
        else:
            _moved(task.seen[-1], record)
            task.glimpses.append(_now(record, began_s))
            self._result(task, record)
        covered.states[record["task_status"]] += 1
        task.seen.append(record)
        self._keep_voice(task)

    def missing(self, records: Iterable[Record]) -> list[KnownVoice]:
        """The tasks that all pages together should show, and do not. That of a deleted voice may be gone."""
        shown = {record["task_id"] for record in records}
        return [task for task in self.tasks.values() if not task.deleted and task.id not in shown]

    def listed(self, records: Sequence[Record]) -> None:
        """All pages together have shown these records."""
        _each_once(records)
        for task in self.missing(records):
            words = f"task {{}} is not among the {len(records)} tasks of the list, where it is due"
            saw = Said(words, task.id, by=(*records[:1], task.seen[-1]))
            raise Broken("voice-list.complete", saw)
        if records:
            kept("voice-create.external-id.no-effect")
        for record in records:
            if record["task_id"] in self.tasks:
                self.shown(self.tasks[record["task_id"]], record)
                continue
            word = str((record.get("task_info") or {}).get("external_task_id") or "")
            second = bool(self.holders(word))
            words = "the list shows a second task with external_task_id {}, where one is due"
            saw = Said(words, word, by=(record,))
            require(not second, "voice-create.external-id.no-effect", saw)
            words = "the list shows task {}, where only tasks that were asked for are due"
            saw = Said(words, record["task_id"], by=(record,))
            require(not self.alone, "voice-list.complete", saw)

    def deleted(self, task: KnownVoice, data: Record | None) -> None:
        """The voice of a task was deleted; the answer held these data, or none."""
        if data is not None:
            words = "data.task_id is {}, where {} is due, whose voice was deleted"
            saw = Said(words, data["task_id"], task.id, by=(data,))
            require(data["task_id"] == task.id, "voice-delete.data", saw)
        task.deleted = True

    def _result(self, task: KnownVoice, record: Record) -> None:
        """A voice is there exactly on succeed, is the one asked for, and no other task's."""
        result(task, record)
        own = {voice["voice_id"] for voice in voices_of(record)}
        kept("ids.unique")
        for other in (known for voice_id in own for known in self._shown_by.get(voice_id, ())):
            if other is not task and not other.deleted and other.voice_id in own:
                words = "voice_id {} is shown by two tasks, where each voice is due its own"
                saw = Said(words, other.voice_id, by=(other.seen[-1], record))
                raise Broken("ids.unique", saw)

    def _keep_voice(self, task: KnownVoice) -> None:
        """Remembers who shows a voice, so that nobody need look through all tasks for it."""
        voice_id = task.voice_id
        known = self._shown_by.setdefault(voice_id, []) if voice_id else [task]
        if all(task is not other for other in known):
            known.append(task)

    def __str__(self) -> str:
        return "; ".join(
            f"{task.id} {task.external_id or '-'} {task.status}{' deleted' * task.deleted}"
            for task in self.tasks.values()
        )


def voices_of(record: Record) -> list[dict[str, Any]]:
    """The voices of a record."""
    found = record.get("task_result") or {}
    return list(found.get("voices") or [])


def is_ordinary(request: Mapping[str, Any]) -> bool:
    """Whether a request asks for a voice of the kit's own recording."""
    return str(request.get("voice_url") or "").endswith(SAMPLE_PATH)


def result(task: KnownVoice, record: Record) -> None:
    """A voice is there exactly on succeed, and is the one asked for; a failed task says why, and holds nothing."""
    voices = voices_of(record)
    status = record["task_status"]
    words = "task_status is {} and task_result is {}, where a voice is due with succeed only"
    saw = Said(words, status, record.get("task_result"), by=(record,))
    upheld(bool(voices) == (status == "succeed"), "voice.result.when-succeed", saw)
    for voice in voices:
        name = voice.get("voice_name", task.name)
        words = "voice_name is {}, where {} was asked for and is due"
        upheld(name == task.name, "voice.name.echo", Said(words, name, task.name, by=(record,)))
        owner = voice.get("owned_by")
        words = "owned_by is {}, where the creator's own id is due"
        upheld(owner != "kling", "voice.owner", Said(words, owner, by=(record,)))
    if status == "failed":
        reason = record.get("task_status_msg")
        words = "task_status_msg is {}, where the reason of the failure is due"
        saw = Said(words, reason, by=(record,))
        upheld(bool(reason and reason.strip()), "task.failed.reason", saw)
        found = record.get("task_result") or {}
        words = "task_result is {}, where a failed task is due an empty one"
        saw = Said(words, found, by=(record,))
        upheld(not any(found.values()), "voice.result.failed-is-empty", saw)


def echoes(task: KnownVoice, record: Record) -> None:
    """What the caller said about a task stands in its record, unchanged."""
    shown = (record.get("task_info") or {}).get("external_task_id")
    if task.external_id:
        words = "task_info.external_task_id is {}, where {} was given and is due"
        saw = Said(words, shown, task.external_id, by=(record,))
        upheld(shown == task.external_id, "task.info.echo", saw)
    else:
        is_there = "external_task_id" in (record.get("task_info") or {})
        words = "task_info.external_task_id is {}, where none was given and none is due"
        upheld(not is_there, "task.info.empty", Said(words, shown, by=(record,)))


def _now(record: Record, began_s: float | None = None) -> Glimpse:
    now_s = time.monotonic()
    return Glimpse(record, now_s if began_s is None else began_s, now_s)


def _constant(task: KnownVoice, record: Record) -> None:
    """What never changes in a task, and what the caller said about it."""
    first = task.seen[0]
    kept("task.id.constant", "task.created-at.constant", "task.updated-at.after-creation")
    if record["task_id"] != task.id:
        raise Broken("task.id.constant", constant("task_id", record, first))
    if record["created_at"] != first["created_at"]:
        broke("task.created-at.constant", constant("created_at", record, first))
    if record["updated_at"] < record["created_at"]:
        broke("task.updated-at.after-creation", created_later(record))
    echoes(task, record)


def _each_once(records: Sequence[Record]) -> None:
    """The pages show no task twice."""
    kept("voice-list.complete")
    known: dict[str, Record] = {}
    for record in records:
        before = known.setdefault(record["task_id"], record)
        if before is not record:
            words = "task {} is in the pages of the list twice, where each task is due once"
            saw = Said(words, record["task_id"], by=(before, record))
            raise Broken("voice-list.complete", saw)


def _outlasts(before: Record, after: Record) -> None:
    """The task of a deleted voice goes on from where it was; whether it still shows the voice is disputed."""
    if before["task_status"] not in TERMINAL:
        return
    kept("task.status.terminal", "task.updated-at.monotone")
    if after["task_status"] != before["task_status"]:
        raise Broken("task.status.terminal", status_after(after, before))
    if after["updated_at"] < before["updated_at"]:
        broke("task.updated-at.monotone", earlier(after, before))
    if not same_end(before, after):
        where = ("before its voice was deleted", "after that")
        note("voice-delete.task-stays", Apart(before, after, where=where))


def _moved(before: Record, after: Record) -> None:
    """What a later look may show after an earlier one."""
    if before["task_status"] in TERMINAL:
        ended_alike(before, after)
    else:
        kept("task.status.transitions", "task.status.enum")
        if RANK[after["task_status"]] < RANK[before["task_status"]]:
            raise Broken("task.status.transitions", status_after(after, before))
    kept("task.updated-at.monotone")
    if after["updated_at"] < before["updated_at"]:
        broke("task.updated-at.monotone", earlier(after, before))
