"""Sending a callback: one POST by a real HTTP client, to an address that was checked."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mock_server.core.target import TargetPolicy
from mock_server.outgoing import CONTENT_TYPE
from mock_server.sender import Attempt, Sender
from tests.support.bench import run
from tests.support.receiver import PATIENCE_S, Answer, Receiver

HEADERS = {"content-type": CONTENT_TYPE}
BODY = '{"task_id": "1", "中": 1}'.encode()


@pytest.fixture(autouse=True, scope="module")
def no_name_server() -> Iterator[None]:
    """Names are looked up on this machine only, so that no test waits for a network."""
    real = socket.getaddrinfo

    def here(host: Any, *args: Any, **options: Any) -> Any:
        name = host.encode("idna").decode() if isinstance(host, str) else str(host)
        if name == "localhost" or not re.search("[g-zG-Z]", name.removeprefix("0x")):
            return real(host, *args, **options)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", here)
        yield


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that says OK."""
    with Receiver() as found:
        yield found


def post(*urls: str, timeout_s: float = PATIENCE_S, local: bool = True) -> list[Attempt]:
    """Posts the body to one address after the other by one sender."""

    async def work() -> list[Attempt]:
        sender = Sender(timeout_s, TargetPolicy(local))
        try:
            return [await sender.post(url, BODY, HEADERS) for url in urls]
        finally:
            await sender.close()

    return run(work())


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_a_callback_is_a_post_of_these_bytes(receiver: Receiver) -> None:
    """The body arrives byte by byte, as JSON in UTF-8, at path and query, with the host as it was written."""
    (attempt,) = post(receiver.url("/a/b%2F?x=1&y=%20"))
    (request,) = receiver.requests
    assert (request.method, request.path) == ("POST", "/a/b%2F?x=1&y=%20")
    assert request.body == BODY
    assert request.headers["content-type"] == CONTENT_TYPE == "application/json; charset=utf-8"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert request.headers["content-length"] == str(len(BODY))
    assert request.headers["user-agent"] == "kling-mock"
    assert "authorization" not in request.headers
    assert (attempt.status, attempt.error, attempt.delivered) == (200, "", True)
    assert attempt.took_ms >= 0


def test_a_name_is_resolved_and_kept_in_the_host(receiver: Receiver) -> None:
    """A host name is looked up and checked here; the receiver still sees the name."""
    (attempt,) = post(f"http://localhost:{receiver.port}/")
    # Where localhost is ::1 first, nobody listens there: only one address is tried.
    if attempt.status is not None:
        assert receiver.requests[0].headers["host"] == f"localhost:{receiver.port}"
    else:
        assert attempt.error


def test_credentials_of_a_url_become_a_header(receiver: Receiver) -> None:
    """User information of a callback URL is sent as basic authentication, and not in the host."""
    post(receiver.url().replace("http://", "http://user:s3cret@"))
    expected = base64.b64encode(b"user:s3cret").decode()
    assert receiver.requests[0].headers["authorization"] == f"Basic {expected}"
    assert "user" not in receiver.requests[0].headers["host"]


@pytest.mark.parametrize(
    ("status", "delivered"),
    [(200, True), (204, True), (299, True), (300, False), (404, False), (500, False)],
)
def test_the_receivers_status_is_told(receiver: Receiver, status: int, delivered: bool) -> None:
    """Whatever a receiver answers is the status of the attempt; 2xx is delivered."""
    receiver.script.append(Answer(status, body=b"" if status == 204 else b"words"))
    (attempt,) = post(receiver.url())
    assert (attempt.status, attempt.delivered, attempt.error) == (status, delivered, "")


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("120", 120, 120),
        (" 0 ", 0, 0),
        ("999999999", 365 * 86400, 365 * 86400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 365 * 86400, 365 * 86400),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
        ("Wed, 21 Oct 2015 07:28:00", 0, 0),
    ],
)
def test_retry_after_is_read(receiver: Receiver, text: str, low: float, high: float) -> None:
    """Seconds, or a date which counts from now; never less than nothing, and never more than a year."""
    receiver.script.append(Answer(503, {"retry-after": text}))
    (attempt,) = post(receiver.url())
    assert attempt.retry_after_s is not None
    assert low <= attempt.retry_after_s <= high


