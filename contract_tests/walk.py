"""One custom voice, from its creation to the second attempt to delete it.

Each stage happens once, when it is first asked for.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pytest

from contract_tests import checks, listing
from contract_tests.api import Record, TooManyTasks
from contract_tests.garden import DOOMED, FAILURES, PLAIN, Garden
from contract_tests.observation import Answer
from contract_tests.oracle import KnownVoice
from contract_tests.saying import Said

#: Seconds that pass after the end, to see that nothing changes any more.
_LATER_S = 60.0
#: Queries in a row, to see that looking changes nothing.
_LOOKS = 5

T = TypeVar("T")

#: A walk knows its garden, which lives as long as its dialect does.
_WALKS: weakref.WeakKeyDictionary[Garden, Walk] = weakref.WeakKeyDictionary()


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
        except FAILURES as failure:
            return None, failure


class Walk:
    """The stages of one voice's life, and what was seen in them."""

    def __init__(self, garden: Garden) -> None:
        self.garden = garden
        self.api = garden.api
        self.oracle = garden.oracle
        self.outcomes: dict[Stage[Any], tuple[Any, BaseException | None]] = {}

    @staticmethod
    def of(garden: Garden) -> Walk:
        """The walk through a garden; there is one in a run, however its tests are spread."""
        if garden not in _WALKS:
            _WALKS[garden] = Walk(garden)
        return _WALKS[garden]

    @Stage
    def created(self) -> KnownVoice:
        """The task, created with everything that can be said about it."""
        return self.garden.planted(PLAIN)

    @Stage
    def first_look(self) -> Record:
        """The query right after the creation."""
        return self.garden.at_once(PLAIN)

    @Stage
    def quick_looks(self) -> list[Record]:
        """Some queries in a row."""
        return [self.look(self.created.id) for _ in range(_LOOKS)]

    @Stage
    def ended(self) -> KnownVoice:
        """The task after it was polled until it was terminal."""
        _ = self.first_look
        return self.garden.ripe(PLAIN)

    @Stage
    def succeeded(self) -> KnownVoice:
        """The task, if it made a voice. Skips the test otherwise: only a mock is sure to like our sample."""
        if self.ended.status != "succeed":
            words = self.ended.seen[-1].get("task_status_msg")
            if self.api.target.control:
                told = "an ordinary voice ended in failed ({}), where succeed is due"
                saw = Said(told, words, by=(self.ended.seen[-1],))
                raise checks.Broken("voice-create.endpoint", saw)
            pytest.skip(f"not looked at: the sample was refused ({words})")
        return self.ended

    @Stage
    def much_later(self) -> list[Record]:
        """Two more queries after some time."""
        task = self.ended
        if self.api.target.control:
            self.api.target.advance(_LATER_S)
        return [self.look(task.id), self.look(task.id)]

    @Stage
    def presets(self) -> list[Record]:
        """The official voices after voices were made, and before one is deleted."""
        _ = self.ended
        return self._presets()

    @Stage
    def deleted(self) -> Answer:
        """The answer to the deletion of the voice of another task, which nobody else needs."""
        _ = self.succeeded, self.much_later, self.presets
        task = self.doomed
        answer = self.api.call("deleteVoice", {"voice_id": task.voice_id})
        checks.accepted(answer, "voice-delete.endpoint")
        self.oracle.deleted(task, answer.data)
        return answer

    @Stage
    def deleted_again(self) -> Answer:
        """The answer to a second deletion."""
        _ = self.deleted
        body = {"voice_id": self.doomed.voice_id}
        return self.api.call("deleteVoice", body, clause="voice-delete.twice")

    @Stage
    def doomed(self) -> KnownVoice:
        """The task whose voice is deleted."""
        return self.garden.made(DOOMED)

    def presets_now(self) -> list[Record]:
        """The official voices as they are shown now."""
        return self._presets()

    def look(self, name: str) -> Record:
        """A query, held against what is known."""
        return self.garden.look(self.created, name)

    def listed(self, page_size: int | None) -> list[Record]:
        """All pages, held against what is known. Skips the test where somebody else makes tasks, or too many."""
        try:
            return listing.listed(self.api, self.oracle, page_size)
        except TooManyTasks as reason:
            pytest.skip(f"not looked at: {reason}")

    def pages(self) -> list[Record]:
        """All pages as they are. Skips the test where somebody else makes tasks, or too many."""
        try:
            return self.api.voices()
        except TooManyTasks as reason:
            pytest.skip(f"not looked at: {reason}")

    def _presets(self) -> list[Record]:
        answer = self.api.call("listPresetVoices", query={"pageSize": 500})
        checks.accepted(answer, "presets.endpoint")
        shown: list[Record] = answer.data
        return shown
