"""Recordings of ``kling-mock check`` and of others: they hold no secret, repeat, and are judged as servers are."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract_tests import harread
from mock_server.http.app import create_app
from mock_server.server import RunningServer
from mock_server.settings import build
from tests.support.checking import Checked, check
from tests.test_cli import is_one_line

KEY, OTHER = "sk-planted-first", "sk-planted-second"
SECRET = "whsec_cGxhbnRlZC1zZWNyZXQtb2YtdGhlLXRlc3Q="
Entry = dict[str, Any]


def recorded(folder: Path) -> Checked:
    """A short run against a mock whose seed and clock are given."""
    fixed = {"seed": "1", "start": "2026-01-01T00:00:00Z", "speed": 0, "webhook_secret": SECRET}
    app = create_app(build(quiet=True, **fixed))
    secrets = ("--api-key", KEY, "--api-key2", OTHER, "--webhook-secret", SECRET)
    words = ("--json", "--seed", "5", "--dialect", "klingai", "--har-out", "run.har")
    run = check(app, *secrets, *words, cwd=folder)
    assert run.code == 0, run.out + run.err
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checked, Path]:
    """A recorded run, and where the recording is."""
    folder = tmp_path_factory.mktemp("recorded")
    return recorded(folder), folder / "run.har"


def test_a_recording_holds_no_secret(run: tuple[Checked, Path]) -> None:
    """Keys and the webhook secret stand neither in the recording nor in what was printed."""
    done, path = run
    everything = path.read_text(encoding="utf-8") + done.out + done.err
    assert "Bearer ***" in everything
    assert not [secret for secret in (KEY, OTHER, SECRET) if secret in everything]


def test_a_recording_is_a_har(run: tuple[Checked, Path]) -> None:
    """The file has what HAR 1.2 asks for; what arrived at the receiver stands in a field of its own."""
    log = json.loads(run[1].read_text(encoding="utf-8"))["log"]
    assert log["version"] == "1.2"
    assert log["creator"]["name"]
    assert log["_notifications"]
    for entry in log["entries"]:
        assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= set(entry)
        assert {"method", "url", "headers", "queryString", "bodySize"} <= set(entry["request"])
        assert {"status", "headers", "content", "redirectURL"} <= set(entry["response"])
    covered = run[0].report["coverage"]
    assert covered["operations"]["klingai createSpeech"] > 0
    assert covered["statuses"]["createSpeech 200/0"] > 0


def normal(path: Path) -> tuple[list[str], int]:
    """The requests of a recording, and how many were over before the first two were under way together.

    Without what differs between runs by its nature: ports, tokens, ids, and how often callers that race look at the
    task they race for.
    """
    found: list[str] = []
    raced, busy_until, alone = "-observed", 0.0, 0
    for item in harread.read(str(path)).seen:
        if b"-observed" in item.request.body and item.answer is not None:
            raced = item.answer.data["task_id"]
        if item.request.method == "GET" and item.request.url.endswith((raced, "-observed")):
            continue
        url = item.request.url.partition("://")[2].partition("/")[2]
        text = f"{item.request.method} {url} {item.request.body.decode('latin-1')}"
        text = re.sub(r"ct-[0-9a-f]{8}|\b[0-9a-f]{8}(?=-\d)|127[.]0[.]0[.]1(:|%3A)\d+", "", text)
        if item.began <= busy_until and not alone:
            alone = len(found) - 1
        busy_until = max(busy_until, item.ended)
        found.append(re.sub(r"\b\d{17,20}\b", "#", text))
    return found, alone


def test_a_seed_repeats_every_request(run: tuple[Checked, Path], tmp_path: Path) -> None:
    """Two runs with one seed, against two fresh mocks with one seed, send the same, in one order until callers race."""
    recorded(tmp_path)
    (first, alone), (second, _) = normal(run[1]), normal(tmp_path / "run.har")
    assert alone > 100
    assert first[:alone] == second[:alone]
    assert Counter(first) - Counter(second) == Counter(second) - Counter(first) == Counter()


def test_a_healthy_recording_passes(run: tuple[Checked, Path], tmp_path: Path) -> None:
    """What a healthy server answered is judged kept; what no recording can show was not looked at."""
    judged = check("", "--from-har", str(run[1]), "--json", cwd=tmp_path)
    assert judged.code == 0, judged.out + judged.err
    assert judged.of("failed") == judged.of("finding") == []
    assert {"envelope.code-zero", "task.status.transitions", "voice-delete.twice"} <= set(
        judged.of("passed")
    )
    assert "callback.retries" in judged.of("not_looked_at")


# ---- recordings of others -------------------------------------------------------------------


def entry(method: str, url: str, answer: Any, *, body: Any = None, status: int = 200) -> Entry:
    """An exchange as a browser records it, over HTTP/2."""
    request: Entry = {
        "method": method,
        "url": url,
        "headers": [{"name": ":authority", "value": "x"}, {"name": "accept", "value": "*/*"}],
    }
    if body is not None:
        request["postData"] = {"mimeType": "application/json", "text": json.dumps(body)}
    return {
        "startedDateTime": "2026-05-01T10:00:00.000+02:00",
        "time": 12.5,
        "request": request,
        "response": {
            "status": status,
            "headers": [{"name": "content-type", "value": "application/json; charset=utf-8"}],
            "content": {"size": -1, "text": json.dumps(answer)},
        },
    }


BASE = "https://gw.example.com/team"
VOICES = f"{BASE}/v1/general/custom-voices"


def envelope(ordinal: int, data: Any = None, code: int = 0) -> Entry:
    """An official answer."""
    word = "SUCCEED" if code == 0 else "refused"
    body = {"code": code, "message": word, "request_id": f"r{ordinal}"}
    return body if data is None else {**body, "data": data}


def task(**values: Any) -> Entry:
    """A task that is under way."""
    return {
        "task_id": "850000000000000001",
        "task_status": "processing",
        "task_status_msg": "",
        "task_info": {},
        "task_result": {},
        "created_at": 1_780_000_000_000,
        "updated_at": 1_780_000_001_000,
        **values,
    }


def look(ordinal: int, **values: Any) -> Entry:
    """A query, as long after the one before as its ordinal says."""
    found = entry("GET", f"{VOICES}/850000000000000001", envelope(ordinal, task(**values)))
    found["startedDateTime"] = f"2026-05-01T10:00:{ordinal:02}Z"
    return found


def judge(folder: Path, entries: list[Any], *options: str) -> Checked:
    """Judges a recording."""
    (folder / "other.har").write_text(json.dumps({"log": {"entries": entries}}))
    return check("", "--from-har", "other.har", "--json", *options, cwd=folder)


def test_recordings_of_others_are_read(tmp_path: Path) -> None:
    """Prefixes of gateways, HTTP/2, base64, other hosts, and bodies that are cut or missing: none is an alarm."""
    in_base64 = look(2)
    text = in_base64["response"]["content"]["text"]
    in_base64["response"]["content"] = {
        "size": len(text),
        "text": base64.b64encode(text.encode()).decode(),
        "encoding": "base64",
    }
    cut = look(3)
    cut["response"]["content"] = {"size": 5000, "text": '{"code": 0, "mess'}
    missing = look(4)
    missing["response"]["content"] = {"size": 300}
    aborted = look(5)
    aborted["response"]["status"] = 0
    elsewhere = entry("GET", "https://cdn.example.com/app.js", {"code": 7})
    unposted = entry("POST", VOICES, envelope(6, task(task_status="submitted")))
    run = judge(tmp_path, [look(1), in_base64, cut, missing, aborted, elsewhere, unposted])
    assert run.code == 0, run.out + run.err
    assert "3 answers judged, 3 without their body" in run.report["profile"]


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        (lambda: [look(1), look(2, task_status="submitted")], "task.status.transitions"),
        (lambda: [look(1), look(2, created_at=1_780_000_000_001)], "task.created-at.constant"),
        (lambda: [look(1, task_id=850000000000000001)], "ids.string"),
        (lambda: [entry("GET", VOICES, envelope(1, code=1201), status=200)], "envelope.code-zero"),
        (lambda: [entry("GET", VOICES, envelope(1), status=500)], "server.no-5xx"),
        (lambda: [look(1), {**look(1), "time": 1}], "envelope.request-id"),
        (
            lambda: [entry("POST", VOICES, envelope(1, task()), body={"voice_name": 1})],
            "schema.request.refused",
        ),
    ],
)
def test_a_broken_recording_is_told(
    change: Callable[[], list[Any]], clause: str, tmp_path: Path
) -> None:
    """What a recorded server did wrong names its clause and the request that shows it; the exit code is 1."""
    run = judge(tmp_path, change(), "--base-url", BASE, "--strict")
    assert run.code == 1, run.out
    assert clause in run.of("failed")
    assert run.clause(clause)["request"].startswith("curl -sS -X ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "no JSON"),
        ('{"log": {}}', "no list log.entries"),
        (
            '{"log": {"entries": [{"request": {"method": "GET"}}]}}',
            "log.entries[0].request: no url",
        ),
        ('{"log": {"entries": []}}', "no entry is a request of the API"),
    ],
)
def test_a_bad_recording_is_said_in_one_line(content: str, said: str, tmp_path: Path) -> None:
    """What is no recording is exit code 2, in one line that names the place."""
    (tmp_path / "bad.har").write_text(content)
    run = check("", "--from-har", "bad.har", cwd=tmp_path)
    assert (run.code, run.out) == (2, "")
    assert is_one_line(run.err)
    assert "bad.har" in run.err
    assert said in run.err
    none = check("", "--from-har", "none.har", cwd=tmp_path)
    assert (none.code, is_one_line(none.err)) == (2, True)


def test_one_thing_at_a_time(tmp_path: Path) -> None:
    """A URL and a recording together are a mistake, said in one line."""
    with RunningServer() as server:
        run = check(server.base_url, "--from-har", "x.har", cwd=tmp_path)
    assert run.code == 2
    assert is_one_line(run.err)