@pytest.fixture
def far_east() -> Iterator[None]:
    """This machine is nine hours east of Greenwich."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_east")
def test_retry_after_in_an_hour(receiver: Receiver) -> None:
    """A date is in GMT, wherever this machine is, with or without a zone."""
    for text in ("%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S"):
        later = datetime.now(UTC) + timedelta(hours=1)
        receiver.script.append(Answer(429, {"retry-after": later.strftime(text)}))
        (attempt,) = post(receiver.url())
        assert attempt.retry_after_s == pytest.approx(3600, abs=60)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "9999999999",
        "Wed, 21 Oct 2015",
        "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
        "Wed, 99 Oct 2015 07:28:00 GMT",
        ", , ,",
    ],
)
def test_an_odd_retry_after_is_none(receiver: Receiver, text: str) -> None:
    """What is no time is not heeded, and the answer is an answer all the same."""
    receiver.script.append(Answer(200, {"retry-after": text}))
    (attempt,) = post(receiver.url())
    assert (attempt.status, attempt.error, attempt.retry_after_s) == (200, "", None)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"", ""),
        (b'{"ok": true}', '{"ok": true}'),
        (b"x" * 501, "x" * 500),
        (b"\xff\x00", "\ufffd\x00"),
        ("中".encode() * 200, "中" * 166 + "\ufffd"),
    ],
    ids=["empty", "short", "long", "no text", "cut in a character"],
)
def test_the_first_bytes_of_an_answer_are_kept(receiver: Receiver, body: bytes, shown: str) -> None:
    """What the receiver said is shown, as far as it is text, up to 500 bytes."""
    receiver.script.append(Answer(400, body=body))
    (attempt,) = post(receiver.url())
    assert attempt.answer == shown


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(receiver: Receiver, status: int) -> None:
    """A redirect is an answer like any other: nothing is posted to where it leads."""
    receiver.script.append(Answer(status, {"location": receiver.url("/elsewhere")}))
    (attempt,) = post(receiver.url())
    assert (attempt.status, attempt.delivered) == (status, False)
    assert [request.path for request in receiver.requests] == ["/callback"]


def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callbacks go straight to the receiver, whatever proxy the environment names."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert post(receiver.url())[0].status == 200


def test_a_connection_is_used_again(receiver: Receiver) -> None:
    """Several callbacks to one receiver work one after the other, also when it had hung up between them."""
    attempts = post(*[receiver.url(f"/{number}") for number in range(3)])
    assert [attempt.status for attempt in attempts] == [200, 200, 200]
    assert [request.path for request in receiver.requests] == ["/0", "/1", "/2"]


def test_an_answer_of_any_length_is_an_answer(receiver: Receiver) -> None:
    """A receiver may say more than anybody reads."""
    receiver.script += [Answer(200, body=b"x" * 1_000_000), Answer(201)]
    assert [item.status for item in post(receiver.url(), receiver.url())] == [200, 201]


@pytest.mark.parametrize("drip", [False, True], ids=["silent", "dripping"])
def test_a_slow_receiver_costs_the_timeout_and_no_more(receiver: Receiver, drip: bool) -> None:
    """A receiver that does not answer in time, or begins and does not end, has not answered."""
    receiver.script.append(Answer(after=receiver.gate(), drip=drip, body=b"x"))
    (attempt,) = post(receiver.url(), timeout_s=0.1)
    assert (attempt.status, attempt.error, attempt.delivered) == (
        None,
        "no answer within 0.1 s",
        False,
    )


def test_a_receiver_that_hangs_up_is_told(receiver: Receiver) -> None:
    """A connection that is closed without an answer is an attempt that failed, with words."""
    receiver.script.append(Answer(cut=True))
    (attempt,) = post(receiver.url())
    assert attempt.status is None
    assert attempt.error
    assert "\n" not in attempt.error


def test_nobody_there_is_told() -> None:
    """A receiver that cannot be reached is an attempt that failed, with words."""
    (attempt,) = post(f"http://127.0.0.1:{free_port()}/")
    assert (attempt.status, attempt.delivered) == (None, False)
    assert attempt.error


@pytest.mark.parametrize(
    "url",
    [
        "http://0",
        "http://0.0.0.0:1/",
        "http://[bad",
        "http://[::]:1/",
        "http://h:99999",
        "http://h:x/",
        "http://127.0.0.1:0/",
        "http://",
        "http:///path",
        "http://:80/",
        "http://@/",
        "",
        "h",
        "//h/p",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://\udcff.test/",
        "http://" + "x" * 70 + ".invalid/",
        "http://" + ".".join("x" * 60 for _ in range(6)) + "/",
        "http://a..b.invalid/",
        "http://.invalid/",
        "http://xn--zzzzzzz-.invalid/",
        "http://☃☃.invalid/",
        "http://a b/",
        "http://127.0.0.1:1/" + "x" * 100_000,
        "http://u:p@[::ffff:0:0]:1/",
        "http://1.2.3/\x00",
    ],
    ids=lambda url: ascii(url)[:40],
)
def test_an_odd_url_is_told_and_never_raises(url: str) -> None:
    """A URL that leads nowhere is an attempt that failed, in one line of words."""
    (attempt,) = post(url, timeout_s=1.0)
    assert attempt.status is None
    assert attempt.error
    assert "\n" not in attempt.error


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text("a1:/.@[]%?#x\\中\ud800", max_size=8), min_size=6, max_size=6))
@example(["", "%", "1?", "[::1]", "@:", "中" * 64])
def test_no_url_raises(tails: list[str]) -> None:
    """Whatever stands behind http:// there is an attempt."""

    def nowhere(host: Any, *_args: Any, **_options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, f"no name {host.encode('idna')!r}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", nowhere)
        for attempt in post(*[f"http://{tail}" for tail in tails], timeout_s=1.0):
            assert attempt.status is None
            assert attempt.error


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[fe80::1]",
        "224.0.0.1",
        "2852039166",
        "0xa9fea9fe",
    ],
)
def test_forbidden_addresses_are_refused_in_every_spelling(host: str) -> None:
    """Link-local and multicast addresses are refused before anything is sent, also as a number."""
    (attempt,) = post(f"http://{host}/latest/meta-data/", timeout_s=2.0)
    assert attempt.status is None
    assert attempt.error.startswith("target refused: ")


