"""What the fixtures are for a type checker: this file is checked by mypy as a user's strict suite would be."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from importlib.resources import files
from typing import Any, assert_type

import pytest

import mock_server
from mock_server import RunningServer, testing
from mock_server.testing import AsyncMockAccount, KlingMock, MockAccount


def blocking(mock: KlingMock) -> None:
    """What blocks returns values."""
    assert_type(mock.clock.now(), int)
    assert_type(mock.clock.advance(9), list[dict[str, Any]])
    assert_type(mock.requests.list(operation="createSpeech", since=1), list[dict[str, Any]])
    assert_type(mock.requests.assert_received(count=1, code=0), None)
    assert_type(mock.assert_well_behaved(fail_on="advice"), None)
    assert_type(mock.callbacks.hold(), dict[str, Any])
    assert_type(mock.fault("5001", operation="createSpeech", count=1).consumed, int)
    assert_type(mock.plan({"createSpeech": ["ok"]}).completed, bool)
    assert_type(mock.behaviours(delete_answer="stub"), dict[str, str])
    assert_type(mock.patch_env(base_url="MY_URL"), dict[str, str])
    assert_type(mock.aio, AsyncMockAccount)


def awaited(mock: MockAccount) -> None:
    """What is awaited returns coroutines of the same values."""
    aio = mock.aio
    found: list[Coroutine[Any, Any, Any]] = []
    found.append(assert_type(aio.clock.now(), Coroutine[Any, Any, int]))
    found.append(assert_type(aio.requests.last(), Coroutine[Any, Any, int]))
    asyncio.run(_all(found))


async def _all(found: list[Coroutine[Any, Any, Any]]) -> None:
    for each in found:
        await each


def test_package_says_that_it_is_typed() -> None:
    """The package has the marker that makes type checkers believe its annotations (PEP 561)."""
    assert files(mock_server).joinpath("py.typed").is_file()


def test_public_names_are_found_when_asked_for() -> None:
    """Every name that the package for test suites promises is there; others are not."""
    assert all(getattr(testing, name) for name in testing.__all__)
    with pytest.raises(AttributeError, match="nothing_of_it"):
        _ = testing.nothing_of_it


def test_types_hold_at_run_time_too() -> None:
    """The awaited operations are what the annotations say, and operations keep their names and descriptions."""
    with RunningServer(speed=0) as server:
        awaited(server.new_account())
        mock = server.new_account()

    assert mock.clock.advance.__name__ == mock.aio.clock.advance.__name__ == "advance"
    assert str(mock.clock.advance.__doc__).startswith("Moves the clock forward")
    assert "seconds" in str(type(mock.clock).advance.__doc__)
