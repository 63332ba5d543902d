"""The clauses one by one, as a user's own suite calls them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
import requests

from contract_tests import (
    Answer,
    Broken,
    History,
    Notification,
    Request,
    check_answer,
    check_notification,
    from_httpx,
    from_requests,
)
from mock_server.server import RunningServer

SPEECH = {"text": "Hello", "voice_id": "oversea_male1", "voice_language": "en"}
VOICE = {"voice_name": "Mine", "voice_url": "https://example.com/a.mp3", "external_task_id": "w1"}
KEY = {"Authorization": "Bearer of-the-suite"}
_ordinals = itertools.count()
TTS, VOICES = "/v1/audio/tts", "/v1/general/custom-voices"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A healthy server."""
    with RunningServer() as server:
        yield server.base_url


def posted(url: str, path: str, body: Any) -> Answer:
    """An answer, seen by httpx2."""
    return from_httpx(httpx2.post(url + path, json=body, headers=KEY))


def changed(answer: Answer, **data: Any) -> Answer:
    """An answer with other data."""
    body = {**answer.json, "data": {**answer.data, **data}, "request_id": f"r-{next(_ordinals)}"}
    return Answer(answer.request, answer.status, answer.headers, json.dumps(body).encode())


def test_answers_of_a_healthy_server_pass(url: str) -> None:
    """Answers of httpx2 and requests pass, accepted and refused ones; the operation is told by the path."""
    answers = [
        posted(url, TTS, SPEECH),
        posted(url, TTS, {}),
        from_requests(requests.post(url + TTS, json=SPEECH, headers=KEY, timeout=10)),
        from_requests(requests.get(url + VOICES, headers=KEY, timeout=10)),
    ]
    assert [answer.pair for answer in answers] == [(200, 0), (400, 1201), (200, 0), (200, 0)]
    for answer in answers:
        check_answer(answer)
    check_answer(answers[0], dialect="klingai", operation="createSpeech")


def test_a_wrong_answer_names_its_clause(url: str) -> None:
    """A broken answer is an assertion that begins with the clause's id."""
    refused = posted(url, TTS, {})
    wrong = replace(refused, status=200)
    with pytest.raises(Broken, match=r"^\[envelope.code-zero\]") as caught:
        check_answer(wrong)
    assert isinstance(caught.value, AssertionError)
    assert caught.value.clause == "envelope.code-zero"
    accepted = posted(url, TTS, SPEECH)
    forbidden = replace(accepted, request=replace(accepted.request, body=b'{"text": 1}'))
    with pytest.raises(Broken, match=r"^\[schema.request.refused\]"):
        check_answer(forbidden)


def test_an_unknown_operation_is_said(url: str) -> None:
    """An operation that the dialect does not have is a LookupError that names those it has."""
    answer = posted(url, TTS, SPEECH)
    with pytest.raises(LookupError, match="createSpeech"):
        check_answer(answer, operation="createSong")
    elsewhere = replace(answer, request=Request("GET", "http://example.com/else"))
    with pytest.raises(LookupError, match="name the operation"):
        check_answer(elsewhere)


def test_a_gateways_prefix_does_not_matter(url: str) -> None:
    """The operation is found behind whatever stands in front of its path."""
    answer = posted(url, TTS, SPEECH)
    moved = replace(answer.request, url=f"https://gw.example.com/team/a{TTS}?x=1")
    check_answer(replace(answer, request=moved))


def test_a_history_sees_what_one_answer_cannot(url: str) -> None:
    """Answers of one server contradict each other: ids twice, times that change, statuses that go back."""
    history = History()
    made = posted(url, VOICES, VOICE)
    history.add(made)
    task_id = made.data["task_id"]
    sent = replace(made.request, method="GET", url=f"{made.request.url}/{task_id}", body=b"")
    look = replace(made, request=sent)
    history.add(changed(look, task_status="processing"))
    for data, clause in (
        ({"task_status": "submitted"}, "task.status.transitions"),
        ({"created_at": 1_700_000_000_000}, "task.created-at.constant"),
        ({"updated_at": 1_700_000_000_000}, "task.updated-at.after-creation"),
        ({"task_id": "1"}, "voice-get.by-task-id"),
        ({"task_info": {"external_task_id": "other"}}, "task.info.echo"),
    ):
        later = {"task_status": "processing", **data}
        with pytest.raises(Broken, match=rf"^\[{clause}\]"):
            history.add(changed(look, **later))
    with pytest.raises(Broken, match=r"^\[envelope.request-id\]"):
        history.add(made)
    with pytest.raises(Broken, match=r"^\[ids.unique\]"):
        history.add(changed(made))


def test_a_notification_is_held_against_its_schema(url: str) -> None:
    """A bare task passes; one in an envelope does not."""
    task = posted(url, VOICES, {**VOICE, "external_task_id": "w2"}).data
    headers = {"content-type": "application/json"}
    bare = Notification(0, "POST", "/hook", headers, json.dumps(task).encode())
    check_notification(bare)
    wrapped = replace(bare, body=json.dumps({"code": 0, "data": task}).encode())
    with pytest.raises(Broken, match=r"^\[callback.bare\]"):
        check_notification(wrapped)
