"""Advancing the clock of a mock over the lives of many tasks that nobody waits for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import Slice, Taken
from benchmarks.operations import VOICE, VOICES, request
from benchmarks.servers import Load, Process, server

MOCK = "mock at rest"
EVENTS = 2
#: Virtual seconds that see every task to its end: five minutes, and the time for which their creation is spread.
LIFETIME_S = 400
#: Virtual seconds per second while tasks are created that are to be due at instants of their own.
SPREADING_RATE = 5


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of advance: over how many tasks, and whether they are due at instants of their own."""

    what: str
    tasks: int
    spread: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """One advance without receivers, as it went."""

    kind: Kind
    seconds: float
    answer_bytes: int
    peak_bytes: int | None


class Mock:
    """A mock whose clock stands still, and the load that drives it."""

    def __init__(self, process: Process, load: Load) -> None:
        self.process = process
        self._load = load

    def ask(self, method: str, path: str, body: object = None, count: int = 1) -> Taken:
        """Sends a request, once or a number of times."""
        sent = request(
            self.process.port,
            method,
            path,
            body,
            headers=["X-Mock-Scenario: slow"] * (path == VOICES),
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


def advance(load: Load, tasks: int, rounds: int) -> list[list[Moved]]:
    """Advances over tasks that nobody waits for: rounds of all kinds, every other one in reverse."""
    kinds = [
        Kind("all at two instants", tasks // 2),
        Kind("all at two instants", tasks),
        Kind("each at its own instant", tasks, spread=True),
    ]
    measured: list[list[Moved]] = []
    for number in range(rounds):
        backwards = number % 2
        moved = [_moved(load, kind) for kind in (kinds[::-1] if backwards else kinds)]
        measured.append(moved[::-1] if backwards else moved)
    return measured


def _moved(load: Load, kind: Kind) -> Moved:
    """One advance, in a fresh process, so that no memory of before is used again."""
    with server(MOCK) as process:
        mock = Mock(process, load)
        mock.create(kind.tasks, spread=kind.spread)
        peak = _peak(process.pid)
        taken = mock.live()
        grown = None if peak is None else peak()
        check_events(taken.body, EVENTS * kind.tasks)
        return Moved(kind, taken.seconds, len(taken.body), grown)


def check_events(answer: str, expected: int) -> None:
    """The answer to an advance must tell of every event.

    Raises:
        AssertionError: it does not.
    """
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
