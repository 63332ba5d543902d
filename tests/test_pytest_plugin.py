"""The pytest fixtures, used by test suites of their own in processes of their own."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from mock_server.settings import NAMES
from mock_server.testing.fixture import ACCOUNT_OPTIONS

pytest_plugins = ["pytester"]

#: The fixture is only there where the package is installed, as it is by both commands of the README.
installed = pytest.mark.skipif(
    not any(item.name == "kling_mock" for item in entry_points(group="pytest11")),
    reason="kling-mock is not installed here, so pytest does not load its plugin",
)

HELPERS = """
import httpx2
import pytest

def learn(mock, **fields):
    body = {"voice_name": "Ada", "voice_url": "https://example.com/ada.mp3", **fields}
    return httpx2.post(
        f"{mock.base_url}/v1/general/custom-voices",
        json=body, headers={"authorization": f"Bearer {mock.api_key}"}, trust_env=False,
    ).json()

def listed(mock):
    return httpx2.get(
        f"{mock.base_url}/v1/general/custom-voices",
        headers={"authorization": f"Bearer {mock.api_key}"}, trust_env=False,
    ).json()["data"]
"""


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Runs the suite in a process of its own, with every plugin that is installed."""
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q", *arguments)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Arguments for a run with this plugin alone; loading all others takes a second."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return ["-p", "kling_mock_pytest"]


@installed
def test_nothing_is_imported_until_a_test_asks(pytester: pytest.Pytester) -> None:
    """Unless a test uses the fixture nothing of the server is imported: a suite's own mock_server is found."""
    package = pytester.mkpydir("mock_server")
    (package / "own.py").write_text("NAME = 'mine'\n", "utf-8")
    pytester.makepyfile(
        """
import sys
import threading

def test_unused():
    assert "kling_mock_pytest" in sys.modules
    assert [name for name in sys.modules if name.startswith("mock_server")] == []
    assert "uvicorn" not in sys.modules
    assert [thread.name for thread in threading.enumerate() if thread.name == "kling-mock"] == []

def test_own_package():
    from mock_server.own import NAME
    assert NAME == "mine"
"""
    )

    run(pytester).assert_outcomes(passed=2)


def test_each_test_has_an_account_of_its_own(pytester: pytest.Pytester, alone: list[str]) -> None:
    """kling_mock is one server and, for each test and parameter, an account whose tasks and clock nobody else moves."""
    pytester.makepyfile(
        HELPERS
        + """
seen = []

@pytest.mark.parametrize("number", range(3))
def test_own(kling_mock, number):
    assert listed(kling_mock) == []
    before = kling_mock.clock.now()
    assert learn(kling_mock, external_task_id="e")["code"] == 0
    kling_mock.clock.advance(3600)
    assert kling_mock.clock.now() >= before + 3_600_000
    seen.append((kling_mock.base_url, kling_mock.api_key, before))

def test_all():
    urls, keys, instants = zip(*seen)
    assert len(set(urls)) == 1
    assert len(set(keys)) == 3
    assert max(instants) - min(instants) < 3_600_000

def test_events(kling_mock):
    task_id = learn(kling_mock)["data"]["task_id"]
    events = kling_mock.clock.advance(9)
    assert [(event["task_id"], event["status"]) for event in events] == [
        (task_id, "processing"), (task_id, "succeed")]
    assert [item["task_status"] for item in listed(kling_mock)] == ["succeed"]
"""
    )

    # Warnings are errors: everything is closed at the end.
    run(pytester, *alone, "-W", "error").assert_outcomes(passed=5)


def test_works_under_xdist(pytester: pytest.Pytester, alone: list[str]) -> None:
    """With -n 2 each worker has a server, and accounts stay apart."""
    pytester.makepyfile(
        HELPERS
        + """
@pytest.mark.parametrize("number", range(8))
def test_own(kling_mock, number):
    assert listed(kling_mock) == []
    assert learn(kling_mock, external_task_id="e")["code"] == 0
    assert len(kling_mock.clock.advance(9)) == 2
"""
    )

    run(pytester, *alone, "-p", "xdist", "-n", "2").assert_outcomes(passed=8)


def test_server_can_be_overridden(pytester: pytest.Pytester, alone: list[str]) -> None:
    """A suite that overrides kling_mock_server gets its own settings."""
    pytester.makeconftest(
        """
import pytest
from mock_server import RunningServer

@pytest.fixture(scope="session")
def kling_mock_server():
    with RunningServer(speed=0, progression="immediate") as server:
        yield server
"""
    )
    pytester.makepyfile(
        HELPERS
        + """
def test_immediate(kling_mock):
    learn(kling_mock)
    assert [item["task_status"] for item in listed(kling_mock)] == ["succeed"]
"""
    )

    run(pytester, *alone).assert_outcomes(passed=1)


