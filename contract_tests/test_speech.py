"""Text-to-speech: what the answer holds, how speed and language are read, and the audio it leads to."""

from __future__ import annotations

import re
import time
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from contract_tests import audio, checks, instants, samples
from contract_tests.api import Api, Record
from contract_tests.faults import ILLEGAL
from contract_tests.media import audio_of, fetched
from contract_tests.observation import Answer
from contract_tests.receiver import Receiver
from contract_tests.saying import Said
from contract_tests.story import created_later

#: How far the stated and the counted length of an audio may differ: an encoder's delay and a header frame.
TOLERANCE_S = 0.15
#: The same as a share, for long ones.
TOLERANCE = 0.005
#: Between these a short sentence lasts, whoever speaks it.
SHORTEST_S, LONGEST_S = 0.05, 120.0
#: A stated length that is so many times too long or too short is in another unit.
OTHER_UNIT = 20.0
_FIVE_HUNDREDTHS = re.compile("0*[.]050*")
#: How far two lengths of the same text at the same speed may differ, as a share.
SAME = 0.025
SLOWEST, FASTEST = 0.8, 2.0
#: Whether it is rounded up is told by copies of the page only.
HALF = 1.25
#: What people write, and what they paste.
TEXTS = {
    "line ends": "Dear all,\nthis is\r\nthe news.\tSee you.\n",
    "quotes": "She said \"no\", he 'yes' \\ \u201cmaybe\u201d.",
    "emoji": "Hello \U0001f399 \U0001f468\u200d\U0001f469\u200d\U0001f467 and \U0001f1e9\U0001f1ea",
    "right to left": "Hello \u0645\u0631\u062d\u0628\u0627 \u202eabc\u202c",
    "marks": "Zoe\u0308 e\u0301\u0323\u0302 a\u200bb\ufeffc\u00ad",
}
_ORDINARY = ("line ends", "quotes")
#: Long enough that a tenth of speed makes more than that.
LONG_TEXT = "The quick brown fox jumps over the lazy dog while the band plays on. " * 4
CHINESE_TEXT = (
    "\u60a8\u597d\uff0c\u6211\u662f Kling\u3002\u4eca\u5929\u5929\u6c14\u5f88\u597d\uff01"
)
#: As long as a text may be.
LONGEST_TEXT = (LONG_TEXT * 4)[:1000]
#: The fields of speeches whose audio is measured.
SPEECHES: dict[str, Callable[[str], dict[str, Any]]] = {
    "short": lambda _dialect: {},
    "long": lambda _dialect: {"text": LONGEST_TEXT},
    "fast": lambda dialect: {"speed" if dialect == "ezmodel" else "voice_speed": 2.0},
    "Chinese": lambda dialect: {"text": CHINESE_TEXT} | _chinese(dialect),
}
#: How long the long text takes, by speed.
_LENGTHS_S: weakref.WeakKeyDictionary[Api, dict[float, float]] = weakref.WeakKeyDictionary()


def _chinese(dialect: str) -> dict[str, Any]:
    """The fields of a voice that speaks Chinese."""
    return {} if dialect == "ezmodel" else {"voice_id": samples.CHINESE, "voice_language": "zh"}


def _spoken(api: Api, clause: str = "", **fields: Any) -> Record:
    """The data of a speech that must be accepted."""
    data: Record = _answered(api, clause, **fields).data
    return data


def _answered(api: Api, clause: str = "", **fields: Any) -> Answer:
    """The answer to a speech that must be accepted."""
    endpoint = "ez.endpoint" if api.dialect == "ezmodel" else "speech.endpoint"
    request = samples.speech(api.dialect, **fields)
    return api.accepted("createSpeech", request, clause=clause or endpoint)


@pytest.mark.billable
@pytest.mark.parametrize("kind", SPEECHES)
def test_a_speech_is_audio_of_the_stated_length(api: Api, kind: str) -> None:
    """Text-to-speech answers at once with the address of an MP3 that anybody can fetch, again and again.

    It lasts as long as duration says, be the text short or long, in Chinese, and spoken fast.

    Source: speech.synchronous, speech.mp3, speech.duration.string, speech.duration.true, media.url.no-auth,
    media.url.expires, task.updated-at.after-creation, time.milliseconds; ez.synchronous, ez.mp3,
    ez.duration.milliseconds.
    """
    answer = _answered(api, **SPEECHES[kind](api.dialect))
    data: Record = answer.data
    official = api.dialect != "ezmodel"
    if official:
        later = data["updated_at"] >= data["created_at"]
        checks.require(later, "task.updated-at.after-creation", created_later(data))
    url = _measured(api, data, LONGEST_S * (10 if kind == "long" else 1))
    if official:
        fetched(api.target, url, "media.url.expires", data=data)
        api.first_audio = api.first_audio if api.first_audio[0] else (url, time.monotonic())
        instants.is_of_now(api.target, answer)


