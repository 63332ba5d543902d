"""``kling-mock listen`` as a process: real callbacks, real HTTP, real signals."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx2
import pytest

from mock_server import RunningServer, __version__
from mock_server.cli import main
from mock_server.core import signing
from tests.core.test_verifying import BODY, SECRET, VECTOR
from tests.http.api import START, Api
from tests.http.process import COMMAND, PATIENCE_S, Served, environment, run
from tests.http.wire import connected, head, request
from tests.support.receiver import Answer, Receiver
from tests.test_cli import is_one_line, posix_only
from tests.test_server import taken_port

KEY = signing.key_of(SECRET)
OTHER_SECRET = "whsec_YW5vdGhlci1rZXktb2YtMjQtYnl0ZXMh"
OTHER_KEY = signing.key_of(OTHER_SECRET)
TASK = {"task_id": "930801301486305328", "task_status": "processing"}
TASK |= {"created_at": 1722769557708, "updated_at": 1722769559708}  # type: ignore[dict-item]


class Listening(Served):
    """``kling-mock listen`` on a free port, until the block ends. Its bodies are posted by ``post``."""

    def __init__(self, *arguments: str, cwd: Path, env: dict[str, str] | None = None) -> None:
        self.lines = []
        self.process = subprocess.Popen(
            [*COMMAND, "listen", "--port", "0", *arguments],
            cwd=cwd,
            env=environment(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._queue = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def post(self, body: Any = TASK, headers: dict[str, str] | None = None) -> httpx2.Response:
        """Posts a callback; ``bytes`` as they are, other bodies as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        with httpx2.Client(trust_env=False, timeout=PATIENCE_S) as client:
            sent = {"content-type": "application/json", **(headers or {})}
            return client.post(self.url, content=raw, headers=sent)

    def delivery(self) -> dict[str, Any]:
        """The next delivery that --json prints."""
        line = self.containing('"event":"delivery"')
        found: dict[str, Any] = json.loads(line)
        return found

    def block(self) -> list[str]:
        """The lines of the next delivery that is printed for people, without times."""
        start = len(self.lines)
        self.containing("  answered: ")
        lines = [line for line in self.lines[start:] if "listens on" not in line]
        assert re.match(r"\d\d:\d\d:\d\d\.\d{3} no\. ", lines[0])
        return [lines[0][13:], *(re.sub(r"  \(\d+ ms\)$", "", line) for line in lines[1:])]


Start = Callable[..., Listening]


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Start]:
    """Starts a listener; it ends with the test, having complained of nothing."""
    started: list[Listening] = []

    def start(*arguments: str, **options: Any) -> Listening:
        found = Listening(*arguments, cwd=tmp_path, **options)
        started.append(found)
        assert found.url
        return found

    yield start
    for found in started:
        found.__exit__(None, None, None)