@pytest.mark.parametrize("imported", [False, True], ids=["not imported", "imported"])
def test_package_that_shadows_the_mock_is_named(
    pytester: pytest.Pytester, alone: list[str], imported: bool
) -> None:
    """Where the suite has a package mock_server of its own, the fixture says in one line which, and what to do."""
    package = pytester.mkpydir("mock_server")
    head = "import mock_server\n" if imported else ""
    pytester.makepyfile(f"{head}def test_shadowed(kling_mock): pass")
    pytester.syspathinsert()

    ran = run(pytester, *alone)

    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines(
        [f"kling_mock: {package} shadows the mock's package mock_server*rename it*"]
    )
    assert "Traceback" not in ran.stdout.str()


MARKED = """
import pytest

@pytest.mark.kling_mock(scenario="slow")
class TestMarked:
    def test_of_class(self, kling_mock):
        task = learn(kling_mock)["data"]["task_id"]
        assert kling_mock.tasks.get(task)["scenario"] == "slow"

    @pytest.mark.kling_mock(scenario="stuck", behaviours={"delete_answer": "stub"}, units=1, slots=2)
    def test_nearest_wins(self, kling_mock):
        task = learn(kling_mock)["data"]["task_id"]
        assert kling_mock.tasks.get(task)["scenario"] == "stuck"
        assert kling_mock.behaviours()["delete_answer"] == "stub"
        assert kling_mock.limits() == {"units": 1, "slots": 2, "rate": None}

@pytest.mark.kling_mock(speed=0, rate_limit="10/1")
def test_pace(kling_mock):
    assert kling_mock.clock.show()["mode"] == "manual"
    assert kling_mock.limits()["rate"] == {"requests": 10, "seconds": 1}

@pytest.mark.kling_mock(progression="immediate", webhook_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
def test_server_of_its_own(kling_mock, kling_mock_server):
    task = learn(kling_mock)["data"]["task_id"]
    assert kling_mock.tasks.get(task)["status"] == "succeed"
    assert kling_mock.base_url != kling_mock_server.base_url

@pytest.mark.kling_mock(seed="7", progression="immediate")
@pytest.mark.parametrize("number", range(2))
def test_servers_are_shared(kling_mock, number):
    urls.add(kling_mock.base_url)
    assert kling_mock.seed() == "7"
    assert len(urls) == 1

urls = set()

def test_usual(kling_mock):
    task = learn(kling_mock)["data"]["task_id"]
    assert kling_mock.tasks.get(task)["scenario"] == "default"
"""


def test_marker_sets_up_the_account(pytester: pytest.Pytester, alone: list[str]) -> None:
    """The marker, of class or test, sets scenario and settings for this test; the marker is known to pytest."""
    pytester.makepyfile(HELPERS + MARKED)

    run(pytester, *alone, "--strict-markers", "-W", "error").assert_outcomes(passed=7)


@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("scenaro='slow'", "unknown 'scenaro'; did you mean 'scenario'?"),
        ("frequency=3", "unknown 'frequency'; known are strict, *"),
        ("'slow'", "takes keywords only, not 'slow'*"),
        ("scenario='slwo'", "scenario='slwo': unknown scenario 'slwo'; did you mean 'slow'?"),
        ("behaviours={'delete_anser': 'stub'}", "behaviours=*delete_anser*"),
        ("behaviours=3", "behaviours=3 cannot be used; such as {'delete_answer': 'stub'}"),
        ("rate_limit='ten'", "rate_limit='ten' cannot be used; such as '10/1' or (10, 1)"),
        ("strict='no'", "strict is True or False, not 'no'"),
        ("progression='slwo'", "progression: must be one of *"),
    ],
    ids=lambda item: item.partition("=")[0],
)
def test_mistakes_in_a_marker_are_one_line(
    pytester: pytest.Pytester, alone: list[str], marker: str, words: str
) -> None:
    """What a marker says wrongly is an error of the test, in one line with the nearest that can be used."""
    pytester.makepyfile(
        f"""
import pytest

@pytest.mark.kling_mock({marker})
def test_marked(kling_mock): pass
"""
    )

    ran = run(pytester, *alone)

    ran.assert_outcomes(errors=1)
    ran.stdout.fnmatch_lines([f"@pytest.mark.kling_mock*{words}"])
    assert "Traceback" not in ran.stdout.str()
    assert "During handling" not in ran.stdout.str()


def test_keywords_of_the_marker_are_settings() -> None:
    """What the marker says about a server are settings; what it leaves out are addresses, credentials and printing."""
    import kling_mock_pytest as plugin

    left_out = {"host", "port", "api_key", "access_key", "secret_key", "control_token"}
    left_out |= {"quiet", "json", "strict", "behaviour"}
    of_account = {*plugin.OF_ACCOUNT} - {"behaviours"}
    assert {*plugin.OF_SERVER} | of_account | left_out == set(NAMES)
    assert plugin.OF_ACCOUNT == ACCOUNT_OPTIONS


SEEDED = """
def test_seeded(kling_mock):
    print("id is", learn(kling_mock)["data"]["task_id"])
"""


