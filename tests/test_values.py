"""Reading one raw value of a setting."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server import values
from mock_server.core.behaviour import Behaviour
from mock_server.core.limits import Rate
from mock_server.core.scenario import Progression
from tests.support.tasks import quick

number = values.number(0.5, 100)
whole = values.whole(-3, 1000)
one_of = values.one_of("wall", "virtual")
GOOD: list[tuple[Callable[[Any], Any], Any, Any]] = [
    (number, "1", 1.0),
    (number, 0.5, 0.5),
    (number, "1e2", 100.0),
    (number, 100, 100.0),
    (whole, "7", 7),
    (whole, 1000, 1000),
    (whole, "-3", -3),
    (whole, "007", 7),
    (values.text, "", ""),
    (values.text, "中", "中"),
    (values.text, 5, "5"),
    *((values.switch, word, True) for word in ("1", "true", "yes", "on", "TRUE", "On", True, 1)),
    *((values.switch, word, False) for word in ("0", "false", "no", "off", "NO", False, 0)),
    *((values.progression, item.value, item) for item in Progression),
    (values.progression, Progression.POLLS, Progression.POLLS),
    (one_of, "wall", "wall"),
    (one_of, "virtual", "virtual"),
    (values.units, "0", 0),
    (values.units, "0.05", 5),
    (values.units, 1.5, 150),
    (values.units, "0.29", 29),
    (values.units, 3, 300),
    (values.units, "1e9", 100_000_000_000),
    (values.rate, "10/1", Rate(10, 1.0)),
    (values.rate, " 1000000 / 86400 ", Rate(1_000_000, 86_400.0)),
    (values.rate, "1/0.001", Rate(1, 0.001)),
    (values.public_url, "", ""),
    (values.public_url, "http://h", "http://h"),
    (values.public_url, "https://h:1/a/", "https://h:1/a"),
    (values.public_url, "http://[::1]:80", "http://[::1]:80"),
    (values.instant, "1000000000000", 1_000_000_000_000),
    (values.instant, 1764547200000, 1764547200000),
    (values.instant, "1764547200000", 1764547200000),
    (values.instant, "2025-12-01T00:00:00Z", 1764547200000),
    (values.instant, "2025-12-01T01:00:00+01:00", 1764547200000),
    (values.instant, datetime(2025, 12, 1, tzinfo=UTC), 1764547200000),
    (values.instant, datetime(2025, 12, 1, 1, tzinfo=timezone(timedelta(hours=1))), 1764547200000),
    (values.behaviour, {}, Behaviour()),
    (values.behaviour, "both_sources=refuse", Behaviour(both_sources="refuse")),
    (values.behaviour, " both_sources = refuse ,page_size_max=500",
     Behaviour(both_sources="refuse", page_size_max="500")),
    (values.behaviour, ["both_sources=refuse", "page_size_max=500"],
     Behaviour(both_sources="refuse", page_size_max="500")),
    (values.behaviour, {"page_size_max": 500, "text_too_long": "1200"},
     Behaviour(page_size_max="500", text_too_long="1200")),
    (values.behaviour, Behaviour(page_size_max="500"), Behaviour(page_size_max="500")),
]  # fmt: skip


def each(
    read: Callable[[Any], Any], words: str, *raw: Any
) -> list[tuple[Callable[[Any], Any], Any, str]]:
    """Rows for values that one reader refuses with the same words."""
    return [(read, value, words) for value in raw]


BAD = [
    *each(number, "a number from 0.5 to 100", "", "x", "nan", "inf", "-inf", "0.4", 100.1, True),
    *each(number, "a number from 0.5 to 100", None, [], "1e999", 10**400),
    *each(whole, "a whole number from -3 to 1000", "", "x", "1.0", 1.0, "-4", 1001, True, None),
    *each(whole, "a whole number from -3 to 1000", "1 ", " 1", "٣", "1_0", "9" * 5000),
    *each(values.text, "text", 1.5, True, None, [], {}, date(2025, 12, 1)),
    *each(values.switch, "true or false", "", "x", "2", 2, None, "truee", []),
    *each(values.progression, "one of immediate, time, manual, polls", "", "Time", "x", None, []),
    *each(values.progression, "did you mean 'immediate'?", "imediate"),
    *each(values.progression, "did you mean 'polls'?", "poll"),
    *each(one_of, "one of wall, virtual", "", "x", None, [], "Wall", True),
    *each(one_of, "did you mean 'virtual'?", "virtul"),
    *each(values.units, "a number from 0 to 1e+09", "", "x", "-0.05", "nan", "1e10", None, True),
    *each(values.units, "at most two decimals", "0.001", 0.125, "1e-3"),
    *each(values.rate, "requests/seconds, such as 10/1", "", "10", "10/", "/1", "0/1", "1/0"),
    *each(values.rate, "requests/seconds, such as 10/1", "x/1", "1/x", "1.5/1", "1/1/1", None),
    *each(values.rate, "requests/seconds, such as 10/1", "1000001/1", "1/86401", "1/nan", True, 5),
    *each(values.public_url, "http or https URL", "h", "ftp://h", "http://", "http:///x"),
    *each(values.public_url, "http or https URL", "http://h?q=1", "http://h#f", "http://[bad"),
    *each(values.public_url, "http or https URL", "http://h:99999", "http://h:x", "http://h h"),
    *each(values.public_url, "text", None, 1.5, []),
    *each(
        values.instant,
        "ISO 8601",
        "",
        "x",
        "-1",
        "0",
        "9" * 15,
        "1999-01-01",
        "2025-13-01",
        "now",
        True,
        None,
        1.5,
        [],
    ),
    *each(values.behaviour, "name=value", "", "x", "=refuse", "x=", ["a"], 5),
    *each(values.behaviour, "did you mean 'both_sources'?", "both_source=refuse"),
    *each(values.behaviour, "one of accept, refuse", "both_sources=maybe", {"both_sources": True}),
]


def shown(value: Any) -> str:
    """A raw value as the name of a test."""
    return (getattr(value, "__name__", None) or repr(value))[:40]


@pytest.mark.parametrize(("read", "raw", "expected"), GOOD, ids=shown)
def test_a_good_value_is_read(read: Callable[[Any], Any], raw: Any, expected: Any) -> None:
    """A value is read alike from the text of a flag or variable and from what TOML makes of it."""
    found = read(raw)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("read", "raw", "words"), BAD, ids=shown)
def test_a_bad_value_is_refused_with_what_is_wanted(
    read: Callable[[Any], Any], raw: Any, words: str
) -> None:
    """A value that cannot be used is refused in one line that says what would be."""
    with pytest.raises(ValueError, match=re.escape(words)) as refused:
        read(raw)
    assert "\n" not in str(refused.value)


@quick
@given(
    st.one_of(
        st.text("a0:/=-,.T\n ٣\ud800", max_size=8),
        st.integers(),
        st.floats(),
        st.none(),
        st.binary(max_size=3),
    )
)
def test_every_value_is_read_or_refused(raw: Any) -> None:
    """No value breaks a reader: there is a result, or a refusal of one line."""
    readers = (number, whole, one_of, values.text, values.switch, values.progression)
    more = (values.units, values.rate, values.public_url, values.instant, values.behaviour)
    for read in (*readers, *more):
        try:
            read(raw)
        except ValueError as refused:
            assert "\n" not in str(refused)  # noqa: PT017  # some values are good


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine nine hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of the process cannot be set here")
@pytest.mark.usefixtures("far_east")
@pytest.mark.parametrize(
    "raw", ["2025-12-01T00:00:00", "2025-12-01", datetime(2025, 12, 1), date(2025, 12, 1)]
)
def test_an_instant_without_a_zone_is_utc(raw: Any) -> None:
    """An instant that names no zone is UTC, so that a world begins alike on every machine."""
    assert values.instant(raw) == 1764547200000
