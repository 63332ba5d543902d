"""What a server has to tell: one small record per request, transition, callback attempt and stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """A request was answered. ``code`` is the business code; ``took_ms`` is wall time."""

    event: ClassVar[str] = "request"

    method: str
    path: str
    status: int
    code: int | None
    account_id: str
    took_ms: float
    note: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class TaskMoved:
    """A task reached a status at ``at`` (ms, the account's clock)."""

    event: ClassVar[str] = "transition"

    task_id: str
    account_id: str
    kind: str
    status: str
    at: int
    message: str = ""


@dataclass(frozen=True, slots=True)
class CallbackAttempted:
    """One try to deliver a callback, at ``at`` (ms, the account's clock).

    ``status`` is the receiver's HTTP status, or ``None`` with an ``error``; ``took_ms`` is wall time.
    """

    event: ClassVar[str] = "callback_attempt"

    task_id: str
    account_id: str
    task_status: str
    url: str
    attempt: int
    status: int | None
    error: str
    took_ms: float
    at: int = 0
    delivery: int = 0


@dataclass(frozen=True, slots=True)
class CallbackNotDelivered:
    """A callback that was not delivered when the server stopped. ``due_in_s`` is virtual; ``None``: it was due."""

    event: ClassVar[str] = "callback_not_delivered"

    task_id: str
    account_id: str
    task_status: str
    url: str
    due_in_s: float | None


Event = RequestAnswered | TaskMoved | CallbackAttempted | CallbackNotDelivered


def plain(event: Event) -> dict[str, Any]:
    """An event as plain data, its kind under ``event``: what --json and the control API print."""
    return {"event": event.event, **{name: getattr(event, name) for name in event.__slots__}}


class Observer(Protocol):
    """Whoever wants to be told. Called on the event loop: must not block and must not raise."""

    def __call__(self, event: Event, /) -> None:
        """Takes one event."""


def ignore(_event: Event, /) -> None:
    """The observer of a quiet server."""
