"""How good the kit is: ``python -m tests.score``, from a clone with kling-mock[check,dev].

It breaks servers, each in one way, and looks whether the kit names the broken clause; it asks healthy servers, which
must pass; and it does the same with plain ``schemathesis run`` on the same documents, with that tool's own settings.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from typing import TypeVar

from contract_tests import clauses
from tests.broken import everyone, stock
from tests.broken.health import Healthy, checked
from tests.broken.judging import Judged, judge
from tests.healthy.reading import READINGS

#: With --quick, every so manieth mutant is looked at.
SAMPLE = 12
#: The words for how a mutant fared, in the order of the columns.
_WORDS = ("killed", "found", "other", "survived")
_HEADS = ("FAMILY", "MUTANTS", "NAMED", "AS FINDING", "BY ANOTHER", "SURVIVED", "SCHEMATHESIS")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a mutant.

    Attributes:
        evidence: of the clause that must name it.
        fared: killed (the named clause failed) | found (it is a finding) | other (another failed) | survived.
        named: the clauses that were named.
        stock: whether plain schemathesis kills it; ``None``: not asked.
    """

    name: str
    about: str
    clause: str
    family: str
    evidence: str
    fared: str
    named: list[str]
    seconds: float
    stock: bool | None


def main(words: Sequence[str] | None = None) -> int:
    """Prints the score; returns 1 if a mutant survived, or a healthy server did not pass."""
    asked = _parser().parse_args(words)
    known = everyone()
    unknown = [name for name in asked.only if name not in known]
    if unknown:
        sys.stderr.write(f"score: no mutant is called {unknown[0]}; --list names them\n")
        return 2
    if asked.list:
        sys.stdout.writelines(
            f"{name}  [{one.clause}]  {one.about}\n" for name, one in known.items()
        )
        return 0
    names = asked.only or [*known][:: SAMPLE if asked.quick else 1]
    readings = [] if asked.only else [*READINGS][:: 4 if asked.quick else 1]
    began = time.monotonic()
    with ProcessPoolExecutor(asked.workers, get_context("spawn")) as pool:
        judged = _all(pool, judge, names, "mutants")
        healthy = _all(pool, healthy_of, readings, "healthy servers")
        killed = _all(pool, stock.kills, [] if asked.no_stock else names, "schemathesis, mutants")
        alarms = _all(
            pool, stock.alarms, [] if asked.no_stock else readings, "schemathesis, healthy"
        )
    rows = [_row(name, judged[name], killed.get(name)) for name in names]
    seconds = time.monotonic() - began
    if asked.json:
        _print_json(rows, healthy, alarms, seconds)
    else:
        sys.stdout.write("\n".join(_lines(rows, healthy, alarms, seconds)) + "\n")
    is_bad = any(row.fared in ("other", "survived") for row in rows)
    return int(is_bad or not all(one.passed for one in healthy.values()))


def healthy_of(name: str) -> Healthy:
    """What the kit says of a healthy server."""
    return checked(READINGS[name])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.score", description=__doc__)
    parser.add_argument("--only", metavar="NAME", action="append", default=[], help="this mutant")
    parser.add_argument("--list", action="store_true", help="name the mutants, and run none")
    parser.add_argument("--quick", action="store_true", help=f"every {SAMPLE}th mutant only")
    parser.add_argument("--no-stock", action="store_true", help="without plain schemathesis")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes (default 2)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _all(
    pool: ProcessPoolExecutor, work: Callable[[str], T], names: Iterable[str], what: str
) -> dict[str, T]:
    """Does something for every name, and says on a terminal how far it is."""
    waiting: dict[Future[T], str] = {pool.submit(work, name): name for name in names}
    done: dict[str, T] = {}
    for future in as_completed(waiting):
        done[waiting[future]] = future.result()
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{what}: {len(done)} of {len(waiting)}   ")
    return done


def _row(name: str, judged: Judged, by_stock: bool | None) -> Row:
    mutant = everyone()[name]
    evidence = clauses.find(mutant.clauses[0], mutant.dialect).evidence
    named = sorted(judged.failed | judged.findings)
    fared = judged.says(mutant)
    about, family = mutant.about, mutant.family
    return Row(name, about, mutant.clause, family, evidence, fared, named, judged.seconds, by_stock)


def _lines(
    rows: list[Row], healthy: dict[str, Healthy], alarms: dict[str, int], seconds: float
) -> Iterator[str]:
    yield from _table(rows)
    yield ""
    for row in rows:
        if row.fared in ("other", "survived"):
            by = f" by {', '.join(row.named)}" if row.named else ""
            yield f"{row.fared}{by}: {row.name} [{row.clause}] {row.about}"
    if healthy:
        passed = sum(one.passed for one in healthy.values())
        yield f"healthy servers that pass: {passed} of {len(healthy)}"
    for name, one in healthy.items():
        broken = ", ".join([*one.failed, *one.errors])
        yield f"  {name}: {'passes' if one.passed else broken}; {len(one.findings)} findings" + (
            f"; schemathesis reports {alarms[name]} failures" if name in alarms else ""
        )
    yield f"{seconds:.0f} s"


def _table(rows: list[Row]) -> Iterator[str]:
    """A line per family, those of assumed clauses apart."""
    groups = [
        ("documented or observed", [row for row in rows if row.evidence != clauses.ASSUMED]),
        ("assumed", [row for row in rows if row.evidence == clauses.ASSUMED]),
    ]
    for title, group in groups:
        yield f"\nclauses that are {title}"
        yield _line(_HEADS)
        for family in sorted({row.family for row in group}):
            yield _line(_counted(family, [row for row in group if row.family == family]))
        yield _line(_counted("all", group))


def _counted(title: str, rows: list[Row]) -> tuple[str, ...]:
    fared = [str(sum(row.fared == word for row in rows)) for word in _WORDS]
    asked = [row.stock for row in rows if row.stock is not None]
    return title, str(len(rows)), *fared, f"{sum(asked)} of {len(asked)}" if asked else "-"


def _line(cells: Iterable[str]) -> str:
    first, *others = cells
    return first.ljust(14) + "".join(cell.rjust(14) for cell in others)


def _print_json(
    rows: list[Row], healthy: dict[str, Healthy], alarms: dict[str, int], seconds: float
) -> None:
    found = {
        "seconds": round(seconds, 1),
        "mutants": [asdict(row) for row in rows],
        "healthy": {
            name: {**asdict(one), "passed": one.passed, "schemathesis": alarms.get(name)}
            for name, one in healthy.items()
        },
        "fared": {word: sum(row.fared == word for row in rows) for word in _WORDS},
        "schemathesis": sum(bool(row.stock) for row in rows),
    }
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
