"""Text-to-speech of the official API and of the gateway that copies it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.http.api import PREFIXES, SPEECH, START, Api, api

DIALECTS = sorted(PREFIXES)
PATH = "/v1/audio/tts"


def duration(mock: Api, **fields: Any) -> str:
    """The duration of a speech."""
    text: str = mock.speak(**fields).data["task_result"]["audios"][0]["duration"]
    return text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_speech_is_answered_with_its_audio(dialect: str) -> None:
    """Creating a speech answers with a succeeded task and one audio, and with no other field."""
    mock = api(dialect)
    answer = mock.speak()

    assert set(answer.value) == {"code", "message", "request_id", "data"}
    assert (answer.value["code"], answer.message) == (0, "SUCCEED")
    audio = answer.data["task_result"]["audios"][0]
    assert answer.data == {
        "task_id": answer.data["task_id"],
        "task_status": "succeed",
        "task_status_msg": "",
        "created_at": START,
        "updated_at": START,
        "final_unit_deduction": "0.05",
        "task_result": {"audios": [{"id": audio["id"], "url": audio["url"], "duration": "0.432"}]},
    }
    assert re.fullmatch("[1-9][0-9]{17}", answer.data["task_id"])
    assert re.fullmatch("[1-9][0-9]{17}", audio["id"])
    assert audio["url"] == mock.media_url(f"speech/{audio['id']}-432.mp3", START)


def test_two_equal_requests_make_two_tasks() -> None:
    """Equal requests get different task ids, audio ids and request ids."""
    mock = api()

    one, two = mock.speak(), mock.speak()

    ids = [
        [
            item.value["request_id"],
            item.data["task_id"],
            item.data["task_result"]["audios"][0]["id"],
        ]
        for item in (one, two)
    ]
    assert len(set(ids[0] + ids[1])) == 6


@pytest.mark.parametrize(
    ("fields", "accepted"),
    [
        pytest.param({"voice_id": "genshin_vindi2"}, True, id="both languages"),
        pytest.param({"voice_id": "genshin_vindi2", "voice_language": "zh"}, True, id="zh"),
        pytest.param({"voice_language": "zh"}, False, id="a language it does not speak"),
        pytest.param({"voice_id": "nobody"}, False, id="unknown"),
        pytest.param({"voice_id": "OVERSEA_MALE1"}, False, id="other case"),
        pytest.param({"voice_id": "voice_001"}, False, id="EzModel's own"),
        pytest.param({"voice_id": "850142319321288446"}, False, id="preset"),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_voice_must_be_of_the_catalogue_and_speak_the_language(
    dialect: str, fields: dict[str, Any], accepted: bool
) -> None:
    """A voice outside the catalogue, or one asked for a language it lacks, is 400/1201 'Voice id not found'."""
    answer = api(dialect).speak(**fields)

    if accepted:
        assert answer.data["task_status"] == "succeed"
    else:
        assert (answer.error, answer.message) == ((400, 1201), "Voice id not found")


def test_language_is_zh_unless_said() -> None:
    """Without voice_language the text is taken for zh: a voice that speaks only en is then refused."""
    mock = api()

    assert mock.post(PATH, {"text": "您好", "voice_id": "genshin_vindi2"}).status == 200
    assert mock.post(PATH, {"text": "Hi", "voice_id": "oversea_male1"}).error == (400, 1201)


def test_custom_voice_does_not_speak() -> None:
    """The id of a ready custom voice is an unknown voice in text-to-speech."""
    mock = api()
    voice_id = mock.ready_voice()["task_result"]["voices"][0]["voice_id"]

    assert mock.speak(voice_id=voice_id).message == "Voice id not found"


@pytest.mark.parametrize("character", ["a", "声", "🎵"])
def test_text_is_counted_in_characters(character: str) -> None:
    """A text of 1,000 code points is spoken, whatever their size in bytes; 1,001 are refused with 1201."""
    mock = api()

    assert mock.speak(text=character * 1000).status == 200
    assert mock.speak(text=character * 1001).error == (400, 1201)


@pytest.mark.parametrize(
    ("sent", "applied"),
    [
        (1.25, 1.3),
        (1.24, 1.2),
        (0.75, 0.8),
        (0.1, 0.8),
        (-7, 0.8),
        (0, 0.8),
        (2.04, 2.0),
        (9, 2.0),
        (1e308, 2.0),
    ],
)
def test_speed_is_rounded_to_a_decimal_and_clamped(sent: float, applied: float) -> None:
    """A voice_speed is rounded half up to one decimal and moved into [0.8, 2.0]; nothing is refused."""
    mock = api()
    text = "x" * 900

    assert duration(mock, text=text, voice_speed=sent) == duration(
        mock, text=text, voice_speed=applied
    )
    assert duration(mock, text=text, voice_speed=0.8) != duration(mock, text=text, voice_speed=1)


def test_speed_is_one_unless_said() -> None:
    """Without voice_speed the speed is 1."""
    mock = api()

    assert duration(mock, text="x" * 900) == duration(mock, text="x" * 900, voice_speed=1.0)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        pytest.param({"voice_id": "oversea_male1"}, "text", id="no text"),
        pytest.param({"text": "Hello"}, "voice_id", id="no voice"),
        pytest.param({}, "text", id="neither"),
        pytest.param({**SPEECH, "text": ""}, "text", id="empty text"),
        pytest.param({**SPEECH, "text": None}, "text", id="null text"),
        pytest.param({**SPEECH, "text": 5}, "text", id="number as text"),
        pytest.param({**SPEECH, "text": ["Hello"]}, "text", id="array as text"),
        pytest.param({**SPEECH, "voice_id": ""}, "voice_id", id="empty voice"),
        pytest.param({**SPEECH, "voice_id": "v" * 257}, "voice_id", id="long voice"),
        pytest.param({**SPEECH, "voice_language": "fr"}, "voice_language", id="other language"),
        pytest.param({**SPEECH, "voice_language": ""}, "voice_language", id="empty language"),
        pytest.param({**SPEECH, "voice_language": None}, "voice_language", id="null language"),
        pytest.param({**SPEECH, "voice_speed": "1.0"}, "voice_speed", id="text as speed"),
        pytest.param({**SPEECH, "voice_speed": True}, "voice_speed", id="bool as speed"),
        pytest.param({**SPEECH, "voice_speed": None}, "voice_speed", id="null speed"),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_bad_field_is_refused_by_name(dialect: str, body: dict[str, Any], named: str) -> None:
    """A missing, empty, long or wrongly typed field is 400/1201, and the message names it first."""
    answer = api(dialect).post(PATH, body)

    assert answer.error == (400, 1201)
    assert answer.message.startswith(named + " ")


def test_fields_that_are_not_documented_are_ignored() -> None:
    """Unknown fields change nothing, external_task_id and callback_url among them: they are none of this operation."""
    mock = api()

    first = mock.speak(external_task_id="e", callback_url=5, volume={}).data
    second = mock.speak(external_task_id="e").data

    assert set(first) == set(second) == set(mock.speak().data)


def test_content_type_of_a_request_is_not_checked() -> None:
    """A JSON body is read whatever its Content-Type says."""
    answer = api().speak({"content-type": "text/plain"})

    assert answer.data["task_status"] == "succeed"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_record_of_a_speech_can_be_read_again(dialect: str) -> None:
    """As an extension, GET .../audio/tts/{task_id} answers with the record of the create, and only to its account."""
    mock = api(dialect)
    created = mock.speak().data

    assert mock.get(f"{PATH}/{created['task_id']}").data == created
    other = mock.using("other").get(f"{PATH}/{created['task_id']}")
    assert other.error == (400, 1201)
    assert other.message == f"Task not found by id/external id: {created['task_id']}"


def test_speech_is_no_custom_voice() -> None:
    """A speech is neither found nor listed among custom voices, nor a custom voice among speeches."""
    mock = api()
    speech, voice = mock.speak().data["task_id"], mock.learn().data["task_id"]

    assert mock.voice(speech).error == (400, 1201)
    assert mock.get(f"{PATH}/{voice}").error == (400, 1201)
    assert [item["task_id"] for item in mock.voices().data] == [voice]


def test_accounts_are_shared_by_both_official_dialects() -> None:
    """What one key creates through one dialect it sees through the other."""
    mock = api()
    gateway = Api(mock.http, mock.key, PREFIXES["kkiai"])
    created = mock.learn(external_task_id="e").data

    assert gateway.voice("e").data["task_id"] == created["task_id"]
    assert gateway.learn(external_task_id="e").message == "External_task_id e already exists"
