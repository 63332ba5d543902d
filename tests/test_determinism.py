"""Given seed, start, a manual clock, public URL and account, two fresh instances answer with the same bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from typing import Any

import httpx2
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.http.api import EZ_PATH, EZ_SPEECH, SPEECH, VOICE, app

VOICES = "/v1/general/custom-voices"
few = settings(max_examples=25, deadline=None)
_numbers = count()


@dataclass(frozen=True, slots=True)
class Step:
    """One request. ``{voice}`` in its body stands for the newest voice that was seen."""

    method: str
    path: str
    body: Any = None
    key: str = "k"
    scenario: str = ""


KEYS = st.sampled_from(["k", "k", "k", "other", ""])
NAMES = st.sampled_from(["a", "b", "c/d", "声"])
SCENARIOS = st.sampled_from(["", "", "", "slow", "noisy", "stuck", "nonsense"])
TEXTS = st.sampled_from(["Hello", "声音", "mock:slow", "mock:risk-control", ""])

SPEECHES = st.builds(
    lambda text, key, scenario: Step(
        "POST", "/v1/audio/tts", {**SPEECH, "text": text}, key, scenario
    ),
    TEXTS,
    KEYS,
    SCENARIOS,
)
CREATES = st.builds(
    lambda name, key, scenario: Step(
        "POST", VOICES, {**VOICE, "external_task_id": name}, key, scenario
    ),
    NAMES | st.just(""),
    KEYS,
    SCENARIOS,
)
EZ_SPEECHES = st.builds(lambda key: Step("POST", EZ_PATH, EZ_SPEECH, key), KEYS)
DELETES = st.builds(
    lambda key: Step("POST", "/v1/general/delete-voices", {"voice_id": "{voice}"}, key), KEYS
)
ADVANCES = st.builds(
    lambda seconds, key: Step("POST", "/__mock__/clock/advance", {"by": seconds}, key),
    st.sampled_from([0, 1, 2, 7, 9, 300]),
    st.sampled_from(["k", "other"]),
)
READS = st.builds(
    lambda path, key: Step("GET", path, None, key),
    st.sampled_from(
        [
            VOICES,
            f"{VOICES}?pageNum=2&pageSize=1",
            f"{VOICES}?pageNum=0",
            f"{VOICES}/a",
            f"{VOICES}/c%2Fd",
            "/kling" + VOICES,
            "/v1/general/presets-voices",
            "/v1/audio/tts/1",
            "/nowhere",
        ]
    ),
    KEYS,
)
WRITES = SPEECHES | CREATES | CREATES | EZ_SPEECHES | DELETES | ADVANCES


class World:
    """A mock as one account meets it for the first time, and what it has answered.

    Args:
        client: a mock that may know other accounts already; a fresh one unless given.
        suffix: makes the keys of the steps those of new accounts.
    """

    def __init__(self, client: httpx2.Client | None = None, suffix: str = "") -> None:
        self._client = client or TestClient(app(public_url="https://kling.example"))
        self._suffix = suffix
        self._voice = "none"

    def do(self, step: Step) -> tuple[int, list[tuple[str, str]], bytes]:
        """Does a step: status, headers, and body of its answer."""
        headers = {"authorization": f"Bearer {step.key}{self._suffix}"} if step.key else {}
        if step.scenario:
            headers["x-mock-scenario"] = step.scenario
        body = None
        if step.body is not None:
            body = json.dumps(step.body).replace("{voice}", self._voice).encode()
        answer = self._client.request(step.method, step.path, content=body, headers=headers)
        if b'"voices"' in answer.content and "custom" in step.path:
            found = [
                item for item in _records(answer.json()) if "voices" in item.get("task_result", {})
            ]
            self._voice = found[0]["task_result"]["voices"][0]["voice_id"]
        return answer.status_code, sorted(answer.headers.items()), answer.content


@cache
def _clients() -> tuple[httpx2.Client, httpx2.Client]:
    one, two = (TestClient(app(public_url="https://kling.example")) for _ in range(2))
    return one, two


def two_worlds() -> tuple[World, World]:
    """Two instances that have been asked for the same so far, with new accounts in both."""
    suffix = f"-{next(_numbers)}"
    one, two = _clients()
    return World(one, suffix), World(two, suffix)


def _records(value: Any) -> list[dict[str, Any]]:
    data = value["data"]
    return data if isinstance(data, list) else [data]


def without_request_id(answer: tuple[int, list[tuple[str, str]], bytes]) -> tuple[int, Any]:
    """Status and body of an answer, but for its request id."""
    value = json.loads(answer[2])
    value.pop("request_id", None)
    return answer[0], value


#: A voice is made, found, deleted and deleted again, beside speeches and refusals of all kinds.
STORY = [
    Step("POST", VOICES, {**VOICE, "external_task_id": "a"}),
    Step("POST", VOICES, {**VOICE, "external_task_id": "a"}),
    Step("POST", "/v1/audio/tts", SPEECH),
    Step("POST", "/v1/audio/tts", SPEECH, key=""),
    Step("POST", EZ_PATH, EZ_SPEECH, key="other"),
    Step("POST", "/v1/audio/tts", SPEECH, scenario="nonsense"),
    Step("POST", "/__mock__/clock/advance", {"by": 9}),
    Step("GET", f"{VOICES}/a"),
    Step("POST", "/v1/general/delete-voices", {"voice_id": "{voice}"}),
    Step("POST", "/v1/general/delete-voices", {"voice_id": "{voice}"}),
    Step("GET", VOICES),
    Step("GET", VOICES, key="other"),
]


@settings(max_examples=4, deadline=None)
@given(st.lists(WRITES | READS, max_size=15))
@example(STORY)
def test_fresh_instances_answer_with_the_same_bytes(steps: list[Step]) -> None:
    """Two fresh instances answer any sequence of requests with the same statuses, headers and bytes."""
    one, two = World(), World()

    assert [one.do(step) for step in steps] == [two.do(step) for step in steps]


def test_story_is_told_to_its_end() -> None:
    """The sequence above does what its words say, so that equal answers are not merely equal refusals."""
    world = World()

    codes = [json.loads(world.do(step)[2]).get("code") for step in STORY]

    assert codes == [0, 1201, 0, 1001, 0, 1201, None, 0, 0, 1201, 0, 0]


@few
@given(st.lists(st.tuples(WRITES, st.lists(READS, max_size=3)), max_size=8))
def test_reading_changes_nothing_but_request_ids(steps: list[tuple[Step, list[Step]]]) -> None:
    """Whatever is read in between, later answers differ in their request id only."""
    reader, other = two_worlds()
    for write, reads in steps:
        for read in reads:
            reader.do(read)
        # Which voice is deleted is chosen by what was read, so both must have read the same.
        other._voice = reader._voice
        assert without_request_id(reader.do(write)) == without_request_id(other.do(write))
    last = Step("GET", f"{VOICES}?pageSize=1000")

    assert without_request_id(reader.do(last)) == without_request_id(other.do(last))


@few
@given(st.lists(WRITES | READS, max_size=8), st.lists(WRITES | READS, max_size=8))
def test_accounts_do_not_change_each_others_answers(mine: list[Step], theirs: list[Step]) -> None:
    """What another account does in between changes no byte of one's own answers."""
    alone, beside = two_worlds()
    # Unknown paths belong to nobody, and nobody's request ids are counted for all.
    own = [replace(step, key="mine") for step in mine if step.path != "/nowhere"]
    foreign = [replace(step, key="theirs") for step in theirs]

    expected = [alone.do(step) for step in own]
    answers = []
    for number, step in enumerate(own):
        voice = beside._voice
        for other in foreign[number : number + 2]:
            beside.do(other)
        beside._voice = voice
        answers.append(beside.do(step))

    assert answers == expected


def test_another_seed_gives_other_ids() -> None:
    """With another seed ids differ, and nothing else does."""
    answers = []
    for seed in ("one", "two"):
        client = TestClient(app(seed=seed, public_url="https://kling.example"))
        headers = {"authorization": "Bearer k"}
        answers.append(client.post(VOICES, json=VOICE, headers=headers).json())

    one, two = answers
    assert one["data"].pop("task_id") != two["data"].pop("task_id")
    assert one.pop("request_id") != two.pop("request_id")
    assert one == two
