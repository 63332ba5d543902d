"""The server: what each operation answers, under a reading of the contract. How requests come in is hosting's."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.healthy import mp3, rules, tokens
from tests.healthy.model import TERMINAL, Account, Ids, Task, Worker, now_ms
from tests.healthy.reading import KEYS, Reading
from tests.healthy.rules import Fields, Refusal

Record = dict[str, Any]
#: Leads to the files.
FILES = "/files/"
_BASES = {"klingai": "/v1", "kkiai": "/kling/v1"}
_EZ = "/kling/v1/tts"
#: Id and instant of the first official voice.
_FIRST_ID, _MADE_AT = 829_824_295_735_410_756, 1_722_769_557_708
#: Other words for the same refusals.
_OTHER_WORDS = {400: "参数错误", 401: "unauthorized", 404: "nothing here", 429: "try later"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in; header names in lower case, the path still encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Reply:
    """What it is answered with."""

    status: int
    content: bytes
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)


class Server:
    """One server, with nothing in it yet.

    Args:
        reading: of the contract.
    """

    def __init__(self, reading: Reading | None = None) -> None:
        self.reading = reading or Reading()
        self.accounts: dict[str, Account] = {}
        self.worker = Worker()
        self.media_url = ""
        self.ids = Ids(self.reading.ids)
        self.request_ids = Ids(self.reading.request_ids)
        self.lock = threading.RLock()

    def close(self) -> None:
        """Stops the making of voices."""
        self.worker.close()

    # ---- the way of a request ------------------------------------------------------------------

    def reply(self, request: Request) -> Reply:
        """What a request is answered with."""
        if request.path.startswith(FILES):
            return self.file(request)
        dialect, place = self.placed(request.path)
        is_blocked = self.reading.encoded_slash == "refuse" and "%2f" in request.path.lower()
        if not dialect or is_blocked:
            return Reply(404, b"<h1>Not Found</h1>", "text/html")
        try:
            with self.lock:
                status, code, data = 200, 0, self.routed(dialect, place, request)
                words = "success" if dialect == "ezmodel" else "SUCCEED"
        except Refusal as refusal:
            status, code, data, words = refusal.status, refusal.code, ..., refusal.words
            if dialect == "ezmodel":
                code = status
            if self.reading.words == "other":
                words = _OTHER_WORDS[status]
        return self.enveloped(status, code, words, data)

    def enveloped(self, status: int, code: Any, words: str, data: Any) -> Reply:
        """An answer of the API; data of ``...`` is none."""
        body: Record = {"code": code, "message": words, "request_id": self.request_ids.new("req")}
        if data is not ...:
            body["data"] = data
        if self.reading.rich:
            body |= {"trace": "00-4bf92f3577b34da6a3ce929d0e0e4736", "server_time": now_ms()}
        content = json.dumps(body).encode()
        return Reply(status, content, self.reading.content_type, dict(self.reading.headers))

    def placed(self, path: str) -> tuple[str, str]:
        """The dialect of a path, and what is left of it."""
        if self.reading.slash and path.endswith("/"):
            path = path[:-1]
        if path == _EZ and "ezmodel" in self.reading.dialects:
            return "ezmodel", ""
        for dialect, base in _BASES.items():
            if dialect in self.reading.dialects and path.startswith(base + "/"):
                return dialect, path.removeprefix(base)
        return "", path

    def routed(self, dialect: str, place: str, request: Request) -> Any:
        """Finds who answers, lets nobody in without a credential, and returns data."""
        voices = "/general/custom-voices"
        routes: dict[str, dict[str, Callable[[Account, Request], Any]]] = {
            "": {"POST": self.gateway_speech},
            "/audio/tts": {"POST": self.speech},
            voices: {"POST": self.create_voice, "GET": self.list_voices},
            "/general/presets-voices": {"GET": self.list_presets},
            "/general/delete-voices": {"POST": self.delete_voice},
        }
        name = place.removeprefix(voices + "/")
        if name != place and name and "/" not in name:
            routes[place] = {"GET": lambda account, _: self.query_voice(account, unquote(name))}
        if place not in routes:
            raise Refusal(404, 1203, "There is nothing at this path")
        if request.method not in routes[place]:
            raise self.wrong_method(dialect)
        if self.reading.body_first and request.method == "POST":
            self.judge(place, Fields(request.body, self.reading))
        return routes[place][request.method](self.let_in(request), request)

    def judge(self, place: str, fields: Fields) -> None:
        """Refuses a bad body, whoever sends it."""
        match place.rpartition("/")[2]:
            case "tts":
                rules.speech(fields, self.reading)
            case "custom-voices":
                rules.voice(fields, self.reading)
            case "delete-voices":
                fields.text("voice_id", least=1)
            case _:
                rules.gateway_speech(fields, self.reading)

    def wrong_method(self, dialect: str) -> Refusal:
        """The refusal of a method that a path does not have."""
        status = self.reading.ez_method if dialect == "ezmodel" else 404
        return Refusal(status, 1202, "This path has no such method")

    def let_in(self, request: Request) -> Account:
        """The account of a request."""
        header = request.headers.get("authorization", "")
        if not header:
            raise Refusal(401, 1001, "Authorization is empty")
        scheme, _, credential = header.partition(" ")
        if scheme != "Bearer" or not credential or " " in credential:
            raise Refusal(401, self.reading.malformed_code, "Authorization cannot be read")
        name = self.named(credential)
        return self.accounts.setdefault(name, Account(name))

    def named(self, credential: str) -> str:
        """The account's name of a credential."""
        reading = self.reading
        if credential.count(".") == 2:
            return tokens.issuer(credential, reading)
        if reading.credentials == "tokens":
            raise Refusal(401, reading.malformed_code, "A token has three parts")
        if reading.credentials == "keys" and credential not in KEYS:
            raise Refusal(401, 1002, "The key is not known")
        return KEYS.get(credential, credential)

    # ---- operations ----------------------------------------------------------------------------

    def fields(self, request: Request) -> Fields:
        """The body of a request."""
        return Fields(request.body, self.reading)

    def speech(self, account: Account, request: Request) -> Any:
        """Speaks at once."""
        del account
        text, speed = rules.speech(self.fields(request), self.reading)
        frames = mp3.frames_of(text, speed)
        audio_id, at = self.ids.new("audio"), now_ms()
        duration = f"{frames * mp3.FRAME_S:.3f}"
        audio = {"id": audio_id, "url": self.url(request, f"{frames}.mp3"), "duration": duration}
        record = {"task_id": self.ids.new("task"), "task_status": "succeed"}
        if not self.reading.lean:
            record |= {"task_status_msg": "", "final_unit_deduction": "0.05"}
        times = {"created_at": at, "updated_at": at}
        return {**record, **times, "task_result": {"audios": [audio]}, **self.more()}

    def gateway_speech(self, account: Account, request: Request) -> Any:
        """Speaks as EzModel does."""
        text, speed, address = rules.gateway_speech(self.fields(request), self.reading)
        frames = mp3.frames_of(text, speed)
        data: Record = {
            "audio_id": self.ids.new("audio"),
            "audio_url": self.url(request, f"{frames}.mp3"),
        }
        data |= {"duration": frames * 24, "created_at": now_ms()}
        if address:
            wrapped = {"code": 0, "message": "success", "request_id": "req", "data": data}
            body = wrapped if self.reading.ez_callback == "wrapped" else data
            self.worker.tell(f"{account.name} {data['audio_id']}", address, body)
        return data

    def create_voice(self, account: Account, request: Request) -> Any:
        """Begins to make a voice."""
        given = rules.voice(self.fields(request), self.reading)
        self.may_create(account, given)
        task = self.begin(account, given, self.url(request, "sample.wav"))
        record = self.record(task)
        return {key: record[key] for key in record if key not in ("task_result", "task_status_msg")}

    def may_create(self, account: Account, given: Mapping[str, str]) -> None:
        """Refuses what is taken, and too many at a time."""
        external_id = given["external_task_id"]
        if any(self.holds(task, external_id) for task in account.tasks.values()):
            raise Refusal(400, 1201, f"External_task_id {external_id} already exists")
        names = [item.fields["voice_name"] for item in account.tasks.values() if not item.deleted]
        if self.reading.names == "unique" and given["voice_name"] in names:
            raise Refusal(400, 1201, "There is a voice of this name")
        if self.reading.slots and account.busy >= self.reading.slots:
            raise Refusal(429, 1303, "parallel task over resource pack limit")

    def holds(self, task: Task, external_id: str) -> bool:
        """Whether a task keeps others from using an external id."""
        if not external_id or task.external_id != external_id:
            return False
        is_freed = (task.status == "failed", task.deleted)
        freed = {"failed": (True, False), "deleted": (False, True), "both": (True, True)}
        pairs = zip(is_freed, freed.get(self.reading.freed, (False, False)), strict=True)
        return not any(has_come and frees for has_come, frees in pairs)

    def begin(self, account: Account, given: dict[str, str], trial_url: str) -> Task:
        """Takes a task in, and plans what comes of it."""
        at = now_ms()
        task = Task(self.ids.new("task"), {**given, "trial_url": trial_url}, at, at)
        account.tasks[task.id] = task
        seconds, way = self.reading.seconds, self.reading.statuses
        if way == "done":
            self.end(account, task)
            return task
        if way == "begun":
            task.status = "processing"
        if self.reading.callbacks == "with_submitted":
            self.notify(account, task)
        if way == "all":
            self.worker.after(seconds / 3, lambda: self.move(account, task, "processing"))
        self.worker.after(seconds, lambda: self.end(account, task))
        return task

    def end(self, account: Account, task: Task) -> None:
        """The end has come: a voice, or none."""
        if not self.reading.fetches or task.fields["video_id"]:
            fails = bool(task.fields["video_id"]) and self.reading.video == "fail"
            self.finish(account, task, "The video is not known" if fails else "")
            return

        def look() -> None:
            reason = self.flaw(self.worker.fetch(task.fields["voice_url"]))
            self.finish(account, task, reason)

        self.worker.soon(look)

    def flaw(self, lasts_s: float | None) -> str:
        """Why no voice can be learned from a recording of so many seconds; nothing where it can."""
        if lasts_s is None:
            return "The recording cannot be read"
        return "" if 5 <= lasts_s <= 30 else "The recording must last 5 to 30 seconds"

    def finish(self, account: Account, task: Task, reason: str) -> None:
        """Ends a task, well unless there is a reason."""
        with self.lock:
            task.reason = reason
            if not reason:
                task.voice_id = self.ids.new("voice")
            self.move(account, task, "failed" if reason else "succeed")

    def move(self, account: Account, task: Task, status: str) -> None:
        """Gives a task another status, and tells of it."""
        with self.lock:
            task.status = status
            task.updated_at = max(task.updated_at, now_ms())
            if status in TERMINAL or self.reading.callbacks != "terminal":
                self.notify(account, task)

    def notify(self, account: Account, task: Task) -> None:
        """Tells of a task as it is now."""
        address = task.fields["callback_url"]
        told = self.notification(task)
        headers = tokens.signed(json.dumps(told).encode()) if self.reading.signed else {}
        for _ in range(1 + self.reading.twice if address else 0):
            self.worker.tell(f"{account.name} {task.id}", address, told, **headers)

    def notification(self, task: Task) -> Any:
        """What is told of a task."""
        record = self.record(task)
        if self.reading.told == "bare":
            record.pop("task_result", None)
        return record

    def query_voice(self, account: Account, name: str) -> Any:
        """One task."""
        task = account.find(name, self.reading.first)
        is_gone = task is not None and task.deleted and self.reading.deleted_task == "gone"
        if task is None or is_gone or not self.is_readable(task):
            raise Refusal(400, 1201, f"Task not found by id/external id: {name}")
        return self.record(task)

    def is_readable(self, task: Task) -> bool:
        """Whether a task has reached those who look for it."""
        return now_ms() >= task.created_at + self.reading.lag * 1000

    def list_voices(self, account: Account, request: Request) -> Any:
        """A page of tasks."""
        tasks = [
            task
            for task in account.tasks.values()
            if self.is_readable(task)
            and not (task.deleted and self.reading.deleted_task != "stays")
        ]
        if self.reading.order == "newest":
            tasks.reverse()
        if self.reading.order == "shuffled":
            tasks.sort(key=lambda task: hashlib.sha1(task.id.encode()).digest())
        return [self.record(task) for task in self.page(request, tasks)]

    def list_presets(self, account: Account, request: Request) -> Any:
        """A page of official voices."""
        del account
        trial_url = self.url(request, "sample.wav")
        all_of = [self.preset(number, trial_url) for number in range(self.reading.presets)]
        return self.page(request, all_of)

    def preset(self, number: int, trial_url: str) -> Record:
        """An official voice."""
        task_id, at = _FIRST_ID + 2 * number, _MADE_AT
        voice = {"voice_id": str(task_id + 1), "voice_name": f"Official {number}"}
        voice |= {"trial_url": trial_url, "owned_by": "kling"}
        record: Record = {"task_id": str(task_id), "task_status": "succeed"}
        return record | {"task_result": {"voices": [voice]}, "created_at": at, "updated_at": at}

    def page(self, request: Request, items: list[Any]) -> list[Any]:
        """The part of a list that is asked for."""
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        number, size = rules.page(query, self.reading)
        shown = items[(number - 1) * size : number * size]
        if not shown and number > 1 and self.reading.past_end == "refuse":
            raise Refusal(400, 1201, "There is no such page")
        return shown

    def delete_voice(self, account: Account, request: Request) -> Any:
        """Deletes a voice of the account."""
        voice_id = self.fields(request).text("voice_id", least=1)
        task = next((item for item in account.tasks.values() if item.voice_id == voice_id), None)
        if task is None:
            raise Refusal(400, 1201, "Voice id not found")
        if task.deleted:
            raise Refusal(400, 1201, f"Voice already be deleted for id: {voice_id}")
        self.delete(task)
        record = self.record(task)
        if self.reading.deleted == "none":
            return ...
        stub = {"task_id": task.id, "task_status": task.status}
        return stub if self.reading.deleted == "stub" else record

    def delete(self, task: Task) -> None:
        """A voice is no more."""
        task.deleted = True

    # ---- what is shown -------------------------------------------------------------------------

    def record(self, task: Task) -> Record:
        """A task as answers show it."""
        running = task.status not in TERMINAL
        updated_at = now_ms() if running and self.reading.heartbeat else task.updated_at
        info = {"external_task_id": task.external_id} if task.external_id else {}
        record: Record = {"task_id": task.id, "task_status": task.status, "task_info": info}
        record |= {"created_at": task.created_at, "updated_at": updated_at}
        if task.reason or not self.reading.lean:
            record["task_status_msg"] = task.reason
        if task.status == "succeed":
            record["task_result"] = {"voices": [self.shown_voice(task)]}
            if not self.reading.lean:
                record["final_unit_deduction"] = "0.05"
        elif not self.reading.lean:
            record["task_result"] = {}
        return record | self.more()

    def shown_voice(self, task: Task) -> Record:
        """A voice as answers show it."""
        voice: Record = {"voice_id": task.voice_id}
        if not self.reading.lean:
            trial_url = task.fields["trial_url"]
            if self.reading.media == "signed":
                trial_url += f"?signed={now_ms()}"
            voice |= {"voice_name": task.fields["voice_name"], "trial_url": trial_url}
            voice["owned_by"] = "1001"
        return voice

    def more(self) -> Record:
        """What nobody documents."""
        if not self.reading.rich:
            return {}
        return {"final_balance_deduction": {"quota": "0.1", "list_price": "0.1"}, "priority": 5}

    # ---- files ---------------------------------------------------------------------------------

    def url(self, request: Request, name: str) -> str:
        """The address of a file."""
        base = self.media_url or f"http://{request.headers.get('host', '')}"
        return f"{base}{FILES}{name}"

    def file(self, request: Request) -> Reply:
        """A file of silence: so many frames of MP3, or a sample."""
        stem = request.path.removeprefix(FILES).partition(".")[0]
        if not stem.isdigit():
            return Reply(200, mp3.sample(), "audio/wav")
        content = mp3.silence(int(stem), tagged=self.reading.rich)
        return Reply(200, content, "audio/mpeg")
