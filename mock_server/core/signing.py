"""Signing callbacks as Standard Webhooks does: ``webhook-id``, ``webhook-timestamp``, ``webhook-signature``.

Documented: off without a secret; a secret begins with ``whsec_``; during a rotation both secrets sign, and any match is
valid; the signed text is ``{id}.{timestamp}.{body}`` with the timestamp in seconds (vendor callback page, 2026-08).
Whether signatures ride on these endpoints' callbacks too is assumed: the page describes them in general.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Sequence
from enum import StrEnum
from hashlib import sha256

PREFIX = "whsec_"
#: How old a timestamp is when it is wrong on purpose: twice what receivers allow, in seconds.
STALE_S = 600


class IllegalSecret(ValueError):
    """Raised when a text is no webhook secret; the message does not repeat it."""


class SignatureFault(StrEnum):
    """What is wrong with a signature on purpose."""

    BAD = "bad"
    STALE = "stale"
    OTHER_SECRET = "other-secret"
    UNSIGNED = "unsigned"


def key_of(secret: str) -> bytes:
    """The key that a secret holds.

    Raises:
        IllegalSecret: it does not begin with ``whsec_``, or is not base64 of 16 to 128 bytes.
    """
    if not secret.startswith(PREFIX):
        raise IllegalSecret(f"a webhook secret begins with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (ValueError, binascii.Error):
        raise IllegalSecret("the webhook secret is not base64") from None
    if not 16 <= len(key) <= 128:
        raise IllegalSecret("a webhook secret holds 16 to 128 bytes in base64")
    return key


def signature(key: bytes, delivery_id: str, timestamp_s: int, body: bytes) -> str:
    """One signature: ``v1,`` and the base64 of the HMAC."""
    signed = f"{delivery_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, sha256)).decode()


def headers(
    keys: Sequence[bytes],
    delivery_id: str,
    timestamp_s: int,
    body: bytes,
    fault: SignatureFault | None = None,
) -> dict[str, str]:
    """The headers of a callback; none without a key.

    Args:
        keys: those of all secrets in force; each signs.
        timestamp_s: seconds since the Unix epoch, by the receiver's clock.
        fault: what is wrong with the signature.
    """
    if not keys or fault is SignatureFault.UNSIGNED:
        return {}
    if fault is SignatureFault.STALE:
        timestamp_s -= STALE_S
    if fault is SignatureFault.OTHER_SECRET:
        keys = [sha256(b"other secret" + key).digest() for key in keys]
    signatures = [signature(key, delivery_id, timestamp_s, body) for key in keys]
    if fault is SignatureFault.BAD:
        signatures = [_spoilt(text) for text in signatures]
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signatures),
    }


def _spoilt(text: str) -> str:
    """Another signature of the same form: its first byte is another."""
    raw = base64.b64decode(text.removeprefix("v1,"))
    return "v1," + base64.b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode()
