"""What a test holds in its hands: one account of a running server, and its clock.

Everything goes through the control API over HTTP, so a test in another process or language can do the same.
"""

from __future__ import annotations

import math
import time
from typing import Any

import httpx2

from mock_server.credentials import KEY_BYTES

#: Wall seconds for one control call. An advance waits for the callbacks that fall due, each up to its own timeout.
_CALL_TIMEOUT_S = 60.0


class ControlFailed(RuntimeError):
    """Raised when the control API refuses a call; nothing changed."""


class AccountClock:
    """The virtual clock of one account."""

    def __init__(self, control: httpx2.Client) -> None:
        self._control = control

    def now(self) -> int:
        """The present instant: milliseconds since the Unix epoch, UTC."""
        return int(_value(self._control.get("/__mock__/clock"))["now"])

    def advance(self, seconds: float) -> list[dict[str, Any]]:
        """Moves the clock forward, and returns what happened on the way, in due order.

        When it returns, every status has changed and every callback that fell due was attempted.

        Args:
            seconds: virtual seconds, 0 or more.

        Raises:
            ControlFailed: the number is negative or not finite; the clock has not moved.
        """
        if not math.isfinite(seconds):
            raise ControlFailed(f"{seconds} is no number of seconds")
        answer = self._control.post("/__mock__/clock/advance", json={"by": seconds})
        events: list[dict[str, Any]] = _value(answer)["events"]
        return events


class MockAccount:
    """One account of a running server: what a client needs to use it, and the clock that only a test has.

    Args:
        base_url: where the server listens, such as ``http://127.0.0.1:8700``.
        api_key: the credential that is the account: an API key, or a signed token.
        control_token: what the control API asks for, if it asks.
    """

    def __init__(self, base_url: str, api_key: str, control_token: str = "") -> None:
        self.base_url = base_url
        self.api_key = api_key
        self._control = httpx2.Client(
            base_url=base_url,
            headers={"authorization": f"Bearer {api_key}"}
            | ({"x-mock-token": control_token} if control_token else {}),
            timeout=_CALL_TIMEOUT_S,
            trust_env=False,
        )
        self.clock = AccountClock(self._control)

    def close(self) -> None:
        """Closes the connections to the control API."""
        self._control.close()


def signed(access_key: str, secret_key: str, lifetime_s: int = 24 * 3600) -> str:
    """A token of a pair of access key and secret, valid from now on (documented: HS256 with iss, exp, nbf)."""
    import jwt

    now = int(time.time())
    claims = {"iss": access_key, "exp": now + lifetime_s, "nbf": now - 5}
    secret = secret_key.encode().ljust(KEY_BYTES, b"\0")
    return jwt.encode(claims, secret, algorithm="HS256")


def _value(answer: httpx2.Response) -> dict[str, Any]:
    value: dict[str, Any] = answer.json()
    if answer.status_code != 200:
        raise ControlFailed(value.get("error", f"HTTP {answer.status_code}"))
    return value
