"""From what an account keeps to what a report card is made from, and the texts of the clauses it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import chain, islice
from typing import Any, NamedTuple

import orjson

from mock_server.account import Account
from mock_server.core.card.evidence import CREATES, Books, Evidence, Request, Told, Try
from mock_server.core.errors import Reason
from mock_server.core.limits import PRICE
from mock_server.core.redact import is_deep
from mock_server.core.task import TERMINAL, Task, observe
from mock_server.deliveries import Delivery
from mock_server.documents import DIALECTS, Documents
from mock_server.http.envelope import REASONS, ROWS
from mock_server.http.showing import DEEPEST
from mock_server.journal import Entry
from mock_server.store import ANONYMOUS
from mock_server.world import World

#: The newest requests that are judged, and the newest tasks whose time is summed up.
MOST_REQUESTS = 10_000
MOST_TASKS = 100_000
#: Characters of a path that are shown.
_SHOWN = 120
_PAGING = ("pageNum", "pageSize")
#: What an HTTP status of EzModel tells of the cause: its codes say no more.
_EZMODEL = {
    400: Reason.PARAMETER_ILLEGAL,
    401: Reason.AUTHENTICATION_FAILED,
    404: Reason.RESOURCE_NOT_FOUND,
    429: Reason.RATE_LIMIT,
    500: Reason.SERVER_ERROR,
}


class Clause(NamedTuple):
    """A rule of the API: its text, and whether it is documented, observed or assumed, with the source."""

    id: str
    text: str
    evidence: str
    source: str


def gather(world: World, account: Account, since: int = 0) -> Evidence:
    """What an account knows of its client.

    Args:
        since: only requests with a greater number are judged.
    """
    entries = account.journal.since(since)[-MOST_REQUESTS:]
    requests = [_request(entry) for entry in entries]
    tasks = dict(_tasks(account, entries))
    return Evidence(
        now=account.clock.now(),
        requests=requests,
        untimely=_untimely(world, account, requests, since),
        tasks=tasks,
        callbacks=[
            _told(item) for item in account.deliveries if not since or item.task.id in tasks
        ],
        fields=known_fields(world.documents),
        missing=max(0, account.journal.last - since) - len(entries),
        cut=sum(entry.is_cut for entry in entries),
        timeout_s=world.settings.callback_timeout,
        is_signed=bool(world.settings.webhook_secret),
        books=_books(account),
    )


def _request(entry: Entry) -> Request:
    body = entry.json
    body = None if is_deep(body, DEEPEST) else body
    reason = _reason(entry)
    return Request(
        number=entry.number,
        at=entry.at,
        arrived=entry.wall - entry.took_ms,
        answered=entry.wall,
        operation=entry.operation,
        dialect=entry.dialect,
        target=_target(entry),
        path_id=entry.path_id,
        query=entry.parameters,
        body=body,
        order=f"{entry.method} {entry.path}?{entry.query} {entry.raw.decode('latin-1')}",
        stripped=_stripped(entry, body),
        status=entry.status,
        reason=reason,
        is_retryable=reason is not None and ROWS[reason].retryable,
        task_id=entry.task_id,
        peer=entry.peer,
        content_type=None if entry.content_type is None else entry.content_type.decode("latin-1"),
        token=entry.token,
        struck=entry.struck,
        words=entry.message,
    )


def _reason(entry: Entry) -> Reason | None:
    """The row of the error table that a client reads off an answer, if it reads one."""
    if not entry.code:
        return None
    if entry.token is not None and entry.token.left_s <= 0:
        return Reason.AUTHORIZATION_EXPIRED
    if entry.dialect == "ezmodel":
        return _EZMODEL.get(entry.code)
    return REASONS.get(str(entry.code))


def _target(entry: Entry) -> str:
    """Method and path, with the page where there is one; nothing else of a query is repeated."""
    parameters = entry.parameters
    page = "&".join(f"{name}={parameters[name]}" for name in _PAGING if name in parameters)
    path = entry.path + (f"?{page}" if page else "")
    return f"{entry.method} {path if len(path) <= _SHOWN else path[:_SHOWN] + '...'}"


def _stripped(entry: Entry, body: Any) -> str:
    if entry.operation not in CREATES:
        return ""
    if not isinstance(body, dict):
        return entry.raw.decode("latin-1")
    order = {name: value for name, value in body.items() if name != "external_task_id"}
    return orjson.dumps([entry.dialect, order], option=orjson.OPT_SORT_KEYS).decode()


def _untimely(world: World, account: Account, requests: list[Request], since: int) -> list[Request]:
    """The requests of an account whose tokens came too early or too late; they are in the journal of nobody."""
    if account.id == ANONYMOUS:
        return []
    begins = requests[0].arrived if requests and since else 0.0
    return [
        replace(
            _request(entry),
            number=0,
            target=f"{_target(entry)} (no. {entry.number} of account {ANONYMOUS})",
        )
        for entry in world.accounts.anonymous.journal
        if entry.token is not None and entry.token.access_key == account.id and entry.wall >= begins
    ]


def _tasks(account: Account, entries: list[Entry]) -> Iterator[tuple[str, Task]]:
    """The tasks that requests are about, found or not."""
    for entry in entries:
        task = account.task(entry.task_id) if entry.task_id else None
        if task is None and entry.path_id:
            task = account.voice_task(entry.path_id)
        if task is not None:
            yield task.id, task


def _told(delivery: Delivery) -> Told:
    return Told(
        number=delivery.number,
        task_id=delivery.task.id,
        status=delivery.seen.status,
        tries=tuple(
            Try(
                tried.at,
                tried.wall,
                tried.status,
                tried.error,
                tried.took_ms,
                tried.error.startswith("target refused"),
            )
            for tried in delivery.attempts
        ),
        fault=delivery.fault,
        is_copy=delivery.original is not None,
        is_replay=delivery.is_replay,
    )


def _books(account: Account) -> Books:
    now = account.clock.now()
    pending = len(account.in_flight(now)) * PRICE
    task_ms = 0
    for task in islice(chain(account.newest_first(), account.speeches()), MOST_TASKS):
        seen = observe(task, now)
        task_ms += (seen.updated_at if seen.status in TERMINAL else now) - task.created_at
    made = account.size + account.speech_dropped
    return Books(account.ledger.spent, pending, account.journal.last, made, task_ms)


# ---- what the documents say -----------------------------------------------------------------


@lru_cache(maxsize=4)
def known_fields(documents: Documents) -> Mapping[tuple[str, str], frozenset[str]]:
    """What the body of each operation may hold, by dialect and operationId."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for dialect in DIALECTS:
        document = documents.requests(dialect)
        schemas = document["components"]["schemas"]
        for item in document["paths"].values():
            for spec in item.values():
                content = spec.get("requestBody", {}).get("content", {}).get("application/json", {})
                schema = content.get("schema")
                if schema is not None:
                    found[dialect, spec["operationId"]] = frozenset(_properties(schema, schemas))
    return found


def _properties(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    reference = schema.get("$ref")
    if reference is not None:
        yield from _properties(schemas[reference.rpartition("/")[2]], schemas)
    yield from schema.get("properties", {})
    for part in schema.get("allOf", ()):
        yield from _properties(part, schemas)


@lru_cache(maxsize=4)
def clauses(documents: Documents) -> Mapping[str, Clause]:
    """Every clause of the dialects' documents by its id; reads them all, so it is asked for when a card is."""
    found: dict[str, Clause] = {}
    for dialect in DIALECTS:
        for rule in _rules(documents.bundled(dialect)):
            clause = Clause(rule["id"], rule["text"], rule["evidence"], rule["source"])
            found.setdefault(clause.id, clause)
    return found


def _rules(value: Any) -> Iterator[Mapping[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _rules(item)
    elif isinstance(value, dict):
        yield from value.get("x-rules", ())
        for item in value.values():
            yield from _rules(item)
