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


def everyone(*, further: bool = True) -> dict[str, Mutant]:
    """All mutants by name.

    Args:
        further: whether those are among them that have tests of their own.
    """
    found: dict[str, Mutant] = {}
    for module in _TABLES:
        twice = found.keys() & module.TABLE.mutants.keys()
        if twice:
            raise ValueError(f"two mutants are called {min(twice)}")
        found |= module.TABLE.mutants
    tables = {"": mutants.MUTANTS}
    for where in _FURTHER if further else ():
        if find_spec(where):
            tables[f"{where.rpartition('_')[2]}_"] = import_module(where).MUTANTS
    for prefix, table in tables.items():
        for name, (make, clause) in table.items():
            about = (make.__doc__ or name.replace("_", " ")).strip().partition("\n")[0]
            found[prefix + name] = Mutant(make, clause, about, dialect_of(clause))
    return found
