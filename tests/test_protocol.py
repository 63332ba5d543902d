"""Requests that offer an upgrade, as Java's HttpClient and curl --http2 send them, are answered over HTTP/1.1."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest

from mock_server.embedding import MockAccount

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


@pytest.mark.parametrize("offer", OFFERS, ids=["java", "lower case", "websocket"])
def test_a_body_survives_an_offer_to_upgrade(kling_mock: MockAccount, offer: bytes) -> None:
    """Head and body at once, apart, or chunked: the request is answered, and so is the next on the connection."""
    length = b"Content-Length: %d\r\n" % len(BODY)
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    address = urlsplit(kling_mock.base_url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as sock:
        sock.sendall(head(kling_mock, offer, length) + BODY)
        assert reply(sock)[1]["code"] == 0
        sock.sendall(head(kling_mock, offer, length))
        sock.sendall(BODY)
        assert reply(sock)[1]["code"] == 0
        sock.sendall(head(kling_mock, offer, b"Transfer-Encoding: chunked\r\n") + chunked)
        assert reply(sock)[1]["code"] == 0
        sock.sendall(head(kling_mock, b"", length) + BODY)
        assert reply(sock)[1]["code"] == 0
