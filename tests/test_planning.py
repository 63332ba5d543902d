"""From an order to a task with a future."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_server.core.agenda import Due
from mock_server.core.behaviour import Behaviour
from mock_server.core.media_url import URL_LIFE_MS
from mock_server.core.scenario import Progression
from mock_server.core.task import (
    CustomVoice,
    Speech,
    Step,
    TaskKind,
    TaskStatus,
    check_timeline,
    due_at,
    intervene,
    observe_step,
)
from mock_server.events import TaskMoved, ignore
from mock_server.planning import Arrival, Pace, Planner
from tests.support.bench import Bench, bench, scenarios, voice_order
from tests.support.tasks import FAILED, PROCESSING, SUBMITTED, SUCCEED, T0, quick, speech_task

CALLBACK = "http://receiver.test/"


def arrivals(parts: Bench, now: int) -> list[Arrival]:
    """Everything that arrives in the account by an instant, as the dispatcher would take it."""
    found: list[Arrival] = []
    while (due := parts.mine.agenda.pop_due(now)) is not None:
        arrival = parts.planner.arrive(parts.mine, due)
        if arrival is not None:
            found.append(arrival)
    return found


# ---- which scenario applies -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        (TaskKind.CUSTOM_VOICE, None, "default"),
        (TaskKind.CUSTOM_VOICE, "default", "default"),
        (TaskKind.CUSTOM_VOICE, "noisy", "noisy"),
        (TaskKind.CUSTOM_VOICE, "slow", "slow"),
        (TaskKind.SPEECH, None, "default"),
        (TaskKind.SPEECH, "stuck", "stuck"),
        (TaskKind.SPEECH, "risk-control", "risk-control"),
        (TaskKind.SPEECH, "noisy", "default"),
    ],
)
def test_an_order_gets_the_scenario_that_was_chosen_if_it_applies(
    kind: TaskKind, name: str | None, expected: str
) -> None:
    """A task follows the scenario chosen for it; one without a plan for its kind does not count, nor does none."""
    parts = bench()
    scenario = None if name is None else scenarios().named(name)
    chosen = parts.planner.chosen(kind, scenario, parts.mine)
    plan = scenarios().named(expected).plans[kind]
    assert (chosen.scenario, chosen.plan) == (expected, plan)
    assert (chosen.timeline, chosen.refusal) == (plan.timeline, plan.refusal)


@pytest.mark.parametrize("progression", list(Progression))
def test_a_chosen_timeline_has_the_pace_in_force(progression: Progression) -> None:
    """Whichever scenario is chosen, its timeline is at the server's progression, drawn delays too."""
    parts = bench(progression)
    for name in (None, "default", "slow", "varying"):
        scenario = None if name is None else scenarios().named(name)
        chosen = parts.planner.chosen(TaskKind.CUSTOM_VOICE, scenario, parts.mine)
        first, *others = (step.after_ms for step in chosen.timeline)
        assert first == 0
        if progression is Progression.TIME:
            assert all(others)
        else:
            assert set(others) == {0 if progression is Progression.IMMEDIATE else None}


def test_delays_are_drawn_for_each_task_and_repeatable() -> None:
    """Tasks of a scenario with a distribution differ from each other, and are the same in a second world."""
    first, second = bench(), bench()
    tasks = [first.voice(scenario="varying") for _ in range(50)]
    assert tasks == [second.voice(scenario="varying") for _ in range(50)]
    ends = [task.timeline[-1].after_ms or 0 for task in tasks]
    assert len(set(ends)) > 40
    for task in tasks:
        check_timeline(task.timeline)
        _, processing, succeed = (step.after_ms or 0 for step in task.timeline)
        assert 500 <= processing <= 4000
        assert processing <= succeed <= 60_000
    assert 5000 < sorted(ends)[25] < 14_000  # the median is 9 s


def test_tasks_of_other_scenarios_change_no_draw() -> None:
    """What is drawn for a task depends on the draws before it, and not on other tasks or refusals."""
    alone, among = bench(), bench()
    expected = alone.voice(scenario="varying").timeline
    among.voice()
    among.speech(scenario="slow")
    assert among.voice(scenario="varying").timeline == expected


# ---- a new task -----------------------------------------------------------------------------


