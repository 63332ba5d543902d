"""A running server: in a thread for tests (``RunningServer``), or in the main thread for the command line."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import threading
import weakref
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any

import uvicorn
from anyio import CancelScope, to_thread
from starlette.applications import Starlette
from starlette.types import ASGIApp

from mock_server import settings as settings_module
from mock_server.credentials import is_jwt, key_account
from mock_server.events import Observer, ignore
from mock_server.http.app import create_app
from mock_server.protocol import http_protocol
from mock_server.settings import Settings
from mock_server.sockets import CannotStart, listen, url_of
from mock_server.world import World

if TYPE_CHECKING:
    from mock_server.embedding import MockAccount
    from mock_server.testing.asking import Http

#: Seconds a starting thread has to become ready. It is ready in a fraction of one.
START_TIMEOUT_S = 30.0
#: Seconds connections get to finish when the server stops.
_DRAIN_S = 1
#: Seconds between two looks at whether a flag is set, as a signal does, and at first while connections finish.
_TICK_S, _FIRST_PAUSE_S = 0.1, 0.001
#: Seconds an idle connection is kept: longer than clients keep theirs, so that none meets one being closed.
_KEEP_ALIVE_S = 75


class Server(uvicorn.Server):
    """Uvicorn, but signals are its caller's, it says when it is ready, and it lets go of held requests when it stops.

    Args:
        world: the world of the app, if it is known.
        on_ready: called once, on the event loop, when requests are answered.
    """

    def __init__(self, app: ASGIApp, world: World | None, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=http_protocol(),
                log_level="critical",
                access_log=False,
                lifespan="on",
                timeout_graceful_shutdown=_DRAIN_S,
                server_header=False,
                proxy_headers=False,  # --public-url says what URLs begin with, not whoever connects
                timeout_keep_alive=_KEEP_ALIVE_S,
            )
        )
        self._world = world
        self._on_ready = on_ready
        self._told_to_stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Has it stop, from any thread, without waiting for it; does nothing when it has."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has stopped
                self._loop.call_soon_threadsafe(self._told_to_stop.set)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts as uvicorn does, then says so."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def main_loop(self) -> None:
        """Ticks as uvicorn does until it is to stop, of which it need not wait for the next tick to know."""
        ticks = 0
        told = asyncio.ensure_future(self._told_to_stop.wait())
        while not await self.on_tick(ticks):
            ticks += 1
            await asyncio.wait((told,), timeout=_TICK_S)
        told.cancel()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets go of held requests, then stops as uvicorn does, but waits only for what is under way."""
        if self._world is not None:
            self._world.dispatcher.release()
        for listening in (*self.servers, *(sockets or ())):
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                await self._drained()
        for task in list(self.server_state.tasks):
            task.cancel()
        if not self.force_exit:
            await self.lifespan.shutdown()

    async def _drained(self) -> None:
        """Waits until what is under way has ended."""
        pause_s = 0.0
        state = self.server_state
        while (state.connections or state.tasks) and not self.force_exit:
            await asyncio.sleep(pause_s)
            pause_s = min(_TICK_S, 2 * pause_s + _FIRST_PAUSE_S)
        for server in self.servers:
            await server.wait_closed()


