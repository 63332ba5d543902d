"""Hostile input over a real socket: never a 5xx, always the dialect's words, and no task gets lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mock_server import RunningServer
from tests.http.api import EZ_PATH, EZ_SPEECH, SPEECH, VOICE, Api, judged
from tests.http.documents import error_table, place, statuses
from tests.http.wire import Reply, Wire, chunked, connected, head, request

TTS = "/v1/audio/tts"
VOICES = "/v1/general/custom-voices"
DELETE = "/v1/general/delete-voices"
#: Every operation that takes a body, and a body that it accepts.
POSTS = {
    TTS: SPEECH,
    VOICES: VOICE,
    DELETE: {"voice_id": "850087542757535834"},
    "/kling" + TTS: SPEECH,
    "/kling" + VOICES: VOICE,
    "/kling" + DELETE: {"voice_id": "850087542757535834"},
    EZ_PATH: EZ_SPEECH,
}
SIZE = 10_000_000
_keys = count()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The base URL of a server whose clock stands still."""
    with RunningServer(speed=0) as server:
        yield server.base_url


@pytest.fixture
def wire(url: str) -> Iterator[Wire]:
    """A connection to it."""
    with connected(url) as wire:
        yield wire


@pytest.fixture
def mock(url: str) -> Iterator[Api]:
    """A client with an account of its own."""
    with httpx2.Client(base_url=url, trust_env=False) as client:
        yield Api(client, f"hostile-{next(_keys)}")


def refused(reply: Reply, status: int, code: int) -> None:
    """Holds that an answer is the official refusal with this status and code."""
    assert (reply.status, reply.value["code"]) == (status, code), reply
    assert set(reply.value) == {"code", "message", "request_id"}


def still_serves(wire: Wire) -> None:
    """Holds that the same connection still answers a good request."""
    wire.send(request("POST", TTS, json.dumps(SPEECH).encode()))
    assert wire.reply().value["data"]["task_status"] == "succeed"


@pytest.mark.parametrize("framing", ["length", "chunks", "small chunks"])
@pytest.mark.parametrize(
    ("path", "status", "code"),
    [(TTS, 400, 1200), (VOICES, 400, 1200), (EZ_PATH, 400, 400), ("/nowhere", 404, 1203)],
)
def test_ten_megabytes_are_refused_and_the_connection_lives(
    wire: Wire, framing: str, path: str, status: int, code: int
) -> None:
    """A body of 10 MB, with a length or chunked, is read to its end and refused; the next request is served."""
    body = json.dumps({**SPEECH, **VOICE, "text": "x" * SIZE}).encode()
    if framing == "length":
        wire.send(request("POST", path, body))
    else:
        wire.send(head("POST", path, "Transfer-Encoding: chunked"))
        wire.send(chunked(body, 65_536 if framing == "chunks" else 4_000))

    refused(wire.reply(), status, code)
    still_serves(wire)


def test_ten_megabytes_without_a_credential_are_refused_for_it(wire: Wire) -> None:
    """The credential is looked at before the body, however large that is."""
    wire.send(request("POST", TTS, b"x" * SIZE, key=""))

    refused(wire.reply(), 401, 1001)
    still_serves(wire)


def test_largest_body_is_a_megabyte(wire: Wire) -> None:
    """A body of 1,000,000 bytes is read, one byte more is not."""
    body = json.dumps(SPEECH).encode()
    wire.send(request("POST", TTS, body.ljust(1_000_000)))
    assert wire.reply().status == 200

    wire.send(request("POST", TTS, body.ljust(1_000_001)))
    refused(wire.reply(), 400, 1200)


