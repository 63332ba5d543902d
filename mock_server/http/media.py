"""Audio over HTTP: no authentication, and the URL alone says what is served and until when."""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mock_server.media import Media
from mock_server.ports import Clock

PREFIX = "/media/"
#: The audio's id, and its length in ms.
_SPEECH = re.compile(r"[0-9]{1,20}-([0-9]{1,9})\.mp3", re.ASCII)
#: The voice's id.
_TRIAL = re.compile(r"[0-9]{1,20}\.wav", re.ASCII)


def routes(media: Media, clock_of: Callable[[str], Clock]) -> list[Route]:
    """The routes of the audio a server hands out urls of.

    Args:
        clock_of: the clock that the urls of an account's tag expire by.
    """

    def is_dead(request: Request) -> bool:
        expires = request.query_params.get("Expires", "")
        if not re.fullmatch("[0-9]{1,12}", expires, re.ASCII):
            return True
        return clock_of(request.path_params["tag"]).now() >= int(expires) * 1000

    async def speech(request: Request) -> Response:
        name = _SPEECH.fullmatch(request.path_params["name"])
        if name is None:
            return _missing()
        try:
            audio = media.speech(int(name[1]))
        except ValueError:
            return _missing()
        return _dead() if is_dead(request) else Response(audio, media_type="audio/mpeg")

    async def trial(request: Request) -> Response:
        if not _TRIAL.fullmatch(request.path_params["name"]):
            return _missing()
        return _dead() if is_dead(request) else Response(media.trial, media_type="audio/wav")

    async def preset(request: Request) -> Response:
        if not _TRIAL.fullmatch(request.path_params["name"]):
            return _missing()
        return Response(media.trial, media_type="audio/wav")

    return [
        Route("/media/preset/{name}", preset, methods=["GET"]),
        Route("/media/{tag}/speech/{name}", speech, methods=["GET"]),
        Route("/media/{tag}/trial/{name}", trial, methods=["GET"]),
    ]


def _missing() -> Response:
    return PlainTextResponse("No such audio", status_code=404)


def _dead() -> Response:
    # Observed: result urls are signed and expire; the status is that of signed urls elsewhere (assumed).
    return PlainTextResponse("The URL has expired or is not complete", status_code=403)
