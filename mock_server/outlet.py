"""Standard output that never blocks: lines are written by a thread, and dropped when nobody reads them."""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TextIO

#: Lines that may wait to be read. A reader that is further behind has gone for coffee.
CAPACITY = 10_000


class Outlet:
    """A stream of lines on a file descriptor.

    The thread writes to the descriptor itself: a buffered stream would be locked by a write that blocks, and the
    process could not end.

    Args:
        stream: what is written to, such as standard output; nothing of its own buffer is used.

    Attributes:
        dropped: lines that were not kept because too many waited.
    """

    def __init__(self, stream: TextIO) -> None:
        self.encoding = stream.encoding or "utf-8"
        self.dropped = 0
        self._descriptor = stream.fileno()
        self._lines: deque[str] = deque()
        self._more = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="kling-mock-output", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Takes a line to be written; drops and counts it when ``CAPACITY`` lines wait already."""
        if len(self._lines) >= CAPACITY:
            self.dropped += 1
            return
        self._lines.append(text)
        self._more.set()

    def flush(self) -> None:
        """Does nothing: lines are on their way."""

    def close(self, timeout_s: float) -> None:
        """Writes what waits, for at most ``timeout_s`` seconds."""
        self._closing = True
        self._more.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            self._more.wait()
            self._more.clear()
            while self._lines:
                batch = [self._lines.popleft() for _ in range(min(len(self._lines), 1000))]
                try:
                    self._write("".join(batch).encode(self.encoding, "replace"))
                except OSError:
                    self._lines.clear()  # the reader is gone; the server goes on
            if self._closing:
                return

    def _write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]
