"""Living through the lives of many tasks with callbacks, and the bare HTTP client posting the same beside it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.advancing import EVENTS, Mock, check_events
from benchmarks.load import Slice, Taken
from benchmarks.operations import request
from benchmarks.posting import Posted, Posts
from benchmarks.servers import Load, Process, Worker


@dataclass(frozen=True, slots=True)
class Round:
    """Both sides of one round: seconds, CPU seconds, the receiver's busy share."""

    tasks: int
    mock_s: float
    peer_s: float
    mock_cpu_s: float | None
    peer_cpu_s: float
    receiver_busy: float | None


class Posting:
    """Mock and bare client, posting to one receiver in turn."""

    def __init__(self, mock: Mock, peer: Worker, receiver: Process, load: Load) -> None:
        self._mock = mock
        self._peer = peer
        self._receiver = receiver
        self._load = load
        self._url = f"http://127.0.0.1:{receiver.port}/hooks/kling"

    def lived(self, tasks: int, rounds: int) -> list[list[Round]]:
        """Rounds with half the tasks and with all, of both clients; every other round in reverse.

        One round before them, in which connections are opened, does not count.
        """
        counts = [tasks // 2, tasks]
        bodies = {count: self._by_mock(count)[1] for count in counts}
        self._by_peer(bodies[counts[0]])
        measured: list[list[Round]] = []
        for number in range(rounds):
            backwards = number % 2
            taken = [
                self._round(count, bodies[count] if backwards else None)
                for count in (counts[::-1] if backwards else counts)
            ]
            measured.append(taken[::-1] if backwards else taken)
        return measured

    def _round(self, tasks: int, bodies: list[str] | None) -> Round:
        """Both clients; first the bare one when there are bodies of before."""
        posted = None if bodies is None else self._by_peer(bodies)
        (taken, cpu, busy), told = self._by_mock(tasks)
        posted = posted or self._by_peer(told)
        return Round(tasks, taken.seconds, posted.seconds, cpu, posted.cpu_s, busy)

    def _by_mock(self, tasks: int) -> tuple[tuple[Taken, float | None, float | None], list[str]]:
        self._mock.create(tasks, self._url)
        self._taken()
        before, idle = self._mock.process.cpu_s(), self._receiver.cpu_s()
        taken = self._mock.live()
        cpu = _since(before, self._mock.process.cpu_s())
        used = _since(idle, self._receiver.cpu_s())
        busy = None if used is None else used / taken.seconds
        check_events(taken.body, 2 * EVENTS * tasks)  # each is a transition and an attempt
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
