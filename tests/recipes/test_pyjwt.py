"""PyJWT: an access key and a secret sign each request, here of requests, with a token that is renewed in time."""

import time
from collections.abc import Callable

import jwt
import pytest
import requests
from requests.auth import AuthBase

from mock_server.testing import KlingMock

LIFETIME_S = 1800


class KlingAuth(AuthBase):
    """Signs requests with a token that is renewed a minute before it expires."""

    def __init__(
        self, access_key: str, secret_key: str, now: Callable[[], float] = time.time
    ) -> None:
        self.access_key, self.secret_key, self.now = access_key, secret_key, now
        self.token, self.expires = "", 0.0

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Adds the token."""
        now = self.now()
        if now > self.expires - 60:
            self.expires = now + LIFETIME_S
            claims = {"iss": self.access_key, "exp": int(self.expires), "nbf": int(now) - 5}
            self.token = jwt.encode(claims, self.secret_key, algorithm="HS256")
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


@pytest.mark.kling_mock(auth_clock="virtual")
def test_renews_its_token(kling_mock: KlingMock) -> None:
    """Three calls, twenty minutes apart; by the third the first token has expired."""
    auth = KlingAuth(
        kling_mock.access_key, kling_mock.secret_key, lambda: kling_mock.clock.now() / 1000
    )
    tokens = []

    for _ in range(3):
        answer = requests.get(
            f"{kling_mock.base_url}/v1/general/custom-voices", auth=auth, timeout=10
        )
        assert answer.json()["code"] == 0
        tokens.append(auth.token)
        kling_mock.clock.advance(1200)

    assert tokens[0] == tokens[1] != tokens[2]
