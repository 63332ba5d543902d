"""What a dialect is: its operations, and how it words an answer and a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mock_server.account import Account
from mock_server.contract import Violation
from mock_server.core.behaviour import Behaviour
from mock_server.core.claims import Token
from mock_server.core.errors import Reason, Refused
from mock_server.core.scenario import Scenario
from mock_server.core.task import Task, TaskKind
from mock_server.faults import Strike
from mock_server.http.envelope import Answer
from mock_server.world import World


class Call:
    """A request on its way through the pipeline. A handler gets it authenticated, decoded and keeping the schemas.

    Attributes:
        account: whose request it is; the anonymous account until it is known.
        request_id: in the dialect's form.
        id: the id in the path, percent-decoded, or empty.
        operation: its operationId, or empty while it is unknown.
        raw: the request body; ``None`` when it was too large to keep.
        body: the decoded body, ``None`` where the operation has none.
        query: the raw query string.
        origin: scheme and authority for the URLs that are handed out.
        scenario: the one chosen for a create, or ``None`` for the server's default.
        strike: the fault that strikes the exchange; ``is_of_scenario`` when the task's scenario asks for it.
        fault: the fault that was applied, as it was written; ``fault_text`` one that only chose the scenario.
        visible_after_ms: how long after its create a task begins to show.
        awaits_callbacks: the callbacks that are due are answered before this request is.
        task: the task that the answer is about; ``created`` when this request made it.
        warning: what was asked for and could not be applied.
        content_type: of the request, as sent.
        token: the JWT it came with, if it did, whether or not that was let in.
    """

    # Class attributes are the defaults: a dataclass of so many fields costs a microsecond on every request.
    request_id: str = ""
    operation: str = ""
    id: str = ""
    raw: bytes | None = b""
    body: Any = None
    query: bytes = b""
    origin: str = ""
    scenario: Scenario | None = None
    strike: Strike | None = None
    is_of_scenario: bool = False
    fault: str = ""
    fault_text: str = ""
    visible_after_ms: int = 0
    awaits_callbacks: bool = False
    task: Task | None = None
    created: bool = False
    warning: str = ""
    content_type: bytes | None = None
    token: Token | None = None

    def __init__(self, world: World, account: Account) -> None:
        self.world = world
        self.account = account

    def warn(self, words: str) -> None:
        """Notes what could not be applied.

        Raises:
            Refused: with --strict, where warnings are refusals.
        """
        if self.world.settings.strict:
            raise Refused(Reason.PARAMETER_ILLEGAL, words)
        self.note(words)

    def note(self, words: str) -> None:
        """Notes what could not be applied to a request that was executed already."""
        self.warning = f"{self.warning}; {words}" if self.warning else words


Handler = Callable[[Call], Answer | Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """A dialect.

    Attributes:
        base_path: what its paths begin with; unknown paths below it are answered in its words.
        handlers: a handler for each operationId of its documents.
        creates: which operations make a task, and of which kind: those a scenario can apply to.
        success_id: turns the request id into the dialect's form.
        error: a refusal as an answer.
        words: what a broken rule of the request schema is refused with.
    """

    name: str
    base_path: str
    handlers: Mapping[str, Handler]
    error: Callable[[Refused, str], Answer]
    words: Callable[[Violation, Behaviour], Refused]
    request_id: Callable[[str], str] = str
    creates: Mapping[str, TaskKind] = field(default_factory=dict)


def type_name(types: Sequence[str]) -> str:
    """What a JSON Schema's ``type`` demands, in words: ``a string``."""
    return "a " + " or ".join(types)


def not_an_object(behaviour: Behaviour, words: str) -> Refused:
    """The refusal of a body that is no JSON object (Behaviour.unparsable_body)."""
    return Refused(PARAMETER_CODES[behaviour.unparsable_body], words)


#: The two reasons that sources leave open for a bad request, by their code.
PARAMETER_CODES = {"1200": Reason.PARAMETERS_INVALID, "1201": Reason.PARAMETER_ILLEGAL}
