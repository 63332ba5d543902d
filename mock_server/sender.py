"""Sending a callback: one POST by a real HTTP client, to an address that was checked.

The name is resolved here, each address is judged by core/target.py, and the connection goes to the address that passed;
so no second look-up can lead elsewhere. Redirects are not followed and proxies of the environment are not used.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
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
        self._opening: asyncio.Future[httpx2.AsyncClient] | None = None

    async def post(self, url: str, body: bytes) -> Attempt:
        """Posts ``body`` to ``url`` once. Never raises for what the URL, the receiver or the network does."""
        client = await self._open_client()
        began = time.perf_counter()
        status, error = None, ""
        try:
            async with asyncio.timeout(self._timeout_s):
                status = await self._post(client, url, body)
        except TimeoutError:
            error = f"no answer within {self._timeout_s:g} s"
        except Exception as problem:  # noqa: BLE001  # whatever it is, it is the receiver's, and is told
            error = _words(problem)
        return Attempt(status, error, (time.perf_counter() - began) * 1000)

    async def close(self) -> None:
        """Closes idle connections."""
        if self._opening is not None:
            opening, self._opening = self._opening, None
            await (await opening).aclose()

    async def _post(self, client: httpx2.AsyncClient, target: str, body: bytes) -> int:
        import httpx2

        url = httpx2.URL(target)
        address = await self._checked_address(url.host, url.port or _default_port(url.scheme))
        headers = {"host": url.netloc.decode("ascii"), "content-type": CONTENT_TYPE}
        extensions = {"sni_hostname": url.host}
        pinned = url.copy_with(host=address)
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
        reason = "no address"
        for address in await _addresses(host, port):
            refused = refusal(address, server_is_local=self._server_is_local)
            if refused is None:
                return address
            reason = f"{address} is {refused}"
        raise ValueError(f"target refused: {reason}")

    async def _open_client(self) -> httpx2.AsyncClient:
        if self._opening is None:
            # In a thread: importing it and loading certificates takes a tenth of a second; the API goes on meanwhile.
            self._opening = asyncio.ensure_future(asyncio.to_thread(_new_client))
        return await asyncio.shield(self._opening)


async def _addresses(host: str, port: int) -> list[str]:
    """The addresses of a host.

    A name is looked up in a thread that nobody waits for when the process ends: a name server may take its time.
    """
    try:
        return [str(ip_address(host))]
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[str]] = loop.create_future()

    def settle(addresses: list[str], error: OSError | UnicodeError | None) -> None:
        if found.done():
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    def look_up() -> None:
        addresses: list[str] = []
        problem: OSError | UnicodeError | None = None
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            addresses = [str(answer[4][0]) for answer in answers]
        except (OSError, UnicodeError) as error:
            problem = error
        with suppress(RuntimeError):  # the loop is closed: nobody wants to know
            loop.call_soon_threadsafe(settle, addresses, problem)

    threading.Thread(target=look_up, name="kling-mock-resolver", daemon=True).start()
    return await found


def _new_client() -> httpx2.AsyncClient:
    import httpx2

    return httpx2.AsyncClient(
        timeout=None,  # an attempt as a whole has one
        trust_env=False,
        follow_redirects=False,
        headers={"user-agent": "kling-mock"},
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
    )


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _words(problem: Exception) -> str:
    text = str(problem) or type(problem).__name__
    return text.splitlines()[0]
