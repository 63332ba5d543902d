"""What the contract says must be seen of custom voices, given what was done to them. Written from openapi/ only.

The oracle knows the tasks that the kit made, and nothing of how a server works: no times, no order of a list, no
format of an id. Where the contract leaves a choice (what deleting answers, whether the task of a deleted voice stays
visible, which changes are notified) every reading passes. Other tasks in the account do not disturb it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from contract_tests.checks import RANK, TERMINAL, distinct, forward_only, kept, require
from contract_tests.observation import Notification

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
        deleted: whether its voice was deleted.
    """

    request: Mapping[str, Any]
    seen: list[Record]
    deleted: bool = False

    @property
    def id(self) -> str:
        """The task id."""
        return str(self.seen[0]["task_id"])

    @property
    def external_id(self) -> str:
        """The external id; empty when none was given."""
        return str(self.request.get("external_task_id") or "")

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
    """The reference model of one account's custom voices."""

    tasks: dict[str, KnownVoice] = field(default_factory=dict)

    def on_create(self, request: Mapping[str, Any]) -> Verdict:
        """Whether a well-formed create request must be accepted.

        An external id whose task failed, or whose voice was deleted, may or may not be free again.
        """
        holders = self.holders(str(request.get("external_task_id") or ""))
        if not holders:
            # An invented video may be unknown (voice-create.video.origin), both sources are disputed.
            return Verdict.OPEN if request.get("video_id") else Verdict.ACCEPT
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
        self.tasks[task.id] = task
        return task

    def shown(self, task: KnownVoice, record: Record) -> None:
        """A query or the list has shown a task."""
        _constant(task, record)
        if not task.deleted:
            _moved(task, task.seen[-1], record)
        _result(task, record)
        task.seen.append(record)
        voices = [item.voice_id for item in self.tasks.values() if item.voice_id]
        distinct("ids.unique", voices, record)

    def listed(self, records: Sequence[Record]) -> None:
        """All pages together have shown these records."""
        shown = [record["task_id"] for record in records]
        distinct("voice-list.complete", shown, "the pages")
        for task in self.tasks.values():
            require(task.deleted or task.id in shown, "voice-list.complete", f"no {task.id}")
        for record in records:
            word = str((record.get("task_info") or {}).get("external_task_id") or "")
            is_known = record["task_id"] in self.tasks or not self.holders(word)
            require(is_known, "voice-create.external-id.no-effect", f"a second {word}: {record}")
            if record["task_id"] in self.tasks:
                self.shown(self.tasks[record["task_id"]], record)
                kept("voice-list.same-record")

    def deleted(self, task: KnownVoice, data: Record | None) -> None:
        """The voice of a task was deleted; the answer held these data, or none."""
        if data is not None:
            require(data["task_id"] == task.id, "voice-delete.data", data)
        task.deleted = True

    def notified(self, task: KnownVoice, arrived: Iterable[Notification]) -> None:
        """Notifications of a task have arrived. A repeated one says nothing new."""
        first: dict[str, Record] = {}
        for item in arrived:
            first.setdefault(item.json["task_status"], item.json)
        bodies = list(first.values())
        for body in bodies:
            _constant(task, {"task_info": task.seen[0]["task_info"], **body})
            _result(task, body)
        forward_only("callback.order", [body["task_status"] for body in bodies], bodies)
        times = [body["updated_at"] for body in bodies]
        require(times == sorted(times), "callback.order", bodies)
        for body in bodies:
            if body["task_status"] in TERMINAL and task.is_terminal:
                agrees = _essence(body) == _essence(task.seen[-1]) or task.deleted
                require(agrees, "callback.agrees-with-query", f"{body} beside {task.seen[-1]}")

    def __str__(self) -> str:
        return "; ".join(
            f"{task.id} {task.external_id or '-'} {task.status}{' deleted' * task.deleted}"
            for task in self.tasks.values()
        )


def voices_of(record: Record) -> list[dict[str, Any]]:
    """The voices of a record."""
    result = record.get("task_result") or {}
    return list(result.get("voices") or [])


def _constant(task: KnownVoice, record: Record) -> None:
    """What never changes in a task, and what the caller said about it."""
    first = task.seen[0]
    require(record["task_id"] == task.id, "task.id.constant", record)
    require(record["created_at"] == first["created_at"], "task.created-at.constant", record)
    later = record["updated_at"] >= record["created_at"]
    require(later, "task.updated-at.after-creation", record)
    info = record.get("task_info") or {}
    if task.external_id:
        require(info.get("external_task_id") == task.external_id, "task.info.echo", record)
    else:
        require(not info.get("external_task_id"), "task.info.empty", record)


def _moved(task: KnownVoice, before: Record, after: Record) -> None:
    """What a later look may show after an earlier one."""
    if before["task_status"] in TERMINAL:
        saw = f"{after} after {before}"
        require(_essence(after) == _essence(before), "task.status.terminal", saw)
        return
    moved_on = RANK[after["task_status"]] >= RANK[before["task_status"]]
    require(moved_on, "task.status.transitions", f"{after} after {before}")
    no_sooner = after["updated_at"] >= before["updated_at"]
    require(no_sooner, "task.updated-at.monotone", f"{after} after {before} of {task.id}")


def _essence(record: Record) -> tuple[Any, ...]:
    """What may not change after the end. Addresses are not part of it: they may be signed anew."""
    voices = [voice["voice_id"] for voice in voices_of(record)]
    return record["task_status"], record["updated_at"], voices


def _result(task: KnownVoice, record: Record) -> None:
    """A voice is there exactly on succeed (the schema says so too), and is the one asked for."""
    voices = voices_of(record)
    has_ended_well = record["task_status"] == "succeed"
    require(bool(voices) == has_ended_well, "voice.result.when-succeed", record)
    for voice in voices:
        name = voice.get("voice_name", task.request["voice_name"])
        require(name == task.request["voice_name"], "voice.name.echo", record)
        require(voice.get("owned_by") != "kling", "voice.owner", record)
