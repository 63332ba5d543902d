"""The faults of one account: armed rules, scripted plans, and what scenarios do to their tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.fault import ALWAYS, Fault, When
from mock_server.core.pattern import Pattern
from mock_server.faults import Faults, NameTaken, Rule, Strike
from tests.support.tasks import T0, quick

ANY = Pattern()
CREATES = Pattern(("createSpeech", "createCustomVoice"))


@dataclass(frozen=True, slots=True)
class Seen:
    """An exchange that is not answered yet."""

    operation: str = "createSpeech"
    dialect: str = "klingai"
    method: str = "POST"
    path: str = "/v1/audio/tts"
    status: int = 0
    code: int | None = None
    scenario: str = ""
    fault: str = ""
    names: tuple[str, ...] = ()
    json: Any = None

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query parameters."""
        return {}


def make_faults() -> Faults:
    """Faults of an account in which every chance is 0."""
    return Faults(lambda _rule, _ordinal: 0.0)


def fault(text: str) -> Fault:
    """A fault that is told apart by its text."""
    return Fault(text=text)


def struck(faults: Faults, operation: str = "createSpeech", at_s: float = 0.0) -> str | None:
    """The text of the fault that strikes an exchange; ``ok`` when a plan lets it pass."""
    strike = faults.choose(Seen(operation), T0 + round(at_s * 1000))
    if strike is None:
        return None
    return "ok" if strike.fault is None else strike.fault.text


# ---- rules ----------------------------------------------------------------------------------


def test_without_anything_armed_nothing_strikes() -> None:
    """Nothing is armed, and nothing strikes, until somebody arms it."""
    faults = make_faults()
    assert not faults.armed
    assert struck(faults) is None
    assert (faults.rules, faults.plans) == ([], [])


def test_the_first_rule_that_decides_to_strikes() -> None:
    """Rules are asked in the order of their arming; one that lets pass leaves the exchange to the next."""
    faults = make_faults()
    faults.arm("", Pattern(("getSpeech",)), fault("other"), ALWAYS, T0)
    first = faults.arm("", CREATES, fault("first"), When(count=1), T0)
    second = faults.arm("", ANY, fault("second"), When(after=1), T0)
    assert [struck(faults) for _ in range(4)] == ["first", None, "second", "second"]
    assert (first.matched, first.consumed, first.remaining) == (4, 1, 0)
    assert (second.matched, second.consumed, second.remaining) == (3, 2, None)


def test_a_rule_that_is_not_asked_counts_nothing() -> None:
    """An exchange that a rule before has struck is no match of the next."""
    faults = make_faults()
    faults.arm("", ANY, fault("first"), ALWAYS, T0)
    second = faults.arm("", ANY, fault("second"), ALWAYS, T0)
    struck(faults)
    assert (second.matched, second.consumed) == (0, 0)


@pytest.mark.parametrize(
    ("when", "story", "states"),
    [
        (ALWAYS, [0, 1e6], ["armed", "armed"]),
        (When(count=1), [0, 1], ["exhausted", "exhausted"]),
        (When(count=2), [0, 1], ["armed", "exhausted"]),
        (When(ttl_s=5), [4, 5], ["armed", "expired"]),
        (When(window=(2, 4)), [0, 3, 4], ["armed", "armed", "expired"]),
        (When(count=1, ttl_s=5), [0, 6], ["exhausted", "exhausted"]),
        (When(after=5, ttl_s=5), [0, 6], ["armed", "expired"]),
    ],
)
def test_a_rule_knows_its_state(when: When, story: list[float], states: list[str]) -> None:
    """A rule is armed until its strikes are used up, or its time is over on the account's clock."""
    faults = make_faults()
    rule = faults.arm("", ANY, fault("x"), when, T0)
    found = []
    for at_s in story:
        struck(faults, at_s=at_s)
        found.append(rule.state(T0 + round(at_s * 1000)))
    assert found == states


def test_time_is_counted_from_the_arming() -> None:
    """A window begins when the rule is armed, and not when the account does."""
    faults = make_faults()
    faults.arm("", ANY, fault("x"), When(window=(0, 10)), T0 + 5000)
    assert [struck(faults, at_s=at) for at in (5, 14.999, 15)] == ["x", "x", None]


def test_an_expired_rule_counts_nothing() -> None:
    """After its time to live a rule does not match any more."""
    faults = make_faults()
    rule = faults.arm("", ANY, fault("x"), When(ttl_s=5), T0)
    struck(faults, at_s=5)
    assert (rule.matched, rule.consumed) == (0, 0)


def test_a_strike_that_did_not_fit_is_given_back() -> None:
    """A fault that could not be applied does not use up the rule: it is counted as bypassed."""
    faults = make_faults()
    rule = faults.arm("", ANY, fault("x"), When(count=1), T0)
    strike = faults.choose(Seen(), T0)
    assert strike is not None
    assert rule.state(T0) == "exhausted"
    strike.bypass()
    assert (rule.matched, rule.consumed, rule.bypassed, rule.remaining) == (1, 0, 1, 1)
    assert rule.state(T0) == "armed"
    assert struck(faults) == "x"