def signed(body: Any, *keys: bytes, age_s: int = 0, name: str = "msg_1") -> dict[str, str]:
    """The headers of a body that is posted as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return signing.headers(keys or (KEY,), name, int(time.time()) - age_s, raw)


# ---- what is printed ------------------------------------------------------------------------


def test_first_line_says_what_to_paste(listen: Start) -> None:
    """The first line holds the address, also as what to paste into a request."""
    listener = listen("--path", "/hook/")

    assert listener.url.endswith("/hook")
    expected = f'kling-mock listens on {listener.url}  (paste: "callback_url": "{listener.url}")'
    assert listener.lines == [expected]


def test_delivery_in_words(listen: Start) -> None:
    """A delivery is a block: what came, the verdict, the body indented, and what was answered."""
    listener = listen()

    answer = listener.post(TASK, {"webhook-id": "msg_1"})

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert listener.block() == [
        "no. 1  POST /  task 930801301486305328 processing  attempt 1 of msg_1",
        "  signed: not checked (no --secret)",
        f"  body: {len(json.dumps(TASK))} bytes",
        "    {",
        '      "task_id": "930801301486305328",',
        '      "task_status": "processing",',
        '      "created_at": 1722769557708,',
        '      "updated_at": 1722769559708',
        "    }",
        "  answered: 200",
    ]


def test_remarkable_things_are_said(listen: Start) -> None:
    """Duplicates, order, unknown fields and invalid JSON have a line each; --quiet-body leaves bodies out."""
    listener = listen("--quiet-body")
    listener.post({**TASK, "task_status": "succeed"}, {"webhook-id": "a"})
    listener.post({**TASK, "task_status": "succeed"}, {"webhook-id": "a"})
    listener.post({**TASK, "code": 0}, {"webhook-id": "b"})
    listener.post(b'{"task_id"')

    blocks = [listener.block() for _ in range(4)]
    assert blocks[1][0].endswith("attempt 2 of a")
    assert blocks[1][2] == "  duplicate of no. 1 (same webhook-id)"
    assert blocks[2][2:4] == [
        "  out of order: processing after succeed, which is terminal",
        "  unknown fields: code",
    ]
    assert blocks[3][0] == "no. 4  POST /"
    assert blocks[3][2].startswith("  invalid JSON: ")
    assert "body:" not in listener.text


def test_delivery_as_json(listen: Start) -> None:
    """With --json the first line is ready with the address, then each delivery is one line, and so is the sum."""
    listener = listen("--json", "--secret", SECRET)
    listener.post(TASK, signed(TASK))
    listener.post({**TASK, "x": 1}, signed(TASK))

    first, second = listener.delivery(), listener.delivery()
    assert listener.stop() == (0, "")

    events = listener.events()
    assert events[0] == {"event": "ready", "url": listener.url, "version": __version__}
    assert abs(first.pop("at") / 1000 - time.time()) < PATIENCE_S
    assert first.pop("took_ms") >= 0
    assert first == {
        "event": "delivery",
        "number": 1,
        "method": "POST",
        "path": "/",
        "webhook_id": "msg_1",
        "attempt": 1,
        "task_id": "930801301486305328",
        "task_status": "processing",
        "signed": "ok",
        "signature": "ok",
        "duplicate_of": None,
        "retry_of": None,
        "out_of_order": None,
        "unknown_fields": [],
        "missing_fields": [],
        "remarks": [],
        "bytes": len(json.dumps(TASK)),
        "body_error": None,
        "body": TASK,
        "status": 200,
        "words": "",
    }
    told = (second["signed"], second["status"], second["attempt"], second["unknown_fields"])
    assert told == ("mismatch", 401, 2, ["x"])
    assert (second["duplicate_of"], second["words"]) == (1, "signature: does not match")
    assert events[-1] == {
        "event": "stopped",
        "deliveries": 2,
        "failures": 1,
        "duplicates": 1,
        "bad_signatures": 1,
        "others": 0,
    }


def test_invalid_body_as_json_is_its_text(listen: Start) -> None:
    """What is no JSON is a text in the line of JSON; with --quiet-body there is none at all."""
    listener, quiet = listen("--json"), listen("--json", "--quiet-body")
    listener.post(b'{"a": \xff\n')
    quiet.post()

    told = listener.delivery()
    assert told["body"] == '{"a": \ufffd\n'
    assert told["body_error"] == "invalid JSON: no UTF-8 at byte 6"
    assert "body" not in quiet.delivery()


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_with_the_sum(listen: Start, number: signal.Signals) -> None:
    """On a signal the last line is the sum, and the exit code 0."""
    listener = listen("--fail-first", "1")
    for _ in range(3):
        listener.post(TASK, {"webhook-id": "a"})
    with httpx2.Client(trust_env=False) as client:
        client.get(listener.url)

    assert listener.stop(number) == (0, "")
    assert listener.lines[-1][13:] == (
        "stopped: 3 deliveries, 1 failure, 1 duplicate, 0 bad signatures, 1 other request"
    )


@pytest.mark.parametrize("mode", [[], ["--json"]])
def test_foreign_text_cannot_write_lines_of_its_own(listen: Start, mode: list[str]) -> None:
    """Control characters of ids, paths, bodies and targets are not printed, whatever the terminal can show."""
    evil = "\x1b[31m\u2028\x9b\u202e声音"
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    with Receiver() as receiver:
        receiver.script.append(Answer(500, body=f"no\n{evil}".encode()))
        listener = listen(*mode, "--forward-to", receiver.url(), env=env)
        body = {**TASK, "task_id": evil, "task_status": evil, evil: {"\ud800": evil}}
        with connected(listener.url) as wire:
            raw = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
            for sent in (json.dumps(body).encode(), raw):
                wire.send(request("POST", "/%9b%1b?x=y", sent, "webhook-id: \xc2\x9b[31m"))
                wire.reply()
        listener.stop()

    assert len([line for line in listener.lines if "answered" in line or '"delivery"' in line]) == 2
    assert all(line.isascii() and line.isprintable() for line in listener.lines), listener.text


def test_secrets_are_never_printed(listen: Start, tmp_path: Path) -> None:
    """No secret of a webhook, nor user and query of the target or a request, is in any line or complaint."""
    planted = "planted" * 4
    with Receiver() as receiver:
        target = f"http://{planted}:{planted}@127.0.0.1:{receiver.port}/x?key={planted}"
        listener = listen("--secret", SECRET, OTHER_SECRET, "--forward-to", target)
        listener.post(TASK, signed(TASK))
        listener.post(TASK, {"authorization": planted})
    dead = listen("--forward-to", target)
    dead.post(TASK)
    with connected(listener.url) as wire:
        wire.send(request("POST", f"/?{planted}"))
        assert wire.reply().status == 401
    listener.stop()
    dead.stop()
    wrong = run("listen", "--secret", f"whsec_{planted}!", cwd=tmp_path)
    target_of = run("listen", "--forward-to", f"ftp://{planted}", cwd=tmp_path)

    text = listener.text + dead.text + wrong.stderr + target_of.stderr
    assert "forwarded: http://127.0.0.1:" in listener.text
    assert "POST /?..." in listener.text
    assert planted not in text
    assert SECRET[6:20] not in text
    assert OTHER_SECRET[6:20] not in text


# ---- signatures -----------------------------------------------------------------------------


def test_verdicts_and_answers(listen: Start) -> None:
    """With a secret a good signature is answered 200, any other 401, and the verdict says why."""
    listener = listen("--json", "--secret", SECRET)
    cases = [
        (signed(TASK), 200, "ok"),
        ({}, 401, "no header"),
        (signed(TASK, OTHER_KEY), 401, "does not match"),
        (signed(TASK, age_s=-700), 401, "ahead by"),
        (signed(TASK, age_s=700), 401, "stale by 70"),
    ]
    for headers, status, words in cases:
        answer = listener.post(TASK, headers)
        told = listener.delivery()
        assert (answer.status_code, told["status"]) == (status, status)
        assert told["signature"].startswith(words)
        assert status == 200 or answer.json()["error"].startswith(f"signature: {words}")


def test_published_vector(listen: Start) -> None:
    """The vendor's vector matches, byte for byte, and is only too far from today; a changed one does not match."""
    listener = listen("--secret", SECRET, "--quiet-body")
    assert listener.post(BODY, VECTOR).status_code == 401
    listener.post(BODY + b" ", VECTOR)

    first, second = listener.block(), listener.block()
    assert first[0] == "no. 1  POST /  task 1234567890 succeeded  attempt 1 of 9876543210"
    assert re.fullmatch(r"  signed: (stale|ahead) by \d+ s \(300 s are allowed\)", first[1])
    assert first[2].startswith("  answered: 401, signature: ")
    assert second[1] == "  signed: does not match"


