"""A run's outcome, written to where it was asked for. No secret gets out, and no control character."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

from contract_tests import junit, redaction, showing
from contract_tests.gathering import Verdict
from contract_tests.outcome import Outcome

_INTERRUPTED = "interrupted"


def publish(outcome: Outcome, code: int, asked: Namespace) -> None:
    """Writes the outcome.

    Raises:
        OSError: a file cannot be written.
    """
    outcome = _cleaned(outcome)
    if asked.junit:
        junit.write(outcome, Path(asked.junit))
    if asked.json:
        write_json(as_json(outcome, code))
    else:
        _write(showing.lines(outcome, code))


def _cleaned(outcome: Outcome) -> Outcome:
    """An outcome without secrets, wherever users and servers had a say; the words of the kit stay as they are."""
    clean = redaction.clean
    return replace(
        outcome,
        target=clean(outcome.target),
        again=clean(outcome.again),
        errors=[clean(error) for error in outcome.errors],
        gave_up=clean(outcome.gave_up),
        left=[clean(item) for item in outcome.left],
        verdicts=[_cleaned_verdict(verdict) for verdict in outcome.verdicts],
    )


def _cleaned_verdict(verdict: Verdict) -> Verdict:
    breach = verdict.breach
    if breach is None:
        return verdict
    clean = redaction.clean
    cleaned = replace(
        breach,
        saw=clean(breach.saw),
        request=clean(breach.request),
        requests=tuple(clean(line) for line in breach.requests),
        steps=clean(breach.steps),
    )
    return replace(verdict, message=clean(verdict.message), breach=cleaned)


def as_json(outcome: Outcome, code: int) -> dict[str, Any]:
    """The outcome as a JSON object."""
    return {
        "exit_code": code,
        "target": outcome.target,
        "dialects": list(outcome.dialects),
        "not_served": list(outcome.unserved),
        "profile": outcome.profile,
        "seed": outcome.seed,
        "strict": outcome.is_strict,
        "spent": outcome.spent,
        "budget_spent": outcome.is_spent,
        "unexpected_charges": outcome.unexpected,
        "gave_up": outcome.gave_up or _INTERRUPTED * (_INTERRUPTED in outcome.errors),
        "reduced": outcome.reduced,
        "left": outcome.left,
        "again": outcome.again,
        "counts": outcome.counts,
        "coverage": {
            name: dict(sorted(counted.items())) for name, counted in vars(outcome.covered).items()
        },
        "errors": outcome.errors,
        "clauses": [_row(verdict) for verdict in outcome.verdicts],
    }


def _row(verdict: Verdict) -> dict[str, Any]:
    breach = verdict.breach
    return {
        "id": verdict.clause.id,
        "result": verdict.result,
        "evidence": verdict.clause.evidence,
        "source": verdict.clause.source,
        "text": verdict.clause.text,
        "message": verdict.message,
        "looked_at_in": verdict.looked_at,
        "broken_in": breach.dialect if breach else None,
        "request": (breach.request or None) if breach else None,
        "requests": list(breach.requests) if breach else [],
        "steps": (breach.steps or None) if breach else None,
    }


def write_json(value: dict[str, Any]) -> None:
    """Writes one JSON object to standard output, in ASCII."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def _write(lines: list[showing.Line]) -> None:
    """Writes to standard output: a question mark for what it cannot show, colours on a terminal only."""
    encoding = sys.stdout.encoding or "utf-8"
    is_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    for line in lines:
        visible = "".join(char if char.isprintable() else "?" for char in line.text)
        shown = visible.encode(encoding, "replace").decode(encoding)
        if is_coloured and line.colour:
            shown = f"\x1b[{line.colour}m{shown}\x1b[0m"
        sys.stdout.write(shown + "\n")
