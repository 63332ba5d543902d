"""Calls of the control API, written once and made in two ways: blocking, or awaited.

An operation is a generator that yields calls and is sent their answers, so it knows neither sockets nor event loops.
:class:`twin` makes of it a method that blocks, on a :class:`Blocking` part, or one that is awaited, on an
:class:`Awaiting` one. What is awaited runs in a worker thread: connections are shared by all event loops of a process.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Generator
from functools import partial, update_wrapper, wraps
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

import httpx2
from anyio import CapacityLimiter, to_thread

from mock_server.ctl_client import Call

Value = dict[str, Any]
P = ParamSpec("P")
T = TypeVar("T")
#: An operation: it yields calls, is sent their answers, and returns what it was asked for.
Steps = Generator[Call, Value, T]

#: Wall seconds that a call may take besides what it waits for: callbacks of an advance have timeouts of their own.
_CALL_TIMEOUT_S = 60.0
#: Wall seconds an idle connection is kept: less than the server keeps it.
_KEEP_S = 30.0


class ControlFailed(RuntimeError):
    """Raised when the control API refuses a call, or does not answer; nothing changed.

    Attributes:
        status: the HTTP status of the refusal; 0 when there was no answer.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class NotAsExpected(AssertionError):
    """Raised when what a test expects did not happen; the message says what did."""


for _shown in (ControlFailed, NotAsExpected):
    _shown.__module__ = "mock_server.testing"  # where tests import them from


