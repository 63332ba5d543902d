"""What README shows is true: its blocks run, and its tables say what the code says."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import httpx2
import pytest

from contract_tests import clauses
from mock_server import kit
from mock_server.core.behaviour import Behaviour
from mock_server.http.envelope import ROWS, SUCCESS
from mock_server.resources import folder
from mock_server.server import RunningServer
from mock_server.settings import NAMES, flag
from tests.support.receivers import Receiver, Running

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: Where README says the server is; the tests put the real one in its place.
SHOWN_URL = "http://127.0.0.1:8700"

#: Between what README's table of clauses stands.
CLAUSES = ("<!-- clauses -->\n", "<!-- end of clauses -->")

needs_shell = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("bash")), reason="needs curl and bash"
)


def blocks(kind: str) -> list[str]:
    """The fenced blocks that README marks as ``<!-- run: kind -->``."""
    return re.findall(rf"<!-- run: {kind} -->\n```\w*\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def server() -> Iterator[RunningServer]:
    """A server as the first command of README starts it, but for time, which hardly passes on a busy machine."""
    with RunningServer(speed=0.01) as running:
        yield running


def matches(expected: str, printed: str) -> bool:
    """Whether a printed text is the expected one, in which ``...`` stands for anything."""
    pattern = ".*".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, printed, re.DOTALL) is not None


@needs_shell
def test_transcripts_print_what_is_shown(server: RunningServer) -> None:
    """Each command of each transcript, typed one after the other at one server, prints what README shows below it."""
    steps = [
        step
        for block in blocks("console")
        for step in re.findall(r"^\$ (.*)\n((?:[^$\n].*\n?)+)", block, re.MULTILINE)
    ]
    assert len(steps) > 10
    scripts = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": scripts, "KLING_MOCK_URL": server.base_url}
    environment["COLUMNS"] = "100"  # to which lines are wrapped

    for command, expected in steps:
        done = subprocess.run(
            ["bash", "-c", command.replace(SHOWN_URL, server.base_url)],
            capture_output=True,
            encoding="utf-8",
            timeout=30,
            env=environment,
        )
        printed = done.stdout.replace(server.base_url, SHOWN_URL)
        assert matches(expected.strip(), printed.strip()), (command, printed, done.stderr)


@pytest.mark.parametrize("block", blocks("scenario"))
def test_scenario_example_is_a_scenario(block: str, tmp_path: Path) -> None:
    """The scenario file that README shows can be used as it stands, under the name it gives."""
    path = tmp_path / "monday.yaml"
    path.write_text(block, encoding="utf-8")

    with RunningServer(scenarios=str(path), scenario="monday", magic=False) as server:
        account = server.account("any-key")
        listed = httpx2.get(f"{server.base_url}/__mock__/scenarios").json()["scenarios"]

        assert "monday" in [scenario["name"] for scenario in listed]
        assert account.clock.now()


@pytest.mark.parametrize("block", blocks("pytest"))
def test_pytest_example_passes(block: str, tmp_path: Path) -> None:
    """The test that README shows passes in an empty folder."""
    (tmp_path / "test_shown.py").write_text(block, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )

    assert done.returncode == 0, done.stdout
    assert re.search(r"^[1-9]\d* passed", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("block", [*blocks("python"), *blocks("library")])
def test_python_example_runs(block: str) -> None:
    """The program that README shows runs, its assertions included."""
    exec(compile(block, "README.md", "exec"), {})


@needs_shell
@pytest.mark.parametrize("block", blocks("sh"))
def test_service_recipe_starts_and_stops(block: str, tmp_path: Path) -> None:
    """The CI recipe starts a server, waits until it is healthy, and ends it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = block.replace("8700", str(port)).replace(
        ".venv/bin/kling-mock", f"{sys.executable} -m mock_server"
    )

    done = subprocess.run(
        ["bash", "-e", "-c", script + "wait $!\n"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert '"server":"kling-mock"' in done.stdout
    assert "stopped" in done.stdout


@needs_shell
@pytest.mark.parametrize("block", blocks("check"))
def test_check_command_checks_a_server(block: str, server: RunningServer, tmp_path: Path) -> None:
    """The kit's command, aimed at a running server and cut down to its smallest profile, finds the contract kept."""
    install, check = block.strip().splitlines()
    assert install.endswith("install -q -c constraints.txt '.[check]'")
    program = f"{sys.executable} -m mock_server"
    command = check.replace(".venv/bin/kling-mock", program).replace(SHOWN_URL, server.base_url)

    done = subprocess.run(
        ["bash", "-c", f"{command} --profile smoke --dialect ezmodel"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nkept: 0 failed" in done.stdout


@needs_shell
@pytest.mark.parametrize("block", blocks("probe"))
def test_probe_command_probes_a_receiver(block: str, tmp_path: Path) -> None:
    """The probe's command, aimed at a good receiver with the secret that README shows, finds nothing broken."""
    secret = re.search(r"whsec_\S+", block)
    assert secret is not None
    with Running(Receiver(secret[0])) as receiver:
        command = block.replace(".venv/bin/kling-mock", f"{sys.executable} -m mock_server")
        command = command.replace("http://127.0.0.1:3000/hook", receiver.url).strip()

        done = subprocess.run(
            ["bash", "-c", f"{command} --profile smoke --json"],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"passed"' in done.stdout


def test_every_option_of_check_is_in_the_table() -> None:
    """README names every option of check."""
    parser = argparse.ArgumentParser(add_help=False)
    kit.fill_check(parser)
    flags = {word for action in parser._actions for word in action.option_strings}

    assert len(flags) > 10
    assert not {word for word in flags if f"`{word}" not in README}


def clause_rows() -> str:
    """README's table of clauses: a row per family, each clause marked with the first letter of its evidence."""
    families: dict[str, list[str]] = {}
    for clause in clauses.catalogue().values():
        family, _, rest = clause.id.partition(".")
        families.setdefault(family, []).append(f"`{rest}` *{clause.evidence[0]}*")
    rows = (f"| `{name}.` | {', '.join(known)} |" for name, known in sorted(families.items()))
    return "\n".join(["| Family | Clauses |", "|---|---|", *rows])


def test_every_clause_is_listed() -> None:
    """README's table of clauses is the catalogue, in step with the documents.

    ``python -m tests.test_readme`` writes it anew.
    """
    start, end = CLAUSES
    assert README.partition(start)[2].partition(end)[0].strip() == clause_rows()


def test_error_table_is_the_one_in_code() -> None:
    """README's error table has exactly the rows of the code's, in every column."""
    shown = re.findall(
        r"^\| (\d{3}) \| (\d+) \| (.*) \| ?(yes|no|) \| (\d+) \|$", README, re.MULTILINE
    )
    rows = [
        (
            str(row.status),
            str(row.code),
            row.message,
            "yes" if row.retryable else "no",
            str(row.ezmodel),
        )
        for row in ROWS.values()
    ]

    assert shown == [("200", "0", SUCCESS.message, "", "0"), *rows]


def test_every_setting_is_in_the_table() -> None:
    """README names every setting by its flag."""
    flags = {f"--no-{name}" if name == "magic" else flag(name) for name in NAMES}

    assert not {name for name in flags if f"`{name}" not in README}


def test_every_scenario_is_in_the_table() -> None:
    """README's table lists exactly the scenarios that are shipped."""
    table = README.split("## Choose what happens")[1].split("## In your tests")[0]

    rows = re.findall(
        r"^\| ((?:`[a-z-]+`(?:, )?)+) \|.*\|.*\|$", table.split("## Make it fail")[0], re.M
    )
    shown = {name for row in rows for name in re.findall(r"`([a-z-]+)`", row)}

    assert shown == {path.stem for path in (folder("fixtures") / "scenarios").glob("*.yaml")}


def test_every_behaviour_is_in_the_table() -> None:
    """README's table lists exactly the behaviours, with their readings and evidence, the default first."""
    shown = re.findall(r"^\| `(\w+)` \| (`.*`) \| (\w+) \|$", README, re.MULTILINE)

    assert shown == [
        (
            item.name,
            ", ".join(f"`{choice}`" for choice in item.metadata["choices"]),
            item.metadata["evidence"],
        )
        for item in fields(Behaviour)
    ]


if __name__ == "__main__":
    before, start, rest = README.partition(CLAUSES[0])
    after = rest.partition(CLAUSES[1])[2]
    text = f"{before}{start}{clause_rows()}\n{CLAUSES[1]}{after}"
    (ROOT / "README.md").write_text(text, encoding="utf-8")
