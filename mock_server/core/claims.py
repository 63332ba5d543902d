"""Judging a credential: which claims of a token are acceptable now.

The signature is an adapter's matter (credentials.py). Instants here are seconds since the Unix epoch, as in RFC 7519.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mock_server.core.errors import Reason, Refused

#: Characters of an access key (ours: documented ones have 32).
MAX_ACCESS_KEY = 256


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims that were accepted: ``iss`` is the access key."""

    access_key: str
    expires_at: float


def judge(claims: Mapping[str, object], now_s: float) -> Claims:
    """The claims of a token at ``now_s``.

    Raises:
        Refused: ``iss`` or ``exp`` is missing or of the wrong type (authorization_invalid), ``nbf`` lies in the
            future (authorization_not_yet_valid), ``exp`` has passed (authorization_expired). No leeway is given: none
            is documented. Source: openapi, rules auth.jwt.* and auth.jwt.leeway.
    """
    access_key = claims.get("iss")
    if not isinstance(access_key, str) or not access_key:
        raise Refused(Reason.AUTHORIZATION_INVALID, "The token has no iss claim (the access key)")
    if not access_key.isprintable() or len(access_key) > MAX_ACCESS_KEY:
        # It names an account in logs and answers, where control characters and lone surrogates have no place.
        raise Refused(Reason.AUTHORIZATION_INVALID, "The token's iss claim is no access key")
    expires_at = _instant(claims, "exp")
    if expires_at is None:
        raise Refused(Reason.AUTHORIZATION_INVALID, "The token has no exp claim")
    not_before = _instant(claims, "nbf")
    if not_before is not None and not_before > now_s:
        raise Refused(Reason.AUTHORIZATION_NOT_YET_VALID)
    if expires_at <= now_s:
        raise Refused(Reason.AUTHORIZATION_EXPIRED)
    return Claims(access_key, expires_at)


def _instant(claims: Mapping[str, object], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(Reason.AUTHORIZATION_INVALID, f"The {name} claim is not a number")
    try:
        instant = float(value)
    except OverflowError:
        instant = math.inf
    if not math.isfinite(instant):  # it would be valid for ever
        raise Refused(Reason.AUTHORIZATION_INVALID, f"The {name} claim is not an instant")
    return instant
