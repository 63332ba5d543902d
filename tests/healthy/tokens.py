"""Tokens: whom they are from, and whether they hold now."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from secrets import token_bytes, token_hex

from tests.healthy.reading import PAIRS, Reading
from tests.healthy.rules import Refusal

_UNTOLD = token_bytes(32)


def issuer(token: str, reading: Reading) -> str:
    """Whom a token is from; its signature is looked at where the secret is known."""
    head, claims, signature = token.split(".")
    try:
        given = json.loads(base64.urlsafe_b64decode(claims + "=="))
        name, begins, ends = str(given["iss"]), float(given["nbf"]), float(given["exp"])
    except (ValueError, LookupError, TypeError):
        raise Refusal(401, reading.malformed_code, "The token cannot be read") from None
    secret = PAIRS.get(name)
    if secret is None and reading.credentials != "any":
        raise Refusal(401, 1002, "The issuer is not known")
    mac = hmac.new((secret or "").encode(), f"{head}.{claims}".encode(), hashlib.sha256).digest()
    right = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    if secret is not None and not hmac.compare_digest(right, signature):
        raise Refusal(401, 1000, "The signature is wrong")
    if time.time() < begins:
        raise Refusal(401, 1003, "The token is not valid yet")
    if time.time() >= ends:
        raise Refusal(401, 1004, "The token has expired")
    return name


def signed(body: bytes) -> dict[str, str]:
    """The webhook headers of a notification, by a secret that nobody is told; low lines for hyphens in their names."""
    name, at = token_hex(12), str(int(time.time()))
    mac = hmac.new(_UNTOLD, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(mac).decode()
    return {"webhook_id": name, "webhook_timestamp": at, "webhook_signature": signature}
