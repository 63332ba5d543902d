"""Patterns: which exchanges are meant, and in what words another one is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.pattern import Pattern
from tests.support.tasks import quick


@dataclass(frozen=True, slots=True)
class Seen:
    """An exchange: a voice that was created with success."""

    operation: str = "createCustomVoice"
    dialect: str = "klingai"
    method: str = "POST"
    path: str = "/v1/general/custom-voices"
    status: int = 200
    code: int | None = 0
    scenario: str = "slow"
    fault: str = "latency=1"
    names: tuple[str, ...] = ("17", "order-1")
    json: Any = field(default_factory=lambda: {"voice_name": "Ada", "n": 1, "deep": {"a": [1, 2]}})
    parameters: Mapping[str, str] = field(default_factory=lambda: {"pageNum": "2", "x": ""})


SEEN = Seen()


@pytest.mark.parametrize(
    "pattern",
    [
        Pattern(),
        Pattern(operation=("createCustomVoice",)),
        Pattern(operation=("createSpeech", "createCustomVoice")),
        Pattern(dialect="klingai", method="POST"),
        Pattern(path="/v1/general/custom-voices"),
        Pattern(path="/v1/*"),
        Pattern(path="*"),
        Pattern(path="*/custom-*s"),
        Pattern(task="17"),
        Pattern(task="order-1"),
        Pattern(status=200, code=0, scenario="slow"),
        Pattern(fault="latency=1"),
        Pattern(fault="*"),
        Pattern(query={"pageNum": "2"}),
        Pattern(query={"x": ""}),
        Pattern(body={"voice_name": "Ada"}),
        Pattern(body={"n": 1.0}),
        Pattern(body={"deep": {}}),
        Pattern(body={"deep": {"a": [1, 2]}}),
    ],
    ids=str,
)
def test_what_a_pattern_leaves_out_is_anything(pattern: Pattern) -> None:
    """A pattern is met by every exchange that has what it names, whatever else that has."""
    assert pattern.matches(SEEN)
    assert list(pattern.mismatches(SEEN)) == []


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (Pattern(operation=("createSpeech", "getSpeech")),
         "operation is createCustomVoice, not createSpeech or getSpeech"),
        (Pattern(dialect="kkiai"), "dialect is 'klingai', not 'kkiai'"),
        (Pattern(method="GET"), "method is 'POST', not 'GET'"),
        (Pattern(path="/v1/general"), "path is /v1/general/custom-voices, not /v1/general"),
        (Pattern(path="/v1/GENERAL/*"), "path is /v1/general/custom-voices, not /v1/GENERAL/*"),
        (Pattern(path="/v1/general/custom-voice?"), "path is /v1/general/custom-voices"),
        (Pattern(path="/v1/general/custom-voice[s]"), "path is /v1/general/custom-voices"),
        (Pattern(task="1"), "task is 17 or order-1, not 1"),
        (Pattern(status=429), "status is 200, not 429"),
        (Pattern(code=1102), "code is 0, not 1102"),
        (Pattern(fault="latency"), "fault is latency=1, not latency"),
        (Pattern(scenario="noisy"), "scenario is 'slow', not 'noisy'"),
        (Pattern(query={"pageNum": "3"}), "query pageNum is '2', not '3'"),
        (Pattern(query={"pageSize": "3"}), "query pageSize is None, not '3'"),
        (Pattern(body={"voice_name": "Bob"}), "body.voice_name is 'Ada', not 'Bob'"),
        (Pattern(body={"text": "x"}), "body.text is missing"),
        (Pattern(body={"n": True}), "body.n is 1, not True"),
        (Pattern(body={"n": "1"}), "body.n is 1, not '1'"),
        (Pattern(body={"deep": {"a": [1]}}), "body.deep.a is [1, 2], not [1]"),
        (Pattern(body={"deep": {"b": 1}}), "body.deep.b is missing"),
        (Pattern(body={"voice_name": {"a": 1}}), "body.voice_name is 'Ada', not {'a': 1}"),
    ],
    ids=str,
)  # fmt: skip
def test_a_near_miss_is_told_in_words(pattern: Pattern, words: str) -> None:
    """What keeps an exchange from being meant is said with what it is and what was wanted."""
    assert not pattern.matches(SEEN)
    (said,) = pattern.mismatches(SEEN)
    assert said.startswith(words)


def test_every_mismatch_is_told() -> None:
    """All that differs is told, the cheapest to see first."""
    pattern = Pattern(
        ("getSpeech",), method="GET", task="9", body={"n": 2, "voice_name": "Ada", "x": 0}
    )
    assert list(pattern.mismatches(SEEN)) == [
        "operation is createCustomVoice, not getSpeech",
        "method is 'POST', not 'GET'",
        "task is 17 or order-1, not 9",
        "body.n is 1, not 2",
        "body.x is missing",
    ]


@pytest.mark.parametrize(
    ("pattern", "changes", "words"),
    [
        (Pattern(operation=("getSpeech",)), {"operation": ""}, "operation is unknown, not getSpeech"),
        (Pattern(fault="*"), {"fault": ""}, "fault is none, not *"),
        (Pattern(task="9"), {"names": ()}, "task is none, not 9"),
        (Pattern(body={"a": 1}), {"json": None}, "body is None, not {'a': 1}"),
        (Pattern(body={"a": 1}), {"json": [1]}, "body is [1], not {'a': 1}"),
        (Pattern(code=0), {"code": None}, "code is None, not 0"),
    ],
)  # fmt: skip
def test_what_an_exchange_lacks_is_told(
    pattern: Pattern, changes: dict[str, Any], words: str
) -> None:
    """Where an exchange has nothing at all, that is said."""
    assert list(pattern.mismatches(replace(SEEN, **changes))) == [words]


def test_a_code_or_status_of_zero_is_one() -> None:
    """The code 0 is a value that can be asked for, and not the absence of one."""
    assert Pattern(code=0).matches(SEEN)
    assert not Pattern(code=0).matches(replace(SEEN, code=1102))


def test_long_values_are_cut_in_words() -> None:
    """A value of any length makes a line that can be read."""
    (said,) = Pattern(body={"voice_name": "x"}).mismatches(
        replace(SEEN, json={"voice_name": "y" * 5000})
    )
    assert len(said) < 200


json = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=1), inner),
    max_leaves=6,
)
objects = st.dictionaries(st.text("ab", max_size=1), json, max_size=3)


@quick
@given(objects)
def test_every_body_contains_itself(body: dict[str, Any]) -> None:
    """A body that is asked for is found in one that equals it, and in one with more keys."""
    for found in (body, {**body, "more": 1}):
        assert Pattern(body=body).matches(replace(SEEN, json=found))


@quick
@given(objects, json)
def test_a_match_is_the_absence_of_mismatches(wanted: dict[str, Any], found: Any) -> None:
    """Whatever is asked of whatever was sent, there is an answer in words or a match."""
    seen = replace(SEEN, json=found)
    pattern = Pattern(body=wanted)
    said = list(pattern.mismatches(seen))
    assert pattern.matches(seen) == (not said)
    assert all(line.startswith("body") for line in said)


@quick
@given(st.text("/ab*?[]!.", max_size=8), st.text("/ab*?[]!.", max_size=8))
def test_of_a_path_only_the_star_is_special(wanted: str, path: str) -> None:
    """A path without a star is met by itself only; with stars by what has its pieces in their order."""
    matches = Pattern(path=wanted).matches(replace(SEEN, path=path))
    if not wanted:
        assert matches
    elif "*" not in wanted:
        assert matches == (wanted == path)
    else:
        first, *others, last = wanted.split("*")
        fits = path.startswith(first)
        at = len(first)
        for piece in others:
            found = path.find(piece, at)
            fits = fits and found >= 0
            at = found + len(piece)
        assert matches == (fits and path.endswith(last) and len(path) - len(last) >= at)
