"""Defects of how a task moves and of what is told of it. All are of the second server."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from tests.broken.base import Table
from tests.broken.voices import SOON
from tests.healthy.model import TERMINAL, Account, Task, now_ms
from tests.healthy.server import Record, Request, Server

TABLE = Table()
second = TABLE.second


# ---- moving -------------------------------------------------------------------------------------


@second("task.ends")
class _Stuck(Server):
    """No task ever ends."""

    def end(self, account: Account, task: Task) -> None:
        pass


@second("task.ends")
class _FourthStuck(Server):
    """Every fourth task never ends."""

    def end(self, account: Account, task: Task) -> None:
        if list(account.tasks).index(task.id) % 4 != 3:
            super().end(account, task)


@second("task.failed.reason|voice.result.when-succeed")
class _NoReason(Server):
    """Every other task fails without a reason."""

    def end(self, account: Account, task: Task) -> None:
        if list(account.tasks).index(task.id) % 2:
            self.finish(account, task, "no reason")
        else:
            super().end(account, task)

    def record(self, task: Task) -> Record:
        record = super().record(task)
        if task.status == "failed":
            record["task_status_msg"] = ""
        return record


@second("voice.result.when-succeed|voice.result.failed-is-empty|schema.answer")
class _FailedWithAVoice(Server):
    """Every other task fails, and shows a voice."""

    def end(self, account: Account, task: Task) -> None:
        is_odd = list(account.tasks).index(task.id) % 2
        self.finish(account, task, "too noisy" if is_odd else "")

    def record(self, task: Task) -> Record:
        record = super().record(task)
        if task.status == "failed":
            record["task_result"] = {"voices": [self.shown_voice(task)]}
        return record


@second("voice-list.complete")
class _FailedUnlisted(Server):
    """Every other task fails, and failed ones are not listed."""

    def end(self, account: Account, task: Task) -> None:
        is_odd = list(account.tasks).index(task.id) % 2
        self.finish(account, task, "too noisy" if is_odd else "")

    def list_voices(self, account: Account, request: Request) -> Any:
        tasks = {key: task for key, task in account.tasks.items() if task.status != "failed"}
        return super().list_voices(Account(account.name, tasks), request)


@second("task.status.transitions", seconds=SOON)
class _BackToSubmitted(Server):
    """A task in processing is shown as submitted every other time."""

    def query_voice(self, account: Account, name: str) -> Any:
        record: Record = super().query_voice(account, name)
        self.looks = getattr(self, "looks", 0) + 1
        if record["task_status"] == "processing" and self.looks % 2:
            record["task_status"] = "submitted"
        return record


@second("task.status.terminal")
class _LaterFailed(Server):
    """Half a second after it succeeded, a task has failed."""

    def move(self, account: Account, task: Task, status: str) -> None:
        super().move(account, task, status)
        if status == "succeed":
            self.worker.after(0.5, lambda: self.finish(account, task, "on second thought"))


@second("task.status.terminal|voice.result.when-succeed")
class _ForgottenResult(Server):
    """A voice is shown ten times, and then no more."""

    def query_voice(self, account: Account, name: str) -> Any:
        record: Record = super().query_voice(account, name)
        looks: dict[str, int] = self.__dict__.setdefault("looks", {})
        looks[record["task_id"]] = looks.get(record["task_id"], 0) + 1
        if looks[record["task_id"]] > 4:
            record["task_result"] = {}
        return record


@second("task.updated-at.monotone|callback.agrees-with-query|callback.order", seconds=SOON)
class _ClockOfTwoHosts(Server):
    """The host that works on a task is ten seconds behind the one that takes it in."""

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        task = super().begin(account, given, trial_url)
        task.created_at -= 20_000
        return task

    def move(self, account: Account, task: Task, status: str) -> None:
        super().move(account, task, status)
        task.updated_at -= 10_000


@second("time.milliseconds")
class _LocalTime(Server):
    """Instants are those of a clock on the wall eight hours to the east."""

    def record(self, task: Task) -> Record:
        record = super().record(task)
        eight_h = 8 * 3_600_000
        times = {name: record[name] + eight_h for name in ("created_at", "updated_at")}
        return {**record, **times}


@second("time.milliseconds")
class _LocalUpdates(Server):
    """updated_at is of a clock eight hours to the east, once a task has moved."""

    def move(self, account: Account, task: Task, status: str) -> None:
        super().move(account, task, status)
        task.updated_at = now_ms() + 8 * 3_600_000


@second("time.milliseconds")
class _LocalSpeeches(Server):
    """Speeches were made eight hours ago."""

    def speech(self, account: Account, request: Request) -> Any:
        made: Record = super().speech(account, request)
        eight_h = 8 * 3_600_000
        return {**made, **{name: made[name] - eight_h for name in ("created_at", "updated_at")}}


# ---- telling ------------------------------------------------------------------------------------


class _Telling(Server):
    """A second server that tells something else."""

    def notify(self, account: Account, task: Task) -> None:
        if task.fields["callback_url"]:
            self.tell(account, task, task.fields["callback_url"])

    def tell(self, account: Account, task: Task, address: str) -> None:
        """Tells of a task in some way."""
        self.worker.tell(f"{account.name} {task.id}", address, self.notification(task))


@second("callback.terminal")
class _NeverTold(_Telling):
    """Nobody is told of anything."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        pass


