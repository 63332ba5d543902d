"""Starting the measured servers as processes, each on a core apart from the load generator's."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from benchmarks.load import Slice, Taken
from benchmarks.operations import request

ROOT = Path(__file__).resolve().parent.parent
#: Seconds a server has to become ready.
READY_S = 30.0

#: The mock runs at a thousandth of real time: what is created stays in flight, so that no transition of a task created
#: in one slice falls into another slice, the peer's among them. The work of planning it is done all the same.
MOCK = ("-m", "mock_server", "serve", "--speed", "0.001")
COMMANDS: dict[str, tuple[str, ...]] = {
    "mock": (*MOCK, "--quiet"),
    "mock with lines": MOCK,
    "mock at rest": ("-m", "mock_server", "serve", "--speed", "0", "--quiet"),
    "textbook": ("-m", "benchmarks.textbook"),
    "bare uvicorn": ("-m", "uvicorn", "benchmarks.bare:app", "--no-access-log"),
    "receiver": ("-m", "benchmarks.receiver"),
}


class NotReady(RuntimeError):
    """Raised when a server ends, or does not answer in time."""


@dataclass(frozen=True, slots=True)
class Process:
    """A server that runs: its name in ``COMMANDS``, its port, its process id."""

    name: str
    port: int
    pid: int

    @property
    def is_mock(self) -> bool:
        """Whether it has the mock's control API."""
        return "mock_server" in COMMANDS[self.name]

    def cpu_s(self) -> float | None:
        """CPU seconds its main thread has used, or ``None`` where the kernel does not tell."""
        try:
            text = Path(f"/proc/{self.pid}/schedstat").read_text(encoding="ascii")
        except OSError:
            return None
        return int(text.split()[0]) / 1e9


def free_port() -> int:
    """A port of loopback that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def cores() -> tuple[set[int], set[int]]:
    """The core for servers and the one for the load; empty sets where a process cannot choose, or has only one."""
    if sys.platform != "linux":
        return set(), set()
    available = sorted(os.sched_getaffinity(0))
    return ({available[0]}, {available[1]}) if len(available) > 1 else (set(), set())


def _pin(pid: int, to: set[int]) -> None:
    if to and sys.platform == "linux":
        os.sched_setaffinity(pid, to)


@contextlib.contextmanager
def server(name: str, *, beside_load: bool = False) -> Iterator[Process]:
    """Runs the server of this name on a free port, from ready until the end of the block.

    Args:
        beside_load: it runs on the load's core: it serves the server that is measured.
    """
    port = free_port()
    arguments = [sys.executable, *COMMANDS[name], "--port", str(port)]
    process = subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _pin(process.pid, cores()[1 if beside_load else 0])
        wait_ready(process, port)
        yield Process(name, port, process.pid)
    finally:
        process.terminate()
        process.wait()


def wait_ready(
    process: subprocess.Popen[bytes],
    port: int,
    pause_s: float = 0.002,
    path: str = "/__mock__/health",
) -> None:
    """Returns at the first complete answer to a GET of a path, whatever its status.

    Raises:
        NotReady: the process ended, or nothing answered within ``READY_S``.
    """
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotReady(f"{process.args!r} ended with exit code {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as sock:
            sock.settimeout(READY_S)
            sock.sendall(request(port, "GET", path, headers=["Connection: close"]))
            if sock.recv(65_536).startswith(b"HTTP/1.1 "):
                return
        time.sleep(pause_s)
    raise NotReady(f"{process.args!r} did not answer within {READY_S:g} s")


class Worker:
    """A process that reads orders as JSON lines and answers each with a line.

    Args:
        module: what it runs.
        to: the core it runs on.
    """

    def __init__(self, module: str, to: set[int]) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        _pin(self._process.pid, to)

    def ask(self, order: object) -> Any:
        """Hands over an order, and returns the answer to it.

        Raises:
            NotReady: the process gave up; its reason is on standard error.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise NotReady(f"{self._module} stopped; its reason is above")
        return json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class Load(Worker):
    """The load generator's process."""

    def __init__(self) -> None:
        super().__init__("benchmarks.load", cores()[1])

    def take(self, order: Slice) -> Taken:
        """Has a slice worked through.

        Raises:
            NotReady: the load generator gave up; its reason is on standard error.
        """
        return Taken(**self.ask(asdict(order)))
