"""Mock servers that a test suite can start, the peers among them: in a thread of its process, or as a process."""

from __future__ import annotations

import http.client
import logging
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from benchmarks.servers import ROOT, free_port, wait_ready
from mock_server import RunningServer

MOCK = "kling-mock"
HTTPSERVER = "pytest-httpserver"
MOTO = "moto"
#: What is there when a peer is: moto without its extra has no flask_cors.
_MODULES = {HTTPSERVER: "pytest_httpserver", MOTO: "flask_cors"}
_PACKAGES = {HTTPSERVER: "pytest-httpserver", MOTO: "'moto[server]'"}
#: A path that each answers by itself.
_PATHS = {MOCK: "/__mock__/health", HTTPSERVER: "/", MOTO: "/moto-api/data.json"}
#: What runs each as a process; pytest-httpserver has no such form.
_COMMANDS = {
    MOCK: ("-m", "mock_server", "serve", "--quiet", "--port"),
    MOTO: ("-m", "moto.server", "-H", "127.0.0.1", "-p"),
}


@dataclass(frozen=True, slots=True)
class Life:
    """Seconds of one server: until its first answer, and from being told to stop until it has.

    Attributes:
        start_cpu_s: CPU seconds of this process until the first answer; 0 where the server is another process.
    """

    start_s: float
    stop_s: float
    start_cpu_s: float = 0.0


def missing() -> dict[str, str]:
    """The peers that are not installed, each with what to install."""
    return {name: _PACKAGES[name] for name, module in _MODULES.items() if find_spec(module) is None}


def has_process(name: str) -> bool:
    """Whether it has a command of its own."""
    return name in _COMMANDS


def in_thread(name: str) -> Life:
    """Starts a server in a thread of this process, asks it once, and stops it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # the peers' line per request
    began, cpu = time.perf_counter(), time.process_time()
    host, port, stop = _STARTS[name]()
    _ask(host, port, _PATHS[name])
    answered, used = time.perf_counter(), time.process_time() - cpu
    stop()
    return Life(answered - began, time.perf_counter() - answered, used)


def as_process(name: str) -> Life:
    """Starts a server as a process, asks it once, and stops it by SIGTERM.

    Raises:
        NotReady: it did not answer.
    """
    port = free_port()
    arguments = [sys.executable, *_COMMANDS[name], str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_ready(process, port, path=_PATHS[name])
        answered = time.perf_counter()
    finally:
        process.terminate()
        process.wait()
    return Life(answered - began, time.perf_counter() - answered)


#: Where a server listens, and what stops it.
_Started = tuple[str, int, Callable[[], None]]


def _ask(host: str, port: int, path: str) -> None:
    connection = http.client.HTTPConnection(host, port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise AssertionError(f"GET {path} was answered with {answer.status}")


def _mock() -> _Started:
    server = RunningServer().start()
    host, _, port = server.base_url.removeprefix("http://").rpartition(":")
    return host, int(port), server.stop


def _httpserver() -> _Started:
    server = import_module("pytest_httpserver").HTTPServer("127.0.0.1", 0)
    server.expect_request(_PATHS[HTTPSERVER]).respond_with_data("")
    server.start()
    return server.host, server.port, server.stop


def _moto() -> _Started:
    server = import_module("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    return *server.get_host_and_port(), server.stop


_STARTS: dict[str, Callable[[], _Started]] = {MOCK: _mock, HTTPSERVER: _httpserver, MOTO: _moto}
