"""Text-to-speech, and the official voices."""

from __future__ import annotations

from contract_tests import audio, checks
from contract_tests.api import Api
from contract_tests.media import fetched

#: How far the stated and the counted length of an audio may differ: an encoder's delay and a header frame.
TOLERANCE_S = 0.15
#: Requests that each dialect's document prints, and where their answers hold the audio.
SPEECH = {
    "klingai": {
        "text": "Good morning. Your order has left.",
        "voice_id": "oversea_male1",
        "voice_language": "en",
    },
    "kkiai": {
        "text": "Good morning. Your order has left.",
        "voice_id": "oversea_male1",
        "voice_language": "en",
    },
    "ezmodel": {"text": "Good morning. Your order has left.", "voice_id": "voice_001"},
}


def test_a_speech_is_audio_of_the_stated_length(api: Api) -> None:
    """Text-to-speech answers at once with the address of an MP3 that anybody can fetch.

    It lasts as long as duration says.

    Source: speech.synchronous, speech.mp3, speech.duration.true, media.url.no-auth; ez.synchronous, ez.mp3,
    ez.duration.milliseconds.
    """
    official = api.dialect != "ezmodel"
    data = api.data(
        "createSpeech", SPEECH[api.dialect], clause="speech.endpoint" if official else "ez.endpoint"
    )
    if official:
        checks.require(data["task_status"] == "succeed", "speech.synchronous", data)
        made = data["task_result"]["audios"][0]
        url, stated_s = made["url"], float(made["duration"])
    else:
        checks.kept(
            "ez.synchronous", "ez.auth.key"
        )  # the schema wants the audio, and the key was let in
        url, stated_s = data["audio_url"], data["duration"] / 1000
    clause = "speech.mp3" if official else "ez.mp3"
    try:
        lasts_s = audio.duration_s(fetched(api.target, url))
    except audio.NotMp3 as reason:
        raise checks.Broken(clause, f"{url}: {reason}") from None
    true = "speech.duration.true" if official else "ez.duration.milliseconds"
    saw = f"{stated_s} s stated, {lasts_s:.3f} s at {url}"
    checks.kept(clause)
    checks.require(abs(lasts_s - stated_s) <= TOLERANCE_S, true, saw)


def test_two_speeches_are_two_tasks(voices_api: Api) -> None:
    """Two equal requests make two tasks with different ids.

    Source: speech.every-call-is-new, ids.unique.
    """
    request = SPEECH[voices_api.dialect]
    made = [voices_api.data("createSpeech", request, clause="speech.endpoint") for _ in range(2)]
    task_ids = [data["task_id"] for data in made]
    checks.distinct("speech.every-call-is-new", task_ids, made)
    checks.distinct("ids.unique", task_ids, made)


def test_official_voices_are_kling_s(voices_api: Api) -> None:
    """The official library is listed page by page; each of its voices has an id and is owned by kling.

    Source: presets.endpoint, presets.owner, ids.unique.
    """
    query = {"pageNum": 1, "pageSize": 500}
    tasks = voices_api.data("listPresetVoices", query=query, clause="presets.endpoint")
    voices = [voice for task in tasks for voice in task["task_result"]["voices"]]
    for voice in voices:
        checks.require(voice.get("owned_by", "kling") == "kling", "presets.owner", voice)
    checks.distinct("ids.unique", [voice["voice_id"] for voice in voices], "the official voices")
