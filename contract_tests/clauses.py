"""The catalogue of clauses: all that the contract promises, each with how well it is known and from where.

Every x-rules entry of the dialects' documents is a clause. A few more are the kit's own: what the documents say by
their shape, and what goes without saying.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from contract_tests import documents

ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Clause:
    """One promise.

    Attributes:
        evidence: documented, observed or assumed.
        dialects: who promises it.
    """

    id: str
    text: str
    evidence: str
    source: str
    dialects: tuple[str, ...]


def _own(identifier: str, text: str, source: str) -> Clause:
    return Clause(identifier, text, "documented", source, documents.DIALECTS)


def _own_voice(identifier: str, text: str, source: str) -> Clause:
    return Clause(identifier, text, "documented", source, documents.OFFICIAL)


_TABLE = "the error table: HTTP 5xx says that the server failed"
_DOCUMENTS = "the documents in openapi/, every operation"

#: Clauses that are no x-rule.
OWN = (
    _own("schema.answer", "An answer has the shape that its document declares.", _DOCUMENTS),
    _own("schema.status", "An operation answers with an HTTP status it declares.", _DOCUMENTS),
    _own_voice(
        "schema.notification",
        "A notification has the shape that its document declares.",
        "the callbacks of the documents in openapi/",
    ),
    _own(
        "schema.request.refused",
        "A request that its document forbids, and not by an assumed rule only, is refused.",
        _DOCUMENTS,
    ),
    _own(
        "schema.request.accepted",
        "A request that its document allows is answered with success or a cause.",
        _DOCUMENTS,
    ),
    _own(
        "envelope.json",
        "Every answer is a JSON object, and its Content-Type says application/json.",
        f"{_DOCUMENTS}: the only media type there is",
    ),
    _own(
        "envelope.message",
        "Every answer, error or not, has a message that is a text and not empty.",
        f"{_DOCUMENTS}: a required text of at least one character",
    ),
    _own("server.answers", "Every request gets an HTTP answer in time.", "HTTP"),
    _own("server.no-5xx", "No request makes the server fail with a 5xx.", _TABLE),
    _own_voice(
        "links.lead",
        "Each link of the document, followed from an accepted answer, leads to a declared and successful one.",
        "the links of the documents in openapi/",
    ),
    _own_voice(
        "task.ends",
        "Every task reaches succeed or failed.",
        "official API reference, Custom Voices (seed 003), the statuses of a task",
    ),
)


@cache
def catalogue(dialect: str = "") -> dict[str, Clause]:
    """The clauses by id, in the order of the documents; those of one dialect in its own words.

    Without a dialect each is worded by the first that has it, and names all that do.
    """
    if dialect:
        return {
            clause.id: clause for clause in (*_rules(dialect), *OWN) if dialect in clause.dialects
        }
    found: dict[str, Clause] = {}
    for name in documents.DIALECTS:
        for identifier, clause in catalogue(name).items():
            found.setdefault(identifier, clause)
    return found


def find(identifier: str, dialect: str = "") -> Clause:
    """The clause of an id, in the words of a dialect if that has it.

    Raises:
        LookupError: there is none.
    """
    own = catalogue(dialect) if dialect else {}
    clause = own.get(identifier) or catalogue().get(identifier)
    if clause is None:
        raise LookupError(f"no clause {identifier!r} in openapi/, and none of the kit's own")
    return clause


def _rules(dialect: str) -> Iterator[Clause]:
    for rule in documents.document(dialect).rules.values():
        dialects = tuple(
            name for name in documents.DIALECTS if rule.id in documents.document(name).rules
        )
        yield Clause(rule.id, rule.text, rule.evidence, rule.source, dialects)
