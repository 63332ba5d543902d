"""Which requests show a breach: those whose answers hold what was seen, after the one that made the task."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from contract_tests.observation import Answer, Notification, Request, decoded
from contract_tests.saying import Part
from contract_tests.sending import Exchange, Made

#: Requests that are shown of what took several.
_MOST = 4
_TASK = re.compile(r"""['"]task_id['"]:\s*['"]([^'"]+)""")
#: Where a notification that is quoted has arrived.
_ARRIVED = re.compile(r"#\d+ [A-Z]+ (/\S+)")
#: Characters of an id that stands in a text by no chance.
_LONG = 8
_CREATES = "custom-voices"


def has_answer(evidence: Iterable[Any]) -> bool:
    """Whether the evidence holds an answer or a request, so that its own shows the breach best."""
    return any(isinstance(item, Answer | Part | Request) for item in evidence)


class Shown:
    """The requests behind what was seen.

    Args:
        recent: exchanges of the test, oldest first.
        made: the tasks of the run, whose creations may lie further back.
    """

    def __init__(self, recent: list[Exchange], made: list[Made]) -> None:
        self._recent = [item for item in recent if "/__mock__/" not in item.request.url]
        self._made = made

    def by(self, evidence: Collection[Any]) -> list[Request]:
        """The requests that show the evidence, those that made the tasks first."""
        looks = [request for item in evidence for request in self._looks(item)]
        creations = [request for item in evidence for request in self._creations(item)]
        return _few([*creations, *looks])

    def quoted_in(self, saw: str) -> list[Request]:
        """The same where there is a text only: of the tasks that it quotes, else the last one sent."""
        quoted = {*_TASK.findall(saw)}
        names = [_bytes(name) for name in quoted]
        about = [
            item.request
            for item in self._recent
            if item.answer is not None and any(name in item.answer.body for name in names)
        ]
        paths = [_bytes(path) for path in _ARRIVED.findall(saw)]
        creations = [
            made.create
            for made in self._made
            if made.task_id in quoted
            or (len(made.task_id) >= _LONG and made.task_id in saw)
            or any(path in made.create.body for path in paths)
        ]
        return _few([*creations, *about]) or [item.request for item in self._recent[-1:]]

    def _looks(self, item: Any) -> Iterator[Request]:
        """The requests whose answers hold what was seen, each as that very object."""
        if isinstance(item, Request):
            yield item
        elif isinstance(item, Part):
            yield from self._looks(item.whole)
        elif isinstance(item, Answer):
            yield from self._showing(item.request)
            yield item.request
        elif isinstance(item, Mapping | list):
            for exchange in self._recent:
                if exchange.answer is not None and _holds(exchange.answer, item):
                    yield exchange.request

    def _creations(self, item: Any) -> Iterator[Request]:
        """The requests that made the tasks which were seen."""
        if isinstance(item, Part):
            yield from self._creations(item.whole)
            return
        if isinstance(item, Notification):
            path = _bytes(item.path)
            sent = (exchange.request for exchange in self._recent)
            known = [*(made.create for made in self._made), *sent]
            yield from (one for one in known if one.method == "POST" and path in one.body)
            return
        names: set[str] = set()
        if isinstance(item, Mapping) and "task_id" in item:
            names = {str(item["task_id"])}
        elif isinstance(item, Answer) and item.request.method == "GET":
            names = {unquote(urlsplit(item.request.url).path.rpartition("/")[2])} - {_CREATES}
        elif isinstance(item, Answer):
            asked = decoded(item.request.body)
            word = asked.get("external_task_id") if isinstance(asked, dict) else None
            names = {word} if isinstance(word, str) and word else set()
        for made in self._made if names else ():
            asked = decoded(made.create.body)
            word = asked.get("external_task_id") if isinstance(asked, dict) else None
            if made.task_id in names or word in names:
                yield made.create

    def _showing(self, request: Request) -> Iterator[Request]:
        """Of a deletion, the last query that showed the voice, and what made its task."""
        asked = decoded(request.body)
        voice_id = asked.get("voice_id") if isinstance(asked, dict) else None
        if not urlsplit(request.url).path.endswith("delete-voices") or not voice_id:
            return
        for exchange in reversed(self._recent):
            answer = exchange.answer
            is_query = exchange.request.method == "GET"
            if is_query and answer is not None and _bytes(voice_id) in answer.body:
                yield from self._creations(answer)
                yield exchange.request
                return


def _bytes(text: object) -> bytes:
    """A text as it may stand in a body, half surrogate pairs and all."""
    return str(text).encode("utf-8", "surrogatepass")


def _holds(answer: Answer, record: object) -> bool:
    """Whether a record or page is a part of an answer: the very object, since equal ones may come from elsewhere."""
    data = answer.data
    parts = data if isinstance(data, list) else [data]
    return any(part is record for part in parts) or data is record


def _few(requests: list[Request]) -> list[Request]:
    """Each once, in order, and of many the first and the last ones."""
    once: list[Request] = []
    for request in requests:
        if not any(request is known for known in once):
            once.append(request)
    return once if len(once) <= _MOST else [once[0], *once[1 - _MOST :]]
