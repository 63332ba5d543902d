"""From a request and its answer to an entry of the journal."""

from __future__ import annotations

import time

from starlette.types import Scope

from mock_server.http.dialect import Call, Dialect
from mock_server.http.envelope import Answer
from mock_server.journal import MAX_BODY_BYTES, Entry

#: Characters kept of a path and of a query.
_LONGEST = 2048


def entry(
    scope: Scope, raw_path: bytes, dialect: Dialect, call: Call, answer: Answer, began: float
) -> Entry:
    """The entry of a request that is about to be answered.

    Args:
        began: when it came, by ``time.perf_counter``.
    """
    account, task, raw = call.account, call.task, call.raw
    size = len(raw) if raw is not None else MAX_BODY_BYTES + 1
    if raw is None or size > MAX_BODY_BYTES:
        raw = (raw or b"")[:MAX_BODY_BYTES]
    return Entry(
        account.journal.last + 1,
        account.clock.now(),
        time.time_ns() // 1_000_000,
        scope["method"],
        raw_path[:_LONGEST].decode("latin-1"),
        call.query[:_LONGEST].decode("latin-1"),
        call.operation,
        dialect.name,
        call.id[:_LONGEST],
        raw,
        size,
        answer.status,
        answer.code,
        answer.note,
        round((time.perf_counter() - began) * 1000, 1),
        call.request_id,
        task.id if task is not None else "",
        task.external_id if task is not None else "",
        answer.scenario or (task.scenario if task is not None else ""),
        call.fault,
        call.warning,
    )
