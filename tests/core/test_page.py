"""Paging."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.page import Page, take
from tests.support.tasks import quick


@quick
@given(st.integers(0, 30), st.integers(1, 8))
def test_pages_cover_a_list_in_order_and_never_overlap(length: int, size: int) -> None:
    """Page after page gives every item once, in order; each page but the last is full, and then all are empty."""
    items = list(range(length))
    full, rest = divmod(length, size)
    pages = [take(items, Page(number, size)) for number in range(1, full + 3)]
    assert [item for page in pages for item in page] == items
    assert [len(page) for page in pages] == [size] * full + [rest] + [0]


@quick
@given(st.integers(1, 1000), st.integers(1, 1000))
def test_a_page_needs_no_list(number: int, size: int) -> None:
    """A page takes what it needs from a stream, and no item behind it."""
    stream = iter(range(10**7))
    start = (number - 1) * size
    assert take(stream, Page(number, size)) == list(range(start, start + size))
    assert next(stream) == start + size


def test_the_default_page_is_the_first_thirty() -> None:
    """By default a list shows its first 30 items (documented)."""
    assert take(range(100), Page()) == list(range(30))
