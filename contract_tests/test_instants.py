"""Instants are Unix time, and not that of a clock on some wall."""

from __future__ import annotations

import pytest

from contract_tests import instants
from contract_tests.garden import PLAIN, Garden

pytestmark = pytest.mark.billable


def test_instants_are_unix_time(garden: Garden) -> None:
    """created_at is the instant at which the task was accepted, and updated_at is not in hours to come.

    Where the kit cannot move the clock, instants are held against the server's own, as its header Date shows it.

    Source: time.milliseconds.
    """
    task, api = garden.ripe(PLAIN), garden.api
    answer = api.accepted("getCustomVoice", name=task.id, clause="voice-get.by-task-id")
    instants.is_of_now(api.target, answer)
    instants.is_not_ahead(api.target, answer)
