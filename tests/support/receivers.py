"""Good receivers of callbacks, as users write them, and how they are run: real servers on loopback."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from collections.abc import Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from typing_extensions import override

STATUSES = ("submitted", "processing", "succeed", "failed")
SECRET = "whsec_" + base64.b64encode(b"the receiver's own secret, 32 b.").decode()
OLD_SECRET = "whsec_" + base64.b64encode(b"the secret before the rotation..").decode()

Answer = tuple[int, str]


class Refused(Exception):
    """Raised when a delivery is refused, with the status that says so."""

    def __init__(self, status: int) -> None:
        self.status = status


class Receiver:
    """A good receiver: verifies with the reference library, validates by hand, and remembers tasks.

    Args:
        secrets: those it knows; without one it takes what is not signed.
    """

    def __init__(self, *secrets: str) -> None:
        self.secrets = secrets
        self.tasks: dict[str, str] = {}
        self.seen: set[str] = set()
        self.count = 0

    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to a POST."""
        self.count += 1
        try:
            self.verify(headers, body)
            task = self.parse(body)
            self.validate(task)
        except Refused as error:
            return error.status, "refused"
        return self.take(headers.get("webhook-id"), task)

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Refuses what is not signed with a secret it knows."""
        if not self.secrets:
            return
        for secret in self.secrets:
            try:
                Webhook(secret).verify(body, dict(headers), json_parse=False)
            except Exception:  # noqa: BLE001  # the library raises all kinds of errors
                continue
            return
        raise Refused(401)

    def parse(self, body: bytes) -> Any:
        """The body as JSON."""
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise Refused(400) from None

    def validate(self, task: Any) -> None:
        """Refuses what is no task."""
        if not isinstance(task, dict) or not isinstance(task.get("task_id"), str):
            raise Refused(422)
        status = task.get("task_status")
        if not isinstance(status, str) or status not in STATUSES:
            raise Refused(422)

    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        """Remembers a task; what has ended stays so."""
        if message_id is not None:
            self.seen.add(message_id)
        if self.tasks.get(task["task_id"]) not in ("succeed", "failed"):
            self.tasks[task["task_id"]] = task["task_status"]
        return 200, "ok"


class Strict(Receiver):
    """Good: it holds everything against the schema, types of optional fields included."""

    @override
    def validate(self, task: Any) -> None:
        super().validate(task)
        for name in ("created_at", "updated_at"):
            value = task.get(name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 10**12:
                raise Refused(422)
        result = task.get("task_result", {})
        if not isinstance(result, dict) or not isinstance(task.get("task_info", {}), dict):
            raise Refused(422)
        if task["task_status"] == "succeed" and not isinstance(result.get("voices"), list):
            raise Refused(422)


class Converts(Receiver):
    """Good: its validator makes texts of what is near enough, as those of some frameworks do."""

    @override
    def validate(self, task: Any) -> None:
        if isinstance(task, dict):
            task = {name: self._text(value) for name, value in task.items()}
        super().validate(task)

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        return super().take(message_id, {n: self._text(v) for n, v in task.items()})

    def _text(self, value: Any) -> Any:
        if isinstance(value, list) and len(value) == 1:
            (value,) = value
        if value is None or isinstance(value, bool | int | float):
            return "" if value is None else str(value)
        return value


class Created(Receiver):
    """Good: another 2xx, and HTML."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        super().take(message_id, task)
        return 201, "<html>thanks</html>"


class BehindLogin(Receiver):
    """Good: it lets in whoever has the right header, and takes no other task than its own."""

    @override
    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        if headers.get("x-login") != "let me in":
            return 403, "who are you?"
        return super().answer(headers, body)

    @override
    def validate(self, task: Any) -> None:
        super().validate(task)
        if task["task_id"] != "830460928805724256":
            raise Refused(404)


class Busy(Receiver):
    """Good: every tenth delivery has to come again."""

    @override
    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        if self.count % 10 == 3:
            self.count += 1
            return 429, "later"
        return super().answer(headers, body)


