"""Credentials: what is let in, as which account, and how the rest is refused."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest

from tests.http.api import EZ_PATH, EZ_SPEECH, Answer, Api, api, judged

SECRET = "a-secret-key-of-an-access-key-pair-" * 2
OTHER_SECRET = "another-secret-key-of-no-access-key-" * 2
PAIR = {"access_key": "AK", "secret_key": SECRET}


def token(
    secret: str = SECRET,
    algorithm: str = "HS256",
    headers: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """A token as clients sign it, valid now; claims replace or, if ``None``, remove the usual ones."""
    now = int(time.time())
    all_claims = {"iss": "AK", "exp": now + 1800, "nbf": now - 5, **claims}
    kept = {name: value for name, value in all_claims.items() if value is not None}
    return jwt.encode(kept, secret, algorithm, headers)


def raw_token(claims: bytes, header: Any = None) -> str:
    """A token of any claims, with a signature that is none."""
    parts = (json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode(), claims, b"signature")
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def sent(mock: Api, authorization: str | None) -> Answer:
    """The answer to a request with this Authorization header."""
    headers = {} if authorization is None else {"authorization": authorization}
    return mock.using("").get("/v1/general/custom-voices", headers)


@pytest.mark.parametrize("authorization", [None, "", " "])
def test_missing_credential_is_1001(authorization: str | None) -> None:
    """Without Authorization, or with an empty one, the answer is 401/1001."""
    assert sent(api(), authorization).error == (401, 1001)


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "bearer k",
        "BEARER k",
        "Basic azpr",
        "k",
        "Bearer  k",
        "Bearer a b",
        "Bearer\tk",
    ],
)
def test_header_of_another_form_is_1002(authorization: str) -> None:
    """Anything but the word Bearer, one blank and a token is 401/1002."""
    assert sent(api(), authorization).error == (401, 1002)


@pytest.mark.parametrize("key", ["k", "sk-1234", "a.b", "a.b.c", "....", "é", "x" * 3000, "🎵"])
def test_any_api_key_is_let_in_by_default(key: str) -> None:
    """Any non-empty key is let in, also one with dots that is no token, and is an account of its own."""
    mock = api().using("")
    header = (b"authorization", f"Bearer {key}".encode())

    answer = mock.http.get("/v1/general/custom-voices", headers=[header])

    assert judged(answer).data == []


def test_account_id_does_not_show_the_key() -> None:
    """The account of an API key is named by a hash; the key is in no answer."""
    mock = api().using("a-very-secret-key")

    account = mock.control("GET", "/clock")[1]["account"]

    assert account.startswith("key-")
    assert "secret" not in account


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        pytest.param({}, None, id="valid"),
        pytest.param({"nbf": None}, None, id="no nbf"),
        pytest.param({"exp": 99999999999.5}, None, id="fraction"),
        pytest.param({"extra": [1]}, None, id="other claims"),
        pytest.param({"exp": 1}, (401, 1004), id="expired"),
        pytest.param({"exp": 0, "nbf": 99999999999}, (401, 1003), id="expired and not yet valid"),
        pytest.param({"nbf": 99999999999}, (401, 1003), id="not yet valid"),
        pytest.param({"exp": None}, (401, 1002), id="no exp"),
        pytest.param({"exp": "99999999999"}, (401, 1002), id="exp as text"),
        pytest.param({"exp": True}, (401, 1002), id="exp as bool"),
        pytest.param({"nbf": []}, (401, 1002), id="nbf as array"),
        pytest.param({"iss": None}, (401, 1002), id="no iss"),
        pytest.param({"iss": ""}, (401, 1002), id="empty iss"),
    ],
)
@pytest.mark.parametrize("options", [{}, PAIR], ids=["by default", "configured"])
def test_claims_are_judged(
    options: dict[str, str], claims: dict[str, Any], error: tuple[int, int] | None
) -> None:
    """Both exp and nbf are judged whether or not signatures are verified: 1004, 1003, and 1002 for the malformed."""
    answer = sent(api(**options), "Bearer " + token(**claims))

    if error is None:
        assert answer.status == 200
    else:
        assert answer.error == error


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param(b'{"iss":"AK","exp":1' + b"0" * 400 + b"}", id="exp too large for a float"),
        pytest.param(
            b'{"iss":"AK","exp":99999999999,"nbf":-1' + b"0" * 400 + b"}", id="nbf likewise"
        ),
        pytest.param(b'{"iss":"AK","exp":1' + b"0" * 5000 + b"}", id="exp of 5,000 digits"),
        pytest.param(b'{"iss":"AK","exp":NaN}', id="NaN"),
        pytest.param(
            b'{"iss":"AK","exp":99999999999,"x":' + b"[" * 9000 + b"]" * 9000 + b"}", id="deep"
        ),
        pytest.param(b"[]", id="array"),
        pytest.param(b"null", id="null"),
        pytest.param(b"\xff", id="no UTF-8"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"", id="nothing"),
        pytest.param(b'{"iss":5,"exp":99999999999}', id="iss as number"),
        pytest.param(b'{"iss":["AK"],"exp":99999999999}', id="iss as array"),
    ],
)
def test_hostile_claims_are_refused(claims: bytes) -> None:
    """Claims that no clock can judge, and payloads that are no claims, are 401: never a server error, never let in."""
    answer = sent(api(), "Bearer " + raw_token(claims))

    assert answer.status == 401
    assert answer.value["code"] in (1002, 1003, 1004)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS512"},
        {"alg": "RS256"},
        {"alg": 5},
        {"alg": None},
        {"alg": "HS256", "kid": 5},
    ],
)
def test_token_must_be_signed_with_hs256(header: dict[str, Any]) -> None:
    """A token that names another algorithm, or a malformed header, is 401/1002 even where nothing is verified."""
    claims = json.dumps({"iss": "AK", "exp": 99999999999}).encode()

    assert sent(api(), "Bearer " + raw_token(claims, header)).error == (401, 1002)


@pytest.mark.parametrize("iss", ["a b", "声音", "🎵", "AK", "x" * 100, "-", "../x", "<b>"])
def test_any_access_key_is_an_account(iss: str) -> None:
    """The iss of a token is the account, whatever its printable characters: it creates, queries and has a clock."""
    claims = json.dumps({"iss": iss, "exp": 99999999999}).encode()
    mock = api().using(raw_token(claims))

    created = mock.learn()

    assert mock.voice(created.data["task_id"]).status == 200
    assert mock.control("GET", "/clock")[1]["account"] == iss


@pytest.mark.parametrize("iss", ["a\nb", "\0", "\x1b[31m", "\x9b", "\ud800", "\u202e", "x" * 5000])
def test_access_key_that_cannot_be_shown_is_refused(iss: str) -> None:
    """An iss with control characters, lone surrogates or thousands of characters is 401, in the control API too."""
    claims = json.dumps({"iss": iss, "exp": 99999999999}).encode()
    mock = api().using(raw_token(claims))

    assert mock.voices().error == (401, 1002)
    assert mock.control("GET", "/clock")[0] == 401


def test_access_key_that_looks_like_nobody_shares_no_request_id() -> None:
    """A token whose iss is '-' does not get the request ids of unauthenticated requests."""
    mock = api(seed="nobody")
    someone = mock.using(raw_token(b'{"iss":"-","exp":99999999999}'))

    ids = [
        item.presets().value["request_id"] for item in (mock.using(""), someone) for _ in range(3)
    ]

    assert len(set(ids)) == 6


def test_tokens_of_one_access_key_are_one_account() -> None:
    """All tokens with one iss see the same tasks; another iss sees others."""
    mock = api()
    task_id = mock.using(token(iss="one-account")).learn().data["task_id"]

    assert mock.using(token(iss="one-account", jti="2")).voice(task_id).status == 200
    assert mock.using(token(iss="another")).voice(task_id).error == (400, 1201)


def test_configured_key_is_the_only_one() -> None:
    """With api_key configured that key is let in; other keys and any token are 401/1002."""
    mock = api(api_key="the-key")

    assert sent(mock, "Bearer the-key").status == 200
    refused = sent(mock, "Bearer another")
    assert refused.error == (401, 1002)
    assert refused.message == "The token was expected to have 3 parts, but got 0"
    assert sent(mock, "Bearer the-key2").error == (401, 1002)
    assert sent(mock, "Bearer a.b").error == (401, 1002)
    assert sent(mock, "Bearer a.b.c").error == (401, 1002)
    assert sent(mock, "Bearer " + token()).error == (401, 1002)
    assert sent(mock, None).error == (401, 1001)


@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        pytest.param(token(secret=OTHER_SECRET), (401, 1000), id="secret"),
        pytest.param(token(secret=OTHER_SECRET, exp=1), (401, 1000), id="secret, exp"),
        pytest.param(token()[:-4] + "AAAA", (401, 1000), id="end of signature"),
        pytest.param(token(iss="AK2"), (401, 1002), id="access key"),
        pytest.param(token(iss="ak"), (401, 1002), id="case of access key"),
        pytest.param(token(algorithm="HS384"), (401, 1002), id="algorithm"),
        pytest.param(
            raw_token(b'{"iss":"AK","exp":99999999999}', {"alg": "none"}), (401, 1002), id="none"
        ),
        pytest.param("any-key", (401, 1002), id="API key"),
    ],
)
def test_configured_pair_verifies_signatures(authorization: str, error: tuple[int, int]) -> None:
    """With a pair configured, a wrong signature is 401/1000 and another access key or algorithm 401/1002."""
    assert sent(api(**PAIR), "Bearer " + authorization).error == error


def test_configured_pair_lets_its_tokens_in() -> None:
    """With a pair configured, a token signed with its secret is let in."""
    assert sent(api(**PAIR), "Bearer " + token()).status == 200


def test_short_secret_verifies_too() -> None:
    """A secret key shorter than the hash is used as it is."""
    mock = api(access_key="AK", secret_key="short")
    signed = jwt.api_jws.encode(
        json.dumps({"iss": "AK", "exp": 99999999999}).encode(), b"short".ljust(32, b"\0"), "HS256"
    )

    assert sent(mock, "Bearer " + signed).status == 200


def test_configured_key_and_pair_are_one_account() -> None:
    """An API key and a pair that are configured together see the same tasks."""
    mock = api(api_key="the-key", **PAIR).using("the-key")
    task_id = mock.learn().data["task_id"]

    assert mock.using(token()).voice(task_id).data["task_id"] == task_id


def test_ezmodel_refuses_credentials_alike() -> None:
    """EzModel's answer to a bad credential has the same cause, and the code 401."""
    mock = api(**PAIR)

    for key in ("", "any", token(exp=1)):
        assert mock.using(key).post(EZ_PATH, EZ_SPEECH).error == (401, 401)
    assert mock.using(token()).post(EZ_PATH, EZ_SPEECH).status == 200


