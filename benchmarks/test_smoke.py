"""The benchmarks run. What they measure is not judged here: a shared machine would judge by chance."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from benchmarks.operations import OPERATIONS
from benchmarks.peers import MOCK, missing
from benchmarks.servers import ROOT


def run(module: str, *arguments: str) -> str:
    """What a benchmark prints.

    Raises:
        CalledProcessError: it failed.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", "--quick", *arguments]
    return subprocess.run(
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True, timeout=120
    ).stdout


def test_compare_prints_a_ratio_for_each_operation_and_server() -> None:
    """Three operations, with and without lines, each next to the textbook application."""
    rows = json.loads(run("compare", "--json"))
    assert [(row["operation"], row["server"]) for row in rows] == [
        (operation, server) for operation in OPERATIONS for server in ("mock", "mock with lines")
    ]
    for row in rows:
        assert 0 < row["low"] <= row["ratio"] <= row["high"]


def test_compare_prints_a_table_for_people() -> None:
    """A heading and six rows."""
    assert len(run("compare").splitlines()) == 7


@pytest.mark.skipif(sys.platform == "win32", reason="the resident set is read with resource")
def test_memory_prints_bytes_per_task_and_a_start_ratio() -> None:
    """Growth in flight, growth of the speeches, and the start-up pair."""
    value = json.loads(run("memory", "--json"))
    assert [row["what"] for row in value["memory"]] == ["voice", "voice with callback", "speech"]
    assert all(row["total"] > 0 for row in value["memory"])
    assert value["start"]["ratio"] > 0


def test_handler_names_what_costs_most() -> None:
    """The mock's and the textbook's handler, then the costliest functions of each operation."""
    text = run("handler")
    for operation in OPERATIONS:
        assert operation in text


def test_lifetimes_prints_advances_and_a_ratio_to_the_bare_client() -> None:
    """Three advances without receivers, two with callbacks, and whether twice the tasks cost twice."""
    value = json.loads(run("lifetimes", "--json"))
    assert [row["events"] for row in value["advanced"]] == [40, 80, 80]
    assert all(0 < row["low"] <= row["seconds"] <= row["high"] for row in value["advanced"])
    assert [(row["tasks"], row["callbacks"]) for row in value["lived"]] == [(10, 20), (20, 40)]
    for row in value["lived"]:
        assert 0 < row["low"] <= row["ratio"] <= row["high"]
    assert value["linear"]["time"] > 0


def test_lifetimes_prints_lines_for_people() -> None:
    """Three advances, two with callbacks, and whether it is linear."""
    assert len(run("lifetimes").splitlines()) == 6


def test_overhead_prints_start_stop_and_cost_per_test_of_every_server() -> None:
    """The mock first, then the peers that are installed; the others are named."""
    value = json.loads(run("overhead", "--json"))
    assert value["servers"][0]["server"] == MOCK
    assert value["missing"] == sorted(missing())
    for row in value["servers"]:
        for name in ("start", "stop"):
            assert 0 < row[name]["low"] <= row[name]["ms"] <= row[name]["high"]
    assert value["servers"][0]["process_start"]["ms"] > 0


def test_overhead_prints_a_table_for_people() -> None:
    """A heading and a row for each server."""
    assert len(run("overhead").splitlines()) == 4 - len(missing())


def test_kit_prints_what_the_time_is_spent_on() -> None:
    """All seconds of a run, and those of requests, of checks, and of the rest, which together are all."""
    value = json.loads(run("kit", "--json"))
    assert value["profile"] == "smoke"
    assert value["sent"] > 0
    parts = value["requests"] + value["checks"] + value["other"]
    assert abs(parts - value["total"]) < 0.01
