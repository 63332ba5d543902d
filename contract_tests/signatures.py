"""Signatures of callbacks, as Standard Webhooks makes them: written from the vendor's page, not from the mock.

``webhook-signature`` holds one or more ``v1,<base64>`` separated by blanks; each is the HMAC-SHA256 of
``{id}.{timestamp}.{raw body}``, keyed with what the secret holds in base64 behind ``whsec_``.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256

PREFIX = "whsec_"
#: The three headers, which come together or not at all.
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
#: Seconds that a timestamp may differ from the receiver's clock, documented by the vendor.
TOLERANCE_S = 300


class IllegalSecret(ValueError):
    """Raised when a text is no webhook secret; the message does not repeat it."""


def keys_of(secret: str) -> tuple[bytes, ...]:
    """What a secret may stand for: one key behind ``whsec_``, else the text itself or what it is in base64.

    Raises:
        IllegalSecret: it is empty, not printable ASCII, or not base64 behind ``whsec_``.
    """
    if not secret or not secret.isascii() or not secret.isprintable():
        raise IllegalSecret("a webhook secret is printable ASCII and not empty")
    encoded = secret.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not secret.startswith(PREFIX):
        return tuple(dict.fromkeys(item for item in (key, secret.encode()) if item))
    if not key:
        raise IllegalSecret(f"behind {PREFIX} a webhook secret is base64, and not empty")
    return (key,)


def sign(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """One signature.

    Args:
        timestamp: seconds since the Unix epoch, as they stand in the header.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, sha256)).decode()


def of_body(key: bytes, body: bytes) -> str:
    """What a receiver may wrongly want: one signature that says nothing of id and time."""
    return "v1," + base64.b64encode(hmac.digest(key, body, sha256)).decode()


def problem(
    keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_s: float
) -> str | None:
    """Why a delivery is not to be trusted, ``None`` if it is.

    Args:
        headers: with names in lower case.
        now_s: the receiver's clock, seconds since the Unix epoch.
    """
    missing = [name for name in (ID, TIMESTAMP, SIGNATURE) if not headers.get(name)]
    if missing:
        return f"no {', '.join(missing)}"
    timestamp = headers[TIMESTAMP]
    if not (timestamp.isascii() and timestamp.isdigit()):
        return f"{TIMESTAMP} is no number of seconds"
    if abs(now_s - int(timestamp)) > TOLERANCE_S:
        return f"{TIMESTAMP} is more than {TOLERANCE_S} s away"
    expected = [sign(key, headers[ID], timestamp, body).encode() for key in keys]
    given = [item.encode() for item in headers[SIGNATURE].split()]
    if any(hmac.compare_digest(one, other) for one in expected for other in given):
        return None
    return "no signature is valid"
