"""The kit's command-line options, and what they amount to."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import Phase, settings

from contract_tests import documents
from contract_tests.meter import Meter
from contract_tests.target import is_loopback

#: Generated examples per operation and per machine.
PROFILES = {"dev": 50, "ci": 200, "nightly": 2000, "smoke": 5, "standard": 50, "thorough": 500}
DEFAULT_PROFILE = "dev"


@dataclass(frozen=True, slots=True)
class Options:
    """How a run was asked for. Without a base URL the kit starts the mock itself."""

    base_url: str
    api_key: str
    api_key2: str
    dialects: tuple[str, ...]
    patience_s: float
    meter: Meter | None = None


#: Where the tasks stand whose voices could not be deleted after a run.
LEFT = pytest.StashKey[list[str]]()
#: Where ``kling-mock check`` puts the meter of a target that is not free.
METER = pytest.StashKey[Meter]()


def add(parser: pytest.Parser) -> None:
    """Adds the options. Not ``--base-url``: pytest-base-url crashes when another plugin defines it."""
    group = parser.getgroup("contract", "contract kit")
    group.addoption(
        "--contract-base-url",
        metavar="URL",
        default="",
        help="server to test; by default the kit starts the mock itself",
    )
    group.addoption(
        "--contract-api-key",
        metavar="KEY",
        default="",
        help="API key or JWT to use there; an invented one by default, which a mock lets in",
    )
    group.addoption(
        "--contract-api-key2",
        metavar="KEY",
        default="",
        help="key of another account; without it, isolation of accounts is not looked at",
    )
    _add_ways(group)


def _add_ways(group: pytest.OptionGroup) -> None:
    """Adds the options that say how to look, and at what."""
    group.addoption(
        "--contract-dialect",
        action="append",
        default=[],
        choices=documents.DIALECTS,
        help="dialect to test, repeatable; by default all that the server answers",
    )
    group.addoption(
        "--contract-seed",
        metavar="N",
        type=int,
        default=None,
        help="seed of what is generated; random and printed on failure by default",
    )
    group.addoption(
        "--contract-patience",
        metavar="SECONDS",
        type=float,
        default=120.0,
        help="how long to wait for a task to end where the clock cannot be moved (default 120)",
    )
    group.addoption(
        "--contract-i-will-pay",
        action="store_true",
        help="let the kit call a server that is not on this machine, and that may charge for it",
    )


def read(config: pytest.Config) -> Options:
    """The options of a run.

    Raises:
        pytest.UsageError: they make no sense, or would cost money unasked.
    """
    base_url: str = config.getoption("--contract-base-url")
    if base_url and not base_url.startswith(("http://", "https://")):
        raise pytest.UsageError(f"--contract-base-url {base_url}: give http://... or https://...")
    if base_url and not is_loopback(base_url) and not config.getoption("--contract-i-will-pay"):
        raise pytest.UsageError(
            f"--contract-base-url {base_url} is not on this machine, and its calls may cost money; "
            "add --contract-i-will-pay if that is meant"
        )
    return Options(
        base_url,
        config.getoption("--contract-api-key"),
        config.getoption("--contract-api-key2"),
        tuple(config.getoption("--contract-dialect")),
        config.getoption("--contract-patience"),
        config.stash.get(METER, None),
    )


def register_profiles() -> None:
    """Registers the hypothesis profiles. None has a deadline: the time of a call is the server's."""
    for name, examples in PROFILES.items():
        settings.register_profile(
            name,
            max_examples=examples,
            derandomize=name == "ci",
            deadline=None,
            database=None,
            print_blob=False,
            report_multiple_bugs=False,
            # No explain phase: it repeats a failing story dozens of times to say which lines it ran.
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
        )


def profile() -> settings:
    """The profile of ``--hypothesis-profile`` if it is one of the kit's, else the default one."""
    chosen = settings.get_current_profile_name()
    return settings.get_profile(chosen if chosen in PROFILES else DEFAULT_PROFILE)
