"""The recipes of README: its blocks are the files of tests/recipes, and those run.

The Python ones are collected like every test. What stands here runs the others, as their users do.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT

FOLDER = ROOT / "tests" / "recipes"
README = (ROOT / "README.md").read_text("utf-8")
#: Blocks that README shows in full, each marked with the name of its file.
SHOWN = dict(re.findall(r"<!-- recipe: (\S+) -->\n```\w+\n(.*?)```\n", README, re.DOTALL))
FILES = sorted(path.name for path in FOLDER.iterdir() if path.is_file())
#: Where the command ``kling-mock`` is, if this environment has it.
SCRIPTS = Path(sys.executable).parent
SECONDS = 120


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a recipe with ``kling-mock`` on its path."""
    path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=FOLDER,
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS,
        env={**os.environ, "PATH": path, **variables},
    )


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skips where a program is missing, and says which."""
    known = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    missing = [name for name in programs if shutil.which(name, path=known) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {' and '.join(missing)}")


def test_readme_shows_most_recipes() -> None:
    """Five or more recipes stand in README in full."""
    assert len(SHOWN) >= 5
    assert set(SHOWN) <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_recipe_is_in_readme(name: str) -> None:
    """README links each recipe; one that it shows in full is the file, to the letter."""
    text = (FOLDER / name).read_text("utf-8")

    assert f"(tests/recipes/{name})" in README
    assert SHOWN.get(name, text) == text


@needs("node", "kling-mock")
def test_node_recipe_runs() -> None:
    """Node's test runner starts a mock of its own, and both tests pass."""
    version = run("node", "--version").stdout
    if int(version.removeprefix("v").partition(".")[0]) < 20:
        pytest.skip(f"needs Node 20 or newer, and {version.strip()} is here")

    done = run("node", "--test", "--test-reporter=tap", "voices.test.mjs")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 2" in done.stdout


@needs("bash", "curl", "kling-mock")
def test_curl_recipe_runs() -> None:
    """The script starts a mock, tests its client, and leaves nothing running."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    done = run("bash", "voices.sh", PORT=str(port))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok: 1 found" in done.stdout
    with socket.socket() as probe:
        probe.settimeout(5)
        assert probe.connect_ex(("127.0.0.1", port)) != 0
