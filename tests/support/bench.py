"""A workbench: the mock's parts, wired as a server wires them, with everything in a test's reach and no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from mock_server import world as worlds
from mock_server.account import Account, Defaults
from mock_server.catalogue import Catalogue
from mock_server.clock import VirtualClock
from mock_server.core.behaviour import Behaviour
from mock_server.core.faulttext import FaultReader
from mock_server.core.limits import Limits
from mock_server.core.retry import NONE, Schedule
from mock_server.core.scenario import Progression, Scenario
from mock_server.core.target import TargetPolicy
from mock_server.core.task import Task
from mock_server.delivery import Dispatcher
from mock_server.events import CallbackAttempted, CallbackNotDelivered, Event, TaskMoved
from mock_server.http.app import callback_body
from mock_server.http.envelope import REASONS
from mock_server.ids import SeededIds
from mock_server.orders import SpeechOrder, VoiceOrder
from mock_server.outgoing import Outgoing
from mock_server.planning import Pace, Planner
from mock_server.ports import Renderer
from mock_server.scenarios import Scenarios
from mock_server.sender import Attempt, Sender
from mock_server.sending import Courier
from mock_server.service import Service
from mock_server.settings import Settings
from mock_server.store import Accounts
from tests.support.clocks import still_clock
from tests.support.places import FIXTURES
from tests.support.receiver import PATIENCE_S

T = TypeVar("T")
E = TypeVar("E", bound=Event)


@cache
def scenarios() -> Scenarios:
    """The scenarios that are shipped."""
    return scenarios_in(FIXTURES)


def scenarios_in(folder: Path, **options: Any) -> Scenarios:
    """The scenarios of a fixtures folder, under settings."""
    return worlds.scenarios_of(Settings(**options), folder, FaultReader(REASONS))


@cache
def catalogue() -> Catalogue:
    """The voices that are shipped."""
    return Catalogue(FIXTURES)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on a loop of its own, for a bounded time."""
    return asyncio.run(asyncio.wait_for(work, 3 * PATIENCE_S))


async def turns(count: int = 20) -> None:
    """Lets the loop do what it can do now."""
    for _ in range(count):
        await asyncio.sleep(0)


class Told:
    """An observer that remembers, and wakes who waits for an event."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def __call__(self, event: Event, /) -> None:
        """Takes one event."""
        self.events.append(event)
        self._more.set()

    def of(self, kind: type[E]) -> list[E]:
        """The events of a kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def moves(self) -> list[tuple[str, str]]:
        """Task id and status of every transition."""
        return [(event.task_id, event.status) for event in self.of(TaskMoved)]

    @property
    def attempts(self) -> list[tuple[str, int | None]]:
        """Task status and HTTP status of every callback attempt."""
        return [(event.task_status, event.status) for event in self.of(CallbackAttempted)]

    @property
    def undelivered(self) -> list[tuple[str, float | None]]:
        """Task status and virtual seconds to go of every callback that was not delivered."""
        return [(event.task_status, event.due_in_s) for event in self.of(CallbackNotDelivered)]

    async def until(self, happened: Callable[[], bool]) -> None:
        """Waits, for a bounded time, until something is true of what was told."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not happened():
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"it did not happen; told were {self.events}") from None


class StubSender(Sender):
    """A sender that opens no connection: it notes what it was given and answers at once, or when told."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(1.0, TargetPolicy())
        self.status = status
        self.sent: list[tuple[str, bytes]] = []
        self.headers: list[Mapping[str, str]] = []
        self.open = 0
        self.most_open = 0
        #: While it is clear, attempts are held.
        self.go = asyncio.Event()
        self.go.set()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """Notes the callback."""
        self.sent.append((url, body))
        self.headers.append(headers)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await self.go.wait()
        finally:
            self.open -= 1
        return Attempt(self.status, "", 0.0)


@dataclass(slots=True)
class Bench:
    """The parts, and one account ``mine`` that has no clock of its own yet."""

    clock: VirtualClock
    accounts: Accounts
    mine: Account
    told: Told
    planner: Planner
    service: Service
    dispatcher: Dispatcher
    courier: Courier

    def voice(self, account: Account | None = None, **changes: Any) -> Task:
        """Creates a custom voice by a good order with ``changes``."""
        return self.service.create_custom_voice(account or self.mine, voice_order(**changes))

    def speech(self, account: Account | None = None, **changes: Any) -> Task:
        """Creates a speech by a good order with ``changes``."""
        return self.service.create_speech(account or self.mine, speech_order(**changes))

    async def advance(self, seconds: float, account: Account | None = None) -> list[Event]:
        """Advances an account's clock as the control API does."""
        account = account or self.mine
        return await self.dispatcher.advance(account, round(seconds * 1000))


def bench(
    progression: Progression = Progression.TIME,
    *,
    polls: int = 1,
    rate: float = 0,
    sender: Sender | None = None,
    render: Renderer = callback_body,
    behaviour: Behaviour | None = None,
    limits: Limits | None = None,
    schedule: Schedule = NONE,
    keys: Sequence[bytes] = (),
) -> Bench:
    """Wires a bench; the clock stands still unless it is given a rate."""
    clock = still_clock()
    clock.set_rate(rate)
    told = Told()
    ids = SeededIds("seed")
    planner = Planner(ids, scenarios(), Pace(progression, polls), told)
    service = Service(planner, catalogue())
    outgoing = Outgoing(render, keys)
    courier = Courier(
        sender or Sender(PATIENCE_S, TargetPolicy()),
        outgoing,
        ids,
        planner.callback_fault,
        told,
        schedule,
    )
    dispatcher = Dispatcher(planner, courier, told)
    defaults = Defaults(behaviour or Behaviour(), limits or Limits())
    accounts = Accounts(clock, defaults, ids.chance)
    return Bench(clock, accounts, accounts.get("mine"), told, planner, service, dispatcher, courier)


def voice_order(**changes: Any) -> VoiceOrder:
    """A good order of a custom voice, with changes; ``scenario`` may be a name."""
    values: dict[str, Any] = {
        "dialect": "klingai",
        "voice_name": "Narrator",
        "voice_url": "http://h.test/a.mp3",
        "video_id": "",
        "external_id": "",
        "callback_url": "",
        "origin": "http://mock.test",
    }
    return VoiceOrder(**{**values, **named(changes)})


def speech_order(**changes: Any) -> SpeechOrder:
    """A good order of a speech, with changes; ``scenario`` may be a name."""
    values: dict[str, Any] = {
        "dialect": "klingai",
        "text": "Hello",
        "voice_id": "oversea_male1",
        "language": "en",
        "speed": 1.0,
        "origin": "http://mock.test",
    }
    return SpeechOrder(**{**values, **named(changes)})


def named(changes: dict[str, Any]) -> dict[str, Any]:
    """Changes in which a scenario's name has become the scenario."""
    scenario: str | Scenario | None = changes.get("scenario")
    if isinstance(scenario, str):
        return {**changes, "scenario": scenarios().named(scenario)}
    return changes
