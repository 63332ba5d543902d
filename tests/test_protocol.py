"""Requests that offer an upgrade, as Java's HttpClient and curl --http2 send them, are answered over HTTP/1.1.

And the transport of a connection is in reach of the application. Both with each of uvicorn's parsers.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from mock_server import RunningServer, Settings
from mock_server.embedding import MockAccount
from mock_server.http.app import create_app
from mock_server.http.breakage import TRANSPORT, can_break
from mock_server.protocol import http_protocol

BODY = json.dumps({"text": "Hi", "voice_id": "oversea_male1", "voice_language": "en"}).encode()
#: What Java 17 and curl send; the case of header names differs between them.
OFFERS = [
    b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk\r\nUpgrade: h2c\r\n",
    b"upgrade: h2c\r\nconnection: upgrade\r\n",
    b"UPGRADE: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n",
]


def head(account: MockAccount, offer: bytes, framing: bytes) -> bytes:
    """The head of a create-speech request that offers an upgrade."""
    return (
        b"POST /v1/audio/tts HTTP/1.1\r\nHost: mock\r\nAuthorization: Bearer "
        + account.api_key.encode()
        + b"\r\n"
        + offer
        + framing
        + b"\r\n"
    )


def reply(sock: socket.socket) -> tuple[bytes, dict[str, object]]:
    """The status line and the body of the next answer."""
    stream = sock.makefile("rb")
    status = stream.readline()
    length = 0
    while (line := stream.readline().strip()) != b"":
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    value: dict[str, object] = json.loads(stream.read(length))
    return status, value


@pytest.fixture(params=["httptools", "h11"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The parser of servers that are started meanwhile."""
    name: Any = request.param
    if name == "httptools":
        pytest.importorskip("httptools")
    protocol = http_protocol(name)
    monkeypatch.setattr("mock_server.server.http_protocol", lambda: protocol)
    return str(name)


@pytest.fixture
def account(parser: str) -> Iterator[MockAccount]:
    """An account of a server with the parser."""
    with RunningServer() as server:
        del parser
        yield server.account()


@pytest.mark.parametrize("offer", OFFERS, ids=["java", "lower case", "websocket"])
def test_a_body_survives_an_offer_to_upgrade(account: MockAccount, offer: bytes) -> None:
    """Head and body at once, apart, or chunked: the request is answered, and so is the next on the connection."""
    length = b"Content-Length: %d\r\n" % len(BODY)
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    address = urlsplit(account.base_url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as sock:
        sock.sendall(head(account, offer, length) + BODY)
        assert reply(sock)[1]["code"] == 0
        sock.sendall(head(account, offer, length))
        sock.sendall(BODY)
        assert reply(sock)[1]["code"] == 0
        sock.sendall(head(account, offer, b"Transfer-Encoding: chunked\r\n") + chunked)
        assert reply(sock)[1]["code"] == 0
        sock.sendall(head(account, b"", length) + BODY)
        assert reply(sock)[1]["code"] == 0


def test_requests_of_a_connection_share_its_transport(parser: str) -> None:
    """Each scope carries its connection's transport in one and the same extensions, with either parser."""
    scopes: list[Scope] = []
    app = create_app(Settings(quiet=True))

    async def looking(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            assert can_break(scope)
            peer = scope["extensions"][TRANSPORT].get_extra_info("peername")
            assert tuple(peer[:2]) == tuple(scope["client"])
            scopes.append(scope)
        await app(scope, receive, send)

    sent = b"GET /__mock__/health HTTP/1.1\r\nHost: mock\r\n\r\n"
    with RunningServer(app=looking) as server:
        address = urlsplit(server.base_url)
        for _ in range(2):
            with socket.create_connection((address.hostname, address.port), timeout=10) as sock:
                for _ in range(2):
                    sock.sendall(sent)
                    assert reply(sock)[0] == b"HTTP/1.1 200 OK\r\n"
    one, two, other, _ = [scope["extensions"] for scope in scopes]
    assert one is two
    assert one[TRANSPORT] is not other[TRANSPORT]
    assert parser in ("httptools", "h11")


def test_the_other_parser_is_taken_where_the_fast_one_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without httptools ``auto`` is h11; whoever asks for httptools is told."""
    for name in ("httptools", "uvicorn.protocols.http.httptools_impl"):
        monkeypatch.setitem(sys.modules, name, None)
    protocol = http_protocol()
    assert issubclass(protocol, H11Protocol)
    assert issubclass(protocol, asyncio.Protocol)
    with pytest.raises(ImportError):
        http_protocol("httptools")


def test_the_fast_parser_is_taken_where_it_is() -> None:
    """With httptools ``auto`` is that."""
    pytest.importorskip("httptools")
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    assert issubclass(http_protocol(), HttpToolsProtocol)
