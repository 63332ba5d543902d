"""The control API's operations on what was asked and answered: the journal, and verification."""

from __future__ import annotations

from typing import Any

from mock_server.core.verify import Expectation, Result, in_order, verify
from mock_server.http import showing
from mock_server.http.asking import MAX_NUMBER, Asked, Endpoint
from mock_server.http.control_faults import pattern_of
from mock_server.http.showing import Json
from mock_server.journal import Entry


def list_journal(asked: Asked) -> Json:
    """The newest entries, oldest first."""
    since, limit = asked.number("since", 0, MAX_NUMBER) or 0, asked.limit()
    journal = asked.account.journal
    entries = journal.since(since)
    shown = entries if limit is None else entries[-limit:]
    return {
        "entries": [showing.entry(item) for item in shown],
        "dropped": journal.dropped,
        "last": journal.last,
    }


def clear_journal(asked: Asked) -> Json:
    """Forgets all entries."""
    return {"cleared": asked.account.journal.clear()}


def verify_journal(asked: Asked) -> Json:
    """Whether the journal holds what is expected, with near misses."""
    body = asked.body
    entries = asked.account.journal.since(int(body.get("since", 0)))
    results = [verify(_expectation(item), entries) for item in body["expect"]]
    order = in_order(results) if body.get("in_order") else None
    shown = [
        _result(result, item["match"], entries)
        for result, item in zip(results, body["expect"], strict=True)
    ]
    is_ok = all(result.ok for result in results) and order is not False
    return {"ok": is_ok, "results": shown, "in_order": order}


def _expectation(item: dict[str, Any]) -> Expectation:
    pattern = pattern_of(item["match"])
    if "count" in item:
        return Expectation(pattern, int(item["count"]), int(item["count"]))
    if "at_most" in item:
        return Expectation(pattern, 0, int(item["at_most"]))
    return Expectation(pattern, int(item.get("at_least", 1)))


def _result(result: Result, match: dict[str, Any], entries: list[Entry]) -> Json:
    return {
        "match": match,
        "wanted": result.expectation.wanted,
        "matched": len(result.matched),
        "numbers": [entries[place].number for place in result.matched],
        "ok": result.ok,
        "near_misses": [
            {
                "number": entries[miss.place].number,
                "request": f"{entries[miss.place].method} {entries[miss.place].path}",
                "mismatches": list(miss.mismatches),
            }
            for miss in result.near
        ],
    }


ENDPOINTS = (
    Endpoint("GET", "/journal", "listJournal", list_journal, parameters=("since", "limit")),
    Endpoint("DELETE", "/journal", "clearJournal", clear_journal),
    Endpoint("POST", "/journal/verify", "verifyJournal", verify_journal),
)
