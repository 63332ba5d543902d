"""Defects of the official text-to-speech, and of what bad input does."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.broken.base import Exchange, Table
from tests.healthy.server import Reply, Request, Server

TABLE = Table()
wire = TABLE.wire
second = TABLE.second


@wire("speech.result.when-succeed")
def speech_without_result(seen: Exchange) -> None:
    """A speech in succeed has no audio."""
    if seen.audio:
        seen.data["task_result"] = {}


@wire("speech.synchronous")
def speech_later(seen: Exchange) -> None:
    """A speech is only submitted, as other products do."""
    if seen.audio:
        seen.data["task_status"] = "submitted"
        seen.data["task_result"] = {}


@wire("speech.no-task-info|schema.answer")
def speech_with_task_info(seen: Exchange) -> None:
    """A speech has a task_info."""
    if seen.audio:
        seen.data["task_info"] = {}


@wire("speech.duration.true")
def twice_the_duration(seen: Exchange) -> None:
    """The stated duration is twice that of the file."""
    if seen.audio:
        seen.audio["duration"] = f"{float(seen.audio['duration']) * 2:.3f}"


@wire("speech.duration.true")
def long_durations_estimated(seen: Exchange) -> None:
    """The stated duration of a long text is a tenth too long."""
    if seen.audio and len(seen.text("text")) > 500:
        seen.audio["duration"] = f"{float(seen.audio['duration']) * 1.1:.3f}"


@wire("speech.duration.true")
def fast_durations_estimated(seen: Exchange) -> None:
    """The stated duration is that at speed 1, whatever the speed."""
    if seen.audio:
        lasts_s = float(seen.audio["duration"]) * seen.asked.get("voice_speed", 1)
        seen.audio["duration"] = f"{lasts_s:.3f}"


def _unhurried(seen: Exchange) -> None:
    if seen.operation == "speech" and isinstance(seen.asked.get("voice_speed"), int | float):
        seen.asked["voice_speed"] = 1.0
        seen.content = json.dumps(seen.asked).encode()


@wire("speech.speed.clamped", before=_unhurried)
def speed_ignored(seen: Exchange) -> None:
    """Every speed is read as 1."""


@second("speech.duration.true")
class _LongOnesCut(Server):
    """The file of a long text breaks off at half."""

    def file(self, request: Request) -> Reply:
        name = request.path.rpartition("/")[2]
        frames = name.removesuffix(".mp3")
        if frames.isdecimal() and int(frames) > 1000:
            path = request.path.replace(name, f"{int(frames) // 2}.mp3")
            return super().file(replace(request, path=path))
        return super().file(request)


@second("media.url.expires")
class _FetchedOnce(Server):
    """A file is there for one look."""

    def file(self, request: Request) -> Reply:
        looks: set[str] = self.__dict__.setdefault("looks", set())
        if request.path in looks:
            return Reply(404, b"gone", "text/plain")
        looks.add(request.path)
        return super().file(request)


@wire("speech.price")
def price_by_length(seen: Exchange) -> None:
    """A text of more than 100 characters costs twice as much."""
    if seen.operation == "speech" and seen.accepted and len(seen.text("text")) > 100:
        seen.data["final_unit_deduction"] = "0.10"


@wire("speech.endpoint")
def refuses_line_ends(seen: Exchange) -> None:
    """A text with a line end or a tab is refused."""
    if seen.operation == "speech" and {*"\n\r\t"} & {*seen.text("text")}:
        seen.refuse(400, 1201)


@wire("speech.duration.true|speech.duration.string")
def duration_in_milliseconds(seen: Exchange) -> None:
    """The duration is a text of milliseconds."""
    if seen.audio:
        seen.audio["duration"] = str(round(float(seen.audio["duration"]) * 1000))


@wire("speech.duration.string")
def numeric_duration(seen: Exchange) -> None:
    """The duration is a number."""
    if seen.audio:
        seen.audio["duration"] = float(seen.audio["duration"])


@wire("speech.duration.string")
def duration_with_a_unit(seen: Exchange) -> None:
    """The duration is a text like 5.04s."""
    if seen.audio:
        seen.audio["duration"] += "s"


@wire("media.url.no-auth")
def dead_audio(seen: Exchange) -> None:
    """The address of the audio leads nowhere."""
    if seen.audio:
        seen.audio["url"] = seen.audio["url"].replace("/media/", "/v1/media/")


@wire("media.url.no-auth|schema.answer")
def relative_audio(seen: Exchange) -> None:
    """The address of the audio is a path."""
    if seen.audio:
        seen.audio["url"] = "/media/1.mp3"


@wire("media.url.no-auth")
def audio_needs_a_key(seen: Exchange) -> None:
    """The address of the audio is one of the API and wants the key."""
    if seen.audio:
        seen.audio["url"] = seen.audio["url"].partition("/media/")[0] + "/v1/general/presets-voices"


@wire("speech.mp3|media.url.no-auth")
def audio_is_a_page(seen: Exchange) -> None:
    """The address of the audio leads to something else."""
    if seen.audio:
        seen.audio["url"] = seen.audio["url"].partition("/media/")[0] + "/__mock__/health"


@wire("speech.text.max-length")
def one_character_more(seen: Exchange) -> None:
    """A text of 1,001 characters is spoken."""
    if seen.operation == "speech" and len(seen.text("text")) == 1001:
        seen.speak()


@wire("speech.text.max-length")
def one_character_less(seen: Exchange) -> None:
    """A text of 1,000 characters is refused."""
    if seen.operation == "speech" and len(seen.text("text")) == 1000:
        seen.refuse(400, 1201)


@wire("speech.text.max-length|schema.request.refused")
def any_length(seen: Exchange) -> None:
    """A text of any length is spoken."""
    if seen.operation == "speech" and len(seen.text("text")) > 1000:
        seen.speak()


@wire("speech.text.code-points|speech.text.max-length")
def utf16_units(seen: Exchange) -> None:
    """Characters beyond the basic plane count twice."""
    units = len(seen.text("text").encode("utf-16-le", "surrogatepass")) // 2
    if seen.operation == "speech" and units > 1000:
        seen.refuse(400, 1201)


@wire("speech.text.error-code|schema.request.refused")
def empty_text(seen: Exchange) -> None:
    """An empty text is spoken."""
    if seen.operation == "speech" and seen.asked.get("text") == "" and seen.asked.get("voice_id"):
        seen.speak()


@wire("speech.text.error-code|schema.request.refused")
def numbers_for_texts(seen: Exchange) -> None:
    """A number is read aloud."""
    if seen.operation == "speech" and type(seen.asked.get("text")) is int:
        seen.speak()


@wire("speech.text.error-code|errors.1200-or-1201")
def review_code_for_long_texts(seen: Exchange) -> None:
    """A text that is too long is refused with 1301."""
    if seen.status == 400 and len(seen.text("text")) > 1000:
        seen.refuse(400, 1301)


@wire("speech.voice.unknown")
def a_voice_for_all(seen: Exchange) -> None:
    """An unknown voice speaks, in another's voice."""
    if "Voice id not found" in seen.body.get("message", "") and seen.operation == "speech":
        seen.speak()


