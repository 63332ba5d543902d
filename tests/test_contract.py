"""The contract as the mock uses it, and its agreement with the enums, tables and handlers of the code."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mock_server import contract
from mock_server.contract import Contract, Violation
from mock_server.core import page, speech
from mock_server.core.behaviour import Behaviour
from mock_server.core.errors import Reason
from mock_server.core.task import TERMINAL, TRANSITIONS, TaskKind, TaskStatus
from mock_server.documents import CONTROL, Documents
from mock_server.events import Event
from mock_server.http.app import DIALECTS
from mock_server.http.envelope import ROWS, SUCCESS, Row
from tests.support.places import FIXTURES, OPENAPI
from tests.support.tasks import quick

DOCUMENTS = Documents(OPENAPI)
CONTRACT: Contract = contract.load(DOCUMENTS)
BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


def component(file: str, name: str) -> Any:
    """A schema of one of the shared files."""
    text = (OPENAPI / "components" / f"{file}.yaml").read_text("utf-8")
    return yaml.safe_load(text)["components"]["schemas"][name]


def operation(dialect: str, operation_id: str) -> contract.Operation:
    """An operation of a dialect."""
    (found,) = [
        item
        for item in CONTRACT.operations
        if (item.dialect, item.operation_id) == (dialect, operation_id)
    ]
    return found


# ---- matching -------------------------------------------------------------------------------

CUSTOM = b"/v1/general/custom-voices"


@pytest.mark.parametrize(
    ("raw_path", "path", "task_id"),
    [
        (b"/v1/audio/tts", "/v1/audio/tts", ""),
        (b"/kling/v1/tts", "/kling/v1/tts", ""),
        (CUSTOM, "/v1/general/custom-voices", ""),
        (CUSTOM + b"/123", "/v1/general/custom-voices/{id}", "123"),
        (CUSTOM + b"/a%2Fb", "/v1/general/custom-voices/{id}", "a/b"),
        (CUSTOM + b"/a%2fb", "/v1/general/custom-voices/{id}", "a/b"),
        (CUSTOM + b"/%00", "/v1/general/custom-voices/{id}", "\0"),
        (CUSTOM + b"/%E4%B8%AD", "/v1/general/custom-voices/{id}", "中"),
        (CUSTOM + b"/%FF", "/v1/general/custom-voices/{id}", "\ufffd"),
        (CUSTOM + b"/a%20b+c", "/v1/general/custom-voices/{id}", "a b+c"),
        (CUSTOM + b"/%252F", "/v1/general/custom-voices/{id}", "%2F"),
        (CUSTOM + b"/%", "/v1/general/custom-voices/{id}", "%"),
        (CUSTOM + b"/%zz", "/v1/general/custom-voices/{id}", "%zz"),
        (CUSTOM + b"/..", "/v1/general/custom-voices/{id}", ".."),
        (CUSTOM + b"/" + b"x" * 3000, "/v1/general/custom-voices/{id}", "x" * 3000),
        (b"/kling" + CUSTOM + b"/123", "/kling/v1/general/custom-voices/{id}", "123"),
        (b"/v1/audio/tts/123", "/v1/audio/tts/{id}", "123"),
    ],
)
def test_a_path_leads_to_its_operations(raw_path: bytes, path: str, task_id: str) -> None:
    """The raw path is matched, so that what is percent-encoded belongs to the id; the id is decoded once."""
    found = CONTRACT.match(raw_path)
    assert found is not None
    assert {item.path for item in found.operations.values()} == {path}
    assert found.id == task_id


@pytest.mark.parametrize(
    "raw_path",
    [
        b"",
        b"/",
        b"/v1",
        CUSTOM + b"/",
        CUSTOM + b"/1/",
        CUSTOM + b"/1/2",
        CUSTOM + b"//",
        b"/" + CUSTOM,
        CUSTOM.upper(),
        b"/v1/audio/tts/",
        b"/v1/audio/%74ts",
        b"/v1/general/presets-voices/1",
        b"/v1/general/delete-voices/1",
        b"/kling/v1/tts/1",
        b"/kling/kling/v1/tts",
        b"v1/audio/tts",
        CUSTOM + b"?pageNum=1",
        CUSTOM + b"/{id}/x",
        b"\xff\xfe",
    ],
)
def test_other_paths_lead_nowhere(raw_path: bytes) -> None:
    """A path that differs in a slash, a letter or a segment is unknown; nothing is redirected."""
    assert CONTRACT.match(raw_path) is None


@quick
@given(st.binary(max_size=6).filter(lambda tail: b"/" not in tail and tail))
def test_anything_without_a_slash_is_an_id(tail: bytes) -> None:
    """Whatever bytes follow the last slash are an id, encoded or not."""
    found = CONTRACT.match(CUSTOM + b"/" + tail)
    assert found is not None
    encoded = CONTRACT.match(CUSTOM + b"/" + b"".join(b"%%%02X" % byte for byte in tail))
    assert encoded is not None
    assert encoded.id == tail.decode("utf-8", "replace")
    if b"%" not in tail:
        assert found.id == encoded.id


@pytest.mark.parametrize("item", CONTRACT.operations, ids=lambda item: f"{item.method} {item.path}")
def test_every_operation_is_found_by_its_path_and_method(item: contract.Operation) -> None:
    """Each operation of each document is reached by its own path and method, and says whether it has an id."""
    found = CONTRACT.match(item.path.replace("{id}", "7").encode())
    assert found is not None
    assert found.operations[item.method] is item
    assert item.has_id is bool(found.id)
    assert item.path in CONTRACT.paths


# ---- what a request body breaks -------------------------------------------------------------

SPEECH: dict[str, Any] = {"text": "Hello", "voice_id": "oversea_male1"}
VOICE: dict[str, Any] = {"voice_name": "Narrator", "voice_url": "http://h/a.mp3"}


@pytest.mark.parametrize(
    ("operation_id", "body", "expected"),
    [
        ("createSpeech", SPEECH, None),
        ("createSpeech", {**SPEECH, "more": 1}, None),
        ("createSpeech", {**SPEECH, "voice_speed": 10**30}, None),
        ("createSpeech", [], Violation("", "type", ["object"], [])),
        ("createSpeech", None, Violation("", "type", ["object"], None)),
        ("createSpeech", {}, Violation("text", "required")),
        ("createSpeech", {"text": "x"}, Violation("voice_id", "required")),
        ("createSpeech", {**SPEECH, "text": ""}, Violation("text", "minLength", 1, "")),
        ("createSpeech", {**SPEECH, "text": "x" * 1001},
         Violation("text", "maxLength", 1000, "x" * 1001)),
        ("createSpeech", {**SPEECH, "text": "中" * 1000}, None),
        ("createSpeech", {**SPEECH, "text": 5}, Violation("text", "type", ["string"], 5)),
        ("createSpeech", {**SPEECH, "text": None}, Violation("text", "type", ["string"], None)),
        ("createSpeech", {**SPEECH, "voice_language": "fr"},
         Violation("voice_language", "enum", ["zh", "en"], "fr")),
        ("createSpeech", {**SPEECH, "voice_speed": "1"},
         Violation("voice_speed", "type", ["number"], "1")),
        ("createSpeech", {**SPEECH, "voice_speed": True},
         Violation("voice_speed", "type", ["number"], True)),
        # Of several broken rules: a wrong type before a missing field before the rest, and then by name.
        ("createSpeech", {"voice_id": 5}, Violation("voice_id", "type", ["string"], 5)),
        ("createSpeech", {"text": ""}, Violation("voice_id", "required")),
        ("createSpeech", {"text": "", "voice_id": ""}, Violation("text", "minLength", 1, "")),
        ("createSpeech", {"text": 1, "voice_id": 2}, Violation("text", "type", ["string"], 1)),
        ("createCustomVoice", VOICE, None),
        ("createCustomVoice", {"voice_name": "N", "video_id": "5", "voice_url": ""}, None),
        ("createCustomVoice", {"voice_name": "N"},
         Violation("", "anyOf", ["voice_url", "video_id"])),
        ("createCustomVoice", {"voice_url": "http://h/a"}, Violation("voice_name", "required")),
        ("createCustomVoice", {**VOICE, "voice_name": "x" * 21},
         Violation("voice_name", "maxLength", 20, "x" * 21)),
        ("createCustomVoice", {**VOICE, "voice_name": "中" * 20}, None),
        ("createCustomVoice", {**VOICE, "callback_url": None},
         Violation("callback_url", "type", ["string"], None)),
        ("deleteVoice", {"voice_id": "1"}, None),
        ("deleteVoice", {}, Violation("voice_id", "required")),
    ],
)  # fmt: skip
def test_the_first_broken_rule_is_named(
    operation_id: str, body: Any, expected: Violation | None
) -> None:
    """The first broken rule is named by field, keyword, limit and value, in an order that does not change."""
    for dialect in ("klingai", "kkiai"):
        found = operation(dialect, operation_id).violation(body)
        if expected is not None and found is not None and expected.rule == "type":
            assert found.rule == "type"
            assert (found.field, found.value) == (expected.field, expected.value)
            assert list(found.limit) == expected.limit
        else:
            assert found == expected


def test_a_bad_url_is_named_with_its_field() -> None:
    """An address that is not http or https breaks the pattern of its field."""
    for field in ("voice_url", "callback_url"):
        found = operation("klingai", "createCustomVoice").violation({**VOICE, field: "ftp://h/a"})
        assert found is not None
        assert (found.field, found.rule, found.value) == (field, "pattern", "ftp://h/a")


def test_ezmodel_has_bounds_of_its_own() -> None:
    """EzModel refuses a speed out of [0.5, 2.0] by its schema and takes 10,000 characters."""
    create = operation("ezmodel", "createSpeech")
    assert create.violation({**SPEECH, "text": "x" * 10_000, "speed": 0.5, "volume": 0}) is None
    assert create.violation({**SPEECH, "speed": 0.4}) == Violation("speed", "minimum", 0.5, 0.4)
    assert create.violation({**SPEECH, "speed": 2.1}) == Violation("speed", "maximum", 2.0, 2.1)
    long = create.violation({**SPEECH, "text": "x" * 10_001})
    assert long is not None
    assert (long.field, long.rule, long.limit) == ("text", "maxLength", 10_000)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "x", "http://h"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(list(VOICE)), inner)
    ),
    max_leaves=4,
)


@quick
@given(
    st.sampled_from([item for item in CONTRACT.operations if item.body is not None]),
    st.dictionaries(st.sampled_from([*SPEECH, *VOICE, "video_id", "speed"]), json_values),
)
def test_every_refusal_can_be_worded(item: contract.Operation, body: dict[str, Any]) -> None:
    """Whatever a body breaks, its dialect has words for it, and always the same."""
    found = item.violation(body)
    assert item.body is not None
    assert (found is None) is item.body.is_valid(body)
    if found is not None:
        assert item.violation(body) == found
        refused = BY_NAME[item.dialect].words(found, Behaviour())
        assert refused.reason in (Reason.PARAMETER_ILLEGAL, Reason.PARAMETERS_INVALID)
        assert refused.message


def test_operations_without_a_body_refuse_none() -> None:
    """An operation without a request body takes whatever is sent."""
    get = operation("klingai", "getCustomVoice")
    assert get.body is None
    assert get.violation({"anything": 1}) is None


# ---- the documents and the code -------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_every_operation_has_a_handler_and_every_handler_an_operation(dialect: Any) -> None:
    """The operations of a dialect's documents are exactly those its handlers answer."""
    described = [item.operation_id for item in CONTRACT.operations if item.dialect == dialect.name]
    assert sorted(described) == sorted(dialect.handlers)
    assert all(callable(handler) for handler in dialect.handlers.values())


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_what_makes_a_task_is_a_create_of_the_documents(dialect: Any) -> None:
    """Scenarios can apply to the operations that the documents call create..., and to no others."""
    creates = [
        item.operation_id
        for item in CONTRACT.operations
        if item.dialect == dialect.name and item.operation_id.startswith("create")
    ]
    assert sorted(dialect.creates) == sorted(creates)
    assert set(dialect.creates.values()) <= set(TaskKind)


