"""The server under test: where it is, whose credentials are used, and what it offers a tester."""

from __future__ import annotations

import copy
import itertools
import json
import secrets
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx2

from contract_tests import checks, redaction, sending
from contract_tests.observation import Answer, Request
from contract_tests.saying import unanswered
from contract_tests.sending import Sender
from contract_tests.waiting import Patience
from contract_tests.wire import Garbled

#: Seconds that the answer to the question may take whether it is a kling-mock.
_QUESTION_S = 10.0
#: Redirects that are followed on the way to a file.
_MOST_REDIRECTS = 5
#: The first and the longest pause between two looks at a server that cannot be told to hurry.
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0
#: The same where every request counts.
_PAID_PAUSES_S = (0.5, 10.0)
#: The same before a busy server is asked again.
_BUSY_PAUSES_S = (0.5, 5.0)
#: Virtual seconds by which a controlled clock is moved between two looks, and how often.
_STEP_S = 1.0
_STEPS = 600

T = TypeVar("T")


class TooSlow(checks.Broken):
    """Raised when what was waited for did not come within the target's patience."""

    def __init__(self, saw: str) -> None:
        super().__init__("task.ends", saw)


class Unreadable(checks.Broken):
    """Raised when somebody has answered, and nobody can read what."""


class Target:
    """A server and the credentials to use there.

    Args:
        base_url: where it is, without a path.
        api_key: the account to work in; a fresh random one when none is given.
        api_key2: another account; without it, what accounts see of each other is not looked at.
        pair: an access key and its secret to sign tokens with; two empty texts where none is given.
        patience_s: real seconds to wait for a task to end where the clock cannot be moved.
        sender: sends every request; one of its own when none is given.
        has_public_receiver: whether the kit's receiver can be reached from anywhere.

    Attributes:
        run: unique to this run; every external id begins with it, but for numbers.
    """

    def __init__(
        self,
        base_url: str,
        *,
        api_key: str = "",
        api_key2: str = "",
        pair: tuple[str, str] = ("", ""),
        patience_s: float = 120.0,
        sender: Sender | None = None,
        has_public_receiver: bool = False,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.run = f"ct-{secrets.token_hex(4)}"
        self.key_was_given = bool(api_key)
        self.api_key = api_key or redaction.invent(f"{self.run}-a")
        self.pair = pair
        redaction.name_keys(api_key, api_key2)
        redaction.hide(*pair)
        redaction.hide_user(base_url)
        self._api_key2 = api_key2
        self.patience_s = patience_s
        self.patience = Patience(patience_s)
        self._ordinals = itertools.count(1)
        self.sender = sender or Sender()
        self.sender.prefix = urlsplit(self.base_url).path
        self.sender.origin = urlsplit(self.base_url).netloc
        self._has_public_receiver = has_public_receiver

    def with_key(self, api_key: str) -> Target:
        """The same server with another key; the connections are shared."""
        other = copy.copy(self)
        other.api_key = api_key
        return other

    def fresh(self) -> Target:
        """The same server with a key of its own, if it lets invented keys in; else with the same one."""
        if self.key_was_given:
            return self
        return self.with_key(redaction.invent(self.unique("account")))

    def is_own(self, url: str) -> bool:
        """Whether a URL leads to this server."""
        return urlsplit(url).netloc == urlsplit(self.base_url).netloc

    def close(self) -> None:
        """Closes its connections."""
        self.sender.close()

    @property
    def is_loopback(self) -> bool:
        """Whether it reaches the kit's receiver: it is on this machine, or the receiver has a public address."""
        return self._has_public_receiver or is_loopback(self.base_url)

    @cached_property
    def control(self) -> bool:
        """Whether it is a kling-mock whose clock the kit may move."""
        return self.is_mock and self._advanced(0).status == 200

    @cached_property
    def is_mock(self) -> bool:
        """Whether its control API answers as kling-mock's, which charges nothing.

        A server that passes one such path on to a mock is not one: both answers must be a mock's.

        Raises:
            httpx2.TransportError: nobody answers there.
        """
        try:
            health = self._asked("/__mock__/health").json
        except Garbled:
            return False
        if not isinstance(health, dict) or health.get("server") != "kling-mock":
            return False
        listed = self._asked("/__mock__/openapi/").json
        return isinstance(listed, dict) and "control" in json.dumps(listed)

    @property
    def api_key2(self) -> str:
        """The key of another account; empty where there is none. A kling-mock that lets any key in has many."""
        may_invent = self.control and not self.key_was_given
        return self._api_key2 or (redaction.invent(f"{self.run}-b") if may_invent else "")

    def serves(self, path: str) -> bool:
        """Whether a path takes POST: an empty object is not answered with 404. It creates nothing."""
        return self.call("POST", path, body=b"{}").status != 404

    def unique(self, word: str) -> str:
        """An external id that no run has used."""
        return f"{self.run}-{next(self._ordinals)}-{word}"

    def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
        credential: str | None = None,
        authorization: str | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Sends a request to the API.

        Args:
            body: bytes as they are, or a mapping as JSON.
            credential: the bearer credential, by default the target's key.
            authorization: the whole header instead; an empty one is not sent.
            content_type: of the body; an empty one is not sent.

        Raises:
            Broken: there was no answer.
        """
        headers = {"content-type": content_type} if body is not None and content_type else {}
        if authorization is None:
            authorization = f"Bearer {credential or self.api_key}"
        if authorization:
            headers["authorization"] = authorization
        content = body if isinstance(body, bytes | None) else _written(body)
        url = str(httpx2.URL(self.base_url + path, params=query) if query else self.base_url + path)
        sent = Request(method, url, headers, content or b"")
        try:
            answer = self.sender.send(sent)
        except httpx2.TransportError as reason:
            is_garbled = isinstance(reason, Garbled)
            told = unanswered(sent, reason, is_garbled=is_garbled)
            raise (Unreadable if is_garbled else checks.Broken)("server.answers", told) from None
        checks.kept("server.answers")
        return answer

    def plain(self, method: str, place: str) -> Answer:
        """Asks for a path of the server, or for an absolute URL, without credentials; follows redirects.

        Raises:
            httpx2.TransportError: nobody answers there.
        """
        url = place if "://" in place else self.base_url + place
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self.sender.send(Request(method, url))
            leads_to = answer.headers.get("location", "")
            if answer.status not in (301, 302, 303, 307, 308) or not leads_to:
                return answer
            url = urljoin(url, leads_to)
        raise httpx2.ConnectError(f"more than {_MOST_REDIRECTS} redirects, the last to {url}")

    def advance(self, seconds: float) -> None:
        """Moves the account's clock; what falls due, callbacks among it, has happened on return."""
        moved = self._advanced(seconds)
        if moved.status != 200:
            raise RuntimeError(f"the control API refused to advance: {moved.body!r}")

    def eventually(self, what: str, look: Callable[[], T | None]) -> T:
        """Looks until something is seen: moves the clock between looks where it can, and waits really elsewhere.

        Raises:
            TooSlow: it was not seen in time.
        """
        checks.kept("task.ends")  # or TooSlow says otherwise
        if self.control:
            for _ in range(_STEPS):
                if (seen := look()) is not None:
                    return seen
                self.advance(_STEP_S)
            raise TooSlow(
                f"{what} is not seen in {_STEPS * _STEP_S:g} virtual seconds, where it is due"
            )
        waited_s = self.patience.take(what)
        found = self.within(waited_s, look)
        if found is None:
            self.patience.lost(what, waited_s)
            why = "--patience" if waited_s == self.patience_s else "another was not seen either"
            raise TooSlow(f"{what} is not seen in {waited_s:g} s ({why}), where it is due")
        return found

    def within(self, seconds: float, look: Callable[[], T | None]) -> T | None:
        """Looks, with growing pauses, until something is seen or real seconds have passed."""
        deadline = time.monotonic() + seconds
        pause_s, longest_s = _PAID_PAUSES_S if self.is_paid else (_FIRST_PAUSE_S, _LONGEST_PAUSE_S)
        while (seen := look()) is None and time.monotonic() < deadline:
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, longest_s)
        return seen

    def unless_busy(
        self, answer: Answer, send: Callable[[], Answer], patience_s: float = 0.0
    ) -> Answer:
        """Sends again, as seldom as the server says or decency demands, until it is not busy or patience ends.

        Args:
            answer: the first one.
            patience_s: seconds to wait at most, if not those of the target.

        Returns:
            The last answer: the server is busy still if that says so.
        """
        longest_s = min(patience_s, self.patience_s) or self.patience_s
        waited_s, pause_s = 0.0, _BUSY_PAUSES_S[0]
        while sending.is_busy(answer) and waited_s < longest_s:
            pause_s = max(pause_s, sending.retry_after_s(answer))
            if self.control:
                self.advance(pause_s)
            else:
                time.sleep(min(pause_s, longest_s))
            waited_s, pause_s = waited_s + pause_s, min(pause_s * 2, _BUSY_PAUSES_S[1])
            answer = send()
        return answer

    @property
    def is_paid(self) -> bool:
        """Whether what is accepted may be charged, so that nothing is made that can be done without."""
        return self.sender.meter is not None and self.sender.meter.is_paid

    def _asked(self, path: str) -> Answer:
        timeout_s = min(_QUESTION_S, self.sender.timeout_s)
        return self.sender.send(Request("GET", self.base_url + path), timeout_s=timeout_s)

    def _advanced(self, seconds: float) -> Answer:
        return self.call("POST", "/__mock__/clock/advance", body={"by": seconds})


def is_loopback(url: str) -> bool:
    """Whether a URL names this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _written(body: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8, as most clients write it; half of a surrogate pair, which UTF-8 does not have, is escaped."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(body).encode()
