"""Servers beside each other, awaited, in threads, in forked processes, and used from other languages."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from mock_server import RunningServer
from tests.http.api import Api
from tests.support.places import ROOT

SERVE = [sys.executable, "-m", "mock_server", "serve", "--port", "0", "--json"]


def test_servers_are_entered_with_async_with() -> None:
    """Entered with async with, servers start and stop while the event loop goes on; several run at once."""

    async def story() -> set[str]:
        turns = 0

        async def tick() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        ticking = asyncio.create_task(tick())
        async with RunningServer(speed=0) as one, RunningServer(speed=0) as other:
            await one.account().aio.clock.advance(1)
            urls = {one.base_url, other.base_url}
        ticking.cancel()
        assert turns > 100
        with pytest.raises(RuntimeError, match="not running"):
            _ = one.base_url
        return urls

    assert len(asyncio.run(story())) == 2


def test_threads_start_and_stop_servers() -> None:
    """Each thread may start, use and stop servers of its own; of many that start the same one, one succeeds."""

    def lived(number: int) -> str:
        with RunningServer(speed=0, seed=str(number)) as server:
            account = server.account()
            return str(Api(account.http.client, account.api_key).learn().data["task_id"])

    def started(server: RunningServer) -> bool:
        try:
            server.start()
        except RuntimeError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(lived, range(6)))) == 6
        server = RunningServer()
        assert sorted(pool.map(started, [server] * 6)) == [False] * 5 + [True]
        list(pool.map(lambda _: server.stop(), range(6)))
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.base_url


FORKING = """
import os
from mock_server import RunningServer

server = RunningServer(speed=0).start()
account = server.account()
before = account.clock.now()
port = int(server.base_url.rsplit(":", 1)[1])
told, tell = os.pipe()
ended, end = os.pipe()
if os.fork() == 0:
    try:
        assert account.clock.now() == before
        account.clock.advance(1)
        server.stop()
        os.write(tell, b"y")
        os.close(end)
        os.read(ended, 1)
    finally:
        os._exit(0)
os.close(tell)
assert os.read(told, 1) == b"y", "the child failed"
assert account.clock.now() == before + 1000
server.stop()
with RunningServer(port=port) as again:
    again.account().clock.now()
os.close(end)
os.wait()
print("ok")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_process_uses_the_server_and_does_not_stop_it() -> None:
    """A forked process talks to the server by connections of its own; it neither stops it nor keeps its port."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr
