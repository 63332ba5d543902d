"""The examples that the source documents print work against the mock.

Host, token and printed placeholders are filled in from one table, data/examples/fill.yaml; the rest is verbatim.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
import yaml

from mock_server.embedding import MockAccount

EXAMPLES = Path(__file__).parent / "data" / "examples"
FILL = yaml.safe_load((EXAMPLES / "fill.yaml").read_text(encoding="utf-8"))
NAMES = sorted(path.name for path in EXAMPLES.glob("*.txt"))
CURL = [name for name in NAMES if ".curl." in name]


def filled(name: str, values: dict[str, str]) -> str:
    """An example with the table's fillings; each row of the table must be found in it or in another."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    for row in [*FILL["everywhere"], *FILL["only"].get(name, [])]:
        filling: str = row["filled"]
        for key, value in values.items():
            filling = filling.replace("{" + key + "}", value)
        text = text.replace(row["printed"], filling)
    return text


def run(command: list[str], source: str | None = None) -> str:
    """Runs a command and returns what it printed."""
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    environment["PYTHONIOENCODING"] = "utf-8"
    done = subprocess.run(
        command, input=source, capture_output=True, encoding="utf-8", env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def node_has_fetch() -> bool:
    """Whether there is a node that can run the printed programs."""
    node = shutil.which("node")
    return node is not None and run([node, "-p", "typeof fetch"]).strip() == "function"


@pytest.fixture
def values(kling_mock: MockAccount) -> dict[str, str]:
    """What the table's names stand for, on an account that has one custom voice."""
    created = httpx2.post(
        f"{kling_mock.base_url}/v1/general/custom-voices",
        headers={"authorization": f"Bearer {kling_mock.api_key}"},
        json={"voice_name": "example", "voice_url": "https://example.com/voice.mp3"},
    ).json()
    kling_mock.clock.advance(9)
    return {
        "base_url": kling_mock.base_url,
        "api_key": kling_mock.api_key,
        "task_id": created["data"]["task_id"],
    }


def test_every_row_of_the_table_is_used() -> None:
    """The table fills in nothing that no document prints."""
    texts = {name: (EXAMPLES / name).read_text(encoding="utf-8") for name in NAMES}

    for row in FILL["everywhere"]:
        assert any(row["printed"] in text for text in texts.values()), row
    for name, rows in FILL["only"].items():
        for row in rows:
            assert row["printed"] in texts[name], (name, row)


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("sh")), reason="needs curl and sh")
@pytest.mark.parametrize("name", CURL)
def test_curl_example_succeeds(name: str, values: dict[str, str]) -> None:
    """A printed curl command, pasted into a shell, is answered with code 0 and data."""
    answer = json.loads(run(["sh"], filled(name, values)))

    assert answer["code"] == 0
    assert answer["data"]


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("ezmodel-en.py.txt", "Audio generated successfully: "),
        ("ezmodel-zh.py.txt", "音频生成成功: "),
    ],
)
def test_python_example_succeeds(name: str, beginning: str, values: dict[str, str]) -> None:
    """A printed Python program prints the URL of its audio, which is served."""
    printed = run([sys.executable, "-"], filled(name, values))

    assert printed.startswith(beginning)
    audio = httpx2.get(printed.removeprefix(beginning).strip())
    assert audio.headers["content-type"] == "audio/mpeg"


@pytest.mark.skipif(not node_has_fetch(), reason="needs node with fetch (18 or newer)")
@pytest.mark.parametrize(
    ("name", "beginning"),
    [("ezmodel-en.js.txt", "Audio URL: "), ("ezmodel-zh.js.txt", "音频URL: ")],
)
def test_node_example_succeeds(name: str, beginning: str, values: dict[str, str]) -> None:
    """A printed JavaScript program prints the URL of its audio."""
    program = filled(name, values)

    printed = run(["node", "--input-type=module", "-"], program)

    assert printed.startswith(beginning + values["base_url"])
