"""kling-mock: a stateful mock of Kling AI's text-to-speech and custom-voice API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "MockAccount",
    "RunningServer",
    "Settings",
    "SubprocessServer",
    "__version__",
    "create_app",
]

if TYPE_CHECKING:
    from mock_server.embedding import MockAccount
    from mock_server.http.app import create_app
    from mock_server.process import SubprocessServer
    from mock_server.server import RunningServer
    from mock_server.settings import Settings

_PUBLIC = {
    "MockAccount": "mock_server.embedding",
    "RunningServer": "mock_server.server",
    "Settings": "mock_server.settings",
    "SubprocessServer": "mock_server.process",
    "create_app": "mock_server.http.app",
}


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first asked for, so that ``import mock_server`` costs nothing."""
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
