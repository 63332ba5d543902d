"""A few paid tasks against a live server, one after the other. They run in the profile live-canary only.

Nothing is said of what state a task is in when: a live server takes its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from contract_tests import checks, documents, samples
from contract_tests.api import Api
from contract_tests.history import History
from contract_tests.observation import Answer
from contract_tests.receiver import Receiver
from contract_tests.routes import Route
from contract_tests.run import Run

pytestmark = [pytest.mark.billable, pytest.mark.canary]

#: Real seconds within which a notification arrives, once its task has ended.
_DELIVERY_S = 60.0


@pytest.fixture
def paying(run: Run) -> Iterator[None]:
    """Lets what is charged through, within the cap."""
    meter = run.sender.meter
    with meter.paying() if meter else nullcontext():
        yield


def _tasks(run: Run) -> int:
    return run.options.profile.billed


def test_a_speech_is_made(run: Run, paying: None) -> None:  # noqa: ARG001
    """Text-to-speech is answered with what its document says: once per dialect, or as often as may be paid for.

    Source: speech.endpoint, speech.duration.string, ids.unique, ez.endpoint.
    """
    dialects = _served(run)
    voices = 1 if run.options.sample_url and any(map(_has_voices, dialects)) else 0
    for number in range(max(1, _tasks(run) - voices)):
        api = run.api(dialects[number % len(dialects)])
        history = History()
        answer = api.call("createSpeech", samples.speech(api.dialect))
        clause = "speech.endpoint" if _has_voices(api.dialect) else "ez.endpoint"
        checks.accepted(answer, clause)
        history.add(answer, _route(api, "createSpeech"))


def test_a_voice_is_made(run: Run, paying: None, receiver: Receiver) -> None:  # noqa: ARG001
    """A voice is made from the user's own sample: its task is polled to its end, then told of, where that can arrive.

    Source: voice-create.endpoint, voice-get.by-task-id, task.status.transitions, task.updated-at.monotone,
    task.created-at.constant, task.info.echo, task.ends, callback.bare, callback.method, callback.terminal.
    """
    dialect = next((name for name in _served(run) if _has_voices(name)), "")
    if not dialect or not run.options.sample_url:
        pytest.skip("not looked at: there is no sample that the server could fetch (--sample-url)")
    if _tasks(run) < 2:
        pytest.skip("not looked at: there is one paid task, and it is a speech (--canary 2)")
    api, history = run.api(dialect), History()
    word = api.target.unique("canary")
    path = f"/canary/{word}"
    request = {
        "voice_name": "Canary",
        "voice_url": run.options.sample_url,
        "external_task_id": word,
    }
    if api.target.is_loopback:
        request["callback_url"] = receiver.base_url + path
    made = api.call("createCustomVoice", request)
    checks.accepted(made, "voice-create.endpoint")
    history.add(made, _route(api, "createCustomVoice"))
    task_id = str(made.data["task_id"])
    ended = _ended(api, history, task_id)
    if "callback_url" in request:
        _told(api, receiver, path, ended)


def _ended(api: Api, history: History, task_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        answer: Answer = api.call("getCustomVoice", name=task_id)
        checks.accepted(answer, "voice-get.by-task-id")
        history.add(answer, _route(api, "getCustomVoice", task_id))
        record: dict[str, Any] = answer.data
        return record if record["task_status"] in checks.TERMINAL else None

    return api.target.eventually(f"the end of {task_id}", look)


def _told(api: Api, receiver: Receiver, path: str, ended: dict[str, Any]) -> None:
    arrived = receiver.inbox.wait_for(
        path,
        "[callback.terminal] the notification of the end",
        _DELIVERY_S,
        lambda seen: any(ended["task_status"].encode() in item.body for item in seen),
    )
    checks.kept("callback.terminal")
    shape = api.document.operations["createCustomVoice"].callbacks["voiceTaskChanged"]
    for item in arrived:
        checks.notification(item, shape)


def _served(run: Run) -> list[str]:
    return [name for name in run.options.dialects or documents.DIALECTS if run.serves(name)]


def _has_voices(dialect: str) -> bool:
    return dialect != "ezmodel"


def _route(api: Api, operation: str, name: str = "") -> Route:
    return Route(api.dialect, api.document.operations[operation], name)
