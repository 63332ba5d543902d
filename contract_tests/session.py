"""``kling-mock check``: one run of the suite against one server, and what it comes to.

Exit codes: 0 the contract is kept; 1 it is broken; 2 the kit could not look.
"""

from __future__ import annotations

import io
import os
import random
import sys
from argparse import Namespace
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from contract_tests import checks, documents, options, redaction, report
from contract_tests.meter import Meter
from contract_tests.target import Target
from contract_tests.verdicts import FAILED, Verdicts

KEPT, BROKEN, COULD_NOT_LOOK = 0, 1, 2
#: Requests, and calls that may be charged, that a profile sends to a server that is not free.
CAPS = {"smoke": (500, 20), "standard": (3000, 100), "thorough": (30_000, 500)}
#: The plugins that the suite needs; no other that happens to be installed is loaded.
_PLUGINS = ("_hypothesis_pytestplugin", "schemathesis.pytest.plugin")
#: Variables that would change what pytest does.
_VARIABLES = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
_FOLDER = Path(__file__).resolve().parent


class CouldNotLook(Exception):
    """Raised when there is nothing to judge; the message is one line."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a look at the server has shown before anything is tested.

    Attributes:
        is_mock: whether its control API answers as kling-mock's.
        unserved: dialects that are not there.
    """

    is_mock: bool
    dialects: tuple[str, ...]
    unserved: tuple[str, ...]


def main(asked: Namespace) -> int:
    """Checks a server; returns the exit code."""
    redaction.hide(asked.api_key, asked.api_key2)
    try:
        return _checked(asked)
    except CouldNotLook as reason:
        message = redaction.clean(str(reason))
        if asked.json:
            report.write_json({"exit_code": COULD_NOT_LOOK, "error": message, "clauses": []})
        _say(message)
        return COULD_NOT_LOOK
    finally:
        redaction.forget()


def _checked(asked: Namespace) -> int:
    seed = random.randrange(2**32) if asked.seed is None else asked.seed
    meter = _meter(asked)
    found = _look(asked, meter)
    if meter is not None:
        _say(f"this may cost: {meter.plan()}")
    verdicts = Verdicts(found.dialects, strict=asked.strict)
    printed = _run(asked, seed, meter, found, verdicts)
    outcome = report.Outcome(
        asked,
        seed,
        found.dialects,
        found.unserved,
        "kling-mock" if found.is_mock else "free, says --free" if asked.free else "paid",
        list(verdicts.verdicts()),
        verdicts.errors,
        meter.spent() if meter else "",
        [] if found.is_mock else verdicts.left,
    )
    if not verdicts.done and not verdicts.errors:
        raise CouldNotLook(f"no test ran: {' '.join(printed.split()[-60:])}")
    code = exit_code(outcome)
    report.publish(outcome, code)
    return code


def exit_code(outcome: report.Outcome) -> int:
    """What the outcome comes to: a broken clause outweighs a look that was not possible."""
    if any(verdict.result == FAILED for verdict in outcome.verdicts):
        return BROKEN
    return COULD_NOT_LOOK if outcome.errors else KEPT


def _meter(asked: Namespace) -> Meter | None:
    """The meter of a target that is not free.

    Raises:
        CouldNotLook: nobody is there, or nobody agreed to pay.
    """
    if asked.free or _is_mock(asked.url):
        return None
    most_requests, most_billed = CAPS[asked.profile]
    meter = Meter(asked.max_requests or most_requests, asked.max_billed or most_billed)
    if not asked.i_will_pay:
        raise CouldNotLook(
            f"{asked.url} is no kling-mock and may charge for calls: {meter.plan()};"
            " add --i-will-pay if that is meant, or --free if it charges nothing"
        )
    return meter


def _is_mock(url: str) -> bool:
    target = Target(url)
    try:
        health = target.plain("GET", "/__mock__/health")
    except (httpx2.TransportError, httpx2.InvalidURL, ValueError) as reason:
        raise CouldNotLook(f"nobody answers at {url} ({str(reason) or repr(reason)})") from None
    finally:
        target.close()
    body = health.json
    return health.status == 200 and isinstance(body, dict) and body.get("server") == "kling-mock"


def _look(asked: Namespace, meter: Meter | None) -> Found:
    """Looks which dialects are there, and whether the key is let in.

    Raises:
        CouldNotLook: there is none, or it is not.
    """
    served: list[str] = []
    unserved: list[str] = []
    target = Target(asked.url, api_key=asked.api_key, meter=meter)
    try:
        is_mock = meter is None and _is_mock(asked.url)
        for dialect in asked.dialect or documents.DIALECTS:
            path = documents.document(dialect).operations["createSpeech"].path
            answer = target.call("POST", path, body=b"{}")
            if answer.status in (401, 403):
                raise CouldNotLook(
                    f"{asked.url} refuses the key (HTTP {answer.status}, code {answer.code});"
                    " give a valid one with --api-key"
                )
            is_there = answer.status != 404 or bool(asked.dialect)
            (served if is_there else unserved).append(dialect)
    except checks.Broken as reason:
        raise CouldNotLook(
            f"nobody answers at {asked.url} ({reason.saw.splitlines()[0]})"
        ) from None
    finally:
        target.close()
    if not served:
        raise CouldNotLook(f"{asked.url} serves none of {', '.join(documents.DIALECTS)}")
    return Found(is_mock, tuple(served), tuple(unserved))


class _Metered:
    """A pytest plugin that hands the meter over before the suite reads its options."""

    def __init__(self, meter: Meter | None) -> None:
        self._meter = meter

    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> None:
        """Before the suite is loaded."""
        if self._meter is not None:
            early_config.stash[options.METER] = self._meter


def _run(asked: Namespace, seed: int, meter: Meter | None, found: Found, verdicts: Verdicts) -> str:
    """Runs the suite; returns what pytest printed, which is nobody's business while all goes well."""
    dialects = [word for name in found.dialects for word in ("--contract-dialect", name)]
    words = [
        str(_FOLDER),
        *("-c", str(_FOLDER / "check.ini"), "--rootdir", str(_FOLDER)),
        *("-q", "-p", "no:cacheprovider", "--disable-plugin-autoload"),
        *(word for name in _PLUGINS for word in ("-p", name)),
        *("--contract-base-url", asked.url, "--contract-i-will-pay", *dialects),
        *("--contract-seed", str(seed), "--contract-patience", str(asked.patience)),
        *("--hypothesis-profile", asked.profile),
        # Read in this process: no process list shows them.
        *(f"--contract-api-key={asked.api_key}", f"--contract-api-key2={asked.api_key2}"),
    ]
    printed = io.StringIO()
    kept = {name: os.environ.pop(name) for name in _VARIABLES if name in os.environ}
    progress = report.Progress(verdicts)
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            code = pytest.main(words, plugins=[_Metered(meter), verdicts, progress])
    finally:
        os.environ.update(kept)
        progress.end()
    if code == pytest.ExitCode.INTERRUPTED:
        raise CouldNotLook("interrupted")
    if code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        tail = " ".join(printed.getvalue().split()[-60:])
        raise CouldNotLook(f"the kit could not run: {tail}")
    return printed.getvalue()


def _say(message: str) -> None:
    sys.stderr.write(f"kling-mock: {redaction.clean(message)}\n")
