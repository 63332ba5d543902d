"""Talking to the control API of a running server: one call, its answer, and what can go wrong in words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx2

#: Wall seconds until a connection is given up, and until a call is that has nothing to wait for.
_CONNECT_S = 5.0
_CALL_S = 60.0
#: The account of requests without a valid credential: nobody means it unless it is named.
_NOBODY = "-"


class CtlError(Exception):
    """Raised when a command cannot be carried out; the message is one line with the remedy."""


class RanOut(CtlError):
    """Raised when a wait was over before it had happened."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which server, and which account of it.

    Attributes:
        url: where the server listens.
        key: the credential that is the account; or empty.
        account: the account's id; or empty.
        token: what the control API asks for, if it asks.
    """

    url: str
    key: str = ""
    account: str = ""
    token: str = ""


class Call(NamedTuple):
    """One call of the control API, its path below /__mock__."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    query: dict[str, Any] | None = None
    #: Wall seconds that the answer may take by itself; ``None``: any number.
    waits_s: float | None = 0.0
    for_account: bool = True


_ACCOUNTS = Call("GET", "/accounts", for_account=False)


def segment(text: str) -> str:
    """A text as one segment of a path.

    Raises:
        TypeError: it is none, such as an id that was made a number.
    """
    if not isinstance(text, str):
        raise TypeError(f"ids are texts, such as '930801290416885794', not {text!r}")
    return quote(text, safe="")


class Control:
    """The control API of one server, for one account.

    Args:
        target: the server and the account; without one the server is asked for its only account.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._account = target.account
        headers: dict[bytes, bytes] = {}
        if target.token:
            headers[b"x-mock-token"] = target.token.encode()
        if target.key and not target.account:
            headers[b"authorization"] = b"Bearer " + target.key.encode()
        self._http = httpx2.Client(headers=headers, trust_env=False)

    def __enter__(self) -> Control:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def call(self, call: Call) -> dict[str, Any]:
        """The answer to a call, for the account where it is about one.

        Raises:
            CtlError: there was none, or a refusal.
            RanOut: the wait was over.
        """
        if not call.for_account:
            return self._value(call, {})
        if not self._account and not self._target.key:
            self._account = self._only_account()
        return self._value(call, {"account": self._account} if self._account else {})

    def _only_account(self) -> str:
        known = [str(row["account"]) for row in self._value(_ACCOUNTS, {})["accounts"]]
        own = [name for name in known if name != _NOBODY]
        if len(own) == 1:
            return own[0]
        remedy = "say which with --account ID, or --key KEY"
        if not own:
            raise CtlError(f"{self._target.url} has seen no account yet; {remedy}")
        raise CtlError(f"the server has {len(own)} accounts: {', '.join(own)}; {remedy}")

    def _value(self, call: Call, query: dict[str, Any]) -> dict[str, Any]:
        answer = self._answer(call, query)
        value = _json(answer.content)
        if answer.is_success and isinstance(value, dict):
            return value
        words = value.get("error") if isinstance(value, dict) else None
        if not isinstance(words, str):
            status = answer.status_code
            raise CtlError(
                f"what answers at {self._target.url} is no kling-mock: {call.method}"
                f" /__mock__{call.path} was answered with HTTP {status}; name the right one with --url"
            )
        if answer.status_code == 408:
            raise RanOut(words)
        if answer.status_code == 401 and "X-Mock-Token" in words:
            words += "; give it with --token or KLING_MOCK_CONTROL_TOKEN"
        raise CtlError(words)

    def _answer(self, call: Call, query: dict[str, Any]) -> httpx2.Response:
        url = self._target.url
        longest = None if call.waits_s is None else call.waits_s + _CALL_S
        given = {name: value for name, value in (call.query or {}).items() if value is not None}
        try:
            return self._http.request(
                call.method,
                f"{url}/__mock__{call.path}",
                params={**query, **given},
                json=call.body,
                timeout=httpx2.Timeout(longest, connect=_CONNECT_S),
            )
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            words = f"nothing answers at {url}; start it with: kling-mock serve"
        except httpx2.TimeoutException:
            words = f"{url} took longer than {longest:g} s to answer; see what it says itself"
        except httpx2.TransportError as error:
            words = f"{url} broke off ({str(error) or type(error).__name__}); does it still run?"
        except (httpx2.InvalidURL, UnicodeError) as error:
            words = f"--url: {url!r} cannot be used: {error}"
        raise CtlError(words)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:  # no JSON, or no UTF-8
        return None
