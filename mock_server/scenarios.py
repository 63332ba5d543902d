"""The scenarios of a fixtures folder, and the magic values that choose them."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from os.path import commonprefix
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mock_server import datafile
from mock_server.core.errors import Reason
from mock_server.core.scenario import Plan, Refusal, Scenario, UnknownScenario
from mock_server.core.task import (
    InvalidTimeline,
    Step,
    TaskKind,
    TaskStatus,
    Timeline,
    check_timeline,
)

DEFAULT = "default"


class Scenarios:
    """All scenarios by name.

    Args:
        fixtures: the folder that holds ``scenarios/*.yaml``, ``magic.yaml`` and ``schemas/``.
        magic: whether magic values choose scenarios.

    Raises:
        BrokenFile: a file cannot be used; the message names file, line, key and remedy.
    """

    def __init__(self, fixtures: Path, *, magic: bool = True) -> None:
        schema = datafile.read(fixtures / "schemas" / "scenario.yaml")
        self._by_name: dict[str, Scenario] = {}
        files: dict[str, Path] = {}
        for path in sorted((fixtures / "scenarios").glob("*.yaml")):
            scenario = _scenario(path, datafile.read_checked(path, schema))
            if scenario.name in self._by_name:
                line = datafile.line_of(datafile.read_text(path), ["name"])
                twice = f"name: scenario {scenario.name!r} stands twice"
                raise datafile.BrokenFile(f"{path}:{line}: {twice}")
            self._by_name[scenario.name] = scenario
            files[scenario.name] = path
        if DEFAULT not in self._by_name:
            raise datafile.BrokenFile(f"{fixtures / 'scenarios'}: no scenario is named {DEFAULT!r}")
        self.default = self._by_name[DEFAULT]
        for kind in TaskKind:
            if kind not in self.default.plans:
                raise datafile.BrokenFile(f"{files[DEFAULT]}: the default scenario lacks {kind}")
        self._magic = self._read_magic(fixtures / "magic.yaml") if magic else {}
        #: What all magic file names begin with.
        names = [word for place, word in self._magic if " " in place]
        self._file_hint = commonprefix(names)  # noqa: RUF071  # characters are meant

    def __iter__(self) -> Iterator[Scenario]:
        """The scenarios by name."""
        return iter(self._by_name.values())

    def named(self, name: str) -> Scenario:
        """The scenario with this name.

        Raises:
            UnknownScenario: there is none.
        """
        try:
            return self._by_name[name]
        except KeyError:
            near = get_close_matches(name, self._by_name, n=1, cutoff=0.3)
            hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(self._by_name)}"
            raise UnknownScenario(f"unknown scenario {name!r}; {hint}") from None

    def of_words(self, field: str, text: str) -> Scenario | None:
        """The scenario a magic value in a text field asks for: the text equals it, or begins with it and a space."""
        return self._magic.get((field, text.partition(" ")[0]))

    def of_url(self, field: str, url: str) -> Scenario | None:
        """The scenario a magic file name asks for: the last path segment of the URL, without its ending."""
        if self._file_hint not in url:
            return None  # nearly every URL, and quickly
        path = url.partition("://")[2].partition("?")[0].partition("#")[0]
        _, slash, name = path.rpartition("/")
        return (
            self._magic.get((f"{field} file", name.rpartition(".")[0] or name)) if slash else None
        )

    def _read_magic(self, path: Path) -> dict[tuple[str, str], Scenario]:
        schema = datafile.read(path.parent / "schemas" / "magic.yaml")
        table: dict[tuple[str, str], Scenario] = {}
        for number, row in enumerate(datafile.read_checked(path, schema)["magic"]):
            try:
                scenario = self._applicable(row["scenario"], row["field"])
            except UnknownScenario as error:
                line = datafile.line_of(datafile.read_text(path), ["magic", number, "scenario"])
                place = f"{path}:{line}: magic[{number}].scenario"
                raise datafile.BrokenFile(f"{place}: {error}") from None
            is_file = "file" in row
            key = (f"{row['field']} file", row["file"]) if is_file else (row["field"], row["value"])
            if key in table:
                line = datafile.line_of(datafile.read_text(path), ["magic", number])
                raise datafile.BrokenFile(
                    f"{path}:{line}: magic[{number}]: {key[1]!r} stands twice"
                )
            table[key] = scenario
        return table

    def _applicable(self, name: str, field: str) -> Scenario:
        scenario = self.named(name)
        kind = TaskKind.SPEECH if field == "text" else TaskKind.CUSTOM_VOICE
        if kind not in scenario.plans:
            raise UnknownScenario(f"scenario {name!r} has no {kind} plan, which {field} asks for")
        return scenario


def _scenario(path: Path, value: dict[str, Any]) -> Scenario:
    plans = {kind: _plan(path, kind, value[kind]) for kind in TaskKind if kind in value}
    return Scenario(
        value["name"],
        value["summary"],
        value["evidence"],
        value["source"],
        MappingProxyType(plans),
    )


def _plan(path: Path, kind: TaskKind, value: dict[str, Any]) -> Plan:
    try:
        timeline = check_timeline(_timeline(value["timeline"]))
    except InvalidTimeline as error:
        line = datafile.line_of(datafile.read_text(path), [kind, "timeline"])
        raise datafile.BrokenFile(f"{path}:{line}: {kind}.timeline: {error}") from None
    return Plan(timeline, _refusal(path, kind, value.get("refusal")))


def _timeline(steps: list[dict[str, Any]]) -> Timeline:
    return tuple(
        Step(
            TaskStatus(step["status"]),
            None if step["at"] == "never" else round(step["at"] * 1000),
            step.get("message", ""),
        )
        for step in steps
    )


def _refusal(path: Path, kind: TaskKind, value: dict[str, Any] | None) -> Refusal | None:
    if value is None:
        return None
    try:
        return Refusal(Reason(value["reason"]), value["message"])
    except ValueError:
        line = datafile.line_of(datafile.read_text(path), [kind, "refusal", "reason"])
        near = get_close_matches(value["reason"], list(Reason), n=1, cutoff=0.3) or list(Reason)[:1]
        raise datafile.BrokenFile(
            f"{path}:{line}: {kind}.refusal.reason: unknown reason {value['reason']!r};"
            f" did you mean {near[0].value!r}?"
        ) from None
