"""Clauses as pure functions over observations. Each raises ``Broken`` with the clause's id, words and evidence.

They serve the walk, the machine, the hand-picked requests and schemathesis alike. None depends on the order in which
answers arrive.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import Any

from contract_tests import clauses, documents
from contract_tests.observation import NOT_JSON, Answer, Notification, shortened
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
#: What was found since this was last emptied, beside what ends a test.
noted: list[Broken] = []


class Broken(AssertionError):
    """Raised when a server breaks a clause; the message begins with the clause's id."""

    def __init__(self, clause: str, saw: object, text: str = "") -> None:
        """Words the message.

        Args:
            clause: the clause that is broken.
            saw: what was seen instead.
            text: what is wrong, where that is not plain from the clause's own text.
        """
        known = clauses.find(clause)
        self.clause = clause
        self.saw = str(saw)
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


def clause_of(dialect: str, clause: str) -> str:
    """The clause of a dialect that says what the given official one says."""
    return _WORDS.get(clause, clause) if dialect == "ezmodel" else clause


def envelope(answer: Answer, dialect: str, own: str = "") -> None:
    """Every answer is a JSON object with an integer code that its HTTP status allows, and with a request_id.

    Args:
        own: the clause of whoever asks, which a pair of status and code breaks that is in no table.
    """
    require(answer.status < 500, "server.no-5xx", answer)
    body = answer.json
    named = {clause: clause_of(dialect, clause) for clause in _WORDS}
    identified = named["envelope.request-id"]
    told = answer.headers.get("content-type", "no Content-Type")
    kept("envelope.json")
    if answer.content_type != JSON_TYPE or not isinstance(body, dict):
        raise Broken("envelope.json", f"no JSON object, or it does not say so ({told}): {answer}")
    request_id = body.get("request_id")
    require(isinstance(request_id, str) and bool(request_id), identified, answer)
    code = body.get("code")
    is_integer = isinstance(code, int) and not isinstance(code, bool)
    require(is_integer, named["errors.code-is-integer"], answer)
    if 0 in answer.pair or 200 in answer.pair:
        require(answer.pair == (200, 0), named["envelope.code-zero"], answer)
    _pair(answer, dialect, own)
    message = body.get("message")
    require(isinstance(message, str) and bool(message), "envelope.message", answer)
    looked.update(_SEEN.get(answer.pair, ()))
    if code != 0:
        require("data" not in body, named["errors.no-data"], answer)


def _pair(answer: Answer, dialect: str, own: str) -> None:
    """Status and code stand together in the error table; at EzModel's any status is its own code."""
    clause = clause_of(dialect, "errors.code-matches-status")
    kept(clause)
    is_own = dialect == "ezmodel" and answer.status == answer.code
    if is_own or answer.pair in documents.document(dialect).pairs:
        return
    reason = Broken(clause, answer)
    if not own:
        raise reason
    raise Broken(own, answer) from reason


def conforms(answer: Answer, operation: documents.Operation) -> None:
    """The body has the shape that the document declares for the operation and the status."""
    if operation.id == "getCustomVoice" and answer.status == 200:
        require(not isinstance(answer.data, list), "voice-get.object", answer)
    shape = operation.responses.get(answer.status)
    kept("schema.status")
    if shape is None:  # put in words only then: it takes longer than the look itself
        declared = ", ".join(map(str, operation.responses))
        raise Broken("schema.status", f"{answer}\n  where {declared} are declared")
    _valid(shape, answer.json, f"the response schema of {operation.id}", answer)


def refused(answer: Answer, dialect: str, clause: str, pairs: Collection[tuple[int, int]]) -> None:
    """The request was refused with one of the expected pairs, in an envelope without data."""
    expected = " or ".join(f"{status}/{code}" for status, code in sorted(pairs))
    envelope(answer, dialect, clause)
    kept(clause)
    if answer.pair not in pairs:
        raise Broken(clause, f"{answer}\n  where {expected} is due")


def notification(seen: Notification, shape: Shape) -> None:
    """A notification is a POST of the bare task as JSON."""
    require(seen.method == "POST", "callback.method", seen)
    require(seen.content_type == JSON_TYPE, "callback.method", f"{seen.content_type!r}: {seen}")
    require(seen.json is not NOT_JSON, "callback.method", seen)
    body = seen.json
    wrapped = isinstance(body, dict) and bool({"code", "request_id", "data"} & set(body))
    require(isinstance(body, dict) and not wrapped, "callback.bare", seen)
    if is_silent(body):  # callback.voices is assumed, so the rest of the body is looked at without
        body = {**body, "task_result": {"voices": [{"voice_id": "not told"}]}}
    _valid(shape, body, "the callback's schema", seen, "schema.notification")


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
        if RANK[after] <= RANK[before] and after != before:
            raise Broken(clause, f"{' -> '.join(seen)} in {saw}")


def distinct(clause: str, values: Iterable[str], saw: object) -> None:
    """No value stands twice."""
    kept(clause)
    known: set[str] = set()
    for value in values:
        if value in known:  # put in words only then: that takes longer than the look
            raise Broken(clause, f"{value!r} twice in {saw}")
        known.add(value)


def _valid(shape: Shape, body: Any, what: str, saw: object, clause: str = "schema.answer") -> None:
    """A body has a shape; where it has not, the nearest rule names the failure, else the clause given."""
    misfit = shape.misfit(body)
    looked.add(clause)
    looked.update(shape.enforced if misfit is None else ())
    if misfit is not None:
        words = f"[schema] {what} at {misfit.place}: {shortened(misfit.words)}"
        raise Broken(misfit.rule or clause, saw, words)
