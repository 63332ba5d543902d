"""The golden payloads are what the mock answers, and keep the contract."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from mock_server.contract import Contract, load
from mock_server.documents import Documents
from mock_server.resources import folder
from tests.support import golden

DOCUMENTS = Documents(folder("openapi"))
CONTRACT: Contract = load(DOCUMENTS)


def resolved(document: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """What a local reference leads to, or the value itself."""
    while "$ref" in value:
        _, _, section, name = value["$ref"].split("/")
        value = document["components"][section][name]
    return value


def is_valid(document: dict[str, Any], schema: dict[str, Any], body: Any) -> bool:
    """Whether a body has a schema of a document."""
    rooted = {**schema, "components": {"schemas": document["components"]["schemas"]}}
    return jsonschema_rs.Draft202012Validator(rooted).is_valid(body)


@pytest.mark.parametrize("dialect", golden.EXCHANGES)
def test_files_are_what_the_mock_answers(dialect: str) -> None:
    """Each golden file is, to the byte, what the mock gives in the golden world; none is left over."""
    made = {name: golden.written(payload) for name, payload in golden.payloads(dialect)}

    kept = {path.stem: path.read_text("utf-8") for path in (golden.FOLDER / dialect).glob("*.json")}

    assert kept == made, "python -m tests.support.golden writes them anew"


@pytest.mark.parametrize(
    "name",
    sorted(path.relative_to(golden.FOLDER).as_posix() for path in golden.FOLDER.rglob("*.json")),
)
def test_file_keeps_the_contract(name: str) -> None:
    """Each golden response has the schema its document declares for the status; each callback has its schema."""
    payload = json.loads((golden.FOLDER / name).read_text("utf-8"))
    document = DOCUMENTS.bundled(name.partition("/")[0])

    if "request" not in payload:
        assert is_valid(document, {"$ref": "#/components/schemas/VoiceNotification"}, payload)
        return
    path, method = payload["request"]["path"].partition("?")[0], payload["request"]["method"]
    match = CONTRACT.match(path.encode())
    assert match is not None
    operation = match.operations.get(method) or next(iter(match.operations.values()))
    spec = document["paths"][operation.path][operation.method.lower()]
    response = resolved(document, spec["responses"][str(payload["response"]["status"])])
    schema = response["content"]["application/json"]["schema"]
    assert is_valid(document, schema, payload["response"]["body"])
