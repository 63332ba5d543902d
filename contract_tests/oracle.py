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

from contract_tests.checks import RANK, TERMINAL, Broken, distinct, kept, require
from contract_tests.coverage import seen as covered
from contract_tests.receiver import SAMPLE_PATH
from contract_tests.story import Glimpse, ended_alike

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
        require(not early, "voice-create.asynchronous", record)
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
        if not task.deleted:
            _moved(task, task.seen[-1], record)
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
        distinct("voice-list.complete", [record["task_id"] for record in records], "the pages")
        for task in self.missing(records):
            require(False, "voice-list.complete", f"no {task.id} among {len(records)} tasks")
        if records:
            kept("voice-create.external-id.no-effect")
        for record in records:
            if record["task_id"] in self.tasks:
                self.shown(self.tasks[record["task_id"]], record)
                continue
            word = str((record.get("task_info") or {}).get("external_task_id") or "")
            second = bool(self.holders(word))
            require(not second, "voice-create.external-id.no-effect", f"a second {word}: {record}")
            # Of the account's tasks, and of no other.
            require(not self.alone, "voice-list.complete", f"a task nobody made: {record}")

    def deleted(self, task: KnownVoice, data: Record | None) -> None:
        """The voice of a task was deleted; the answer held these data, or none."""
        if data is not None:
            require(data["task_id"] == task.id, "voice-delete.data", data)
        task.deleted = True

    def _result(self, task: KnownVoice, record: Record) -> None:
        """A voice is there exactly on succeed, is the one asked for, and no other task's."""
        result(task, record)
        own = {voice["voice_id"] for voice in voices_of(record)}
        kept("ids.unique")
        for other in (known for voice_id in own for known in self._shown_by.get(voice_id, ())):
            if other is not task and not other.deleted and other.voice_id in own:
                raise Broken("ids.unique", f"{record} beside {other.seen[-1]}")

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
    has_ended_well = record["task_status"] == "succeed"
    require(bool(voices) == has_ended_well, "voice.result.when-succeed", record)
    for voice in voices:
        name = voice.get("voice_name", task.name)
        require(name == task.name, "voice.name.echo", record)
        require(voice.get("owned_by") != "kling", "voice.owner", record)
    if record["task_status"] == "failed":
        reason = record.get("task_status_msg")
        require(bool(reason and reason.strip()), "task.failed.reason", record)
        found = record.get("task_result") or {}
        require(not any(found.values()), "voice.result.failed-is-empty", record)


def echoes(task: KnownVoice, record: Record) -> None:
    """What the caller said about a task stands in its record, unchanged."""
    info = record.get("task_info") or {}
    if task.external_id:
        require(info.get("external_task_id") == task.external_id, "task.info.echo", record)
    else:
        require("external_task_id" not in info, "task.info.empty", record)


def _now(record: Record, began_s: float | None = None) -> Glimpse:
    now_s = time.monotonic()
    return Glimpse(record, now_s if began_s is None else began_s, now_s)


def _constant(task: KnownVoice, record: Record) -> None:
    """What never changes in a task, and what the caller said about it."""
    first = task.seen[0]
    require(record["task_id"] == task.id, "task.id.constant", record)
    kept("task.created-at.constant")
    if record["created_at"] != first["created_at"]:
        saw = f"created_at {record['created_at']} after {first['created_at']}: {record}"
        raise Broken("task.created-at.constant", saw)
    later = record["updated_at"] >= record["created_at"]
    require(later, "task.updated-at.after-creation", record)
    echoes(task, record)


def _moved(task: KnownVoice, before: Record, after: Record) -> None:
    """What a later look may show after an earlier one."""
    if before["task_status"] in TERMINAL:
        ended_alike(before, after)
    else:
        kept("task.status.transitions", "task.status.enum")
        if RANK[after["task_status"]] < RANK[before["task_status"]]:
            raise Broken("task.status.transitions", f"{after} after {before}")
    kept("task.updated-at.monotone")
    if after["updated_at"] < before["updated_at"]:
        raise Broken("task.updated-at.monotone", f"{after} after {before} of {task.id}")
