"""What a test holds in its hands: one account of a running server, with its clock, tasks, faults and journal.

Everything goes through the control API over HTTP, so a test in another process or language can do the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import TracebackType
from typing import Any, Self, Unpack

import httpx2

from mock_server.credentials import KEY_BYTES, is_jwt, key_account
from mock_server.ctl_client import Call
from mock_server.testing.account import Whole
from mock_server.testing.asking import (
    Awaiting,
    Blocking,
    ControlFailed,
    Expected,
    Http,
    NotAsExpected,
)
from mock_server.testing.callbacks import AsyncCallbacks, Callbacks
from mock_server.testing.clock import AsyncClock, Clock
from mock_server.testing.faults import (
    CALLBACKS,
    REQUESTS,
    Armed,
    AsyncArmed,
    AsyncPlan,
    AsyncScenario,
    Plan,
    Scenario,
    arming,
)
from mock_server.testing.requests import AsyncRequests, Requests
from mock_server.testing.tasks import AsyncTasks, Tasks
from mock_server.testing.words import FaultOptions, When

__all__ = ["AsyncMockAccount", "ControlFailed", "MockAccount", "NotAsExpected", "signed"]

#: The variables that clients of the vendor's API read most.
VARIABLES = {
    "base_url": "KLING_BASE_URL",
    "api_key": "KLING_API_KEY",
    "access_key": "KLING_ACCESS_KEY",
    "secret_key": "KLING_SECRET_KEY",
}
#: What each dialect has in front of its paths.
_PREFIXES = {"klingai": "", "kkiai": "/kling", "ezmodel": "/kling"}


class MockAccount(Whole, Blocking):
    """One account of a running server: what a client needs to use it, and what only a test has.

    As a context manager it ends at the end: it is reset, so that nothing of it happens any more, and closed; an
    exception gets a note of what happened in it.

    Args:
        base_url: where the server listens, such as ``http://127.0.0.1:8700``.
        api_key: the credential that is the account: an API key, or a signed token.
        control_token: what the control API asks for, if it asks.
        pair: the access key and the secret that sign tokens of this account.
        http: connections to share; they stay their owner's.

    Attributes:
        clock: virtual time.
        tasks: what it created.
        requests: what it was sent, and assertions about it.
        callbacks: what it sent, and assertions about it.
        expected: what assertions have found so far.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        control_token: str = "",
        *,
        pair: tuple[str, str] = ("", ""),
        http: Http | None = None,
    ) -> None:
        super().__init__(self)
        self.base_url = base_url.rstrip("/")
        self.api_key = api_key
        self._pair = pair
        self.http = http or Http(base_url, control_token)
        self._owns_http = http is None
        self.expected = Expected()
        self.clock = Clock(self)

    def __repr__(self) -> str:
        # The account's id, and never its key: a failing test prints this.
        name = self.access_key if is_jwt(self.api_key) else key_account(self.api_key)
        return f"<{type(self).__name__} {name or 'by token'} at {self.base_url}>"

    @classmethod
    def through(cls, client: httpx2.Client | httpx2.AsyncClient, api_key: str) -> MockAccount:
        """The account of a key, asked through a client: of an app in process, or one that goes through a proxy.

        Args:
            client: with a base URL, such as a ``TestClient`` of ``create_app()``. One that is awaited, such as with an
                ``ASGITransport``, serves ``aio`` only.
        """
        base_url = str(client.base_url)
        return cls(base_url, api_key, http=Http(base_url, client=client))

    # The parts are made when they are first asked for: most tests need one or two.

    @cached_property
    def tasks(self) -> Tasks:
        """What it created."""
        return Tasks(self)

    @cached_property
    def requests(self) -> Requests:
        """What it was sent, and assertions about it."""
        return Requests(self)

    @cached_property
    def callbacks(self) -> Callbacks:
        """What it sent, and assertions about it."""
        return Callbacks(self)

    @cached_property
    def aio(self) -> AsyncMockAccount:
        """The same account for async tests: ``await mock.aio.clock.advance(9)`` lets the event loop go on."""
        return AsyncMockAccount(self)

    @property
    def base_urls(self) -> dict[str, str]:
        """The base URL of each dialect: ``klingai``, ``kkiai`` and ``ezmodel``."""
        return {name: self.base_url + prefix for name, prefix in _PREFIXES.items()}

    @property
    def access_key(self) -> str:
        """The access key; empty when the account has none."""
        return self._pair[0]

    @property
    def secret_key(self) -> str:
        """The secret that signs its tokens; empty when the account has none."""
        return self._pair[1]

    def token(self, lifetime_s: int = 1800) -> str:
        """A signed token that is valid from now on.

        Args:
            lifetime_s: seconds until it expires, by the machine's clock; negative for one that has expired.

        Raises:
            ControlFailed: the account has no access key.
        """
        if not all(self._pair):
            raise ControlFailed(
                "this account has no access key; take it from RunningServer.account(),"
                " or give MockAccount a pair"
            )
        return signed(*self._pair, lifetime_s)

    def headers(self, *, scenario: str = "", fault: str = "") -> dict[str, str]:
        """The headers of a request of this account.

        Args:
            scenario: what the task of this request follows.
            fault: what goes wrong with this request.
        """
        headers = {"Authorization": f"Bearer {self.api_key}"}
        headers |= {"X-Mock-Scenario": scenario} if scenario else {}
        return headers | ({"X-Mock-Fault": fault} if fault else {})

    def env(self, **names: str) -> dict[str, str]:
        """Variables for a client that reads its environment.

        Args:
            names: the variable of each of ``base_url``, ``api_key``, ``access_key`` and ``secret_key``. By default
                those that most clients read: KLING_BASE_URL, KLING_API_KEY, KLING_ACCESS_KEY and KLING_SECRET_KEY.

        Raises:
            TypeError: a name is none of these.
        """
        values = {name: getattr(self, name) for name in VARIABLES}
        if unknown := sorted(set(names) - set(values)):
            raise TypeError(f"unknown {unknown[0]!r}; known are {', '.join(values)}")
        return {
            variable: values[name]
            for name, variable in (names or VARIABLES).items()
            if values[name]
        }

    def scenario(self, name: str) -> Scenario:
        """Sets the scenario of new tasks whose request asks for none.

        In a ``with`` statement the one before is in force again at its end.

        Raises:
            ControlFailed: there is no such scenario; the nearest is named.
        """
        __tracebackhide__ = True
        return Scenario(self, name)

    def fault(
        self,
        fault: str | Mapping[str, Any],
        *,
        id: str = "",  # the word of the control API
        **options: Unpack[FaultOptions],
    ) -> Armed:
        """Arms a fault: ``mock.fault("5001;retry-after=2", operation="createSpeech", count=1)``.

        Args:
            fault: what goes wrong, as a text or an object.
            options: which requests (``operation``, ``task``, ``body`` ...), and when (``count``, ``after`` ...).

        Raises:
            ControlFailed: it cannot be used; nothing is armed.
        """
        __tracebackhide__ = True
        return Armed(self, arming(REQUESTS, fault, {**options, "id": id}))

    def callback_fault(
        self,
        fault: str | Mapping[str, Any],
        *,
        task: str = "",
        task_status: str = "",
        **when: Unpack[When],
    ) -> Armed:
        """Arms a fault of callbacks: ``mock.callback_fault("times=2", task_status="succeed")``.

        Raises:
            ControlFailed: it cannot be used; nothing is armed.
        """
        __tracebackhide__ = True
        return Armed(self, _callback_arming(fault, task, task_status, when))

    def plan(self, steps: Mapping[str, str | Sequence[str | Mapping[str, Any]]]) -> Plan:
        """Scripts what the next requests meet: ``mock.plan({"createCustomVoice": ["5000", "reset", "ok"]})``.

        Args:
            steps: per operation, faults in order, or one alone; ``ok`` is none.

        Raises:
            ControlFailed: an operation or a step cannot be used; nothing is planned.
        """
        __tracebackhide__ = True
        return Plan(self, _planning(steps))

    def close(self) -> None:
        """Closes the connections, if they are its own."""
        if self._owns_http:
            self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        from mock_server.testing.timeline import timeline_of

        try:
            # A property test tells its engine by exceptions that an example does not count.
            if isinstance(error, Exception) and not type(error).__module__.startswith("hypothesis"):
                error.add_note(timeline_of(self, (self.secret_key,)))
            self.reset()
        except ControlFailed:
            if error is None:
                raise
        finally:
            self.close()