class Http10(Receiver):
    """Good: it closes after each answer, and serves one connection at a time."""


class OnIts(Receiver):
    """Good: it verifies by itself."""

    tolerance_s: float = 300

    @override
    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        if not self.secrets:
            return
        try:
            self._verify(headers, body)
        except (KeyError, ValueError):
            raise Refused(401) from None

    def _verify(self, headers: Mapping[str, str], body: bytes) -> None:
        timestamp = headers["webhook-timestamp"]
        if abs(time.time() - int(timestamp)) > self.tolerance_s:
            raise Refused(401)
        signed = self.signed(headers, body)
        for secret in self.secrets:
            key = self.key(secret)
            good = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
            if any(self.same(good, given) for given in self.given(headers)):
                return
        raise Refused(401)

    def signed(self, headers: Mapping[str, str], body: bytes) -> bytes:
        """What is signed."""
        return f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body

    def key(self, secret: str) -> bytes:
        """The key."""
        return base64.b64decode(secret.removeprefix("whsec_"))

    def given(self, headers: Mapping[str, str]) -> list[str]:
        """The signatures that came."""
        if not headers["webhook-id"]:
            raise Refused(401)
        return headers["webhook-signature"].split(" ")

    def same(self, good: str, given: str) -> bool:
        """Whether two signatures are the same."""
        return hmac.compare_digest(good.encode(), given.encode())


class PieceByPiece(OnIts):
    """Good enough: it makes a text of each piece of a body, which spoils a character that is cut in two."""

    reads_texts = True


class OneByOne(Receiver):
    """Good: it serves one connection at a time, and keeps each as long as the client does."""


class Running:
    """A receiver that runs on loopback until the block ends.

    Attributes:
        url: where callbacks go.
    """

    def __init__(self, receiver: Receiver) -> None:
        kind = _OneByOne if isinstance(receiver, Http10 | OneByOne) else _Parallel
        self._server = kind(("127.0.0.1", 0), _handler(receiver))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hooks/kling"

    def __enter__(self) -> Running:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _OneByOne(HTTPServer):
    """A server with one connection at a time."""

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """The probe may hang up on a slow receiver."""


class _Parallel(ThreadingHTTPServer):
    """A server with a thread per connection."""

    daemon_threads = True

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """The probe may hang up on a slow receiver."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0" if isinstance(receiver, Http10) else "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = _body(self.rfile, int(self.headers.get("content-length", 0)), receiver)
            if receiver.count >= getattr(receiver, "lives", 10**9):
                # As a process that has ended: nobody listens any more.
                server: Any = self.server
                server.socket.close()
                self.close_connection = True
                return
            try:
                status, text = receiver.answer(_names(self.headers, receiver), body)
            except UnicodeDecodeError:
                self.close_connection = True
                return
            except Exception as error:  # noqa: BLE001  # as a framework answers
                status, text = 500, type(error).__name__
            self._send(status, text)

        def _send(self, status: int, text: str) -> None:
            self.send_response(status)
            if status in (307, 308):
                self.send_header("location", text)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            return

    return Handler


def _body(stream: Any, length: int, receiver: Receiver) -> bytes:
    """What came: as it is, or made a text piece by piece."""
    if not getattr(receiver, "reads_texts", False):
        return bytes(stream.read(length))
    text = ""
    while length > 0:
        piece = stream.read1(length)
        length -= len(piece)
        text += piece.decode(errors="replace")
    return text.encode()


def _names(headers: Message, receiver: Receiver) -> dict[str, str]:
    if getattr(receiver, "is_cased", False):
        return dict(headers.items())
    return {name.lower(): value for name, value in headers.items()}


def starlette_receiver(secret: str) -> Starlette:
    """A good receiver, asynchronous."""
    good = Strict(secret)

    async def receive(request: Request) -> Response:
        status, text = good.answer(dict(request.headers), await request.body())
        return PlainTextResponse(text, 204 if status == 200 else status)

    return Starlette(routes=[Route("/hook", receive, methods=["POST"])])
