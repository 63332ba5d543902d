"""A real HTTP receiver of callbacks on loopback, with a sample recording for whoever fetches it."""

from __future__ import annotations

import io
import socket
import threading
import time
import wave
from collections.abc import Callable, Sequence
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from contract_tests.observation import Notification

#: Where the sample recording is.
SAMPLE_PATH = "/sample.wav"
#: Where recordings are that are too short and too long: the contract asks for 5 to 30 seconds.
SHORT_PATH, LONG_PATH = "/four-seconds.wav", "/half-a-minute-and-more.wav"
#: A text that calls itself a recording, in words a kling-mock takes for a wish (README, "Choose what happens").
NO_SAMPLE_PATH = "/mock-too-short.mp3"
#: Where notifications arrive that no single test asks about.
HOOK_PATH = "/hook"
#: What arrives below this is answered with HTTP 500.
REFUSING = "/refuse/"
#: Where nobody listens.
CLOSED_URL = "http://127.0.0.1:9/closed"
#: Seconds of the recordings, by their place.
_SECONDS = {SAMPLE_PATH: 6, SHORT_PATH: 4, LONG_PATH: 32}
_SAMPLE_RATE_HZ = 8000

Condition = Callable[[list[Notification]], bool]


class NothingArrived(AssertionError):
    """Raised when what was waited for did not arrive in time; the message shows what did.

    Attributes:
        seen: what arrived at the path.
    """

    def __init__(self, words: str, seen: Sequence[Notification] = ()) -> None:
        super().__init__(words)
        self.seen = tuple(seen)


class Inbox:
    """What has arrived, in the order of arrival. Safe to use from any thread.

    Attributes:
        arrived_s: when each arrived, by its ordinal; Unix time in seconds.
        counted: the ordinals of those that were judged and counted.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._all: list[Notification] = []
        self.arrived_s: list[float] = []
        self.counted: set[int] = set()

    def add(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        """Takes a request in."""
        with self._changed:
            self.arrived_s.append(time.time())
            self._all.append(Notification(len(self._all), method, path, headers, body))
            self._changed.notify_all()

    def of(self, path: str) -> list[Notification]:
        """What arrived at a path, oldest first."""
        with self._changed:
            return [item for item in self._all if item.path == path]

    def everything(self) -> list[Notification]:
        """All that arrived, oldest first."""
        with self._changed:
            return list(self._all)

    def wait_for(
        self, path: str, what: str, timeout_s: float, condition: Condition
    ) -> list[Notification]:
        """Waits until what arrived at a path fulfils a condition; returns it.

        Raises:
            NothingArrived: it does not within ``timeout_s``.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                seen = [item for item in self._all if item.path == path]
                if condition(seen):
                    return seen
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    arrived = "\n  ".join(map(str, seen)) or "nothing"
                    elsewhere = len(self._all) - len(seen)
                    raise NothingArrived(
                        f"{what} did not arrive at {path} in {timeout_s:g} s, but\n  {arrived}\n"
                        f"  and {elsewhere} at other paths",
                        seen,
                    )


class _Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, inbox: Inbox, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler, bind_and_activate=False)
        # The protocol is named so that accepted connections send at once.
        self.socket.close()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.inbox = inbox
        self.fetched: set[str] = set()
        self.server_bind()
        self.server_activate()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: a sender that hangs up is no concern of the kit's."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30

    def _receive(self) -> None:
        server = self.server
        body = self._body()
        if self.command in ("GET", "HEAD") and self._is_file():
            return
        if isinstance(server, _Server):
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.inbox.add(self.command, self.path, headers, body)
        refused = self.path.startswith(REFUSING)
        self._answer(500 if refused else 200, "application/json", b"{}")

    def _is_file(self) -> bool:
        """Answers with a file, if there is one at the path."""
        place = self.path.partition("?")[0]
        if place in _SECONDS:
            self._answer(200, "audio/wav", recording(_SECONDS[place]))
        elif place == NO_SAMPLE_PATH:
            self._answer(200, "text/plain", b"This is no recording.")
        else:
            return False
        if isinstance(self.server, _Server):
            self.server.fetched.add(place)
        return True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _receive

    def log_message(self, format: str, *args: Any) -> None:
        """Prints nothing."""

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", "").lower():
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        chunks = []
        while size := int(self.rfile.readline().partition(b";")[0] or b"0", 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return b"".join(chunks)

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class Receiver:
    """A receiver that runs from entering to leaving. It accepts all with 200 but for what goes to ``REFUSING``.

    Args:
        port: where it listens; 0 for any.
        public_url: what leads to it from elsewhere, such as a tunnel; empty where nothing does.

    Attributes:
        is_reachable: whether the target is known to reach it.
    """

    def __init__(self, port: int = 0, public_url: str = "") -> None:
        self.inbox = Inbox()
        self.is_reachable = False
        self._public_url = public_url.rstrip("/")
        self._prefix = urlsplit(self._public_url).path  # what a tunnel may put in front
        self._server = _Server(self.inbox, port)
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            args=(0.05,),
            name="contract-receiver",
            daemon=True,
        )

    @property
    def base_url(self) -> str:
        """What leads to it."""
        return self._public_url or f"http://127.0.0.1:{self._server.server_port}"

    @property
    def hook_url(self) -> str:
        """Where the notifications of tasks arrive that are about something else; empty where none would arrive."""
        return f"{self.base_url}{HOOK_PATH}" if self.is_reachable else ""

    @property
    def sample_url(self) -> str:
        """A recording of six seconds that can be fetched."""
        return self.base_url + SAMPLE_PATH

    @property
    def no_sample_url(self) -> str:
        """A file that is no recording, whatever its name says."""
        return self.base_url + NO_SAMPLE_PATH

    def was_fetched(self, url: str) -> bool:
        """Whether somebody has asked for one of the files."""
        return urlsplit(url).path in {self._prefix + place for place in self._server.fetched}

    def start(self) -> Receiver:
        """Starts; connections are accepted from now on."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Receiver:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


@cache
def recording(seconds: int) -> bytes:
    """A WAV file of so many seconds: a soft saw tooth."""
    frames = bytes(128 + (step * 7 % 64) - 32 for step in range(_SAMPLE_RATE_HZ))
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(1)
        written.setframerate(_SAMPLE_RATE_HZ)
        written.writeframes(frames * seconds)
    return file.getvalue()
