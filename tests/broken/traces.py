"""Defects that show in what is left behind: by refusals, deletions and ends. All are of the second server."""

from __future__ import annotations

import time
import unicodedata
from functools import cached_property
from typing import Any

from tests.broken.base import Table
from tests.broken.voices import SOON
from tests.healthy.model import TERMINAL, Account, Task, now_ms
from tests.healthy.rules import Refusal
from tests.healthy.server import Record, Request, Server

TABLE = Table()
second = TABLE.second
_NAMES = ("voice_name", "voice_url", "video_id", "callback_url", "external_task_id")


# ---- refused, and made all the same ---------------------------------------------------------------


class _Careless(Server):
    """A second server that makes a task of what it refuses."""

    def create_voice(self, account: Account, request: Request) -> Any:
        try:
            return super().create_voice(account, request)
        except Refusal as refusal:
            if self.spills(refusal, request):
                self.begin(account, self.leftover(request), self.url(request, "sample.wav"))
            raise

    def spills(self, refusal: Refusal, request: Request) -> bool:
        """Whether a task comes of a refused request."""
        raise NotImplementedError

    def leftover(self, request: Request) -> dict[str, str]:
        """The fields of that task."""
        del request
        return dict.fromkeys(_NAMES, "")


@second("errors.no-effect")
class _LongNamesMade(_Careless):
    """A name that is too long is refused, and a voice of its first 20 characters made."""

    def spills(self, refusal: Refusal, request: Request) -> bool:
        name = self.fields(request).given.get("voice_name") if refusal.code == 1201 else ""
        return isinstance(name, str) and len(name) > 20

    def leftover(self, request: Request) -> dict[str, str]:
        return {
            **super().leftover(request),
            "voice_name": str(self.fields(request).given["voice_name"])[:20],
        }


@second("errors.no-effect", video="fail")
class _UnreadableMade(_Careless):
    """A body that is no JSON object is refused, and a task without a name made."""

    def spills(self, refusal: Refusal, request: Request) -> bool:
        del request
        return refusal.code == 1200


@second("voice-create.external-id.no-effect|errors.no-effect")
class _DuplicatesMadeWithoutId(_Careless):
    """A taken external id is refused, and a task without one made."""

    def spills(self, refusal: Refusal, request: Request) -> bool:
        del request
        return "already exists" in refusal.words


@second("errors.429.no-charge", slots=2, seconds=SOON)
class _MadeWithoutSlot(_Careless):
    """A creation for which there is no slot is refused, and its task made."""

    def spills(self, refusal: Refusal, request: Request) -> bool:
        del request
        return refusal.code == 1303

    def leftover(self, request: Request) -> dict[str, str]:
        given = self.fields(request).given
        return {name: str(given.get(name, "")) for name in _NAMES}


@second("errors.no-effect")
class _RefusedIdsTaken(Server):
    """An external id is taken even by a creation that was refused."""

    def create_voice(self, account: Account, request: Request) -> Any:
        try:
            return super().create_voice(account, request)
        except Refusal:
            word = self.fields(request).given.get("external_task_id")
            if isinstance(word, str) and word:
                self.taken.add((account.name, word))
            raise

    def may_create(self, account: Account, given: Any) -> None:
        super().may_create(account, given)
        if (account.name, given["external_task_id"]) in self.taken:
            raise Refusal(400, 1201, "External_task_id already exists")

    @cached_property
    def taken(self) -> set[tuple[str, str]]:
        """What was refused once."""
        return set()


@second("errors.no-effect|voice-get.by-task-id", deleted_task="gone")
class _DeletedAndRefused(Server):
    """DELETE of a task is refused as a wrong method, and takes its voice away."""

    def wrong_method(self, dialect: str) -> Refusal:
        for account in self.accounts.values() if self.doomed else ():
            if self.doomed in account.tasks:
                account.tasks[self.doomed].deleted = True
        return super().wrong_method(dialect)

    def routed(self, dialect: str, place: str, request: Request) -> Any:
        self.doomed = place.rpartition("/")[2] if request.method == "DELETE" else ""
        return super().routed(dialect, place, request)


@second("errors.1303.message", slots=2, seconds=SOON)
class _OtherWordsForSlots(Server):
    """Want of a slot is called something else."""

    def may_create(self, account: Account, given: Any) -> None:
        try:
            super().may_create(account, given)
        except Refusal as refusal:
            if refusal.code == 1303:
                raise Refusal(429, 1303, "busy") from None
            raise


@second("limits.slot.held", slots=1, fetches=True)
class _FailedHoldSlots(Server):
    """A failed task holds its slot for ever."""

    def may_create(self, account: Account, given: Any) -> None:
        super().may_create(account, given)
        held = sum(task.status == "failed" for task in account.tasks.values())
        if held + account.busy >= self.reading.slots:
            raise Refusal(429, 1303, "parallel task over resource pack limit")


@second("limits.slot.held", slots=4, fetches=True, seconds=SOON)
class _FailedHoldOneOfFourSlots(_FailedHoldSlots):
    """A failed task holds its slot for ever, and there are more slots than tasks fail by themselves."""


# ---- deleted --------------------------------------------------------------------------------------


@second("voice-delete.by-voice-id|voice-delete.effective")
class _NamesakesDeleted(Server):
    """A deletion takes all voices of that name with it."""

    def delete(self, task: Task) -> None:
        super().delete(task)
        for account in self.accounts.values():
            for other in account.tasks.values():
                if other.fields["voice_name"] == task.fields["voice_name"]:
                    other.deleted = True