def test_accept_all_shows_without_refusing(listen: Start) -> None:
    """With --accept-all a bad signature is shown, counted, and answered like a good one."""
    listener = listen("--json", "--secret", SECRET, "--accept-all")

    assert listener.post(TASK).status_code == 200
    assert listener.post(TASK).status_code == 200
    told = [listener.delivery() for _ in range(2)]
    assert [(item["signed"], item["duplicate_of"]) for item in told] == [
        ("unsigned", None),
        ("unsigned", 1),
    ]
    listener.stop()
    assert listener.events()[-1]["bad_signatures"] == 2


def test_every_secret_is_in_force(listen: Start) -> None:
    """During a rotation a signature by any of the secrets is good, given in a row or one by one."""
    for options in (
        ["--secret", SECRET, OTHER_SECRET],
        ["--secret", SECRET, "--secret", OTHER_SECRET],
    ):
        listener = listen("--json", *options)
        assert listener.post(TASK, signed(TASK, OTHER_KEY)).status_code == 200
        assert listener.delivery()["signature"] == "ok (secret 2 of 2)"
        assert listener.post(TASK, signed(TASK, OTHER_KEY, KEY)).status_code == 200
        assert listener.delivery()["signature"] == "ok (secret 1 of 2)"


def test_refused_deliveries_use_up_no_misbehaviour(listen: Start) -> None:
    """What is refused for its signature is none of the first N, and says nothing of its task."""
    listener = listen("--json", "--secret", SECRET, "--fail-first", "1")
    done = {**TASK, "task_status": "succeed"}

    statuses = [
        listener.post(body, headers).status_code
        for body, headers in (
            (done, {}),
            (TASK, signed(TASK, name="a")),
            (TASK, signed(TASK, name="a")),
        )
    ]
    assert statuses == [401, 500, 200]
    told = [listener.delivery() for _ in range(3)]
    assert [item["out_of_order"] for item in told] == [None] * 3
    assert [item["retry_of"] for item in told] == [None, None, 2]


