"""The journal of one account: every request and its answer, written before the answer is sent.

It is bounded by entries and by bytes, and counts what it dropped. No credential is ever in it: the Authorization header
is not kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import orjson

from mock_server.core.claims import Token
from mock_server.core.fault import Fault

#: A body longer than this is kept cut, and says so.
MAX_BODY_BYTES = 65_536
#: Characters kept of a path and of a query.
LONGEST = 2048


class Entry(NamedTuple):
    """One request and its answer.

    Attributes:
        number: from 1, in the order of the answers.
        at: instant in ms, on the account's clock.
        wall: instant in ms, on the machine's clock.
        path_id: the id in the path, if it has one.
        raw: the request body, cut at ``MAX_BODY_BYTES``.
        size: bytes of the request body.
        code: the business code of the answer; ``message`` is its text when it is an error.
        fault: what struck the exchange, as it was written; ``struck`` is it as a value.
        peer: the client's end of the connection.
        content_type: of the request, as sent, or ``None``.
        token: the JWT that the request came with, or ``None``.
    """

    number: int
    at: int
    wall: int
    method: str
    path: str
    query: str
    operation: str
    dialect: str
    path_id: str
    raw: bytes
    size: int
    status: int
    code: int | None
    message: str
    took_ms: float
    request_id: str
    task_id: str
    external_id: str
    scenario: str
    fault: str
    warning: str
    peer: tuple[str, int] | None = None
    content_type: bytes | None = None
    token: Token | None = None
    struck: Fault | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The ids a task of this exchange goes by."""
        return tuple(filter(None, (self.path_id, self.task_id, self.external_id)))

    @property
    def json(self) -> Any:
        """The decoded request body, or ``None`` where there is none or it was cut."""
        if not self.raw or self.is_cut:
            return None
        try:
            return orjson.loads(self.raw)
        except orjson.JSONDecodeError:
            return None

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query parameters."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def is_cut(self) -> bool:
        """Whether the body is longer than what was kept of it."""
        return self.size > len(self.raw)


#: An exchange as it is kept: what an entry is made of, in the order of :func:`_entry`. A plain tuple, made for every
#: request; nearly none is ever looked at.
Row = tuple[
    int,
    int,
    float,
    str,
    bytes,
    bytes,
    str,
    str,
    str,
    bytes,
    int,
    int,
    int | None,
    str,
    str,
    str,
    str,
    str,
    str,
    str,
    tuple[str, int] | None,
    bytes | None,
    Token | None,
    Fault | None,
]
#: Where the body is in a row.
_RAW: Final = 9


class Journal:
    """The newest entries.

    Args:
        most_entries: entries kept.
        most_bytes: bytes of request bodies kept.
    """

    __slots__ = ("_bytes", "_kept", "_most_bytes", "_most_entries", "dropped", "last")

    def __init__(self, most_entries: int = 1000, most_bytes: int = 8_000_000) -> None:
        self._kept: deque[Row] = deque()
        self._bytes = 0
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        #: Entries that were dropped because there were too many.
        self.dropped = 0
        #: The number of the newest entry.
        self.last = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[Entry]:
        """The entries, oldest first."""
        return iter(self.since(0))

    def append(self, row: Row) -> None:
        """Writes an entry; the oldest are dropped beyond the bounds."""
        kept = self._kept
        kept.append(row)
        self.last += 1
        self._bytes += len(row[_RAW])
        while len(kept) > self._most_entries or self._bytes > self._most_bytes:
            self._bytes -= len(kept.popleft()[_RAW])
            self.dropped += 1

    def since(self, number: int) -> list[Entry]:
        """The entries after a number, oldest first."""
        first = self.last - len(self._kept) + 1
        skipped = max(0, number + 1 - first)
        rows = islice(self._kept, skipped, None)
        return [_entry(place, *row) for place, row in enumerate(rows, first + skipped)]

    def clear(self) -> int:
        """Forgets all entries, but not their numbers; returns how many there were."""
        cleared = len(self._kept)
        self._kept.clear()
        self._bytes = 0
        return cleared


def _entry(
    number: int,
    at: int,
    wall_ns: int,
    took_s: float,
    method: str,
    raw_path: bytes,
    query: bytes,
    operation: str,
    dialect: str,
    path_id: str,
    raw: bytes,
    *rest: Any,
) -> Entry:
    size, status, code, message, *others = rest
    return Entry(
        number,
        at,
        wall_ns // 1_000_000,
        method,
        raw_path.decode("latin-1"),
        query.decode("latin-1"),
        operation,
        dialect,
        path_id,
        raw,
        size,
        status,
        code,
        message,
        round(took_s * 1000, 1),
        *others,
    )
