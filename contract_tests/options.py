"""The kit's command-line options, and what they amount to."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
from hypothesis import Phase, settings
from hypothesis.internal.conjecture import engine

from contract_tests import documents, pace, profiles, redaction, tokens, webhook
from contract_tests.profiles import PROFILES, Profile
from contract_tests.sending import ANSWER_TIMEOUT_S, Sender

#: Of a server whose clock cannot be moved: which part of the stories is told, and how many at least.
_FEWER, _FEWEST = 3, 5
#: Real seconds in which what a run made is deleted, with ease.
_TIDYING_S = 1800.0
#: Real seconds in which a shorter story of what is broken there is looked for, in each test.
_SHRINKING_S = 6


@dataclass(frozen=True, slots=True)
class Options:
    """How a run was asked for. Without a base URL the kit starts the mock itself.

    Attributes:
        max_requests: 0 where the profile says it.
        max_billed: ``None`` where the profile says it.
        callback_url: where the receiver can be reached from anywhere; empty where it cannot.
        callback_port: where it listens; 0 for any.
        sample_url: a recording that can be fetched from anywhere.
        time_limit_s: 0 where the profile says it.
        only: the clauses to look at; all where there are none.
        access_key: an access key that the kit signs tokens for; empty where it has none.
        secret_key: what it signs them with.
        is_thrown_away: whether the server ends with the run, so that nothing need be deleted there.
    """

    base_url: str = ""
    api_key: str = ""
    api_key2: str = ""
    dialects: tuple[str, ...] = ()
    profile: Profile = profiles.DEFAULT
    patience_s: float = 120.0
    timeout_s: float = ANSWER_TIMEOUT_S
    time_limit_s: float = 0.0
    is_free: bool = False
    will_pay: bool = False
    max_requests: int = 0
    max_billed: int | None = None
    har_out: str = ""
    webhook_secret: str = ""
    callback_url: str = ""
    callback_port: int = 0
    sample_url: str = ""
    only: tuple[str, ...] = ()
    is_strict: bool = False
    access_key: str = ""
    secret_key: str = ""
    is_thrown_away: bool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may see."""
        keys = (self.api_key, self.api_key2, self.access_key, self.secret_key)
        return *keys, *webhook.words(self.webhook_secret)


#: Where the tasks stand whose voices could not be deleted after a run.
LEFT = pytest.StashKey[list[str]]()
#: Where ``kling-mock check`` puts the options of its run, and what sends its requests.
GIVEN = pytest.StashKey[tuple[Options, Sender]]()


def of(asked: Namespace) -> Options:
    """The options of ``kling-mock check``."""
    return Options(
        asked.url,
        asked.api_key or _signed(asked),
        asked.api_key2,
        tuple(asked.dialect),
        with_canaries(PROFILES[asked.profile], asked.canary),
        asked.patience,
        asked.timeout,
        asked.time_limit,
        asked.free,
        asked.i_will_pay,
        asked.max_requests,
        asked.max_billed,
        asked.har_out,
        asked.webhook_secret,
        asked.callback_url,
        asked.callback_port,
        asked.sample_url,
        tuple(asked.only),
        asked.strict,
        asked.access_key,
        asked.secret_key,
    )


def half_a_pair(asked: Namespace) -> str:
    """What is wrong where one of access key and secret key is given without the other; else nothing."""
    if bool(asked.access_key) == bool(asked.secret_key):
        return ""
    missing = "--secret-key" if asked.access_key else "--access-key"
    return f"--access-key and --secret-key go together; {missing} is missing"


def _signed(asked: Namespace) -> str:
    """A token that holds for as long as the run may take, and until it is tidied up; empty without a pair."""
    if not (asked.access_key and asked.secret_key):
        return ""
    lasts_s = (asked.time_limit or PROFILES[asked.profile].seconds) + _TIDYING_S
    return tokens.token(asked.access_key, asked.secret_key, valid_to_s=lasts_s)


def with_canaries(profile: Profile, canaries: int) -> Profile:
    """A profile with as many paid tasks as asked for; 0 leaves it as it is."""
    return replace(profile, billed=canaries) if profile.is_live and canaries else profile


def add(parser: pytest.Parser) -> None:
    """Adds the options. Not ``--base-url``: pytest-base-url crashes when another plugin defines it."""
    group = parser.getgroup("contract", "contract kit")
    texts = (
        ("base-url", "URL", "server to test; by default the kit starts the mock itself"),
        ("api-key", "KEY", "API key or JWT to use there; an invented one by default"),
        ("api-key2", "KEY", "key of another account; without it, isolation is not looked at"),
        ("access-key", "KEY", "access key to sign tokens for, so that expired ones are looked at"),
        ("secret-key", "SECRET", "secret to sign them with"),
        ("webhook-secret", "SECRET", "secret that notifications are signed with there"),
        ("har-out", "FILE", "record every exchange there, without secrets"),
        ("callback-url", "URL", "public address of the kit's receiver"),
        ("sample-url", "URL", "a recording of 5 to 30 seconds that the server can fetch"),
    )
    for name, metavar, text in texts:
        group.addoption(f"--contract-{name}", metavar=metavar, default="", help=text)
    _add_ways(group)
    _add_limits(group)


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
        "--contract-only",
        metavar="CLAUSE",
        action="append",
        default=[],
        help="look at this clause, or at those that begin so and a dot; repeatable",
    )
    group.addoption(
        "--contract-seed",
        metavar="N",
        type=int,
        default=None,
        help="seed of what is generated; random and printed on failure by default",
    )
    group.addoption(
        "--contract-strict",
        action="store_true",
        help="breaking an assumed clause is a failure too",
    )
    group.addoption(
        "--contract-free",
        action="store_true",
        help="the server charges nothing, although it is no kling-mock",
    )
    group.addoption(
        "--contract-i-will-pay",
        action="store_true",
        help="let the kit call a server that may charge for it, be it on this machine or not",
    )


