"""A run's outcome as CI systems read it: JUnit's XML, with a test case per clause."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from contract_tests import showing
from contract_tests.gathering import Verdict
from contract_tests.outcome import Outcome
from contract_tests.results import FAILED, FINDING, NOT_LOOKED_AT, for_xml


def write(outcome: Outcome, path: Path) -> None:
    """Writes the report.

    Raises:
        OSError: it cannot be written.
    """
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
        _add(suite, verdict)
    for error in outcome.errors:
        case = ElementTree.SubElement(
            suite, "testcase", classname="contract", name="the kit itself"
        )
        ElementTree.SubElement(case, "error", message=for_xml(error))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    path.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _add(suite: ElementTree.Element, verdict: Verdict) -> None:
    clause = verdict.clause
    group = f"contract.{clause.evidence}"
    case = ElementTree.SubElement(suite, "testcase", classname=group, name=clause.id)
    words = for_xml("\n".join(line.strip() for line in showing.broken(verdict)))
    if verdict.result == FAILED:
        ElementTree.SubElement(case, "failure", message=for_xml(clause.text)).text = words
    elif verdict.result == NOT_LOOKED_AT:
        ElementTree.SubElement(case, "skipped", message=for_xml(verdict.message))
    elif verdict.result == FINDING:
        ElementTree.SubElement(case, "system-out").text = f"finding: {words}"
