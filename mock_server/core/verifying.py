"""Verifying the signature of a callback as its receiver does: any secret in force, any of its signatures, a fresh time.

The text that is signed, and the tolerance of five minutes either way, are those of Standard Webhooks (vendor callback
page, 2026-08). A signature is held against the secrets before its time is looked at: a replayed callback is told from
one that was tampered with.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from mock_server.core.signing import signature

#: Seconds that a timestamp may be away from the receiver's clock (documented).
TOLERANCE_S = 300

ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"
_HEADERS = (ID, TIMESTAMP, SIGNATURE)
_VERSION = "v1,"


class Signed(StrEnum):
    """What a signature is worth."""

    OK = "ok"
    UNCHECKED = "unchecked"
    UNSIGNED = "unsigned"
    MALFORMED = "malformed"
    STALE = "stale"
    MISMATCH = "mismatch"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the signature of one request is worth, and that in words, which hold no secret."""

    signed: Signed
    words: str

    @property
    def is_bad(self) -> bool:
        """Whether a receiver refuses the request."""
        return self.signed not in (Signed.OK, Signed.UNCHECKED)


UNCHECKED = Verdict(Signed.UNCHECKED, "not checked")


def verify(
    headers: Mapping[str, str],
    body: bytes,
    keys: Sequence[bytes],
    now_s: float,
    tolerance_s: float = TOLERANCE_S,
) -> Verdict:
    """The verdict on one request.

    Args:
        headers: by name in lower case; others than the three of the signature do not matter.
        body: as it was received, byte for byte.
        keys: those of all secrets in force; without one nothing is checked.
        now_s: the receiver's clock, in seconds since the Unix epoch.
        tolerance_s: how far the timestamp may be away from it.
    """
    if not keys:
        return UNCHECKED
    missing = [name for name in _HEADERS if not headers.get(name)]
    if len(missing) == len(_HEADERS):
        return Verdict(Signed.UNSIGNED, "no header")
    if missing:
        return Verdict(Signed.MALFORMED, f"no header {' and '.join(missing)}")
    if re.fullmatch("[0-9]{1,15}", headers[TIMESTAMP]) is None:
        return Verdict(Signed.MALFORMED, f"{TIMESTAMP} is no number of seconds")
    given = [part for part in headers[SIGNATURE].split() if part.startswith(_VERSION)]
    if not given:
        return Verdict(Signed.MALFORMED, f"{SIGNATURE} holds no {_VERSION}...")
    timestamp_s = int(headers[TIMESTAMP])
    number = _matching(given, headers[ID], timestamp_s, body, keys)
    if number is None:
        return Verdict(Signed.MISMATCH, "does not match")
    late = _lateness(now_s - timestamp_s, tolerance_s)
    if late:
        return Verdict(Signed.STALE, late)
    return Verdict(Signed.OK, "ok" if len(keys) == 1 else f"ok (secret {number} of {len(keys)})")


def _matching(
    given: Sequence[str], delivery_id: str, timestamp_s: int, body: bytes, keys: Sequence[bytes]
) -> int | None:
    """The number, from 1, of the first key that made one of the signatures."""
    for number, key in enumerate(keys, start=1):
        right = signature(key, delivery_id, timestamp_s, body).encode()
        if any(hmac.compare_digest(right, text.encode("utf-8", "replace")) for text in given):
            return number
    return None


def _lateness(age_s: float, tolerance_s: float) -> str:
    if abs(age_s) <= tolerance_s:
        return ""
    allowed = f"{ceil(abs(age_s))} s ({tolerance_s:g} s are allowed)"
    return f"stale by {allowed}" if age_s > 0 else f"ahead by {allowed}"
