"""A run's outcome for people: what is wrong first, then what nobody looked at, then the rest, then the sum."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from contract_tests import documents
from contract_tests.gathering import Verdict
from contract_tests.outcome import Outcome
from contract_tests.redaction import KEY, KEY2
from contract_tests.results import FAILED, FINDING, NOT_LOOKED_AT, PASSED, RESULTS, wrapped

#: Tasks that are named of those that are left.
_NAMED = 20
#: Addresses of the kit's receiver, in the bodies of requests.
_RECEIVER = re.compile(r'"(http://[^/"]+)/(?:sample\.wav|mock-too-short|garden/|refuse/|machine/)')
#: Command lines that are shown of those which lead to one breach; --json has all.
_CURLS = 3
_TITLES = {
    FAILED: "FAILED",
    FINDING: "FINDINGS (assumed clauses, read differently; --strict makes them failures)",
    NOT_LOOKED_AT: "NOT LOOKED AT",
    PASSED: "PASSED",
}
_RED, _YELLOW, _GREEN = "31", "33", "32"
_COLOURS = {FAILED: _RED, FINDING: _YELLOW, NOT_LOOKED_AT: _YELLOW, PASSED: _GREEN}


class Line(NamedTuple):
    """A line, and the colour of it where the terminal has colours."""

    text: str
    colour: str = ""


def lines(outcome: Outcome, code: int) -> list[Line]:
    """The report."""
    return list(_lines(outcome, code))


def _lines(outcome: Outcome, code: int) -> Iterator[Line]:
    seeded = f", seed {outcome.seed}" if outcome.seed is not None else ""
    yield Line(
        f"{outcome.target} ({outcome.cost}): {', '.join(outcome.dialects)};"
        f" profile {outcome.profile}{seeded}"
    )
    if outcome.unserved:
        yield Line(f"not served, so not looked at: {', '.join(outcome.unserved)}")
    if outcome.reduced:
        yield Line(outcome.reduced)
    for result in RESULTS:
        of_it = [verdict for verdict in outcome.verdicts if verdict.result == result]
        if of_it:
            yield Line("")
            yield Line(f"{_TITLES[result]}: {len(of_it)}", _COLOURS[result])
            yield from map(Line, _section(result, of_it))
    yield Line("")
    yield from map(Line, _coverage(outcome))
    for alarm in _alarms(outcome):
        yield Line("")
        yield Line(alarm, _RED)
    yield Line("")
    yield Line(_sum(outcome, code), _RED if code else _GREEN)
    yield from map(Line, _before_pasting(outcome))
    if code:
        yield Line(f"again: {outcome.again}")


def _section(result: str, verdicts: list[Verdict]) -> Iterator[str]:
    if result == PASSED:
        yield from wrapped(", ".join(verdict.clause.id for verdict in verdicts), "  ")
    elif result == NOT_LOOKED_AT:
        by_reason: dict[str, list[str]] = {}
        for verdict in verdicts:
            by_reason.setdefault(verdict.message, []).append(verdict.clause.id)
        for reason, identifiers in by_reason.items():
            yield f"  {' '.join(reason.split())}: {len(identifiers)}"
            yield from wrapped(", ".join(identifiers), "    ")
    else:
        for verdict in verdicts:
            yield from broken(verdict)


def broken(verdict: Verdict) -> Iterator[str]:
    """What is said of a broken clause: the clause, what was seen, and the requests that show it."""
    clause, breach = verdict.clause, verdict.breach
    yield f"  {clause.id} ({clause.evidence}) in {breach.dialect if breach else '-'}"
    yield from wrapped(f"{clause.text} Source: {clause.source}.", "    ")
    for line in f"seen: {verdict.message}".splitlines():
        yield f"    {line.strip()}"
    if breach is None:
        return
    earlier = [line for line in breach.requests if line != breach.request]
    shown = [line for line in [*earlier, breach.request] if line]
    yield from (f"    {line}" for line in shown[-_CURLS:])
    yield from (f"    | {line}" for line in breach.steps.splitlines())


def _coverage(outcome: Outcome) -> Iterator[str]:
    """What was touched; an operation that was not is named."""
    covered = outcome.covered
    known = [
        f"{dialect} {name}"
        for dialect in outcome.dialects
        for name in documents.document(dialect).operations
    ]
    missing = [name for name in known if not covered.operations[name]]
    yield "COVERAGE"
    yield f"  operations: {len(known) - len(missing)} of {len(known)}"
    if missing:
        yield from wrapped(f"never called: {', '.join(missing)}", "    ")
    named: tuple[tuple[str, Counter[str]], ...] = (
        ("statuses", covered.statuses),
        ("links", covered.links),
        ("lifecycle states", covered.states),
        ("callbacks", covered.callbacks),
    )
    for name, counted in named:
        shown = ", ".join(f"{key} x{number}" for key, number in sorted(counted.items()))
        yield from wrapped(f"{name}: {shown or 'none seen'}", "  ")


def _alarms(outcome: Outcome) -> Iterator[str]:
    """What must not be overlooked."""
    for error in outcome.errors:
        yield "INTERRUPTED" if error == "interrupted" else f"THE KIT STUMBLED: {error}"
    if outcome.unexpected:
        yield (
            f"MONEY: {outcome.unexpected} calls that every server must refuse were accepted, and may be charged:"
            f" {outcome.spent}"
        )
    if outcome.gave_up and outcome.gave_up not in outcome.errors:
        yield outcome.gave_up[:1].upper() + outcome.gave_up[1:]
    if outcome.is_spent:
        yield f"THE BUDGET IS SPENT, and not everything was looked at: {outcome.spent}"
    if outcome.left:
        named = ", ".join(outcome.left[:_NAMED])
        more = (
            f" and {len(outcome.left) - _NAMED} more (--json)" if len(outcome.left) > _NAMED else ""
        )
        yield (
            f"LEFT THERE, the voices of {len(outcome.left)} tasks, which did not end within half a minute or could"
            f" not be deleted: {named}{more}"
        )


def _before_pasting(outcome: Outcome) -> Iterator[str]:
    """What must be known before a command line is pasted: where the keys go, and whose addresses are gone."""
    breaches = [item.breach for item in outcome.verdicts if item.breach is not None]
    text = "\n".join(line for breach in breaches for line in breach.requests)
    named = [f"${name}" for name in (KEY, KEY2) if f'${name}"' in text]
    if named:
        yield f"before you paste: put the key{'s' * (len(named) - 1)} into {' and '.join(named)}, and export"
    receiver = _RECEIVER.search(text)
    if receiver:
        yield f"{receiver[1]} was the kit's own receiver, with a recording, and is gone: put yours there"


def _sum(outcome: Outcome, code: int) -> str:
    counts = outcome.counts
    word = ("kept", "BROKEN", "COULD NOT LOOK")[code]
    total = (
        f"{word}: {counts[FAILED]} failed, {counts[FINDING]} findings, {counts[PASSED]} passed,"
        f" {counts[NOT_LOOKED_AT]} not looked at; {len(outcome.verdicts) - counts[NOT_LOOKED_AT]}"
        f" of {len(outcome.verdicts)} clauses were looked at"
    )
    return f"{total}; {outcome.spent}" if outcome.spent else total
