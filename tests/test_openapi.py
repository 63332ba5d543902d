"""The documents in openapi/ are valid, complete, and agree with what real servers answered."""

import copy
import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

Json = Any

OPENAPI = Path(__file__).parents[1] / "openapi"
DATA = Path(__file__).parent / "data"

DIALECTS = ("klingai", "kkiai", "ezmodel")
DESCRIBED = (*DIALECTS, "control")
METHODS = ("get", "post", "put", "patch", "delete")
SECTIONS = (
    "schemas",
    "responses",
    "parameters",
    "headers",
    "examples",
    "securitySchemes",
    "callbacks",
    "links",
    "pathItems",
)
OFFICIAL = {"200", "400", "401", "403", "404", "429", "500", "503", "504"}
STATUSES = {
    "klingai": OFFICIAL,
    "kkiai": OFFICIAL,
    "ezmodel": {"200", "400", "401", "404", "429", "500"},
}
OPERATIONS = {
    "createSpeech": ("post", "/v1/audio/tts"),
    "createCustomVoice": ("post", "/v1/general/custom-voices"),
    "listCustomVoices": ("get", "/v1/general/custom-voices"),
    "getCustomVoice": ("get", "/v1/general/custom-voices/{id}"),
    "listPresetVoices": ("get", "/v1/general/presets-voices"),
    "deleteVoice": ("post", "/v1/general/delete-voices"),
}
RULE_ID = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)+")


# ---- helpers --------------------------------------------------------------------------------


@functools.cache
def load(path: Path) -> Json:
    """Read one YAML file."""
    return yaml.load(path.read_text("utf-8"), Loader=yaml.CSafeLoader)