# ---- the mock itself ------------------------------------------------------------------------


def test_callbacks_of_the_mock_arrive(listen: Start) -> None:
    """The callbacks of a custom voice are verified, in order, documented, and agree with the query."""
    listener = listen("--json", "--secret", SECRET, "--count", "2")
    with RunningServer(speed=0, start=START, webhook_secret=[SECRET]) as mock:
        account = mock.account("listener")
        with httpx2.Client(trust_env=False) as http:
            api = Api(http, "listener", mock.base_url)
            task_id = api.learn(callback_url=listener.url).data["task_id"]
            account.clock.advance(600)
            queried = api.voice(task_id).data

    assert listener.wait() == (0, "")
    told = [event for event in listener.events() if event["event"] == "delivery"]
    assert [item["task_status"] for item in told] == ["processing", "succeed"]
    assert told[1]["body"] == queried
    for item in told:
        assert (item["task_id"], item["signed"], item["status"]) == (task_id, "ok", 200)
        assert (item["out_of_order"], item["duplicate_of"], item["unknown_fields"]) == (
            None,
            None,
            [],
        )
        assert (item["missing_fields"], item["remarks"], item["attempt"]) == ([], [], 1)


def test_unsigned_callback_of_the_mock_is_refused(listen: Start) -> None:
    """A mock without a secret sends no signature, and is told so with 401."""
    listener = listen("--secret", SECRET, "--count", "1")
    with RunningServer(speed=0, start=START) as mock:
        with httpx2.Client(trust_env=False) as http:
            Api(http, "k", mock.base_url).learn(callback_url=listener.url)
        mock.account("k").clock.advance(2)

    assert listener.wait() == (0, "")
    assert "  signed: no header" in listener.lines
    assert "1 delivery, 1 failure, 0 duplicates, 1 bad signature" in listener.lines[-1]


# ---- misbehaving ----------------------------------------------------------------------------


def test_status_is_chosen(listen: Start) -> None:
    """Every delivery is answered with --status; those below 300 are successes, and 204 has no body."""
    for status in (204, 302, 503):
        listener = listen("--json", "--status", str(status))
        answer = listener.post(TASK)
        assert answer.status_code == listener.delivery()["status"] == status
        assert answer.content == (b"" if status == 204 else b'{"received": false}')
        listener.stop()
        assert listener.events()[-1]["failures"] == (status >= 300)


