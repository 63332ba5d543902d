"""tenacity: polls with a growing back-off, and waits as long as a refusal asks for."""

from typing import Any

import httpx2
import pytest
from tenacity import (
    RetryCallState,
    retry,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    wait_exponential,
)

from mock_server.testing import KlingMock


class Busy(Exception):
    """The server asks to come again later."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"again in {retry_after:g} s")
        self.retry_after = retry_after


def is_running(task: dict[str, Any]) -> bool:
    """Whether a task has not ended yet."""
    return task["task_status"] not in ("succeed", "failed")


def until_next(state: RetryCallState) -> float:
    """Seconds until the next attempt: those of Retry-After, or 1, 2, 4, 8, 10, 10."""
    error = state.outcome and state.outcome.exception()
    return error.retry_after if isinstance(error, Busy) else wait_exponential(max=10)(state)


@retry(
    retry=retry_if_result(is_running) | retry_if_exception_type(Busy),
    wait=until_next,
    stop=stop_after_attempt(20),
)
def finished(api: httpx2.Client, task_id: str) -> dict[str, Any]:
    """Returns the record of a custom voice when it has ended."""
    answer = api.get(f"/v1/general/custom-voices/{task_id}")
    if "retry-after" in answer.headers:
        raise Busy(float(answer.headers["retry-after"]))
    task: dict[str, Any] = answer.raise_for_status().json()["data"]
    return task


@pytest.mark.kling_mock(speed=0)
def test_waits_for_as_long_as_it_is_told(kling_mock: KlingMock) -> None:
    """Back-off of 1 s and 2 s, then the 30 s that the server asks for; none of it is slept."""
    body = {"voice_name": "Ada", "voice_url": "https://example.com/ada.mp3"}
    kling_mock.fault("5001;retry-after=30", operation="getCustomVoice", after=2, count=1)

    with httpx2.Client(base_url=kling_mock.base_url, headers=kling_mock.headers()) as api:
        created = api.post("/v1/general/custom-voices", json=body).json()["data"]
        begin = kling_mock.clock.now()
        patient = finished.retry_with(sleep=kling_mock.clock.advance)
        task = patient(api, created["task_id"])

    assert task["task_status"] == "succeed"
    assert kling_mock.clock.now() - begin == 33_000
