"""What goes wrong with a callback, from its text or object."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.callback import MAX_TIMES, CallbackFault, callback_fault
from mock_server.core.delay import Fixed, Lognormal, Uniform
from mock_server.core.fault import BodyFault
from mock_server.core.faulttext import IllegalFault
from mock_server.core.signing import SignatureFault
from tests.support.tasks import quick

EDIT = [{"op": "remove", "path": "/task_id"}]

#: Texts, the objects that mean the same, and what that is.
MEANT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("drop", {"drop": True}, {"drop": True}),
    ("hold", {"hold": True}, {"hold": True}),
    ("early", {"early": True}, {"early": True}),
    ("times=3", {"times": 3}, {"times": 3}),
    ("times=2;every=1.5", {"times": 2, "every": 1.5}, {"times": 2, "every_s": 1.5}),
    ("delay=30", {"delay": 30}, {"delay": Fixed(30)}),
    ("replay=3600", {"replay": 3600}, {"replay_after_s": 3600}),
    ("replay=0", {"replay": 0}, {"replay_after_s": 0}),
    ("malformed", {"body": "malformed"}, {"body": BodyFault.MALFORMED}),
    ("empty", {"body": "empty"}, {"body": BodyFault.EMPTY}),
    ("wrong-type", {"body": "wrong-type"}, {"body": BodyFault.WRONG_TYPE}),
    (
        "truncated;fraction=0.2",
        {"body": "truncated", "fraction": 0.2},
        {"body": BodyFault.TRUNCATED, "fraction": 0.2},
    ),
    ("signature=bad", {"signature": "bad"}, {"signature": SignatureFault.BAD}),
    ("signature=stale", {"signature": "stale"}, {"signature": SignatureFault.STALE}),
    ("signature=unsigned", {"signature": "unsigned"}, {"signature": SignatureFault.UNSIGNED}),
    (
        "signature=other-secret",
        {"signature": "other-secret"},
        {"signature": SignatureFault.OTHER_SECRET},
    ),
    (
        "hold;times=2;signature=bad",
        {"hold": True, "times": 2, "signature": "bad"},
        {"hold": True, "times": 2, "signature": SignatureFault.BAD},
    ),
]
#: What only an object can say.
OBJECTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"edit": EDIT}, {"edit": tuple(EDIT)}),
    ({"delay": {"uniform": [1, 5]}}, {"delay": Uniform(1, 5)}),
    (
        {"delay": {"lognormal": {"median": 2, "sigma": 1, "max": 9}}},
        {"delay": Lognormal(2, 1, 9)},
    ),
]


def refusal(value: Any) -> str:
    """The words with which a value is refused."""
    with pytest.raises(IllegalFault) as refused:
        callback_fault(value)
    return str(refused.value)


@pytest.mark.parametrize(("text", "value", "meant"), MEANT, ids=str)
def test_text_and_object_mean_the_same(
    text: str, value: dict[str, Any], meant: dict[str, Any]
) -> None:
    """Each has one meaning, and is kept as an object and as it was written."""
    expected = CallbackFault(**meant, value=value, written=text)
    assert callback_fault(text) == expected
    assert callback_fault(value) == CallbackFault(**meant, value=value, written=value)


@pytest.mark.parametrize(("value", "meant"), OBJECTS, ids=str)
def test_objects_say_more(value: dict[str, Any], meant: dict[str, Any]) -> None:
    """Edits, and delays that are drawn, are objects."""
    assert callback_fault(value) == CallbackFault(**meant, value=value, written=value)


def test_blanks_and_empty_parts_mean_nothing() -> None:
    """Parts may be set apart by blanks, and a semicolon too many does no harm."""
    assert callback_fault(" times = 2 ;; every=1; ").value == {"times": 2, "every": 1}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "needs a word, such as drop"),
        (" ; ", "needs a word"),
        ({}, "needs a word"),
        ("dorp", "unknown part 'dorp'; did you mean 'drop'?"),
        ("tims=2", "unknown part 'tims=2'; did you mean"),
        ("drop=1", "did you mean 'drop'?"),
        ("qqqqqq", "known are drop, hold, early, malformed,"),
        ("html", "unknown part 'html'"),
        ("edit=1", "unknown part 'edit=1'"),
        ("times", "unknown part 'times'"),
        ({"tmes": 2}, "unknown key 'tmes'; did you mean 'times'?"),
        ("times=0", "'times' must be a number from 1 to 1000"),
        (f"times={MAX_TIMES + 1}", "'times' must be a number from 1 to 1000"),
        ("times=2.5", "must be a whole number, not 2.5"),
        ("times=many", "'times' must be a number"),
        ({"times": True}, "'times' must be a number"),
        ({"times": "2"}, "'times' must be a number"),
        ("every=-1", "'every' must be a number from 0"),
        ("every=nan", "'every' must be a number"),
        ("every=inf", "'every' must be a number"),
        ("replay=-1", "'replay' must be a number from 0"),
        ({"replay": None}, "'replay' must be a number"),
        ("truncated;fraction=2", "'fraction' must be a number from 0 to 1"),
        ("truncated;fraction=1", "'fraction' must be less than 1"),
        ("delay=1,2", "'delay' must be a number"),
        ("every=315360001", "'every' must be a number from 0"),
        ("replay=315360001", "'replay' must be a number from 0"),
        ({"edit": 5}, "'edit' must be a list"),
        ({"edit": "x"}, "'edit' must be a list"),
        ({"delay": "long"}, "a delay is a number of seconds"),
        ({"delay": -1}, ""),
        ({"drop": 1}, "'drop' must be true or false"),
        ({"body": "html"}, "unknown body 'html'; known are malformed, truncated, wrong-type, empty"),
        ({"body": "malformd"}, "did you mean 'malformed'?"),
        ("signature=stael", "unknown signature 'stael'; did you mean 'stale'?"),
        ("signature=", "known are bad, stale, other-secret, unsigned"),
        ("drop;times=2", "what is dropped can have nothing else"),
        ("early;delay=3", "neither delayed nor held"),
        ("early;hold", "neither delayed nor held"),
        (5, "a callback fault is a text such as 'times=2', or an object"),
        (None, "a callback fault is a text"),
        (["drop"], "a callback fault is a text"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_callback_fault_is_refused(value: Any, words: str) -> None:
    """The refusal names the part, and the nearest word or all of them."""
    assert words in refusal(value)


@quick
@given(st.text() | st.lists(st.sampled_from([text for text, _, _ in MEANT])).map(";".join))
def test_every_text_is_read_or_refused(text: str) -> None:
    """Whatever is written, nothing but a fault or its refusal comes of it; what is read can be read again."""
    try:
        fault = callback_fault(text)
    except IllegalFault:
        return
    assert fault.value
    assert callback_fault(fault.value).value == fault.value
