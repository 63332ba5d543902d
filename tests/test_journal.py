"""The journal of one account: bounded by entries and bytes, numbered without a gap."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.journal import LONGEST, MAX_BODY_BYTES, Entry, Journal, Row
from tests.http.api import api
from tests.support.tasks import T0, quick


def row(
    *,
    raw: bytes = b"{}",
    size: int | None = None,
    path: bytes = b"/v1/audio/tts",
    query: bytes = b"",
    path_id: str = "",
    task_id: str = "",
    external_id: str = "",
) -> Row:
    """A speech that was created at ``T0``, as the pipeline writes it."""
    return (
        T0,
        T0 * 1_000_000 + 999_999,
        0.00126,
        "POST",
        path,
        query,
        "createSpeech",
        "klingai",
        path_id,
        raw,
        len(raw) if size is None else size,
        200,
        0,
        "",
        "request-1",
        task_id,
        external_id,
        "slow",
        "latency=1",
        "watch out",
        ("127.0.0.1", 4711),
        b"application/json",
        None,
        None,
    )


def entry(**values: Any) -> Entry:
    """The one entry of a journal that holds such a row."""
    journal = Journal()
    journal.append(row(**values))
    (only,) = journal
    return only


def test_an_entry_is_what_was_written() -> None:
    """An entry has a number, both instants in ms, and what was asked and answered."""
    assert entry(raw=b'{"a":1}', query=b"x=1") == Entry(
        number=1,
        at=T0,
        wall=T0,
        method="POST",
        path="/v1/audio/tts",
        query="x=1",
        operation="createSpeech",
        dialect="klingai",
        path_id="",
        raw=b'{"a":1}',
        size=7,
        status=200,
        code=0,
        message="",
        took_ms=1.3,
        request_id="request-1",
        task_id="",
        external_id="",
        scenario="slow",
        fault="latency=1",
        warning="watch out",
        peer=("127.0.0.1", 4711),
        content_type=b"application/json",
    )


@quick
@given(st.integers(0, 4), st.integers(0, 12), st.lists(st.integers(0, 5), max_size=12))
def test_the_newest_are_kept(entries: int, size: int, bodies: list[int]) -> None:
    """A journal keeps as many of the newest as its bounds allow, counts the others, and numbers all."""
    journal = Journal(entries, size)
    for length in bodies:
        journal.append(row(raw=b"x" * length))
    kept = [len(item.raw) for item in journal]
    assert kept == bodies[len(bodies) - len(kept) :]
    assert len(journal) == len(kept) <= entries
    assert sum(kept) <= size
    assert journal.dropped == len(bodies) - len(kept)
    assert journal.last == len(bodies)
    assert [item.number for item in journal] == list(range(journal.dropped + 1, journal.last + 1))
    if len(kept) < min(entries, len(bodies)):
        # One more would have been too many bytes, or an even newer one pushed it out.
        assert any(sum(bodies[-count:]) > size for count in range(1, len(kept) + 2))


@quick
@given(st.integers(1, 5), st.integers(0, 8), st.integers(-1, 10))
def test_entries_after_a_number(entries: int, written: int, number: int) -> None:
    """What came after a number is given from the oldest on, as far as it is kept."""
    journal = Journal(entries)
    for _ in range(written):
        journal.append(row())
    numbers = [item.number for item in journal.since(number)]
    assert numbers == [item.number for item in journal if item.number > number]


def test_a_cleared_journal_goes_on_counting() -> None:
    """What is cleared is gone and not counted as dropped; numbers are never used again."""
    journal = Journal(2)
    for _ in range(3):
        journal.append(row())
    assert journal.clear() == 2
    assert (len(journal), journal.dropped, journal.last) == (0, 1, 3)
    assert journal.clear() == 0
    assert journal.since(0) == []
    journal.append(row(raw=b"[]"))
    assert [item.number for item in journal] == [4]


def test_cleared_bytes_count_no_longer() -> None:
    """After a clear the whole bound of bytes is free again."""
    journal = Journal(10, 10)
    journal.append(row(raw=b"x" * 10))
    journal.clear()
    journal.append(row(raw=b"x" * 10))
    assert (len(journal), journal.dropped) == (1, 0)


def test_a_journal_can_be_switched_off() -> None:
    """A journal of no entries keeps nothing and counts everything."""
    journal = Journal(0)
    journal.append(row())
    assert (len(journal), journal.dropped, journal.last) == (0, 1, 1)


@pytest.mark.parametrize(
    ("raw", "size", "value", "is_cut"),
    [
        (b'{"a": 1}', None, {"a": 1}, False),
        (b"[1]", None, [1], False),
        (b"", None, None, False),
        (b"{", None, None, False),
        (b"\xff", None, None, False),
        (b'{"a": 1}', 9, None, True),
        (b"", MAX_BODY_BYTES + 1, None, True),
    ],
)
def test_a_body_is_decoded_when_it_is_whole(
    raw: bytes, size: int | None, value: Any, is_cut: bool
) -> None:
    """A body is shown as JSON; one that is none, or that was cut, is shown as nothing, and the cut is told."""
    found = entry(raw=raw, size=size)
    assert (found.json, found.is_cut) == (value, is_cut)


def test_an_entry_knows_the_names_of_its_task() -> None:
    """A task goes by the id in the path, its task id and its external id, as far as there are any."""
    assert entry().names == ()
    assert entry(path_id="order-1", task_id="17", external_id="order-1").names == (
        "order-1",
        "17",
        "order-1",
    )


def test_query_parameters_are_decoded() -> None:
    """Parameters are given by name, empty ones too."""
    assert entry(query=b"pageNum=2&x=&a=%E4%B8%AD").parameters == {
        "pageNum": "2",
        "x": "",
        "a": "中",
    }


def test_any_bytes_are_shown() -> None:
    """Paths and queries are bytes of a client; none of them breaks the journal."""
    every = bytes(range(256))
    found = entry(path=every, query=every)
    assert found.path.encode("latin-1") == found.query.encode("latin-1") == every
    assert isinstance(found.parameters, dict)


def test_endless_paths_are_kept_cut() -> None:
    """Of a path, a query and an id no more is kept than can be read, so that the journal stays small."""
    mock = api()
    mock.get("/v1/general/custom-voices/" + "y" * 9000 + "?" + "x" * 9000)
    (found,) = mock.control("GET", "/journal")[1]["entries"]
    assert len(found["path"]) == LONGEST
    assert len(found["query"]) == LONGEST
