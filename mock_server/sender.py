"""Sending a callback: one POST by a real HTTP client, to an address that was checked.

The name is resolved here, each address is judged by core/target.py, and the connection goes to the address that passed;
so no second look-up can lead elsewhere. Redirects are not followed and proxies of the environment are not used.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from mock_server.core.target import TargetPolicy

if TYPE_CHECKING:
    import httpx2

#: Bytes of a receiver's answer that are read, so that the connection can be used again.
_READ_BYTES = 65_536
#: Bytes of a receiver's answer that are kept to be shown.
SHOWN_BYTES = 500
#: The longest that a Retry-After is heeded: a year, in seconds.
_LONGEST_RETRY_S = 365 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one try went: the receiver's HTTP status, or ``None`` and why there is none.

    Attributes:
        took_ms: wall time.
        wall: instant of its begin in ms, on the machine's clock.
        answer: the first bytes of the receiver's answer.
        retry_after_s: what its Retry-After says, in seconds.
        is_refused: the target is none that may be called; trying again is in vain.
    """

    status: int | None
    error: str
    took_ms: float
    wall: int = 0
    answer: str = ""
    retry_after_s: float | None = None
    is_refused: bool = False

    @property
    def delivered(self) -> bool:
        """Whether the receiver answered 2xx."""
        return self.status is not None and 200 <= self.status < 300


class TargetRefused(ValueError):
    """Raised when a target may not be called."""


class _Answered(NamedTuple):
    """What a receiver answered."""

    status: int | None
    body: str = ""
    retry_after_s: float | None = None


class Sender:
    """Posts callbacks.

    Args:
        timeout_s: wall seconds for a whole attempt, name resolution included.
        policy: which targets may be called.
    """

    def __init__(self, timeout_s: float, policy: TargetPolicy) -> None:
        self._timeout_s = timeout_s
        self._policy = policy
        self._opening: asyncio.Future[httpx2.AsyncClient] | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """Posts ``body`` to ``url`` once. Never raises for what the URL, the receiver or the network does."""
        client = await self._open_client()
        began, wall = time.perf_counter(), time.time_ns() // 1_000_000
        answered, error, is_refused = _Answered(None), "", False
        try:
            async with asyncio.timeout(self._timeout_s):
                answered = await self._post(client, url, body, headers)
        except TimeoutError:
            error = f"no answer within {self._timeout_s:g} s"
        except TargetRefused as problem:
            error, is_refused = str(problem), True
        except Exception as problem:  # noqa: BLE001  # whatever it is, it is the receiver's, and is told
            error = _words(problem)
        took_ms = (time.perf_counter() - began) * 1000
        return Attempt(
            answered.status,
            error,
            took_ms,
            wall,
            answered.body,
            answered.retry_after_s,
            is_refused,
        )

    async def close(self) -> None:
        """Closes idle connections."""
        if self._opening is not None:
            opening, self._opening = self._opening, None
            await (await opening).aclose()

    async def _post(
        self, client: httpx2.AsyncClient, target: str, body: bytes, headers: Mapping[str, str]
    ) -> _Answered:
        import httpx2

        url = httpx2.URL(target)
        reached = self._policy.rewritten(url.host)
        address = await self._checked_address(reached, url.port or _default_port(url.scheme))
        sent = {"host": url.netloc.decode("ascii"), **headers}
        extensions = {"sni_hostname": url.host}
        pinned = url.copy_with(host=address)
        async with client.stream(
            "POST", pinned, content=body, headers=sent, extensions=extensions
        ) as response:
            read = bytearray()
            size = 0
            async for chunk in response.aiter_raw():
                size += len(chunk)
                read += chunk[: max(0, SHOWN_BYTES - len(read))]
                if size > _READ_BYTES:
                    break
            shown = read.decode("utf-8", "replace")
            return _Answered(response.status_code, shown, _retry_after(response.headers))

    async def _checked_address(self, host: str, port: int) -> str:
        reason = "no address"
        for address in await _addresses(host, port):
            refused = self._policy.refusal(address, host)
            if refused is None:
                return address
            reason = f"{address} is {refused}"
        raise TargetRefused(f"target refused: {reason}")

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


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a Retry-After header, a year at most; one that is a date counts from now."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return min(float(text), _LONGEST_RETRY_S)
    from email.utils import parsedate_to_datetime  # slow to import, and rarely needed

    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:  # HTTP dates are in GMT
            moment = moment.replace(tzinfo=UTC)
        wanted_s = moment.timestamp() - time.time()
    except (ValueError, OverflowError, TypeError):
        return None
    return min(max(0.0, wanted_s), _LONGEST_RETRY_S)


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80


def _words(problem: Exception) -> str:
    text = str(problem) or type(problem).__name__
    return text.splitlines()[0]
