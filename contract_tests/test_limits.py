"""Lengths, on both sides of every bound: a character is a code point, however many bytes or units it takes."""

from __future__ import annotations

import zlib

import pytest

from contract_tests import checks, listing, samples
from contract_tests.api import Api, TooManyTasks
from contract_tests.faults import PARAMETERS, VOICE
from contract_tests.garden import Garden
from contract_tests.receiver import Receiver
from contract_tests.saying import Said
from contract_tests.story import another

#: A character of three bytes and one UTF-16 unit, and one of four bytes and two units.
BMP, ASTRAL = "您", "\N{STUDIO MICROPHONE}"
LONGEST_TEXT, LONGEST_NAME, LONGEST_URL, LONGEST_ID = 1000, 20, 4096, 256
#: A video that nobody has made.
VIDEO = "830460928805724256"
#: What external ids end with.
ODD_IDS = {"long": "x" * 400, "odd": "e\u0301 没有 %41?&;'#\N{EYES}+", "other scripts": "Zoë-没有 "}
REFUSED = frozenset({(400, 1200), (400, 1201), (400, 1300), (400, 1301)})


def _speech(character: str, length: int) -> dict[str, object]:
    return {
        "text": (character * length)[:length],
        "voice_id": samples.ENGLISH if character.isascii() else samples.CHINESE,
        "voice_language": "en" if character.isascii() else "zh",
    }


@pytest.mark.billable
@pytest.mark.parametrize("character", ["word ", BMP, ASTRAL], ids=["ASCII", "BMP", "astral"])
def test_a_text_has_at_most_1000_characters(voices_api: Api, character: str) -> None:
    """A text of 1,000 characters is spoken, one of 1,001 refused with HTTP 400.

    How characters beyond the basic plane are counted is assumed: as one.

    Source: speech.text.max-length, speech.text.error-code, speech.text.code-points.
    """
    longest = voices_api.call("createSpeech", _speech(character, LONGEST_TEXT))
    too_long = voices_api.send("createSpeech", _speech(character, LONGEST_TEXT + 1))
    words = f"for a text of {LONGEST_TEXT + 1:,} characters"
    voices_api.refused(too_long, "createSpeech", "speech.text.max-length", REFUSED, words)
    if longest.pair != (200, 0) and character == ASTRAL:
        told = checks.not_due(longest, f"HTTP 200 for {LONGEST_TEXT:,} code points")
        raise checks.found("speech.text.code-points", told)
    checks.accepted(longest, "speech.text.max-length")
    checks.kept("speech.text.code-points")
    if too_long.code not in (1200, 1201):
        told = checks.not_due(too_long, "code 1200 or 1201")
        raise checks.found("speech.text.error-code", told)
    checks.kept("speech.text.error-code")


@pytest.mark.billable
def test_a_single_character_is_spoken(api: Api) -> None:
    """A text of one character is spoken.

    Source: speech.endpoint, ez.endpoint.
    """
    clause = "speech.endpoint" if api.dialect != "ezmodel" else "ez.endpoint"
    api.data("createSpeech", samples.speech(api.dialect, text="a"), clause=clause)


@pytest.mark.billable
@pytest.mark.parametrize("character", ["n", BMP, ASTRAL], ids=["ASCII", "BMP", "astral"])
def test_a_name_has_at_most_20_characters(
    voices_api: Api, receiver: Receiver, character: str
) -> None:
    """A voice_name of 1 to 20 characters is accepted, one of 21 refused with HTTP 400.

    Source: voice-create.name.max-length.
    """
    clause = "voice-create.name.max-length"
    for length in (1, LONGEST_NAME):
        answer = voices_api.call(VOICE, samples.voice(receiver, voice_name=character * length))
        if (
            answer.status == 400
        ):  # maybe there is a voice of that name: that they need not differ is assumed
            other = _another(voices_api, character) * length
            answer = voices_api.call(VOICE, samples.voice(receiver, voice_name=other))
        if answer.pair != (200, 0) and character == ASTRAL:
            told = checks.not_due(answer, f"HTTP 200 for {length} code points")
            raise checks.found(clause, told)
        checks.accepted(answer, clause, f"for a name of {length} characters")
    too_long = samples.voice(receiver, voice_name=character * (LONGEST_NAME + 1))
    words = f"for a name of {LONGEST_NAME + 1} characters"
    voices_api.refused(voices_api.send(VOICE, too_long), VOICE, clause, PARAMETERS, words)