@wire("speech.voice.unknown")
def unknown_voice_1200(seen: Exchange) -> None:
    """An unknown voice is refused with code 1200."""
    if "Voice id not found" in seen.body.get("message", "") and seen.operation == "speech":
        seen.body["code"] = 1200


@wire("speech.voice.unknown")
def unknown_voice_404(seen: Exchange) -> None:
    """An unknown voice is refused with HTTP 404 and code 1203."""
    if "Voice id not found" in seen.body.get("message", "") and seen.operation == "speech":
        seen.refuse(404, 1203)


@wire("speech.voice.language-mismatch")
def speaks_every_language(seen: Exchange) -> None:
    """Voices speak the languages they do not speak."""
    asked = (seen.text("voice_id"), seen.text("voice_language"))
    if seen.operation == "speech" and not seen.accepted and asked == ("oversea_male1", "zh"):
        seen.speak()


@wire("speech.language.enum|schema.request.refused")
def more_languages(seen: Exchange) -> None:
    """French is spoken."""
    if seen.operation == "speech" and seen.text("voice_language") == "fr":
        seen.speak()


def _english(seen: Exchange) -> None:
    if seen.operation == "speech" and seen.asked and "voice_language" not in seen.asked:
        seen.content = seen.content.strip()[:-1] + b', "voice_language": "en"}'