def test_dialects_of_code_and_documents_are_the_same() -> None:
    """Each operation belongs to a dialect that the code knows, and lies below its base path."""
    assert {item.dialect for item in CONTRACT.operations} == set(BY_NAME)
    for item in CONTRACT.operations:
        assert item.path.startswith(BY_NAME[item.dialect].base_path)


def test_statuses_are_those_of_the_documents() -> None:
    """The enum of statuses is the schema's, and the order of its values is that of the transitions."""
    schema = component("schemas", "TaskStatus")
    assert schema["enum"] == [status.value for status in TaskStatus]
    rules = {rule["id"]: rule["text"] for rule in schema["x-rules"]}
    assert "submitted, then processing, then succeed or failed" in rules["task.status.transitions"]
    order = {status: number for number, status in enumerate(TaskStatus)}
    for before, following in TRANSITIONS.items():
        assert all(order[before] < order[after] for after in following)
    assert {status.value for status in TERMINAL} == {"succeed", "failed"}


def error_table() -> list[dict[str, Any]]:
    """The rows of x-error-table."""
    text = (OPENAPI / "components" / "responses.yaml").read_text("utf-8")
    rows: list[dict[str, Any]] = yaml.safe_load(text)["x-error-table"]
    return rows


def test_the_error_table_of_the_code_is_that_of_the_documents() -> None:
    """22 rows, success among them, agree in status, code and whether the same request can succeed later."""
    documented = [(row["status"], row["code"], row["retryable"]) for row in error_table()]
    coded = [(row.status, row.code, row.retryable) for row in (SUCCESS, *ROWS.values())]
    assert len(documented) == 22
    assert sorted(coded) == sorted(documented)


