"""A server far away: each answer takes long, so that less is generated and more is asked at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from contract_tests.pace import AT_ONCE, FAR_S, Pace, words
from contract_tests.waiting import IN_VAIN_S, Patience
from mock_server import settings
from mock_server.http.app import create_app
from tests.support.checking import check


class Far:
    """An application whose answers come late.

    Args:
        app: what answers.
        delay_s: how much later.

    Attributes:
        most: requests that were under way at one time.
    """

    def __init__(self, app: ASGIApp, delay_s: float) -> None:
        self.most = 0
        self._app = app
        self._delay_s = delay_s
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers later."""
        if scope["type"] == "http":
            self._under_way += 1
            self.most = max(self.most, self._under_way)
            await asyncio.sleep(self._delay_s)
            self._under_way -= 1
        await self._app(scope, receive, send)


def test_a_server_far_away_is_asked_several_things_at_once(tmp_path: Path) -> None:
    """It passes as the same server nearby does, and the report says what was reduced."""
    app = Far(create_app(settings.build(quiet=True)), FAR_S + 0.05)
    options = ("--dialect", "ezmodel", "--profile", "smoke", "--seed", "1", "--json")
    far = check(app, *options, cwd=tmp_path)
    near = check(create_app(settings.build(quiet=True)), *options, cwd=tmp_path)
    assert far.code == 0, far.out + far.err
    assert far.of("passed") == near.of("passed")
    assert 1 < app.most <= AT_ONCE + 1
    assert "less was generated" in far.report["reduced"]
    assert near.report["reduced"] == ""


def test_the_first_look_tells_how_far_a_server_is() -> None:
    """One quick answer is enough for a server to be near; what comes later changes nothing."""
    far, near = Pace(), Pace()
    for took_s in (0.3, 0.4, 0.3):
        far.note(took_s, is_busy=False)
        near.note(took_s, is_busy=False)
    near.note(0.01, is_busy=False)
    for pace in (far, near):
        pace.settle()
    far.note(0.01, is_busy=False)
    assert (far.is_far, far.at_once, near.is_far, near.at_once) == (True, AT_ONCE, False, 1)
    assert "0.3 s" in words(far, 12)
    assert words(near, 12) == ""


def test_a_server_that_refuses_many_at_once_is_asked_one_by_one() -> None:
    """After a refusal since there are too many, or where it may charge, requests leave one after the other."""
    crowded, paid = Pace(), Pace(is_single=True)
    for pace in (crowded, paid):
        for _ in range(3):
            pace.note(0.5, is_busy=False)
        pace.settle()
    crowded.note(0.5, is_busy=True)
    assert (crowded.at_once, paid.at_once) == (1, 1)
    assert paid.each(str, [1, 2]) == ["1", "2"]


def test_one_wait_in_vain_makes_the_next_ones_short() -> None:
    """What did not come is not waited for again, and all else together for a few seconds only."""
    patience = Patience(120.0)
    assert patience.take("the first") == 120.0
    patience.lost("the first", 120.0)
    assert patience.take("the first") == 0.0
    assert patience.take("the second") == IN_VAIN_S
    patience.lost("the second", IN_VAIN_S)
    assert patience.take("the third") == 0.0
