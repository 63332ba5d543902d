"""The control API's operation on what the client is like: the report card."""

from __future__ import annotations

from collections.abc import Mapping

from mock_server.core.card.compose import compose
from mock_server.core.card.evidence import Item, Proof
from mock_server.core.card.linting import Lint
from mock_server.http.asking import MAX_NUMBER, Asked, Endpoint
from mock_server.http.reporting import Clause, clauses, gather
from mock_server.http.showing import Json, units


def get_report(asked: Asked) -> Json:
    """The report card on the client of the account."""
    since = asked.number("since", 0, MAX_NUMBER) or 0
    evidence = gather(asked.world, asked.account, since)
    known = clauses(asked.world.documents)
    card = compose(evidence, {name: clause.evidence for name, clause in known.items()})
    requests, books = evidence.requests, evidence.books
    return {
        "account": asked.account.id,
        "at": evidence.now,
        "summary": card.summary,
        "worst": card.worst,
        "counts": {verdict.value: number for verdict, number in card.counts.items()},
        "assumed": card.assumed,
        "requests": {
            "judged": len(requests),
            "first": requests[0].number if requests else None,
            "last": requests[-1].number if requests else None,
            "missing": evidence.missing,
        },
        "blind": list(card.blind),
        "items": [_item(item, known) for item in card.items],
        "lints": [_lint(row, known) for row in card.lints],
        "cost": {
            "units": units(books.spent + books.pending),
            "spent": units(books.spent),
            "pending": units(books.pending),
            "calls": books.calls,
            "tasks": books.tasks,
            "minutes": round(books.task_ms / 60_000, 2),
        },
    }


def _item(item: Item, known: Mapping[str, Clause]) -> Json:
    return {
        "id": item.id,
        "title": item.title,
        "verdict": item.verdict,
        "seen": item.seen,
        "remedy": item.remedy,
        "clause": _clause(item.clause, known),
        "numbers": dict(item.numbers),
        "proofs": [_proof(proof) for proof in item.proofs],
    }


def _lint(row: Lint, known: Mapping[str, Clause]) -> Json:
    return {
        "id": row.rule.id,
        "verdict": row.rule.verdict,
        "outcome": row.outcome,
        "count": row.count,
        "example": _proof(row.example),
        "clause": _clause(row.rule.clause, known),
        "consequence": row.rule.consequence,
    }


def _proof(proof: Proof) -> Json:
    # What a client sent may be quoted; it must not make the answer unencodable.
    words = proof.words.encode("utf-8", "replace").decode("utf-8")
    return {"number": proof.number, "delivery": proof.delivery, "words": words}


def _clause(name: str, known: Mapping[str, Clause]) -> Json | None:
    clause = known.get(name)
    return None if clause is None else clause._asdict()


ENDPOINTS = (Endpoint("GET", "/report", "getReport", get_report, parameters=("since",)),)
