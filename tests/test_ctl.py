"""``kling-mock ctl`` against a real server over loopback."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest

from mock_server import RunningServer, terminal
from mock_server.cli import main
from mock_server.ctl_client import Control, CtlError, Target
from tests.http.api import START, Api
from tests.http.process import COMMAND, PATIENCE_S, environment, run
from tests.support.places import ROOT
from tests.support.receiver import Answer, Receiver
from tests.test_cli import is_one_line, posix_only
from tests.test_server import taken_port

_keys = count()
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d"


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it printed, line by line."""
        return self.out.splitlines()

    @property
    def rows(self) -> list[list[str]]:
        """The cells of the table it printed, without the head."""
        return [re.split(r"  +", line) for line in self.lines[1:]]

    @property
    def value(self) -> Any:
        """The JSON it printed."""
        return json.loads(self.out)


class Ctl:
    """The command line in this process, and the account it is for."""

    def __init__(self, api: Api, capsys: pytest.CaptureFixture[str]) -> None:
        self.api = api
        self.url = api.prefix
        self._capsys = capsys

    def get(self, path: str) -> Any:
        """The JSON that a GET of the account answers."""
        headers = {"authorization": f"Bearer {self.api.key}"}
        return self.api.http.get(self.url + path, headers=headers).json()

    def raw(self, *words: str) -> Done:
        """Runs ``kling-mock ctl`` with exactly these words."""
        self._capsys.readouterr()
        try:
            code = main(["ctl", *words])
        except SystemExit as end:
            code = int(str(end.code))
        out, err = self._capsys.readouterr()
        assert all(char.isprintable() for char in (out + err).replace("\n", ""))
        return Done(code, out, err)

    def __call__(self, line: str, *more: str) -> Done:
        """Runs a line, as a shell would, and more words; it must succeed and complain of nothing."""
        done = self.raw(*shlex.split(line), *more)
        assert (done.code, done.err) == (0, ""), done
        return done

    def fails(self, line: str, code: int = 2) -> str:
        """The complaint of a line that must fail, in one line."""
        done = self.raw(*shlex.split(line))
        assert done.code == code, done
        assert is_one_line(done.err), done.err
        if code == 2:
            assert done.out == ""
        return done.err.removeprefix("kling-mock: ").strip()

    def json(self, line: str) -> Any:
        """The JSON a line prints with --json."""
        return self(line + " --json").value


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    """An HTTP client that uses no proxy."""
    with httpx2.Client(trust_env=False) as client:
        yield client


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("KLING_MOCK"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server whose clocks stand still."""
    with RunningServer(speed=0, seed="ctl", start=START) as running:
        yield running


def ctl_of(
    server: RunningServer,
    http: httpx2.Client,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Ctl:
    """The command line for a new account of a server, which the environment names."""
    key = f"key-{next(_keys)}"
    monkeypatch.setenv("KLING_MOCK_URL", server.base_url)
    monkeypatch.setenv("KLING_MOCK_API_KEY", key)
    return Ctl(Api(http, key, server.base_url), capsys)


@pytest.fixture
def ctl(
    server: RunningServer,
    http: httpx2.Client,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Ctl:
    """The command line for a new account."""
    return ctl_of(server, http, capsys, monkeypatch)


@pytest.fixture
def lone(
    http: httpx2.Client, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Ctl]:
    """The command line for a server that nobody has used yet."""
    with RunningServer(speed=0, seed="ctl", start=START) as server:
        yield ctl_of(server, http, capsys, monkeypatch)


def ms(text: str) -> int:
    """The instant that an ISO text with an offset says."""
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo is not None
    return round(moment.timestamp() * 1000)


# ---- which server, which account ------------------------------------------------------------


def test_the_only_account_is_meant(lone: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without key and account the server is asked: its only account is meant, whoever sent no credential apart."""
    monkeypatch.delenv("KLING_MOCK_API_KEY")
    lone.api.learn(external_task_id="mine")
    lone.api.using("").voices()

    assert [row[5] for row in lone("tasks").rows] == ["mine"]


def test_no_account_or_several_is_a_mistake(lone: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key, none or several accounts are a mistake that lists them and says how to choose."""
    monkeypatch.delenv("KLING_MOCK_API_KEY")
    words = lone.fails("tasks")
    assert "seen no account yet" in words
    assert "--account" in words
    assert "--key" in words

    for key in ("one", "two"):
        lone.api.using(key).voices()
    known = [row["account"] for row in lone.json("accounts")["accounts"]]

    words = lone.fails("tasks")
    assert len(known) == 2
    assert ", ".join(known) in words
    assert "--account" in words


def test_account_is_said_in_four_ways(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option beats a variable, and an id's variable a key's; both options at once are a mistake."""
    own, other = (ctl.json(f"clock --key {key}")["account"] for key in (ctl.api.key, "other"))

    def account(line: str) -> Any:
        return ctl.json(line)["account"]

    assert account("clock") == own
    assert account(f"clock --account {other}") == other
    assert account("--key other clock") == other
    monkeypatch.setenv("KLING_MOCK_ACCOUNT", other)
    assert account("clock") == other
    assert account(f"clock --key {ctl.api.key}") == own
    assert "give one of them" in ctl.fails(f"clock --key k --account {own}")
    assert "no account" in ctl.fails("clock --account key-nobody")


def test_requests_without_credential_are_in_the_account_of_nobody(lone: Ctl) -> None:
    """The journal of ``--account -`` shows requests that had no valid credential."""
    lone.api.using("").voices()

    assert [row[3:5] for row in lone("journal --account -").rows] == [["401", "1001"]]


def test_server_is_said_in_two_ways(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """--url beats KLING_MOCK_URL, before or after the command; a slash at the end does not matter."""
    monkeypatch.setenv("KLING_MOCK_URL", "http://127.0.0.1:1")

    assert ctl(f"--url {ctl.url}/ accounts").out == ctl(f"accounts --url {ctl.url}").out
    assert "http://127.0.0.1:1;" in ctl.fails("accounts")


@pytest.mark.parametrize("url", ["127.0.0.1:8700", "ftp://a", "http://a?b", "http://u:pass@a"])
def test_unusable_url_is_a_mistake(ctl: Ctl, url: str) -> None:
    """What is no base of a URL is refused, and not repeated, for it may hold a password."""
    words = ctl.fails(f"accounts --url {url}")

    assert words.startswith("argument --url: must be an http or https URL")
    assert "pass" not in words


def test_unusable_variable_is_named(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in a variable names it; an empty one is none."""
    monkeypatch.setenv("KLING_MOCK_ACCOUNT", "")
    ctl("clock")
    monkeypatch.setenv("KLING_MOCK_API_KEY", "a\nb")
    assert ctl.fails("clock") == "KLING_MOCK_API_KEY: must be printable"


def test_default_server_is_the_default_port(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --url and KLING_MOCK_URL the server is where ``serve`` listens by default."""
    monkeypatch.delenv("KLING_MOCK_URL")
    asked: list[Target] = []

    def remember(_self: Control, target: Target) -> None:
        asked.append(target)
        raise CtlError("not here")

    monkeypatch.setattr(Control, "__init__", remember)
    assert ctl.fails("accounts") == "not here"
    assert asked == [Target("http://127.0.0.1:8700", ctl.api.key)]


def test_token_opens_a_guarded_server(
    ctl: Ctl, monkeypatch: pytest.MonkeyPatch, http: httpx2.Client
) -> None:
    """--token, or KLING_MOCK_CONTROL_TOKEN, is what a server with --control-token asks for; without it that is said."""
    with RunningServer(control_token="sesame") as guarded:
        Api(http, "k", guarded.base_url).voices()
        monkeypatch.setenv("KLING_MOCK_URL", guarded.base_url)

        assert "--token" in ctl.fails("clock")
        assert "--token" in ctl.fails("accounts --token wrong")
        ctl("clock --token sesame")
        monkeypatch.setenv("KLING_MOCK_CONTROL_TOKEN", "sesame")
        ctl("clock")


# ---- when the server does not answer --------------------------------------------------------


def test_no_server_is_said_with_the_remedy(ctl: Ctl) -> None:
    """Where nothing listens, the address and the command that starts a server are said."""
    with taken_port() as port:
        pass
    url = f"http://127.0.0.1:{port}"

    assert ctl.fails(f"tasks --url {url}") == (
        f"nothing answers at {url}; start it with: kling-mock serve"
    )


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, body=b"<h1>nothing here</h1>"),
        Answer(200, body=b"[]"),
        Answer(200, body=b"\xff"),
        Answer(500, body=b'{"detail": "oops"}'),
        Answer(302, {"location": "http://127.0.0.1:1/"}),
    ],
)
def test_another_server_is_no_kling_mock(ctl: Ctl, answer: Answer) -> None:
    """What answers in another way than the control API does is told apart, with its status."""
    with Receiver() as receiver:
        receiver.script.append(answer)
        words = ctl.fails(f"clock --url http://127.0.0.1:{receiver.port}")

    assert "is no kling-mock: GET /__mock__/clock" in words
    assert f"HTTP {answer.status}" in words
    assert "--url" in words


def test_connection_that_breaks_off_is_one_line(ctl: Ctl) -> None:
    """A server that hangs up is said in one line."""
    with Receiver() as receiver:
        receiver.script.append(Answer(cut=True))
        assert "broke off" in ctl.fails(f"clock --url http://127.0.0.1:{receiver.port}")


def test_server_that_does_not_answer_is_given_up(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that has nothing to wait for is given up after a while."""
    monkeypatch.setattr("mock_server.ctl_client._CALL_S", 0.05)
    with Receiver() as receiver:
        gate = threading.Event()
        receiver.script.append(Answer(after=gate))
        words = ctl.fails(f"clock --url http://127.0.0.1:{receiver.port}")
        gate.set()

    assert "took longer than 0.05 s" in words


@posix_only
def test_ctrl_c_ends_a_wait(ctl: Ctl, tmp_path: Path) -> None:
    """Ctrl-C ends a wait silently, with the exit code that shells know it by, and never 0."""
    ctl.api.voices()
    with Receiver() as receiver:
        gate = threading.Event()
        receiver.script.append(Answer(after=gate))
        url = f"http://127.0.0.1:{receiver.port}"
        process = subprocess.Popen(
            [*COMMAND, "ctl", "wait", "request", "--url", url, "--key", "k"],
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Whoever runs the tests in the background may have it ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            receiver.wait_until(lambda: bool(receiver.requests), "the wait")
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=PATIENCE_S) == ("", "")
        finally:
            gate.set()
            process.kill()
            process.wait()
    assert process.returncode == 130


# ---- time -----------------------------------------------------------------------------------


def test_clock_is_shown_and_set(ctl: Ctl) -> None:
    """The command clock says account, instant, pace, and what is due next; --rate and --mode set the pace."""
    ctl.api.learn()

    account, now, pace, due = ctl("clock").lines
    assert re.fullmatch(r"account   key-\w{12}", account)
    assert ms(now.removeprefix("now").strip()) == START
    assert pace.split()[0] == "manual"
    assert re.fullmatch(rf"next due  in 2 s, {ISO}", due)
    assert ctl.json("clock --rate 60")["rate"] == 60
    assert "60 virtual seconds per second" in ctl("clock").out
    assert ctl.json("clock --mode real")["rate"] == 1
    assert ctl.json("clock --mode manual")["rate"] == 0


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("0", 0),
        ("9", 9),
        ("1.5", 1.5),
        (".5s", 0.5),
        ("250ms", 0.25),
        ("90s", 90),
        ("5m", 300),
        ("2h", 7200),
        ("30d", 2_592_000),
    ],
)
def test_advance_takes_spans_as_people_write_them(ctl: Ctl, words: str, seconds: float) -> None:
    """A span is a number of seconds, or a number with ms, s, m, h or d."""
    moved = ctl.json(f"advance {words}")

    assert moved["now"] - moved["from"] == seconds * 1000


def test_advance_tells_what_happened(ctl: Ctl) -> None:
    """After an advance each transition and callback is a line, in order, then where the clock is."""
    with Receiver() as receiver:
        task = ctl.api.learn(callback_url=receiver.url()).data["task_id"]
        *happened, now, due = ctl("advance 8").lines

        assert [re.split("  +", line)[1:3] for line in happened] == [
            ["task", f"{task} custom_voice is processing"],
            ["callback", f"{task} processing -> 200"],
        ]
        assert all(ms(line.split()[0]) == START + 2000 for line in happened)
        assert receiver.url() in happened[1]
        assert re.fullmatch(rf"now {ISO}; it was moved by 8 s", now)
        assert re.fullmatch(rf"next due: in 1 s, {ISO}", due)
        assert len(receiver.requests) == 1


def test_advance_to_an_instant_that_was_printed(ctl: Ctl) -> None:
    """--to takes an instant as other commands print it; one that is past is refused."""
    ctl.api.learn()
    due = ctl("clock").lines[-1].split(", ")[1]

    assert ctl.json(f"advance --to {due}")["now"] == START + 2000
    assert "does not go back" in ctl.fails("advance --to 2020-01-01")


def test_advance_until_a_status(ctl: Ctl) -> None:
    """--until moves to where a task gets the status; a status it never gets is a refusal."""
    ctl.api.learn(external_task_id="a=b")

    assert ctl.json("advance --until a=b=processing")["now"] == START + 2000
    assert ctl.json("advance --until a=b=succeed")["now"] == START + 9000
    assert "never" in ctl.fails("advance --until a=b=failed")


def test_advance_without_waiting_for_receivers(ctl: Ctl) -> None:
    """--no-deliver does not wait for a receiver that does not answer."""
    with Receiver() as receiver:
        gate = threading.Event()
        receiver.script.extend([Answer(after=gate)] * 2)
        ctl.api.learn(callback_url=receiver.url())
        began = time.monotonic()
        ctl("advance 9 --no-deliver")
        assert time.monotonic() - began < 4
        gate.set()
        assert "200" in ctl("wait callback --status 200").out


def test_settle_delivers_what_is_due(ctl: Ctl) -> None:
    """Settle moves no time, and says when there was nothing."""
    ctl.api.learn()

    assert ctl("settle").lines[0] == "nothing was due"
    assert ctl.json("settle --timeout 5s")["now"] == START


# ---- waiting --------------------------------------------------------------------------------


def test_wait_for_a_task(ctl: Ctl) -> None:
    """With --skip the clock moves until the task is there; then it is shown."""
    task = ctl.api.learn().data["task_id"]

    *events, head, row, _ = ctl(f"wait task {task} succeed --skip").lines
    assert [line.rpartition(" ")[2] for line in events] == ["processing", "succeed"]
    assert head.split()[0] == "TASK"
    assert row.split()[:3] == [task, "custom_voice", "succeed"]
    assert ctl.json(f"wait task {task}")["found"][0]["status"] == "succeed"


def test_wait_for_requests(ctl: Ctl) -> None:
    """Requests are waited for by the pattern that the options make, as many as asked for."""
    for _ in range(2):
        ctl.api.voice("nobody")
    ctl.api.voices("?pageNum=1")

    line = "wait request --operation getCustomVoice --status 400 --code 1201 --count 2"
    assert [row["number"] for row in ctl.json(line)["found"]] == [1, 2]
    assert "custom-voices?pageNum=1" in ctl("wait request --since 2 --query pageNum=1").out


def test_wait_that_runs_out_has_exit_code_1(ctl: Ctl) -> None:
    """When the time is over the exit code is 1, and one line says what did happen."""
    ctl.api.voice("nobody")

    words = ctl.fails("wait request --operation getCustomVoice --count 2 --timeout 50ms", code=1)
    assert "found 1 of 2" in words
    assert ctl.fails("wait callback --timeout 0", code=1)


def test_wait_for_what_never_happens_is_refused(ctl: Ctl) -> None:
    """A status that a task never gets is no matter of time: exit code 2 at once."""
    task = ctl.api.learn().data["task_id"]

    assert "never" in ctl.fails(f"wait task {task} failed --timeout 600")


def test_wait_for_callbacks(ctl: Ctl) -> None:
    """Callback attempts are waited for by task, reported status and answer."""
    with Receiver() as receiver:
        ctl.api.learn(callback_url=receiver.url(), external_task_id="e")
        ctl("advance 9")

        found = ctl.json("wait callback --task e --task-status succeed --status 200")["found"]
        assert [row["number"] for row in found] == [2]
        assert ctl("callbacks").rows[0][3:6] == ["processing", "1", "200"]


# ---- tasks ----------------------------------------------------------------------------------


def test_tasks_are_listed_and_chosen(ctl: Ctl) -> None:
    """Tasks are a row each, newest first; kind, status and limit choose."""
    assert ctl("tasks").lines == ["no tasks"]
    speech = ctl.api.speak().data["task_id"]
    voice = ctl.api.learn(external_task_id="声音").data["task_id"]

    rows = ctl("tasks").rows
    assert [row[:4] for row in rows] == [
        [voice, "custom_voice", "submitted", "default"],
        [speech, "speech", "succeed", "default"],
    ]
    assert ms(rows[0][4]) == START
    assert rows[0][5] == "声音"
    for choice, expected in (
        ("--kind speech", speech),
        ("--status submitted", voice),
        ("--limit 1", voice),
    ):
        assert [row[0] for row in ctl(f"tasks {choice}").rows] == [expected]


def test_task_is_shown_with_its_timeline(ctl: Ctl) -> None:
    """One task shows what it is, and which statuses have come and are to come."""
    task = ctl.api.learn(external_task_id="a/b?c").data["task_id"]
    ctl("advance 3")

    lines = ctl("task a/b?c").lines
    assert lines[0] == f"task          {task}"
    assert "external id   a/b?c" in lines
    timeline = [re.split("  +", line) for line in lines[lines.index("timeline") + 1 :]]
    assert [(name, ms(at) - START, stage) for _, name, at, stage in timeline] == [
        ("submitted", 0, "has come"),
        ("processing", 2000, "has come"),
        ("succeed", 9000, "is to come"),
    ]
    assert "no task 'nobody'" in ctl.fails("task nobody")


def test_status_that_comes_only_when_told(ctl: Ctl) -> None:
    """A stuck task's timeline says what never comes by itself; move-task and fail-task let it come."""
    ctl.api.learn({"x-mock-scenario": "stuck"}, external_task_id="a")
    ctl.api.learn({"x-mock-scenario": "stuck"}, external_task_id="b")

    assert "is succeed since" in ctl("move-task a succeed").out
    ctl("fail-task b", "too noisy")
    assert [row[-1] for row in ctl("tasks --status failed").rows] == ["too noisy"]
    assert "already" in ctl.fails("move-task a failed")


def test_scenario_of_new_tasks(ctl: Ctl) -> None:
    """A scenario is set, shown and cleared; an unknown one is refused with the nearest."""
    assert ctl("scenario").out == "new tasks follow the scenario default\n"
    ctl("scenario slow")
    ctl.api.learn()
    assert ctl("tasks").rows[0][3] == "slow"
    assert "'slow'" in ctl.fails("scenario slwo")
    assert ctl.json("scenario --clear") == {"scenario": "default"}


# ---- faults ---------------------------------------------------------------------------------


def test_fault_is_armed_strikes_and_is_disarmed(ctl: Ctl) -> None:
    """An armed fault strikes what its options select, and is shown with how it fared until it is disarmed."""
    said = ctl("arm '5001;retry-after=2' --operation getCustomVoice --count 1 --after 1 --id f")
    assert said.out.startswith("armed f: server_unavailable;retry-after=2 on operation=getCustom")
    assert [ctl.api.voice("x").error[1] for _ in range(3)] == [1201, 5001, 1201]

    (row,) = ctl("faults").rows
    assert row[:5] == [
        "f",
        "exhausted",
        "server_unavailable;retry-after=2",
        "operation=getCustomVoice",
        "after=1 count=1",
    ]
    assert row[5:] == ["3", "1", "0", "0"]
    assert ctl("faults f").rows == [row]
    assert "it struck 1 of 3 matches" in ctl("disarm f").out
    assert ctl("faults").lines == ["no faults are armed"]
    assert "no fault 'f'" in ctl.fails("disarm f")


def test_options_of_a_fault_reach_the_server(ctl: Ctl) -> None:
    """Every option of arm is a key of the rule's match or when."""
    rule = ctl.json(
        "arm latency=uniform:0.1:0.5 --operation getSpeech --operation createSpeech --task t"
        " --dialect kkiai --method post --path '/kling/*' --body '{\"a\": 1}' --query a=b=c"
        " --count 3 --after 2 --probability 0.5 --window 10s:1m --ttl 1h"
    )

    assert rule["match"] == {
        "operation": ["getSpeech", "createSpeech"],
        "task": "t",
        "dialect": "kkiai",
        "method": "POST",
        "path": "/kling/*",
        "body": {"a": 1},
        "query": {"a": "b=c"},
    }
    when = {"count": 3, "after": 2, "probability": 0.5, "window": [10, 60], "ttl": 3600}
    assert rule["when"] == when
    assert ctl("disarm").out == "disarmed 1 fault\n"


def test_fault_may_be_a_json_object(ctl: Ctl) -> None:
    """What the short text cannot say is said in JSON, and shown again."""
    ctl("arm", '{"edit": [{"op": "replace", "path": "/code", "value": "0"}]}')

    assert '"path":"/code"' in ctl("faults").rows[0][2]
    assert ctl.get("/v1/general/custom-voices")["code"] == "0"


def test_plan_is_played_and_checked(ctl: Ctl) -> None:
    """A plan is a list per operation; ``plans --check`` has exit code 1 until every step was played."""
    said = ctl("plan getCustomVoice=5001,ok createSpeech=1302 --id p").out
    assert said == "planned p: getCustomVoice=5001,ok createSpeech=1302\n"
    assert [ctl.api.voice("x").error[1] for _ in range(3)] == [5001, 1201, 1201]

    rows = {row[1]: row for row in ctl("plans").rows}
    assert rows["getCustomVoice"] == ["p", "getCustomVoice", "2", "-"]
    assert rows["createSpeech"][2:] == ["0", "1302"]
    assert ctl.fails("plans --check", code=1) == "p has left 1 step of createSpeech"
    assert "left were 1 step" in ctl("drop-plan p").out


def test_completed_plan_passes_the_check(ctl: Ctl) -> None:
    """A plan that was played to its end passes; that there is none to check does not."""
    assert "no plan to check" in ctl.fails("plans --check", code=1)
    ctl("plan", 'getCustomVoice=["5001", {"latency": 0.001}]', "getCustomVoice=ok")
    for _ in range(3):
        ctl.api.voice("x")

    assert ctl("plans --check plan-1").rows == [["plan-1", "getCustomVoice", "3", "-"]]
    assert "completed" in ctl("drop-plan plan-1").out
    assert ctl("drop-plan").out == "dropped 0 plans\n"


def test_mistakes_in_faults_are_the_servers_words(ctl: Ctl) -> None:
    """An unknown fault or operation is refused with the nearest."""
    assert "'5001'" in ctl.fails("arm 50001")
    assert "'createSpeech'" in ctl.fails("plan createSpech=5001")


# ---- journal and books ----------------------------------------------------------------------


def test_journal_shows_requests_with_codes_and_faults(ctl: Ctl) -> None:
    """Each request is a row: number, instant, request, status, code, task, and what else there is to say."""
    ctl("arm reset --count 1")
    with pytest.raises(httpx2.TransportError):
        ctl.api.voices()
    task = ctl.api.learn({"x-mock-scenario": "slow"}).data["task_id"]
    ctl.api.voice("%1b[31m")

    rows = ctl("journal").rows
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert [row[2] for row in rows[:2]] == [
        "GET /v1/general/custom-voices",
        "POST /v1/general/custom-voices",
    ]
    assert [row[3] for row in rows[1:]] == ["200", "400"]
    assert all(ms(row[1]) == START for row in rows)
    assert "fault: reset" in rows[0][-1]
    assert rows[1][4:] == ["0", rows[1][5], task, "scenario: slow"]
    assert rows[2][4] == "1201"
    assert [row[0] for row in ctl("journal --since 1 --limit 1").rows] == ["3"]
    assert ctl("journal --clear").out == "forgot 3 requests\n"
    assert ctl("journal").lines == ["no requests"]


def test_verify_is_the_exit_code(ctl: Ctl) -> None:
    """Verify has exit code 0 when the journal is as expected, else 1 with the nearest entries."""
    ctl.api.voice("nobody")

    good = ctl("verify --operation getCustomVoice --status 400 --at-least 1")
    assert good.lines[0].startswith("ok: 1 found (no. 1)")
    ctl("verify --operation createSpeech --count 0")
    bad = ctl.raw("verify", "--operation", "getCustomVoice", "--code", "0")
    assert bad.code == 1
    assert is_one_line(bad.err)
    assert bad.lines[0].startswith("not ok: 0 found, at least 1 wanted: ")
    assert re.match(r"  nearly: 1 GET /v1/general/custom-voices/nobody: code is 1201", bad.lines[1])
    told = ctl.raw("verify", "--code", "0", "--json")
    assert (told.code, told.value["ok"]) == (1, False)
    assert ctl.raw("verify", "--since", "1").code == 1


def test_limits_are_shown_and_set(ctl: Ctl) -> None:
    """Limits that are given change, ``none`` takes one away, and the others stay."""
    assert ctl("limits").lines == ["units  no limit", "slots  no limit", "rate   no limit"]
    ctl("limits --units 0.5 --slots 1 --rate 10/60")
    assert ctl("limits --units none").lines == [
        "units  no limit",
        "slots  1",
        "rate   10 requests in 60 s",
    ]
    assert "none is no limit" in ctl.fails("limits --slots x")


def test_books_and_slots(ctl: Ctl) -> None:
    """The ledger shows deductions and the balance; slots shows who holds one."""
    ctl("limits --units 1 --slots 2")
    assert ctl("ledger").lines[0] == "no deductions"
    task = ctl.api.learn().data["task_id"]

    ledger = ctl("ledger")
    assert ledger.rows[0][:4] == [task, "custom_voice", "0.05", "pending"]
    assert ledger.lines[-4:] == ["pack     1", "spent    0", "pending  0.05", "balance  1"]
    slots = ctl("slots")
    assert slots.rows[0][0] == task
    assert slots.lines[-1] == "1 of 2 slots free"


def test_behaviours_of_a_running_server(ctl: Ctl) -> None:
    """Behaviours are shown, and chosen by NAME=VALUE for the account."""
    values = {row[0]: row[1] for row in ctl("behaviours delete_answer=none").rows}

    assert values["delete_answer"] == "none"
    assert values["callback_firing"] == "changes"
    assert "'delete_answer'" in ctl.fails("behaviours delete_anser=none")


def test_reset_begins_anew(ctl: Ctl) -> None:
    """After a reset the account is empty."""
    ctl.api.learn()
    assert re.fullmatch(r"key-\w+ begins anew \(reset 1\)\n", ctl("reset").out)
    assert ctl("tasks").lines == ["no tasks"]


def test_accounts_are_listed(lone: Ctl) -> None:
    """Accounts are a row each, with how much is in them."""
    assert lone("accounts").lines == ["no accounts have been seen"]
    lone.api.learn()

    (row,) = lone("accounts").rows
    assert row[1:3] == ["1", "1"]
    assert ms(row[3]) == START


# ---- what is printed ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("accounts", "/accounts"),
        ("clock", "/clock"),
        ("tasks", "/tasks"),
        ("task e", "/tasks/e"),
        ("scenario", "/scenario"),
        ("faults", "/faults"),
        ("plans", "/plans"),
        ("journal", "/journal"),
        ("callbacks", "/callbacks"),
        ("limits", "/limits"),
        ("ledger", "/ledger"),
        ("slots", "/slots"),
        ("behaviours", "/behaviours"),
    ],
)
def test_json_is_the_answer_of_the_control_api(ctl: Ctl, line: str, path: str) -> None:
    """With --json a command prints exactly what the control API answers, indented, in ASCII."""
    ctl.api.learn(voice_name="声音", external_task_id="e")

    done = ctl(line + " --json")

    answer = ctl.get("/__mock__" + path)
    assert done.value == answer
    assert done.out.isascii()
    assert done.lines[1].startswith("  ")


