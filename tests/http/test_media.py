"""Audio: the URLs that are handed out lead to audio of exactly the stated length, without a credential."""

from __future__ import annotations

from typing import Any

import miniaudio  # type: ignore[import-untyped]  # it has no stubs
import pytest

from tests.http.api import BASE_URL, EZ_PATH, EZ_SPEECH, PREFIXES, Api, api

#: MPEG-2 Layer III frames hold 576 samples.
FRAME_SAMPLES = 576
RATE_HZ = 24_000


def fetched(mock: Api, url: str) -> tuple[str, bytes]:
    """Content type and content of an audio, fetched without a credential."""
    answer = mock.http.get(url)
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    return answer.headers["content-type"], answer.content


def length_ms(mp3: bytes) -> float:
    """The length of an MP3, as an independent decoder has it."""
    decoded = miniaudio.decode(mp3, nchannels=1, sample_rate=RATE_HZ)
    info = miniaudio.mp3_get_info(mp3)
    assert (info.sample_rate, info.nchannels) == (RATE_HZ, 1)
    assert info.num_frames == len(decoded.samples)
    return float(info.num_frames * 1000 / RATE_HZ)


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "a"},
        {"text": "Hello"},
        {"text": "x" * 134},
        {"text": "x" * 1000, "voice_speed": 0.8},
        {"text": "x" * 777, "voice_speed": 1.7},
        {"text": "声" * 1000, "voice_id": "genshin_vindi2", "voice_language": "zh"},
        {"text": "Hello 声音 🎵"},
    ],
    ids=lambda fields: fields["text"][:8],
)
@pytest.mark.parametrize("dialect", sorted(PREFIXES))
def test_audio_lasts_exactly_its_duration(dialect: str, fields: dict[str, Any]) -> None:
    """The MP3 at an audio's url decodes to exactly the seconds that duration states."""
    mock = api(dialect)
    audio = mock.speak(**fields).data["task_result"]["audios"][0]

    content_type, content = fetched(mock, audio["url"])

    assert content_type == "audio/mpeg"
    assert length_ms(content) == pytest.approx(float(audio["duration"]) * 1000, abs=1e-6)


def test_audio_of_ezmodel_lasts_exactly_its_duration() -> None:
    """The MP3 at audio_url decodes to exactly the milliseconds that duration states."""
    mock = api()
    data = mock.post(EZ_PATH, {**EZ_SPEECH, "text": "x" * 500, "speed": 1.3}).data

    assert length_ms(fetched(mock, data["audio_url"])[1]) == data["duration"]


def test_length_of_a_long_text_is_observed() -> None:
    """134 Latin characters last about 11.3 s, as was observed."""
    audio = api().speak(text="x" * 134).data["task_result"]["audios"][0]

    assert float(audio["duration"]) == pytest.approx(11.3, abs=0.2)


def test_longest_text_has_audio() -> None:
    """The longest text at the lowest speed has audio that is served."""
    mock = api()
    data = mock.post(EZ_PATH, {**EZ_SPEECH, "text": "声" * 10_000, "speed": 0.5}).data

    assert len(fetched(mock, data["audio_url"])[1]) == data["duration"] // 24 * 96


def test_trial_urls_lead_to_wav_audio() -> None:
    """The trial_url of a custom voice and of a preset is a WAV file that plays."""
    mock = api()
    voices = [
        record["task_result"]["voices"][0]
        for record in (mock.ready_voice(), mock.presets().data[0])
    ]

    for voice in voices:
        content_type, content = fetched(mock, voice["trial_url"])
        assert content_type == "audio/wav"
        assert miniaudio.wav_get_info(content).duration > 0


