"""The parts of one server, wired together. Built by ``create_app``; nothing here runs until the app is started."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from mock_server import contract, resources
from mock_server.catalogue import Catalogue
from mock_server.clock import VirtualClock, wall_ms
from mock_server.contract import Contract
from mock_server.credentials import Configured, Credentials
from mock_server.delivery import Dispatcher
from mock_server.documents import Documents
from mock_server.events import Observer, ignore
from mock_server.ids import SeededIds
from mock_server.media import Media
from mock_server.planning import Pace, Planner
from mock_server.ports import Renderer
from mock_server.scenarios import Scenarios
from mock_server.sender import Sender
from mock_server.service import Service
from mock_server.settings import Settings
from mock_server.store import Accounts


@dataclass(frozen=True, slots=True)
class World:
    """Everything one server consists of."""

    settings: Settings
    seed: str
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
    publish: Observer


def build(settings: Settings, render: Renderer, publish: Observer = ignore) -> World:
    """Wires a world.

    Args:
        render: makes the body of a callback.
        publish: told of every event.

    Raises:
        BrokenFile: a document or fixture cannot be used.
    """
    fixtures = Path(settings.fixtures) if settings.fixtures else resources.folder("fixtures")
    documents = Documents(resources.folder("openapi"))
    seed = settings.seed or secrets.token_hex(4)
    clock = VirtualClock(wall_ms() if settings.start is None else settings.start, settings.speed)
    ids = SeededIds(seed)
    scenarios = Scenarios(fixtures, magic=settings.magic)
    catalogue = Catalogue(fixtures)
    pace = Pace(settings.progression, settings.polls)
    tell = ignore if settings.quiet else publish
    planner = Planner(ids, scenarios, settings.behaviour, pace, tell)
    sender = Sender(settings.callback_timeout, server_is_local=settings.is_local)
    configured = Configured(settings.api_key, settings.access_key, settings.secret_key)
    return World(
        settings=settings,
        seed=seed,
        clock=clock,
        ids=ids,
        accounts=Accounts(clock),
        credentials=Credentials(configured),
        contract=contract.load(documents),
        documents=documents,
        catalogue=catalogue,
        scenarios=scenarios,
        media=Media(fixtures),
        service=Service(planner, catalogue, settings.behaviour),
        dispatcher=Dispatcher(planner, sender, render, publish),
        publish=publish,
    )
