"""A real HTTP receiver of callbacks on loopback, whose answers are scripted.

``with Receiver() as receiver`` listens on a free port. Each request takes the next answer of ``receiver.script``, and
``OK`` when that is empty. What arrived is in ``receiver.requests``, in the order of arrival.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

#: Real seconds that a test waits for what must happen. It happens in a fraction of one.
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with.

    Attributes:
        after: the answer waits until this is set; ``None``: no wait.
        cut: the connection is closed without an answer.
        drip: the head of the answer is sent, and then nothing until ``after`` is set.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    after: threading.Event | None = None
    cut: bool = False
    drip: bool = False


OK = Answer()


class Receiver:
    """A receiver in threads of its own. Safe to look at from any thread.

    Args:
        port: where to listen, such as where another one was; by default on a free port.
    """

    def __init__(self, port: int = 0) -> None:
        self.script: deque[Answer] = deque()
        self.requests: list[Request] = []
        #: Requests that are being answered now, and the most there ever were.
        self.open = 0
        self.most_open = 0
        self._changed = threading.Condition()
        self._gates: list[threading.Event] = []
        self._server = _Server(self, port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def url(self, path: str = "/callback") -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def gate(self) -> threading.Event:
        """An event for ``Answer.after``; it is set at the end, so that no thread is left."""
        gate = threading.Event()
        self._gates.append(gate)
        return gate

    def wait_until(self, happened: Callable[[], bool], what: str) -> None:
        """Waits, for a bounded time, until something is true of what has arrived.

        Raises:
            AssertionError: it does not become true; the message shows what arrived.
        """
        deadline = time.monotonic() + PATIENCE_S
        with self._changed:
            while not happened():
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    arrived = [(item.path, item.body[:200]) for item in self.requests]
                    raise AssertionError(f"waited for {what}; open {self.open}, arrived {arrived}")

    def take(self, request: Request) -> Answer:
        """Takes a request in and says how to answer it."""
        with self._changed:
            self.requests.append(request)
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            answer = self.script.popleft() if self.script else OK
            self._changed.notify_all()
        return answer

    def done(self) -> None:
        """A request has been answered."""
        with self._changed:
            self.open -= 1
            self._changed.notify_all()

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for gate in self._gates:
            gate.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for them, so that no socket is left
    request_queue_size = 128

    def __init__(self, receiver: Receiver, port: int) -> None:
        self.receiver = receiver
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remembers the connection, to hang up at the end."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forgets the connection."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Ends idle connections."""
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of the receiver."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _answer(self) -> None:
        length = int(self.headers.get("content-length", 0))
        request = Request(
            self.command,
            self.path,
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length),
        )
        answer = self.server.receiver.take(request)
        try:
            self._send(answer)
        finally:
            self.server.receiver.done()

    do_GET = do_POST = do_PUT = _answer

    def _send(self, answer: Answer) -> None:
        if answer.after is not None and not answer.drip:
            answer.after.wait(PATIENCE_S)
        if answer.cut:
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body) + answer.drip))
        self.end_headers()
        self.wfile.write(answer.body)
        if answer.drip and answer.after is not None:
            answer.after.wait(PATIENCE_S)
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
