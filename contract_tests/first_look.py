"""The first requests to a server: who is there, and what a site for people answers instead."""

from __future__ import annotations

from contract_tests import documents
from contract_tests.observation import Answer
from contract_tests.target import Target, Unreadable


def greeted(target: Target, dialect: str) -> Answer | None:
    """The answer to a request that makes nothing; ``None`` where nobody can read it."""
    try:
        return target.call("POST", path(dialect), body=b"{}")
    except Unreadable:
        return None


def path(dialect: str, operation: str = "createSpeech") -> str:
    """The path of an operation."""
    return documents.document(dialect).operations[operation].path


def is_a_page(answer: Answer) -> bool:
    """Whether an answer is one of a site for people: a redirect, or a page in HTML."""
    if isinstance(answer.json, dict):
        return False
    is_html = answer.content_type in ("text/html", "application/xhtml+xml")
    return 300 <= answer.status < 400 or (answer.status < 300 and is_html)


def is_the_api(target: Target) -> bool:
    """Whether the list of official voices, at least, is no page for people."""
    return not is_a_page(target.call("GET", path("klingai", "listPresetVoices")))


def is_something_else(url: str, answer: Answer) -> str:
    """What is there instead, in one line."""
    leads_to = answer.headers.get("location", "")
    where = f" to {leads_to}" if leads_to else ""
    what = "a redirect" + where if 300 <= answer.status < 400 else answer.content_type
    return (
        f"{url} answers requests of the API with HTTP {answer.status}, {what}: this is no such API; give the address"
        " in front of /v1/ (--dialect checks it all the same)"
    )
