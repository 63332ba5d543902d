"""Mutants that the kit does not kill, and healthy servers that it fails: known gaps, shown as such."""

from __future__ import annotations

from collections.abc import Mapping

#: What is missing, by the mutant's name.
SURVIVORS: Mapping[str, str] = {}

#: What the kit says wrongly of a healthy server, by the reading's name.
FALSE_ALARMS: Mapping[str, str] = {}
