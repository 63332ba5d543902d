"""Where the time goes: each handler called directly, without a server, and the mock's costliest functions.

``python -m benchmarks.handler [--quick]``. Times are those of hot caches, best of several runs; in a server,
between system calls, the same code takes up to twice as long. So this finds what to look at; only ``compare`` says what
it is worth.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import json
import pstats
import sys
import time
from collections.abc import Callable

from benchmarks import textbook
from benchmarks.inprocess import Caller
from benchmarks.operations import OPERATIONS, SPEECH, SPEECHES, VOICE, VOICES
from mock_server import settings
from mock_server.http.app import create_app

RUNS = 7
#: How many functions are listed.
LISTED = 15
Call = Callable[[], object]


def calls(caller: Caller) -> dict[str, Call]:
    """One call of each measured operation."""
    speech, voice = json.dumps(SPEECH).encode(), json.dumps(VOICE).encode()
    task_id = caller.task_id("POST", VOICES, voice)
    sent = (
        lambda: caller("POST", SPEECHES, speech),
        lambda: caller("POST", VOICES, voice),
        lambda: caller("GET", f"{VOICES}/{task_id}"),
    )
    return dict(zip(OPERATIONS, sent, strict=True))


def best_us(call: Call, count: int) -> float:
    """Microseconds for one call: the best of a few runs of ``count``."""
    best = float("inf")
    for _ in range(RUNS):
        began = time.perf_counter()
        for _ in range(count):
            call()
        best = min(best, time.perf_counter() - began)
    return best / count * 1e6


def costliest(call: Call, count: int) -> str:
    """The functions with the most time of their own, as a table."""
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(count):
        call()
    profile.disable()
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(LISTED)
    return text.getvalue().partition("ncalls")[2].rstrip()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.handler", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few calls, for a test")
    count = 50 if parser.parse_args().quick else 3_000
    mock = calls(Caller(create_app(settings.build(quiet=True, progression="immediate"))))
    peer = calls(Caller(textbook.app))
    for operation, call in mock.items():
        own, other = best_us(call, count), best_us(peer[operation], count)
        sys.stdout.write(f"\n{operation}: mock {own:.1f} us, textbook {other:.1f} us\n")
        sys.stdout.write(f"ncalls{costliest(call, count)}\n")


if __name__ == "__main__":
    main()
