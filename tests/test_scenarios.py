"""The scenarios of a fixtures folder, and the magic values that choose them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.errors import Reason
from mock_server.core.scenario import Scenario, UnknownScenario
from mock_server.core.task import TaskKind, check_timeline
from mock_server.datafile import BrokenFile
from mock_server.scenarios import Scenarios
from tests.support.bench import scenarios, scenarios_in
from tests.support.places import FIXTURES, copy_of, edit
from tests.support.tasks import DEFAULT_PLAN, SUCCEED, quick

SHIPPED = scenarios()
NAMES = [
    "cb-ahead",
    "cb-bad-sign",
    "cb-behind",
    "cb-burst",
    "cb-contradicts",
    "cb-early",
    "cb-late",
    "cb-malformed",
    "cb-new-field",
    "cb-replay",
    "cb-twice",
    "cut-answer",
    "data-array",
    "default",
    "delete-no-data",
    "expired-url",
    "flaky-auth",
    "gateway-page",
    "hang",
    "late-visible",
    "lost-answer",
    "maintenance",
    "new-field",
    "no-balance",
    "no-callback",
    "no-result",
    "noisy",
    "not-json",
    "rate-limit",
    "risk-control",
    "server-error",
    "slots-full",
    "slow",
    "stuck",
    "succeeded",
    "timeout-created",
    "token-expires",
    "too-short",
    "varying",
]
VOICE, SPEECH = TaskKind.CUSTOM_VOICE, TaskKind.SPEECH
MAGIC = yaml.safe_load((FIXTURES / "magic.yaml").read_text("utf-8"))["magic"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the fixtures that may be broken; it is usable before."""
    copy = copy_of(FIXTURES, tmp_path)
    scenarios_in(copy)
    return copy


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """An empty folder of the user's own scenarios."""
    folder = tmp_path / "own"
    folder.mkdir()
    return folder


def write(folder: Path, name: str, *plans: str, ending: str = ".yaml") -> Path:
    """A scenario file of one's own."""
    lines = [f"name: {name}", "summary: mine", "evidence: assumed", "source: me", *plans]
    path = folder / f"{name}{ending}"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def refusal(folder: Path, **options: Any) -> str:
    """The words, one line, with which a folder, or the first scenario of it that is broken, is refused."""
    with pytest.raises(BrokenFile) as refused:
        list(scenarios_in(folder, **options))
    assert "\n" not in str(refused.value)
    return str(refused.value)


# ---- what is shipped ------------------------------------------------------------------------


def test_the_shipped_scenarios() -> None:
    """The scenarios that come with the mock, each with evidence and a source, each with legal plans."""
    assert [scenario.name for scenario in SHIPPED] == NAMES
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
    default = SHIPPED.named("default")
    assert set(default.plans) == set(TaskKind)
    for kind in TaskKind:
        assert SHIPPED.default_for(kind) is default
    assert default.plans[VOICE].timeline == DEFAULT_PLAN
    (only,) = default.plans[SPEECH].timeline
    assert (only.status, only.after_ms) == (SUCCEED, 0)


def test_a_plan_without_a_timeline_has_that_of_the_default() -> None:
    """A scenario that is about faults alone lets its tasks evolve as by default."""
    for name in ("lost-answer", "no-callback", "expired-url"):
        for kind, plan in SHIPPED.named(name).plans.items():
            assert plan.timeline == SHIPPED.named("default").plans[kind].timeline


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
        ("zzz", "one of " + ", ".join(NAMES)),
        ("", "one of cb-ahead"),
    ],
)
def test_an_unknown_scenario_names_the_nearest(name: str, words: str) -> None:
    """A name that no scenario has is refused with the nearest one, or with all of them."""
    with pytest.raises(UnknownScenario) as refused:
        SHIPPED.named(name)
    assert repr(name) in str(refused.value)
    assert words in str(refused.value)


