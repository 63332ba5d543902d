"""HTTP/1.1 that stays HTTP/1.1: requests that offer an upgrade are answered as if they had not.

Java's HttpClient and ``curl --http2`` offer ``Upgrade: h2c`` with every request. RFC 9110 section 7.8 lets a server
ignore that, but uvicorn's fast parser stops at it and loses the body. So the header is renamed before it is parsed.
"""

from __future__ import annotations

import re
from typing import Any

#: At the beginning of a line. What stands in a JSON body so is no JSON anyway.
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)
#: Of the same length, so that nothing else in the request moves.
_RENAMED = b"\r\nx-upgrd:"


def http_protocol() -> Any:
    """What uvicorn takes as ``http``: its fast protocol without upgrades, or its own choice where there is none."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return "auto"

    class Http11Protocol(HttpToolsProtocol):
        def data_received(self, data: bytes) -> None:
            if b"pgrade" in data or b"PGRADE" in data:
                data = _UPGRADE.sub(_RENAMED, data)
            super().data_received(data)

    return Http11Protocol
