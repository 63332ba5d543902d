"""Disputed rules: what the other readings do. The default readings are in the tests of the operations."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server import RunningServer
from tests.http.api import EZ_PATH, NOTHING, PREFIXES, Api, api
from tests.support.receiver import Receiver

DIALECTS = sorted(PREFIXES)


def reading(name: str, value: str, dialect: str = "klingai") -> Api:
    """A mock with one reading that is not the default."""
    return api(dialect, behaviour=f"{name}={value}")


@pytest.mark.parametrize(
    ("speed", "accepted"),
    [
        (0.75, True),
        (0.74, False),
        (2.04, True),
        (2.05, False),
        (-1, False),
        (1e300, False),
        (1, True),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_speed_out_of_range_can_be_refused(dialect: str, speed: float, accepted: bool) -> None:
    """With speech_speed_out_of_range=refuse a speed that rounds to a value outside [0.8, 2.0] is 400/1201."""
    answer = reading("speech_speed_out_of_range", "refuse", dialect).speak(voice_speed=speed)

    assert answer.status == (200 if accepted else 400)
    if not accepted:
        assert answer.error == (400, 1201)
        assert answer.message == "voice_speed must be between 0.8 and 2.0"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_risky_text_can_become_a_failed_task(dialect: str) -> None:
    """With speech_content_risk=fail risky text is HTTP 200 with a failed task that costs nothing."""
    mock = reading("speech_content_risk", "fail", dialect)

    answer = mock.speak(text="mock:risk-control and more")

    assert answer.data == {
        "task_id": answer.data["task_id"],
        "task_status": "failed",
        "task_status_msg": "Failure to pass the risk control system",
        "created_at": answer.data["created_at"],
        "updated_at": answer.data["created_at"],
        "task_result": {},
    }
    assert mock.get(f"/v1/audio/tts/{answer.data['task_id']}").data == answer.data


def test_risky_text_is_refused_by_ezmodel_in_both_readings() -> None:
    """EzModel's envelope has no failed task: risky text is 400 there whatever the reading."""
    body = {"text": "mock:risk-control", "voice_id": "voice_001"}

    for mock in (api(), reading("speech_content_risk", "fail")):
        answer = mock.post(EZ_PATH, body)
        assert answer.error == (400, 400)
        assert answer.message == "Failure to pass the risk control system"
        assert answer.headers["x-mock-scenario"] == "risk-control"


def test_long_text_can_be_1200() -> None:
    """With text_too_long=1200 a long text is 400/1200, and other long fields stay 1201."""
    mock = reading("text_too_long", "1200")

    assert mock.speak(text="a" * 1001).error == (400, 1200)
    assert mock.speak(voice_id="a" * 257).error == (400, 1201)


@pytest.mark.parametrize("body", [NOTHING, b"{", b"[]", b"null", b" " * 1_000_001])
def test_unparsable_body_can_be_1201(body: Any) -> None:
    """With unparsable_body=1201 a body that is no object, or over 1 MB, is 400/1201."""
    assert api().post("/v1/audio/tts", body).error == (400, 1200)
    assert reading("unparsable_body", "1201").post("/v1/audio/tts", body).error == (400, 1201)


def test_two_sources_can_be_refused() -> None:
    """With both_sources=refuse voice_url together with video_id is 400/1201; an empty one is none."""
    mock = reading("both_sources", "refuse")

    refused = mock.learn(video_id="1")

    assert refused.error == (400, 1201)
    assert mock.voices().data == []
    assert mock.learn(video_id="").status == 200
    assert mock.learn(voice_url="", video_id="1").status == 200


def test_external_id_of_a_failed_task_can_be_free() -> None:
    """With external_id_after_failure=free the id is free once its task has failed, and then names the newer task."""
    mock = reading("external_id_after_failure", "free")
    first = mock.learn(external_task_id="e", voice_name="mock:too-short").data["task_id"]
    mock.advance(3.999)
    assert mock.learn(external_task_id="e").error == (400, 1201)
    mock.advance(0.001)

    second = mock.learn(external_task_id="e").data["task_id"]

    assert mock.voice("e").data["task_id"] == second
    assert mock.voice(first).data["task_info"] == {"external_task_id": "e"}
    mock.advance(9)
    assert mock.learn(external_task_id="e").error == (400, 1201)


@pytest.mark.parametrize("path", ["custom-voices", "presets-voices"])
def test_largest_page_can_be_500(path: str) -> None:
    """With page_size_max=500 a pageSize of 501 is 400/1201 and 500 is not."""
    mock = reading("page_size_max", "500")

    assert mock.get(f"/v1/general/{path}?pageSize=500").status == 200
    assert mock.get(f"/v1/general/{path}?pageSize=501").error == (400, 1201)
    assert api().get(f"/v1/general/{path}?pageSize=1000").status == 200


@pytest.mark.parametrize("dialect", DIALECTS)
def test_delete_can_answer_less(dialect: str) -> None:
    """With delete_answer=stub data is task_id and task_status; with none there is no data key. Both delete."""
    answers = {}
    for value in ("stub", "none"):
        mock = reading("delete_answer", value, dialect)
        record = mock.ready_voice()
        voice_id = record["task_result"]["voices"][0]["voice_id"]
        answers[value] = mock.delete(voice_id)
        assert mock.delete(voice_id).error == (400, 1201)

    assert set(answers["stub"].data) == {"task_id", "task_status"}
    assert answers["stub"].data["task_status"] == "succeed"
    assert set(answers["none"].value) == {"code", "message", "request_id"}
    assert (answers["none"].value["code"], answers["none"].message) == (0, "SUCCEED")


def test_task_of_a_deleted_voice_can_be_hidden() -> None:
    """With deleted_voice_task=hidden it is neither queried nor listed nor paged; its ids stay taken."""
    mock = reading("deleted_voice_task", "hidden")
    ids = [mock.learn(external_task_id=f"e{number}").data["task_id"] for number in range(3)]
    mock.advance(9)
    voice_id = mock.voice("e1").data["task_result"]["voices"][0]["voice_id"]

    mock.delete(voice_id)

    assert mock.voice("e1").error == (400, 1201)
    assert mock.voice(ids[1]).error == (400, 1201)
    assert [item["task_id"] for item in mock.voices().data] == [ids[2], ids[0]]
    assert [item["task_id"] for item in mock.voices("?pageSize=1&pageNum=2").data] == [ids[0]]
    assert mock.delete(voice_id).message == f"Voice already be deleted for id: {voice_id}"
    assert mock.learn(external_task_id="e1").message == "External_task_id e1 already exists"


@pytest.mark.parametrize(
    ("firing", "reported"),
    [
        ("changes", ["processing", "succeed"]),
        ("with_submitted", ["submitted", "processing", "succeed"]),
        ("terminal", ["succeed"]),
    ],
)
def test_callbacks_report_what_the_reading_says(firing: str, reported: list[str]) -> None:
    """callback_firing says which statuses are sent: every change, submitted too, or the terminal one."""
    with (
        Receiver() as receiver,
        RunningServer(speed=0, behaviour=f"callback_firing={firing}") as server,
    ):
        account = server.account("k")
        mock = Api(account.http.client, "k")
        mock.learn(callback_url=receiver.url())
        account.clock.advance(0)
        receiver.wait_until(
            lambda: len(receiver.requests) >= len(reported) - 2, "what is due at the create"
        )
        account.clock.advance(9)

        assert [item.json["task_status"] for item in receiver.requests] == reported
