"""Servers with one defect each, and the clause that must name it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from tests import mutants
from tests.broken import access, envelope, gateway, lists, records, speech, told, voices
from tests.broken.base import Mutant, dialect_of

_TABLES = (envelope, records, access, speech, gateway, voices, lists, told)
#: Further tables, of the form name: (make, clause).
_FURTHER = ("tests.mutants_requests", "tests.mutants_lifecycle")


def everyone() -> dict[str, Mutant]:
    """All mutants by name."""
    found: dict[str, Mutant] = {}
    plain = [mutants.MUTANTS]
    plain += [import_module(name).MUTANTS for name in _FURTHER if find_spec(name)]
    for table in plain:
        for name, (make, clause) in table.items():
            about = (make.__doc__ or name).strip().partition("\n")[0]
            found[name] = Mutant(make, clause, about, dialect_of(clause))
    for module in _TABLES:
        found |= module.TABLE.mutants
    return found
