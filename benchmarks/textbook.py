"""The peer: a JSON application as Starlette's own documentation teaches to write one.

It answers the three measured operations with records of the mock's fields and sizes. It checks nothing and remembers
nothing, so it does far less than the mock; what it costs is what a plain Starlette application costs.
"""

from __future__ import annotations

import argparse

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from mock_server.sockets import listen

TASK_ID = "868585002979681117"
REQUEST_ID = "11aa50fc-c44d-4958-aba2-799221e6fe36"
ORIGIN = "http://127.0.0.1:8700"
CREATED_AT = 1_795_253_954_480


async def create_speech(request: Request) -> JSONResponse:
    """POST /v1/audio/tts."""
    body = await request.json()
    duration = len(body["text"]) * 84 / 1000
    url = f"{ORIGIN}/media/speech/700605129973834622-2112.mp3"
    audio = {"id": "700605129973834622", "url": url, "duration": str(duration)}
    data = {
        "task_id": TASK_ID,
        "task_status": "succeed",
        "task_status_msg": "",
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        "final_unit_deduction": "0.05",
        "task_result": {"audios": [audio]},
    }
    return success(data)


async def create_custom_voice(request: Request) -> JSONResponse:
    """POST /v1/general/custom-voices."""
    body = await request.json()
    data = {
        "task_id": TASK_ID,
        "task_info": {"external_task_id": body["external_task_id"]}
        if "external_task_id" in body
        else {},
        "task_status": "submitted",
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
    }
    return success(data)


async def get_custom_voice(request: Request) -> JSONResponse:
    """GET /v1/general/custom-voices/{id}."""
    voice = {
        "voice_id": "710637754198596678",
        "voice_name": "narrator",
        "trial_url": f"{ORIGIN}/media/trial/710637754198596678.wav",
        "owned_by": "764217395177741459",
    }
    data = {
        "task_id": request.path_params["id"],
        "task_status": "succeed",
        "task_status_msg": "",
        "created_at": CREATED_AT,
        "updated_at": CREATED_AT,
        "final_unit_deduction": "0.05",
        "task_info": {},
        "task_result": {"voices": [voice]},
    }
    return success(data)


def success(data: dict[str, object]) -> JSONResponse:
    """The envelope of a success."""
    return JSONResponse({"code": 0, "message": "SUCCEED", "request_id": REQUEST_ID, "data": data})


app = Starlette(
    routes=[
        Route("/v1/audio/tts", create_speech, methods=["POST"]),
        Route("/v1/general/custom-voices", create_custom_voice, methods=["POST"]),
        Route("/v1/general/custom-voices/{id}", get_custom_voice, methods=["GET"]),
    ]
)


def main() -> None:
    """Serves on loopback as the mock is served: same loop, parser and kind of socket, no access log."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port: int = parser.parse_args().port
    config = uvicorn.Config(app, log_level="critical", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[listen("127.0.0.1", port)])


if __name__ == "__main__":
    main()
