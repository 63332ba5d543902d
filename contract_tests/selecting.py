"""Which tests of the suite a run needs, and which clauses a test looks at."""

from __future__ import annotations

import re
from typing import Any

import pytest

from contract_tests import documents
from contract_tests.options import Options

#: Why a test was left out.
REASON = pytest.StashKey[str]()
_CANARY = "live-canary"
#: What generated requests look at besides.
_OF_SHAPE = ("schema.answer", "schema.status")
_SOURCE = re.compile(r"Source: (.*)", re.DOTALL)
_ID = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")


def sources_of(item: pytest.Item) -> list[str]:
    """The ids of the clauses that a test's docstring names, and that its case is about."""
    function = getattr(item, "function", None)
    named = _named(getattr(function, "__doc__", None) or "")
    params: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    cases = [getattr(value, "clause", value) for value in params.values()]
    return [*named, *(case for case in cases if isinstance(case, str) and _ID.fullmatch(case))]


def wants_generated(asked: Options, dialect: str, about: str) -> bool:
    """Whether a run needs generated requests of a dialect.

    Args:
        about: the docstring of the test that sends them.
    """
    if dialect not in (asked.dialects or documents.DIALECTS):
        return False
    named = (*_named(about), *_OF_SHAPE)
    return not asked.only or any(matches(identifier, asked.only) for identifier in named)


def is_left_out(item: pytest.Item, asked: Options) -> bool:
    """Whether a run does not need a test; the reason is kept with it."""
    dialects = asked.dialects or documents.DIALECTS
    label = item.name.partition("[")[2]
    if hasattr(item, "operation_label") and not label.startswith(dialects):
        return True
    is_canary = item.get_closest_marker("canary") is not None
    if is_canary and asked.profile.name != _CANARY:
        return True
    if asked.profile.is_live and item.get_closest_marker("billable") and not is_canary:
        item.stash[REASON] = f"it costs money, and the profile {asked.profile.name} spends none"
        return True
    if asked.only and not _is_wanted(item, asked.only):
        item.stash[REASON] = "it was not asked for (--only)"
        return True
    return False


def matches(identifier: str, only: tuple[str, ...]) -> bool:
    """Whether a clause is asked for, by its id or by what it begins with."""
    return any(identifier == word or identifier.startswith(f"{word}.") for word in only)


def _is_wanted(item: pytest.Item, only: tuple[str, ...]) -> bool:
    """Whether a test names a clause that is asked for. Those of shape are looked at by generated requests."""
    if any(matches(identifier, only) for identifier in sources_of(item)):
        return True
    is_generated = hasattr(item, "operation_label")
    return is_generated and any(matches(name, only) for name in _OF_SHAPE)


def _named(about: str) -> list[str]:
    """The ids of the clauses that a docstring names."""
    source = _SOURCE.search(about)
    return _ID.findall(source[1]) if source else []


def dialect_of(item: pytest.Item) -> str:
    """The dialect that a test is about; empty where it is about none."""
    params: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    named = params.get("dialect") or params.get("official")
    if named is None and hasattr(item, "operation_label"):
        label = item.name.partition("[")[2]
        named = next((name for name in documents.DIALECTS if label.startswith(name)), None)
    return str(named or "")
