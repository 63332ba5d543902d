"""Accounts, tasks and time: voices are made by a thread, and those who asked are told by others."""

from __future__ import annotations

import heapq
import io
import itertools
import json
import threading
import time
import uuid
import wave
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import choice, token_hex
from urllib.parse import urlsplit

import httpx2

#: Seconds that a receiver, or whoever has a recording, may take.
PATIENCE_S = 5.0
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TERMINAL = ("succeed", "failed")


def now_ms() -> int:
    """The wall clock in milliseconds."""
    return int(time.time() * 1000)


@dataclass
class Task:
    """A voice in the making, or made."""

    id: str
    fields: dict[str, str]
    created_at: int
    updated_at: int
    status: str = "submitted"
    reason: str = ""
    voice_id: str = ""
    deleted: bool = False

    @property
    def external_id(self) -> str:
        """Whatever the caller calls it; may be empty."""
        return self.fields["external_task_id"]


@dataclass
class Account:
    """What one customer has."""

    name: str
    tasks: dict[str, Task] = field(default_factory=dict)

    def find(self, name: str, first: str = "task") -> Task | None:
        """The task of a task id, and the newest of an external id: which of them is looked for first."""
        found = [task for task in self.tasks.values() if name and task.external_id == name]
        named = found[-1] if found else None
        known = self.tasks.get(name)
        return known or named if first == "task" else named or known

    @property
    def busy(self) -> int:
        """How many voices are in the making."""
        return sum(task.status not in TERMINAL for task in self.tasks.values())


class Ids:
    """Makes ids that nobody else makes.

    Args:
        form: decimal | uuid | base62 | prefixed | base64 | long.
    """

    def __init__(self, form: str) -> None:
        self._form = form
        self._next = itertools.count(870_000_000_000_000_000 + int(token_hex(4), 16) * 1000)

    def new(self, kind: str) -> str:
        """One more, for a task, voice, audio or request."""
        match self._form:
            case "decimal":
                return str(next(self._next))
            case "uuid":
                return str(uuid.uuid4())
            case "base62":
                return "".join(choice(_LETTERS) for _ in range(12))
            case "base64":
                return "".join(choice(_LETTERS + "-_") for _ in range(22))
            case "long":
                return f"{kind}_{token_hex(40)}"
        return f"{kind}-{token_hex(8)}"


class Worker:
    """Does things when they are due, in one thread, and sends notifications in others, those of a task in order."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._ordinals = itertools.count()
        self._changed = threading.Condition()
        self._is_open = True
        self._pool = ThreadPoolExecutor(8, "healthy-notifier")
        self._waiting: dict[str, deque[httpx2.Request]] = {}
        self._client = httpx2.Client(timeout=PATIENCE_S, trust_env=False)
        self._thread = threading.Thread(target=self._run, name="healthy-worker", daemon=True)
        self._thread.start()

    def after(self, seconds: float, work: Callable[[], None]) -> None:
        """Does something in so many seconds."""
        with self._changed:
            due = time.monotonic() + seconds
            heapq.heappush(self._due, (due, next(self._ordinals), work))
            self._changed.notify()

    def soon(self, work: Callable[[], None]) -> None:
        """Does something that takes its time."""
        with suppress(RuntimeError):  # the server is stopping
            self._pool.submit(work)

    def tell(
        self,
        chain: str,
        address: str,
        body: object,
        content_type: str = "application/json",
        **headers: str,
    ) -> None:
        """Sends a notification, after those of the same chain; only to receivers on this machine."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        method = headers.pop("method", "POST")
        try:
            if not _is_here(address):
                return
            more = {name.replace("_", "-"): value for name, value in headers.items()}
            head = {"content-type": content_type, **more}
            request = self._client.build_request(method, address, content=content, headers=head)
        except (httpx2.InvalidURL, ValueError):
            return
        with self._changed:
            waiting = self._waiting.setdefault(chain, deque())
            waiting.append(request)
            if len(waiting) == 1:
                self.soon(lambda: self._send(chain))

    def fetch(self, address: str) -> float | None:
        """How many seconds the recording lasts that is at an address on this machine; ``None`` where there is none."""
        if not _is_here(address):
            return None
        try:
            answer = self._client.get(address)
            with wave.open(io.BytesIO(answer.content)) as file:
                return float(file.getnframes() / file.getframerate())
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, EOFError, wave.Error):
            return None

    def close(self) -> None:
        """Stops; what is not yet done is not done any more."""
        with self._changed:
            self._is_open = False
            self._changed.notify()
        self._thread.join()
        self._pool.shutdown(cancel_futures=True)
        self._client.close()

    def _send(self, chain: str) -> None:
        while True:
            with self._changed:
                request = self._waiting[chain][0]
            with suppress(httpx2.HTTPError, RuntimeError):  # it is not there, or the server stops
                self._client.send(request)
            with self._changed:
                self._waiting[chain].popleft()
                if not self._waiting[chain]:
                    del self._waiting[chain]
                    return

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._is_open and (not self._due or self._due[0][0] > time.monotonic()):
                    left = self._due[0][0] - time.monotonic() if self._due else None
                    self._changed.wait(left)
                if not self._is_open:
                    return
                work = heapq.heappop(self._due)[2]
            work()


def _is_here(address: str) -> bool:
    try:
        return urlsplit(address).hostname in ("127.0.0.1", "localhost", "::1")
    except ValueError:
        return False
