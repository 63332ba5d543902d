"""Audio over HTTP: no authentication, and the URL alone says what is served."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mock_server.media import Media

PREFIX = "/media/"
#: The audio's id, and its length in ms.
_SPEECH = re.compile(r"[0-9]{1,20}-([0-9]{1,9})\.mp3", re.ASCII)
#: The voice's id.
_TRIAL = re.compile(r"[0-9]{1,20}\.wav", re.ASCII)


def routes(media: Media) -> list[Route]:
    """The routes of the audio a server hands out urls of."""

    async def speech(request: Request) -> Response:
        name = _SPEECH.fullmatch(request.path_params["name"])
        if name is None:
            return _missing()
        try:
            audio = media.speech(int(name[1]))
        except ValueError:
            return _missing()
        return Response(audio, media_type="audio/mpeg")

    async def trial(request: Request) -> Response:
        if not _TRIAL.fullmatch(request.path_params["name"]):
            return _missing()
        return Response(media.trial, media_type="audio/wav")

    return [
        Route("/media/speech/{name}", speech, methods=["GET"]),
        Route("/media/trial/{name}", trial, methods=["GET"]),
    ]


def _missing() -> Response:
    return PlainTextResponse("No such audio", status_code=404)
