"""The account: namespace and aggregate. A client sees only its own; reset replaces it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import count

from mock_server.core.agenda import Agenda
from mock_server.core.task import CustomVoice, Task
from mock_server.ports import Clock

#: Text-to-speech records kept per account: nobody can query them officially, so old ones are dropped, and counted.
SPEECH_RING = 10_000


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
    """Everything that belongs to one credential: clock, tasks, external ids, voices, agenda, ordinals.

    Args:
        account_id: ``iss`` of a JWT, or ``key-<hash>`` of an API key; ``-`` for requests without a valid credential.
        server_clock: followed until the account's clock is first touched.
    """

    def __init__(self, account_id: str, server_clock: Clock) -> None:
        self.id = account_id
        self.ordinals = Ordinals()
        self.agenda = Agenda()
        self.speech_dropped = 0
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

    def add_voice_task(self, task: Task) -> None:
        """Stores a new custom-voice task and makes it findable by its external id and voice id."""
        self._tasks[task.id] = task
        if isinstance(task.product, CustomVoice):
            self._by_voice_id[task.product.voice_id] = task.id
        if task.external_id:
            self._by_external_id[task.external_id] = task.id

    def add_speech(self, task: Task) -> None:
        """Stores a new text-to-speech record; the oldest is dropped beyond ``SPEECH_RING``."""
        self._speech[task.id] = task
        self._speech_order.append(task.id)
        if len(self._speech_order) > SPEECH_RING:
            del self._speech[self._speech_order.popleft()]
            self.speech_dropped += 1

    def replace(self, task: Task) -> None:
        """Puts a changed task in the place of the one with its id."""
        records = self._tasks if task.id in self._tasks else self._speech
        if task.id in records:
            records[task.id] = task

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

    def holds(self, task_id: str) -> bool:
        """Whether a task id is in use here."""
        return task_id in self._tasks or task_id in self._speech
