"""Servers that the kit starts itself: the mock, or any ASGI application, on a free port of this machine."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any


class CannotServe(Exception):
    """Raised when an application cannot be found or started; the message is one line."""


@contextmanager
def served(place: str) -> Iterator[str]:
    """Serves the application at a place, or the mock where none is named; yields where.

    Args:
        place: ``module:name``, as servers of applications take it.

    Raises:
        CannotServe: there is none, or it does not start.
    """
    with serving(application(place) if place else None) as url:
        yield url


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serves an ASGI application, or the mock for ``None``; yields where."""
    from mock_server.server import RunningServer  # the kit runs without it when a URL is given

    with RunningServer(app=app) if app is not None else RunningServer() as server:
        yield server.base_url


def application(place: str) -> Any:
    """The application at a place; a function without parameters is called to make it.

    Raises:
        CannotServe: there is none.
    """
    module, _, name = place.partition(":")
    if not module or not name:
        raise CannotServe(f"--app {place}: give it as module:name")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
        made: Any = found() if _is_factory(found) else found
    except Exception as reason:  # noqa: BLE001 - an application's own code may fail in any way
        raise CannotServe(f"--app {place}: {type(reason).__name__}: {reason}") from None
    if not callable(made):
        raise CannotServe(f"--app {place}: no ASGI application, but a {type(made).__name__}")
    return made


def _is_factory(found: Any) -> bool:
    """Whether it can be called with nothing, as no application can."""
    if not callable(found):
        return False
    try:
        inspect.signature(found).bind()
    except (TypeError, ValueError):
        return False
    return True
