"""Bodies that no good sender sends: what a good receiver refuses with a 4xx, and what must not make it fail."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from contract_tests.probe.cases import (
    EITHER,
    RATHER_REFUSE,
    REFUSE,
    STUMBLE,
    Case,
    Cases,
    Want,
)
from contract_tests.probe.pen import Pen, Task, compact
from contract_tests.probe.wire import Delivery

#: Values of another type than text; an empty list and object are those that loose languages take for false.
_NO_TEXTS: tuple[Any, ...] = ([], {}, {"a": 1})
#: Validators that convert, as some frameworks have them unless told otherwise, make texts of these.
_CONVERTED: tuple[Any, ...] = (None, ["succeed"])
#: Libraries in wide use make texts of these; for an id that may be meant.
_SCALARS = (12, 1.5, True)
_NO_OBJECTS: tuple[Any, ...] = ("text", 12, True, [1])
_NO_INSTANTS: tuple[Any, ...] = (None, "1722769557708", "now", {}, [], -1, 0, 1.5)
_Bodies = Iterator[tuple[str, Task]]
_NESTED = 20_000
_TOO_LARGE = 1_200_000


def _case(pen: Pen, clause: str, what: str, want: Want, body: Task | bytes) -> Case:
    return Case(f"receiver.{clause}", what, want, pen.post(body))


def not_json(pen: Pen) -> Cases:
    """Bodies that are no JSON, or no object."""
    body = compact(pen.task("succeed"))
    for what, wrong in (
        ("almost JSON: it lacks its last brace", body[:-1]),
        ("the first half of a body", body[: len(body) // 2]),
        ("a page of HTML", b"<html><body>Bad Gateway</body></html>"),
        ("a form", b"task_id=1&task_status=succeed"),
        ("words", b"this is no JSON"),
    ):
        yield _case(pen, "malformed.json", what, REFUSE, wrong)
    # Parsers of streams, as Go's and Java's, stop at the end of the first value; some take JavaScript for JSON.
    for what, wrong in (
        ("a brace too many", body + b"}"),
        ("two bodies", body + body),
        ("single quotes", body.replace(b'"', b"'")),
    ):
        yield _case(pen, "malformed.json", what, RATHER_REFUSE, wrong)
    yield _case(pen, "malformed.empty", "an empty body", REFUSE, b"")
    yield _case(pen, "malformed.empty", "nothing but blanks", REFUSE, b"  \r\n")
    listed = b"[" + body + b"]"
    for what, wrong in (
        ("a list with the task", listed),
        ("an empty list", b"[]"),
        ("a text", b'"succeed"'),
        ("a number", b"12"),
        ("null", b"null"),
        ("true", b"true"),
        ("the task as a text", compact(body.decode())),
    ):
        yield _case(pen, "malformed.not-object", what, REFUSE, wrong)


def fields(pen: Pen) -> Cases:
    """Fields that are absent or of another type."""
    yield _case(pen, "malformed.missing", "an empty object", REFUSE, {})
    for name in ("task_id", "task_status"):
        task = pen.task("succeed", **{name: ...})
        yield _case(pen, "malformed.missing", f"no {name}", REFUSE, task)
        for value in (*_NO_TEXTS, *_CONVERTED):
            want = RATHER_REFUSE if value in _CONVERTED else REFUSE
            task = pen.task(**{name: value})
            yield _case(pen, "malformed.types", f"{name} is {_shown(value)}", want, task)
    for value in _SCALARS:  # made a text, it is one status more that nobody knows
        what = f"task_status is {_shown(value)}"
        yield _case(pen, "malformed.types", what, RATHER_REFUSE, pen.task(task_status=value))
    for clause, bodies in _LENIENT:
        for what, task in bodies(pen):
            yield _lenient(pen, clause, "malformed.other", what, task)


def _lenient(pen: Pen, clause: str, on_crash: str, what: str, body: Task | bytes) -> Case:
    """A case that a receiver may take, if it does not fail by it: that would break the other clause."""
    case = _case(pen, clause, what, RATHER_REFUSE, body)
    return replace(case, on_crash=f"receiver.{on_crash}")


def _shown(value: Any) -> str:
    return compact(value).decode()


def _strange(pen: Pen) -> _Bodies:
    for word in ("succeeded", "SUCCEED", "", "deleted"):
        yield f"task_status is {word!r}", pen.task("succeed", task_status=word)
    for loose in ("", *_SCALARS):
        yield f"task_id is {_shown(loose)}", pen.task(task_id=loose)


def _instants(pen: Pen) -> _Bodies:
    for name in ("created_at", "updated_at"):
        yield f"no {name}", pen.task("processing", **{name: ...})
        for value in _NO_INSTANTS:
            yield f"{name} is {_shown(value)}", pen.task(**{name: value})
    yield "instants in seconds", pen.task(created_at=1_722_769_557, updated_at=1_722_769_566)


def _optional(pen: Pen) -> _Bodies:
    for name in ("task_info", "task_result"):
        for value in (*_NO_OBJECTS, None):
            yield f"{name} is {_shown(value)}", pen.task("succeed", **{name: value})
    others: tuple[Any, ...] = (12, None, {})
    for other in others:
        yield f"task_status_msg is {_shown(other)}", pen.task("failed", task_status_msg=other)
        info = {"external_task_id": other}
        yield f"external_task_id is {_shown(other)}", pen.task(task_info=info)
    for value in (*_NO_OBJECTS, None, {}, [], [None], ["text"], [{}], [[]], [{"voice_id": 1}]):
        yield f"voices is {_shown(value)}", pen.task("succeed", task_result={"voices": value})
    yield "succeed without a result", pen.task("succeed", task_result=...)
    yield "failed without a reason", pen.task("failed", task_status_msg=...)


def _envelopes(pen: Pen) -> _Bodies:
    data = pen.task("succeed")
    envelope = {"code": 0, "message": "SUCCEED", "request_id": pen.new_id(), "data": data}
    yield "the envelope of answers around the task", envelope
    new = {"id": data["task_id"], "status": "succeeded", "message": "", "outputs": []}
    yield "a notification of the newer products", new


#: Bodies that break the schema where a receiver may not look, and the clauses that say so.
_LENIENT: tuple[tuple[str, Callable[[Pen], _Bodies]], ...] = (
    ("malformed.status", _strange),
    ("malformed.instants", _instants),
    ("malformed.optional", _optional),
    ("malformed.envelope", _envelopes),
)


def encodings(pen: Pen) -> Cases:
    """Bytes that are no UTF-8."""
    body = compact(pen.task("failed", task_status_msg="Zoe"))
    clause = "malformed.utf8"
    # Whoever decodes leniently sees a text here, and no harm is done.
    for what, wrong in (
        ("a byte that is no UTF-8, in a text", body.replace(b"Zoe", b"Zo\xe9")),
        ("half a character, in a text", body.replace(b"Zoe", b"Zo\xf0\x9f\x8e")),
        ("a surrogate as three bytes, in a text", body.replace(b"Zoe", b"\xed\xa0\x80")),
    ):
        yield _lenient(pen, "malformed.text", clause, what, wrong)
    for what, wrong in (
        ("bytes that are no UTF-8 before the JSON", b"\xff\xfe\xfd" + body),
        ("compressed without a word", gzip.compress(body, mtime=0)),
        ("bytes of all kinds", bytes(range(256))),
    ):
        yield _case(pen, clause, what, REFUSE, wrong)


def extremes(pen: Pen) -> Cases:
    """JSON that libraries stumble over. What they make of it is their business."""
    body = compact(pen.task("failed", task_status_msg="Zoe"))
    head = body[:-1]
    nested = b"[" * _NESTED + b"]" * _NESTED
    for what, odd in (
        ("a lone surrogate", body.replace(b"Zoe", b"\\ud800")),
        ("surrogates in the wrong order", body.replace(b"Zoe", b"\\udc00\\ud800")),
        ("NUL in a text", body.replace(b"Zoe", b"a\\u0000b")),
        ("a byte order mark", b"\xef\xbb\xbf" + body),
        ("a number beyond all bounds", head + b',"added":1e999}'),
        ("an integer of 5000 digits", head + b',"added":' + b"7" * 5000 + b"}"),
        ("NaN", head + b',"added":NaN}'),
        ("a key twice", head + b',"task_status":"failed","task_status":"failed"}'),
        ("a field named __proto__", head + b',"__proto__":{"admin":true}}'),
        (f"lists in lists, {_NESTED} deep", head + b',"added":' + nested + b"}"),
    ):
        yield _case(pen, "extreme", what, STUMBLE, odd)


def too_large(pen: Pen) -> Cases:
    """A body that nobody needs."""
    task = pen.task("failed", task_status_msg="x" * _TOO_LARGE)
    # A receiver may hang up while such a body is still on its way.
    want = Want("2xx or 4xx", EITHER.accepted, EITHER.refused, STUMBLE.crashed)
    yield _case(pen, "large", f"a body of {_TOO_LARGE / 1_000_000:g} MB", want, task)


def methods(pen: Pen) -> Cases:
    """Requests that are no notifications."""
    nothing = (("accept", "*/*"),)
    yield Case("receiver.methods", "GET", STUMBLE, Delivery(b"", nothing, "GET"))
    unsigned = pen.post(pen.task(), keys=[]) if pen.keys else pen.post(pen.task())
    put = Delivery(unsigned.body, unsigned.headers, "PUT")
    what = "PUT of a notification" + (" that is not signed" if pen.keys else "")
    yield Case("receiver.methods", what, RATHER_REFUSE, put)


HOSTILE = (not_json, fields, encodings, extremes, too_large, methods)
