"""``kling-mock`` as a process: started, read line by line, stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from tests.support.places import ROOT

#: Real seconds that a test waits for a process. It needs a fraction of one, more on a loaded machine.
PATIENCE_S = 30.0
COMMAND = [sys.executable, "-m", "mock_server"]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment without settings of the mock, in which the package is found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KLING_MOCK")}
    return {**kept, "PYTHONPATH": str(ROOT), **(more or {})}


def run(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


class Served:
    """``kling-mock serve`` on a free port, until the block ends.

    Attributes:
        lines: every line of standard output so far.
    """

    def __init__(
        self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, port: bool = True
    ) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [*COMMAND, "serve", *(("--port", "0") if port else ()), *arguments],
            cwd=cwd,
            env=environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self.process.pid

    @property
    def url(self) -> str:
        """The base URL it printed, as JSON or in words."""
        line = self.line(lambda _: True, "its first line") if not self.lines else self.lines[0]
        if line.startswith("{"):
            return str(json.loads(line)["url"])
        found = re.search(r"listens on (\S+)", line)
        assert found is not None, line
        return found[1]

    @property
    def text(self) -> str:
        """All of standard output so far."""
        return "\n".join(self.lines)

    def events(self) -> list[dict[str, Any]]:
        """The lines that were read, as JSON."""
        return [json.loads(line) for line in self.lines]

    def line(self, wanted: Callable[[str], bool], what: str) -> str:
        """Reads on until a line is as wanted; returns it."""
        while True:
            try:
                line = self._queue.get(timeout=PATIENCE_S)
            except Empty:
                raise AssertionError(f"waited for {what}; there was {self.text}") from None
            if line is None:
                raise AssertionError(f"waited for {what}; it ended with {self.text}")
            self.lines.append(line)
            if wanted(line):
                return line

    def containing(self, *words: str) -> str:
        """Reads on until a line holds all these words; returns it."""
        return self.line(lambda line: all(word in line for word in words), f"{words}")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Sends a signal and waits for the end: exit code and standard error. The rest of the lines is read."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        """Waits for the end: exit code and standard error."""
        assert self.process.stderr is not None
        errors = self.process.stderr.read()
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        while (line := self._queue.get(timeout=PATIENCE_S)) is not None:
            self.lines.append(line)
        return code, errors

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)

    def __enter__(self) -> Served:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