def test_a_strike_from_a_header_has_nobody_to_tell() -> None:
    """A fault that came with the request alone can be bypassed too."""
    Strike(fault("x")).bypass()


def test_a_probability_asks_once_for_each_match() -> None:
    """What decides is asked by rule and match, and only where there is a probability."""
    asked: list[tuple[str, int]] = []

    def chance(rule: str, ordinal: int) -> float:
        asked.append((rule, ordinal))
        return 0.9 if ordinal == 2 else 0.1

    faults = Faults(chance)
    faults.arm("half", ANY, fault("x"), When(probability=0.5), T0)
    assert [struck(faults) for _ in range(3)] == ["x", None, "x"]
    assert asked == [("half", 1), ("half", 2), ("half", 3)]
    sure = Faults(chance)
    sure.arm("sure", ANY, fault("x"), ALWAYS, T0)
    assert struck(sure) == "x"
    assert len(asked) == 3


conditions = st.builds(
    When,
    st.integers(0, 2),
    st.none() | st.integers(1, 3),
    st.sampled_from([0.5, 1.0]),
    st.none() | st.sampled_from([(0.0, 2.0), (1.0, 3.0)]),
    st.none() | st.sampled_from([1.0, 2.5]),
)


@quick
@given(
    st.lists(st.tuples(st.booleans(), conditions), max_size=3),
    st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.booleans()), max_size=10),
)
def test_the_books_of_all_rules_are_right(
    armed: list[tuple[bool, When]], story: list[tuple[bool, float, bool]]
) -> None:
    """Whatever is armed and asked: each strike is counted at one rule, bypassed or not, and no count is exceeded."""
    faults = Faults(lambda _rule, ordinal: ordinal % 3 / 3)
    rules = [
        faults.arm("", CREATES if picky else ANY, fault(str(number)), when, T0)
        for number, (picky, when) in enumerate(armed)
    ]
    now, strikes, given_back = T0, 0, 0
    for is_create, gap, bypassed in story:
        now += round(gap * 1000)
        strike = faults.choose(Seen("createSpeech" if is_create else "getSpeech"), now)
        if strike is not None:
            assert isinstance(strike.source, Rule)
            assert strike.fault is strike.source.fault
            strikes += 1
            if bypassed:
                strike.bypass()
                given_back += 1
    assert sum(rule.consumed for rule in rules) == strikes - given_back
    assert sum(rule.bypassed for rule in rules) == given_back
    for rule in rules:
        assert 0 <= rule.consumed + rule.bypassed <= rule.matched <= len(story)
        assert rule.remaining is None or rule.remaining >= 0


# ---- plans ----------------------------------------------------------------------------------


def test_a_plan_is_played_step_by_step() -> None:
    """Each exchange of an operation takes the next step of the plan; other operations are left alone."""
    faults = make_faults()
    plan = faults.script(
        "", {"createSpeech": [fault("a"), None, fault("b")], "getSpeech": [fault("c")]}
    )
    assert faults.armed
    assert not plan.completed
    assert struck(faults, "listCustomVoices") is None
    assert [struck(faults) for _ in range(2)] == ["a", "ok"]
    assert [item and item.text for item in plan.left("createSpeech")] == ["b"]
    assert [item and item.text for item in plan.left("getSpeech")] == ["c"]
    assert struck(faults) == "b"
    assert not plan.completed
    assert struck(faults, "getSpeech") == "c"
    assert plan.completed
    assert struck(faults) is None
    assert plan.done == {"createSpeech": 3, "getSpeech": 1}


def test_a_plan_goes_before_a_rule() -> None:
    """While a plan has a step left no rule is asked, also when the step lets the exchange pass."""
    faults = make_faults()
    rule = faults.arm("", ANY, fault("rule"), ALWAYS, T0)
    faults.script("", {"createSpeech": [None, fault("plan")]})
    assert [struck(faults) for _ in range(3)] == ["ok", "plan", "rule"]
    assert rule.matched == 1


def test_plans_are_played_one_after_the_other() -> None:
    """A second plan for an operation begins when the first has no step left."""
    faults = make_faults()
    faults.script("", {"createSpeech": [fault("a")]})
    faults.script("", {"createSpeech": [fault("b")]})
    assert [struck(faults) for _ in range(3)] == ["a", "b", None]


def test_a_step_that_did_not_fit_is_counted() -> None:
    """A step that could not be applied stays played, is counted as bypassed, and the plan never completes."""
    faults = make_faults()
    plan = faults.script("", {"createSpeech": [fault("a")]})
    strike = faults.choose(Seen(), T0)
    assert strike is not None
    strike.bypass()
    assert (plan.completed, plan.bypassed, plan.left("createSpeech")) == (False, 1, [])


