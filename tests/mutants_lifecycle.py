"""Servers with one deliberate defect each in the life of a custom voice, its notifications, accounts and lists.

Wrappers around the mock, as in ``tests.mutants``; the control API works through all of them.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

import httpx2
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from mock_server.http.app import create_app
from mock_server.sender import Attempt, Sender
from mock_server.settings import Settings
from tests.mutants import CONTROL, _answer, _asked, _object, _refusal, _success, _whole

Record = dict[str, Any]

QUIET = Settings(quiet=True)
#: A webhook secret, and another one.
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
OTHER_SECRET = "whsec_b3RoZXJzZWNyZXRvdGhlcnNlY3JldG90aGVyc2VjcmV0"

_TASKS = "/general/custom-voices"
_DELETE = "/general/delete-voices"
_TERMINAL = ("succeed", "failed")


@dataclass
class Exchange:
    """A request of the API and what the healthy application answers."""

    app: ASGIApp
    scope: Scope
    body: bytes
    status: int
    headers: Any
    answer: Any

    @property
    def path(self) -> str:
        """The path asked for."""
        return str(self.scope["path"])

    @property
    def account(self) -> str:
        """Whose request it is."""
        return next(
            (value.decode() for name, value in self.scope["headers"] if name == b"authorization"),
            "",
        )

    @property
    def asked(self) -> Record:
        """The request's JSON."""
        return _object(self.body)

    @property
    def is_create(self) -> bool:
        """Whether it asks for a voice."""
        return self.scope["method"] == "POST" and self.path.endswith(_TASKS)

    @property
    def is_query(self) -> bool:
        """Whether it asks for one task."""
        return f"{_TASKS}/" in self.path

    @property
    def is_list(self) -> bool:
        """Whether it asks for a page."""
        return self.scope["method"] == "GET" and self.path.endswith(_TASKS)

    @property
    def is_delete(self) -> bool:
        """Whether it deletes a voice."""
        return self.path.endswith(_DELETE)

    @property
    def records(self) -> list[Record]:
        """The custom-voice tasks of the answer; they may be changed."""
        data = self.answer.get("data")
        if not (self.is_create or self.is_query or self.is_list):
            return []
        return data if isinstance(data, list) else [data] if isinstance(data, dict) else []

    @property
    def name(self) -> str:
        """The id in the path."""
        return self.path.rpartition("/")[2]

    def accept(self, data: Any = None) -> None:
        """Makes it a success."""
        self.status, self.answer = 200, _success(self.answer)
        if data is not None:
            self.answer["data"] = data

    def refuse(self, code: int = 1201) -> None:
        """Makes it a refusal."""
        self.status, self.answer = 400, _refusal(self.answer, code)

    async def again(
        self, method: str, path: str, body: Record | None = None, account: str = ""
    ) -> Any:
        """Sends another request to the healthy application; returns its JSON."""
        content = json.dumps(body).encode() if body is not None else b""
        headers = [
            (b"authorization", (account or self.account).encode()),
            (b"content-length", str(len(content)).encode()),
            *[item for item in self.scope["headers"] if item[0] == b"host"],
        ]
        raw, _, query = path.partition("?")
        scope = {
            **self.scope,
            "method": method,
            "path": raw,
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "headers": headers,
        }
        return (await _asked(self.app, scope, content))[2]


Defect = Callable[[Exchange], Any]


