"""What ``kling-mock check`` says of healthy servers: nothing may be broken."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field

from tests.healthy.hosting import serving
from tests.healthy.reading import Reading
from tests.support.places import ROOT

#: Seconds after which a run hangs.
TIMEOUT_S = 600


@dataclass
class Healthy:
    """What was said of a healthy server.

    Attributes:
        code: of the exit.
        failed: clauses that were named broken, each with what was seen.
        findings: assumed clauses that it reads differently.
        kept: clauses that were looked at, and nothing is wrong with.
        words: what was printed when nothing could be looked at.
    """

    code: int
    failed: dict[str, str] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    words: str = ""

    @property
    def passed(self) -> bool:
        """Whether all is well."""
        return self.code == 0 and not self.failed and not self.errors


def checked(reading: Reading, *options: str, two_accounts: bool = True) -> Healthy:
    """Checks a reading of the contract as a user does, with few generated requests."""
    second = ("--api-key2", reading.key2) if two_accounts else ()
    profile = () if "--profile" in options else ("--profile", "smoke")
    with serving(reading) as url:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "mock_server", "check", url, "--free", "--json"),
                *("--api-key", reading.key, *second, *profile, *options),
            ],
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
        )
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return Healthy(done.returncode, errors=[done.stderr[-2000:]])
    clauses = report["clauses"]
    return Healthy(
        done.returncode,
        {item["id"]: item["message"] for item in clauses if item["result"] == "failed"},
        [item["id"] for item in clauses if item["result"] == "finding"],
        [item["id"] for item in clauses if item["result"] == "passed"],
        report.get("errors", []),
        done.stderr[-2000:],
    )
