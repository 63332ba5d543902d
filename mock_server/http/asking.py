"""A control request on its way to its endpoint: whose it is, what it says, and whether that keeps the document."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response

from mock_server.account import Account
from mock_server.core.errors import Refused
from mock_server.core.redact import is_deep
from mock_server.core.task import Task
from mock_server.core.words import nearest
from mock_server.documents import CONTROL, Documents
from mock_server.http.admission import ControlError
from mock_server.http.envelope import ROWS
from mock_server.http.request import MAX_BODY_BYTES
from mock_server.http.showing import DEEPEST
from mock_server.schema import Schema
from mock_server.store import ANONYMOUS
from mock_server.world import World

T = TypeVar("T")

#: The most that a list shows.
MAX_LIMIT = 100_000
#: The largest number of a journal entry.
MAX_NUMBER = 10**15 - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """A control request: admitted, its account known, its body keeping the schema."""

    world: World
    request: Request
    account: Account
    body: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The id in the path."""
        return str(self.request.path_params["id"])

    def found(self, value: T | None, what: str) -> T:
        """What the id in the path names.

        Args:
            what: the word for such a thing.

        Raises:
            ControlError: the account has none of that id.
        """
        if value is None:
            raise ControlError(404, f"account {self.account.id} has no {what} {self.id!r}")
        return value

    def number(self, name: str, low: int, high: int) -> int | None:
        """A whole number of the query, or ``None``.

        Raises:
            ControlError: it is none, or out of bounds.
        """
        text = self.request.query_params.get(name)
        if text is None:
            return None
        if not re.fullmatch("[0-9]{1,15}", text, re.ASCII) or not low <= int(text) <= high:
            raise ControlError(400, f"{name!r} must be a whole number from {low} to {high}")
        return int(text)

    def limit(self) -> int | None:
        """How many are to be shown at most, or ``None``.

        Raises:
            ControlError: it is no such number.
        """
        return self.number("limit", 1, MAX_LIMIT)

    def task(self, name: str) -> Task:
        """The account's task with this task id or external id.

        Raises:
            ControlError: it has none.
        """
        task = self.account.task(name) or self.account.voice_task(name)
        if task is None:
            raise ControlError(404, f"account {self.account.id} has no task {name!r}")
        return task


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of the control API.

    Attributes:
        run: does it; what it returns is the answer as JSON.
        status: of the answer.
        has_account: whether it belongs to an account.
        parameters: the query parameters it knows, beside ``account``.
    """

    method: str
    path: str
    operation_id: str
    run: Callable[[Asked], Any | Awaitable[Any]]
    status: int = 200
    has_account: bool = True
    parameters: tuple[str, ...] = ()

    def check_query(self, request: Request) -> None:
        """Lets a request pass that has only query parameters the operation knows.

        Raises:
            ControlError: it has another; the nearest known one is named.
        """
        known = (*self.parameters, *(("account",) if self.has_account else ()))
        for name in request.query_params:
            if name not in known:
                words = nearest(name, known) or f"; known are {', '.join(known) or 'none'}"
                raise ControlError(400, f"unknown query parameter {name!r}{words}")


class Bodies:
    """Reads and checks request bodies; the document is read when the first body comes."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._schemas: dict[str, Schema] = {}
        self._operations: dict[str, Any] | None = None

    async def read(self, request: Request, operation_id: str) -> dict[str, Any] | None:
        """The body of a request, or ``None`` where the operation has none or it was left out.

        Raises:
            ControlError: it is too large (413), no JSON object, or breaks its schema (400).
        """
        spec = self._body_of(operation_id)
        if spec is None:
            return None
        raw = await request.body()
        if len(raw) > MAX_BODY_BYTES:
            raise ControlError(413, f"the body is larger than {MAX_BODY_BYTES} bytes")
        if not raw.strip() and not spec.get("required"):
            return None
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise ControlError(400, "the body is not valid JSON") from None
        if not isinstance(value, dict):
            raise ControlError(400, "the body must be a JSON object")
        if is_deep(value, DEEPEST):
            raise ControlError(400, "the body is nested too deeply")
        problem = self._schema(operation_id, spec).problem(value)
        if problem is not None:
            raise ControlError(400, str(problem))
        return value

    def _body_of(self, operation_id: str) -> dict[str, Any] | None:
        if self._operations is None:
            paths = self._documents.requests(CONTROL)["paths"].values()
            self._operations = {
                spec["operationId"]: spec.get("requestBody")
                for item in paths
                for spec in item.values()
            }
        found: dict[str, Any] | None = self._operations[operation_id]
        return found

    def _schema(self, operation_id: str, spec: dict[str, Any]) -> Schema:
        if operation_id not in self._schemas:
            components = self._documents.requests(CONTROL)["components"]
            rooted = {**spec["content"]["application/json"]["schema"], "components": components}
            self._schemas[operation_id] = Schema(rooted)
        return self._schemas[operation_id]


def account_of(request: Request, world: World) -> Account:
    """The account that a control request is about.

    Raises:
        ControlError: it names none that has been seen (404), or its credential is none (401).
    """
    named = request.query_params.get("account")
    if named == "":
        raise ControlError(400, "'account' must not be empty")
    if named == ANONYMOUS:
        return world.accounts.anonymous
    if named:
        found = world.accounts.find(named)
        if found is None:
            known = [account.id for account in world.accounts]
            raise ControlError(404, f"no account {named!r} has been seen{nearest(named, known)}")
        return found
    authorization = request.headers.get("authorization")
    try:
        raw = None if authorization is None else authorization.encode("latin-1")
        return world.accounts.get(world.credentials.account_id(raw))
    except Refused as refused:
        words = refused.message or ROWS[refused.reason].message
        raise ControlError(
            401, f"name the account by Authorization or ?account=: {words}"
        ) from None


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer of the control API."""
    return Response(orjson.dumps(value), status, headers, media_type="application/json")
