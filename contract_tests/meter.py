"""A hard cap on what is sent to a server that may charge for it. It sits where bytes leave, below every client."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from contract_tests import documents

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2
    import requests

#: Operations that cost money when they are accepted, and the units of one such call (speech.price, voice-create.price).
_BILLED = ("createSpeech", "createCustomVoice")
UNITS = 0.05
#: Requests kept back for each call that may be charged, to delete what it made: a query and a deletion.
_KEPT_BACK = 2


class Meter:
    """Counts requests, and the calls among them that may be charged.

    Args:
        most_requests: not one more is sent.
        most_billed: when as many calls may have been charged, no other that may be is sent.
    """

    def __init__(self, most_requests: int, most_billed: int) -> None:
        self.most_requests = most_requests
        self.most_billed = most_billed
        self.requests = 0
        self.billed = 0
        self._is_cleaning = False
        self._paths = {
            document.operations[name].path
            for document in map(documents.document, documents.DIALECTS)
            for name in _BILLED
            if name in document.operations
        }

    def plan(self) -> str:
        """What a run may cost, in words."""
        cost = self.most_billed * UNITS
        return (
            f"at most {self.most_requests} requests, at most {self.most_billed} of them charged"
            f" ({UNITS:g} units each: {cost:g} units)"
        )

    def spent(self) -> str:
        """What was sent, in words."""
        return (
            f"{self.requests} of {self.most_requests} requests,"
            f" {self.billed} of {self.most_billed} charged"
        )

    @property
    def hooks(self) -> dict[str, list[Callable[..., Any]]]:
        """Event hooks of an httpx2 client."""

        def sends(request: httpx2.Request) -> None:
            self.before(request.method, request.url.path)

        def was_answered(response: httpx2.Response) -> None:
            request = response.request
            if self._is_billed(request.method, request.url.path):
                response.read()
                self.after(request.method, request.url.path, response.status_code, response.content)

        return {"request": [sends], "response": [was_answered]}

    def session(self) -> requests.Session:
        """A session of requests whose every request is counted."""
        import requests
        from requests.adapters import HTTPAdapter

        meter = self

        class Metered(HTTPAdapter):
            def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
                method, path = str(request.method), request.path_url.partition("?")[0]
                meter.before(method, path)
                response = super().send(request, **options)
                meter.after(method, path, response.status_code, response.content)
                return response

        session = requests.Session()
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, Metered())
        return session

    def before(self, method: str, path: str) -> None:
        """Counts a request that is about to be sent. Skips the test that wants to send one too many."""
        kept_back = 0 if self._is_cleaning else _KEPT_BACK * self.billed
        if self.requests + kept_back >= self.most_requests:
            pytest.skip(
                f"not looked at: all {self.most_requests} requests are spent (--max-requests)"
            )
        if self._is_billed(method, path):
            if self.billed >= self.most_billed:
                pytest.skip(
                    f"not looked at: all {self.most_billed} calls that may be charged are spent (--max-billed)"
                )
            self.billed += 1  # until the answer says that nothing was charged
        self.requests += 1

    def after(self, method: str, path: str, status: int, body: bytes) -> None:
        """Takes back what a refusal shows not to have been charged."""
        is_refused = 400 <= status < 500 or (status == 200 and not _is_accepted(body))
        if is_refused and self._is_billed(method, path):
            self.billed -= 1

    @contextmanager
    def cleaning(self) -> Iterator[None]:
        """Lets the requests be used that were kept back."""
        self._is_cleaning = True
        try:
            yield
        finally:
            self._is_cleaning = False

    def _is_billed(self, method: str, path: str) -> bool:
        return method.upper() == "POST" and path in self._paths


def _is_accepted(body: bytes) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return True  # who knows
    return not isinstance(answer, dict) or answer.get("code") == 0
