"""A server in a process of its own, for Python: nothing of it is in the process of the tests."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from anyio import CancelScope, to_thread

from mock_server import settings as settings_module
from mock_server.ctl_client import Call
from mock_server.embedding import MockAccount, signed
from mock_server.server import START_TIMEOUT_S
from mock_server.settings import Settings
from mock_server.sockets import CannotStart
from mock_server.store import ANONYMOUS
from mock_server.terminal import fail
from mock_server.testing.asking import Http

#: Seconds that a process which was told to stop gets to do so.
STOP_TIMEOUT_S = 10.0
#: What the process runs. The package is found where this one is, whatever lies in the working folder.
_CHILD = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from mock_server.process import main; sys.exit(main())"
)
_ROOT = str(Path(__file__).resolve().parents[1])


class SubprocessServer:
    """A server in a process of its own: ``with SubprocessServer(speed=0) as server``; also ``async with``.

    It is used like :class:`RunningServer`, knows no ``publish`` and no ``app``, and shares neither interpreter nor
    event loops with the tests. It ends with the process that started it, however that ends. Neither the environment
    nor a settings file has a say.

    Args:
        settings: how it runs; by default on a free port of loopback.
        options: settings by name instead of ``settings``.

    Raises:
        SettingsError: an option is unknown or cannot be used.
    """

    def __init__(self, settings: Settings | None = None, **options: Any) -> None:
        if settings is not None and options:
            raise TypeError("give settings or options, not both")
        self.settings = settings or settings_module.build(**{"port": 0, **options})
        self._process: subprocess.Popen[bytes] | None = None
        self._ready: dict[str, Any] = {}
        self._http: Http | None = None
        self._lock = threading.Lock()
        self._fresh = count(1)

    @property
    def base_url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:8700``.

        Raises:
            RuntimeError: it is not running.
        """
        return str(self._told["url"])

    @property
    def seed(self) -> str:
        """The seed that its ids come from.

        Raises:
            RuntimeError: it is not running.
        """
        return str(self._told["seed"])

    @property
    def pid(self) -> int:
        """The number of its process.

        Raises:
            RuntimeError: it is not running.
        """
        return int(self._told["pid"])

    @property
    def http(self) -> Http:
        """The connections to its control API, which its accounts share; closed when it stops.

        Raises:
            RuntimeError: it is not running.
        """
        if self._http is None:
            raise RuntimeError("the server is not running")
        return self._http

    @property
    def _told(self) -> dict[str, Any]:
        ready = self._ready
        if not ready:
            raise RuntimeError("the server is not running")
        return ready

    def account(self, api_key: str = "") -> MockAccount:
        """The account of an API key, with its clock.

        Without a key it is that of the configured credentials, or of ``any-key`` where everybody is let in. It signs
        tokens where ``access_key`` and ``secret_key`` are configured.

        Raises:
            RuntimeError: it is not running.
        """
        key, pair = self.credentials(api_key)
        return MockAccount(self.base_url, key, pair=pair, http=self.http)

    def new_account(self, name: str = "new") -> MockAccount:
        """An account that nobody had before.

        Args:
            name: what its key begins with; other than letters and digits becomes a hyphen.

        Raises:
            RuntimeError: it is not running, or lets in configured credentials only.
        """
        if self.is_restricted:
            raise RuntimeError("the server lets in configured credentials only: use account()")
        return self.account(f"{re.sub('[^A-Za-z0-9]+', '-', name)}-{next(self._fresh)}")

    # What the pytest fixture asks of a server, so that it can be put in the place of the usual one.

    @property
    def is_restricted(self) -> bool:
        """Whether it lets in configured credentials only, which are one account."""
        return bool(self.settings.api_key or self.settings.access_key)

    def credentials(self, api_key: str = "") -> tuple[str, tuple[str, str]]:
        """The API key of an account, and the configured access key and secret, empty where there are none."""
        settings = self.settings
        pair = (settings.access_key, settings.secret_key)
        return api_key or settings.api_key or (signed(*pair) if all(pair) else "any-key"), pair

    def has_seen(self, _api_key: str) -> bool:
        """Whether anybody ever did something in an account: from outside that is not known, so it may be."""
        return True

    @property
    def anonymous_requests(self) -> int:
        """How many requests came without a valid credential.

        Raises:
            RuntimeError: it is not running.
        """
        call = Call("GET", "/journal", query={"account": ANONYMOUS, "limit": 1})
        return int(self.http.value(call, "any-key")["last"])

    def start(self) -> Self:
        """Starts; returns when it is ready.

        Raises:
            RuntimeError: it is running already.
            CannotStart: it did not become ready; nothing is left running.
        """
        with self._lock:
            if self._process is not None:
                raise RuntimeError("the server is running already")
            with tempfile.TemporaryFile() as errors:
                process = self._spawned(errors)
                line = _first_line(process)
                if not line:
                    _end(process)
                    errors.seek(0)
                    said = errors.read().decode(errors="replace").strip()
                    why = said.removeprefix("kling-mock: ") or "it said nothing"
                    raise CannotStart(f"the server did not become ready: {why}")
            self._ready = {**json.loads(line), "pid": process.pid}
            self._http = Http(self._ready["url"], self.settings.control_token)
            self._process = process
        return self

    def _spawned(self, errors: IO[bytes]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, _ROOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # Ctrl-C is for the tests: their fixtures still need the server
        )
        assert process.stdin is not None
        # Not on the command line, where everybody on the machine could read secrets.
        with contextlib.suppress(BrokenPipeError):  # it ended at once, and has said why
            pickle.dump(replace(self.settings, json=True, quiet=True), process.stdin)
            process.stdin.flush()
        return process

    def stop(self) -> None:
        """Stops, and returns when it has; does nothing when it is not running."""
        with self._lock:
            process, self._process, self._ready = self._process, None, {}
            http, self._http = self._http, None
            if http is not None:
                http.close()
            if process is not None:
                _end(process)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await to_thread.run_sync(self.start)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with CancelScope(shield=True):
            await to_thread.run_sync(self.stop)


def _first_line(process: subprocess.Popen[bytes]) -> bytes:
    """The line that says it is ready; empty when the process ended, or said nothing in time."""
    assert process.stdout is not None
    alarm = threading.Timer(START_TIMEOUT_S, process.kill)
    alarm.start()
    try:
        return process.stdout.readline()
    finally:
        alarm.cancel()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process: by the end of its input, and by force where that does not help."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):  # something was left to write
                stream.close()
    if os.name == "posix":  # a process that was forked off may hold the pipe open
        process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main() -> int:
    """What the process runs: reads its settings from standard input, and serves until that ends."""
    from mock_server.datafile import BrokenFile
    from mock_server.foreground import serve

    settings = pickle.load(sys.stdin.buffer)
    try:
        return serve(settings, until_eof=True)
    except (CannotStart, BrokenFile) as error:
        fail(str(error))
