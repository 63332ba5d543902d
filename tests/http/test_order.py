"""The order in which causes of a refusal are looked for, and that a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.http.api import EZ_PATH, NOTHING, PREFIXES, SPEECH, VOICE, Answer, Api, api

TTS = "/v1/audio/tts"
VOICES = "/v1/general/custom-voices"

#: Requests with ever fewer defects: the first of path, method, credential, body, field, voice that is wrong decides.
SPEECHES = [
    ("PUT", "/v1/audio/speech", "", b"{", 1203),
    ("PUT", TTS, "", b"{", 1202),
    ("POST", TTS, "", b"{", 1001),
    ("POST", TTS, "two words", b"{", 1002),
    ("POST", TTS, "any", b"{", 1200),
    ("POST", TTS, "any", [], 1200),
    ("POST", TTS, "any", {"voice_id": "nobody", "text": 5}, 1201),
    ("POST", TTS, "any", {"voice_id": "nobody", "text": "mock:risk-control"}, 1201),
    ("POST", TTS, "any", {"voice_id": "genshin_vindi2", "text": "mock:risk-control"}, 1301),
]


@pytest.mark.parametrize(("method", "path", "key", "body", "code"), SPEECHES)
@pytest.mark.parametrize("dialect", sorted(PREFIXES))
def test_first_cause_decides(
    dialect: str, method: str, path: str, key: str, body: Any, code: int
) -> None:
    """Of several causes the first in the order path, method, credential, body, field, voice is answered."""
    assert api(dialect).using(key).call(method, path, body).value["code"] == code


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"voice_id": "nobody", "text": 5}, "text must be a string"),
        ({"voice_id": 5}, "voice_id must be a string"),
        ({"voice_id": "nobody", "text": ""}, "text must not be empty"),
        ({"voice_id": "nobody", "text": "Hello"}, "Voice id not found"),
    ],
)
def test_fields_come_before_the_voice(body: dict[str, Any], words: str) -> None:
    """A wrong field is answered before an unknown voice."""
    assert api().post(TTS, body).message == words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"voice_name": "a" * 21}, "voice_name exceeds the maximum of 20 characters"),
        ({"voice_url": "x"}, "voice_url must be an http or https URL"),
        ({}, "External_task_id taken already exists"),
    ],
)
def test_fields_come_before_the_external_id(fields: dict[str, Any], words: str) -> None:
    """A wrong field is answered before an external id that is taken."""
    mock = api()
    mock.learn(external_task_id="taken")

    assert mock.learn(**{"external_task_id": "taken", **fields}).message == words


def test_sources_come_before_the_external_id() -> None:
    """Two sources, where they are refused, are answered before an external id that is taken."""
    mock = api(behaviour="both_sources=refuse")
    mock.learn(external_task_id="taken")

    answer = mock.learn(external_task_id="taken", video_id="1")

    assert answer.message == "voice_url and video_id exclude each other"


@pytest.mark.parametrize(
    ("method", "path", "key", "body", "error"),
    [
        ("PUT", EZ_PATH + "s", "", b"{", 404),
        ("PUT", EZ_PATH, "", b"{", 404),
        ("POST", EZ_PATH, "", b"{", 401),
        ("POST", EZ_PATH, "any", b"{", 400),
    ],
)
def test_order_is_the_same_for_ezmodel(
    method: str, path: str, key: str, body: Any, error: int
) -> None:
    """EzModel's answers follow the same order."""
    assert api().using(key).call(method, path, body).error == (error, error)


#: Requests that are all refused, whatever came before.
REFUSED: dict[str, Callable[[Api], Answer]] = {
    "no credential": lambda mock: mock.using("").learn(external_task_id="new"),
    "bad credential": lambda mock: mock.using("a b").learn(external_task_id="new"),
    "unknown path": lambda mock: mock.post("/v1/general/custom-voice", VOICE),
    "wrong method": lambda mock: mock.call("PUT", VOICES, VOICE),
    "no body": lambda mock: mock.post(VOICES, NOTHING),
    "array": lambda mock: mock.post(VOICES, [VOICE]),
    "too large": lambda mock: mock.post(VOICES, b" " * 1_000_001),
    "no source": lambda mock: mock.post(VOICES, {"voice_name": "Ada", "external_task_id": "new"}),
    "bad callback": lambda mock: mock.learn(external_task_id="new", callback_url="x"),
    "taken id": lambda mock: mock.learn(external_task_id="taken"),
    "unknown scenario": lambda mock: mock.learn({"x-mock-scenario": "no"}, external_task_id="new"),
    "unknown voice": lambda mock: mock.speak(voice_id="nobody"),
    "other language": lambda mock: mock.speak(voice_language="zh"),
    "risk": lambda mock: mock.speak(text="mock:risk-control"),
    "risk by header": lambda mock: mock.speak({"x-mock-scenario": "risk-control"}),
    "long text": lambda mock: mock.speak(text="a" * 1001),
    "ezmodel risk": lambda mock: mock.post(
        EZ_PATH, {"text": "mock:risk-control", "voice_id": "voice_001"}
    ),
    "ezmodel speed": lambda mock: mock.post(EZ_PATH, {**SPEECH, "speed": 9}),
    "unknown task": lambda mock: mock.voice("nobody"),
    "bad page": lambda mock: mock.voices("?pageNum=0"),
    "unknown delete": lambda mock: mock.delete("nobody"),
    "preset delete": lambda mock: mock.delete("850142319321288446"),
}


def everything(mock: Api) -> list[Any]:
    """All a client can see of an account: its tasks, whether external ids are free, its clock, the presets."""
    clock = mock.control("GET", "/clock")[1]
    unknown = mock.voice("new").error
    return [mock.voices("?pageSize=1000").data, unknown, clock["now"], mock.presets().data]


@pytest.mark.parametrize("name", REFUSED)
def test_refused_request_changes_nothing_that_can_be_seen(name: str) -> None:
    """After a refusal lists, external ids and the clock are what they were."""
    mock = api()
    mock.ready_voice(external_task_id="taken")
    mock.learn()
    before = everything(mock)

    answer = REFUSED[name](mock)

    assert answer.status >= 400
    assert everything(mock) == before


def made(mock: Api) -> list[Any]:
    """What creates answer, but for the request id, and the voices that come of them."""
    created = [mock.learn().data, mock.speak().data, mock.learn(external_task_id="new").data]
    mock.advance(9)
    return [created, mock.voices().data]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(sorted(REFUSED)), max_size=6))
def test_refused_requests_use_up_no_id(names: list[str]) -> None:
    """Whatever was refused in between, later creates get the ids they would have got."""
    plain, disturbed = api(), api(strict=True)  # two worlds of one seed
    disturbed = Api(disturbed.http, plain.key)
    for mock in (plain, disturbed):
        mock.learn(external_task_id="taken")

    for name in names:
        assert REFUSED[name](disturbed).status >= 400

    assert made(disturbed) == made(plain)
