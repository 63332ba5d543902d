"""Defects inside a server of custom voices: what it keeps, shows, lists and deletes. All are of the second server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from tests.broken.base import Table
from tests.healthy.model import Account, Task
from tests.healthy.rules import Fields, Refusal
from tests.healthy.server import Record, Reply, Request, Server

TABLE = Table()
second = TABLE.second
#: Under which every task takes a little, so that something is seen on the way.
SOON = 0.2
#: Under which a task is under way for longer than a list may lag.
LATE = 2.6


# ---- creating -----------------------------------------------------------------------------------


@second("voice-create.external-id.unique")
class _DuplicatesAccepted(Server):
    """A taken external id is accepted."""

    def holds(self, task: Task, external_id: str) -> bool:
        return super().holds(task, external_id[:0])


@second("voice-create.external-id.unique")
class _DuplicatesAfterTheEnd(Server):
    """An external id is free as soon as its task has succeeded."""

    def holds(self, task: Task, external_id: str) -> bool:
        return super().holds(task, external_id) and task.status != "succeed"


@second("voice-create.external-id.unique")
class _DuplicatesGiveTheFirst(Server):
    """A taken external id answers with its task, as idempotency keys do."""

    def create_voice(self, account: Account, request: Request) -> Any:
        name = str(self.fields(request).given.get("external_task_id") or "")
        task = account.find(name) if name else None
        return super().create_voice(account, request) if task is None else self.record(task)


@second("voice-create.external-id.account|auth.account")
class _WorldwideExternalIds(Server):
    """External ids are unique over all accounts."""

    def may_create(self, account: Account, given: Mapping[str, str]) -> None:
        super().may_create(account, given)
        for other in self.accounts.values():
            super().may_create(other, given)


@second("voice-create.external-id.no-bound|voice-create.external-id.unique|voice-create.endpoint")
class _CaselessExternalIds(Server):
    """External ids that differ in case only are the same."""

    def holds(self, task: Task, external_id: str) -> bool:
        same = task.external_id.lower() == external_id.lower()
        return same and super().holds(task, task.external_id)


@second("voice-create.external-id.no-bound|voice-get.by-external-id|task.info.echo")
class _TrimmedExternalIds(Server):
    """External ids lose their blanks, and everything after 64 characters."""

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        name = given["external_task_id"].strip()[:64]
        return super().begin(account, {**given, "external_task_id": name}, trial_url)


@second("voice-create.external-id.no-bound|voice-create.endpoint|schema.request.accepted")
class _OtherScriptsRefused(Server):
    """External ids of other scripts are refused."""

    def may_create(self, account: Account, given: Mapping[str, str]) -> None:
        super().may_create(account, given)
        if not given["external_task_id"].isascii():
            raise Refusal(400, 1201, "external_task_id has odd characters")


@second("voice-create.empty-is-absent")
class _EmptyExternalIdIsOne(Server):
    """An empty external id is an id like any other, and taken after its first use."""

    def may_create(self, account: Account, given: Mapping[str, str]) -> None:
        super().may_create(account, given)
        if self.is_given and any(not task.external_id for task in account.tasks.values()):
            raise Refusal(400, 1201, "External_task_id  already exists")

    def create_voice(self, account: Account, request: Request) -> Any:
        self.is_given = self.fields(request).given.get("external_task_id") == ""
        return super().create_voice(account, request)


@second("voice-get.by-external-id")
class _NoExternalIds(Server):
    """Tasks are not found by their external ids."""

    def query_voice(self, account: Account, name: str) -> Any:
        return super().query_voice(account, name if name in account.tasks else "")


@second("voice-get.by-external-id")
class _FirstExternalIdsOnly(Server):
    """Only the first three tasks of an account are found by their external ids."""

    def query_voice(self, account: Account, name: str) -> Any:
        if name not in account.tasks and account.find(name) not in list(account.tasks.values())[:3]:
            name = ""
        return super().query_voice(account, name)


@second("voice-get.by-external-id|task.status.terminal|task.status.transitions")
class _OldByExternalId(Server):
    """Asked by external id, a task is shown as it was created."""

    def query_voice(self, account: Account, name: str) -> Any:
        record: Record = super().query_voice(account, name)
        if name in account.tasks:
            return record
        record.pop("task_result")
        return record | {"task_status": "submitted", "updated_at": record["created_at"]}


@second("errors.no-effect|voice-create.one-task|voice-list.complete")
class _RefusedAndMade(Server):
    """A creation without a source is refused after its task was made."""

    def create_voice(self, account: Account, request: Request) -> Any:
        try:
            return super().create_voice(account, request)
        except Refusal:
            given = self.fields(request).given
            texts = {name: str(given.get(name, "")) for name in _NAMES}
            if texts["external_task_id"] and not account.find(texts["external_task_id"]):
                self.begin(account, texts, self.url(request, "sample.wav"))
            raise


_NAMES = ("voice_name", "voice_url", "video_id", "callback_url", "external_task_id")


@second("voice-create.one-task|voice-list.complete|voice-create.external-id.no-effect")
class _TwoForOne(Server):
    """Each creation makes two tasks; only one is answered with."""

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        super().begin(account, {**given, "callback_url": ""}, trial_url)
        return super().begin(account, given, trial_url)


@second("voice-create.name.max-length|schema.request.refused")
class _LongNames(Server):
    """A name may have 21 characters."""

    def fields(self, request: Request) -> Fields:
        return _LongerNames(request.body, self.reading)


class _LongerNames(Fields):
    def text(self, name: str, most: int = 0, *, least: int = 0) -> str:
        return super().text(name, most + (name == "voice_name"), least=least)


@second("voice-create.source.required")
class _NoSource(Server):
    """A voice may be made of nothing."""

    def fields(self, request: Request) -> Fields:
        found = super().fields(request)
        if "voice_name" in found.given and not found.given.get("voice_url"):
            found.given.setdefault("video_id", "none")
        return found


@second("voice-create.readable-at-once")
class _LateTasks(Server):
    """A task is found half a second after its creation."""

    def query_voice(self, account: Account, name: str) -> Any:
        task = account.find(name)
        is_late = task is not None and time.time() * 1000 - task.created_at < 500
        return super().query_voice(account, "" if is_late else name)


# ---- ids, names and voices ----------------------------------------------------------------------


@second("ids.unique")
class _ForgetfulIds(Server):
    """The tenth task of an account has the id of the first."""

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        task = super().begin(account, given, trial_url)
        if len(account.tasks) == 10:
            del account.tasks[task.id]
            task.id = next(iter(account.tasks))
            account.tasks[task.id] = task
        return task


@second("ids.unique")
class _VoiceNamedAsItsTask(Server):
    """A voice has the id of its task."""

    def move(self, account: Account, task: Task, status: str) -> None:
        task.voice_id = task.id
        super().move(account, task, status)


@second("ids.unique")
class _OneVoiceId(Server):
    """All voices of an account have the same id."""

    def move(self, account: Account, task: Task, status: str) -> None:
        task.voice_id = "850087542757535834"
        super().move(account, task, status)


@second("task.status.terminal|ids.unique")
class _ChangingVoiceIds(Server):
    """A voice has another id at each look."""

    def shown_voice(self, task: Task) -> Record:
        task.voice_id = self.ids.new("voice")
        return super().shown_voice(task)


@second("voice.name.echo")
class _CutNames(Server):
    """A voice shows the first 16 characters of its name."""

    def shown_voice(self, task: Task) -> Record:
        shown = super().shown_voice(task)
        return shown | {"voice_name": shown["voice_name"][:16]}


@second("voice.name.echo|voice-list.same-record")
class _NameOfTheNewest(Server):
    """In the list all voices have the name of the first one there."""

    def list_voices(self, account: Account, request: Request) -> Any:
        shown: list[Record] = super().list_voices(account, request)
        voices = [voice for item in shown for voice in item["task_result"].get("voices", ())]
        for voice in voices:
            voice["voice_name"] = voices[0]["voice_name"]
        return shown


# ---- recordings ---------------------------------------------------------------------------------


@second("voice-create.url.duration", fetches=True)
class _FourSecondsWillDo(Server):
    """A voice is learned from a recording of less than five seconds."""

    def flaw(self, lasts_s: float | None) -> str:
        return "" if lasts_s is not None and lasts_s < 5 else super().flaw(lasts_s)


@second("voice-create.url.duration", fetches=True)
class _AnyLengthWillDo(Server):
    """A voice is learned from a recording of more than thirty seconds."""

    def flaw(self, lasts_s: float | None) -> str:
        return "" if lasts_s is not None and lasts_s > 30 else super().flaw(lasts_s)


@second("voice-create.url.media", fetches=True)
class _ATextWillDo(Server):
    """A voice is learned from a text."""

    def flaw(self, lasts_s: float | None) -> str:
        return super().flaw(lasts_s) if lasts_s is not None else ""


# ---- accounts -----------------------------------------------------------------------------------


@second("voice-get.foreign|auth.account")
class _EverybodysTasks(Server):
    """Tasks of other accounts can be queried."""

    def query_voice(self, account: Account, name: str) -> Any:
        owners = [item for item in self.accounts.values() if item.find(name)]
        return super().query_voice(owners[0] if owners else account, name)


@second("voice-get.foreign|auth.account")
class _EverybodysExternalIds(Server):
    """Tasks of other accounts can be queried by external id."""

    def query_voice(self, account: Account, name: str) -> Any:
        owners = [
            item
            for item in self.accounts.values()
            if any(task.external_id == name for task in item.tasks.values())
        ]
        return super().query_voice(owners[0] if owners else account, name)


@second("voice-list.complete|auth.account")
class _EverybodysList(Server):
    """The list shows tasks of other accounts, too."""

    def list_voices(self, account: Account, request: Request) -> Any:
        tasks = {key: task for one in self.accounts.values() for key, task in one.tasks.items()}
        return super().list_voices(Account(account.name, tasks), request)


@second("voice-delete.unknown|auth.account")
class _EverybodyDeletes(Server):
    """Voices of other accounts can be deleted."""

    def delete_voice(self, account: Account, request: Request) -> Any:
        tasks = {key: task for one in self.accounts.values() for key, task in one.tasks.items()}
        return super().delete_voice(Account(account.name, tasks), request)


# ---- wear ---------------------------------------------------------------------------------------


@second("envelope.request-id|task.status.transitions|voice-list.complete")
class _Cached(Server):
    """Answers to equal queries are those of three seconds ago."""

    def reply(self, request: Request) -> Reply:
        kept: dict[str, tuple[float, Reply]] = self.__dict__.setdefault("kept", {})
        key = f"{request.headers.get('authorization')} {request.path} {request.query}"
        at, reply = kept.get(key, (0.0, None))
        if request.method != "GET" or reply is None or time.monotonic() - at > 3:
            reply = super().reply(request)
            if request.method == "GET":
                kept[key] = time.monotonic(), reply
        return reply


@second("voice-list.complete|ids.unique|voice-get.by-task-id")
class _FortyTasks(Server):
    """An account keeps forty tasks; the oldest is forgotten for each more."""

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        if len(account.tasks) >= 40:
            del account.tasks[next(iter(account.tasks))]
        return super().begin(account, given, trial_url)
