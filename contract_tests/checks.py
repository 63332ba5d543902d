"""Clauses as pure functions over observations. Each raises ``Broken`` with the clause's id, words and evidence.

They serve the walk, the machine, the hand-picked requests and schemathesis alike. None depends on the order in which
answers arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from itertools import pairwise
from typing import Any

from contract_tests import clauses, documents, mending
from contract_tests.observation import NOT_JSON, Answer, Notification, unreadable
from contract_tests.saying import Part, Said, holding, in_words, shown_by
from contract_tests.shapes import Shape

JSON_TYPE = "application/json"
#: Load, which goes away by waiting: errors.429.transient, ez.errors.429.
BUSY = frozenset({(429, 1302), (429, 1303), (429, 429)})
TERMINAL = frozenset({"succeed", "failed"})
#: How far a status is; succeed and failed exclude each other.
RANK = {"submitted": 0, "processing": 1, "succeed": 2, "failed": 2}

#: Ids of the clauses that each dialect words in its own way.
_WORDS = {
    "errors.no-data": "ez.errors.no-data",
    "errors.code-matches-status": "ez.errors.code-is-status",
    "errors.code-is-integer": "ez.errors.code-is-status",
    "envelope.request-id": "ez.request-id",
    "envelope.code-zero": "ez.errors.code-is-status",
}


#: What an answer that nobody can provoke has kept, where it is seen and its status and code belong together.
_SEEN = {(403, 1103): ("errors.1103",), (429, 429): ("ez.errors.429",)}

#: The clauses that were looked at since this was last emptied, kept or broken.
looked: set[str] = set()
#: What was found and what was broken since this was last emptied, beside what ends a test.
noted: list[Broken] = []


class Broken(AssertionError):
    """Raised when a server breaks a clause; the message begins with the clause's id.

    Attributes:
        clause: its id.
        saw: what was seen instead: a sentence, and what shows it.
        shown_by: the records, answers, requests and notifications that show it.
    """

    def __init__(self, clause: str, saw: object, text: str = "") -> None:
        """Words the message.

        Args:
            clause: the clause that is broken.
            saw: what was seen instead.
            text: what is wrong, where that is not plain from the clause's own text.
        """
        known = clauses.find(clause)
        self.clause = clause
        self.saw = in_words(saw)
        self.shown_by = shown_by(saw)
        words = text or f"{known.text} ({known.evidence}: {known.source})"
        super().__init__(f"[{clause}] {words}\n  saw {self.saw}")


class Finding(Broken):
    """Raised when a server reads an assumed clause differently: worth knowing, and no failure."""


def require(kept: bool, clause: str, saw: object) -> None:
    """Says that a clause must hold here.

    Args:
        kept: whether it does.
        clause: its id.
        saw: what was seen instead.

    Raises:
        Broken: it does not.
    """
    looked.add(clause)
    if not kept:
        raise Broken(clause, saw)


def kept(*identifiers: str) -> None:
    """Says that clauses were looked at and found kept, where no single condition says so."""
    looked.update(identifiers)


def found(clause: str, saw: object) -> Finding:
    """The finding that a server reads an assumed clause differently."""
    return Finding(clause, saw)


def note(clause: str, saw: object) -> None:
    """Says that a server reads an assumed clause differently, without an end to the test; once is enough."""
    looked.add(clause)
    if clause not in [known.clause for known in noted]:
        noted.append(Finding(clause, saw))


def broke(clause: str, saw: object) -> None:
    """Says that a clause is broken, without an end to the test: what it says of other clauses still holds."""
    looked.add(clause)
    if clause not in [known.clause for known in noted if not isinstance(known, Finding)]:
        noted.append(Broken(clause, saw))


def upheld(kept: bool, clause: str, saw: object) -> None:
    """Says that a clause must hold here, without an end to the test where it does not."""
    looked.add(clause)
    if not kept:
        broke(clause, saw)


def upheld_by(look: Callable[[], None]) -> None:
    """Looks, without an end to the test where something is broken."""
    try:
        look()
    except Broken as reason:
        if reason.clause not in [known.clause for known in noted]:
            noted.append(reason)


def accepted(answer: Answer, clause: str, words: str = "", *values: object) -> None:
    """A request must be accepted.

    Args:
        words: what else is to be said of it, for ``said``.

    Raises:
        Broken: it was refused.
    """
    require(answer.pair == (200, 0), clause, not_due(answer, "HTTP 200, code 0", words, *values))


def not_due(answer: Answer, due: str, words: str = "", *values: object) -> Said:
    """An answer where another one is due."""
    more = f" {words}" if words else ""
    told = f"{_of(answer)}, where {due} is due{more}"
    return Said(told, *values, by=(answer,))


def _of(answer: Answer) -> str:
    code = answer.code
    is_word = isinstance(code, int) and not isinstance(code, bool)
    with_code = f", code {code}" if is_word else " without a code" if code is None else ""
    return f"the answer is HTTP {answer.status}{with_code}"


def clause_of(dialect: str, clause: str) -> str:
    """The clause of a dialect that says what the given official one says."""
    return _WORDS.get(clause, clause) if dialect == "ezmodel" else clause


def envelope(answer: Answer, dialect: str, own: str = "", *, goes_on: bool = False) -> None:
    """Every answer is a JSON object with an integer code that its HTTP status allows, and with a request_id.

    Args:
        own: the clause of whoever asks, which a pair of status and code breaks that is in no table.
        goes_on: whether a fault is kept for the end of the test, where the answer can be read all the same.
    """
    hold = upheld if goes_on else require
    require(answer.status < 500, "server.no-5xx", not_due(answer, "anything but a 5xx"))
    body = answer.json
    named = {clause: clause_of(dialect, clause) for clause in _WORDS}
    kept("envelope.json")
    if not isinstance(body, dict):
        told = unreadable(answer.body) if body is NOT_JSON else "the body is no JSON object"
        raise Broken("envelope.json", Said(f"{told}, where a JSON object is due", by=(answer,)))
    if answer.content_type != JSON_TYPE:
        told = answer.headers.get("content-type") or "missing"
        words = f"Content-Type is {told}, where {JSON_TYPE} is due"
        hold(False, "envelope.json", Said(words, by=(answer,)))
    _text(answer, "request_id", named["envelope.request-id"], hold)
    _code(answer, body, named["errors.code-is-integer"], hold, goes_on=goes_on)
    if 0 in answer.pair or 200 in answer.pair:
        saw = Said(
            f"{_of(answer)}, where code 0 is due with HTTP 200 and nowhere else", by=(answer,)
        )
        require(answer.pair == (200, 0), named["envelope.code-zero"], saw)
    _pair(answer, dialect, own)
    _text(answer, "message", "envelope.message", hold)
    looked.update(_SEEN.get(answer.pair, ()))
    if answer.code != 0:
        words = "data is {}, where none is due in a refusal"
        saw = Said(words, body.get("data"), by=(answer,))
        hold("data" not in body, named["errors.no-data"], saw)
        if goes_on:
            body.pop("data", None)


def _text(answer: Answer, name: str, clause: str, hold: Callable[..., None]) -> None:
    """A field of the envelope is a text that is not empty."""
    found = answer.json.get(name)
    words = f"{name} is {{}}, where a text that is not empty is due"
    hold(isinstance(found, str) and bool(found), clause, Said(words, found, by=(answer,)))


def _code(
    answer: Answer, body: dict[str, Any], clause: str, hold: Callable[..., None], *, goes_on: bool
) -> None:
    """The code is an integer; one that is a number as text is read as it is meant, where that is asked for."""
    code = body.get("code")
    is_integer = isinstance(code, int) and not isinstance(code, bool)
    is_text = isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < 7
    saw = Said("code is {}, where an integer is due", code, by=(answer,))
    (hold if is_text else require)(is_integer, clause, saw)
    if is_text and goes_on:
        body["code"] = int(str(code))


def _pair(answer: Answer, dialect: str, own: str) -> None:
    """Status and code stand together in the error table; at EzModel's any status is its own code."""
    clause = clause_of(dialect, "errors.code-matches-status")
    kept(clause)
    is_own = dialect == "ezmodel" and answer.status == answer.code
    pairs = documents.document(dialect).pairs
    if is_own or answer.pair in pairs:
        return
    codes = sorted({code for status, code in pairs if status == answer.status})
    due = f"code {' or '.join(map(str, codes))} is due with HTTP {answer.status}"
    if not codes:
        statuses = sorted({status for status, _ in pairs})
        due = f"HTTP {', '.join(map(str, statuses))} are all that is due"
    saw = Said(f"{_of(answer)}, where {due}", by=(answer,))
    reason = Broken(clause, saw)
    if not own:
        raise reason
    raise Broken(own, saw) from reason


