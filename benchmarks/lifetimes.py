"""Living through the lives of many tasks in one advance of the clock: without receivers, and with callbacks.

``python -m benchmarks.lifetimes [--quick] [--json]``. Tasks take five minutes (scenario ``slow``) and each has two
events, processing and succeed. The callbacks go to a real receiver on loopback; beside them, in the same round, the
bare HTTP client posts the same bodies to it. Mock and bare client run on one core; load and receiver on the other.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median

from benchmarks.advancing import EVENTS, MOCK, Mock, Moved, advance
from benchmarks.delivering import Posting, Round
from benchmarks.servers import Load, Worker, cores, server


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: tasks without receivers, tasks with callbacks, rounds."""

    tasks: int
    reported: int
    rounds: int


FULL = Size(tasks=5_000, reported=1_000, rounds=5)
QUICK = Size(tasks=40, reported=20, rounds=1)


@dataclass(frozen=True, slots=True)
class Advanced:
    """One advance without receivers; medians of the rounds.

    Attributes:
        answer_bytes: the answer tells of every event.
        peak_bytes: what the process grew by meanwhile, at its highest; ``None`` where the kernel does not tell.
    """

    what: str
    events: int
    seconds: float
    low: float
    high: float
    answer_bytes: int
    peak_bytes: int | None

    @property
    def per_s(self) -> float:
        """Events per second."""
        return self.events / self.seconds


@dataclass(frozen=True, slots=True)
class Lived:
    """One advance with callbacks against the bare client; medians of the rounds.

    Attributes:
        ratio: the mock's seconds over the bare client's; ``low`` and ``high`` are the extremes.
        cpu_ratio: likewise with CPU seconds; ``None`` where they are not known.
        receiver_busy: share of its core that the receiver took meanwhile; ``None`` where it is not known.
    """

    tasks: int
    callbacks: int
    mock_s: float
    peer_s: float
    ratio: float
    low: float
    high: float
    cpu_ratio: float | None
    receiver_busy: float | None


@dataclass(frozen=True, slots=True)
class Linear:
    """The cost per event with all tasks over that with half of them: 1 is linear, 2 is quadratic."""

    time: float
    memory: float | None
    with_callbacks: float


@dataclass(frozen=True, slots=True)
class Report:
    """Everything this module measures."""

    advanced: list[Advanced]
    lived: list[Lived]
    linear: Linear


def _advanced(rounds: tuple[Moved, ...]) -> Advanced:
    seconds = [moved.seconds for moved in rounds]
    peaks = [moved.peak_bytes for moved in rounds if moved.peak_bytes is not None]
    return Advanced(
        rounds[0].kind.what,
        EVENTS * rounds[0].kind.tasks,
        median(seconds),
        min(seconds),
        max(seconds),
        rounds[0].answer_bytes,
        round(median(peaks)) if peaks else None,
    )


def _lived(rounds: tuple[Round, ...]) -> Lived:
    ratios = [item.mock_s / item.peer_s for item in rounds]
    cpu = [item.mock_cpu_s / item.peer_cpu_s for item in rounds if item.mock_cpu_s is not None]
    busy = [item.receiver_busy for item in rounds if item.receiver_busy is not None]
    return Lived(
        rounds[0].tasks,
        EVENTS * rounds[0].tasks,
        median(item.mock_s for item in rounds),
        median(item.peer_s for item in rounds),
        median(ratios),
        min(ratios),
        max(ratios),
        median(cpu) if cpu else None,
        median(busy) if busy else None,
    )


def measure(size: Size) -> Report:
    """Everything this module measures.

    Raises:
        NotReady: a process does not start, or gave up on a wrong answer.
        AssertionError: something did not happen, or the mock and the bare client do different things.
    """
    with ExitStack() as stack:
        load = stack.enter_context(Load())
        moved = advance(load, size.tasks, size.rounds)
        receiver = stack.enter_context(server("receiver", beside_load=True))
        peer = stack.enter_context(Worker("benchmarks.posting", cores()[0]))
        posting = Posting(Mock(stack.enter_context(server(MOCK)), load), peer, receiver, load)
        posting.check_alike()
        lived = posting.lived(size.reported, size.rounds)
    return Report(
        [_advanced(rounds) for rounds in zip(*moved, strict=True)],
        [_lived(rounds) for rounds in zip(*lived, strict=True)],
        _linear(moved, lived),
    )


def _linear(moved: list[list[Moved]], lived: list[list[Round]]) -> Linear:
    peaks = [
        many.peak_bytes / few.peak_bytes / 2
        for few, many, _ in moved
        if few.peak_bytes and many.peak_bytes
    ]
    return Linear(
        median(many.seconds / few.seconds / 2 for few, many, _ in moved),
        median(peaks) if peaks else None,
        median(many.mock_s / few.mock_s / 2 for few, many in lived),
    )


def report(found: Report) -> str:
    """The figures for people."""
    lines = []
    for row in found.advanced:
        grown = "" if row.peak_bytes is None else f"  peak +{row.peak_bytes / 1e6:.1f} MB"
        lines.append(
            f"{row.events:>6} events, {row.what:<24} {row.seconds:>6.3f} s"
            f" ({row.low:.3f}..{row.high:.3f})  {row.per_s:>7.0f}/s"
            f"  answer {row.answer_bytes / 1e6:.1f} MB{grown}"
        )
    for lived in found.lived:
        cpu = "-" if lived.cpu_ratio is None else f"{lived.cpu_ratio:.2f}"
        busy = "-" if lived.receiver_busy is None else f"{lived.receiver_busy:.0%}"
        lines.append(
            f"{lived.callbacks:>6} callbacks: mock {lived.mock_s:.3f} s,"
            f" bare client {lived.peer_s:.3f} s: ratio {lived.ratio:.2f}"
            f" ({lived.low:.2f}..{lived.high:.2f}), CPU {cpu}, receiver busy {busy}"
        )
    memory = "-" if found.linear.memory is None else f"{found.linear.memory:.2f}"
    lines.append(
        f"twice the tasks, per event: time {found.linear.time:.2f}, memory {memory},"
        f" with callbacks {found.linear.with_callbacks:.2f} (1 is linear, 2 quadratic)"
    )
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lifetimes", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few dozen tasks, for a test")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    found = measure(QUICK if arguments.quick else FULL)
    text = json.dumps(asdict(found), indent=2) if arguments.json else report(found)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
