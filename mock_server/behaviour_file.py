"""Readings of disputed rules in a YAML file: ``delete_answer: stub``, one line each."""

from __future__ import annotations

from pathlib import Path

from mock_server import datafile
from mock_server.core.behaviour import Behaviour, UnknownBehaviour
from mock_server.datafile import BrokenFile

#: What a file of readings is known by.
ENDINGS = (".yaml", ".yml")
_SCHEMA = {"type": "object", "additionalProperties": {"type": ["string", "integer"]}}


def readings(path: Path) -> dict[str, str]:
    """The readings of a file, by the name of the behaviour.

    Raises:
        BrokenFile: it cannot be used; the message names file, line, key and remedy.
    """
    value = datafile.read_checked(path, _SCHEMA)
    found = {str(name): str(choice) for name, choice in value.items()}
    for name, choice in found.items():
        try:
            Behaviour().replaced(name, choice)
        except UnknownBehaviour as error:
            line = datafile.line_of(datafile.read_text(path), [name])
            raise BrokenFile(f"{path}:{line}: {error}") from None
    return found
