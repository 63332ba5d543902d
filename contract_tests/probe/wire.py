"""Deliveries on the wire: bytes as they are, one connection at a time, no redirects, and an end to every wait."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

#: Bytes of an answer that are read; the rest says nothing.
_MOST_READ = 65_536
#: Seconds between the two halves of a request that comes in pieces.
_PIECES_PAUSE_S = 0.05


class Unreachable(Exception):
    """Raised when no connection comes about; the message is one line."""


class Late(Exception):
    """Raised when there is no whole answer in time."""


class Lost(Exception):
    """Raised when a connection ends without an HTTP answer; the message says how."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request to a receiver, as it is on the wire.

    Attributes:
        in_pieces: the body is sent in two halves, with a pause between; cut inside of a character if one is there.
    """

    body: bytes
    headers: tuple[tuple[str, str], ...]
    method: str = "POST"
    in_pieces: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """A receiver's answer.

    Attributes:
        took_s: seconds from the first byte sent to the last byte read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    took_s: float


class Wire:
    """The way to one receiver. It is used by one thread.

    Args:
        url: where deliveries go.
        timeout_s: seconds that a delivery may take, connecting included.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "https"
        self._host = (parts.hostname or "").encode("idna").decode()
        self._port = parts.port or (443 if self._is_tls else 80)
        path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
        query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
        self._place = f"{path}?{query}" if query else path
        name = f"[{self._host}]" if ":" in self._host else self._host
        is_usual = self._port == (443 if self._is_tls else 80)
        self._authority = name if is_usual else f"{name}:{self._port}"
        self.timeout_s = timeout_s
        self._socket: socket.socket | None = None

    def send(self, delivery: Delivery, timeout_s: float | None = None) -> Reply:
        """Sends a delivery and reads the answer. An idle connection that the receiver has closed is opened again.

        Raises:
            Unreachable: no connection came about.
            Late: there was no whole answer in time.
            Lost: the connection ended without one.
        """
        wait_s = self.timeout_s if timeout_s is None else timeout_s
        was_kept = self._socket is not None
        try:
            return self._sent(delivery, wait_s)
        except Lost:
            if not was_kept:
                raise
        return self._sent(delivery, wait_s)

    def close(self) -> None:
        """Closes the connection; the next delivery opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _sent(self, delivery: Delivery, wait_s: float) -> Reply:
        began = time.monotonic()
        if self._socket is None:
            self._socket = self._connected(wait_s)
        connection = self._socket
        # The timeout of a socket counts anew with every byte; this is the end of the whole wait.
        is_over = threading.Event()
        alarm = threading.Timer(max(wait_s, 0.001), _cut, (connection, is_over))
        alarm.daemon = True
        alarm.start()
        try:
            self._write(connection, delivery)
            reply = self._read(connection, delivery.method, began)
            if is_over.is_set():  # what was cut off looks like an end
                raise TimeoutError
            return reply
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            if is_over.is_set() or isinstance(error, TimeoutError):
                raise Late from None
            raise Lost(_words(error)) from None
        finally:
            alarm.cancel()

    def _connected(self, wait_s: float) -> socket.socket:
        try:
            plain = socket.create_connection((self._host, self._port), timeout=wait_s)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not self._is_tls:
                return plain
            try:
                return ssl.create_default_context().wrap_socket(plain, server_hostname=self._host)
            except BaseException:
                plain.close()
                raise
        except ssl.SSLCertVerificationError as error:
            remedy = "name its authority in SSL_CERT_FILE"
            raise Unreachable(
                f"its certificate is not trusted: {_words(error)}; {remedy}"
            ) from None
        except ssl.SSLError as error:
            raise Unreachable(f"no TLS: {_words(error)}; is it http?") from None
        except socket.gaierror as error:
            raise Unreachable(f"the host is not known: {_words(error)}") from None
        except TimeoutError:
            raise Unreachable(f"no connection within {wait_s:g} s") from None
        except (OSError, ValueError) as error:
            raise Unreachable(_words(error)) from None

    def _write(self, connection: socket.socket, delivery: Delivery) -> None:
        lines = [f"{delivery.method} {self._place} HTTP/1.1", f"host: {self._authority}"]
        lines += [f"{name}: {value}" for name, value in delivery.headers]
        if delivery.method != "GET":
            lines.append(f"content-length: {len(delivery.body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if not delivery.in_pieces:
            # At once: a receiver that answers without reading the body has it in its buffer.
            with suppress(BrokenPipeError, ConnectionResetError):  # it may have answered already
                connection.sendall(head + delivery.body)
            return
        half = _middle(delivery.body)
        for piece in (head, delivery.body[:half], delivery.body[half:]):
            connection.sendall(piece)
            time.sleep(_PIECES_PAUSE_S)

    def _read(self, connection: socket.socket, method: str, began: float) -> Reply:
        answer = http.client.HTTPResponse(connection, method=method)
        try:
            answer.begin()
            body = answer.read(_MOST_READ)
            is_kept = answer.isclosed() and not answer.will_close and answer.status < 300
            headers = {name.lower(): value for name, value in answer.getheaders()}
        finally:
            answer.close()
        if not is_kept:
            self.close()
        return Reply(answer.status, headers, body, time.monotonic() - began)


def _middle(body: bytes) -> int:
    """Where to cut a body: near its middle, inside of a character of UTF-8 where there is one behind that."""
    middle = len(body) // 2
    inside = (place for place in range(middle, len(body)) if 0x80 <= body[place] < 0xC0)
    return next(inside, middle)


def _cut(connection: socket.socket, is_over: threading.Event) -> None:
    is_over.set()
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # it has ended by itself
        return


def _words(error: BaseException) -> str:
    if isinstance(error, http.client.RemoteDisconnected | ConnectionResetError | BrokenPipeError):
        return "the connection was closed without an answer"
    if isinstance(error, http.client.HTTPException):
        return f"what came back is no HTTP ({type(error).__name__})"
    text = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
    return " ".join((text or type(error).__name__).split())