def _measured(api: Api, data: Record, longest_s: float = LONGEST_S) -> str:
    """Holds the stated length of a speech against that of its audio, in seconds; returns its address."""
    official = api.dialect != "ezmodel"
    if official:
        made = audio_of(data)
        url, stated_s = str(made["url"]), float(made["duration"])
    else:
        checks.kept("ez.synchronous")  # the schema wants the audio
        url, stated_s = str(data["audio_url"]), data["duration"] / 1000
    unit = "speech.duration.string" if official else "ez.duration.milliseconds"
    words = (
        f"the stated duration is {stated_s:g} s, where {SHORTEST_S:g} to {longest_s:g} s are due"
    )
    checks.require(SHORTEST_S <= stated_s <= longest_s, unit, Said(words, by=(data,)))
    lasts_s = _lasts_s(api, url, data)
    words = f"the stated duration is {stated_s:g} s, where the audio lasts {lasts_s:.3f} s and that is due"
    saw = Said(words, by=(data,))
    same_unit = lasts_s / OTHER_UNIT < stated_s < lasts_s * OTHER_UNIT
    checks.require(same_unit, unit, saw)
    true = "speech.duration.true" if official else "ez.duration.milliseconds"
    tolerance_s = max(TOLERANCE_S, TOLERANCE * lasts_s)
    checks.require(abs(lasts_s - stated_s) <= tolerance_s, true, saw)
    return url


def _lasts_s(api: Api, url: str, data: Record) -> float:
    """How long the audio at an address lasts."""
    clause = "ez.mp3" if api.dialect == "ezmodel" else "speech.mp3"
    try:
        lasts_s = audio.duration_s(fetched(api.target, url, data=data))
    except audio.NotMp3 as reason:
        raise checks.Broken(
            clause, Said(f"the file is no MP3 ({reason}), where one is due", by=(data,))
        ) from None
    checks.kept(clause)
    return lasts_s


@pytest.mark.billable
@pytest.mark.parametrize("kind", TEXTS)
def test_any_text_may_be_spoken(api: Api, kind: str) -> None:
    """Line ends, quotes and backslashes are spoken; what nobody can pronounce may be refused, and crashes nothing.

    What is accepted makes an audio that lasts as long as duration says.

    Source: speech.endpoint, speech.mp3, speech.duration.true, ez.endpoint, ez.mp3, ez.duration.milliseconds,
    server.no-5xx.
    """
    endpoint = "ez.endpoint" if api.dialect == "ezmodel" else "speech.endpoint"
    answer = api.call("createSpeech", samples.speech(api.dialect, text=TEXTS[kind]))
    allowed = (200,) if kind in _ORDINARY else (200, 400)
    due = " or ".join(f"HTTP {status}" for status in allowed)
    checks.require(
        answer.status in allowed, endpoint, checks.not_due(answer, f"{due} for a text of {kind}")
    )
    if answer.pair == (200, 0):
        _measured(api, answer.data)


@pytest.mark.billable
def test_two_speeches_are_two_tasks(voices_api: Api) -> None:
    """Two equal requests make two tasks with different ids, of tasks and of audios.

    Source: speech.every-call-is-new, ids.unique.
    """
    made = [_spoken(voices_api) for _ in range(2)]
    task_ids = [data["task_id"] for data in made]
    checks.distinct("speech.every-call-is-new", task_ids, made)
    checks.distinct("ids.unique", [*task_ids, *(audio_of(data)["id"] for data in made)], made)


@pytest.mark.billable
@pytest.mark.dialects("ezmodel")
def test_two_gateway_speeches_are_two_audios(api: Api) -> None:
    """Two equal requests make two audios with different ids, and with their own request ids.

    Source: ez.endpoint.
    """
    made = [_spoken(api) for _ in range(2)]
    checks.distinct("ez.endpoint", [data["audio_id"] for data in made], made)


