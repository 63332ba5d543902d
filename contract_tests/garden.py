"""The tasks that the tests of a dialect share, created together so that they ripen in parallel.

A target that may charge gets them one by one instead, and only those that are asked for.

What is sent, and in which order, is the same in every run with the same seed, but for two things: external ids and
addresses have a part that is new each time, so that a run can be repeated in the same account, and callers that race
(test_races) race. A server in real time is asked as often as it takes.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import httpx2
import pytest

from contract_tests import checks, notices, webhook
from contract_tests.api import Api, Record, TooManyTasks
from contract_tests.observation import Answer, Notification
from contract_tests.oracle import KnownVoice, Oracle
from contract_tests.receiver import (
    CLOSED_URL,
    LONG_PATH,
    NO_SAMPLE_PATH,
    REFUSING,
    SAMPLE_PATH,
    SHORT_PATH,
    Receiver,
)
from contract_tests.shapes import Shape

#: What is planted, and why.
PLAIN = "plain"  # everything is said about it
SPARE = "spare"  # its ids and its name are unusual
SILENT = "silent"  # nothing is said that need not be: no callback, no external id
EMPTY = "empty"  # the same, said by empty texts
REFUSED = "refused"  # its notifications are answered with HTTP 500
UNHEARD = "unheard"  # nobody listens where its notifications are sent
FAILING = "failing"  # its recording is none
LINKED = "linked"  # the links of the documents lead on from here, up to the deletion of its voice
DOOMED = "doomed"  # its voice is deleted by the walk
NAMESAKE = "namesake"  # its voice has the name of that one
SHORT = "short"  # its recording is too short
LONG = "long"  # its recording is too long
ALL = (PLAIN, SPARE, SILENT, EMPTY, REFUSED, UNHEARD, FAILING, LINKED, DOOMED, NAMESAKE)
#: Those of recordings that no voice may be made of; a kling-mock, which fetches none, is asked for the last only.
RECORDINGS = (SHORT, LONG, FAILING)
#: Whose voices nobody deletes before all tests but the last are over, so that those may come in any order.
KEPT = (PLAIN, SPARE, SILENT, EMPTY, REFUSED, UNHEARD, FAILING)


@dataclass(frozen=True, slots=True)
class _Oddity:
    """What is unusual about a request.

    Attributes:
        external: what its external id ends with.
        zeros: what its external id begins with, which then has digits only; ``None`` where it has more than those.
        name: its name, with the one that is new each time between braces. It has at most 12 characters.
        query: what stands behind the path of its callback_url.
        clause: what a refusal is a finding of; empty where it is to be accepted. Nothing but the length of a name is
            documented, and nothing of an external id, but many a server takes no blanks at the ends or no marks.
    """

    external: str = ""
    zeros: str | None = None
    name: str = "{}"
    query: str = ""
    clause: str = ""


_ORDINARY = _Oddity()
_ODDITIES = {
    SPARE: _Oddity(
        "-Mixed_CASE." + "x" * 32 + "Z", name="{} Zoë 温柔", query="?order=7&sign=a%2Fb"
    ),
    REFUSED: _Oddity(name=" {}  ", clause="voice-create.name.max-length"),
    DOOMED: _Oddity(name="{}e\u0301&<\">'", clause="voice-create.name.max-length"),
    LINKED: _Oddity("-Zoë_没有", clause="voice-create.external-id.no-bound"),
    FAILING: _Oddity(zeros="", clause="voice-create.external-id.no-bound"),
    UNHEARD: _Oddity(zeros="00", clause="voice-create.external-id.no-bound"),
}
#: What keeps something from being reached.
FAILURES = (
    AssertionError,
    LookupError,
    TypeError,
    TooManyTasks,
    httpx2.TransportError,
    pytest.skip.Exception,
)

T = TypeVar("T")

_GARDENS: weakref.WeakKeyDictionary[Api, Garden] = weakref.WeakKeyDictionary()


class Garden:
    """Custom voices of one dialect.

    Args:
        api: the dialect.
        receiver: where their notifications arrive.
        secrets: the webhook secrets of the account, if they are known.

    Attributes:
        burst: the tasks that were created at the same moment.
    """

    def __init__(self, api: Api, receiver: Receiver, secrets: str = "") -> None:
        self.api = api
        self.receiver = receiver
        self.oracle = Oracle()
        self.burst: list[KnownVoice] = []
        self._keys = webhook.keys(secrets)
        self._duplicate: Answer | None = None
        self._is_free = False
        self._is_planted = False
        self._paths: dict[str, str] = {}
        self._answers: dict[str, Answer] = {}
        self._told: dict[str, list[Notification] | BaseException] = {}
        self._planted: dict[str, KnownVoice | BaseException] = {}
        self._first_looks: dict[str, Record | BaseException] = {}
        self._first_list: list[Record] | BaseException = []
        self._last_list: list[Record] | BaseException = []

    @staticmethod
    def of(api: Api, receiver: Receiver, secrets: str = "") -> Garden:
        """The garden of a dialect; there is one in a run."""
        if api not in _GARDENS:
            _GARDENS[api] = Garden(api, receiver, secrets)
        return _GARDENS[api]

    @property
    def signing(self) -> webhook.Signing:
        """How notifications are signed, as far as that is known."""
        return webhook.Signing(self._keys, may_be_ahead=self.api.target.control)

    @property
    def shape(self) -> Shape:
        """What a notification looks like."""
        return self.api.document.operations["createCustomVoice"].callbacks["voiceTaskChanged"]

    def plant(self) -> None:
        """Creates all tasks, where that costs nothing."""
        if not self.api.is_paid and not self._is_planted:
            self._is_planted = True
            for kind in ALL:
                self._plant(kind)
            _outcome(self.duplicate)
            if not self.api.target.is_mock:
                for kind in RECORDINGS:
                    self._plant(kind)

    def planted(self, kind: str) -> KnownVoice:
        """A task as it was created, or as it is by now.

        Raises:
            Broken: it was refused, or something is wrong with the answer.
        """
        self.plant()
        self._plant(kind)
        return _or_raised(self._planted[kind])

    def ripe(self, kind: str) -> KnownVoice:
        """A task that has ended, looked at until it had.

        Raises:
            Broken: it does not end, or breaks a clause on its way.
        """
        task = self.planted(kind)
        if not task.is_terminal:
            self.api.target.eventually(f"the end of {task.id}", partial(self._end_of, task))
            if kind == PLAIN:
                self._last_list = _outcome(self.api.voices)
        return task

    def made(self, kind: str) -> KnownVoice:
        """A task that made a voice, whose voice is not deleted. Skips the test otherwise."""
        task = self.ripe(kind)
        if task.status != "succeed":
            words = task.seen[-1].get("task_status_msg")
            pytest.skip(f"not looked at: the sample was refused ({words})")
        return task

    def told(self, kind: str) -> list[Notification]:
        """The notifications of a task up to its end, each held against its clauses.

        Skips the test where the target cannot reach the receiver.
        """
        if not self.api.target.is_loopback:
            pytest.skip("not looked at: the target cannot reach a receiver on this machine")
        task = self.ripe(kind)
        if kind not in self._told:
            self._told[kind] = _outcome(lambda: self._awaited(kind, task))
        return _or_raised(self._told[kind])

    def has_ended(self, kind: str) -> bool:
        """Whether there is a task of a kind, and it was seen to have ended."""
        task = self._planted.get(kind)
        return isinstance(task, KnownVoice) and task.is_terminal

    def duplicate(self) -> Answer:
        """The answer to a second create request with the plain task's external id, while that is under way.

        Skips the test where the task had failed by then, since its id may be free again.
        """
        self.plant()
        task = self.planted(PLAIN)
        if self._duplicate is None:
            url = self.receiver.base_url + self.duplicate_path
            request = {**task.request, "voice_name": self.api.new_name(), "callback_url": url}
            clause = "voice-create.external-id.unique"
            self._duplicate = self.api.call("createCustomVoice", request, clause=clause)
            if self._duplicate.pair == (200, 0):
                self.look(task)
                self._is_free = task.status == "failed"
        if self._is_free:
            pytest.skip("not looked at: the first task failed, and its id may be free again")
        return self._duplicate

    @property
    def duplicate_path(self) -> str:
        """Where notifications of the refused request would arrive."""
        return f"{self.path(PLAIN)}/duplicate"

    def look(self, task: KnownVoice, name: str = "") -> Record:
        """A query, by the task id unless another is given."""
        record = self.api.voice(name or task.id)
        self.oracle.shown(task, record)
        return record

    def path(self, kind: str) -> str:
        """Where the notifications of a task arrive, or would."""
        return self._paths[kind]

    def request(self, kind: str, *, is_odd: bool = True) -> Record:
        """The create request of a kind; each call has an external id and an address of its own.

        Args:
            is_odd: whether it has what is unusual about its kind.
        """
        oddity = _ODDITIES.get(kind, _ORDINARY) if is_odd else _ORDINARY
        word = self.api.target.unique(kind)
        root = REFUSING if kind == REFUSED else "/garden/"
        self._paths[kind] = root + word + oddity.query
        name = oddity.name.format(self.api.new_name())
        if kind == NAMESAKE:
            name = self.planted(DOOMED).name
        request: Record = {"voice_name": name, "voice_url": self._source(kind)}
        if kind == SILENT:
            return request
        if kind == EMPTY:
            return {**request, "callback_url": "", "external_task_id": "", "video_id": ""}
        is_number = oddity.zeros is not None
        request["external_task_id"] = (
            f"{oddity.zeros}{_number(word)}" if is_number else word + oddity.external
        )
        url = CLOSED_URL if kind == UNHEARD else self.receiver.base_url + self._paths[kind]
        is_reachable = self.api.target.is_loopback
        return {**request, "callback_url": url} if is_reachable else request

    def _source(self, kind: str) -> str:
        """The address of what the voice of a kind is learned from."""
        paths = {FAILING: NO_SAMPLE_PATH, SHORT: SHORT_PATH, LONG: LONG_PATH}
        return self.receiver.base_url + paths.get(kind, SAMPLE_PATH)

    def was_fetched(self, kind: str) -> bool:
        """Whether somebody fetched the recording of a kind."""
        return self.receiver.was_fetched(self._source(kind))

    def at_once(self, kind: str) -> Record:
        """The query of a task right after its create answer."""
        self.planted(kind)
        return _or_raised(self._first_looks[kind])

    def create_answer(self, kind: str) -> Answer:
        """The answer that accepted a task."""
        self.planted(kind)
        return self._answers[kind]

    def listed_at_once(self) -> list[Record]:
        """All pages right after the create answer of the plain task, which was then the newest."""
        self.planted(PLAIN)
        return _or_raised(self._first_list)

    def listed_at_the_end(self) -> list[Record]:
        """All pages right after the query that first showed the end of the plain task; empty if there was no such."""
        self.ripe(PLAIN)
        return _or_raised(self._last_list)

    def _plant(self, kind: str) -> None:
        if kind in self._planted:
            return
        self._planted[kind] = _outcome(lambda: self._created(kind))
        task = self._planted[kind]
        if isinstance(task, KnownVoice):
            self._first_looks[kind] = _outcome(lambda: self.look(task))
            if kind == PLAIN:
                self._first_list = _outcome(self.api.voices)

    def _created(self, kind: str) -> KnownVoice:
        request = self.request(kind)
        answer = self.api.call("createCustomVoice", request)
        odd = _ODDITIES.get(kind, _ORDINARY).clause
        if answer.status == 400 and odd:
            refused, request = answer, self.request(kind, is_odd=False)
            answer = self.api.call("createCustomVoice", request)
            if answer.pair == (200, 0):
                words = "as it is for the same request with an ordinary text"
                checks.note(odd, checks.not_due(refused, "HTTP 200, code 0", words))
        if answer.status == 400 and kind in RECORDINGS:
            due = "HTTP 200, code 0 and a task that ends in failed"
            raise checks.found("voice-create.url.late-refusal", checks.not_due(answer, due))
        if answer.status == 400 and kind == NAMESAKE:
            told = checks.not_due(answer, "HTTP 200 for a second voice of that name")
            raise checks.found("voice-create.name.not-unique", told)
        pair = f"HTTP {answer.status}, code {answer.code}"
        if answer.status == 400 and not self.api.target.is_loopback:
            pytest.skip(f"not looked at: a recording that only this machine can fetch ({pair})")
        if answer.status == 400 and kind == UNHEARD:
            pytest.skip(f"not looked at: an address where nobody listens is refused ({pair})")
        checks.accepted(answer, "voice-create.endpoint")
        self._answers[kind] = answer
        return self.oracle.created(request, answer.data)

    def _awaited(self, kind: str, task: KnownVoice) -> list[Notification]:
        """Waits for a notification of the end; after one that did not come, no longer as long."""
        has_waited = any(isinstance(told, BaseException) for told in self._told.values())
        patience_s = 1.0 if has_waited else notices.patience_s(self.api.target)
        path, inbox = self._paths[kind], self.receiver.inbox
        return notices.awaited(inbox, path, task, self.shape, self.signing, patience_s=patience_s)

    def _end_of(self, task: KnownVoice) -> bool | None:
        self.look(task)
        return task.is_terminal or None


def _number(word: str) -> int:
    """A number that is as new as a word, as those of orders are; it is odd and of 17 digits, too many for a double."""
    return 10**16 + int(hashlib.sha256(word.encode()).hexdigest(), 16) % 10**16 | 1


def _outcome(reach: Callable[[], T]) -> T | BaseException:
    """What is reached, or what keeps it from being reached; it is raised again wherever it is asked for."""
    try:
        return reach()
    except FAILURES as failure:
        return failure


def _or_raised(outcome: T | BaseException) -> T:
    if isinstance(outcome, TooManyTasks):
        pytest.skip(f"not looked at: {outcome}")
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
