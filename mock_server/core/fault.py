"""Faults: what goes wrong with one exchange, and when.

Rules that live here
    * A fault is a value. It says what the answer becomes, and whether the operation is executed: never, before the
      answer is lost or distorted, or with a task that shows only later.
    * A rule is a fault with a pattern and a ``When``. Whether it strikes is a function of how often it matched, of
      the time since it was armed, and of a number in [0, 1) that a hash of the match made: the same again tomorrow.

Rules that do not live here: bytes and sockets (http/), who is matched (pattern.py), counting (faults.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mock_server.core.delay import Delay
from mock_server.core.errors import Reason

#: Virtual seconds after which a task shows that was created ``after`` its answer.
VISIBLE_AFTER_S = 5.0


class Commit(StrEnum):
    """Whether the operation is executed: ``never``; ``before`` the answer is lost; ``after``: it shows only later."""

    NEVER = "never"
    BEFORE = "before"
    AFTER = "after"


class BodyFault(StrEnum):
    """What is wrong with the body of an answer that is otherwise good HTTP."""

    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    WRONG_TYPE = "wrong-type"
    HTML = "html"
    EMPTY = "empty"


class SocketFault(StrEnum):
    """What is wrong with the connection."""

    RESET = "reset"
    RESET_IN_BODY = "reset-in-body"
    CLOSE = "close"
    SHORT_BODY = "short-body"
    BAD_CHUNK = "bad-chunk"
    GARBAGE = "garbage"
    DRIBBLE = "dribble"
    HANG = "hang"


#: Socket faults that need no socket: they work with any ASGI server, and in-process.
WITHOUT_SOCKET = frozenset({SocketFault.DRIBBLE, SocketFault.HANG})
#: Socket faults with which not even a status is sent.
UNSENT = frozenset({SocketFault.RESET, SocketFault.CLOSE, SocketFault.HANG, SocketFault.GARBAGE})


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one exchange (schema FaultObject).

    Attributes:
        reason: the row of the error table that is answered with, or ``None``.
        message: words in place of the row's own.
        retry_after: seconds of a Retry-After header, or ``None``.
        latency: wall seconds before the answer.
        commit: whether the operation is executed.
        visible_after_s: with ``commit: after``, virtual seconds until the task shows.
        body: what is wrong with the body.
        fraction: how much of a truncated body is left.
        status: the HTTP status of a gateway's page.
        edit: JSON Patch operations on the answer.
        socket: what is wrong with the connection.
        over_s: wall seconds that a dribbled answer takes.
        chunks: pieces of a dribbled answer.
        scenario: the scenario of the task that is created.
        text: in one line, for whoever looks on.
        written: as it was written: a text or an object.
        value: as an object (schema FaultObject).
    """

    reason: Reason | None = None
    message: str = ""
    retry_after: int | None = None
    latency: Delay | None = None
    commit: Commit = Commit.BEFORE
    visible_after_s: float = VISIBLE_AFTER_S
    body: BodyFault | None = None
    fraction: float = 0.5
    status: int = 502
    edit: tuple[dict[str, Any], ...] = ()
    socket: SocketFault | None = None
    over_s: float = 1.0
    chunks: int = 10
    scenario: str = ""
    text: str = ""
    written: str | Mapping[str, Any] = ""
    value: Mapping[str, Any] = field(default_factory=dict)

    @property
    def needs_socket(self) -> bool:
        """Whether it can only happen on a real connection."""
        return self.socket is not None and self.socket not in WITHOUT_SOCKET


@dataclass(frozen=True, slots=True)
class When:
    """Which matches of a rule are struck.

    Attributes:
        after: the first so many matches pass.
        count: at most so many are struck; ``None``: no end.
        probability: how likely each is struck, in (0, 1].
        window: virtual seconds since the arming, from and to; ``None``: always.
        ttl_s: virtual seconds after which the rule is expired; ``None``: never.
    """

    after: int = 0
    count: int | None = None
    probability: float = 1.0
    window: tuple[float, float] | None = None
    ttl_s: float | None = None

    def strikes(self, ordinal: int, consumed: int, elapsed_s: float, chance: float) -> bool:
        """Whether the match ``ordinal`` (from 1) is struck.

        Args:
            consumed: how many were struck before.
            elapsed_s: virtual seconds since the arming.
            chance: the hash of this match, in [0, 1).
        """
        if ordinal <= self.after or (self.count is not None and consumed >= self.count):
            return False
        if self.window is not None and not self.window[0] <= elapsed_s < self.window[1]:
            return False
        return not self.is_expired(elapsed_s) and chance < self.probability

    def is_expired(self, elapsed_s: float) -> bool:
        """Whether its time to live is over."""
        return self.ttl_s is not None and elapsed_s >= self.ttl_s

    def is_over(self, consumed: int, elapsed_s: float) -> bool:
        """Whether it can never strike again."""
        if self.count is not None and consumed >= self.count:
            return True
        closed = self.window is not None and elapsed_s >= self.window[1]
        return closed or self.is_expired(elapsed_s)


ALWAYS = When()
