"""The scenarios of a fixtures folder, and the magic values that choose them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.errors import Reason
from mock_server.core.scenario import Scenario, UnknownScenario
from mock_server.core.task import TaskKind, check_timeline
from mock_server.datafile import BrokenFile
from mock_server.scenarios import Scenarios
from tests.support.places import FIXTURES, copy_of, edit
from tests.support.tasks import DEFAULT_PLAN, SUCCEED, quick

SHIPPED = Scenarios(FIXTURES)
MAGIC = yaml.safe_load((FIXTURES / "magic.yaml").read_text("utf-8"))["magic"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the fixtures that may be broken; it is usable before."""
    copy = copy_of(FIXTURES, tmp_path)
    Scenarios(copy)
    return copy


def refusal(folder: Path) -> str:
    """The words, one line, with which a folder is refused."""
    with pytest.raises(BrokenFile) as refused:
        Scenarios(folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# ---- what is shipped ------------------------------------------------------------------------


def test_the_shipped_scenarios() -> None:
    """The scenarios that come with the mock, each with evidence and a source, each with legal plans."""
    names = [scenario.name for scenario in SHIPPED]
    assert sorted(names) == ["default", "noisy", "risk-control", "slow", "stuck", "too-short"]
    for scenario in SHIPPED:
        assert scenario.evidence in {"documented", "observed", "assumed"}
        assert scenario.source
        assert scenario.plans
        for plan in scenario.plans.values():
            assert check_timeline(plan.timeline) is plan.timeline
        assert SHIPPED.named(scenario.name) is scenario


def test_each_scenario_stands_in_the_file_of_its_name() -> None:
    """A scenario is found where one looks for it."""
    assert {path.stem for path in (FIXTURES / "scenarios").iterdir()} == {
        scenario.name for scenario in SHIPPED
    }


def test_the_default_has_a_plan_for_every_kind() -> None:
    """By default a voice takes 0, 2 and 9 seconds, and speech is ready at once."""
    assert SHIPPED.default is SHIPPED.named("default")
    assert set(SHIPPED.default.plans) == set(TaskKind)
    assert SHIPPED.default.plans[TaskKind.CUSTOM_VOICE].timeline == DEFAULT_PLAN
    (only,) = SHIPPED.default.plans[TaskKind.SPEECH].timeline
    assert (only.status, only.after_ms) == (SUCCEED, 0)


def test_risk_control_can_refuse_speech() -> None:
    """Risky text is refused with the reason of code 1301, in the words that were observed."""
    refusal = SHIPPED.named("risk-control").plans[TaskKind.SPEECH].refusal
    assert refusal is not None
    assert refusal.reason is Reason.CONTENT_POLICY
    assert refusal.message == "Failure to pass the risk control system"


def test_a_stuck_task_never_ends() -> None:
    """The scenario stuck has no terminal step."""
    for plan in SHIPPED.named("stuck").plans.values():
        assert plan.timeline[-1].status == "processing"


# ---- names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("slwo", "did you mean 'slow'?"),
        ("risk_control", "did you mean 'risk-control'?"),
        ("Default", "did you mean 'default'?"),
        ("zzz", "one of default, noisy, risk-control, slow, stuck, too-short"),
        ("", "one of default"),
    ],
)
def test_an_unknown_scenario_names_the_nearest(name: str, words: str) -> None:
    """A name that no scenario has is refused with the nearest one, or with all of them."""
    with pytest.raises(UnknownScenario) as refused:
        SHIPPED.named(name)
    assert repr(name) in str(refused.value)
    assert words in str(refused.value)


# ---- magic values ---------------------------------------------------------------------------


def choice(field: str, value: str) -> Scenario | None:
    """The scenario that a value of a field chooses."""
    if field == "voice_url":
        return SHIPPED.of_url(field, value)
    return SHIPPED.of_words(field, value)


@pytest.mark.parametrize("row", MAGIC, ids=str)
def test_every_magic_value_chooses_its_scenario(row: dict[str, str]) -> None:
    """Each row of the table works: alone, before other words, and as a file name in any folder."""
    expected = SHIPPED.named(row["scenario"])
    if "value" in row:
        spellings = [row["value"], row["value"] + " and more", row["value"] + " "]
    else:
        name = row["file"]
        spellings = [
            f"https://h/{name}.mp3",
            f"http://h:1/a/b/{name}.wav?x=1#y",
            f"https://h/{name}",
            f"https://h/{name}.mp3?u=http://h/other.mp3",
        ]
    for spelling in spellings:
        assert choice(row["field"], spelling) is expected


