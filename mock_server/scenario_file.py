"""Reading one scenario file: checked against its schema first, then made concrete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mock_server import datafile
from mock_server.core.callback import CallbackRule, callback_fault
from mock_server.core.delay import Delay, Fixed
from mock_server.core.errors import Reason
from mock_server.core.faulttext import FaultReader, IllegalFault, delay, when_of
from mock_server.core.media_url import URL_LIFE_MS
from mock_server.core.scenario import Plan, Refusal, Scenario, ScenarioFault
from mock_server.core.task import (
    InvalidTimeline,
    Step,
    TaskKind,
    TaskStatus,
    Timeline,
    check_timeline,
)
from mock_server.core.words import nearest
from mock_server.schema import dotted


class ScenarioFiles:
    """Reads scenario files.

    Args:
        schema: JSON Schema of a scenario file; called when the first file is read.
        faults: reads the faults in them.
    """

    def __init__(self, schema: Callable[[], dict[str, Any]], faults: FaultReader) -> None:
        self._schema = schema
        self._faults = faults

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema that files are checked against."""
        return self._schema()

    def scenario(self, path: Path, default: Scenario | None) -> Scenario:
        """The scenario of a file.

        Args:
            default: where a plan without a timeline takes its own from.

        Raises:
            BrokenFile: it cannot be used; the message names file, line, key and remedy.
        """
        return _Reader(path, self._faults, default).read(self.schema)


class _Reader:
    """Reads one file; remembers where it is, for the words of an error."""

    def __init__(self, path: Path, faults: FaultReader, default: Scenario | None) -> None:
        self._path = path
        self._faults = faults
        self._default = default

    def read(self, schema: dict[str, Any]) -> Scenario:
        """The scenario."""
        value = datafile.read_checked(self._path, schema)
        if value["name"] != self._path.stem:
            raise self._broken(["name"], f"must be that of the file, {self._path.stem!r}")
        plans = {kind: self._plan(kind, value[kind]) for kind in TaskKind if kind in value}
        return Scenario(
            value["name"],
            value["summary"],
            value["evidence"],
            value["source"],
            MappingProxyType(plans),
        )

    def _plan(self, kind: TaskKind, value: dict[str, Any]) -> Plan:
        timeline, delays = self._timeline(kind, value)
        lives = value.get("urls_expire_after")
        callbacks = value.get("callbacks", {})
        return Plan(
            timeline,
            MappingProxyType(delays),
            self._refusal(kind, value.get("refusal")),
            tuple(
                self._fault([kind, "faults", number], item)
                for number, item in enumerate(value.get("faults", ()))
            ),
            callbacks.get("firing", ""),
            tuple(
                self._callback([kind, "callbacks", "faults", number], item)
                for number, item in enumerate(callbacks.get("faults", ()))
            ),
            URL_LIFE_MS if lives is None else round(lives * 1000),
        )

    def _timeline(self, kind: TaskKind, value: dict[str, Any]) -> tuple[Timeline, dict[int, Delay]]:
        if "timeline" not in value:
            if self._default is None:
                raise self._broken([kind], "the default scenario needs a timeline")
            plan = self._default.plans[kind]
            return plan.timeline, dict(plan.delays)
        steps: list[Step] = []
        delays: dict[int, Delay] = {}
        for index, item in enumerate(value["timeline"]):
            status, message = TaskStatus(item["status"]), item.get("message", "")
            if item["at"] == "never":
                steps.append(Step(status, None, message))
                continue
            at = self._delay([kind, "timeline", index, "at"], item["at"])
            if isinstance(at, Fixed):
                steps.append(Step(status, round(at.seconds * 1000), message))
            else:
                delays[index] = at
                # Never before the one it follows; the first is refused below, for it must come at 0.
                before = steps[-1].after_ms if steps else -1
                steps.append(Step(status, before, message))
        try:
            return check_timeline(tuple(steps)), delays
        except InvalidTimeline as error:
            place: list[str | int] = [kind, "timeline", error.number - 1]
            raise self._broken(place, str(error)) from None

    def _delay(self, place: Sequence[str | int], value: Any) -> Delay:
        try:
            return delay(value)
        except IllegalFault as error:
            raise self._broken(place, str(error)) from None

    def _fault(self, place: Sequence[str | int], value: dict[str, Any]) -> ScenarioFault:
        try:
            fault = self._faults.fault(value["fault"])
        except IllegalFault as error:
            raise self._broken([*place, "fault"], str(error)) from None
        try:
            return ScenarioFault(value["operation"], fault, when_of(value.get("when", {})))
        except IllegalFault as error:
            raise self._broken([*place, "when"], str(error)) from None

    def _callback(self, place: Sequence[str | int], value: dict[str, Any]) -> CallbackRule:
        status = TaskStatus(value["status"]) if "status" in value else None
        try:
            fault = callback_fault(value["fault"])
        except IllegalFault as error:
            raise self._broken([*place, "fault"], str(error)) from None
        try:
            return CallbackRule(status, fault, when_of(value.get("when", {})))
        except IllegalFault as error:
            raise self._broken([*place, "when"], str(error)) from None

    def _refusal(self, kind: TaskKind, value: dict[str, Any] | None) -> Refusal | None:
        if value is None:
            return None
        try:
            return Refusal(Reason(value["reason"]), value["message"])
        except ValueError:
            hint = nearest(value["reason"], list(Reason))
            words = f"unknown reason {value['reason']!r}{hint}"
            raise self._broken([kind, "refusal", "reason"], words) from None

    def _broken(self, place: Sequence[str | int], words: str) -> datafile.BrokenFile:
        line = datafile.line_of(datafile.read_text(self._path), place)
        return datafile.BrokenFile(f"{self._path}:{line}: {dotted(place)}: {words}")