def test_bundled_scenarios_are_read_when_they_are_asked_for(folder: Path) -> None:
    """A start reads the default scenario only; another that is broken is told when it is asked for, and each time."""
    path = folder / "scenarios" / "slow.yaml"
    path.write_text("name: [", "utf-8")
    found = scenarios_in(folder)
    assert found.named("stuck").name == "stuck"
    for _ in range(2):
        with pytest.raises(BrokenFile, match="not YAML"):
            found.named("slow")
    path.write_text((FIXTURES / "scenarios" / "slow.yaml").read_text("utf-8"), "utf-8")
    assert found.named("slow") is found.named("slow")


@pytest.mark.parametrize("name", ["slow", "default", "no-callback"])
def test_another_scenario_can_be_the_default(name: str) -> None:
    """What is followed when nobody asks can be any scenario; a kind it has no plan for follows ``default``."""
    found = scenarios_in(FIXTURES, scenario=name)
    for kind in TaskKind:
        assert found.default_for(kind) is found.named(name)
    found = scenarios_in(FIXTURES, scenario="noisy")
    assert found.default_for(VOICE) is found.named("noisy")
    assert found.default_for(SPEECH) is found.named("default")


def test_an_unknown_default_is_refused() -> None:
    """A default scenario that does not exist is refused at the start, with the nearest."""
    with pytest.raises(UnknownScenario, match="unknown scenario 'slwo'; did you mean 'slow'"):
        scenarios_in(FIXTURES, scenario="slwo")


# ---- magic values ---------------------------------------------------------------------------


def asked(field: str, value: str, book: Scenarios = SHIPPED) -> list[Scenario | None]:
    """The scenarios that a value of a field asks for, for each kind of task that has the field."""
    kinds = {"text": [SPEECH], "voice_name": [VOICE], "voice_url": [VOICE]}.get(
        field, list(TaskKind)
    )
    return [book.asked_for(kind, {field: value}) for kind in kinds]


@pytest.mark.parametrize("row", MAGIC, ids=str)
def test_every_magic_value_chooses_its_scenario(row: dict[str, str]) -> None:
    """Each row of the table works: alone, before other words, and as a file name in any folder."""
    scenario = SHIPPED.named(row["scenario"])
    word, name = row["word"], row["file"]
    for spelling in (word, f"{word} and more", f"{word} "):
        for kind, field in ((SPEECH, "text"), (VOICE, "voice_name")):
            expected = scenario if kind in scenario.plans else None
            assert asked(field, spelling) == [expected]
    for url in (
        f"https://h/{name}.mp3",
        f"http://h:1/a/b/{name}.wav?x=1#y",
        f"https://h/{name}",
        f"https://h/{name}.mp3?u=http://h/other.mp3",
    ):
        assert asked("voice_url", url) == [scenario]


def test_every_scenario_but_the_default_has_a_word_and_a_file() -> None:
    """Each scenario can be asked for by ``mock:`` and its name, and by a file of ``mock-`` and its name."""
    rows = [
        {"scenario": name, "word": f"mock:{name}", "file": f"mock-{name}"}
        for name in NAMES
        if name != "default"
    ]
    assert rows == MAGIC
    # A voice_name has at most 20 characters (documented).
    assert all(len(row["word"]) <= 20 for row in MAGIC)


@pytest.mark.parametrize("row", MAGIC, ids=str)
def test_what_only_resembles_a_magic_value_chooses_nothing(row: dict[str, str]) -> None:
    """A value with something around it, in another field, or in another case, is ordinary."""
    word, name = row["word"], row["file"]
    for other in (f" {word}", f"x{word}", f"{word}x", f"{word}\n", word.upper()):
        assert asked("text", other) == asked("voice_name", other) == [None]
    assert SHIPPED.asked_for(VOICE, {"text": word, "video_id": word}) is None
    assert SHIPPED.asked_for(SPEECH, {"voice_name": word}) is None
    for url in (f"https://h/{name}x.mp3", f"https://h/{name}/a.mp3", f"https://h/a?{name}.mp3"):
        assert asked("voice_url", url) == [None]
    assert asked("callback_url", f"https://h/{name}.mp3") == [None, None]
    assert SHIPPED.asked_for(SPEECH, {"voice_url": f"https://h/{name}.mp3"}) is None


