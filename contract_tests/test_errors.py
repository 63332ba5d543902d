"""Bad requests of every kind: refused in the dialect's own words, without a crash and without an effect."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from contract_tests import checks, tokens
from contract_tests.api import Api
from contract_tests.faults import DELETE, EZMODEL, OFFICIAL, VOICE, Fault
from contract_tests.observation import Answer
from contract_tests.receiver import Receiver

#: Refusals of a credential that is missing, and of one that cannot be read or was not accepted.
EMPTY = frozenset({(401, 1001)})
UNREADABLE = frozenset({(401, 1000), (401, 1001), (401, 1002)})
UNAUTHORIZED = frozenset({(401, 401)})
#: Characters that decoders, databases and file systems choke on.
HOSTILE = ("\ud800", "a\udfff", "\0", "a\0b")
#: Seconds of validity, far beyond any tolerance of a clock.
HOUR_S = 3600.0


def _refused(answer: Answer, api: Api, fault: Fault) -> None:
    if fault.assumed and answer.pair == (200, 0):
        raise checks.found(fault.clause, answer)
    checks.refused(answer, api.dialect, fault.clause, fault.pairs)
    checks.conforms(answer, api.document.operations[fault.operation])


def _params(faults: Iterable[Fault]) -> list[object]:
    return [
        pytest.param(
            fault,
            id=f"{fault.operation}: {fault.name}",
            marks=[pytest.mark.assumed] if fault.assumed else [],
        )
        for fault in faults
    ]


@pytest.mark.parametrize("fault", _params(OFFICIAL))
def test_bad_request_is_refused(voices_api: Api, fault: Fault) -> None:
    """A bad request is refused with the HTTP status and code of the error table, without data and without effect.

    Bad is a body that is no JSON object, and a field that is missing, wrongly typed, too long or unknown.

    Source: errors.1200-or-1201, errors.no-effect, errors.no-data, and the rule in brackets of each case.
    """
    marked = dict(fault.body) if isinstance(fault.body, dict) else None
    word = voices_api.target.unique("refused")
    if marked is not None and fault.operation == VOICE:
        marked["external_task_id"] = word
    body = fault.body if marked is None else marked
    answer = voices_api.send(fault.operation, body, name=fault.path_id, query=fault.query)
    _refused(answer, voices_api, fault)
    if marked is not None and fault.operation == VOICE:
        looked_up = voices_api.call("getCustomVoice", name=word)
        checks.require(
            looked_up.status == 400, "errors.no-effect", f"{looked_up}\n  after {answer}"
        )


@pytest.mark.parametrize("fault", _params(EZMODEL))
@pytest.mark.dialects("ezmodel")
def test_bad_gateway_request_is_refused(api: Api, fault: Fault) -> None:
    """EzModel refuses a request with a missing field, a wrong type or a value out of range with HTTP 400 and code 400.

    Source: ez.errors.400, ez.errors.no-data, and the rule in brackets of each case.
    """
    answer = api.send(fault.operation, fault.body)
    _refused(answer, api, fault)


@pytest.mark.parametrize(("length", "accepted"), [(1000, True), (1001, False)])
def test_a_text_has_at_most_1000_characters(voices_api: Api, length: int, accepted: bool) -> None:
    """A text of 1,000 characters is spoken, one of 1,001 refused with HTTP 400.

    Source: speech.text.max-length, speech.text.error-code.
    """
    request = {"text": "a" * length, "voice_id": "oversea_male1", "voice_language": "en"}
    answer = voices_api.call("createSpeech", request)
    expected = (200,) if accepted else (400,)
    checks.require(answer.status in expected, "speech.text.max-length", answer)


@pytest.mark.parametrize("character", ["您", "\N{STUDIO MICROPHONE}"], ids=["BMP", "astral"])
def test_a_text_is_counted_in_characters(voices_api: Api, character: str) -> None:
    """A character is a code point, however many bytes or UTF-16 units it takes: 1,000 are spoken, 1,001 refused.

    Source: speech.text.code-points, speech.text.max-length.
    """
    for length, expected in ((1000, 200), (1001, 400)):
        answer = voices_api.call(
            "createSpeech", {"text": character * length, "voice_id": "genshin_vindi2"}
        )
        clause = "speech.text.code-points" if length == 1000 else "speech.text.max-length"
        checks.require(answer.status == expected, clause, answer)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_odd_characters_crash_nothing(api: Api, receiver: Receiver, text: str) -> None:
    """A lone surrogate or a NUL, in whatever field, is accepted or refused; the server never fails with a 5xx.

    Source: server.no-5xx.
    """
    official = api.dialect != "ezmodel"
    voice = "genshin_vindi2" if official else "voice_001"
    sent = [("createSpeech", {"text": text, "voice_id": voice})]
    sent.append(("createSpeech", {"text": "Hello", "voice_id": text}))
    if official:
        named = {"voice_name": "Narrator", "voice_url": receiver.sample_url}
        word = api.target.unique(text)
        sent.append((VOICE, {**named, "voice_name": text}))
        sent.append((VOICE, {**named, "external_task_id": word}))
        sent.append((DELETE, {"voice_id": text}))
    for operation, body in sent:
        answer = api.call(operation, body)
        checks.require(answer.status in (200, 400), "server.no-5xx", answer)
    if official:
        api.call("listCustomVoices")  # shows what was accepted


@pytest.mark.parametrize(("length", "accepted"), [(1, True), (20, True), (21, False)])
def test_a_name_has_at_most_20_characters(
    voices_api: Api, receiver: Receiver, length: int, accepted: bool
) -> None:
    """A voice_name of 20 characters is accepted, one of 21 refused with HTTP 400.

    Source: voice-create.name.max-length.
    """
    request = {"voice_name": "n" * length, "voice_url": receiver.sample_url}
    answer = voices_api.call(VOICE, request)
    checks.require((answer.status == 200) is accepted, "voice-create.name.max-length", answer)


@pytest.mark.assumed
def test_a_page_past_the_end_is_empty(voices_api: Api) -> None:
    """A page past the end is an empty list and not an error.

    Source: paging.past-the-end, paging.number.
    """
    query = {"pageNum": 1000, "pageSize": 30}
    answer = voices_api.call("listPresetVoices", query=query)
    if answer.status == 400:
        raise checks.found("paging.past-the-end", answer)
    checks.require(answer.data == [], "paging.past-the-end", answer)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_wrong_method_is_refused(api: Api, method: str) -> None:
    """A known path with a method that it does not have is HTTP 404, code 1202 (EzModel: 404).

    Source: errors.1202, ez.errors.404.
    """
    official = api.dialect != "ezmodel"
    for operation in api.document.operations.values():
        path = operation.path.replace("{id}", "no-such-task")
        answer = api.target.call(method, path, body=b"{}")
        clause, pair = ("errors.1202", (404, 1202)) if official else ("ez.errors.404", (404, 404))
        checks.refused(answer, api.dialect, clause, {pair})


@pytest.mark.parametrize("path", ["/general/no-such-thing", "/audio"])
def test_unknown_path_is_refused(voices_api: Api, path: str) -> None:
    """A path that does not exist is HTTP 404, code 1203.

    Source: errors.1203.
    """
    base = voices_api.document.raw["info"]["x-base-paths"][0]
    answer = voices_api.target.call("GET", base + path)
    checks.refused(answer, voices_api.dialect, "errors.1203", {(404, 1203)})


def test_a_credential_is_required(api: Api) -> None:
    """Every operation without the header Authorization is HTTP 401, code 1001 (EzModel: 401).

    Source: auth.required, ez.errors.401.
    """
    official = api.dialect != "ezmodel"
    for operation in api.document.operations.values():
        body = b"{}" if operation.method == "POST" else None
        answer = api.send(operation.id, body, name="no-such-task", authorization="")
        clause, pairs = ("auth.required", EMPTY) if official else ("ez.errors.401", UNAUTHORIZED)
        checks.refused(answer, api.dialect, clause, pairs)


@pytest.mark.parametrize("header", ["Bearer", "Basic dXNlcjpwYXNz", "no-scheme"])
def test_a_malformed_credential_is_refused(api: Api, header: str) -> None:
    """An Authorization header that is not the word Bearer, a blank and a credential is HTTP 401.

    Source: auth.required, auth.malformed, ez.errors.401.
    """
    official = api.dialect != "ezmodel"
    answer = api.send("createSpeech", b"{}", authorization=header)
    clause, pairs = ("auth.malformed", UNREADABLE) if official else ("ez.errors.401", UNAUTHORIZED)
    checks.refused(answer, api.dialect, clause, pairs)


@pytest.mark.parametrize(
    ("clause", "pair", "valid_from_s", "valid_to_s"),
    [
        ("auth.expired", (401, 1004), -2 * HOUR_S, -HOUR_S),
        ("auth.not-yet-valid", (401, 1003), HOUR_S, 2 * HOUR_S),
    ],
)
@pytest.mark.dialects("klingai")
def test_a_token_is_valid_in_its_time(
    voices_api: Api, clause: str, pair: tuple[int, int], valid_from_s: float, valid_to_s: float
) -> None:
    """A token whose exp has passed is HTTP 401, code 1004; one whose nbf lies ahead is HTTP 401, code 1003.

    Source: auth.expired, auth.not-yet-valid.
    """
    signer = (voices_api.target.run, "any secret of at least thirty-two bytes")
    good = tokens.token(*signer, valid_from_s=-5, valid_to_s=HOUR_S)
    if voices_api.send("listPresetVoices", authorization=f"Bearer {good}").status != 200:
        pytest.skip("not looked at: the target verifies signatures, and the kit has no secret key")
    checks.kept("auth.jwt")
    bad = tokens.token(*signer, valid_from_s=valid_from_s, valid_to_s=valid_to_s)
    answer = voices_api.send("listPresetVoices", authorization=f"Bearer {bad}")
    checks.refused(answer, voices_api.dialect, clause, {pair})
