"""Reading one scenario file: what it becomes, and how each kind of mistake is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mock_server import datafile
from mock_server.core.delay import Lognormal, Uniform
from mock_server.core.errors import Reason
from mock_server.core.fault import ALWAYS, BodyFault, Commit, SocketFault, When
from mock_server.core.faulttext import FaultReader
from mock_server.core.media_url import URL_LIFE_MS
from mock_server.core.scenario import Refusal, Scenario
from mock_server.core.task import Step, TaskKind
from mock_server.datafile import BrokenFile
from mock_server.http.envelope import REASONS
from mock_server.scenario_file import ScenarioFiles
from tests.support.places import FIXTURES, OPENAPI
from tests.support.tasks import DEFAULT_PLAN, FAILED, PROCESSING, SUBMITTED, SUCCEED

VOICE, SPEECH = TaskKind.CUSTOM_VOICE, TaskKind.SPEECH
HEAD = "name: mine\nsummary: what happens\nevidence: assumed\nsource: me\n"
#: A plan that every mistake below is made in.
PLAN = """custom_voice:
  timeline:
    - {status: submitted, at: 0}
    - {status: processing, at: 2}
    - {status: failed, at: 4, message: too noisy}
  refusal: {reason: content_policy, message: refused}
  faults:
    - {operation: get, fault: reset, when: {count: 1}}
    - operation: create
      fault: {reason: rate_limit}
      when: {window: [1, 2]}
  callbacks: {firing: never}
  urls_expire_after: 60
"""


def schema() -> dict[str, Any]:
    """The schema of a scenario file, with what it refers to."""
    own = datafile.read(FIXTURES / "schemas" / "scenario.yaml")
    shared = datafile.read(OPENAPI / "components" / "faults.yaml")
    return {**own, "components": shared["components"]}


FILES = ScenarioFiles(schema, FaultReader(REASONS))
DEFAULT = FILES.scenario(FIXTURES / "scenarios" / "default.yaml", None)


def read(folder: Path, text: str, default: Scenario | None = DEFAULT) -> Scenario:
    """The scenario of a file with this text."""
    path = folder / "mine.yaml"
    path.write_text(text, "utf-8")
    return FILES.scenario(path, default)


def refusal(folder: Path, text: str, default: Scenario | None = DEFAULT) -> str:
    """Line and words, in one line, with which a text is refused."""
    with pytest.raises(BrokenFile) as refused:
        read(folder, text, default)
    said = str(refused.value)
    assert "\n" not in said
    place = f"{folder / 'mine.yaml'}:"
    assert said.startswith(place)
    return said.removeprefix(place)


# ---- what a file becomes --------------------------------------------------------------------


def test_a_file_is_a_scenario(tmp_path: Path) -> None:
    """A scenario has what its file says, in every part."""
    scenario = read(tmp_path, HEAD + PLAN)
    assert (scenario.name, scenario.summary) == ("mine", "what happens")
    assert (scenario.evidence, scenario.source) == ("assumed", "me")
    assert set(scenario.plans) == {VOICE}
    plan = scenario.plans[VOICE]
    assert plan.timeline == (
        Step(SUBMITTED, 0),
        Step(PROCESSING, 2000),
        Step(FAILED, 4000, "too noisy"),
    )
    assert plan.refusal == Refusal(Reason.CONTENT_POLICY, "refused")
    get, create = plan.faults
    assert (get.operation, get.fault.socket, get.when) == ("get", SocketFault.RESET, When(count=1))
    assert (create.operation, create.fault.reason) == ("create", Reason.RATE_LIMIT)
    assert (create.fault.commit, create.when) == (Commit.NEVER, When(window=(1, 2)))
    assert (plan.firing, plan.urls_live_ms) == ("never", 60_000)


def test_what_a_file_leaves_out_is_as_by_default(tmp_path: Path) -> None:
    """A plan of one key has the timeline of the default scenario, no fault, and URLs of thirty days."""
    plan = read(tmp_path, HEAD + "custom_voice: {callbacks: {firing: changes}}\n").plans[VOICE]
    assert plan.timeline == DEFAULT_PLAN
    assert (dict(plan.delays), plan.refusal, plan.faults) == ({}, None, ())
    assert plan.urls_live_ms == URL_LIFE_MS
    (fault,) = (
        read(tmp_path, HEAD + "speech: {faults: [{operation: create, fault: malformed}]}\n")
        .plans[SPEECH]
        .faults
    )
    assert (fault.fault.body, fault.when) == (BodyFault.MALFORMED, ALWAYS)


def test_a_plan_without_a_timeline_draws_as_the_default_does(tmp_path: Path) -> None:
    """Delays of the default scenario are drawn for scenarios without a timeline too."""
    default = FILES.scenario(FIXTURES / "scenarios" / "varying.yaml", DEFAULT)
    text = HEAD + "custom_voice: {callbacks: {firing: changes}}\n"
    plan = read(tmp_path, text, default).plans[VOICE]
    assert plan.timeline == default.plans[VOICE].timeline
    assert plan.delays == default.plans[VOICE].delays


def test_steps_may_be_drawn_or_never_come(tmp_path: Path) -> None:
    """A step comes at seconds, at a time that is drawn for each task, or never by itself."""
    text = """speech:
  timeline:
    - {status: submitted, at: 0}
    - {status: processing, at: {uniform: [0.5, 4]}}
    - {status: succeed, at: {lognormal: {median: 9, sigma: 0.5, max: 60}}}
