"""The pytest fixtures of kling-mock. Nothing of it is imported before a test asks for one.

``kling_mock`` is an account of its own for each test, on one server for the whole session.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mock_server.embedding import MockAccount
    from mock_server.server import RunningServer


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
    """An account that only this test has: ``base_url``, ``api_key`` and ``clock.advance(seconds)``."""
    name = sha256(request.node.nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    account = kling_mock_server.account(f"test-{name}")
    yield account
    account.close()
