"""The exchanges of the test under way: whoever runs ahead of its turn has exchanges of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """The newest of many, oldest first.

    Args:
        most: how many are remembered.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._shared: deque[T] = deque(maxlen=most)
        self._own: ContextVar[deque[T] | None] = ContextVar("own", default=None)

    @contextmanager
    def apart(self) -> Iterator[deque[T]]:
        """Remembers what comes in this context by itself; yields it."""
        own: deque[T] = deque(maxlen=self._most)
        token = self._own.set(own)
        try:
            yield own
        finally:
            self._own.reset(token)

    def append(self, one: T) -> None:
        """Another one."""
        self._now.append(one)

    def extend(self, several: deque[T]) -> None:
        """Others, oldest first."""
        self._now.extend(several)

    def clear(self) -> None:
        """Forgets all."""
        self._now.clear()

    def __iter__(self) -> Iterator[T]:
        return iter(self._now)

    @property
    def _now(self) -> deque[T]:
        own = self._own.get()
        return self._shared if own is None else own