#: Bodies that are no JSON object, or hide something in one, and the answer of create-speech.
BODIES: list[tuple[bytes, int, int]] = [
    (b"", 400, 1200),
    (b"\0", 400, 1200),
    (b"\xef\xbb\xbf{}", 400, 1200),
    (b"\xff\xfe{\0}\0", 400, 1200),
    (b"{'text': 'x'}", 400, 1200),
    (b'{"text": "a",}', 400, 1200),
    (b'{"text": "a"} {}', 400, 1200),
    (b"[" * 100_000, 400, 1200),
    (b"[" * 400_000 + b"]" * 400_000, 400, 1200),
    (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, 400, 1200),
    (b'{"text": ' + b"[" * 500 + b"]" * 500 + b', "voice_id": "x"}', 400, 1201),
    (b'{"text": "\\ud800", "voice_id": "oversea_male1", "voice_language": "en"}', 400, 1200),
    (b'{"text": "\xed\xa0\x80", "voice_id": "oversea_male1", "voice_language": "en"}', 400, 1200),
    (b'{"text": "\xff", "voice_id": "oversea_male1", "voice_language": "en"}', 400, 1200),
    (b'{"text": "a\\u0000b", "voice_id": "oversea_male1", "voice_language": "en"}', 200, 0),
    (b'{"text": "a\0b", "voice_id": "oversea_male1", "voice_language": "en"}', 400, 1200),
    (b'{"text": 5, "text": "a", "voice_id": "genshin_vindi2"}', 200, 0),
    (b'{"text": "a", "text": 5, "voice_id": "genshin_vindi2"}', 400, 1201),
    (b'{"text": "a", "voice_id": "genshin_vindi2", "voice_speed": ' + b"9" * 400 + b"}", 400, 1200),
    (b'{"text": "a", "voice_id": "genshin_vindi2", "voice_speed": ' + b"9" * 300 + b"}", 200, 0),
    (b'{"text": "a", "voice_id": "genshin_vindi2", "voice_speed": -1e308}', 200, 0),
    (b'{"text": "a", "voice_id": "genshin_vindi2", "voice_speed": 1e-320}', 200, 0),
    (b'{"text": "a", "voice_id": "genshin_vindi2", "voice_speed": 1e999}', 400, 1200),
    (b'{"text": "a", "voice_id": "genshin_vindi2", "voice_speed": NaN}', 400, 1200),
    (b'{"text": "a", "voice_id": "genshin_vindi2", "voice_speed": -Infinity}', 400, 1200),
    (b'{"text": "a", "voice_id": "genshin_vindi2", "x": 1' + b"0" * 100_000 + b"}", 400, 1200),
    (b'{"text": "a", "voice_id": "genshin_vindi2", "__proto__": {}, "": ""}', 200, 0),
]


@pytest.mark.parametrize(("body", "status", "code"), BODIES, ids=range(len(BODIES)))
def test_body_gets_the_dialects_answer(wire: Wire, body: bytes, status: int, code: int) -> None:
    """Broken, deep, doubled and enormous JSON is answered in the dialect's words, and the connection lives."""
    wire.send(request("POST", TTS, body))

    reply = wire.reply()

    assert (reply.status, reply.value["code"]) == (status, code)
    still_serves(wire)


def test_numbers_of_ezmodel_are_checked_at_any_size(wire: Wire) -> None:
    """Enormous numbers in EzModel's fields are refused with 400 in JSON."""
    for number in (b"1e308", b"-1e308", b"9" * 300, b"9" * 400, b"1e999", b"NaN", b"true"):
        for name in (b"speed", b"volume"):
            body = b'{"text": "a", "voice_id": "voice_001", "%b": %b}' % (name, number)
            wire.send(request("POST", EZ_PATH, body))
            refused(wire.reply(), 400, 400)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("OPTIONS", TTS, 404, 1202),
        ("PUT", TTS, 404, 1202),
        ("TRACE", TTS, 404, 1202),
        ("PROPFIND", VOICES, 404, 1202),
        ("DELETE", VOICES + "/1", 404, 1202),
        ("PUT", EZ_PATH, 404, 404),
        ("GET", VOICES + "/%2F", 400, 1201),
        ("GET", VOICES + "/%00", 400, 1201),
        ("GET", VOICES + "/%ff%fe", 400, 1201),
        ("GET", VOICES + "/%", 400, 1201),
        ("GET", VOICES + "/" + "%F0%9F%8E%B5" * 250, 400, 1201),
        ("GET", VOICES + "/" + "x" * 3000, 400, 1201),
        ("GET", VOICES + "/../../x", 404, 1203),
        ("GET", VOICES + "/%2e%2e%2f%2e%2e%2f__mock__%2fhealth", 400, 1201),
        ("GET", VOICES + "?pageNum=" + "9" * 10_000, 400, 1201),
        ("GET", VOICES + "?pageNum=%00", 400, 1201),
        ("GET", VOICES + "?pageNum=%EF%BC%91", 400, 1201),
        ("GET", VOICES + "?" + "a&" * 20_000, 200, 0),
        ("GET", VOICES + "?%ff=%ff&=&&&;;%", 200, 0),
        ("GET", "http://elsewhere.test" + VOICES, 200, 0),
        ("GET", "http://elsewhere.test/nowhere", 404, 1203),
        ("OPTIONS", "*", 404, 1203),
        ("GET", "/%5f%5fmock__/nothing", 404, None),
    ],
    ids=lambda item: str(item)[:32],
)
def test_request_line_gets_the_dialects_answer(
    wire: Wire, method: str, path: str, status: int, code: int | None
) -> None:
    """Odd methods, ids, queries and targets are answered as JSON without a 5xx, and the connection lives."""
    wire.send(request(method, path))

    reply = wire.reply()

    assert reply.status == status
    assert reply.value.get("code") == code
    still_serves(wire)


