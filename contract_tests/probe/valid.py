"""Valid notifications, in every way in which they may come: what a good receiver answers with 2xx."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from contract_tests.probe.cases import (
    ACCEPT,
    EITHER,
    RATHER_ACCEPT,
    Case,
    Cases,
    accepts,
)
from contract_tests.probe.pen import RISK, STATUSES, Pen, Style, ascii_only, compact, python_like
from contract_tests.probe.wire import Delivery

_REASONS = (
    "Voice clone failed: the audio is too short",
    "音频包含多人说话，请更换音频",
    'a "quoted" reason, with \\ and / and <b>',
    "two\nlines\tand a tab",
    "x" * 2000,
)
_TEXTS = (
    ("Chinese", "温柔姐姐"),
    ("right to left", "صوت הקריין"),
    ("combining marks", "Zoe\u0308 a\u0301\u0327"),
    ("beyond 16 bits", "\U0001f399\U0001f468\u200d\U0001f469\u200d\U0001f467 \U00020bb7"),
    ("odd but printable", "\u2028\u00a0\ufeff\u202e'\"&<>;%"),
)
#: Ids as gateways give them, made of the 18 digits of a new one.
_IDS: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("task_ and a ULID", lambda digits: f"task_01J8ZK3Q{digits}"),
    ("a UUID", lambda digits: str(uuid5(NAMESPACE_OID, digits))),
    ("a number of 21 digits", lambda digits: f"999{digits}"),
)
_EARLIEST_MS, _LATEST_MS = 1_000_000_000_000, 4_102_444_800_000
_VOICES = 150
#: Ways to spell a task that has a voice, which no JSON library tells from each other.
_SPELLINGS: tuple[tuple[str, Style], ...] = (
    ("without blanks", compact),
    ("as Python writes it", python_like),
    (
        "indented over several lines",
        lambda task: json.dumps(task, indent=2, ensure_ascii=False).encode(),
    ),
    ("with escapes for what is not ASCII", ascii_only),
    ("with escaped slashes", lambda task: compact(task).replace(b"/", b"\\/")),
    ("with its keys in another order", lambda task: compact(dict(reversed(task.items())))),
    ("with its keys sorted", lambda task: compact(dict(sorted(task.items())))),
    ("with a line break at the end", lambda task: compact(task) + b"\r\n"),
    ("with blanks at the beginning", lambda task: b" \t\n" + compact(task)),
    ("with an escaped letter", lambda task: compact(task).replace(b"example", b"ex\\u0061mple")),
    (
        "with an escaped key",
        lambda task: compact(task).replace(b'"task_id"', b'"task\\u005fid"'),
    ),
)


def statuses(pen: Pen) -> Cases:
    """Every status, with and without an external id; fields absent; reasons of failures."""
    for status in STATUSES:
        yield accepts(pen, "statuses", f"{status} with an external id", pen.task(status))
        bare = pen.task(status, task_info={})
        yield accepts(pen, "statuses", f"{status} without an external id", bare)
    yield accepts(pen, "failed", "a failed task", pen.task("failed", task_status_msg=RISK))
    for reason in _REASONS:
        what = f"failed because of {reason[:30]!r}"
        yield accepts(pen, "failed", what, pen.task("failed", task_status_msg=reason))
    yield accepts(pen, "failed", "failed without a result", pen.task("failed", task_result=...))


def optional(pen: Pen) -> Cases:
    """Only what the schema requires."""
    bare: dict[str, Any] = {"task_info": ..., "task_status_msg": ..., "task_result": ...}
    yield accepts(
        pen, "optional", "processing, required fields only", pen.task("processing", **bare)
    )
    for name in bare:
        yield accepts(
            pen, "optional", f"processing without {name}", pen.task("processing", **{name: ...})
        )
    little = {"voice_name": ..., "trial_url": ..., "owned_by": ...}
    bare |= {"task_result": {"voices": [pen.voice(**little)]}, "final_unit_deduction": ...}
    yield accepts(pen, "optional", "succeed, required fields only", pen.task("succeed", **bare))
    bare |= {"task_result": ..., "task_status_msg": RISK}
    yield accepts(pen, "optional", "failed, required fields only", pen.task("failed", **bare))


def unknown_fields(pen: Pen) -> Cases:
    """Fields that may be added any day, at the top and below."""
    added: dict[str, Any] = {"added_later": [{"anything": None}], "also": 1.5}
    money = {"final_balance_deduction": {"quota": "0", "list_price": "0.05"}}
    result = {"voices": [pen.voice(**added)], "images": [], "videos": [], **added}
    info = {"external_task_id": "probe", "parent_video": {"id": "", "url": ""}, **added}
    clause = "unknown-fields"
    yield accepts(pen, clause, "the money field of 2026", pen.task("succeed", **money))
    yield accepts(pen, clause, "unknown fields at the top", pen.task(**added))
    task = pen.task(task_info={**pen.task()["task_info"], "added_later": {"anything": None}})
    yield accepts(pen, clause, "unknown fields in task_info", task)
    task = pen.task("succeed", task_result=result)
    yield accepts(pen, clause, "unknown fields in the result and its voices", task)
    task = pen.task("succeed", task_result=result, **added, **money)
    task["task_info"] = {**info, **task["task_info"]}
    yield accepts(pen, clause, "unknown fields everywhere", task)


def texts(pen: Pen) -> Cases:
    """Characters of every kind."""
    for what, text in _TEXTS:
        voices = {"voices": [pen.voice(voice_name=text)]}
        yield accepts(
            pen, "unicode", f"a voice's name: {what}", pen.task("succeed", task_result=voices)
        )
        task = pen.task("failed", task_status_msg=f"reason: {text}")
        yield accepts(pen, "unicode", f"a reason: {what}", task)


def bounds(pen: Pen) -> Cases:
    """Long texts, many voices, early and late instants."""
    longest = {"voices": [pen.voice(voice_name="\U0001f399" * 20)]}
    shortest = {"voices": [pen.voice(voice_name="n")]}
    task = pen.task("succeed", task_result=longest)
    yield accepts(pen, "bounds", "a name of 20 characters beyond 16 bits", task)
    task = pen.task("succeed", task_result=shortest)
    yield accepts(pen, "bounds", "a name of one character", task)
    many = {"voices": [pen.voice() for _ in range(_VOICES)]}
    task = pen.task("succeed", task_result=many)
    yield accepts(pen, "bounds", f"{_VOICES} voices, about 25 kB", task)
    for what, at in (("2001", _EARLIEST_MS), ("2100", _LATEST_MS)):
        yield accepts(pen, "bounds", f"instants of {what}", pen.task(created_at=at, updated_at=at))
    same = time.time_ns() // 1_000_000
    task = pen.task("submitted", created_at=same, updated_at=same)
    yield accepts(pen, "bounds", "updated_at equal to created_at", task)


def ids(pen: Pen) -> Cases:
    """Ids of tasks that are no number, or none that fits into 64 bits."""
    if pen.has_own_task:
        return  # a receiver that looks its tasks up knows no other
    for what, form in _IDS:
        task = pen.task("succeed", task_id=form(pen.new_id()))
        yield Case("receiver.accepts.ids", f"a task_id like {what}", RATHER_ACCEPT, pen.post(task))


def spellings(pen: Pen) -> Cases:
    """The same JSON in other bytes. Where signatures are verified, they are over exactly these bytes."""
    # A receiver that takes the same JSON in other bytes has verified something else than the bytes that came.
    blamed = "receiver.signature.raw-bytes" if pen.keys else ""
    for what, spell in _SPELLINGS:
        # A task of its own for each: one that refuses what it has seen has another fault.
        voice = pen.voice(voice_name="Zoë 姐姐 \U0001f399")
        body = spell(pen.task("succeed", task_result={"voices": [voice]}))
        yield replace(accepts(pen, "spelling", f"a body {what}", body), on_refusal=blamed)


def transport(pen: Pen) -> Cases:
    """Headers and connections."""
    kinds = (
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
    )
    for kind in kinds:
        delivery = pen.post(pen.task(), content_type=kind)
        yield Case("receiver.headers.content-type", f"content-type {kind}", ACCEPT, delivery)
    for what, spelled in (("in capitals", str.upper), ("capitalised", str.title)):
        delivery = pen.post(pen.task())
        cased = tuple((spelled(name), value) for name, value in delivery.headers)
        delivery = replace(delivery, headers=cased)
        yield Case("receiver.headers.case", f"names of headers {what}", ACCEPT, delivery)
    for word in ("keep-alive", "keep-alive", "close", "close"):
        delivery = pen.post(pen.task())
        delivery = replace(delivery, headers=(*delivery.headers, ("connection", word)))
        yield Case("receiver.connection", f"connection: {word}", ACCEPT, delivery)
    delivery = replace(pen.post(pen.task("succeed")), in_pieces=True)
    yield Case("receiver.connection", "a body in two pieces", ACCEPT, delivery)
    voices = {"voices": [pen.voice(voice_name="\U0001f399" * 20)] * 4}
    delivery = replace(pen.post(pen.task("succeed", task_result=voices)), in_pieces=True)
    # Who makes a text of each piece has other bytes then, which no signature fits.
    what = "a body in two pieces, cut inside of a character"
    yield Case("receiver.connection", what, RATHER_ACCEPT, delivery)


def repeated(pen: Pen) -> Cases:
    """Deliveries that come again, and attempts."""
    for status in ("processing", "succeed", "failed"):
        first = pen.post(pen.task(status))
        yield Case("receiver.accepts.statuses", f"{status}, the first time", ACCEPT, first)
        yield Case("receiver.duplicate", f"{status}, the same again", ACCEPT, first)
        yield Case("receiver.duplicate", f"{status}, the same once more", ACCEPT, first)
    for status in ("processing", "succeed"):
        body, message_id = pen.style(pen.task(status)), pen.new_id()
        for attempt, age_s in (("first", 5), ("second", 0)):
            at = str(int(time.time()) - age_s)
            delivery = pen.post(body, message_id=message_id, at=at)
            yield Case("receiver.redelivery", f"{status}, {attempt} attempt", ACCEPT, delivery)
    if pen.keys:
        message_id = pen.new_id()
        first = pen.post(pen.task("processing"), message_id=message_id)
        yield Case("receiver.accepts.statuses", "a notification", ACCEPT, first)
        other = pen.post(pen.task("succeed"), message_id=message_id)
        yield Case("receiver.same-id", "another body under its id", EITHER, other)


def orders(pen: Pen) -> Cases:
    """One task's notifications, in orders that are not the usual one."""
    stories = (
        ("succeed", "processing"),
        ("succeed", "submitted", "processing", "succeed"),
        ("failed", "processing"),
        ("processing", "submitted"),
        ("processing", "failed", "submitted"),
    )
    for story in stories:
        yield from _story(pen, story)
    for story in (("succeed", "failed"), ("failed", "succeed")):
        *before, last = _story(pen, story)
        yield from before
        yield replace(last, clause="receiver.contradiction", want=RATHER_ACCEPT)


def _story(pen: Pen, story: tuple[str, ...]) -> Cases:
    first = pen.task()
    constant = {name: first[name] for name in ("task_id", "task_info", "created_at")}
    sequence = ("submitted", "processing", "succeed", "failed")
    for step, status in enumerate(story):
        updated_at = first["created_at"] + 1000 * sequence.index(status)
        task = pen.task(status, **constant, updated_at=updated_at)
        what = " then ".join(story[: step + 1])
        clause = "receiver.order" if step else "receiver.accepts.statuses"
        yield Case(clause, f"one task: {what}", ACCEPT, pen.post(task))


def burst(pen: Pen) -> list[Delivery]:
    """What comes at once: one task's succeed many times, and many tasks."""
    copies = [pen.post(pen.task("succeed"))] * 12
    return [*copies, *(pen.post(pen.task(status)) for status in STATUSES[:2] * 6)]


VALID = (
    statuses,
    optional,
    unknown_fields,
    texts,
    bounds,
    ids,
    spellings,
    transport,
    repeated,
    orders,
)
