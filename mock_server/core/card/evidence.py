"""What a report card is made from, and what an item of it is.

Everything was kept for other purposes: nothing is measured for the card, and it is computed when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from mock_server.core.callback import CallbackFault
from mock_server.core.claims import Token
from mock_server.core.errors import Reason
from mock_server.core.fault import UNSENT, BodyFault, Fault, SocketFault
from mock_server.core.task import CustomVoice, Speech, Task, TaskStatus

CREATES = ("createSpeech", "createCustomVoice")
QUERIES = ("getCustomVoice", "getSpeech")
#: Faults after which a client has no answer that it can read.
_UNREADABLE_SOCKETS = UNSENT | {
    SocketFault.RESET_IN_BODY,
    SocketFault.SHORT_BODY,
    SocketFault.BAD_CHUNK,
}
_UNREADABLE_BODIES = frozenset(
    {BodyFault.MALFORMED, BodyFault.TRUNCATED, BodyFault.EMPTY, BodyFault.HTML}
)
#: Refusals after which nobody knows whether the operation was executed. Source: openapi, errors.5000 and errors.5002.
_UNCERTAIN = (Reason.SERVER_ERROR, Reason.SERVER_TIMEOUT)
#: Proofs that an item shows; its numbers count all.
MOST_PROOFS = 10
#: Milliseconds by which two requests must overlap to come from two senders: instants are rounded to one.
_OVERLAP_MS = 2.0


class Verdict(StrEnum):
    """What an item of the card says. An advice may be ignored with reason, a warning costs money or breaks."""

    NOT_SEEN = "not_seen"
    OK = "ok"
    ADVICE = "advice"
    WARNING = "warning"


#: From the mildest to the worst.
SEVERITY = (Verdict.NOT_SEEN, Verdict.OK, Verdict.ADVICE, Verdict.WARNING)


@dataclass(frozen=True, slots=True)
class Request:
    """A request and its answer, as the card looks at it.

    Attributes:
        number: its number in the journal.
        at: virtual instant (ms) of the answer; ``arrived`` and ``answered`` are wall instants (ms).
        target: method, path and query, as they may be shown.
        order: the same for requests that ask the same; a create is told apart by its external id.
        stripped: the same for requests that ask the same but for their external id.
        status: HTTP status; 0 when none was sent.
        reason: the row of the error table that it was refused with, as far as the dialect tells.
        is_retryable: whether that row says that the same can succeed later.
        task_id: of the task that the answer is about; of a create, only when it was executed.
        peer: the client's end of the connection.
        struck: the fault that was played.
        words: the message of a refusal.
    """

    number: int
    at: int
    arrived: float
    answered: float
    operation: str = ""
    dialect: str = "klingai"
    target: str = ""
    path_id: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    order: str = ""
    stripped: str = ""
    status: int = 200
    reason: Reason | None = None
    is_retryable: bool = False
    task_id: str = ""
    peer: tuple[str, int] | None = None
    content_type: str | None = None
    token: Token | None = None
    struck: Fault | None = None
    words: str = ""

    @property
    def is_lost(self) -> bool:
        """Whether the client has no answer that it can read."""
        if self.status == 0:
            return True
        struck = self.struck
        return struck is not None and (
            struck.socket in _UNREADABLE_SOCKETS or struck.body in _UNREADABLE_BODIES
        )

    @property
    def is_ok(self) -> bool:
        """Whether the client has a success in its hands."""
        return self.status == 200 and not self.is_lost

    @property
    def is_refused(self) -> bool:
        """Whether the client has a refusal in its hands."""
        return self.status >= 400 and not self.is_lost

    @property
    def is_permanent(self) -> bool:
        """Whether it was refused for a cause that sending it again does not remove."""
        return self.is_refused and self.reason is not None and not self.is_retryable

    @property
    def is_transient(self) -> bool:
        """Whether it failed in a way that may pass."""
        return self.is_lost or (self.is_refused and (self.reason is None or self.is_retryable))

    @property
    def is_uncertain(self) -> bool:
        """Whether the client cannot know if it was executed."""
        return self.is_lost or (
            self.is_refused and (self.reason is None or self.reason in _UNCERTAIN)
        )

    @property
    def is_of_tasks(self) -> bool:
        """Whether it is a create."""
        return self.operation in CREATES

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body, where it is an object."""
        return self.body if isinstance(self.body, dict) else {}

    @property
    def external_id(self) -> str:
        """The external id that a create gives, or empty."""
        value = self.fields.get("external_task_id")
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt to deliver a callback; ``is_ours``: the mock refused to send it."""

    at: int
    wall: int
    status: int | None
    error: str = ""
    took_ms: float = 0.0
    is_ours: bool = False

    @property
    def is_taken(self) -> bool:
        """Whether the receiver answered 2xx."""
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Told:
    """A callback: what it reports, what was wrong with it, and how its attempts went."""

    number: int
    task_id: str
    status: TaskStatus
    tries: tuple[Try, ...] = ()
    fault: CallbackFault | None = None
    is_copy: bool = False
    is_replay: bool = False

    @property
    def taken(self) -> Try | None:
        """The attempt that the receiver took, if it took one."""
        return next((item for item in self.tries if item.is_taken), None)


@dataclass(frozen=True, slots=True)
class Books:
    """What all of it would have cost: units in hundredths, calls, and virtual ms that tasks took."""

    spent: int = 0
    pending: int = 0
    calls: int = 0
    tasks: int = 0
    task_ms: int = 0


@dataclass(frozen=True)
class Evidence:
    """What an account knows of its client.

    Attributes:
        now: virtual instant (ms) of the card.
        requests: those in the journal, oldest first.
        untimely: requests of this account's tokens that were refused for their time; they are in the journal of
            nobody, and have number 0 here.
        tasks: by task id, those that the requests are about.
        callbacks: oldest first.
        fields: what the body of an operation may hold, by dialect and operation.
        missing: older requests that are not among them; ``cut`` bodies that the journal holds in part.
        timeout_s: wall seconds that a receiver has.
        is_signed: whether callbacks are signed.
    """

    now: int = 0
    requests: Sequence[Request] = ()
    untimely: Sequence[Request] = ()
    tasks: Mapping[str, Task] = field(default_factory=dict)
    callbacks: Sequence[Told] = ()
    fields: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    missing: int = 0
    cut: int = 0
    timeout_s: float = 10.0
    is_signed: bool = False
    books: Books = Books()

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The task id by every name of a task: task id first, then external id."""
        by_external = {task.external_id: task.id for task in self.tasks.values()}
        by_external.pop("", None)
        return {**by_external, **{task_id: task_id for task_id in self.tasks}}

    @cached_property
    def voices(self) -> Mapping[str, Task]:
        """The tasks of custom voices by the voice's id."""
        return {
            task.product.voice_id: task
            for task in self.tasks.values()
            if isinstance(task.product, CustomVoice)
        }

    @cached_property
    def audios(self) -> Mapping[str, Task]:
        """The tasks of speeches by the audio's id."""
        return {
            task.product.audio_id: task
            for task in self.tasks.values()
            if isinstance(task.product, Speech)
        }

    @cached_property
    def keeps_connections(self) -> bool:
        """Whether connections are used again: another one is another sender then. Some clients open one each time."""
        return 2 * len({request.peer for request in self.requests}) <= len(self.requests)

    @cached_property
    def voices_made_at(self) -> Sequence[int]:
        """The instants (ms) of all creates of custom voices, in order."""
        return sorted(task.created_at for task in self.voices.values())

    def of(self, *operations: str) -> Iterator[Request]:
        """The requests of some operations."""
        return (item for item in self.requests if item.operation in operations)


