"""``kling-mock check``: one run of the suite against one server, and what it comes to.

Exit codes: 0 the contract is kept; 1 it is broken; 2 the kit could not look.
"""

from __future__ import annotations

import io
import os
import random
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx2
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

from contract_tests import (
    checks,
    clauses,
    coverage,
    documents,
    first_look,
    generating,
    har,
    options,
    pace,
    redaction,
    report,
    routes,
    selecting,
    serving,
    webhook,
)
from contract_tests.meter import NotSent
from contract_tests.observation import Answer
from contract_tests.options import Options
from contract_tests.outcome import Outcome, again, too_late
from contract_tests.progress import Progress
from contract_tests.results import FAILED, NOT_LOOKED_AT
from contract_tests.run import explain, is_mock, open_sender, refusal_to_pay
from contract_tests.sending import Sender
from contract_tests.target import Target
from contract_tests.verdicts import Verdicts

KEPT, BROKEN, COULD_NOT_LOOK = 0, 1, 2
#: The plugins that the suite needs; no other that happens to be installed is loaded.
_PLUGINS = ("_hypothesis_pytestplugin", "schemathesis.pytest.plugin")
#: Those of pytest's own that would keep something, or look for garbage again and again at the end.
UNNEEDED = (
    "cacheprovider",
    "unraisableexception",
    "threadexception",
    "logging",
    "doctest",
    "junitxml",
    "pastebin",
    "debugging",
    "faulthandler",
    "setuponly",
    "setupplan",
    "stepwise",
    "unittest",
)
#: Variables that would change what pytest does.
_VARIABLES = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")
_FOLDER = Path(__file__).resolve().parent
_INTERRUPTED = "interrupted"


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
    options.hide_secrets(asked)
    redaction.hide_user(asked.url)
    coverage.seen.clear()
    try:
        with _interruptible():
            return _checked(asked)
    except (CouldNotLook, NotSent, serving.CannotServe, OSError) as reason:
        return _could_not_look(asked, str(reason).removeprefix("not looked at: "))
    except KeyboardInterrupt:
        return _could_not_look(asked, _INTERRUPTED)
    finally:
        redaction.forget()


def _could_not_look(asked: Namespace, reason: str) -> int:
    message = redaction.clean(" ".join(reason.split()))
    if asked.json:
        said = {"gave_up": _INTERRUPTED} if message == _INTERRUPTED else {}
        report.write_json({"exit_code": COULD_NOT_LOOK, "error": message, **said, "clauses": []})
    sys.stderr.write(f"kling-mock: {message}\n")
    return COULD_NOT_LOOK