def test_every_reason_has_one_row() -> None:
    """Each reason of a refusal has its row, with words, a code of its own, and a status EzModel documents."""
    assert set(ROWS) == set(Reason)
    assert len({row.code for row in ROWS.values()}) == len(ROWS)
    ezmodel = {int(key) for key in ezmodel_statuses()}
    for row in ROWS.values():
        assert isinstance(row, Row)
        assert row.message
        assert row.ezmodel in ezmodel


def ezmodel_statuses() -> set[str]:
    """The statuses that EzModel's one operation declares."""
    document = DOCUMENTS.bundled("ezmodel")
    return set(document["paths"]["/kling/v1/tts"]["post"]["responses"])


def test_numbers_of_code_and_documents_are_the_same() -> None:
    """The bounds that code applies by itself are those of the documents."""
    bounds = component("schemas", "SpeechRequest")["properties"]["voice_speed"]["x-range"]
    assert bounds["minimum"] == float(speech.SPEED_MIN)
    assert bounds["maximum"] == float(speech.SPEED_MAX)
    assert bounds["multipleOf"] == float(speech.SPEED_STEP)
    parameters = yaml.safe_load((OPENAPI / "components" / "parameters.yaml").read_text("utf-8"))[
        "components"
    ]["parameters"]
    by_name = {
        item["name"]: item["schema"] for item in parameters.values() if item["in"] == "query"
    }
    assert by_name["pageNum"]["maximum"] == page.MAX_PAGE_NUM
    assert by_name["pageNum"]["default"] == page.DEFAULT_PAGE_NUM
    assert by_name["pageSize"]["default"] == page.DEFAULT_PAGE_SIZE
    advance = DOCUMENTS.bundled(CONTROL)["components"]["schemas"]["Advance"]["properties"]["by"]
    assert advance["maximum"] == 10 * 365 * 24 * 3600