def test_a_task_is_its_order_and_a_plan_made_concrete() -> None:
    """A task holds what was ordered, by whom and when, its scenario, and the timeline of that."""
    parts = bench()
    parts.clock.jump(5)
    task = parts.voice(external_id="e", callback_url=CALLBACK, scenario="slow", dialect="kkiai")
    assert re.fullmatch("[1-9][0-9]{17}", task.id)
    assert (task.kind, task.account_id, task.dialect) == (TaskKind.CUSTOM_VOICE, "mine", "kkiai")
    assert (task.created_at, task.external_id, task.callback_url) == (T0 + 5, "e", CALLBACK)
    assert (task.origin, task.scenario) == ("http://mock.test", "slow")
    assert [step.after_ms for step in task.timeline] == [0, 30_000, 300_000]
    assert (task.polls_per_step, task.polls) == (0, 0)
    assert (task.visible_at, task.urls_live_ms) == (0, URL_LIFE_MS)


def test_a_task_can_show_later_and_have_dead_urls() -> None:
    """A task remembers from when on it shows, counted from its create, and how long its urls live."""
    parts = bench()
    parts.clock.jump(5)
    for task in (
        parts.voice(scenario="expired-url", visible_after_ms=3000),
        parts.speech(scenario="expired-url", visible_after_ms=3000),
    ):
        assert (task.visible_at, task.urls_live_ms) == (T0 + 3005, 0)


def test_every_id_is_given_once() -> None:
    """Tasks, voices and audios of an account all have ids of their own."""
    parts = bench()
    tasks = [parts.voice() for _ in range(5)] + [parts.speech() for _ in range(5)]
    ids = [task.id for task in tasks]
    for task in tasks:
        product = task.product
        ids.append(product.audio_id if isinstance(product, Speech) else product.voice_id)
    assert len(set(ids)) == 20


def test_two_worlds_with_one_seed_make_the_same_tasks() -> None:
    """Given seed, instant and order of requests, tasks are the same to the last digit."""
    first, second = bench(), bench()
    assert [first.voice(), first.speech()] == [second.voice(), second.speech()]


class Colliding:
    """Ids that repeat: every second pair is the one before."""

    def number(self, account_id: str, kind: str, ordinal: int) -> str:
        """The number of the pair an ordinal is in."""
        return f"{account_id}-{kind}-{ordinal // 2}"

    def pair(self, account_id: str, kind: str, ordinal: int) -> tuple[str, str]:
        """The number, and one for what the task makes."""
        number = self.number(account_id, kind, ordinal)
        return number, f"{number}-made"

    def fractions(self, _account_id: str, _kind: str, _ordinal: int) -> tuple[float, float]:
        """The middle, always."""
        return 0.5, 0.5


def test_a_collision_of_ids_takes_the_next() -> None:
    """A task id that is in use is not given again, whichever kind of task uses it."""
    parts = bench()
    planner = Planner(Colliding(), scenarios(), Pace(), ignore)
    parts.mine.add_speech(speech_task("mine-task-0"))
    order = voice_order()
    chosen = planner.chosen(TaskKind.CUSTOM_VOICE, None, parts.mine)
    first = planner.new_voice(parts.mine, order, chosen)
    parts.mine.add_voice_task(first)
    second = planner.new_voice(parts.mine, order, chosen)
    assert (first.id, second.id) == ("mine-task-1", "mine-task-2")


def test_an_account_owns_its_voices_by_one_numeric_id() -> None:
    """The owner of an account's voices is one number, another in another account."""
    parts = bench()
    owners = []
    for account in (parts.mine, parts.mine, parts.accounts.get("yours")):
        product = parts.voice(account).product
        assert isinstance(product, CustomVoice)
        owners.append(product.owned_by)
    assert re.fullmatch("[1-9][0-9]{17}", owners[0])
    assert owners[0] == owners[1] != owners[2]


# ---- what comes when ------------------------------------------------------------------------


def test_only_the_next_step_is_planned() -> None:
    """The agenda holds one entry per task in flight, and none once it is terminal."""
    parts = bench()
    task = parts.voice()
    assert list(parts.mine.agenda) == [Due(T0 + 2000, 1, task.id, 1)]
    assert [arrival.seen.status for arrival in arrivals(parts, T0 + 2000)] == [PROCESSING]
    assert [due.at for due in parts.mine.agenda] == [T0 + 9000]
    assert [arrival.seen.status for arrival in arrivals(parts, T0 + 9000)] == [SUCCEED]
    assert len(parts.mine.agenda) == 0


