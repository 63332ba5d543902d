"""The measured operations, as the requests an ordinary client sends."""

from __future__ import annotations

import json
from collections.abc import Sequence

OPERATIONS = ("create speech", "create custom voice", "query one")
SPEECHES = "/v1/audio/tts"
VOICES = "/v1/general/custom-voices"
SPEECH = {
    "text": "Hello there, how are you today?",
    "voice_id": "genshin_vindi2",
    "voice_language": "zh",
    "voice_speed": 1.0,
}
VOICE = {
    "voice_name": "narrator",
    "voice_url": "https://example.com/samples/narrator.mp3",
    "callback_url": "https://example.com/hooks/kling",
}


def of(operation: str, port: int, finished: str) -> bytes:
    """The request of an operation; ``finished`` is the task id that is asked for."""
    if operation == "create speech":
        return request(port, "POST", SPEECHES, SPEECH)
    if operation == "create custom voice":
        return request(port, "POST", VOICES, VOICE)
    return request(port, "GET", f"{VOICES}/{finished}")


def request(
    port: int, method: str, path: str, body: object = None, headers: Sequence[str] = ()
) -> bytes:
    """An HTTP request as bytes, with the headers that an ordinary client sends."""
    payload = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Accept: */*",
        "Accept-Encoding: gzip, deflate",
        "User-Agent: benchmark/1.0",
        "Authorization: Bearer benchmark-key",
        *headers,
    ]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(payload)}"]
    return "\r\n".join([*lines, "", ""]).encode() + payload