def test_of_two_magic_values_the_name_wins() -> None:
    """The magic value of the name goes before that of the URL, also when it does not apply."""
    body = {"voice_name": "mock:slow", "voice_url": "http://h/mock-noisy.mp3"}
    assert SHIPPED.asked_for(VOICE, body) is SHIPPED.named("slow")


@pytest.mark.parametrize(
    "url", ["http://mock-stuck", "https://mock-noisy.test", "http://mock-slow?x"]
)
def test_a_host_is_no_file_name(url: str) -> None:
    """A URL without a path has no file name, so its host chooses nothing."""
    assert asked("voice_url", url) == [None]


@quick
@given(st.text(":/?#.@[]ab \ud800", max_size=10))
def test_any_text_may_be_asked_about(text: str) -> None:
    """No text breaks the search for magic values, and ordinary text chooses nothing."""
    for field in ("text", "voice_name", "voice_url"):
        assert asked(field, text) == [None]


def test_magic_values_can_be_switched_off() -> None:
    """Without magic every value is ordinary; scenarios are still known by name."""
    plain = scenarios_in(FIXTURES, magic=False)
    for row in MAGIC:
        assert (
            asked("text", row["word"], plain) == asked("voice_name", row["word"], plain) == [None]
        )
        assert asked("voice_url", f"http://h/{row['file']}.mp3", plain) == [None]
    assert plain.named("slow").name == "slow"
    assert plain.magic_of(plain.named("slow")) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_knows_its_magic_values(name: str) -> None:
    """The magic values that are listed for a scenario are those that choose it, and no field is missing."""
    scenario = SHIPPED.named(name)
    rows = SHIPPED.magic_of(scenario)
    fields = [row["field"] for row in rows]
    expected = {VOICE: ["voice_name", "voice_url"], SPEECH: ["text"]}
    if name == "default":
        assert rows == []
    else:
        assert sorted(fields) == sorted(item for kind in scenario.plans for item in expected[kind])
    for row in rows:
        value = row.get("value") or f"http://h/{row['file']}.mp3"
        assert asked(row["field"], value) == [scenario]


# ---- the user's own -------------------------------------------------------------------------

SHORT = "custom_voice: {timeline: [{status: submitted, at: 0}, {status: succeed, at: 1}]}"


def ends_at(scenario: Scenario) -> int | None:
    """When a voice of a scenario is ready."""
    return scenario.plans[VOICE].timeline[-1].after_ms


@pytest.mark.parametrize("ending", [".yaml", ".yml"])
def test_own_scenarios_stand_beside_the_bundled(own: Path, ending: str) -> None:
    """The scenarios of a folder of one's own are known by name and listed, and the bundled ones still are."""
    write(own, "mine", SHORT, ending=ending)
    found = scenarios_in(FIXTURES, scenarios=str(own))
    assert ends_at(found.named("mine")) == 1000
    assert [scenario.name for scenario in found] == sorted([*NAMES, "mine"])


def test_one_file_can_be_given(own: Path) -> None:
    """Instead of a folder one file may be named."""
    write(own, "other", SHORT)
    path = write(own, "mine", SHORT)
    found = scenarios_in(FIXTURES, scenarios=str(path))
    assert [scenario.name for scenario in found] == sorted([*NAMES, "mine"])


