"""Suites in other languages: a process that says where it is, accounts by key, the control API, and an end to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from tests.support.places import ROOT

TOKEN = "a token of the suite"
SERVE = [sys.executable, "-m", "mock_server", "serve", "--port", "0", "--json"]


def ran(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A program that was run in a folder, where it finds the mock."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


SHELL = """
set -eu
coproc SERVE { exec "$@"; }
read -r line <&"${SERVE[0]}"
url=$(printf '%s' "$line" | sed 's/.*"url":"\\([^"]*\\)".*/\\1/')
curl -sf "$url/v1/audio/tts" -H 'Authorization: Bearer any-key' \
  -d '{"text": "Hello", "voice_id": "oversea_male1", "voice_language": "en"}'
pid=$SERVE_PID
kill "$pid"
wait "$pid"
"""


@pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("curl")), reason="bash and curl are not here"
)
def test_shell_reads_the_url_from_the_first_line(tmp_path: Path) -> None:
    """A shell starts the server, reads where it is from its first line, uses it, and stops it with exit code 0."""
    done = ran(tmp_path, "bash", "-c", SHELL, "bash", *SERVE)

    assert done.returncode == 0, done.stderr
    assert '"task_status":"succeed"' in done.stdout


NODE = """
const { spawn } = require("node:child_process");
const { once } = require("node:events");
const { createInterface } = require("node:readline");

(async () => {
  const [command, ...options] = process.argv.slice(1);
  const mock = spawn(command, options, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: mock.stdout }), "line");
  const { url } = JSON.parse(line);
  const headers = { Authorization: "Bearer any-key", "Content-Type": "application/json" };
  const post = async (path, body) =>
    (await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) })).json();
  const body = { voice_name: "Ada", voice_url: "https://example.com/ada.mp3", external_task_id: "ada" };
  await post("/v1/general/custom-voices", body);
  await post("/__mock__/clock/advance", { until: { task: "ada", status: "succeed" } });
  const found = await (await fetch(`${url}/v1/general/custom-voices/ada`, { headers })).json();
  mock.kill();
  const [code] = await once(mock, "exit");
  console.log(found.data.task_status, code);
})();
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here")
def test_node_spawns_the_server(tmp_path: Path) -> None:
    """Node spawns the server, reads the URL from its first line, runs against it, and stops it."""
    done = ran(tmp_path, "node", "-e", NODE, *SERVE)

    assert (done.stdout, done.returncode) == ("succeed 0\n", 0), done.stderr


NODE_SUITE = """
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";

const [command, ...options] = JSON.parse(process.env.SERVE);
const token = process.env.TOKEN;
let mock, url;

before(async () => {
  mock = spawn(command, [...options, "--until-eof", "--control-token", token], { stdio: ["pipe", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: mock.stdout }), "line");
  url = JSON.parse(line).url;
});

after(async () => {
  mock.stdin.end();
  const [code] = await once(mock, "exit");
  assert.equal(code, 0);
});

// Each test has a key of its own, and with it an account and a clock of its own.
const account = (key) => async (path, body, method = body ? "POST" : "GET") => {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", "x-mock-token": token };
  const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: answer.status, ...(await answer.json()) };
};

for (const name of ["one", "two", "three"]) {
  test(name, { concurrency: true }, async () => {
    const call = account(`key-${name}`);
    await call("/__mock__/faults", { fault: "5001", match: { operation: "createCustomVoice" }, when: { count: 1 } });
    const body = { voice_name: "Ada", voice_url: "https://example.com/a.mp3", external_task_id: "same" };
    assert.equal((await call("/v1/general/custom-voices", body)).code, 5001);
    assert.equal((await call("/v1/general/custom-voices", body)).code, 0);
    await call("/__mock__/clock/advance", { until: { task: "same", status: "succeed" } });
    const { data } = await call("/v1/general/custom-voices/same");
    assert.equal(data.task_status, "succeed");
    const verdict = await call("/__mock__/journal/verify", {
      expect: [{ match: { operation: "createCustomVoice" }, count: 2 }],
    });
    assert.equal(verdict.ok, true);
  });
}

test("the control API asks for its token", async () => {
  const answer = await fetch(`${url}/__mock__/clock`, { headers: { authorization: "Bearer k" } });
  assert.ok([401, 403].includes(answer.status), String(answer.status));
});
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here")
def test_node_suite_has_accounts_and_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suite of ``node --test`` has an account per test beside each other, and ends the server by its input."""
    (tmp_path / "kling.test.mjs").write_text(NODE_SUITE, "utf-8")
    monkeypatch.setenv("SERVE", json.dumps(SERVE))
    monkeypatch.setenv("TOKEN", TOKEN)

    done = ran(tmp_path, "node", "--test", "kling.test.mjs")

    assert done.returncode == 0, done.stdout + done.stderr


