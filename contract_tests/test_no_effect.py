"""What refused create requests leave behind: nothing. One list before, all refusals in a row, one list after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from contract_tests import checks
from contract_tests.api import Api, Record, TooManyTasks
from contract_tests.faults import OFFICIAL, VOICE, Fault
from contract_tests.garden import FAILURES, PLAIN, SPARE, Garden
from contract_tests.observation import Answer
from contract_tests.saying import Said

#: Characters of a name that other tasks do not begin with.
_LONGEST_NAME = 20
#: How often one refusal must make a task for it to be no neighbour's.
_TIMES = 3


@dataclass
class _Refusal:
    """A create request that is refused, and by what its task would be known.

    Attributes:
        method: POST, or one that the path does not have.
        name: a text that only its voice_name begins with; empty where that is none.
        word: its external id; empty where that is none, or another task's.
    """

    what: str
    body: bytes | Mapping[str, Any] | None
    method: str = "POST"
    name: str = ""
    word: str = ""

    def sent(self, api: Api) -> Answer:
        """The answer."""
        if self.method == "POST":
            return api.send(VOICE, self.body)
        return api.ask(self.method, api.document.operations[VOICE].path, body=self.body)

    def made(self, record: Record) -> bool:
        """Whether a task bears its name or its external id."""
        info = record.get("task_info") or {}
        voices = (record.get("task_result") or {}).get("voices") or [{}]
        by_name = self.name and str(voices[0].get("voice_name", "")).startswith(self.name)
        return bool(by_name or (self.word and info.get("external_task_id") == self.word))


def test_refused_creates_make_no_task(garden: Garden) -> None:
    """Whatever a create request is refused for, no task of it is in the list afterwards.

    Source: errors.no-effect, voice-create.external-id.no-effect, voice-create.one-task.
    """
    api = garden.api
    refusals = [*_bad(api), *_others(garden)]
    before = _listed(api)
    answers = [refusal.sent(api) for refusal in refusals]
    strangers = _strangers(api, before)
    refused = [
        (refusal, answer)
        for refusal, answer in zip(refusals, answers, strict=True)
        if answer.pair != (200, 0)  # other tests say what should not have been accepted
    ]
    for refusal, answer in refused:
        for record in strangers:
            if refusal.made(record):
                raise _broken(refusal, answer, record)
    if strangers:
        _found_out(
            api,
            [refusal for refusal, _ in refused],
            {*before} | {record["task_id"] for record in strangers},
        )
    checks.kept("errors.no-effect", "voice-create.one-task")


@pytest.mark.billable
def test_a_refused_create_takes_no_external_id(garden: Garden) -> None:
    """The external id of a request that was refused for something else is free.

    Source: errors.no-effect, voice-create.external-id.unique.
    """
    api = garden.api
    if api.is_paid:
        pytest.skip("not looked at: it costs a task (--free says that it does not)")
    word = api.target.unique("refused-first")
    good = {"voice_name": api.new_name(), "voice_url": garden.receiver.sample_url}
    good["external_task_id"] = word
    refusals = [
        api.send(VOICE, {**good, "voice_name": "n" * (_LONGEST_NAME + 1)}),
        # Each has a name of its own: whether a refused one is taken is another question.
        api.send(VOICE, {**good, "voice_name": api.new_name(), "voice_url": ""}),
        api.send(VOICE, {**good, "voice_name": api.new_name(), "video_id": 1}),
    ]
    if any(answer.status == 200 for answer in refusals):
        pytest.skip("not looked at: what was to be refused was not, and other tests say so")
    answer = api.call(VOICE, good)
    checks.accepted(answer, "errors.no-effect", "for an external id that only refused requests had")
    garden.oracle.created(good, answer.data)


@pytest.mark.billable
def test_a_wrong_method_touches_no_task(garden: Garden) -> None:
    """A method that the path of a task does not have is refused, and the task is what it was.

    Source: errors.1202, errors.no-effect.
    """
    api, task = garden.api, garden.made(SPARE)
    path = api.document.operations["getCustomVoice"].path.replace("{id}", task.id)
    for method in ("DELETE", "PUT", "PATCH", "POST"):
        answer = api.ask(method, path, body={"voice_name": "Changed", "voice_id": task.voice_id})
        checks.refused(answer, api.dialect, "errors.1202", {(404, 1202)})
    seen = api.call("getCustomVoice", name=task.id)
    checks.accepted(seen, "errors.no-effect", "since requests that are refused change nothing")
    garden.oracle.shown(task, seen.data)


def _found_out(api: Api, refusals: list[_Refusal], known: set[str]) -> None:
    """Sends what was refused once more, one by one, and what seems to make a task twice more: others make some too.

    Raises:
        Broken: one of them makes a task each time.
    """
    for refusal in refusals:
        for _ in range(_TIMES):
            answer = refusal.sent(api)
            strangers = _strangers(api, known)
            known |= {record["task_id"] for record in strangers}
            if len(strangers) != 1:
                break
        else:
            if not _strangers(api, known):  # nothing was sent since
                raise _broken(refusal, answer, strangers[0])
    pytest.skip("not looked at: somebody else makes tasks in the account")


def _broken(refusal: _Refusal, answer: Answer, record: Record) -> checks.Broken:
    is_second = refusal.what == "an external id that is taken"
    clause = "voice-create.external-id.no-effect" if is_second else "errors.no-effect"
    words = f"the list shows task {{}} of a create request that was refused for {refusal.what}"
    saw = Said(f"{words}, where no task of it is due", record["task_id"], by=(record, answer))
    return checks.Broken(clause, saw)


def _listed(api: Api) -> dict[str, Record]:
    try:
        return {record["task_id"]: record for record in api.voices()}
    except TooManyTasks as reason:
        pytest.skip(f"not looked at: {reason}")


def _strangers(api: Api, known: Mapping[str, Record] | set[str]) -> list[Record]:
    """The tasks in the list that nobody knows; those that a server accepted against all rules are known."""
    made = {*known, *api.ever_made()}
    return [record for task_id, record in _listed(api).items() if task_id not in made]


def _bad(api: Api) -> Iterator[_Refusal]:
    """Bad requests, each recognizable where what is wrong with it allows; where they may cost, one of a kind."""
    seen: set[str] = set()
    for fault in OFFICIAL:
        if fault.operation != VOICE or (api.is_paid and (fault.assumed or fault.clause in seen)):
            continue
        seen.add(fault.clause)
        yield _marked(api, fault)


def _marked(api: Api, fault: Fault) -> _Refusal:
    if not isinstance(fault.body, Mapping):
        return _Refusal(fault.name, fault.body)
    body, name, word = dict(fault.body), "", ""
    given = body.get("voice_name")
    if isinstance(given, str) and given:
        name = api.new_name()
        body["voice_name"] = name.ljust(len(given), "n") if len(given) > _LONGEST_NAME else name
    if "external_task_id" not in body:
        word = body["external_task_id"] = api.target.unique("refused")
    return _Refusal(fault.name, body, name=name, word=word)


def _others(garden: Garden) -> Iterator[_Refusal]:
    """Good requests that are refused all the same; none where they may cost."""
    api = garden.api
    if api.is_paid:
        return
    name, word = api.new_name(), api.target.unique("wrong-method")
    good = {"voice_name": name, "voice_url": garden.receiver.sample_url, "external_task_id": word}
    yield _Refusal("its method", good, "PUT", name, word)
    try:
        task = garden.planted(PLAIN)
    except FAILURES:
        return  # other tests say why
    name = api.new_name()
    again = {**task.request, "voice_name": name, "callback_url": ""}
    yield _Refusal("an external id that is taken", again, name=name)
