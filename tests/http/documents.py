"""The bundled documents as a judge: whether an answer is one that its operation declares.

Paths are matched here anew, from the documents, so that the mock's own table is not its judge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from mock_server.documents import Documents
from tests.support.places import OPENAPI

Json = dict[str, Any]

_DIALECTS = ("klingai", "kkiai", "ezmodel", "extensions")


@dataclass(frozen=True, slots=True)
class Place:
    """An operation in a document: the one that a request meets, or one that stands near it."""

    document: str
    path: str
    method: str


@cache
def document(name: str) -> Json:
    """A bundled document."""
    return Documents(OPENAPI).bundled(name)


@cache
def place(method: str, path: str, names: tuple[str, ...] = _DIALECTS) -> Place:
    """Where a request is described. A wrong method or unknown path is judged by a neighbouring operation."""
    for name in names:
        for template, item in document(name)["paths"].items():
            if re.fullmatch(re.sub(r"\\{.*?\\}", "[^/]+", re.escape(template)), path):
                known = method.lower() if method.lower() in item else next(iter(item))
                return Place(name, template, known)
    if path.startswith("/kling/v1/tts"):
        return Place("ezmodel", "/kling/v1/tts", "post")
    return Place("klingai", "/v1/audio/tts", "post")


@cache
def _validator(at: Place, status: int, media_type: str) -> jsonschema_rs.Validator | None:
    whole = document(at.document)
    answers = whole["paths"][at.path][at.method]["responses"]
    if str(status) not in answers:
        return None
    answer = answers[str(status)]
    while "$ref" in answer:
        _, _, section, name = answer["$ref"].split("/")
        answer = whole["components"][section][name]
    schema = answer["content"][media_type]["schema"]
    rooted = {**schema, "components": {"schemas": whole["components"]["schemas"]}}
    return jsonschema_rs.Draft202012Validator(rooted, validate_formats=True)


def broken_rules(at: Place, status: int, value: Any, media_type: str = "application/json") -> str:
    """What an answer breaks of its operation's description; empty when it keeps it."""
    validator = _validator(at, status, media_type)
    if validator is None:
        return f"{at} declares no {status}"
    return "; ".join(error.message for error in validator.iter_errors(value))


def statuses(at: Place) -> set[int]:
    """The statuses an operation declares."""
    answers = document(at.document)["paths"][at.path][at.method]["responses"]
    return {int(status) for status in answers}


@cache
def error_table(name: str) -> frozenset[tuple[int, int]]:
    """The pairs of HTTP status and code that a dialect's error table has."""
    if name == "ezmodel":
        rows = document("ezmodel")["info"]["x-error-table"]
    else:
        file = Documents(OPENAPI)
        rows = file._file(OPENAPI / "components" / "responses.yaml")["x-error-table"]
    return frozenset((row["status"], row["code"]) for row in rows)
