"""Custom voices by model: whatever order things are done in, the server shows what the oracle expects."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any, ClassVar

import hypothesis
import pytest
from hypothesis import note
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from contract_tests import checks, listing, notices, options, story, strategies
from contract_tests.api import Api, Record, TooManyTasks
from contract_tests.generating import Shrinking
from contract_tests.oracle import KnownVoice, Oracle, Verdict
from contract_tests.receiver import Receiver
from contract_tests.run import Run
from contract_tests.saying import Said
from contract_tests.sending import is_busy
from contract_tests.waiting import Waiting

#: Steps of one life story.
STEPS = 25
#: Real seconds that one task may take of them at the end of its story.
_PATIENCE_S = 10.0
#: Pages of one size that are walked again and again where the clock cannot be moved; of more pages, once.
_MOST_WALKED = 3
#: Virtual seconds after which every ordinary task has ended.
_END_S = 600.0


class CustomVoices(RuleBasedStateMachine):
    """Creates, queries, lists, deletes and waits, and holds every answer and callback against the oracle."""

    shared: ClassVar[Api]
    receiver: ClassVar[Receiver]
    waiting: ClassVar[Waiting]
    too_small: ClassVar[set[int]]
    tasks: Bundle[KnownVoice | None] = Bundle("tasks")

    def __init__(self) -> None:
        super().__init__()
        self._api = self.shared.with_target(self.shared.target.fresh())
        self._oracle = Oracle(alone=self._is_alone())
        self._other = self._other_account()
        self._story = self._api.target.unique("story")
        self._paths: dict[str, str] = {}
        self._silent: list[str] = []

    @rule(
        target=tasks,
        name=strategies.names(),
        word=strategies.external_words(),
        notified=strategies.booleans(),
        source=strategies.sources(),
    )
    def create(self, name: str, word: str | None, notified: bool, source: str) -> Any:
        """Creates a voice; an external id that is taken must be refused, and then nothing happens."""
        request: Record = {"voice_name": name, **strategies.source(self.receiver, source)}
        if word is not None:
            request["external_task_id"] = word and f"{self._story}-{word}"
        path = self._new_path()
        if notified:
            request["callback_url"] = self.receiver.base_url + path
        return self._create(request, path if notified else "")

    @rule(target=tasks, task=tasks, notified=strategies.booleans())
    def create_again(self, task: KnownVoice | None, notified: bool) -> Any:
        """Sends an earlier create request again: a second task, or a refusal where it holds an external id."""
        if task is None:
            return None
        path = self._new_path() if notified else ""
        url = self.receiver.base_url + path if notified else ""
        return self._create({**task.request, "callback_url": url}, path)

    @rule(task=tasks, by_external_id=strategies.booleans())
    def query(self, task: KnownVoice | None, by_external_id: bool) -> None:
        """Queries by either id."""
        if task is None:
            return
        self._look(task, task.external_id if by_external_id and task.external_id else task.id)

    @rule(word=strategies.unknown_words())
    def query_nothing(self, word: str) -> None:
        """Queries an id that nobody was given."""
        answer = self._api.call("getCustomVoice", name=f"{self._story}-{word}")
        checks.refused(answer, self._api.dialect, "voice-get.unknown", {(400, 1201)})

    @rule(size=strategies.page_sizes())
    def list_all(self, size: int | None) -> None:
        """Walks through all pages."""
        if size in self.too_small:
            return
        try:
            shown = listing.listed(self._api, self._oracle, size)
            if not self._api.target.control and len(shown) > _MOST_WALKED * (size or len(shown)):
                self.too_small.add(size or 0)
        except TooManyTasks as reason:
            self.too_small.add(size or 0)
            note(f"not looked at: {reason}")

    @rule(task=tasks)
    def delete(self, task: KnownVoice | None) -> None:
        """Deletes a voice that was seen; a second time, or while there is none, that is refused."""
        if task is None:
            return
        named = task.voice_id or task.id  # a task id is no voice id
        answer = self._api.call("deleteVoice", {"voice_id": named})
        note(f"oracle: {self._oracle}; server: {answer.pair}")
        if task.deleted or not task.voice_id:
            clause = "voice-delete.twice" if task.deleted else "voice-delete.by-voice-id"
            checks.refused(answer, self._api.dialect, clause, {(400, 1200), (400, 1201)})
            return
        checks.accepted(answer, "voice-delete.endpoint")
        self._oracle.deleted(task, answer.data)

    @rule(word=strategies.unknown_words())
    def delete_nothing(self, word: str) -> None:
        """Deletes a voice that never was."""
        answer = self._api.call("deleteVoice", {"voice_id": f"{self._story}-{word}"})
        checks.refused(
            answer, self._api.dialect, "voice-delete.unknown", {(400, 1200), (400, 1201)}
        )

    @rule(task=tasks)
    def meddle(self, task: KnownVoice | None) -> None:
        """Another account looks for a task and its voice, and is told that there are none."""
        if task is None or self._other is None:
            return
        names = [task.id, *([task.external_id] if task.external_id else [])]
        for name in names:
            answer = self._other.call("getCustomVoice", name=name)
            checks.require(
                answer.pair != (200, 0),
                "auth.account",
                checks.not_due(answer, "a refusal", "since the task is another account's"),
            )
        if task.voice_id:
            answer = self._other.call("deleteVoice", {"voice_id": task.voice_id})
            checks.require(
                answer.pair != (200, 0),
                "auth.account",
                checks.not_due(answer, "a refusal", "since the voice is another account's"),
            )

    @rule(seconds=strategies.steps_s())
    def time_passes(self, seconds: float) -> None:
        """Moves the clock, or waits for a change of any task."""
        if self._api.target.control:
            self._api.target.advance(seconds)
            return
        pending = [task for task in self._oracle.tasks.values() if not task.is_terminal]
        if pending:
            before = pending[0].status
            waited_s = self.waiting.take(seconds / 10)
            self._api.target.within(waited_s, lambda: self._moved(pending[0], before))

    @invariant()
    def what_is_known_is_shown(self) -> None:
        """The task touched last is still what it was, or further on."""
        if self._oracle.tasks:
            task = next(reversed(self._oracle.tasks.values()))
            self._look(task, task.id)

    def teardown(self) -> None:
        """Lets every task end, and holds each story and the notifications against what was seen."""
        broken = sys.exception()
        try:
            self._end()
        except checks.Broken as reason:
            broken = broken or reason
            raise
        finally:
            self.met(broken)

    def met(self, error: BaseException | None) -> None:
        """A story has ended, in an error maybe."""

    def _end(self) -> None:
        note(f"oracle: {self._oracle}")
        self.shared.adopt(self._api)
        has_ended = self._let_end()
        for task in self._oracle.tasks.values():
            story.judged(task.glimpses)
        if not has_ended:
            note("not looked at: notifications, since tasks are still under way")
            return
        if not self._api.target.is_loopback:
            note("not looked at: notifications, since the target cannot reach the receiver")
            return
        operation = self._api.document.operations["createCustomVoice"]
        shape = operation.callbacks["voiceTaskChanged"]
        inbox = self.receiver.inbox
        for task_id, path in self._paths.items():
            task = self._oracle.tasks[task_id]
            patience_s = notices.patience_s(self._api.target)
            arrived = notices.awaited(inbox, path, task, shape, patience_s=patience_s)
            notices.agree(task, arrived)
        for path in self._silent:
            clause = "voice-create.external-id.no-effect"
            strays = inbox.of(path)
            words = "a refused create is told of at its callback_url, where nothing is due"
            checks.require(not strays, clause, Said(words, by=(*strays[:1],)))

    def _create(self, request: Record, path: str) -> KnownVoice | None:
        """Sends a create request, whose notifications go to a path if there is one."""
        verdict = self._oracle.on_create(request)
        self._api.waits_when_busy = False  # a full server is no reason to wait for a free slot here
        clause = "voice-create.external-id.unique" if verdict is Verdict.REFUSE else ""
        answer = self._api.call("createCustomVoice", request, clause=clause)
        self._api.waits_when_busy = True
        note(f"oracle: {verdict.value}; server: {answer.pair}")
        if verdict is Verdict.ACCEPT and answer.status == 400 and self._may_refuse(request):
            verdict = Verdict.OPEN
        if is_busy(answer) or (answer.status == 200 and self._has_failed(request)):
            verdict = Verdict.OPEN
        if verdict is Verdict.REFUSE:
            clause = "voice-create.external-id.unique"
            checks.refused(answer, self._api.dialect, clause, {(400, 1201)})
        if verdict is Verdict.ACCEPT:
            checks.accepted(answer, "voice-create.endpoint")
        if answer.status != 200:
            self._silent += [path] if path else []
            return None  # what is drawn next must not depend on what a server in real time answers
        task = self._oracle.created(request, answer.data)
        if path:
            self._paths[task.id] = path
        return task

    def _may_refuse(self, request: Record) -> bool:
        """Whether there is a reason to refuse an ordinary request: a recording out of reach, or a name that is used."""
        is_used = request["voice_name"] in [task.name for task in self._oracle.tasks.values()]
        target = self._api.target
        return is_used or target.key_was_given or not target.is_loopback

    def _has_failed(self, request: Record) -> bool:
        """Whether the tasks that hold a request's external id have failed since they were last seen."""
        holders = self._oracle.holders(str(request.get("external_task_id") or ""))
        for task in holders:
            if not task.is_terminal:
                record = self._api.data(
                    "getCustomVoice", name=task.id, clause="voice-get.by-task-id"
                )
                self._oracle.shown(task, record)
        return bool(holders) and all(task.status == "failed" or task.deleted for task in holders)

    def _look(self, task: KnownVoice, name: str) -> None:
        answer = self._api.call("getCustomVoice", name=name)
        if task.deleted and answer.pair == (400, 1201):
            return  # voice-delete.task-stays is disputed
        clause = "voice-get.by-task-id" if name == task.id else "voice-get.by-external-id"
        checks.accepted(answer, clause)
        found = self._oracle.tasks.get(answer.data["task_id"])
        same = found is task or (found is not None and found in self._oracle.holders(name))
        saw = story.another(answer.data, task.id, answer)
        checks.require(same, clause, saw)
        self._oracle.shown(found or task, answer.data)

    def _moved(self, task: KnownVoice, before: str) -> bool | None:
        self._look(task, task.id)
        return task.status != before or task.deleted or None

    def _let_end(self) -> bool:
        if self._api.target.control:
            self._api.target.advance(_END_S)
        pending = [task for task in self._oracle.tasks.values() if not task.is_terminal]
        for task in pending:
            waited_s = 0.0 if self._api.target.control else self.waiting.take(_PATIENCE_S)
            self._api.target.within(waited_s, partial(self._ended, task))
            words = (
                f"task_status of {{}} is {{}} after {_END_S:g} virtual seconds, where an end is due"
            )
            late = Said(words, task.id, task.status, by=(task.seen[-1],))
            has_ended = task.is_terminal or task.deleted or not self._api.target.control
            checks.require(has_ended, "task.ends", late)
        return all(task.is_terminal for task in self._oracle.tasks.values())

    def _ended(self, task: KnownVoice) -> bool | None:
        self._look(task, task.id)
        return task.is_terminal or task.deleted or None

    def _is_alone(self) -> bool:
        """Whether the account is our own: invented for this story, and empty."""
        target = self._api.target
        return not target.key_was_given and not self._api.call("listCustomVoices").data

    def _other_account(self) -> Api | None:
        key = self._api.target.api_key2
        return self._api.with_target(self._api.target.with_key(key)) if key else None

    def _new_path(self) -> str:
        return f"/machine/{self._api.target.unique('callback')}"


@pytest.mark.billable
def test_custom_voices_follow_the_model(voices_api: Api, receiver: Receiver, run: Run) -> None:
    """In whatever order voices are created, queried, listed and deleted while time passes, the rules hold.

    Statuses only move forward and ends are final; ids are unique, external ids are unique per account and resolve to
    their task; records echo the request; lists hold every task once; deletion is effective; callbacks tell of every
    end, in order, as queries do, and of nothing else.

    Source: the rules in brackets of each finding; openapi/ operations createCustomVoice to deleteVoice.
    """
    shrinking = Shrinking()

    class Stories(CustomVoices):
        shared = voices_api
        waiting = Waiting()
        too_small: ClassVar[set[int]] = set()

        def met(self, error: BaseException | None) -> None:
            if isinstance(error, checks.Broken) and error.clause in run.broken:
                shrinking.needless()

    Stories.receiver = receiver
    chosen = options.profile(
        is_hurried=voices_api.target.control, is_far=voices_api.target.sender.pace.is_far
    )
    settings = hypothesis.settings(chosen, stateful_step_count=STEPS)
    with shrinking:
        run_state_machine_as_test(Stories, settings=settings)
