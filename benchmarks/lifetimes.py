"""Living through the lives of many tasks in one advance of the clock: without receivers, and with callbacks.

``python -m benchmarks.lifetimes [--quick] [--json]``. Tasks take five minutes (scenario ``slow``) and each has two
events, processing and succeed. The callbacks go to a real receiver on loopback; beside them, in the same round, the bare
HTTP client posts the same bodies to it. Mock and bare client run on one core; load and receiver on the other.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.load import Slice, Taken
from benchmarks.operations import VOICE, VOICES, request
from benchmarks.posting import Posted, Posts
from benchmarks.servers import Load, Process, Worker, cores, server

MOCK = "mock at rest"
EVENTS = 2
#: Virtual seconds that see every task to its end: five minutes, and the time for which their creation is spread.
LIFETIME_S = 400
#: Virtual seconds per second while tasks are created that are to be due at instants of their own.
SPREADING_RATE = 5


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
class Round:
    """Both sides of one round: seconds, CPU seconds, the receiver's busy share."""

    mock_s: float
    peer_s: float
    mock_cpu_s: float | None
    peer_cpu_s: float
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


class Mock:
    """A mock whose clock stands still, and the load that drives it."""

    def __init__(self, process: Process, load: Load) -> None:
        self.process = process
        self._load = load

    def ask(self, method: str, path: str, body: object = None, count: int = 1) -> Taken:
        """Sends a request, once or a number of times."""
        sent = request(
            self.process.port, method, path, body, headers=["X-Mock-Scenario: slow"] * (path == VOICES)
        )
        return self._load.take(Slice(self.process.port, sent.decode("latin-1"), count))

    def create(self, tasks: int, callback_url: str = "", *, spread: bool = False) -> None:
        """Creates tasks in an account that is empty before; all at one instant, unless they are spread."""
        self.ask("POST", "/__mock__/reset")
        rate = SPREADING_RATE if spread else 0
        self.ask("PUT", "/__mock__/clock", {"rate": rate})
        body = {**VOICE, "callback_url": callback_url}
        if not callback_url:
            del body["callback_url"]
        self.ask("POST", VOICES, body, tasks)
        self.ask("PUT", "/__mock__/clock", {"rate": 0})

    def live(self) -> Taken:
        """Lets all tasks live through their lives, in one advance."""
        return self.ask("POST", "/__mock__/clock/advance", {"by": LIFETIME_S})


def advance(load: Load, tasks: int, rounds: int, *, spread: bool = False) -> Advanced:
    """Advances over tasks that nobody waits for, in a fresh process for each round.

    Raises:
        AssertionError: the answer does not tell of every event.
    """
    seconds: list[float] = []
    peaks: list[int] = []
    answer = ""
    for _ in range(rounds):
        with server(MOCK) as process:
            mock = Mock(process, load)
            mock.create(tasks, spread=spread)
            peak = _peak(process.pid)
            taken = mock.live()
            seconds.append(taken.seconds)
            if peak is not None:
                peaks.append(peak())
            answer = taken.body
            _check_events(answer, EVENTS * tasks)
    return Advanced(
        "each at its own instant" if spread else "all at two instants",
        EVENTS * tasks,
        median(seconds),
        min(seconds),
        max(seconds),
        len(answer),
        round(median(peaks)) if peaks else None,
    )


def _check_events(answer: str, expected: int) -> None:
    told = len(json.loads(answer)["events"])
    if told != expected:
        raise AssertionError(f"the advance told of {told} events instead of {expected}")


def _peak(pid: int) -> Callable[[], int] | None:
    """Begins to watch the resident set of a process; the call returns what it grew by, at its highest."""
    proc = Path(f"/proc/{pid}")
    try:
        (proc / "clear_refs").write_text("5", encoding="ascii")  # the peak is forgotten
        before = _status_bytes(proc, "VmRSS")
    except OSError:
        return None
    return lambda: _status_bytes(proc, "VmHWM") - before


def _status_bytes(proc: Path, key: str) -> int:
    text = (proc / "status").read_text(encoding="ascii")
    return int(text.partition(f"{key}:")[2].split()[0]) * 1024


