"""What a failing test's report shows, and what strictness makes a test fail for."""

from __future__ import annotations

import pytest

from mock_server import RunningServer
from mock_server.testing.timeline import timeline_of
from tests.http.api import Api
from tests.test_pytest_plugin import HELPERS, alone, run

__all__ = ["alone"]
pytest_plugins = ["pytester"]

FAILING = """
@pytest.mark.kling_mock(scenario="slow", behaviours={"delete_answer": "stub"})
def test_failing(kling_mock):
    learn(kling_mock, external_task_id="e", callback_url="http://127.0.0.1:9/hook?token=abc")
    kling_mock.clock.advance(40)
    httpx2.get(f"{kling_mock.base_url}/v1/nowhere", headers=kling_mock.headers(), trust_env=False)
    httpx2.get(f"{kling_mock.base_url}/v1/general/custom-voices", trust_env=False)
    assert False

def test_passing(kling_mock):
    learn(kling_mock)

def test_without(): assert False
"""


@pytest.mark.parametrize("workers", [0, 2], ids=["alone", "xdist"])
def test_failing_test_shows_what_happened(
    pytester: pytest.Pytester, alone: list[str], workers: int
) -> None:
    """The report of a failing test tells requests, statuses and callbacks in order, the seed, and how to go on."""
    pytester.makepyfile(HELPERS + FAILING)
    options = ["-p", "xdist", "-n", str(workers)] if workers else []

    ran = run(pytester, *alone, *options, "--kling-mock-seed", "the seed")

    ran.assert_outcomes(passed=1, failed=2)
    ran.stdout.fnmatch_lines(
        [
            "*- kling-mock -*",
            "virtual seconds since 20*",
            '*+0.000  request  no. 1 POST /v1/general/custom-voices -> 200, code 0  {"voice_name": "Ada"*',
            "*+0.000  task     * (e) is submitted, scenario slow",
            "*+30.000  task     * (e) is processing, scenario slow",
            "*  callback no. 1 processing of * to http://127.0.0.1:9/hook?... -> *",
            "*  request  no. 2 GET /v1/nowhere -> 404, code 1203: No resource *",
            "*  request  no. 1 GET /v1/general/custom-voices -> 401, code 1001: * (without a valid credential)",
            "*+300.000  task     * (e) is not yet succeed",
            "seed the seed; the same world again: kling-mock serve --seed 'the seed' --scenario slow"
            " --behaviour delete_answer=stub",
            "API key of this test, which its ids come from: test-failing-*",
        ]
    )
    text = ran.stdout.str()
    assert text.count("- kling-mock -") == 1
    assert "token=abc" not in text.partition("- kling-mock -")[2]


def test_same_world_is_served_again(pytester: pytest.Pytester, alone: list[str]) -> None:
    """The command and the key of the report make the ids of the failed test again."""
    pytester.makepyfile(
        HELPERS
        + """
def test_failing(kling_mock):
    assert learn(kling_mock)["data"]["task_id"] == ""
"""
    )
    lines = run(pytester, *alone).outlines
    seed = next(line for line in lines if line.startswith("seed ")).split()[1].rstrip(";")
    key = next(line for line in lines if line.startswith("API key of this test")).split()[-1]

    pytester.makepyfile(
        HELPERS
        + f"""
from mock_server import RunningServer

def test_again():
    with RunningServer(seed={seed!r}) as server:
        print("id is", learn(server.account({key!r}))["data"]["task_id"])
"""
    )
    shown = run(pytester, *alone, "-s").outlines
    again = next(line.split()[-1] for line in shown if "id is" in line)

    assert any(again in line for line in lines)


def test_secret_settings_are_named_and_not_shown(
    pytester: pytest.Pytester, alone: list[str]
) -> None:
    """The command that serves the same world names the secrets it leaves out, and says numbers shortly."""
    pytester.makepyfile(
        """
import pytest
from mock_server import RunningServer

@pytest.fixture(scope="session")
def kling_mock_server():
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    with RunningServer(speed=0, api_key="my-own-key", webhook_secret=secret) as server:
        yield server

def test_failing(kling_mock):
    assert kling_mock is None
"""
    )

    ran = run(pytester, *alone)

    ran.stdout.fnmatch_lines(
        [
            "seed *; the same world again: kling-mock serve --seed * --speed 0",
            "besides, with the same secrets, which are not shown: --api-key, --webhook-secret",
        ]
    )
    shown = ran.stdout.str().partition("- kling-mock -")[2]
    assert "my-own-key" not in shown
    assert "whsec_Mf" not in shown
    ran.stdout.fnmatch_lines(["E*assert <KlingMock key-* at http://127.0.0.1:*> is None"])


STRICT = """
@pytest.mark.kling_mock(strict=True)
class TestStrict:
    def test_unknown_path(self, kling_mock):
        httpx2.get(f"{kling_mock.base_url}/v1/nowhere", headers=kling_mock.headers(), trust_env=False)

    def test_no_credential(self, kling_mock):
        httpx2.get(f"{kling_mock.base_url}/v1/general/custom-voices", trust_env=False)

    def test_refused(self, kling_mock):
        learn(kling_mock, voice_name="")

    @pytest.mark.kling_mock(journal=2)
    def test_forgotten(self, kling_mock):
        for _ in range(3):
            listed(kling_mock)

    def test_unused_fault(self, kling_mock):
        kling_mock.fault("5001;retry-after=2", operation="createSpeech", count=1)

    def test_unused_callback_fault(self, kling_mock):
        kling_mock.callback_fault("times=2")

    def test_unplayed_plan(self, kling_mock):
        kling_mock.plan({"createCustomVoice": ["ok", "5000"]})
        learn(kling_mock)

    def test_failed_callback(self, kling_mock):
        learn(kling_mock, callback_url="http://127.0.0.1:9/hook")
        kling_mock.clock.advance(2)
"""


