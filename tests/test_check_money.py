"""What a run may cost: live profiles, one paid task at a time, busy servers, and the suite called by pytest itself."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from contract_tests.meter import Meter, NotSent
from contract_tests.observation import Request
from contract_tests.profiles import PROFILES
from contract_tests.sending import Sender
from mock_server.http.app import create_app
from mock_server.server import RunningServer
from mock_server.settings import build
from tests import mutants
from tests.http.process import COMMAND, environment
from tests.support.checking import Counted, check

ROOT = Path(__file__).parents[1]
SPEECH = {"text": "Hello", "voice_id": "oversea_male1", "voice_language": "en"}
VOICE = {"voice_name": "Mine", "voice_url": "https://example.com/a.mp3"}
TTS, VOICES = "/v1/audio/tts", "/v1/general/custom-voices"


def paid(**values: Any) -> Counted:
    """A healthy server that is no kling-mock, and remembers what it was asked."""
    return Counted(mutants.WithoutControl(create_app(build(quiet=True, **values))))


def post(url: str, path: str, body: Any) -> Request:
    """A request of the API."""
    headers = {"authorization": "Bearer k", "content-type": "application/json"}
    return Request("POST", url + path, headers, json.dumps(body).encode())


@pytest.fixture
def sender() -> Iterator[Sender]:
    """What sends to a server that charges."""
    made = Sender(meter=Meter(100, 10), patience_s=20)
    yield made
    made.close()


# ---- profiles -------------------------------------------------------------------------------


def test_live_free_is_never_charged(tmp_path: Path) -> None:
    """In live-free no request is sent that could be accepted as a creation; what that leaves out says so."""
    app = paid()
    words = ("--profile", "live-free", "--i-will-pay", "--json", "--dialect", "klingai")
    run = check(app, *words, cwd=tmp_path)
    assert run.code == 0, run.out + run.err
    assert run.report["spent"].endswith("0 of 0 charged")
    assert "klingai createSpeech" in run.report["coverage"]["operations"]
    accepted = {key for key in run.report["coverage"]["statuses"] if key.startswith("create")}
    assert not [key for key in accepted if key.endswith("200/0")]
    unlooked = {
        item["id"]: item["message"]
        for item in run.report["clauses"]
        if item["result"] == "not_looked_at"
    }
    assert "costs money" in unlooked["voice-get.by-task-id"]


def test_canaries_are_counted(tmp_path: Path) -> None:
    """In live-canary as many paid tasks are made as asked for, and their voices are deleted."""
    app = paid(speed=60)
    sample = ("--sample-url", "https://example.com/a.mp3", "--canary", "2")
    words = ("--profile", "live-canary", "--i-will-pay", "--json", *sample)
    run = check(app, *words, "--dialect", "klingai", cwd=tmp_path)
    assert run.code == 0, run.out + run.err
    assert run.report["spent"].endswith("2 of 2 charged")
    assert run.report["left"] == []
    statuses = run.report["coverage"]["statuses"]
    assert (statuses["createSpeech 200/0"], statuses["createCustomVoice 200/0"]) == (1, 1)
    assert statuses["deleteVoice 200/0"] == 1
    assert "voice-create.endpoint" in run.of("passed")


class Credulous:
    """A server that accepts, and charges, whatever is sent to be created; it counts what it charged."""

    def __init__(self) -> None:
        self.charged = 0

        def change(path: str, status: int, body: Any) -> tuple[int, Any]:
            if not path.endswith(("/tts", "/custom-voices")) or "data" in body or status == 404:
                return status, body
            self.charged += 1
            now = 1_790_000_000_000 + self.charged
            task = {"task_id": str(now), "task_status": "submitted", "task_status_msg": ""}
            return 200, {**body, "code": 0, "data": {**task, "created_at": now, "updated_at": now}}

        healthy = create_app(build(quiet=True))
        self._app = mutants.WithoutControl(healthy)
        self._credulous = mutants.Rewritten(healthy, change)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers."""
        is_post = scope.get("method") == "POST" and "__mock__" not in scope["path"]
        await (self._credulous if is_post else self._app)(scope, receive, send)


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (("--max-billed", "3"), 3),
        (("--max-billed", "0"), 1),
        (("--profile", "live-free"), 1),
    ],
    ids=["three", "none", "live-free"],
)
def test_what_is_accepted_against_all_rules_counts(
    words: tuple[str, ...], most: int, tmp_path: Path
) -> None:
    """A server that charges for what it must refuse is not charged more often for it than the plan says."""
    app = Credulous()
    run = check(app, *words, "--i-will-pay", "--json", "--dialect", "klingai", cwd=tmp_path)
    assert run.code == 1, run.out + run.err
    assert 0 < app.charged <= most
    assert run.report["unexpected_charges"] >= 1
    assert "schema.request.refused" in run.of("failed")


# ---- the meter ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [TTS, f"/gateway{TTS}", f"{TTS}/", f"/{TTS}", TTS.upper(), "/v1/audio/%74ts"]
)
def test_no_spelling_gets_past_the_meter(path: str) -> None:
    """A path behind a prefix, with slashes too many, in capitals or escaped, may be charged for all the same."""
    meter = Meter.of(PROFILES["live-free"], 0, None, is_paid=True)
    with pytest.raises(NotSent, match="costs money"):
        meter.before("POST", path, json.dumps(SPEECH).encode())
    meter.before("POST", path, b"{}")
    meter.before("GET", path, b"")
    assert meter.requests == 2


