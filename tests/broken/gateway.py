"""Defects of EzModel's text-to-speech."""

from __future__ import annotations

from tests.broken.base import Exchange, Table

TABLE = Table()
wire = TABLE.wire


@wire("ez.errors.code-is-status")
def gateway_text_codes(seen: Exchange) -> None:
    """EzModel's codes are texts, as its source has them."""
    if seen.operation == "gateway" and not seen.accepted:
        seen.body["code"] = str(seen.body["code"])


@wire("ez.errors.code-is-status")
def gateway_official_codes(seen: Exchange) -> None:
    """EzModel answers with official codes."""
    if seen.operation == "gateway" and not seen.accepted:
        seen.body["code"] = {400: 1201, 401: 1001, 404: 1202}[seen.status]


@wire("ez.errors.no-data")
def gateway_null_data(seen: Exchange) -> None:
    """EzModel's refusals have data null, as its source has them."""
    if seen.operation == "gateway" and not seen.accepted:
        seen.body["data"] = None


@wire("ez.request-id")
def gateway_without_request_id(seen: Exchange) -> None:
    """EzModel's refusals carry no request_id."""
    if seen.operation == "gateway" and not seen.accepted:
        seen.body.pop("request_id")


@wire("ez.message-success")
def gateway_message(seen: Exchange) -> None:
    """EzModel says SUCCEED."""
    if seen.operation == "gateway" and seen.accepted:
        seen.body["message"] = "SUCCEED"


@wire("ez.duration.milliseconds")
def gateway_seconds(seen: Exchange) -> None:
    """EzModel states seconds."""
    if seen.operation == "gateway" and seen.accepted:
        seen.data["duration"] //= 1000


@wire("ez.duration.milliseconds")
def gateway_text_duration(seen: Exchange) -> None:
    """EzModel states the duration as a text, as the official API does."""
    if seen.operation == "gateway" and seen.accepted:
        seen.data["duration"] = f"{seen.data['duration'] / 1000:.3f}"


@wire("ez.speed.range|schema.request.refused")
def gateway_any_speed(seen: Exchange) -> None:
    """EzModel takes any speed."""
    if seen.operation == "gateway" and "speed must be between" in seen.body.get("message", ""):
        seen.speak()


@wire("ez.volume.range|schema.request.refused")
def gateway_volume_of_ten(seen: Exchange) -> None:
    """EzModel takes volumes up to 10."""
    volume = seen.asked.get("volume", 0)
    if seen.operation == "gateway" and isinstance(volume, int | float) and 2 < volume <= 10:
        seen.speak()


@wire("ez.speed.range|schema.request.accepted")
def gateway_bound_excluded(seen: Exchange) -> None:
    """EzModel refuses a speed of exactly 2."""
    if seen.operation == "gateway" and seen.asked.get("speed") == 2:
        seen.refuse(400, 400, "speed must be below 2")


@wire("ez.text.required|ez.errors.400|schema.request.refused")
def gateway_silence(seen: Exchange) -> None:
    """EzModel speaks nothing where there is no text."""
    if seen.operation == "gateway" and seen.body.get("message") == "text is required for tts":
        seen.speak()


@wire("ez.text.required|ez.errors.400")
def gateway_wrong_cause(seen: Exchange) -> None:
    """EzModel answers a missing text with HTTP 401."""
    if seen.operation == "gateway" and seen.body.get("message") == "text is required for tts":
        seen.refuse(401, 401)


@wire("ez.text.max-length|schema.request.refused")
def gateway_any_length(seen: Exchange) -> None:
    """EzModel speaks more than 10,000 characters."""
    if seen.operation == "gateway" and len(seen.text("text")) > 10_000:
        seen.speak()


@wire("ez.errors.401")
def gateway_without_key(seen: Exchange) -> None:
    """EzModel speaks for everybody."""
    if seen.operation == "gateway" and seen.status == 401:
        seen.speak()


@wire("ez.errors.401|ez.errors.code-is-status")
def gateway_forbidden(seen: Exchange) -> None:
    """EzModel answers a missing credential with HTTP 403."""
    if seen.operation == "gateway" and seen.status == 401:
        seen.refuse(403, 403)


@wire("ez.mp3|media.url.no-auth")
def gateway_page(seen: Exchange) -> None:
    """EzModel's audio is something else."""
    if seen.operation == "gateway" and seen.accepted:
        base = seen.data["audio_url"].partition("/media/")[0]
        seen.data["audio_url"] = base + "/__mock__/health"


@wire("schema.answer|ez.synchronous")
def gateway_seconds_since_1970(seen: Exchange) -> None:
    """EzModel's created_at is seconds."""
    if seen.operation == "gateway" and seen.accepted:
        seen.data["created_at"] //= 1000


def _silent(seen: Exchange) -> None:
    if seen.operation == "gateway" and seen.asked.get("callback_url"):
        seen.content = seen.content.replace(b'"callback_url"', b'"no_callback_url"')


@wire("ez.callback.sent", before=_silent)
def gateway_tells_nobody(seen: Exchange) -> None:
    """EzModel sends no result to the callback_url."""