def test_an_own_scenario_replaces_the_bundled_one_of_its_name(own: Path) -> None:
    """Of two scenarios with one name the user's own counts, by name and by magic value."""
    write(own, "slow", SHORT)
    found = scenarios_in(FIXTURES, scenarios=str(own))
    assert ends_at(found.named("slow")) == 1000
    assert asked("voice_name", "mock:slow", found) == [found.named("slow")]
    assert asked("text", "mock:slow", found) == [None]


def test_an_own_scenario_can_be_the_default(own: Path) -> None:
    """The setting scenario may name one of one's own."""
    write(own, "mine", SHORT)
    found = scenarios_in(FIXTURES, scenarios=str(own), scenario="mine")
    assert found.default_for(VOICE) is found.named("mine")
    assert found.default_for(SPEECH) is found.named("default")


@pytest.mark.parametrize("name", ["a", "z"])
def test_an_own_default_counts_everywhere(own: Path, name: str) -> None:
    """A default of one's own is what all plans without a timeline follow, whatever the order of the names."""
    speech = "speech: {timeline: [{status: succeed, at: 0}]}"
    write(own, "default", SHORT, speech)
    write(own, name, "custom_voice: {callbacks: {firing: never}}")
    found = scenarios_in(FIXTURES, scenarios=str(own))
    for scenario in ("default", name, "no-callback"):
        assert ends_at(found.named(scenario)) == 1000


def test_an_own_default_needs_a_plan_for_every_kind(own: Path) -> None:
    """A default of one's own that lacks a kind of task is refused at the start, by file."""
    path = write(own, "default", SHORT)
    said = refusal(FIXTURES, scenarios=str(own))
    assert str(path) in said
    assert "speech" in said


def test_own_scenarios_are_read_at_the_start(own: Path) -> None:
    """A mistake in a file of one's own is told at once, and not when a client asks."""
    path = write(own, "mine", "custom_voice: {timelin: []}")
    with pytest.raises(BrokenFile) as refused:
        scenarios_in(FIXTURES, scenarios=str(own))
    assert str(refused.value).startswith(f"{path}:5: custom_voice: ")
    assert "unknown key 'timelin'; did you mean 'timeline'?" in str(refused.value)


def test_what_is_not_there_is_named(own: Path) -> None:
    """A file or folder of one's own that does not exist is refused."""
    with pytest.raises(BrokenFile, match="no such file or folder") as refused:
        scenarios_in(FIXTURES, scenarios=str(own / "away"))
    assert str(refused.value).startswith(f"{own / 'away'}:")


def test_one_name_in_two_endings_is_refused(own: Path) -> None:
    """Of two own files for one scenario neither is dropped in silence."""
    write(own, "mine", SHORT, ending=".yaml")
    write(own, "mine", SHORT, ending=".yml")
    assert "mine" in refusal(FIXTURES, scenarios=str(own))


def magic(folder: Path, *rows: str) -> Path:
    """A magic table of one's own."""
    path = folder / "magic.yaml"
    path.write_text("magic:\n" + "".join(f"  - {{{row}}}\n" for row in rows), "utf-8")
    return path


def test_an_own_magic_table_adds_values(own: Path) -> None:
    """magic.yaml of one's own folder is no scenario; its words and files choose beside those that are bundled."""
    write(own, "mine", SHORT)
    magic(own, "scenario: mine, word: hurry, file: hurry-up", "scenario: slow, word: slowly")
    found = scenarios_in(FIXTURES, scenarios=str(own))
    mine, slow = found.named("mine"), found.named("slow")
    assert asked("voice_name", "hurry up", found) == [mine]
    assert asked("voice_url", "http://h/hurry-up.mp3", found) == [mine]
    assert asked("text", "hurry", found) == [None]
    assert asked("text", "slowly", found) == asked("text", "mock:slow", found) == [slow]
    assert asked("voice_url", "http://h/mock-slow.mp3", found) == [slow]
    assert {"field": "text", "value": "slowly"} in found.magic_of(slow)


