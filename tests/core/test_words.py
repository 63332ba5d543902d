"""Words for a mistake."""

from __future__ import annotations

from mock_server.core.errors import Reason
from mock_server.core.words import nearest


def test_the_nearest_word_is_offered_or_none() -> None:
    """A remedy is offered when a known word is near, and none when none is."""
    assert nearest("sedd", ["seed", "port"]) == "; did you mean 'seed'?"
    assert nearest("xyz", ["seed", "port"]) == ""
    assert nearest("seed", []) == ""
    assert nearest("rate_limt", Reason) == "; did you mean 'rate_limit'?"