custom_voice:
  timeline:
    - {status: submitted, at: 0.0}
    - {status: succeed, at: never}
"""
    scenario = read(tmp_path, HEAD + text)
    plan = scenario.plans[SPEECH]
    assert plan.delays == {1: Uniform(0.5, 4), 2: Lognormal(9, 0.5, 60)}
    assert [step.status for step in plan.timeline] == [SUBMITTED, PROCESSING, SUCCEED]
    never = scenario.plans[VOICE]
    assert [step.after_ms for step in never.timeline] == [0, None]
    assert dict(never.delays) == {}


@pytest.mark.parametrize(("seconds", "ms"), [("0.0004", 0), ("0.0005", 0), ("0.25", 250)])
def test_seconds_become_whole_milliseconds(tmp_path: Path, seconds: str, ms: int) -> None:
    """Times are kept in whole milliseconds."""
    text = f"speech: {{timeline: [{{status: submitted, at: 0}}, {{status: succeed, at: {seconds}}}]}}\n"
    assert read(tmp_path, HEAD + text).plans[SPEECH].timeline[1].after_ms == ms


def test_the_schema_is_read_once() -> None:
    """The schema is asked for when the first file is read, and not again."""
    calls: list[int] = []

    def counted() -> dict[str, Any]:
        calls.append(1)
        return schema()

    files = ScenarioFiles(counted, FaultReader(REASONS))
    assert calls == []
    for name in ("default", "slow"):
        files.scenario(FIXTURES / "scenarios" / f"{name}.yaml", DEFAULT)
    assert calls == [1]


# ---- mistakes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        # The head.
        ("name: mine", "name: yours", "1: name: must be that of the file, 'mine'"),
        ("name: mine", "name: Mine", "1: name: "),
        ("summary: what happens", "summary: ''", "2: summary: "),
        ("evidence: assumed", "evidence: guessed", "3: evidence: 'guessed' is none of documented, "),
        ("source: me", "sourc: me", "4: file: unknown key 'sourc'; did you mean 'source'?"),
        ("source: me\n", "", "1: file: "),
        (PLAN, "", "1: file: "),
        ("custom_voice:", "custom_voise:", "5: file: unknown key 'custom_voise'; did you mean 'custom_voice'?"),
        # Steps.
        ("  timeline:", "  timelin:", "6: custom_voice: unknown key 'timelin'; did you mean 'timeline'?"),
        ("status: submitted", "status: submited",
         "7: custom_voice.timeline[0].status: 'submited' is none of submitted, processing, succeed, failed; "
         "did you mean 'submitted'?"),
        ("status: processing, at: 2", "status: processing, after: 2",
         "8: custom_voice.timeline[1]: unknown key 'after'"),
        ("at: 2}", "at: soon}", "8: custom_voice.timeline[1].at: "),
        ("at: 2}", "at: -1}", "8: custom_voice.timeline[1].at: "),
        ("at: 2}", "at: true}", "8: custom_voice.timeline[1].at: "),
        ("at: 2}", "at: .inf}", "8: custom_voice.timeline[1].at: "),
        ("at: 2}", "at: {uniform: [2]}}", "8: custom_voice.timeline[1].at"),
        ("at: 2}", "at: {uniform: [3, 2]}}", "8: custom_voice.timeline[1].at: a delay is"),
        ("at: 2}", "at: {unifrm: [2, 3]}}",
         "8: custom_voice.timeline[1].at: unknown key 'unifrm'; did you mean 'uniform'?"),
        ("at: 2}", "at: {lognormal: {median: 1}}}", "8: custom_voice.timeline[1].at.lognormal: "),
        (", message: too noisy", "", "9: custom_voice.timeline[2]: "),
        ("processing, at: 2", "processing, at: 2, message: x", "8: custom_voice.timeline[1]"),
        ("processing, at: 2", "processing, at: 5", "9: custom_voice.timeline[2]: step 3 comes before step 2"),
        ("processing, at: 2", "submitted, at: 2",
         "8: custom_voice.timeline[1]: step 2: submitted cannot become submitted"),
        ("processing, at: 2", "processing, at: never",
         "9: custom_voice.timeline[2]: step 3 has a time but follows one that never comes"),
        ("submitted, at: 0", "submitted, at: 1", "7: custom_voice.timeline[0]: step 1 must come at 0"),
        ("submitted, at: 0", "submitted, at: {uniform: [1, 2]}", "7: custom_voice.timeline[0]: step 1 must come at 0"),
        # Refusals.
        ("reason: content_policy", "reason: content_polcy",
         "10: custom_voice.refusal.reason: unknown reason 'content_polcy'; did you mean 'content_policy'?"),
        (", message: refused", "", "10: custom_voice.refusal: "),
        # Faults.
        ("operation: get", "operation: getVoice",
         "12: custom_voice.faults[0].operation: 'getVoice' is none of create, "),
        ("operation: get, fault: reset", "operation: get", "12: custom_voice.faults[0]: "),
        ("fault: reset", "fault: rset",
         "12: custom_voice.faults[0].fault: unknown fault 'rset'; did you mean 'reset'?"),
        ("fault: reset", "fault: 5001", "12: custom_voice.faults[0].fault: "),
        ("fault: reset", "fault: reset;commit=maybe", "12: custom_voice.faults[0].fault: unknown commit 'maybe'"),
        ("{reason: rate_limit}", "{reson: rate_limit}",
         "14: custom_voice.faults[1].fault: unknown key 'reson'; did you mean 'reason'?"),
        ("{reason: rate_limit}", "{reason: rate_limt}",
         "14: custom_voice.faults[1].fault.reason: 'rate_limt' is none of "),
        ("{reason: rate_limit}", "{body: html, reason: rate_limit}", "14: custom_voice.faults[1].fault"),
        ("{reason: rate_limit}", "{socket: reset, chunks: 2}", "14: custom_voice.faults[1].fault"),
        ("{reason: rate_limit}", "{retry_after: 2}", "14: custom_voice.faults[1].fault: "),
        ("{count: 1}", "{cuont: 1}", "12: custom_voice.faults[0].when: unknown key 'cuont'; did you mean 'count'?"),
        ("{count: 1}", "{count: 0}", "12: custom_voice.faults[0].when.count: "),
        ("{window: [1, 2]}", "{window: [2, 1]}", "15: custom_voice.faults[1].when: a window is from less to more"),
        ("{window: [1, 2]}", "{probability: 1.5}", "15: custom_voice.faults[1].when.probability: "),
        # The rest.
        ("firing: never", "firing: nevr", "16: custom_voice.callbacks.firing: 'nevr' is none of changes, "),
        ("urls_expire_after: 60", "urls_expire_after: -1", "17: custom_voice.urls_expire_after: "),
        ("urls_expire_after: 60", "urls_expire_afer: 60",
         "17: custom_voice: unknown key 'urls_expire_afer'; did you mean 'urls_expire_after'?"),
        ("urls_expire_after: 60", "urls_expire_after: 60\n  urls_expire_after: 61",
         "18: not YAML: 'urls_expire_after' stands twice"),
    ],
    ids=lambda value: value.strip()[:30],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    """Each kind of mistake is refused with file, line, key and remedy."""
    text = HEAD + PLAN
    assert text.count(old) == 1
    assert refusal(tmp_path, text.replace(old, new)).startswith(words)


def test_a_plan_of_nothing_is_refused(tmp_path: Path) -> None:
    """A plan that says nothing is a mistake, like a scenario without a plan."""
    assert refusal(tmp_path, HEAD + "speech: {}\n").startswith("5: speech: ")
    assert refusal(tmp_path, HEAD + "speech:\n").startswith("5: speech: ")


def test_a_default_needs_a_timeline(tmp_path: Path) -> None:
    """What all others take their timeline from needs one of its own."""
    text = HEAD + "speech: {callbacks: {firing: never}}\n"
    assert refusal(tmp_path, text, None).startswith(
        "5: speech: the default scenario needs a timeline"
    )


@pytest.mark.parametrize("text", ["", "[]", "name: [", "a: !!set {x}", "\t"])
def test_what_is_no_scenario_at_all_is_refused(tmp_path: Path, text: str) -> None:
    """Any text is a scenario or refused with the name of its file."""
    refusal(tmp_path, text)