def nodes(value: Json, where: str = "") -> Iterator[tuple[str, dict[str, Json]]]:
    """Every object inside `value`, each with its JSON pointer."""
    if isinstance(value, dict):
        yield where, value
        for key, item in value.items():
            yield from nodes(item, f"{where}/{str(key).replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from nodes(item, f"{where}/{index}")


@functools.cache
def bundle(dialect: str) -> dict[str, Json]:
    """Read a document as one, each reference's target being moved to its own components."""
    components: dict[str, dict[str, Json]] = {}
    origins: dict[tuple[str, str], Path] = {}

    def hoist(value: Json, here: Path) -> Json:
        if isinstance(value, list):
            return [hoist(item, here) for item in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get("$ref"), str):
            file, _, pointer = value["$ref"].partition("#")
            target = (here.parent / file).resolve() if file else here
            _, root, section, name = pointer.split("/")
            assert root == "components"
            assert section in SECTIONS
            if origins.setdefault((section, name), target) != target:
                raise AssertionError(f"two files define {section} {name}")
            if name not in components.setdefault(section, {}):
                components[section][name] = None  # a schema may refer to itself
                components[section][name] = hoist(load(target)["components"][section][name], target)
            return {"$ref": f"#/components/{section}/{name}"}
        return {key: hoist(item, here) for key, item in value.items()}

    path = OPENAPI / f"{dialect}.yaml"
    document: dict[str, Json] = hoist(load(path), path)
    for section, found in components.items():
        document["components"].setdefault(section, {}).update(found)
    return document


def follow(document: dict[str, Json], value: Json) -> Json:
    """Replace a reference by its target."""
    while isinstance(value, dict) and "$ref" in value:
        target: Json = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def operations(document: dict[str, Json]) -> Iterator[tuple[str, str, dict[str, Json]]]:
    """Path, method and operation object of every operation of a document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def operation(document: dict[str, Json], operation_id: str) -> dict[str, Json]:
    """Find an operation by its id."""
    (found,) = (item for _, _, item in operations(document) if item["operationId"] == operation_id)
    return found


def validator(document: dict[str, Json], schema: Json) -> jsonschema_rs.Validator:
    """Compile a schema that may refer to the components of its document."""
    return jsonschema_rs.validator_for(
        {"allOf": [schema], "components": document["components"]}, validate_formats=True
    )


def body_schema(document: dict[str, Json], holder: Json) -> Json:
    """Find the JSON schema of a response or a request body."""
    return follow(document, holder)["content"]["application/json"]["schema"]


def relaxed(value: Json, *, names: bool = False) -> Json:
    """Copy a schema without what it demands of fields that a partial recording does not quote."""
    if isinstance(value, list):
        return [relaxed(item) for item in value]
    if not isinstance(value, dict):
        return value
    if names:
        return {key: relaxed(item) for key, item in value.items()}
    dropped = {"required", "if", "then", "else", "not", "anyOf", "examples", "x-rules"}
    return {
        key: relaxed(item, names=key in ("properties", "schemas"))
        for key, item in value.items()
        if key not in dropped
    }


def error_paths(judge: jsonschema_rs.Validator, body: Json) -> list[str]:
    """List the places of a body that its schema does not allow, as JSON pointers."""
    return sorted(
        {"".join(f"/{part}" for part in error.instance_path) for error in judge.iter_errors(body)}
    )


# ---- the documents --------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DESCRIBED)
def test_document_is_valid_openapi(dialect: str) -> None:
    """Each document, with its references resolved, is OpenAPI 3.1."""
    document = bundle(dialect)

    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


@pytest.mark.parametrize("dialect", DESCRIBED)
def test_document_is_valid_where_it_lies(dialect: str) -> None:
    """The document is valid for a tool that follows its references through the files."""
    path = OPENAPI / f"{dialect}.yaml"
    judge = OpenAPIV31SpecValidator(load(path), base_uri=path.as_uri())

    assert [error.message for error in judge.iter_errors()] == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_document_says_what_it_describes(dialect: str) -> None:
    """A document names its dialect, its date, its base paths and the real servers."""
    document = bundle(dialect)

    assert document["info"]["x-dialect"] == dialect
    assert re.fullmatch(r"\d{4}-\d{2}", document["info"]["version"])
    assert all(
        any(
            path == base or path.startswith(f"{base}/") for base in document["info"]["x-base-paths"]
        )
        for path in document["paths"]
    )
    assert all(server["url"].startswith("https://") for server in document["servers"])


def test_references_point_at_components_that_exist_once() -> None:
    """No two component files define the same name, and none is defined in vain."""
    defined = [
        (section, name)
        for path in sorted((OPENAPI / "components").glob("*.yaml"))
        for section, found in load(path)["components"].items()
        for name in found
    ]
    used = {
        (section, name)
        for dialect in DESCRIBED
        for section, found in bundle(dialect)["components"].items()
        for name in found
    }

    assert len(defined) == len(set(defined))
    assert set(defined) <= used


@pytest.mark.parametrize("path", sorted(OPENAPI.rglob("*.yaml")), ids=lambda path: path.name)
def test_nothing_stands_beside_a_reference(path: Path) -> None:
    """A $ref is alone in its object, so that nothing is lost when it is resolved."""
    beside = [where for where, node in nodes(load(path)) if "$ref" in node and len(node) > 1]

    assert beside == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_rules_are_well_formed_and_unique(dialect: str) -> None:
    """Every rule has an id of its own, a text, a kind of evidence and a source, and no more."""
    rules = [rule for _, node in nodes(bundle(dialect)) for rule in node.get("x-rules", [])]
    ids = [rule["id"] for rule in rules]

    assert len(rules) >= 20
    assert sorted(ids) == sorted(set(ids))
    for rule in rules:
        assert set(rule) == {"id", "text", "evidence", "source"}, rule
        assert RULE_ID.fullmatch(rule["id"]), rule
        assert rule["evidence"] in {"documented", "observed", "assumed"}, rule
        assert all(isinstance(rule[key], str) and rule[key] for key in rule), rule


@pytest.mark.parametrize("dialect", DESCRIBED)
def test_fields_are_described(dialect: str) -> None:
    """Every field of every schema has a description, and an example unless it has fields itself."""
    document = bundle(dialect)
    poor = []
    for where, node in nodes(document):
        # Without a type it is a constraint upon fields that are declared elsewhere.
        if node.get("type") != "object" or "properties" not in node:
            continue
        for name, found in node["properties"].items():
            field = follow(document, found)
            holder = "properties" in field or "items" in field
            if not field.get("description") or not (holder or field.get("examples")):
                poor.append(f"{where}/{name}")

    assert poor == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_parameters_are_described(dialect: str) -> None:
    """Every parameter of an operation or a callback has a description and an example."""
    parameters = bundle(dialect)["components"].get("parameters", {})

    assert all(parameter["description"] for parameter in parameters.values())
    assert all(parameter["schema"]["examples"] for parameter in parameters.values())


@pytest.mark.parametrize("dialect", DESCRIBED)
def test_property_examples_are_valid(dialect: str) -> None:
    """The examples of a schema, and its default, obey it."""
    document = bundle(dialect)
    bad = []
    for where, node in nodes(document):
        if isinstance(node.get("examples"), list):
            judge = validator(document, node)
            values = [*node["examples"], *([node["default"]] if "default" in node else [])]
            bad += [where for value in values if not judge.is_valid(value)]

    assert bad == []


@pytest.mark.parametrize("dialect", DESCRIBED)
def test_body_examples_are_valid(dialect: str) -> None:
    """The examples of requests, answers and notifications obey their schemas."""
    document = bundle(dialect)
    count = 0
    for where, node in nodes(document):
        if "schema" in node and "examples" in node:
            judge = validator(document, node["schema"])
            for name, example in node["examples"].items():
                assert error_paths(judge, example["value"]) == [], f"{where} {name}"
                count += 1

    assert count >= 5


@pytest.mark.parametrize("dialect", DIALECTS)
def test_operations_are_complete(dialect: str) -> None:
    """Every operation is named, described, secured, and declares every status it may answer."""
    document = bundle(dialect)
    for path, method, found in operations(document):
        label = f"{method} {path}"

        assert found["operationId"], label
        assert found["summary"], label
        assert found["description"], label
        assert found["tags"], label
        assert found["x-rules"], label
        assert found["security"] == [{"bearer": []}], label
        assert set(found["responses"]) == STATUSES[dialect], label
        assert "requestBody" in found or method == "get", label
        assert set(re.findall(r"\{(\w+)\}", path)) == {
            parameter["name"]
            for parameter in (follow(document, item) for item in found.get("parameters", []))
            if parameter["in"] == "path"
        }, label

    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_control_operations_are_complete() -> None:
    """Every operation of the control API is named and described, and all but five belong to an account."""
    document = bundle("control")
    found = list(operations(document))
    assert len({item["operationId"] for _, _, item in found}) == len(found)
    open_to_all = {item["operationId"] for _, _, item in found if item.get("security") == []}
    assert open_to_all == {
        "health",
        "listDocuments",
        "getDocument",
        "listAccounts",
        "listScenarios",
    }
    for path, method, item in found:
        label = f"{method} {path}"
        parameters = [follow(document, entry) for entry in item.get("parameters", [])]
        statuses = set(item["responses"])

        assert item["summary"], label
        assert item["description"], label
        assert set(item["tags"]) <= {tag["name"] for tag in document["tags"]}, label
        assert len(statuses & {"200", "201"}) == 1, label
        assert "requestBody" not in item or statuses >= {"400", "413"}, label
        assert all("description" in entry and "example" in entry for entry in parameters), label
        assert set(re.findall(r"\{(\w+)\}", path)) == {
            entry["name"] for entry in parameters if entry["in"] == "path"
        }, label
        if item["operationId"] not in open_to_all:
            assert "account" in {entry["name"] for entry in parameters}, label
            assert statuses >= {"401", "403", "404"}, label


def test_control_objects_are_closed() -> None:
    """What the control API takes and answers has no unknown keys, unless its keys are somebody else's."""
    document = bundle("control")
    open_objects = {
        where.removeprefix("/components/schemas/")
        for where, node in nodes(document)
        if node.get("type") == "object"
        and "additionalProperties" not in node
        and where.startswith("/components/schemas/")
        and not where.endswith("/if")
    }

    assert open_objects == {
        "Event",  # closed by TransitionEvent and CallbackEvent
        "Wait/properties/match",  # closed by Pattern, TaskMatch and CallbackMatch
        "Waited/properties/found/items",
        "Match/properties/body",
        "Pattern/properties/body",
    }


def test_control_knows_the_operations_of_the_mocked_api() -> None:
    """Patterns, plans and the journal name the operations of the dialects and of the extensions, and no others."""
    schemas = bundle("control")["components"]["schemas"]
    known = {
        item["operationId"]
        for name in (*DIALECTS, "extensions")
        for _, _, item in operations(bundle(name))
    }

    assert set(schemas["OperationId"]["enum"]) == known
    assert set(schemas["PlanScript"]["properties"]["steps"]["properties"]) == known
    assert set(schemas["Plan"]["properties"]["steps"]["properties"]) == known
    assert set(schemas["JournalEntry"]["properties"]["operation"]["enum"]) == {*known, ""}


FAULT = {"reason": "server_error"}


@pytest.mark.parametrize(
    ("fault", "valid"),
    [
        ("5001;retry-after=2", True),
        ("", False),
        (5001, False),
        ({}, False),
        ({"reason": "nonsense"}, False),
        ({"reason": "rate_limit", "message": "m", "retry_after": 2, "commit": "before"}, True),
        ({"retry_after": 2}, False),
        ({"message": "m", "body": "empty"}, False),
        ({"latency": 3600}, True),
        ({"latency": 3601}, False),
        ({"latency": {"uniform": [0, 1]}}, True),
        ({"latency": {"uniform": [0, 3601]}}, False),
        ({"latency": {"uniform": [0]}}, False),
        ({"latency": {"lognormal": {"median": 1, "sigma": 0}}}, True),
        ({"latency": {"lognormal": {"median": 1}}}, False),
        ({"latency": {"uniform": [0, 1], "lognormal": {"median": 1, "sigma": 0}}}, False),
        ({"commit": "after", "visible_after": 1}, True),
        ({"commit": "before", "visible_after": 1}, False),
        (FAULT | {"visible_after": 1}, False),
        ({"body": "truncated", "fraction": 0}, True),
        ({"body": "truncated", "fraction": 1}, False),
        ({"body": "malformed", "fraction": 0.5}, False),
        ({"body": "html", "status": 504}, True),
        ({"body": "html"} | FAULT, False),
        ({"body": "empty", "status": 504}, False),
        ({"body": "empty", "edit": [{"op": "remove", "path": ""}]}, False),
        ({"socket": "dribble", "over": 2, "chunks": 3, "body": "malformed"}, True),
        ({"socket": "reset", "body": "malformed"}, False),
        ({"socket": "reset", "edit": [{"op": "remove", "path": "/code"}]}, False),
        ({"socket": "reset", "over": 1}, False),
        (FAULT | {"chunks": 2}, False),
        ({"edit": [{"op": "add", "path": "/a/-", "value": None}]}, True),
        ({"edit": [{"op": "add", "path": "/a"}]}, False),
        ({"edit": [{"op": "move", "path": "/a", "from": "/b~1c"}]}, True),
        ({"edit": [{"op": "move", "path": "/a", "from": "b"}]}, False),
        ({"edit": [{"op": "remove", "path": "/a", "value": 1}]}, False),
        ({"edit": []}, False),
    ],
    ids=str,
)
def test_faults(fault: Json, valid: bool) -> None:
    """The schema of a fault draws the line between what can happen and what says nothing or contradicts itself."""
    judge = validator(bundle("control"), {"$ref": "#/components/schemas/Fault"})

    assert judge.is_valid(fault) is valid


@pytest.mark.parametrize(("dialect", "prefix"), [("klingai", ""), ("kkiai", "/kling")])
def test_official_operations(dialect: str, prefix: str) -> None:
    """The official API has six operations; the kkiai gateway has the same under /kling."""
    found = {
        item["operationId"]: (method, path) for path, method, item in operations(bundle(dialect))
    }

    assert found == {name: (method, prefix + path) for name, (method, path) in OPERATIONS.items()}


def test_gateway_shares_the_official_bodies() -> None:
    """What kkiai takes and answers is what the official API takes and answers."""
    ours, theirs = bundle("kkiai"), bundle("klingai")
    for name in OPERATIONS:
        for key in ("responses", "parameters", "callbacks"):
            assert operation(ours, name).get(key) == operation(theirs, name).get(key)
        bodies = [operation(document, name).get("requestBody") for document in (ours, theirs)]
        if all(bodies):
            assert body_schema(ours, bodies[0]) == body_schema(theirs, bodies[1])


# ---- errors ---------------------------------------------------------------------------------


def official_table() -> list[dict[str, Json]]:
    """Read the error table of the official API."""
    table: list[dict[str, Json]] = load(OPENAPI / "components" / "responses.yaml")["x-error-table"]
    return table


def test_error_table_has_every_code_once() -> None:
    """The table pairs 22 codes, success among them, with one HTTP status each."""
    table = official_table()

    assert len(table) == len({row["code"] for row in table}) == 22
    assert [row["status"] for row in table if row["code"] == 0] == [200]
    for row in table:
        assert set(row) == {"status", "code", "group", "meaning", "handling", "retryable"}, row
    assert {row["code"] for row in table if row["retryable"]} == {1302, 1303, 5000, 5001, 5002}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_error_table_agrees_with_the_answers(dialect: str) -> None:
    """A status admits exactly the codes of its rows, and shows an example of each."""
    document = bundle(dialect)
    table = document["info"].get("x-error-table") or official_table()
    codes = {row["code"] for row in table}
    for _, _, found in operations(document):
        for status, reference in found["responses"].items():
            expected = {row["code"] for row in table if str(row["status"]) == status}
            judge = validator(document, body_schema(document, reference))
            if status == "200":
                continue
            content = follow(document, reference)["content"]["application/json"]

            assert {
                code
                for code in codes
                if judge.is_valid({"code": code, "message": "no", "request_id": "r"})
            } == expected
            assert set(content["examples"]) == {str(code) for code in expected}
            for name, example in content["examples"].items():
                assert str(example["value"]["code"]) == name


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "change",
    [
        {"data": None},
        {"data": {}},
        {"code": "CODE"},
        {"message": ""},
        {"request_id": ""},
        {"request_id": 7},
        {"message": ...},
        {"request_id": ...},
        {"code": ...},
    ],
    ids=str,
)
def test_error_bodies_have_one_shape(dialect: str, change: dict[str, Json]) -> None:
    """An error has an integer code, a message and a request_id, and never data."""
    document = bundle(dialect)
    for _, _, found in operations(document):
        for status, reference in found["responses"].items():
            if status != "200":
                holder = follow(document, reference)["content"]["application/json"]
                body = next(iter(holder["examples"].values()))["value"] | change
                body = {key: item for key, item in body.items() if item is not ...}

                assert not validator(document, holder["schema"]).is_valid(body)


