"""A running server: in a thread for tests (``RunningServer``), or in the main thread for the command line."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from mock_server import settings as settings_module
from mock_server.events import Observer, ignore
from mock_server.http.app import create_app
from mock_server.settings import Settings
from mock_server.world import World

#: Seconds a starting thread has to become ready. It is ready in a fraction of one.
START_TIMEOUT_S = 30.0
#: Seconds connections get to finish when the server stops.
_DRAIN_S = 1


class CannotStart(RuntimeError):
    """Raised when a server cannot be started; nothing is left running. The message names the remedy."""


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
                log_level="critical",
                access_log=False,
                lifespan="on",
                timeout_graceful_shutdown=_DRAIN_S,
                server_header=False,
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


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        CannotStart: the address cannot be listened on.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # The protocol is named because asyncio sets TCP_NODELAY only where it sees it: without, 40 ms per call.
        sock = socket.socket(family, kind, socket.IPPROTO_TCP)
    except OSError as error:
        raise CannotStart(f"cannot listen on {host}:{port}: {error.strerror}") from None
    try:
        if hasattr(socket, "SO_REUSEADDR") and not hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(2048)
    except OSError as error:
        sock.close()
        hint = "; choose another with --port, or --port 0 for any free one" if port else ""
        raise CannotStart(f"cannot listen on {host}:{port}: {error.strerror}{hint}") from None
    sock.setblocking(False)
    return sock


def url_of(sock: socket.socket) -> str:
    """The base URL at which a listening socket is reached from this machine."""
    host, port = sock.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


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
        self.settings = settings or settings_module.build(**{"port": 0, "quiet": True, **options})
        self._publish = publish
        self._app = app
        self._server: Server | None = None
        self._thread: threading.Thread | None = None
        self._failure = ""
        self._url = ""

    @property
    def base_url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:8700``.

        Raises:
            RuntimeError: it is not running.
        """
        if not self._url:
            raise RuntimeError("the server is not running")
        return self._url

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
        world = app.state.world if isinstance(app, Starlette) else None
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
