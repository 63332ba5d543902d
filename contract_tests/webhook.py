"""Whether a notification is signed as the contract says: Standard Webhooks, over the raw bytes."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from contract_tests import signatures
from contract_tests.checks import Broken, kept, require
from contract_tests.observation import Notification
from contract_tests.saying import Said

#: The three headers, which come together.
HEADERS = (signatures.ID, signatures.TIMESTAMP, signatures.SIGNATURE)

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
#: One of several; other versions than the first may stand beside it.
_ONE = re.compile(r"v[0-9][0-9a-z]*,\S+")
_CLAUSE = "callback.signature"
_TOGETHER = "{} are missing, where {} are due together"
#: Of an HMAC-SHA256.
_HASH_BYTES = 32

#: What one secret may stand for.
Keys = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Signing:
    """What is known of how an account's notifications are signed.

    Attributes:
        keys: of the account, secret by secret; none when they are not known.
        may_be_ahead: whether the kit moves the server's clock, so that a signature may be of a time to come.
    """

    keys: Sequence[Keys] = ()
    may_be_ahead: bool = False


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


def signed(seen: Notification, signing: Signing, now_s: float) -> None:
    """Holds a notification against the clauses of signing.

    Without a key nobody can say that a signature is right, so that none is called kept: only what no key could mend
    is a breach then.

    Args:
        signing: how; without a key only what can be seen without is looked at.
        now_s: when it arrived, Unix time in seconds.

    Raises:
        Broken: it is not signed, or wrongly.
    """
    using = signing.keys
    present = [name for name in HEADERS if name in seen.headers]
    if not using and not present:
        return  # whether the account has a secret is not known
    missing = [name for name in HEADERS if name not in present]
    _need(not missing, Said(_TOGETHER, missing, HEADERS, by=(seen,)))
    _formed(seen, signing, now_s)
    if using:
        kept(_CLAUSE)
        _verified(seen, using)


def _formed(seen: Notification, signing: Signing, now_s: float) -> None:
    """The headers are what everybody can see that they must be."""
    identifier, timestamp, given = (seen.headers[name] for name in HEADERS)
    words = "webhook-id is {}, where a text that is not empty is due"
    _need(bool(identifier), Said(words, identifier, by=(seen,)))
    is_instant = _TIMESTAMP.fullmatch(timestamp) is not None
    words = "webhook-timestamp is {}, where Unix time in whole seconds is due"
    _need(is_instant, Said(words, timestamp, by=(seen,)))
    for one in given.split(" "):
        words = "webhook-signature holds {}, where v1, a comma and 32 bytes in base64 are due"
        _need(_is_formed(one), Said(words, one, by=(seen,)))
    off_s = int(timestamp) - now_s
    is_fresh = -off_s <= signatures.TOLERANCE_S
    is_fresh &= signing.may_be_ahead or off_s <= signatures.TOLERANCE_S
    words = f"webhook-timestamp is {{}}, {off_s:+.0f} s off the clock here"
    words = f"{words}, where at most {signatures.TOLERANCE_S:g} s are due"
    _need(is_fresh, Said(words, timestamp, by=(seen,)))


def _verified(seen: Notification, using: Sequence[Keys]) -> None:
    """One signature is valid over the raw bytes; during a rotation there is one of each secret."""
    identifier, timestamp, given = (seen.headers[name] for name in HEADERS)
    ones = given.split(" ")
    valid = [
        any(signatures.sign(key, identifier, timestamp, seen.body) in ones for key in secret)
        for secret in using
    ]
    words = (
        "webhook-signature is {}, where an HMAC-SHA256 over webhook-id, webhook-timestamp and the"
        " bytes of the body is due, with the secret that was given"
    )
    _need(any(valid), Said(words, given, by=(seen,)))
    kept("callback.signature.legacy")
    if len(using) > 1:
        words = f"webhook-signature is {{}}, right for {sum(valid)} of {len(using)} secrets, where one for each is due"
        require(all(valid), "callback.signature.rotation", Said(words, given, by=(seen,)))


def _need(is_right: bool, saw: Said) -> None:
    """Raises ``Broken`` where a header is wrong; that it is right does not say that the clause is kept."""
    if not is_right:
        raise Broken(_CLAUSE, saw)


def _is_formed(one: str) -> bool:
    """Whether a signature has the form of its version; of others than the first no more is known."""
    version, _, encoded = one.partition(",")
    if version != "v1":
        return _ONE.fullmatch(one) is not None
    try:
        return len(base64.b64decode(encoded, validate=True)) == _HASH_BYTES
    except (ValueError, binascii.Error):
        return False
