"""Signatures of callbacks: the published vector, an independent verifier, rotation, and what is wrong on purpose."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from mock_server.core.signing import (
    STALE_S,
    IllegalSecret,
    SignatureFault,
    headers,
    key_of,
    signature,
)
from tests.support.tasks import quick

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 byt").decode()
#: The example of the vendor's callback page.
VECTOR_BODY = (
    b'{"id":"1234567890","status":"succeeded","message":"",'
    b'"create_time":1781080778802,"update_time":1781080794151}'
)
VECTOR = "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="

bodies = st.text().map(str.encode)
ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
keys = st.binary(min_size=16, max_size=128)


def secret_of(key: bytes) -> str:
    """The secret that holds a key."""
    return "whsec_" + base64.b64encode(key).decode()


def is_taken(secret: str, body: bytes, sent: dict[str, str]) -> bool:
    """Whether an independent verifier takes a callback for genuine."""
    try:
        Webhook(secret).verify(body, sent, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def test_the_published_vector() -> None:
    """The vendor's own example: secret, id, timestamp and body give exactly its signature."""
    key = key_of(SECRET)
    assert key == b"testsecrettestsecrettestsecret12"
    assert signature(key, "9876543210", 1781080794, VECTOR_BODY) == VECTOR
    assert headers([key], "9876543210", 1781080794, VECTOR_BODY) == {
        "webhook-id": "9876543210",
        "webhook-timestamp": "1781080794",
        "webhook-signature": VECTOR,
    }


@quick
@given(keys, ids, bodies)
def test_an_independent_verifier_agrees(key: bytes, delivery_id: str, body: bytes) -> None:
    """Whatever is signed is taken by the reference verifier, and not when body, id or secret are others."""
    secret = secret_of(key)
    sent = headers([key_of(secret)], delivery_id, int(time.time()), body)
    assert is_taken(secret, body, sent)
    assert not is_taken(secret, body + b" ", sent)
    assert not is_taken(secret, body, {**sent, "webhook-id": delivery_id + "x"})
    assert not is_taken(secret_of(key + b"x"), body, sent)


def test_without_a_secret_nothing_is_signed() -> None:
    """No key, no header: not an empty one, and not with a fault either."""
    for fault in (None, *SignatureFault):
        assert headers([], "msg_1", 1, b"{}", fault) == {}


def test_during_a_rotation_both_secrets_sign() -> None:
    """With two secrets there are two signatures, separated by a blank; whoever has either takes the callback."""
    sent = headers([key_of(SECRET), key_of(OTHER)], "msg_1", int(time.time()), b"{}")
    first, second = sent["webhook-signature"].split(" ")
    assert first != second
    assert is_taken(SECRET, b"{}", sent)
    assert is_taken(OTHER, b"{}", sent)
    assert not is_taken(secret_of(b"x" * 24), b"{}", sent)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("fault", [SignatureFault.BAD, SignatureFault.OTHER_SECRET])
def test_wrong_signatures_are_well_formed_and_wrong(fault: SignatureFault, count: int) -> None:
    """A bad signature, and one of another secret, has the form of a good one, and nobody takes it."""
    secrets = [SECRET, OTHER][:count]
    keys_of_secrets = [key_of(secret) for secret in secrets]
    now = int(time.time())
    good = headers(keys_of_secrets, "msg_1", now, b"{}")
    wrong = headers(keys_of_secrets, "msg_1", now, b"{}", fault)
    assert {**wrong, "webhook-signature": ""} == {**good, "webhook-signature": ""}
    signatures = wrong["webhook-signature"].split(" ")
    assert len(signatures) == count
    for text in signatures:
        assert text.startswith("v1,")
        assert len(base64.b64decode(text[3:], validate=True)) == 32
    assert not any(is_taken(secret, b"{}", wrong) for secret in secrets)


def test_a_stale_signature_is_right_but_for_its_age() -> None:
    """A stale callback is signed rightly, ten minutes ago: only whoever looks at the timestamp refuses it."""
    now = int(time.time())
    sent = headers([key_of(SECRET)], "msg_1", now, b"{}", SignatureFault.STALE)
    assert sent == headers([key_of(SECRET)], "msg_1", now - STALE_S, b"{}")
    assert STALE_S > 300
    with pytest.raises(WebhookVerificationError, match="too old"):
        Webhook(SECRET).verify(b"{}", sent)


def test_an_unsigned_callback_has_no_header() -> None:
    """Unsigned is without all three headers, as if there were no secret."""
    assert headers([key_of(SECRET)], "msg_1", 1, b"{}", SignatureFault.UNSIGNED) == {}


@quick
@given(keys)
def test_a_secret_holds_its_key(key: bytes) -> None:
    """What is encoded comes out again, for every length that is allowed."""
    assert key_of(secret_of(key)) == key


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("", "begins with whsec_"),
        ("dGVzdHNlY3JldHRlc3RzZWNyZXQ=", "begins with whsec_"),
        ("WHSEC_dGVzdHNlY3JldHRlc3RzZWNyZXQ=", "begins with whsec_"),
        ("whsec_", "16 to 128 bytes"),
        ("whsec_not base64!", "is not base64"),
        ("whsec_dGVzdHNlY3JldHRlc3RzZWNyZXQ", "is not base64"),
        ("whsec_ÄÄÄÄ", "is not base64"),
        (secret_of(b"x" * 15), "16 to 128 bytes"),
        (secret_of(b"x" * 129), "16 to 128 bytes"),
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str, words: str) -> None:
    """A text that is no secret is refused with what is wanted; the words do not hold it."""
    with pytest.raises(IllegalSecret, match=words) as refused:
        key_of(secret)
    payload = secret.removeprefix("whsec_")
    assert not payload or payload not in str(refused.value)