@pytest.mark.parametrize("row", MAGIC, ids=str)
def test_what_only_resembles_a_magic_value_chooses_nothing(row: dict[str, str]) -> None:
    """A value with something around it, in another field, or in another case, is ordinary."""
    if "value" in row:
        value = row["value"]
        for other in (f" {value}", f"x{value}", f"{value}x", f"{value}\n", value.upper()):
            assert choice(row["field"], other) is None
        assert SHIPPED.of_words("video_id", value) is None
    else:
        name = row["file"]
        for url in (f"https://h/{name}x.mp3", f"https://h/{name}/a.mp3", f"https://h/a?{name}.mp3"):
            assert choice("voice_url", url) is None
        assert SHIPPED.of_url("callback_url", f"https://h/{name}.mp3") is None


@pytest.mark.parametrize(
    "url", ["http://mock-stuck", "https://mock-noisy.test", "http://mock-slow?x"]
)
def test_a_host_is_no_file_name(url: str) -> None:
    """A URL without a path has no file name, so its host chooses nothing."""
    assert SHIPPED.of_url("voice_url", url) is None


@quick
@given(st.text(":/?#.@[]ab \ud800", max_size=10))
def test_any_text_may_be_asked_about(text: str) -> None:
    """No text breaks the search for magic values, and ordinary text chooses nothing."""
    assert SHIPPED.of_words("text", text) is None
    assert SHIPPED.of_url("voice_url", text) is None


def test_magic_values_can_be_switched_off() -> None:
    """Without magic every value is ordinary; scenarios are still known by name."""
    plain = Scenarios(FIXTURES, magic=False)
    for row in MAGIC:
        assert plain.of_words(row["field"], row.get("value", "")) is None
        assert plain.of_url(row["field"], f"http://h/{row.get('file', '')}.mp3") is None
    assert plain.named("slow").name == "slow"


# ---- broken folders -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("slow", "summary: a custom", "sumary: a custom", "did you mean 'summary'?"),
        ("slow", "evidence: assumed", "evidence: asumed", "did you mean 'assumed'?"),
        ("slow", "status: submitted, at: 0}\n    - {status: processing, at: 30}",
         "status: submited, at: 0}\n    - {status: processing, at: 30}", "did you mean 'submitted'?"),
        ("slow", "name: slow", "name: Slow", "name:"),
        ("slow", "at: 300", "at: soon", "at"),
        ("slow", "at: 300", "at: -1", "at"),
        ("slow", "at: 300", "at: .nan", "at"),
        ("slow", "at: 300", "after: 300", "unknown key 'after'"),
        ("noisy", ", message: The voice must be clean and contain only one human voice", "", "message"),
        ("risk-control", "reason: content_policy", "reason: content_polcy",
         "speech.refusal.reason: unknown reason 'content_polcy'; did you mean 'content_policy'?"),
        ("risk-control", "refusal: {reason", "refusl: {reason", "did you mean 'refusal'?"),
    ],
)  # fmt: skip
def test_a_broken_scenario_is_named(
    folder: Path, file: str, old: str, new: str, words: str
) -> None:
    """A scenario that cannot be used is refused with file, line, key and remedy."""
    path = folder / "scenarios" / f"{file}.yaml"
    line = edit(path, old, new)
    said = refusal(folder)
    assert words in said
    place, number, _ = said.split(":", 2)
    assert place == str(path)
    # An unknown key is reported where its object begins.
    assert 1 <= int(number) <= line


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("status: processing, at: 30", "status: submitted, at: 30",
         "custom_voice.timeline: step 2: submitted cannot become submitted"),
        ("at: 300", "at: 29", "step 3 comes before step 2"),
        ("processing, at: 30}", "processing, at: never}", "step 3 has a time but follows"),
    ],
)  # fmt: skip
def test_an_illegal_timeline_is_named(folder: Path, old: str, new: str, words: str) -> None:
    """A timeline that makes an illegal step is refused with the step, on the line where the timeline begins."""
    path = folder / "scenarios" / "slow.yaml"
    edit(path, old, new)
    begins = path.read_text("utf-8").splitlines().index("  timeline:") + 2
    said = refusal(folder)
    assert said.startswith(f"{path}:{begins}: ")
    assert words in said


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"mock:slow", scenario: slow}\n  - {field: text, value: "mock:stuck"',
         '"mock:slow", scenario: slwo}\n  - {field: text, value: "mock:stuck"',
         "magic[1].scenario: unknown scenario 'slwo'; did you mean 'slow'?"),
        ('{field: text, value: "mock:stuck", scenario: stuck}',
         '{field: text, value: "mock:stuck", scenario: noisy}',
         "scenario 'noisy' has no speech plan, which text asks for"),
        ('{field: text, value: "mock:stuck"', '{field: txt, value: "mock:stuck"', "did you mean 'text'?"),
        ('{field: text, value: "mock:stuck"', '{field: text, value: "mock stuck"', "value"),
        ('{field: text, value: "mock:stuck"', '{field: text, file: x, value: "y"', "magic[2]"),
    ],
)  # fmt: skip
def test_a_broken_magic_row_is_named(folder: Path, old: str, new: str, words: str) -> None:
    """A row of the magic table that cannot be used is refused with its line and the remedy."""
    path = folder / "magic.yaml"
    line = edit(path, old, new)
    said = refusal(folder)
    assert said.startswith(f"{path}:{line}: ")
    assert words in said


