"""What the notifications of one task must be: each for itself, all together, and beside what queries say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from contract_tests import checks, oracle, webhook
from contract_tests.checks import RANK, TERMINAL, kept, note, require
from contract_tests.coverage import seen as covered
from contract_tests.observation import Notification
from contract_tests.oracle import KnownVoice, Record
from contract_tests.receiver import Inbox, NothingArrived
from contract_tests.shapes import Shape
from contract_tests.story import essence
from contract_tests.target import Target

#: Real seconds within which a notification arrives on this machine.
DELIVERY_S = 15.0
#: The same where a clock was advanced: what fell due has been sent by then.
_ADVANCED_S = 3.0
#: What a voice is called, wherever it is shown.
_OF_VOICES = ("voice_id", "voice_name", "owned_by")
#: Nothing is known of how notifications are signed, nor of whose clock it is.
UNKNOWN = webhook.Signing(may_be_ahead=True)


def patience_s(target: Target) -> float:
    """Real seconds to wait for a notification that is due."""
    return _ADVANCED_S if target.control else DELIVERY_S


def awaited(
    inbox: Inbox,
    path: str,
    task: KnownVoice,
    shape: Shape,
    signing: webhook.Signing = UNKNOWN,
    *,
    patience_s: float = DELIVERY_S,
) -> list[Notification]:
    """Waits for the notification of a task's end; returns all that arrived, each held against its own clauses.

    Args:
        path: where the notifications of the task arrive.
        signing: how they are signed, as far as that is known.
        patience_s: real seconds to wait.

    Raises:
        Broken: the end is not told in time, or something is wrong with one of them.
    """
    try:
        arrived = inbox.wait_for(path, f"the end of {task.id}", patience_s, any_terminal)
    except NothingArrived as reason:
        formed(inbox, path, shape, signing)
        raise checks.Broken("callback.terminal", str(reason)) from None
    kept("callback.terminal")
    formed(inbox, path, shape, signing)
    return arrived


def formed(inbox: Inbox, path: str, shape: Shape, signing: webhook.Signing = UNKNOWN) -> None:
    """Each notification at a path is a POST of the bare task as JSON, and signed where that can be known.

    Raises:
        Broken: one is not.
    """
    for item in inbox.of(path):
        checks.notification(item, shape)
        webhook.signed(item, signing, inbox.arrived_s[item.ordinal])
        if item.ordinal not in inbox.counted:
            inbox.counted.add(item.ordinal)
            covered.callbacks[item.json["task_status"]] += 1


def agree(task: KnownVoice, arrived: Sequence[Notification]) -> None:
    """All notifications of a task together, in the order of arrival, beside what queries showed.

    What was told once may be told again, in the same words: a sender that saw no answer cannot know.

    Raises:
        Broken: they contradict each other, or what was seen.
    """
    bodies = _once([item.json for item in arrived])
    for body in bodies:
        _of(task, body)
    _ends_as_seen(task, bodies)
    _in_order(bodies)
    kept("callback.on-change", "callback.order", "callback.agrees-with-query")


def voices_are_told(arrived: Sequence[Notification]) -> None:
    """A notification of succeed holds the voice, as a query does.

    Raises:
        Finding: it does not; the vendor's page shows no voice.
    """
    for item in arrived:
        if checks.is_silent(item.json):
            raise checks.found("callback.voices", item)
    kept("callback.voices")


def any_terminal(arrived: list[Notification]) -> bool:
    """Whether one of the notifications tells of an end, be it in the right shape or not."""
    return any(_status(item.json) in TERMINAL for item in arrived)


def _of(task: KnownVoice, body: Record) -> None:
    """A notification tells of the task whose create request named the address."""
    foreign = f"told at the address of {task.id}: {body}"
    require(body["task_id"] == task.id, "callback.on-change", foreign)
    first = task.seen[0]
    saw = f"created_at {body['created_at']} told and {first['created_at']} shown: {body}"
    require(body["created_at"] == first["created_at"], "callback.agrees-with-query", saw)
    no_sooner = body["updated_at"] >= body["created_at"]
    require(no_sooner, "task.updated-at.after-creation", body)
    if "task_info" in body:
        oracle.echoes(task, body)
    if not checks.is_silent(body):
        oracle.result(task, body)


def _in_order(bodies: Sequence[Record]) -> None:
    for place, after in enumerate(bodies[1:], start=1):
        for before in bodies[:place]:
            saw = f"{after} after {before}"
            if before["task_status"] in TERMINAL and after["task_status"] in TERMINAL:
                # Two ends, of which one at most is true, but for their instants.
                same = essence(before) == essence(after)
                require(same, "callback.agrees-with-query", saw)
                note("task.updated-at.final", saw)
                continue
            moved = RANK[after["task_status"]] >= RANK[before["task_status"]]
            later = after["updated_at"] >= before["updated_at"]
            require(moved and later, "callback.order", saw)


def _ends_as_seen(task: KnownVoice, bodies: Sequence[Record]) -> None:
    """The end that is told is the one that queries show. What is under way may be shown a little late."""
    seen = [glimpse.record for glimpse in task.glimpses]
    ends = [record for record in seen if record["task_status"] in TERMINAL]
    told = [body for body in bodies if body["task_status"] in TERMINAL]
    for body in told if ends else ():
        end = ends[-1]
        saw = f"{body} beside {end}"
        for name, said, shown in _differences(body, end):
            words = f"{name} is {said!r} in the notification and {shown!r} in the query: {saw}"
            require(said == shown, "callback.agrees-with-query", words)
        kept("task.updated-at.final")
        if body["updated_at"] != end["updated_at"]:
            note("task.updated-at.final", saw)


def _differences(told: Record, shown: Record) -> Iterator[tuple[str, Any, Any]]:
    """What the notification of an end says and what a query says of it, field by field; silence contradicts nobody.

    Addresses may be signed anew, and what a task costs may be booked later.
    """
    yield "task_status", told["task_status"], shown["task_status"]
    if told.get("task_status_msg") and shown.get("task_status_msg"):
        yield "task_status_msg", told["task_status_msg"], shown["task_status_msg"]
    if checks.is_silent(told) or "task_result" not in shown:
        return
    here, there = oracle.voices_of(told), oracle.voices_of(shown)
    yield "the number of voices", len(here), len(there)
    for one, other in zip(here, there, strict=True):
        for name in _OF_VOICES:
            if name in one and name in other:
                yield f"{name} of the voice", one[name], other[name]


def _once(bodies: Sequence[Record]) -> list[Record]:
    """Notifications without those that only repeat an earlier one; addresses may be signed anew."""
    told: list[Record] = []
    known: list[tuple[Any, ...]] = []
    for body in bodies:
        words = (body["task_id"], body["created_at"], body["updated_at"], essence(body))
        if words not in known:
            known.append(words)
            told.append(body)
    return told


def _status(body: Any) -> Any:
    if not isinstance(body, dict):
        return None
    data = body.get("data")
    status = _status(data) if isinstance(data, dict) else body.get("task_status")
    return status if isinstance(status, str) else None
