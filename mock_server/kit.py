"""``kling-mock clauses`` and ``check``: the way from the command line to the contract kit.

The kit is a package of its own that the mock does not depend on; it is imported by name when one of them runs.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from importlib import import_module

from mock_server.terminal import aligned, write, write_json

DIALECTS = ("klingai", "kkiai", "ezmodel")


def fill_clauses(parser: argparse.ArgumentParser) -> None:
    """Gives the parser of ``clauses`` its options."""
    parser.add_argument(
        "--dialect", choices=DIALECTS, default="", help="only what this dialect promises"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_clauses)


def _clauses(arguments: argparse.Namespace) -> int:
    found = import_module("contract_tests.clauses").catalogue(arguments.dialect).values()
    if arguments.json:
        write_json({"clauses": [asdict(clause) for clause in found]})
        return 0
    rows = [(item.id, item.evidence, ",".join(item.dialects), item.text) for item in found]
    write(aligned([("CLAUSE", "EVIDENCE", "DIALECTS", "TEXT"), *rows]))
    return 0
