"""MockAccount: what a test holds in its hands."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, cast

import pytest

import mock_server
from mock_server import MockAccount, RunningServer
from mock_server.credentials import key_account
from mock_server.embedding import ControlFailed
from tests.http.api import START, Api
from tests.support.places import ROOT
from tests.support.receiver import Answer, Receiver


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server whose clock stands still."""
    with RunningServer(speed=0, start=START) as server:
        yield server


def test_account_has_what_a_client_needs(server: RunningServer) -> None:
    """An account knows the base URL and its key, and its clock is the one of that key."""
    account = server.account("needs")
    task_id = Api(account.http.client, account.api_key).learn().data["task_id"]

    events = account.clock.advance(2)

    assert account.base_url == server.base_url
    assert [(item["task_id"], item["status"]) for item in events] == [(task_id, "processing")]


def test_clock_moves_by_exactly_what_is_said(server: RunningServer) -> None:
    """An advance moves the clock of this account, to the millisecond, and of no other."""
    account, other = server.account("moves"), server.account("stays")
    assert account.clock.now() == START

    assert account.clock.advance(0.25) == []

    assert account.clock.now() == START + 250
    assert other.clock.now() == START


@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan, math.inf, -math.inf, 1e12])
def test_impossible_advance_raises_and_moves_nothing(server: RunningServer, seconds: float) -> None:
    """A negative, huge or not finite number raises ControlFailed, and the clock stands where it stood."""
    account = server.account(f"impossible {seconds}".replace(" ", "-"))

    with pytest.raises(ControlFailed):
        account.clock.advance(seconds)

    assert account.clock.now() == START


def test_advance_by_a_text_is_refused_by_name(server: RunningServer) -> None:
    """Seconds are a number: a duration as the command line takes it is refused, and shown."""
    with pytest.raises(ControlFailed, match="'9s' is no number of seconds"):
        server.account("durations").clock.advance(cast("float", "9s"))


def test_handles_say_what_they_are_without_the_key(server: RunningServer) -> None:
    """Assertions of a failing test print an account and its handles readably, and no credential."""
    account = server.account("a-key-of-mine")
    handles = [
        account.fault("5001", id="mine"),
        account.plan({"createSpeech": ["ok"]}),
        account.scenario("slow"),
        account.aio.fault("5001"),
    ]

    assert [*map(repr, handles)] == [
        "<Armed mine>",
        "<Plan plan-1>",
        "<Scenario slow>",
        "<AsyncArmed not set up>",
    ]
    with pytest.warns(RuntimeWarning, match="AsyncArmed not set up> was never awaited"):
        handles.pop()
    assert repr(account) == f"<MockAccount {key_account('a-key-of-mine')} at {server.base_url}>"
    signed_in = server.account(account.token())
    assert account.token().split(".")[2] not in repr(signed_in)


def test_advance_returns_when_callbacks_have_been_attempted(server: RunningServer) -> None:
    """The events of an advance hold each callback attempt with its outcome; all have happened when it returns."""
    with Receiver() as receiver:
        receiver.script.extend([Answer(), Answer(status=500)])
        account = server.account("callbacks")
        Api(account.http.client, "callbacks").learn(callback_url=receiver.url("/a?token=1"))

        events = account.clock.advance(9)

        assert len(receiver.requests) == 2
    told = [(item["event"], item.get("task_status"), item["status"]) for item in events]
    assert told == [
        ("transition", None, "processing"),
        ("callback_attempt", "processing", 200),
        ("transition", None, "succeed"),
        ("callback_attempt", "succeed", 500),
    ]
    assert all("token=1" not in str(item) for item in events)


def test_accounts_are_closed_with_their_server() -> None:
    """When the server stops, the connections of its accounts are closed."""
    with RunningServer() as server:
        account = server.account()
        account.clock.now()

    assert account.http.is_closed


def test_account_can_be_made_for_any_running_server(server: RunningServer) -> None:
    """An account needs only a base URL and a key, so it works for a server in another process too."""
    account = MockAccount(server.base_url, "made-by-hand")
    account.clock.advance(1)
    account.close()

    assert account.http.is_closed


def test_refused_credential_is_told() -> None:
    """With a key that the server does not let in, the clock raises with the server's words."""
    with (
        RunningServer(api_key="right") as server,
        pytest.raises(ControlFailed, match="name the account"),
    ):
        server.account("wrong").clock.now()


def test_public_names_are_found_when_asked_for() -> None:
    """Every name in __all__ is there; others are not."""
    assert all(getattr(mock_server, name) for name in mock_server.__all__)
    with pytest.raises(AttributeError, match="nothing_of_it"):
        _ = mock_server.nothing_of_it


def test_importing_the_package_imports_no_server() -> None:
    """Importing mock_server costs nothing: neither Starlette nor uvicorn nor the HTTP client is imported by it."""
    names = "('starlette', 'uvicorn', 'httpx2', 'orjson')"
    code = f"import mock_server, sys; print([n for n in {names} if n in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "configured",
    [
        {"api_key": "sk-only"},
        {"access_key": "AK", "secret_key": "SK"},
        {"api_key": "sk-both", "access_key": "AK", "secret_key": "SK"},
        {"control_token": "the-token"},
    ],
    ids=lambda configured: "+".join(configured),
)
def test_account_of_a_server_with_credentials_is_let_in(configured: dict[str, Any]) -> None:
    """Without a key, account() is the account of what the server was configured with, control token included."""
    with RunningServer(speed=0, start=START, **configured) as server:
        account = server.account()

        assert account.clock.advance(1) == []
        assert Api(account.http.client, account.api_key).learn().status == 200