def test_head_of_an_audio_says_its_size() -> None:
    """HEAD of an audio answers its length and no body."""
    mock = api()
    url = mock.speak().data["task_result"]["audios"][0]["url"]

    answer = mock.http.head(url)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(432 // 24 * 96)


@pytest.mark.parametrize(
    "host", ["kling.test:8700", "127.0.0.1:9", "[::1]:8700", "kling_mock:8700"]
)
def test_urls_are_at_the_host_of_the_request(host: str) -> None:
    """URLs begin with the scheme and Host of the create, in every later answer too."""
    mock = api()

    created = mock.speak({"host": host})
    task_id = mock.learn({"host": host}).data["task_id"]
    mock.advance(9)

    assert created.data["task_result"]["audios"][0]["url"].startswith(f"http://{host}/media/")
    trial = mock.voice(task_id).data["task_result"]["voices"][0]["trial_url"]
    assert trial.startswith(f"http://{host}/media/")
    record = mock.get(f"/v1/audio/tts/{created.data['task_id']}").data
    assert record == created.data


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"a b",
        b'"x',
        b"<script>",
        b"a/../b",
        b"a@b",
        b"[::1",
        b"a:b",
        b"\xe9",
        b"a?b",
        b"a#b",
        b"a:999999",
    ],
)
def test_host_that_is_none_is_not_repeated(host: bytes) -> None:
    """A Host header that is no authority is not echoed into a URL: the server's own address stands there."""
    mock = api()
    headers = [(b"host", host), (b"authorization", b"Bearer k")]
    body = b'{"text": "Hello", "voice_id": "genshin_vindi2"}'

    answer = mock.http.post("/v1/audio/tts", content=body, headers=headers)
    presets = mock.http.get("/v1/general/presets-voices", headers=headers)

    url = answer.json()["data"]["task_result"]["audios"][0]["url"]
    trial = presets.json()["data"][0]["task_result"]["voices"][0]["trial_url"]
    assert url.startswith("http://mock.test:80/media/")
    assert trial.startswith("http://mock.test:80/media/")


@pytest.mark.parametrize("given", ["https://kling.example/base", "https://kling.example/base/"])
def test_public_url_is_the_base_of_every_url(given: str) -> None:
    """With public_url all URLs begin with it, whatever the Host; audio is served below the server's own root."""
    mock = api(public_url=given)
    record = mock.ready_voice()
    urls = [
        mock.speak({"host": "other.test"}).data["task_result"]["audios"][0]["url"],
        mock.post(EZ_PATH, EZ_SPEECH).data["audio_url"],
        record["task_result"]["voices"][0]["trial_url"],
        mock.presets().data[0]["task_result"]["voices"][0]["trial_url"],
    ]

    for url in urls:
        assert url.startswith("https://kling.example/base/media/")
        fetched(mock, BASE_URL + url.removeprefix("https://kling.example/base"))


@pytest.mark.parametrize(
    "path",
    [
        "/media/",
        "/media/preset/",
        "/media/preset/x.wav",
        "/media/preset/1.mp3",
        "/media/preset/..%2F..%2Fspeech.mp3",
        "/media/preset/" + "x" * 5000 + ".wav",
        "/media/speech/1-24.mp3",
        "/media/trial/1.wav",
        "/media/t/other/1-24.mp3",
        "/media/t/speech/1.mp3",
        "/media/t/speech/1-0.mp3",
        "/media/t/speech/1-25.mp3",
        "/media/t/speech/1--24.mp3",
        "/media/t/speech/1-7200024.mp3",
        "/media/t/speech/1-24.wav",
        "/media/t/speech/x-24.mp3",
        "/media/t/speech/1-" + "9" * 30 + ".mp3",
        "/media/t/speech/1-" + "2" * 5000 + ".mp3",
        "/media/t/speech/" + "1" * 5000 + "-25.mp3",
        "/media/t/speech/%D9%A1-24.mp3",
        "/media/t/trial/x.wav",
        "/media/t/trial/..%2F..%2Fspeech.mp3",
        "/media/t/trial/" + "x" * 5000 + ".wav",
        "/media/t/trial/1.wav/",
    ],
    ids=lambda path: path[:30],
)
@pytest.mark.parametrize("query", ["", "?Expires=99999999999"])
def test_audio_that_nobody_handed_out_is_not_found(path: str, query: str) -> None:
    """A media path of another form, or of an impossible length, is 404 and never a server error."""
    assert api().http.get(path + query).status_code == 404


