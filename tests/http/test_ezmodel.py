"""The EzModel dialect: one synchronous operation, a flat envelope, codes that are HTTP statuses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.http.api import EZ_PATH, EZ_SPEECH, NOTHING, START, api


def test_speech_is_answered_flat() -> None:
    """A speech is answered with audio_id, audio_url, duration in ms and created_at, in a 'success' envelope."""
    mock = api()
    answer = mock.post(EZ_PATH, EZ_SPEECH)

    assert set(answer.value) == {"code", "message", "request_id", "data"}
    assert (answer.value["code"], answer.message) == (0, "success")
    assert re.fullmatch("req_tts_[0-9a-f]{12}", answer.value["request_id"])
    audio_id = answer.data["audio_id"]
    assert answer.data == {
        "audio_id": audio_id,
        "audio_url": mock.media_url(f"speech/{audio_id}-432.mp3", START),
        "duration": 432,
        "created_at": START,
    }
    assert re.fullmatch("[1-9][0-9]{17}", audio_id)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"speed": 0.5, "volume": 0}, id="lower bounds"),
        pytest.param({"speed": 2.0, "volume": 2.0}, id="upper bounds"),
        pytest.param({"speed": 2, "volume": 1}, id="integers"),
        pytest.param({"text": "声" * 10_000}, id="10,000 characters"),
        pytest.param({"voice_id": "oversea_male1"}, id="an official voice"),
        pytest.param({"callback_url": ""}, id="empty callback_url"),
        pytest.param({"voice_language": "fr", "voice_speed": "x"}, id="fields of the official API"),
    ],
)
def test_request_within_the_documented_bounds_is_spoken(fields: dict[str, Any]) -> None:
    """Bounds are inclusive, official voices speak here too, and fields the page does not name are ignored."""
    assert api().post(EZ_PATH, {**EZ_SPEECH, **fields}).data["duration"] > 0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param({"voice_id": "voice_001"}, "text is required for tts", id="no text"),
        pytest.param({**EZ_SPEECH, "text": ""}, "text is required for tts", id="empty text"),
        pytest.param({"text": "Hello"}, "voice_id is required for tts", id="no voice"),
        pytest.param({**EZ_SPEECH, "voice_id": "nobody"}, "Voice id not found", id="unknown voice"),
        pytest.param(
            {**EZ_SPEECH, "text": "a" * 10_001},
            "text length exceeds maximum 10000 characters, got: 10001",
            id="long text",
        ),
        pytest.param(
            {**EZ_SPEECH, "speed": 2.1},
            "speed must be between 0.5 and 2.0, got: 2.100000",
            id="fast",
        ),
        pytest.param(
            {**EZ_SPEECH, "volume": -0.1},
            "volume must be between 0.0 and 2.0, got: -0.100000",
            id="quiet",
        ),
        pytest.param({**EZ_SPEECH, "speed": "1"}, "speed must be a number", id="text as speed"),
        pytest.param(
            {**EZ_SPEECH, "callback_url": "ftp://example.com"},
            "callback_url must be an http or https URL",
            id="other scheme",
        ),
        pytest.param([], "invalid request body: not a JSON object", id="array"),
        pytest.param(None, "invalid request body: not a JSON object", id="null"),
    ],
)
def test_bad_request_is_refused_in_its_words(body: Any, message: str) -> None:
    """A bad request is HTTP 400 with code 400, in the words of the gateway."""
    answer = api().post(EZ_PATH, body)

    assert (answer.error, answer.message) == ((400, 400), message)


@pytest.mark.parametrize("body", [NOTHING, b"", b"{", b"\xff", b"[" * 5000, b" " * 1_000_001])
def test_unreadable_body_is_400(body: Any) -> None:
    """No body, broken JSON, deep JSON or more than 1 MB is HTTP 400 with code 400."""
    assert api().post(EZ_PATH, body).error == (400, 400)


@pytest.mark.parametrize(
    ("method", "path", "key", "error"),
    [
        ("GET", EZ_PATH, "any", (404, 404)),
        ("DELETE", EZ_PATH, "", (404, 404)),
        ("POST", EZ_PATH + "/", "any", (404, 404)),
        ("POST", EZ_PATH + "/1", "", (404, 404)),
        ("POST", EZ_PATH, "", (401, 401)),
        ("POST", EZ_PATH, "two words", (401, 401)),
    ],
)
def test_other_causes_have_codes_that_are_the_status(
    method: str, path: str, key: str, error: tuple[int, int]
) -> None:
    """A wrong method or path is 404 with code 404, a missing or malformed credential 401 with code 401."""
    assert api().using(key).call(method, path, EZ_SPEECH).error == error


def test_speeches_of_this_dialect_belong_to_the_account_too() -> None:
    """Ids never repeat, whichever dialect made them."""
    mock = api()

    ids = [mock.post(EZ_PATH, EZ_SPEECH).data["audio_id"] for _ in range(3)]
    ids += [mock.speak().data["task_result"]["audios"][0]["id"] for _ in range(3)]

    assert len(set(ids)) == 6
