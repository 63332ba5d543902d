"""The pytest fixtures of kling-mock. Nothing of it is imported before a test asks for one.

``kling_mock`` is an account of its own for each test, on one server for the whole session.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mock_server.embedding import MockAccount
    from mock_server.server import RunningServer


_RUNS = count(1)


@pytest.fixture(scope="session")
def kling_mock_server() -> Iterator[RunningServer]:
    """A running mock on a free port, for the whole session. Override it to start one with other settings."""
    from mock_server.server import RunningServer

    with RunningServer() as server:
        yield server


@pytest.fixture
def kling_mock(
    kling_mock_server: RunningServer, request: pytest.FixtureRequest
) -> Iterator[MockAccount]:
    """An account that only this test has: ``base_url``, ``api_key`` and ``clock.advance(seconds)``.

    A server that lets in configured credentials only has just the account of those, which tests then share.
    """
    settings = kling_mock_server.settings
    if settings.api_key or settings.access_key:
        account = kling_mock_server.account()
    else:
        name = sha256(request.node.nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        # A test that is run again is another test: it starts from nothing.
        account = kling_mock_server.account(f"test-{name}-{next(_RUNS)}")
    yield account
    account.close()
