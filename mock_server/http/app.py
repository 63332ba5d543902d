"""``create_app``: the composition root. It builds the world; the lifespan only starts and stops the dispatcher."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from mock_server import world as worlds
from mock_server.core.faulttext import FaultReader
from mock_server.core.task import Observation, Task, TaskKind
from mock_server.events import Observer, ignore
from mock_server.http import ezmodel, kkiai, klingai, media, wire
from mock_server.http.admission import PREFIX, ControlError
from mock_server.http.envelope import CODES_BY_STATUS, REASONS
from mock_server.http.mounting import control_mount, on_control_error, on_http_error
from mock_server.http.pipeline import Pipeline
from mock_server.settings import Settings

#: The dialects on the one port.
DIALECTS = (klingai.DIALECT, kkiai.DIALECT, ezmodel.DIALECT)
#: Wall seconds that callbacks under way get when the server stops.
STOP_GRACE_S = 1.0
_STARLETTES = (PREFIX, media.PREFIX)


class MockApp(Starlette):
    """Starlette, with the pipeline in front of it: only the control API, audio and the lifespan are Starlette's.

    Its middlewares and router would cost the hot path as much again as a whole use case does.
    """

    def __init__(self, pipeline: ASGIApp, **options: Any) -> None:
        super().__init__(**options)
        self._pipeline = pipeline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] == "http" and not scope["path"].startswith(_STARLETTES):
            await self._pipeline(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def create_app(settings: Settings | None = None, publish: Observer = ignore) -> Starlette:
    """The mock as an ASGI application. Its world is at ``app.state.world``.

    Callbacks are delivered while its lifespan runs; everything else works without one.

    Args:
        publish: told of every request, transition and callback attempt.

    Raises:
        BrokenFile: a document or fixture cannot be used.
    """
    faults = FaultReader(REASONS, CODES_BY_STATUS)
    world = worlds.build(settings or Settings(), callback_body, publish, faults)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        world.dispatcher.start(world.accounts)
        yield
        await world.dispatcher.stop(world.accounts, STOP_GRACE_S)

    routes = [control_mount(world), *media.routes(world.media, world.accounts.clock_of)]
    handlers = {
        ControlError: on_control_error,
        HTTPException: on_http_error,
    }
    app = MockApp(
        Pipeline(world, DIALECTS), routes=routes, lifespan=lifespan, exception_handlers=handlers
    )
    app.router.redirect_slashes = False
    app.state.world = world
    return app


def callback_body(task: Task, seen: Observation) -> bytes:
    """The body of a callback: the bare task (documented), or EzModel's flat record (assumed)."""
    if task.kind is TaskKind.CUSTOM_VOICE:
        return orjson.dumps(wire.voice_record(task, seen))
    if task.dialect == "ezmodel":
        return orjson.dumps(wire.ezmodel_speech(task, seen.updated_at))
    return orjson.dumps(wire.speech_record(task, seen))
