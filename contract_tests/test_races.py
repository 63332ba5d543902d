"""What several callers at once may see. The order of their requests is not repeatable; the clauses hold in any."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import TypeVar

import pytest

from contract_tests import checks, listing, routes, samples, story
from contract_tests.api import Record, TooManyTasks
from contract_tests.faults import ILLEGAL
from contract_tests.garden import EMPTY, FAILURES, KEPT, SILENT, Garden
from contract_tests.hearing import AT_ONCE_PATH
from contract_tests.media import audio_of
from contract_tests.observation import Answer
from contract_tests.oracle import KnownVoice
from contract_tests.saying import Said
from contract_tests.story import Glimpse, timed
from contract_tests.target import Target

pytestmark = pytest.mark.billable

#: Requests at once with one external id, and how many times that is tried; once where it may cost.
RACERS = 6
ROUNDS = 2
#: Deletions of one voice at once.
DELETERS = 4
#: What is spoken at once.
SPEECHES = ("One", "Two and two", "Three and three and three", "Four")
#: Threads that look at one task, and the longest real time that they do so, in seconds.
LOOKERS = 4
LOOKING_S = 20.0
#: Looks of one thread, at most.
MOST_LOOKS = 200
#: Where the clock can be moved: virtual seconds of a step, and steps at most.
_STEP_S = 1.0
_MOST_STEPS = 30
#: Looks of all threads together at each step, and the real seconds in which they come, if there are any.
_LOOKS_PER_STEP = 3 * LOOKERS
_LOOKS_S = 0.2
_GLANCE_S = 0.002

S = TypeVar("S")
T = TypeVar("T")


def test_one_of_several_duplicates_is_accepted(garden: Garden) -> None:
    """Of create requests that race with one external id exactly one is accepted; the others are refused like late ones.

    The list shows one task, the accepted one, and the external id leads to it.

    Source: voice-create.external-id.unique, voice-create.external-id.no-effect, voice-get.by-external-id.
    """
    rounds = ROUNDS if not garden.api.is_paid else 1
    for _ in range(rounds):
        _race(garden)


def _race(garden: Garden) -> None:
    api = garden.api
    word = api.target.unique("race")
    request = samples.voice(garden.receiver, voice_name=api.new_name(), external_task_id=word)
    answers = _at_once(RACERS, lambda: api.target.call("POST", _path(garden), body=request))
    for answer in answers:
        api.remember("createCustomVoice", answer)
    accepted = [answer for answer in answers if answer.pair == (200, 0)]
    if any(answer.pair in checks.BUSY for answer in answers):
        pytest.skip("not looked at: the server takes fewer requests at once")
    words = (
        f"{len(accepted)} of {RACERS} create requests at once with external id {{}} were accepted,"
        " where exactly one is due"
    )
    saw = Said(words, word, by=(*(accepted or answers)[:3],))
    checks.require(len(accepted) == 1, "voice-create.external-id.unique", saw)
    for answer in answers:
        if answer is not accepted[0]:
            checks.refused(answer, api.dialect, "voice-create.external-id.unique", ILLEGAL)
    winner = garden.oracle.created(request, accepted[0].data)
    found = api.voice(word)
    saw = story.another(found, winner.id, accepted[0])
    checks.require(found["task_id"] == winner.id, "voice-get.by-external-id", saw)
    try:
        listing.listed(api, garden.oracle, 100)
    except TooManyTasks as reason:
        pytest.skip(f"not looked at: {reason}")


@pytest.mark.last
@pytest.mark.parametrize("kind", [SILENT, EMPTY])
def test_one_of_several_deletions_is_accepted(garden: Garden, kind: str) -> None:
    """Of deletions of one voice that race exactly one is accepted; the others are refused like a second one.

    Source: voice-delete.twice, voice-delete.effective.
    """
    api = garden.api
    if api.is_paid and not garden.has_ended(kind):
        pytest.skip("not looked at: it would cost one more task (--free says that it does not)")
    task = garden.made(kind)
    operation, body = api.document.operations["deleteVoice"], {"voice_id": task.voice_id}
    answers = _at_once(DELETERS, lambda: api.target.call("POST", operation.path, body=body))
    api.remember("deleteVoice", answers[0])
    accepted = [answer for answer in answers if answer.pair == (200, 0)]
    task.deleted = bool(accepted)
    if any(answer.pair in checks.BUSY for answer in answers):
        pytest.skip("not looked at: the server takes fewer requests at once")
    words = (
        f"{len(accepted)} of {DELETERS} deletions of voice {{}} at once were accepted,"
        " where exactly one is due"
    )
    saw = Said(words, task.voice_id, by=(*(accepted or answers)[:3],))
    checks.require(len(accepted) == 1, "voice-delete.twice", saw)
    for answer in answers:
        if answer is not accepted[0]:
            checks.refused(answer, api.dialect, "voice-delete.twice", ILLEGAL)
    checks.conforms(accepted[0], operation)
    garden.oracle.deleted(task, accepted[0].data)
    checks.kept("voice-delete.effective")


def test_callers_at_once_get_their_own_answers(garden: Garden) -> None:
    """Whoever asks at the same moment as others gets what he asked for, under his own account and of his own request.

    Tasks are queried and listed, voices made and texts spoken, while another account asks for the same tasks in vain.

    Source: voice-get.by-task-id, voice-create.endpoint, task.info.echo, voice-list.endpoint, speech.endpoint,
    ids.unique, envelope.request-id, auth.account.
    """
    api = garden.api
    wishes = [*_looks_of(garden), *([] if api.is_paid else _makings(garden))]
    answers = _each_at_once(lambda wish: wish.ask(), wishes)
    spoken: list[Record] = []
    for wish, answer in zip(wishes, answers, strict=True):
        if answer.pair in checks.BUSY:
            continue
        checks.envelope(answer, api.dialect)
        api.is_new(answer)
        if wish.clause == "auth.account":
            due = checks.not_due(answer, "a refusal", "since the task is another account's")
            checks.require(answer.pair != (200, 0), wish.clause, due)
            continue
        checks.accepted(answer, wish.clause, "when several ask at once")
        checks.conforms(answer, api.document.operations[wish.operation])
        if wish.task_id:
            saw = story.another(answer.data, wish.task_id, answer)
            checks.require(answer.data["task_id"] == wish.task_id, wish.clause, saw)
        elif wish.operation == "createCustomVoice":
            api.remember(wish.operation, answer)
            garden.oracle.created(wish.body or {}, answer.data)
        elif wish.operation == "createSpeech":
            spoken.append(answer.data)
    ids = [named for data in spoken for named in (data["task_id"], audio_of(data)["id"])]
    checks.distinct("ids.unique", ids, spoken)


@dataclass(frozen=True)
class _Wish:
    """What one of several callers at once asks for.

    Attributes:
        clause: what is broken where he does not get it.
        task_id: the task that he asks for; empty where he asks for none.
    """

    target: Target
    operation: str
    method: str
    path: str
    clause: str
    body: Record | None = None
    task_id: str = ""

    def ask(self) -> Answer:
        """The answer."""
        return self.target.call(self.method, self.path, body=self.body)


def _looks_of(garden: Garden) -> Iterator[_Wish]:
    """Queries of several tasks, in vain by another account, and a list."""
    mine, key = garden.api.target, garden.api.target.api_key2
    other = mine.with_key(key) if key else None
    for kind in KEPT:
        task = _planted(garden, kind)
        if task is not None:
            asked = ("getCustomVoice", "GET", _task_path(garden, task.id))
            yield _Wish(mine, *asked, "voice-get.by-task-id", task_id=task.id)
            if other is not None and kind in (SILENT, EMPTY):
                yield _Wish(other, *asked, "auth.account", task_id=task.id)
    yield _Wish(mine, "listCustomVoices", "GET", _path(garden), "voice-list.endpoint")


def _makings(garden: Garden) -> Iterator[_Wish]:
    """Speeches and voices, each of its own text or name."""
    api = garden.api
    path = api.document.operations["createSpeech"].path
    for number, text in enumerate(SPEECHES):
        body = samples.speech(api.dialect, text=text)
        yield _Wish(api.target, "createSpeech", "POST", path, "speech.endpoint", body)
        if number:
            word = api.target.unique(f"at-once-{number}")
            body = samples.voice(garden.receiver, voice_name=api.new_name(), external_task_id=word)
            if "callback_url" in body:
                body["callback_url"] = f"{garden.receiver.base_url}{AT_ONCE_PATH}{word}"
            voice = ("createCustomVoice", "POST", _path(garden), "voice-create.endpoint", body)
            yield _Wish(api.target, *voice)


def _planted(garden: Garden, kind: str) -> KnownVoice | None:
    """A task of the garden; none where there is none, or it may be hidden since its voice was deleted."""
    try:
        task = garden.planted(kind)
    except FAILURES:
        return None  # another test says why
    return None if task.deleted else task


def test_readers_at_once_see_one_story(garden: Garden) -> None:
    """Whoever looks at a task while it changes, by either id, sees parts of one story, in the order of its instants.

    Source: task.status.transitions, task.status.terminal, task.updated-at.monotone, task.created-at.constant.
    """
    api = garden.api
    word = api.target.unique("observed")
    request = samples.voice(garden.receiver, voice_name=api.new_name(), external_task_id=word)
    record = api.data("createCustomVoice", request, clause="voice-create.endpoint")
    task = garden.oracle.created(request, record)
    for name in (task.id, task.external_id):
        garden.look(task, name)  # waits until it can be found
    enough: list[bool] = []
    glimpses: list[Glimpse] = []
    names = [task.id, task.external_id] * (LOOKERS // 2)
    with ThreadPoolExecutor(LOOKERS + 1) as pool:
        lookers = [pool.submit(_looks, garden, name, enough, glimpses) for name in names]
        mover = pool.submit(_moves, garden, task.id, enough, glimpses)
        for job in (mover, *lookers):
            job.result()
    story.judged([*task.glimpses, *glimpses])
    garden.look(task)


def _looks(garden: Garden, name: str, enough: list[bool], glimpses: list[Glimpse]) -> None:
    """What one caller sees until somebody says that it is enough, and once more."""
    path = _task_path(garden, name)
    operation = garden.api.document.operations["getCustomVoice"]
    last = False
    for _ in range(MOST_LOOKS):
        if last:
            break
        last = bool(enough)
        answer, began_s, ended_s = timed(lambda: garden.api.target.call("GET", path))
        if answer.pair in checks.BUSY:
            break
        checks.envelope(answer, garden.api.dialect)
        checks.conforms(answer, operation)
        checks.accepted(answer, "voice-get.by-task-id")
        glimpses.append(Glimpse(answer.data, began_s, ended_s))
        if not garden.api.target.control:
            enough_s = LOOKING_S / MOST_LOOKS
            garden.api.target.within(enough_s, lambda: bool(enough) or None)


def _moves(garden: Garden, name: str, enough: list[bool], glimpses: list[Glimpse]) -> None:
    """Lets time pass until the task has ended, or long enough."""
    target = garden.api.target
    path = _task_path(garden, name)

    def ended() -> bool | None:
        data = target.call("GET", path).data
        status = data.get("task_status") if isinstance(data, dict) else None
        return status in checks.TERMINAL or None

    try:
        if not target.control:
            target.within(LOOKING_S, ended)
            return
        for _ in range(_MOST_STEPS):
            target.advance(_STEP_S)
            _wait_for_looks(glimpses)
            if ended():
                return
    finally:
        enough.append(True)


def _wait_for_looks(glimpses: list[Glimpse]) -> None:
    """Waits until everybody has looked a few times, or nobody does any more."""
    many, until = len(glimpses) + _LOOKS_PER_STEP, time.monotonic() + _LOOKS_S
    while len(glimpses) < many and time.monotonic() < until:
        time.sleep(_GLANCE_S)


def _path(garden: Garden) -> str:
    return garden.api.document.operations["createCustomVoice"].path


def _task_path(garden: Garden, name: str) -> str:
    path = garden.api.document.operations["getCustomVoice"].path
    return path.replace("{id}", routes.segment(name))


def _at_once(count: int, act: Callable[[], T]) -> list[T]:
    """What ``count`` threads get that act at the same moment."""
    return _each_at_once(lambda _: act(), range(count))


def _each_at_once(act: Callable[[S], T], of: Sequence[S]) -> list[T]:
    """What comes of each, in order, where a thread for each acts at the same moment."""
    barrier = Barrier(len(of))

    def one(item: S) -> T:
        barrier.wait(10)
        return act(item)

    with ThreadPoolExecutor(len(of)) as pool:
        return [future.result() for future in [pool.submit(one, item) for item in of]]
