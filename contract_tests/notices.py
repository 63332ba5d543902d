"""What the notifications of one task must be: each for itself, all together, and beside what queries say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from contract_tests import checks, oracle, webhook
from contract_tests.checks import RANK, TERMINAL, kept, note, require, upheld
from contract_tests.coverage import seen as covered
from contract_tests.observation import Notification
from contract_tests.oracle import KnownVoice, Record
from contract_tests.receiver import Inbox, NothingArrived
from contract_tests.saying import Apart, Said
from contract_tests.shapes import Shape
from contract_tests.story import constant, created_later, essence
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
        raise checks.Broken("callback.terminal", _nothing(task, reason, patience_s)) from None
    kept("callback.terminal")
    formed(inbox, path, shape, signing)
    return arrived


def formed(inbox: Inbox, path: str, shape: Shape, signing: webhook.Signing = UNKNOWN) -> None:
    """Each notification at a path is a POST of the bare task as JSON, and signed where that can be known.

    Raises:
        Broken: one is not.
    """
    for item in inbox.of(path):
        checks.notification(item, shape, goes_on=True)
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
            words = "the notification of succeed holds no voice, where the one of the query is due"
            raise checks.found("callback.voices", Said(words, by=(item,)))
    kept("callback.voices")


def any_terminal(arrived: list[Notification]) -> bool:
    """Whether one of the notifications tells of an end, be it in the right shape or not."""
    return any(_status(item.json) in TERMINAL for item in arrived)


def _of(task: KnownVoice, body: Record) -> None:
    """A notification tells of the task whose create request named the address."""
    first = task.seen[0]
    words = "task {} is told of at the address of task {}, where that one is due"
    saw = Said(words, body["task_id"], task.id, by=(first, body))
    require(body["task_id"] == task.id, "callback.on-change", saw)
    words = "created_at is {} in the notification, where {} is due as in the answers"
    saw = Said(words, body["created_at"], first["created_at"], by=(first, body))
    upheld(body["created_at"] == first["created_at"], "callback.agrees-with-query", saw)
    no_sooner = body["updated_at"] >= body["created_at"]
    upheld(no_sooner, "task.updated-at.after-creation", created_later(body))
    if "task_info" in body:
        oracle.echoes(task, body)
    if not checks.is_silent(body):
        oracle.result(task, body)


def _in_order(bodies: Sequence[Record]) -> None:
    for place, after in enumerate(bodies[1:], start=1):
        for before in bodies[:place]:
            if before["task_status"] in TERMINAL and after["task_status"] in TERMINAL:
                # Two ends, of which one at most is true, but for their instants.
                same = essence(before) == essence(after)
                words = "where a task has one end"
                where = ("in one notification", "in a later one")
                ends = Apart(
                    _of_end(before), _of_end(after), words, where=where, by=(before, after)
                )
                require(same, "callback.agrees-with-query", ends)
                note("task.updated-at.final", constant("updated_at", after, before))
                continue
            moved = RANK[after["task_status"]] >= RANK[before["task_status"]]
            later = after["updated_at"] >= before["updated_at"]
            words = (
                "a notification says {} of {} after one said {} of {}, where the order of the"
                " changes is due"
            )
            now, then = ((one["task_status"], one["updated_at"]) for one in (after, before))
            saw = Said(words, *now, *then, by=(before, after))
            require(moved and later, "callback.order", saw)


def _ends_as_seen(task: KnownVoice, bodies: Sequence[Record]) -> None:
    """The end that is told is the one that queries show. What is under way may be shown a little late."""
    seen = [glimpse.record for glimpse in task.glimpses]
    ends = [record for record in seen if record["task_status"] in TERMINAL]
    told = [body for body in bodies if body["task_status"] in TERMINAL]
    for body in told if ends else ():
        end = ends[-1]
        where = ("by query", "in the notification")
        for one, other in _sayings(end, body):
            saw = Apart(one, other, "where both are due the same", where=where, by=(end, body))
            require(one == other, "callback.agrees-with-query", saw)
        kept("task.updated-at.final")
        if body["updated_at"] != end["updated_at"]:
            words = (
                "updated_at is {} in the notification of the end and {} by query, where one is due"
            )
            told_of = Said(words, body["updated_at"], end["updated_at"], by=(end, body))
            note("task.updated-at.final", told_of)


def _nothing(task: KnownVoice, reason: NothingArrived, patience_s: float) -> Said:
    count = len(reason.seen)
    others = f"{count} other{'s' * (count > 1)} did" if count else "nothing did"
    words = (
        "no notification that task {} has ended ({}) arrived at {}"
        f" within {patience_s:g} s, where one is due; {others}"
    )
    last = task.seen[-1]
    address = task.request.get("callback_url")
    return Said(words, task.id, last["task_status"], address, by=(last, *reason.seen[-2:]))


def _of_end(record: Record) -> Record:
    status, voices = essence(record)
    return {"task_status": status, "voice_id": [voice[0] for voice in voices]}


def _sayings(shown: Record, told: Record) -> Iterator[tuple[Record, Record]]:
    """What a query says of an end and what its notification says, where both speak; silence contradicts nobody.

    Addresses may be signed anew, and what a task costs may be booked later.
    """
    names = ["task_status", "task_status_msg"]
    both = [name for name in names if shown.get(name) and told.get(name)]
    yield {name: shown[name] for name in both}, {name: told[name] for name in both}
    if checks.is_silent(told) or "task_result" not in shown:
        return
    here, there = oracle.voices_of(shown), oracle.voices_of(told)
    if len(here) != len(there):
        yield {"voices": here}, {"voices": there}
    for one, other in zip(here, there, strict=False):
        names = [name for name in _OF_VOICES if name in one and name in other]
        yield {name: one[name] for name in names}, {name: other[name] for name in names}


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
