"""The command line, run as a process."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest

from mock_server import __version__, cli
from tests.http import documents
from tests.http.api import EZ_PATH, Api
from tests.http.process import COMMAND, PATIENCE_S, Served, environment, run
from tests.http.wire import connected, request
from tests.support.places import FIXTURES, copy_of
from tests.support.receiver import Receiver
from tests.test_server import taken_port

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")


@pytest.fixture
def http() -> Iterator[httpx2.Client]:
    """An HTTP client that uses no proxy."""
    with httpx2.Client(trust_env=False) as client:
        yield client


def api_of(http: httpx2.Client, served: Served, key: str = "k") -> Api:
    """A client of a served mock."""
    return Api(http, key, served.url)


def is_one_line(text: str) -> bool:
    """Whether a text is one line, said by the mock, without a traceback."""
    return text.startswith("kling-mock: ") and text.endswith("\n") and text.count("\n") == 1


def test_json_mode_prints_a_ready_line_and_then_events(tmp_path: Path, http: httpx2.Client) -> None:
    """With --json the first line is ready with the base URL; then each request, transition and stop is a JSON line."""
    with Served("--json", "--seed", "s", "--speed", "0", cwd=tmp_path) as served:
        mock = api_of(http, served)
        task_id = mock.learn().data["task_id"]
        account = http.post(
            f"{served.url}/__mock__/clock/advance",
            json={"by": 2},
            headers={"authorization": "Bearer k"},
        ).json()["account"]
        mock.voice("nobody")
        served.containing('"GET"')
        assert served.stop() == (0, "")

    ready, *events = served.events()
    assert ready == {"event": "ready", "url": served.url, "seed": "s", "version": __version__}
    for event in events:
        event.pop("took_ms", None)
        event.pop("at", None)
    common = {"task_id": task_id, "account_id": account, "kind": "custom_voice", "message": ""}
    answered = {"event": "request", "account_id": account}
    assert events == [
        {"event": "transition", **common, "status": "submitted"},
        {
            **answered,
            "method": "POST",
            "path": "/v1/general/custom-voices",
            "status": 200,
            "code": 0,
            "note": "",
            "fault": "",
        },
        {"event": "transition", **common, "status": "processing"},
        {
            **answered,
            "method": "GET",
            "path": "/v1/general/custom-voices/nobody",
            "status": 400,
            "code": 1201,
            "note": "Task not found by id/external id: nobody",
            "fault": "",
        },
        {"event": "stopped", "callbacks_not_delivered": 0},
    ]


def test_human_mode_says_where_it_listens_and_what_to_paste(
    tmp_path: Path, http: httpx2.Client
) -> None:
    """Without --json it prints the address, the base URL of each dialect, and a curl line that works when pasted."""
    with Served(cwd=tmp_path) as served:
        url = served.url
        paste = served.containing("curl ").strip()
        for dialect, base in (
            ("klingai", url),
            ("kkiai", url + "/kling"),
            ("ezmodel", url + "/kling"),
        ):
            assert re.search(rf"(?m)^  {dialect} +{re.escape(base)} ", served.text)

        if shutil.which("curl"):
            done = subprocess.run(shlex.split(paste + " -s"), capture_output=True, check=True)
            answer = json.loads(done.stdout)
        else:
            answer = pasted(paste, http)
        assert answer["data"]["task_status"] == "succeed"
        line = served.containing("request ")
        assert re.fullmatch(
            r"[\d:.]{12} request   POST /v1/audio/tts -> 200 code 0  \(key-\w{12}, [\d.]+ ms\)",
            line,
        )
        assert served.stop()[0] == 0
    assert re.fullmatch(r"[\d:.]{12} stopped", served.lines[-1])
    assert any(re.search(r"task      \d{18} speech is succeed$", line) for line in served.lines)


def pasted(line: str, http: httpx2.Client) -> Any:
    """The answer to a curl line, without curl."""
    words = shlex.split(line)
    headers = [words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H"]
    body = words[words.index("-d") + 1]
    return http.post(
        words[1], content=body, headers=[(name, value) for name, value in headers]
    ).json()


def test_paste_line_works_without_curl_too(tmp_path: Path, http: httpx2.Client) -> None:
    """The words of the curl line are a request that is accepted."""
    with Served(cwd=tmp_path) as served:
        _ = served.url
        assert pasted(served.containing("curl ").strip(), http)["code"] == 0


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("mode", ["--json", "--quiet"])
def test_signal_stops_at_once_and_tells_what_was_not_delivered(
    tmp_path: Path, http: httpx2.Client, number: signal.Signals, mode: str
) -> None:
    """SIGINT and SIGTERM end it with exit code 0 and nothing on stderr, naming each callback that was not delivered."""
    with Receiver() as receiver, Served(mode, "--speed", "0", cwd=tmp_path) as served:
        task_id = api_of(http, served).learn(callback_url=receiver.url("/cb?x=1")).data["task_id"]
        began = time.monotonic()
        assert served.stop(number) == (0, "")
        assert time.monotonic() - began < PATIENCE_S / 3

    if mode == "--json":
        *missing, stopped = served.events()[-3:]
        assert [
            (item["event"], item["task_id"], item["task_status"], item["due_in_s"])
            for item in missing
        ] == [
            ("callback_not_delivered", task_id, "processing", 2.0),
            ("callback_not_delivered", task_id, "succeed", 9.0),
        ]
        assert stopped == {"event": "stopped", "callbacks_not_delivered": 2}
    else:
        assert (
            f"{task_id} processing to {receiver.url('/cb')}?... not delivered (due in 2 s)"
            in served.text
        )
        assert served.lines[-1].endswith("stopped; callbacks not delivered: 2")
        assert " request " not in served.text


@posix_only
def test_second_signal_is_harmless(tmp_path: Path) -> None:
    """Two signals in a row end it like one."""
    with Served("--json", cwd=tmp_path) as served:
        _ = served.url
        served.process.send_signal(signal.SIGINT)
        assert served.stop(signal.SIGINT) == (0, "")
    assert served.events()[-1]["event"] == "stopped"


@posix_only
def test_held_request_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    """A held EzModel answer is let go when the server stops, with EzModel's error."""
    with Served("--json", "--speed", "0", cwd=tmp_path) as served, connected(served.url) as wire:
        wire.send(request("POST", EZ_PATH, b'{"text": "mock:stuck", "voice_id": "voice_001"}'))
        served.containing('"submitted"')
        began = time.monotonic()
        assert served.stop() == (0, "")
        assert time.monotonic() - began < PATIENCE_S / 3
        assert wire.reply().status == 500


