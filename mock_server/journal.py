"""The journal of one account: every request and its answer, written before the answer is sent.

It is bounded by entries and by bytes, and counts what it dropped. No credential is ever in it: the Authorization header
is not kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import orjson

#: A body longer than this is kept cut, and says so.
MAX_BODY_BYTES = 65_536


class Entry(NamedTuple):
    """One request and its answer. A tuple: one is made for every request.

    Attributes:
        number: from 1, in the order of the answers.
        at: instant in ms, on the account's clock.
        wall: instant in ms, on the machine's clock.
        path_id: the id in the path, if it has one.
        raw: the request body, cut at ``MAX_BODY_BYTES``.
        size: bytes of the request body.
        code: the business code of the answer; ``message`` is its text when it is an error.
        fault: what struck the exchange, as it was written.
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


class Journal:
    """The newest entries.

    Args:
        most_entries: entries kept.
        most_bytes: bytes of request bodies kept.
    """

    __slots__ = ("_bytes", "_entries", "_most_bytes", "_most_entries", "dropped", "last")

    def __init__(self, most_entries: int = 1000, most_bytes: int = 8_000_000) -> None:
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        #: Entries that were dropped because there were too many.
        self.dropped = 0
        #: The number of the newest entry.
        self.last = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """The entries, oldest first."""
        return iter(self._entries)

    def append(self, entry: Entry) -> None:
        """Writes an entry; the oldest are dropped beyond the bounds."""
        entries = self._entries
        entries.append(entry)
        self.last = entry.number
        self._bytes += len(entry.raw)
        while len(entries) > self._most_entries or self._bytes > self._most_bytes:
            self._bytes -= len(entries.popleft().raw)
            self.dropped += 1

    def since(self, number: int) -> list[Entry]:
        """The entries after a number, oldest first."""
        return [entry for entry in self._entries if entry.number > number]

    def clear(self) -> int:
        """Forgets all entries, but not their numbers; returns how many there were."""
        cleared = len(self._entries)
        self._entries.clear()
        self._bytes = 0
        return cleared
