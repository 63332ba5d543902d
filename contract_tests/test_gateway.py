"""What is a gateway's own: EzModel's bounds, words and callback, and that kkiai passes the official API through."""

from __future__ import annotations

from typing import Any

import pytest

from contract_tests import checks, notices, samples
from contract_tests.api import Api
from contract_tests.faults import EZ, ILLEGAL
from contract_tests.receiver import NothingArrived, Receiver
from contract_tests.saying import Apart, Said

LONGEST_TEXT, LONGEST_URL, LONGEST_ID = 10_000, 4096, 256
#: The length that the gateway's published source refuses, against its page.
LONG_FOR_THE_SOURCE = 1001
#: Virtual seconds within which a callback is due.
DUE_S = 60.0

pytestmark = pytest.mark.dialects("ezmodel")


@pytest.mark.billable
@pytest.mark.parametrize("character", ["a", "您"], ids=["ASCII", "BMP"])
def test_a_gateway_text_has_at_most_10000_characters(api: Api, character: str) -> None:
    """A text of 10,000 characters is spoken, one of 10,001 refused with HTTP 400, code 400.

    Source: ez.text.max-length, ez.errors.400.
    """
    too_long = samples.speech(api.dialect, text=character * (LONGEST_TEXT + 1))
    api.refused(api.send("createSpeech", too_long), "createSpeech", "ez.text.max-length", EZ)
    longest = api.call("createSpeech", samples.speech(api.dialect, text=character * LONGEST_TEXT))
    if longest.pair != (200, 0):
        shorter = samples.speech(api.dialect, text="a" * LONG_FOR_THE_SOURCE)
        if api.call("createSpeech", shorter).pair != (200, 0):  # as its published source has it
            told = checks.not_due(longest, f"HTTP 200, code 0 for {LONGEST_TEXT:,} characters")
            raise checks.found("ez.text.max-length", told)
    checks.accepted(longest, "ez.text.max-length")


@pytest.mark.billable
@pytest.mark.parametrize(
    ("field", "value", "clause"),
    [
        ("speed", 0.5, "ez.speed.range"),
        ("speed", 2, "ez.speed.range"),
        ("speed", 2.0, "ez.speed.range"),
        ("volume", 0, "ez.volume.range"),
        ("volume", 2.0, "ez.volume.range"),
    ],
)
def test_the_ends_of_a_range_are_in_it(api: Api, field: str, value: float, clause: str) -> None:
    """A speed of 0.5 or 2.0 and a volume of 0 or 2.0 are accepted, written as an integer or not.

    Source: ez.speed.range, ez.volume.range.
    """
    api.data("createSpeech", samples.speech(api.dialect, **{field: value}), clause=clause)


@pytest.mark.billable
def test_a_very_long_gateway_voice_is_refused(api: Api) -> None:
    """A voice_id of 257 characters is refused.

    Source: ez.voice.id-length.
    """
    answer = api.call("createSpeech", samples.speech(api.dialect, voice_id="1" * (LONGEST_ID + 1)))
    if answer.pair not in EZ:
        due = f"HTTP 400 for a voice_id of {LONGEST_ID + 1} characters"
        raise checks.found("ez.voice.id-length", checks.not_due(answer, due))
    checks.kept("ez.voice.id-length")


@pytest.mark.billable
def test_an_empty_gateway_callback_is_none(api: Api) -> None:
    """An empty callback_url counts as absent.

    Source: ez.callback-url.empty.
    """
    answer = api.call("createSpeech", samples.speech(api.dialect, callback_url=""))
    if answer.pair != (200, 0):
        due = "HTTP 200 for an empty callback_url"
        raise checks.found("ez.callback-url.empty", checks.not_due(answer, due))
    checks.kept("ez.callback-url.empty")


