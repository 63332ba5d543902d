"""Programs: random sequences of requests and control calls, and instances of the mock that run them.

A program is a list of steps as data, so that two instances can be asked for the same. Callbacks go to a stub that
opens no connection and notes what it was given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import httpx2
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.http.api import EZ_PATH, EZ_SPEECH, SPEECH, VOICE, app
from tests.support.bench import StubSender

VOICES = "/v1/general/custom-voices"
HOOK = "http://127.0.0.1:9/hook"
_numbers = count()


@dataclass(frozen=True, slots=True)
class Step:
    """One request. ``{voice}`` stands for the newest voice of the account, ``{task}`` for its newest task."""

    method: str
    path: str
    body: Any = None
    scenario: str = ""
    key: str = "mine"


def control(method: str, path: str, body: Any = None) -> Step:
    """A step that calls the control API."""
    return Step(method, "/__mock__" + path, body)


def by(seconds: float) -> Step:
    """A step that advances the clock."""
    return control("POST", "/clock/advance", {"by": seconds})


_NAMES = st.sampled_from(["a", "b", "c"])
_SCENARIOS = st.sampled_from(
    ["", "", "", "slow", "too-short", "stuck", "late-visible", "varying", "server-error"]
)
CREATES = st.builds(
    lambda name, hook, scenario: Step(
        "POST", VOICES, {**VOICE, "external_task_id": name, "callback_url": hook}, scenario
    ),
    _NAMES | st.just(""),
    st.sampled_from(["", HOOK]),
    _SCENARIOS,
)
SPEECHES = st.builds(
    lambda text, scenario: Step("POST", "/v1/audio/tts", {**SPEECH, "text": text}, scenario),
    st.sampled_from(["Hello", "声音", "mock:risk-control", ""]),
    st.sampled_from(["", "", "slow"]),
)
#: Never slow: the answer would be held until the clock moves, which nobody else does meanwhile.
EZ_SPEECHES = st.just(Step("POST", EZ_PATH, EZ_SPEECH, "default"))
DELETES = st.just(Step("POST", "/v1/general/delete-voices", {"voice_id": "{voice}"}))
SECONDS = st.sampled_from([0, 0.001, 0.5, 2, 2.5, 4.5, 7, 9, 30, 300])
ADVANCES = st.builds(by, SECONDS)
TRANSITIONS = st.builds(
    lambda name, to: control("POST", f"/tasks/{name}/transition", {"to": to}),
    _NAMES | st.just("{task}"),
    st.sampled_from(["submitted", "processing", "succeed", "failed"]),
)
#: Faults of what is written only: a read that consumes one is no mere read.
FAULTS = st.builds(
    lambda fault, when: control(
        "POST", "/faults", {"fault": fault, "match": {"method": "POST"}, "when": when}
    ),
    st.sampled_from(["5001;retry-after=2", "malformed", "timeout-created", "commit=after", "html"]),
    st.sampled_from([{"count": 1}, {"after": 1, "count": 2}, {"probability": 0.5}, {"ttl": 3}]),
)
PLANS = st.builds(
    lambda steps: control("POST", "/plans", {"steps": {"createCustomVoice": steps}}),
    st.lists(st.sampled_from(["ok", "5000", "truncated", "scenario=slow"]), min_size=1, max_size=3),
)
SETTINGS = st.sampled_from(
    [
        control("PUT", "/scenario", {"scenario": "slow"}),
        control("PUT", "/scenario", {"scenario": "default"}),
        control("DELETE", "/scenario"),
        control("PUT", "/behaviours", {"callback_firing": "with_submitted"}),
        control("PUT", "/behaviours", {"callback_firing": "terminal", "delete_answer": "none"}),
        control("PUT", "/behaviours", {"deleted_voice_task": "hidden"}),
        control("PUT", "/limits", {"units": 0.2, "slots": 2}),
        control("DELETE", "/faults"),
        control("DELETE", "/plans"),
        control("POST", "/settle", {}),
        control("POST", "/clock/advance", {"until": {"task": "{task}", "status": "succeed"}}),
    ]
)
RESETS = st.just(control("POST", "/reset"))
WRITES = CREATES | CREATES | SPEECHES | ADVANCES | ADVANCES | TRANSITIONS | DELETES | SETTINGS
WRITES |= FAULTS | PLANS | EZ_SPEECHES

#: What reads, and must change nothing. The journal itself is a record of reading.
CONTROL_READS = st.sampled_from(
    [
        control("GET", path)
        for path in (
            "/clock",
            "/tasks",
            "/tasks?status=processing",
            "/tasks/a",
            "/tasks/{task}",
            "/journal",
            "/journal?limit=1",
            "/callbacks",
            "/ledger",
            "/slots",
            "/limits",
            "/behaviours",
            "/scenario",
            "/scenarios",
            "/faults",
            "/plans",
            "/accounts",
        )
    ]
    + [
        control("POST", "/journal/verify", {"expect": [{"match": {"method": "GET"}}]}),
        control("POST", "/wait", {"for": "request", "match": {}, "timeout": 0}),
        control("POST", "/wait", {"for": "task", "match": {"task": "{task}"}, "timeout": 0}),
        control("GET", "/nothing"),
    ]
)
LISTS = st.sampled_from([Step("GET", VOICES), Step("GET", f"{VOICES}?pageSize=1&pageNum=2")])
QUERIES = st.sampled_from(
    [
        Step("GET", f"{VOICES}/a"),
        Step("GET", f"{VOICES}/{{task}}"),
        Step("GET", "/v1/audio/tts/{task}"),
    ]
)
READS = CONTROL_READS | LISTS | QUERIES

#: What an account looks like, but for its journal.
LOOKS = [
    control("GET", path)
    for path in ("/clock", "/tasks", "/ledger", "/slots", "/callbacks", "/faults", "/plans")
] + [Step("GET", f"{VOICES}?pageSize=1000")]

Told = tuple[int, list[tuple[str, str]], Any]


class World:
    """Accounts of one instance, and what they were told and called back.

    Args:
        suffix: makes the keys of the steps those of new accounts.
    """

    def __init__(self, client: httpx2.Client, sender: StubSender, suffix: str = "") -> None:
        self._client = client
        self._sender = sender
        self._suffix = suffix
        self._names: dict[str, str] = {}
        self._seen = len(sender.sent)

    @property
    def sent(self) -> list[tuple[str, bytes]]:
        """The callbacks that were sent since this world began, of all accounts of the instance."""
        return self._sender.sent[self._seen :]

    def do(self, step: Step) -> Told:
        """Does a step: status, headers and value of its answer."""
        headers = {"authorization": f"Bearer {step.key}{self._suffix}"}
        if step.scenario:
            headers["x-mock-scenario"] = step.scenario
        body = None if step.body is None else self._filled(json.dumps(step.body), step.key).encode()
        path = self._filled(step.path, step.key)
        if path.startswith("/__mock__/"):
            # What a transition, a query or a create has set off is on its way: nobody should race with it.
            self._client.request("POST", "/__mock__/settle", headers=headers)
        answer = self._client.request(step.method, path, content=body, headers=headers)
        value = _value(answer)
        self._learn(step, value)
        shown = dict(answer.headers)
        if step.path.startswith("/__mock__/"):
            del shown["content-length"]  # it counts the digits of wall times
        return answer.status_code, sorted(shown.items()), value

    def run(self, steps: list[Step]) -> list[Told]:
        """Does steps one after the other."""
        return [self.do(step) for step in steps]

    def look(self, key: str = "mine") -> list[tuple[int, Any]]:
        """What an account looks like, but for request ids."""
        return [without_request_id(self.do(replace(step, key=key))) for step in LOOKS]

    def _filled(self, text: str, key: str) -> str:
        for name in ("task", "voice"):
            text = text.replace("{" + name + "}", self._names.get(f"{name} {key}", "none"))
        return text

    def _learn(self, step: Step, value: Any) -> None:
        """Remembers the newest task and voice by what writes told: reads would make a difference."""
        if step.method != "POST" or not isinstance(value, dict):
            return
        data = value.get("data")
        if isinstance(data, dict) and "task_id" in data:
            self._names[f"task {step.key}"] = data["task_id"]
        for event in value.get("events", ()):
            if event.get("status") == "succeed":
                task = self._client.get(
                    f"/__mock__/tasks/{event['task_id']}",
                    headers={"authorization": f"Bearer {step.key}{self._suffix}"},
                ).json()
                if task.get("kind") == "custom_voice":
                    self._names[f"voice {step.key}"] = self._voice_of(event["task_id"], step.key)

    def _voice_of(self, task_id: str, key: str) -> str:
        world: Any = self._client.app.state.world  # type: ignore[attr-defined]  # a TestClient
        raw = f"Bearer {key}{self._suffix}".encode()
        account = world.accounts.get(world.credentials.account_id(raw))
        return str(account.task(task_id).product.voice_id)


def _value(answer: httpx2.Response) -> Any:
    """An answer decoded, without what the machine's clock adds to it; what is no JSON as bytes."""
    try:
        return _timeless(answer.json())
    except ValueError:
        return answer.content


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _timeless(item) for key, item in value.items() if key not in ("wall", "took_ms")
        }
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def without_request_id(told: Told) -> tuple[int, Any]:
    """Status and value of an answer, but for its request id."""
    value = told[2]
    if isinstance(value, dict):
        value = {key: item for key, item in value.items() if key != "request_id"}
    elif isinstance(value, bytes):  # distorted by a fault
        value = re.sub(rb'"request_id":"[^"]*', b"", value)
    return told[0], value


@contextmanager
def instance(**options: Any) -> Iterator[World]:
    """A fresh mock in process, running, whose callbacks go to a stub."""
    sender = StubSender()
    mock = app(public_url="https://kling.example", **options)
    mock.state.world.dispatcher._sender = sender
    with TestClient(mock) as client:
        yield World(client, sender)


def new_accounts(*worlds: World) -> list[World]:
    """The same instances with the same new accounts in each."""
    suffix = f"-{next(_numbers)}"
    return [World(world._client, world._sender, suffix) for world in worlds]
