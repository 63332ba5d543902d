"""What may be shown of a URL."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_server.core.redact import shown_url
from tests.support.tasks import quick

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h/p", "http://h/p"),
        ("https://h:8443", "https://h:8443"),
        (f"http://h/p?token={SECRET}", "http://h/p?..."),
        (f"http://user:{SECRET}@h:80/p", "http://h:80/p"),
        (f"http://a@b:{SECRET}@h/p", "http://h/p"),
        (f"http://h/p#{SECRET}", "http://h/p"),
        (f"http://u:{SECRET}@h/p?k={SECRET}#{SECRET}", "http://h/p?..."),
        (f"http://[{SECRET}/p", "(not a URL)"),
        ("http://[::1]:80/p", "http://[::1]:80/p"),
    ],
)
def test_secrets_of_a_url_are_not_shown(url: str, shown: str) -> None:
    """Scheme, host, port and path are shown; user information and fragment are not, and of a query that it exists."""
    assert shown_url(url) == shown


@quick
@given(st.text("ab/:@?#[]%\n", max_size=12))
@example("[")
@example("]@[")
def test_any_text_can_be_shown(tail: str) -> None:
    """Whatever stands behind a URL's query is not shown, and no text breaks the showing."""
    assert SECRET not in shown_url(f"http://{tail}?{SECRET}")
