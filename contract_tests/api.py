"""One dialect of a target, called by operation. Every answer is held against the clauses that bind all answers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

from contract_tests import checks, documents, routes, sending, slots
from contract_tests.fresh import Fresh
from contract_tests.observation import Answer
from contract_tests.saying import Said
from contract_tests.target import Target

#: Tasks on a page when all pages are walked, and the number of pages after which the walk gives up.
PAGE_SIZE = 100
MOST_PAGES = 150
#: paging.size
DEFAULT_PAGE_SIZE = 30

#: What an accepted call keeps of a dialect whose page prints another answer.
_ENVELOPED = {
    ("kkiai", "createCustomVoice"): "voice-create.envelope",
    ("kkiai", "deleteVoice"): "voice-delete.envelope",
}

Record = dict[str, Any]


class TooManyTasks(Exception):
    """Raised when an account holds more tasks than the kit is ready to page through."""


class Api:
    """The operations of one dialect.

    Args:
        target: where, and with which key.
        dialect: which document.

    Attributes:
        created: the ids of the custom-voice tasks that were made here.
    """

    def __init__(self, target: Target, dialect: str) -> None:
        self.target = target
        self.dialect = dialect
        self.document = documents.document(dialect)
        self.created: list[str] = []
        self.waits_when_busy = True
        self._request_ids: set[str] = set()
        self._fresh = Fresh(target)

    @property
    def is_paid(self) -> bool:
        """Whether what is accepted may be charged, so that nothing is made that can be done without."""
        return self.target.is_paid

    def new_name(self) -> str:
        """A name that no voice has yet, of at most 20 characters: that names need not differ is assumed."""
        return "-".join(self.target.unique("").split("-")[1:3])

    def with_target(self, target: Target) -> Api:
        """The same dialect with another key."""
        return Api(target, self.dialect)

    def send(
        self,
        operation_id: str,
        body: bytes | Mapping[str, Any] | None = None,
        *,
        name: str = "",
        query: Mapping[str, str | int] | None = None,
        authorization: str | None = None,
    ) -> Answer:
        """Calls an operation; the answer is not looked at.

        Args:
            name: the id in the path.
        """
        operation = self.document.operations[operation_id]
        path = operation.path.replace("{id}", routes.segment(name))

        def sent() -> Answer:
            return self.ask(
                operation.method, path, body=body, query=query, authorization=authorization
            )

        answer = sent()
        if operation_id == "getCustomVoice" and authorization is None:
            answer = self._fresh.settled(name, answer, sent)
        self.remember(operation_id, answer)
        return answer

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
        authorization: str | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """Asks for any path of the target, in any way; waits while the target is busy. The answer is not looked at."""

        def sent() -> Answer:
            return self.target.call(
                method,
                path,
                body=body,
                query=query,
                authorization=authorization,
                content_type=content_type,
            )

        answer = sent()
        was_busy = sending.is_busy(answer)
        if was_busy and self.waits_when_busy and not isinstance(answer.json, dict):
            checks.upheld_by(lambda: checks.envelope(answer, self.dialect))
        is_full = answer.pair == slots.FULL and method == "POST"
        if is_full:
            slots.of(self.target).refused(self.target, answer)
        if is_full and self.waits_when_busy:
            answer = slots.of(self.target).awaited(self.target, answer, sent, self._all_tasks)
        elif was_busy and self.waits_when_busy:
            answer = self.target.unless_busy(answer, sent)
        if was_busy and not sending.is_busy(answer):
            is_flat = self.dialect == "ezmodel"
            checks.kept("ez.errors.429" if is_flat else "errors.429.transient")
        return answer

    def call(
        self,
        operation_id: str,
        body: bytes | Mapping[str, Any] | None = None,
        *,
        name: str = "",
        query: Mapping[str, str | int] | None = None,
        authorization: str | None = None,
        clause: str = "",
    ) -> Answer:
        """Calls an operation and holds the answer against envelope, error table and schema.

        Args:
            clause: what a status and code break that do not belong together.

        Raises:
            Broken: a clause that binds every answer is broken.
        """
        answer = self.send(operation_id, body, name=name, query=query, authorization=authorization)
        checks.envelope(answer, self.dialect, clause, goes_on=True)
        checks.conforms(answer, self.document.operations[operation_id], goes_on=True)
        self.is_new(answer)
        enveloped = _ENVELOPED.get((self.dialect, operation_id))
        if enveloped and answer.status == 200:
            checks.kept(enveloped)
        return answer

    def is_new(self, answer: Answer) -> None:
        """No earlier answer had the request_id of this one; one that had it is said at the end of the test."""
        request_id = answer.json.get("request_id")
        if not isinstance(request_id, str) or not request_id:
            return  # that is said already
        clause = checks.clause_of(self.dialect, "envelope.request-id")
        words = "request_id is {} for a second time, where each answer is due its own"
        is_new = request_id not in self._request_ids
        checks.upheld(is_new, clause, Said(words, request_id, by=(answer,)))
        self._request_ids.add(request_id)

    def refused(
        self,
        answer: Answer,
        operation_id: str,
        clause: str,
        pairs: Collection[tuple[int, int]],
        words: str = "",
    ) -> None:
        """An answer of ``send`` is a refusal with one of the expected pairs, in every way an answer should be.

        Raises:
            Broken: it is none (the clause named), or another clause is broken.
        """
        checks.refused(answer, self.dialect, clause, pairs, words)
        checks.conforms(answer, self.document.operations[operation_id], goes_on=True)
        self.is_new(answer)

    def accepted(
        self,
        operation_id: str,
        body: Mapping[str, Any] | None = None,
        *,
        name: str = "",
        query: Mapping[str, str | int] | None = None,
        clause: str,
    ) -> Answer:
        """Calls an operation that must be accepted; returns the answer.

        Raises:
            Broken: it was refused (the clause named), or another clause is broken.
        """
        answer = self.call(operation_id, body, name=name, query=query, clause=clause)
        checks.accepted(answer, clause)
        return answer

    def data(
        self,
        operation_id: str,
        body: Mapping[str, Any] | None = None,
        *,
        name: str = "",
        query: Mapping[str, str | int] | None = None,
        clause: str,
    ) -> Any:
        """Calls an operation that must be accepted; returns data.

        Raises:
            Broken: it was refused (the clause named), or another clause is broken.
        """
        return self.accepted(operation_id, body, name=name, query=query, clause=clause).data

    def voice(self, name: str) -> Record:
        """The custom-voice task of a task id or external id."""
        clause = "voice-get.by-task-id" if name in self.created else "voice-get.by-external-id"
        record: Record = self.data("getCustomVoice", name=name, clause=clause)
        return record

    def voices(self, page_size: int | None = PAGE_SIZE) -> list[Record]:
        """All custom-voice tasks of the account, as the pages show them one after the other.

        Args:
            page_size: tasks on a page; ``None`` says nothing about it, which means 30.

        Raises:
            TooManyTasks: there are too many pages.
        """
        shown = [record for page in self._pages(page_size) for record in page]
        known = {record["task_id"] for record in shown} | {*self.created}
        if any(record["task_id"] not in known for record in next(self._pages(page_size))):
            raise TooManyTasks("somebody else makes tasks in the account")
        return shown

    def ever_made(self) -> set[str]:
        """The ids of all tasks that the run has made, whoever asked for them."""
        return {made.task_id for made in self.target.sender.made}

    def _all_tasks(self) -> list[Record]:
        """All tasks of the account; none where there are too many to tell."""
        try:
            return self.voices()
        except TooManyTasks:
            return []

    def adopt(self, other: Api) -> None:
        """Looks after the tasks that were made with another object, unless those are in another account."""
        if other.target.api_key == self.target.api_key:
            self.created += other.created

    def remember(self, operation_id: str, answer: Answer) -> None:
        """Keeps the task that an answer says was made, so that its voice can be deleted after the run."""
        made = operation_id == "createCustomVoice" and answer.pair == (200, 0)
        if made and isinstance(answer.data, dict) and "task_id" in answer.data:
            self.created.append(str(answer.data["task_id"]))
            info = answer.data.get("task_info")
            word = info.get("external_task_id") if isinstance(info, dict) else None
            self._fresh.made(self.created[-1], word)
        elif operation_id == "deleteVoice":
            self._fresh.clear()

    def _pages(self, asked: int | None) -> Iterator[list[Record]]:
        """The pages up to the last one; of a server far away, several are asked for at once after the first."""
        size = asked or DEFAULT_PAGE_SIZE
        pace = self.target.sender.pace
        begin, several = 1, 1
        while begin <= MOST_PAGES:
            numbers = range(begin, min(begin + several, MOST_PAGES + 1))
            for number, answer in zip(
                numbers, pace.each(partial(self._page, asked), numbers), strict=True
            ):
                if number > 1 and answer.status == 400:
                    return  # paging.past-the-end is assumed, and looked at in test_errors
                checks.accepted(answer, "voice-list.endpoint")
                page: list[Record] = answer.data
                clause = "paging.size.counts-tasks" if asked else "paging.size"
                words = f"{len(page)} tasks are on page {number}, where at most {size} are due"
                checks.require(len(page) <= size, clause, Said(words, by=(answer,)))
                yield page
                if len(page) < size:
                    return
            begin, several = begin + several, pace.at_once
        raise TooManyTasks(f"more than {MOST_PAGES} pages of {size} tasks")

    def _page(self, asked: int | None, number: int) -> Answer:
        query = {"pageNum": number} | ({"pageSize": asked} if asked else {})
        return self.call("listCustomVoices", query=query)
