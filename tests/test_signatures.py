"""The kit's own signatures: the vendor's vector, the reference library, and what is refused."""

from __future__ import annotations

import time

import pytest
from standardwebhooks.webhooks import Webhook

from contract_tests.signatures import (
    ID,
    SIGNATURE,
    TIMESTAMP,
    IllegalSecret,
    keys_of,
    problem,
    sign,
)

#: Source: vendor callback page 2026-09 (OFF-09), recomputed.
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
BODY = (
    b'{"id":"1234567890","status":"succeeded","message":"",'
    b'"create_time":1781080778802,"update_time":1781080794151}'
)
NOW_S = 1781080794
HEADERS = {
    ID: "9876543210",
    TIMESTAMP: str(NOW_S),
    SIGNATURE: "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
}
KEYS = keys_of(SECRET)


def test_the_vector_of_the_vendor_is_met() -> None:
    """The signature is that of the page, and is verified."""
    assert sign(KEYS[0], HEADERS[ID], HEADERS[TIMESTAMP], BODY) == HEADERS[SIGNATURE]
    assert problem(KEYS, HEADERS, BODY, NOW_S) is None


def test_the_reference_library_takes_it() -> None:
    """What the kit signs, the reference library verifies."""
    at = str(int(time.time()))
    headers = {ID: "1", TIMESTAMP: at, SIGNATURE: sign(KEYS[0], "1", at, BODY)}
    assert Webhook(SECRET).verify(BODY, headers)["id"] == "1234567890"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({ID: ""}, "webhook-id"),
        ({SIGNATURE: ""}, "webhook-signature"),
        ({TIMESTAMP: "soon"}, "no number"),
        ({TIMESTAMP: str(NOW_S - 301)}, "300 s"),
        ({TIMESTAMP: str(NOW_S + 301)}, "300 s"),
        ({TIMESTAMP: str(NOW_S + 1)}, "no signature"),
        ({ID: "9876543211"}, "no signature"),
        ({SIGNATURE: "v1,\xfc"}, "no signature"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(change: dict[str, str], words: str) -> None:
    """Each thing that is wrong with a delivery has words of its own."""
    found = problem(KEYS, HEADERS | change, BODY, NOW_S)
    assert found is not None
    assert words in found


def test_any_signature_will_do() -> None:
    """One valid signature among others is enough, for any of the keys."""
    both = {**HEADERS, SIGNATURE: f"v2,x v1,y {HEADERS[SIGNATURE]}"}
    assert problem([b"another", *KEYS], both, BODY, NOW_S) is None
    assert problem([b"another"], both, BODY, NOW_S) is not None


def test_secrets_are_read() -> None:
    """Behind whsec_ is base64, with or without its padding; a plain secret may be base64 or a text."""
    assert keys_of("whsec_YWI=") == keys_of("whsec_YWI") == (b"ab",)
    assert keys_of("plain!") == (b"plain!",)
    assert keys_of("YWI=") == (b"ab", b"YWI=")
    for text in ("", "whsec_", "whsec_!", "whsec_a", "with\nbreak", "ünï"):
        with pytest.raises(IllegalSecret) as caught:
            keys_of(text)
        assert not text or text not in str(caught.value).replace("whsec_", "", 1)