class Http:
    """Connections to the control API of one server, for all its accounts. Safe to use from several threads.

    Args:
        base_url: where the server listens.
        control_token: what the control API asks for, if it asks.
        client: asks through this client instead, such as one of an app in process; it stays its owner's.
    """

    def __init__(
        self,
        base_url: str,
        control_token: str = "",
        client: httpx2.Client | httpx2.AsyncClient | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._token = {"x-mock-token": control_token} if control_token else {}
        self._given = client
        self._own: httpx2.Client | None = None
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def client(self) -> httpx2.Client:
        """The HTTP client, made when it is first needed, and anew in a forked process.

        Raises:
            ControlFailed: the connections were closed, or the client is to be awaited.
        """
        if isinstance(self._given, httpx2.AsyncClient):
            raise ControlFailed("this account asks through an async client: await its aio")
        if self._given is not None:
            return self._given
        if self._process != os.getpid():
            self._lock = threading.Lock()  # another thread may have held it when this process began
        with self._lock:
            if self._closed:
                raise ControlFailed(f"the connections to {self.base_url} are closed")
            if self._own is None or self._process != os.getpid():
                self._own = self._made()
                self._process = os.getpid()
            return self._own

    @property
    def is_closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def close(self) -> None:
        """Closes the connections; those of a client that was given stay open."""
        with self._lock:
            self._closed = True
            if self._own is not None and self._process == os.getpid():
                self._own.close()

    def value(self, call: Call, api_key: str) -> Value:
        """The answer to a call.

        Raises:
            ControlFailed: there was none, or a refusal.
        """
        try:
            answer = self.client.request(**self._asked(call, api_key))
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise self._no_answer(error) from None
        return _value(answer)

    async def awaited_value(self, call: Call, api_key: str) -> Value:
        """The answer to a call; the event loop goes on meanwhile.

        Raises:
            ControlFailed: there was none, or a refusal.
        """
        if not isinstance(self._given, httpx2.AsyncClient):
            # In a thread: a client that is awaited belongs to one event loop, and each test has another.
            ask = partial(self.value, call, api_key)
            # A limit of its own: many waits must not keep from its turn the call that they wait for.
            own = CapacityLimiter(1)
            return await to_thread.run_sync(ask, abandon_on_cancel=True, limiter=own)
        try:
            answer = await self._given.request(**self._asked(call, api_key))
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            raise self._no_answer(error) from None
        return _value(answer)

    def _made(self) -> httpx2.Client:
        # Contexts of TLS take a hundred times longer to make than a client does.
        is_tls = self.base_url.startswith("https:")
        limits = httpx2.Limits(max_connections=None, keepalive_expiry=_KEEP_S)
        return httpx2.Client(base_url=self.base_url, trust_env=False, verify=is_tls, limits=limits)

    def _asked(self, call: Call, api_key: str) -> dict[str, Any]:
        query = {name: item for name, item in (call.query or {}).items() if item is not None}
        # A client that was given has a timeout of its own; a TestClient warns of others.
        longest = None if call.waits_s is None else call.waits_s + _CALL_TIMEOUT_S
        return ({} if self._given else {"timeout": longest}) | {
            "method": call.method,
            "url": f"{self.base_url}/__mock__{call.path}",
            "params": query or None,
            "json": call.body,
            # Bytes: a key may hold more than ASCII.
            "headers": {"authorization": f"Bearer {api_key}".encode(), **self._token},
        }

    def _no_answer(self, error: Exception) -> ControlFailed:
        words = str(error) or type(error).__name__
        return ControlFailed(f"no answer from {self.base_url} ({words}); does the mock still run?")


def _value(answer: httpx2.Response) -> Value:
    try:
        value = answer.json()
    except ValueError:
        value = None
    if answer.is_success and isinstance(value, dict):
        return value
    words = value.get("error") if isinstance(value, dict) else None
    raise ControlFailed(words or f"HTTP {answer.status_code}", answer.status_code)


class Via(Protocol):
    """What the parts of an account have in common: its connections, its key, and what was expected of it."""

    @property
    def http(self) -> Http:
        """The connections."""

    @property
    def api_key(self) -> str:
        """The credential that is the account."""

    @property
    def expected(self) -> Expected:
        """What assertions have found."""


class Expected:
    """The numbers of requests and deliveries that an assertion has asked for: strictness lets them pass.

    Attributes:
        blocks_a_loop: whether an event loop stood still while a call was made.
    """

    def __init__(self) -> None:
        self.blocks_a_loop = False
        self.requests: set[int] = set()
        self.deliveries: set[int] = set()

    def clear(self) -> None:
        """Forgets them."""
        self.requests.clear()
        self.deliveries.clear()


class Part:
    """A part of an account, such as its clock."""

    def __init__(self, via: Via) -> None:
        self._via = via


class Blocking(Part):
    """A part whose operations block until they are answered."""


class Awaiting(Part):
    """A part whose operations are awaited."""


class twin(Generic[P, T]):  # a decorator
    """Makes an operation a method: blocking or awaited, as the part is that it belongs to."""

    def __init__(self, steps: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self._steps = steps
        update_wrapper(self, steps)  # for help() and inspect.signature()

    @overload
    def __get__(self, at: None, owner: type) -> twin[P, T]: ...

    @overload
    def __get__(self, at: Blocking, owner: type) -> Callable[P, T]: ...

    @overload
    def __get__(self, at: Awaiting, owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...

    def __get__(self, at: Part | None, owner: type) -> Any:
        """The method of a part."""
        if at is None:
            return self
        steps, via = self._steps, at._via
        if isinstance(at, Awaiting):

            @wraps(steps)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> T:
                __tracebackhide__ = True
                return await awaited_of(via, steps(at, *args, **kwargs))

            return awaited

        @wraps(steps)
        def blocking(*args: P.args, **kwargs: P.kwargs) -> T:
            __tracebackhide__ = True
            return blocking_of(via, steps(at, *args, **kwargs))

        return blocking

    def __call__(self, at: Any, *args: P.args, **kwargs: P.kwargs) -> Steps[T]:
        """The steps themselves, for an operation that is made of others: ``yield from Clock.now(self)``."""
        return self._steps(at, *args, **kwargs)


def blocking_of(via: Via, steps: Steps[T]) -> T:
    """Carries out an operation, and returns what it found.

    Raises:
        ControlFailed: a call was refused.
        NotAsExpected: it did not find what was expected.
    """
    __tracebackhide__ = True
    via.expected.blocks_a_loop |= asyncio._get_running_loop() is not None
    try:
        call = next(steps)
        while True:
            try:
                value = via.http.value(call, via.api_key)
            except ControlFailed as error:
                call = steps.throw(error)
            else:
                call = steps.send(value)
    except (ControlFailed, NotAsExpected) as error:
        raise error.with_traceback(None) from None  # how it was asked is nothing to the test
    except StopIteration as done:
        found: T = done.value
        return found


async def awaited_of(via: Via, steps: Steps[T]) -> T:
    """Carries out an operation like :func:`blocking_of`; the event loop goes on meanwhile."""
    __tracebackhide__ = True
    try:
        call = next(steps)
        while True:
            try:
                value = await via.http.awaited_value(call, via.api_key)
            except ControlFailed as error:
                call = steps.throw(error)
            else:
                call = steps.send(value)
    except (ControlFailed, NotAsExpected) as error:
        raise error.with_traceback(None) from None  # how it was asked is nothing to the test
    except StopIteration as done:
        found: T = done.value
        return found


def expecting(call: Call) -> Steps[Value]:
    """The answer to a call that waits for something.

    Raises:
        NotAsExpected: it did not happen, or never can; the message says what did.
        ControlFailed: the call was refused.
    """
    try:
        value = yield call
    except ControlFailed as error:
        if error.status not in (408, 409):
            raise
        raise NotAsExpected(str(error)) from None
    return value
