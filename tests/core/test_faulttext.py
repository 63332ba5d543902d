"""Reading faults: as text and as an object, by the same rules."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.delay import Fixed, Lognormal, Uniform
from mock_server.core.errors import Reason
from mock_server.core.fault import ALWAYS, BodyFault, Commit, Fault, SocketFault, When
from mock_server.core.faulttext import FaultReader, IllegalFault, delay, when_of
from tests.support.tasks import quick

ROWS = {"5000": Reason.SERVER_ERROR, "5001": Reason.SERVER_UNAVAILABLE, "1302": Reason.RATE_LIMIT}
SEVERAL = {"429": ["1302", "1303"]}
READER = FaultReader(ROWS | {"503": Reason.SERVER_UNAVAILABLE}, SEVERAL)
EFFECTS = ("reason", "message", "retry_after", "latency", "commit", "visible_after_s", "body")
MORE = ("fraction", "status", "edit", "socket", "over_s", "chunks", "scenario")


def effect(fault: Fault) -> dict[str, Any]:
    """What a fault does, where it differs from one that does nothing."""
    plain = Fault()
    return {
        name: getattr(fault, name)
        for name in (*EFFECTS, *MORE)
        if getattr(fault, name) != getattr(plain, name)
    }


def refusal(value: Any) -> str:
    """The words, one line, with which a value is refused."""
    with pytest.raises(IllegalFault) as refused:
        READER.fault(value)
    assert "\n" not in str(refused.value)
    return str(refused.value)


NEVER = {"commit": Commit.NEVER}
#: Each fault as text, as an object, and what it does.
BOTH: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("5001", {"reason": "server_unavailable"}, {"reason": Reason.SERVER_UNAVAILABLE, **NEVER}),
    ("503", {"reason": "server_unavailable"}, {"reason": Reason.SERVER_UNAVAILABLE, **NEVER}),
    ("rate_limit", {"reason": "rate_limit"}, {"reason": Reason.RATE_LIMIT, **NEVER}),
    ("1302;message=Slow down, please;retry-after=2",
     {"reason": "rate_limit", "message": "Slow down, please", "retry_after": 2},
     {"reason": Reason.RATE_LIMIT, "message": "Slow down, please", "retry_after": 2, **NEVER}),
    ("5000;retry-after=0", {"reason": "server_error", "retry_after": 0},
     {"reason": Reason.SERVER_ERROR, "retry_after": 0, **NEVER}),
    ("5000;commit=before", {"reason": "server_error", "commit": "before"}, {"reason": Reason.SERVER_ERROR}),
    *((kind.value, {"body": kind.value}, {"body": kind}) for kind in BodyFault if kind != "html"),
    ("truncated;fraction=0.25", {"body": "truncated", "fraction": 0.25},
     {"body": BodyFault.TRUNCATED, "fraction": 0.25}),
    ("truncated;fraction=0", {"body": "truncated", "fraction": 0},
     {"body": BodyFault.TRUNCATED, "fraction": 0.0}),
    ("html", {"body": "html"}, {"body": BodyFault.HTML, **NEVER}),
    ("html;status=503;commit=before", {"body": "html", "status": 503, "commit": "before"},
     {"body": BodyFault.HTML, "status": 503}),
    *((kind.value, {"socket": kind.value}, {"socket": kind}) for kind in SocketFault),
    ("reset;commit=never", {"socket": "reset", "commit": "never"},
     {"socket": SocketFault.RESET, **NEVER}),
    ("dribble;over=2.5;chunks=3", {"socket": "dribble", "over": 2.5, "chunks": 3},
     {"socket": SocketFault.DRIBBLE, "over_s": 2.5, "chunks": 3}),
    ("dribble;malformed", {"socket": "dribble", "body": "malformed"},
     {"socket": SocketFault.DRIBBLE, "body": BodyFault.MALFORMED}),
    ("dribble;5000", {"socket": "dribble", "reason": "server_error"},
     {"socket": SocketFault.DRIBBLE, "reason": Reason.SERVER_ERROR, **NEVER}),
    ("latency=0.5", {"latency": 0.5}, {"latency": Fixed(0.5)}),
    ("latency=0", {"latency": 0}, {"latency": Fixed(0)}),
    ("latency=3600", {"latency": 3600}, {"latency": Fixed(3600)}),
    ("latency=uniform:0.1:0.5", {"latency": {"uniform": [0.1, 0.5]}}, {"latency": Uniform(0.1, 0.5)}),
    ("latency=lognormal:1:0.5", {"latency": {"lognormal": {"median": 1, "sigma": 0.5}}},
     {"latency": Lognormal(1, 0.5, 3600)}),
    ("latency=lognormal:1:0:10", {"latency": {"lognormal": {"median": 1, "sigma": 0, "max": 10}}},
     {"latency": Lognormal(1, 0, 10)}),
    ("commit=after", {"commit": "after"}, {"commit": Commit.AFTER}),
    ("commit=after;visible-after=30", {"commit": "after", "visible_after": 30},
     {"commit": Commit.AFTER, "visible_after_s": 30.0}),
    ("commit=never", {"commit": "never"}, NEVER),
    ("scenario=slow", {"scenario": "slow"}, {"scenario": "slow"}),
    ("5001;latency=1;scenario=slow;commit=before",
     {"reason": "server_unavailable", "latency": 1, "scenario": "slow", "commit": "before"},
     {"reason": Reason.SERVER_UNAVAILABLE, "latency": Fixed(1), "scenario": "slow"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "expected"), BOTH, ids=lambda item: str(item)[:40])
def test_a_fault_has_two_spellings(
    text: str, value: dict[str, Any], expected: dict[str, Any]
) -> None:
    """A text and its object are the same fault; what neither says has its default."""
    assert effect(READER.fault(text)) == effect(READER.fault(value)) == expected


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_can_be_named(reason: Reason) -> None:
    """All rows of the error table can be answered with, by the word of their reason."""
    for value in (reason.value, {"reason": reason.value}):
        fault = READER.fault(value)
        assert (fault.reason, fault.commit) == (reason, Commit.NEVER)


def test_an_edit_can_only_be_an_object() -> None:
    """JSON Patch operations are taken as they are, in their order."""
    edit = [{"op": "remove", "path": "/data"}, {"op": "add", "path": "/x", "value": 1}]
    fault = READER.fault({"edit": edit})
    assert effect(fault) == {"edit": tuple(edit)}
    assert fault.text == "edit"


@pytest.mark.parametrize(
    "text", [" 5001 ; retry-after = 2 ", ";5001;;retry-after=2;", "retry-after=2;5001"]
)
def test_blanks_and_order_do_not_count(text: str) -> None:
    """Parts may stand in any order, with blanks around them, and empty ones are nothing."""
    assert effect(READER.fault(text)) == effect(READER.fault("5001;retry-after=2"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a fault needs a word"),
        (" ; ;", "a fault needs a word"),
        ("resett", "unknown fault 'resett'; did you mean 'reset'?"),
        ("Reset", "unknown fault 'Reset'; did you mean 'reset'?"),
        ("rate-limit", "unknown fault 'rate-limit'; did you mean 'rate_limit'?"),
        ("5009", "unknown fault '5009'; did you mean '500"),
        ("429", "429 can be any of 1302, 1303; name one"),
        ("zzzzzz", "unknown fault 'zzzzzz'; known are 5000, "),
        ("ok", "unknown fault 'ok'"),
        ("5001;reset;garbage", "'garbage': there is a socket already"),
        ("5001;rate_limit", "'rate_limit': there is a reason already"),
        ("5001;commit=never;commit=before", "'commit=before': there is a commit already"),
        ("5001;retry_after=2", "unknown key 'retry_after'; did you mean 'retry-after'?"),
        ("5001;delay=2", "unknown key 'delay'"),
        ("5001;=2", "unknown key ''"),
        ("edit=x", "unknown key 'edit'"),
        ("5001;retry-after=soon", "'retry-after' must be a number, not 'soon'"),
        ("5001;retry-after=", "'retry-after' must be a number, not ''"),
        ("5001;retry-after=1_0", "'retry-after' must be a number, not '1_0'"),
        ("latency=٣", "'latency' must be a number, not '٣'"),
        ("latency=0x10", "'latency' must be a number, not '0x10'"),
        ("5001;retry-after=nan", "'retry-after' must be a number, not 'nan'"),
        ("5001;retry-after=-1", "'retry_after' must be a whole number from 0 to 86400, not -1"),
        ("5001;retry-after=86401", "'retry_after' must be a whole number from 0 to 86400"),
        ("5001;retry-after=1.5", "'retry_after' must be a whole number from 0 to 86400, not 1.5"),
        ("retry-after=1", "a fault needs one of reason, latency, "),
        ("5001;commit=maybe", "unknown commit 'maybe'"),
        ("5001;commit=befor", "unknown commit 'befor'; did you mean 'before'?"),
        ("commit=after;visible-after=-1", "'visible_after' must be a number from 0"),
        ("5001;visible-after=1", "'visible_after' goes with commit: after"),
        ("reset;message=x", "'message' goes with reason"),
        ("5001;message=", "'message'"),
        ("scenario=", "'scenario'"),
        ("malformed;fraction=0.5", "'fraction' goes with body: truncated"),
        ("truncated;fraction=1", "'fraction' must be a number from 0 to 1, not 1"),
        ("5001;status=502", "'status' goes with body: html"),
        ("html;status=600", "'status' must be a whole number from 200 to 599, not 600"),
        ("html;status=0", "'status' must be a whole number from 200 to 599, not 0"),
        ("html;status=204", "204 has no body"),
        ("html;5001", "a gateway's page has no reason"),
        ("reset;over=1", "'over' goes with socket: dribble"),
        ("5001;chunks=1", "'chunks' goes with socket: dribble"),
        ("dribble;chunks=0", "'chunks' must be a whole number from 1 to 1000, not 0"),
        ("dribble;over=-1", "'over' must be a number from 0"),
        ("dribble;over=3601", "'over' must be a number from 0"),
        ("reset;malformed", "a connection that fails by reset has no body to distort"),
        ("latency=3601", "at most 3600 s"),
        ("latency=-1", "a delay is a number of seconds"),
        ("latency=inf", "'latency' must be a number, not 'inf'"),
        ("latency=soon", "'latency' must be a number, not 'soon'"),
        ("latency=uniform:1", "'latency' must be a number, not 'uniform:1'"),
        ("latency=uniform:2:1", "a delay is a number of seconds"),
        ("latency=uniform:0:3601", "at most 3600 s"),
        ("latency=uniform:0:x", "'latency' must be a number, not 'x'"),
        ("latency=lognormal:0:1", "a delay is a number of seconds"),
        ("latency=lognormal:1:11", "a delay is a number of seconds"),
        ("latency=lognormal:1:1:0", "a delay is a number of seconds"),
        ("latency=lognormal:1:1:-1", "a delay is a number of seconds"),
        ("latency=normal:1:1", "'latency' must be a number, not 'normal:1:1'"),
    ],
)  # fmt: skip
def test_a_broken_text_is_refused_with_the_part(text: str, words: str) -> None:
    """What is no fault is refused with the part that is wrong, and the nearest word where one is near."""
    assert words in refusal(text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "a fault needs one of reason, latency, body, edit, socket, scenario, commit"),
        ({"retry_after": 1}, "a fault needs one of reason, "),
        ({"reson": "rate_limit"}, "unknown key 'reson'; did you mean 'reason'?"),
        ({"retry-after": 1, "reason": "rate_limit"}, "did you mean 'retry_after'?"),
        ({"reason": "rate_limt"}, "unknown reason 'rate_limt'; did you mean 'rate_limit'?"),
        ({"reason": "1302"}, "unknown reason '1302'"),
        ({"body": "malformd"}, "unknown body 'malformd'; did you mean 'malformed'?"),
        ({"socket": "rst"}, "unknown socket 'rst'; did you mean 'reset'?"),
        ({"socket": "hang", "edit": [{"op": "remove", "path": "/data"}]}, "no body to edit"),
        ({"body": "empty", "edit": [{"op": "remove", "path": "/data"}]}, "an empty body cannot be edited"),
        ({"latency": {"uniform": [1]}}, "a delay is a number of seconds"),
        ({"latency": {"uniform": [0, 1], "x": 1}}, "a delay is a number of seconds"),
        ({"latency": {"lognormal": {"median": 1}}}, "a delay is a number of seconds"),
        ({"latency": True}, "a delay is a number of seconds"),
        ({"latency": "1"}, "a delay is a number of seconds"),
        ({"reason": "rate_limit", "retry_after": True}, "must be a whole number"),
        ({"reason": "rate_limit", "retry_after": "soon"}, "must be a whole number"),
        ({"body": "truncated", "fraction": "x"}, "must be a number"),
        (None, "a fault is a text such as"),
        (5001, "a fault is a text such as"),
        (["reset"], "a fault is a text such as"),
    ],
    ids=str,
)  # fmt: skip
def test_a_broken_object_is_refused_with_the_key(value: Any, words: str) -> None:
    """An object that is no fault is refused with the key that is wrong, and the nearest where one is near."""
    assert words in refusal(value)


@pytest.mark.parametrize(("text", "value", "expected"), BOTH, ids=lambda item: str(item)[:40])
def test_a_fault_knows_its_text(text: str, value: dict[str, Any], expected: dict[str, Any]) -> None:
    """A fault is shown as it was written; an object as a text that is the same fault again."""
    assert READER.fault(f" {text} ").text == text
    short = READER.fault(value).text
    assert "\n" not in short
    assert effect(READER.fault(short)) == expected


words = st.sampled_from(
    ["5001", "reset", "html", "dribble", "truncated", "ok", "é", "latency", "uniform", "message",
     "commit", "after", "status", "over", "=", ";", ":", " ", "1", "-", ".", "5", "e9", "\n", "\0"]
)  # fmt: skip


@quick
@given(st.lists(words, max_size=12))
def test_every_text_is_read_or_refused(parts: list[str]) -> None:
    """No text breaks the reader: it is a fault, or refused in words."""
    text = "".join(parts)
    try:
        fault = READER.fault(text)
    except IllegalFault as refused:
        assert str(refused)  # noqa: PT017  # some are faults
    else:
        assert effect(fault)


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("a1", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("a", max_size=1), inner, max_size=1),
    max_leaves=3,
)  # fmt: skip
keys = st.sampled_from(
    ["reason", "message", "retry_after", "latency", "commit", "visible_after", "body", "fraction",
     "status", "socket", "over", "chunks", "scenario", "x"]
)  # fmt: skip


@quick
@given(
    st.dictionaries(
        keys,
        json | st.sampled_from(["rate_limit", "html", "dribble", "after"]),
        min_size=1,
        max_size=3,
    )
)
def test_every_object_is_read_or_refused(value: dict[str, Any]) -> None:
    """No value of a key breaks the reader."""
    try:
        READER.fault(value)
    except IllegalFault as refused:
        assert str(refused)  # noqa: PT017  # some are faults


# ---- delays and conditions ------------------------------------------------------------------


def test_a_delay_may_have_no_maximum() -> None:
    """Without a bound a delay may be as long as it likes; a distribution keeps its own maximum, or none."""
    assert delay(1e9) == Fixed(1e9)
    assert delay({"lognormal": {"median": 9, "sigma": 0.5}}) == Lognormal(9, 0.5, None)
    assert delay({"lognormal": {"median": 9, "sigma": 0.5, "max": 60}}) == Lognormal(9, 0.5, 60)
    with pytest.raises(IllegalFault):
        delay(math.nan)


def test_conditions_are_read_from_their_object() -> None:
    """An object of conditions has the keys of the schema When; what is left out is no condition."""
    assert when_of({}) == ALWAYS
    assert when_of({"count": 2}) == When(count=2)
    assert when_of({"after": 1, "probability": 0.5, "window": [0, 30.5], "ttl": 9}) == When(
        1, None, 0.5, (0, 30.5), 9
    )


@pytest.mark.parametrize("window", [[5, 5], [6, 5]])
def test_a_window_goes_forward(window: list[float]) -> None:
    """A window that is empty is refused."""
    with pytest.raises(IllegalFault, match="from less to more"):
        when_of({"window": window})