# ---- requests -------------------------------------------------------------------------------

SPEECH = {"text": "hello", "voice_id": "oversea_male1"}
VOICE = {"voice_name": "n", "voice_url": "http://127.0.0.1:8765/a.mp3"}


@pytest.mark.parametrize(
    ("dialect", "operation_id", "body", "valid"),
    [
        ("klingai", "createSpeech", SPEECH, True),
        ("klingai", "createSpeech", SPEECH | {"voice_language": "en", "voice_speed": 1}, True),
        ("klingai", "createSpeech", SPEECH | {"voice_speed": 99.5, "unknown": [None]}, True),
        ("klingai", "createSpeech", SPEECH | {"text": "字" * 1000}, True),
        ("klingai", "createSpeech", SPEECH | {"text": "\U0001f600" * 1000}, True),
        ("klingai", "createSpeech", SPEECH | {"text": "字" * 1001}, False),
        ("klingai", "createSpeech", SPEECH | {"text": ""}, False),
        ("klingai", "createSpeech", SPEECH | {"voice_id": ""}, False),
        ("klingai", "createSpeech", SPEECH | {"voice_language": "fr"}, False),
        ("klingai", "createSpeech", SPEECH | {"voice_speed": "1.0"}, False),
        ("klingai", "createSpeech", {"text": "hello"}, False),
        ("klingai", "createSpeech", [], False),
        ("klingai", "createCustomVoice", VOICE, True),
        ("klingai", "createCustomVoice", VOICE | {"video_id": "", "callback_url": ""}, True),
        ("klingai", "createCustomVoice", VOICE | {"video_id": "8304"}, True),
        ("klingai", "createCustomVoice", {"voice_name": "n", "video_id": "8304"}, True),
        ("klingai", "createCustomVoice", VOICE | {"external_task_id": "x" * 5000}, True),
        ("klingai", "createCustomVoice", {"voice_name": "n"}, False),
        ("klingai", "createCustomVoice", VOICE | {"voice_url": ""}, False),
        ("klingai", "createCustomVoice", VOICE | {"voice_url": "", "video_id": ""}, False),
        ("klingai", "createCustomVoice", VOICE | {"voice_name": "字" * 20}, True),
        ("klingai", "createCustomVoice", VOICE | {"voice_name": "字" * 21}, False),
        ("klingai", "createCustomVoice", VOICE | {"voice_name": ""}, False),
        ("klingai", "createCustomVoice", VOICE | {"external_task_id": 42}, False),
        ("klingai", "createCustomVoice", VOICE | {"callback_url": None}, False),
        ("klingai", "deleteVoice", {"voice_id": "850087542757535834"}, True),
        ("klingai", "deleteVoice", {"voice_id": 850087542757535834}, False),
        ("klingai", "deleteVoice", {}, False),
        ("ezmodel", "createSpeech", SPEECH, True),
        ("ezmodel", "createSpeech", SPEECH | {"speed": 0.5, "volume": 2}, True),
        ("ezmodel", "createSpeech", SPEECH | {"text": "字" * 10000}, True),
        ("ezmodel", "createSpeech", SPEECH | {"text": "字" * 10001}, False),
        ("ezmodel", "createSpeech", SPEECH | {"speed": 2.01}, False),
        ("ezmodel", "createSpeech", SPEECH | {"volume": -0.1}, False),
    ],
)
def test_request_bodies(dialect: str, operation_id: str, body: Json, valid: bool) -> None:
    """The request schemas draw the line where the reference draws it."""
    document = bundle(dialect)
    schema = body_schema(document, operation(document, operation_id)["requestBody"])

    assert validator(document, schema).is_valid(body) is valid


