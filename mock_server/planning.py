"""From an order to a task with a future: which scenario applies, what the timeline is, what the agenda holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mock_server.account import Account
from mock_server.core.agenda import Due
from mock_server.core.callback import CallbackFault
from mock_server.core.scenario import (
    Chosen,
    Plan,
    Progression,
    Scenario,
    UnknownScenario,
    drawn,
    paced,
)
from mock_server.core.speech import duration_ms
from mock_server.core.task import (
    TERMINAL,
    CustomVoice,
    Observation,
    Speech,
    Step,
    Task,
    TaskKind,
    TaskStatus,
    count_poll,
    due_at,
    intervene,
    observe,
    observe_step,
)
from mock_server.events import Observer, TaskMoved, ignore
from mock_server.orders import SpeechOrder, VoiceOrder
from mock_server.ports import Ids, ScenarioBook


@dataclass(frozen=True, slots=True)
class Pace:
    """How tasks move: the progression and, under ``polls``, how many queries make one step."""

    progression: Progression = Progression.TIME
    polls: int = 1

    @property
    def polls_per_step(self) -> int:
        """Queries per step, or 0 when queries move nothing."""
        return self.polls if self.progression is Progression.POLLS else 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A step of a task that has come, and whether a callback reports it."""

    task: Task
    seen: Observation
    reported: bool


