"""``kling-mock scenarios`` and ``kling-mock behaviours``: what a server would do, said without one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import jsonschema_rs
import pytest
import yaml

from mock_server import RunningServer
from mock_server.cli import main
from tests.http.process import run
from tests.support.places import FIXTURES, copy_of
from tests.test_cli import is_one_line

OWN = """\
name: mine
summary: a scenario of my own
evidence: assumed
source: made up
custom_voice:
  timeline:
    - {status: submitted, at: 0}
    - {status: failed, at: 1, message: Too loud}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with a scenario and a magic value of the user's own."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "mine.yaml").write_text(OWN, "utf-8")
    (folder / "magic.yaml").write_text("magic:\n- {word: 'my:word', scenario: mine}\n", "utf-8")
    return folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file and no variables of the machine's."""
    monkeypatch.chdir(tmp_path)
    for name in ("SCENARIOS", "SCENARIO", "FIXTURES", "MAGIC", "BEHAVIOUR", "CONFIG"):
        monkeypatch.delenv(f"KLING_MOCK_{name}", raising=False)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command that succeeds prints."""
    capsys.readouterr()
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def rows(text: str) -> dict[str, list[str]]:
    """The rows of a table by their first cell."""
    cells = [re.split("  +", line) for line in text.splitlines()[1:]]
    return {row[0]: row for row in cells}


def of_server(path: str, **options: Any) -> Any:
    """What the control API of a server with these settings answers."""
    with RunningServer(**options) as server, httpx2.Client(trust_env=False) as http:
        url = f"{server.base_url}/__mock__{path}"
        return http.get(url, headers={"authorization": "Bearer k"}).json()


def test_scenarios_are_a_row_each(capsys: pytest.CaptureFixture[str]) -> None:
    """Each scenario of the fixtures has a row: name, kinds, magic word, magic file, summary."""
    found = rows(printed(capsys, "scenarios"))

    assert set(found) == {path.stem for path in (FIXTURES / "scenarios").glob("*.yaml")}
    assert found["slow"][1:4] == ["speech, custom_voice", "mock:slow", "mock-slow"]
    assert found["default"][2:4] == ["-", "-"]
    assert found["noisy"][1] == "custom_voice"
    assert all(row[4] for row in found.values())


def test_scenarios_are_what_a_server_would_say(
    capsys: pytest.CaptureFixture[str], own: Path
) -> None:
    """With --json it is what listScenarios of a server with the same settings answers, the user's own among them."""
    listed = json.loads(printed(capsys, "scenarios", "--json", "--scenarios", str(own)))

    assert listed == of_server("/scenarios", scenarios=str(own))
    mine = next(item for item in listed["scenarios"] if item["name"] == "mine")
    assert mine == {
        "name": "mine",
        "summary": "a scenario of my own",
        "evidence": "assumed",
        "source": "made up",
        "kinds": ["custom_voice"],
        "magic": [{"field": "voice_name", "value": "my:word"}],
    }


def test_scenarios_come_from_where_serve_takes_them(
    capsys: pytest.CaptureFixture[str], own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable and kling-mock.toml count as they do for serve; --no-magic leaves out the words."""
    monkeypatch.setenv("KLING_MOCK_SCENARIOS", str(own))
    assert "mine" in rows(printed(capsys, "scenarios"))
    assert rows(printed(capsys, "scenarios", "--no-magic"))["slow"][2:4] == ["-", "-"]
    monkeypatch.delenv("KLING_MOCK_SCENARIOS")
    (tmp_path / "kling-mock.toml").write_text(f"scenarios = {str(own)!r}\n", "utf-8")
    assert "mine" in rows(printed(capsys, "scenarios"))


def test_schema_is_in_one_piece(capsys: pytest.CaptureFixture[str], own: Path) -> None:
    """--schema prints a JSON Schema that is whole: every scenario keeps it, and a broken one does not."""
    schema = json.loads(printed(capsys, "scenarios", "--schema"))
    validator = jsonschema_rs.validator_for(schema)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(schema)))
    assert references
    assert all(reference.startswith("#/") for reference in references)
    for path in [*(FIXTURES / "scenarios").glob("*.yaml"), own / "mine.yaml"]:
        value = yaml.safe_load(path.read_text("utf-8"))
        assert validator.is_valid(value), path
        assert not validator.is_valid({**value, "sumary": "x"})
    fault = {"operation": "get", "fault": {"socket": "rset"}}
    assert not validator.is_valid({**yaml.safe_load(OWN), "speech": {"faults": [fault]}})


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["scenarios", "--scenarios", "no"], ["no: no such file or folder"]),
        (["scenarios", "--scenario", "slwo"], ["'slow'"]),
        (["scenarios", "--fixtures", "no"], ["no"]),
        (["scenarios", "--port", "1"], ["unknown option '--port'"]),
        (["scenarios", "slow"], ["unexpected argument 'slow'"]),
        (["behaviours", "--behaviour", "delete_anser=stub"], ["delete_answer"]),
        (["behaviours", "--speed", "1"], ["unknown option '--speed'"]),
    ],
)
def test_mistake_is_one_line(tmp_path: Path, words: list[str], named: list[str]) -> None:
    """What serve would refuse is refused in the same way: one line, exit code 2, nothing on stdout."""
    done = run(*words, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_line(done.stderr)
    for text in named:
        assert text in done.stderr


def test_broken_scenario_is_named(tmp_path: Path) -> None:
    """A bundled scenario that is broken is named with its line, although serve would read it only when asked for."""
    folder = copy_of(FIXTURES, tmp_path)
    (folder / "scenarios" / "slow.yaml").write_text("name: slow\nsumary: x\n", "utf-8")

    done = run("scenarios", "--fixtures", str(folder), cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "slow.yaml:" in done.stderr


def test_behaviours_are_the_readings_in_force(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each disputed rule has a row with the reading in force, wherever it was set, and the choices."""
    (tmp_path / "kling-mock.toml").write_text("[behaviour]\npage_size_max = '500'\n", "utf-8")

    found = rows(printed(capsys, "behaviours", "--behaviour", "delete_answer=stub"))

    assert found["delete_answer"][1:4] == ["stub", "record, stub, none", "observed"]
    assert found["page_size_max"][1] == "500"
    assert found["callback_firing"][1] == "changes"


def test_behaviours_are_what_a_server_would_say(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json it is what getBehaviours of a server with the same settings answers."""
    listed = json.loads(
        printed(capsys, "behaviours", "--json", "--behaviour", "both_sources=refuse")
    )

    assert listed == of_server("/behaviours", behaviour="both_sources=refuse")
    assert all(item["source"] for item in listed["behaviours"])
