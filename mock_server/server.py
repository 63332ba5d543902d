"""A running server: in a thread for tests (``RunningServer``), or in the main thread for the command line."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from mock_server import settings as settings_module
from mock_server.events import Observer, ignore
from mock_server.http.app import create_app
from mock_server.protocol import http_protocol
from mock_server.settings import Settings
from mock_server.sockets import CannotStart, listen, url_of
from mock_server.world import World

if TYPE_CHECKING:
    from mock_server.embedding import MockAccount

#: Seconds a starting thread has to become ready. It is ready in a fraction of one.
START_TIMEOUT_S = 30.0
#: Seconds connections get to finish when the server stops.
_DRAIN_S = 1
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

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts as uvicorn does, then says so."""
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets go of held requests, then stops as uvicorn does."""
        if self._world is not None:
            self._world.dispatcher.release()
        await super().shutdown(sockets)


class RunningServer:
    """A server in a thread of its own. ``with RunningServer(speed=10) as mock: mock.base_url``.

    Entering returns a ready server or raises, and then leaves nothing running. Several can run at once.

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
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._failure = ""
        self._url = ""
        self._accounts: list[MockAccount] = []

    @property
    def base_url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:8700``.

        Raises:
            RuntimeError: it is not running.
        """
        if not self._url:
            raise RuntimeError("the server is not running")
        return self._url

    def account(self, api_key: str = "") -> MockAccount:
        """The account of an API key, with its clock; closed when the server stops.

        Without a key it is that of the configured credentials, or of ``any-key`` where everybody is let in.

        Raises:
            RuntimeError: it is not running.
        """
        from mock_server.embedding import MockAccount, signed  # the HTTP client is slow to import

        settings = self.settings
        pair = (settings.access_key, settings.secret_key)
        key = api_key or settings.api_key or (signed(*pair) if all(pair) else "any-key")
        account = MockAccount(self.base_url, key, settings.control_token)
        self._accounts.append(account)
        return account

    def start(self) -> RunningServer:
        """Starts; returns when it is ready.

        Raises:
            RuntimeError: it is running already.
            CannotStart: it cannot listen, or did not become ready; nothing is left running.
            BrokenFile: a document or fixture cannot be used.
        """
        if self._thread is not None:
            raise RuntimeError("the server is running already")
        app = self._app or create_app(self.settings, self._publish)
        world = getattr(app.state, "world", None) if isinstance(app, Starlette) else None
        sock = listen(self.settings.host, self.settings.port)
        self._failure = ""
        settled = threading.Event()
        self._server = Server(app, world, settled.set)
        self._thread = threading.Thread(
            target=self._run, args=(self._server, sock, settled), name="kling-mock", daemon=True
        )
        self._thread.start()
        if not settled.wait(START_TIMEOUT_S) or not self._server.started:
            self.stop()
            raise CannotStart(f"the server did not become ready: {self._failure}")
        self._url = url_of(sock)
        return self

    def stop(self) -> None:
        """Stops, and returns when it has; does nothing when it is not running."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        self._url = ""
        while self._accounts:
            self._accounts.pop().close()
        if server is not None and thread is not None:
            server.should_exit = True
            thread.join()

    def __enter__(self) -> RunningServer:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self, server: Server, sock: socket.socket, settled: threading.Event) -> None:
        try:
            with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
                runner.run(server.serve(sockets=[sock]))
        except BaseException as error:  # noqa: BLE001  # told to whoever started the thread
            self._failure = repr(error)
        finally:
            settled.set()
            sock.close()
