"""standardwebhooks: a receiver, here of aiohttp, that believes only callbacks that are signed."""

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook, WebhookVerificationError

from mock_server.testing import KlingMock

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SEEN = web.AppKey("SEEN", list[str])


async def receive(request: web.Request) -> web.Response:
    """Takes note of a status; the body is the task itself, without an envelope."""
    try:
        task = Webhook(SECRET).verify(await request.read(), dict(request.headers))
    except WebhookVerificationError:
        raise web.HTTPUnauthorized from None
    request.app[SEEN].append(task["task_status"])
    return web.Response(status=204)


@pytest.fixture
def anyio_backend() -> str:
    """The only loop that aiohttp knows."""
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.kling_mock(webhook_secret=SECRET)
async def test_believes_what_is_signed(kling_mock: KlingMock) -> None:
    """Both callbacks come while the clock moves; the one with a bad signature is refused."""
    app = web.Application()
    app[SEEN] = []
    app.router.add_post("/kling", receive)
    await kling_mock.aio.callback_fault("signature=bad", task_status="processing")

    async with TestServer(app) as receiver, ClientSession(kling_mock.base_url) as api:
        voice = {
            "voice_name": "Ada",
            "voice_url": "https://example.com/ada.mp3",
            "callback_url": str(receiver.make_url("/kling")),
        }
        await api.post("/v1/general/custom-voices", json=voice, headers=kling_mock.headers())
        await kling_mock.aio.clock.advance(9)

    assert app[SEEN] == ["succeed"]
    await kling_mock.aio.callbacks.assert_received(task_status="processing", status=401)
