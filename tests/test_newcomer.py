"""A fresh machine: the wheel in an empty environment, and README's first command in a fresh copy of the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import venv
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SERVE = re.findall(r"<!-- command: serve -->\n```sh\n(.*?)\n```", README, re.DOTALL)

posix_only = pytest.mark.skipif(os.name != "posix", reason="the command is for a POSIX shell")


def fresh_copy(folder: Path) -> Path:
    """The files git tracks or would track, as a clone has them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def environment() -> dict[str, str]:
    """The environment without what points to this one's packages."""
    left_out = ("PYTHONPATH", "VIRTUAL_ENV", "PYTEST_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    return {**kept, "KLING_MOCK_PORT": "0", "KLING_MOCK_JSON": "true"}


def speaks(command: list[str], cwd: Path) -> None:
    """Starts a server by a command, gets speech and its audio from it, and stops it."""
    server = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert server.stdout is not None
    try:
        url = json.loads(server.stdout.readline())["url"]
        answer = httpx2.post(
            f"{url}/v1/audio/tts",
            headers={"authorization": "Bearer any"},
            json={"text": "Hello", "voice_id": "oversea_male1", "voice_language": "en"},
        ).json()
        audio = httpx2.get(answer["data"]["task_result"]["audios"][0]["url"])
        assert audio.status_code == 200
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.communicate(timeout=30)


@posix_only
def test_readme_command_sets_up_and_serves(tmp_path: Path) -> None:
    """README's first command, in a fresh copy, makes an environment and starts a server that speaks."""
    copy = fresh_copy(tmp_path)

    speaks(["bash", "-c", SERVE[0]], copy)


@posix_only
def test_wheel_serves_from_an_empty_environment(tmp_path: Path) -> None:
    """The built wheel carries documents and fixtures: installed alone, it serves from any folder."""
    built = tmp_path / "dist"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)],
        cwd=fresh_copy(tmp_path / "copy"),
        check=True,
        capture_output=True,
    )
    wheel = next(built.glob("*.whl"))
    venv.create(tmp_path / "env", with_pip=True)
    bin_folder = tmp_path / "env" / "bin"
    subprocess.run(
        [str(bin_folder / "pip"), "install", "-q", "-c", str(ROOT / "constraints.txt"), str(wheel)],
        check=True,
        env=environment(),
    )

    speaks([str(bin_folder / "kling-mock"), "serve"], tmp_path)

    listed = subprocess.run(
        [str(bin_folder / "pip"), "list", "--format", "freeze"],
        check=True,
        capture_output=True,
        text=True,
        env=environment(),
    )
    # The server installs without the test stack.
    assert not re.search("(?m)^(pytest|hypothesis|schemathesis)==", listed.stdout)