@wire("speech.language.default", before=_english)
def english_by_default(seen: Exchange) -> None:
    """A missing language is read as en."""


@wire("speech.speed.out-of-range")
def refused_speed(seen: Exchange) -> None:
    """A speed outside 0.8 to 2.0 is refused."""
    speed = seen.asked.get("voice_speed", 1)
    if seen.operation == "speech" and isinstance(speed, int | float) and not 0.8 <= speed <= 2:
        seen.refuse(400, 1201)


@wire("speech.speed.type|schema.request.refused")
def speed_in_words(seen: Exchange) -> None:
    """A speed may be a word."""
    if seen.operation == "speech" and seen.text("voice_speed").isalpha():
        seen.speak()


@wire("server.no-5xx")
def fails_on_line_ends(seen: Exchange) -> None:
    """A text with a line end makes the server fail."""
    if seen.operation == "speech" and "\n" in seen.text("text"):
        seen.refuse(500, 5000)


@wire("server.no-5xx")
def fails_on_emoji(seen: Exchange) -> None:
    """A character beyond the basic plane makes the server fail."""
    if any(char > "\uffff" for char in seen.text("text") + seen.text("voice_name")):
        seen.refuse(500, 5000)


@wire("server.no-5xx")
def fails_on_depth(seen: Exchange) -> None:
    """A deeply nested body makes the server fail."""
    if seen.content.count(b"[") > 500:
        seen.refuse(500, 5000)


@wire("server.no-5xx")
def fails_on_other_json(seen: Exchange) -> None:
    """A body that is JSON but no object makes the server fail."""
    if seen.content.strip()[:1] in (b"[", b'"', b"n"):
        seen.refuse(500, 5000)


@wire("server.no-5xx")
def fails_on_long_bodies(seen: Exchange) -> None:
    """A body of more than 100 kB makes the server fail."""
    if len(seen.content) > 100_000:
        seen.refuse(500, 5000)


@wire("server.no-5xx")
def fails_on_large_numbers(seen: Exchange) -> None:
    """A number that fits into no double makes the server fail."""
    speed = seen.asked.get("voice_speed", 0)
    if isinstance(speed, int | float) and abs(speed) > 1e300:
        seen.refuse(500, 5000)


@wire("server.no-5xx")
def fails_on_large_pages(seen: Exchange) -> None:
    """A page size beyond 64 bits makes the server fail."""
    if any(len(word) > 19 for word in seen.query.replace("&", "=").split("=")):
        seen.refuse(500, 5000)


@wire("server.no-5xx")
def fails_on_percent_signs(seen: Exchange) -> None:
    """A percent sign in an id makes the server fail."""
    if seen.operation == "query" and "%" in seen.path:
        seen.refuse(500, 5000)


@wire("server.no-5xx")
def fails_on_objects(seen: Exchange) -> None:
    """An object or array where a text is due makes the server fail."""
    if any(isinstance(value, dict | list) for value in seen.asked.values()):
        seen.refuse(500, 5000)


@wire("server.no-5xx")
def fails_on_null(seen: Exchange) -> None:
    """Null where a text is due makes the server fail."""
    if None in seen.asked.values():
        seen.refuse(500, 5000)