def test_a_magic_value_that_stands_twice_is_refused(folder: Path) -> None:
    """Of two rows for one value neither is dropped in silence."""
    path = folder / "magic.yaml"
    line = edit(
        path,
        '{field: text, value: "mock:stuck", scenario: stuck}',
        '{field: text, value: "mock:slow", scenario: stuck}',
    )
    said = refusal(folder)
    assert said.startswith(f"{path}:{line}: ")
    assert "mock:slow" in said


def test_a_scenario_that_stands_twice_is_refused(folder: Path) -> None:
    """Two files that give one scenario are refused with the second's file and line, and the name."""
    path = folder / "scenarios" / "zz.yaml"
    path.write_text((folder / "scenarios" / "slow.yaml").read_text("utf-8"), "utf-8")
    said = refusal(folder)
    assert said.startswith(f"{path}:1: ")
    assert "'slow'" in said


def test_a_default_is_needed_for_every_kind(folder: Path) -> None:
    """A default scenario that lacks a kind of task is refused when it is read, not when a client asks."""
    path = folder / "scenarios" / "default.yaml"
    edit(path, "speech:\n  timeline:\n    - {status: succeed, at: 0}\n", "")
    said = refusal(folder)
    assert str(path) in said
    assert "speech" in said


@pytest.mark.parametrize("file", ["scenarios/slow.yaml", "magic.yaml", "schemas/scenario.yaml"])
def test_a_garbled_file_is_named(folder: Path, file: str) -> None:
    """A file that is not UTF-8 or not YAML is refused by name."""
    path = folder / file
    path.write_bytes(b"\xff\xfe")
    assert refusal(folder) == f"{path}: not UTF-8"
    path.write_text("name: [", "utf-8")
    assert refusal(folder).startswith(f"{path}:")


@pytest.mark.parametrize("file", ["magic.yaml", "schemas/magic.yaml", "schemas/scenario.yaml"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    """A file that is needed and not there is refused by name."""
    (folder / file).unlink()
    assert refusal(folder).startswith(f"{folder / file}: No such file")


@pytest.mark.parametrize("missing", ["scenarios/default.yaml", "scenarios"])
def test_a_folder_without_a_default_is_refused(folder: Path, missing: str) -> None:
    """A folder needs a scenario named default, and says where it was looked for."""
    path = folder / missing
    path.rename(folder / "away")
    said = refusal(folder)
    assert str(folder / "scenarios") in said
    assert "default" in said


def test_no_magic_table_is_needed_without_magic(folder: Path) -> None:
    """With magic switched off its table is not read."""
    (folder / "magic.yaml").unlink()
    assert Scenarios(folder, magic=False).default.name == "default"