@pytest.mark.parametrize(
    ("url", "valid"),
    [
        ("", True),
        ("http://127.0.0.1:49152/hook/1?a=b#c", True),
        ("https://[::1]:8443", True),
        ("https://user:word@example.com/声音.mp3", True),
        ("https://example.com?x", True),
        ("http://", False),
        ("http:///a", False),
        ("ftp://example.com/a", False),
        ("example.com", False),
        (" http://example.com", False),
        ("http://example.com/a b", False),
        ("http://example.com/\x00", False),
        ("http://example.com\n", False),
        ("http://example.com/\x85", False),
        ("\n", False),
        ("http://example.com/" + "a" * 4077, True),
        ("http://example.com/" + "a" * 4078, False),
    ],
)
def test_urls_mean_the_same_to_every_regex_dialect(url: str, valid: bool) -> None:
    """Address fields accept http and https addresses, in Rust's reading and in Python's."""
    for dialect, name in (("klingai", "CustomVoiceRequest"), ("ezmodel", "EzSpeechRequest")):
        fields = bundle(dialect)["components"]["schemas"][name]["properties"]
        for schema in (fields[key] for key in ("voice_url", "callback_url") if key in fields):
            python = re.search(schema["pattern"], url) and len(url) <= schema["maxLength"]

            assert validator(bundle(dialect), schema).is_valid(url) is valid
            assert bool(python) is valid


