"""Odd requests: whatever stands in body, header, query or path, the server answers, and fails with no 5xx."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from contract_tests import checks, samples
from contract_tests.api import Api
from contract_tests.observation import Answer, Request
from contract_tests.receiver import Receiver
from contract_tests.saying import Said, unanswered

#: A number too large for any machine word, as JSON text.
_HUGE = "9" * 400
#: Values for any field, as JSON text: Python's encoder would not write them all.
VALUES = {
    "NaN": "NaN",
    "infinity": "-Infinity",
    "beyond doubles": "1e400",
    "a huge integer": _HUGE,
    "true": "true",
    "null": "null",
    "an array": "[[], {}, null]",
    "an object": '{"$gt": ""}',
    "half a pair": '"\\ud83c"',
    "controls": '"\\u0000\\u0008\\u001b\\u007f\\u0085\\u2028\\ufeff\\uffff"',
    "a long text": f'"{"long " * 20_000}"',
    "a format": '"%s%n{0}${jndi:x}\\u0027;--"',
}
#: Bodies as bytes, given a good one.
BODIES = {
    "a byte order mark": b"\xef\xbb\xbf%s",
    "UTF-16": b"\xff\xfe{\x00}\x00",
    "text after it": b"%s garbage",
    "twice": b"%s%s",
    "a number": b"1e999",
    "nothing but blanks": b" \r\n\t ",
    "a lone quote": b'"',
    "overlong UTF-8": b'{"text": "\xc0\xaf", "voice_id": "\xed\xa0\x80"}',
    "deep objects": b'{"text":' * 20_000,
    "a duplicate key": b'{"text": 1, "voice_name": 1, "voice_id": 1, %s',
    "form data": b"text=Hello&voice_id=1",
}
#: The field for which a body of ``_creators`` is refused.
_REFUSED_FOR = {"createSpeech": "voice_id", "createCustomVoice": "voice_name"}
#: Names of fields that no reference has.
ODD_FIELDS: dict[str, Any] = {
    "": 1,
    "__proto__": {"polluted": True},
    "constructor": [None],
    "\N{STUDIO MICROPHONE}": "\0",
    "text ": 0,
    "a.b[c]": {"d": [1e308]},
}
QUERIES = (
    *("pageNum=", "pageSize=&pageNum=", "pageNum=%2B1", "pageNum=%201", "pageNum=1e2", "pageNum"),
    *("pageNum=1&pageNum=2", "pageNum[]=1", "pageNum=%D9%A3", "pageNum=%00", "pageSize=%FF%FE"),
    *("pageSize=NaN", "pageSize=1_0", "pageSize=0x10", f"pageSize={_HUGE}", "&&=&=1", "%"),
    *("pageNum=-0", "pageSize=true", "pagenum=0", "page=1;pageNum=2"),
)
#: Ids for the path; where a server ends them itself, that need not be in an envelope.
PATH_IDS = (
    "\0",
    "\N{STUDIO MICROPHONE}",
    "a/b",
    "%",
    "?x=1#y",
    " ",
    "x" * 3000,
    "1e3",
    "-1",
    "null",
)


def _answered(answer: Answer, api: Api, operation: str) -> None:
    """An answer is success or a cause, in every way an answer should be."""
    checks.envelope(answer, api.dialect)
    checks.conforms(answer, api.document.operations[operation])


def _fields(api: Api, operation: str) -> list[str]:
    schema: Mapping[str, Any] = next(
        item["requestBody"]["content"]["application/json"]["schema"]
        for path in api.document.raw["paths"].values()
        for item in path.values()
        if item.get("operationId") == operation
    )
    return list(schema["properties"])


def _creators(api: Api, receiver: Receiver) -> dict[str, dict[str, Any]]:
    """The operations with a body, each with one that is refused for its voice or name only, and so costs nothing."""
    found: dict[str, dict[str, Any]] = {
        "createSpeech": samples.speech(api.dialect, voice_id=samples.NO_VOICE),
        "createCustomVoice": samples.voice(receiver, voice_name="n" * 21),
        "deleteVoice": {"voice_id": samples.NO_VOICE},
    }
    return {name: body for name, body in found.items() if name in api.document.operations}


@pytest.mark.parametrize("kind", VALUES)
def test_odd_values_crash_nothing(api: Api, receiver: Receiver, kind: str) -> None:
    """A value that no client means, in whatever field, is refused or ignored; the server never fails with a 5xx.

    Source: server.no-5xx.
    """
    for operation, body in _creators(api, receiver).items():
        is_text = VALUES[kind].startswith('"')
        parts = dict.fromkeys(_fields(api, operation), VALUES[kind])
        if is_text and operation in _REFUSED_FOR:  # any text would do for it
            parts[_REFUSED_FOR[operation]] = json.dumps(body[_REFUSED_FOR[operation]])
        placed = ", ".join(f"{json.dumps(name)}: {value}" for name, value in parts.items())
        answer = api.send(operation, f"{{{placed}}}".encode())
        _answered(answer, api, operation)
        told = checks.not_due(answer, "a refusal", f"since each field holds {kind}")
        checks.require(answer.status != 200, "schema.request.refused", told)


@pytest.mark.parametrize("kind", BODIES)
def test_odd_bodies_crash_nothing(api: Api, receiver: Receiver, kind: str) -> None:
    """A body that is damaged, in another encoding or absurdly deep is refused; the server never fails with a 5xx.

    Source: server.no-5xx.
    """
    for operation, body in _creators(api, receiver).items():
        good = json.dumps(body).encode()
        odd = BODIES[kind].replace(b"%s", good[1:] if kind == "a duplicate key" else good)
        _answered(api.send(operation, odd), api, operation)


@pytest.mark.parametrize("operation", ["listCustomVoices", "listPresetVoices"])
def test_odd_queries_crash_nothing(voices_api: Api, operation: str) -> None:
    """A page that is empty, repeated or in an odd spelling is shown or refused; the server never fails with a 5xx.

    Source: server.no-5xx.
    """
    path = voices_api.document.operations[operation].path
    for query in QUERIES:
        answer = voices_api.ask("GET", f"{path}?{query}")
        _answered(answer, voices_api, operation)


def test_odd_ids_crash_nothing(voices_api: Api) -> None:
    """An id in the path that no task has is refused, whatever it is made of; the server never fails with a 5xx.

    Source: server.no-5xx.
    """
    for name in PATH_IDS:
        answer = voices_api.send("getCustomVoice", name=name)
        checks.require(
            answer.status < 500, "server.no-5xx", checks.not_due(answer, "anything but a 5xx")
        )
        info = answer.data.get("task_info") if isinstance(answer.data, dict) else None
        if isinstance(info, dict) and info.get("external_task_id") == name:
            continue  # a generated request had it
        told = checks.not_due(answer, "HTTP 400, code 1201 for an id that no task has")
        checks.require(answer.status != 200, "voice-get.unknown", told)


@pytest.mark.billable
def test_unknown_fields_are_ignored(api: Api) -> None:
    """Fields that the reference does not name change nothing, whatever their names.

    Source: request.unknown-fields, ez.unknown-fields.
    """
    official = api.dialect != "ezmodel"
    clause = "request.unknown-fields" if official else "ez.unknown-fields"
    others = {"volume": 9, "speed": "x"} if official else {"voice_language": 1, "voice_speed": "x"}
    body = {**samples.speech(api.dialect), **ODD_FIELDS, **others}
    answer = api.call("createSpeech", body)
    if answer.status == 400:
        raise checks.found(clause, checks.not_due(answer, "HTTP 200 whatever else a body holds"))
    checks.accepted(answer, clause)


@pytest.mark.billable
@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/json; charset=utf-8"],
    ids=["none", "text", "charset"],
)
def test_the_content_type_of_a_request_is_not_looked_at(voices_api: Api, content_type: str) -> None:
    """A JSON body without a Content-Type, or with another one, is read as JSON.

    Source: transport.content-type.
    """
    operation = voices_api.document.operations["createSpeech"]
    body = samples.speech(voices_api.dialect)
    answer = voices_api.ask("POST", operation.path, body=body, content_type=content_type)
    checks.require(
        answer.status < 500, "server.no-5xx", checks.not_due(answer, "anything but a 5xx")
    )
    if answer.pair != (200, 0):
        told = checks.not_due(answer, "HTTP 200 whatever the Content-Type of the request")
        raise checks.found("transport.content-type", told)
    checks.kept("transport.content-type")


def test_a_question_without_an_answer_is_answered(voices_api: Api) -> None:
    """HEAD, which asks for the headers alone, crashes nothing; a server may not know it (501), or refuse it.

    Source: server.no-5xx.
    """
    path = voices_api.document.operations["listPresetVoices"].path
    answer = voices_api.ask("HEAD", path)
    told = checks.not_due(answer, "anything but a 5xx")
    checks.require(answer.status < 500 or answer.status == 501, "server.no-5xx", told)


def test_an_answer_is_packed_for_those_who_unpack(voices_api: Api) -> None:
    """Who asks for an answer as it is gets it so: many a client cannot unpack one. HTTP only advises that.

    Source: envelope.json.
    """
    target = voices_api.target
    path = voices_api.document.operations["listPresetVoices"].path
    headers = {"authorization": f"Bearer {target.api_key}", "accept-encoding": "identity"}
    sent = Request("GET", target.base_url + path, headers)
    try:
        answer = target.sender.send(sent)
    except httpx2.TransportError as reason:
        raise checks.Broken("server.answers", unanswered(sent, reason)) from None
    packed = answer.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("", "identity"):
        words = "Content-Encoding is {}, where identity is due, which Accept-Encoding asks for"
        raise checks.found("envelope.json", Said(words, packed, by=(answer,)))
    checks.envelope(answer, voices_api.dialect)


@pytest.mark.billable
def test_a_huge_body_is_refused(voices_api: Api) -> None:
    """A body of more than 1,000,000 bytes is refused with HTTP 400, code 1200 or 1201.

    Source: errors.body-limit.
    """
    body = samples.speech(voices_api.dialect, padding="x" * 1_000_000)
    try:
        answer = voices_api.send("createSpeech", body)
    except checks.Broken as reason:  # it hung up instead of reading on
        words = "a body of 1,000,000 bytes gets no answer, where HTTP 400 is due"
        raise checks.found("errors.body-limit", Said(words, by=reason.shown_by)) from None
    checks.require(
        answer.status < 500, "server.no-5xx", checks.not_due(answer, "anything but a 5xx")
    )
    if answer.status != 400:
        due = "HTTP 400 for a body of more than 1,000,000 bytes"
        raise checks.found("errors.body-limit", checks.not_due(answer, due))
    checks.envelope(answer, voices_api.dialect)
    checks.kept("errors.body-limit")
