"""Whether a notification is signed as the contract says: Standard Webhooks, over the raw bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from contract_tests import signatures
from contract_tests.checks import kept, require
from contract_tests.observation import Notification

#: The three headers, which come together.
HEADERS = (signatures.ID, signatures.TIMESTAMP, signatures.SIGNATURE)

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
#: One of several; other versions than the first may stand beside it.
_ONE = re.compile(r"v[0-9][0-9a-z]*,\S+")
_CLAUSE = "callback.signature"

#: What one secret may stand for.
Keys = tuple[bytes, ...]


def keys(secrets: str) -> list[Keys]:
    """The keys of one secret, or of several during a rotation.

    Args:
        secrets: separated by commas or blanks.

    Raises:
        IllegalSecret: one of them is none.
    """
    return [signatures.keys_of(word) for word in words(secrets)]


def words(secrets: str) -> list[str]:
    """Secrets one by one."""
    return [word for word in re.split(r"[,\s]+", secrets) if word]


def signed(seen: Notification, using: Sequence[Keys], now_s: float) -> None:
    """Holds a notification against the clauses of signing.

    Args:
        using: the keys of the account, secret by secret; without one only what can be seen without is looked at.
        now_s: when it arrived, Unix time in seconds.

    Raises:
        Broken: it is not signed, or wrongly.
    """
    present = [name for name in HEADERS if name in seen.headers]
    if not using and not present:
        return  # whether the account has a secret is not known
    require(len(present) == len(HEADERS), _CLAUSE, f"{present} of {HEADERS} beside {seen}")
    identifier, timestamp, given = (seen.headers[name] for name in HEADERS)
    require(bool(identifier), _CLAUSE, f"an empty webhook-id beside {seen}")
    is_instant = _TIMESTAMP.fullmatch(timestamp) is not None
    require(is_instant, _CLAUSE, f"webhook-timestamp {timestamp!r} beside {seen}")
    ones = given.split(" ")
    formed = all(_ONE.fullmatch(one) for one in ones)
    require(formed, _CLAUSE, f"webhook-signature {given!r} beside {seen}")
    if not using:
        return
    is_fresh = int(timestamp) >= now_s - signatures.TOLERANCE_S
    require(is_fresh, _CLAUSE, f"webhook-timestamp {timestamp}, {now_s - int(timestamp):.0f} s ago")
    valid = [
        any(signatures.sign(key, identifier, timestamp, seen.body) in ones for key in secret)
        for secret in using
    ]
    require(any(valid), _CLAUSE, f"no valid signature in {given!r} beside {seen}")
    kept("callback.signature.legacy")
    if len(using) > 1:
        both = f"{sum(valid)} of {len(using)} in {given!r}"
        require(all(valid), "callback.signature.rotation", both)