@pytest.mark.parametrize("path", [TTS, VOICES, "/nowhere", EZ_PATH])
def test_head_is_answered_without_a_body(wire: Wire, path: str) -> None:
    """HEAD is a wrong method or unknown path; its answer has no body, so that the next one is read right."""
    wire.send(request("HEAD", path))

    reply = wire.reply(has_body=False)

    assert reply.status == 404
    still_serves(wire)


@pytest.mark.parametrize(
    "line",
    [
        b"GET",
        b"GET / HTTP/9.9",
        b"NOPE /v1 HTTP/1.1",
        b"GET v1 HTTP/1.1",
        b"GET /\xff HTTP/1.1",
        b"CONNECT a:80 HTTP/1.1",
        b"\0\0\0\0",
        b"GET http://a.test HTTP/1.1",
    ],
)
def test_request_that_is_no_http_is_refused(url: str, line: bytes) -> None:
    """What is no HTTP request is refused with 400 or a closed connection, and the server goes on."""
    with connected(url) as wire:
        wire.send(line + b"\r\nHost: a\r\n\r\n")
        answer = wire.line()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer

    with connected(url) as wire:
        still_serves(wire)


def test_many_bad_requests_do_not_spoil_a_connection(wire: Wire) -> None:
    """After bad requests of every kind on one keep-alive connection a good one is served."""
    for body, *_ in BODIES:
        wire.send(request("POST", VOICES, body))
        assert wire.reply().status < 500
    for bad in (head("GET", "/nowhere"), head("GET", VOICES, key=""), head("PATCH", VOICES)):
        wire.send(bad)
        assert wire.reply().status in (401, 404)

    still_serves(wire)


def test_pipelined_requests_are_answered_in_order(wire: Wire) -> None:
    """Requests sent without waiting are answered one by one, in their order."""
    good = json.dumps(SPEECH).encode()
    wire.send(
        request("POST", TTS, b"{")
        + request("GET", VOICES + "/one")
        + request("POST", TTS, good)
        + request("GET", "/nowhere")
        + request("GET", VOICES + "/two")
    )

    replies = [wire.reply() for _ in range(5)]

    assert [item.status for item in replies] == [400, 400, 200, 404, 400]
    assert replies[1].value["message"].endswith(": one")
    assert replies[4].value["message"].endswith(": two")


@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_half_sent_create_creates_nothing(url: str, mock: Api, framing: str) -> None:
    """A client that goes away in the middle of a body has created nothing, and nobody else is disturbed."""
    before = mock.learn().data["task_id"]
    body = json.dumps({**VOICE, "external_task_id": "half"}).encode()
    with connected(url) as wire:
        if framing == "length":
            wire.send(head("POST", VOICES, f"Content-Length: {len(body) + 1}", key=mock.key) + body)
        else:
            wire.send(head("POST", VOICES, "Transfer-Encoding: chunked", key=mock.key))
            wire.send(b"%x\r\n%b\r\n" % (len(body), body))

    assert mock.voice("half").error == (400, 1201)
    assert [item["task_id"] for item in mock.voices().data] == [before]
    assert mock.learn(external_task_id="half").status == 200


def test_broken_chunks_create_nothing(url: str, mock: Api) -> None:
    """A chunk whose size is no number is refused by closing or with 400, and creates nothing."""
    body = json.dumps(VOICE).encode()
    with connected(url) as wire:
        wire.send(head("POST", VOICES, "Transfer-Encoding: chunked", key=mock.key))
        wire.send(b"%x\r\n%b\r\nzz\r\n" % (len(body), body))
        answer = wire.line()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")

    assert mock.voices().data == []


def test_http_1_0_without_a_host_is_served(url: str) -> None:
    """An HTTP/1.0 request without Host is served; its URLs hold the server's own address."""
    body = json.dumps(SPEECH).encode()
    with connected(url) as wire:
        wire.send(
            b"POST /v1/audio/tts HTTP/1.0\r\nAuthorization: Bearer k\r\n"
            + b"Content-Length: %d\r\n\r\n" % len(body)
            + body
        )
        reply = wire.reply()
        assert wire.is_closed()

    audio = reply.value["data"]["task_result"]["audios"][0]
    assert audio["url"].startswith(url + "/media/")
    assert httpx2.get(audio["url"], trust_env=False).status_code == 200


