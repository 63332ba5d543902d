"""Sending a callback: one POST by a real HTTP client, to an address that was checked.

The name is resolved here, each address is judged by core/target.py, and the connection goes to the address that passed;
so no second look-up can lead elsewhere. Redirects are not followed and proxies of the environment are not used.
"""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mock_server.core.target import refusal

if TYPE_CHECKING:
    import httpx2

#: Documented: the header example of the vendor's callback page.
CONTENT_TYPE = "application/json; charset=utf-8"
#: Bytes of a receiver's answer that are read, so that the connection can be used again.
_READ_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try went: the receiver's HTTP status, or ``None`` and why there is none. ``took_ms`` is wall time."""

    status: int | None
    error: str
    took_ms: float

    @property
    def delivered(self) -> bool:
        """Whether the receiver answered 2xx."""
        return self.status is not None and 200 <= self.status < 300


class Sender:
    """Posts callbacks.

    Args:
        timeout_s: wall seconds for a whole attempt, name resolution included.
        server_is_local: whether the mock is bound to loopback; then loopback and private targets are allowed.
    """

    def __init__(self, timeout_s: float, *, server_is_local: bool) -> None:
        self._timeout_s = timeout_s
        self._server_is_local = server_is_local
        self._client: httpx2.AsyncClient | None = None

    async def post(self, url: str, body: bytes) -> Attempt:
        """Posts ``body`` to ``url`` once. Never raises for what the receiver or the network does."""
        import httpx2

        began = time.perf_counter()
        status, error = None, ""
        try:
            async with asyncio.timeout(self._timeout_s):
                status = await self._post(httpx2.URL(url), body)
        except TimeoutError:
            error = f"no answer within {self._timeout_s:g} s"
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as problem:
            error = _words(problem)
        return Attempt(status, error, (time.perf_counter() - began) * 1000)

    async def close(self) -> None:
        """Closes idle connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _post(self, url: httpx2.URL, body: bytes) -> int:
        address = await self._checked_address(url.host, url.port or _default_port(url.scheme))
        headers = {"host": url.netloc.decode("ascii"), "content-type": CONTENT_TYPE}
        extensions = {"sni_hostname": url.host}
        pinned = url.copy_with(host=address)
        client = self._open_client()
        async with client.stream(
            "POST", pinned, content=body, headers=headers, extensions=extensions
        ) as response:
            read = 0
            async for chunk in response.aiter_raw():
                read += len(chunk)
                if read > _READ_BYTES:
                    break
            return response.status_code

    async def _checked_address(self, host: str, port: int) -> str:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        reason = "no address"
        for *_, sockaddr in found:
            address = str(sockaddr[0])
            refused = refusal(address, server_is_local=self._server_is_local)
            if refused is None:
                return address
            reason = f"{address} is {refused}"
        raise ValueError(f"target refused: {reason}")

    def _open_client(self) -> httpx2.AsyncClient:
        import httpx2  # a third of the start-up time, and most runs send no callback

        if self._client is None:
            self._client = httpx2.AsyncClient(
                timeout=None,  # the whole attempt has one
                trust_env=False,
                follow_redirects=False,
                headers={"user-agent": "kling-mock"},
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
            )
        return self._client


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _words(problem: Exception) -> str:
    text = str(problem) or type(problem).__name__
    return text.splitlines()[0]