def conforms(answer: Answer, operation: documents.Operation, *, goes_on: bool = False) -> None:
    """The body has the shape that the document declares for the operation and the status.

    Args:
        goes_on: whether a fault is kept for the end of the test, where it is plain what is meant; the answer is then
            read as it is meant.
    """
    if operation.id == "getCustomVoice" and answer.status == 200:
        saw = Said("data is a list, where the task itself is due", by=(answer,))
        require(not isinstance(answer.data, list), "voice-get.object", saw)
    shape = operation.responses.get(answer.status)
    kept("schema.status")
    if shape is None:  # put in words only then: it takes longer than the look itself
        declared = " or ".join(map(str, operation.responses))
        words = f"{_of(answer)}, where HTTP {declared} is due from {operation.id}"
        raise Broken("schema.status", Said(words, by=(answer,)))
    what = f"the response schema of {operation.id}"
    _valid(shape, answer.json, what, answer, goes_on=goes_on)


def refused(
    answer: Answer,
    dialect: str,
    clause: str,
    pairs: Collection[tuple[int, int]],
    words: str = "",
) -> None:
    """The request was refused with one of the expected pairs, in an envelope without data.

    Args:
        words: what the request is, for a sentence that ends in it.
    """
    envelope(answer, dialect, clause, goes_on=True)
    kept(clause)
    if answer.pair not in pairs:
        raise Broken(clause, not_due(answer, any_of(pairs), words))


