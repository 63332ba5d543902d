"""Servers with one deliberate defect each in how they answer single requests: wrappers around the mock."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mock_server.http.app import create_app
from mock_server.settings import Settings

_QUIET = Settings(quiet=True)
#: Where no defect is planted.
_CONTROL = "/__mock__"


@dataclass
class Exchange:
    """A request and, once there is one, its answer. A defect changes it in place.

    Attributes:
        status: 0 until there is an answer.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    raw: bytes
    status: int = 0
    body: bytes = b""
    content_type: str | None = "application/json"

    @property
    def asked(self) -> dict[str, Any]:
        """The request's JSON object; empty where it is none."""
        try:
            found = json.loads(self.raw)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def answer(self) -> dict[str, Any]:
        """The answer's JSON object."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def ask(self, **fields: Any) -> None:
        """Replaces fields of the request."""
        self.raw = json.dumps({**self.asked, **fields}).encode()

    def say(self, **fields: Any) -> None:
        """Replaces fields of the answer."""
        self.body = json.dumps({**self.answer, **fields}).encode()

    def refuse(self, status: int, code: int) -> None:
        """Replaces the answer by a refusal."""
        request_id = self.answer["request_id"]
        self.status = status
        self.body = json.dumps({"code": code, "message": "no", "request_id": request_id}).encode()

    @property
    def is_refusal(self) -> bool:
        """Whether the answer is an error."""
        return self.status >= 400


Change = Callable[[Exchange], None]


class Altered:
    """An application whose requests and answers are changed on the way.

    Args:
        before: changes a request.
        after: changes an answer; the request stands beside it as it was sent.
    """

    def __init__(self, before: Change | None = None, after: Change | None = None) -> None:
        self._app: ASGIApp = create_app(_QUIET)
        self._before = before
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the mock does, but for the defect."""
        if scope["type"] != "http" or scope["path"].startswith(_CONTROL):
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        raw = await _whole(receive)
        query = scope["query_string"].decode("latin-1")
        seen = Exchange(scope["method"], scope["path"], query, headers, raw)
        if self._before is not None:
            self._before(seen)
        await self._ask(scope, seen)
        seen.raw = raw
        if self._after is not None:
            self._after(seen)
        await _send(send, seen)

    async def _ask(self, scope: Scope, seen: Exchange) -> None:
        messages: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": seen.raw, "more_body": False}

        async def keep(message: Message) -> None:
            messages.append(message)

        headers = {**seen.headers, "content-length": str(len(seen.raw))}
        listed = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
        ]
        query = seen.query.encode("latin-1")
        await self._app({**scope, "headers": listed, "query_string": query}, receive, keep)
        seen.status = messages[0]["status"]
        seen.body = b"".join(item.get("body", b"") for item in messages[1:])
        answered = dict(messages[0]["headers"])
        seen.content_type = answered.get(b"content-type", b"").decode()


def _is_speech(seen: Exchange) -> bool:
    return seen.method == "POST" and seen.path.endswith("/tts")


def _is_voice(seen: Exchange) -> bool:
    return seen.method == "POST" and seen.path.endswith("/custom-voices")


def _is_library(seen: Exchange) -> bool:
    return seen.path.endswith("/presets-voices")


def _is_api(seen: Exchange) -> bool:
    return not seen.path.startswith("/media")


# ---- bounds and types ------------------------------------------------------------------------------------------


def _shortens(field: str, length: int) -> Callable[[], ASGIApp]:
    """A text that is one too long is cut."""

    def before(seen: Exchange) -> None:
        value = seen.asked.get(field)
        if isinstance(value, str) and len(value) == length + 1:
            seen.ask(**{field: value[:length]})

    return lambda: Altered(before)


def _refuses(
    is_too_much: Callable[[dict[str, Any]], bool], code: int = 1201
) -> Callable[[], ASGIApp]:
    """Requests of some kind are refused."""

    def after(seen: Exchange) -> None:
        if seen.status == 200 and _is_api(seen) and is_too_much(seen.asked):
            seen.refuse(400, code)

    return lambda: Altered(after=after)