class Posting:
    """Mock and bare client, posting to one receiver in turn."""

    def __init__(self, mock: Mock, peer: Worker, receiver: Process, load: Load) -> None:
        self._mock = mock
        self._peer = peer
        self._receiver = receiver
        self._load = load
        self._url = f"http://127.0.0.1:{receiver.port}/hooks/kling"

    def lived(self, tasks: int, rounds: int) -> Lived:
        """Rounds of both; every other one in reverse. One before them, which opens connections, does not count."""
        _, bodies = self._by_mock(tasks)
        self._by_peer(bodies)
        measured: list[Round] = []
        for number in range(rounds):
            if number % 2:
                posted = self._by_peer(bodies)
                (taken, cpu, busy), bodies = self._by_mock(tasks)
            else:
                (taken, cpu, busy), bodies = self._by_mock(tasks)
                posted = self._by_peer(bodies)
            measured.append(Round(taken.seconds, posted.seconds, cpu, posted.cpu_s, busy))
        return _lived(tasks, measured)

    def _by_mock(
        self, tasks: int
    ) -> tuple[tuple[Taken, float | None, float | None], list[str]]:
        self._mock.create(tasks, self._url)
        self._taken()
        before, idle = self._mock.process.cpu_s(), self._receiver.cpu_s()
        taken = self._mock.live()
        cpu = _since(before, self._mock.process.cpu_s())
        used = _since(idle, self._receiver.cpu_s())
        busy = None if used is None else used / taken.seconds
        _check_events(taken.body, 2 * EVENTS * tasks)  # each is a transition and an attempt
        bodies: list[str] = self._taken()["bodies"]
        _check_callbacks(bodies, tasks)
        return (taken, cpu, busy), bodies

    def _by_peer(self, bodies: list[str]) -> Posted:
        self._taken()
        posted = Posted(**self._peer.ask(asdict(Posts(self._url, bodies))))
        if sorted(self._taken()["bodies"]) != sorted(bodies):
            raise AssertionError("the bare client's posts did not arrive as they were sent")
        return posted

    def check_alike(self) -> None:
        """Both must send the same headers, or the comparison says nothing.

        Raises:
            AssertionError: they do not.
        """
        self._mock.create(1, self._url)
        self._taken()
        self._mock.live()
        arrived = self._taken()
        heads = {"mock": arrived["heads"]}
        self._peer.ask(asdict(Posts(self._url, arrived["bodies"])))
        heads["bare client"] = self._taken()["heads"]
        if heads["mock"] != heads["bare client"]:
            raise AssertionError(f"the heads differ: {heads}")

    def _taken(self) -> Any:
        sent = request(self._receiver.port, "GET", "/taken")
        taken = self._load.take(Slice(self._receiver.port, sent.decode("latin-1"), 1))
        return json.loads(taken.body)


def _check_callbacks(bodies: list[str], tasks: int) -> None:
    told: dict[str, list[str]] = {}
    for body in map(json.loads, bodies):
        told.setdefault(body["task_id"], []).append(body["task_status"])
    if len(told) != tasks or any(seen != ["processing", "succeed"] for seen in told.values()):
        raise AssertionError(f"{len(bodies)} callbacks came for {len(told)} of {tasks} tasks")


def _since(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _lived(tasks: int, rounds: list[Round]) -> Lived:
    ratios = [item.mock_s / item.peer_s for item in rounds]
    cpu = [item.mock_cpu_s / item.peer_cpu_s for item in rounds if item.mock_cpu_s is not None]
    busy = [item.receiver_busy for item in rounds if item.receiver_busy is not None]
    return Lived(
        tasks,
        EVENTS * tasks,
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
        half = advance(load, size.tasks // 2, size.rounds)
        whole = advance(load, size.tasks, size.rounds)
        spread = advance(load, size.tasks, size.rounds, spread=True)
        receiver = stack.enter_context(server("receiver", beside_load=True))
        peer = stack.enter_context(Worker("benchmarks.posting", cores()[0]))
        posting = Posting(Mock(stack.enter_context(server(MOCK)), load), peer, receiver, load)
        posting.check_alike()
        lived = [posting.lived(tasks, size.rounds) for tasks in (size.reported // 2, size.reported)]
    return Report([half, whole, spread], lived, _linear(half, whole, lived))


def _linear(half: Advanced, whole: Advanced, lived: list[Lived]) -> Linear:
    few, many = lived
    memory = None
    if half.peak_bytes and whole.peak_bytes:
        memory = whole.peak_bytes / half.peak_bytes / (whole.events / half.events)
    return Linear(
        half.per_s / whole.per_s,
        memory,
        many.mock_s / few.mock_s / (many.callbacks / few.callbacks),
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