def test_an_own_magic_value_goes_before_the_bundled(own: Path) -> None:
    """A word that is bundled can be given another meaning; the other scenario then does not list it any more."""
    write(own, "mine", SHORT)
    magic(own, 'scenario: mine, word: "mock:slow"')
    found = scenarios_in(FIXTURES, scenarios=str(own))
    assert asked("voice_name", "mock:slow", found) == [found.named("mine")]
    assert {"field": "voice_name", "value": "mock:slow"} in found.magic_of(found.named("mine"))
    values = [row.get("value") for row in found.magic_of(found.named("slow"))]
    assert "mock:slow" not in values


def test_an_own_magic_table_is_not_read_without_magic(own: Path) -> None:
    """With magic switched off the own table is not read either."""
    write(own, "mine", SHORT)
    magic(own, "nonsense")
    found = scenarios_in(FIXTURES, scenarios=str(own), magic=False)
    assert asked("voice_name", "mock:slow", found) == [None]


def test_own_magic_of_an_unknown_scenario_is_refused(own: Path) -> None:
    """A magic value that leads nowhere is refused at the start, with line and nearest name."""
    write(own, "mine", SHORT)
    path = magic(own, "scenario: mine, word: a", "scenario: miner, word: b")
    said = refusal(FIXTURES, scenarios=str(own))
    assert said.startswith(f"{path}:3: ")
    assert "unknown scenario 'miner'; did you mean 'mine'?" in said


# ---- broken folders -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("slow", "summary: a custom", "sumary: a custom", "did you mean 'summary'?"),
        ("slow", "evidence: assumed", "evidence: asumed", "did you mean 'assumed'?"),
        ("slow", "status: submitted, at: 0}\n    - {status: processing, at: 30}",
         "status: submited, at: 0}\n    - {status: processing, at: 30}", "did you mean 'submitted'?"),
        ("slow", "name: slow", "name: Slow", "name:"),
        ("slow", "name: slow", "name: sloow", "name: must be that of the file, 'slow'"),
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
         "custom_voice.timeline[1]: step 2: submitted cannot become submitted"),
        ("at: 300", "at: 29", "custom_voice.timeline[2]: step 3 comes before step 2"),
        ("processing, at: 30}", "processing, at: never}",
         "custom_voice.timeline[2]: step 3 has a time but follows"),
    ],
)  # fmt: skip
def test_an_illegal_timeline_is_named(folder: Path, old: str, new: str, words: str) -> None:
    """A timeline that makes an illegal step is refused with the step, on its own line."""
    path = folder / "scenarios" / "slow.yaml"
    edit(path, old, new)
    index = int(words.partition("[")[2].partition("]")[0])
    line = path.read_text("utf-8").splitlines().index("  timeline:") + 2 + index
    assert refusal(folder).startswith(f"{path}:{line}: {words}")


STUCK = '{scenario: stuck, word: "mock:stuck", file: mock-stuck}'


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ('{scenari: stuck, word: "mock:stuck"}', "unknown key 'scenari'; did you mean 'scenario'?"),
        ('{scenario: stuck, word: "mock stuck"}', "word: "),
        ("{scenario: stuck, file: a/b}", "file: "),
        ("{scenario: stuck}", "word"),
        ('{word: "mock:stuck"}', "scenario"),
        ('{scenario: stuck, word: "mock:slow"}', "'mock:slow' stands twice"),
        ("{scenario: stuck, file: mock-slow}", "'mock-slow' stands twice"),
    ],
)
def test_a_broken_magic_row_is_named(folder: Path, new: str, words: str) -> None:
    """A row of the magic table that cannot be used is refused with its line and the remedy, as is a second one."""
    path = folder / "magic.yaml"
    line = edit(path, STUCK, new)
    said = refusal(folder)
    assert said.startswith(f"{path}:{line}: ")
    assert words in said


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
    assert scenarios_in(folder, magic=False).named("default").name == "default"
