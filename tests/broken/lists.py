"""Defects of listing and deleting. All are of the second server."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from tests.broken.base import Table
from tests.broken.voices import LATE
from tests.healthy import rules
from tests.healthy.model import Account, Task
from tests.healthy.server import Record, Request, Server

TABLE = Table()
second = TABLE.second


class _Page(NamedTuple):
    """A page as it should be: what it shows of what there is."""

    shown: list[Any]
    items: list[Any]
    query: str
    number: int
    size: int


class _Listing(Server):
    """A second server whose list goes wrong."""

    def page(self, request: Request, items: list[Any]) -> list[Any]:
        shown = super().page(request, items)
        number, size = rules.page(dict(parse_qsl(request.query)), self.reading)
        if "custom" not in request.path:
            return shown
        return self.spoilt(_Page(shown, items, request.query, number, size))

    def spoilt(self, page: _Page) -> list[Any]:
        """What is listed instead."""
        raise NotImplementedError


@second("voice-list.complete")
class _NewestMissing(_Listing):
    """The newest task is not listed."""

    def spoilt(self, page: _Page) -> list[Any]:
        return [task for task in page.shown if task is not page.items[0]]


@second("voice-list.complete", seconds=LATE)
class _OnlyReadyOnes(_Listing):
    """Only tasks that have succeeded are listed."""

    def spoilt(self, page: _Page) -> list[Any]:
        return [task for task in page.shown if task.status == "succeed"]


@second("voice-list.complete")
class _ThreeAtMost(_Listing):
    """However long the page, three tasks are on it."""

    def spoilt(self, page: _Page) -> list[Any]:
        return page.shown[:3]


@second("voice-list.complete|paging.size.counts-tasks")
class _NoSize(_Listing):
    """The size of a page is ignored: there are 30 tasks on it."""

    def spoilt(self, page: _Page) -> list[Any]:
        return page.items[(page.number - 1) * 30 : page.number * 30]


@second("voice-list.complete|paging.number")
class _NoNumber(_Listing):
    """Every page is the first."""

    def spoilt(self, page: _Page) -> list[Any]:
        return page.items[: page.size] if page.shown else []


@second("paging.number")
class _CountsFromZero(_Listing):
    """Pages count from 0."""

    def spoilt(self, page: _Page) -> list[Any]:
        return page.items[page.number * page.size : (page.number + 1) * page.size]


@second("voice-list.complete")
class _OverlappingPages(_Listing):
    """From the second page on, a page begins with the last task of the one before."""

    def spoilt(self, page: _Page) -> list[Any]:
        first = (page.number - 1) * page.size
        return page.items[max(0, first - (page.number > 1)) :][: page.size] if page.shown else []


@second("paging.size|voice-list.complete")
class _TwentyOnAPage(_Listing):
    """Without a size there are 20 tasks on a page of the list."""

    def spoilt(self, page: _Page) -> list[Any]:
        return page.shown if "pageSize" in page.query else page.shown[:20]


@second("paging.size.counts-tasks|voice-list.complete")
class _OneMore(_Listing):
    """A page has one task more than asked for."""

    def spoilt(self, page: _Page) -> list[Any]:
        return page.items[(page.number - 1) * page.size : page.number * page.size + 1]


@second("voice-list.same-record|voice.result.when-succeed")
class _ListWithoutResults(Server):
    """The list shows no voices of tasks that have succeeded."""

    def list_voices(self, account: Account, request: Request) -> Any:
        shown: list[Record] = super().list_voices(account, request)
        return [{**item, "task_result": {}} for item in shown]


@second("voice-list.same-record|task.status.terminal|task.status.transitions")
class _OldList(Server):
    """The list shows tasks as they were created."""

    def list_voices(self, account: Account, request: Request) -> Any:
        shown: list[Record] = super().list_voices(account, request)
        old = {"task_status": "submitted", "task_result": {}}
        return [{**item, **old, "updated_at": item["created_at"]} for item in shown]


@second("voice-list.same-record|task.created-at.constant")
class _ListOfOthersTimes(Server):
    """The list shows other instants than queries."""

    def list_voices(self, account: Account, request: Request) -> Any:
        shown: list[Record] = super().list_voices(account, request)
        return [{**item, "created_at": item["created_at"] + 1} for item in shown]


# ---- deleting -----------------------------------------------------------------------------------


@second("voice-delete.twice|voice-delete.effective")
class _NothingDeleted(Server):
    """A deletion has no effect."""

    def delete(self, task: Task) -> None:
        pass


@second("voice-delete.by-voice-id")
class _DeletedByExternalId(Server):
    """A voice is deleted by the external id of its task, too."""

    def delete_voice(self, account: Account, request: Request) -> Any:
        task = account.find(str(self.fields(request).given.get("voice_id")))
        if task is None or not task.external_id:
            return super().delete_voice(account, request)
        return self.record(task)


@second("voice-delete.effective|voice-get.by-task-id|voice-list.complete", deleted_task="gone")
class _AllDeleted(Server):
    """A deletion takes all voices of the account with it."""

    def delete_voice(self, account: Account, request: Request) -> Any:
        data = super().delete_voice(account, request)
        for task in account.tasks.values():
            task.deleted = True
        return data


@second("voice-delete.effective|voice-get.by-task-id|voice-list.complete", deleted_task="gone")
class _AnotherDeleted(Server):
    """A deletion deletes the newest voice instead."""

    def delete_voice(self, account: Account, request: Request) -> Any:
        data = super().delete_voice(account, request)
        for task in account.tasks.values():
            if task.deleted and not getattr(task, "reason", ""):
                task.deleted = False
                list(account.tasks.values())[-1].deleted = True
                break
        return data


@second("voice-delete.data")
class _DeletedAnother(Server):
    """A deletion answers with the record of another task."""

    def delete_voice(self, account: Account, request: Request) -> Any:
        data = super().delete_voice(account, request)
        return {**data, "task_id": self.ids.new("task")}


@second("voice-delete.unknown|schema.request.refused")
class _NumbersDelete(Server):
    """A number for a voice_id is accepted."""

    def delete_voice(self, account: Account, request: Request) -> Any:
        if type(self.fields(request).given.get("voice_id")) is int:
            return ...
        return super().delete_voice(account, request)
