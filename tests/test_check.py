"""``kling-mock check``: verdicts per clause, exit codes, reports, money and secrets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jwt
import pytest
from starlette.types import ASGIApp

from contract_tests import clauses
from mock_server import cli, kit, settings
from mock_server.http.app import create_app
from tests import mutants
from tests.support.checking import Counted, check
from tests.test_cli import is_one_line
from tests.test_kit_catches import OTHER_READINGS
from tests.test_server import taken_port

ONE = ("--dialect", "klingai")
EZ = ("--dialect", "ezmodel")
#: A run in which what is generated is looked at, and one that is as short as any.
GENERATED = ("--only", "schema.request.refused", "--only", "schema.request.accepted")
#: A run in which whatever the telltale server says is quoted.
QUOTED = ("--only", "voice-create", "--only", "voice-get", "--only", "errors", "--only", "auth")
BRIEF = ("--only", "ez.errors.404", *EZ)


def mock(**values: Any) -> ASGIApp:
    """A healthy server."""
    return create_app(settings.build(quiet=True, **values))


# ---- verdicts -------------------------------------------------------------------------------


def test_a_healthy_server_keeps_the_contract(tmp_path: Path) -> None:
    """The mock passes with exit code 0; each clause of its dialects has one result, and none is a finding."""
    run = check(mock(), "--json", "--seed", "7", cwd=tmp_path)
    assert run.code == 0, run.out
    assert run.err == ""
    assert [item["id"] for item in run.report["clauses"]] == list(clauses.catalogue())
    assert run.of("failed") == run.of("finding") == run.report["errors"] == []
    assert {"voice-delete.twice", "ez.mp3", "callback.terminal"} <= set(run.of("passed"))
    assert "limits.price" in run.of("not_looked_at")
    assert run.report["seed"] == 7


def test_other_readings_keep_it_too(tmp_path: Path) -> None:
    """A server that reads every disputed rule differently breaks nothing."""
    run = check(mock(behaviour=OTHER_READINGS), "--json", cwd=tmp_path)
    assert run.code == 0, run.out
    assert "speech.speed.out-of-range" in run.of("finding")
    assert run.of("failed") == run.report["errors"] == []


def test_a_broken_clause_is_named_with_its_request(tmp_path: Path) -> None:
    """A failure names clause, evidence, source, what was seen, the request, and the command that shows it again."""
    words = ("--json", "--seed", "3", "--only", "envelope", "--only", "errors", *ONE)
    run = check(mutants.errors_with_200(), *words, cwd=tmp_path)
    assert run.code == 1
    broken = run.clause("envelope.code-zero")
    assert broken["result"] == "failed"
    assert broken["evidence"] == "observed"
    assert broken["source"].startswith("failed-task body")
    assert broken["broken_in"] == "klingai"
    first, second, *_ = broken["message"].splitlines()
    due = "where code 0 is due with HTTP 200 and nowhere else"
    assert re.fullmatch(rf"the answer is HTTP 200, code 1\d\d\d, {due}", first)
    assert second.startswith("HTTP 200 {")
    assert broken["request"].startswith("curl -sS -X ")
    again = run.report["again"]
    assert "--seed 3" in again
    assert "--dialect klingai" in again
    assert "--profile smoke" in again


def test_a_broken_assumption_is_a_finding(tmp_path: Path) -> None:
    """An assumed clause that is broken is a finding, and a failure with --strict."""
    app = mock(behaviour={"deleted_voice_task": "hidden"})
    only = ("--only", "voice-delete.task-stays")
    lenient = check(app, "--json", *ONE, *only, cwd=tmp_path)
    assert lenient.code == 0, lenient.out
    assert lenient.of("finding") == ["voice-delete.task-stays"]
    strict = check(app, "--json", "--strict", *ONE, *only, cwd=tmp_path)
    assert strict.code == 1
    assert strict.of("failed") == ["voice-delete.task-stays"]


def test_people_see_what_is_wrong_first(tmp_path: Path) -> None:
    """The terminal report holds failures with source and curl line, what was not looked at and why, and the sum."""
    run = check(mutants.enveloped_callbacks(), "--only", "callback", *ONE, cwd=tmp_path)
    assert run.code == 1
    order = [
        run.out.index(word) for word in ("\nFAILED", "\nNOT LOOKED AT", "\nPASSED", "\nBROKEN")
    ]
    assert order == sorted(order)
    assert "callback.bare (documented) in klingai" in run.out
    assert re.search(r"\d+ of \d+ clauses were looked at", run.out)
    assert run.out.rstrip().splitlines()[-1].startswith("again: kling-mock check http://127.0.0.1:")


def test_junit_has_a_case_per_clause(tmp_path: Path) -> None:
    """The JUnit report holds each clause once, broken ones as failures, unreached ones as skipped."""
    run = check(mutants.errors_with_200(), "--json", "--junit", "kit.xml", *EZ, cwd=tmp_path)
    suite = ElementTree.parse(tmp_path / "kit.xml").getroot()[0]
    cases = {case.get("name"): case for case in suite}
    assert list(cases) == [item["id"] for item in run.report["clauses"]]
    failed = [name for name, case in cases.items() if case.find("failure") is not None]
    assert failed == run.of("failed") != []
    skipped = [name for name, case in cases.items() if case.find("skipped") is not None]
    assert skipped == run.of("not_looked_at") != []
    assert suite.get("failures") == str(len(failed))


def test_a_seed_repeats_what_is_generated(tmp_path: Path) -> None:
    """Two runs with one seed send the same bodies, but for the ids and addresses of a run."""

    def sent() -> set[bytes]:
        app = Counted(mock())
        assert check(app, "--seed", "11", *EZ, *GENERATED, cwd=tmp_path).code == 0
        bodies = {body for _, _, body in app.of("/kling/v1/tts")}
        return {re.sub(rb"ct-[0-9a-f]{8}|127[.]0[.]0[.]1:\d+", b"", body) for body in bodies}

    assert sent() == sent()


# ---- could not look -------------------------------------------------------------------------


def test_a_dead_port_is_said_in_one_line(tmp_path: Path) -> None:
    """Where nobody answers, the exit code is 2, with one line; --json still prints an object."""
    with taken_port() as port:
        url = f"http://127.0.0.1:{port}"
    run = check(url, cwd=tmp_path)
    assert (run.code, run.out) == (2, "")
    assert is_one_line(run.err)
    assert url in run.err
    asked = check(url, "--json", cwd=tmp_path)
    assert asked.code == asked.report["exit_code"] == 2
    assert asked.report["clauses"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("http://u:planted@127.0.0.1:1",), "must be an http or https URL"),
        (("http://127.0.0.1:99999",), "must be an http or https URL"),
        (("http://127.0.0.1:1", "--patience", "long"), "--patience"),
        (("http://127.0.0.1:1", "--nonsense"), "unknown option '--nonsense'"),
        (("http://127.0.0.1:1", "--app", "a:b"), "one of URL, --app and --from-har"),
        (("http://127.0.0.1:1", "--api-key", "planted\nx"), "--api-key: it has a character"),
        (("http://127.0.0.1:1", "--only", "nothing"), "no such clause"),
    ],
    ids=["user", "port", "number", "option", "both", "key", "clause"],
)
def test_a_mistake_is_an_object_too(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --json a mistake on the command line is one JSON object beside the line on standard error."""
    try:
        code: Any = cli.main(["check", "--json", *words])
    except SystemExit as end:
        code = end.code
    printed = capsys.readouterr()
    assert code == 2
    assert is_one_line(printed.err)
    found = json.loads(printed.out)
    assert (found["exit_code"], found["clauses"]) == (2, [])
    assert said in found["error"]
    assert found["error"] in printed.err
    assert "planted" not in printed.out + printed.err