@pytest.mark.parametrize("host", ["", "a b", '"><script>', "a/b", "a@b", "\x80", "a:b:c", "a\tb"])
def test_weird_host_is_not_repeated(url: str, host: str) -> None:
    """A Host that is no authority stands in no URL, of the API or of the control API."""
    body = json.dumps(SPEECH).encode()
    credential = b"Authorization: Bearer k\r\nConnection: close\r\n"
    host_line = b"Host: " + host.encode("latin-1") + b"\r\n"
    answers = []
    for start, content in ((b"POST /v1/audio/tts", body), (b"GET /__mock__/openapi/", b"")):
        with connected(url) as wire:
            length = b"Content-Length: %d\r\n\r\n" % len(content)
            wire.send(start + b" HTTP/1.1\r\n" + host_line + credential + length + content)
            answers.append(wire.reply())

    audio, documents = answers
    if audio.status == 200:  # the HTTP parser may refuse such a request as a whole
        link = audio.value["data"]["task_result"]["audios"][0]["url"]
        assert link.startswith(url + "/media/")
        assert all(link.startswith(url + "/__mock__/") for link in documents.value.values())
    else:
        assert audio.status == 400


def test_expected_continue_is_honoured(wire: Wire) -> None:
    """A client that waits for 100 Continue gets it, and its answer."""
    body = json.dumps(SPEECH).encode()
    wire.send(head("POST", TTS, f"Content-Length: {len(body)}", "Expect: 100-continue"))
    assert wire.line().startswith(b"HTTP/1.1 100 ")
    assert wire.line() == b"\r\n"
    wire.send(body)

    assert wire.reply().status == 200


def test_header_twice_is_no_server_error(wire: Wire) -> None:
    """Doubled, empty and enormous headers are answered without a 5xx."""
    odd = [
        ("Authorization: Bearer other", 200),
        ("X-Mock-Scenario: ", 400),
        ("X-Mock-Scenario: \x80\xff", 400),
        ("X-Mock-Scenario: " + "x" * 5000, 400),
        ("X-Mock-" + "y" * 5000 + ": 1", 200),
        ("Content-Type: \xff", 200),
    ]
    for line, status in odd:
        wire.send(request("POST", TTS, json.dumps(SPEECH).encode(), line))
        assert wire.reply().status == status
    still_serves(wire)


#: JSON values of any kind, with the fields' names among the keys and enormous and odd values among the leaves.
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**17, 10**25)
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(
        [
            "",
            "oversea_male1",
            "genshin_vindi2",
            "voice_001",
            "zh",
            "en",
            "http://a/",
            "x" * 2000,
            "mock:stuck",
        ]
    )
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = [
    "text",
    "voice_id",
    "voice_language",
    "voice_speed",
    "voice_name",
    "voice_url",
    "video_id",
    "callback_url",
]
FIELDS = st.sampled_from([*NAMES, "external_task_id", "speed", "volume"]) | st.text(max_size=8)


@st.composite
def bodies(draw: st.DrawFn, good: dict[str, Any]) -> bytes:
    """Bytes of any kind, JSON of any kind, and good bodies with some fields replaced, added, removed or cut off."""
    match draw(st.sampled_from(["bytes", "value", "object", "object", "object", "cut"])):
        case "bytes":
            return draw(st.binary(max_size=80))
        case "value":
            return json.dumps(draw(VALUES)).encode()
        case "cut":
            text = json.dumps(good).encode()
            return text[: draw(st.integers(0, len(text)))]
    value = {**good, **draw(st.dictionaries(FIELDS, VALUES, max_size=3))}
    for name in draw(st.sets(st.sampled_from(NAMES), max_size=2)):
        value.pop(name, None)
    # A callback would leave the machine.
    value.pop("callback_url", None)
    return json.dumps(value, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("path", POSTS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_body_keeps_the_contract(path: str, mock: Api, data: st.DataObject) -> None:
    """Any bytes get a declared status, the dialect's envelope and a code of that status; no 5xx; no task gets lost."""
    body = data.draw(bodies(POSTS[path]))
    before = mock.learn().data["task_id"]

    # The scenario that holds EzModel's answer for ever is no bad input.
    answer = mock.post(path, body.replace(b"mock:stuck", b"mock:stick"))

    at = place("POST", path)
    assert answer.status in statuses(at) - {500, 503, 504}
    assert (answer.status, answer.value["code"]) in error_table(at.document)
    assert answer.status in (200, 400)
    assert mock.voice(before).data["task_id"] == before


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    path=st.binary(max_size=60),
    below=st.sampled_from(["/", VOICES + "/", VOICES + "?", "/kling/v1/tts", "/__mock__/"]),
)
@example(path=b"", below=VOICES + "?pageSize=")
def test_any_path_keeps_the_contract(mock: Api, path: bytes, below: str) -> None:
    """Any percent-encoded path or query is answered as JSON below 500."""
    target = below + "".join(f"%{byte:02x}" for byte in path)

    answer = mock.http.get(target, headers={"authorization": f"Bearer {mock.key}"})

    assert answer.status_code < 500
    if below == "/__mock__/":
        assert answer.headers["content-type"] == "application/json"
    else:
        judged(answer)