class Defective:
    """An application whose exchanges are tampered with.

    Args:
        defect: is given each exchange and may change it; may be a coroutine function.
        before: may change a request's body before it is sent on.
    """

    def __init__(
        self,
        defect: Defect,
        before: Callable[[Record], Record] | None = None,
        app: ASGIApp | None = None,
    ) -> None:
        self._app = app or create_app(QUIET)
        self._defect = defect
        self._before = before

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the healthy application does, but for the defect."""
        if scope["type"] != "http" or scope["path"].startswith((CONTROL, "/media")):
            await self._app(scope, receive, send)
            return
        body = await _whole(receive)
        if self._before is not None and _object(body):
            body = json.dumps(self._before(_object(body))).encode()
        kept = [item for item in scope["headers"] if item[0] != b"content-length"]
        sent = {**scope, "headers": [*kept, (b"content-length", str(len(body)).encode())]}
        status, headers, answer = await _asked(self._app, sent, body)
        exchange = Exchange(self._app, scope, body, status, headers, answer)
        waited = self._defect(exchange)
        if asyncio.iscoroutine(waited):
            await waited
        await _answer(send, exchange.status, headers, json.dumps(exchange.answer).encode())


def each_record(change: Callable[[Record], object]) -> Callable[[], ASGIApp]:
    """A server that shows every task in a changed way."""

    def defect(exchange: Exchange) -> None:
        for record in exchange.records:
            change(record)

    return lambda: Defective(defect)


def each_query(change: Callable[[Record], object]) -> Callable[[], ASGIApp]:
    """A server whose queries of one task show it in a changed way."""

    def defect(exchange: Exchange) -> None:
        for record in exchange.records if exchange.is_query else ():
            change(record)

    return lambda: Defective(defect)


def each_item(change: Callable[[Record], object]) -> Callable[[], ASGIApp]:
    """A server whose list shows every task in a changed way."""

    def defect(exchange: Exchange) -> None:
        for record in exchange.records if exchange.is_list else ():
            change(record)

    return lambda: Defective(defect)


def each_page(change: Callable[[list[Record], Mapping[str, str]], object]) -> Callable[[], ASGIApp]:
    """A server whose pages of tasks are changed, given the page and the query."""

    def defect(exchange: Exchange) -> None:
        if exchange.is_list and exchange.status == 200:
            query = parse_qs(exchange.scope["query_string"].decode())
            change(exchange.answer["data"], {name: value[0] for name, value in query.items()})

    return lambda: Defective(defect)


def _voices(record: Record) -> list[Record]:
    return list((record.get("task_result") or {}).get("voices") or ())


# ---- statuses and instants -----------------------------------------------------------------------------------


def _succeeded(record: Record) -> None:
    if record["task_status"] == "succeed":
        record["task_status"] = "succeeded"


def regresses() -> ASGIApp:
    """After processing was shown, submitted is shown once more."""
    shown: dict[str, int] = {}

    def defect(exchange: Exchange) -> None:
        for record in exchange.records:
            if record["task_status"] == "processing":
                shown[record["task_id"]] = shown.get(record["task_id"], 0) + 1
                if shown[record["task_id"]] == 2:
                    record["task_status"] = "submitted"

    return Defective(defect)


def flips_its_end() -> ASGIApp:
    """A task in succeed is shown as failed from its third look on."""
    shown: dict[str, int] = {}

    def defect(exchange: Exchange) -> None:
        for record in exchange.records:
            if record["task_status"] == "succeed":
                shown[record["task_id"]] = shown.get(record["task_id"], 0) + 1
                if shown[record["task_id"]] > 2:
                    record |= {
                        "task_status": "failed",
                        "task_status_msg": "oops",
                        "task_result": {},
                    }

    return Defective(defect)


def created_at_moves() -> ASGIApp:
    """created_at is a little later each time."""
    looks = itertools.count()

    def defect(exchange: Exchange) -> None:
        for record in exchange.records:
            record["created_at"] = record["created_at"] - 50_000 + next(looks)

    return Defective(defect)


def updated_at_goes_back() -> ASGIApp:
    """updated_at is a little earlier each time."""
    looks = itertools.count()

    def defect(exchange: Exchange) -> None:
        for record in exchange.records:
            if record["task_status"] not in _TERMINAL:
                record["updated_at"] += 50_000 - next(looks)

    return Defective(defect)


def _in_seconds(record: Record) -> None:
    record["created_at"] //= 1000
    record["updated_at"] //= 1000


def _before_creation(record: Record) -> None:
    record["updated_at"] = record["created_at"] - 1


def _updates_after_the_end() -> ASGIApp:
    """updated_at is now, also after the end."""
    looks = itertools.count()

    def defect(exchange: Exchange) -> None:
        for record in exchange.records:
            record["updated_at"] += next(looks)

    return Defective(defect)


def stuck() -> ASGIApp:
    """Every third task never leaves processing."""
    numbers: dict[str, int] = {}

    def defect(exchange: Exchange) -> None:
        for record in exchange.records:
            number = numbers.setdefault(record["task_id"], len(numbers))
            if number % 3 == 2 and record["task_status"] in _TERMINAL:
                record |= {"task_status": "processing", "task_result": {}, "task_status_msg": ""}

    return Defective(defect)


# ---- ids -----------------------------------------------------------------------------------------------------


def _numeric(record: Record) -> None:
    record["task_id"] = int(record["task_id"])


def _numeric_voices(record: Record) -> None:
    for voice in _voices(record):
        voice["voice_id"] = int(voice["voice_id"])


def one_voice_id() -> ASGIApp:
    """All voices have the id of the first."""
    first: list[str] = []

    def defect(exchange: Exchange) -> None:
        for record in exchange.records:
            for voice in _voices(record):
                first.append(voice["voice_id"])
                voice["voice_id"] = first[0]

    return Defective(defect)


def one_task_id() -> ASGIApp:
    """Two tasks in a row have the same id in their create answers."""
    last: list[str] = []

    def defect(exchange: Exchange) -> None:
        if exchange.is_create and exchange.status == 200:
            last.append(exchange.answer["data"]["task_id"])
            if len(last) % 2 == 0:
                exchange.answer["data"]["task_id"] = last[-2]

    return Defective(defect)


def voice_id_per_look() -> ASGIApp:
    """A voice has another id on each look."""
    looks = itertools.count(1)

    def defect(exchange: Exchange) -> None:
        for record in exchange.records:
            for voice in _voices(record):
                voice["voice_id"] += str(next(looks))

    return Defective(defect)


# ---- results -------------------------------------------------------------------------------------------------


def _early_result(record: Record) -> None:
    if record["task_status"] == "processing":
        record["task_result"] = {"voices": [{"voice_id": f"9{record['task_id']}"}]}


def _no_result(record: Record) -> None:
    if record["task_status"] == "succeed":
        del record["task_result"]


def _empty_result(record: Record) -> None:
    if record["task_status"] == "succeed":
        record["task_result"] = {"voices": []}


def _renamed(record: Record) -> None:
    for voice in _voices(record):
        voice["voice_name"] = voice["voice_name"].upper() + "!"


def _kling_s(record: Record) -> None:
    for voice in _voices(record):
        voice["owned_by"] = "kling"


def _no_reason(record: Record) -> None:
    if record["task_status"] == "failed":
        record["task_status_msg"] = ""


def _blank_reason(record: Record) -> None:
    if record["task_status"] == "failed":
        record["task_status_msg"] = " "


def _failed_with_rest(record: Record) -> None:
    if record["task_status"] == "failed":
        record["task_result"] = {"error": "too short"}


# ---- external ids --------------------------------------------------------------------------------------------


def _no_echo(record: Record) -> None:
    record["task_info"] = {}


def _lower_echo(record: Record) -> None:
    if record["task_info"]:
        record["task_info"] = {"external_task_id": record["task_info"]["external_task_id"][:-1]}


def external_id_unknown() -> ASGIApp:
    """Only the task_id finds a task."""

    def defect(exchange: Exchange) -> None:
        if (
            exchange.is_query
            and exchange.status == 200
            and exchange.answer["data"]["task_id"] != exchange.name
        ):
            exchange.refuse()

    return Defective(defect)


def external_id_of_another() -> ASGIApp:
    """An external id leads to the task that was asked for before."""
    seen: list[Record] = []

    def defect(exchange: Exchange) -> None:
        if exchange.is_query and exchange.status == 200:
            data = exchange.answer["data"]
            if data["task_id"] != exchange.name and seen:
                exchange.answer["data"] = seen[-1]
            seen.append(data)

    return Defective(defect)


def duplicates_accepted() -> ASGIApp:
    """A taken external id is accepted; the new task has one of its own inside."""
    hidden: dict[str, str] = {}

    async def defect(exchange: Exchange) -> None:
        if exchange.is_create and exchange.status == 400 and exchange.asked.get("external_task_id"):
            given = exchange.asked["external_task_id"]
            request = {**exchange.asked, "external_task_id": f"{given}~{len(hidden)}"}
            made = await exchange.again("POST", exchange.path, request)
            if made["code"] == 0:
                hidden[made["data"]["task_id"]] = given
                exchange.status, exchange.answer = 200, made
        for record in exchange.records:
            if record["task_id"] in hidden:
                record["task_info"] = {"external_task_id": hidden[record["task_id"]]}

    return Defective(defect)


class RacyDuplicates:
    """External ids are looked up, then, a moment later, taken: who comes in between is accepted too."""

    def __init__(self) -> None:
        self._app = create_app(QUIET)
        self._racing: dict[tuple[str, str], int] = {}
        self._hidden: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the healthy application does, but for those who come at once."""
        inner = Defective(self._show, app=self._app)
        is_create = (
            scope["type"] == "http" and scope["method"] == "POST" and scope["path"].endswith(_TASKS)
        )
        if not is_create:
            await inner(scope, receive, send)
            return
        body = await _whole(receive)
        asked = _object(body)
        word = str(asked.get("external_task_id") or "")
        key = (scope["path"], word)
        number = self._racing[key] = self._racing.get(key, -1) + 1
        if word and number:
            asked["external_task_id"] = f"{word}~{number}"
        if word:
            await asyncio.sleep(0.02)
        self._racing.pop(key, None)

        async def again() -> Any:
            return {"type": "http.request", "body": json.dumps(asked).encode(), "more_body": False}

        self._names(word, asked)
        await inner(
            {**scope, "headers": [i for i in scope["headers"] if i[0] != b"content-length"]},
            again,
            send,
        )

    def _names(self, word: str, asked: Record) -> None:
        if asked.get("external_task_id") != word and word:
            self._hidden[asked["external_task_id"]] = word

    def _show(self, exchange: Exchange) -> None:
        for record in exchange.records:
            shown = record["task_info"].get("external_task_id", "")
            if shown in self._hidden:
                record["task_info"] = {"external_task_id": self._hidden[shown]}


