"""A session of requests, which schemathesis sends with, whose every request leaves through the kit's sender."""

from __future__ import annotations

import io
from typing import Any

import httpx2
import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from contract_tests import checks
from contract_tests.observation import Request
from contract_tests.saying import unanswered
from contract_tests.sending import Sender

#: Headers that were true of the bytes as they came, and are not of the body as it was unpacked.
_OF_THE_WIRE = ("content-encoding", "transfer-encoding", "content-length")


class _Adapter(HTTPAdapter):
    def __init__(self, sender: Sender) -> None:
        super().__init__()
        self._sender = sender

    def send(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:  # type: ignore[override]
        """Sends.

        Raises:
            Broken: there is no answer.
        """
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else bytes(body)
        headers = {str(name): _text(value) for name, value in request.headers.items()}
        sent = Request(str(request.method), str(request.url), headers, content)
        try:
            answer = self._sender.send(sent)
        except httpx2.TransportError as reason:
            raise checks.Broken("server.answers", unanswered(sent, reason)) from None
        checks.kept("server.answers")
        plain = {name: value for name, value in answer.headers.items() if name not in _OF_THE_WIRE}
        raw = HTTPResponse(
            body=io.BytesIO(answer.body),
            headers=HTTPHeaderDict(plain),
            status=answer.status,
            preload_content=False,
            request_method=sent.method,
        )
        return self.build_response(request, raw)


class _Session(requests.Session):
    def get_redirect_target(self, _response: requests.Response) -> None:
        """None is followed: a redirect is an answer, and may lead to somebody who should not see the key."""


def session(sender: Sender) -> requests.Session:
    """A session that sends through the sender, and follows no setting of the environment."""
    made = _Session()
    made.trust_env = False
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter(sender))
    return made


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