def test_events_of_the_control_api_are_those_of_the_code() -> None:
    """What an advance can answer with are the two events that time can bring."""
    schema = DOCUMENTS.bundled(CONTROL)["components"]["schemas"]["Event"]
    assert schema["properties"]["event"]["enum"] == ["transition", "callback_attempt"]
    assert set(schema["properties"]["event"]["enum"]) <= {kind.event for kind in get_args(Event)}


def test_the_fixture_schemas_know_the_enums_of_the_code() -> None:
    """Scenario files speak of the statuses, kinds and dialects of the code."""
    schemas = FIXTURES / "schemas"
    scenario = yaml.safe_load((schemas / "scenario.yaml").read_text("utf-8"))
    assert scenario["$defs"]["step"]["properties"]["status"]["enum"] == list(TaskStatus)
    assert {kind.value for kind in TaskKind} <= set(scenario["properties"])
    voices = yaml.safe_load((schemas / "voices.yaml").read_text("utf-8"))
    dialects = voices["properties"]["voices"]["items"]["properties"]["dialects"]
    assert dialects["items"]["enum"] == list(BY_NAME)


def test_code_1203_is_not_used_for_an_unknown_task() -> None:
    """An unknown task or voice is an illegal value (observed), so the row for paths is another one."""
    assert ROWS[Reason.PARAMETER_ILLEGAL].code == 1201
    assert ROWS[Reason.RESOURCE_NOT_FOUND].code == 1203
    assert ROWS[Reason.METHOD_INVALID].status == ROWS[Reason.RESOURCE_NOT_FOUND].status == 404