def test_every_status_is_told_with_its_instant() -> None:
    """A transition is told once, with the instant it is due, however late it is looked at."""
    parts = bench()
    task = parts.voice(scenario="noisy")
    arrivals(parts, T0 + 10**6)
    reason = "The voice must be clean and contain only one human voice"
    assert parts.told.events == [
        TaskMoved(task.id, "mine", "custom_voice", "submitted", T0),
        TaskMoved(task.id, "mine", "custom_voice", "processing", T0 + 2000),
        TaskMoved(task.id, "mine", "custom_voice", "failed", T0 + 6000, reason),
    ]


def test_a_step_that_is_no_longer_planned_does_not_arrive() -> None:
    """When a task was changed, dropped or never was, what had been planned for it is skipped in silence."""
    parts = bench()
    task = parts.voice(callback_url=CALLBACK)
    parts.mine.replace(intervene(task, T0 + 500, Step(FAILED, None, "stopped")))
    assert arrivals(parts, T0 + 10**6) == []
    assert parts.planner.arrive(parts.mine, Due(T0, 1, "unknown", 0)) is None
    assert parts.told.moves == [(task.id, SUBMITTED)]


def test_a_step_that_moved_arrives_when_it_is_due_now() -> None:
    """An entry of an older plan does not count, even when the task still has a step of that number."""
    parts = bench()
    task = parts.voice()
    changed = intervene(task, T0 + 500, Step(PROCESSING))
    parts.mine.replace(changed)
    assert arrivals(parts, T0 + 2000) == []
    due = due_at(changed, 1)
    assert due == T0 + 500
    arrival = parts.planner.arrive(parts.mine, Due(due, 9, task.id, 1))
    assert arrival is not None
    assert arrival.seen.updated_at == T0 + 500


@pytest.mark.parametrize(
    ("firing", "reported"),
    [
        ("changes", [PROCESSING, SUCCEED]),
        ("with_submitted", [SUBMITTED, PROCESSING, SUCCEED]),
        ("terminal", [SUCCEED]),
    ],
)
def test_which_statuses_are_reported(firing: str, reported: list[TaskStatus]) -> None:
    """Behaviour.callback_firing says which statuses of a voice a callback reports; without a URL none is."""
    parts = bench(behaviour=Behaviour().replaced("callback_firing", firing))
    parts.voice(callback_url=CALLBACK)
    parts.voice()
    found = [arrival for arrival in arrivals(parts, T0 + 9000) if arrival.reported]
    assert [arrival.seen.status for arrival in found] == reported
    assert {arrival.task.callback_url for arrival in found} <= {CALLBACK}


@pytest.mark.parametrize("firing", ["changes", "with_submitted", "terminal"])
def test_a_scenario_can_report_nothing(firing: str) -> None:
    """What a scenario says about callbacks goes before the behaviour: no-callback reports no status of its tasks."""
    parts = bench(behaviour=Behaviour().replaced("callback_firing", firing))
    parts.voice(callback_url=CALLBACK, scenario="no-callback")
    parts.speech(callback_url=CALLBACK, dialect="ezmodel", language=None, scenario="no-callback")
    assert not [arrival for arrival in arrivals(parts, T0 + 9000) if arrival.reported]


def test_the_behaviour_of_the_account_says_what_is_reported() -> None:
    """Each account has its own reading, and a changed one counts from then on."""
    parts = bench()
    yours = parts.accounts.get("yours")
    task = parts.voice(callback_url=CALLBACK)
    parts.mine.behaviour = Behaviour(callback_firing="terminal")
    assert not parts.planner.is_reported(parts.mine, task, observe_step(task, 1))
    assert parts.planner.is_reported(yours, task, observe_step(task, 1))


@pytest.mark.parametrize("firing", ["changes", "with_submitted", "terminal"])
def test_a_task_that_is_born_terminal_is_reported_once(firing: str) -> None:
    """Speech that is ready at once has one callback under every firing."""
    parts = bench(behaviour=Behaviour().replaced("callback_firing", firing))
    parts.speech(callback_url=CALLBACK, dialect="ezmodel", language=None)
    found = arrivals(parts, T0)
    assert [(arrival.seen.status, arrival.reported) for arrival in found] == [(SUCCEED, True)]
    assert len(parts.told.moves) == 1