class AsyncMockAccount(Whole, Awaiting):
    """An account whose operations are awaited; the event loop goes on meanwhile.

    Attributes:
        account: the account; what asks nobody stands there, such as ``base_url`` and ``token()``.
    """

    def __init__(self, account: MockAccount) -> None:
        super().__init__(account)
        self.account = account
        self.clock = AsyncClock(account)
        self.tasks = AsyncTasks(account)
        self.requests = AsyncRequests(account)
        self.callbacks = AsyncCallbacks(account)

    def scenario(self, name: str) -> AsyncScenario:
        """Sets the default scenario, when it is awaited or entered with ``async with``."""
        return AsyncScenario(self._via, name)

    def fault(
        self,
        fault: str | Mapping[str, Any],
        *,
        id: str = "",  # the word of the control API
        **options: Unpack[FaultOptions],
    ) -> AsyncArmed:
        """Arms a fault, when it is awaited or entered with ``async with``."""
        return AsyncArmed(self._via, arming(REQUESTS, fault, {**options, "id": id}))

    def callback_fault(
        self,
        fault: str | Mapping[str, Any],
        *,
        task: str = "",
        task_status: str = "",
        **when: Unpack[When],
    ) -> AsyncArmed:
        """Arms a fault of callbacks, when it is awaited or entered with ``async with``."""
        return AsyncArmed(self._via, _callback_arming(fault, task, task_status, when))

    def plan(self, steps: Mapping[str, str | Sequence[str | Mapping[str, Any]]]) -> AsyncPlan:
        """Scripts what the next requests meet, when it is awaited or entered with ``async with``."""
        return AsyncPlan(self._via, _planning(steps))


def _planning(steps: Mapping[str, str | Sequence[str | Mapping[str, Any]]]) -> Call:
    # One step alone is a text, whose letters are no steps.
    each = {n: [given] if isinstance(given, str) else list(given) for n, given in steps.items()}
    return Call("POST", "/plans", {"steps": each})


def _callback_arming(
    fault: str | Mapping[str, Any], task: str, task_status: str, when: When
) -> Call:
    given = {"task": task, "task_status": task_status}
    return arming(CALLBACKS, fault, {name: v for name, v in given.items() if v} | dict(when))


def signed(access_key: str, secret_key: str, lifetime_s: int = 24 * 3600) -> str:
    """A token of a pair of access key and secret, valid from now on (documented: HS256 with iss, exp, nbf)."""
    import jwt

    now = int(time.time())
    claims = {"iss": access_key, "exp": now + lifetime_s, "nbf": now - 5}
    secret = secret_key.encode().ljust(KEY_BYTES, b"\0")
    return jwt.encode(claims, secret, algorithm="HS256")
