"""A run's outcome for people, for programs and for CI: lines, one JSON object, JUnit's XML. None holds a secret."""

from __future__ import annotations

import json
import re
import shlex
import sys
import textwrap
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from contract_tests import redaction
from contract_tests.verdicts import (
    FAILED,
    FINDING,
    NOT_LOOKED_AT,
    PASSED,
    RESULTS,
    Verdict,
    Verdicts,
)

_WIDTH = 118
_TITLES = {
    FAILED: "FAILED",
    FINDING: "FINDINGS (assumed clauses, read differently; --strict makes them failures)",
    NOT_LOOKED_AT: "NOT LOOKED AT",
    PASSED: "PASSED",
}
#: What XML cannot hold.
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run, and what was found.

    Attributes:
        asked: the options of the run.
        cost: whose money it is: a kling-mock's, nobody's, or the user's.
        errors: what no clause explains.
        spent: what was sent to a server that is not free.
        left: tasks there whose voices could not be deleted.
    """

    asked: Namespace
    seed: int
    dialects: tuple[str, ...]
    unserved: tuple[str, ...]
    cost: str
    verdicts: list[Verdict]
    errors: list[str]
    spent: str
    left: list[str]

    @property
    def counts(self) -> dict[str, int]:
        """How many clauses have each result."""
        found = Counter(verdict.result for verdict in self.verdicts)
        return {result: found[result] for result in RESULTS}

    @property
    def again(self) -> str:
        """The command that does the same run again, but for the keys."""
        asked = self.asked
        words = ["kling-mock", "check", asked.url, "--seed", str(self.seed)]
        words += ["--profile", asked.profile]
        words += [word for name in asked.dialect for word in ("--dialect", name)]
        words += [flag for flag in ("strict", "free", "i_will_pay") if getattr(asked, flag)]
        shown = [
            f"--{word.replace('_', '-')}" if word in vars(asked) else word for word in words[2:]
        ]
        keys = [flag for flag in ("api_key", "api_key2") if getattr(asked, flag)]
        secret = " ".join(f"--{flag.replace('_', '-')} ..." for flag in keys)
        return f"{shlex.join([*words[:2], *shown])} {secret}".strip()


def publish(outcome: Outcome, code: int) -> None:
    """Writes the outcome wherever it was asked for."""
    if outcome.asked.junit:
        write_junit(outcome, Path(outcome.asked.junit))
    if outcome.asked.json:
        write_json(as_json(outcome, code))
    else:
        _write("\n".join(lines(outcome, code)) + "\n")


def as_json(outcome: Outcome, code: int) -> dict[str, Any]:
    """The outcome as a JSON object."""
    return {
        "exit_code": code,
        "target": outcome.asked.url,
        "dialects": list(outcome.dialects),
        "not_served": list(outcome.unserved),
        "profile": outcome.asked.profile,
        "seed": outcome.seed,
        "strict": outcome.asked.strict,
        "spent": outcome.spent,
        "left": outcome.left,
        "again": outcome.again,
        "counts": outcome.counts,
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
        "steps": (breach.steps or None) if breach else None,
    }


def write_json(value: dict[str, Any]) -> None:
    """Writes one JSON object to standard output, in ASCII."""
    sys.stdout.write(json.dumps(redaction.cleaned(value), indent=2) + "\n")


def lines(outcome: Outcome, code: int) -> Iterator[str]:
    """The outcome for people: what is wrong first, then what nobody looked at, then the rest, then the sum."""
    asked = outcome.asked
    yield (
        f"{asked.url} ({outcome.cost}): {', '.join(outcome.dialects)};"
        f" profile {asked.profile}, seed {outcome.seed}"
    )
    if outcome.unserved:
        yield f"not served, so not looked at: {', '.join(outcome.unserved)}"
    for result in RESULTS:
        of_it = [verdict for verdict in outcome.verdicts if verdict.result == result]
        if of_it:
            yield f"\n{_TITLES[result]}: {len(of_it)}"
            yield from _section(result, of_it)
    for error in outcome.errors:
        yield f"\nTHE KIT STUMBLED: {error}"
    if outcome.left:
        yield f"\nLEFT THERE, the voices of tasks: {', '.join(outcome.left)}"
    yield ""
    yield _sum(outcome, code)
    if code:
        yield f"again: {outcome.again}"


def _section(result: str, verdicts: list[Verdict]) -> Iterator[str]:
    if result == PASSED:
        yield from _wrapped(", ".join(verdict.clause.id for verdict in verdicts), "  ")
    elif result == NOT_LOOKED_AT:
        by_reason: dict[str, list[str]] = {}
        for verdict in verdicts:
            by_reason.setdefault(verdict.message, []).append(verdict.clause.id)
        for reason, identifiers in by_reason.items():
            yield f"  {reason}:"
            yield from _wrapped(", ".join(identifiers), "    ")
    else:
        for verdict in verdicts:
            yield from _broken(verdict)


def _broken(verdict: Verdict) -> Iterator[str]:
    clause, breach = verdict.clause, verdict.breach
    yield f"  {clause.id} ({clause.evidence}) in {breach.dialect if breach else '-'}"
    yield from _wrapped(f"{clause.text} Source: {clause.source}.", "    ")
    for line in f"saw {verdict.message}".splitlines():
        yield f"    {line.strip()}"
    if breach is not None and breach.request:
        yield f"    {breach.request}"
    if breach is not None and breach.steps:
        yield from (f"    | {line}" for line in breach.steps.splitlines())


def _sum(outcome: Outcome, code: int) -> str:
    counts = outcome.counts
    word = ("kept", "BROKEN", "COULD NOT LOOK")[code]
    looked = len(outcome.verdicts) - counts[NOT_LOOKED_AT]
    total = (
        f"{word}: {counts[FAILED]} failed, {counts[FINDING]} findings, {counts[PASSED]} passed;"
        f" {looked} of {len(outcome.verdicts)} clauses were looked at"
    )
    return f"{total}; {outcome.spent}" if outcome.spent else total


def write_junit(outcome: Outcome, path: Path) -> None:
    """Writes a report that CI systems read: a test case per clause."""
    counts = outcome.counts
    suite = ElementTree.Element(
        "testsuite",
        name="kling-mock check",
        tests=str(len(outcome.verdicts)),
        failures=str(counts[FAILED]),
        errors=str(len(outcome.errors)),
        skipped=str(counts[NOT_LOOKED_AT]),
    )
    for verdict in outcome.verdicts:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"contract.{verdict.clause.evidence}",
            name=verdict.clause.id,
        )
        words = "\n".join(line.strip() for line in _broken(verdict))
        if verdict.result == FAILED:
            ElementTree.SubElement(case, "failure", message=_xml(verdict.clause.text)).text = _xml(
                words
            )
        elif verdict.result == NOT_LOOKED_AT:
            ElementTree.SubElement(case, "skipped", message=_xml(verdict.message))
        elif verdict.result == FINDING:
            ElementTree.SubElement(case, "system-out").text = _xml(f"finding: {words}")
    for error in outcome.errors:
        case = ElementTree.SubElement(
            suite, "testcase", classname="contract", name="the kit itself"
        )
        ElementTree.SubElement(case, "error", message=_xml(error))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


class Progress:
    """A pytest plugin that says how far a run is, on a terminal only."""

    def __init__(self, verdicts: Verdicts) -> None:
        self._verdicts = verdicts
        self._stream = sys.stderr
        self._is_shown = self._stream.isatty()
        self._total = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests are known."""
        self._total = len(session.items)

    def pytest_runtest_logfinish(self) -> None:
        """One more test has ended."""
        if self._is_shown:
            self._stream.write(f"\rlooking: {self._verdicts.done} of {self._total} checks ")
            self._stream.flush()

    def end(self) -> None:
        """Takes the line away again."""
        if self._is_shown:
            self._stream.write("\r" + " " * 40 + "\r")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _xml(text: str) -> str:
    return _UNPRINTABLE.sub("?", redaction.clean(text))


def _write(text: str) -> None:
    """Writes to standard output: no secrets, no control characters, a question mark for what it cannot show."""
    encoding = sys.stdout.encoding or "utf-8"
    clean = redaction.clean(text)
    visible = "".join(char if char.isprintable() or char == "\n" else "?" for char in clean)
    sys.stdout.write(visible.encode(encoding, "replace").decode(encoding))
