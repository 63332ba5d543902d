"""Reading a request off ASGI: the headers that matter here, the origin, the body."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from functools import lru_cache
from typing import NamedTuple, TypeVar

from starlette.types import Receive, Scope

T = TypeVar("T")

#: The largest request body, in bytes. Source: openapi, rule errors.body-limit (assumed).
MAX_BODY_BYTES = 1_000_000
_HOST = re.compile(rb"[A-Za-z0-9._~\-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")


_OURS = frozenset((b"x-mock-scenario", b"x-mock-fault", b"x-mock-token"))
#: What clients send as a rule. A request with no other header has none of ours, and is not searched for them.
_ORDINARY = frozenset(
    (
        b"accept accept-encoding accept-language authorization connection content-length"
        b" content-type host sec-fetch-mode user-agent"
    ).split()
)


class ClientGone(Exception):
    """Raised when the client closed the connection: nobody is left to answer."""


class Headers(NamedTuple):
    """The request headers that matter here, as sent; ``unknown`` are X-Mock-* headers nobody knows."""

    authorization: bytes | None
    host: bytes
    content_type: bytes | None = None
    scenario: str | None = None
    fault: str | None = None
    unknown: tuple[str, ...] = ()


def headers(scope: Scope) -> Headers:
    """The headers of a request; of one that is repeated, the last."""
    sent: dict[bytes, bytes] = dict(scope["headers"])
    authorization, host = sent.get(b"authorization"), sent.get(b"host", b"")
    content_type = sent.get(b"content-type")
    if _ORDINARY.issuperset(sent):
        return Headers(authorization, host, content_type)
    unknown = (name for name in sent if name.startswith(b"x-mock-") and name not in _OURS)
    return Headers(
        authorization,
        host,
        content_type,
        _text(sent.get(b"x-mock-scenario")),
        _text(sent.get(b"x-mock-fault")),
        tuple(name.decode("latin-1") for name in unknown),
    )


def _text(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        return value.decode().strip()  # what shells and most clients send
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()


def origin(scope: Scope, host: bytes) -> str:
    """Scheme and authority as the client reached us; a Host header that is none is not repeated."""
    if known := _of_host(scope["scheme"], host):
        return known
    name, port = scope.get("server") or ("127.0.0.1", 80)
    authority = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    return f"{scope['scheme']}://{authority}"


@lru_cache(maxsize=256)
def _of_host(scheme: str, host: bytes) -> str:
    # Remembered: most requests come by the same name, and their tasks then share one text.
    return f"{scheme}://{host.decode('ascii')}" if _HOST.fullmatch(host) else ""


async def body(receive: Receive) -> bytes | None:
    """The whole request body, or ``None`` when it is too large. It is read to its end in any case.

    A client that is still sending would otherwise see a broken connection instead of the answer.

    Raises:
        ClientGone: the client closed the connection before the end.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        whole: bytes = message.get("body", b"")
        return whole if len(whole) <= MAX_BODY_BYTES else None
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            chunks.append(chunk)
        else:
            chunks.clear()
        if not message.get("more_body"):
            return None if size > MAX_BODY_BYTES else b"".join(chunks)
        message = await receive()


async def unless_gone(awaited: Awaitable[T], receive: Receive) -> T:
    """Awaits what an answer is held for, and gives up when the client does.

    Raises:
        ClientGone: the client closed the connection first.
    """
    held = asyncio.ensure_future(awaited)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({held, gone}, return_when=asyncio.FIRST_COMPLETED)
        if held.done():
            return held.result()
        raise ClientGone
    finally:
        held.cancel()
        gone.cancel()
        await asyncio.gather(held, gone, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
