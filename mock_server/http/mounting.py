"""The control API's place in the application: loaded when it is first asked, so that a start does not pay for it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Router
from starlette.types import Receive, Scope, Send

from mock_server.http.admission import PREFIX, ControlError
from mock_server.world import World


class _Lazily:
    """The control API of a world, imported with its first request."""

    def __init__(self, world: World) -> None:
        self._world = world

    @cached_property
    def _router(self) -> Router:
        from mock_server.http.control import Control  # a fifth of all modules

        return Control(self._world).router()

    @property
    def routes(self) -> list[BaseRoute]:
        """Its routes, for whoever looks."""
        return self._router.routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._router(scope, receive, send)


def control_mount(world: World) -> Mount:
    """The control API below /__mock__."""
    return Mount(PREFIX.rstrip("/"), app=_Lazily(world))


async def on_control_error(_request: Request, error: Exception) -> Response:
    """A refused control request as JSON."""
    status = error.status if isinstance(error, ControlError) else 500
    return _said(str(error), status)


async def on_http_error(request: Request, error: Exception) -> Response:
    """A path or method that Starlette does not know: JSON below /__mock__/, text elsewhere."""
    if not isinstance(error, HTTPException):
        raise error
    if not request.url.path.startswith(PREFIX):
        return PlainTextResponse(error.detail, error.status_code, error.headers)
    words = f"the control API has no {request.method} {request.url.path}"
    return _said(words, error.status_code, error.headers)


def _said(words: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    body = orjson.dumps({"error": words.encode("utf-8", "replace").decode()})
    return Response(body, status, headers, media_type="application/json")
