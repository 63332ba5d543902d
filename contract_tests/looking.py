"""The first look at a server: whether somebody is there, which dialects it serves, and whether the keys are let in."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import httpx2

from contract_tests import checks, documents
from contract_tests.observation import Answer
from contract_tests.options import Options
from contract_tests.run import explain, is_mock, open_sender, refusal_to_pay
from contract_tests.sending import Sender
from contract_tests.target import Target, Unreadable


class CouldNotLook(Exception):
    """Raised when there is nothing to judge; the message is one line."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the server has shown before anything is tested.

    Attributes:
        is_mock: whether its control API answers as kling-mock's.
        unserved: dialects that are not there.
    """

    is_mock: bool
    dialects: tuple[str, ...]
    unserved: tuple[str, ...]


def opened(wanted: Options) -> tuple[Sender, bool]:
    """What sends the requests, and whether the server is a kling-mock.

    Raises:
        CouldNotLook: nobody is there, or nobody agreed to pay.
    """
    try:
        is_a_mock = is_mock(wanted)
    except httpx2.TransportError as reason:
        raise CouldNotLook(explain(reason, wanted.base_url)) from None
    sender = open_sender(wanted, is_mock=is_a_mock)
    meter = sender.meter
    if meter is not None and meter.is_paid:
        refusal = refusal_to_pay(wanted, meter)
        if refusal:
            raise CouldNotLook(
                f"{refusal}; add --i-will-pay if that is meant, or --free if it charges nothing"
            )
        sys.stderr.write(f"kling-mock: this may cost: {meter.plan()}\n")
        sys.stderr.flush()
    return sender, is_a_mock


def look(wanted: Options, sender: Sender, *, is_a_mock: bool) -> Found:
    """Looks which dialects are there, and whether the key is let in.

    Raises:
        CouldNotLook: there is none, or it is not.
    """
    target = Target(wanted.base_url, api_key=wanted.api_key, sender=sender)
    asked = wanted.dialects or documents.DIALECTS
    try:
        served = _served(wanted, target, asked)
    except checks.Broken as reason:
        words = reason.saw.splitlines()[0].partition("due: ")[2] or reason.saw
        raise CouldNotLook(f"nobody answers at {wanted.base_url} ({words})") from None
    if not served:
        names = ", ".join(asked)
        raise CouldNotLook(f"{wanted.base_url} serves none of {names}: their paths answer HTTP 404")
    _look_at_the_second_key(wanted, target, served[0])
    while sender.pace.wants_more and _greeted(target, served[0]):
        pass
    sender.pace.settle()
    unserved = tuple(dialect for dialect in asked if dialect not in served)
    return Found(is_a_mock, served, unserved)


def _served(wanted: Options, target: Target, asked: Sequence[str]) -> tuple[str, ...]:
    """Those of the dialects that are there.

    Raises:
        CouldNotLook: the key is refused, or a site for people answers.
    """
    served: list[str] = []
    strange: list[Answer] = []
    for dialect in asked:
        answer = _greeted(target, dialect)
        if answer is None:  # somebody is there, whose answers break a clause
            served.append(dialect)
        elif answer.status in (401, 403):
            pair = ", or --access-key and --secret-key" if wanted.access_key else ""
            raise CouldNotLook(_refused(wanted, answer, "the key", f"--api-key{pair}"))
        elif not wanted.dialects and _is_a_page(answer):
            strange.append(answer)
        elif not _is_missing(target, dialect, answer):
            served.append(dialect)
    if served or not strange:
        return tuple(served)
    if _is_a_page(target.call("GET", _path("klingai", "listPresetVoices"))):
        raise CouldNotLook(_is_something_else(wanted.base_url, strange[0]))
    return documents.DIALECTS  # it is the API, and breaks clauses


def _greeted(target: Target, dialect: str) -> Answer | None:
    """The answer to a request that makes nothing; ``None`` where nobody can read it."""
    try:
        return target.call("POST", _path(dialect), body=b"{}")
    except Unreadable:
        return None


def _is_missing(target: Target, dialect: str, answer: Answer) -> bool:
    """Whether a dialect is not there: its paths lead to HTTP 404, and not only that of one operation."""
    if answer.status != 404 or dialect not in documents.OFFICIAL:
        return answer.status == 404
    return target.call("GET", _path(dialect, "listPresetVoices")).status == 404


def _path(dialect: str, operation: str = "createSpeech") -> str:
    return documents.document(dialect).operations[operation].path


def _refused(wanted: Options, answer: Answer, key: str, option: str) -> str:
    return (
        f"{wanted.base_url} refuses {key} (HTTP {answer.status}, code {answer.code});"
        f" give a valid one with {option}"
    )


def _look_at_the_second_key(wanted: Options, target: Target, dialect: str) -> None:
    """Looks whether the key of the other account is let in.

    Raises:
        CouldNotLook: it is not.
    """
    if not wanted.api_key2:
        return
    other = target.with_key(wanted.api_key2)
    answer = _greeted(other, dialect)
    if answer is not None and answer.status in (401, 403):
        raise CouldNotLook(_refused(wanted, answer, "the second key", "--api-key2"))


def _is_a_page(answer: Answer) -> bool:
    """Whether an answer is one of a site for people: a redirect, or a page in HTML."""
    if isinstance(answer.json, dict):
        return False
    is_html = answer.content_type in ("text/html", "application/xhtml+xml")
    return 300 <= answer.status < 400 or (answer.status < 300 and is_html)


def _is_something_else(url: str, answer: Answer) -> str:
    where = f" to {answer.headers['location']}" if answer.headers.get("location") else ""
    what = "a redirect" + where if 300 <= answer.status < 400 else answer.content_type
    return (
        f"{url} answers requests of the API with HTTP {answer.status}, {what}: this is no such API; give the address"
        " in front of /v1/ (--dialect checks it all the same)"
    )