def _another(api: Api, character: str) -> str:
    """A character as wide as another one, in each run another."""
    begin = {1: "a", 3: "\u4e00", 4: "\U0001f300"}[len(character.encode())]
    return chr(ord(begin) + zlib.crc32(api.new_name().encode()) % (26 if begin == "a" else 200))


@pytest.mark.billable
def test_an_empty_text_is_an_absent_field(voices_api: Api, receiver: Receiver) -> None:
    """Optional fields may be empty, as in the official sample: that is as if they were not given.

    An empty external id is none, so that a second one is no duplicate.

    Source: voice-create.empty-is-absent, voice-create.fields, task.info.empty.
    """
    clause = "voice-create.empty-is-absent"
    empty = {"video_id": "", "callback_url": "", "external_task_id": ""}
    for _ in range(2):
        body = samples.voice(receiver, voice_name=voices_api.new_name(), **empty)
        data = voices_api.data(VOICE, body, clause=clause)
        is_empty = not data["task_info"].get("external_task_id")
        words = "task_info is {}, where none is due, as an empty external_task_id is none"
        saw = Said(words, data["task_info"], by=(data,))
        checks.require(is_empty, "task.info.empty", saw)
    if voices_api.dialect == "kkiai":
        checks.kept("voice-create.fields")


@pytest.mark.billable
def test_both_sources_are_accepted(voices_api: Api, receiver: Receiver) -> None:
    """A request with voice_url and video_id is accepted; which one is used is not said.

    Source: voice-create.source.both.
    """
    body = samples.voice(receiver, voice_name=voices_api.new_name(), video_id=VIDEO)
    answer = voices_api.call(VOICE, body)
    if answer.pair != (200, 0):
        raise checks.found("voice-create.source.both", checks.not_due(answer, "HTTP 200"))
    checks.kept("voice-create.source.both")


@pytest.mark.billable
def test_a_voice_of_a_video_is_a_voice(garden: Garden) -> None:
    """A task that learns from a video is one like others: it is found, and listed from then on.

    Whether there is such a video only the server knows, so that it may refuse it.

    Source: voice-create.endpoint, voice-get.by-task-id, voice-list.complete.
    """
    api = garden.api
    request = {"voice_name": api.new_name(), "video_id": VIDEO}
    answer = api.call(VOICE, request)
    if answer.pair != (200, 0):
        pytest.skip("not looked at: the server knows that there is no such video")
    garden.look(garden.oracle.created(request, answer.data))
    try:
        listing.listed(api, garden.oracle, 100)
    except TooManyTasks as reason:
        pytest.skip(f"not looked at: {reason}")


@pytest.mark.billable
@pytest.mark.parametrize("field", ["voice_url", "callback_url"])
def test_an_address_has_at_most_4096_characters(
    voices_api: Api, receiver: Receiver, field: str
) -> None:
    """An address of 4,096 characters is accepted, one of 4,097 refused.

    Source: voice-create.url.max-length.
    """
    clause = "voice-create.url.max-length"
    for length, pairs in ((LONGEST_URL, {(200, 0)}), (LONGEST_URL + 1, PARAMETERS)):
        address = f"{receiver.sample_url}?".ljust(length, "x")
        fields = {"voice_name": voices_api.new_name(), field: address}
        answer = voices_api.call(VOICE, samples.voice(receiver, **fields))
        if answer.pair not in pairs:
            due = "HTTP 200" if length == LONGEST_URL else "HTTP 400"
            told = checks.not_due(answer, f"{due} for an address of {length:,} characters")
            raise checks.found(clause, told)
    checks.kept(clause)