def _length(asked: dict[str, Any], field: str) -> int:
    value = asked.get(field)
    return len(value) if isinstance(value, str) else 0


def _bytes(asked: dict[str, Any], field: str) -> int:
    value = asked.get(field)
    return len(value.encode("utf-8", "replace")) if isinstance(value, str) else 0


def _takes(
    field: str, kind: type, instead: Callable[[Any], Any], *but: object
) -> Callable[[], ASGIApp]:
    """A value of a wrong type is made into a right one."""

    def before(seen: Exchange) -> None:
        value = seen.asked.get(field)
        if type(value) is kind and value not in but:
            seen.ask(**{field: instead(value)})

    return lambda: Altered(before)


# ---- answers ---------------------------------------------------------------------------------------------------


def _errors(change: Change, status: int = 0) -> Callable[[], ASGIApp]:
    """Refusals, or those of one HTTP status, are changed."""

    def after(seen: Exchange) -> None:
        if seen.is_refusal and _is_api(seen) and status in (0, seen.status):
            change(seen)

    return lambda: Altered(after=after)


def _type(content_type: str | None) -> Change:
    def change(seen: Exchange) -> None:
        seen.content_type = content_type

    return change


def _status(status: int) -> Change:
    def change(seen: Exchange) -> None:
        seen.status = status

    return change


def _without_request_id(seen: Exchange) -> None:
    kept = {name: value for name, value in seen.answer.items() if name != "request_id"}
    seen.body = json.dumps(kept).encode()


def _library_without_type() -> ASGIApp:
    def after(seen: Exchange) -> None:
        if _is_library(seen):
            seen.content_type = None

    return Altered(after=after)


def _speech(change: Callable[[dict[str, Any]], object]) -> Callable[[], ASGIApp]:
    """The data of a speech is changed."""

    def after(seen: Exchange) -> None:
        if _is_speech(seen) and seen.status == 200:
            data = seen.answer["data"]
            change(data)
            seen.say(data=data)

    return lambda: Altered(after=after)


def _audio(**fields: Callable[[Any], Any]) -> Callable[[], ASGIApp]:
    """Fields of the audio are changed."""

    def change(data: dict[str, Any]) -> None:
        for audio in data["task_result"]["audios"]:
            audio.update({name: of(audio[name]) for name, of in fields.items()})

    return _speech(change)


def _not_yet(data: dict[str, Any]) -> None:
    data.update(task_status="submitted", task_result={})


def _spoken_at(tenths: Callable[[float], float]) -> Callable[[], ASGIApp]:
    """A speed is rounded in another way; only the length of the audio shows it.

    Args:
        tenths: the speed that is spoken at, given the one asked for, both in tenths.
    """

    def after(seen: Exchange) -> None:
        speed = seen.asked.get("voice_speed", 1.0)
        if not _is_speech(seen) or seen.status != 200 or not 0.8 < speed < 2.0:
            return
        data = seen.answer["data"]
        for audio in data["task_result"]["audios"]:
            rounded = int(speed * 10 + 0.5)
            audio["duration"] = f"{float(audio['duration']) * rounded / tenths(speed * 10):.3f}"
        seen.say(data=data)

    return lambda: Altered(after=after)


def _page_instead_of_audio() -> ASGIApp:
    def after(seen: Exchange) -> None:
        if seen.path.startswith("/media"):
            seen.body, seen.content_type = b"<html>Log in</html>", "text/html"

    return Altered(after=after)


def _lists_of_one() -> ASGIApp:
    def after(seen: Exchange) -> None:
        if "/custom-voices/" in seen.path and seen.status == 200:
            seen.say(data=[seen.answer["data"]])

    return Altered(after=after)


# ---- credentials -----------------------------------------------------------------------------------------------