def refusal_makes_a_task() -> ASGIApp:
    """A refused duplicate makes a second task all the same, without its external id."""

    async def defect(exchange: Exchange) -> None:
        if exchange.is_create and exchange.status == 400 and exchange.asked.get("external_task_id"):
            await exchange.again(
                "POST",
                exchange.path,
                {**exchange.asked, "external_task_id": "", "callback_url": ""},
            )

    return Defective(defect)


def refusal_is_told() -> ASGIApp:
    """A refused duplicate sends notifications as if a task had been made."""

    async def defect(exchange: Exchange) -> None:
        if exchange.is_create and exchange.status == 400 and exchange.asked.get("callback_url"):
            await exchange.again(
                "POST",
                exchange.path,
                {**exchange.asked, "external_task_id": ""},
                "Bearer a-shadow",
            )
            now = time.time_ns() // 1_000_000
            told: dict[str, Any] = {
                "task_id": "867283741759111299",
                "task_status": "submitted",
                "task_info": {},
            }
            told |= {"created_at": now, "updated_at": now}
            with suppress(httpx2.HTTPError):
                async with httpx2.AsyncClient(trust_env=False) as client:
                    await client.post(exchange.asked["callback_url"], json=told)

    return Defective(defect)


def one_request_two_tasks() -> ASGIApp:
    """A request without an external id makes two tasks."""

    async def defect(exchange: Exchange) -> None:
        if (
            exchange.is_create
            and exchange.status == 200
            and not exchange.asked.get("external_task_id")
        ):
            await exchange.again("POST", exchange.path, {**exchange.asked, "callback_url": ""})

    return Defective(defect)


