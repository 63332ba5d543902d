"""The contract kit: a pytest suite, ``kling-mock check``, and clauses to use one by one (see ``library``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contract_tests.checks import Broken
    from contract_tests.library import (
        Answer,
        History,
        Notification,
        Request,
        check_answer,
        check_notification,
        check_refusal,
        from_har,
        from_httpx,
        from_requests,
    )

__all__ = [
    "Answer",
    "Broken",
    "History",
    "Notification",
    "Request",
    "check_answer",
    "check_notification",
    "check_refusal",
    "from_har",
    "from_httpx",
    "from_requests",
]


def __getattr__(name: str) -> Any:
    """What ``library`` has, read when it is first asked for: the suite itself needs none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from contract_tests import checks, library

    return checks.Broken if name == "Broken" else getattr(library, name)