def _lets_in(path: str) -> Callable[[], ASGIApp]:
    """One operation wants no credential."""

    def before(seen: Exchange) -> None:
        if seen.path.endswith(path):
            seen.headers.setdefault("authorization", "Bearer nobody")

    return lambda: Altered(before)


def _any_scheme() -> ASGIApp:
    def before(seen: Exchange) -> None:
        scheme, _, credential = seen.headers.get("authorization", "").partition(" ")
        if scheme and credential:
            seen.headers["authorization"] = f"Bearer {credential}"

    return Altered(before)


def _lets_tokens_in(code: int) -> Callable[[], ASGIApp]:
    """A token out of its time is let in."""

    def after(seen: Exchange) -> None:
        if seen.status == 401 and seen.answer["code"] == code:
            seen.status = 200
            seen.say(code=0, message="SUCCEED", data=[])

    return lambda: Altered(after=after)


def _account_per_token() -> ASGIApp:
    def before(seen: Exchange) -> None:
        header = seen.headers.get("authorization", "")
        if header.count(".") == 2:
            seen.headers["authorization"] = "Bearer " + header[-40:].replace(".", "")

    return Altered(before)


# ---- pages -----------------------------------------------------------------------------------------------------


def _pages(change: Callable[[dict[str, str]], object]) -> Callable[[], ASGIApp]:
    """The parameters of a list are changed."""

    def before(seen: Exchange) -> None:
        query = dict(parse_qsl(seen.query))
        change(query)
        seen.query = urlencode(query)

    return lambda: Altered(before)


def _library(change: Callable[[list[Any]], object]) -> Callable[[], ASGIApp]:
    """A page of the library is changed."""

    def after(seen: Exchange) -> None:
        if _is_library(seen) and seen.status == 200:
            data = seen.answer["data"]
            change(data)
            seen.say(data=data)

    return lambda: Altered(after=after)


def _owned_by_somebody(tasks: list[Any]) -> None:
    for task in tasks[-1:]:
        task["task_result"]["voices"][0]["owned_by"] = "8812203"


def _largest_page(size: int) -> Callable[[], ASGIApp]:
    def after(seen: Exchange) -> None:
        if int(dict(parse_qsl(seen.query)).get("pageSize", "1")[:9] or "1") > size:
            seen.refuse(400, 1201)

    def is_number(seen: Exchange) -> None:
        if seen.status == 200 and "pageSize" in seen.query:
            after(seen)

    return lambda: Altered(after=is_number)


# ---- crashes ---------------------------------------------------------------------------------------------------


def _crashes(is_odd: Callable[[Exchange], bool]) -> Callable[[], ASGIApp]:
    """Some requests are HTTP 500."""

    def after(seen: Exchange) -> None:
        if _is_api(seen) and is_odd(seen):
            seen.refuse(500, 5000)

    return lambda: Altered(after=after)


# ---- EzModel ---------------------------------------------------------------------------------------------------


def _no_callback() -> ASGIApp:
    return Altered(lambda seen: seen.ask(callback_url="") if "callback_url" in seen.asked else None)


def _seconds(data: dict[str, Any]) -> None:
    data["duration"] = round(data["duration"] / 1000)


# ---- another reading -------------------------------------------------------------------------------------------

#: All fields that the documents name.
_KNOWN = {
    *("text", "voice_id", "voice_language", "voice_speed", "speed", "volume"),
    *("voice_name", "voice_url", "video_id", "callback_url", "external_task_id"),
}


def _is_refused_elsewhere(seen: Exchange) -> bool:
    """What a server refuses that reads every assumed rule about requests more narrowly than the mock."""
    asked, limit = seen.asked, 10_000 if seen.path.startswith("/kling/v1/tts") else 1000
    official = seen.path.endswith("/audio/tts")
    return (
        (bool(seen.raw) and "json" not in seen.headers.get("content-type", ""))
        or bool(set(asked) - _KNOWN)
        or _units(asked, "text") > limit
        or _units(asked, "voice_name") > 20
        or (official and "voice_language" not in asked)
        or (official and not 0.8 <= asked.get("voice_speed", 1) <= 2)
        or _units(asked, "external_task_id") > 64
        or max(_units(asked, "voice_url"), _units(asked, "callback_url")) > 2048
    )


