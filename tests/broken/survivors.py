"""Mutants that the kit does not kill, or not by the clause that they break, and why: known gaps, shown as such."""

from __future__ import annotations

from collections.abc import Mapping

#: What is missing, by the mutant's name.
SURVIVORS: Mapping[str, str] = {
    "info_with_an_empty_id": "an empty external id in task_info is let pass",
    "small_external_ids": "the external ids that are compared have small letters only",
    "cut_external_ids": "the external ids that are compared are short",
    "mangled_names": "only chance looks at names that are not ASCII",
    "caseless_external_ids": "no two external ids that differ in case only are used",
    "late_news": "nobody listens any more when the end was told",
    "fails_on_line_ends": "no text with a line end is sent",
}
