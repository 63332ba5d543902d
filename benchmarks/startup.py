"""How long the mock takes from the start of its process to its first answer, against uvicorn by itself; in pairs."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from statistics import median

from benchmarks.servers import COMMANDS, ROOT, free_port, wait_ready

PEER = "bare uvicorn"


@dataclass(frozen=True, slots=True)
class Started:
    """Seconds until the first answer, medians, and the median, least and greatest ratio of the pairs."""

    mock_s: float
    peer_s: float
    ratio: float
    low: float
    high: float


def ready_s(name: str) -> float:
    """Seconds from the start of a server's process to its first answer; stops it again.

    Raises:
        NotReady: it did not answer.
    """
    port = free_port()
    arguments = [sys.executable, *COMMANDS[name], "--port", str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_ready(process, port)
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def compare(pairs: int) -> Started:
    """Starts both in turn; the first pair, which fills the caches, does not count."""
    ready_s("mock")
    ready_s(PEER)
    taken = [(ready_s("mock"), ready_s(PEER)) for _ in range(pairs)]
    ratios = [mock / peer for mock, peer in taken]
    return Started(
        median(mock for mock, _ in taken),
        median(peer for _, peer in taken),
        median(ratios),
        min(ratios),
        max(ratios),
    )