# ---- tasks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"brand_new_field": [1]}, True),
        ({"final_unit_deduction": ..., "final_balance_deduction": {"quota": "1"}}, True),
        ({"task_status": "succeeded"}, False),
        ({"task_status": "processing"}, False),
        ({"task_status": "processing", "task_result": {}}, True),
        ({"task_status": "submitted", "task_result": ...}, True),
        ({"task_status": "failed", "task_result": {}}, False),
        ({"task_status": "failed", "task_result": {}, "task_status_msg": "noise"}, True),
        ({"task_status": "failed", "task_status_msg": "noise"}, False),
        ({"task_result": {}}, False),
        ({"task_result": ...}, False),
        ({"task_result": {"voices": []}}, False),
        ({"task_id": 930801301486305328}, False),
        ({"task_id": ...}, False),
        ({"created_at": 1722769557}, False),
        ({"created_at": "1722769557708"}, False),
        ({"updated_at": ...}, False),
        ({"final_unit_deduction": 0.05}, False),
    ],
    ids=str,
)
def test_status_and_result_of_a_task_agree(change: dict[str, Json], valid: bool) -> None:
    """Only a task in succeed holds voices, and a failed one says why."""
    document = bundle("klingai")
    reference = operation(document, "getCustomVoice")["responses"]["200"]
    holder = follow(document, reference)["content"]["application/json"]
    body = copy.deepcopy(holder["examples"]["succeed"]["value"])
    data = {**body["data"], **change}
    body["data"] = {key: item for key, item in data.items() if item is not ...}
    notification = validator(document, {"$ref": "#/components/schemas/VoiceNotification"})

    assert validator(document, holder["schema"]).is_valid(body) is valid
    assert notification.is_valid(body["data"]) is valid
    assert not notification.is_valid(body)


