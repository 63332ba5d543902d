"""The control API under /__mock__/ (openapi/control.yaml): what a test does and a client of the real API cannot.

Health and the documents are open. Everything else belongs to the account named by ``Authorization`` or ``?account=``,
is refused to pages of other sites in a browser, and beyond loopback needs the token in ``X-Mock-Token``.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
import yaml
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router

from mock_server import __version__
from mock_server.account import Account
from mock_server.core.errors import Refused
from mock_server.core.task import InvalidTimeline, Step, TaskIsTerminal, TaskStatus, observe
from mock_server.datafile import nearest
from mock_server.events import plain
from mock_server.http.admission import ControlError, admit
from mock_server.http.envelope import ROWS
from mock_server.world import World

PREFIX = "/__mock__/"
#: The longest advance, in virtual seconds: ten years.
MAX_ADVANCE_S = 10 * 365 * 24 * 3600

Endpoint = Callable[[Request], Awaitable[Response]]


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer of the control API."""
    return Response(orjson.dumps(value), status, headers, media_type="application/json")


class Control:
    """The endpoints of the control API of one server."""

    def __init__(self, world: World) -> None:
        self._world = world

    def mount(self) -> Mount:
        """The routes below /__mock__."""
        routes = [
            Route("/health", self.health, methods=["GET"]),
            Route("/openapi/", self.documents, methods=["GET"]),
            Route("/openapi/{name}", self.document, methods=["GET"]),
            Route("/clock", self._guarded(self.clock), methods=["GET"]),
            Route("/tasks/{id}/transition", self._guarded(self.transition), methods=["POST"]),
            Route("/clock/advance", self._guarded(self.advance), methods=["POST"]),
        ]
        return Mount("/__mock__", app=Router(routes, redirect_slashes=False))

    async def health(self, _request: Request) -> Response:
        """Who is there: name, version, seed."""
        return answer({"server": "kling-mock", "version": __version__, "seed": self._world.seed})

    async def documents(self, request: Request) -> Response:
        """Where each document is."""
        base = f"{request.url.scheme}://{request.url.netloc}{PREFIX}openapi/"
        return answer({name: f"{base}{name}.json" for name in self._world.documents})

    async def document(self, request: Request) -> Response:
        """One bundled document, as .json or .yaml."""
        name, _, form = str(request.path_params["name"]).rpartition(".")
        if name not in list(self._world.documents) or form not in ("json", "yaml"):
            known = ", ".join(self._world.documents)
            raise ControlError(404, f"no such document; there are {known}, each as .json and .yaml")
        document = self._world.documents.bundled(name)
        if form == "json":
            return answer(document)
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        return Response(text, media_type="application/yaml")

    async def clock(self, request: Request) -> Response:
        """The account's clock."""
        return answer(_clock(self._account(request)))

    async def advance(self, request: Request) -> Response:
        """Moves the account's clock by ``by`` seconds; answers with what happened, in due order."""
        account = self._account(request)
        by_s = _seconds(await _body(request), "by")
        begin = account.own_clock().now()
        try:
            happened = await self._world.dispatcher.advance(account, round(by_s * 1000))
        except asyncio.CancelledError:
            raise ControlError(503, "the server stopped before the advance was over") from None
        events = [plain(event) for event in happened]
        return answer({**_clock(account), "from": begin, "events": events})

    async def transition(self, request: Request) -> Response:
        """Lets a status of a task begin now; answers with the task's new status."""
        account = self._account(request)
        task = account.task(str(request.path_params["id"]))
        if task is None:
            raise ControlError(404, f"the account has no task {request.path_params['id']!r}")
        step = _step(await _body(request))
        try:
            moved_on = self._world.dispatcher.transition(account, task, step)
        except (TaskIsTerminal, InvalidTimeline) as error:
            raise ControlError(409, str(error)) from None
        seen = observe(moved_on, account.clock.now())
        return answer({"task_id": task.id, "task_status": seen.status, "at": seen.updated_at})

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def guarded(request: Request) -> Response:
            admit(request, self._world.settings)
            return await endpoint(request)

        return guarded

    def _account(self, request: Request) -> Account:
        named = request.query_params.get("account")
        if named:
            found = self._world.accounts.find(named)
            if found is None:
                known = [account.id for account in self._world.accounts]
                raise ControlError(
                    404, f"no account {named!r} has been seen{nearest(named, known)}"
                )
            return found
        authorization = request.headers.get("authorization")
        try:
            raw = None if authorization is None else authorization.encode("latin-1")
            return self._world.accounts.get(self._world.credentials.account_id(raw))
        except Refused as refused:
            words = refused.message or ROWS[refused.reason].message
            raise ControlError(
                401, f"name the account by Authorization or ?account=: {words}"
            ) from None


async def on_control_error(_request: Request, error: Exception) -> Response:
    """A refused control request as JSON."""
    status = error.status if isinstance(error, ControlError) else 500
    return answer({"error": _encodable(str(error))}, status)


async def on_http_error(request: Request, error: Exception) -> Response:
    """A path or method that Starlette does not know: JSON below /__mock__/, text elsewhere."""
    if not isinstance(error, HTTPException):
        raise error
    if not request.url.path.startswith(PREFIX):
        return PlainTextResponse(error.detail, error.status_code, error.headers)
    words = f"the control API has no {request.method} {request.url.path}"
    return answer({"error": _encodable(words)}, error.status_code, error.headers)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _clock(account: Account) -> dict[str, Any]:
    return {"account": account.id, "now": account.clock.now(), "rate": account.clock.rate}


async def _body(request: Request) -> dict[str, Any]:
    try:
        value = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise ControlError(400, "the body is not valid JSON") from None
    if not isinstance(value, dict):
        raise ControlError(400, "the body must be a JSON object")
    return value


def _step(body: dict[str, Any]) -> Step:
    unknown = sorted(set(body) - {"to", "message"})
    if unknown:
        raise ControlError(400, f"unknown key {unknown[0]!r}; the keys are 'to' and 'message'")
    try:
        status = TaskStatus(body.get("to", ""))
    except ValueError:
        known = ", ".join(TaskStatus)
        raise ControlError(400, f"'to' must be one of {known}") from None
    message = body.get("message", "Task failed" if status is TaskStatus.FAILED else "")
    if not isinstance(message, str) or bool(message) != (status is TaskStatus.FAILED):
        raise ControlError(
            400, "'message' is the reason of a failure: text with failed, else absent"
        )
    return Step(status, message=message)


def _seconds(body: dict[str, Any], name: str) -> float:
    unknown = sorted(set(body) - {name})
    if unknown:
        raise ControlError(400, f"unknown key {unknown[0]!r}; the body is {{{name!r}: seconds}}")
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ControlError(400, f"{name!r} must be a number of seconds")
    if not 0 <= value <= MAX_ADVANCE_S:
        raise ControlError(400, f"{name!r} must be from 0 to {MAX_ADVANCE_S} seconds")
    return float(value)