@pytest.mark.parametrize("options", [{}, PAIR], ids=["anyone", "configured"])
def test_tokens_can_expire_by_the_accounts_clock(options: dict[str, Any]) -> None:
    """With auth_clock=virtual a token ages by the wall clock, and by what its account was advanced."""
    mock = api(auth_clock="virtual", **options)
    mine = mock.using(token())
    other = mock.using(token(iss="AK" if options else "someone-else", exp=int(time.time()) + 10**6))
    mine.control("POST", "/reset")
    assert mine.voices().status == 200
    mine.advance(1700)
    assert mine.voices().status == 200
    mine.advance(200)

    assert mine.voices().error == (401, 1004)
    assert mine.speak().error == (401, 1004)
    assert other.voices().status == 200
    # A client that signs a new one with its own clock needs a life that reaches the account's.
    assert mock.using(token(exp=int(time.time()) + 3600)).voices().status == 200


def test_tokens_expire_by_the_wall_clock_by_default() -> None:
    """However far an account is advanced, its tokens are judged by the machine's clock."""
    mock = api().using(token(iss="wall-clock"))
    mock.advance(10**6)

    assert mock.voices().status == 200


def test_a_key_never_expires() -> None:
    """An API key is let in at any virtual time."""
    mock = api(auth_clock="virtual")
    mock.advance(10**8)

    assert mock.voices().status == 200
