"""What a server's author reads of a broken server: sentences, and command lines that show the fault when pasted."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from starlette.types import ASGIApp

from mock_server import settings
from mock_server.http.app import create_app
from mock_server.server import RunningServer
from tests.broken.base import Exchange, Wire
from tests.http.process import environment
from tests.support.checking import Checked, check
from tests.support.places import ROOT

KEY, KEY2 = "the-right-key", "the-other-key"
ONE = ("--dialect", "klingai")
UNDER_PYTEST = ("--contract-dialect", "klingai", "-k", "looking_changes_nothing")
#: How Python writes what JSON writes in another way.
_REPR = re.compile(r"\{'|\['|': |\bTrue\b|\bNone\b|Notification\(|Request\(|Answer\(|b'")


def defect(seen: Exchange) -> None:
    """Breaks clauses of several kinds, each in one operation, and spares every other."""
    if seen.operation == "presets":
        for voice in seen.voices:
            voice["owned_by"] = "8812203"
    if seen.operation == "query":
        for record in seen.records:
            record["updated_at"] += 0.5
    if seen.operation == "delete" and seen.status == 400:
        seen.body["data"] = {}
    if seen.operation == "speech" and seen.text("voice_id") == "no-such-voice":
        seen.speak()
    if seen.operation == "create":
        for record in seen.records:
            record["task_info"] = {}


def broken() -> ASGIApp:
    """A server with these defects, which lets one key in."""
    return Wire(create_app(settings.build(quiet=True, api_key=KEY)), defect)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """A run against it."""
    cwd = tmp_path_factory.mktemp("run")
    words = ("--api-key", KEY, "--seed", "5", "--junit", "kit.xml", *ONE)
    found = check(broken(), "--json", *words, cwd=cwd)
    tree = ElementTree.parse(cwd / "kit.xml").getroot()
    texts = [case.text or "" for case in tree.iter("failure")]
    assert sum(f"{name} (" in "\n".join(texts) for name in found.of("failed")) == len(texts)
    return found


BROKEN = {
    "presets.owner": 'owned_by is "8812203", where "kling" is due',
    "time.milliseconds": "updated_at is 1",
    "errors.no-data": "data is {}, where none is due in a refusal",
    "speech.voice.unknown": "the answer is HTTP 200, code 0, where HTTP 400, code 1201 is due",
    "task.info.echo": "task_info.external_task_id is null, where ",
}


@pytest.mark.parametrize("clause", BROKEN)
def test_a_breach_is_one_sentence(run: Checked, clause: str) -> None:
    """The message says what is and what is due, with the values, and then shows JSON; evidence and source are named."""
    found = run.clause(clause)
    assert found["result"] == "failed"
    assert found["evidence"] in ("documented", "observed")
    assert found["source"]
    first, _, below = found["message"].partition("\n")
    assert BROKEN[clause] in first
    assert " due" in first or " has no " in first
    assert _REPR.search(found["message"]) is None
    assert json.loads(re.sub(r"^HTTP \d+ ", "", below.splitlines()[0]))


def test_one_fault_hides_no_clause(run: Checked) -> None:
    """Values in the wrong type, on nearly every answer, leave every clause looked at that a healthy server shows."""
    assert sorted(run.of("failed")) == sorted(BROKEN), run.out
    assert run.of("finding") == run.report["errors"] == []
    reasons = [
        f"{item['id']}: {item['message']}"
        for item in run.report["clauses"]
        if "ended early" in item["message"] or "no check of this run" in item["message"]
    ]
    assert reasons == []


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("sh")), reason="needs curl and sh")
@pytest.mark.parametrize("clause", ["presets.owner", "errors.no-data", "speech.voice.unknown"])
def test_a_pasted_line_shows_the_fault(run: Checked, clause: str) -> None:
    """The line, run by a shell that has the key in its variable, gets the same fault from a server started anew."""
    line = run.clause(clause)["request"]
    assert '-h "authorization: bearer $kling_mock_api_key"' in line.lower()
    with RunningServer(app=broken()) as server:
        pasted = line.replace(f"127.0.0.1:{_port(line)}", urlsplit(server.base_url).netloc)
        answer = pasted_into_a_shell(pasted)
    if clause == "presets.owner":
        assert answer["data"][0]["task_result"]["voices"][0]["owned_by"] == "8812203"
    elif clause == "errors.no-data":
        assert (answer["code"] in (1200, 1201), answer["data"]) == (True, {})
    else:
        assert answer["code"] == 0


def test_each_line_is_sent_with_the_variable(run: Checked) -> None:
    """No line holds a key, and none holds a placeholder that no server lets in, nor what schemathesis adds."""
    lines = [line for item in run.report["clauses"] for line in item["requests"]]
    assert lines
    assert KEY not in run.out
    for line in lines:
        assert "$KLING_MOCK_API_KEY" in line
        assert "***" not in line
        assert "schemathesis" not in line.lower()
    for item in run.report["clauses"]:
        assert (item["request"] in item["requests"]) == bool(item["request"])


def test_the_line_of_the_task_comes_first(run: Checked) -> None:
    """A fault in what a query shows has two lines: the create request that made the task, and the query."""
    create, query = run.clause("time.milliseconds")["requests"]
    assert " -X POST " in create
    assert create.split(" --data-raw")[0].endswith("/v1/general/custom-voices")
    assert re.search(r" -X GET .*/v1/general/custom-voices/\S+$", query)


def test_the_terminal_says_how_to_paste(tmp_path: Path) -> None:
    """Beside the lines stands what to do before they are pasted, once."""
    app = Wire(create_app(settings.build(quiet=True, api_key=KEY)), defect)
    shown = check(app, "--api-key", KEY, "--only", "presets.owner", *ONE, cwd=tmp_path)
    assert shown.code == 1
    assert BROKEN["presets.owner"] in shown.out
    assert shown.out.count("before you paste: put the key into $KLING_MOCK_API_KEY") == 1
    assert f"seen: {BROKEN['presets.owner']}" in shown.out
    assert "receiver" not in shown.out


def test_the_terminal_says_which_address_is_gone(tmp_path: Path) -> None:
    """The receiver whose address stands in a line is there during a run only, and the report says so."""
    shown = check(broken(), "--api-key", KEY, "--only", "task.info.echo", *ONE, cwd=tmp_path)
    assert re.search(r"http://127\.0\.0\.1:\d+ was the kit's own receiver", shown.out)


def test_a_test_that_went_on_has_failed() -> None:
    """Under pytest, too, a breach that ended no test fails it, with the clause first."""
    with RunningServer(app=broken()) as server:
        words = ("contract_tests/test_lifecycle.py", "-q", "-p", "no:cacheprovider", *UNDER_PYTEST)
        where = ("--contract-base-url", server.base_url, "--contract-api-key", KEY)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words, *where],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
    assert done.returncode == 1, done.stdout
    assert "Broken: [task.info.echo]" in done.stdout
    assert "1 failed" in done.stdout


def credentials(seen: Exchange) -> None:
    """Lets in what is no credential, as long as it looks like one."""
    if seen.status == 401 and seen.authorization.startswith("Basic ") and seen.operation == "query":
        seen.refuse(400, 1201)


def accounts(seen: Exchange) -> None:
    """Answers every query of an unknown task as if it were an account's own."""
    if seen.operation == "query" and seen.status == 400 and KEY2 in seen.authorization:
        known = seen.memory.get("a task")
        if known:
            seen.accept(known)
    elif seen.operation == "query" and seen.accepted:
        seen.memory["a task"] = seen.data