def test_foreign_text_cannot_write_lines_of_its_own(ctl: Ctl) -> None:
    """Control characters of what a client sent are question marks, in cells and in sentences; endless texts are cut."""
    evil = "e\t\x1b[31m\x9b"
    ctl.api.learn(external_task_id=evil)

    assert ctl("tasks").rows[0][5] == "e??[31m?"
    assert "external id   e??[31m?" in ctl.raw("task", evil).lines
    with Receiver() as receiver:
        receiver.script.append(Answer(400, body=b'{"error": "a\\u001b\\nkling-mock: b"}'))
        words = ctl.fails(f"clock --url http://127.0.0.1:{receiver.port}")
    assert words == "a??kling-mock: b"
    assert len(terminal.cell("a" * 1000)) == 203


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    """Wide characters take two columns; nothing is a hyphen; no line ends in spaces."""
    lines = terminal.table(("A", "B"), [("声音", 1), ("abc", ""), ("", "x")], "nothing")

    assert lines == ["A     B", "声音  1", "abc   -", "-     x"]
    assert terminal.table(("A",), [], "nothing") == ["nothing"]


@posix_only
def test_instants_are_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instant is ISO 8601 in the local zone with ms and offset; one beyond the calendar is a number."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert terminal.instant(START + 7) == "2026-01-01T08:00:00.007+08:00"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert terminal.instant(None) == "never"
    assert terminal.instant(10**17) == f"{10**17} ms"


