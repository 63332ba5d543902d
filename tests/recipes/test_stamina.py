"""stamina: retries what is temporary, and only that: not every 429 is."""

from collections.abc import Iterator

import httpx2
import pytest
import stamina

from mock_server.testing import KlingMock

TEMPORARY = {1302, 1303, 5000, 5001, 5002}


class Refused(Exception):
    """An answer whose code is not 0."""

    def __init__(self, answer: httpx2.Response) -> None:
        super().__init__(answer.json()["message"])
        self.code = answer.json()["code"]
        self.retry_after = float(answer.headers.get("retry-after", 0))


def should_retry(error: Exception) -> bool | float:
    """Whether to try again, or after how many seconds."""
    if isinstance(error, Refused):
        return error.code in TEMPORARY and (error.retry_after or True)
    return isinstance(error, httpx2.TransportError)


@stamina.retry(on=should_retry, attempts=4)
def speak(api: httpx2.Client, text: str) -> str:
    """Says a text, and returns the URL of the audio."""
    body = {"text": text, "voice_id": "oversea_male1", "voice_language": "en"}
    answer = api.post("/v1/audio/tts", json=body)
    if answer.json()["code"] != 0:
        raise Refused(answer)
    url: str = answer.json()["data"]["task_result"]["audios"][0]["url"]
    return url


@pytest.fixture
def api(kling_mock: KlingMock) -> Iterator[httpx2.Client]:
    """A client of this test's account; stamina does not wait between attempts."""
    with (
        stamina.set_testing(True, attempts=4),
        httpx2.Client(base_url=kling_mock.base_url, headers=kling_mock.headers()) as client,
    ):
        yield client


def test_tries_again_what_is_temporary(kling_mock: KlingMock, api: httpx2.Client) -> None:
    """Too fast, then down, then well."""
    kling_mock.plan({"createSpeech": ["1302", "5001;retry-after=2", "ok"]})

    assert "/speech/" in speak(api, "Hello")


def test_does_not_try_again_without_money(kling_mock: KlingMock, api: httpx2.Client) -> None:
    """1102 is a 429 as well, and never gets better by itself."""
    kling_mock.fault("1102")

    with pytest.raises(Refused, match="balance"):
        speak(api, "Hello")

    kling_mock.requests.assert_received(operation="createSpeech", count=1)
