"""Socket faults: what clients see of them on the wire, with each of uvicorn's parsers and loops, and in-process.

Real servers on loopback. Each test ends with a look at what was logged: nothing may be.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

import httpx2
import pytest
import uvicorn
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from mock_server.core.fault import SocketFault
from mock_server.http.breakage import BAD_CHUNK, GARBAGE, MISSING_BYTES, can_break, play
from mock_server.http.request import body as body_of
from mock_server.protocol import http_protocol
from mock_server.sockets import listen, url_of
from tests.http.wire import PATIENCE_S, head, request

BODY = b'{"code":0,"message":"SUCCEED"}'
OK = b'{"ok":true}'
STACKS = [
    ("httptools", "uvloop"),
    ("httptools", "asyncio"),
    ("h11", "uvloop"),
    ("h11", "asyncio"),
]
BREAKING = [item for item in SocketFault if item not in (SocketFault.DRIBBLE, SocketFault.HANG)]
#: How a connection ends, as the client's kernel tells.
RESET, CLOSED = "RST", "FIN"
#: Far above what stopping takes, and far below how long uvicorn would wait for a request in these tests.
PROMPT_S = 10.0


def headers(body: bytes) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, as the pipeline makes them."""
    return [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]


class Breaking:
    """An application that plays the fault that the path names, and answers every other request.

    The query may hold ``over_s`` and ``chunks``, ``size`` (of the body), ``unread`` (the request's body), ``late``
    (when the client has gone) and ``alone`` (not told that the server stops).

    Attributes:
        began: the path of each request that has been read.
        ended: the path of each request that is over for the application.
    """

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.began: queue.Queue[str] = queue.Queue()
        self.ended: queue.Queue[str] = queue.Queue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Plays a fault or answers."""
        asked = dict(parse_qsl(scope["query_string"].decode()))
        name = scope["path"].removeprefix("/")
        if "unread" not in asked:
            await body_of(receive)
        self.began.put(name)
        try:
            await self._answer(name, asked, scope, receive, send)
        finally:
            self.ended.put(name)

    async def _answer(
        self, name: str, asked: dict[str, str], scope: Scope, receive: Receive, send: Send
    ) -> None:
        if name == "nothing":
            return
        if name == "ok":
            message = {"type": "http.response.start", "status": 200, "headers": headers(OK)}
            await send(message)
            await send({"type": "http.response.body", "body": OK})
            return
        if "late" in asked:
            await receive()
        body = b"x" * int(asked["size"]) if "size" in asked else BODY
        await play(
            SocketFault(name),
            200,
            headers(body),
            body,
            scope,
            receive,
            send,
            over_s=float(asked.get("over_s", 0.1)),
            chunks=int(asked.get("chunks", 10)),
            stopping=None if "alone" in asked else self.stopping,
        )


class Kept(logging.Handler):
    """Keeps what is logged by uvicorn and asyncio."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a record."""
        self.said.append(record.getMessage())


class Stack(uvicorn.Server):
    """Uvicorn with a chosen parser and loop, which says when it is ready and tells the application that it stops."""

    def __init__(
        self,
        app: Breaking,
        parser: Literal["httptools", "h11"],
        loop: Literal["uvloop", "asyncio"],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=http_protocol(parser),
                loop=loop,
                lifespan="off",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=60,
            )
        )
        self.breaking = app
        self.ready = threading.Event()
        self.url = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, then says so."""
        await super().startup(sockets)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Says that it stops, then stops."""
        self.breaking.stopping.set()
        await super().shutdown(sockets)

    def work(self, sock: socket.socket) -> None:
        """Serves until told to exit."""
        with asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
            runner.run(self.serve(sockets=[sock]))
        sock.close()


@contextmanager
def serving(parser: Any, loop: Any) -> Iterator[Stack]:
    """A running server; stopped at the end of the block."""
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    if parser == "httptools":
        pytest.importorskip("httptools")
    stack = Stack(Breaking(), parser, loop)
    sock = listen("127.0.0.1", 0)
    stack.url = url_of(sock)
    thread = threading.Thread(target=stack.work, args=(sock,))
    thread.start()
    try:
        assert stack.ready.wait(PATIENCE_S)
        yield stack
    finally:
        stack.should_exit = True
        thread.join()


