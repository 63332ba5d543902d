"""httpx2: an answer that is lost, and the task recovered by its external id instead of paid for twice."""

from typing import Any

import httpx2
import pytest

from mock_server.testing import KlingMock

VOICES = "/v1/general/custom-voices"


def create_voice(api: httpx2.Client, name: str, sample: str, external_id: str) -> dict[str, Any]:
    """Creates a voice exactly once, and returns its task, even if the answer to the creation is lost."""
    body = {"voice_name": name, "voice_url": sample, "external_task_id": external_id}
    for _ in range(3):
        try:
            answer = api.post(VOICES, json=body)
        except httpx2.TransportError:  # it may have been created, or not: ask
            answer = api.get(f"{VOICES}/{external_id}")
            if answer.json()["code"] == 1201:  # it was not
                continue
        answer.raise_for_status()
        task: dict[str, Any] = answer.json()["data"]
        return task
    raise TimeoutError("no answer to three attempts")


@pytest.mark.kling_mock(strict=True, allow_refusals=True)
@pytest.mark.parametrize("commit", ["before", "never"])
def test_a_lost_answer_makes_no_second_voice(kling_mock: KlingMock, commit: str) -> None:
    """The task was created before the connection was reset, or never; strict: the fault must have been met."""
    kling_mock.fault(f"reset;commit={commit}", operation="createCustomVoice", count=1)

    with httpx2.Client(base_url=kling_mock.base_url, headers=kling_mock.headers()) as api:
        task = create_voice(api, "Ada", "https://example.com/ada.mp3", "ada-1")

    assert [known["task_id"] for known in kling_mock.tasks.list()] == [task["task_id"]]