# ---- lists ---------------------------------------------------------------------------------------------------


def misses_the_newest() -> ASGIApp:
    """The task made last is on no page."""
    newest: dict[str, str] = {}

    def defect(exchange: Exchange) -> None:
        if exchange.is_create and exchange.status == 200:
            newest[exchange.account] = exchange.answer["data"]["task_id"]
        if exchange.is_list and exchange.status == 200:
            gone = newest.get(exchange.account)
            data = exchange.answer["data"]
            exchange.answer["data"] = [item for item in data if item["task_id"] != gone]

    return Defective(defect)


def cut_at(most: int) -> Callable[[], ASGIApp]:
    """A server that shows only so many of the tasks, newest first, whatever the page."""

    def change(page: list[Record], query: Mapping[str, str]) -> None:
        begins = (int(query.get("pageNum", 1)) - 1) * int(query.get("pageSize", 30))
        del page[max(0, most - begins) :]

    return each_page(change)


def _no_failed(page: list[Record], _query: Mapping[str, str]) -> None:
    page[:] = [record for record in page if record["task_status"] != "failed"]


def _no_unfinished(page: list[Record], _query: Mapping[str, str]) -> None:
    page[:] = [record for record in page if record["task_status"] in _TERMINAL]


def repeats_across_pages() -> ASGIApp:
    """A page begins with the last task of the page before."""
    last: dict[tuple[str, int], Record] = {}

    def defect(exchange: Exchange) -> None:
        if not exchange.is_list or exchange.status != 200 or not exchange.answer["data"]:
            return
        query = parse_qs(exchange.scope["query_string"].decode())
        number = int(query.get("pageNum", ["1"])[0])
        page = exchange.answer["data"]
        before = last.get((exchange.account, number - 1))
        last[exchange.account, number] = page[-1]
        if number > 1 and before is not None:
            page[0] = before

    return Defective(defect)