def test_a_bad_credential_stands_in_the_line(tmp_path: Path) -> None:
    """Where the header is the point it is shown as it was sent."""
    app = Wire(create_app(settings.build(quiet=True, api_key=KEY)), credentials)
    only = ("--only", "auth.malformed")
    found = check(app, "--json", "--api-key", KEY, *only, *ONE, cwd=tmp_path).clause(only[1])
    assert found["result"] == "failed"
    assert "for a malformed credential (Basic)" in found["message"]
    assert "-H 'authorization: Basic dXNlcjpwYXNz'" in found["request"]


def test_the_second_account_is_told_from_the_first(tmp_path: Path) -> None:
    """A line that was sent with the second key has the second variable, and the line that made the task the first."""
    app = Wire(create_app(settings.build(quiet=True)), accounts)
    keys = ("--api-key", KEY, "--api-key2", KEY2)
    only = ("--only", "auth.account")
    run = check(app, "--json", *keys, *only, *ONE, cwd=tmp_path)
    found = run.clause(only[1])
    assert found["result"] == "failed", run.out
    assert '"authorization: Bearer $KLING_MOCK_API_KEY2"' in found["request"]
    assert '"authorization: Bearer $KLING_MOCK_API_KEY"' in found["requests"][0]
    assert KEY not in run.out
    assert KEY2 not in run.out


def _port(line: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:(\d+)/v1/", line)
    assert found is not None
    return found[1]


def pasted_into_a_shell(line: str) -> dict[str, Any]:
    """What a line answers in a shell that has the key."""
    done = subprocess.run(
        ["sh", "-c", line],
        env=environment({"KLING_MOCK_API_KEY": KEY}),
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert sys.platform != "win32"
    found: dict[str, Any] = json.loads(done.stdout)
    return found