def test_a_plan_without_steps_is_completed() -> None:
    """An operation with an empty list of steps leaves nothing to play."""
    assert make_faults().script("", {"createSpeech": []}).completed


# ---- ids ------------------------------------------------------------------------------------


def test_rules_and_plans_have_ids() -> None:
    """Who names nothing gets a numbered name that is free; a name that is taken is refused and changes nothing."""
    faults = make_faults()
    taken = faults.arm("fault-1", ANY, fault("x"), ALWAYS, T0)
    named = faults.arm("mine", ANY, fault("y"), ALWAYS, T0)
    new = faults.arm("", ANY, fault("z"), ALWAYS, T0)
    plan = faults.script("mine", {})
    assert len({taken.id, named.id, new.id}) == 3
    assert new.id.startswith("fault-")
    with pytest.raises(NameTaken, match="there is a fault 'mine' already"):
        faults.arm("mine", ANY, fault("w"), ALWAYS, T0)
    with pytest.raises(NameTaken, match="there is a plan 'mine' already"):
        faults.script("mine", {})
    assert faults.rules == [taken, named, new]
    assert faults.rule("mine") is named
    assert faults.plan("mine") is plan
    assert faults.rule("nobody") is None
    assert faults.plan("nobody") is None


def test_what_is_taken_away_strikes_no_more() -> None:
    """A rule can be disarmed and a plan dropped, each once; its name is free again."""
    faults = make_faults()
    rule = faults.arm("r", ANY, fault("x"), ALWAYS, T0)
    plan = faults.script("p", {"createSpeech": [fault("y")]})
    assert faults.drop("p") is plan
    assert faults.armed
    assert struck(faults) == "x"
    assert faults.disarm("r") is rule
    assert (faults.drop("p"), faults.disarm("r")) == (None, None)
    assert struck(faults) is None
    assert not faults.armed
    faults.arm("r", ANY, fault("x"), ALWAYS, T0)
    assert faults.armed


# ---- scenarios ------------------------------------------------------------------------------


def of_scenario(
    faults: Faults,
    key: str,
    *items: tuple[str, When],
    at_s: float = 0,
    is_order: bool = False,
) -> str | None:
    """The text of what a scenario does to an exchange of one of its tasks."""
    numbered = ((number, fault(text), when) for number, (text, when) in enumerate(items))
    at = T0 + round(at_s * 1000)
    strike = faults.of_scenario("s.create", numbered, key, at, is_order=is_order)
    return None if strike is None or strike.fault is None else strike.fault.text


def test_a_scenario_counts_for_each_task() -> None:
    """What a scenario does once it does once to each of its tasks, and time begins with the task's first request."""
    faults = make_faults()
    once, early = ("once", When(count=1)), ("early", When(window=(0, 5)))
    assert [of_scenario(faults, "a", once) for _ in range(3)] == ["once", None, None]
    assert of_scenario(faults, "b", once) == "once"
    assert of_scenario(faults, "c", early, at_s=100) == "early"
    assert of_scenario(faults, "c", early, at_s=105) is None
    assert of_scenario(faults, "d", early, at_s=105) == "early"


def test_the_first_fault_of_a_scenario_that_strikes_is_the_one() -> None:
    """The faults of a scenario are asked in their order."""
    faults = make_faults()
    items = (("first", When(count=1)), ("second", ALWAYS))
    assert [of_scenario(faults, "a", *items) for _ in range(2)] == ["first", "second"]


def test_what_a_scenario_does_is_not_armed() -> None:
    """Faults of scenarios are not listed among those that somebody armed."""
    faults = make_faults()
    of_scenario(faults, "a", ("x", ALWAYS))
    assert faults.rules == []
    assert not faults.armed


def test_an_order_that_was_let_through_begins_anew() -> None:
    """Once a create was let through, the same order is another one: what is counted or timed begins again."""
    faults = make_faults()
    twice = ("twice", When(count=2))
    for _ in range(2):
        story = [of_scenario(faults, "a", twice, is_order=True) for _ in range(3)]
        assert story == ["twice", "twice", None]
    early = ("early", When(window=(0, 5)))
    for begin in (0, 100):
        for later, expected in ((0, "early"), (4, "early"), (5, None)):
            assert of_scenario(faults, "b", early, at_s=begin + later, is_order=True) == expected


def test_queries_of_a_task_never_begin_anew() -> None:
    """What a scenario does to the first query of a task it does once, however often the task is asked for."""
    faults = make_faults()
    assert [of_scenario(faults, "a", ("x", When(count=1))) for _ in range(5)] == ["x", *[None] * 4]


def test_a_fault_that_is_not_over_is_not_forgotten() -> None:
    """An order that is let through by chance or before its turn goes on counting where it was."""
    faults = make_faults()
    later = ("later", When(after=1, count=1))
    story = [of_scenario(faults, "a", later, is_order=True) for _ in range(6)]
    assert story == [None, "later", None, None, "later", None]