def test_first_ones_fail(listen: Start) -> None:
    """The first N are answered with --fail-status and Retry-After; the retry that is taken is no duplicate."""
    listener = listen("--json", "--fail-first", "2", "--fail-status", "429", "--retry-after", "7")

    answers = [listener.post(TASK, {"webhook-id": "a"}) for _ in range(4)]

    assert [item.status_code for item in answers] == [429, 429, 200, 200]
    assert [item.headers.get("retry-after") for item in answers] == ["7", "7", None, None]
    told = [listener.delivery() for _ in range(4)]
    assert told[0]["words"] == "failed on purpose (1 of 2)"
    assert [item["attempt"] for item in told] == [1, 2, 3, 4]
    assert [item["retry_of"] for item in told] == [None, 1, 2, None]
    assert [item["duplicate_of"] for item in told] == [None, None, None, 3]


def test_retry_after_goes_with_a_status_that_is_no_success(listen: Start) -> None:
    """--retry-after is sent with a --status from 300 on."""
    listener = listen("--status", "503", "--retry-after", "9")

    assert listener.post(TASK).headers["retry-after"] == "9"


def test_first_ones_are_dropped(listen: Start) -> None:
    """The connection of the first N is closed without a byte; the next is answered."""
    listener = listen("--drop-first", "1", "--quiet-body")
    raw = json.dumps(TASK).encode()
    with connected(listener.url) as wire:
        wire.send(request("POST", "/", raw))
        assert wire.is_closed()
    with connected(listener.url) as wire:
        wire.send(request("POST", "/", raw))
        assert wire.reply().status == 200

    assert listener.block()[-1] == "  answered: nothing, dropped on purpose (1 of 1)"
    assert listener.block()[-1] == "  answered: 200"


def test_first_ones_hang_until_the_sender_gives_up(listen: Start) -> None:
    """A delivery that hangs is told at once and counts when its sender is gone; others are answered meanwhile."""
    listener = listen("--hang-first", "1", "--count", "2", "--quiet-body")
    with connected(listener.url) as wire:
        wire.send(request("POST", "/", json.dumps(TASK).encode()))
        assert listener.block()[-1] == "  answered: nothing, left hanging on purpose (1 of 1)"
        assert listener.post(TASK).status_code == 200
        assert listener.process.poll() is None

    assert listener.wait() == (0, "")
    assert "2 deliveries, 1 failure" in listener.lines[-1]


@posix_only
def test_stopping_keeps_nobody_waiting(listen: Start) -> None:
    """On a signal, what hangs or is delayed ends at once."""
    listener = listen("--hang-first", "1", "--latency", "0")
    delayed = listen("--latency", "1h")
    with connected(listener.url) as held, connected(delayed.url) as waiting:
        held.send(request("POST", "/", b"{}"))
        listener.block()
        waiting.send(request("POST", "/", b"{}"))
        with connected(delayed.url) as other:  # when it is answered, the one before has been read
            other.send(request("GET", "/"))
            assert other.reply().status == 405
        began = time.monotonic()
        assert listener.stop() == (0, "")
        assert delayed.stop() == (0, "")
        assert held.is_closed()
        assert waiting.reply().status == 200
        assert time.monotonic() - began < PATIENCE_S


def test_misbehaviours_take_turns(listen: Start) -> None:
    """The first are dropped, the next hang, the next fail, and then all is well."""
    listener = listen("--json", "--drop-first", "1", "--hang-first", "1", "--fail-first", "1")
    raw = json.dumps(TASK).encode()
    for _ in range(2):
        with connected(listener.url) as wire:
            wire.send(request("POST", "/", raw))
            assert listener.delivery()["status"] is None
    assert [listener.post(TASK).status_code for _ in range(2)] == [500, 200]


