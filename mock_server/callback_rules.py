"""The callback faults of one account: rules that a test arms, and those of the scenarios that its tasks follow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mock_server.core.callback import CallbackFault, CallbackRule
from mock_server.core.fault import When
from mock_server.core.task import Task, TaskStatus
from mock_server.faults import Chance, NameTaken, Rule


class CallbackPattern(NamedTuple):
    """Which callbacks are meant: those of a task, by task id or external id, and of a status; empty is any."""

    task: str = ""
    status: TaskStatus | None = None

    def matches(self, task: Task, status: TaskStatus) -> bool:
        """Whether a callback of this status of this task is meant."""
        is_task = self.task in ("", task.id, task.external_id)
        return is_task and self.status in (None, status)


ArmedCallbackRule = Rule[CallbackPattern, CallbackFault]


class CallbackRules:
    """The rules of one account.

    Args:
        chance: the hash that decides on probabilities.
    """

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._rules: dict[str, ArmedCallbackRule] = {}
        self._of_tasks: dict[tuple[str, int], ArmedCallbackRule] = {}
        self._made = 0

    @property
    def rules(self) -> list[ArmedCallbackRule]:
        """The armed rules, in the order in which they are asked."""
        return list(self._rules.values())

    def rule(self, rule_id: str) -> ArmedCallbackRule | None:
        """The rule with this id."""
        return self._rules.get(rule_id)

    def arm(
        self, rule_id: str, pattern: CallbackPattern, fault: CallbackFault, when: When, now: int
    ) -> ArmedCallbackRule:
        """Arms a callback fault at ``now`` (ms); without an id it gets the next number.

        Raises:
            NameTaken: a rule has this id already; nothing changed.
        """
        if rule_id in self._rules:
            raise NameTaken(f"there is a callback fault {rule_id!r} already")
        while not rule_id or rule_id in self._rules:
            self._made += 1
            rule_id = f"callback-fault-{self._made}"
        rule = self._rules[rule_id] = ArmedCallbackRule(rule_id, pattern, fault, when, now)
        return rule

    def disarm(self, rule_id: str) -> ArmedCallbackRule | None:
        """Takes a rule away."""
        return self._rules.pop(rule_id, None)

    def choose(
        self, task: Task, status: TaskStatus, of_scenario: Iterable[CallbackRule], now: int
    ) -> CallbackFault | None:
        """What strikes a callback at ``now`` (ms): the first armed rule that decides to, else the scenario's."""
        for rule in self._rules.values():
            if rule.pattern.matches(task, status) and rule.strikes(now, self._chance):
                return rule.fault
        for number, item in enumerate(of_scenario):
            if item.status not in (None, status):
                continue
            own = self._of_tasks.get((task.id, number))
            if own is None:
                name = f"{task.scenario}.callback.{number} {task.id}"
                own = ArmedCallbackRule(name, CallbackPattern(), item.fault, item.when, now)
                self._of_tasks[task.id, number] = own
            if own.strikes(now, self._chance):
                return item.fault
        return None
