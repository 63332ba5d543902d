"""Paging: one page of a sequence, counted from 1, newest first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

#: Source: openapi, rules paging.page-num and paging.page-size (documented).
DEFAULT_PAGE_NUM = 1
DEFAULT_PAGE_SIZE = 30
MAX_PAGE_NUM = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """Which page: ``number`` from 1 to 1000, ``size`` from 1 to 1000 or 500 (Behaviour.page_size_max)."""

    number: int = DEFAULT_PAGE_NUM
    size: int = DEFAULT_PAGE_SIZE


def take(items: Iterable[T], page: Page) -> list[T]:
    """The items of one page, in order; empty when the page lies behind the last item."""
    start = (page.number - 1) * page.size
    return list(islice(items, start, start + page.size))
