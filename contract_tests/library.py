"""The clauses one by one, for a suite of your own: hold answers and notifications against the contract.

::

    from contract_tests import History, check_answer, from_httpx

    def test_our_gateway(client):
        history = History()
        answer = from_httpx(client.post("/v1/audio/tts", json={...}))
        check_answer(answer, dialect="klingai", operation="createSpeech")
        history.add(answer, operation="createSpeech")

Each raises ``Broken``, an ``AssertionError`` that begins with the id of the clause. Nothing here sends a request, and
nothing needs the mock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contract_tests import checks, documents, history, routes
from contract_tests.observation import Answer, Notification, Request, decoded

if TYPE_CHECKING:
    import httpx2
    import requests

_DIALECT = "klingai"


class History(history.History):
    """What the answers of one server say together; add them as they come."""

    def add(  # type: ignore[override]
        self, answer: Answer, *, operation: str = "", dialect: str = _DIALECT
    ) -> None:
        """Holds an answer against those before it: ids, statuses, times, what was asked for.

        Args:
            operation: which operation answered; by default told by method and path.

        Raises:
            Broken: they contradict each other.
            LookupError: the dialect has no such operation.
        """
        super().add(answer, _route(answer, dialect, operation))


def check_answer(answer: Answer, *, dialect: str = _DIALECT, operation: str = "") -> None:
    """Holds an answer against the clauses that bind every answer.

    They are the envelope, the error table and the schema of the operation. Where the request shows that it had to be
    refused, it was.

    Args:
        operation: which operation answered, such as ``createSpeech``; by default told by method and path.

    Raises:
        Broken: a clause is broken; the message begins with its id.
        LookupError: the dialect has no such operation.
    """
    route = _route(answer, dialect, operation)
    checks.envelope(answer, dialect)
    checks.conforms(answer, route.operation)
    check_refusal(answer, dialect=dialect, operation=route.operation.id)


def check_refusal(answer: Answer, *, dialect: str = _DIALECT, operation: str = "") -> None:
    """A request that every server must refuse was refused; others pass.

    Raises:
        Broken: it was accepted.
        LookupError: the dialect has no such operation.
    """
    route = _route(answer, dialect, operation)
    body = answer.request.body
    if route.operation.request is None or not body or b"***" in body:
        return  # what is not known is not judged
    from contract_tests.meter import is_forbidden

    if is_forbidden(f"{dialect} {route.operation.id}", body):
        was_refused = answer.pair != (200, 0)
        told = checks.not_due(answer, "a refusal, as of every server")
        checks.require(was_refused, "schema.request.refused", told)


def check_notification(seen: Notification, *, dialect: str = _DIALECT) -> None:
    """A notification is a POST of the bare task as JSON.

    Raises:
        Broken: a clause is broken.
        LookupError: the dialect has no notifications.
    """
    operation = documents.document(dialect).operations["createCustomVoice"]
    checks.notification(seen, operation.callbacks["voiceTaskChanged"])


def from_httpx(response: httpx2.Response) -> Answer:
    """An answer of httpx or httpx2, whose body was read."""
    sent = response.request
    request = Request(sent.method, str(sent.url), _headers(sent.headers), bytes(sent.content))
    return Answer(request, response.status_code, _headers(response.headers), response.content)


def from_requests(response: requests.Response) -> Answer:
    """An answer of requests."""
    sent = response.request
    body = sent.body or b""
    content = body.encode() if isinstance(body, str) else bytes(body)
    request = Request(str(sent.method), str(sent.url), _headers(sent.headers), content)
    return Answer(request, response.status_code, _headers(response.headers), response.content)


def from_har(path: str) -> list[Answer]:
    """The answers of a recording, oldest first; those without a body in it are left out.

    Raises:
        BadRecording: it cannot be read; the message names the place.
    """
    from contract_tests import harread

    return [item.answer for item in harread.read(path).seen if item.answer is not None]


def _route(answer: Answer, dialect: str, operation: str) -> routes.Route:
    if operation:
        operations = documents.document(dialect).operations
        if operation not in operations:
            raise LookupError(
                f"{dialect} has no operation {operation!r}, but {', '.join(operations)}"
            )
        path = _path(answer)
        found = routes.find_anywhere(answer.request.method, path, (dialect,))
        is_it = found is not None and found.operation.id == operation
        return routes.Route(dialect, operations[operation], found.name if found and is_it else "")
    found = routes.find_anywhere(answer.request.method, _path(answer), (dialect,))
    if found is None:
        raise LookupError(
            f"{dialect} has no {answer.request.method} {_path(answer)}; name the operation"
        )
    return found


def _path(answer: Answer) -> str:
    return "/" + answer.request.url.partition("://")[2].partition("/")[2].partition("?")[0]


def _headers(headers: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in headers.items()}


__all__ = [
    "Answer",
    "History",
    "Notification",
    "Request",
    "check_answer",
    "check_notification",
    "check_refusal",
    "decoded",
    "from_har",
    "from_httpx",
    "from_requests",
]
