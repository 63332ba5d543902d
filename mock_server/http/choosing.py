"""What is chosen for a request: its scenario, and the fault that strikes it. The first that names one wins.

A scenario: the header, the fault, a magic value, the account's default, the server's default. A fault: the header, a
plan, an armed rule, the scenario of the task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import Scope

from mock_server.contract import Operation
from mock_server.core.errors import Reason, Refused
from mock_server.core.fault import Commit, Fault, When
from mock_server.core.faulttext import IllegalFault
from mock_server.core.scenario import Plan, Scenario, UnknownScenario
from mock_server.core.task import Task, TaskKind
from mock_server.faults import Strike
from mock_server.http.dialect import Call, Dialect
from mock_server.http.request import Headers
from mock_server.world import World

#: Why a task cannot show later.
NOTHING_CREATED = "commit=after did not apply: nothing was created"
#: What a scenario calls the operations that are about one task, by operationId.
_ABOUT_A_TASK = {"getSpeech": "get", "getCustomVoice": "get", "deleteVoice": "delete"}


@dataclass(slots=True)
class _Asked:
    """A request as patterns see it, before it is answered."""

    operation: str
    dialect: str
    method: str
    path: str
    scenario: str
    names: tuple[str, ...]
    query: bytes
    raw: bytes
    status: int = 0
    code: int | None = None
    fault: str = ""

    @property
    def json(self) -> Any:
        """The decoded body, or ``None``."""
        try:
            return orjson.loads(self.raw)
        except orjson.JSONDecodeError:
            return None

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query parameters."""
        return dict(parse_qsl(self.query.decode("latin-1"), keep_blank_values=True))


