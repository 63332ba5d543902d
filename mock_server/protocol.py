"""HTTP/1.1 that stays HTTP/1.1, on connections that the application can break.

Java's HttpClient and ``curl --http2`` offer ``Upgrade: h2c`` with every request. RFC 9110 section 7.8 lets a server
ignore that, but uvicorn's fast parser stops at it and loses the body. So the header is renamed before it is parsed.

An application cannot reset a connection through ASGI. So each request's scope carries the connection's transport as
an extension, whichever parser and loop are in use.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from typing import Any, Literal

from starlette.types import Receive, Scope, Send

from mock_server.http.breakage import TRANSPORT

#: At the beginning of a line. What stands in a JSON body so is no JSON anyway.
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
#: Of the same length, so that nothing else in the request moves.
_RENAMED = b"\r\nx-upgrd:"


class _Shared:
    """What is the same with both of uvicorn's protocols; stands before them in the order of bases."""

    app: Any

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Puts the transport in reach of the application, request by request."""
        super().connection_made(transport)  # type: ignore[misc]
        app = self.app
        extensions = {TRANSPORT: transport}  # one for all requests of the connection

        def reaching(scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
            scope["extensions"] = extensions
            answering: Coroutine[Any, Any, None] = app(scope, receive, send)
            return answering

        self.app = reaching

    def data_received(self, data: bytes) -> None:
        """Renames what would be an upgrade."""
        if b"pgrade" in data or b"PGRADE" in data:
            data = _UPGRADE.sub(_RENAMED, data)
        super().data_received(data)  # type: ignore[misc]


def http_protocol(parser: Literal["auto", "httptools", "h11"] = "auto") -> type[asyncio.Protocol]:
    """What uvicorn takes as ``http``: its protocol, without upgrades and with the transport in reach.

    Args:
        parser: which of uvicorn's parsers; ``auto`` is the fast one, or the other where that is not installed.
    """
    if parser != "h11":
        try:
            return _with_httptools()
        except ImportError:
            if parser != "auto":
                raise
    return _with_h11()


def _with_httptools() -> type[asyncio.Protocol]:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class HttpToolsConnection(_Shared, HttpToolsProtocol):
        _answering: Any = None

        def _start_asgi_task(self, cycle: Any, app: Any) -> None:
            self._answering = cycle
            super()._start_asgi_task(cycle, app)

        def connection_lost(self, exc: Exception | None) -> None:
            # Uvicorn tells the newest request only. When others were sent ahead of their answers, the one being
            # answered would wait for ever, and be logged as unanswered.
            cycle, self._answering = self._answering, None
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
            super().connection_lost(exc)

    return HttpToolsConnection


def _with_h11() -> type[asyncio.Protocol]:
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class H11Connection(_Shared, H11Protocol):
        pass

    return H11Connection