@dataclass(frozen=True, slots=True)
class Proof:
    """Where it can be seen: the number of a journal entry, or of a delivery, and a few words."""

    words: str
    number: int | None = None
    delivery: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One thing the card judges."""

    id: str
    title: str
    verdict: Verdict
    seen: str
    remedy: str = ""
    clause: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    proofs: tuple[Proof, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is judged: its title, what to do when it is not well, and the clause it rests on, if it rests on one."""

    id: str
    title: str
    remedy: str
    clause: str = ""

    def not_seen(self, why: str) -> Item:
        """Nothing was seen that it could be judged by."""
        return Item(self.id, self.title, Verdict.NOT_SEEN, why, clause=self.clause)

    def judged(
        self,
        verdict: Verdict,
        seen: str,
        numbers: Mapping[str, float] | None = None,
        proofs: Iterable[Proof] = (),
    ) -> Item:
        """What was seen, and what it is worth."""
        remedy = self.remedy if verdict in (Verdict.ADVICE, Verdict.WARNING) else ""
        kept = tuple(proofs)[:MOST_PROOFS]
        return Item(
            self.id, self.title, verdict, seen, remedy, self.clause, dict(numbers or {}), kept
        )


def gap_s(first: Request, then: Request) -> float:
    """Seconds that a client let pass between an answer and its next request: the longer of virtual and wall time.

    A test that moves the clock is quick by the wall; a clock that stands still sees no client wait.
    """
    return max(then.at - first.at, then.arrived - first.answered, 0) / 1000


def interleaves(requests: Sequence[Request]) -> bool:
    """Whether more than one sender is at work: two requests overlap, or a connection is used again after another."""
    used: set[object] = set()
    last: Request | None = None
    for request in requests:
        if last is not None:
            if request.arrived < last.answered - _OVERLAP_MS:
                return True
            if request.peer != last.peer and request.peer in used:
                return True
        used.add(request.peer)
        last = request
    return False


def is_mixed(evidence: Evidence, requests: Sequence[Request]) -> bool:
    """Whether requests that ask the same cannot be told apart by their senders, or orders.

    A client that opens a connection for each request shows no sender; two successes are two orders then.
    """
    if interleaves(requests):
        return True
    is_order = requests[0].is_of_tasks and not evidence.keeps_connections
    return is_order and sum(request.is_ok for request in requests) > 1


def senders(evidence: Evidence, requests: Sequence[Request]) -> list[list[Request]]:
    """The requests by sender: all of them, or those of each connection where several are at work."""
    if not evidence.keeps_connections and not interleaves(requests):
        return [list(requests)]
    by_peer: dict[object, list[Request]] = {}
    for request in requests:
        by_peer.setdefault(request.peer, []).append(request)
    return list(by_peer.values())


def chains(evidence: Evidence, requests: Sequence[Request]) -> Iterator[list[Request]]:
    """Requests that surely follow on each other: cut where another connection comes in without a need."""
    chain: list[Request] = []
    for request in requests:
        before = chain[-1] if chain else None
        if before is not None and evidence.keeps_connections:
            is_need = before.is_lost  # which often costs the connection
            if before.peer != request.peer and not is_need:
                yield chain
                chain = []
        chain.append(request)
    if chain:
        yield chain


def plural(number: int, noun: str, many: str = "") -> str:
    """A number and its noun: ``1 poll``, ``2 polls``; ``many`` is the plural where it is irregular."""
    return f"{number} {noun}" if number == 1 else f"{number} {many or noun + 's'}"


def span(seconds: float) -> str:
    """Seconds in words: ``0.25 s``, ``3 ms``."""
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