def test_speech_duration_is_a_string_of_seconds() -> None:
    """The official duration is a string; a number is another dialect."""
    document = bundle("klingai")
    judge = validator(document, {"$ref": "#/components/schemas/Audio"})
    audio = {"id": "1", "url": "http://127.0.0.1:1/a.mp3"}

    assert judge.is_valid(audio | {"duration": "5.04"})
    assert not judge.is_valid(audio | {"duration": 5.04})
    assert not judge.is_valid(audio | {"duration": "5040 ms"})


# ---- callbacks and links --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "operation_id"),
    [
        ("klingai", "createCustomVoice"),
        ("kkiai", "createCustomVoice"),
        ("ezmodel", "createSpeech"),
    ],
)
def test_callbacks_go_to_a_field_of_the_request(dialect: str, operation_id: str) -> None:
    """A callback is a POST to the callback_url of the request and is acknowledged with 200."""
    document = bundle(dialect)
    found = operation(document, operation_id)
    schema = follow(document, body_schema(document, found["requestBody"]))
    (callback,) = (follow(document, item) for item in found["callbacks"].values())

    assert list(callback) == ["{$request.body#/callback_url}"]
    assert "callback_url" in schema["properties"]
    (item,) = callback.values()
    assert list(item) == ["post"]
    assert list(item["post"]["responses"]) == ["200"]