class Choosing:
    """Chooses scenarios and faults for the requests of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._scenarios = world.scenarios

    def by_headers(
        self, headers: Headers, dialect: Dialect, operation: Operation, call: Call
    ) -> None:
        """Takes the X-Mock-* headers: what cannot be applied is warned about, or refused with --strict.

        Raises:
            Refused: a value is none, or --strict.
        """
        for name in headers.unknown:
            call.warn(f"unknown header {name}")
        if headers.scenario is not None:
            self._by_name(headers.scenario, dialect, operation, call, "X-Mock-Scenario")
        if headers.fault is not None:
            try:
                fault = self._world.fault_reader.fault(headers.fault)
            except IllegalFault as error:
                raise Refused(Reason.PARAMETER_ILLEGAL, f"X-Mock-Fault: {error}") from None
            if fault.scenario and call.scenario is not None:
                call.warn(f"X-Mock-Scenario comes first: not scenario {fault.scenario}")
            elif fault.scenario:
                self._by_name(fault.scenario, dialect, operation, call, "X-Mock-Fault")
            if _does_more(fault):
                call.strike = Strike(fault)
            elif call.scenario is not None:
                call.fault_text = fault.text
            if fault.commit is Commit.AFTER and operation.operation_id not in dialect.creates:
                call.warn(NOTHING_CREATED)

    def by_account(self, dialect: Dialect, operation: Operation, call: Call, scope: Scope) -> None:
        """Asks the account's plans and armed rules, unless a header has chosen already."""
        followed = call.scenario.name if call.scenario is not None else ""
        asked = _Asked(
            operation.operation_id,
            dialect.name,
            scope["method"],
            (scope.get("raw_path") or scope["path"].encode()).decode("latin-1"),
            followed,
            _names(operation, call),
            call.query,
            call.raw or b"",
        )
        strike = call.account.faults.choose(asked, call.account.clock.now())
        fault = strike.fault if strike is not None else None
        if strike is None or fault is None or not fault.scenario:
            call.strike = strike
            return
        if _does_more(fault):
            call.strike = strike
        scenario = self.scenario(fault.scenario, "fault")
        if call.scenario is not None:
            strike.bypass()
            call.note(f"scenario {scenario.name} of a fault: the header's comes first")
        elif self._applies(scenario, dialect, operation):
            call.scenario, call.fault_text = scenario, fault.text
        else:
            strike.bypass()
            call.note(f"scenario {scenario.name} does not apply to {operation.operation_id}")

    def for_create(self, kind: TaskKind, call: Call) -> None:
        """The scenario of a create whose body keeps the contract, and what that scenario does to it."""
        scenario = call.scenario
        if scenario is None:
            scenario = self._by_magic(kind, call) or call.account.scenario
            if scenario is None and not self._scenarios.default_interferes:
                return
            call.scenario = scenario
            scenario = scenario or self._scenarios.default_for(kind)
        plan = scenario.plans.get(kind)
        if plan is not None and plan.callbacks:
            call.awaits_callbacks = plan.is_early
        if plan is not None and plan.faults:
            call.account.faults.in_tasks = True
            external_id = call.body.get("external_task_id") or ""
            key = external_id or blake2b(call.raw or b"", digest_size=8).hexdigest()
            self._by_scenario(scenario.name, plan, "create", key, call)

    def _by_magic(self, kind: TaskKind, call: Call) -> Scenario | None:
        """The scenario that a magic value asks for; one that is misspelt is warned about."""
        scenarios, body = self._scenarios, call.body
        text = body.get("text" if kind is TaskKind.SPEECH else "voice_name", "")
        # Nearly every request holds neither what all magic words begin with, nor what all file names do.
        if not text.startswith(scenarios.word_hint) and (
            kind is TaskKind.SPEECH or scenarios.file_hint not in body.get("voice_url", "")
        ):
            return None
        scenario = scenarios.asked_for(kind, body)
        if scenario is None and (words := scenarios.nearly_asked(kind, body)):
            call.warn(words)
        return scenario

    def for_task(self, operation: Operation, call: Call) -> None:
        """What the scenario of the task that a request is about does to it."""
        about = _ABOUT_A_TASK.get(operation.operation_id)
        voice_id = "" if about != "delete" else str(call.body.get("voice_id", ""))
        task = None if about is None else _task(about, call, voice_id)
        plan = None if task is None else self._world.service.plan_of(task)
        if about is not None and task is not None and plan is not None and plan.faults:
            self._by_scenario(task.scenario, plan, about, task.id, call)

    def _by_scenario(self, name: str, plan: Plan, about: str, key: str, call: Call) -> None:
        if call.strike is None:
            call.strike = call.account.faults.of_scenario(
                f"{name}.{about}",
                _about(plan, about),
                key,
                call.account.clock.now(),
                is_order=about == "create",
            )
            call.is_of_scenario = call.strike is not None

    def _by_name(
        self, name: str, dialect: Dialect, operation: Operation, call: Call, place: str
    ) -> None:
        scenario = self.scenario(name, place)
        if self._applies(scenario, dialect, operation):
            call.scenario = scenario
        else:
            call.warn(f"scenario {scenario.name} does not apply to {operation.operation_id}")

    def _applies(self, scenario: Scenario, dialect: Dialect, operation: Operation) -> bool:
        kind = dialect.creates.get(operation.operation_id)
        return kind is not None and kind in scenario.plans

    def scenario(self, name: str, place: str) -> Scenario:
        """The scenario with a name.

        Raises:
            Refused: there is none.
        """
        try:
            return self._scenarios.named(name)
        except UnknownScenario as error:
            raise Refused(Reason.PARAMETER_ILLEGAL, f"{place}: {error}") from None


def _names(operation: Operation, call: Call) -> tuple[str, ...]:
    """The ids by which the task of a request may be named: that of the path or body, and those of the task itself."""
    about = _ABOUT_A_TASK.get(operation.operation_id)
    body = _decoded(call.raw)
    if about is None:
        return tuple(filter(None, (call.id, str(body.get("external_task_id") or ""))))
    voice_id = str(body.get("voice_id", ""))
    task = _task(about, call, voice_id)
    found = () if task is None else (task.id, task.external_id)
    return tuple(filter(None, (call.id, *found)))


def _decoded(raw: bytes | None) -> Mapping[str, Any]:
    try:
        value = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _does_more(fault: Fault) -> bool:
    """Whether a fault has an effect beside choosing a scenario."""
    return set(fault.value) != {"scenario"}


def _about(plan: Plan, about: str) -> Iterator[tuple[int, Fault, When]]:
    for number, item in enumerate(plan.faults):
        if item.operation == about:
            yield number, item.fault, item.when


def _task(about: str, call: Call, voice_id: str) -> Task | None:
    if about == "delete":
        return call.account.task_of_voice(voice_id)
    return call.account.voice_task(call.id) or call.account.speech(call.id)
