"""What the mock costs a test suite: start, stop and each test, beside pytest-httpserver and moto's server.

``python -m benchmarks.overhead [--quick] [--json]``. A round takes a figure of each server once, one after the other,
every other round in reverse; the medians of the rounds are the result. A peer that is not installed is left out, which
is said: ``pip install pytest-httpserver 'moto[server]'``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks import peers, suites
from benchmarks.peers import Life
from benchmarks.suites import Cost


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: rounds of starts in a thread, rounds as a process, rounds of suites, tests in a suite."""

    threads: int
    processes: int
    suites: int
    tests: int


FULL = Size(threads=21, processes=9, suites=7, tests=200)
QUICK = Size(threads=2, processes=1, suites=1, tests=5)


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds: the median of the rounds, the least and the greatest."""

    ms: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """What one server costs.

    Attributes:
        start: in a thread, until its first answer, when everything is imported already; ``stop`` until it has stopped.
        process_start: as a process, likewise with all its imports; ``None`` where there is no command.
        per_test: what the fixture adds to an empty test.
        start_cpu_ms: CPU time of ``start``, median; ``per_test_cpu_ms`` likewise. Steadier where a machine is shared.
    """

    server: str
    start: Spread
    stop: Spread
    process_start: Spread | None
    process_stop: Spread | None
    per_test: Spread
    start_cpu_ms: float
    per_test_cpu_ms: float


def measure(names: Sequence[str], size: Size) -> list[Row]:
    """Measures the servers of these names.

    Raises:
        NotReady: a process did not answer.
        CalledProcessError: a test of a suite failed.
    """
    for name in names:
        peers.in_thread(name)  # imports what it needs, which the processes are measured with
    threads = _rounds(names, size.threads, peers.in_thread)
    able = [name for name in names if peers.has_process(name)]
    processes = _rounds(able, size.processes, peers.as_process)
    costs = _costs(names, size)
    return [
        Row(
            name,
            _spread([life.start_s for life in threads[name]]),
            _spread([life.stop_s for life in threads[name]]),
            _spread([life.start_s for life in processes[name]]) if name in able else None,
            _spread([life.stop_s for life in processes[name]]) if name in able else None,
            _spread([cost.wall_s for cost in costs[name]]),
            median(life.start_cpu_s for life in threads[name]) * 1000,
            median(cost.cpu_s for cost in costs[name]) * 1000,
        )
        for name in names
    ]


def _rounds(
    names: Sequence[str], rounds: int, live: Callable[[str], Life]
) -> dict[str, list[Life]]:
    lives: dict[str, list[Life]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 else reversed(names):
            lives[name].append(live(name))
    return lives


def _costs(names: Sequence[str], size: Size) -> dict[str, list[Cost]]:
    """What each fixture adds to a test, taken inside each round."""
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(size.suites):
            order = (suites.BARE, *names)
            taken = {
                name: suites.per_test(name, size.tests, Path(folder))
                for name in (order if number % 2 else reversed(order))
            }
            for name in names:
                bare, own = taken[suites.BARE], taken[name]
                costs[name].append(Cost(own.wall_s - bare.wall_s, own.cpu_s - bare.cpu_s))
    return costs


def _spread(seconds: Sequence[float]) -> Spread:
    ms = [value * 1000 for value in seconds]
    return Spread(median(ms), min(ms), max(ms))


def table(rows: Sequence[Row]) -> str:
    """The rows for people."""
    titles = ("start", "stop", "process start", "process stop", "per test")
    lines = [
        f"{'ms, median (min..max)':<22}"
        + "".join(f" {title:>24}" for title in titles)
        + f" {'CPU of start':>13} {'CPU per test':>13}"
    ]
    for row in rows:
        cells = (row.start, row.stop, row.process_start, row.process_stop, row.per_test)
        lines.append(
            f"{row.server:<22}"
            + "".join(f" {_said(cell):>24}" for cell in cells)
            + f" {row.start_cpu_ms:>13.2f} {row.per_test_cpu_ms:>13.2f}"
        )
    return "\n".join(lines)


def _said(spread: Spread | None) -> str:
    if spread is None:
        return "-"
    return f"{spread.ms:.2f} ({spread.low:.2f}..{spread.high:.2f})"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round or two, for a test")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    missing = peers.missing()
    for name, package in missing.items():
        sys.stderr.write(f"{name} is left out: pip install {package}\n")
    names = [name for name in (peers.MOCK, peers.HTTPSERVER, peers.MOTO) if name not in missing]
    rows = measure(names, QUICK if arguments.quick else FULL)
    value = {"servers": [asdict(row) for row in rows], "missing": sorted(missing)}
    sys.stdout.write((json.dumps(value, indent=2) if arguments.json else table(rows)) + "\n")


if __name__ == "__main__":
    main()
