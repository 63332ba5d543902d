"""The faults of one account: armed rules, scripted plans, and what a scenario does to its own tasks.

Everything that is armed counts: how often it matched, struck, and could not be applied. A plan is a script per
operation; whether it was played to its end can be asked, so that a test can fail because its fault was never reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mock_server.core.fault import ALWAYS, Fault, When
from mock_server.core.pattern import Exchange, Pattern

P = TypeVar("P")
F = TypeVar("F")

#: The number in [0, 1) of a match: by rule and ordinal.
Chance = Callable[[str, int], float]


class NameTaken(ValueError):
    """Raised when a rule or plan with an id is there already; nothing changed."""


@dataclass(slots=True, eq=False)
class Rule(Generic[P, F]):
    """An armed fault, what it is for, and how it has fared.

    Attributes:
        armed_at: instant of the arming in ms, on the account's clock.
        matched: exchanges that matched while nothing stronger decided.
        consumed: exchanges that were struck.
        bypassed: exchanges that were to be struck, but the fault did not fit them.
    """

    id: str
    pattern: P
    fault: F
    when: When
    armed_at: int
    matched: int = 0
    consumed: int = 0
    bypassed: int = 0

    def strikes(self, now: int, chance: Chance) -> bool:
        """Counts a match at ``now`` (ms), and says whether it is struck."""
        elapsed_s = (now - self.armed_at) / 1000
        if self.when.is_expired(elapsed_s):
            return False
        self.matched += 1
        drawn = chance(self.id, self.matched) if self.when.probability < 1 else 0.0
        if not self.when.strikes(self.matched, self.consumed, elapsed_s, drawn):
            return False
        self.consumed += 1
        return True

    def bypass(self) -> None:
        """A strike did not fit the exchange."""
        self.consumed -= 1
        self.bypassed += 1

    @property
    def remaining(self) -> int | None:
        """How many strikes are left, or ``None`` when they are not counted."""
        return None if self.when.count is None else self.when.count - self.consumed

    def state(self, now: int) -> str:
        """``armed``, ``exhausted`` or ``expired``."""
        elapsed_s = (now - self.armed_at) / 1000
        if self.remaining == 0:
            return "exhausted"
        return "expired" if self.when.is_over(self.consumed, elapsed_s) else "armed"


#: A fault that is armed against exchanges.
FaultRule = Rule[Pattern, Fault]


@dataclass(slots=True, eq=False)
class Plan:
    """A script of faults per operation; a step of ``None`` lets the exchange pass."""

    id: str
    steps: Mapping[str, Sequence[Fault | None]]
    done: dict[str, int] = field(default_factory=dict)
    bypassed: int = 0

    def left(self, operation: str) -> Sequence[Fault | None]:
        """The steps of an operation that were not reached yet."""
        return self.steps[operation][self.done.get(operation, 0) :]

    @property
    def completed(self) -> bool:
        """Whether every step was reached, and fitted."""
        return not self.bypassed and not any(self.left(operation) for operation in self.steps)

    def bypass(self) -> None:
        """A step did not fit its exchange: it was not played, and the plan never completes."""
        self.bypassed += 1


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that strikes an exchange, and who it is from. ``fault`` of ``None``: a plan lets it pass."""

    fault: Fault | None
    source: FaultRule | Plan | None = None

    def bypass(self) -> None:
        """It did not fit the exchange: told to whoever it is from."""
        if self.source is not None:
            self.source.bypass()


class Faults:
    """Everything that is armed in one account.

    Args:
        chance: the hash that decides on probabilities.
    """

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._rules: dict[str, FaultRule] = {}
        self._plans: dict[str, Plan] = {}
        self._of_scenarios: dict[tuple[str, str], FaultRule] = {}
        self._made: dict[str, int] = {}
        #: Whether a rule or plan is armed.
        self.armed = False
        #: Whether a task of a scenario with faults exists: then queries have to look.
        self.in_tasks = False

    @property
    def rules(self) -> list[FaultRule]:
        """The armed rules, in the order in which they are asked."""
        return list(self._rules.values())

    @property
    def plans(self) -> list[Plan]:
        """The plans, in the order in which they are asked."""
        return list(self._plans.values())

    def rule(self, rule_id: str) -> FaultRule | None:
        """The rule with this id."""
        return self._rules.get(rule_id)

    def plan(self, plan_id: str) -> Plan | None:
        """The plan with this id."""
        return self._plans.get(plan_id)

    def arm(self, rule_id: str, pattern: Pattern, fault: Fault, when: When, now: int) -> FaultRule:
        """Arms a fault at ``now`` (ms); without an id it gets the next number.

        Raises:
            NameTaken: a rule has this id already; nothing changed.
        """
        rule = Rule(self._new(rule_id, "fault", self._rules), pattern, fault, when, now)
        self._rules[rule.id] = rule
        self.armed = True
        return rule

    def script(self, plan_id: str, steps: Mapping[str, Sequence[Fault | None]]) -> Plan:
        """Adds a plan; without an id it gets the next number.

        Raises:
            NameTaken: a plan has this id already; nothing changed.
        """
        plan = Plan(self._new(plan_id, "plan", self._plans), steps)
        self._plans[plan.id] = plan
        self.armed = True
        return plan

    def disarm(self, rule_id: str) -> FaultRule | None:
        """Takes a rule away."""
        found = self._rules.pop(rule_id, None)
        self.armed = bool(self._rules or self._plans)
        return found

    def drop(self, plan_id: str) -> Plan | None:
        """Takes a plan away."""
        found = self._plans.pop(plan_id, None)
        self.armed = bool(self._rules or self._plans)
        return found

    def choose(self, exchange: Exchange, now: int) -> Strike | None:
        """What strikes an exchange at ``now`` (ms): the next step of a plan, else the first rule that decides to."""
        for plan in self._plans.values():
            if exchange.operation in plan.steps and (left := plan.left(exchange.operation)):
                plan.done[exchange.operation] = plan.done.get(exchange.operation, 0) + 1
                return Strike(left[0], plan)
        for rule in self._rules.values():
            if rule.pattern.matches(exchange) and rule.strikes(now, self._chance):
                return Strike(rule.fault, rule)
        return None

    def of_scenario(
        self,
        scenario: str,
        faults: Iterator[tuple[int, Fault, When]],
        key: str,
        now: int,
        *,
        is_order: bool = False,
    ) -> Strike | None:
        """What a scenario does to an exchange of one of its tasks or, ``is_order``, of a create, by ``key``."""
        passed: list[tuple[str, str]] = []
        for number, fault, when in faults:
            if when == ALWAYS:
                return Strike(fault)
            name = f"{scenario}.{number}"
            rule = self._of_scenarios.get((name, key))
            if rule is None:
                rule = Rule(f"{name} {key}", Pattern(), fault, when, now)
                self._of_scenarios[name, key] = rule
            if rule.strikes(now, self._chance):
                return Strike(fault, rule)
            if rule.state(now) != "armed":
                passed.append((name, key))
        if is_order:  # it was let through at last: the same order sent again is another one
            for entry in passed:
                del self._of_scenarios[entry]
        return None

    def _new(self, wanted: str, word: str, known: Mapping[str, object]) -> str:
        if wanted in known:
            raise NameTaken(f"there is a {word} {wanted!r} already")
        while not wanted or wanted in known:
            self._made[word] = self._made.get(word, 0) + 1
            wanted = f"{word}-{self._made[word]}"
        return wanted
