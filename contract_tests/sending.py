"""The one place where requests leave the kit. Whatever is counted, capped, waited out or recorded, is so here."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from contract_tests import coverage, redaction, routes
from contract_tests.meter import Meter, NotSent
from contract_tests.observation import Answer, Request, decoded
from contract_tests.pace import Pace
from contract_tests.recent import Recent
from contract_tests.wire import Garbled, Wire

#: Seconds that an answer may take, unless told otherwise.
ANSWER_TIMEOUT_S = 30.0
#: After a request without an answer the next get no more seconds than this, until one is answered.
_HURRIED_S = 8.0
#: When so many took too long, though others came, the next get these seconds, or so many times the slowest answer's.
_TOO_LATE = ((5, 3.0), (2, _HURRIED_S))
_TIMES_THE_SLOWEST = 3.0
#: So many requests in a row without an answer, and a test is given up; if a plain one gets none either, the run is.
_MOST_SILENT = 4
#: So many answers of the API at the beginning of which none is a JSON object, and the run is given up.
_MOST_STRANGE = 20
#: Real seconds that a run waits for a busy server (429 with 1302 or 1303), the first and the longest pause.
_BUSY_S = 300.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0
_BUSY_CODES = (1302, 1303, 429)
_TERMINAL = ("succeed", "failed")
#: Exchanges of a test that are remembered, to show the requests of what it found.
_REMEMBERED = 200
#: Seconds that tidying up may take when the time of the run is up.
_TIDYING_S = 60.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came of it.

    Attributes:
        answer: ``None`` where there was none.
        began: Unix seconds.
        took_s: real seconds.
        error: why there was no answer.
    """

    request: Request
    answer: Answer | None
    began: float
    took_s: float
    error: str = ""


@dataclass(slots=True)
class Made:
    """A custom voice's task that the run has made.

    Attributes:
        create: the request that made it.
        is_open: whether it may still be under way.
        voices: the ids of its voices, as far as they were seen and not deleted since.
        is_over: whether it is known that none of them is left.
    """

    task_id: str
    create: Request
    is_open: bool
    voices: list[Any] = field(default_factory=list)
    is_over: bool = False

    def is_by(self, authorization: str) -> bool:
        """Whether it was made with a credential."""
        return self.create.headers.get("authorization") == authorization