@pytest.mark.parametrize("dialect", ["klingai", "kkiai"])
def test_links_lead_from_create_to_delete(dialect: str) -> None:
    """Links lead from create to query, again to query, and to delete; the list has none."""
    document = bundle(dialect)
    seen = set()
    for _, _, found in operations(document):
        response = follow(document, found["responses"]["200"])
        examples = response["content"]["application/json"]["examples"]
        example = next(iter(examples.values()))["value"]
        for reference in response.get("links", {}).values():
            link = follow(document, reference)
            target = operation(document, link["operationId"])
            given = link.get("parameters") or link["requestBody"]
            seen.add((found["operationId"], link["operationId"]))
            for name, expression in given.items():
                value = example
                for part in expression.removeprefix("$response.body#/").split("/"):
                    value = value[int(part) if part.isdigit() else part]
                assert isinstance(value, str)
                assert name in {"id", "voice_id"}
                assert ("parameters" in link) == ("parameters" in target)

    assert seen == {
        ("createCustomVoice", "getCustomVoice"),
        ("getCustomVoice", "getCustomVoice"),
        ("getCustomVoice", "deleteVoice"),
    }


# ---- recorded bodies ------------------------------------------------------------------------


def samples() -> list[dict[str, Json]]:
    """Read the recorded and documented bodies, numbered by their line from 1."""
    lines = (DATA / "real_samples.jsonl").read_text("utf-8").splitlines()
    return [{"line": number, **json.loads(line)} for number, line in enumerate(lines, 1)]


