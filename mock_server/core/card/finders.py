"""What lints look for in a request: every way of asking that sources leave open, or that only the mock lets pass.

Each says in words what it has found, or nothing.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from mock_server.core.card.evidence import Evidence, Request, plural
from mock_server.core.card.voices import is_past_end, page_of
from mock_server.core.errors import Reason
from mock_server.core.speech import is_in_range, rounded_speed
from mock_server.core.task import CustomVoice, TaskStatus, observe

_POSTS = ("createSpeech", "createCustomVoice", "deleteVoice")
_LISTS = ("listCustomVoices", "listPresetVoices")
_FOREIGN = ("callback_url", "external_task_id")
_PAGING = ("pageNum", "pageSize")
_PLAIN_ID = re.compile(r"[A-Za-z0-9._~:-]{1,64}")
_MEDIA = (".mp3", ".wav", ".mp4", ".mov")
#: Characters (documented) that a text and a name may have.
_TEXT, _NAME = 1000, 20
#: Seconds that samples of tokens live (documented), and the margin that their nbf leaves for clocks that differ.
_TOKEN_S, _MARGIN_S = 1800, 1.0
_LARGE_PAGE = 500
#: Words of a sender that are quoted.
_QUOTED = 60


def quoted(text: str) -> str:
    """What a client sent, in quotes, cut."""
    return repr(text if len(text) <= _QUOTED else text[:_QUOTED] + "...")


def _is_speech(request: Request) -> bool:
    return request.operation == "createSpeech" and bool(request.fields)


def _is_official_speech(request: Request) -> bool:
    return _is_speech(request) and request.dialect != "ezmodel"


def is_voice(request: Request) -> bool:
    """Whether a voice is ordered."""
    return request.operation == "createCustomVoice" and bool(request.fields)


# ---- fields ---------------------------------------------------------------------------------


def _unknown_fields(request: Request, evidence: Evidence) -> str | None:
    known = evidence.fields.get((request.dialect, request.operation))
    if known is None:
        return None
    foreign = _FOREIGN if request.operation == "createSpeech" else ()
    names = [name for name in request.fields if name not in known and name not in foreign]
    return f"field {', '.join(quoted(name) for name in names[:5])}" if names else None


def official(request: Request, evidence: Evidence) -> str | None:
    """Fields that the reference does not name."""
    return None if request.dialect == "ezmodel" else _unknown_fields(request, evidence)


def of_ezmodel(request: Request, evidence: Evidence) -> str | None:
    """Fields that the page of EzModel does not name."""
    return _unknown_fields(request, evidence) if request.dialect == "ezmodel" else None


def foreign_fields(request: Request, _evidence: Evidence) -> str | None:
    """Fields that speech does not have, and voices do."""
    if not _is_official_speech(request):
        return None
    names = [name for name in _FOREIGN if request.fields.get(name)]
    return f"field {', '.join(names)}" if names else None


def unknown_parameters(request: Request, _evidence: Evidence) -> str | None:
    """Query parameters that the reference does not name."""
    known = _PAGING if request.operation in _LISTS else ()
    names = [name for name in request.query if name not in known]
    return f"parameter {', '.join(quoted(name) for name in names[:5])}" if names else None


def null(request: Request, _evidence: Evidence) -> str | None:
    """Fields that are null."""
    names = [name for name, value in request.fields.items() if value is None]
    return f"{', '.join(quoted(name) for name in names[:5])} is null" if names else None


def content_type(request: Request, _evidence: Evidence) -> str | None:
    """A body without its Content-Type."""
    if request.operation not in _POSTS:
        return None
    sent = request.content_type
    if sent is None:
        return "without Content-Type"
    media = sent.partition(";")[0].strip().lower()
    return None if media == "application/json" else f"Content-Type {quoted(sent)}"


def ez_empty_callback(request: Request, _evidence: Evidence) -> str | None:
    """An empty address of EzModel."""
    is_empty = request.dialect == "ezmodel" and request.fields.get("callback_url") == ""
    return "callback_url is empty" if is_empty else None


# ---- speech ---------------------------------------------------------------------------------


def no_language(request: Request, _evidence: Evidence) -> str | None:
    """Speech without a language."""
    is_missing = _is_official_speech(request) and not request.fields.get("voice_language")
    return "without voice_language" if is_missing else None


def _speed(request: Request) -> float | None:
    value = request.fields.get("voice_speed") if _is_official_speech(request) else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None


def clamped(request: Request, _evidence: Evidence) -> str | None:
    """A speed out of range."""
    speed = _speed(request)
    is_outside = speed is not None and not is_in_range(rounded_speed(speed))
    return f"voice_speed {speed:g}" if is_outside else None


def rounded(request: Request, _evidence: Evidence) -> str | None:
    """A speed with more than one decimal."""
    speed = _speed(request)
    is_odd = (
        speed is not None and is_in_range(rounded_speed(speed)) and rounded_speed(speed) != speed
    )
    return f"voice_speed {speed:g}" if is_odd else None


def text_speed(request: Request, _evidence: Evidence) -> str | None:
    """A speed that is text."""
    value = request.fields.get("voice_speed")
    return f"voice_speed {quoted(value)} as text" if isinstance(value, str) else None


def _units(text: object, limit: int) -> str | None:
    """In which units a text of so many characters is longer than its limit."""
    if not isinstance(text, str) or len(text) > limit:
        return None
    sizes = {
        "UTF-16 units": len(text.encode("utf-16-le", "surrogatepass")) // 2,
        "bytes": len(text.encode("utf-8", "surrogatepass")),
    }
    over = [f"{size} {unit}" for unit, size in sizes.items() if size > limit]
    return f"{len(text)} characters are {', '.join(over)}" if over else None


def text_units(request: Request, _evidence: Evidence) -> str | None:
    """A text that is too long in other units than characters."""
    return _units(request.fields.get("text"), _TEXT) if _is_official_speech(request) else None


def ez_text_units(request: Request, _evidence: Evidence) -> str | None:
    """A text of EzModel that is longer than its source allows."""
    text = request.fields.get("text")
    if request.dialect != "ezmodel" or not isinstance(text, str):
        return None
    size = len(text.encode("utf-8", "surrogatepass"))
    return f"{plural(len(text), 'character')}, {size} bytes" if size > _TEXT else None


def extension(request: Request, _evidence: Evidence) -> str | None:
    """An operation that no vendor documents."""
    return "an operation that only the mock has" if request.operation == "getSpeech" else None


# ---- voices ---------------------------------------------------------------------------------


def both_sources(request: Request, _evidence: Evidence) -> str | None:
    """A voice from two sources."""
    fields = request.fields
    is_both = is_voice(request) and fields.get("voice_url") and fields.get("video_id")
    return "voice_url and video_id" if is_both else None


def no_source(request: Request, _evidence: Evidence) -> str | None:
    """A voice from none."""
    fields = request.fields
    is_none = is_voice(request) and not fields.get("voice_url") and not fields.get("video_id")
    return "neither voice_url nor video_id" if is_none else None


def odd_external_id(request: Request, _evidence: Evidence) -> str | None:
    """An external id that is long or of unusual characters."""
    name = request.external_id if is_voice(request) else ""
    is_odd = bool(name) and not _PLAIN_ID.fullmatch(name)
    return f"external_task_id {quoted(name)}, {plural(len(name), 'character')}" if is_odd else None


def name_units(request: Request, _evidence: Evidence) -> str | None:
    """A name that is too long in other units than characters."""
    return _units(request.fields.get("voice_name"), _NAME) if is_voice(request) else None


def media_format(request: Request, _evidence: Evidence) -> str | None:
    """A recording whose name says no documented format."""
    url = request.fields.get("voice_url") if is_voice(request) else None
    if not isinstance(url, str) or not url:
        return None
    try:
        path = urlsplit(url).path.lower()
    except ValueError:
        return None
    return None if path.endswith(_MEDIA) else "voice_url does not end in .mp3, .wav, .mp4 or .mov"


def plain_callback(request: Request, _evidence: Evidence) -> str | None:
    """A callback that goes over the network in the clear, or nowhere."""
    url = request.fields.get("callback_url") if request.is_of_tasks else None
    if not isinstance(url, str) or not url:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    try:
        address = ip_address(host)
    except ValueError:
        is_near = host == "localhost" or "." not in host
        return None if is_near or parts.scheme.lower() == "https" else "callback_url without TLS"
    if address.is_loopback:
        return None  # a test's own receiver
    if address.is_private:
        return "callback_url leads to a private address"
    return None if parts.scheme.lower() == "https" else "callback_url without TLS"


def reused_after_end(request: Request, evidence: Evidence) -> str | None:
    """The external id of a task that is over."""
    task_id = evidence.names.get(request.external_id) if is_voice(request) else None
    task = evidence.tasks.get(task_id or "")
    if task is None or task.external_id != request.external_id:
        return None
    if observe(task, request.at).status is TaskStatus.FAILED:
        return f"external_task_id {quoted(request.external_id)} of a task that failed"
    deleted_at = task.product.deleted_at if isinstance(task.product, CustomVoice) else None
    if deleted_at is not None and deleted_at <= request.at:
        return f"external_task_id {quoted(request.external_id)} of a voice that was deleted"
    return None


def read_after_delete(request: Request, evidence: Evidence) -> str | None:
    """A look at the task of a voice that is gone."""
    task = evidence.tasks.get(request.task_id) if request.operation == "getCustomVoice" else None
    if task is None or not isinstance(task.product, CustomVoice):
        return None
    deleted_at = task.product.deleted_at
    is_after = deleted_at is not None and deleted_at < request.at
    return f"task {task.id}, whose voice was deleted" if is_after else None


# ---- pages and tokens -----------------------------------------------------------------------


def past_end(request: Request, evidence: Evidence) -> str | None:
    """A page behind the last task."""
    is_behind = is_past_end(evidence, request)
    return "a page behind the last task" if is_behind else None


def large_page(request: Request, _evidence: Evidence) -> str | None:
    """A page of more tasks than the other families allow."""
    page = page_of(request.query) if request.operation in _LISTS else None
    return f"pageSize {page[1]}" if page is not None and page[1] > _LARGE_PAGE else None


def bad_page(request: Request, _evidence: Evidence) -> str | None:
    """A page or size that is none."""
    is_bad = request.operation in _LISTS and request.reason in (
        Reason.PARAMETER_ILLEGAL,
        Reason.PARAMETERS_INVALID,
    )
    return "pageNum or pageSize out of range" if is_bad else None


def long_token(request: Request, _evidence: Evidence) -> str | None:
    """A token that lives for longer than those of the samples."""
    token = request.token
    is_long = token is not None and token.left_s > _TOKEN_S + _MARGIN_S
    return f"a token for {token.left_s:.0f} s more" if token is not None and is_long else None


def no_not_before(request: Request, _evidence: Evidence) -> str | None:
    """A token without nbf."""
    token = request.token
    return "a token without nbf" if token is not None and token.not_before is None else None


def no_margin(request: Request, _evidence: Evidence) -> str | None:
    """A token whose nbf leaves no margin."""
    token = request.token
    if token is None or token.not_before is None:
        return None
    is_tight = token.judged_at - token.not_before < _MARGIN_S
    return "a token whose nbf is now" if is_tight else None