class Sender:
    """Sends every request of a run.

    Args:
        meter: counts and caps what is sent; ``None`` for a server that charges nothing.
        timeout_s: real seconds that an answer may take.
        patience_s: real seconds to wait for a paid task to end before the next one is made.
        limit_s: real seconds after which nothing new is sent; 0 for no limit.
        watch: told of every exchange.

    Attributes:
        made: the custom voices' tasks that were made, whichever client made them.
        recent: the exchanges of the test under way, oldest first.
        silences: requests that got no answer.
        pace: how quickly the server answers.
        strange: answers that are no JSON objects, as long as the server has given no other.
        charged: those that every server must refuse, and this one has accepted although it may charge for them.
        prefix: what stands in front of the contract's paths there.
        origin: host and port of the server under test.
        is_late: whether something was not sent since the time of the run was up.
        gave_up: why nothing is sent any more; empty while all is well.
    """

    def __init__(
        self,
        *,
        meter: Meter | None = None,
        timeout_s: float = ANSWER_TIMEOUT_S,
        patience_s: float = 120.0,
        limit_s: float = 0.0,
        watch: Callable[[Exchange], None] = lambda _exchange: None,
    ) -> None:
        self.meter = meter
        self.watch = watch
        self.timeout_s = timeout_s
        self.made: list[Made] = []
        self._made: dict[str, Made] = {}
        self.recent: Recent[Exchange] = Recent(_REMEMBERED)
        self.pace = Pace(is_single=meter is not None and meter.is_paid)
        self.silences: list[Exchange] = []
        self.strange: list[Exchange] = []
        self.charged: list[Exchange] = []
        self.gave_up = ""
        self.is_late = False
        self.prefix = ""
        self.origin = ""
        self._patience_s = patience_s
        self._limit_s = limit_s
        self._until = time.monotonic() + limit_s if limit_s else float("inf")
        self._wire = Wire(is_careful=meter is not None and meter.is_paid)
        self._turn = threading.RLock()
        self._silent = 0
        self._late = 0
        self._slowest_s = 0.0
        self._is_strange = True
        self._is_tidying = False
        self._is_test_given_up = False
        self._busy_left_s = _BUSY_S

    def begins(self) -> None:
        """A test begins."""
        self.recent.clear()
        self._is_test_given_up = False

    def tidies(self) -> None:
        """The tests are over; what they made is deleted, for which there is some more time."""
        self._until = max(self._until, time.monotonic() + _TIDYING_S)
        self._is_tidying = True

    def close(self) -> None:
        """Closes the connections."""
        self._wire.close()

    def send(self, request: Request, *, timeout_s: float = 0.0) -> Answer:
        """Sends a request; returns the answer, whatever it says.

        Args:
            timeout_s: real seconds that the answer may take, if not those of the run.

        Raises:
            NotSent: it would cost too much, the time of the run is up, or the server is silent.
            httpx2.TransportError: there was no answer.
        """
        if self.meter is None or not self.meter.is_paid:
            return self._sent(request, timeout_s)
        with self._turn:  # one at a time
            if routes.may_be_billed(request.method, urlsplit(request.url).path):
                self._let_end()
            answer = self._sent(request, timeout_s)
            return self._waited_out(request, answer, timeout_s)

    def _sent(self, request: Request, timeout_s: float) -> Answer:
        self._may_go_on()
        path = urlsplit(request.url).path
        if self.meter is not None:
            self.meter.before(request.method, path, request.body)
        began, clock = time.time(), time.monotonic()
        allowed_s = timeout_s or self.timeout_s
        allowed_s = self._hurried(allowed_s)
        allowed_s = max(1.0, min(allowed_s, self._until - clock + 1.0))
        try:
            answer = self._wire.exchange(request, allowed_s)
        except httpx2.TransportError as reason:
            took_s = time.monotonic() - clock
            words = str(reason) or repr(reason)
            exchange = Exchange(request, None, began, took_s, words)
            if isinstance(reason, Garbled):
                self._hear_nothing(exchange)
            else:
                self._late += isinstance(reason, httpx2.ReadTimeout)
                self._silence(exchange)
            raise
        self._silent = 0
        exchange = Exchange(request, answer, began, time.monotonic() - clock)
        self._slowest_s = max(self._slowest_s, exchange.took_s)
        if self.meter is not None and self.meter.after(
            request.method, path, request.body, answer.status, answer.body
        ):
            self.charged.append(exchange)
        self.recent.append(exchange)
        self.pace.note(exchange.took_s, is_busy=is_busy(answer))
        self._note(request, path, answer)
        self._look_at_the_kind(exchange, path, answer)
        self.watch(exchange)
        return answer

    def _look_at_the_kind(self, exchange: Exchange, path: str, answer: Answer) -> None:
        """Gives a server up none of whose first answers is one of this API: the rest would be no other."""
        if (
            not self._is_strange
            or routes.find(exchange.request.method, path, prefix=self.prefix) is None
        ):
            return
        if isinstance(answer.json, dict):
            self._is_strange = False
            self.strange.clear()
            return
        self.strange.append(exchange)
        if len(self.strange) >= _MOST_STRANGE:
            self.gave_up = f"gave up: none of the first {_MOST_STRANGE} answers is a JSON object"

    def _may_go_on(self) -> None:
        if self.gave_up and not (self._is_tidying and self.strange):
            raise NotSent(f"not looked at: {self.gave_up}")
        if self._is_test_given_up:
            raise NotSent(f"not looked at: {_MOST_SILENT} requests in a row got no answer")
        if time.monotonic() > self._until:
            self.is_late = self.is_late or not self._is_tidying
            raise NotSent(f"not looked at: the {self._limit_s:g} s are over (--time-limit)")

    def _hurried(self, allowed_s: float) -> float:
        """The seconds that the next answer may take, of those it might."""
        if self._silent:
            allowed_s = min(allowed_s, _HURRIED_S)
        slowest_s = self._slowest_s * _TIMES_THE_SLOWEST
        some = (max(seconds, slowest_s) for count, seconds in _TOO_LATE if self._late >= count)
        return min([allowed_s, *some])

    def _hear_nothing(self, exchange: Exchange) -> None:
        self.recent.append(exchange)
        self.silences.append(exchange)
        self.watch(exchange)

    def _silence(self, exchange: Exchange) -> None:
        """A request got no answer. After several in a row it is found out whether any gets one."""
        self._hear_nothing(exchange)
        self._silent += 1
        if self._silent < _MOST_SILENT:
            return
        parts = urlsplit(exchange.request.url)
        self._is_test_given_up = True
        try:
            plain = Request("GET", f"{parts.scheme}://{parts.netloc}/")
            if self.meter is not None:
                self.meter.before(plain.method, "/", b"")
            self._wire.exchange(plain, min(_HURRIED_S, self.timeout_s))
            self._silent = 0
        except (httpx2.TransportError, NotSent):
            self.gave_up = (
                f"gave up: {_MOST_SILENT} requests in a row got no answer ({exchange.error})"
            )

    def _note(self, request: Request, path: str, answer: Answer) -> None:
        """Counts the operation, and remembers the task that was made."""
        route = routes.find(request.method, path, prefix=self.prefix)
        if route is None:
            return
        name = route.operation.id
        coverage.seen.operations[f"{route.dialect} {name}"] += 1
        coverage.seen.statuses[f"{name} {answer.status}/{_word(answer.code)}"] += 1
        if answer.pair != (200, 0):
            return
        data = answer.data
        if name == "createCustomVoice":
            if isinstance(data, dict) and isinstance(data.get("task_id"), str | int):
                is_open = data.get("task_status") not in _TERMINAL
                made = Made(str(data["task_id"]), request, is_open)
                self.made.append(made)
                self._made[made.task_id] = made
        elif name in ("getCustomVoice", "listCustomVoices"):
            for record in data if isinstance(data, list) else [data]:
                self._see(record)
        elif name == "deleteVoice":
            self._see_deleted(request)

    def _see(self, record: Any) -> None:
        """Remembers what a record says of the voices of a task that was made here."""
        if not isinstance(record, dict):
            return
        made = self._made.get(str(record.get("task_id")))
        if made is None or made.is_over:
            return
        voices = voices_in(record)
        made.voices = voices or made.voices
        made.is_over = record.get("task_status") == "failed" and not made.voices

    def _see_deleted(self, request: Request) -> None:
        named = decoded(request.body)
        voice_id = named.get("voice_id") if isinstance(named, dict) else None
        for made in self.made:
            if voice_id is not None and voice_id in made.voices:
                made.voices = [known for known in made.voices if known != voice_id]
                made.is_over = not made.voices

    def _let_end(self) -> None:
        """Waits for the tasks under way: no second paid one is made before.

        Raises:
            NotSent: they do not end in time.
        """
        deadline = time.monotonic() + self._patience_s
        for made in self.made:
            pause_s = _FIRST_PAUSE_S
            while made.is_open and self._is_under_way(made):
                if time.monotonic() > deadline:
                    raise NotSent(
                        f"not looked at: the paid task {made.task_id} has not ended within {self._patience_s:g} s,"
                        " and no second one is made before (--patience)"
                    )
                time.sleep(pause_s)
                pause_s = min(pause_s * 1.5, _LONGEST_PAUSE_S)

    def _is_under_way(self, made: Made) -> bool:
        answer = self._sent(query(made), 0.0)
        data = answer.data
        status = data.get("task_status") if isinstance(data, dict) else None
        # A server that does not know its own task, or calls its status something else, is not waited for.
        made.is_open = answer.status == 429 or status in ("submitted", "processing")
        return made.is_open

    def _waited_out(self, request: Request, answer: Answer, timeout_s: float) -> Answer:
        """Sends again, with growing pauses, what a busy server has refused.

        Raises:
            NotSent: it is busy for too long.
        """
        pause_s = _FIRST_PAUSE_S
        while is_busy(answer):
            wait_s = max(pause_s, retry_after_s(answer))
            if wait_s > self._busy_left_s:
                raise NotSent(
                    f"not looked at: the server is busy (HTTP 429, code {answer.code}) for longer than {_BUSY_S:g} s"
                )
            self._busy_left_s -= wait_s
            time.sleep(wait_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            answer = self._sent(request, timeout_s)
        return answer


def query(made: Made) -> Request:
    """The request that asks for a task, with the credential that made it."""
    headers = {
        name: value
        for name, value in made.create.headers.items()
        if name.lower() == "authorization"
    }
    url = made.create.url.partition("?")[0]
    return Request("GET", f"{url}/{routes.segment(made.task_id)}", headers)


def deletion(made: Made, voice_id: Any) -> Request:
    """The request that deletes a voice of a task."""
    url = made.create.url.partition("?")[0].removesuffix("custom-voices") + "delete-voices"
    headers = {**query(made).headers, "content-type": "application/json"}
    return Request("POST", url, headers, json.dumps({"voice_id": voice_id}).encode())


def voices_in(record: Mapping[str, Any]) -> list[Any]:
    """The ids of the voices that a record shows, whatever shape it has."""
    result = record.get("task_result")
    voices = result.get("voices") if isinstance(result, dict) else None
    shown = voices if isinstance(voices, list) else []
    return [voice["voice_id"] for voice in shown if isinstance(voice, dict) and "voice_id" in voice]


def is_busy(answer: Answer) -> bool:
    """Whether an answer is load, which goes away by waiting. One without an envelope is what a gateway says of it."""
    is_silent = not isinstance(answer.json, dict)
    return answer.status == 429 and (is_silent or answer.code in _BUSY_CODES)


def retry_after_s(answer: Answer) -> float:
    """What Retry-After says in seconds; 0 where it says nothing that can be counted."""
    text = answer.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0.0


def _word(code: Any) -> str:
    return redaction.clean(str(code)) if isinstance(code, int | str) else "-"


def skip(reason: str) -> None:
    """Skips the test that asks, since something cannot be looked at."""
    pytest.skip(f"not looked at: {reason}")
