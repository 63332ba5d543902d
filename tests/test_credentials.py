"""From an Authorization header to an account."""

from __future__ import annotations

import base64
import json
import re
import warnings
from typing import Any

import jwt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_server import credentials as credentials_module
from mock_server.core.errors import Reason, Refused
from mock_server.credentials import Configured, Credentials, is_jwt, key_account
from tests.support.tasks import quick

NOW = 1_000_000
PAIR = Configured("", "my-access-key", "my-secret")
BOTH = Configured("my-api-key", "my-access-key", "my-secret")
KEY = Configured("my-api-key")
INVALID = Reason.AUTHORIZATION_INVALID
CLAIMS: dict[str, Any] = {"iss": "my-access-key", "exp": NOW + 1800, "nbf": NOW - 5}


def credentials(configured: Configured | None = None) -> Credentials:
    """Credentials that are judged at a fixed instant."""
    return Credentials(configured, lambda: NOW)


def bearer(token: str | bytes) -> bytes:
    """The Authorization header of a token."""
    return b"Bearer " + (token.encode() if isinstance(token, str) else token)


def coded(part: bytes) -> bytes:
    """A part of a token."""
    return base64.urlsafe_b64encode(part).rstrip(b"=")


#: The first part of a token that says it is signed with HS256.
HEAD = coded(b'{"alg":"HS256"}').decode()


def signed(claims: dict[str, Any], secret: str = "my-secret", algorithm: str = "HS256") -> bytes:
    """The header of a token that PyJWT has signed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyJWT does not like short secrets
        return bearer(jwt.encode(claims, secret, algorithm))


def raw(payload: bytes, header: bytes = b'{"alg":"HS256","typ":"JWT"}') -> bytes:
    """The header of a token with this very payload, and no good signature."""
    return bearer(b".".join([coded(header), coded(payload), coded(b"signature")]))


def refusal(header: bytes | None, configured: Configured | None = None) -> Refused:
    """How a header is refused."""
    with pytest.raises(Refused) as refused:
        credentials(configured).account_id(header)
    return refused.value


def outcome(header: bytes, configured: Configured | None) -> Reason | None:
    """Why a header is refused, or ``None`` when it leads to an account."""
    try:
        assert credentials(configured).account_id(header)
    except Refused as refused:
        return refused.reason
    return None


# ---- the header -----------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, b"", b" ", b"\t "])
def test_no_credential_is_told_apart(header: bytes | None) -> None:
    """A header that is missing or blank is empty, not invalid."""
    assert refusal(header).reason is Reason.AUTHORIZATION_EMPTY


@pytest.mark.parametrize(
    "header",
    [
        b"Bearer",
        b"Bearer ",
        b"Bearer  key",
        b"Bearer key ",
        b"Bearer ke y",
        b"bearer key",
        b"BEARER key",
        b" Bearer key",
        b"Bearer\tkey",
        b"Bearerkey",
        b"Basic a2V5Og==",
        b"key",
        b"Token key",
    ],
)
def test_a_header_is_bearer_one_space_and_a_token(header: bytes) -> None:
    """Anything but the word Bearer, one space and a token is invalid, also where anybody is let in."""
    assert refusal(header).reason is INVALID


# ---- API keys -------------------------------------------------------------------------------


@quick
@given(
    st.binary(min_size=1, max_size=12).filter(
        lambda key: not re.search(rb"\s|\xa0|\x85|[\x1c-\x1f]", key)
    )
)
@example(b"a.b.c")
@example(b"..")
@example(b"sk-\xff")
def test_any_key_is_let_in_and_names_its_account(key: bytes) -> None:
    """By default any non-empty key is let in; its account is named by a hash, never by the key."""
    account_id = credentials().account_id(bearer(key))
    assert re.fullmatch("key-[0-9a-f]{12}", account_id)
    assert account_id == credentials().account_id(bearer(key)) == key_account(key.decode("latin-1"))
    if len(key) > 3:
        assert key.decode("latin-1") not in account_id.removeprefix("key-")


def test_two_keys_are_two_accounts() -> None:
    """Every key is an account of its own."""
    names = {credentials().account_id(bearer(f"key-{number}")) for number in range(100)}
    assert len(names) == 100


@pytest.mark.parametrize(
    "key",
    [
        "a.b.c",
        "sk-1.2.3",
        "..",
        f"{coded(b'[1]').decode()}.b.c",
        f"{coded(b'{}').decode()}.b.c",
        f"{coded(b'null').decode()}.b.c",
        f"{coded(b'not json').decode()}.b.c",
        HEAD + ".b",
        HEAD + ".b.c.d",
        "é.b.c",
    ],
)
def test_what_only_looks_like_a_token_is_a_key(key: str) -> None:
    """Three parts make a token only when the first decodes to an object with alg."""
    assert not is_jwt(key)
    assert credentials().account_id(bearer(key.encode("latin-1"))).startswith("key-")


@pytest.mark.parametrize("configured", [KEY, BOTH])
def test_a_configured_key_lets_in_itself_only(configured: Configured) -> None:
    """With a key configured, exactly that key is let in."""
    assert credentials(configured).account_id(bearer("my-api-key"))
    for key in ("my-api-ke", "my-api-keyy", "MY-API-KEY", "my-access-key", "my-secret", "x"):
        assert refusal(bearer(key), configured).reason is INVALID


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("sk-1", "expected to have 3 parts, but got 0"),
        ("a.b", "3 parts, but got 2"),
        ("a.b.c", "not a JWT"),
    ],
)
def test_an_unknown_key_is_taken_for_a_token(key: str, words: str) -> None:
    """An unknown key is refused in the words the vendor has for a token that is none (observed)."""
    refused = refusal(bearer(key), PAIR)
    assert refused.reason is INVALID
    assert words in refused.message


def test_a_key_and_a_pair_are_one_account() -> None:
    """When both kinds of credential are configured they lead to one account, named by the access key."""
    door = credentials(BOTH)
    assert (
        door.account_id(bearer("my-api-key")) == door.account_id(signed(CLAIMS)) == "my-access-key"
    )
    assert credentials(KEY).account_id(bearer("my-api-key")) == key_account("my-api-key")


def test_remembering_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts of keys are remembered, but never more than a bounded number, and always the same."""
    monkeypatch.setattr(credentials_module, "_REMEMBERED", 3)
    door = credentials()
    for number in (*range(10), *range(10)):
        assert door.account_id(bearer(f"k{number}")) == key_account(f"k{number}")
        assert len(door._known) <= 3


