"""Servers beside each other, awaited, in threads, in forked processes, and used from other languages."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

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


SHELL = """
set -eu
coproc SERVE { exec "$@"; }
read -r line <&"${SERVE[0]}"
url=$(printf '%s' "$line" | sed 's/.*"url":"\\([^"]*\\)".*/\\1/')
curl -sf "$url/v1/audio/tts" -H 'Authorization: Bearer any-key' \
  -d '{"text": "Hello", "voice_id": "oversea_male1", "voice_language": "en"}'
pid=$SERVE_PID
kill "$pid"
wait "$pid"
"""


@pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("curl")), reason="bash and curl are not here"
)
def test_shell_reads_the_url_from_the_first_line(tmp_path: Path) -> None:
    """A shell starts the server, reads where it is from its first line, uses it, and stops it with exit code 0."""
    done = subprocess.run(
        ["bash", "-c", SHELL, "bash", *SERVE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert '"task_status":"succeed"' in done.stdout


NODE = """
const { spawn } = require("node:child_process");
const { once } = require("node:events");
const { createInterface } = require("node:readline");

(async () => {
  const [command, ...options] = process.argv.slice(1);
  const mock = spawn(command, options, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: mock.stdout }), "line");
  const { url } = JSON.parse(line);
  const headers = { Authorization: "Bearer any-key", "Content-Type": "application/json" };
  const post = async (path, body) =>
    (await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) })).json();
  const body = { voice_name: "Ada", voice_url: "https://example.com/ada.mp3", external_task_id: "ada" };
  await post("/v1/general/custom-voices", body);
  await post("/__mock__/clock/advance", { until: { task: "ada", status: "succeed" } });
  const found = await (await fetch(`${url}/v1/general/custom-voices/ada`, { headers })).json();
  mock.kill();
  const [code] = await once(mock, "exit");
  console.log(found.data.task_status, code);
})();
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here")
def test_node_spawns_the_server(tmp_path: Path) -> None:
    """Node spawns the server, reads the URL from its first line, runs against it, and stops it."""
    done = subprocess.run(
        ["node", "-e", NODE, *SERVE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout, done.returncode) == ("succeed 0\n", 0), done.stderr
