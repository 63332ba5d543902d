"""Memory per custom-voice task in flight, memory after a great many speeches, and the time until the mock is ready.

``python -m benchmarks.memory [--quick] [--json]``. Memory is the resident set of a fresh process in which the mock's
ASGI application is called directly: no server, no client. Every request is decoded from its own bytes, so no two tasks
share text that they would not share in a server. The clock stands still: every custom-voice task stays in flight.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import startup
from benchmarks.inprocess import Caller
from benchmarks.operations import SPEECHES, VOICES
from benchmarks.servers import ROOT
from mock_server import settings
from mock_server.http.app import create_app

WARM_UP = 1_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: custom-voice tasks, speeches, pairs of starts."""

    voices: int
    speeches: int
    starts: int


FULL = Size(voices=100_000, speeches=1_000_000, starts=11)
QUICK = Size(voices=2_000, speeches=20_000, starts=1)


@dataclass(frozen=True, slots=True)
class Grown:
    """What a process grew by while it made ``count`` tasks, in bytes; ``total`` is its resident set at the end."""

    what: str
    count: int
    growth: int
    total: int

    @property
    def per_task(self) -> float:
        """Bytes per task."""
        return self.growth / self.count


def resident_bytes() -> int:
    """The resident set of this process; where the kernel does not tell, its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * resource.getpagesize()


def body(what: str, number: int) -> bytes:
    """The body of a create: a plain voice, one with external id and callback, or a speech."""
    if what == "speech":
        value = {
            "text": f"Sentence {number}.",
            "voice_id": "genshin_vindi2",
            "voice_language": "zh",
        }
        return json.dumps(value).encode()
    value = {
        "voice_name": f"voice {number}",
        "voice_url": f"https://example.com/samples/{number}.mp3",
    }
    if what == "voice with callback":
        value["external_task_id"] = f"order-{number}"
        value["callback_url"] = f"https://example.com/hooks/{number}"
    return json.dumps(value).encode()


def grow(what: str, count: int) -> Grown:
    """Makes ``count`` tasks in this process."""
    call = Caller(create_app(settings.build(quiet=True, speed=0)))
    path = SPEECHES if what == "speech" else VOICES
    for number in range(WARM_UP):
        call("POST", path, body(what, number))
    gc.collect()
    before = resident_bytes()
    for number in range(WARM_UP, WARM_UP + count):
        call("POST", path, body(what, number))
    gc.collect()
    after = resident_bytes()
    return Grown(what, count, after - before, after)


def grow_apart(what: str, count: int) -> Grown:
    """Makes ``count`` tasks in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.memory", "--grow", what, "--count", str(count)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return Grown(**json.loads(done.stdout))


def measure(size: Size) -> tuple[list[Grown], startup.Started]:
    """Everything this module measures."""
    grown = [
        grow_apart("voice", size.voices),
        grow_apart("voice with callback", size.voices),
        grow_apart("speech", size.speeches),
    ]
    return grown, startup.compare(size.starts)


def report(grown: list[Grown], started: startup.Started) -> str:
    """The figures for people."""
    lines = [
        f"{row.what:<20} {row.count:>9} tasks  {row.per_task:>7.0f} bytes each"
        f"  growth {row.growth / 1e6:>6.1f} MB  total {row.total / 1e6:>6.1f} MB"
        for row in grown
    ]
    lines.append(
        f"ready after {started.mock_s * 1000:.0f} ms, {startup.PEER} {started.peer_s * 1000:.0f} ms:"
        f" ratio {started.ratio:.2f} ({started.low:.2f}..{started.high:.2f})"
    )
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few thousand tasks, for a test")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--grow", metavar="WHAT", help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.grow:
        sys.stdout.write(json.dumps(asdict(grow(arguments.grow, arguments.count))))
        return
    grown, started = measure(QUICK if arguments.quick else FULL)
    value: dict[str, Any] = {"memory": [asdict(row) for row in grown], "start": asdict(started)}
    text = json.dumps(value, indent=2) if arguments.json else report(grown, started)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