def _add_limits(group: pytest.OptionGroup) -> None:
    """Adds the options that are numbers."""
    numbers = (
        ("patience", "SECONDS", float, 120.0, "how long a task may take in real time"),
        ("timeout", "SECONDS", float, ANSWER_TIMEOUT_S, "how long an answer may take"),
        ("time-limit", "SECONDS", float, 0.0, "look at nothing new after that"),
        ("max-requests", "N", int, 0, "send no more requests to a server that may charge"),
        ("max-billed", "N", int, None, "make no more calls that are charged"),
        ("canary", "K", int, 0, "paid tasks of the profile live-canary (default 2)"),
        ("callback-port", "PORT", int, 0, "where the kit's receiver listens"),
    )
    for name, metavar, kind, default, text in numbers:
        group.addoption(
            f"--contract-{name}", metavar=metavar, type=kind, default=default, help=text
        )


def read(config: pytest.Config) -> Options:
    """The options of a run.

    Raises:
        pytest.UsageError: they make no sense.
    """
    given = config.stash.get(GIVEN, None)
    if given is not None:
        return given[0]

    def asked(name: str) -> object:
        return config.getoption(f"--contract-{name}")

    base_url = str(asked("base-url"))
    if base_url and not base_url.startswith(("http://", "https://")):
        raise pytest.UsageError("--contract-base-url: give http://... or https://...")
    try:
        webhook.keys(str(asked("webhook-secret")))
    except ValueError as reason:
        raise pytest.UsageError(f"--contract-webhook-secret: {reason}") from None
    given_words = Namespace(
        url=base_url,
        dialect=asked("dialect"),
        profile=profile_name(),
        **{name.replace("-", "_"): asked(name) for name in _SAME},
    )
    half = half_a_pair(given_words)
    if half:
        raise pytest.UsageError(half.replace("--", "--contract-"))
    return of(given_words)


#: Options that are called the same in pytest, but for the prefix, and in ``kling-mock check``.
_SAME = (
    "api-key",
    "api-key2",
    "access-key",
    "secret-key",
    "webhook-secret",
    "har-out",
    "callback-url",
    "callback-port",
    "sample-url",
    "only",
    "strict",
    "free",
    "i-will-pay",
    "patience",
    "timeout",
    "time-limit",
    "max-requests",
    "max-billed",
    "canary",
)


def hide_secrets(asked: Namespace) -> None:
    """Remembers the secrets that a command was given, so that none is shown."""
    redaction.name_keys(asked.api_key, asked.api_key2)
    redaction.hide(asked.access_key, asked.secret_key, *webhook.words(asked.webhook_secret))


def register_profiles(*, is_far: bool = False) -> None:
    """Registers the hypothesis profiles. None has a deadline: the time of a call is the server's.

    Args:
        is_far: whether each answer of the server takes long, so that less is generated.
    """
    for profile in PROFILES.values():
        settings.register_profile(
            profile.name,
            max_examples=pace.fewer(profile.examples) if is_far else profile.examples,
            derandomize=profile.name == "ci",
            deadline=None,
            database=None,
            print_blob=False,
            report_multiple_bugs=False,
            # No explain phase: it repeats a failing story dozens of times to say which lines it ran.
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
        )


def load_profile(config: pytest.Config) -> None:
    """Loads the default profile where nobody names one.

    Hypothesis loads ``ci`` by itself on CI machines; here that would allow a run to cost more because of where it runs.
    """
    if not config.getoption("--hypothesis-profile", None):
        settings.load_profile(profiles.DEFAULT.name)


def profile_name() -> str:
    """The profile of ``--hypothesis-profile`` if it is one of the kit's, else the default one."""
    chosen = settings.get_current_profile_name()
    return chosen if chosen in PROFILES else profiles.DEFAULT.name


def profile(*, is_hurried: bool = True, is_far: bool = False) -> settings:
    """The settings of the profile.

    Args:
        is_hurried: whether the clock of the server can be moved; where it cannot there are fewer stories.
        is_far: whether each of its answers takes long; then there are fewer still.
    """
    chosen = settings.get_profile(profile_name())
    fewer = max(chosen.max_examples // _FEWER, min(chosen.max_examples, _FEWEST))
    fewer = min(fewer, pace.STORIES) if is_far else fewer
    return chosen if is_hurried else settings(chosen, max_examples=fewer)


@contextmanager
def shrinking_briefly() -> Iterator[None]:
    """Looks for a shorter story of what is broken for a few seconds only, since each try takes many requests."""
    before = engine.MAX_SHRINKING_SECONDS
    engine.MAX_SHRINKING_SECONDS = _SHRINKING_S
    try:
        yield
    finally:
        engine.MAX_SHRINKING_SECONDS = before