def results(mock: Api) -> list[str]:
    """The URLs of a speech, of EzModel's and of a voice, in the order of their ends: 0, 0 and 9 s."""
    urls = [
        mock.speak().data["task_result"]["audios"][0]["url"],
        mock.post(EZ_PATH, EZ_SPEECH).data["audio_url"],
    ]
    return [*urls, mock.ready_voice()["task_result"]["voices"][0]["trial_url"]]


def test_result_urls_live_thirty_days() -> None:
    """The URL of a result is alive until 30 virtual days after the task's end, and then 403 for ever."""
    mock = api()
    *speeches, voice = results(mock)
    clients = [mock.http, api().http]

    def statuses() -> list[int]:
        return [mock.http.get(url).status_code for url in (*speeches, voice)]

    assert statuses() == [200, 200, 200]
    mock.advance(30 * 86400 - 9 - 0.001)
    assert statuses() == [200, 200, 200]
    mock.advance(0.001)
    assert statuses() == [403, 403, 200]
    mock.advance(9)
    assert statuses() == [403, 403, 403]
    mock.advance(1e7)
    assert statuses() == [403, 403, 403]
    assert {client.get(voice).status_code for client in clients} == {403}


def test_a_dead_url_says_so() -> None:
    """What a dead URL answers is text that says why, to HEAD as well."""
    mock = api()
    url = results(mock)[0]
    mock.advance(31 * 86400)

    answer = mock.http.get(url)

    assert (answer.status_code, answer.text) == (403, "The URL has expired or is not complete")
    assert mock.http.head(url).status_code == 403


def test_a_record_shows_the_same_url_for_ever() -> None:
    """A later query repeats the URL of the first, also when it is dead."""
    mock = api()
    record = mock.ready_voice()
    mock.advance(40 * 86400)

    assert mock.voice(record["task_id"]).data == record


@pytest.mark.parametrize(
    "query",
    ["", "?", "?Expires=", "?Expires=x", "?Expires=-1", "?Expires=1", "?Expires=1e12", "?expires=9999999999"],
)  # fmt: skip
def test_a_url_that_is_cut_is_refused(query: str) -> None:
    """A URL without its query, or with a query that is none, is 403."""
    for url in results(api()):
        assert api().http.get(url.partition("?")[0] + query).status_code == 403


def test_urls_expire_by_the_clock_of_their_account() -> None:
    """Advancing one account's clock kills its URLs and nobody else's; a tag that nobody has is the server's time."""
    mine, yours = api(), api()
    my_url, your_url = results(mine)[0], results(yours)[0]
    mine.advance(31 * 86400)

    assert mine.http.get(my_url).status_code == 403
    assert yours.http.get(your_url).status_code == 200
    tag = my_url.split("/")[4]
    assert mine.http.get(my_url.replace(tag, "0" * 12)).status_code == 200
    assert tag not in your_url


def test_preset_urls_live_for_ever() -> None:
    """The trial_url of a preset has no end."""
    mock = api()
    mock.advance(1e8)
    url = mock.presets().data[0]["task_result"]["voices"][0]["trial_url"]

    assert "?" not in url
    fetched(mock, url)


def test_urls_do_not_tell_the_account() -> None:
    """Neither the credential nor the account's id stands in a URL."""
    mock = api()
    mock.advance(0)
    account = mock.control("GET", "/clock")[1]["account"]
    for url in results(mock):
        assert mock.key not in url
        assert account not in url
        assert account.removeprefix("key-") not in url


def test_media_is_read_only() -> None:
    """Other methods on an audio are refused with 405."""
    mock = api()
    url = mock.speak().data["task_result"]["audios"][0]["url"]

    assert mock.http.post(url).status_code == 405
    assert mock.http.delete(url).status_code == 405
