"""One HTTP exchange over a real socket, with an end to everything a server could be endless in.

Clients set a limit for each read; a server that sends a byte now and then holds them for ever. Here the whole answer
is due at one instant, and a body has a greatest size, also after it is unpacked.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import select
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2

from contract_tests.observation import Answer, Request

#: The longest body that is read, and the longest that it may unpack to, in bytes.
MOST_BYTES = 32 * 1024 * 1024
#: Seconds that opening a connection may take.
CONNECT_S = 10.0
#: Seconds after which an idle connection is not used again: many servers close them after five.
_IDLE_S = 3.0
#: Interim answers (1xx) in front of one.
_MOST_INTERIM = 20
_CHUNK = 65_536
_SWITCHING_PROTOCOLS = 101

Origin = tuple[str, str, int]


class _Closed(Exception):
    """Raised when a connection that was used before is no more. A server may close one that idles at any time."""


class Garbled(httpx2.RemoteProtocolError):
    """Raised when somebody answers, and nobody can read what."""


class _Timed:
    """A socket whose reads and writes all end at one instant.

    Attributes:
        is_new: whether no request was sent over it yet.
        has_read: whether some of the answer that is awaited has come.
    """

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw
        self.until = 0.0
        self.is_new = False
        self.has_read = False
        self.used_at = time.monotonic()

    def wait(self) -> None:
        """Lets the next operation take what is left."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.raw.settimeout(left)

    def sendall(self, data: bytes) -> None:
        """Sends."""
        self.wait()
        self.raw.sendall(data)

    def makefile(self, *_mode: Any) -> io.BufferedReader:
        """What an answer is read from."""
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Does nothing: http.client closes before the body is read."""

    @property
    def is_stale(self) -> bool:
        """Whether it was closed by the server, holds something unasked, or idles too long."""
        if time.monotonic() - self.used_at > _IDLE_S:
            return True
        return bool(select.select([self.raw], [], [], 0)[0])


class _Reader(io.RawIOBase):
    def __init__(self, timed: _Timed) -> None:
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._timed.wait()
        count = self._timed.raw.recv_into(buffer)
        self._timed.has_read = self._timed.has_read or count > 0
        return count


class _Response(http.client.HTTPResponse):
    """Skips interim answers of every kind, not 100 only."""

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(_MOST_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 101 < status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("one interim answer after the other")


class Wire:
    """Connections that are kept open between exchanges. Safe to use from any thread.

    What is sent over one that turns out to be closed is sent once more, over a new one, as clients do.

    Args:
        is_careful: whether a POST may cost something, so that it is never sent twice.
    """

    def __init__(self, *, is_careful: bool = False) -> None:
        self.is_careful = is_careful
        self._lock = threading.Lock()
        self._idle: dict[Origin, list[_Timed]] = {}

    def exchange(self, request: Request, timeout_s: float) -> Answer:
        """Sends a request; returns the whole answer, unpacked.

        Args:
            timeout_s: seconds until the last byte of the answer is due.

        Raises:
            httpx2.TransportError: there is no whole answer that follows the protocol.
        """
        until = time.monotonic() + timeout_s
        origin = _origin(request.url)
        may_charge = self.is_careful and request.method == "POST"
        timed = None if may_charge else self._taken(origin)
        if timed is not None:
            with contextlib.suppress(_Closed):
                return self._exchanged(timed, request, until, timeout_s)
        timed = _connected(origin, min(timeout_s, CONNECT_S))
        timed.is_new = True
        return self._exchanged(timed, request, until, timeout_s)

    def _exchanged(self, timed: _Timed, request: Request, until: float, timeout_s: float) -> Answer:
        """The answer over one connection.

        Raises:
            _Closed: the connection is no new one, and was closed before the request came.
        """
        origin, parts = _origin(request.url), urlsplit(request.url)
        timed.until, timed.has_read = until, False
        is_reusable = False
        try:
            with _translated(timeout_s):
                target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                response = _answered(timed, origin, request, target)
                body = _body(response)
                is_reusable = not response.will_close
        except httpx2.ReadError as reason:
            if timed.is_new or timed.has_read:
                raise
            raise _Closed from reason
        finally:
            if is_reusable:
                self._kept(origin, timed)
            else:
                timed.raw.close()
        headers = _joined(response)
        return Answer(request, response.status, headers, unpacked(headers, body))

    def close(self) -> None:
        """Closes all connections."""
        with self._lock:
            for timed in (item for several in self._idle.values() for item in several):
                timed.raw.close()
            self._idle.clear()

    def _taken(self, origin: Origin) -> _Timed | None:
        with self._lock:
            several = self._idle.get(origin, [])
            while several:
                timed = several.pop()
                if not timed.is_stale:
                    return timed
                timed.raw.close()
        return None

    def _kept(self, origin: Origin, timed: _Timed) -> None:
        timed.used_at = time.monotonic()
        timed.is_new = False
        with self._lock:
            self._idle.setdefault(origin, []).append(timed)


def unpacked(headers: Mapping[str, str], body: bytes) -> bytes:
    """A body without its Content-Encoding.

    Raises:
        Garbled: it is not what it says, or becomes too long.
    """
    if headers.get("content-encoding", "").strip().lower() not in ("gzip", "x-gzip", "deflate"):
        return body
    for bits in (47, -15):  # with the header of gzip or zlib, and without one, as some send deflate
        opened = zlib.decompressobj(bits)
        try:
            plain = opened.decompress(body, MOST_BYTES)
        except zlib.error:
            continue
        if opened.unconsumed_tail:
            raise Garbled(f"a body that unpacks to more than {MOST_BYTES} bytes")
        if body and not opened.eof:  # many clients look at the length and the sum at its end
            raise Garbled("a packed body that ends early")
        return plain
    raise Garbled("a body that cannot be unpacked as its Content-Encoding says")


def _origin(url: str) -> Origin:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as reason:
        raise httpx2.UnsupportedProtocol(str(reason)) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise httpx2.UnsupportedProtocol("no http or https address")
    return parts.scheme, parts.hostname, port


def _connected(origin: Origin, timeout_s: float) -> _Timed:
    scheme, host, port = origin
    try:
        raw = socket.create_connection((host, port), timeout_s)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except TimeoutError:
        raise httpx2.ConnectTimeout(f"no connection within {timeout_s:g} s") from None
    except (OSError, UnicodeError, OverflowError) as reason:
        raise httpx2.ConnectError(str(reason)) from None
    if scheme == "http":
        return _Timed(raw)
    try:
        return _Timed(_tls().wrap_socket(raw, server_hostname=host))
    except (OSError, ValueError) as reason:
        raw.close()
        raise httpx2.ConnectError(f"no TLS: {str(reason) or repr(reason)}") from None


@cache
def _tls() -> ssl.SSLContext:
    """Trusts what the system trusts, and what browsers do where the system has no list."""
    context = ssl.create_default_context()
    with contextlib.suppress(ImportError, OSError):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def _answered(
    timed: _Timed, origin: Origin, request: Request, target: str
) -> http.client.HTTPResponse:
    _, host, port = origin
    connection = http.client.HTTPConnection(host, port)
    connection.response_class = _Response
    connection.sock = timed
    try:
        connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in _complete(request):
            connection.putheader(name, value.encode("utf-8"))
    except (ValueError, http.client.HTTPException) as reason:
        raise httpx2.LocalProtocolError(str(reason)) from None
    # A server may refuse before it has read everything.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.endheaders(request.body or None)
    return connection.getresponse()


def _complete(request: Request) -> Iterator[tuple[str, str]]:
    """The headers of a request, with those that every one needs."""
    given = {name.lower() for name in request.headers}
    if "host" not in given:
        yield "Host", urlsplit(request.url).netloc.rpartition("@")[2]
    for name, value in (
        ("Accept", "*/*"),
        ("Accept-Encoding", "gzip, deflate"),
        ("User-Agent", "kling-mock check"),
    ):
        if name.lower() not in given:
            yield name, value
    if "content-length" not in given and (request.body or request.method in ("POST", "PUT")):
        yield "Content-Length", str(len(request.body))
    yield from request.headers.items()


def _body(response: http.client.HTTPResponse) -> bytes:
    whole = bytearray()
    while part := response.read(_CHUNK):
        whole += part
        if len(whole) > MOST_BYTES:
            raise http.client.HTTPException(f"a body of more than {MOST_BYTES} bytes")
    missing = response.length
    if missing:
        raise http.client.HTTPException(f"the body ends {missing} bytes early")
    return bytes(whole)


def _joined(response: http.client.HTTPResponse) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in response.getheaders():
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


@contextlib.contextmanager
def _translated(timeout_s: float) -> Iterator[None]:
    """Names what went wrong in httpx2's words."""
    try:
        yield
    except TimeoutError:
        raise httpx2.ReadTimeout(f"no whole answer within {timeout_s:g} s") from None
    except http.client.RemoteDisconnected:
        raise httpx2.ReadError("the connection was closed without an answer") from None
    except http.client.HTTPException as reason:
        words = str(reason) or type(reason).__name__
        raise httpx2.RemoteProtocolError(f"no HTTP: {words}"[:300]) from None
    except (OSError, ValueError) as reason:
        raise httpx2.ReadError(str(reason) or repr(reason)) from None