def test_strict_test_fails_for_what_nobody_expected(
    pytester: pytest.Pytester, alone: list[str]
) -> None:
    """Each unexpected thing is an error at the end of the test, in words, with the report of what happened."""
    pytester.makepyfile(HELPERS + STRICT)

    ran = run(pytester, *alone)

    ran.assert_outcomes(passed=8, errors=8)
    ran.stdout.fnmatch_lines(
        [
            "kling_mock is strict, and found:",
            "  unexpected request: no. 1 GET /v1/nowhere -> 404, code 1203: *",
            "  refused request: no. 1 GET /v1/general/custom-voices -> 401, code 1001: * (without a *",
            "  refused request: no. 1 POST /v1/general/custom-voices -> 400, code 1201: *",
            "  1 older requests are no longer kept; set journal to more",
            "  fault fault-1 (server_unavailable;retry-after=2 on operation=createSpeech) struck 0 of 1 times:*",
            "  fault callback-fault-1 (times=2 on anything) struck 0 times: 0 matched",
            "  plan plan-1 was not played to its end; left are createCustomVoice: 5000",
            "  callback 1 failed: processing of * to http://127.0.0.1:9/hook -> *, attempts: 1",
        ]
    )
    assert ran.stdout.str().count("- kling-mock -") == 8


EXPECTED = """
@pytest.mark.parametrize("fault", ["5001", "1201", "reset"])
def test_faults_are_asked_for(kling_mock, fault):
    with pytest.raises(httpx2.TransportError) if fault == "reset" else contextlib.nullcontext():
        httpx2.post(f"{kling_mock.base_url}/v1/audio/tts", json={},
            headers=kling_mock.headers(fault=fault), trust_env=False)

@pytest.mark.kling_mock(scenario="no-balance")
def test_scenarios_are_asked_for(kling_mock):
    assert learn(kling_mock)["code"] == 1102

@pytest.mark.kling_mock(scenario="flaky-auth")
def test_flaky_scenarios_are_asked_for(kling_mock):
    assert {learn(kling_mock)["code"] for _ in range(30)} == {0, 1000}

@pytest.mark.kling_mock(slots=1)
def test_limits_are_asked_for(kling_mock):
    assert [learn(kling_mock)["code"] for _ in range(2)] == [0, 1303]

@pytest.mark.kling_mock(allow_refusals=True)
def test_refusals_are_allowed(kling_mock):
    learn(kling_mock, voice_name="")

def test_refusal_that_is_asserted_is_expected(kling_mock):
    learn(kling_mock, voice_name="")
    kling_mock.requests.assert_received(operation="createCustomVoice", code=1201)

def test_failed_callback_that_is_asserted_is_expected(kling_mock):
    learn(kling_mock, callback_url="http://127.0.0.1:9/hook")
    kling_mock.clock.advance(2)
    kling_mock.callbacks.assert_received(task_status="processing", count=1)

def test_fault_of_chance_need_not_strike(kling_mock):
    kling_mock.fault("5001", probability=0.5)

def test_used_fault_and_played_plan(kling_mock):
    kling_mock.fault("5001", operation="createCustomVoice", count=1)
    assert learn(kling_mock)["code"] == 5001
    kling_mock.plan({"createCustomVoice": ["5000", "ok"]})
    assert [learn(kling_mock)["code"] for _ in range(2)] == [5000, 0]

@pytest.mark.kling_mock(strict=False)
def test_not_strict(kling_mock):
    learn(kling_mock, voice_name="")
"""


def test_what_was_asked_for_is_no_surprise(pytester: pytest.Pytester, alone: list[str]) -> None:
    """Faults, scenarios, limits and what an assertion asked for pass a suite that is strict throughout."""
    pytester.makepyfile("import contextlib\n" + HELPERS + EXPECTED)
    pytester.makeini("[pytest]\nkling_mock_strict = true\nfilterwarnings = error")

    run(pytester, *alone).assert_outcomes(passed=12)


def test_failing_test_is_not_blamed_twice(pytester: pytest.Pytester, alone: list[str]) -> None:
    """A strict test that fails by itself has one failure; what was skipped or is expected to fail has none."""
    pytester.makepyfile(
        HELPERS
        + """
pytestmark = pytest.mark.kling_mock(strict=True)

def test_failing(kling_mock):
    learn(kling_mock, voice_name="")
    assert False

@pytest.mark.xfail
def test_expected(kling_mock):
    kling_mock.fault("5001")
    assert False

def test_skipped(kling_mock):
    kling_mock.fault("5001")
    pytest.skip("on the way")
"""
    )

    run(pytester, *alone).assert_outcomes(failed=1, xfailed=1, skipped=1)


def test_timeline_is_bounded_and_holds_no_secret() -> None:
    """Of very many lines the first and the last are shown; keys, tokens and secrets are not."""
    with RunningServer(speed=0) as server:
        mock = server.new_account("secretive")
        client = Api(mock.http.client, mock.api_key)
        client.speak(text=f"{mock.api_key} {mock.token()} {mock.secret_key} whsec_abcdefghijkl")
        for _ in range(200):
            client.speak()

        text = timeline_of(mock, (mock.secret_key,))

    lines = text.splitlines()
    assert len(lines) == 52
    assert lines[11].strip().endswith("lines more ...")
    for secret in (mock.api_key, mock.token()[:20], mock.secret_key, "whsec_abc"):
        assert secret not in text


def test_timeline_of_a_stopped_server_says_so() -> None:
    """Where nobody answers, the report says why nothing is known."""
    with RunningServer() as server:
        mock = server.account()

    assert timeline_of(mock).startswith("kling-mock: what happened is not known: ")
