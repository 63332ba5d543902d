"""For test suites: the types of the fixtures, and what their assertions raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = [
    "AsyncMockAccount",
    "ControlFailed",
    "KlingMock",
    "MockAccount",
    "NotAsExpected",
    "RunningServer",
]

if TYPE_CHECKING:
    from mock_server.embedding import AsyncMockAccount, MockAccount
    from mock_server.server import RunningServer
    from mock_server.testing.asking import ControlFailed, NotAsExpected
    from mock_server.testing.fixture import KlingMock

_PUBLIC = {
    "AsyncMockAccount": "mock_server.embedding",
    "ControlFailed": "mock_server.testing.asking",
    "KlingMock": "mock_server.testing.fixture",
    "MockAccount": "mock_server.embedding",
    "NotAsExpected": "mock_server.testing.asking",
    "RunningServer": "mock_server.server",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first asked for: the HTTP client and the server are slow to import."""
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
