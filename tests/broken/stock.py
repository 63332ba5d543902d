"""What plain ``schemathesis run`` says of a server, with its own settings and the same documents."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from starlette.types import ASGIApp

from mock_server.http.app import create_app
from mock_server.server import RunningServer
from mock_server.settings import Settings
from tests.broken import everyone
from tests.healthy.hosting import Application, serving
from tests.healthy.reading import READINGS
from tests.healthy.server import Server
from tests.support.places import OPENAPI

#: Bounds of one run: generated cases per operation, and seconds.
EXAMPLES, MOST_S = 10, 300
#: A failure: its code, its title and the operation.
Failure = tuple[str, str, str]
_HOSTS: dict[str, Callable[[], ASGIApp]] = {
    "mock": lambda: create_app(Settings(quiet=True)),
    "second": lambda: Application(Server),
}


def failures(url: str, dialect: str, key: str = "first") -> set[Failure]:
    """The failures that a run reports."""
    with TemporaryDirectory() as folder:
        found = Path(folder) / "report.json"
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(OPENAPI / f"{dialect}.yaml")),
            *("--url", url, "-H", f"Authorization: Bearer {key}", "--seed", "1"),
            *("--max-examples", str(EXAMPLES), "--no-shrink", "--no-color"),
            *("--report", "json", "--report-json-path", str(found)),
        ]
        subprocess.run(command, cwd=folder, capture_output=True, timeout=MOST_S, check=False)
        report = json.loads(found.read_text("utf-8"))
    return {
        (failure["code"], failure["title"], str(operation))
        for failure in report["failures"]
        for operation in failure["operations"]
    }


@cache
def usual(host: str, dialect: str) -> frozenset[Failure]:
    """What a run reports of a healthy server."""
    with RunningServer(app=_HOSTS[host]()) as server:
        return frozenset(failures(server.base_url, dialect))


def kills(name: str) -> bool:
    """Whether a run reports more of a mutant than of the healthy server it was made of."""
    mutant = everyone()[name]
    with RunningServer(app=mutant.make()) as server:
        found = failures(server.base_url, mutant.dialect)
    return bool(found - usual(mutant.host, mutant.dialect))


def alarms(name: str) -> int:
    """How many failures a run reports of a healthy server."""
    with serving(READINGS[name]) as url:
        return len(failures(url, "klingai", READINGS[name].key))