def test_when_all_is_spent_nothing_leaves() -> None:
    """Of three calls one is kept back for what is to be refused; when that is accepted, not even bad ones leave."""
    meter = Meter(100, 3)
    for _ in range(2):
        meter.before("POST", TTS, json.dumps(SPEECH).encode())
    with pytest.raises(NotSent, match="kept back"):
        meter.before("POST", TTS, json.dumps(SPEECH).encode())
    for status, body in ((400, b'{"code": 1201}'), (200, b'{"code": 0}')):
        meter.before("POST", TTS, b"{}")
        assert meter.after("POST", TTS, b"{}", status, body) == (status == 200)
    with pytest.raises(NotSent, match="all 3 calls"):
        meter.before("POST", TTS, b"{}")
    assert (meter.billed, meter.unexpected, meter.is_spent) == (3, 1, True)


def test_one_paid_task_at_a_time(sender: Sender) -> None:
    """The second paid task is made when the first has ended, whoever makes it."""
    app = paid(speed=20)
    with RunningServer(app=app) as server:
        for _ in range(2):
            answer = sender.send(post(server.base_url, VOICES, VOICE))
            assert answer.pair == (200, 0)
    kinds = [method for method, path, _ in app.asked if path.startswith(VOICES)]
    assert kinds[0] == kinds[-1] == "POST"
    assert "GET" in kinds


class Busy:
    """An application that is busy twice, and says how long."""

    def __init__(self) -> None:
        self.asked_at: list[float] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers."""
        if scope["type"] != "http":
            await mutants.WithoutControl(create_app(build(quiet=True)))(scope, receive, send)
            return
        self.asked_at.append(time.monotonic())
        is_busy = len(self.asked_at) < 3
        body = {"code": 1303 if is_busy else 0, "message": "m", "request_id": "r"}
        headers = [(b"content-type", b"application/json"), (b"retry-after", b"2")]
        status = 429 if is_busy else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def test_a_busy_server_is_waited_out(sender: Sender) -> None:
    """429 with 1303 is asked again after at least what Retry-After says, and every attempt counts."""
    app = Busy()
    with RunningServer(app=app) as server:
        assert sender.send(post(server.base_url, TTS, SPEECH)).pair == (200, 0)
    pauses = [
        later - earlier for earlier, later in zip(app.asked_at, app.asked_at[1:], strict=False)
    ]
    assert len(pauses) == 2
    assert min(pauses) >= 2
    assert sender.meter is not None
    assert (sender.meter.requests, sender.meter.billed) == (3, 1)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM ends a process at once there")
def test_an_interrupted_run_tidies_up(tmp_path: Path) -> None:
    """A run that is told to stop deletes the voices it made, reports what it saw, and is no verdict."""
    app = paid(speed=100)
    with RunningServer(app=app) as server:
        words = [
            *COMMAND,
            "check",
            server.base_url,
            "--i-will-pay",
            "--dialect",
            "klingai",
            "--json",
        ]
        run = subprocess.Popen(
            words,
            cwd=tmp_path,
            env=environment(None),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not _has_made(app):
            time.sleep(0.05)
        run.send_signal(signal.SIGTERM)
        out, err = run.communicate(timeout=90)
    assert run.returncode == 2, out + err
    assert json.loads(out)["gave_up"] == "interrupted"
    assert "Traceback" not in out + err
    assert app.of("/v1/general/delete-voices")[-1][2].startswith(b'{"voice_id": "')


def _has_made(app: Counted) -> bool:
    return any(b"external_task_id" in body and b"-plain" in body for _, _, body in app.of(VOICES))


# ---- the suite, called by pytest ------------------------------------------------------------


def suite(app: ASGIApp, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs one module of the suite by pytest."""
    with RunningServer(app=app) as server:
        command = [sys.executable, "-m", "pytest", "contract_tests/test_speech.py", "-q"]
        url = ("-p", "no:cacheprovider", "--contract-base-url", server.base_url)
        return subprocess.run(
            [*command, *url, *options],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )


@pytest.mark.parametrize("machine", ["", "true"], ids=["by hand", "on a CI machine"])
def test_pytest_pays_no_more_than_check(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By pytest, too, a server that is no kling-mock is not called unasked, and then within its limits only."""
    if machine:
        monkeypatch.setenv("CI", machine)
    else:
        monkeypatch.delenv("CI", raising=False)
    app = paid()
    refused = suite(app)
    assert refused.returncode == 4
    assert "--contract-i-will-pay" in refused.stderr
    assert "at most 3000 requests" in refused.stderr
    assert [path for _, path, _ in app.asked] == ["/__mock__/health"]
    app = paid()
    limits = ("--contract-i-will-pay", "--contract-max-billed", "1")
    metered = suite(
        app, "--contract-dialect", "klingai", "-rs", *limits, "--contract-api-key", "sk-planted"
    )
    assert metered.returncode == 0, metered.stdout
    assert "this may cost: at most 3000 requests, at most 1 of them charged" in metered.stdout
    assert "THE BUDGET IS SPENT" in metered.stdout
    assert "sk-planted" not in metered.stdout + metered.stderr
    free = suite(paid(), "--contract-free", "--contract-dialect", "ezmodel")
    assert free.returncode == 0, free.stdout
    assert "this may cost" not in free.stdout
