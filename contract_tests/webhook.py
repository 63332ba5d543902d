"""Whether a notification is signed as the contract says: Standard Webhooks, over the raw bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence

from contract_tests.checks import kept, require
from contract_tests.observation import Notification

#: The three headers, which come together.
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
#: Seconds by which a receiver lets the timestamp lie in the past.
TOLERANCE_S = 300

_PREFIX = "whsec_"
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
#: One of several; other versions than the first may stand beside it.
_ONE = re.compile(r"v[0-9][0-9a-z]*,\S+")
_CLAUSE = "callback.signature"


class NoSecret(ValueError):
    """Raised when a text is no webhook secret; the message does not repeat it."""


def keys(secrets: str | Sequence[str]) -> list[bytes]:
    """The keys of one secret, or of several during a rotation.

    Args:
        secrets: ``whsec_`` and base64; a text may hold several, separated by commas or blanks.

    Raises:
        NoSecret: one of them is none.
    """
    words = re.split(r"[,\s]+", secrets) if isinstance(secrets, str) else secrets
    return [_key(word) for word in words if word]


def signed(seen: Notification, using: Sequence[bytes], now_s: float) -> None:
    """Holds a notification against the clauses of signing.

    Args:
        using: the keys of the account; without one only what can be seen without is looked at.
        now_s: when it arrived, Unix time in seconds.

    Raises:
        Broken: it is not signed, or wrongly.
    """
    present = [name for name in HEADERS if name in seen.headers]
    if not using and not present:
        return  # whether the account has a secret is not known
    require(len(present) == len(HEADERS), _CLAUSE, f"{present} of {HEADERS} beside {seen}")
    identifier, timestamp, signatures = (seen.headers[name] for name in HEADERS)
    require(bool(identifier), _CLAUSE, f"an empty webhook-id beside {seen}")
    is_instant = _TIMESTAMP.fullmatch(timestamp) is not None
    require(is_instant, _CLAUSE, f"webhook-timestamp {timestamp!r} beside {seen}")
    given = signatures.split(" ")
    formed = all(_ONE.fullmatch(one) for one in given)
    require(formed, _CLAUSE, f"webhook-signature {signatures!r} beside {seen}")
    if not using:
        return
    is_fresh = int(timestamp) >= now_s - TOLERANCE_S
    require(is_fresh, _CLAUSE, f"webhook-timestamp {timestamp}, {now_s - int(timestamp):.0f} s ago")
    due = [_signature(key, f"{identifier}.{timestamp}.".encode() + seen.body) for key in using]
    valid = [one in given for one in due]
    require(any(valid), _CLAUSE, f"no valid signature in {signatures!r} beside {seen}")
    kept("callback.signature.legacy")
    if len(using) > 1:
        both = f"{sum(valid)} of {len(using)} in {signatures!r}"
        require(all(valid), "callback.signature.rotation", both)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if not key or not secret.startswith(_PREFIX):
        raise NoSecret(f"a webhook secret is {_PREFIX} and base64")
    return key


def _signature(key: bytes, content: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
