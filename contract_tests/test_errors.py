"""Bad requests of every kind: refused in the dialect's own words, without a crash and without an effect."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from contract_tests import checks, samples
from contract_tests.api import Api
from contract_tests.faults import DELETE, EZMODEL, OFFICIAL, SPEECH, VOICE, Fault
from contract_tests.observation import Answer
from contract_tests.receiver import Receiver
from contract_tests.saying import Said

#: Characters that decoders, databases and file systems choke on.
HOSTILE = ("\ud800", "a\udfff", "\0", "a\0b")


def _refused(answer: Answer, api: Api, fault: Fault) -> None:
    if fault.assumed and answer.pair == (200, 0):
        told = checks.not_due(answer, checks.any_of(fault.pairs), f"for {fault.name}")
        raise checks.found(fault.clause, told)
    api.refused(answer, fault.operation, fault.clause, fault.pairs, f"for {fault.name}")


def _marks(fault: Fault) -> list[pytest.MarkDecorator]:
    """What only an assumed rule forbids may be accepted, and then it may be charged."""
    if not fault.assumed:
        return []
    is_free = fault.operation not in (SPEECH, VOICE)
    return [pytest.mark.assumed] if is_free else [pytest.mark.assumed, pytest.mark.billable]


def _params(faults: Iterable[Fault]) -> list[object]:
    return [
        pytest.param(
            fault,
            id=f"{fault.operation}: {fault.name}",
            marks=_marks(fault),
        )
        for fault in faults
    ]


@pytest.mark.parametrize("fault", _params(OFFICIAL))
def test_bad_request_is_refused(voices_api: Api, fault: Fault) -> None:
    """A bad request is refused with the HTTP status and code of the error table, and without data.

    Bad is a body that is no JSON object, and a field that is missing, wrongly typed, too long or unknown.

    Source: errors.1200-or-1201, errors.no-data, and the rule in brackets of each case.
    """
    answer = voices_api.send(fault.operation, fault.body, name=fault.path_id, query=fault.query)
    _refused(answer, voices_api, fault)


@pytest.mark.parametrize("fault", _params(EZMODEL))
@pytest.mark.dialects("ezmodel")
def test_bad_gateway_request_is_refused(api: Api, fault: Fault) -> None:
    """EzModel refuses a request with a missing field, a wrong type or a value out of range with HTTP 400 and code 400.

    Source: ez.errors.400, ez.errors.no-data, and the rule in brackets of each case.
    """
    answer = api.send(fault.operation, fault.body)
    _refused(answer, api, fault)


@pytest.mark.billable
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_odd_characters_crash_nothing(api: Api, receiver: Receiver, text: str) -> None:
    """A lone surrogate or a NUL, in whatever field, is accepted or refused; the server never fails with a 5xx.

    Source: server.no-5xx.
    """
    official = api.dialect != "ezmodel"
    sent = [("createSpeech", samples.speech(api.dialect, text=text))]
    sent.append(("createSpeech", samples.speech(api.dialect, voice_id=text)))
    if official:
        sent.append(("createSpeech", samples.speech(api.dialect, voice_language=text)))
        named = samples.voice(receiver)
        word = api.target.unique(text)
        sent.append((VOICE, {**named, "voice_name": text}))
        sent.append((VOICE, {**named, "external_task_id": word}))
        sent.append((DELETE, {"voice_id": text}))
    for operation, body in sent:
        answer = api.call(operation, body)
        told = checks.not_due(answer, "HTTP 200 or 400")
        checks.require(answer.status in (200, 400), "server.no-5xx", told)
    if official:
        api.call("listCustomVoices")  # shows what was accepted


@pytest.mark.assumed
def test_a_page_past_the_end_is_empty(voices_api: Api) -> None:
    """A page past the end is an empty list and not an error.

    Source: paging.past-the-end, paging.number.
    """
    query = {"pageNum": 1000, "pageSize": 30}
    answer = voices_api.call("listPresetVoices", query=query)
    if answer.status == 400:
        raise checks.found("paging.past-the-end", checks.not_due(answer, "an empty list"))
    checks.accepted(answer, "paging.past-the-end")
    words = "page 1,000 of 30 holds {}, where an empty list is due"
    saw = Said(words, answer.data, by=(answer,))
    checks.require(answer.data == [], "paging.past-the-end", saw)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "PATCH"])
def test_wrong_method_is_refused(api: Api, method: str) -> None:
    """A known path with a method that it does not have is HTTP 404, code 1202 (EzModel: 404).

    Source: errors.1202, ez.errors.404.
    """
    official = api.dialect != "ezmodel"
    clause, pair = ("errors.1202", (404, 1202)) if official else ("ez.errors.404", (404, 404))
    known = {(operation.method, operation.path) for operation in api.document.operations.values()}
    for path in sorted({path for _, path in known if (method, path) not in known}):
        if method == "GET" and path.endswith("/tts"):
            continue  # speech.no-query, looked at in test_speech
        body = None if method == "GET" else b"{}"
        answer = api.ask(method, path.replace("{id}", samples.NO_TASK), body=body)
        checks.refused(answer, api.dialect, clause, {pair})
        api.is_new(answer)


@pytest.mark.parametrize("path", ["/general/no-such-thing", "/audio"])
def test_unknown_path_is_refused(voices_api: Api, path: str) -> None:
    """A path that does not exist is HTTP 404, code 1203.

    Source: errors.1203.
    """
    base = voices_api.document.raw["info"]["x-base-paths"][0]
    answer = voices_api.ask("GET", base + path)
    checks.refused(answer, voices_api.dialect, "errors.1203", {(404, 1203)})
    voices_api.is_new(answer)
