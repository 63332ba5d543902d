"""Verifying signatures: the published vector, rotation, tolerance, and what each verdict says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.signing import SignatureFault, headers, key_of
from mock_server.core.verifying import TOLERANCE_S, UNCHECKED, Signed, Verdict, verify
from tests.support.tasks import quick

#: Source: the vendor's callback page 2026-09 (OFF-09); FACTS section 3.
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
NOW = 1781080794
BODY = (
    b'{"id":"1234567890","status":"succeeded","message":"",'
    b'"create_time":1781080778802,"update_time":1781080794151}'
)
VECTOR = {
    "webhook-id": "9876543210",
    "webhook-timestamp": str(NOW),
    "webhook-signature": "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
}
KEY = key_of(SECRET)
OTHER = b"another-key-of-24-bytes!"


def verdict(**changed: str) -> Verdict:
    """The verdict on the vector with some headers changed; underscores are hyphens, empty is left out."""
    given = {**VECTOR, **{name.replace("_", "-"): text for name, text in changed.items()}}
    return verify({name: text for name, text in given.items() if text}, BODY, [KEY], NOW)


def test_published_vector_is_verified() -> None:
    """The vector that the vendor publishes is good."""
    assert verdict() == Verdict(Signed.OK, "ok")
    assert not verdict().is_bad


def test_nothing_is_checked_without_a_key() -> None:
    """Without a secret there is no verdict, signed or not, and nothing to refuse."""
    assert verify(VECTOR, BODY, [], NOW) == UNCHECKED == verify({}, BODY, [], NOW)
    assert not UNCHECKED.is_bad


@pytest.mark.parametrize(
    ("changed", "signed", "words"),
    [
        (dict.fromkeys(VECTOR, ""), Signed.UNSIGNED, "no header"),
        ({"webhook_id": ""}, Signed.MALFORMED, "no header webhook-id"),
        (
            {"webhook_id": "", "webhook_timestamp": ""},
            Signed.MALFORMED,
            "no header webhook-id and webhook-timestamp",
        ),
        ({"webhook_timestamp": "now"}, Signed.MALFORMED, "webhook-timestamp is no number"),
        ({"webhook_timestamp": "١٢٣"}, Signed.MALFORMED, "webhook-timestamp is no number"),
        ({"webhook_timestamp": "9" * 5000}, Signed.MALFORMED, "webhook-timestamp is no number"),
        ({"webhook_signature": "v2,AAAA"}, Signed.MALFORMED, "webhook-signature holds no v1,"),
        ({"webhook_signature": "v1,AAAA"}, Signed.MISMATCH, "does not match"),
        ({"webhook_signature": "v1,\ud800é"}, Signed.MISMATCH, "does not match"),
        ({"webhook_id": "9876543211"}, Signed.MISMATCH, "does not match"),
        ({"webhook_timestamp": str(NOW + 1)}, Signed.MISMATCH, "does not match"),
    ],
)
def test_what_is_wrong_is_said(changed: dict[str, str], signed: Signed, words: str) -> None:
    """Each way to be wrong has its own verdict and words, and is refused."""
    found = verdict(**changed)

    assert (found.signed, found.is_bad) == (signed, True)
    assert found.words.startswith(words)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (NOW + TOLERANCE_S, "ok"),
        (NOW - TOLERANCE_S, "ok"),
        (NOW + 700, "stale by 700 s (300 s are allowed)"),
        (NOW + TOLERANCE_S + 0.5, "stale by 301 s (300 s are allowed)"),
        (NOW - 301, "ahead by 301 s (300 s are allowed)"),
    ],
)
def test_time_may_be_five_minutes_off(now: float, words: str) -> None:
    """A timestamp up to five minutes away from the clock is fresh; beyond, it says how stale or ahead it is."""
    found = verify(VECTOR, BODY, [KEY], now)

    assert found == Verdict(Signed.OK if words == "ok" else Signed.STALE, words)


def test_tolerance_can_be_chosen() -> None:
    """Another tolerance is kept to."""
    assert verify(VECTOR, BODY, [KEY], NOW + 2, 1).signed is Signed.STALE


def test_any_signature_by_any_secret_will_do() -> None:
    """During a rotation one match is enough, on either side; which secret it was is said."""
    both = headers([OTHER, KEY], "1", NOW, BODY)

    assert verify(both, BODY, [KEY], NOW).words == "ok"
    assert verify(VECTOR, BODY, [OTHER, KEY], NOW).words == "ok (secret 2 of 2)"
    assert verify(VECTOR, BODY, [OTHER], NOW).signed is Signed.MISMATCH
    later = {**both, "webhook-signature": f"v1a,zzzz {both['webhook-signature']}"}
    assert verify(later, BODY, [KEY], NOW).words == "ok"


@pytest.mark.parametrize(
    ("fault", "signed"),
    [
        (SignatureFault.BAD, Signed.MISMATCH),
        (SignatureFault.STALE, Signed.STALE),
        (SignatureFault.OTHER_SECRET, Signed.MISMATCH),
        (SignatureFault.UNSIGNED, Signed.UNSIGNED),
    ],
)
def test_every_signature_fault_is_recognised(fault: SignatureFault, signed: Signed) -> None:
    """What the mock signs wrongly on purpose gets the verdict that it is meant for."""
    assert verify(headers([KEY], "1", NOW, BODY, fault), BODY, [KEY], NOW).signed is signed


def test_a_changed_old_callback_is_a_mismatch() -> None:
    """A signature that does not match is told as such, however old it is."""
    assert verify(VECTOR, BODY + b" ", [KEY], NOW + 700).signed is Signed.MISMATCH


@quick
@given(st.binary(max_size=50), st.text(min_size=1, max_size=20), st.integers(0, 2**40))
def test_what_is_signed_verifies_and_nothing_else_does(body: bytes, name: str, at: int) -> None:
    """Whatever is signed is good; with one byte more it is not."""
    name = name.encode("utf-8", "replace").decode().strip() or "x"
    signed = headers([KEY], name, at, body)

    assert verify(signed, body, [KEY], at).signed is Signed.OK
    assert verify(signed, body + b"x", [KEY], at).signed is Signed.MISMATCH


@quick
@given(st.dictionaries(st.sampled_from(list(VECTOR)), st.text(max_size=30)))
def test_no_headers_are_too_odd_for_a_verdict(odd: dict[str, str]) -> None:
    """Whatever stands in the headers, there is a verdict in one printable line."""
    found = verify(odd, b"", [KEY], NOW)

    assert found.is_bad
    assert found.words.isprintable()
