"""From an ``Authorization`` header to an account.

Two kinds of credential are documented: a static API key, and an access key with a secret that signs a JWT (HS256). By
default any non-empty key and any token with acceptable claims is let in, and names its account. With credentials
configured, exactly those are let in, and signatures are verified.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from typing import Any, NamedTuple

import orjson

from mock_server.core.claims import Claims, Token, Untimely, judge
from mock_server.core.errors import Reason, Refused

_SCHEME = b"Bearer "
#: HMAC pads a short key with zero bytes itself, so this changes no signature; it only keeps PyJWT from warning.
KEY_BYTES = 32
_KEY_ACCOUNT = re.compile("key-[0-9a-f]{12}")
#: How many keys are remembered with their account, so that the hot path hashes nothing.
_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Configured:
    """The credentials that are let in; all empty means anyone. A key and a pair together are one account."""

    api_key: str = field(default="", repr=False)
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.api_key or self.access_key)


def key_account(api_key: str) -> str:
    """The account id of an API key; the key itself appears nowhere."""
    digest = sha256(api_key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"key-{digest[:12]}"


class Admitted(NamedTuple):
    """Who was let in; ``token`` is ``None`` for an API key."""

    account_id: str
    token: Token | None = None


class TokenRefused(Refused):
    """Raised when a token comes too early or too late; ``token`` says which it is and whose it claims to be."""

    def __init__(self, reason: Reason, token: Token) -> None:
        super().__init__(reason)
        self.token = token


class Credentials:
    """Decides which account a request belongs to.

    Args:
        configured: what is let in.
        now_s: the wall clock in seconds: clients sign tokens with their own.
        jumped_s: by how many seconds an account's tokens are judged later than now (option auth_clock).
    """

    def __init__(
        self,
        configured: Configured | None = None,
        now_s: Callable[[], float] = time.time,
        jumped_s: Callable[[str], float] = lambda _account_id: 0.0,
    ) -> None:
        self._configured = configured or Configured()
        self._now_s = now_s
        self._jumped_s = jumped_s
        self._known: dict[bytes, Admitted] = {}
        self._pairs: dict[str, tuple[str, str]] = {}

    def add_pair(self, access_key: str, secret_key: str, account_id: str) -> None:
        """Takes tokens of an access key for an account, and verifies their signatures; safe from any thread."""
        self._pairs[access_key] = secret_key, account_id

    def account_id(self, authorization: bytes | None) -> str:
        """The account of an ``Authorization`` header.

        Raises:
            Refused: empty, malformed, unknown, wrongly signed, not yet valid or expired.
        """
        return self.admitted(authorization).account_id

    def admitted(self, authorization: bytes | None) -> Admitted:
        """The account of an ``Authorization`` header, and the token if it is one.

        Raises:
            Refused: as :meth:`account_id`; of a token that came too early or too late, :class:`TokenRefused`.
        """
        if authorization is None:
            raise Refused(Reason.AUTHORIZATION_EMPTY)
        known = self._known.get(authorization)
        if known is not None:
            return known
        token = _bearer(authorization)
        if is_jwt(token):
            return self._of_token(token)
        admitted = Admitted(self._of_key(token))
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[authorization] = admitted
        return admitted

    def _of_key(self, key: str) -> str:
        configured = self._configured
        if not configured:
            return key_account(key)
        # A header is bytes; clients spell other than ASCII in either encoding.
        if configured.api_key and configured.api_key in (key, _as_utf8(key)):
            return configured.access_key or key_account(key)
        # Observed for an unknown key on these endpoints: the vendor takes it for a token (live calls 2026-09).
        parts = key.count(".") + 1 if "." in key else 0
        raise Refused(
            Reason.AUTHORIZATION_INVALID,
            f"The token was expected to have 3 parts, but got {parts}"
            if parts != 3
            else "The token is not a JWT",
        )

    def _of_token(self, token: str) -> Admitted:
        head, payload, signature = token.split(".")
        header, claims = _object(head), _object(payload)
        if claims is None or _decoded(signature) is None:
            raise Refused(Reason.AUTHORIZATION_INVALID, "The token's payload cannot be decoded")
        if header is None or not all(isinstance(value, str) for value in header.values()):
            raise Refused(Reason.AUTHORIZATION_INVALID, "The token's header holds more than text")
        issuer = claims.get("iss")
        secret_key, known_id = (
            self._pairs.get(issuer, ("", "")) if isinstance(issuer, str) else ("", "")
        )
        if self._configured:
            self._verify(token, issuer)
        elif known_id:
            _verify_signature(token, secret_key)
        elif header["alg"] != "HS256":
            raise Refused(Reason.AUTHORIZATION_INVALID, "The token's algorithm must be HS256")
        later_s = self._jumped_s(known_id or issuer) if isinstance(issuer, str) else 0.0
        now_s = self._now_s() + later_s
        try:
            judged = judge(claims, now_s)
        except Untimely as refused:
            seen = _seen(token, known_id, refused.claims, now_s)
            raise TokenRefused(refused.reason, seen) from None
        if not known_id and _KEY_ACCOUNT.fullmatch(judged.access_key):
            # It would be the account of an API key, of which this is no proof.
            raise Refused(Reason.AUTHORIZATION_INVALID, "The token's iss claim is no access key")
        return Admitted(known_id or judged.access_key, _seen(token, known_id, judged, now_s))

    def _verify(self, token: str, access_key: object) -> None:
        configured = self._configured
        if not configured.access_key or access_key != configured.access_key:
            raise Refused(Reason.AUTHORIZATION_INVALID, "The access key is not known")
        _verify_signature(token, configured.secret_key)


def _verify_signature(token: str, secret_key: str) -> None:
    import jwt  # a fortieth of the start-up time, and most clients send keys

    secret = secret_key.encode().ljust(KEY_BYTES, b"\0")
    try:
        jwt.api_jws.decode(token, secret, algorithms=["HS256"])
    except jwt.InvalidSignatureError:
        raise Refused(Reason.AUTHENTICATION_FAILED, "Authorization signature is invalid") from None
    except (jwt.InvalidTokenError, jwt.InvalidKeyError):
        # The latter where the secret looks like a public key, which PyJWT does not sign with.
        raise Refused(Reason.AUTHORIZATION_INVALID, "The token's algorithm must be HS256") from None


def _as_utf8(key: str) -> str:
    return key.encode("latin-1", "replace").decode("utf-8", "replace")


def _seen(token: str, account_id: str, claims: Claims, now_s: float) -> Token:
    mark = blake2b(token.encode(), digest_size=6).hexdigest()
    return Token(mark, account_id or claims.access_key, now_s, claims.expires_at, claims.not_before)


def is_jwt(token: str) -> bool:
    """Whether a bearer is a JWT: three parts, the first of which decodes to an object with ``alg``."""
    head, dot, rest = token.partition(".")
    if not dot or rest.count(".") != 1:
        return False
    header = _object(head)
    return header is not None and "alg" in header


def _object(part: str) -> dict[str, Any] | None:
    """The JSON object that a part of a token holds, if it holds one."""
    try:
        value = orjson.loads(_decoded(part) or b"")
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _decoded(part: str) -> bytes | None:
    """The bytes of a part of a token (RFC 7515: base64url without padding), if it is one."""
    try:
        padded = part.encode("ascii") + b"=" * (-len(part) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None


def _bearer(authorization: bytes) -> str:
    if not authorization.strip():
        raise Refused(Reason.AUTHORIZATION_EMPTY)
    token = authorization[len(_SCHEME) :].decode("latin-1")
    # Documented: the word Bearer, one space, the token.
    if not authorization.startswith(_SCHEME) or not token or token.strip() != token or " " in token:
        raise Refused(
            Reason.AUTHORIZATION_INVALID, "Authorization must be 'Bearer <token>' with one space"
        )
    return token
