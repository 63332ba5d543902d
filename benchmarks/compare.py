"""The mock's requests per second against a textbook Starlette application, as ratios of neighbouring slices.

``python -m benchmarks.compare [--quick] [--json]``. All servers run the whole time on one core, the load on another. A
round measures one operation on each server, one after the other, within a second; the ratio is taken inside the round.
So a machine that is slow for a while is slow for both. The verdict is the median of the rounds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.load import Slice, Taken
from benchmarks.operations import OPERATIONS, VOICE, VOICES, of, request
from benchmarks.servers import Load, Process, server

PEER = "textbook"
MEASURED = ("mock", "mock with lines")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: rounds for each operation, and requests in each slice."""

    rounds: int
    requests: int


FULL = Size(rounds=21, requests=4_000)
QUICK = Size(rounds=3, requests=60)


@dataclass(frozen=True, slots=True)
class Row:
    """One operation on one server against the peer.

    Attributes:
        per_s: requests per second, median of the rounds.
        peer_per_s: the peer's.
        ratio: median of the rounds' ratios; above 1 the mock is faster. ``low`` and ``high`` are the extremes.
        cpu_ratio: the peer's CPU time per request over the mock's, likewise; ``None`` where it is not known.
        busy: the load generator's busy share, median.
    """

    operation: str
    server: str
    per_s: float
    peer_per_s: float
    ratio: float
    low: float
    high: float
    cpu_ratio: float | None
    busy: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One slice: requests per second, CPU microseconds of the server per request, busy share of the load."""

    per_s: float
    cpu_us: float | None
    busy: float


def compare(size: Size) -> list[Row]:
    """Measures every operation on every server.

    Raises:
        NotReady: a server does not start, or the load generator gave up on a wrong answer.
    """
    with ExitStack() as stack:
        load = stack.enter_context(Load())
        servers = {name: stack.enter_context(server(name)) for name in (PEER, *MEASURED)}
        finished = {name: _finished_voice(load, process) for name, process in servers.items()}
        rows: list[Row] = []
        for operation in OPERATIONS:
            requests = {
                name: of(operation, process.port, finished[name])
                for name, process in servers.items()
            }
            _check_alike(load, servers, requests)
            rounds = [
                {name: _measure(load, servers[name], requests[name], size) for name in order}
                for order in _orders(tuple(servers), size.rounds)
            ]
            rows += [_row(operation, name, rounds) for name in MEASURED]
        return rows


def _orders(names: tuple[str, ...], rounds: int) -> list[tuple[str, ...]]:
    # Every other round runs backwards, so that no server always comes after the same other.
    return [names if number % 2 else names[::-1] for number in range(rounds)]


def _finished_voice(load: Load, process: Process) -> str:
    """The id of a custom-voice task that has succeeded: the longest record a query answers with."""
    body = {key: value for key, value in VOICE.items() if key != "callback_url"}
    created = _once(load, process, request(process.port, "POST", VOICES, body))
    task_id: str = json.loads(created.body)["data"]["task_id"]
    if process.is_mock:
        advance = request(process.port, "POST", "/__mock__/clock/advance", {"by": 60})
        _once(load, process, advance)
    return task_id


def _once(load: Load, process: Process, sent: bytes) -> Taken:
    return load.take(Slice(process.port, sent.decode("latin-1"), 1))


def _check_alike(load: Load, servers: Mapping[str, Process], requests: Mapping[str, bytes]) -> None:
    """All servers must answer with the same fields, or the comparison says nothing."""
    shapes = {
        name: _shape(json.loads(_once(load, process, requests[name]).body))
        for name, process in servers.items()
    }
    for name, shape in shapes.items():
        if shape != shapes[PEER]:
            raise AssertionError(f"{name} answers {shape}, {PEER} answers {shapes[PEER]}")


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(value[key]) for key in sorted(value)}
    return [_shape(item) for item in value] if isinstance(value, list) else type(value).__name__


def _measure(load: Load, process: Process, sent: bytes, size: Size) -> Measured:
    before = process.cpu_s()
    taken = load.take(Slice(process.port, sent.decode("latin-1"), size.requests))
    after = process.cpu_s()
    used = None if before is None or after is None else (after - before) * 1e6 / size.requests
    return Measured(size.requests / taken.seconds, used, taken.busy)


def _row(operation: str, name: str, rounds: list[dict[str, Measured]]) -> Row:
    ratios = [measured[name].per_s / measured[PEER].per_s for measured in rounds]
    cpu = [
        peer / own
        for measured in rounds
        if (peer := measured[PEER].cpu_us) and (own := measured[name].cpu_us)
    ]
    return Row(
        operation,
        name,
        median(measured[name].per_s for measured in rounds),
        median(measured[PEER].per_s for measured in rounds),
        median(ratios),
        min(ratios),
        max(ratios),
        median(cpu) if cpu else None,
        median(measured[name].busy for measured in rounds),
    )


def table(rows: list[Row]) -> str:
    """The rows for people."""
    lines = [
        f"{'operation':<20} {'server':<16} {'requests/s':>10} {PEER:>10}"
        f" {'ratio':>6} {'min..max':>12} {'CPU ratio':>9} {'load busy':>9}"
    ]
    for row in rows:
        cpu = "-" if row.cpu_ratio is None else f"{row.cpu_ratio:.2f}"
        spread = f"{row.low:.2f}..{row.high:.2f}"
        lines.append(
            f"{row.operation:<20} {row.server:<16} {row.per_s:>10.0f} {row.peer_per_s:>10.0f}"
            f" {row.ratio:>6.2f} {spread:>12} {cpu:>9} {row.busy:>9.0%}"
        )
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few hundred requests, for a test")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    rows = compare(QUICK if arguments.quick else FULL)
    text = json.dumps([asdict(row) for row in rows], indent=2) if arguments.json else table(rows)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