def _units(asked: dict[str, Any], field: str) -> int:
    """UTF-16 units."""
    return sum(1 + (character > "\uffff") for character in str(asked.get(field, "")))


def _read_elsewhere(seen: Exchange) -> None:
    if not _is_api(seen):
        return
    flat = seen.path.startswith("/kling/v1/tts")
    if len(seen.raw) > 1_000_000:
        seen.status, seen.body, seen.content_type = 413, b"<html>too large</html>", "text/html"
    elif seen.status == 401 and seen.raw and not seen.asked:  # the body comes first
        seen.refuse(400, 400 if flat else 1200)
    elif seen.status == 404 and not seen.headers.get("authorization"):  # so does the credential
        seen.refuse(401, 401 if flat else 1001)
    elif seen.status == 200 and _is_refused_elsewhere(seen):
        seen.refuse(400, 400 if flat else 1201)


def reads_otherwise() -> ASGIApp:
    """A healthy server that reads every assumed rule about requests in another way."""
    return Altered(after=_read_elsewhere)


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _send(send: Send, seen: Exchange) -> None:
    headers = [(b"content-length", str(len(seen.body)).encode())]
    if seen.content_type:
        headers.append((b"content-type", seen.content_type.encode()))
    await send({"type": "http.response.start", "status": seen.status, "headers": headers})
    await send({"type": "http.response.body", "body": seen.body})


