"""``kling-mock ctl report`` against a real server over loopback."""

from __future__ import annotations

import httpx2
import pytest

from mock_server import RunningServer
from tests.test_ctl import Ctl, ctl, http, server

__all__ = ["ctl", "http", "server"]  # fixtures


def hasty(ctl: Ctl) -> str:
    """Lets a client poll five times without a pause; the task's id."""
    task_id = str(ctl.api.learn().data["task_id"])
    for _ in range(5):
        ctl.api.voice(task_id)
    return task_id


def test_report_says_what_is_wrong_and_what_to_do(ctl: Ctl) -> None:
    """The summary, what is not well with proof, remedy and clause, then what is, and the cost."""
    task_id = hasty(ctl)
    lines = ctl("report").lines

    assert "6 requests judged" in lines[0]
    assert lines[1].startswith("1 warning, 1 advice, ")
    place = lines.index(next(line for line in lines if line.startswith("WARNING")))
    assert "polling.interval" in lines[place]
    assert f"no. 3: task {task_id}: 5 polls" in lines[place + 1]
    assert "->" in lines[place + 2]
    assert any("voice-create.duration (observed)" in line for line in lines)
    assert any(line.startswith("ok  ") for line in lines)
    assert any("not seen: " in line for line in lines)
    assert lines[-1].startswith("live this would have cost 0.05 units, 6 calls, 1 task")
    assert max(map(len, lines)) < 210


def test_report_fits_the_terminal(ctl: Ctl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Explanations and proofs are wrapped to the columns of the terminal, a hundred at most."""
    hasty(ctl)
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, ctl("report").lines)) <= 80
    monkeypatch.setenv("COLUMNS", "300")
    assert 80 < max(map(len, ctl("report").lines)) <= 100


def test_report_shows_what_depends_on_open_rules(ctl: Ctl) -> None:
    """Each lint with its first request, what may happen, and the clause."""
    ctl.api.speak(mood="gay")
    text = ctl("report").out

    assert "unknown-fields, passed once" in text
    assert "request.unknown-fields (assumed)" in text


def test_report_as_json_is_the_card(ctl: Ctl) -> None:
    """--json prints what the control API answers."""
    hasty(ctl)
    assert ctl.json("report") == ctl.get("/__mock__/report")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("report", 0),
        ("report --fail-on warning", 1),
        ("report --fail-on advice", 1),
        ("report --fail-on warning --since 6", 0),
        ("report --fail-on warning --json", 1),
    ],
)
def test_a_warning_fails_a_build_that_asks_for_it(ctl: Ctl, line: str, code: int) -> None:
    """Without --fail-on a card is a card; with it, the exit code says whether anything is as bad."""
    hasty(ctl)
    done = ctl.raw(*line.split())

    assert done.code == code
    assert done.out
    assert ("--fail-on" in done.err) == bool(code)


def test_an_advice_is_no_warning(ctl: Ctl) -> None:
    """--fail-on warning lets an advice pass, --fail-on advice does not."""
    ctl.api.learn()
    ctl("advance 9")

    assert ctl.raw("report", "--fail-on", "warning").code == 0
    assert "2 advices " in ctl.fails("report --fail-on advice", 1)


def test_mistakes_are_said_in_one_line(ctl: Ctl) -> None:
    """An unknown level, and an account that nobody has seen."""
    assert "warning" in ctl.fails("report --fail-on error")
    assert "nobody" in ctl.fails(f"report --account nobody --url {ctl.url}")


def test_what_a_client_sent_cannot_write_to_the_terminal(
    ctl: Ctl, server: RunningServer, http: httpx2.Client
) -> None:
    """Control characters of ids and fields are shown as question marks."""
    ctl.api.learn(external_task_id="\x1b[31mred\u202e", mood="\x1b[2J")
    headers = {"authorization": f"Bearer {ctl.api.key}"}
    http.get(f"{server.base_url}/v1/general/custom-voices/%1b%5B31mred", headers=headers)

    ctl("report")  # which checks what was printed