def test_latency_delays_each_and_not_all(listen: Start) -> None:
    """Every answer takes --latency, and many callbacks wait side by side."""
    latency_s, number = 0.5, 16
    listener = listen("--json", "--latency", "500ms")
    began = time.monotonic()
    with ThreadPoolExecutor(number) as pool:
        answers = list(pool.map(lambda _: listener.post(TASK), range(number)))
    took_s = time.monotonic() - began

    assert {item.status_code for item in answers} == {200}
    assert latency_s <= took_s < latency_s * number
    told = [listener.delivery() for _ in range(number)]
    assert min(item["took_ms"] for item in told) >= 490
    assert sorted(item["number"] for item in told) == list(range(1, number + 1))


def test_sender_that_hangs_up_is_told(listen: Start) -> None:
    """A sender that does not wait for the answer, or does not finish its body, is a failure that says so."""
    listener = listen("--latency", "1h", "--count", "2")
    with connected(listener.url) as wire:
        wire.send(request("POST", "/", b"{}"))
        wire.send(b"")
    with connected(listener.url) as wire:
        wire.send(head("POST", "/", "Content-Length: 10") + b"{")

    assert listener.wait() == (0, "")
    assert re.search(r"answered: nothing, the sender hung up  \(", listener.text)
    assert "answered: nothing, the sender hung up before the body was complete" in listener.text
    assert "2 deliveries, 2 failures" in listener.lines[-1]


# ---- forwarding -----------------------------------------------------------------------------


def test_forwarded_as_it_came(listen: Start) -> None:
    """Bytes and the webhook and content headers go to the target unchanged; its answer comes back."""
    raw = b'{ "task_id":"1",\r\n"task_status":"succeed" , "x":"\\u58f0"}'
    headers = {**signed(raw), "content-type": "application/json; charset=utf-8", "x-other": "1"}
    with Receiver() as receiver:
        answer = Answer(202, {"content-type": "text/plain", "x-own": "1"}, b"thank you")
        receiver.script.append(answer)
        listener = listen("--forward-to", receiver.url("/hook?key=1"), "--secret", SECRET)

        back = listener.post(raw, headers)

        (arrived,) = receiver.requests
        port = receiver.port
    assert (arrived.method, arrived.path, arrived.body) == ("POST", "/hook?key=1", raw)
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type"):
        assert arrived.headers[name] == headers[name]
    assert "x-other" not in arrived.headers
    assert (back.status_code, back.content) == (202, b"thank you")
    assert back.headers["content-type"] == "text/plain"
    assert "x-own" not in back.headers
    block = listener.block()
    assert block[-2:] == [
        f"  forwarded: http://127.0.0.1:{port}/hook?... -> 202 thank you",
        "  answered: 202",
    ]


def test_failure_of_the_target_is_handed_back(listen: Start) -> None:
    """A failure comes back with its Retry-After and is retried; redirects are not followed."""
    with Receiver() as receiver:
        receiver.script += [
            Answer(503, {"retry-after": "3"}, b"busy"),
            Answer(302, {"location": receiver.url("/elsewhere")}),
            Answer(204),
        ]
        listener = listen("--json", "--forward-to", receiver.url())
        answers = [listener.post(TASK, {"webhook-id": "a"}) for _ in range(3)]
        assert len(receiver.requests) == 3

    assert [item.status_code for item in answers] == [503, 302, 204]
    assert (answers[0].headers["retry-after"], answers[0].content) == ("3", b"busy")
    told = [listener.delivery() for _ in range(3)]
    assert [item["duplicate_of"] for item in told] == [None] * 3
    forwarded = told[0]["forwarded"]
    assert forwarded.pop("took_ms") >= 0
    assert forwarded == {"status": 503, "error": None, "body": "busy"}


