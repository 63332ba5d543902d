"""The links of a document, and what their runtime expressions come to for an exchange that took place.

Source: OpenAPI 3.1, Link Object and Runtime Expressions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from contract_tests import documents
from contract_tests.observation import NOT_JSON, Answer, decoded

Json = Any

_EMBEDDED = re.compile(r"\{(\$[^{}]+)\}")


class NoValue(LookupError):
    """Raised when an expression leads to nothing in an exchange."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link.

    Attributes:
        source: the operation whose answer it leads on from, and the HTTP status of that answer.
        target: the operation it leads to.
    """

    name: str
    source: str
    status: int
    target: str
    parameters: Mapping[str, Json]
    body: Json

    def __str__(self) -> str:
        return f"{self.source}.{self.name}"


@dataclass(frozen=True, slots=True)
class Call:
    """What a link says is to be sent."""

    name: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Json = None


def links(document: documents.Document) -> list[Link]:
    """All links of a document, in its order."""
    return list(_links(document.raw))


def call(link: Link, answer: Answer, path: str) -> Call:
    """What a link says is to be sent after an exchange.

    Args:
        path: the path of the source operation, with braces; its parameter is read from the address that was called.

    Raises:
        NoValue: an expression leads to nothing.
    """
    values = {
        name.rpartition(".")[2]: _value(words, answer, path)
        for name, words in link.parameters.items()
    }
    body = _value(link.body, answer, path) if link.body is not None else None
    identifier = str(values.pop("id", ""))
    return Call(identifier, values, body)


def _links(raw: Mapping[str, Json]) -> Iterator[Link]:
    for item in raw["paths"].values():
        for operation in item.values():
            if not isinstance(operation, dict) or "responses" not in operation:
                continue
            for status, response in operation["responses"].items():
                for name, link in response.get("links", {}).items():
                    yield Link(
                        name,
                        operation["operationId"],
                        int(status),
                        link["operationId"],
                        link.get("parameters", {}),
                        link.get("requestBody"),
                    )


def _value(words: Json, answer: Answer, path: str) -> Json:
    """A constant, an expression, or a text or an object with expressions in it."""
    if isinstance(words, dict):
        return {name: _value(item, answer, path) for name, item in words.items()}
    if isinstance(words, list):
        return [_value(item, answer, path) for item in words]
    if not isinstance(words, str):
        return words
    if words.startswith("$"):
        return _evaluated(words, answer, path)
    return _EMBEDDED.sub(lambda found: str(_evaluated(found[1], answer, path)), words)


def _evaluated(expression: str, answer: Answer, path: str) -> Json:
    request = answer.request
    plain = {"$url": request.url, "$method": request.method, "$statusCode": answer.status}
    if expression in plain:
        return plain[expression]
    root, _, rest = expression.partition(".")
    body = answer.json if root == "$response" else decoded(request.body)
    if rest == "body" or rest.startswith("body#"):
        return _at(body, rest.partition("#")[2], expression)
    kind, _, name = rest.partition(".")
    headers = answer.headers if root == "$response" else request.headers
    asked = urlsplit(request.url)
    found = {
        "header": lambda: {key.lower(): value for key, value in headers.items()}.get(name.lower()),
        "query": lambda: next(iter(parse_qs(asked.query).get(name, ())), None),
        "path": lambda: _in_path(path, asked.path).get(name),
    }.get(kind, lambda: None)()
    if found is None:
        raise NoValue(expression)
    return found


def _at(body: Json, pointer: str, expression: str) -> Json:
    if body is NOT_JSON:
        raise NoValue(expression)
    for key in pointer.split("/")[1:]:
        word = key.replace("~1", "/").replace("~0", "~")
        try:
            body = body[int(word)] if isinstance(body, list) else body[word]
        except (KeyError, IndexError, ValueError, TypeError):
            raise NoValue(expression) from None
    return body


def _in_path(template: str, path: str) -> dict[str, str]:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template)
    found = re.search(f"{pattern}$", path)
    return found.groupdict() if found else {}