def test_a_refused_key_is_not_remembered() -> None:
    """Only who was let in is remembered."""
    door = credentials(KEY)
    for key in ("x", "y"):
        with pytest.raises(Refused):
            door.account_id(bearer(key))
    assert door._known == {}


# ---- tokens ---------------------------------------------------------------------------------


@pytest.mark.parametrize("configured", [None, PAIR, BOTH])
def test_a_good_token_names_its_account(configured: Configured | None) -> None:
    """A token signed with HS256 whose claims are acceptable leads to the account of its iss."""
    assert credentials(configured).account_id(signed(CLAIMS)) == "my-access-key"


def test_by_default_any_access_key_and_secret_are_let_in() -> None:
    """Without configuration signatures are not verified, and iss names the account."""
    token = signed({**CLAIMS, "iss": "somebody"}, "another secret")
    assert credentials().account_id(token) == "somebody"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": NOW + 1}, INVALID),
        ({"iss": "my-access-key"}, INVALID),
        ({**CLAIMS, "iss": 5}, INVALID),
        ({**CLAIMS, "exp": NOW}, Reason.AUTHORIZATION_EXPIRED),
        ({**CLAIMS, "exp": NOW - 1}, Reason.AUTHORIZATION_EXPIRED),
        ({**CLAIMS, "nbf": NOW + 1}, Reason.AUTHORIZATION_NOT_YET_VALID),
        ({**CLAIMS, "exp": "soon"}, INVALID),
        ({**CLAIMS, "exp": True}, INVALID),
        ({**CLAIMS, "nbf": "x"}, INVALID),
    ],
    ids=str,
)
@pytest.mark.parametrize("configured", [None, PAIR])
def test_claims_are_judged(
    claims: dict[str, Any], reason: Reason, configured: Configured | None
) -> None:
    """A token that is early, expired or incomplete is refused with its own reason, verified or not."""
    assert refusal(raw_signed(claims), configured).reason is reason