def test_target_that_does_not_answer_is_a_bad_gateway(listen: Start) -> None:
    """An unreachable target, or one that breaks off, is 502 with words."""
    with Receiver() as receiver:
        receiver.script.append(Answer(cut=True))
        url = receiver.url()
        listener = listen("--json", "--forward-to", url)
        broken = listener.post(TASK)
    gone = listener.post(TASK)

    assert [broken.status_code, gone.status_code] == [502, 502]
    assert gone.json()["error"].startswith(f"{url}: cannot be reached: ")
    told = [listener.delivery() for _ in range(2)]
    assert [item["forwarded"]["status"] for item in told] == [None, None]
    assert all(item["forwarded"]["error"] for item in told)


def test_target_with_an_endless_answer_is_a_bad_gateway(listen: Start) -> None:
    """An answer over 1 MB is not handed back."""
    with Receiver() as receiver:
        receiver.script.append(Answer(body=b"x" * 1_000_001))
        listener = listen("--forward-to", receiver.url())

        assert "over 1000000 bytes" in listener.post(TASK).json()["error"]


def test_what_is_refused_or_fails_is_not_forwarded(listen: Start) -> None:
    """Only good deliveries that are not to misbehave reach the target."""
    with Receiver() as receiver:
        options = ("--secret", SECRET, "--fail-first", "1", "--forward-to", receiver.url())
        listener = listen(*options)
        statuses = [
            listener.post(TASK, headers).status_code for headers in ({}, signed(TASK), signed(TASK))
        ]
        assert statuses == [401, 500, 200]
        assert len(receiver.requests) == 1


@posix_only
def test_stopping_does_not_wait_for_the_target(listen: Start) -> None:
    """On a signal, what the target was not done with is answered 502."""
    with Receiver() as receiver, ThreadPoolExecutor(1) as pool:
        receiver.script.append(Answer(after=receiver.gate()))
        listener = listen("--forward-to", receiver.url())
        posting = pool.submit(listener.post, TASK)
        receiver.wait_until(lambda: bool(receiver.requests), "the callback")

        assert listener.stop() == (0, "")
        assert posting.result().status_code == 502
        assert "stopped before the target answered" in listener.text


