"""Tokens as the contract describes them: JWT, HS256, iss, exp and nbf."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from contract_tests import redaction

#: Seconds by which a token is valid before it is made: clocks differ.
EARLIER_S = 60.0
#: In another order than most libraries have, so that no token of somebody else begins as these do, which are shown.
_HEAD = {"typ": "JWT", "alg": "HS256"}


def token(
    access_key: str, secret: str, *, valid_from_s: float = -EARLIER_S, valid_to_s: float
) -> str:
    """A signed token.

    Args:
        valid_from_s: its nbf, in seconds from now.
        valid_to_s: its exp, in seconds from now.
    """
    now = int(time.time())
    claims = {"iss": access_key, "exp": now + int(valid_to_s), "nbf": now + int(valid_from_s)}
    signed = f"{_part(_HEAD)}.{_part(claims)}"
    signature = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    made = f"{signed}.{_text(signature)}"
    return made if redaction.is_hidden(secret) else redaction.invent(made)


def unreadable() -> str:
    """Something that looks like a token, but whose claims are no JSON."""
    head = _part(_HEAD)
    return redaction.invent(f"{head}.{_text(b'no claims')}.{_text(b'signature')}")


def without_algorithm(made: str) -> str:
    """A token that says of itself that it is signed by nobody."""
    return f"{_part({**_HEAD, 'alg': 'none'})}.{made.split('.')[1]}."


def changed(made: str) -> str:
    """A token whose claims were changed after it was signed."""
    head, claims, signature = made.split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return f"{head}.{_part({**said, 'changed': True})}.{signature}"


def otherwise_signed(made: str) -> str:
    """A token with a signature of the same length that is another."""
    head, claims, signature = made.split(".")
    return f"{head}.{claims}.{'B' if signature.startswith('A') else 'A'}{signature[1:]}"


def _part(value: dict[str, Any]) -> str:
    return _text(json.dumps(value, separators=(",", ":")).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
