"""``kling-mock check`` as a user runs it, and servers to run it against."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from mock_server.server import RunningServer
from tests.http.process import COMMAND, environment

#: Seconds after which a run hangs.
TIMEOUT_S = 300


class Counted:
    """An application that remembers what it was asked: method, path and body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.asked: list[tuple[str, str, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the application does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        whole = b""

        async def listened() -> Any:
            nonlocal whole
            message = await receive()
            whole += message.get("body", b"")
            return message

        await self._app(scope, listened, send)
        self.asked.append((scope["method"], scope["path"], whole))

    def of(self, prefix: str) -> list[tuple[str, str, bytes]]:
        """What was asked below a path."""
        return [item for item in self.asked if item[1].startswith(prefix)]


class Checked:
    """A run of ``kling-mock check`` that has ended."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def report(self) -> dict[str, Any]:
        """What --json printed."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def clause(self, identifier: str) -> dict[str, Any]:
        """What --json says of a clause."""
        return next(item for item in self.report["clauses"] if item["id"] == identifier)

    def of(self, result: str) -> list[str]:
        """The ids of the clauses with a result."""
        return [item["id"] for item in self.report["clauses"] if item["result"] == result]


def check(
    where: ASGIApp | str, *options: str, cwd: Path, env: Mapping[str, str] | None = None
) -> Checked:
    """Checks an application, or whatever is at a URL, with few generated requests. An empty URL is left out."""
    if not isinstance(where, str):
        with RunningServer(app=where) as server:
            return check(server.base_url, *options, cwd=cwd, env=env)
    profile = () if "--profile" in options else ("--profile", "smoke")
    done = subprocess.run(
        [*COMMAND, "check", *([where] if where else []), *profile, *options],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )
    return Checked(done)