@pytest.mark.billable
def test_a_speech_is_no_task_of_ones_own(voices_api: Api, receiver: Receiver) -> None:
    """A speech knows neither external_task_id nor callback_url, and shows no task_info.

    So the same external id twice is no duplicate, and nobody is told.

    Source: speech.no-callback, speech.no-task-info.
    """
    word, path = voices_api.target.unique("speech"), "/speech"
    fields = {"external_task_id": word, "callback_url": receiver.base_url + path}
    for number in (1, 2):
        answer = voices_api.call("createSpeech", samples.speech(voices_api.dialect, **fields))
        if answer.pair != (200, 0):
            clause = "request.unknown-fields" if number == 1 else "speech.no-callback"
            due = "HTTP 200, whatever external_task_id and callback_url are,"
            raise checks.found(clause, checks.not_due(answer, due))
        if "task_info" in answer.data:
            words = "task_info is {}, where a speech is due none"
            saw = Said(words, answer.data["task_info"], by=(answer,))
            raise checks.found("speech.no-task-info", saw)
    told = receiver.inbox.of(path)
    if told:
        words = "a notification of a speech arrived, where none is due"
        raise checks.found("speech.no-callback", Said(words, by=(told[0],)))
    checks.kept("speech.no-callback", "speech.no-task-info")


def test_speeches_are_not_listed(voices_api: Api) -> None:
    """There is no list of speeches: a GET of the operation's path is refused as a wrong method, HTTP 404.

    Source: speech.no-query.
    """
    path = voices_api.document.operations["createSpeech"].path
    answer = voices_api.ask("GET", path)
    checks.require(
        answer.status < 500, "server.no-5xx", checks.not_due(answer, "anything but a 5xx")
    )
    if answer.status != 404:
        raise checks.found("speech.no-query", checks.not_due(answer, "HTTP 404 for a GET"))
    checks.envelope(answer, voices_api.dialect)
    checks.kept("speech.no-query")


@pytest.mark.billable
def test_a_missing_language_is_chinese(voices_api: Api) -> None:
    """Without voice_language a text is read as zh: a Chinese voice speaks it, an English one is refused.

    The page marks the field as required, too, so that refusing is another reading.

    Source: speech.language.default, speech.voice.language-mismatch.
    """
    clause = "speech.language.default"
    answer = voices_api.call("createSpeech", {"text": "您好", "voice_id": samples.CHINESE})
    if answer.status == 400:
        told = checks.not_due(answer, "HTTP 200", "since without voice_language a text is zh")
        raise checks.found(clause, told)
    checks.accepted(answer, clause)
    english = {"text": "Hello", "voice_id": samples.ENGLISH}
    answer = voices_api.call("createSpeech", english)
    if answer.pair == (200, 0):  # whose fault it is, the same request in words shows
        chinese = voices_api.call("createSpeech", {**english, "voice_language": "zh"})
        mismatch = "speech.voice.language-mismatch"
        told = checks.not_due(chinese, "HTTP 400", "since an English voice speaks no Chinese")
        checks.require(chinese.pair in ILLEGAL, mismatch, told)
    words = "since without voice_language a text is zh, which an English voice does not speak"
    checks.require(answer.pair in ILLEGAL, clause, checks.not_due(answer, "HTTP 400", words))


@pytest.mark.billable
@pytest.mark.parametrize("speed", [0, 1e300, 10**30], ids=["zero", "1e300", "10 to 30"])
def test_a_speed_out_of_range_is_adjusted(voices_api: Api, speed: float) -> None:
    """A number outside 0.8 to 2.0, however far, is adjusted and not refused.

    Source: speech.speed.out-of-range.
    """
    _adjusted(voices_api, speed, samples.speech(voices_api.dialect, voice_speed=speed))


def _adjusted(api: Api, speed: float, request: dict[str, Any]) -> Answer:
    """The answer to a speed that is adjusted and not refused; to refuse one out of range is another reading."""
    out = not SLOWEST <= speed <= FASTEST
    clause = "speech.speed.out-of-range" if out else "speech.speed.one-decimal"
    answer = api.call("createSpeech", request)
    if answer.status == 400:
        told = checks.not_due(answer, "HTTP 200", f"since a speed of {speed:g} is adjusted")
        raise checks.found(clause, told)
    checks.accepted(answer, clause)
    return answer


