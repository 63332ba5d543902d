"""Refusals."""

from __future__ import annotations

import pytest

from mock_server.core.errors import Reason, Refused


@pytest.mark.parametrize("reason", Reason)
def test_a_refusal_carries_its_reason(reason: Reason) -> None:
    """A refusal without words of its own reads as its reason, and leaves the words to the error table."""
    refused = Refused(reason)
    assert (refused.reason, refused.message, refused.scenario) == (reason, "", "")
    assert str(refused) == reason


def test_a_refusal_can_bring_its_own_words() -> None:
    """Words for the caller and the scenario that asked for the refusal travel with it."""
    refused = Refused(Reason.CONTENT_POLICY, "no", "risk-control")
    assert (str(refused), refused.message, refused.scenario) == ("no", "no", "risk-control")