def test_forwarding_to_itself_is_refused(tmp_path: Path) -> None:
    """A listener does not forward to itself, which would never end."""
    with taken_port() as port:
        pass
    target = f"http://localhost:{port}/x"

    done = run("listen", "--port", str(port), "--forward-to", target, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_line(done.stderr)
    assert "--forward-to is where this listens" in done.stderr


# ---- ends, and what is no callback ----------------------------------------------------------


def test_count_ends_it(listen: Start) -> None:
    """After --count deliveries it ends by itself with exit code 0, each of them answered."""
    listener = listen("--count", "3", "--timeout", "10m")

    assert [listener.post(TASK).status_code for _ in range(3)] == [200] * 3
    assert listener.wait() == (0, "")
    assert "stopped: 3 deliveries" in listener.lines[-1]


def test_timeout_is_exit_code_1(listen: Start) -> None:
    """When --count was not reached in time the sum is printed, the complaint is one line, and the exit code 1."""
    listener = listen("--count", "2", "--timeout", "2")
    listener.post(TASK)

    code, errors = listener.wait()

    assert (code, errors) == (1, "kling-mock: 1 of 2 deliveries came within 2 s\n")
    assert "stopped: 1 delivery, " in listener.lines[-1]


def test_only_posts_to_the_path_are_callbacks(listen: Start) -> None:
    """Other paths are 404 and other methods 405; both are told, and neither counts. What is below the path is one."""
    listener = listen("--path", "/hook", "--json", "--count", "2")
    base = listener.url.removesuffix("/hook")
    with httpx2.Client(trust_env=False) as http:
        assert http.post(base + "/hooks", content=b"{}").status_code == 404
        assert http.post(base + "/", content=b"{}").status_code == 404
        refused = http.get(listener.url)
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
        assert http.post(listener.url + "/a?b", content=b"{}").status_code == 200
        assert http.post(listener.url + "/", content=b"{}").status_code == 200

    assert listener.wait() == (0, "")
    paths = [event["path"] for event in listener.events() if event["event"] == "delivery"]
    assert paths == ["/hook/a?...", "/hook/"]
    assert (listener.events()[-1]["deliveries"], listener.events()[-1]["others"]) == (2, 3)


@pytest.mark.parametrize(("size", "status"), [(1_000_000, 200), (1_000_001, 413)])
def test_large_bodies_are_refused(listen: Start, size: int, status: int) -> None:
    """A body of 1 MB is taken; one of a byte more is answered 413, and is a failure."""
    listener = listen("--quiet-body")

    assert listener.post(b"x" * size).status_code == status
    assert listener.block()[-1].startswith(f"  answered: {status}")


# ---- mistakes -------------------------------------------------------------------------------

#: A mistake, and what its one line must say.
MISTAKES = {
    "unknown option": ("--prot 1", "unknown option '--prot'; did you mean '--port'?"),
    "abbreviation": ("--fail 1", "unknown option '--fail'; did you mean '--fail-first'?"),
    "stray word": ("extra", "unexpected argument 'extra'"),
    "missing value": ("--port", "--port: expected one argument"),
    "no port": ("--port 70000", "from 0 to 65535"),
    "no path": ("--path hook", "did you mean '/hook'?"),
    "path with query": ("--path /hook?a=b", "did you mean '/hook'?"),
    "no prefix": ("--secret dGVzdA==", "--secret: a webhook secret begins with whsec_"),
    "no base64": ("--secret whsec_%%%", "not base64"),
    "short secret": ("--secret whsec_dGVzdA==", "16 to 128 bytes"),
    "no status": ("--status 99", "from 200 to 599"),
    "no failure": ("--fail-first 1 --fail-status 200", "from 300 to 599"),
    "no number": ("--drop-first x", "--drop-first: must be a whole number"),
    "less than nothing": ("--hang-first -1", "--hang-first"),
    "no span": ("--latency 5x", "ms, s, m, h or d, not '5x'"),
    "no url": ("--forward-to localhost:3000", "such as http://127.0.0.1:3000/callback"),
    "url with blanks": ("--forward-to 'http://a b'", "must be an http or https URL"),
    "broken url": ("--forward-to http://[::1", "must be an http or https URL"),
    "two answers": ("--status 200 --forward-to http://h", "not allowed with"),
    "idle status": ("--fail-status 500", "--fail-status needs --fail-first"),
    "idle retry": ("--retry-after 1", "--retry-after needs --fail-first"),
    "idle timeout": ("--timeout 1", "--timeout needs --count"),
    "count of none": ("--count 0", "from 1 to"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake is one line with the remedy and exit code 2, before anything listens."""
    line, words = MISTAKES[name]

    with pytest.raises(SystemExit) as end:
        main(["listen", *shlex.split(line)])

    out, err = capsys.readouterr()
    assert (end.value.code, out) == (2, "")
    assert is_one_line(err)
    assert words in err


def test_taken_port_is_one_line(tmp_path: Path) -> None:
    """A port that is in use is said in one line, with the remedy."""
    with taken_port() as port:
        done = run("listen", "--port", str(port), cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_line(done.stderr)
    assert "choose another with --port" in done.stderr


def test_help_names_every_option_and_its_default(tmp_path: Path) -> None:
    """The help has every option and says the defaults."""
    done = run("listen", "--help", cwd=tmp_path)

    assert done.returncode == 0
    for words in ("default 127.0.0.1", "default 9700", "default 200", "default 500"):
        assert words in " ".join(done.stdout.split())


def test_mistyped_command_is_told() -> None:
    """The command is among those that a mistyped one is held against, and no other command imports it."""
    code = (
        "import sys; from mock_server import cli; cli.main(['routes']);"
        "print([name for name in sys.modules if '.listen' in name], file=sys.stderr);"
        "cli.main(['lisen'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "[]",
        "kling-mock: unknown command 'lisen'; did you mean 'listen'?",
    ]
