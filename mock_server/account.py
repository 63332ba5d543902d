"""The account: namespace and aggregate. A client sees only its own; reset replaces it."""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count

from mock_server.callback_rules import CallbackRules
from mock_server.core.agenda import Agenda, Due
from mock_server.core.behaviour import Behaviour
from mock_server.core.limits import Limits, RateWindow
from mock_server.core.scenario import Scenario
from mock_server.core.task import CustomVoice, Task, due_at
from mock_server.deliveries import Deliveries, DeliveryState
from mock_server.events import CallbackAttempted
from mock_server.faults import Chance, Faults
from mock_server.journal import Journal
from mock_server.ledger import Ledger
from mock_server.ports import Clock

#: Text-to-speech records kept per account: nobody can query them officially, so old ones are dropped, and counted.
SPEECH_RING = 10_000
#: Callback attempts kept per account.
CALLBACK_RING = 10_000


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a new account begins with; each has its own from then on.

    Attributes:
        behaviour: the reading of disputed rules.
        limits: resource pack, slots and rate.
        journal_entries: how many entries its journal keeps.
    """

    behaviour: Behaviour = field(default_factory=Behaviour)
    limits: Limits = field(default_factory=Limits)
    journal_entries: int = 1000


class Ordinals:
    """Counters by kind, each from 1."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, count[int]] = {}

    def next(self, kind: str) -> int:
        """The next ordinal of a kind."""
        counter = self._counts.get(kind)
        if counter is None:
            counter = self._counts[kind] = count(1)
        return next(counter)