def raw_signed(claims: dict[str, Any]) -> bytes:
    """A signed token with claims that PyJWT itself would not write."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        token = jwt.api_jws.encode(
            json.dumps(claims).encode(), "my-secret", "HS256", {"typ": "JWT"}
        )
    return bearer(token)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "1" + "0" * 400, "1" + "0" * 5000])
@pytest.mark.parametrize("name", ["exp", "nbf"])
def test_a_number_that_is_none_never_breaks_the_door(name: str, number: str) -> None:
    """A claim that is not finite, or longer than any instant, is refused as invalid."""
    claims = json.dumps({**CLAIMS, name: 0}).replace(f'"{name}": 0', f'"{name}": {number}')
    assert refusal(raw(claims.encode())).reason is INVALID


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"5", b'"x"', b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'{"iss":' * 2000],
    ids=lambda payload: repr(payload[:12]),
)
@pytest.mark.parametrize("configured", [None, PAIR])
def test_a_payload_that_is_no_object_is_invalid(
    payload: bytes, configured: Configured | None
) -> None:
    """A token whose payload is not an object is refused, however deep or garbled it is."""
    assert refusal(raw(payload), configured).reason is INVALID


@pytest.mark.parametrize("configured", [None, PAIR])
@pytest.mark.parametrize("algorithm", ["none", "HS512", "HS384", "RS256", "hs256", "", 5, None])
def test_only_hs256_is_accepted(algorithm: object, configured: Configured | None) -> None:
    """A token that names another algorithm, or none, is refused, whatever its signature."""
    header = json.dumps({"alg": algorithm, "typ": "JWT"}).encode()
    assert refusal(raw(json.dumps(CLAIMS).encode(), header), configured).reason is INVALID


def test_a_token_without_signature_is_refused_where_secrets_are_known() -> None:
    """The trick of naming no algorithm and leaving the signature out does not work."""
    token = b".".join([coded(b'{"alg":"none"}'), coded(json.dumps(CLAIMS).encode()), b""])
    assert refusal(bearer(token), PAIR).reason is INVALID
    assert refusal(bearer(token)).reason is INVALID


def test_hs512_with_the_right_secret_is_refused() -> None:
    """The documented algorithm is HS256; a good signature of another does not count."""
    assert refusal(signed(CLAIMS, algorithm="HS512"), PAIR).reason is INVALID


@pytest.mark.parametrize("configured", [PAIR, BOTH])
def test_a_wrong_signature_is_refused(configured: Configured) -> None:
    """With a pair configured, a token that its secret did not sign is not authentic."""
    for header in (
        signed(CLAIMS, "my-secres"),
        signed(CLAIMS)[:-3] + b"AAA",
        raw(json.dumps(CLAIMS).encode()),
    ):
        assert refusal(header, configured).reason is Reason.AUTHENTICATION_FAILED


def test_a_changed_payload_is_refused() -> None:
    """A token whose claims were changed after signing is not authentic."""
    head, _, signature = signed(CLAIMS).split(b".")
    forged = coded(json.dumps({**CLAIMS, "exp": NOW + 10**6}).encode())
    assert (
        refusal(b".".join([head, forged, signature]), PAIR).reason is Reason.AUTHENTICATION_FAILED
    )


@pytest.mark.parametrize("configured", [PAIR, BOTH, KEY])
@pytest.mark.parametrize("iss", ["other", "", None, 5, ["my-access-key"]])
def test_an_unknown_access_key_is_refused(configured: Configured, iss: object) -> None:
    """With credentials configured, a token of another access key is refused."""
    assert refusal(raw_signed({**CLAIMS, "iss": iss}), configured).reason is INVALID


@pytest.mark.parametrize("secret", ["s", "x" * 31, "x" * 32, "x" * 100, "密钥"])
def test_secrets_of_any_length_work_without_a_warning(secret: str) -> None:
    """A short secret is padded as HMAC does it, so no signature changes and nothing warns."""
    configured = Configured("", "my-access-key", secret)
    assert credentials(configured).account_id(signed(CLAIMS, secret)) == "my-access-key"
    wrong = signed(CLAIMS, secret + "!")
    assert refusal(wrong, configured).reason is Reason.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "secret", ["ssh-rsa AAAA", "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----\n"]
)
def test_a_secret_that_looks_like_a_key_file_breaks_nothing(secret: str) -> None:
    """A secret in which PyJWT sees a public key leads to a refusal, never to a crash."""
    configured = Configured("", "my-access-key", secret)
    header = raw(json.dumps(CLAIMS).encode())
    assert refusal(header, configured).reason in (INVALID, Reason.AUTHENTICATION_FAILED)


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"HS256","b64":false}',
        b'{"alg":"HS256","kid":5}',
        b'{"alg":"HS256","crit":["x"]}',
        b'{"alg":"HS256","x":' + b"[" * 1000 + b"]" * 1000 + b"}",
    ],
    ids=lambda header: repr(header[:24]),
)
@pytest.mark.parametrize("configured", [None, PAIR])
def test_an_odd_token_header_is_refused(header: bytes, configured: Configured | None) -> None:
    """A header that asks for what HS256 tokens do not have is refused."""
    assert refusal(raw(json.dumps(CLAIMS).encode(), header), configured).reason is INVALID


@quick
@given(st.binary(max_size=20), st.sampled_from([None, PAIR, BOTH]))
def test_no_header_breaks_the_door(noise: bytes, configured: Configured | None) -> None:
    """Whatever bytes are sent, there is an account or a refusal."""
    for header in (noise, bearer(noise), raw(noise), raw(b"{}", noise), bearer(b"e30." + noise)):
        assert outcome(header, configured) in (None, INVALID, Reason.AUTHORIZATION_EMPTY)


def test_a_token_is_judged_anew_each_time() -> None:
    """A token that was let in is refused once it has expired."""
    now = [float(NOW)]
    door = Credentials(None, lambda: now[0])
    token = signed(CLAIMS)
    assert door.account_id(token) == "my-access-key"
    now[0] = NOW + 1800
    with pytest.raises(Refused) as refused:
        door.account_id(token)
    assert refused.value.reason is Reason.AUTHORIZATION_EXPIRED


@pytest.mark.parametrize("configured", [None, PAIR])
def test_a_token_can_be_judged_later_than_now(configured: Configured | None) -> None:
    """By how much an account's tokens are judged later is asked for the token's own issuer, each time anew."""
    later = {"my-access-key": 0.0}
    door = Credentials(configured, lambda: NOW, lambda account_id: later.get(account_id, 0.0))
    assert door.account_id(signed(CLAIMS)) == "my-access-key"
    later |= {"another": 10_000.0}
    assert door.account_id(signed(CLAIMS)) == "my-access-key"
    later["my-access-key"] = 1800.0
    with pytest.raises(Refused) as refused:
        door.account_id(signed(CLAIMS))
    assert refused.value.reason is Reason.AUTHORIZATION_EXPIRED
    assert door.account_id(signed({**CLAIMS, "exp": NOW + 3600})) == "my-access-key"


def test_an_issuer_that_is_no_text_has_no_clock() -> None:
    """Nobody's clock is asked for when the issuer of a token is no text."""

    def nobody(account_id: str) -> float:
        raise AssertionError(f"asked for {account_id!r}")

    for issuer in (b"null", b"5", b"[]", b"{}"):
        with pytest.raises(Refused):
            Credentials(None, lambda: NOW, nobody).account_id(raw(b'{"iss":' + issuer + b"}"))


