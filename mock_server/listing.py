"""``kling-mock scenarios`` and ``behaviours``: what a server with these settings would do, without a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mock_server import datafile, resources
from mock_server.core.behaviour import Behaviour
from mock_server.settings import Settings
from mock_server.terminal import table

#: What documents of OpenAPI 3.1 are written in, and so the shared part of the schema.
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def scenarios_of(settings: Settings) -> dict[str, Any]:
    """All scenarios with these settings, in the shape of the control API's listScenarios.

    Raises:
        BrokenFile: a file cannot be used.
        UnknownScenario: the default scenario does not exist.
    """
    from mock_server import world  # a server's worth of imports
    from mock_server.core.faulttext import FaultReader
    from mock_server.http import showing
    from mock_server.http.envelope import REASONS

    found = world.scenarios_of(settings, _fixtures(settings), FaultReader(REASONS))
    return {"scenarios": [showing.scenario(item, found) for item in found]}


def scenario_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of scenarios."""
    shown = [
        (
            row["name"],
            ", ".join(row["kinds"]),
            _magic(row, "value"),
            _magic(row, "file"),
            row["summary"],
        )
        for row in rows
    ]
    return table(("NAME", "KINDS", "MAGIC WORD", "MAGIC FILE", "SUMMARY"), shown, "no scenarios")


def _magic(row: Mapping[str, Any], key: str) -> str:
    return ", ".join(dict.fromkeys(item[key] for item in row["magic"] if key in item))


def scenario_schema(settings: Settings) -> dict[str, Any]:
    """The JSON Schema of a scenario file, with all that it refers to.

    Raises:
        BrokenFile: a file cannot be used.
    """
    own = datafile.read(_fixtures(settings) / "schemas" / "scenario.yaml")
    shared = datafile.read(resources.folder("openapi") / "components" / "faults.yaml")
    return {"$schema": _DIALECT, **own, "components": shared["components"]}


def _fixtures(settings: Settings) -> Path:
    return Path(settings.fixtures) if settings.fixtures else resources.folder("fixtures")


def behaviours_of(record: Behaviour) -> dict[str, Any]:
    """The reading in force of every disputed rule, in the shape of the control API's getBehaviours."""
    from mock_server.http import showing

    return {"behaviours": showing.behaviours(record)}


def behaviour_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of behaviours; the choices begin with the default."""
    shown = [
        (row["name"], row["value"], ", ".join(row["choices"]), row["evidence"], row["text"])
        for row in rows
    ]
    return table(("NAME", "VALUE", "CHOICES", "EVIDENCE OF THE FIRST", "ABOUT"), shown, "none")