JAVA = r"""
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A suite of Java: the JDK's own HTTP client, and no library. */
public class Voices {
    static final HttpClient http = HttpClient.newHttpClient();
    static String url;

    /** What the mock answers an account. */
    static String call(String key, String method, String path, String body) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path))
            .header("Authorization", "Bearer " + key)
            .header("Content-Type", "application/json")
            .header("X-Mock-Token", System.getenv("TOKEN"))
            .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        return http.send(request.build(), BodyHandlers.ofString()).body();
    }

    static String part(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\":\"?([^\",}]*)").matcher(json);
        if (!found.find()) throw new AssertionError("no " + name + " in " + json);
        return found.group(1);
    }

    static void same(String wanted, String saw) {
        if (!wanted.equals(saw)) throw new AssertionError("wanted " + wanted + ", saw " + saw);
    }

    public static void main(String[] serve) throws Exception {
        List<String> command = new ArrayList<>(List.of(serve));
        command.addAll(List.of("--until-eof", "--control-token", System.getenv("TOKEN")));
        Process mock = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        url = part(new BufferedReader(new InputStreamReader(mock.getInputStream())).readLine(), "url");
        for (String key : List.of("key-1", "key-2")) {
            String voices = "/v1/general/custom-voices";
            String body = "{\"voice_name\":\"Ad\u00e0\",\"voice_url\":\"https://example.com/a.mp3\"}";
            String id = part(call(key, "POST", voices, body), "task_id");
            same("submitted", part(call(key, "GET", voices + "/" + id, null), "task_status"));
            call(key, "POST", "/__mock__/clock/advance", "{\"by\": 9}");
            String made = call(key, "GET", voices + "/" + id, null);
            same("succeed", part(made, "task_status"));
            same("Ad\u00e0", part(made, "voice_name"));
            call(key, "POST", "/__mock__/faults", "{\"fault\": \"5001\"}");
            same("5001", part(call(key, "GET", voices + "/" + id, null), "code"));
        }
        mock.getOutputStream().close();
        System.out.println("exit code " + mock.waitFor());
    }
}
"""


@pytest.mark.skipif(shutil.which("javac") is None, reason="a JDK is not here")
def test_java_runs_against_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Java's HttpClient, which offers an upgrade with every request, creates, polls and steers; two accounts."""
    (tmp_path / "Voices.java").write_text(JAVA, "utf-8")
    monkeypatch.setenv("TOKEN", TOKEN)

    done = ran(tmp_path, "java", "Voices.java", *SERVE)

    assert (done.stdout, done.returncode) == ("exit code 0\n", 0), done.stderr


@pytest.mark.parametrize("stdin", [subprocess.DEVNULL, subprocess.PIPE], ids=["ended", "pipe"])
def test_the_end_of_input_stops_the_server(tmp_path: Path, stdin: int) -> None:
    """With --until-eof the server stops when its input ends, as does a pipe with the process that holds it."""
    with subprocess.Popen(
        [*SERVE, "--until-eof"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=stdin,
        stdout=subprocess.PIPE,
        text=True,
    ) as served:
        assert served.stdout is not None
        if served.stdin is not None:
            assert json.loads(served.stdout.readline())["event"] == "ready"
            served.stdin.write("what is written there is not looked at")
            assert served.poll() is None
            served.stdin.close()
        assert served.wait(60) == 0


def test_without_the_flag_the_input_is_not_looked_at(tmp_path: Path) -> None:
    """Without it a server in the background, which has no input, goes on."""
    with subprocess.Popen(
        SERVE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as served:
        assert served.stdout is not None
        url = json.loads(served.stdout.readline())["url"]
        assert httpx2.get(f"{url}/__mock__/health", trust_env=False).status_code == 200
        served.terminate()
        served.wait(60)