# ---- mistakes -------------------------------------------------------------------------------

#: A mistake, and what its one line must say.
MISTAKES = {
    "unknown command": ("tsks", "unknown command 'tsks'; did you mean 'tasks'?"),
    "unknown thing to wait for": ("wait tsk", "'task'"),
    "unknown option": ("tasks --stauts failed", "'--status'"),
    "stray word": ("tasks extra", "unexpected argument 'extra'"),
    "abbreviation": ("journal --lim 1", "unknown option '--lim'; did you mean '--limit'?"),
    "no span": ("advance", "SECONDS --to --until"),
    "span without unit": ("advance 9x", "ms, s, m, h or d, not '9x'"),
    "span below nothing": ("advance -- -1", "not '-1'"),
    "endless span": (f"advance {'9' * 400}", "finite"),
    "two ways to advance": ("advance 1 --to 2030-01-01", "not allowed with"),
    "no instant": ("advance --to tomorrow", "ISO 8601"),
    "until without status": ("advance --until task", "TASK=STATUS"),
    "until another status": ("advance --until t=succeeded", "did you mean 'succeed'?"),
    "unknown status": ("wait task t done", "submitted, processing, succeed, failed"),
    "unknown kind": ("tasks --kind voice", "'custom_voice'"),
    "two paces": ("clock --rate 1 --mode real", "not allowed with"),
    "scaled without rate": ("clock --mode scaled", "must be one of real, manual"),
    "two scenarios": ("scenario slow --clear", "not allowed with"),
    "window backwards": ("arm 5001 --window 2:1", "FROM:TO"),
    "body that is a list": ("arm 5001 --body []", "JSON object"),
    "body that is no JSON": ("arm 5001 --body {", "must be JSON"),
    "unknown dialect": ("arm 5001 --dialect kling", "'klingai'"),
    "unknown method": ("verify --method FETCH", "must be one of GET"),
    "query without value": ("verify --query a", "NAME=VALUE"),
    "plan without steps": ("plan createSpeech", "NAME=VALUE"),
    "plan with a gap": ("plan createSpeech=5001,,ok", "OPERATION=FAULT"),
    "rate without span": ("limits --rate 10", "requests/seconds"),
    "units in thousandths": ("limits --units 0.001", "two decimals"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_one_line_before_anybody_is_asked(
    name: str, ctl: Ctl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake is one line with the remedy and exit code 2, and no server is needed to say so."""
    monkeypatch.setenv("KLING_MOCK_URL", "http://127.0.0.1:1")
    line, words = MISTAKES[name]

    assert words in ctl.fails(line)


@pytest.mark.parametrize("line", ["", "wait"])
def test_command_is_needed(ctl: Ctl, line: str) -> None:
    """Without a command the help lists them, and the exit code is 2."""
    done = ctl.raw(*line.split())

    assert done.code == 2
    assert "task" in done.out


def test_as_a_process(ctl: Ctl, tmp_path: Path) -> None:
    """The installed command does the same: output on stdout, complaint on stderr, exit code, also in ASCII."""
    ctl.api.learn(external_task_id="声音")
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}

    listed = run("ctl", "tasks", "--url", ctl.url, "--key", ctl.api.key, cwd=tmp_path, env=env)
    refused = run("ctl", "task", "x", "--url", ctl.url, "--key", ctl.api.key, cwd=tmp_path, env=env)

    assert (listed.returncode, listed.stderr) == (0, "")
    assert "??" in listed.stdout
    assert (refused.returncode, refused.stdout) == (2, "")
    assert is_one_line(refused.stderr)


def test_serving_does_not_pay_for_ctl() -> None:
    """Neither the HTTP client nor the commands of ctl are imported for another command."""
    code = (
        "import sys; from mock_server import cli; cli.main(['routes']);"
        "print([name for name in sys.modules if name == 'httpx2' or '.ctl' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True
    )

    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, "", "[]")