def deviations() -> dict[int, dict[str, Json]]:
    """Read the table of samples that are not ours or do not obey the contract, by line."""
    rows: list[dict[str, Json]] = load(DATA / "sample_deviations.yaml")
    assert len({row["line"] for row in rows}) == len(rows)
    return {row["line"]: row for row in rows}


def schemas_for(sample: dict[str, Json], document: dict[str, Json]) -> list[Json] | None:
    """Find the schemas one of which the body of a sample must obey; None if it is not ours."""
    endpoint = sample["endpoint"]
    if endpoint.startswith("callback POST body"):
        return [{"$ref": "#/components/schemas/VoiceNotification"}]
    if endpoint.startswith("callback POST headers"):
        parameters = document["components"]["parameters"].values()
        headers = {item["name"]: item["schema"] for item in parameters if item["in"] == "header"}
        return [{"type": "object", "required": list(headers), "properties": headers}]
    method, _, rest = endpoint.partition(" ")
    path = rest.partition(" ")[0].removeprefix("/kling")
    for name, (verb, template) in OPERATIONS.items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if verb == method.lower() and re.fullmatch(pattern, path):
            responses = operation(document, name)["responses"]
            status = sample["status"]
            chosen = responses.values() if status is None else [responses[str(status)]]
            return [body_schema(document, item) for item in chosen]
    if isinstance(sample["status"], int) and sample["status"] >= 400:
        # Error bodies are the same for all products, so the siblings' are evidence too.
        return [{"$ref": f"#/components/schemas/Error{sample['status']}"}]
    return None


def is_partial(sample: dict[str, Json]) -> bool:
    """Whether the author of a sample quoted some of its fields and left out the others."""
    fidelity: str = sample["fidelity"]
    return fidelity.startswith(("partial", "observation", "verbatim as printed"))


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: f"line-{sample['line']}")
def test_recorded_bodies_obey_the_contract(sample: dict[str, Json]) -> None:
    """What real servers sent, and what pages print, is valid, or the table says where and why."""
    document = bundle("klingai")
    row = deviations().get(sample["line"])
    schemas = schemas_for(sample, document)
    if schemas is None:
        assert row is not None, "not a body of these operations: the table must say so"
        assert row["kind"] == "out-of-scope"
        return
    if is_partial(sample):
        document = document | {"components": relaxed(document["components"])}
        quotable = {"propertyNames": {"enum": ["code", "message", "request_id", "data"]}}
        schemas = [{"allOf": [relaxed(schema), quotable]} for schema in schemas]
    found = min(
        (error_paths(validator(document, schema), sample["body"]) for schema in schemas), key=len
    )

    if row is None:
        assert found == []
    else:
        assert row["kind"] == "deviation"
        assert found == sorted(row["paths"]), "the table must name what really deviates"


def test_sample_table_has_no_dead_rows() -> None:
    """Every row of the table belongs to a sample, names its endpoint and gives a reason."""
    by_line = {sample["line"]: sample for sample in samples()}

    assert len(by_line) == 33
    for line, row in deviations().items():
        assert row["endpoint"] == by_line[line]["endpoint"]
        assert row["reason"]
        assert set(row) - {"paths"} == {"line", "kind", "endpoint", "reason"}
        assert (row["kind"] == "deviation") == bool(row.get("paths"))


def test_embedded_upstream_error_obeys_the_contract() -> None:
    """The official error that CometAPI wraps is complete, and obeys the contract by itself."""
    wrapped = samples()[3]["body"]["data"]["data"]
    judge = validator(bundle("klingai"), {"$ref": "#/components/schemas/Error400"})

    assert wrapped["code"] == 1201
    assert error_paths(judge, wrapped) == []
