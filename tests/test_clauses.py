"""The catalogue of clauses: in step with the documents and with what the kit raises; how the command lists it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from contract_tests import clauses, documents, leniency, meter, reasons
from contract_tests.shapes import Shape
from mock_server import cli
from tests.support.places import ROOT

#: Documents of the mock's own, which no other server is held against.
OF_THE_MOCK = {"control.yaml", "extensions.yaml", "faults.yaml"}


def rules_in(value: Any) -> Iterator[str]:
    """The ids of the x-rules in a YAML value."""
    if isinstance(value, list):
        for item in value:
            yield from rules_in(item)
    elif isinstance(value, dict):
        yield from (rule["id"] for rule in value.get("x-rules", ()))
        for item in value.values():
            yield from rules_in(item)


def named(*besides: str) -> set[str]:
    """Whatever in the kit's code looks like the id of a clause: its first word is that of a known one.

    Args:
        besides: modules that are left out.
    """
    first = {identifier.partition(".")[0] for identifier in clauses.catalogue()}
    return {
        node.value
        for path in (ROOT / "contract_tests").glob("*.py")
        if path.stem not in besides
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[a-z0-9-]+(?:[.][a-z0-9-]+)+", node.value)
        and node.value.partition(".")[0] in first
    }


def test_every_rule_is_a_clause() -> None:
    """The catalogue holds each x-rules entry of the contract's files, and besides them the kit's own."""
    written = {
        identifier
        for path in (ROOT / "openapi").rglob("*.yaml")
        if path.name not in OF_THE_MOCK
        for identifier in rules_in(yaml.safe_load(path.read_text(encoding="utf-8")))
    }
    own = {clause.id for clause in clauses.OWN}
    assert set(clauses.catalogue()) == written | own
    assert not written & own


def test_every_clause_the_kit_raises_is_known() -> None:
    """Each id that the kit's code names is in the catalogue."""
    assert "voice-delete.twice" in named()
    assert "ez.errors.400" in named()
    assert named() <= set(clauses.catalogue())


def test_every_clause_of_the_kit_s_own_is_raised() -> None:
    """The kit promises nothing that it never looks at."""
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "contract_tests").glob("*.py")
        if path.stem != "clauses"
    )
    assert not [clause.id for clause in clauses.OWN if f'"{clause.id}"' not in text]


def test_every_clause_is_looked_at_or_has_a_reason() -> None:
    """A clause that no check names has a printed reason; both only where the reason holds on some servers only."""
    looked_at = named("clauses", "reasons")
    known = clauses.catalogue()
    assert not set(reasons.REASONS) - set(known)
    assert not [name for name in known if name not in looked_at and name not in reasons.REASONS]
    never = {name for name, reason in reasons.REASONS.items() if not reason.is_conditional}
    assert not never & looked_at


def test_a_reason_says_what_stands_in_the_way() -> None:
    """What is printed for a clause that was not looked at is its reason, else that nobody looked."""
    assert "offending text" in reasons.of("speech.text.content-review")
    assert reasons.of("server.answers") == "no check of this run looks at it"


def test_a_dialect_words_its_clauses_itself() -> None:
    """A clause that two dialects share is shown in the words of the one asked for."""
    official = clauses.find("voice-list.endpoint", "klingai")
    gateway = clauses.find("voice-list.endpoint", "kkiai")
    assert official.evidence == "documented"
    assert gateway.evidence == "assumed"
    assert official.dialects == gateway.dialects == ("klingai", "kkiai")
    assert clauses.find("voice-list.endpoint") == official
    assert not [item for item in clauses.catalogue("ezmodel") if item.startswith("voice-")]


def test_an_unknown_clause_is_an_error() -> None:
    """A check that names a clause that nobody promised is a mistake of the kit."""
    with pytest.raises(LookupError, match=r"no\.such"):
        clauses.find("no.such")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"task_id": 12}, "ids.string"),
        ({"task_status": "succeeded"}, "task.status.enum"),
        ({"updated_at": 1722769557}, "time.milliseconds"),
        ({"created_at": "now"}, "time.milliseconds"),
        ({"final_unit_deduction": 0.05}, "billing.unit-deduction"),
        ({"task_status": "failed"}, "task.failed.reason"),
        ({"task_status": "succeed"}, "voice.result.when-succeed"),
        ({"task_id": None}, "ids.string"),
    ],
)
def test_a_misfit_names_the_nearest_rule(change: dict[str, Any], rule: str) -> None:
    """A body that does not fit is a failure of the rule that stands nearest to the place."""
    record = {
        "task_id": "1",
        "task_info": {},
        "task_status": "submitted",
        "task_status_msg": "",
        "task_result": {},
        "created_at": 1722769557708,
        "updated_at": 1722769557708,
    }
    changed = {name: value for name, value in (record | change).items() if value is not None}
    body = {"code": 0, "message": "SUCCEED", "request_id": "r", "data": changed}
    shape = documents.document("klingai").operations["getCustomVoice"].responses[200]
    assert shape.fits({**body, "data": record})
    misfit = shape.misfit(body)
    assert misfit is not None
    assert misfit.rule == rule


def test_a_misfit_far_from_any_rule_names_none() -> None:
    """Where no rule is near, or only an assumed one, no rule is blamed."""
    rules = [{"id": "a.b", "evidence": "assumed"}]
    shape = Shape({"type": "object", "properties": {"x": {"type": "string", "x-rules": rules}}})
    misfit = shape.misfit({"x": 1})
    assert misfit is not None
    assert (misfit.path, misfit.rule) == (("x",), "")


def test_the_command_lists_every_clause(capsys: pytest.CaptureFixture[str]) -> None:
    """Each clause has a row with id, evidence and dialects."""
    assert cli.main(["clauses"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == len(clauses.catalogue()) + 1
    row = next(row for row in rows if row.startswith("ez.text.max-length "))
    assert row.split()[1:3] == ["documented", "ezmodel"]


def test_the_command_lists_json_of_a_dialect(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json each clause is an object with id, text, evidence, source and dialects."""
    assert cli.main(["clauses", "--json", "--dialect", "kkiai"]) == 0
    listed = json.loads(capsys.readouterr().out)["clauses"]
    assert [item["id"] for item in listed] == list(clauses.catalogue("kkiai"))
    assert set(listed[0]) == {"id", "text", "evidence", "source", "dialects"}
    endpoint = next(item for item in listed if item["id"] == "speech.endpoint")
    assert endpoint["text"].startswith("POST /kling/v1/audio/tts")


def test_every_assumed_bound_is_lenient() -> None:
    """Each assumed rule beside a field of a request says what it put into the schema, or that it put nothing there."""
    said = set(leniency.OF_RULES) | leniency.NOT_IN_SCHEMAS
    found = {
        identifier
        for dialect in documents.DIALECTS
        for operation in documents.document(dialect).operations.values()
        if operation.request is not None
        for field in operation.request.schema["properties"].values()
        for identifier in leniency.assumed(field)
    }
    assert found == said


@pytest.mark.parametrize(
    ("named", "body"),
    [
        ("klingai createCustomVoice", {"voice_name": "", "voice_url": "x y", "video_id": None}),
        ("klingai createSpeech", {"text": "a", "voice_id": "x" * 300, "voice_speed": "1"}),
        ("ezmodel createSpeech", {"text": "a", "voice_id": "x" * 300, "callback_url": "x y"}),
    ],
)
def test_what_is_only_assumed_may_be_accepted(named: str, body: dict[str, Any]) -> None:
    """A body that only an assumed rule forbids is nothing that every server must refuse."""
    assert not meter.is_forbidden(named, json.dumps(body).encode())