@pytest.mark.billable
@pytest.mark.parametrize(
    ("operation", "field", "clause"),
    [
        ("createSpeech", "voice_id", "speech.voice.id-length"),
        (VOICE, "video_id", "voice-create.video.id-length"),
    ],
)
def test_a_very_long_id_is_refused(
    voices_api: Api, operation: str, field: str, clause: str
) -> None:
    """An id of 257 characters is refused: it could only be unknown.

    Source: speech.voice.id-length, voice-create.video.id-length.
    """
    body = {"voice_name": "Long id"} if operation == VOICE else samples.speech(voices_api.dialect)
    answer = voices_api.call(operation, {**body, field: "1" * (LONGEST_ID + 1)})
    if answer.pair not in PARAMETERS:
        told = checks.not_due(answer, f"HTTP 400 for an id of {LONGEST_ID + 1} characters")
        raise checks.found(clause, told)
    checks.kept(clause)


@pytest.mark.billable
@pytest.mark.parametrize("kind", ODD_IDS)
def test_an_external_id_may_be_anything(voices_api: Api, receiver: Receiver, kind: str) -> None:
    """An external id may be long and of any characters. One that is accepted finds its task.

    Source: voice-create.external-id.no-bound, voice-get.by-external-id, task.info.echo.
    """
    _found_by(voices_api, receiver, [voices_api.target.unique(ODD_IDS[kind])])


@pytest.mark.billable
def test_an_external_id_may_have_a_slash(voices_api: Api, receiver: Receiver) -> None:
    """A task whose external id has a slash is found by it, written %2F.

    A slash of an id is not one of the path, but much that stands in front of servers refuses it or takes it for one:
    not to find the task is a finding, as to refuse the id is.

    Source: voice-create.external-id.no-bound, voice-get.by-external-id.
    """
    word = voices_api.target.unique("2026/11")
    body = samples.voice(receiver, voice_name=voices_api.new_name(), external_task_id=word)
    clause = "voice-create.external-id.no-bound"
    answer = voices_api.call(VOICE, body)
    if answer.pair != (200, 0):
        told = checks.not_due(answer, "HTTP 200 for the external id {}", "", word)
        raise checks.found(clause, told)
    found = voices_api.send("getCustomVoice", name=word)
    if found.pair != (200, 0):
        told = checks.not_due(found, "the task with the external id {}", "", word)
        raise checks.found(clause, told)
    checks.conforms(found, voices_api.document.operations["getCustomVoice"])
    saw = another(found.data, answer.data["task_id"], answer)
    own = found.data["task_id"] == answer.data["task_id"]
    checks.require(own, "voice-get.by-external-id", saw)


@pytest.mark.billable
def test_an_external_id_has_capitals(voices_api: Api, receiver: Receiver) -> None:
    """Two external ids that differ in the case of letters only are two.

    Source: voice-create.external-id.no-bound, voice-get.by-external-id, task.info.echo.
    """
    word = voices_api.target.unique("Capitals")
    _found_by(voices_api, receiver, [word, word.replace("Capitals", "cAPITALS")])


def _found_by(api: Api, receiver: Receiver, words: list[str]) -> None:
    """Tasks are made with external ids; each is found by its own. To refuse an alphabet is another reading."""
    clause = "voice-create.external-id.no-bound"
    made = {}
    for word in words:
        body = samples.voice(receiver, voice_name=api.new_name(), external_task_id=word)
        answer = api.call(VOICE, body)
        if answer.pair != (200, 0):
            told = checks.not_due(answer, "HTTP 200 for the external id {}", "", word)
            raise checks.found(clause, told)
        made[word] = answer.data
    checks.kept(clause)
    for word, record in made.items():
        for seen in (record, found := api.voice(word)):
            shown = (seen.get("task_info") or {}).get("external_task_id")
            words_of = "task_info.external_task_id is {}, where {} was given and is due"
            saw = Said(words_of, shown, word, by=(seen,))
            checks.require(shown == word, "task.info.echo", saw)
        own = found["task_id"] == record["task_id"]
        saw = another(found, record["task_id"], record)
        checks.require(own, "voice-get.by-external-id", saw)