@pytest.mark.parametrize("firing", ["changes", "with_submitted", "terminal"])
def test_slow_speech_is_reported_when_it_is_done(firing: str) -> None:
    """EzModel's record has no status, so a speech that takes its time is reported once, at its end."""
    parts = bench(behaviour=Behaviour().replaced("callback_firing", firing))
    parts.speech(callback_url=CALLBACK, dialect="ezmodel", language=None, scenario="slow")
    found = [arrival.seen.status for arrival in arrivals(parts, T0 + 30_000) if arrival.reported]
    assert found == [SUCCEED]
    assert len(parts.told.moves) == 3


@pytest.mark.parametrize("progression", [Progression.MANUAL, Progression.POLLS])
def test_without_time_nothing_is_planned(progression: Progression) -> None:
    """Under manual and polls no step comes by itself."""
    parts = bench(progression)
    parts.voice(callback_url=CALLBACK)
    assert len(parts.mine.agenda) == 0
    parts.clock.jump(10**9)
    assert arrivals(parts, parts.clock.now()) == []


def test_immediate_plans_every_step_for_the_create() -> None:
    """Under immediate all steps arrive at the instant of the create, in order and each with its own status."""
    parts = bench(Progression.IMMEDIATE)
    task = parts.voice()
    found = arrivals(parts, T0)
    assert [(arrival.seen.status, arrival.seen.updated_at) for arrival in found] == [
        (PROCESSING, T0),
        (SUCCEED, T0),
    ]
    assert parts.told.moves == [(task.id, status) for status in (SUBMITTED, PROCESSING, SUCCEED)]


# ---- polls ----------------------------------------------------------------------------------


@quick
@given(st.integers(1, 3), st.lists(st.sampled_from(["poll", "arrive", "jump"]), max_size=12))
@example(1, ["poll", "poll", "arrive"])  # two queries before the dispatcher had its turn
def test_each_status_of_a_polled_task_arrives_once(per_step: int, story: list[str]) -> None:
    """However queries and the dispatcher take turns, each status that is reached is told and reported once."""
    parts = bench(Progression.POLLS, polls=per_step)
    task = parts.voice(callback_url=CALLBACK)
    polls = 0
    found: list[Arrival] = []
    for what in story:
        if what == "poll":
            task = parts.planner.polled(parts.mine, task)
            polls += 1
        elif what == "arrive":
            found += arrivals(parts, parts.clock.now())
        else:
            parts.clock.jump(7)
    found += arrivals(parts, parts.clock.now())
    reached = [SUBMITTED, PROCESSING, SUCCEED][: min(polls // per_step, 2) + 1]
    assert parts.told.moves == [(task.id, status) for status in reached]
    assert [arrival.seen.status for arrival in found] == reached[1:]
    assert all(arrival.reported for arrival in found)
    assert len(parts.mine.agenda) == 0


def test_polls_are_told_to_the_dispatcher_when_they_move_a_task() -> None:
    """A query that moves a task plans the step for now; one that only counts plans nothing."""
    parts = bench(Progression.POLLS, polls=2)
    planned: list[str] = []
    parts.planner.planned = lambda account: planned.append(account.id)
    task = parts.voice()
    task = parts.planner.polled(parts.mine, task)
    assert planned == []
    task = parts.planner.polled(parts.mine, task)
    assert planned == ["mine"]
    assert parts.mine.task(task.id) is task
    assert [due.at for due in parts.mine.agenda] == [T0]


def test_a_task_of_another_progression_is_not_polled() -> None:
    """Without the polls progression a query gives the very task and plans nothing."""
    parts = bench()
    task = parts.voice()
    before = list(parts.mine.agenda)
    assert parts.planner.polled(parts.mine, task) is task
    assert list(parts.mine.agenda) == before


def test_the_create_answers_the_first_step() -> None:
    """What a create answers is step 0, whatever the progression."""
    for progression in Progression:
        task = bench(progression).voice()
        assert observe_step(task, 0).status is SUBMITTED


def test_a_speech_that_failed_is_not_reported_as_one_that_is_there() -> None:
    """EzModel's callback has no status, so only a speech whose audio exists is reported."""
    parts = bench(behaviour=Behaviour(speech_content_risk="fail"))
    failed = parts.speech(scenario="risk-control", callback_url="http://r.test/")
    there = parts.speech(callback_url="http://r.test/")

    reported = [
        parts.planner.is_reported(parts.mine, task, observe_step(task, 0))
        for task in (failed, there)
    ]

    assert reported == [False, True]
