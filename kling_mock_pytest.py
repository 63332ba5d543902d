"""The pytest plugin of kling-mock. Nothing of the mock is imported before a test asks for a fixture.

``kling_mock`` is an account of its own for each test, on one server for the whole session.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mock_server.server import RunningServer
    from mock_server.testing import KlingMock

#: Keywords of the marker, by what they are about: the test itself, its account, or a server that has such settings.
OF_TEST = ("strict", "allow_refusals")
OF_ACCOUNT = ("scenario", "behaviours", "speed", "units", "slots", "rate_limit")
OF_SERVER = (
    *("seed", "start", "progression", "polls", "journal", "auth_clock", "magic", "scenarios"),
    *("callback_timeout", "callback_retries", "callback_allow", "callback_rewrite"),
    *("webhook_secret", "public_url", "fixtures"),
)
_MARKER = (
    "kling_mock(scenario=..., seed=..., strict=..., **settings): how the account of this test behaves:"
    f" {', '.join((*OF_TEST, *OF_ACCOUNT, *OF_SERVER))}."
)

_USED: pytest.StashKey[KlingMock] = pytest.StashKey()
_BROKEN_OFF: pytest.StashKey[bool] = pytest.StashKey()
_RUNS: pytest.StashKey[Counter[str]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--kling-mock-seed`` and the settings of pytest's file."""
    group = parser.getgroup("kling-mock")
    text = "makes the ids of kling_mock repeatable; random unless given"
    group.addoption("--kling-mock-seed", metavar="TEXT", help=text)
    parser.addini("kling_mock_seed", text, default="")
    parser.addini(
        "kling_mock_strict",
        "fail tests for unexpected requests, unused faults and failed callbacks of kling_mock",
        type="bool",
        default=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line("markers", _MARKER)
    config.stash[_RUNS] = Counter()


def pytest_report_header(config: pytest.Config) -> str | None:
    """Says the seed, if one was chosen."""
    seed = _seed(config)
    return f"kling-mock: seed {seed}" if seed else None


# The older form of a wrapper: a suite with an older pytest must not break because this plugin is installed.
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Adds to the report of a failing test what happened in its account."""
    outcome = yield
    account = item.stash.get(_USED, None)
    if account is None:
        return
    report = outcome.get_result()
    if call.excinfo is not None:  # it failed, as expected or not, or was skipped on the way
        item.stash[_BROKEN_OFF] = True
    if report.failed and (section := account.section()):
        report.sections.append(("kling-mock", section))
    if report.when == "teardown":
        del item.stash[_USED]


class _Servers:
    """The servers of a session that differ from its usual one, by their settings; each starts once."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._found: dict[Any, RunningServer] = {}

    def get(self, usual: RunningServer, options: dict[str, Any]) -> RunningServer:
        """A server like the usual one, but with other settings."""
        from mock_server.server import RunningServer
        from mock_server.settings import build

        built = build(**options)
        changed = {name: getattr(built, name) for name in options}
        key = (id(usual), repr(sorted(changed.items())))
        if key not in self._found:
            from dataclasses import replace

            server = RunningServer(replace(usual.settings, **changed, port=0))
            self._found[key] = self._open.enter_context(server)
        return self._found[key]

    def close(self) -> None:
        """Stops them."""
        self._open.close()


@pytest.fixture(scope="session")
def kling_mock_server(pytestconfig: pytest.Config) -> Iterator[RunningServer]:
    """A running mock on a free port, for the whole session: ``account(key)``, ``new_account()``, ``base_url``.

    Override it to start one with other settings. Property tests take it instead of kling_mock, and an account for each
    example: ``with kling_mock_server.new_account() as mock``.
    """
    _check_package()
    from mock_server.server import RunningServer

    with RunningServer(seed=_seed(pytestconfig)) as server:
        yield server


@pytest.fixture(scope="session")
def _kling_mock_servers() -> Iterator[_Servers]:
    servers = _Servers()
    yield servers
    servers.close()


@pytest.fixture
def kling_mock(
    kling_mock_server: RunningServer, _kling_mock_servers: _Servers, request: pytest.FixtureRequest
) -> Iterator[KlingMock]:
    """An account that only this test has: ``base_url``, ``api_key``, ``clock.advance(seconds)``, ``scenario(name)``.

    Also ``fault``, ``plan``, ``tasks``, ``requests``, ``callbacks``, ``patch_env``, ``token()``, and ``aio`` with the
    same to await. The marker ``kling_mock`` sets it up. A server that lets in configured credentials only has just the
    account of those, which tests then share, each beginning anew.
    """
    _check_package()
    from mock_server.testing.fixture import KlingMock, key_of

    options = _options(request)
    server = _server(kling_mock_server, _kling_mock_servers, options)
    runs = request.config.stash[_RUNS]
    runs[request.node.nodeid] += 1
    own_key = key_of(request.node.nodeid, runs[request.node.nodeid])
    key, pair = server.credentials("" if server.is_restricted else own_key)
    with pytest.MonkeyPatch.context() as patch:
        account = KlingMock(server, key, pair, server.http, patch.setenv)
        if server.is_restricted:
            account.reset()
        strict = options.get("strict", request.config.getini("kling_mock_strict"))
        allows = bool(options.get("allow_refusals"))
        refused = account.begin(options, strict=bool(strict), allow_refusals=allows)
        if refused:
            pytest.fail(f"@pytest.mark.kling_mock: {refused}", pytrace=False)
        request.node.stash[_USED] = account
        request.node.stash[_BROKEN_OFF] = False
        yield account
        _end(account, request.node)


def _end(account: KlingMock, item: pytest.Item) -> None:
    """Ends an account; fails the test if it is strict and something is wrong that nobody expected."""
    found: list[str] = []
    try:
        if account.strict and not item.stash[_BROKEN_OFF]:
            found = account.problems()
        if found:
            account.section()
    finally:
        account.end()
    if found:
        listed = "\n".join(f"  {line}" for line in found)
        pytest.fail(f"kling_mock is strict, and found:\n{listed}", pytrace=False)


def _server(usual: RunningServer, others: _Servers, options: dict[str, Any]) -> RunningServer:
    """The server that a marker asks for."""
    chosen = {name: options[name] for name in OF_SERVER if name in options}
    if not chosen:
        return usual
    from mock_server.settings import SettingsError

    try:
        return others.get(usual, chosen)
    except SettingsError as error:
        words = str(error)
    pytest.fail(f"@pytest.mark.kling_mock: {words}", pytrace=False)


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the markers of a test say; the nearest has its say by keyword."""
    found: dict[str, Any] = {}
    known = (*OF_TEST, *OF_ACCOUNT, *OF_SERVER)
    for mark in request.node.iter_markers("kling_mock"):
        if mark.args:
            pytest.fail(
                f"@pytest.mark.kling_mock takes keywords only, not {mark.args[0]!r}; such as"
                f" scenario={str(mark.args[0])!r}",
                pytrace=False,
            )
        for name, value in mark.kwargs.items():
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
                pytest.fail(f"@pytest.mark.kling_mock: unknown {name!r}; {hint}", pytrace=False)
            if name in OF_TEST and not isinstance(value, bool):
                pytest.fail(
                    f"@pytest.mark.kling_mock: {name} is True or False, not {value!r}",
                    pytrace=False,
                )
            found.setdefault(name, value)
    return found


def _seed(config: pytest.Config) -> str:
    return str(config.getoption("kling_mock_seed") or config.getini("kling_mock_seed") or "")


@cache
def _check_package() -> None:
    """Fails with one line where another package has the name of the mock's."""
    own = Path(__file__).resolve().parent / "mock_server"
    loaded = sys.modules.get("mock_server")
    spec = loaded.__spec__ if loaded is not None else find_spec("mock_server")
    places = [Path(place).resolve() for place in (spec and spec.submodule_search_locations) or ()]
    if own not in places:
        where = places[0] if places else spec and spec.origin
        pytest.fail(
            f"kling_mock: {where} shadows the mock's package mock_server, which is in {own.parent};"
            " rename it, or take the folder above it off sys.path",
            pytrace=False,
        )