@pytest.mark.parametrize("configured", [None, PAIR, BOTH, KEY])
def test_refusals_never_repeat_a_secret(configured: Configured | None) -> None:
    """The words of a refusal hold neither the credential that was sent nor those that are configured."""
    for header in (
        b"Bearer  s3cret-key",
        b"s3cret-key",
        bearer("s3cret-key x"),
        signed({"iss": "s3cret-key"}),
    ):
        said = str(refusal(header, configured))
        for secret in ("s3cret-key", "my-api-key", "my-secret"):
            assert secret not in said


# ---- pairs of accounts ----------------------------------------------------------------------


def with_pair() -> Credentials:
    """Credentials that let in everybody and know one pair, of the account of a key."""
    judge = credentials()
    judge.add_pair("my-access-key", "my-secret", key_account("my-key"))
    return judge


def test_token_of_a_known_pair_is_the_account_of_its_key() -> None:
    """Where everybody is let in, a token of a known pair leads to the account that it was added for."""
    judge = with_pair()

    assert (
        judge.account_id(signed(CLAIMS))
        == key_account("my-key")
        == judge.account_id(bearer("my-key"))
    )
    assert judge.account_id(signed({**CLAIMS, "iss": "another"}, "any secret")) == "another"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (signed(CLAIMS, "another secret"), Reason.AUTHENTICATION_FAILED),
        (signed(CLAIMS, "my-secret", "HS512"), Reason.AUTHORIZATION_INVALID),
        (signed({**CLAIMS, "exp": NOW - 1}), Reason.AUTHORIZATION_EXPIRED),
        (signed({**CLAIMS, "nbf": NOW + 60}), Reason.AUTHORIZATION_NOT_YET_VALID),
    ],
    ids=["secret", "algorithm", "expired", "too early"],
)
def test_token_of_a_known_pair_is_verified(header: bytes, reason: Reason) -> None:
    """A token of a known pair is verified like one of configured credentials."""
    with pytest.raises(Refused) as refused:
        with_pair().account_id(header)

    assert refused.value.reason is reason


def test_configured_credentials_count_before_pairs() -> None:
    """A server that lets in configured credentials lets in no other pair."""
    judge = credentials(Configured("", "configured", "its-secret"))
    judge.add_pair("my-access-key", "my-secret", key_account("my-key"))

    with pytest.raises(Refused):
        judge.account_id(signed(CLAIMS))


def test_tokens_of_a_pair_expire_by_the_clock_of_their_account() -> None:
    """What an account's clock was advanced by is added for tokens of its pair too."""
    asked: list[str] = []

    def jumped_s(account_id: str) -> float:
        asked.append(account_id)
        return 3600.0

    judge = Credentials(None, lambda: NOW, jumped_s)
    judge.add_pair("my-access-key", "my-secret", key_account("my-key"))

    with pytest.raises(Refused):
        judge.account_id(signed(CLAIMS))
    assert asked == [key_account("my-key")]
