"""Handing a callback on to a target, and what the target answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

import httpx2

from mock_server.core.redact import shown_url

Headers = list[tuple[bytes, bytes]]

#: Wall seconds that the target gets: the upper end of what Standard Webhooks recommends to senders.
TIMEOUT_S = 30.0
#: Bytes of the target's answer that are handed back.
MAX_ANSWER_BYTES = 1_000_000
#: Headers that go to the target as they came; those that begin with webhook- go too.
_THERE = (b"content-type", b"content-encoding")
_BACK = (b"content-type", b"content-encoding", b"retry-after")


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What the target did: its answer, or ``status`` ``None`` and why there is none."""

    status: int | None
    error: str
    headers: Headers
    body: bytes
    took_ms: float


class Forwarder:
    """Hands callbacks on.

    Args:
        url: the target.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.shown = shown_url(url)
        self._client = httpx2.AsyncClient(
            timeout=None,  # an exchange as a whole has one
            trust_env=False,
            follow_redirects=False,
            headers={"user-agent": "kling-mock", "accept-encoding": "identity"},
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
        )

    async def post(self, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Forwarded:
        """Posts a callback's bytes with its own headers. Never raises for what the target or the network does."""
        kept = [
            (name, value)
            for name, value in headers
            if name.lower().startswith(b"webhook-") or name.lower() in _THERE
        ]
        began = time.perf_counter()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status, answered, content = await self._exchange(kept, body)
            return Forwarded(status, "", answered, content, _ms_since(began))
        except TimeoutError:
            error = f"no answer within {TIMEOUT_S:g} s"
        except httpx2.ConnectError as problem:
            error = f"cannot be reached: {_words(problem)}"
        except Exception as problem:  # noqa: BLE001  # whatever it is, it is the target's, and is told
            error = _words(problem)
        return Forwarded(None, error, [], b"", _ms_since(began))

    async def close(self) -> None:
        """Closes idle connections."""
        await self._client.aclose()

    async def _exchange(self, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
        async with self._client.stream(
            "POST", self._url, content=body, headers=headers
        ) as response:
            content = bytearray()
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > MAX_ANSWER_BYTES:
                    raise ValueError(f"its answer is over {MAX_ANSWER_BYTES} bytes")
            back = [pair for pair in response.headers.raw if pair[0].lower() in _BACK]
            return response.status_code, back, bytes(content)


def _ms_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 3)


def _words(problem: Exception) -> str:
    lines = str(problem).splitlines()
    return lines[0] if lines else type(problem).__name__
