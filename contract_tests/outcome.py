"""A run, and what was found in it."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections import Counter
from dataclasses import dataclass, field

from contract_tests import coverage, redaction
from contract_tests.gathering import Verdict
from contract_tests.results import RESULTS

#: Options that change what a run sees, and what they are unless given.
_WORDS = {
    "profile": "",
    "patience": 120.0,
    "timeout": 30.0,
    "time_limit": 0.0,
    "max_requests": 0,
    "max_billed": None,
    "canary": 0,
    "callback_url": "",
    "callback_port": 0,
    "sample_url": "",
    "base_url": "",
}
_FLAGS = ("strict", "free", "i_will_pay")
_LISTS = ("dialect", "only")
#: Secrets, and the variables that hold them.
KEYS = {
    "api_key": redaction.KEY,
    "api_key2": redaction.KEY2,
    "access_key": "KLING_MOCK_ACCESS_KEY",
    "secret_key": "KLING_MOCK_SECRET_KEY",
    "webhook_secret": "KLING_MOCK_WEBHOOK_SECRET",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run, and what was found.

    Attributes:
        target: the address, or the recording.
        seed: ``None`` where nothing was generated.
        cost: whose money it is: a kling-mock's, nobody's, or the user's.
        again: the command that does the same again, but for the keys.
        errors: what no clause explains.
        spent: what was sent to a server that is not free.
        is_spent: whether the budget was too small.
        unexpected: calls that may be charged although every server must refuse them.
        gave_up: why the run looked at nothing more, if it did.
        reduced: what was done less of, and why, since the server is far away.
        left: tasks there whose voices could not be deleted.
    """

    target: str
    profile: str
    seed: int | None
    is_strict: bool
    dialects: tuple[str, ...]
    unserved: tuple[str, ...]
    cost: str
    again: str
    verdicts: list[Verdict]
    errors: list[str] = field(default_factory=list)
    spent: str = ""
    is_spent: bool = False
    gave_up: str = ""
    left: list[str] = field(default_factory=list)
    unexpected: int = 0
    reduced: str = ""
    covered: coverage.Coverage = field(default_factory=lambda: coverage.seen)

    @property
    def counts(self) -> dict[str, int]:
        """How many clauses have each result."""
        found = Counter(verdict.result for verdict in self.verdicts)
        return {result: found[result] for result in RESULTS}


def again(asked: Namespace, seed: int) -> str:
    """The command that does the same run again; keys stand in it by the names of their variables."""
    words = ["kling-mock", "check"]
    words += [asked.url] if asked.url else []
    words += ["--app", asked.app] if asked.app else []
    words += ["--seed", str(seed)]
    for name, default in _WORDS.items():
        value = getattr(asked, name, default)
        if value != default:
            shown = f"{value:g}" if isinstance(value, float) else str(value)
            words += [_option(name), shown]
    words += [
        word for name in _LISTS for item in getattr(asked, name) for word in (_option(name), item)
    ]
    words += [_option(flag) for flag in _FLAGS if getattr(asked, flag)]
    keys = [
        f'{_option(name)} "${variable}"' for name, variable in KEYS.items() if getattr(asked, name)
    ]
    return " ".join([shlex.join(words), *keys])


def too_late(tests: int, limit_s: float) -> str:
    """What is said where the time of a run did not suffice for all tests; empty where it did."""
    if not tests:
        return ""
    return (
        f"THE TIME IS UP after {limit_s:g} s: {tests} tests did not run, or not to their end; give more with"
        " --time-limit, or look at less with --dialect or --profile smoke"
    )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