def any_of(pairs: Iterable[tuple[int, int]]) -> str:
    """Statuses and codes in words: ``HTTP 400, code 1200 or 1201``."""
    codes: dict[int, list[int]] = {}
    for status, code in sorted(pairs):
        codes.setdefault(status, []).append(code)
    return " or ".join(
        f"HTTP {status}, code {' or '.join(map(str, several))}" for status, several in codes.items()
    )


def notification(seen: Notification, shape: Shape, *, goes_on: bool = False) -> None:
    """A notification is a POST of the bare task as JSON.

    Args:
        goes_on: as for ``conforms``.
    """
    method = "callback.method"
    told = Said("the method of a notification is {}, where POST is due", seen.method, by=(seen,))
    require(seen.method == "POST", method, told)
    kind = seen.headers.get("content-type") or "missing"
    told = Said(f"its Content-Type is {kind}, where {JSON_TYPE} is due", by=(seen,))
    require(seen.content_type == JSON_TYPE, method, told)
    kept(method)
    body = seen.json
    if body is NOT_JSON:
        told = Said(f"{unreadable(seen.body)}, where the task is due", by=(seen,))
        raise Broken(method, told)
    around = {"code", "request_id", "data"} & set(body) if isinstance(body, dict) else set()
    words = "a notification has {} around the task, where the bare task is due"
    words = words if around else "a notification is no object, where the bare task is due"
    told = Said(words, sorted(around), by=(seen,))
    require(isinstance(body, dict) and not around, "callback.bare", told)
    if is_silent(body):  # callback.voices is assumed, so the rest of the body is looked at without
        body = {**body, "task_result": {"voices": [{"voice_id": "not told"}]}}
        goes_on = False
    _valid(shape, body, "the callback's schema", seen, "schema.notification", goes_on=goes_on)


def is_silent(body: Any) -> bool:
    """Whether a notification of succeed says nothing of the voice."""
    if not isinstance(body, dict) or body.get("task_status") != "succeed":
        return False
    found = body.get("task_result")
    return not found or (isinstance(found, dict) and not found.get("voices"))


def forward_only(clause: str, statuses: Iterable[str], saw: object) -> None:
    """Statuses in the given order never go back, and nothing follows a terminal one but itself."""
    kept(clause)
    seen = list(statuses)
    for before, after in pairwise(seen):
        moved = RANK[after] > RANK[before]
        words = f"task_status of task {{}} goes {' -> '.join(seen)}, where it is due to move forward only"
        require(moved or after == before, clause, Said(words, saw))


def distinct(clause: str, values: Iterable[str], saw: object) -> None:
    """No id is given twice."""
    kept(clause)
    known: set[str] = set()
    for value in values:
        if value in known:
            words = "id {} is given twice, where each is due once"
            raise Broken(clause, Said(words, value, by=holding(value, saw) or (saw,)))
        known.add(value)


def _valid(
    shape: Shape,
    body: Any,
    what: str,
    saw: Answer | Notification,
    clause: str = "schema.answer",
    *,
    goes_on: bool = False,
) -> None:
    """A body has a shape; where it has not, the nearest rule names the failure, else the clause given."""
    looked.add(clause)
    misfit = shape.misfit(body)
    if misfit is None:
        looked.update(shape.enforced)
        return
    part = Part(saw, mending.part_of(body, misfit))
    reads_on = goes_on or misfit.is_silence
    misfits, is_whole = mending.mended(shape, body) if reads_on else ([misfit], False)
    for one in misfits:
        told = Said(f"{one.words} ({what})", by=(part,))
        broken = one.rule or clause
        if one.is_silence:  # what may be empty or absent may be read as such
            note(clause, told)
            continue
        if not (goes_on and is_whole):
            raise Broken(broken, told)
        broke(broken, told)
    looked.update(shape.enforced)