def test_a_refused_key_is_no_verdict(tmp_path: Path) -> None:
    """A key that the server does not know is exit code 2, said in one line that does not repeat it."""
    app = mock(api_key="the-right-key")
    run = check(app, "--api-key", "the-wrong-key", cwd=tmp_path)
    assert run.code == 2
    assert is_one_line(run.err)
    assert "refuses the key" in run.err
    assert "the-wrong-key" not in run.err
    assert check(app, "--api-key", "the-right-key", *BRIEF, cwd=tmp_path).code == 0


def test_a_refused_second_key_is_no_verdict(tmp_path: Path) -> None:
    """A second key that the server does not know is exit code 2 as well, said in one line."""
    app = mock(api_key="the-right-key")
    run = check(app, "--api-key", "the-right-key", "--api-key2", "the-wrong-key", cwd=tmp_path)
    assert run.code == 2
    assert is_one_line(run.err)
    assert "refuses the second key (HTTP 401, code 1002)" in run.err
    assert "--api-key2" in run.err
    assert "the-wrong-key" not in run.err


def test_a_key_can_come_from_the_environment(tmp_path: Path) -> None:
    """KLING_MOCK_API_KEY stands in for --api-key, so that no process list shows it."""
    run = check(
        mock(api_key="the-right-key"),
        *BRIEF,
        cwd=tmp_path,
        env={"KLING_MOCK_API_KEY": "the-right-key"},
    )
    assert run.code == 0, run.err


def test_a_server_of_something_else_is_no_verdict(tmp_path: Path) -> None:
    """A server that has none of the paths is exit code 2."""

    def change(_path: str, _status: int, _body: Any) -> tuple[int, Any]:
        return 404, {"error": "no such thing"}

    run = check(mutants.Rewritten(mock(), change), cwd=tmp_path)
    assert run.code == 2
    assert "serves none of klingai" in run.err