@second("callback.terminal")
class _EndUntold(_Telling):
    """Nobody is told of the end."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        if task.status not in TERMINAL:
            super().tell(account, task, address)


@second("callback.terminal")
class _OnlyNamedOnesTold(_Telling):
    """Only of tasks with an external id is anybody told."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        if task.external_id:
            super().tell(account, task, address)


@second("callback.terminal")
class _TwentiethEndUntold(_Telling):
    """Of every twentieth end nobody is told."""

    ends = 0

    def tell(self, account: Account, task: Task, address: str) -> None:
        self.ends += task.status in TERMINAL
        if task.status not in TERMINAL or self.ends % 20:
            super().tell(account, task, address)


@second("callback.terminal")
class _FirstAddressOnly(_Telling):
    """All notifications of an account go to the address of its first task."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        del address
        asked = [item.fields["callback_url"] for item in account.tasks.values()]
        super().tell(account, task, next(item for item in asked if item))


@second("callback.bare")
class _Enveloped(_Telling):
    """Notifications are wrapped like answers."""

    def notification(self, task: Task) -> Any:
        return {
            "code": 0,
            "message": "SUCCEED",
            "request_id": "r",
            "data": super().notification(task),
        }


@second("callback.bare|schema.notification")
class _ListOfNews(_Telling):
    """Notifications are lists of one task."""

    def notification(self, task: Task) -> Any:
        return [super().notification(task)]


@second("callback.method")
class _Form(_Telling):
    """Notifications are labelled as forms."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        form = "application/x-www-form-urlencoded"
        self.worker.tell(f"{account.name} {task.id}", address, self.notification(task), form)


@second("callback.method")
class _Asked(_Telling):
    """Receivers are told by GET."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        told = self.notification(task)
        self.worker.tell(f"{account.name} {task.id}", address, told, method="GET")


@second("callback.terminal")
class _AddressCut(_Telling):
    """Notifications are sent to the address without its query."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        super().tell(account, task, address.partition("?")[0])


@second("callback.method")
class _WideJson(_Telling):
    """Notifications are written in UTF-16."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        body = json.dumps(self.notification(task)).encode("utf-16")
        self.worker.tell(f"{account.name} {task.id}", address, body)


@second("callback.agrees-with-query")
class _DeletionTold(_Telling):
    """The deletion of a voice is told of as the failure of its task."""

    def delete_voice(self, account: Account, request: Request) -> Any:
        before = {task.id for task in account.tasks.values() if task.deleted}
        done = super().delete_voice(account, request)
        for task in account.tasks.values():
            if task.deleted and task.id not in before and task.fields["callback_url"]:
                told = {**self.notification(task), "task_status": "failed", "task_result": {}}
                chain, address = f"{account.name} {task.id}", task.fields["callback_url"]
                self.worker.tell(chain, address, {**told, "task_status_msg": "deleted"})
        return done


@second("callback.method")
class _OddJson(_Telling):
    """Notifications end in a comma."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        self.worker.tell(f"{account.name} {task.id}", address, b'{"task_status": "succeed",}')


@second("callback.order")
class _EndFirst(_Telling):
    """The end is told of first, and processing a moment later."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        if task.status in TERMINAL:
            super().tell(account, task, address)
            told = {**self.notification(task), "task_status": "processing", "task_result": {}}
            chain = f"{account.name} {task.id}"
            self.worker.tell(chain, address, told)


@second("callback.order")
class _LateNews(_Telling):
    """A third of a second after the end, processing is told of."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        super().tell(account, task, address)
        if task.status in TERMINAL:
            told = {**self.notification(task), "task_status": "processing", "task_result": {}}
            chain = f"{account.name} {task.id} late"
            self.worker.after(0.3, lambda: self.worker.tell(chain, address, told))


@second("callback.agrees-with-query|callback.terminal")
class _Contradiction(_Telling):
    """A voice that was made is told of as failed."""

    def notification(self, task: Task) -> Any:
        told: Record = super().notification(task)
        if task.status == "succeed":
            told |= {"task_status": "failed", "task_status_msg": "no", "task_result": {}}
        return told