_MAKE = Callable[[], ASGIApp]
BOUNDS: dict[str, tuple[_MAKE, str]] = {
    "text_of_1001": (_shortens("text", 1000), "speech.text.max-length"),
    "text_of_999": (_refuses(lambda asked: _length(asked, "text") > 999), "speech.text.max-length"),
    "text_in_bytes": (
        _refuses(lambda asked: _bytes(asked, "text") > 1000),
        "speech.text.max-length",
    ),
    "text_of_two": (_refuses(lambda asked: _length(asked, "text") == 1), "speech.endpoint"),
    "name_of_21": (_shortens("voice_name", 20), "voice-create.name.max-length"),
    "name_of_19": (
        _refuses(lambda asked: _length(asked, "voice_name") > 19),
        "voice-create.name.max-length",
    ),
    "name_in_bytes": (
        _refuses(lambda asked: _bytes(asked, "voice_name") > 20),
        "voice-create.name.max-length",
    ),
    "any_language": (
        _takes("voice_language", str, lambda _value: "en", "zh", "en"),
        "speech.language.enum",
    ),
    "language_in_any_case": (
        _takes("voice_language", str, str.lower, "zh", "en"),
        "speech.language.enum",
    ),
    "language_en_by_default": (
        lambda: Altered(
            lambda seen: (
                seen.ask(**{"voice_language": "en", **seen.asked})
                if seen.asked.get("voice_id") == "oversea_male1"
                else None
            )
        ),
        "speech.language.default",
    ),
    "numbers_are_texts": (_takes("text", int, str), "schema.request.refused"),
    "true_is_a_number": (_takes("voice_speed", bool, float), "schema.request.refused"),
    "numbers_are_external_ids": (_takes("external_task_id", int, str), "schema.request.refused"),
    "empty_is_a_value": (
        _refuses(lambda asked: asked.get("external_task_id") == ""),
        "voice-create.empty-is-absent",
    ),
}
ANSWERS: dict[str, tuple[_MAKE, str]] = {
    "unauthorized_with_200": (_errors(_status(200), 401), "envelope.code-zero"),
    "illegal_value_with_404": (_errors(_status(404), 400), "errors.code-matches-status"),
    "forbidden_instead_of_401": (_errors(_status(403), 401), "errors.code-matches-status"),
    "wrong_method_with_405": (_errors(_status(405), 404), "errors.code-matches-status"),
    "wrong_method_is_no_path": (
        _errors(lambda seen: seen.say(code=1203), 404),
        "errors.1202",
    ),
    "code_as_text": (
        _errors(lambda seen: seen.say(code=str(seen.answer["code"]))),
        "errors.code-is-integer",
    ),
    "data_on_errors": (_errors(lambda seen: seen.say(data=None)), "errors.no-data"),
    "no_request_id_on_401": (_errors(_without_request_id, 401), "envelope.request-id"),
    "no_request_id_on_404": (_errors(_without_request_id, 404), "envelope.request-id"),
    "one_request_id_for_errors": (
        _errors(lambda seen: seen.say(request_id="00000000")),
        "envelope.request-id",
    ),
    "request_id_a_number": (
        lambda: Altered(after=lambda seen: seen.say(request_id=7) if _is_api(seen) else None),
        "envelope.request-id",
    ),
    "empty_message": (_errors(lambda seen: seen.say(message="")), "envelope.message"),
    "errors_as_html": (_errors(_type("text/html")), "envelope.json"),
    "library_without_content_type": (_library_without_type, "envelope.json"),
    "lists_of_one": (_lists_of_one, "voice-get.object"),
}
SPEECHES: dict[str, tuple[_MAKE, str]] = {
    "speech_not_yet": (_speech(_not_yet), "speech.synchronous"),
    "speech_without_audio": (
        _speech(lambda data: data.update(task_result={})),
        "speech.result.when-succeed",
    ),
    "duration_a_number": (_audio(duration=float), "speech.duration.string"),
    "duration_in_milliseconds": (
        _audio(duration=lambda value: str(float(value) * 1000)),
        "speech.duration.string",
    ),
    "speed_not_rounded": (_spoken_at(lambda tenths: tenths), "speech.speed.one-decimal"),
    "speed_cut": (_spoken_at(lambda tenths: int(tenths + 1e-9)), "speech.speed.one-decimal"),
    "relative_url": (_audio(url=lambda url: "/" + url.split("/", 3)[3]), "schema.answer"),
    "dead_url": (_audio(url=lambda url: url.replace("/speech/", "/gone/")), "media.url.no-auth"),
    "a_page_for_audio": (_page_instead_of_audio, "speech.mp3"),
    "one_audio_id": (_audio(id=lambda _id: "930801290416885794"), "ids.unique"),
    "audio_for_a_month_of_48_days": (
        _audio(url=lambda url: url[:-10] + str(int(url[-10:]) + 18 * 86_400)),
        "media.url.expires",
    ),
    "audio_for_a_week": (
        _audio(url=lambda url: url[:-10] + str(int(url[-10:]) - 23 * 86_400)),
        "media.url.expires",
    ),
}
CREDENTIALS: dict[str, tuple[_MAKE, str]] = {
    "open_library": (_lets_in("/presets-voices"), "auth.required"),
    "open_deletion": (_lets_in("/delete-voices"), "auth.required"),
    "open_query": (_lets_in("/no-such-task"), "auth.required"),
    "any_scheme": (_any_scheme, "auth.malformed"),
    "expired_tokens": (_lets_tokens_in(1004), "auth.expired"),
    "early_tokens": (_lets_tokens_in(1003), "auth.not-yet-valid"),
    "account_per_token": (_account_per_token, "auth.account"),
}
PAGES: dict[str, tuple[_MAKE, str]] = {
    "first_page_always": (_pages(lambda query: query.pop("pageNum", "")), "paging.number"),
    "thirty_always": (_pages(lambda query: query.pop("pageSize", "")), "paging.size.counts-tasks"),
    "cut_lists": (
        _pages(
            lambda query: query.update(pageSize="3") if query.get("pageSize") == "500" else None
        ),
        "voice-list.no-total",
    ),
    "one_too_few": (_library(lambda tasks: tasks[1:] and tasks.pop()), "paging.number"),
    "somebody_s_preset": (_library(_owned_by_somebody), "presets.owner"),
    "pages_of_499": (_largest_page(499), "paging.size.max"),
}
CRASHES: dict[str, tuple[_MAKE, str]] = {
    "crashes_on_nan": (_crashes(lambda seen: b"NaN" in seen.raw), "server.no-5xx"),
    "crashes_on_huge_numbers": (_crashes(lambda seen: b"9" * 300 in seen.raw), "server.no-5xx"),
    "crashes_on_1e400": (_crashes(lambda seen: b"1e400" in seen.raw), "server.no-5xx"),
    "crashes_on_an_empty_body": (
        _crashes(lambda seen: seen.method == "POST" and not seen.raw),
        "server.no-5xx",
    ),
    "crashes_on_a_null_body": (_crashes(lambda seen: seen.raw == b"null"), "server.no-5xx"),
    "crashes_on_no_object": (_crashes(lambda seen: seen.raw[:1] == b"["), "server.no-5xx"),
    "crashes_on_a_byte_order_mark": (
        _crashes(lambda seen: seen.raw.startswith(b"\xef\xbb\xbf")),
        "server.no-5xx",
    ),
    "crashes_on_an_empty_page": (_crashes(lambda seen: seen.query == "pageNum="), "server.no-5xx"),
    "crashes_on_odd_digits": (_crashes(lambda seen: "%D9%A3" in seen.query), "server.no-5xx"),
    "crashes_on_long_ids": (_crashes(lambda seen: len(seen.path) > 2000), "server.no-5xx"),
    "crashes_on_no_content_type": (
        _crashes(lambda seen: seen.method == "POST" and "content-type" not in seen.headers),
        "server.no-5xx",
    ),
    "crashes_on_odd_fields": (_crashes(lambda seen: b"__proto__" in seen.raw), "server.no-5xx"),
}
EZMODEL: dict[str, tuple[_MAKE, str]] = {
    "ez_text_of_10001": (_shortens("text", 10_000), "ez.text.max-length"),
    "ez_text_of_9999": (
        _refuses(lambda asked: _length(asked, "text") > 9999, 400),
        "ez.text.max-length",
    ),
    "ez_text_in_bytes": (
        _refuses(lambda asked: _bytes(asked, "text") > 10_000, 400),
        "ez.text.max-length",
    ),
    "ez_speed_below_2": (_refuses(lambda asked: asked.get("speed") == 2, 400), "ez.speed.range"),
    "ez_speed_above_half": (
        _refuses(lambda asked: asked.get("speed") == 0.5, 400),
        "ez.speed.range",
    ),
    "ez_speed_clamped": (
        _takes("speed", float, lambda value: min(max(value, 0.5), 2.0)),
        "ez.speed.range",
    ),
    "ez_no_silence": (_refuses(lambda asked: asked.get("volume") == 0, 400), "ez.volume.range"),
    "ez_volume_clamped": (
        _takes("volume", float, lambda value: min(max(value, 0.0), 2.0)),
        "ez.volume.range",
    ),
    "ez_texts_are_numbers": (_takes("speed", str, lambda _value: 1.0), "ez.errors.400"),
    "ez_no_callback": (_no_callback, "ez.callback.sent"),
    "ez_duration_in_seconds": (_speech(_seconds), "ez.duration.milliseconds"),
    "ez_official_codes": (
        _errors(lambda seen: seen.say(code=1201), 400),
        "ez.errors.code-is-status",
    ),
    "ez_open": (_lets_in("/tts"), "ez.errors.401"),
}

#: The mutants, each with a clause that must name it; those whose name begins with ez are EzModel's.
MUTANTS: dict[str, tuple[Callable[[], ASGIApp], str]] = {
    **BOUNDS,
    **ANSWERS,
    **SPEECHES,
    **CREDENTIALS,
    **PAGES,
    **CRASHES,
    **EZMODEL,
}
