"""How far a run is, on a terminal only."""

from __future__ import annotations

import sys
import time

import pytest

from contract_tests.verdicts import Verdicts

_WIDTH = 30


class Progress:
    """A pytest plugin that draws a bar on standard error.

    Args:
        is_wanted: ``None`` where the terminal decides.
    """

    def __init__(self, verdicts: Verdicts, *, is_wanted: bool | None = None) -> None:
        self._verdicts = verdicts
        self._stream = sys.stderr
        self._is_shown = self._stream.isatty() if is_wanted is None else is_wanted
        self._began = time.monotonic()
        self._total = 0
        self._longest = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests are known."""
        self._total = len(session.items)
        self._draw()

    def pytest_runtest_logfinish(self) -> None:
        """One more test has ended."""
        self._draw()

    def end(self) -> None:
        """Takes the line away again."""
        if self._is_shown and self._longest:
            self._stream.write("\r" + " " * self._longest + "\r")
            self._stream.flush()

    def _draw(self) -> None:
        if not self._is_shown or not self._total:
            return
        done = self._verdicts.done
        filled = _WIDTH * done // self._total
        broken = self._verdicts.broken
        line = (
            f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {done} of {self._total} checks,"
            f" {time.monotonic() - self._began:.0f} s"
        )
        line += f", {broken} broken" if broken else ""
        self._stream.write("\r" + line.ljust(self._longest))
        self._stream.flush()
        self._longest = max(self._longest, len(line))
