"""From a request and its answer to a row of the journal."""

from __future__ import annotations

import time

from starlette.types import Scope

from mock_server.core.fault import UNSENT
from mock_server.http.dialect import Call, Dialect
from mock_server.http.envelope import CLIENT_GONE, Answer
from mock_server.journal import LONGEST, MAX_BODY_BYTES


def note(
    scope: Scope, raw_path: bytes, dialect: Dialect, call: Call, answer: Answer, began: float
) -> None:
    """Writes a request that is about to be answered into the journal; ``began`` is by ``time.perf_counter``."""
    account, raw, task = call.account, call.raw, call.task
    size = MAX_BODY_BYTES + 1 if raw is None else len(raw)
    struck = call.strike.fault if call.fault and call.strike is not None else None
    is_sent = answer.status != CLIENT_GONE and (struck is None or struck.socket not in UNSENT)
    account.journal.append(
        (
            account.clock.now() if task is None or not call.created else task.created_at,
            time.time_ns(),
            time.perf_counter() - began,
            scope["method"],
            raw_path[:LONGEST],
            call.query[:LONGEST],
            call.operation,
            dialect.name,
            call.id[:LONGEST],
            (raw or b"")[:MAX_BODY_BYTES],
            size,
            answer.status if is_sent else 0,
            answer.code if is_sent else None,
            answer.note,
            call.request_id,
            task.id if task is not None else "",
            task.external_id if task is not None else "",
            answer.scenario or (task.scenario if task is not None else ""),
            call.fault or call.fault_text,
            call.warning,
            scope.get("client"),
            call.content_type,
            call.token,
            struck,
        )
    )
    if account.watchers:
        account.stir()
