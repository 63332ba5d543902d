"""Servers with one defect each, and the clause that must name it."""

from __future__ import annotations

from tests import mutants, mutants_lifecycle, mutants_requests
from tests.broken import (
    access,
    envelope,
    everyday,
    gateway,
    lists,
    moments,
    records,
    speech,
    told,
    traces,
    voices,
)
from tests.broken.base import Mutant, dialect_of

_TABLES = (
    *(envelope, records, access, speech, gateway, voices),
    *(lists, told, traces, everyday, moments),
)
#: Further tables, of the form name: (make, clause), by what their names begin with here.
_FURTHER = {
    "": mutants.MUTANTS,
    "requests_": mutants_requests.MUTANTS,
    "lifecycle_": mutants_lifecycle.MUTANTS,
    "signing_": mutants_lifecycle.SIGNING,
}


def everyone() -> dict[str, Mutant]:
    """All mutants by name."""
    found: dict[str, Mutant] = {}
    for module in _TABLES:
        twice = found.keys() & module.TABLE.mutants.keys()
        if twice:
            raise ValueError(f"two mutants are called {min(twice)}")
        found |= module.TABLE.mutants
    for prefix, table in _FURTHER.items():
        for name, (make, clause) in table.items():
            about = (make.__doc__ or name.replace("_", " ")).strip().partition("\n")[0]
            options = _secrets(clause) if prefix == "signing_" else ()
            found[prefix + name] = Mutant(make, clause, about, dialect_of(clause), options=options)
    return found


def _secrets(clause: str) -> tuple[str, str]:
    """The secret that signatures are verified with; two of them where each must have signed."""
    secret, other = mutants_lifecycle.SECRET, mutants_lifecycle.OTHER_SECRET
    is_rotation = clause == "callback.signature.rotation"
    return "--contract-webhook-secret", f"{secret},{other}" if is_rotation else secret