def _unowned(record: Record) -> None:
    for voice in _voices(record):
        voice["voice_id"] = f"7{voice['voice_id']}"


# ---- accounts ------------------------------------------------------------------------------------------------


def one_account() -> ASGIApp:
    """Everybody works in the same account."""
    app = create_app(QUIET)

    async def shared(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/media"):
            kept = [item for item in scope["headers"] if item[0] != b"authorization"]
            is_known = len(kept) < len(scope["headers"])
            own = [(b"authorization", b"Bearer everybody")] if is_known else []
            scope = {**scope, "headers": [*kept, *own]}
        await app(scope, receive, send)

    return shared


def foreign_readable() -> ASGIApp:
    """Whoever knows a task's id may read it."""
    owners: dict[str, str] = {}

    async def defect(exchange: Exchange) -> None:
        if exchange.is_create and exchange.status == 200:
            owners[exchange.answer["data"]["task_id"]] = exchange.account
        if exchange.is_query and exchange.status == 400 and exchange.name in owners:
            exchange.status = 200
            exchange.answer = await exchange.again(
                "GET", exchange.path, None, owners[exchange.name]
            )

    return Defective(defect)


def foreign_deletable() -> ASGIApp:
    """Whoever knows a voice's id may delete it."""
    owners: dict[str, str] = {}

    async def defect(exchange: Exchange) -> None:
        for record in exchange.records:
            for voice in _voices(record):
                owners.setdefault(voice["voice_id"], exchange.account)
        owner = owners.get(str(exchange.asked.get("voice_id")))
        if exchange.is_delete and exchange.status == 400 and owner not in (None, exchange.account):
            exchange.answer = await exchange.again("POST", exchange.path, exchange.asked, owner)
            exchange.status = 200 if exchange.answer["code"] == 0 else 400

    return Defective(defect)


def foreign_listed() -> ASGIApp:
    """The list ends with a task of another account."""
    made: dict[str, tuple[str, str]] = {}

    async def defect(exchange: Exchange) -> None:
        if exchange.is_create and exchange.status == 200:
            made[exchange.account] = (exchange.path, exchange.answer["data"]["task_id"])
        if exchange.is_list and exchange.status == 200 and not exchange.answer["data"]:
            for owner, (path, task_id) in made.items():
                if owner != exchange.account and path == exchange.path:
                    answer = await exchange.again("GET", f"{path}/{task_id}", None, owner)
                    exchange.answer["data"] = [answer["data"]]

    return Defective(defect)


def external_ids_are_global() -> ASGIApp:
    """An external id that another account uses is taken."""
    owners: dict[str, str] = {}

    def defect(exchange: Exchange) -> None:
        word = exchange.asked.get("external_task_id")
        if exchange.is_create and exchange.status == 200 and word:
            is_taken = owners.setdefault(word, exchange.account) != exchange.account
            if is_taken:
                exchange.refuse()

    return Defective(defect)


# ---- deletion ------------------------------------------------------------------------------------------------


def deletes_nothing() -> ASGIApp:
    """Deleting a voice again and again is a success each time."""
    gone: set[str] = set()

    def defect(exchange: Exchange) -> None:
        voice = str(exchange.asked.get("voice_id"))
        if exchange.is_delete and exchange.status == 200:
            gone.add(voice)
        elif exchange.is_delete and voice in gone:
            exchange.accept()

    return Defective(defect)


def deletes_another_too() -> ASGIApp:
    """With a voice the next one of the account is deleted."""
    voices: dict[str, list[str]] = {}

    async def defect(exchange: Exchange) -> None:
        known = voices.setdefault(exchange.account, [])
        for record in exchange.records:
            for voice in _voices(record):
                if voice["voice_id"] not in known:
                    known.append(voice["voice_id"])
        deleted = str(exchange.asked.get("voice_id"))
        if exchange.is_delete and exchange.status == 200 and deleted in known:
            known.remove(deleted)
            for other in known[:2]:
                await exchange.again("POST", exchange.path, {"voice_id": other})

    return Defective(defect)


def deletes_by_external_id() -> ASGIApp:
    """The external id does for deleting, too."""
    words: set[str] = set()

    def defect(exchange: Exchange) -> None:
        if exchange.is_create and exchange.status == 200:
            words.add(str(exchange.asked.get("external_task_id") or "-"))
        if (
            exchange.is_delete
            and exchange.status == 400
            and exchange.asked.get("voice_id") in words
        ):
            exchange.accept()

    return Defective(defect)


def deletes_unknown() -> ASGIApp:
    """Deleting what never was is a success."""

    def defect(exchange: Exchange) -> None:
        if exchange.is_delete and exchange.status == 400 and exchange.asked.get("voice_id"):
            exchange.accept()

    return Defective(defect)


def deleting_changes_the_library() -> ASGIApp:
    """Deleting a voice takes one of the official library away."""
    deleted: list[str] = []

    def defect(exchange: Exchange) -> None:
        if exchange.is_delete and exchange.status == 200:
            deleted.append(exchange.account)
        if exchange.path.endswith("presets-voices") and exchange.status == 200:
            del exchange.answer["data"][: len(deleted)]

    return Defective(defect)


# ---- notifications -------------------------------------------------------------------------------------------


@dataclass
class Post:
    """A notification on its way."""

    url: str
    body: Any
    headers: dict[str, str]
    method: str = "POST"
    raw: bytes | None = None


class Tampering:
    """A sender whose notifications are changed.

    Args:
        sender: the healthy one.
        change: given a notification, returns those to send instead.
    """

    def __init__(self, sender: Sender, change: Callable[[Post], Iterable[Post]]) -> None:
        self._sender = sender
        self._change = change

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """Sends what the change makes of a notification; all of it is said to have been taken."""
        taken = Attempt(200, "", 0.0)
        for item in self._change(Post(url, json.loads(body), dict(headers), raw=body)):
            content = item.raw if item.raw is not None else json.dumps(item.body).encode()
            if item.method == "POST":
                taken = await self._sender.post(item.url, content, item.headers)
            else:
                async with httpx2.AsyncClient(trust_env=False) as client:
                    with suppress(httpx2.TransportError):
                        await client.request(
                            item.method, item.url, content=content, headers=item.headers
                        )
        return taken

    async def close(self) -> None:
        """Closes idle connections."""
        await self._sender.close()


def notifying(change: Callable[[Post], Iterable[Post]], settings: Settings = QUIET) -> ASGIApp:
    """A server whose notifications are changed."""
    app: Starlette = create_app(settings)
    courier = app.state.world.courier
    courier._sender = Tampering(courier._sender, change)
    return app


def each_notification(
    change: Callable[[Post], Post | None], settings: Settings = QUIET
) -> Callable[[], ASGIApp]:
    """A server that changes each notification by itself, or does not send it."""

    def changed(post: Post) -> Iterator[Post]:
        new = change(post)
        if new is not None:
            yield new

    return lambda: notifying(changed, settings)


def _with(**changes: Any) -> Callable[[Post], Post]:
    return lambda post: replace(post, body={**post.body, **changes}, raw=None)


def _is_end(post: Post) -> bool:
    return post.body["task_status"] in _TERMINAL


def _only_good_ends(post: Post) -> Post | None:
    return None if post.body["task_status"] == "failed" else post


def _typo(post: Post) -> Post:
    status = post.body["task_status"].replace("succeed", "succeeded")
    return _with(task_status=status)(post)


def _contradicting(post: Post) -> Post:
    if post.body["task_status"] != "succeed":
        return post
    return _with(task_status="failed", task_status_msg="oops", task_result={})(post)


def _other_voice(post: Post) -> Post:
    body = json.loads(json.dumps(post.body))
    for voice in _voices(body):
        voice["voice_id"] = f"9{voice['voice_id']}"
    return replace(post, body=body, raw=None)


def _other_instant(post: Post) -> Post:
    return _with(updated_at=post.body["updated_at"] + 777)(post) if _is_end(post) else post


def out_of_order() -> ASGIApp:
    """Processing is told after the end."""
    kept: dict[str, Post] = {}

    def change(post: Post) -> Iterator[Post]:
        if not _is_end(post):
            kept[post.body["task_id"]] = post
            return
        yield post
        if post.body["task_id"] in kept:
            yield kept.pop(post.body["task_id"])

    return notifying(change)


def after_the_end() -> ASGIApp:
    """After the end processing is told again, as of a later instant."""

    def change(post: Post) -> Iterator[Post]:
        yield post
        if _is_end(post):
            later = {"updated_at": post.body["updated_at"] + 5, "task_status_msg": ""}
            yield _with(task_status="processing", task_result={}, **later)(post)

    return notifying(change)


def ends_differ() -> ASGIApp:
    """The end is told twice, in different words."""

    def change(post: Post) -> Iterator[Post]:
        yield post
        if _is_end(post):
            yield _with(updated_at=post.body["updated_at"] + 5)(post)

    return notifying(change)


def to_the_wrong_address() -> ASGIApp:
    """The end of a task is told where another one is meant to be told of, too."""
    addresses: list[str] = []

    def change(post: Post) -> Iterator[Post]:
        if post.url not in addresses:
            addresses.append(post.url)
        yield post
        if _is_end(post):
            yield replace(post, url=addresses[0])

    return notifying(change)


def unasked() -> ASGIApp:
    """Who gave no address is told at the one that was given last."""
    last: list[str] = []

    def before(request: Record) -> Record:
        if request.get("callback_url"):
            last[:] = [request["callback_url"]]
        elif "voice_name" in request and last:
            return {**request, "callback_url": last[0]}
        return request

    return Defective(lambda _exchange: None, before)


SIGNED = replace(QUIET, webhook_secret=(SECRET,))


def _wrongly_signed(post: Post) -> Post:
    return replace(post, headers={**post.headers, "webhook-signature": "v1,AAAA"})


def _unsigned(post: Post) -> Post:
    kept = {name: value for name, value in post.headers.items() if not name.startswith("webhook")}
    return replace(post, headers=kept)


def _reserialized(post: Post) -> Post:
    return replace(post, raw=json.dumps(post.body, indent=1).encode())


#: The mutants, each with a clause that must name it.
MUTANTS: dict[str, tuple[Callable[[], ASGIApp], str]] = {
    "succeeded": (each_record(_succeeded), "task.status.enum"),
    "regresses": (regresses, "task.status.transitions"),
    "flips_its_end": (flips_its_end, "task.status.terminal"),
    "created_at_moves": (created_at_moves, "task.created-at.constant"),
    "updated_at_goes_back": (updated_at_goes_back, "task.updated-at.monotone"),
    "in_seconds": (each_record(_in_seconds), "time.milliseconds"),
    "before_creation": (each_record(_before_creation), "task.updated-at.after-creation"),
    "updates_after_the_end": (_updates_after_the_end, "task.updated-at.final"),
    "stuck": (stuck, "task.ends"),
    "numeric_ids": (each_record(_numeric), "ids.string"),
    "numeric_voice_ids": (each_record(_numeric_voices), "schema.answer"),
    "one_voice_id": (one_voice_id, "ids.unique"),
    "one_task_id": (one_task_id, "ids.unique"),
    "voice_id_per_look": (voice_id_per_look, "task.status.terminal"),
    "early_result": (each_record(_early_result), "voice.result.when-succeed"),
    "no_result": (each_record(_no_result), "voice.result.when-succeed"),
    "empty_result": (each_record(_empty_result), "voice.result.when-succeed"),
    "renamed": (each_record(_renamed), "voice.name.echo"),
    "renamed_in_the_list": (each_item(_renamed), "voice-list.same-record"),
    "kling_s": (each_record(_kling_s), "voice.owner"),
    "no_reason": (each_record(_no_reason), "task.failed.reason"),
    "blank_reason": (each_record(_blank_reason), "task.failed.reason"),
    "failed_with_rest": (each_record(_failed_with_rest), "voice.result.failed-is-empty"),
    "no_echo": (each_record(_no_echo), "task.info.echo"),
    "lower_echo": (each_query(_lower_echo), "task.info.echo"),
    "external_id_unknown": (external_id_unknown, "voice-get.by-external-id"),
    "external_id_of_another": (external_id_of_another, "voice-get.by-external-id"),
    "duplicates_accepted": (duplicates_accepted, "voice-create.external-id.unique"),
    "racy_duplicates": (RacyDuplicates, "voice-create.external-id.unique"),
    "refusal_makes_a_task": (refusal_makes_a_task, "voice-list.complete"),
    "refusal_is_told": (refusal_is_told, "voice-create.external-id.no-effect|callback.on-change"),
    "one_request_two_tasks": (one_request_two_tasks, "voice-list.complete"),
    "misses_the_newest": (misses_the_newest, "voice-list.complete"),
    "cut_at_30": (cut_at(30), "voice-list.complete"),
    "cut_at_100": (cut_at(100), "voice-list.complete"),
    "no_failed_in_the_list": (each_page(_no_failed), "voice-list.complete"),
    "no_unfinished_in_the_list": (each_page(_no_unfinished), "voice-list.complete"),
    "repeats_across_pages": (repeats_across_pages, "voice-list.complete"),
    "other_voice_ids_in_the_list": (each_item(_unowned), "voice-list.same-record"),
    "one_account": (one_account, "auth.account"),
    "foreign_readable": (foreign_readable, "auth.account"),
    "foreign_deletable": (foreign_deletable, "auth.account"),
    "foreign_listed": (foreign_listed, "auth.account"),
    "external_ids_are_global": (external_ids_are_global, "voice-create.external-id.account"),
    "deletes_nothing": (deletes_nothing, "voice-delete.effective"),
    "deletes_another_too": (deletes_another_too, "voice-delete.endpoint"),
    "deletes_by_external_id": (deletes_by_external_id, "voice-delete.by-voice-id"),
    "deletes_unknown": (deletes_unknown, "voice-delete.unknown"),
    "deleting_changes_the_library": (deleting_changes_the_library, "presets.same-for-all"),
    "tells_nothing": (each_notification(lambda _post: None), "callback.terminal"),
    "tells_no_failure": (each_notification(_only_good_ends), "callback.terminal"),
    "tells_no_end": (
        each_notification(lambda post: None if _is_end(post) else post),
        "callback.terminal",
    ),
    "tells_in_an_envelope": (
        each_notification(
            lambda post: replace(post, body={"code": 0, "data": post.body}, raw=None)
        ),
        "callback.bare",
    ),
    "tells_a_typo": (each_notification(_typo), "task.status.enum"),
    "tells_by_get": (
        each_notification(lambda post: replace(post, method="GET")),
        "callback.method",
    ),
    "tells_as_text": (
        each_notification(lambda post: replace(post, headers={"content-type": "text/plain"})),
        "callback.method",
    ),
    "tells_another_end": (each_notification(_contradicting), "callback.agrees-with-query"),
    "tells_another_voice": (each_notification(_other_voice), "callback.agrees-with-query"),
    "tells_another_instant": (each_notification(_other_instant), "task.updated-at.final"),
    "tells_of_another_task": (
        each_notification(lambda post: _with(task_id=f"9{post.body['task_id']}")(post)),
        "callback.on-change",
    ),
    "tells_no_external_id": (each_notification(_with(task_info={})), "task.info.echo"),
    "tells_out_of_order": (out_of_order, "callback.order"),
    "tells_after_the_end": (after_the_end, "callback.order"),
    "tells_two_ends": (ends_differ, "task.updated-at.final"),
    "tells_at_the_wrong_address": (to_the_wrong_address, "callback.on-change"),
    "tells_unasked": (unasked, "voice-create.callback-url.optional"),
}

#: Servers that sign, wrongly; the kit must be given the secret.
SIGNING: dict[str, tuple[Callable[[], ASGIApp], str]] = {
    "signed_wrongly": (each_notification(_wrongly_signed, SIGNED), "callback.signature"),
    "unsigned": (each_notification(_unsigned, SIGNED), "callback.signature"),
    "signed_before_it_was_written": (
        each_notification(_reserialized, SIGNED),
        "callback.signature",
    ),
    "signed_by_another": (
        lambda: create_app(replace(QUIET, webhook_secret=(OTHER_SECRET,))),
        "callback.signature",
    ),
    "signed_by_one_of_two": (lambda: create_app(SIGNED), "callback.signature.rotation"),
}
