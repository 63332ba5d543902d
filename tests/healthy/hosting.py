"""The server behind uvicorn or behind threads: ``python -m tests.healthy.hosting NAME`` runs one."""

from __future__ import annotations

import gzip
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio.to_thread
from starlette.types import Message, Receive, Scope, Send

from mock_server.server import RunningServer
from tests.healthy.reading import READINGS, Reading, taking
from tests.healthy.server import Reply, Request, Server

_COMPRESSED_FROM = 100
#: Answers over one connection where those are closed, and seconds after the last one.
_MOST_ANSWERS, _CLOSING_S = 5, 0.0005


class Application:
    """An ASGI application of a server; it closes it when it is shut down."""

    def __init__(self, make: Callable[[], Server]) -> None:
        self._make = make
        self._made: Server | None = None

    @property
    def server(self) -> Server:
        """The server, made when it is first needed."""
        if self._made is None:
            self._made = self._make()
        return self._made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        headers = {name.decode("latin-1").lower(): _text(value) for name, value in scope["headers"]}
        path, query = _text(scope["raw_path"]), _text(scope["query_string"])
        request = Request(scope["method"], path, query, headers, await _whole(receive))
        reply = await anyio.to_thread.run_sync(partial(self.server.reply, request))
        content, more = _encoded(self.server.reading, request, reply)
        head = [(b"Content-Type", reply.content_type.encode())]
        head += [(name.encode(), value.encode()) for name, value in more.items()]
        if not self.server.reading.chunked:
            head.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": head})
        half = len(content) // 2
        await send({"type": "http.response.body", "body": content[:half], "more_body": True})
        await send({"type": "http.response.body", "body": content[half:]})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown" and self._made is not None:
                await anyio.to_thread.run_sync(self._made.close)
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30
    owner: Server
    answers = 0

    def _reply(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, path, query, headers, body)
        reply = self.owner.reply(request)
        content, more = _encoded(self.owner.reading, request, reply)
        self.send_response(reply.status)
        self.send_header("CONTENT-TYPE", reply.content_type)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.answers += 1
        if self.owner.reading.closes and self.answers == _MOST_ANSWERS:
            self.wfile.flush()
            time.sleep(_CLOSING_S)  # another request may be on its way by then
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _reply

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: whoever hangs up has his reasons."""


@contextmanager
def threaded(server: Server) -> Iterator[str]:
    """Serves with a thread per connection; yields the base URL."""
    handler = type("Handler", (_Handler,), {"owner": server})
    with _Threads(("127.0.0.1", 0), handler) as web:
        thread = threading.Thread(target=web.serve_forever, args=(0.02,), name="healthy")
        thread.start()
        try:
            yield f"http://127.0.0.1:{web.server_port}"
        finally:
            web.shutdown()
            thread.join()


@contextmanager
def serving(reading: Reading, make: Callable[[Reading], Server] = Server) -> Iterator[str]:
    """Serves a reading as it wants to be served; yields the base URL."""
    with ExitStack() as stack:
        if reading.stack == "threads":
            server = make(reading)
            stack.callback(server.close)
            url = stack.enter_context(threaded(server))
        else:
            app = Application(lambda: make(reading))
            server = app.server
            url = stack.enter_context(RunningServer(app=app)).base_url
        if reading.media == "elsewhere":
            server.media_url = stack.enter_context(threaded(server))
        yield url


def _encoded(reading: Reading, request: Request, reply: Reply) -> tuple[bytes, dict[str, str]]:
    """The content as it is sent, and the headers that say so."""
    is_long = len(reply.content) >= _COMPRESSED_FROM and not reply.content_type.startswith("audio/")
    if reading.gzip and is_long and "gzip" in request.headers.get("accept-encoding", ""):
        return gzip.compress(reply.content), {**reply.headers, "Content-Encoding": "gzip"}
    return reply.content, reply.headers


def _text(content: bytes) -> str:
    return content.decode("latin-1")


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message: Message = await receive()
        body += message.get("body", b"")
        more = bool(message.get("more_body", False))
    return body


def main(words: list[str]) -> None:
    """Serves the reading of a name, for so many seconds per voice, until interrupted."""
    name, seconds = words[0], float(words[1]) if words[1:] else READINGS[words[0]].seconds
    with serving(taking(name, seconds)) as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
