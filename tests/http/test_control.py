"""The control API as a whole: health, documents, what exists, and what every body must be like."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from mock_server import __version__
from mock_server.http.app import create_app
from tests.http import documents
from tests.http.api import BASE_URL, NOTHING, api

NAMES = ["klingai", "kkiai", "ezmodel", "extensions", "control"]


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    """Every described operation: method, path below /__mock__, description."""
    paths = documents.document("control")["paths"]
    return [
        (method.upper(), path.removeprefix("/__mock__"), item)
        for path, found in paths.items()
        for method, item in found.items()
    ]


#: The operations that take a body, as (method, path, operationId).
WITH_BODY = [
    (method, path.replace("{id}", "1"), item["operationId"])
    for method, path, item in operations()
    if "requestBody" in item
]


def test_health_says_which_world_this_is() -> None:
    """Health names product, version and seed, without a credential."""
    assert api(seed="a seed").using("").control("GET", "/health") == (
        200,
        {"server": "kling-mock", "version": __version__, "seed": "a seed"},
    )


def test_seed_is_random_unless_given() -> None:
    """Two servers without a seed have different ones, and say which."""
    seeds = {api(seed="", polls=number).control("GET", "/health")[1]["seed"] for number in (1, 2)}

    assert len(seeds) == 2
    assert "" not in seeds


def test_documents_are_listed_and_served_in_both_forms() -> None:
    """Each document is served as JSON and as YAML, both are equal, and neither refers to another file."""
    mock = api().using("")
    listed = mock.control("GET", "/openapi/")[1]
    assert list(listed) == NAMES

    for name, url in listed.items():
        assert url == f"{BASE_URL}/__mock__/openapi/{name}.json"
        as_json = mock.http.get(url)
        as_yaml = mock.http.get(url.replace(".json", ".yaml"))
        assert as_json.headers["content-type"] == "application/json"
        assert as_yaml.headers["content-type"].startswith("application/yaml")
        assert yaml.safe_load(as_yaml.text) == as_json.json() == documents.document(name)
        assert ".yaml#" not in as_json.text


@pytest.mark.parametrize(
    "name", ["klingai", "klingai.xml", ".json", "x.json", "..%2Fklingai.json", "json"]
)
def test_unknown_document_is_404_and_the_known_are_named(name: str) -> None:
    """A document that does not exist is 404 with the names of those that do."""
    status, value = api().control("GET", f"/openapi/{name}")

    assert status == 404
    assert "klingai" in value["error"]


def test_description_has_exactly_the_operations_that_exist() -> None:
    """openapi/control.yaml and the routes name the same methods and paths."""
    described = {(method, "/__mock__" + path) for method, path, _ in operations()}
    served = {
        (method, "/__mock__" + route.path.replace(":path}", "}"))
        for mount in create_app().routes
        if getattr(mount, "path", "") == "/__mock__"
        for route in getattr(mount, "routes", [])
        if route.path != "/{path:path}"
        for method in route.methods - {"HEAD"}
    }

    assert served == described


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method, path, _ in operations()], ids=" ".join
)
def test_described_operations_answer_as_described(method: str, path: str) -> None:
    """Each described operation answers a new account, with a declared status and the schema of that status."""
    path = path.replace("{id}", "nobody").replace("{name}", "klingai.json")
    takes_body = (method, path.replace("nobody", "1")) in [item[:2] for item in WITH_BODY]

    status, _ = api().control(method, path, {} if takes_body else NOTHING)

    expected = {404} if "nobody" in path else {200}
    assert status in ({400, 200} if takes_body else expected)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("POST", "/nothing"),
        ("GET", "/clock/"),
        ("GET", "/tasks/"),
        ("GET", "/openapi"),
        ("POST", "/health"),
        ("DELETE", "/clock"),
        ("PUT", "/clock/advance"),
        ("GET", "/clock/advance"),
        ("GET", "/wait"),
        ("GET", "/reset"),
        ("PATCH", "/limits"),
        ("OPTIONS", "/clock"),
    ],
)
def test_what_does_not_exist_is_said_in_json(method: str, path: str) -> None:
    """An unknown control path, or a wrong method, is refused as JSON that names what was asked for."""
    status, value = api().control(method, path)

    assert status in (404, 405)
    assert set(value) == {"error"}
    assert f"{method} /__mock__{path}" in value["error"]


@pytest.mark.parametrize(
    ("method", "path", "operation_id"), WITH_BODY, ids=[item[2] for item in WITH_BODY]
)
@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff", b"null", b"[]", b"9", b'"text"', b'{"a": NaN}', b"[" * 5000, b'{"a":' * 5000],
    ids=lambda body: ascii(body)[:14],
)
def test_body_that_is_no_object_is_refused(
    method: str, path: str, operation_id: str, body: bytes
) -> None:
    """What is no JSON object is 400 and says so, whatever the operation."""
    status, value = api().control(method, path, body)

    assert status == 400, operation_id
    assert "JSON" in value["error"]


@pytest.mark.parametrize(
    ("method", "path", "operation_id"), WITH_BODY, ids=[item[2] for item in WITH_BODY]
)
def test_unknown_key_is_refused_everywhere(method: str, path: str, operation_id: str) -> None:
    """An unknown key is 400 and named, before anything else is said."""
    status, value = api().control(method, path, {"nonsense_key": 1})

    assert status == 400, operation_id
    assert "nonsense_key" in value["error"]


@pytest.mark.parametrize(
    ("method", "path", "body", "word"),
    [
        ("POST", "/clock/advance", {"bye": 9}, "'by'"),
        ("PUT", "/clock", {"mod": "manual"}, "'mode'"),
        ("PUT", "/clock", {"mode": "manuel"}, "'manual'"),
        ("POST", "/settle", {"timout": 1}, "'timeout'"),
        ("POST", "/wait", {"fro": "task", "match": {}}, "'for'"),
        ("POST", "/wait", {"for": "tasks", "match": {}}, "'task'"),
        ("POST", "/wait", {"for": "task", "match": {"taks": "1"}}, "'task'"),
        ("POST", "/wait", {"for": "request", "match": {"opration": "x"}}, "'operation'"),
        ("POST", "/wait", {"for": "callback", "match": {"task_stat": "x"}}, "'task_status'"),
        ("POST", "/tasks/1/transition", {"too": "failed"}, "'to'"),
        ("POST", "/tasks/1/transition", {"to": "succeeded"}, "'succeed'"),
        ("PUT", "/scenario", {"scenari": "slow"}, "'scenario'"),
        ("POST", "/faults", {"fault": "5001", "whn": {}}, "'when'"),
        ("POST", "/faults", {"fault": {"sockt": "reset"}}, "'socket'"),
        ("POST", "/faults", {"fault": {"socket": "rest"}}, "'reset'"),
        (
            "POST",
            "/faults",
            {"fault": "5001", "match": {"operation": "getCustomVoices"}},
            "'getCustomVoice'",
        ),
        ("POST", "/plans", {"steps": {"createVoice": ["ok"]}}, "'createCustomVoice'"),
        ("POST", "/journal/verify", {"expect": [{"match": {"methd": "GET"}}]}, "'method'"),
        ("PUT", "/limits", {"unit": 1}, "'units'"),
        ("PUT", "/behaviours", {"delete_answr": "none"}, "'delete_answer'"),
        ("PUT", "/behaviours", {"delete_answer": "recrd"}, "'record'"),
    ],
)
def test_nearest_valid_word_is_named(method: str, path: str, body: Any, word: str) -> None:
    """A misspelt key or value is refused with the word that was most likely meant."""
    mock = api()
    if "/tasks/1/" in path:
        path = path.replace("1", mock.learn().data["task_id"])

    status, value = mock.control(method, path, body)

    assert status == 400
    assert f"did you mean {word}" in value["error"]


@pytest.mark.parametrize(
    ("method", "path", "operation_id"), WITH_BODY, ids=[item[2] for item in WITH_BODY]
)
def test_body_has_a_size(method: str, path: str, operation_id: str) -> None:
    """A body beyond the limit is 413, and the limit is named."""
    body = b'{"id": "' + b"x" * 1_000_000 + b'"}'

    status, value = api().control(method, path, body)

    assert status == 413, operation_id
    assert "1000000" in value["error"]
