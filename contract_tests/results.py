"""The four results of a clause, and how texts about them are laid out, for the check and for the probe alike."""

from __future__ import annotations

import re
import textwrap

FAILED, FINDING, NOT_LOOKED_AT, PASSED = "failed", "finding", "not_looked_at", "passed"
#: In the order of their weight.
RESULTS = (FAILED, FINDING, NOT_LOOKED_AT, PASSED)

#: Columns of a report.
_WIDTH = 118
#: What XML cannot hold.
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def wrapped(text: str, indent: str) -> list[str]:
    """A text as lines of a report."""
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def for_xml(text: str) -> str:
    """A text without what XML cannot hold."""
    return _UNPRINTABLE.sub("?", text)