def test_settings_of_others_do_not_matter(tmp_path: Path) -> None:
    """Neither pytest's files in the folder nor its variables change a run."""
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nonsense\n")
    (tmp_path / "conftest.py").write_text("raise SystemError\n")
    run = check(
        mock(), *BRIEF, cwd=tmp_path, env={"PYTEST_ADDOPTS": "--nonsense", "PYTEST_PLUGINS": "no"}
    )
    assert run.code == 0, run.err


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the kit's packages are missing, one line holds the pip command, and the exit code is 2."""
    monkeypatch.setattr(kit, "find_spec", lambda _name: None)
    assert cli.main(["check", "http://127.0.0.1:1"]) == 2
    said = capsys.readouterr().err
    assert is_one_line(said)
    assert "pip install -c constraints.txt '.[check]'" in said


# ---- money ----------------------------------------------------------------------------------


def test_nobody_pays_unasked(tmp_path: Path) -> None:
    """A server that is no kling-mock, on loopback even, is not called unless the user agrees; the plan is shown."""
    app = Counted(mutants.WithoutControl(mock()))
    run = check(app, cwd=tmp_path)
    assert run.code == 2
    assert is_one_line(run.err)
    for words in ("--i-will-pay", "--free", "at most 500 requests", "at most 20 of them charged"):
        assert words in run.err
    assert [path for _, path, _ in app.asked] == ["/__mock__/health"]


def test_a_paid_run_stays_within_its_limits(tmp_path: Path) -> None:
    """Not one request more than --max-requests is sent, and no more are charged than --max-billed."""
    app = Counted(mutants.WithoutControl(mock(speed=60)))
    limits = ("--i-will-pay", "--max-requests", "90", "--max-billed", "4")
    run = check(app, "--json", *limits, *ONE, cwd=tmp_path)
    assert run.code == 0, run.out
    assert "this may cost: at most 90 requests, at most 4 of them charged" in run.err
    metered = app.asked[1:]  # the first asked whether it is a kling-mock, and is free
    assert len(metered) <= 90
    spent = re.fullmatch(r"(\d+) of 90 requests, (\d+) of 4 charged", run.report["spent"])
    assert spent is not None
    assert int(spent[1]) == len(metered)
    assert int(spent[2]) <= 4
    reasons = {
        item["message"] for item in run.report["clauses"] if item["result"] == "not_looked_at"
    }
    assert any("are spent" in reason for reason in reasons)


def test_a_server_can_be_called_free(tmp_path: Path) -> None:
    """With --free there is neither a plan nor a limit."""
    run = check(mutants.WithoutControl(mock()), "--free", "--json", *EZ, cwd=tmp_path)
    assert run.code == 0, run.out
    assert run.err == ""
    assert run.report["spent"] == ""


# ---- secrets --------------------------------------------------------------------------------


def telltale(secrets: dict[str, str]) -> ASGIApp:
    """A server that repeats secrets wherever it may put words, and breaks clauses, so that it is quoted."""
    signed = f"https://cdn.example.com/a.mp3?Expires=1&Signature={secrets['signature']}&x=1"
    words = " ".join([*secrets.values(), f"Bearer {secrets['key']}", signed]).replace(
        f" {secrets['signature']}", ""
    )

    def change(path: str, status: int, body: Any) -> tuple[int, Any]:
        if isinstance(body.get("data"), dict) and "task_id" in body["data"]:
            # At the place where messages are cut.
            padded = {**body["data"], "task_status_msg": "x" * 350 + words, "task_id": 1}
            return status, {**body, "data": padded}
        # The preflight passes, and everything later is a refusal in wrong words.
        return (200 if status == 400 and path.endswith("voices") else status), {
            **body,
            "message": words,
        }

    return mutants.Rewritten(mock(), change)


@pytest.mark.parametrize("kind", ["key", "token"])
def test_secrets_are_never_shown(kind: str, tmp_path: Path) -> None:
    """Keys and tokens that a server repeats stand in no output: terminal, JSON, JUnit, standard error."""
    signed = jwt.encode({"iss": "ak-planted", "exp": 4_000_000_000}, "s" * 32, algorithm="HS256")
    secrets = {
        "key": 'sk-planted/"se+cret"',
        "other": "sk-second-planted",
        "token": signed,
        "webhook": "whsec-planted",
        "signature": "planted-signature",
    }
    app = telltale(secrets)
    keys = (
        *("--api-key", secrets[kind], "--api-key2", secrets["other"]),
        *("--webhook-secret", secrets["webhook"], "--progress"),
    )
    shown = check(app, *keys, *ONE, "--junit", "kit.xml", "--har-out", "kit.har", cwd=tmp_path)
    assert shown.code == 1, shown.err
    as_json = check(app, "--json", *keys, *ONE, *QUOTED, cwd=tmp_path)
    assert as_json.of("failed")
    junit = (tmp_path / "kit.xml").read_text(encoding="utf-8")
    har = (tmp_path / "kit.har").read_text(encoding="utf-8")
    everything = "\n".join([shown.out, shown.err, as_json.out, as_json.err, junit, har])
    assert "***" in everything
    planted = {signed, signed[:40], signed.split(".")[1]}
    planted |= {secrets["other"], secrets["webhook"], secrets["signature"]}
    if kind == "key":
        planted |= {"sk-planted", json.dumps(secrets["key"])[1:-1]}
    assert not [secret for secret in planted if secret in everything]
