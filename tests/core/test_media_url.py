"""Where audio is: urls that say themselves whose they are and when they expire."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.media_url import URL_LIFE_MS, media_url, tag
from tests.support.tasks import T0, quick


def test_a_url_lives_thirty_days() -> None:
    """Documented: results are kept for 30 days."""
    assert URL_LIFE_MS == 30 * 24 * 60 * 60 * 1000


def test_a_url_is_origin_account_name_and_end() -> None:
    """The URL names the account's tag and the file, and ends with the second at which it dies."""
    url = media_url("http://h:1/base", "key-1", "speech/5-24.mp3", T0 + 999)
    assert url == f"http://h:1/base/media/{tag('key-1')}/speech/5-24.mp3?Expires={T0 // 1000}"


@quick
@given(st.text(max_size=8), st.text(max_size=8))
def test_a_tag_stands_for_one_account(one: str, other: str) -> None:
    """A tag is short, fit for a path, the same for the same account, and not its name."""
    assert re.fullmatch("[0-9a-f]{12}", tag(one))
    assert (tag(one) == tag(other)) == (one == other)


def test_any_account_has_a_tag() -> None:
    """A name that is no Unicode text has one too."""
    assert tag("\ud800") != tag("\udfff")
