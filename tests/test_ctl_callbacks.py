"""``kling-mock ctl`` on callbacks, against a real server and a real receiver."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from mock_server import RunningServer
from mock_server.cli import main
from tests.support.receiver import Receiver

VOICES = "/v1/general/custom-voices"


class Shell:
    """The command line, for the one account of a server."""

    def __init__(self, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._url = url
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str]:
        """Runs a command; its exit code, and what it printed or complained of."""
        self._capsys.readouterr()
        try:
            code = main(["ctl", *words, "--url", self._url, "--key", "shell-key"])
        except SystemExit as end:
            code = int(str(end.code))
        out, err = self._capsys.readouterr()
        return code, (out + err).strip()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of callbacks."""
    with Receiver() as running:
        yield running


@pytest.fixture
def shell(receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """A server on which one voice with a callback was created, and its command line."""
    with RunningServer(speed=0) as server:
        body = {
            "voice_name": "Ada",
            "voice_url": "https://example.com/ada.mp3",
            "external_task_id": "ada-1",
            "callback_url": receiver.url(),
        }
        headers = {"authorization": "Bearer shell-key"}
        answer = httpx2.post(server.base_url + VOICES, json=body, headers=headers, trust_env=False)
        assert answer.status_code == 200
        yield Shell(server.base_url, capsys)


def rows(printed: str) -> list[list[str]]:
    """The rows of a table, split into words."""
    return [line.split() for line in printed.splitlines()[1:]]


def test_deliveries_are_listed_with_their_outcome(shell: Shell) -> None:
    """Each callback is a row: what it reports, how far it is, and what the receiver answered."""
    shell("advance", "9s")

    code, printed = shell("deliveries")

    assert code == 0
    assert [row[2:5] for row in rows(printed)] == [
        ["processing", "delivered", "200"],
        ["succeed", "delivered", "200"],
    ]
    assert shell("deliveries", "--state", "failed") == (0, "no deliveries")
    assert len(rows(shell("deliveries", "--task", "ada-1")[1])) == 2


def test_callbacks_are_held_until_they_are_released(shell: Shell, receiver: Receiver) -> None:
    """Hold keeps back what comes; release sends it, one by its number or all."""
    assert shell("hold") == (0, "new callbacks are held until they are released")
    shell("advance", "9s")
    assert [row[3] for row in rows(shell("deliveries")[1])[:2]] == ["held", "held"]
    assert receiver.requests == []

    assert shell("release", "1")[0] == 0
    shell("settle")
    assert len(receiver.requests) == 1

    assert shell("release") == (0, "released 1 callback")
    shell("settle")
    assert len(receiver.requests) == 2


def test_a_callback_is_sent_again_or_called_off(shell: Shell, receiver: Receiver) -> None:
    """Resend makes another delivery of what was delivered; what is over can be neither fired nor dropped."""
    shell("advance", "9s")

    code, printed = shell("resend", "2")
    shell("settle")

    assert code == 0
    assert rows(printed)[0][:1] == ["3"]
    assert [request.json["task_status"] for request in receiver.requests] == [
        "processing",
        "succeed",
        "succeed",
    ]
    for action in ("fire", "drop", "hold", "release"):
        code, words = shell(action, "2")
        assert (code, words) == (2, f"kling-mock: delivery 2 is delivered: no {action}")
    assert shell("resend", "77")[0] == 2


def test_faults_of_callbacks_are_armed_listed_and_disarmed(
    shell: Shell, receiver: Receiver
) -> None:
    """arm-callback takes the text of a fault and says what it strikes; a mistake names the known words."""
    armed = "callback-fault-1: times=2 on task_status=processing, count=1"
    words = ["arm-callback", "times=2", "--task-status", "processing", "--count", "1"]
    assert shell(*words) == (0, f"armed {armed}")
    assert shell("callback-faults") == (0, armed)

    shell("advance", "9s")
    assert len(receiver.requests) == 3

    assert shell("disarm-callback") == (0, "disarmed 1")
    assert shell("callback-faults") == (0, "no callback faults")
    code, printed = shell("arm-callback", "twice")
    assert code == 2
    assert printed.startswith("kling-mock: fault: unknown part 'twice'; ")
