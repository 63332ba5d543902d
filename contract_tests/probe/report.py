"""What a run of the probe has found, for people, for programs and for CI. No secret is in it.

What comes from the user or the receiver is cleaned where it is put in, and the kit's own words are not: a secret that
is an ordinary word must not take the ids of clauses with it.
"""

from __future__ import annotations

import json
import shlex
import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from contract_tests import redaction
from contract_tests.probe.tally import Verdict
from contract_tests.results import (
    FAILED,
    FINDING,
    NOT_LOOKED_AT,
    PASSED,
    RESULTS,
    for_xml,
    wrapped,
)

_TITLES = {
    FAILED: "FAILED",
    FINDING: "FINDINGS (worth knowing; --strict makes them failures)",
    NOT_LOOKED_AT: "NOT LOOKED AT",
    PASSED: "PASSED",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run, and what was found.

    Attributes:
        asked: the options of the run.
        sent: deliveries that were sent.
        errors: what kept the run from looking on.
    """

    asked: Namespace
    seed: int
    sent: int
    verdicts: list[Verdict]
    errors: list[str]

    @property
    def counts(self) -> dict[str, int]:
        """How many clauses have each result."""
        found = Counter(verdict.result for verdict in self.verdicts)
        return {result: found[result] for result in RESULTS}

    @property
    def again(self) -> str:
        """The command that does the same run again, but for secrets."""
        asked = self.asked
        url = redaction.clean(asked.url)
        words = ["kling-mock", "probe-receiver", url, "--seed", str(self.seed)]
        words += ["--profile", asked.profile, "--timeout", f"{asked.timeout:g}"]
        for name in ("task_id", "external_id"):
            if getattr(asked, name):
                words += [f"--{name.replace('_', '-')}", getattr(asked, name)]
        words += ["--strict"] * asked.strict
        secret = " --secret ..." * len(asked.secret)
        named = [shlex.quote(f"{name}: ...") for name, _ in asked.header]
        return shlex.join(words) + secret + "".join(f" --header {name}" for name in named)


def publish(outcome: Outcome, code: int) -> None:
    """Writes the outcome wherever it was asked for.

    Raises:
        OSError: the file of --junit cannot be written.
    """
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
        "target": redaction.clean(outcome.asked.url),
        "profile": outcome.asked.profile,
        "seed": outcome.seed,
        "strict": outcome.asked.strict,
        "deliveries": outcome.sent,
        "again": outcome.again,
        "counts": outcome.counts,
        "errors": redaction.cleaned(outcome.errors),
        "clauses": [_row(verdict) for verdict in outcome.verdicts],
    }


def _row(verdict: Verdict) -> dict[str, Any]:
    return {
        "id": verdict.clause.id,
        "result": verdict.result,
        "evidence": verdict.clause.evidence,
        "source": verdict.clause.source,
        "text": verdict.clause.text,
        "message": redaction.clean(verdict.message),
        "deliveries": verdict.deliveries,
        "request": verdict.request or None,
    }


def write_json(value: dict[str, Any]) -> None:
    """Writes one JSON object to standard output, in ASCII."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def lines(outcome: Outcome, code: int) -> Iterator[str]:
    """The outcome for people: what is wrong first, then what nobody looked at, then the rest, then the sum."""
    asked = outcome.asked
    yield (
        f"kling-mock probe-receiver {redaction.clean(asked.url)}: profile {asked.profile}, seed {outcome.seed},"
        f" {outcome.sent} deliveries"
    )
    for result in RESULTS:
        of_it = [verdict for verdict in outcome.verdicts if verdict.result == result]
        if of_it:
            yield f"\n{_TITLES[result]}: {len(of_it)}"
            yield from _section(result, of_it)
    for error in outcome.errors:
        yield f"\nNOT TO THE END: {redaction.clean(error)}"
    yield ""
    yield _sum(outcome, code)
    if code:
        yield f"again: {outcome.again}"
        if outcome.asked.secret:
            yield "The signatures in the commands above are good for five minutes."


def _section(result: str, verdicts: list[Verdict]) -> Iterator[str]:
    if result == PASSED:
        yield from wrapped(", ".join(verdict.clause.id for verdict in verdicts), "  ")
    elif result == NOT_LOOKED_AT:
        by_reason: dict[str, list[str]] = {}
        for verdict in verdicts:
            by_reason.setdefault(verdict.message, []).append(verdict.clause.id)
        for reason, identifiers in by_reason.items():
            yield f"  {reason}:"
            yield from wrapped(", ".join(identifiers), "    ")
    else:
        for verdict in verdicts:
            yield from _broken(verdict)


def _broken(verdict: Verdict) -> Iterator[str]:
    clause = verdict.clause
    yield f"  {clause.id} ({clause.evidence})"
    yield from wrapped(f"{clause.text} Source: {clause.source}.", "    ")
    yield from wrapped(redaction.clean(verdict.message), "    ")
    if verdict.request:
        yield f"    {verdict.request}"


def _sum(outcome: Outcome, code: int) -> str:
    counts = outcome.counts
    word = ("kept", "BROKEN", "COULD NOT LOOK")[code]
    looked = len(outcome.verdicts) - counts[NOT_LOOKED_AT]
    return (
        f"{word}: {counts[FAILED]} failed, {counts[FINDING]} findings, {counts[PASSED]} passed;"
        f" {looked} of {len(outcome.verdicts)} clauses were looked at"
    )


def write_junit(outcome: Outcome, path: Path) -> None:
    """Writes a report that CI systems read: a test case per clause."""
    counts = outcome.counts
    suite = ElementTree.Element(
        "testsuite",
        name="kling-mock probe-receiver",
        tests=str(len(outcome.verdicts) + len(outcome.errors)),
        failures=str(counts[FAILED]),
        errors=str(len(outcome.errors)),
        skipped=str(counts[NOT_LOOKED_AT]),
    )
    for verdict in outcome.verdicts:
        _add_case(suite, verdict)
    for error in outcome.errors:
        case = ElementTree.SubElement(suite, "testcase", classname="receiver", name="the whole run")
        ElementTree.SubElement(case, "error", message=for_xml(redaction.clean(error)))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _add_case(suite: ElementTree.Element, verdict: Verdict) -> None:
    clause = verdict.clause
    attributes = {"classname": f"receiver.{clause.evidence}", "name": clause.id}
    case = ElementTree.SubElement(suite, "testcase", attributes)
    words = for_xml("\n".join(line.strip() for line in _broken(verdict)))
    if verdict.result == FAILED:
        ElementTree.SubElement(case, "failure", message=for_xml(clause.text)).text = words
    elif verdict.result == NOT_LOOKED_AT:
        ElementTree.SubElement(case, "skipped", message=for_xml(redaction.clean(verdict.message)))
    elif verdict.result == FINDING:
        ElementTree.SubElement(case, "system-out").text = f"finding: {words}"


def _write(text: str) -> None:
    """Writes to standard output: no control characters, a question mark for what it cannot show."""
    encoding = sys.stdout.encoding or "utf-8"
    visible = "".join(char if char.isprintable() or char == "\n" else "?" for char in text)
    sys.stdout.write(visible.encode(encoding, "replace").decode(encoding))
