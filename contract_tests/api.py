"""One dialect of a target, called by operation. Every answer is held against the clauses that bind all answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from contract_tests import checks, documents
from contract_tests.observation import Answer
from contract_tests.target import Target

#: Tasks on a page when all pages are walked, and the number of pages after which the walk gives up.
PAGE_SIZE = 100
MOST_PAGES = 100

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
        path = operation.path.replace("{id}", quote(name, safe=""))

        def sent() -> Answer:
            return self.target.call(
                operation.method, path, body=body, query=query, authorization=authorization
            )

        answer = self.target.unless_busy(sent) if self.waits_when_busy else sent()
        self.remember(operation_id, answer)
        return answer

    def call(
        self,
        operation_id: str,
        body: bytes | Mapping[str, Any] | None = None,
        *,
        name: str = "",
        query: Mapping[str, str | int] | None = None,
        authorization: str | None = None,
    ) -> Answer:
        """Calls an operation and holds the answer against envelope, error table and schema.

        Raises:
            Broken: a clause that binds every answer is broken.
        """
        answer = self.send(operation_id, body, name=name, query=query, authorization=authorization)
        checks.envelope(answer, self.dialect)
        checks.conforms(answer, self.document.operations[operation_id])
        request_id = answer.json["request_id"]
        clause = checks.clause_of(self.dialect, "envelope.request-id")
        if request_id in self._request_ids:
            raise checks.Broken(clause, f"again {answer}")
        checks.kept(clause)
        self._request_ids.add(request_id)
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
        answer = self.call(operation_id, body, name=name, query=query)
        checks.kept(clause)
        if answer.pair != (200, 0):
            raise checks.Broken(clause, f"a refusal: {answer}")
        return answer.data

    def voice(self, name: str) -> Record:
        """The custom-voice task of a task id or external id."""
        clause = "voice-get.by-task-id" if name in self.created else "voice-get.by-external-id"
        record: Record = self.data("getCustomVoice", name=name, clause=clause)
        return record

    def voices(self, page_size: int = PAGE_SIZE) -> list[Record]:
        """All custom-voice tasks of the account, as the pages show them one after the other.

        Raises:
            TooManyTasks: there are too many pages.
        """
        shown = [record for page in self._pages(page_size) for record in page]
        known = {record["task_id"] for record in shown}
        if any(record["task_id"] not in known for record in next(self._pages(page_size))):
            raise TooManyTasks("somebody else makes tasks in the account")
        return shown

    def remember(self, operation_id: str, answer: Answer) -> None:
        """Keeps the task that an answer says was made, so that its voice can be deleted after the run."""
        made = operation_id == "createCustomVoice" and answer.pair == (200, 0)
        if made and isinstance(answer.data, dict) and "task_id" in answer.data:
            self.created.append(str(answer.data["task_id"]))

    def _pages(self, size: int) -> Iterator[list[Record]]:
        for number in range(1, MOST_PAGES + 1):
            query = {"pageNum": number, "pageSize": size}
            answer = self.call("listCustomVoices", query=query)
            if number > 1 and answer.status == 400:
                return  # paging.past-the-end is assumed, and looked at in test_errors
            checks.require(answer.pair == (200, 0), "voice-list.endpoint", f"a refusal: {answer}")
            page: list[Record] = answer.data
            checks.require(len(page) <= size, "paging.size.counts-tasks", f"{len(page)} tasks")
            yield page
            if len(page) < size:
                return
        raise TooManyTasks(f"more than {MOST_PAGES} pages of {size} tasks")