@pytest.mark.parametrize("how", ["option", "ini"])
def test_seed_makes_ids_repeatable(pytester: pytest.Pytester, alone: list[str], how: str) -> None:
    """With a seed, by option or in pytest's file, a test sees the same ids in every run, alone or among others."""
    pytester.makepyfile(HELPERS + "def test_first(kling_mock): learn(kling_mock)\n" + SEEDED)
    seed = ["--kling-mock-seed", "s"] if how == "option" else ["-o", "kling_mock_seed=s"]

    both = run(pytester, *alone, *seed, "-v", "-s")
    one = run(pytester, *alone, *seed, "-v", "-s", "-k", "seeded")

    assert "kling-mock: seed s" in both.stdout.str()
    ids = [line.split()[-1] for ran in (both, one) for line in ran.outlines if "id is" in line]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert "kling-mock: seed" not in run(pytester, *alone, "-v", "-k", "seeded").stdout.str()


def test_environment_is_patched_for_one_test(pytester: pytest.Pytester, alone: list[str]) -> None:
    """patch_env sets the variables that a client reads, and after the test they are what they were."""
    pytester.makepyfile(
        """
import os
import pytest

os.environ["MY_URL"] = "before"

def test_patched(kling_mock):
    kling_mock.patch_env()
    kling_mock.patch_env(base_url="MY_URL", secret_key="MY_SECRET")
    assert os.environ["KLING_BASE_URL"] == os.environ["MY_URL"] == kling_mock.base_url
    assert os.environ["KLING_API_KEY"] == kling_mock.api_key
    assert os.environ["KLING_SECRET_KEY"] == os.environ["MY_SECRET"] == kling_mock.secret_key
    with pytest.raises(TypeError, match="unknown 'url'; known are base_url"):
        kling_mock.patch_env(url="MY_URL")

def test_restored():
    assert os.environ["MY_URL"] == "before"
    assert {"KLING_BASE_URL", "KLING_ACCESS_KEY", "MY_SECRET"}.isdisjoint(os.environ)
"""
    )

    run(pytester, *alone).assert_outcomes(passed=2)


def test_patched_environment_reaches_the_mock_without_a_proxy(
    pytester: pytest.Pytester, alone: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the machine has a proxy, patch_env keeps a client that obeys it from looking for the mock there."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.com")
    monkeypatch.delenv("no_proxy", raising=False)
    pytester.makepyfile(
        """
import os
import urllib.request

import httpx2

def test_reached(kling_mock):
    kling_mock.patch_env()
    health = f"{kling_mock.base_url}/__mock__/health"
    assert httpx2.get(health).status_code == 200
    assert urllib.request.urlopen(health).status == 200
    assert os.environ["NO_PROXY"].startswith("example.com,")

def test_restored(kling_mock):
    assert os.environ["NO_PROXY"] == "example.com"
    assert "no_proxy" not in os.environ
    assert kling_mock.tasks.list() == []
"""
    )

    run(pytester, *alone).assert_outcomes(passed=2)


def test_nothing_of_a_test_happens_after_it(pytester: pytest.Pytester, alone: list[str]) -> None:
    """When a test ends its account is reset: its callbacks do not reach the receiver of the next test."""
    pytester.makepyfile(
        HELPERS
        + """
keys = []

def test_leaves_work_behind(kling_mock):
    kling_mock.clock.set_rate(0)
    learn(kling_mock, external_task_id="e", callback_url="http://127.0.0.1:9/hook")
    keys.append(kling_mock.api_key)

def test_unused(kling_mock):
    keys.append(kling_mock.api_key)

def test_next(kling_mock_server):
    left = kling_mock_server.account(keys[0])
    assert left.tasks.list() == []
    assert left.requests.list() == []
    assert not kling_mock_server.has_seen(keys[1])  # one that did nothing costs no request
"""
    )

    run(pytester, *alone).assert_outcomes(passed=3)


def test_configured_credentials_are_shared_and_begin_anew(
    pytester: pytest.Pytester, alone: list[str]
) -> None:
    """On a server with configured credentials tests share the one account, each with a clean state."""
    pytester.makeconftest(
        """
import pytest
from mock_server import RunningServer

@pytest.fixture(scope="session")
def kling_mock_server():
    with RunningServer(api_key="sk-only", access_key="AK", secret_key="SK") as server:
        yield server
"""
    )
    pytester.makepyfile(
        HELPERS
        + """
@pytest.mark.parametrize("number", range(2))
def test_clean(kling_mock, number):
    assert kling_mock.api_key == "sk-only"
    assert kling_mock.access_key == "AK"
    assert learn(kling_mock, external_task_id="e")["code"] == 0
"""
    )

    run(pytester, *alone).assert_outcomes(passed=2)


def test_fixtures_are_listed_with_their_meaning(
    pytester: pytest.Pytester, alone: list[str]
) -> None:
    """The option --fixtures shows kling_mock and kling_mock_server with a sentence each."""
    pytester.makepyfile("def test_nothing(): pass")

    shown = run(pytester, *alone, "--fixtures").stdout.str()

    assert "kling_mock -- " in shown
    assert "base_url" in shown
    assert "kling_mock_server [session scope] -- " in shown
