"""The tasks of an account, as a test holds them."""

from __future__ import annotations

import builtins

from mock_server.ctl_client import Call, segment
from mock_server.testing.asking import Awaiting, Blocking, Part, Steps, Value, expecting, twin


class _Tasks(Part):
    """The operations on tasks. A task is named by its task id or its external id."""

    @twin
    def list(
        self, *, kind: str = "", status: str = "", limit: int | None = None
    ) -> Steps[builtins.list[Value]]:
        """The tasks with their timelines, newest first; those that queries do not show yet too.

        Args:
            kind: ``speech`` or ``custom_voice``; by default both.
            status: only those that have it now.
        """
        query = {"kind": kind or None, "status": status or None, "limit": limit}
        return (yield Call("GET", "/tasks", query=query))["tasks"]  # type: ignore[no-any-return]

    @twin
    def get(self, task: str) -> Steps[Value]:
        """One task as it is now. Reading it here counts as no query of the client.

        Raises:
            ControlFailed: there is none of this name.
        """
        return (yield Call("GET", f"/tasks/{segment(task)}"))

    @twin
    def transition(self, task: str, to: str, message: str = "") -> Steps[Value]:
        """Lets a status begin now, and returns it with its instant.

        Args:
            message: the reason, with ``failed``.

        Raises:
            ControlFailed: there is no such task, or the status may not follow the present one.
        """
        body = {"to": to} | ({"message": message} if message else {})
        return (yield Call("POST", f"/tasks/{segment(task)}/transition", body))

    @twin
    def wait_for(
        self, task: str, status: str = "", *, timeout: float = 10, skip: bool = False
    ) -> Steps[Value]:
        """Waits on the server's side until a task has a status, and returns the task.

        Args:
            status: by default any terminal one.
            timeout: seconds of the machine's clock.
            skip: moves the clock on to what is due next, instead of waiting for it.

        Raises:
            NotAsExpected: it did not come in time, or never can; the message says what is.
            ControlFailed: there is no such task.
        """
        match = {"task": task} | ({"status": status} if status else {})
        body = {"for": "task", "match": match, "timeout": timeout, "skip": skip}
        value = yield from expecting(Call("POST", "/wait", body, waits_s=timeout))
        return value["found"][0]  # type: ignore[no-any-return]


class Tasks(_Tasks, Blocking):
    """The tasks of one account."""


class AsyncTasks(_Tasks, Awaiting):
    """The tasks of one account; each operation is awaited."""