@pytest.mark.billable
@pytest.mark.parametrize(
    ("speed", "adjusted", "clause"),
    [
        (0.1, SLOWEST, "speech.speed.clamped"),
        (5, FASTEST, "speech.speed.clamped"),
        (1.24, 1.2, "speech.speed.one-decimal"),
        (1.25, 1.3, "speech.speed.one-decimal"),
        (1.26, 1.3, "speech.speed.one-decimal"),
    ],
)
def test_a_speed_is_moved_to_the_nearest(
    voices_api: Api, speed: float, adjusted: float, clause: str
) -> None:
    """A speed out of range speaks as its nearest end does, one with two decimals as the one it is rounded to.

    That can only be heard: the lengths of the audios are compared. Another length is a finding for halves, and where
    the same request does not sound the same twice.

    Source: speech.speed.clamped, speech.speed.one-decimal.
    """
    asked = samples.speech(voices_api.dialect, text=LONG_TEXT, voice_speed=speed)
    answer = _adjusted(voices_api, speed, asked)
    first_s, second_s = _stated_s(answer.data), _at_speed_s(voices_api, adjusted)
    if abs(first_s - second_s) > SAME * second_s:
        words = (
            f"the audio lasts {first_s:g} s at speed {speed} and {second_s:g} s at {adjusted}, where both are due"
            " the same length"
        )
        saw = Said(words, by=(answer,))
        again_s = _stated_s(_spoken(voices_api, text=LONG_TEXT, voice_speed=adjusted))
        if speed == HALF or again_s != second_s:
            raise checks.found(clause, saw)
        raise checks.Broken(clause, saw)
    slowest_s, fastest_s = (_at_speed_s(voices_api, end) for end in (SLOWEST, FASTEST))
    if slowest_s <= fastest_s * (1 + SAME):
        words = (
            f"the audio lasts {slowest_s:g} s at speed {SLOWEST} and {fastest_s:g} s at {FASTEST},"
            " where the slower one is due to last longer"
        )
        raise checks.found("speech.speed.clamped", Said(words, by=(answer,)))
    checks.kept(clause)


def _at_speed_s(api: Api, speed: float) -> float:
    """How long the long text takes at a speed; asked once."""
    known = _LENGTHS_S.setdefault(api, {})
    if speed not in known:
        known[speed] = _stated_s(_spoken(api, text=LONG_TEXT, voice_speed=speed))
    return known[speed]


@pytest.mark.billable
def test_a_speech_has_one_price(voices_api: Api) -> None:
    """A call costs the same, whatever the length; where the answer names units, they are a text.

    That it is 0.05 units was seen in one account: another price is a finding.

    Two texts are two tasks in any case.

    Source: speech.price, billing.unit-deduction, ids.unique.
    """
    texts = ("a", LONG_TEXT, LONGEST_TEXT)
    made = [_spoken(voices_api, text=text) for text in texts]
    ids = [named for data in made for named in (data["task_id"], audio_of(data)["id"])]
    checks.distinct("ids.unique", ids, made)
    prices = [str(data.get("final_unit_deduction", "")) for data in made]
    if "" in prices:
        pytest.skip("not looked at: the answer names no units, and need not")
    told = " and ".join(f"{{}} for {len(text):,} characters" for text in texts)
    same = len({*prices}) == 1
    words = f"final_unit_deduction is {told}, where one price is due"
    checks.require(same, "speech.price", Said(words, *prices, by=(*made,)))
    if not _FIVE_HUNDREDTHS.fullmatch(prices[0]):
        words = 'final_unit_deduction is {}, where "0.05" is due'
        raise checks.found("billing.unit-deduction", Said(words, prices[0], by=(made[0],)))
    checks.kept("billing.unit-deduction")


def test_a_success_says_so(voices_api: Api) -> None:
    """The message of a success is SUCCEED.

    Source: envelope.message-succeed.
    """
    for operation in ("listPresetVoices", "listCustomVoices"):
        answer = voices_api.call(operation)
        if answer.pair == (200, 0) and answer.json["message"] != "SUCCEED":
            words = 'message is {}, where "SUCCEED" is due'
            told = Said(words, answer.json["message"], by=(answer,))
            raise checks.found("envelope.message-succeed", told)
    checks.kept("envelope.message-succeed")


def _stated_s(data: Record) -> float:
    return float(audio_of(data)["duration"])