def test_loopback_is_refused_when_the_server_is_not_local(receiver: Receiver) -> None:
    """A server that others can reach does not let them call back into its machine."""
    for url in (
        receiver.url(),
        f"http://localhost:{receiver.port}/",
        f"http://[::ffff:127.0.0.1]:{receiver.port}/",
    ):
        (attempt,) = post(url, local=False)
        assert attempt.status is None
        assert attempt.error.startswith("target refused: ")
    assert receiver.requests == []


def test_the_address_that_was_checked_is_the_one_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is looked up once: a second look-up, which could lead elsewhere, does not happen."""
    looked_up: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, *args: Any, **options: Any) -> Any:
        looked_up.append(str(host))
        if host == "rebind.test":
            return real("127.0.0.1" if len(looked_up) == 1 else "127.0.0.9", *args, **options)
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    (attempt,) = post(f"http://rebind.test:{receiver.port}/")
    assert attempt.status == 200
    assert looked_up.count("rebind.test") == 1
    assert receiver.requests[0].headers["host"] == f"rebind.test:{receiver.port}"


def test_of_several_addresses_a_permitted_one_is_taken(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that also leads to a forbidden address is reached at the permitted one."""
    real = socket.getaddrinfo

    def many(host: Any, *args: Any, **options: Any) -> list[Any]:
        hosts = ["169.254.169.254", "127.0.0.1"] if host == "many.test" else [host]
        return [row for name in hosts for row in real(name, *args, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", many)
    assert post(f"http://many.test:{receiver.port}/")[0].status == 200


def test_closing_is_possible_at_any_time(receiver: Receiver) -> None:
    """A sender that has sent nothing can be closed, twice too, and sends again afterwards."""

    async def work() -> int | None:
        sender = Sender(PATIENCE_S, TargetPolicy())
        await sender.close()
        await sender.post(receiver.url(), BODY, HEADERS)
        await sender.close()
        await sender.close()
        status = (await sender.post(receiver.url(), BODY, HEADERS)).status
        await sender.close()
        return status

    assert run(work()) == 200


def test_an_attempt_can_be_cancelled(receiver: Receiver) -> None:
    """An attempt under way ends when its task is cancelled, which is no failure of the receiver."""
    receiver.script.append(Answer(after=receiver.gate()))

    async def work() -> None:
        sender = Sender(PATIENCE_S, TargetPolicy())
        attempt = asyncio.create_task(sender.post(receiver.url(), BODY, HEADERS))
        await asyncio.to_thread(receiver.wait_until, lambda: receiver.open == 1, "one request")
        attempt.cancel()
        with pytest.raises(asyncio.CancelledError):
            await attempt
        await sender.close()

    run(work())