@second("voice-delete.effective")
class _DeletionsWearOff(Server):
    """Some time after its deletion a voice is back."""

    def delete(self, task: Task) -> None:
        super().delete(task)

        def back() -> None:
            task.deleted = False

        self.worker.after(SOON / 2, back)


class _Changed(Server):
    """A second server that shows the tasks of deleted voices otherwise."""

    def record(self, task: Task) -> Record:
        record = super().record(task)
        return record | self.changed(record) if task.deleted else record

    def changed(self, record: Record) -> Record:
        """What is shown instead."""
        raise NotImplementedError


@second("task.updated-at.monotone", seconds=SOON)
class _YoungerWhenDeleted(_Changed):
    """After its voice was deleted, a task was last updated when it was created."""

    def changed(self, record: Record) -> Record:
        return {"updated_at": record["created_at"]}


@second("task.status.terminal")
class _FailedWhenDeleted(_Changed):
    """After its voice was deleted, a task has failed."""

    def changed(self, record: Record) -> Record:
        del record
        return {"task_status": "failed", "task_status_msg": "deleted", "task_result": {}}


@second("voice-delete.task-stays")
class _GoneByExternalId(Server):
    """After its voice was deleted, a task is found by its task_id only."""

    def query_voice(self, account: Account, name: str) -> Any:
        task = account.find(name)
        is_gone = task is not None and task.deleted and task.id != name
        return super().query_voice(account, "" if is_gone else name)


# ---- ended ----------------------------------------------------------------------------------------


@second("voice-list.same-record|task.status.terminal", seconds=SOON)
class _ListLagsBehind(Server):
    """For a while after its end the list shows a task as under way."""

    def list_voices(self, account: Account, request: Request) -> Any:
        shown: list[Record] = super().list_voices(account, request)
        running = {"task_status": "processing", "task_result": {}}
        return [
            item | running
            if item["task_status"] in TERMINAL and now_ms() - item["updated_at"] < 300
            else item
            for item in shown
        ]


@second("task.status.terminal|voice.result.when-succeed")
class _ForgetsVoices(Server):
    """Some time after its end a task shows another voice."""

    def shown_voice(self, task: Task) -> Record:
        voice = super().shown_voice(task)
        is_old = time.time() - task.updated_at / 1000 > 0.6
        return voice | {"voice_id": f"{task.voice_id}0"} if is_old and not task.deleted else voice


@second("ids.unique")
class _IdsPerAccount(Server):
    """Each account's tasks are counted from the same number."""

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        task = super().begin(account, given, trial_url)
        del account.tasks[task.id]
        task.id = str(870_000_000_000_000_000 + len(account.tasks))
        account.tasks[task.id] = task
        return task


# ---- found ----------------------------------------------------------------------------------------


class _Finding(Server):
    """A second server that finds tasks by other names than their own."""

    def query_voice(self, account: Account, name: str) -> Any:
        if account.find(name) is None:
            found = (task for task in account.tasks.values() if name and self.is_it(task, name))
            name = next((task.id for task in found), name)
        return super().query_voice(account, name)

    def is_it(self, task: Task, name: str) -> bool:
        """Whether a task is what was meant."""
        raise NotImplementedError


@second("voice-get.by-task-id")
class _NotByTaskId(Server):
    """A task that has an external id is not found by its task_id."""

    def query_voice(self, account: Account, name: str) -> Any:
        task = account.tasks.get(name)
        return super().query_voice(account, "" if task is not None and task.external_id else name)


@second("voice-get.unknown")
class _FoundByBeginning(_Finding):
    """A task is found by the beginning of its external id."""

    def is_it(self, task: Task, name: str) -> bool:
        return len(name) > 8 and task.external_id.startswith(name)


@second("voice-get.unknown")
class _FoundByPattern(_Finding):
    """A task is found by a pattern, in which a percent sign stands for anything."""

    def is_it(self, task: Task, name: str) -> bool:
        start, sign, end = name.partition("%")
        has_both = task.external_id.startswith(start) and task.external_id.endswith(end)
        return bool(sign and start) and has_both


@second("voice-get.by-external-id|task.info.echo")
class _PlusIsABlank(Server):
    """In a query a plus sign stands for a blank, even where it is encoded."""

    def query_voice(self, account: Account, name: str) -> Any:
        return super().query_voice(account, name.replace("+", " "))


@second("task.info.echo|voice-get.by-external-id")
class _ExternalIdsComposed(Server):
    """Accents of external ids are composed with their letters."""

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        word = unicodedata.normalize("NFC", given["external_task_id"])
        return super().begin(account, {**given, "external_task_id": word}, trial_url)


# ---- listed ---------------------------------------------------------------------------------------


@second("voice-list.complete")
class _OldTasksVanish(Server):
    """Of an account with more than 40 tasks the newest 40 are listed."""

    def page(self, request: Request, items: list[Any]) -> list[Any]:
        return super().page(request, items[:40] if "custom" in request.path else items)


@second("voice-list.complete", fetches=True)
class _FailedNotListed(Server):
    """Failed tasks are not listed."""

    def page(self, request: Request, items: list[Any]) -> list[Any]:
        shown = [item for item in items if getattr(item, "status", "") != "failed"]
        return super().page(request, shown)


@second("voice-list.complete")
class _PagesByUpdate(Server):
    """From the second page on, the list is in another order."""

    def page(self, request: Request, items: list[Any]) -> list[Any]:
        is_first = "pageNum" not in request.query or "pageNum=1&" in f"{request.query}&"
        return super().page(request, items if is_first else items[::-1])