@contextmanager
def logged() -> Iterator[list[str]]:
    """What uvicorn and asyncio log meanwhile, as warnings or worse; levels that other servers set are put back."""
    kept = Kept()
    loggers = [logging.getLogger(name) for name in ("uvicorn.error", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(kept)
        logger.setLevel(logging.WARNING)
    try:
        yield kept.said
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(kept)
            logger.setLevel(level)


@pytest.fixture(params=STACKS, ids="+".join, scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A running server for each parser and loop."""
    with serving(*request.param) as running:
        yield running


@pytest.fixture
def served(stack: Stack) -> Iterator[Stack]:
    """A running server that ends the test in peace: nothing is logged, and it answers on a new connection."""
    with logged() as said:
        yield stack
        assert httpx2.get(f"{stack.url}/ok", trust_env=False).content == OK
        assert said == []
    for waiting in (stack.breaking.began, stack.breaking.ended):
        while not waiting.empty():
            waiting.get()


@contextmanager
def connected(stack: Stack) -> Iterator[socket.socket]:
    """A raw connection."""
    host, _, port = stack.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as sock:
        yield sock


def asking(path: str, **asked: object) -> bytes:
    """A request with a body."""
    return request("POST", f"/{path}?{urlencode(asked)}", b"{}")


def rest(sock: socket.socket) -> tuple[bytes, str]:
    """What comes until the connection ends, and how it ends."""
    got = b""
    while True:
        try:
            data = sock.recv(1 << 20)
        except ConnectionResetError:
            return got, RESET
        if not data:
            return got, CLOSED
        got += data


def seen(stack: Stack, sent: bytes) -> tuple[bytes, str]:
    """What a client sees that sends something on a new connection."""
    with connected(stack) as sock:
        sock.sendall(sent)
        return rest(sock)


def over(stack: Stack, path: str) -> None:
    """Waits until a request is over for the application."""
    while stack.breaking.ended.get(timeout=PATIENCE_S) != path:
        pass


# ---- what a client sees ---------------------------------------------------------------------


def test_reset_comes_before_any_byte(served: Stack) -> None:
    """``reset``: a RST, and not a byte before it."""
    assert seen(served, asking("reset")) == (b"", RESET)
    over(served, "reset")


def test_close_comes_before_any_byte(served: Stack) -> None:
    """``close``: an ordinary end of the connection, and not a byte before it."""
    assert seen(served, asking("close")) == (b"", CLOSED)
    over(served, "close")


def test_garbage_is_all_that_comes(served: Stack) -> None:
    """``garbage``: bytes that are no HTTP, then an ordinary end."""
    assert seen(served, asking("garbage")) == (GARBAGE, CLOSED)
    assert not GARBAGE.startswith(b"HTTP")
    over(served, "garbage")


def test_a_reset_in_the_body_comes_after_half_of_it(served: Stack) -> None:
    """``reset-in-body``: the head announces the whole body, half of it comes, then a RST."""
    got, ending = seen(served, asking("reset-in-body"))
    lines, _, body = got.partition(b"\r\n\r\n")
    assert lines.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: %d" % len(BODY) in lines.split(b"\r\n")
    assert (body, ending) == (BODY[: len(BODY) // 2], RESET)
    over(served, "reset-in-body")


@pytest.mark.parametrize("size", [0, 1])
def test_a_reset_in_a_tiny_body_leaves_something_out(served: Stack, size: int) -> None:
    """``reset-in-body`` is never a complete answer, however short the body is."""
    got, ending = seen(served, asking("reset-in-body", size=size))
    assert b"content-length: 1\r\n" in got
    assert got.endswith(b"\r\n\r\n")
    assert ending == RESET


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a RST may overtake what was sent")
def test_half_of_a_large_body_arrives_before_the_reset(served: Stack) -> None:
    """``reset-in-body``: what precedes the RST has been sent, though it is more than buffers hold."""
    size = 8_000_000
    got, ending = seen(served, asking("reset-in-body", size=size))
    assert ending == RESET
    assert len(got.partition(b"\r\n\r\n")[2]) == size // 2


def test_a_short_body_lacks_what_is_announced(served: Stack) -> None:
    """``short-body``: the head announces 1000 bytes more than come; then an ordinary end."""
    got, ending = seen(served, asking("short-body"))
    lines, _, body = got.partition(b"\r\n\r\n")
    assert MISSING_BYTES == 1000
    assert b"content-length: %d" % (len(BODY) + 1000) in lines.split(b"\r\n")
    assert lines.count(b"content-length") == 1
    assert (body, ending) == (BODY, CLOSED)
    over(served, "short-body")


def test_a_bad_chunk_has_no_length(served: Stack) -> None:
    """``bad-chunk``: the head announces chunks, and what comes has no hexadecimal length; then an ordinary end."""
    got, ending = seen(served, asking("bad-chunk"))
    lines, _, body = got.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in lines.lower().split(b"\r\n")
    assert b"content-length" not in lines.lower()
    assert (body, ending) == (BAD_CHUNK + BODY, CLOSED)
    with pytest.raises(ValueError, match="invalid literal"):
        int(BAD_CHUNK.strip(), 16)
    over(served, "bad-chunk")


def test_a_dribbled_answer_is_whole_and_takes_its_time(served: Stack) -> None:
    """``dribble``: the head at once, the last byte after the time; the connection lives on."""
    with connected(served) as sock, sock.makefile("rb") as stream:
        began = time.monotonic()
        sock.sendall(asking("dribble", over_s=0.3, chunks=3))
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
        while stream.readline() != b"\r\n":
            pass
        first = time.monotonic()
        assert stream.read(len(BODY)) == BODY
        last = time.monotonic()
        assert last - began >= 0.29
        assert last - first > first - began
        sock.sendall(asking("ok"))
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
    over(served, "dribble")


def test_a_dribble_ends_when_the_client_goes(served: Stack) -> None:
    """``dribble``: a client that has gone is not written to until the time is over."""
    with connected(served) as sock:
        sock.sendall(asking("dribble", over_s=3600))
        assert sock.recv(1 << 20).startswith(b"HTTP/1.1 200 OK\r\n")
    over(served, "dribble")


@pytest.mark.parametrize("ending", [CLOSED, RESET])
def test_a_hang_ends_when_the_client_goes(served: Stack, ending: str) -> None:
    """``hang``: nothing comes, and when the client closes or resets the connection it is over."""
    with connected(served) as sock:
        sock.sendall(asking("hang"))
        assert served.breaking.began.get(timeout=PATIENCE_S) == "hang"
        assert "hang" not in served.breaking.ended.queue
        if ending == RESET:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    over(served, "hang")


@pytest.mark.parametrize("fault", SocketFault)
def test_a_fault_for_a_client_that_has_gone_is_quiet(served: Stack, fault: SocketFault) -> None:
    """A client that has gone before the fault begins is no error."""
    with connected(served) as sock:
        sock.sendall(asking(fault, late=1))
        assert served.breaking.began.get(timeout=PATIENCE_S) == fault
    over(served, fault)


@pytest.mark.parametrize("fault", BREAKING)
def test_a_fault_is_over_when_the_connection_is(served: Stack, fault: SocketFault) -> None:
    """The fault itself waits for the connection's end, whether or not it is told that the server stops."""
    alone, told = (seen(served, asking(fault, **asked)) for asked in ({"alone": 1}, {}))
    assert alone[1] == told[1]
    assert alone[0].partition(b"\r\n\r\n")[2] == told[0].partition(b"\r\n\r\n")[2]
    over(served, fault)


# ---- what a client library makes of it ------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("reset", httpx2.ReadError, "reset by peer|10054"),
        ("reset-in-body", httpx2.ReadError, "reset by peer|10054"),
        ("close", httpx2.RemoteProtocolError, "without sending a response"),
        ("short-body", httpx2.RemoteProtocolError, "without sending complete message body"),
        ("bad-chunk", httpx2.RemoteProtocolError, "illegal chunk header"),
        ("garbage", httpx2.RemoteProtocolError, "illegal status line"),
        ("hang", httpx2.ReadTimeout, "timed out"),
    ],
)
def test_a_client_library_raises_its_own_error(
    served: Stack, fault: str, error: type[Exception], words: str
) -> None:
    """Each fault is the error that the client has for it, and the same client then gets an answer."""
    with httpx2.Client(base_url=served.url, trust_env=False, timeout=PATIENCE_S) as client:
        assert client.get("/ok").content == OK
        with pytest.raises(error, match=words):
            client.post(f"/{fault}", content=b"{}", timeout=0.2 if fault == "hang" else PATIENCE_S)
        assert client.get("/ok").content == OK
    over(served, fault)


def test_a_client_library_takes_a_dribbled_answer(served: Stack) -> None:
    """A client whose timeout is longer than each pause gets the whole answer."""
    with httpx2.Client(base_url=served.url, trust_env=False, timeout=PATIENCE_S) as client:
        answer = client.post("/dribble", params={"over_s": 0.05, "chunks": 100}, content=b"{}")
        assert (answer.status_code, answer.content) == (200, BODY)


# ---- several requests -----------------------------------------------------------------------


@pytest.mark.parametrize("fault", BREAKING)
def test_requests_sent_ahead_are_lost_with_the_connection(served: Stack, fault: str) -> None:
    """Of three requests in one packet, with a fault for the second, the first is answered, the third not begun."""
    alone, ending = seen(served, asking(fault))
    served.breaking.began.get()
    got, _ = seen(served, asking("ok") + asking(fault) + asking("ok") + asking("ok"))
    first, _, after = got.partition(OK)
    assert first.startswith(b"HTTP/1.1 200 OK\r\n")
    assert after.partition(b"\r\n\r\n")[2] == alone.partition(b"\r\n\r\n")[2]
    assert ending in (RESET, CLOSED)
    over(served, fault)
    over(served, fault)
    begun = [served.breaking.began.get(timeout=PATIENCE_S) for _ in range(2)]
    assert begun == ["ok", fault]
    assert served.breaking.began.empty()


@pytest.mark.parametrize("ahead", [1, 3])
def test_a_hang_with_requests_ahead_ends_when_the_client_goes(served: Stack, ahead: int) -> None:
    """``hang``: that other requests wait behind it does not hide that the client has gone."""
    with connected(served) as sock:
        sock.sendall(asking("hang") + asking("ok") * ahead)
        assert served.breaking.began.get(timeout=PATIENCE_S) == "hang"
    over(served, "hang")
    assert served.breaking.began.empty()


def test_a_dribbled_answer_is_followed_by_the_next(served: Stack) -> None:
    """``dribble``: a request sent ahead is answered after it."""
    sent = asking("dribble") + request("POST", "/ok", b"{}", "Connection: close")
    got, ending = seen(served, sent)
    assert ending == CLOSED
    assert got.index(BODY) < got.index(OK)


def test_many_faults_at_once(served: Stack) -> None:
    """Faults on many connections at once do not disturb each other."""
    alone = {fault: seen(served, asking(fault))[1] for fault in BREAKING}
    faults = BREAKING * 10
    sockets = [socket.create_connection(_address(served), PATIENCE_S) for _ in faults]
    hanging = [socket.create_connection(_address(served), PATIENCE_S) for _ in range(10)]
    for sock in hanging:
        sock.sendall(asking("hang"))
    for fault, sock in zip(faults, sockets, strict=True):
        sock.sendall(asking(fault))
    for fault, sock in zip(faults, sockets, strict=True):
        with sock:
            assert rest(sock)[1] == alone[fault]
    for sock in hanging:
        sock.close()
    for _ in hanging:
        over(served, "hang")


def _address(stack: Stack) -> tuple[str, int]:
    host, _, port = stack.url.removeprefix("http://").partition(":")
    return host, int(port)


# ---- unusual requests -----------------------------------------------------------------------


def test_a_request_whose_body_is_not_read_is_reset(served: Stack) -> None:
    """``reset`` does not depend on the request's body: a client that waits to be let sees nothing but the RST."""
    waiting = head("POST", "/reset?unread=1", "Expect: 100-continue", "Content-Length: 9")
    assert seen(served, waiting) == (b"", RESET)


@pytest.mark.parametrize("fault", [*BREAKING, SocketFault.DRIBBLE])
@pytest.mark.parametrize("line", ["GET /{} HTTP/1.0", "HEAD /{} HTTP/1.1"])
def test_old_and_bodiless_requests_are_broken_too(served: Stack, fault: str, line: str) -> None:
    """HTTP/1.0 and HEAD: the connection ends as it does for others."""
    text = line.format(fault) + "\r\nHost: mock\r\nConnection: close\r\n\r\n"
    ending = seen(served, text.encode())[1]
    assert ending == (RESET if fault.startswith("reset") else CLOSED)
    over(served, fault)


# ---- stopping -------------------------------------------------------------------------------


@pytest.mark.parametrize("names", STACKS, ids="+".join)
def test_a_stopping_server_waits_for_no_fault(names: tuple[str, str]) -> None:
    """Requests that hang or dribble, or a client that does not read, do not hold up the server's stop."""
    with logged() as said:
        with serving(*names) as stack:
            faults = [asking("hang")] * 5
            faults += [asking("dribble", over_s=3600), asking("hang") + asking("ok")]
            faults += [asking("short-body", size=20_000_000)]
            sockets = [socket.create_connection(_address(stack), PATIENCE_S) for _ in faults]
            for sock, fault in zip(sockets, faults, strict=True):
                sock.sendall(fault)
            for _ in faults:
                stack.breaking.began.get(timeout=PATIENCE_S)
            stopping = time.monotonic()
        assert time.monotonic() - stopping < PROMPT_S
        assert stack.breaking.ended.qsize() == len(faults)
        for sock in sockets[:5]:
            assert rest(sock)[0] == b""
        for sock in sockets:
            sock.close()
        assert said == []


@pytest.mark.parametrize("names", STACKS, ids="+".join)
def test_an_application_without_an_answer_is_no_fault(names: tuple[str, str]) -> None:
    """The way without a transport does not work: uvicorn answers 500, and says so where these tests listen."""
    with logged() as said, serving(*names) as stack:
        assert httpx2.get(f"{stack.url}/nothing", trust_env=False).status_code == 500
    assert len(said) == 1


# ---- in-process -----------------------------------------------------------------------------


class InProcess:
    """The application's side of a request without a connection.

    Attributes:
        gone: set when the client goes away.
        sent: what was sent, with the time since the first of it.
    """

    def __init__(self) -> None:
        self.scope: Scope = {"type": "http"}
        self.gone = asyncio.Event()
        self.sent: list[tuple[float, Message]] = []

    async def receive(self) -> Message:
        """Waits until the client goes away."""
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Keeps a message."""
        self.sent.append((time.monotonic() - (self.sent[0][0] if self.sent else 0), message))

    async def play(self, fault: SocketFault, **options: Any) -> None:
        """Plays a fault."""
        await play(fault, 200, headers(BODY), BODY, self.scope, self.receive, self.send, **options)

    @property
    def pieces(self) -> list[bytes]:
        """The pieces of the body."""
        assert self.sent[0][1] == {
            "type": "http.response.start",
            "status": 200,
            "headers": headers(BODY),
        }
        more = [message.get("more_body", False) for _, message in self.sent[1:]]
        assert more == [True] * (len(more) - 1) + [False]
        return [message["body"] for _, message in self.sent[1:]]


@pytest.mark.parametrize("fault", BREAKING)
def test_in_process_there_is_nothing_to_break(fault: SocketFault) -> None:
    """Without a transport the faults that need one are refused before anything is sent."""

    async def run() -> None:
        here = InProcess()
        assert not can_break(here.scope)
        assert not can_break({"type": "http", "extensions": None})
        with pytest.raises(RuntimeError, match=fault):
            await here.play(fault)
        assert here.sent == []

    asyncio.run(run())


@pytest.mark.parametrize("chunks", [1, 3, 10, 1000])
def test_in_process_an_answer_dribbles(chunks: int) -> None:
    """``dribble``: as many pieces as asked for, the whole answer, in the time; more pieces than bytes are no error."""

    async def run() -> None:
        here = InProcess()
        began = time.monotonic()
        await here.play(SocketFault.DRIBBLE, over_s=0.05, chunks=chunks)
        assert time.monotonic() - began >= 0.049
        assert len(here.pieces) == chunks
        assert b"".join(here.pieces) == BODY
        lengths = {len(piece) for piece in here.pieces}
        assert max(lengths) - min(lengths) <= 1

    asyncio.run(run())


def test_in_process_a_hang_ends_when_the_client_goes() -> None:
    """``hang``: a client that goes away ends it; nothing is sent."""

    async def run() -> None:
        here = InProcess()
        playing = asyncio.create_task(here.play(SocketFault.HANG, stopping=asyncio.Event()))
        here.gone.set()
        await asyncio.wait_for(playing, PATIENCE_S)
        assert here.sent == []

    asyncio.run(run())


def test_in_process_a_hang_is_cancelled_with_the_request() -> None:
    """``hang``: a caller that gives up waiting gets its cancellation, and no task is left."""

    async def run() -> None:
        here = InProcess()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(here.play(SocketFault.HANG, stopping=asyncio.Event()), 0.01)
        assert here.sent == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_in_process_a_hang_is_answered_when_the_mock_stops() -> None:
    """``hang``: there is no connection to abort, so a stop lets the answer through."""

    async def run() -> None:
        here = InProcess()
        stopping = asyncio.Event()
        stopping.set()
        await here.play(SocketFault.HANG, stopping=stopping)
        assert here.pieces == [BODY]

    asyncio.run(run())


def test_a_client_in_process_takes_a_dribbled_answer() -> None:
    """``dribble`` works through Starlette's test client as it does through a socket."""
    answer = TestClient(Breaking()).post("/dribble", params={"over_s": 0.01}, content=b"{}")
    assert (answer.status_code, answer.content) == (200, BODY)
