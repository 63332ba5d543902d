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
    not_before: float | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A JWT as it was judged with one request; the token itself is not kept.

    Attributes:
        mark: the same for the same token; nothing can be signed or asked with it.
        access_key: whose account it claims to be.
        judged_at: when it was judged; ``expires_at`` and ``not_before`` are its claims, ``None`` where it has none.
    """

    mark: str
    access_key: str
    judged_at: float
    expires_at: float
    not_before: float | None

    @property
    def left_s(self) -> float:
        """Seconds until it expires; negative once it has."""
        return self.expires_at - self.judged_at


class Untimely(Refused):
    """Raised when a token is good but for its time; ``claims`` are those it has."""

    def __init__(self, reason: Reason, claims: Claims) -> None:
        super().__init__(reason)
        self.claims = claims


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
    judged = Claims(access_key, expires_at, not_before)
    if not_before is not None and not_before > now_s:
        raise Untimely(Reason.AUTHORIZATION_NOT_YET_VALID, judged)
    if expires_at <= now_s:
        raise Untimely(Reason.AUTHORIZATION_EXPIRED, judged)
    return judged


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
