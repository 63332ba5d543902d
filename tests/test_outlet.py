"""Standard output never holds up the server, whoever reads it or does not."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx2
import orjson
import pytest

from mock_server import outlet as outlet_module
from mock_server.outlet import Outlet


def test_lines_are_written_in_order() -> None:
    """What is written comes out complete and in order, once it is closed at the latest."""
    reader, writer = os.pipe()
    with os.fdopen(reader, encoding="utf-8") as read, os.fdopen(writer, "w") as stream:
        outlet = Outlet(stream)
        for number in range(500):
            outlet.write(f"line {number}\n")
        outlet.close(10)
        stream.close()
        assert read.read().splitlines() == [f"line {number}" for number in range(500)]
    assert outlet.dropped == 0


def test_lines_that_nobody_reads_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a reader that does not read, writing returns at once; what is too much is counted."""
    monkeypatch.setattr(outlet_module, "CAPACITY", 10)
    reader, writer = os.pipe()
    with os.fdopen(reader) as read, os.fdopen(writer, "w") as stream:
        outlet = Outlet(stream)
        for _ in range(200):
            outlet.write("x" * 10_000 + "\n")
        assert outlet.dropped > 0
        outlet.close(0)
        read.close()


def test_a_reader_that_has_gone_is_no_error() -> None:
    """Writing to a closed pipe neither raises nor stops anything."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        outlet = Outlet(stream)
        outlet.write("nobody\n")
        outlet.close(10)


def test_a_server_whose_output_nobody_reads_goes_on_and_stops() -> None:
    """A harness that reads the ready line and no more gets thousands of answers, and SIGTERM ends the server."""
    command = [sys.executable, "-m", "mock_server", "serve", "--json", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        url = orjson.loads(server.stdout.readline())["url"]
        with httpx2.Client(headers={"authorization": "Bearer k"}, trust_env=False) as client:
            for _ in range(1500):
                assert client.get(f"{url}/v1/general/custom-voices", timeout=10).status_code == 200
        server.terminate()
        assert server.wait(10) == 0
