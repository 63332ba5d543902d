"""Whether an instant is Unix time: what happened just now says so."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from contract_tests import checks
from contract_tests.observation import Answer
from contract_tests.saying import Said
from contract_tests.target import Target, is_loopback

_CLAUSE = "time.milliseconds"
#: Milliseconds by which the clocks of two hosts may differ, whatever the reason.
_CLOCKS_DIFFER_MS = 5_400_000


def is_of_now(target: Target, answer: Answer) -> None:
    """A task that was accepted just now says so; what is hours off is no Unix time.

    A kling-mock has a clock of its own. Elsewhere the answer's header Date says what the server's clock shows: one
    that is wrong itself is worth knowing, and no fault of the API.

    Args:
        answer: one that shows a task, within minutes of its creation.

    Raises:
        Broken: created_at is hours off the server's clock.
    """
    if not target.is_mock:
        _is_near(target, answer, "created_at")


def is_not_ahead(target: Target, answer: Answer) -> None:
    """A task cannot have changed in hours to come.

    Raises:
        Broken: updated_at is hours ahead of the server's clock.
    """
    ahead_ms = answer.data["updated_at"] - time.time() * 1000
    if ahead_ms > _CLOCKS_DIFFER_MS and not target.is_mock:
        _is_near(target, answer, "updated_at")


def _is_near(target: Target, answer: Answer, name: str) -> None:
    checks.kept(_CLAUSE)
    instant_ms = answer.data[name]
    off_ms = instant_ms - time.time() * 1000
    if abs(off_ms) <= _CLOCKS_DIFFER_MS:
        return
    words = f"{name} is {{}}, {off_ms / 3_600_000:+.1f} hours off the clock here, where the time in UTC is due"
    saw = Said(words, instant_ms, by=(answer,))
    dated_ms = _dated_ms(answer)
    is_its_clock = dated_ms is not None and abs(instant_ms - dated_ms) <= _CLOCKS_DIFFER_MS
    if is_its_clock or (dated_ms is None and not is_loopback(target.base_url)):
        checks.note(_CLAUSE, saw)
        return
    raise checks.Broken(_CLAUSE, saw)


def _dated_ms(answer: Answer) -> float | None:
    """The header Date in Unix milliseconds, where there is one that can be read."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).timestamp() * 1000
    except (ValueError, TypeError, OverflowError):
        return None
