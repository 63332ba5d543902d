"""Mutants that the kit does not kill, and healthy servers that it fails: known gaps, shown as such."""

from __future__ import annotations

from collections.abc import Mapping

#: What is missing, by the mutant's name.
SURVIVORS: Mapping[str, str] = {
    "caseless_external_ids": "no two external ids that differ in case only are used",
    "late_news": "nobody listens any more when the end was told",
    "fails_on_line_ends": "no text with a line end is sent",
}

#: What the kit says wrongly of a healthy server, by the reading's name.
FALSE_ALARMS: Mapping[str, str] = {
    "lax": "an empty name is schema.request.refused; voice-create.name.empty is assumed",
}
