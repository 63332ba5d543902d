"""Secrets do not leave the kit: whatever it prints, writes or returns goes through here."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

HIDDEN = "***"
#: Shorter keys are hidden in credentials only: elsewhere they would take ordinary words with them.
_SHORTEST = 4

_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]*)?")
_CREDENTIAL = re.compile(
    r"(?i)\b(bearer|basic)(\s+|%20|\+)(?!\*\*\*|\$KLING_MOCK_API_KEY2?(?!\w))([^\s'\"\\,]+)"
)
_USER = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*:(?:\\?/){2})[^\s/@'\"]+@")
#: Values of a query that let somebody in: those of signed addresses above all.
_SIGNED = re.compile(
    r"(?i)([?&;](?:[\w.-]*(?:signature|token|secret|credential|passw|api-?_?key|access-?_?key|policy)[\w.-]*"
    r"|sig|sign|auth|key|auth_key|hmac|jwt)=)(?!\*\*\*)[^&;#\s'\"\\<>]+"
)
#: Fields of JSON that hold a secret.
_FIELD = re.compile(
    r'(?i)("(?:[\w-]*(?:secret|password|api_?-?key|access_?-?key|access_?-?token|auth_?-?token|authorization)'
    r'[\w-]*|token|jwt)"\s*:\s*")(?!\*\*\*")[^"\\]+'
)

#: The variables that stand for the keys in command lines.
KEY, KEY2 = "KLING_MOCK_API_KEY", "KLING_MOCK_API_KEY2"

_known: set[str] = set()
_variables: dict[str, str] = {}
_invented: set[str] = set()


def hide(*secrets: str) -> None:
    """Remembers secrets, in every spelling in which an answer may repeat them."""
    for secret in secrets:
        if len(secret) < _SHORTEST:
            continue
        encoded = base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode()
        in_json = (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
        in_url = (quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace"))
        _known.update((secret, encoded, encoded.rstrip("="), *in_json, *in_url))


def name_keys(key: str, key2: str) -> None:
    """Remembers which variable stands for which key, and hides both."""
    hide(key, key2)
    _variables.update({secret: name for secret, name in ((key2, KEY2), (key, KEY)) if secret})


def is_hidden(secret: str) -> bool:
    """Whether a text is a secret that was given."""
    return secret in _known


def variable_of(credential: str) -> str:
    """The variable that stands for a credential in a command line; empty for one that is not the user's."""
    return _variables.get(credential, "")


def invent(credential: str) -> str:
    """Remembers that a credential is the kit's own and no secret; returns it."""
    _invented.add(credential)
    return credential


def is_invented(credential: str) -> bool:
    """Whether a credential is the kit's own, so that anybody may see it."""
    return credential in _invented and credential not in _variables


def hide_user(url: str) -> None:
    """Remembers the password in an address, if it has one."""
    try:
        hide(urlsplit(url).password or "")
    except ValueError:
        return


def forget() -> None:
    """Forgets all secrets: a run is over."""
    _known.clear()
    _variables.clear()


def clean(text: str) -> str:
    """A text without secrets: known keys, tokens, credentials in headers, addresses and fields."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _JWT.sub(lambda found: _unless_invented(found[0]), text)
    text = _CREDENTIAL.sub(lambda found: f"{found[1]}{found[2]}{_unless_invented(found[3])}", text)
    text = _SIGNED.sub(rf"\1{HIDDEN}", text)
    text = _FIELD.sub(rf"\1{HIDDEN}", text)
    return _USER.sub(rf"\1{HIDDEN}@", text)


def _unless_invented(credential: str) -> str:
    return credential if is_invented(credential) else HIDDEN


def cleaned(value: Any) -> Any:
    """A JSON value whose texts are without secrets."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(item) for item in value]
    return value
