"""``kling-mock probe-receiver``: one run against one receiver, and what it comes to.

Exit codes: 0 no clause is broken; 1 one is; 2 the probe could not look, or not to the end.
"""

from __future__ import annotations

import random
import secrets
import sys
from argparse import Namespace
from urllib.parse import parse_qsl, urlsplit

from contract_tests import redaction
from contract_tests.probe import report
from contract_tests.probe.battery import Battery, GaveUp
from contract_tests.probe.greeting import CouldNotLook, greet
from contract_tests.probe.pen import Pen
from contract_tests.probe.tally import Tally
from contract_tests.probe.wire import Wire
from contract_tests.results import FAILED
from contract_tests.signatures import PREFIX

KEPT, BROKEN, COULD_NOT_LOOK = 0, 1, 2
#: Values of headers and queries that are shorter would take ordinary words with them when they are hidden.
_SHORTEST = 6
_NO_SECRET = "no secret was given (--secret)"
_NO_ROTATION = "one secret was given; a rotation has two, for a receiver that knows both"


def main(asked: Namespace) -> int:
    """Probes a receiver; returns the exit code."""
    _hide(asked)
    try:
        return _probed(asked)
    except CouldNotLook as reason:
        return _could_not(asked, str(reason))
    except KeyboardInterrupt:
        return _could_not(asked, "stopped before the end: nothing is said of the receiver")
    except OSError as error:
        return _could_not(asked, f"--junit: cannot write {asked.junit} ({error.strerror})")
    finally:
        redaction.forget()


def _hide(asked: Namespace) -> None:
    query = [value for _, value in parse_qsl(urlsplit(asked.url).query)]
    given = [value for _, value in asked.header]
    redaction.hide(*asked.secret, *(text.removeprefix(PREFIX) for text in asked.secret))
    redaction.hide(*(text for text in (*query, *given) if len(text) >= _SHORTEST))


def _could_not(asked: Namespace, reason: str) -> int:
    message = redaction.clean(" ".join(reason.split()))
    if asked.json:
        report.write_json({"exit_code": COULD_NOT_LOOK, "error": message, "clauses": []})
    sys.stderr.write(f"kling-mock: {message}\n")
    return COULD_NOT_LOOK


def _probed(asked: Namespace) -> int:
    seed = random.randrange(2**32) if asked.seed is None else asked.seed
    progress = _Progress()
    battery = Battery(
        asked.url,
        Wire(asked.url, asked.timeout),
        _pen(asked),
        _tally(asked),
        asked.profile,
        seed,
        hidden=frozenset(name.lower() for name, _ in asked.header),
        texts=asked.secret,
        tell=progress.tell,
    )
    tally = battery.tally
    try:
        greet(battery, asked.secret)
        battery.run()
    except GaveUp as reason:
        tally.rest = str(reason)
        tally.errors.append(str(reason))
    finally:
        progress.end()
        battery.wire.close()
    outcome = report.Outcome(asked, seed, battery.sent, tally.verdicts(), tally.errors)
    code = exit_code(outcome)
    report.publish(outcome, code)
    return code


def _pen(asked: Namespace) -> Pen:
    run = secrets.token_hex(4)
    ids = {"task_id": asked.task_id, "external_id": asked.external_id}
    return Pen(run, extra=asked.header, **ids)


def _tally(asked: Namespace) -> Tally:
    """A tally that knows what cannot be looked at."""
    tally = Tally(asked.strict)
    if len(asked.secret) < 2:
        reason = _NO_ROTATION if asked.secret else _NO_SECRET
        tally.reasons["receiver.signature.rotation"] = reason
        tally.reasons["receiver.signature.either-secret"] = reason
    if not asked.secret:
        tally.reasons["receiver.signature"] = tally.reasons["receiver.same-id"] = _NO_SECRET
    return tally


def exit_code(outcome: report.Outcome) -> int:
    """What the outcome comes to: a broken clause outweighs a look that was cut short."""
    if any(verdict.result == FAILED for verdict in outcome.verdicts):
        return BROKEN
    return COULD_NOT_LOOK if outcome.errors else KEPT


class _Progress:
    """Says how far a run is, on a terminal only."""

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._is_shown = self._stream.isatty()

    def tell(self, words: str) -> None:
        """Shows a line in the place of the last one."""
        if self._is_shown:
            self._stream.write(f"\r{words}")
            self._stream.flush()

    def end(self) -> None:
        """Takes the line away again."""
        self.tell(" " * 40 + "\r")
