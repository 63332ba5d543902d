"""What a series of answers says together: the lives of tasks, and ids that stand once. For recordings and suites.

Nothing is known of what happened before the first answer or beside the series, so only what no such thing could
excuse is a breach. Answers that overlap in time say nothing of each other's order.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from contract_tests import checks
from contract_tests.observation import NOT_JSON, Answer, decoded
from contract_tests.routes import Route
from contract_tests.saying import Apart, Said
from contract_tests.story import created_later

Record = Mapping[str, Any]
Saw = Callable[[], Said]
_HIDDEN = ("", "***", "Bearer ***")


@dataclass(frozen=True, slots=True)
class _Look:
    record: Record
    began: float
    ended: float


@dataclass(slots=True)
class _Task:
    looks: list[_Look] = field(default_factory=list)
    asked: Record = field(default_factory=dict)
    was_created: bool = False


class History:
    """The answers of one server, in whatever order they are added."""

    def __init__(self) -> None:
        self._tasks: dict[str, _Task] = {}
        self._request_ids: set[str] = set()
        self._external: dict[tuple[str, str], str] = {}
        self._deleted: set[str] = set()
        self._ordinals = itertools.count()

    def add(
        self, answer: Answer, route: Route, *, began: float = -1.0, ended: float = -1.0
    ) -> None:
        """Holds an answer against those before it.

        Args:
            began: when its request was sent, in seconds of any clock; by default after the one added last.
            ended: when it was there.

        Raises:
            Broken: they contradict each other.
        """
        if began < 0:
            began = ended = float(next(self._ordinals))
        body = answer.json
        if not isinstance(body, dict):
            return
        self._identify(answer, route.dialect)
        if answer.pair != (200, 0):
            return
        name = route.operation.id
        asked = decoded(answer.request.body) if answer.request.body else NOT_JSON
        request: Record = asked if isinstance(asked, dict) else {}
        if name in ("createSpeech", "createCustomVoice"):
            self._created(name, answer, request)
        if name == "deleteVoice":
            self._delete(answer, request)
        if name == "listCustomVoices" and isinstance(answer.data, list):
            shown = [str(record.get("task_id")) for record in _records(answer.data)]
            twice = sorted({name for name in shown if shown.count(name) > 1})
            words = "tasks {} are on this page twice, where each is due once"
            _need(not twice, "voice-list.complete", lambda: Said(words, twice, by=(answer,)))
        if name == "getCustomVoice" and route.name:
            _named(answer, route.name)
        if name in ("createCustomVoice", "getCustomVoice", "listCustomVoices"):
            for record in _records(answer.data):
                self._shown(_Look(record, began, ended), answer)

    def _identify(self, answer: Answer, dialect: str) -> None:
        request_id = answer.json.get("request_id")
        if isinstance(request_id, str) and request_id:
            clause = checks.clause_of(dialect, "envelope.request-id")
            words = "request_id is {} for a second time, where each answer is due its own"
            is_new = request_id not in self._request_ids
            _need(is_new, clause, lambda: Said(words, request_id, by=(answer,)))
            self._request_ids.add(request_id)

    def _created(self, name: str, answer: Answer, request: Record) -> None:
        for record in _records(answer.data):
            if "task_id" not in record:
                continue  # EzModel's have none
            task_id = str(record["task_id"])
            task = self._tasks.setdefault(task_id, _Task())
            clause = "speech.every-call-is-new" if name == "createSpeech" else "ids.unique"
            _twice(task, clause, answer)
            task.was_created, task.asked = True, request
        word = str(request.get("external_task_id") or "")
        credential = next(
            (
                value
                for key, value in answer.request.headers.items()
                if key.lower() == "authorization"
            ),
            "",
        )
        if name == "createCustomVoice" and word and credential not in _HIDDEN:
            self._claim(answer, (credential, word))

    def _claim(self, answer: Answer, claimed: tuple[str, str]) -> None:
        """An external id is used once, but that of a failed task or deleted voice may be free again."""
        holder = self._tasks.get(self._external.get(claimed, ""))
        if holder is not None:
            last = holder.looks[-1].record if holder.looks else {}
            is_free = last.get("task_status") == "failed" or _voice_ids(last) & self._deleted
            clause = "voice-create.external-id.unique"
            words = "external id {} is accepted for a second time, where a refusal is due"
            _need(bool(is_free), clause, lambda: Said(words, claimed[1], by=(answer,)))
        for record in _records(answer.data):
            self._external[claimed] = str(record.get("task_id"))

    def _delete(self, answer: Answer, request: Record) -> None:
        voice_id = str(request.get("voice_id") or "")
        if voice_id:
            is_first = voice_id not in self._deleted
            words = "voice {} is deleted for a second time, where a refusal is due"
            _need(is_first, "voice-delete.twice", lambda: Said(words, voice_id, by=(answer,)))
            self._deleted.add(voice_id)

    def _shown(self, look: _Look, answer: Answer) -> None:
        record = look.record
        if not _is_task(record):
            return
        task = self._tasks.setdefault(str(record["task_id"]), _Task())
        later = record["updated_at"] >= record["created_at"]
        _need(later, "task.updated-at.after-creation", lambda: created_later(record, answer))
        for before in task.looks:
            _created_once(before.record, record, answer)
            if before.ended <= look.began and not self._deleted:
                _moved(before.record, record, answer)
        if task.was_created:
            _echoed(task.asked, record, answer)
        task.looks.append(look)


def _need(kept: bool, clause: str, saw: Saw) -> None:
    """Says that a clause must hold here; what was seen is put in words only where it does not.

    Raises:
        Broken: it does not.
    """
    checks.kept(clause)
    if not kept:
        raise checks.Broken(clause, saw())


def _twice(task: _Task, clause: str, answer: Answer) -> None:
    words = "the answer names a task that was made before, where a new one is due"
    _need(not task.was_created, clause, lambda: Said(words, by=(answer,)))


def _created_once(before: Record, after: Record, answer: Answer) -> None:
    same = before["created_at"] == after["created_at"]
    _need(same, "task.created-at.constant", lambda: _after(before, after, answer))


def _moved(before: Record, after: Record, answer: Answer) -> None:
    def saw() -> Said:
        return _after(before, after, answer)

    if before["task_status"] in checks.TERMINAL:
        _need(_essence(before) == _essence(after), "task.status.terminal", saw)
        _need(after["updated_at"] >= before["updated_at"], "task.updated-at.monotone", saw)
        checks.kept("task.updated-at.final")
        if after["updated_at"] != before["updated_at"]:
            checks.note("task.updated-at.final", saw())
        return
    forward = checks.RANK[after["task_status"]] >= checks.RANK[before["task_status"]]
    _need(forward, "task.status.transitions", saw)
    _need(after["updated_at"] >= before["updated_at"], "task.updated-at.monotone", saw)


def _echoed(asked: Record, record: Record, answer: Answer) -> None:
    word = asked.get("external_task_id")
    info = record.get("task_info")
    shown = info.get("external_task_id") if isinstance(info, dict) else None
    if isinstance(word, str) and word:
        words = "task_info.external_task_id is {}, where {} was given and is due"
        _need(shown == word, "task.info.echo", lambda: Said(words, shown, word, by=(answer,)))
    for voice in _voices(record):
        _is_named(voice, asked.get("voice_name"), answer)


def _is_named(voice: Record, name: Any, answer: Answer) -> None:
    named = voice.get("voice_name", name)
    words = "voice_name is {}, where {} was asked for and is due"
    _need(named == name, "voice.name.echo", lambda: Said(words, named, name, by=(answer,)))


def _after(before: Record, after: Record, answer: Answer) -> Said:
    words, where = "where no later look contradicts an earlier one", ("before", "in this answer")
    return Apart(before, after, words, where=where, by=(before, answer))


def _named(answer: Answer, name: str) -> None:
    """A query shows the task that was asked for, by whichever id."""
    for record in _records(answer.data):
        info = record.get("task_info")
        word = info.get("external_task_id") if isinstance(info, dict) else None
        if word == name:
            checks.kept("voice-get.by-external-id")
        else:
            _is_asked_for(record, name, answer)


def _is_asked_for(record: Record, name: str, answer: Answer) -> None:
    is_it = str(record.get("task_id")) == name
    words = "task {} is answered, where {} was asked for and is due"
    shown = record.get("task_id")
    _need(is_it, "voice-get.by-task-id", lambda: Said(words, shown, name, by=(answer,)))


def _essence(record: Record) -> tuple[Any, ...]:
    return record["task_status"], sorted(_voice_ids(record))


def _voice_ids(record: Record) -> set[str]:
    return {str(voice.get("voice_id")) for voice in _voices(record)}


def _voices(record: Record) -> Iterator[Record]:
    result = record.get("task_result")
    voices = result.get("voices") if isinstance(result, dict) else None
    yield from _records(voices if isinstance(voices, list) else [])


def _records(data: Any) -> Iterator[Record]:
    """The records of an answer's data: one, or those of a list."""
    for item in data if isinstance(data, list) else [data]:
        if isinstance(item, dict):
            yield item


def _is_task(record: Record) -> bool:
    """Whether a record can be compared at all; what shape it must have is a clause of its own."""
    numbers = (record.get("created_at"), record.get("updated_at"))
    has_times = all(isinstance(item, int) and not isinstance(item, bool) for item in numbers)
    return has_times and "task_id" in record and record.get("task_status") in checks.RANK