@second("callback.agrees-with-query|callback.voices")
class _OtherVoiceTold(_Telling):
    """The voice that is told of has another id than the one that queries show."""

    def notification(self, task: Task) -> Any:
        told: Record = super().notification(task)
        for voice in told.get("task_result", {}).get("voices", ()):
            voice["voice_id"] = voice["voice_id"][::-1]
        return told


@second("task.updated-at.final")
class _OtherInstantTold(_Telling):
    """updated_at of a notification is that of its sending."""

    def notification(self, task: Task) -> Any:
        return {**super().notification(task), "updated_at": int(time.time() * 1000) + 1500}


@second("callback.agrees-with-query|callback.voices")
class _ToldTwiceAnew(_Telling):
    """The end is told of twice, the second time with another voice."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        super().tell(account, task, address)
        if task.status == "succeed":
            told = self.notification(task)
            told["task_result"] = {"voices": [{"voice_id": "850087542757535834"}]}
            self.worker.tell(f"{account.name} {task.id}", address, told)


@second("task.id.constant|callback.agrees-with-query|callback.on-change")
class _AnothersBody(_Telling):
    """Notifications tell of the account's first task."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        told = {**self.notification(task), "task_id": next(iter(account.tasks)) + "0"}
        self.worker.tell(f"{account.name} {task.id}", address, told)


@second("voice-create.external-id.no-effect")
class _RefusedAndTold(Server):
    """The address of a refused duplicate is told of the first task."""

    def may_create(self, account: Account, given: Mapping[str, str]) -> None:
        task = account.find(given["external_task_id"])
        if task is not None and given["callback_url"]:
            self.worker.tell(account.name, given["callback_url"], self.notification(task))
        super().may_create(account, given)


@second("task.info.echo")
class _ToldWithoutExternalId(_Telling):
    """Notifications have an empty task_info, whatever the external id."""

    def notification(self, task: Task) -> Any:
        return {**super().notification(task), "task_info": {}}


@second("time.milliseconds")
class _TextInstantsTold(_Telling):
    """The instants of notifications are texts."""

    def notification(self, task: Task) -> Any:
        told: Record = super().notification(task)
        return told | {name: str(told[name]) for name in ("created_at", "updated_at")}


@second("task.status.enum")
class _SucceededTold(_Telling):
    """Notifications spell succeed as newer products do."""

    def notification(self, task: Task) -> Any:
        told: Record = super().notification(task)
        return {**told, "task_status": told["task_status"].replace("succeed", "succeeded")}


@second("ids.string")
class _NumericIdsTold(_Telling):
    """Task ids are numbers in notifications."""

    def notification(self, task: Task) -> Any:
        return {**super().notification(task), "task_id": int(task.id)}


@second("voice.name.echo")
class _OtherNameTold(_Telling):
    """Notifications name the voice after its task."""

    def notification(self, task: Task) -> Any:
        told: Record = super().notification(task)
        for voice in told.get("task_result", {}).get("voices", ()):
            voice["voice_name"] = task.id
        return told


@second("voice-create.callback-url.harmless")
class _WaitsForReceivers(_Telling):
    """A receiver that cannot be reached makes the task fail."""

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        task = super().begin(account, given, trial_url)
        if given["callback_url"] and ":9/" in given["callback_url"]:
            task.fields["video_id"] = ""
            self.finish(account, task, "the receiver cannot be reached")
        return task


@second("callback.signature")
class _HalfSigned(_Telling):
    """Notifications carry a webhook-id and no signature."""

    def tell(self, account: Account, task: Task, address: str) -> None:
        told = self.notification(task)
        self.worker.tell(f"{account.name} {task.id}", address, told, webhook_id=task.id)


class _Signing(_Telling):
    """A second server that signs in some way."""

    off_s = 0
    signature = "v1," + "A" * 43 + "="

    def tell(self, account: Account, task: Task, address: str) -> None:
        at = str(int(time.time()) + self.off_s)
        names = {"webhook_id": task.id, "webhook_timestamp": at}
        told = self.notification(task)
        names["webhook_signature"] = self.signature
        self.worker.tell(f"{account.name} {task.id}", address, told, **names)


@second("callback.signature")
class _SignedByNobody(_Signing):
    """Notifications carry three bytes for a signature; nobody has given a secret."""

    signature = "v1,AAAA"


@second("callback.signature")
class _SignedLongAgo(_Signing):
    """Notifications say that they were signed in 1970; nobody has given a secret."""

    off_s = 1 - int(time.time())


@second("callback.signature")
class _SignedTomorrow(_Signing):
    """Notifications say that they are signed eight hours later; nobody has given a secret."""

    off_s = 8 * 3600