@contextmanager
def _interruptible() -> Iterator[None]:
    """Takes SIGTERM for Ctrl-C, so that what was made is deleted."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread: whoever runs us there takes care of signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _checked(asked: Namespace) -> int:
    _check_words(asked)
    seed = random.randrange(2**32) if asked.seed is None else asked.seed
    with ExitStack() as stack:
        # Hypothesis keeps nothing of a run, but makes its folder wherever it is called.
        set_hypothesis_home_dir(stack.enter_context(TemporaryDirectory(prefix="kling-mock-")))
        stack.enter_context(generating.prepared())
        url = asked.url or stack.enter_context(serving.served(asked.app))
        is_own = not (asked.url or asked.app)
        wanted = replace(options.of(asked), base_url=url, is_thrown_away=is_own)
        sender, is_a_mock = _opened(wanted)
        stack.callback(sender.close)
        stack.callback(har.end, sender)
        found = _look(wanted, sender, is_a_mock=is_a_mock)
        wanted = replace(wanted, dialects=found.dialects)
        verdicts = Verdicts(found.dialects, sender, strict=asked.strict)
        if not found.is_mock:
            stack.enter_context(options.shrinking_briefly())
        printed, is_interrupted = _run(asked, seed, wanted, sender, verdicts)
        outcome = _outcome(asked, wanted, seed, found, sender, verdicts)
    if is_interrupted:
        outcome.errors.insert(0, _INTERRUPTED)
        outcome = replace(outcome, gave_up=_INTERRUPTED)
    elif not verdicts.done and not verdicts.errors:
        raise CouldNotLook(f"no test ran: {' '.join(printed.split()[-60:])}")
    code = COULD_NOT_LOOK if is_interrupted else exit_code(outcome)
    report.publish(outcome, code, asked)
    return code


def _check_words(asked: Namespace) -> None:
    """Looks at what can be wrong before anything is sent.

    Raises:
        CouldNotLook: a clause does not exist, or a secret is none, or half of one.
        OSError: the JUnit report cannot be written.
    """
    for word in asked.only:
        if not any(selecting.matches(name, (word,)) for name in clauses.catalogue()):
            raise CouldNotLook(f"--only {word}: no such clause; kling-mock clauses lists them")
    try:
        webhook.keys(asked.webhook_secret)
    except ValueError as reason:
        raise CouldNotLook(f"--webhook-secret: {reason}") from None
    if half := options.half_a_pair(asked):
        raise CouldNotLook(half)
    if asked.junit:
        with Path(asked.junit).open("a", encoding="utf-8"):
            pass


def _outcome(
    asked: Namespace,
    wanted: Options,
    seed: int,
    found: Found,
    sender: Sender,
    verdicts: Verdicts,
) -> Outcome:
    _charged(sender, verdicts)
    _strange(sender, verdicts)
    said = list(verdicts.verdicts())
    if asked.only:
        said = [
            verdict
            for verdict in said
            if verdict.result == FAILED or selecting.matches(verdict.clause.id, tuple(asked.only))
        ]
    meter = sender.meter
    return Outcome(
        asked.url or asked.app or "a kling-mock of its own",
        asked.profile,
        seed,
        asked.strict,
        found.dialects,
        found.unserved,
        "kling-mock" if found.is_mock else "free, says --free" if asked.free else "paid",
        again(asked, seed),
        said,
        verdicts.errors,
        meter.spent() if meter else "",
        bool(meter and meter.is_spent),
        sender.gave_up or too_late(verdicts.late, wanted.time_limit_s or wanted.profile.seconds),
        [] if found.is_mock else verdicts.left,
        len(sender.charged) if meter and meter.is_paid else 0,
        pace.words(sender.pace, wanted.profile.examples),
    )


def _charged(sender: Sender, verdicts: Verdicts) -> None:
    """Says that what must be refused was accepted, even where the test that saw it was then held back."""
    clause, due = "schema.request.refused", "a refusal of what the document forbids"
    for exchange in sender.charged:
        asked, answer = exchange.request, exchange.answer
        route = routes.find(asked.method, urlsplit(asked.url).path, prefix=sender.prefix)
        if route is not None and answer is not None and not verdicts.is_broken(clause):
            broken = checks.Broken(clause, checks.not_due(answer, due))
            verdicts.failed(broken, route.dialect, [exchange])


def _strange(sender: Sender, verdicts: Verdicts) -> None:
    """Says what is wrong with a server that was given up since no answer was one, whatever ended which test."""
    for exchange in sender.strange[-1:] if sender.gave_up else ():
        asked = exchange.request
        route = routes.find(asked.method, urlsplit(asked.url).path, prefix=sender.prefix)
        if route is None or exchange.answer is None:
            continue
        try:
            checks.envelope(exchange.answer, route.dialect)
        except checks.Broken as broken:
            if not verdicts.is_broken(broken.clause):
                verdicts.failed(broken, route.dialect, [exchange])


def exit_code(outcome: Outcome) -> int:
    """What the outcome comes to: a broken clause outweighs a look that was not possible."""
    if any(verdict.result == FAILED for verdict in outcome.verdicts):
        return BROKEN
    was_blind = all(verdict.result == NOT_LOOKED_AT for verdict in outcome.verdicts)
    return COULD_NOT_LOOK if outcome.errors or was_blind else KEPT


def _opened(wanted: Options) -> tuple[Sender, bool]:
    """What sends the requests, and whether the server is a kling-mock.

    Raises:
        CouldNotLook: nobody is there, or nobody agreed to pay.
    """
    try:
        is_a_mock = is_mock(wanted)
    except httpx2.TransportError as reason:
        raise CouldNotLook(explain(reason, wanted.base_url)) from None
    sender = open_sender(wanted, is_mock=is_a_mock)
    meter = sender.meter
    if meter is not None and meter.is_paid:
        refusal = refusal_to_pay(wanted, meter)
        if refusal:
            raise CouldNotLook(
                f"{refusal}; add --i-will-pay if that is meant, or --free if it charges nothing"
            )
        sys.stderr.write(f"kling-mock: this may cost: {meter.plan()}\n")
        sys.stderr.flush()
    return sender, is_a_mock


def _look(wanted: Options, sender: Sender, *, is_a_mock: bool) -> Found:
    """Looks which dialects are there, and whether the key is let in.

    Raises:
        CouldNotLook: there is none, or it is not.
    """
    served: list[str] = []
    unserved: list[str] = []
    strange: list[Answer] = []
    target = Target(wanted.base_url, api_key=wanted.api_key, sender=sender)
    try:
        for dialect in wanted.dialects or documents.DIALECTS:
            answer = first_look.greeted(target, dialect)
            if answer is None:  # somebody is there, whose answers break a clause
                served.append(dialect)
                continue
            if answer.status in (401, 403):
                pair = ", or --access-key and --secret-key" if wanted.access_key else ""
                raise CouldNotLook(_refused(wanted, answer, "the key", f"--api-key{pair}"))
            is_strange = not wanted.dialects and first_look.is_a_page(answer)
            strange += [answer] if is_strange else []
            is_there = bool(wanted.dialects) or not (answer.status == 404 or is_strange)
            (served if is_there else unserved).append(dialect)
        if not served and strange and first_look.is_the_api(target):
            served = list(documents.DIALECTS)  # it is the API, and breaks clauses
    except checks.Broken as reason:
        words = reason.saw.splitlines()[0].partition("due: ")[2] or reason.saw
        raise CouldNotLook(f"nobody answers at {wanted.base_url} ({words})") from None
    if strange and not served:
        raise CouldNotLook(first_look.is_something_else(wanted.base_url, strange[0]))
    if not served:
        raise CouldNotLook(f"{wanted.base_url} serves none of {', '.join(documents.DIALECTS)}")
    _look_at_the_second_key(wanted, target, served[0])
    while sender.pace.wants_more and first_look.greeted(target, served[0]):
        pass
    sender.pace.settle()
    return Found(is_a_mock, tuple(served), tuple(unserved))


def _refused(wanted: Options, answer: Answer, key: str, option: str) -> str:
    return (
        f"{wanted.base_url} refuses {key} (HTTP {answer.status}, code {answer.code});"
        f" give a valid one with {option}"
    )


def _look_at_the_second_key(wanted: Options, target: Target, dialect: str) -> None:
    """Looks whether the key of the other account is let in.

    Raises:
        CouldNotLook: it is not.
    """
    if not wanted.api_key2:
        return
    other = target.with_key(wanted.api_key2)
    answer = first_look.greeted(other, dialect)
    if answer is not None and answer.status in (401, 403):
        raise CouldNotLook(_refused(wanted, answer, "the second key", "--api-key2"))


class _Given:
    """A pytest plugin that hands the options over before the suite reads its own."""

    def __init__(self, wanted: Options, sender: Sender) -> None:
        self._given = (wanted, sender)

    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> None:
        """Before the suite is loaded."""
        early_config.stash[options.GIVEN] = self._given


def _run(
    asked: Namespace, seed: int, wanted: Options, sender: Sender, verdicts: Verdicts
) -> tuple[str, bool]:
    """Runs the suite; returns what pytest printed, which is nobody's business, and whether it was interrupted."""
    words = [
        str(_FOLDER),
        *("-c", str(_FOLDER / "check.ini"), "--rootdir", str(_FOLDER)),
        *("-q", "--tb=native", "--assert=plain", "--disable-plugin-autoload"),
        *(word for name in UNNEEDED for word in ("-p", f"no:{name}")),
        *(word for name in _PLUGINS for word in ("-p", name)),
        *("--contract-seed", str(seed), "--hypothesis-profile", asked.profile),
    ]
    printed = io.StringIO()
    kept = {name: os.environ.pop(name) for name in _VARIABLES if name in os.environ}
    progress = Progress(verdicts, is_wanted=asked.progress)
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            code = pytest.main(words, plugins=[_Given(wanted, sender), verdicts, progress])
    finally:
        os.environ.update(kept)
        progress.end()
    if code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        tail = " ".join(printed.getvalue().split()[-60:])
        raise CouldNotLook(f"the kit could not run: {tail}")
    return printed.getvalue(), code == pytest.ExitCode.INTERRUPTED
