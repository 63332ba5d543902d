"""The parts of one server, wired together. Built by ``create_app``; nothing here runs until the app is started."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mock_server import contract, datafile, resources
from mock_server.account import Defaults
from mock_server.catalogue import Catalogue
from mock_server.clock import VirtualClock, wall_ms
from mock_server.contract import Contract
from mock_server.core.faulttext import FaultReader
from mock_server.core.retry import SCHEDULES
from mock_server.core.signing import key_of
from mock_server.credentials import Configured, Credentials
from mock_server.delivery import Dispatcher
from mock_server.documents import Documents
from mock_server.events import Observer, ignore
from mock_server.ids import SeededIds
from mock_server.media import Media
from mock_server.outgoing import Outgoing
from mock_server.planning import Pace, Planner
from mock_server.ports import Renderer
from mock_server.scenario_file import ScenarioFiles
from mock_server.scenarios import Scenarios
from mock_server.sender import Sender
from mock_server.sending import Courier
from mock_server.service import Service
from mock_server.settings import Settings
from mock_server.store import Accounts
from mock_server.waiting import Waits


@dataclass(frozen=True, slots=True)
class World:
    """Everything one server consists of."""

    settings: Settings
    clock: VirtualClock
    ids: SeededIds
    accounts: Accounts
    credentials: Credentials
    contract: Contract
    documents: Documents
    catalogue: Catalogue
    scenarios: Scenarios
    media: Media
    service: Service
    dispatcher: Dispatcher
    courier: Courier
    waits: Waits
    publish: Observer
    fault_reader: FaultReader

    @property
    def seed(self) -> str:
        """What its ids are made from."""
        return self.ids.seed


def build(
    settings: Settings,
    render: Renderer,
    publish: Observer = ignore,
    fault_reader: FaultReader | None = None,
) -> World:
    """Wires a world. ``render`` makes the body of a callback; ``publish`` is told of every event.

    Raises:
        BrokenFile, UnknownScenario: a document, a fixture or the default scenario cannot be used.
    """
    fixtures = folder_of(settings)
    documents = Documents(resources.folder("openapi"))
    clock = _clock(settings)
    ids = SeededIds(settings.seed or secrets.token_hex(4))
    reader = fault_reader or FaultReader({})
    scenarios = scenarios_of(settings, fixtures, reader)
    catalogue = Catalogue(fixtures)
    planner = _planner(settings, ids, scenarios, publish)
    accounts = _accounts(settings, clock, ids)
    courier = _courier(settings, planner, ids, render, publish)
    dispatcher = Dispatcher(planner, courier, publish)
    return World(
        settings=settings,
        clock=clock,
        ids=ids,
        accounts=accounts,
        credentials=_credentials(settings, accounts),
        contract=contract.load(documents),
        documents=documents,
        catalogue=catalogue,
        scenarios=scenarios,
        media=Media(fixtures),
        service=Service(planner, catalogue),
        dispatcher=dispatcher,
        courier=courier,
        waits=Waits(dispatcher),
        publish=publish,
        fault_reader=reader,
    )


def folder_of(settings: Settings) -> Path:
    """The folder of fixtures that settings ask for."""
    return Path(settings.fixtures) if settings.fixtures else resources.folder("fixtures")


def _clock(settings: Settings) -> VirtualClock:
    return VirtualClock(wall_ms() if settings.start is None else settings.start, settings.speed)


def _planner(
    settings: Settings, ids: SeededIds, scenarios: Scenarios, publish: Observer
) -> Planner:
    pace = Pace(settings.progression, settings.polls)
    return Planner(ids, scenarios, pace, ignore if settings.quiet else publish)


def _courier(
    settings: Settings, planner: Planner, ids: SeededIds, render: Renderer, publish: Observer
) -> Courier:
    outgoing = Outgoing(
        render,
        [key_of(secret) for secret in settings.webhook_secret],
        follows_clock=settings.auth_clock == "virtual",
    )
    return Courier(
        Sender(settings.callback_timeout, settings.target_policy),
        outgoing,
        ids,
        planner.callback_fault,
        publish,
        SCHEDULES[settings.callback_retries],
    )


def _accounts(settings: Settings, clock: VirtualClock, ids: SeededIds) -> Accounts:
    defaults = Defaults(settings.behaviour, settings.limits, settings.journal)
    return Accounts(clock, defaults, ids.chance)


def _credentials(settings: Settings, accounts: Accounts) -> Credentials:
    def jumped_s(account_id: str) -> float:
        account = accounts.find(account_id)
        return 0.0 if account is None else account.jumped_ms / 1000

    configured = Configured(settings.api_key, settings.access_key, settings.secret_key)
    if settings.auth_clock == "virtual":
        return Credentials(configured, jumped_s=jumped_s)
    return Credentials(configured)


def scenarios_of(settings: Settings, fixtures: Path, faults: FaultReader) -> Scenarios:
    """The scenarios that settings ask for.

    Raises:
        BrokenFile: a file cannot be used.
        UnknownScenario: the default scenario does not exist.
    """

    def schema() -> dict[str, Any]:
        own = datafile.read(fixtures / "schemas" / "scenario.yaml")
        shared = datafile.read(resources.folder("openapi") / "components" / "faults.yaml")
        return {**own, "components": shared["components"]}

    return Scenarios(
        fixtures,
        ScenarioFiles(schema, faults),
        own=Path(settings.scenarios) if settings.scenarios else None,
        magic=settings.magic,
        default=settings.scenario,
        eager=bool(settings.fixtures),
    )
