"""The peer of delivering callbacks: the same HTTP client posting the same bodies, with nothing around.

A process of its own that reads orders as JSON lines and says how long each took. It posts as its documentation teaches:
``await client.post(url, content=..., headers=...)``, by as many workers as the mock opens connections to one receiver.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import httpx2
from uvicorn.loops.auto import auto_loop_factory

#: As many as the mock opens connections to one receiver.
WORKERS = 4
#: What the mock sends, too: the benchmark compares the heads that arrive.
HEADERS = {"content-type": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Posts:
    """What to post, and to where."""

    url: str
    bodies: list[str]


@dataclass(frozen=True, slots=True)
class Posted:
    """How long it took: wall seconds, and CPU seconds of this process."""

    seconds: float
    cpu_s: float


async def _work(client: httpx2.AsyncClient, url: str, bodies: Iterator[bytes]) -> None:
    for body in bodies:
        response = await client.post(url, content=body, headers=HEADERS)
        response.raise_for_status()


async def post(client: httpx2.AsyncClient, order: Posts) -> Posted:
    """Posts all bodies.

    Raises:
        HTTPStatusError: an answer was no success.
    """
    bodies = iter([body.encode() for body in order.bodies])
    began, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(WORKERS):
            group.create_task(_work(client, order.url, bodies))
    return Posted(time.perf_counter() - began, time.process_time() - cpu)


def main() -> None:
    """Reads orders as JSON lines from standard input, and answers each with a line."""
    client = httpx2.AsyncClient(trust_env=False, headers={"user-agent": "kling-mock"})
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        for line in sys.stdin:
            posted = runner.run(post(client, Posts(**json.loads(line))))
            sys.stdout.write(json.dumps(asdict(posted)) + "\n")
            sys.stdout.flush()
        runner.run(client.aclose())


if __name__ == "__main__":
    main()
