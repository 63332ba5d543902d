"""One run of the kit: its target and receiver, started when first needed and stopped at its end."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING

import httpx2
import pytest

from contract_tests import documents, har, redaction, tidying
from contract_tests.api import Api
from contract_tests.meter import Meter
from contract_tests.options import Options
from contract_tests.receiver import Receiver
from contract_tests.sending import Sender
from contract_tests.target import Target

if TYPE_CHECKING:
    import requests


class Run:
    """What the tests of a run share.

    Args:
        sender: what sends its requests; one of its own where none is given.

    Attributes:
        broken: the clauses that a test has shown to be broken.
    """

    def __init__(self, options: Options, sender: Sender | None = None) -> None:
        self.options = options
        self.broken: set[str] = set()
        self._given = sender
        self._stack = ExitStack()
        self._apis: dict[str, Api] = {}
        self._served: dict[str, bool] = {}
        redaction.name_keys(options.api_key, options.api_key2)
        redaction.hide(*options.secrets)

    @cached_property
    def sender(self) -> Sender:
        """What sends every request."""
        if self._given is not None:
            return self._given
        made = open_sender(self.options, is_mock=not self.options.base_url or self.is_mock)
        self._stack.callback(made.close)
        return made

    @cached_property
    def is_mock(self) -> bool:
        """Whether the server is a kling-mock.

        Raises:
            httpx2.TransportError: nobody answers there.
        """
        return is_mock(self.options)

    @cached_property
    def target(self) -> Target:
        """The server under test; without a URL, a mock of our own."""
        url = self.options.base_url or self._start_mock()
        return Target(
            url,
            api_key=self.options.api_key,
            api_key2=self.options.api_key2,
            pair=(self.options.access_key, self.options.secret_key),
            patience_s=self.options.patience_s,
            sender=self.sender,
            has_public_receiver=bool(self.options.callback_url),
        )

    @cached_property
    def session(self) -> requests.Session:
        """What schemathesis sends with."""
        from contract_tests.sessions import session

        return self._stack.enter_context(session(self.sender))

    @cached_property
    def receiver(self) -> Receiver:
        """The receiver of callbacks."""
        options = self.options
        made = Receiver(port=options.callback_port, public_url=options.callback_url)
        made.is_reachable = self.target.is_loopback
        return self._stack.enter_context(made)

    def api(self, dialect: str) -> Api:
        """A dialect of the target.

        Skips the test that asks when the target does not serve it, unless it was asked for by name.
        """
        if not self.serves(dialect):
            pytest.skip(f"not looked at: {self.target.base_url} does not serve {dialect}")
        return self._apis.setdefault(dialect, Api(self.target, dialect))

    def close(self) -> list[str]:
        """Deletes the voices that were made, and stops what was started; returns the tasks whose voices are left."""
        try:
            is_nobodys = self.options.is_thrown_away or not self.options.base_url
            if is_nobodys or "target" not in vars(self):
                return []
            meter = self.sender.meter
            with meter.cleaning() if meter else nullcontext():
                return tidying.delete_voices(
                    self.sender, waits=not (self._has_clock() or self.target.patience.was_in_vain)
                )
        finally:
            if self.options.har_out and "sender" in vars(self):
                inbox = self.receiver.inbox.everything() if "receiver" in vars(self) else []
                har.end(self.sender, inbox)
            self._stack.close()

    def _has_clock(self) -> bool:
        """Whether the kit could move the target's clock, so that what is under way is nobody's loss."""
        if self.target.is_paid:
            return False  # it is no mock, and is asked nothing in vain
        try:
            return self.target.control
        except (httpx2.TransportError, AssertionError):
            return False

    def serves(self, dialect: str) -> bool:
        """Whether the target serves a dialect, or is said to."""
        return dialect in self.options.dialects or self._is_served(dialect)

    def _is_served(self, dialect: str) -> bool:
        if dialect not in self._served:
            operation = documents.document(dialect).operations["createSpeech"]
            self._served[dialect] = self.target.serves(operation.path)
        return self._served[dialect]

    def _start_mock(self) -> str:
        from mock_server.server import RunningServer  # the kit runs without it when a URL is given

        return self._stack.enter_context(RunningServer()).base_url


def is_mock(options: Options) -> bool:
    """Whether the server is a kling-mock, which charges nothing.

    Raises:
        httpx2.TransportError: nobody answers there.
    """
    target = Target(options.base_url, sender=Sender(timeout_s=options.timeout_s))
    try:
        return target.is_mock
    finally:
        target.close()


def open_sender(options: Options, *, is_mock: bool) -> Sender:
    """What sends the requests of a run: metered where they may cost something, recorded where that is asked for.

    Raises:
        OSError: the recording cannot be written.
    """
    is_paid = not (is_mock or options.is_free)
    profile = options.profile
    meter = None
    if is_paid or profile.is_live:
        meter = Meter.of(profile, options.max_requests, options.max_billed, is_paid=is_paid)
    sender = Sender(
        meter=meter,
        timeout_s=options.timeout_s,
        patience_s=options.patience_s,
        limit_s=options.time_limit_s or profile.seconds,
    )
    if options.har_out:
        har.begin(sender, options.har_out)
    return sender


def refusal_to_pay(options: Options, meter: Meter) -> str:
    """What is said to somebody who has not agreed to pay; empty where that is not needed."""
    if options.will_pay or not meter.is_paid:
        return ""
    return f"{redaction.clean(options.base_url)} is no kling-mock and may charge for calls: {meter.plan()}"


def explain(reason: httpx2.TransportError, url: str) -> str:
    """Why nobody could be asked, in one line."""
    words = str(reason) or repr(reason)
    return redaction.clean(f"nobody answers at {url} ({words})")
