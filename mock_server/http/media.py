"""Audio over HTTP: no authentication, and the URL alone says what is served."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mock_server.media import Media

PREFIX = "/media/"


def routes(media: Media) -> list[Route]:
    """The routes of the audio a server hands out urls of."""

    async def speech(request: Request) -> Response:
        try:
            audio = media.speech(request.path_params["duration_ms"])
        except ValueError:
            return PlainTextResponse("No such audio", status_code=404)
        return Response(audio, media_type="audio/mpeg")

    async def trial(_request: Request) -> Response:
        return Response(media.trial, media_type="audio/wav")

    return [
        Route("/media/speech/{audio_id:int}-{duration_ms:int}.mp3", speech, methods=["GET"]),
        Route("/media/trial/{voice_id:int}.wav", trial, methods=["GET"]),
    ]
