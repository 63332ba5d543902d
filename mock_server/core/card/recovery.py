"""What becomes of tasks that were created while their answer got lost, and of tasks that failed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from mock_server.core.card.evidence import (
    QUERIES,
    Evidence,
    Item,
    Proof,
    Request,
    Subject,
    Verdict,
    chains,
    interleaves,
    plural,
)
from mock_server.core.limits import PRICE
from mock_server.core.task import TERMINAL, TaskKind, TaskStatus, observe, observe_step

#: Orders of the same after a failure that are a habit.
_HABIT = 2

LOST = Subject(
    "recovery.external-id",
    "Lost answers",
    "A create whose answer got lost may have made a task. Query it by its external_task_id, or send the create again"
    " with the same one: it is refused if the task exists, and then the query finds it.",
    "voice-get.by-external-id",
)
LOST_SPEECH = Subject(
    "recovery.speech",
    "Lost speech",
    "Speech cannot be queried: what got lost is paid and gone. Give the client a generous timeout for this call.",
    "speech.no-query",
)
RESUBMITTED = Subject(
    "recovery.failed-tasks",
    "Failed tasks ordered again",
    "Read task_status_msg: what failed for its content or source fails again. Change the order, or give up.",
    "task.failed.reason",
)


def items(evidence: Evidence) -> Iterator[Item]:
    """The items on recovery."""
    yield lost_voices(evidence)
    yield lost_speech(evidence)
    yield resubmitted(evidence)


def _lost(evidence: Evidence, operation: str) -> list[Request]:
    """Creates that made a task while the client got no answer that says so."""
    return [item for item in evidence.of(operation) if item.task_id and item.is_transient]


def _cost(evidence: Evidence, requests: list[Request]) -> float:
    """Units that tasks have cost, or will, whatever becomes of the answer."""
    tasks = [evidence.tasks[item.task_id] for item in requests if item.task_id in evidence.tasks]
    return sum(task.timeline[-1].status is TaskStatus.SUCCEED for task in tasks) * PRICE / 100


def lost_voices(evidence: Evidence) -> Item:
    """Whether a voice task is found again whose create was never answered."""
    lost = _lost(evidence, "createCustomVoice")
    if not lost:
        return LOST.not_seen("no answer to a create that made a voice got lost")
    found = _found(evidence)
    gone = [item for item in lost if found.get(item.task_id, -1) < item.number]
    proofs = [Proof(_why(evidence, item), item.number) for item in gone]
    numbers = {
        "lost": len(lost),
        "recovered": len(lost) - len(gone),
        "units_wasted": _cost(evidence, gone),
    }
    if not gone:
        return LOST.judged(Verdict.OK, f"{len(lost)} lost, all found again", numbers)
    seen = f"{len(gone)} of {plural(len(lost), 'lost answer')} never recovered, {numbers['units_wasted']:g} units"
    return LOST.judged(Verdict.WARNING, seen, numbers, proofs)


def _why(evidence: Evidence, request: Request) -> str:
    name = request.external_id
    if not name:
        return f"task {request.task_id} was made without an external id, and nothing else finds it"
    again = [
        item
        for item in evidence.of("createCustomVoice")
        if item.number > request.number and item.external_id == name
    ]
    if again:
        return f"task {request.task_id}: sent again with external id {name!r} in no. {again[0].number}, never queried"
    return f"task {request.task_id}: never asked for by its external id {name!r}"


def _found(evidence: Evidence) -> dict[str, float]:
    """By task id, the number of the last request that has shown a task; a list shows all, a callback at any time."""
    found: dict[str, float] = {}
    listed = -1
    for request in evidence.requests:
        if not request.is_ok:
            continue
        if request.operation == "listCustomVoices":
            listed = request.number
        elif request.operation in QUERIES:
            found[request.task_id] = request.number
    if listed >= 0:
        for task_id in evidence.tasks:
            found[task_id] = max(found.get(task_id, -1), listed)
    for callback in evidence.callbacks:
        if callback.taken is not None:
            found[callback.task_id] = float("inf")
    return found


def lost_speech(evidence: Evidence) -> Item:
    """What speech was paid for and never arrived."""
    lost = _lost(evidence, "createSpeech")
    if not lost:
        return LOST_SPEECH.not_seen("no answer with speech got lost")
    cost = _cost(evidence, lost)
    proofs = [Proof(f"task {item.task_id}: {item.target}", item.number) for item in lost]
    numbers = {"lost": len(lost), "units_wasted": cost}
    seen = f"{plural(len(lost), 'answer')} with speech lost, {cost:g} units"
    return LOST_SPEECH.judged(Verdict.ADVICE, seen, numbers, proofs)


def resubmitted(evidence: Evidence) -> Item:
    """Whether what has failed is ordered again as it was."""
    failed = 0
    proofs: list[Proof] = []
    most = 0
    rows: dict[str, list[Request]] = {}
    for request in evidence.requests:
        if request.is_of_tasks and request.task_id in evidence.tasks:
            rows.setdefault(request.stripped, []).append(request)
    clear = (row for row in rows.values() if not interleaves(row))
    for row in chain.from_iterable(chains(evidence, row) for row in clear):
        again = 0
        last_failure = ""
        ended_at: int | None = None
        for request in row:
            if ended_at is not None and request.at >= ended_at:
                again += 1
                words = f"{request.target}: ordered again after {last_failure!r}"
                proofs.append(Proof(words, request.number))
            ended_at, last_failure = _failure(evidence, request)
            failed += ended_at is not None
        most = max(most, again)
    if not failed:
        return RESUBMITTED.not_seen("no task has failed")
    numbers = {"failed": failed, "ordered_again": len(proofs), "most_of_one_order": most}
    if not proofs:
        return RESUBMITTED.judged(Verdict.OK, "what failed was not ordered again", numbers)
    verdict = Verdict.WARNING if most >= _HABIT else Verdict.ADVICE
    seen = f"{plural(len(proofs), 'order')} of what had failed"
    return RESUBMITTED.judged(verdict, seen, numbers, proofs)


def _failure(evidence: Evidence, request: Request) -> tuple[int | None, str]:
    """When the task that a create made has failed, and why."""
    task = evidence.tasks[request.task_id]
    first = observe_step(task, 0)
    seen = first if task.kind is TaskKind.SPEECH and first.status in TERMINAL else None
    seen = seen or observe(task, evidence.now)
    if seen.status is not TaskStatus.FAILED:
        return None, ""
    return seen.updated_at, seen.message
