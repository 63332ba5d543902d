"""The callback faults of one account: armed ones, and those of scenarios."""

from __future__ import annotations

import pytest

from mock_server.callback_rules import CallbackPattern, CallbackRules
from mock_server.core.callback import CallbackFault, CallbackRule, callback_fault
from mock_server.core.fault import ALWAYS, When
from mock_server.core.task import TaskStatus
from mock_server.faults import NameTaken
from tests.support.tasks import FAILED, PROCESSING, SUCCEED, T0, voice_task

TASK = voice_task(task_id="7", external_id="order-7")
OTHER = voice_task(task_id="8", external_id="order-8")
ANY = CallbackPattern()
DROP, TWICE = callback_fault("drop"), callback_fault("times=2")


def make_rules(chance: float = 0.0) -> CallbackRules:
    """Rules in which every chance is the same."""
    return CallbackRules(lambda _rule, _ordinal: chance)


def chosen(
    rules: CallbackRules,
    status: TaskStatus = SUCCEED,
    *of_scenario: CallbackRule,
    task: str = "7",
    at_s: float = 0,
) -> CallbackFault | None:
    """What strikes a callback."""
    found = TASK if task == "7" else OTHER
    return rules.choose(found, status, of_scenario, T0 + round(at_s * 1000))


def test_without_rules_nothing_goes_wrong() -> None:
    """No rule, no scenario: no fault."""
    assert chosen(make_rules()) is None


@pytest.mark.parametrize(
    ("pattern", "struck"),
    [
        (ANY, {"7 processing", "7 succeed", "8 processing", "8 succeed"}),
        (CallbackPattern("7"), {"7 processing", "7 succeed"}),
        (CallbackPattern("order-7"), {"7 processing", "7 succeed"}),
        (CallbackPattern("", SUCCEED), {"7 succeed", "8 succeed"}),
        (CallbackPattern("order-8", PROCESSING), {"8 processing"}),
        (CallbackPattern("7", FAILED), set[str]()),
        (CallbackPattern("order"), set[str]()),
    ],
    ids=lambda value: str(value) if isinstance(value, CallbackPattern) else "",
)
def test_a_pattern_names_task_and_status(pattern: CallbackPattern, struck: set[str]) -> None:
    """A task is named by its id or external id; what is left out is anything."""
    rules = make_rules()
    rules.arm("", pattern, DROP, ALWAYS, T0)
    found = {
        f"{task} {status}"
        for task in ("7", "8")
        for status in (PROCESSING, SUCCEED)
        if chosen(rules, status, task=task) is DROP
    }
    assert found == struck
    (rule,) = rules.rules
    assert (rule.matched, rule.consumed) == (len(struck), len(struck))


def test_a_task_without_external_id_is_not_named_by_none() -> None:
    """An empty external id is no name of a task."""
    assert not CallbackPattern("order-7").matches(voice_task(task_id="9"), SUCCEED)


def test_the_first_rule_that_decides_to_strikes() -> None:
    """Rules are asked in the order of arming; those after the one that strikes are not asked."""
    rules = make_rules()
    rules.arm("once", ANY, DROP, When(count=1), T0)
    later = rules.arm("later", ANY, TWICE, ALWAYS, T0)
    assert [chosen(rules) for _ in range(3)] == [DROP, TWICE, TWICE]
    assert later.matched == 2


def test_when_decides() -> None:
    """After, count, window and probability count as with other faults, on the account's clock."""
    rules = make_rules(chance=0.5)
    rules.arm("", CallbackPattern("7", PROCESSING), DROP, When(after=1, count=1), T0)
    assert [chosen(rules, PROCESSING) for _ in range(3)] == [None, DROP, None]
    rules.arm("", CallbackPattern("8"), TWICE, When(window=(10, 20)), T0)
    assert [chosen(rules, task="8", at_s=at) for at in (9, 10, 19.999, 20)] == [
        None,
        TWICE,
        TWICE,
        None,
    ]
    rules.arm("", CallbackPattern("7", SUCCEED), DROP, When(probability=0.5), T0)
    assert chosen(rules) is None
    rules.arm("", CallbackPattern("7", SUCCEED), TWICE, When(probability=0.6), T0)
    assert chosen(rules) is TWICE


def test_a_rule_goes_before_a_scenario() -> None:
    """What a test arms counts instead of what the scenario says, and the scenario is not asked."""
    rules = make_rules()
    rules.arm("", ANY, DROP, When(count=1), T0)
    once = CallbackRule(None, TWICE, When(count=1))
    assert [chosen(rules, SUCCEED, once) for _ in range(3)] == [DROP, TWICE, None]


def test_a_scenario_counts_for_each_task() -> None:
    """A count of a scenario is of one task; time is counted from the task's first callback that is meant."""
    rules = make_rules()
    once = CallbackRule(SUCCEED, DROP, When(count=1))
    assert chosen(rules, PROCESSING, once) is None
    assert [chosen(rules, SUCCEED, once) for _ in range(2)] == [DROP, None]
    assert chosen(rules, SUCCEED, once, task="8") is DROP
    early = CallbackRule(None, TWICE, When(window=(0, 5)))
    late = make_rules()
    assert chosen(late, PROCESSING, early, at_s=100) is TWICE
    assert chosen(late, SUCCEED, early, at_s=104.999) is TWICE
    assert chosen(late, SUCCEED, early, at_s=105) is None


def test_the_first_fault_of_a_scenario_that_fits_is_the_one() -> None:
    """The faults of a scenario are asked in their order, each for its own status."""
    rules = make_rules()
    items = (CallbackRule(PROCESSING, DROP, ALWAYS), CallbackRule(None, TWICE, ALWAYS))
    assert chosen(rules, PROCESSING, *items) is DROP
    assert chosen(rules, SUCCEED, *items) is TWICE


def test_rules_have_ids() -> None:
    """Without one a rule gets the next number that is free; one that is taken is refused."""
    rules = make_rules()
    rules.arm("callback-fault-1", ANY, DROP, ALWAYS, T0)
    assert rules.arm("", ANY, DROP, ALWAYS, T0).id == "callback-fault-2"
    assert rules.arm("", ANY, DROP, ALWAYS, T0).id == "callback-fault-3"
    with pytest.raises(NameTaken, match="'callback-fault-2'"):
        rules.arm("callback-fault-2", ANY, TWICE, ALWAYS, T0)
    assert [rule.id for rule in rules.rules] == [f"callback-fault-{number}" for number in (1, 2, 3)]


def test_what_is_disarmed_strikes_no_more() -> None:
    """A rule that was taken away is gone; its number is not given again."""
    rules = make_rules()
    rule = rules.arm("", ANY, DROP, ALWAYS, T0)
    assert rules.rule(rule.id) is rule
    assert rules.disarm(rule.id) is rule
    assert (rules.disarm(rule.id), rules.rule(rule.id), rules.rules) == (None, None, [])
    assert chosen(rules) is None
    assert rules.arm("", ANY, DROP, ALWAYS, T0).id == "callback-fault-2"
