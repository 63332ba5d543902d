"""How long ``kling-mock check`` takes against the mock, and what for: collecting, requests, checks, generating."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from contract_tests import checks, engine, oracle, sending, session
from mock_server import kit
from mock_server.server import RunningServer


@dataclass(frozen=True, slots=True)
class Split:
    """Seconds of one run: all of them, and what for. The mock works in the same process, as part of the requests.

    Attributes:
        other: generating above all; besides, collecting the tests, and pytest.
    """

    profile: str
    total: float
    requests: float
    checks: float
    other: float
    sent: int


class _Stopwatch:
    """Adds up the seconds spent in functions; a function that another calls counts once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.calls = 0
        self._depth = 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose seconds are added up."""

        def call(*args: Any, **words: Any) -> Any:
            self.calls += 1
            if self._depth:
                return function(*args, **words)
            self._depth += 1
            began = time.perf_counter()
            try:
                return function(*args, **words)
            finally:
                self.seconds += time.perf_counter() - began
                self._depth -= 1

        return call


@contextlib.contextmanager
def _watched(watch: _Stopwatch, *places: tuple[Any, str]) -> Iterator[None]:
    """Times functions for a while."""
    kept = [(holder, name, getattr(holder, name)) for holder, name in places]
    for holder, name, function in kept:
        setattr(holder, name, watch.timed(function))
    try:
        yield
    finally:
        for holder, name, function in kept:
            setattr(holder, name, function)


def measure(profile: str) -> Split:
    """Runs the kit once against a mock, with one seed.

    Raises:
        RuntimeError: the mock did not pass.
    """
    parser = argparse.ArgumentParser()
    kit.fill_check(parser)
    requests, judging = _Stopwatch(), _Stopwatch()
    judges: list[tuple[Any, str]] = [
        (checks, name) for name in ("envelope", "conforms", "refused", "notification")
    ]
    judges += [(oracle.Oracle, name) for name in ("shown", "listed")]
    with (
        RunningServer() as server,
        _watched(requests, (sending.Sender, "send")),
        _watched(judging, *judges, (engine, "judge")),
        contextlib.redirect_stdout(io.StringIO()) as printed,
    ):
        words = [server.base_url, "--seed", "1", "--profile", profile, "--no-progress"]
        began = time.perf_counter()
        code = session.main(parser.parse_args(words))
        total = time.perf_counter() - began
    if code:
        raise RuntimeError(printed.getvalue())
    rest = total - requests.seconds - judging.seconds
    return Split(profile, total, requests.seconds, judging.seconds, rest, requests.calls)


def main() -> None:
    """Prints the split of a run in seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the profile smoke, not standard")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    split = measure("smoke" if asked.quick else "standard")
    if asked.json:
        sys.stdout.write(json.dumps(asdict(split)) + "\n")
        return
    sys.stdout.write(
        f"{split.profile}: {split.total:.1f} s, {split.sent} requests: requests {split.requests:.1f} s,"
        f" checks {split.checks:.1f} s, generating and all else {split.other:.1f} s\n"
    )


if __name__ == "__main__":
    main()
