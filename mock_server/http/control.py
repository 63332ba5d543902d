"""The control API under /__mock__/ (openapi/control.yaml): what a test does and a client of the real API cannot.

Health and the documents are open. Everything else is refused to pages of other sites in a browser, and beyond loopback
needs the token in ``X-Mock-Token``; most of it belongs to the account named by ``Authorization`` or ``?account=``.
Bodies are checked against the document, so that an endpoint gets what it is written for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import yaml
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from mock_server import __version__
from mock_server.http import (
    control_account,
    control_callbacks,
    control_faults,
    control_journal,
    control_report,
    control_tasks,
    control_time,
    control_wait,
)
from mock_server.http.admission import PREFIX, ControlError, admit
from mock_server.http.asking import Asked, Bodies, Endpoint, account_of, answer
from mock_server.world import World

Handler = Callable[[Request], Awaitable[Response]]


class Control:
    """The endpoints of the control API of one server."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._bodies = Bodies(world.documents)

    def router(self) -> Router:
        """The routes below /__mock__."""
        routes = [
            Route("/health", self.health, methods=["GET"]),
            Route("/openapi/", self.documents, methods=["GET"]),
            Route("/openapi/{name}", self.document, methods=["GET"]),
        ]
        by_path: dict[str, dict[str, Endpoint]] = {}
        for module in (
            control_time,
            control_wait,
            control_tasks,
            control_faults,
            control_journal,
            control_report,
            control_callbacks,
            control_account,
        ):
            for endpoint in module.ENDPOINTS:
                by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
        routes += [
            Route(path, self._guarded(endpoints), methods=list(endpoints))
            for path, endpoints in by_path.items()
        ]
        return Router(routes, redirect_slashes=False)

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

    def _guarded(self, endpoints: dict[str, Endpoint]) -> Handler:
        async def guarded(request: Request) -> Response:
            admit(request, self._world.settings)
            endpoint = endpoints["GET" if request.method == "HEAD" else request.method]
            endpoint.check_query(request)
            account = account_of(request, self._world) if endpoint.has_account else None
            body = await self._bodies.read(request, endpoint.operation_id)
            if account is not None and account.closed:  # reset while the body came
                account = account_of(request, self._world)
            asked = Asked(
                self._world, request, account or self._world.accounts.anonymous, body or {}
            )
            value = endpoint.run(asked)
            if isinstance(value, Awaitable):
                value = await value
            return answer(value, endpoint.status)

        return guarded