class Account:
    """Everything that belongs to one credential: clock, tasks, external ids, voices, agenda, faults, journal, ordinals.

    Args:
        account_id: ``iss`` of a JWT, or ``key-<hash>`` of an API key; ``-`` for requests without a valid credential.
        server_clock: followed until the account's clock is first touched.
        defaults: what it begins with.
        chance: the hash that decides on faults with a probability.
        epoch: how many accounts with this id were reset before it.

    Attributes:
        closed: a reset has replaced it: nothing of it may happen any more.
        scenario: what its tasks follow by default, or ``None`` for the server's default.
        callbacks: the newest callback attempts.
    """

    def __init__(
        self,
        account_id: str,
        server_clock: Clock,
        defaults: Defaults | None = None,
        chance: Chance = lambda _rule, _ordinal: 0.0,
        epoch: int = 0,
    ) -> None:
        defaults = defaults or Defaults()
        self.id = account_id
        self.epoch = epoch
        self.closed = False
        self.ordinals = Ordinals()
        self.agenda = Agenda()
        self.behaviour = defaults.behaviour
        self._limits = defaults.limits
        #: Whether there is any limit: nearly never, and asked with every request.
        self.is_limited = bool(defaults.limits)
        self.scenario: Scenario | None = None
        self.faults = Faults(chance)
        self.journal = Journal(defaults.journal_entries)
        self.ledger = Ledger()
        self.rate_window = RateWindow()
        self.callbacks: deque[CallbackAttempted] = deque(maxlen=CALLBACK_RING)
        self.callbacks_made = 0
        self.deliveries = Deliveries()
        self.callback_rules = CallbackRules(chance)
        self.speech_dropped = 0
        self.watchers: list[Future[None]] = []
        #: What the account's own voices are ``owned_by`` (documented: the creator's numeric id); empty until needed.
        self.owner_id = ""
        self._server_clock = server_clock
        self._own_clock: Clock | None = None
        self._tasks: dict[str, Task] = {}
        self._by_external_id: dict[str, str] = {}
        self._by_voice_id: dict[str, str] = {}
        self._speech: dict[str, Task] = {}
        self._speech_order: deque[str] = deque()

    @property
    def clock(self) -> Clock:
        """The clock in force: the server's, or the account's own once touched."""
        return self._own_clock or self._server_clock

    def own_clock(self) -> Clock:
        """The account's own clock; the first call copies the server's."""
        if self._own_clock is None:
            self._own_clock = self._server_clock.copy()
        return self._own_clock

    @property
    def limits(self) -> Limits:
        """What it may do."""
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits
        self.is_limited = bool(limits)

    @property
    def has_own_clock(self) -> bool:
        """Whether its clock was ever touched; before, it follows the server's."""
        return self._own_clock is not None

    @property
    def jumped_ms(self) -> int:
        """Milliseconds its clock was moved by jumps."""
        return 0 if self._own_clock is None else self._own_clock.jumped_ms

    def watch(self, future: Future[None]) -> None:
        """Lets ``future`` be resolved by the next thing that happens here."""
        self.watchers.append(future)

    def stir(self) -> None:
        """Something has happened: wakes whoever watches."""
        if self.watchers:
            watchers, self.watchers = self.watchers, []
            for future in watchers:
                if not future.done():
                    future.set_result(None)

    def add_attempt(self, attempt: CallbackAttempted) -> None:
        """Logs a callback attempt; the oldest is dropped beyond ``CALLBACK_RING``."""
        self.callbacks.append(attempt)
        self.callbacks_made += 1
        self.stir()

    def add_voice_task(self, task: Task) -> None:
        """Stores a new custom-voice task and makes it findable by its external id and voice id."""
        self._tasks[task.id] = task
        self.ledger.opened(task)
        if isinstance(task.product, CustomVoice):
            self._by_voice_id[task.product.voice_id] = task.id
        if task.external_id:
            self._by_external_id[task.external_id] = task.id

    def add_speech(self, task: Task) -> None:
        """Stores a new text-to-speech record; the oldest is dropped beyond ``SPEECH_RING``."""
        self._speech[task.id] = task
        self.ledger.opened(task)
        self._speech_order.append(task.id)
        if len(self._speech_order) > SPEECH_RING:
            self.ledger.dropped(self._speech.pop(self._speech_order.popleft()))
            self.speech_dropped += 1

    def replace(self, task: Task) -> None:
        """Puts a changed task in the place of the one with its id."""
        records = self._tasks if task.id in self._tasks else self._speech
        if task.id in records:
            records[task.id] = task
            self.ledger.changed(task)

    def voice_task(self, name: str) -> Task | None:
        """The custom-voice task with this task id or, failing that, this external id."""
        task = self._tasks.get(name)
        if task is not None:
            return task
        return self._tasks.get(self._by_external_id.get(name, ""))

    def external_id_holder(self, external_id: str) -> Task | None:
        """The newest task created with this external id."""
        return self._tasks.get(self._by_external_id.get(external_id, ""))

    def speech(self, task_id: str) -> Task | None:
        """The text-to-speech record with this task id, while the ring holds it."""
        return self._speech.get(task_id)

    def task(self, task_id: str) -> Task | None:
        """The task with this task id, of either kind."""
        return self._tasks.get(task_id) or self._speech.get(task_id)

    def task_of_voice(self, voice_id: str) -> Task | None:
        """The custom-voice task that makes this voice."""
        return self._tasks.get(self._by_voice_id.get(voice_id, ""))

    def newest_first(self) -> Iterator[Task]:
        """The custom-voice tasks, newest first."""
        return reversed(self._tasks.values())

    def speeches(self) -> Iterator[Task]:
        """The text-to-speech records, newest first."""
        return reversed(self._speech.values())

    def planned(self) -> list[int]:
        """The instants (ms) of what is planned, one for each task that moves by itself, in their order.

        A step that an intervention has cut stays in the agenda until its instant, and is not counted.
        """
        return [due.at for due in self.agenda if self._is_valid(due)]

    def _is_valid(self, due: Due) -> bool:
        if due.delivery:
            delivery = self.deliveries.get(due.delivery)
            is_waiting = delivery is not None and delivery.state is DeliveryState.PENDING
            return is_waiting and delivery is not None and delivery.next_at == due.at
        task = self.task(due.task_id)
        return task is not None and due_at(task, due.step) == due.at

    @property
    def is_touched(self) -> bool:
        """Whether anybody ever did something in it, but look."""
        return bool(
            self.journal.last
            or self.has_own_clock
            or self.faults.armed
            or self.scenario
            or self.epoch
        )

    @property
    def size(self) -> int:
        """How many tasks it holds."""
        return len(self._tasks) + len(self._speech)

    def in_flight(self, now: int) -> list[Task]:
        """The tasks that are in flight at ``now`` (ms), oldest first."""
        return self.ledger.in_flight(chain(self._tasks.values(), self._speech.values()), now)

    def holds(self, task_id: str) -> bool:
        """Whether a task id is in use here."""
        return task_id in self._tasks or task_id in self._speech