@pytest.mark.billable
@pytest.mark.parametrize("kind", ["no address", "another scheme", "a blank", "4097"])
def test_a_gateway_callback_is_an_address(api: Api, receiver: Receiver, kind: str) -> None:
    """A callback_url that is no http or https address, holds a blank or is too long is refused with HTTP 400.

    Source: ez.callback-url.format.
    """
    address = {
        "no address": "not-an-address",
        "another scheme": "ftp://127.0.0.1/x",
        "a blank": f"{receiver.base_url}/a b",
        "4097": f"{receiver.base_url}/".ljust(LONGEST_URL + 1, "x"),
    }[kind]
    answer = api.call("createSpeech", samples.speech(api.dialect, callback_url=address))
    if answer.pair not in EZ:
        due = "HTTP 400 for a callback_url that is no address or too long"
        raise checks.found("ez.callback-url.format", checks.not_due(answer, due))
    checks.kept("ez.callback-url.format")


@pytest.mark.billable
def test_a_gateway_success_says_so(api: Api) -> None:
    """The message of a success is success.

    Source: ez.message-success.
    """
    answer = api.call("createSpeech", samples.speech(api.dialect))
    if answer.pair == (200, 0) and answer.json["message"] != "success":
        words = 'message is {}, where "success" is due'
        told = Said(words, answer.json["message"], by=(answer,))
        raise checks.found("ez.message-success", told)
    checks.accepted(answer, "ez.endpoint")
    checks.kept("ez.message-success")


@pytest.mark.billable
def test_a_gateway_tells_the_result(api: Api, receiver: Receiver) -> None:
    """With a callback_url the result is sent there too: the data of the answer, as JSON.

    Source: ez.callback.sent, ez.callback.body.
    """
    if not api.target.is_loopback:
        pytest.skip("not looked at: the target cannot reach a receiver on this machine")
    path = f"/gateway/{api.target.unique('callback')}"
    body = samples.speech(api.dialect, callback_url=receiver.base_url + path)
    data: dict[str, Any] = api.data("createSpeech", body, clause="ez.endpoint")
    if api.target.control:
        api.target.advance(DUE_S)
    patience_s = notices.patience_s(api.target)
    try:
        arrived = receiver.inbox.wait_for(path, "the result", patience_s, bool)[0]
    except NothingArrived as nothing:
        words = f"nothing arrived at the callback_url within {patience_s:g} s, where {{}} is due"
        raise checks.Broken("ez.callback.sent", Said(words, data, by=(data,))) from nothing
    checks.kept("ez.callback.sent")
    seen = arrived.json if isinstance(arrived.json, dict) else {}
    told: dict[str, Any] = {"method": arrived.method, "content type": arrived.content_type}
    due: dict[str, Any] = {"method": "POST", "content type": checks.JSON_TYPE}
    for name in ("audio_id", "duration"):
        told[name], due[name] = seen.get(name), data[name]
    if told != due:
        where = ("due", "told")
        saw = Apart(due, told, "where the answer's data are due", where=where, by=(data, arrived))
        raise checks.found("ez.callback.body", saw)
    checks.kept("ez.callback.body")


@pytest.mark.dialects("kkiai")
def test_a_gateway_passes_refusals_through(voices_api: Api) -> None:
    """Behind the gateway's prefix the codes are the official ones: of voices, tasks, paths and credentials.

    Source: gateway.pass-through.
    """
    unknown = samples.speech("klingai", voice_id="no-such-voice")
    seen = [
        (voices_api.send("createSpeech", unknown), ILLEGAL),
        (voices_api.send("getCustomVoice", name=samples.NO_TASK), ILLEGAL),
        (voices_api.send("listPresetVoices", authorization=""), {(401, 1001)}),
        (voices_api.ask("GET", "/kling/v1/general/no-such-thing"), {(404, 1203)}),
    ]
    for answer, pairs in seen:
        if answer.pair not in pairs:
            told = checks.not_due(answer, checks.any_of(pairs))
            raise checks.found("gateway.pass-through", told)
    checks.kept("gateway.pass-through")
