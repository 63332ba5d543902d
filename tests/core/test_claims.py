"""Which claims of a token are acceptable now."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.claims import Claims, judge
from mock_server.core.errors import Reason, Refused
from tests.support.tasks import quick

NOW = 1_000.0
INVALID = Reason.AUTHORIZATION_INVALID
EARLY = Reason.AUTHORIZATION_NOT_YET_VALID
EXPIRED = Reason.AUTHORIZATION_EXPIRED

ROWS: list[tuple[dict[str, Any], Reason | None]] = [
    ({"iss": "ak", "exp": 1001}, None),
    ({"iss": "ak", "exp": 1000.5}, None),
    ({"iss": "ak", "exp": 1001, "nbf": 1000}, None),
    ({"iss": "ak", "exp": 1001, "nbf": 995}, None),
    ({"iss": "ak", "exp": 1001, "nbf": None}, None),
    ({"iss": "ak", "exp": 1001, "iat": "x", "aud": 7}, None),
    ({}, INVALID),
    ({"exp": 1001}, INVALID),
    ({"iss": "", "exp": 1001}, INVALID),
    ({"iss": None, "exp": 1001}, INVALID),
    ({"iss": 5, "exp": 1001}, INVALID),
    ({"iss": ["ak"], "exp": 1001}, INVALID),
    ({"iss": "ak"}, INVALID),
    ({"iss": "ak", "exp": None}, INVALID),
    ({"iss": "ak", "exp": "1001"}, INVALID),
    ({"iss": "ak", "exp": True}, INVALID),
    ({"iss": "ak", "exp": [1001]}, INVALID),
    ({"iss": "ak", "exp": 1001, "nbf": "1"}, INVALID),
    ({"iss": "ak", "exp": 1001, "nbf": False}, INVALID),
    ({"iss": "ak", "exp": 1001, "nbf": 1000.5}, EARLY),
    ({"iss": "ak", "exp": 999, "nbf": 1001}, EARLY),
    ({"iss": "ak", "exp": 1000}, EXPIRED),
    ({"iss": "ak", "exp": 0}, EXPIRED),
    ({"iss": "ak", "exp": -1}, EXPIRED),
    ({"iss": "ak", "exp": 999.9}, EXPIRED),
]


def outcome(claims: dict[str, Any], now_s: float = NOW) -> Reason | None:
    """Why claims are refused, or ``None`` when they are accepted."""
    try:
        judge(claims, now_s)
    except Refused as refused:
        return refused.reason
    return None


@pytest.mark.parametrize(("claims", "reason"), ROWS, ids=str)
def test_claims_are_judged_by_the_table(claims: dict[str, Any], reason: Reason | None) -> None:
    """Both iss and exp are needed; nbf lies at or before now and exp after it, without leeway."""
    assert outcome(claims) is reason


@pytest.mark.parametrize("name", ["exp", "nbf"])
@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, 10**400, -(10**400)],
    ids=["nan", "inf", "-inf", "huge", "-huge"],
)
def test_a_number_that_is_not_finite_is_no_instant(name: str, value: float) -> None:
    """NaN, infinity and what no float holds are no instants: no token is valid for ever because of one."""
    assert outcome({"iss": "ak", "exp": 2000, name: value}) is INVALID


def test_accepted_claims_name_the_access_key() -> None:
    """The access key of a token is its iss."""
    assert judge({"iss": "ak", "exp": 1800}, NOW) == Claims("ak", 1800.0)


@quick
@given(st.integers(0, 20), st.none() | st.integers(0, 20), st.integers(0, 20))
def test_a_token_is_valid_from_nbf_until_before_exp(exp: int, nbf: int | None, now: int) -> None:
    """A token is valid exactly while nbf <= now < exp; what is not yet valid is said before what has expired."""
    expected = EARLY if nbf is not None and nbf > now else EXPIRED if exp <= now else None
    assert outcome({"iss": "ak", "exp": exp, "nbf": nbf}, now) is expected