class Planner:
    """Plans tasks.

    Args:
        publish: told of every status a task reaches.

    Attributes:
        planned: told of an account whose agenda has a new first entry; the dispatcher takes this place.
    """

    planned: Callable[[Account], None]

    def __init__(
        self,
        ids: Ids,
        scenarios: ScenarioBook,
        pace: Pace,
        publish: Observer,
    ) -> None:
        self.planned = _nobody
        self._ids = ids
        self._scenarios = scenarios
        self._pace = pace
        self._polls_per_step = pace.polls_per_step
        self._publish = publish
        self._tells = publish is not ignore
        # Nearly every order follows the default: its timeline is made once.
        self._default_speech, self._default_voice = (
            self._paced(scenarios.default_for(kind), kind)
            for kind in (TaskKind.SPEECH, TaskKind.CUSTOM_VOICE)
        )

    def chosen(self, kind: TaskKind, scenario: Scenario | None, account: Account) -> Chosen:
        """What applies to an order: the scenario that was chosen for it, where it has a plan for this kind of task."""
        if scenario is None or kind not in scenario.plans:
            default = self._default_speech if kind is TaskKind.SPEECH else self._default_voice
            if not default.plan.delays:
                return default
            scenario = self._scenarios.default_for(kind)
        return self._paced(scenario, kind, account)

    def new_ids(self, account: Account) -> tuple[str, str, int]:
        """The ids of the account's next task and of what it makes, and its ordinal."""
        while True:
            ordinal = account.ordinals.next("task")
            task_id, made_id = self._ids.pair(account.id, "task", ordinal)
            if not account.holds(task_id):  # a collision of hashes: take the next
                return task_id, made_id, ordinal

    def new_speech(self, account: Account, order: SpeechOrder, chosen: Chosen) -> Task:
        """The task of a text-to-speech order, created now on the account's clock; not stored yet."""
        task_id, audio_id, ordinal = self.new_ids(account)
        now = account.clock.now()
        return Task(
            task_id,
            TaskKind.SPEECH,
            account.id,
            order.dialect,
            now,
            chosen.timeline,
            Speech(audio_id, duration_ms(order.text, order.speed)),
            "",
            order.callback_url,
            order.origin,
            chosen.scenario,
            self._polls_per_step,
            0,
            order.visible_after_ms and now + order.visible_after_ms,
            chosen.plan.urls_live_ms,
            ordinal,
        )

    def new_voice(self, account: Account, order: VoiceOrder, chosen: Chosen) -> Task:
        """The task of a custom-voice order, created now on the account's clock; not stored yet."""
        task_id, voice_id, ordinal = self.new_ids(account)
        if not account.owner_id:
            account.owner_id = self._ids.number(account.id, "owner", 0)
        now = account.clock.now()
        return Task(
            task_id,
            TaskKind.CUSTOM_VOICE,
            account.id,
            order.dialect,
            now,
            chosen.timeline,
            CustomVoice(voice_id, order.voice_name, account.owner_id),
            order.external_id,
            order.callback_url,
            order.origin,
            chosen.scenario,
            self._polls_per_step,
            0,
            order.visible_after_ms and now + order.visible_after_ms,
            chosen.plan.urls_live_ms,
            ordinal,
        )

    def begin(self, account: Account, task: Task, plan: Plan) -> None:
        """Tells that a stored task exists, which follows ``plan``, and plans its next step."""
        if self._tells:
            self._publish(moved(task, observe_step(task, 0)))
        agenda = account.agenda
        before = agenda.next_at()
        if task.callback_url and self._is_reported(account, task, observe_step(task, 0), plan):
            agenda.plan(task.created_at, task.id, 0)
        self._plan_step(account, task, 1)
        if agenda.next_at() != before:  # else whoever delivers waits for the right instant already
            self.planned(account)

    def arrive(self, account: Account, due: Due) -> Arrival | None:
        """A planned step has come: tells so and plans the next. ``None`` when the plan has changed meanwhile."""
        task = account.task(due.task_id)
        if task is None or due_at(task, due.step) != due.at:
            return None
        seen = observe_step(task, due.step)
        if due.step:
            if self._tells:
                self._publish(moved(task, seen))
            if not task.polls_per_step:  # queries plan their own steps
                self._plan_step(account, task, due.step + 1)
        account.stir()
        return Arrival(task, seen, self.is_reported(account, task, seen))

    def intervene(self, account: Account, task: Task, step: Step) -> Task:
        """Lets a status of a task begin now, whatever its timeline said would come.

        Raises:
            TaskIsTerminal: its status is terminal; nothing changed.
            InvalidTimeline: the status cannot follow the present one; nothing changed.
        """
        now = account.clock.now()
        moved_on = intervene(task, now, step)
        account.replace(moved_on)
        self._plan_step(account, moved_on, len(moved_on.timeline) - 1)
        self.planned(account)
        return moved_on

    def polled(self, account: Account, task: Task) -> Task:
        """The task after an API query, which moves it under the ``polls`` progression and changes nothing else."""
        if not task.polls_per_step:
            return task
        now = account.clock.now()
        polled = count_poll(task, now)
        account.replace(polled)
        if polled.timeline is not task.timeline:
            self._plan_step(account, polled, observe(polled, now).step)
            self.planned(account)
        return polled

    def is_reported(self, account: Account, task: Task, seen: Observation) -> bool:
        """Whether a callback reports this status of a task: by its scenario, else by Behaviour.callback_firing.

        A speech is reported when its audio is there: only EzModel's can be, and its record has no status (assumed).
        """
        return bool(task.callback_url) and self._is_reported(
            account, task, seen, self.plan_of(task)
        )

    def _is_reported(
        self, account: Account, task: Task, seen: Observation, plan: Plan | None
    ) -> bool:
        firing = (plan.firing if plan is not None else "") or account.behaviour.callback_firing
        if firing == "never":
            return False
        if task.kind is TaskKind.SPEECH:
            return seen.status is TaskStatus.SUCCEED
        if seen.status in TERMINAL or firing == "with_submitted":
            return True
        return firing == "changes" and seen.step > 0

    def callback_fault(
        self, account: Account, task: Task, seen: Observation
    ) -> CallbackFault | None:
        """What goes wrong with the callback of a status of a task, if anything does."""
        plan = self.plan_of(task)
        of_scenario = () if plan is None else plan.callbacks
        rules = account.callback_rules
        if not of_scenario and not rules.rules:
            return None
        return rules.choose(task, seen.status, of_scenario, account.clock.now())

    def plan_of(self, task: Task) -> Plan | None:
        """The plan that a task follows, or ``None`` when its scenario is not there any more."""
        try:
            return self._scenarios.named(task.scenario).plans.get(task.kind)
        except UnknownScenario:
            return None

    def _plan_step(self, account: Account, task: Task, index: int) -> None:
        at = due_at(task, index)
        if at is not None:
            account.agenda.plan(at, task.id, index)

    def _paced(self, scenario: Scenario, kind: TaskKind, account: Account | None = None) -> Chosen:
        plan = scenario.plans[kind]
        timeline = plan.timeline
        if plan.delays and account is not None:
            ordinal = account.ordinals.next("delays")
            timeline = drawn(
                plan, lambda step: self._ids.fractions(account.id, f"delay {step}", ordinal)
            )
        return Chosen(scenario.name, plan, paced(timeline, self._pace.progression))


def moved(task: Task, seen: Observation) -> TaskMoved:
    """The event of a task that reached a status."""
    return TaskMoved(
        task.id, task.account_id, task.kind, seen.status, seen.updated_at, seen.message
    )


def _nobody(_account: Account, /) -> None:
    """Nobody delivers yet."""