class RunningServer:
    """A server in a thread of its own. ``with RunningServer(speed=10) as mock: mock.base_url``; also ``async with``.

    Entering returns a ready server or raises, and then leaves nothing running. Several can run at once, and each can be
    started and stopped by any thread. A process that is forked off can use the server, and does not stop it.

    Args:
        settings: how it runs; by default on a free port of loopback.
        publish: told of every event, on the server's thread.
        app: serve this ASGI application instead, such as a wrapped one.
        options: settings by name instead of ``settings``.

    Raises:
        SettingsError: an option is unknown or cannot be used.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        publish: Observer = ignore,
        app: ASGIApp | None = None,
        **options: Any,
    ) -> None:
        if settings is not None and options:
            raise TypeError("give settings or options, not both")
        self.settings = settings or settings_module.build(
            **{"port": 0, "quiet": publish is ignore, **options}
        )
        self._publish = publish
        self._app = app
        self._running: _Running | None = None
        self._lock = threading.Lock()
        self._fresh = count(1)

    @property
    def base_url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:8700``.

        Raises:
            RuntimeError: it is not running.
        """
        return self._now.url

    @property
    def seed(self) -> str:
        """The seed that its ids come from; empty when it serves an application that was given and is not the mock.

        Raises:
            RuntimeError: it is not running.
        """
        world = self._now.world
        return "" if world is None else world.seed

    @property
    def http(self) -> Http:
        """The connections to its control API, which its accounts share; closed when it stops.

        Raises:
            RuntimeError: it is not running.
        """
        return self._now.http(self.settings.control_token)

    def account(self, api_key: str = "") -> MockAccount:
        """The account of an API key, with its clock, and with an access key of its own.

        Without a key it is that of the configured credentials, or of ``any-key`` where everybody is let in.

        Raises:
            RuntimeError: it is not running.
        """
        from mock_server.embedding import MockAccount  # the HTTP client is slow to import

        key, pair = self.credentials(api_key)
        return MockAccount(self.base_url, key, pair=pair, http=self.http)

    def new_account(self, name: str = "new") -> MockAccount:
        """An account that nobody had before, such as one for each example of a property test.

        Args:
            name: what its key begins with; other than letters and digits becomes a hyphen.

        Raises:
            RuntimeError: it is not running, or lets in configured credentials only.
        """
        if self.is_restricted:
            raise RuntimeError("the server lets in configured credentials only: use account()")
        return self.account(f"{re.sub('[^A-Za-z0-9]+', '-', name)}-{next(self._fresh)}")

    @property
    def is_restricted(self) -> bool:
        """Whether it lets in configured credentials only, which are one account."""
        return bool(self.settings.api_key or self.settings.access_key)

    def credentials(self, api_key: str = "") -> tuple[str, tuple[str, str]]:
        """The API key of an account, and the access key and secret that sign its tokens.

        Where everybody is let in, an account gets a pair of its own, and signatures of that are verified.

        Raises:
            RuntimeError: it is not running.
        """
        from mock_server.embedding import signed

        settings, world = self.settings, self._now.world
        pair = (settings.access_key, settings.secret_key)
        key = api_key or settings.api_key or (signed(*pair) if all(pair) else "any-key")
        if self.is_restricted or world is None or is_jwt(key):
            return key, pair
        digest = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        pair = f"ak-{digest[:24]}", f"sk-{digest[24:]}"
        world.credentials.add_pair(*pair, key_account(key))
        return key, pair

    def has_seen(self, api_key: str) -> bool:
        """Whether anybody ever did something in the account of an API key; true where that is not known."""
        world = self._now.world
        if world is None or is_jwt(api_key) or self.is_restricted:
            return True
        found = world.accounts.find(key_account(api_key))
        return found is not None and found.is_touched

    @property
    def anonymous_requests(self) -> int:
        """How many requests came without a valid credential; 0 where that is not known."""
        world = self._now.world
        return 0 if world is None else world.accounts.anonymous.journal.last

    def start(self) -> RunningServer:
        """Starts; returns when it is ready.

        Raises:
            RuntimeError: it is running already.
            CannotStart: it cannot listen, or did not become ready; nothing is left running.
            BrokenFile: a document or fixture cannot be used.
        """
        with self._lock:
            if self._running is not None:
                raise RuntimeError("the server is running already")
            app = self._app or create_app(self.settings, self._publish)
            world = getattr(app.state, "world", None) if isinstance(app, Starlette) else None
            running = _Running(app, world, listen(self.settings.host, self.settings.port))
            running.begin()
            self._running = running
        return self

    def stop(self) -> None:
        """Stops, and returns when it has; does nothing when it is not running."""
        with self._lock:
            running, self._running = self._running, None
            if running is not None:
                running.end()

    @property
    def _now(self) -> _Running:
        running = self._running
        if running is None:
            raise RuntimeError("the server is not running")
        return running

    def __enter__(self) -> RunningServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> RunningServer:
        return await to_thread.run_sync(self.start)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with CancelScope(shield=True):
            await to_thread.run_sync(self.stop)


class _Running:
    """One run of a server: its socket, its thread, and the connections to its control API."""

    def __init__(self, app: ASGIApp, world: World | None, sock: socket.socket) -> None:
        self.world = world
        self.url = url_of(sock)
        self._sock = sock
        self._settled = threading.Event()
        self._server = Server(app, world, self._settled.set)
        self._thread = threading.Thread(target=self._run, name="kling-mock", daemon=True)
        self._failure = ""
        self._http: Http | None = None
        self._lock = threading.Lock()
        self._process = os.getpid()

    def begin(self) -> None:
        """Starts the thread.

        Raises:
            CannotStart: it did not become ready; nothing is left running.
        """
        _OPEN.add(self)
        self._thread.start()
        if not self._settled.wait(START_TIMEOUT_S) or not self._server.started:
            self.end()
            raise CannotStart(f"the server did not become ready: {self._failure}")

    def end(self) -> None:
        """Stops the thread; in a process that was forked off there is none."""
        with self._lock:
            if self._http is not None:
                self._http.close()
        if self._process == os.getpid():
            self._server.stop()
            self._thread.join()

    def http(self, control_token: str) -> Http:
        """The connections, made when they are first needed."""
        from mock_server.testing.asking import Http  # the HTTP client is slow to import

        with self._lock:
            if self._http is None:
                self._http = Http(self.url, control_token)
            return self._http

    def let_go(self) -> None:
        """Closes the socket in a process that was forked off: it must not keep the port when this one ends."""
        self._lock = threading.Lock()
        with contextlib.suppress(OSError):
            # The event loop holds the socket, so that closing it would wait for a loop that never runs here.
            os.close(self._sock.detach())

    def _run(self) -> None:
        server = self._server
        try:
            with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
                runner.run(server.serve(sockets=[self._sock]))
        except BaseException as error:  # noqa: BLE001  # told to whoever started the thread
            self._failure = repr(error)
        finally:
            self._settled.set()
            self._sock.close()


#: Those of this process that run, for one that is forked off.
_OPEN: weakref.WeakSet[_Running] = weakref.WeakSet()


def _let_go() -> None:
    for running in list(_OPEN):
        running.let_go()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_let_go)
