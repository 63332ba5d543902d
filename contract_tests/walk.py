"""One custom voice, from its creation to the second attempt to delete it.

Each stage happens once, when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import httpx2
import pytest

from contract_tests import checks
from contract_tests.api import Api, Record
from contract_tests.observation import Answer, Notification
from contract_tests.oracle import KnownVoice, Oracle
from contract_tests.receiver import Receiver

#: Real seconds within which a notification arrives on this machine.
DELIVERY_S = 15.0
#: Seconds that pass after the end, to see that nothing changes any more.
_LATER_S = 60.0


#: What keeps a stage from being reached; it is raised again wherever the stage is asked for.
_FAILURES = (AssertionError, LookupError, TypeError, httpx2.TransportError, pytest.skip.Exception)

T = TypeVar("T")


class Stage(Generic[T]):
    """A property that is worked out once, whether that succeeds or fails: no stage is waited for twice."""

    def __init__(self, reach: Callable[[Walk], T]) -> None:
        self._reach = reach
        self.__doc__ = reach.__doc__

    def __get__(self, walk: Walk, owner: type[Walk]) -> T:
        """What was seen at this stage, or the failure to reach it."""
        if self not in walk.outcomes:
            walk.outcomes[self] = self._outcome(walk)
        value, failure = walk.outcomes[self]
        if failure is not None:
            raise failure
        reached: T = value
        return reached

    def _outcome(self, walk: Walk) -> tuple[T | None, BaseException | None]:
        try:
            return self._reach(walk), None
        except _FAILURES as failure:
            return None, failure


class Walk:
    """The stages of one voice's life, and what was seen in them."""

    def __init__(self, api: Api, receiver: Receiver) -> None:
        self.api = api
        self.oracle = Oracle()
        self.outcomes: dict[Stage[Any], tuple[Any, BaseException | None]] = {}
        self._receiver = receiver
        self._word = api.target.unique("walk")

    @property
    def path(self) -> str:
        """Where the notifications of this voice arrive."""
        return f"/walk/{self._word}"

    @Stage
    def created(self) -> KnownVoice:
        """The task, created with everything that can be said about it."""
        request = {
            "voice_name": "Narrator",
            "voice_url": self._receiver.sample_url,
            "callback_url": self._receiver.base_url + self.path,
            "external_task_id": self._word,
        }
        record = self.api.data("createCustomVoice", request, clause="voice-create.endpoint")
        return self.oracle.created(request, record)

    @Stage
    def first_look(self) -> Record:
        """The query right after the creation."""
        record = self.look(self.created.id)
        checks.kept("voice-create.readable-at-once", "voice-get.endpoint")
        return record

    @Stage
    def ended(self) -> KnownVoice:
        """The task after it was polled until it was terminal."""
        _ = self.first_look
        what = f"the end of {self.created.id}"
        self.api.target.eventually(what, lambda: self._looked_terminal())
        return self.created

    @Stage
    def succeeded(self) -> KnownVoice:
        """The task, if it made a voice. Skips the test otherwise: only a mock is sure to like our sample."""
        if self.ended.status != "succeed":
            words = self.ended.seen[-1].get("task_status_msg")
            if self.api.target.control:
                raise checks.Broken("voice-create.endpoint", words, "an ordinary voice failed")
            pytest.skip(f"not looked at: the sample was refused ({words})")
        return self.ended

    @Stage
    def much_later(self) -> list[Record]:
        """Two more queries, and the task's place in the list, after some time."""
        task = self.ended
        if self.api.target.control:
            self.api.target.advance(_LATER_S)
        return [self.look(task.id), self.look(task.id)]

    @Stage
    def notified(self) -> list[Notification]:
        """The notifications up to the terminal one. Skips the test where the target cannot reach the receiver."""
        if not self.api.target.is_loopback:
            pytest.skip("not looked at: the target cannot reach a receiver on this machine")
        _ = self.ended
        arrived = self._receiver.inbox.wait_for(
            self.path, "[callback.terminal] the notification of the end", DELIVERY_S, any_terminal
        )
        checks.kept("callback.terminal")
        return arrived

    @Stage
    def deleted(self) -> Answer:
        """The answer to the deletion of the voice."""
        task = self.succeeded
        _ = self.much_later
        answer = self.api.call("deleteVoice", {"voice_id": task.voice_id})
        checks.require(answer.pair == (200, 0), "voice-delete.endpoint", answer)
        self.oracle.deleted(task, answer.data)
        return answer

    @Stage
    def deleted_again(self) -> Answer:
        """The answer to a second deletion."""
        _ = self.deleted
        return self.api.call("deleteVoice", {"voice_id": self.succeeded.voice_id})

    def look(self, name: str) -> Record:
        """A query, held against what is known."""
        record = self.api.voice(name)
        self.oracle.shown(self.created, record)
        return record

    def _looked_terminal(self) -> Record | None:
        record = self.look(self.created.id)
        return record if record["task_status"] in checks.TERMINAL else None


def any_terminal(arrived: list[Notification]) -> bool:
    """Whether one of the notifications tells of an end, be it in the right shape or not."""
    return any(_status(item.json) in checks.TERMINAL for item in arrived)


def _status(body: Any) -> Any:
    if not isinstance(body, dict):
        return None
    data = body.get("data")
    return _status(data) if isinstance(data, dict) else body.get("task_status")