@posix_only
def test_open_connections_do_not_hold_up_the_stop(tmp_path: Path) -> None:
    """A keep-alive connection and a half-sent request do not delay the end."""
    with (
        Served("--json", cwd=tmp_path) as served,
        connected(served.url) as idle,
        connected(served.url) as half,
    ):
        idle.send(request("GET", "/v1/general/custom-voices"))
        assert idle.reply().status == 200
        half.send(b"POST /v1/audio/tts HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
        began = time.monotonic()
        assert served.stop()[0] == 0
        assert time.monotonic() - began < PATIENCE_S / 3


#: Mistakes: arguments, environment, kling-mock.toml, and what the one line must name.
MISTAKES: dict[str, tuple[list[str], dict[str, str], str | bytes, list[str]]] = {
    "unknown option": (["serve", "--prot", "1"], {}, "", ["'--prot'", "'--port'"]),
    "unknown option with value": (["serve", "--prot=1"], {}, "", ["'--prot'", "'--port'"]),
    "abbreviated option": (["serve", "--spee", "2"], {}, "", ["'--spee'", "'--speed'"]),
    "option of another command": (["routes", "--port", "0"], {}, "", ["'--port'"]),
    "extra word": (["serve", "extra"], {}, "", ["'extra'"]),
    "missing value": (["serve", "--port"], {}, "", ["--port"]),
    "unknown subcommand": (["serv"], {}, "", ["'serv'", "serve"]),
    "bad port": (["serve", "--port", "http"], {}, "", ["--port", "'http'"]),
    "port out of range": (["serve", "--port", "65536"], {}, "", ["--port", "65535"]),
    "negative speed": (["serve", "--speed=-1"], {}, "", ["--speed"]),
    "endless speed": (["serve", "--speed", "inf"], {}, "", ["--speed"]),
    "bad progression": (["serve", "--progression", "pols"], {}, "", ["--progression", "'polls'"]),
    "bad behaviour": (["serve", "--behaviour", "delete_anser=stub"], {}, "", ["delete_answer"]),
    "bad reading": (["serve", "--behaviour", "delete_answer=all"], {}, "", ["record, stub, none"]),
    "bad start": (["serve", "--start", "yesterday"], {}, "", ["--start", "'yesterday'"]),
    "bad public url": (["serve", "--public-url", "kling"], {}, "", ["--public-url"]),
    "half a pair": (["serve", "--access-key", "AK"], {}, "", ["secret_key is missing"]),
    "newline in a value": (["serve", "--progression", "a\nb"], {}, "", ["--progression"]),
    "newline in a host": (["serve", "--host", "a\nb"], {}, "", ["cannot listen"]),
    "two dots in a host": (["serve", "--host", "127.0.0..1"], {}, "", ["127.0.0..1"]),
    "host that is too long": (["serve", "--host", "a" * 300], {}, "", ["cannot listen"]),
    "foreign address": (["serve", "--host", "192.0.2.1", "--port", "0"], {}, "", ["192.0.2.1:0"]),
    "no such config": (["serve", "--config", "no.toml"], {}, "", ["no.toml"]),
    "folder as config": (["serve", "--config", "."], {}, "", [".", "directory"]),
    "newline in a config": (["serve", "--config", "a\nb"], {}, "", ["No such file"]),
    "no such fixtures": (["serve", "--fixtures", "no"], {}, "", ["no"]),
    "bad variable": (["serve"], {"KLING_MOCK_PORT": "x"}, "", ["KLING_MOCK_PORT", "'x'"]),
    "unknown variable": (["serve"], {"KLING_MOCK_PROT": "1"}, "", ["KLING_MOCK_PROT", "'port'"]),
    "bad switch": (["serve"], {"KLING_MOCK_QUIET": "maybe"}, "", ["KLING_MOCK_QUIET"]),
    "config by variable": (["serve"], {"KLING_MOCK_CONFIG": "no.toml"}, "", ["no.toml"]),
    "no TOML": (["serve"], {}, "port = = 1\n", ["kling-mock.toml", "line 1"]),
    "no UTF-8": (["serve"], {}, b"\xff\xfe", ["kling-mock.toml"]),
    "unknown key": (["serve"], {}, "\n\nprot = 1\n", ["kling-mock.toml:3", "prot", "'port'"]),
    "table": (["serve"], {}, "[server]\nport = 1\n", ["kling-mock.toml:1", "server"]),
    "bad value": (["serve"], {}, "seed = 'a'\nport = 'x'\n", ["kling-mock.toml:2", "port"]),
    "bool as port": (["serve"], {}, "port = true\n", ["kling-mock.toml:1", "port"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_one_line_and_exit_code_2(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A mistake of the user is one line on stderr that names it and the remedy; nothing on stdout; exit code 2."""
    arguments, env, toml, named = MISTAKES[name]
    if toml:
        (tmp_path / "kling-mock.toml").write_bytes(toml.encode() if isinstance(toml, str) else toml)
    for variable in os.environ.keys() - environment(env).keys():
        monkeypatch.delenv(variable)
    for variable, value in env.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(tmp_path)

    try:
        code: Any = cli.main(arguments)
    except SystemExit as ended:
        code = ended.code

    printed = capfd.readouterr()
    assert (code, printed.out) == (2, ""), printed
    assert is_one_line(printed.err), printed.err
    for words in named:
        assert words in printed.err


def test_port_in_use_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    """A port in use is named with the way out."""
    with taken_port() as port:
        done = run("serve", "--port", str(port), cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_line(done.stderr)
    assert f"127.0.0.1:{port}" in done.stderr
    assert "--port 0" in done.stderr


@pytest.mark.parametrize(
    ("file", "content", "named"),
    [
        ("voices.yaml", b"voices: [\n", ["voices.yaml:"]),
        ("voices.yaml", b"voices:\n  - \x01\n", ["voices.yaml"]),
        ("voices.yaml", b"\xff", ["voices.yaml", "UTF-8"]),
        ("voices.yaml", b"voices:\n- {voice_id: 5}\n", ["voices.yaml:2", "voices[0]"]),
        ("presets.yaml", b"[]\n", ["presets.yaml:1"]),
        (
            "magic.yaml",
            b"magic:\n- {wrod: x, scenario: stuck}\n",
            ["magic.yaml:2", "'word'"],
        ),
        ("scenarios/default.yaml", b"name: default\nsumary: x\n", ["default.yaml:"]),
        ("scenarios/default.yaml", b"", ["default.yaml"]),
        ("media/trial.wav", b"no audio", ["trial.wav"]),
        ("media/speech.mp3", b"\xff\xf3\x44\0", ["speech.mp3"]),
    ],
)
def test_broken_fixture_is_one_line_and_exit_code_2(
    tmp_path: Path, file: str, content: bytes, named: list[str]
) -> None:
    """A broken fixtures folder is told in one line with the file, and its line where there is one."""
    folder = copy_of(FIXTURES, tmp_path)
    (folder / file).write_bytes(content)

    done = run("serve", "--port", "0", "--fixtures", str(folder), cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, ""), done
    assert is_one_line(done.stderr), done.stderr
    for words in named:
        assert words in done.stderr


def test_settings_come_from_four_places_in_order(tmp_path: Path, http: httpx2.Client) -> None:
    """A flag beats a variable beats kling-mock.toml beats the default; each place is honoured."""
    (tmp_path / "kling-mock.toml").write_text(
        "port = 0\nseed = 'file'\nspeed = 0\npolls = 7\nstart = 2026-01-01T00:00:00Z\njson = true\n"
        "public_url = 'https://file.example'\n[behaviour]\ndelete_answer = 'none'\n",
        "utf-8",
    )
    env = {"KLING_MOCK_SEED": "variable", "KLING_MOCK_PUBLIC_URL": "https://variable.example"}
    with Served(
        "--public-url", "https://flag.example", cwd=tmp_path, env=env, port=False
    ) as served:
        mock = api_of(http, served)
        assert json.loads(served.lines[0])["seed"] == "variable"
        audio = mock.speak().data["task_result"]["audios"][0]
        assert audio["url"].startswith("https://flag.example/media/")
        task_id = mock.learn().data["task_id"]
        assert mock.voice(task_id).data["created_at"] == 1_767_225_600_000
        http.post(
            f"{served.url}/__mock__/clock/advance",
            json={"by": 9},
            headers={"authorization": "Bearer k"},
        )
        voice_id = mock.voice(task_id).data["task_result"]["voices"][0]["voice_id"]
        assert "data" not in mock.delete(voice_id).value


def test_named_config_replaces_the_one_of_the_folder(tmp_path: Path) -> None:
    """--config, or KLING_MOCK_CONFIG, names the file to read; the flag wins, and the folder's file is not read."""
    for name in ("kling-mock", "flag", "variable"):
        (tmp_path / f"{name}.toml").write_text(f"seed = '{name}'\njson = true\n", "utf-8")
    env = {"KLING_MOCK_CONFIG": "variable.toml"}

    for arguments, variables, seed in (
        ([], {}, "kling-mock"),
        ([], env, "variable"),
        (["--config", "flag.toml"], env, "flag"),
    ):
        with Served(*arguments, cwd=tmp_path, env=variables) as served:
            _ = served.url
            assert json.loads(served.lines[0])["seed"] == seed


def test_options_do_what_they_say(tmp_path: Path, http: httpx2.Client) -> None:
    """--strict, --no-magic, --progression, --control-token and repeated --behaviour reach the server."""
    options = ["--strict", "--no-magic", "--progression", "immediate", "--control-token", "t"]
    readings = ["--behaviour", "delete_answer=stub", "--behaviour", "text_too_long=1200"]
    with Served("--json", *options, *readings, cwd=tmp_path) as served:
        mock = api_of(http, served)
        assert mock.speak({"x-mock-scenario": "noisy"}).error == (400, 1201)
        assert mock.speak(text="mock:risk-control").status == 200
        record = mock.voice(mock.learn().data["task_id"]).data
        assert record["task_status"] == "succeed"
        assert set(mock.delete(record["task_result"]["voices"][0]["voice_id"]).data) == {
            "task_id",
            "task_status",
        }
        assert mock.speak(text="a" * 1001).error == (400, 1200)
        clock = f"{served.url}/__mock__/clock"
        headers = {"authorization": "Bearer k", "x-mock-token": "t"}
        assert http.get(clock, headers={"authorization": "Bearer k"}).status_code == 401
        assert http.get(clock, headers=headers).status_code == 200


def test_quiet_prints_no_line_per_event(tmp_path: Path, http: httpx2.Client) -> None:
    """With --quiet requests and transitions print nothing; the lines at the start and at the end stay."""
    with Served("--quiet", "--json", cwd=tmp_path) as served:
        mock = api_of(http, served)
        for _ in range(3):
            mock.speak()
            mock.voice("nobody")
        assert served.stop() == (0, "")
    assert [item["event"] for item in served.events()] == ["ready", "stopped"]


@posix_only
@pytest.mark.parametrize("mode", ["--json", "--port=0"])
def test_reader_that_went_away_does_not_matter(
    tmp_path: Path, http: httpx2.Client, mode: str
) -> None:
    """When nobody reads its output any more the server goes on, and ends as ever."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", mode],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        url = re.findall(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        process.stdout.close()
        for number in range(5):
            assert Api(http, prefix=url).learn(external_task_id=str(number)).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        assert process.stderr.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_what_a_client_sends_cannot_write_lines_of_its_own(
    tmp_path: Path, http: httpx2.Client
) -> None:
    """Control characters of a path, an id or an access key are not printed: one request is one line."""
    evil = "\n00:00:00.000 stopped \x1b[31m"
    token = jwt.encode({"iss": "ak" + evil, "exp": 99999999999}, "x" * 32, "HS256")
    with Served("--speed", "0", cwd=tmp_path) as served:
        for key in ("k", token):
            mock = api_of(http, served, key)
            mock.learn(external_task_id="e" + evil)
            mock.learn(external_task_id="e" + evil)
            mock.voice("%0a00:00:00.000%20stopped")
        served.stop()

    body = served.lines[6:-1]
    assert all(re.match(r"[\d:.]{12} (request|task) ", line) for line in body), served.text
    assert all(line.isprintable() for line in body)
    assert len([line for line in body if " request " in line]) == 2 * 3


@pytest.mark.parametrize("mode", ["--json", "--speed=1"])
def test_output_goes_on_whatever_a_client_sends(
    tmp_path: Path, http: httpx2.Client, mode: str
) -> None:
    """Text that standard output cannot encode is shown somehow; later events are still printed."""
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    header, _, signature = jwt.encode({"iss": "a"}, "x" * 32, "HS256").split(".")
    surrogate = jwt.utils.base64url_encode(b'{"iss":"\\ud800","exp":99999999999}').decode()
    with Served(mode, cwd=tmp_path, env=env) as served:
        mock = api_of(http, served)
        for _ in range(2):
            mock.learn(external_task_id="声音")
        mock.using(f"{header}.{surrogate}.{signature}").voices()
        mock.voice("afterwards")
        code, errors = served.stop()

    assert (code, errors) == (0, "")
    assert "custom-voices/afterwards" in served.text
    assert "stopped" in served.lines[-1]
    requests = [line for line in served.lines if "/v1/general/custom-voices" in line]
    assert len(requests) == 4


@pytest.mark.parametrize("mode", ["--json", "--speed=0"])
def test_secrets_are_never_printed(tmp_path: Path, http: httpx2.Client, mode: str) -> None:
    """Keys, tokens, secrets, and user, query and fragment of callback URLs appear in no line, not even in refusals."""
    secret = "planted-secret-key-" * 4
    token = jwt.encode({"iss": "AK", "exp": 99999999999}, secret, "HS256")
    wrong = jwt.encode({"iss": "AK", "exp": 99999999999}, "planted-wrong-" * 4, "HS256")
    expired = jwt.encode({"iss": "AK", "exp": 1}, secret, "HS256")
    credentials = ["--access-key", "AK", "--secret-key", secret, "--api-key", "planted-api-key"]
    with Receiver() as receiver, taken_port() as port:
        options = [*credentials, "--control-token", "planted-control-token"]
        with Served(mode, "--speed", "0", *options, cwd=tmp_path) as served:
            good = [api_of(http, served, token), api_of(http, served, "planted-api-key")]
            for url in (
                receiver.url("/cb?token=planted-query#planted-fragment"),
                f"http://planted-user:planted-password@127.0.0.1:{receiver.port}/cb",
                f"http://127.0.0.1:{port}99/?planted-query",
                "http://[planted-host/?planted-query",
                "http://169.254.169.254/?planted-query",
            ):
                for mock in good:
                    mock.learn(callback_url=url)
            for key in (wrong, expired, "planted-unknown-key", "planted two words"):
                assert api_of(http, served, key).voices().status == 401
            good[0].get("/v1/general/custom-voices?key=planted-query")
            good[0].get("/nowhere?key=planted-query")
            good[0].speak({"x-mock-planted": "planted-value"})
            good[0].learn(callback_url="ftp://planted-user@example.com")
            answer = http.post(
                f"{served.url}/__mock__/clock/advance",
                json={"by": 5},
                headers={
                    "authorization": f"Bearer {token}",
                    "x-mock-token": "planted-control-token",
                },
            )
            assert (
                len(
                    [
                        item
                        for item in answer.json()["events"]
                        if item["event"] == "callback_attempt"
                    ]
                )
                == 10
            )
            code, errors = served.stop()

    assert (code, errors) == (0, "")
    printed = served.text + answer.text
    assert "callback" in printed
    for line in printed.splitlines():
        assert "planted" not in line.replace("x-mock-planted", "").replace("//planted-host", "")
        assert not any(part in line for part in (token, wrong, expired, token.split(".")[2]))


def test_secrets_are_not_in_the_error_of_a_setting(tmp_path: Path) -> None:
    """A mistake beside a secret, or in one, does not print it."""
    (tmp_path / "kling-mock.toml").write_text("secret_key = ['planted']\nport = 0\n", "utf-8")
    for arguments, env in (
        (["serve"], {}),
        (["serve", "--config", os.devnull, "--secret-key", "planted"], {}),
        (["serve", "--config", os.devnull], {"KLING_MOCK_SECRET_KEY": "planted"}),
    ):
        done = run(*arguments, cwd=tmp_path, env=env)
        assert done.returncode == 2
        assert is_one_line(done.stderr)
        assert "planted" not in done.stderr


def test_routes_are_the_operations_of_the_documents(tmp_path: Path) -> None:
    """The command routes lists every operation of every dialect, as lines or JSON; both agree with the documents."""
    described = {
        (
            item.get("x-dialect") or whole["info"]["x-dialect"],
            method.upper(),
            path,
            item["operationId"],
        )
        for whole in map(documents.document, ("klingai", "kkiai", "ezmodel", "extensions"))
        for path, methods in whole["paths"].items()
        for method, item in methods.items()
    }

    lines = run("routes", cwd=tmp_path)
    rows = run("routes", "--json", cwd=tmp_path)

    assert (lines.returncode, rows.returncode, lines.stderr, rows.stderr) == (0, 0, "", "")
    assert {tuple(line.split()) for line in lines.stdout.splitlines()} == described
    listed = json.loads(rows.stdout)
    assert {
        tuple(row[key] for key in ("dialect", "method", "path", "operationId")) for row in listed
    } == described
    assert all(row["summary"] for row in listed)


@posix_only
def test_routes_into_a_closed_pipe_is_silent(tmp_path: Path) -> None:
    """``kling-mock routes | head -0`` prints no traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [*COMMAND, "routes"],
            cwd=tmp_path,
            env=environment(),
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    assert done.stderr == ""


def test_version_and_help(tmp_path: Path) -> None:
    """--version prints name and version; --help lists the commands, serve --help every setting; exit code 0."""
    version = run("--version", cwd=tmp_path)
    general = run("--help", cwd=tmp_path)
    serve = run("serve", "--help", cwd=tmp_path)

    assert (version.returncode, version.stdout) == (0, f"kling-mock {__version__}\n")
    assert general.returncode == serve.returncode == 0
    assert "serve" in general.stdout
    assert "routes" in general.stdout
    for option in (
        "--host",
        "--port",
        "--speed",
        "--progression",
        "--seed",
        "--public-url",
        "--quiet",
        "--json",
        "--no-magic",
    ):
        assert option in serve.stdout


def test_command_is_needed(tmp_path: Path) -> None:
    """Without a command the help is shown and the exit code is 2."""
    done = run(cwd=tmp_path)

    assert done.returncode == 2
    assert "serve" in done.stdout + done.stderr
