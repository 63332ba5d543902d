"""What the kit says of a breach: one sentence that says what is and what is due, what shows it, and the requests."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import contract_tests
from contract_tests import checks, documents, mending, redaction
from contract_tests.checks import Broken
from contract_tests.concerned import Shown
from contract_tests.observation import Answer, Notification, Request
from contract_tests.saying import Apart, Said, differences, quoted
from contract_tests.sending import Exchange, Made

URL = "http://127.0.0.1:8700/v1/general/custom-voices"
RECORD: dict[str, Any] = {
    "task_id": "1",
    "task_status": "succeed",
    "task_status_msg": "",
    "task_info": {"external_task_id": "mine"},
    "task_result": {"voices": [{"voice_id": "2", "voice_name": "n", "owned_by": "1"}]},
    "created_at": 1_722_769_557_708,
    "updated_at": 1_722_769_557_709,
}


def answered(data: Any, *, method: str = "GET", url: str = URL, body: bytes = b"") -> Answer:
    """A success with data."""
    whole = {"code": 0, "message": "SUCCEED", "request_id": "r", "data": data}
    headers = {"content-type": "application/json"}
    return Answer(Request(method, url, {}, body), 200, headers, json.dumps(whole).encode())


def shown(answers: list[Answer], made: list[Made]) -> Shown:
    """What a test has sent."""
    return Shown([Exchange(one.request, one, 0.0, 0.0) for one in answers], made)


def test_a_sentence_holds_json() -> None:
    """Values stand in a sentence as JSON, what shows it below; braces of others are no places for values."""
    said = Said("x is {}, where {} is due", None, "{}", by=({"a": True},))
    assert str(said) == 'x is null, where "{}" is due\n{"a": true}'
    assert str(Said("a body of {braces}")) == "a body of {braces}"
    assert len(quoted("long" * 1000)) < 250


def test_differences_are_named_by_field() -> None:
    """Of two records the fields that differ are named, with both values; what is equal is not."""
    other = {**RECORD, "updated_at": 5, "task_result": {}}
    words = str(Apart(RECORD, other, "where both are one", where=("by query", "told"))).splitlines()
    assert words[0] == (
        'task_result.voices is [{"voice_id": "2", "voice_name": "n", "owned_by": "1"}] by query and missing told;'
        " updated_at is 1722769557709 by query and 5 told, where both are one"
    )
    assert [json.loads(line) for line in words[1:]] == [RECORD, other]
    assert [*differences({"a": 1}, {"a": True})] == [("a", 1, True)]
    assert [*differences([1, 2], [1, 3])] == [("[1]", 2, 3)]


@pytest.mark.parametrize(
    ("status", "body", "clause", "sentence"),
    [
        (500, {}, "server.no-5xx", "the answer is HTTP 500 without a code, where anything but"),
        (200, [], "envelope.json", "the body is no JSON object, where a JSON object is due"),
        (200, {"code": 0}, "envelope.request-id", "request_id is null, where a text that is"),
        (200, {"code": None, "request_id": "r"}, "errors.code-is-integer", "code is null, where"),
        (
            200,
            {"code": 1201, "request_id": "r"},
            "envelope.code-zero",
            "HTTP 200, code 1201, where",
        ),
        (401, {"code": 7, "request_id": "r"}, "errors.code-matches-status", "where code 1000 or"),
        (418, {"code": 7, "request_id": "r"}, "errors.code-matches-status", "where HTTP 200, 400"),
        (
            400,
            {"code": 1201, "request_id": "r", "message": ""},
            "envelope.message",
            'message is "", where a text that is not empty is due',
        ),
        (
            400,
            {"code": 1201, "request_id": "r", "message": "m", "data": {}},
            "errors.no-data",
            "data is {}, where none is due in a refusal",
        ),
    ],
)
def test_an_envelope_is_judged_in_words(status: int, body: Any, clause: str, sentence: str) -> None:
    """What is wrong with an answer is said with the value, and the answer stands below."""
    seen = Answer(
        Request("GET", URL), status, {"content-type": "application/json"}, json.dumps(body).encode()
    )
    with pytest.raises(Broken) as broken:
        checks.envelope(seen, "klingai")
    assert broken.value.clause == clause
    first, below = broken.value.saw.splitlines()[:2]
    assert sentence in first
    assert below.startswith(f"HTTP {status} ")
    assert broken.value.shown_by == (seen,)


CHANGES: list[tuple[dict[str, Any], str, Any]] = [
    ({"updated_at": 1_722_769_557_709.5}, "time.milliseconds", 1_722_769_557_709),
    ({"updated_at": "1722769557709"}, "time.milliseconds", 1_722_769_557_709),
    ({"updated_at": 1_722_769_557}, "time.milliseconds", 1_722_769_557_000),
    ({"created_at": "2024-08-04T11:05:57.708Z"}, "time.milliseconds", 1_722_769_557_708),
    ({"task_id": 1}, "ids.string", "1"),
    ({"task_status": "SUCCEED"}, "task.status.enum", "succeed"),
    ({"task_status": "succeeded"}, "task.status.enum", "succeed"),
    ({"final_unit_deduction": 0.05}, "billing.unit-deduction", "0.05"),
    ({"task_info": None}, "task.info.echo", {}),
]


@pytest.mark.parametrize("operation", ["getCustomVoice", "listCustomVoices"])
@pytest.mark.parametrize(("change", "clause", "meant"), CHANGES)
def test_a_value_in_the_wrong_type_is_read_as_it_is_meant(
    change: dict[str, Any], clause: str, meant: Any, operation: str
) -> None:
    """It is said once, and then read on with what can be meant, in each record of a list."""
    checks.noted.clear()
    name = next(iter(change))
    is_list = operation == "listCustomVoices"
    records = [{**RECORD, **change} for _ in range(120)] if is_list else {**RECORD, **change}
    seen = answered(records)
    checks.conforms(seen, documents.document("klingai").operations[operation], goes_on=True)
    assert [one.clause for one in checks.noted] == [clause]
    first, below = checks.noted[0].saw.splitlines()[:2]
    place = f"data.0.{name}" if is_list else f"data.{name}"
    assert first.startswith(f"{place} is {json.dumps(change[name])}, where ")
    assert json.dumps(change)[1:-1] in below
    assert {json.dumps(record[name]) for record in (seen.data if is_list else [seen.data])} == {
        json.dumps(meant)
    }
    checks.noted.clear()
    checks.conforms(seen, documents.document("klingai").operations[operation], goes_on=True)
    assert checks.noted == []  # what was read as it is meant fits


def test_a_rounded_instant_contradicts_nobody() -> None:
    """Seconds where milliseconds are due equal every millisecond of that second, whichever stands first."""
    rough = mending.About(1_000, within=1_000)
    assert rough == 1_999
    assert 1_999 == rough  # noqa: SIM300 - the other side is asked first
    assert {"at": rough} == {"at": 1_999}
    assert rough != 2_000
    assert rough >= 1_500
    assert rough <= 500
    assert not rough < 1_500
    assert rough < 2_000
    assert rough > 0
    assert 2_000 > rough  # noqa: SIM300
    assert json.dumps([rough]) == "[1000]"


def test_what_nobody_can_mean_ends_the_look() -> None:
    """A value that cannot be read is raised, and nothing is put in its place; so is anything in a suite of others."""
    operation = documents.document("klingai").operations["getCustomVoice"]
    rounded = 930801290416894600  # what a double makes of an id
    for task_id, goes_on in (([], True), (rounded, True), (1, False)):
        body = {**RECORD, "task_id": task_id}
        seen = answered(body)
        with pytest.raises(Broken, match=r"ids\.string"):
            checks.conforms(seen, operation, goes_on=goes_on)
        assert seen.data["task_id"] == body["task_id"]


def test_what_fits_is_left_alone() -> None:
    """A body that has the shape is what it was."""
    shape = documents.document("klingai").operations["getCustomVoice"].responses[200]
    body = answered(RECORD).json
    assert mending.mended(shape, body) == ([], True)
    assert body["data"] == RECORD


def test_the_requests_behind_a_record_are_shown() -> None:
    """They are the one that made the task and those whose answers held that very record; equal ones are no evidence."""
    create = Request("POST", URL, {}, b'{"external_task_id": "mine"}')
    made = Made("1", create, is_open=False)
    looks = [answered(RECORD, url=f"{URL}/{name}") for name in ("1", "mine")]
    assert shown(looks, [made]).by([looks[1].data]) == [create, looks[1].request]
    refused = answered(None, url=f"{URL}/mine")
    assert shown(looks, [made]).by([refused]) == [create, refused.request]
    again = answered(None, method="POST", body=b'{"external_task_id": "mine"}')
    assert shown(looks, [made]).by([again]) == [create, again.request]


def test_the_requests_behind_a_notification_are_shown() -> None:
    """A notification leads to the create request that named its address, be that accepted or not."""
    create = Request("POST", URL, {}, b'{"callback_url": "http://127.0.0.1:1/garden/x"}')
    refused = answered({}, method="POST", body=b'{"callback_url": "http://127.0.0.1:1/garden/y"}')
    known = shown([refused], [Made("1", create, is_open=False)])
    for path, due in (("/garden/x", create), ("/garden/y", refused.request)):
        seen = Notification(0, "POST", path, {}, b"{}")
        assert known.by([seen]) == [due]
        assert known.quoted_in(str(seen)) in ([due], [refused.request])


def test_odd_texts_are_shown_too() -> None:
    """Half a surrogate pair, in whatever was sent or seen, keeps no breach from being said."""
    half = answered({"task_id": "\ud800"}, method="POST", url=f"{URL[:-13]}delete-voices")
    body = b'{"voice_id": "\\ud800"}'
    sent = Answer(Request("POST", half.request.url, {}, body), 400, {}, b"{}")
    known = shown([half, sent], [Made("\ud800", half.request, is_open=False)])
    assert known.by([sent, half.data]) == [half.request, sent.request]
    assert known.quoted_in("'task_id': '\ud800' #1 POST /\ud800") == [half.request]
    assert (
        "ud800"
        in str(Said("x is {}", "\ud800", by=(half.data,)))
        .encode("utf-8", "backslashreplace")
        .decode()
    )


def test_a_deletion_is_shown_with_the_query_of_its_voice() -> None:
    """A deletion alone says little: the query that showed the voice, and what made it, come before."""
    create = Request("POST", URL, {}, b"{}")
    look = answered(RECORD, url=f"{URL}/1")
    delete = answered(
        None, method="POST", url=f"{URL[:-13]}delete-voices", body=b'{"voice_id": "2"}'
    )
    known = shown([look, delete], [Made("1", create, is_open=False)])
    assert known.by([delete]) == [create, look.request, delete.request]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the body is empty, where"),
        (
            b'{"code": 0,\n "voice_name": 000}',
            'line 2 column 17 near `de": 0, "voice_name": 000}`, where',
        ),
        (b'{"code": 0} and more', 'line 1 column 13 near `{"code": 0} and more`, where'),
        (b"\xef\xbb\xbf{}", "line 1 column 1 near"),
        (b'{"code": "\xff"}', "byte 11 is no UTF-8, where"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"x": ' + b"9" * 5000 + b"}", "or a number too long"),
    ],
    ids=["empty", "a number", "garbage", "a mark", "no UTF-8", "deep", "long"],
)
def test_what_is_no_json_is_shown_at_its_place(body: bytes, words: str) -> None:
    """Of a body that is not JSON the sentence says where, and what stands there, however long the body is."""
    seen = Answer(Request("GET", URL), 200, {"content-type": "application/json"}, body)
    with pytest.raises(Broken, match=r"envelope\.json") as broken:
        checks.envelope(seen, "klingai")
    assert words in broken.value.saw.splitlines()[0]
    [callback] = documents.document("klingai").operations["createCustomVoice"].callbacks.values()
    told = Notification(0, "POST", "/x", {"content-type": "application/json"}, body)
    with pytest.raises(Broken, match=r"callback\.method"):
        checks.notification(told, callback)


def test_no_part_of_a_secret_is_shown_beside_a_place() -> None:
    """A secret near the place where a body is not JSON would be cut in two, and be found no more."""
    redaction.hide("sk-very-secret")
    try:
        seen = Answer(Request("GET", URL), 200, {}, b'{"key": "sk-very-secret" oops}')
        with pytest.raises(Broken) as broken:
            checks.envelope(seen, "klingai")
    finally:
        redaction.forget()
    assert "line 1 column 26" in broken.value.saw
    assert "secret" not in broken.value.saw


@pytest.mark.parametrize("operation", ["getCustomVoice", "listCustomVoices"])
@pytest.mark.parametrize("goes_on", [True, False])
def test_null_for_no_reason_is_a_finding(operation: str, *, goes_on: bool) -> None:
    """task_status_msg may be empty or absent while nothing failed: null there is worth knowing, and no failure."""
    checks.noted.clear()
    record = {**RECORD, "task_status_msg": None}
    seen = answered([record, record] if operation == "listCustomVoices" else record)
    checks.conforms(seen, documents.document("klingai").operations[operation], goes_on=goes_on)
    assert [(one.clause, type(one)) for one in checks.noted] == [("schema.answer", checks.Finding)]
    assert "task_status_msg is null, where a string is due" in checks.noted[0].saw
    checks.noted.clear()
    failed = answered({**record, "task_status": "failed", "task_result": {}})
    with pytest.raises(Broken, match=r"task\.failed\.reason"):
        checks.conforms(failed, documents.document("klingai").operations["getCustomVoice"])
    other = answered({**RECORD, "task_status_msg": 5})
    with pytest.raises(Broken, match=r"schema\.answer"):
        checks.conforms(other, documents.document("klingai").operations["getCustomVoice"])


#: Where what was seen stands among the arguments of whatever says that a clause is broken.
_SAYERS = {
    "require": 2,
    "upheld": 2,
    "found": 1,
    "note": 1,
    "broke": 1,
    "Broken": 1,
    "Finding": 1,
}
_KIT = Path(contract_tests.__file__).parent
#: Those that pass on what they were given, or a sentence that is made only where it is needed.
_PASSED_ON = {"checks.py", "history.py"}
#: Sentences whose halves are put together elsewhere: shapes.Misfit has both.
_WHOLE = {"checks.py: f'{one.words} ({what})'"}


def _name(call: ast.Call) -> str:
    called = call.func
    return called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _last(value: ast.expr, function: ast.FunctionDef, line: int) -> ast.expr:
    """What a name stands for at a line, where the function gave it a value before."""
    given = [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and node.lineno <= line
        and any(ast.unparse(to) == ast.unparse(value) for to in node.targets)
    ]
    return max(given, key=lambda node: node.lineno, default=value)


def _is_said(value: ast.expr, function: ast.FunctionDef, sayers: set[str], line: int) -> bool:
    """Whether an expression is a sentence: made in place, before in the function, or by whoever calls it."""
    if isinstance(value, ast.IfExp):
        return all(_is_said(one, function, sayers, line) for one in (value.body, value.orelse))
    if isinstance(value, ast.Call):
        return _name(value) in sayers
    if not isinstance(value, ast.Name):
        return False
    before = _last(value, function, line)
    if before is not value:
        return _is_said(before, function, sayers, line - 1)
    given = [*function.args.args, *function.args.kwonlyargs]
    return any(
        one.arg == value.id and one.annotation is not None and ast.unparse(one.annotation) == "Said"
        for one in given
    )


def test_whatever_is_broken_is_said_in_a_sentence() -> None:
    """No check hands over a bare text, answer or record: a sentence says what is and what is due, and holds them."""
    trees = {path.name: ast.parse(path.read_text("utf-8")) for path in _KIT.glob("*.py")}
    sayers = {"Said", "Apart"} | {
        function.name
        for tree in trees.values()
        for function in _functions(tree)
        if function.returns is not None and ast.unparse(function.returns) in ("Said", "Apart")
    }
    bare = []
    looked_at = 0
    for name, tree in trees.items():
        for function in _functions(tree):
            for call in ast.walk(function):
                place = _SAYERS.get(_name(call)) if isinstance(call, ast.Call) else None
                if not isinstance(call, ast.Call) or place is None or len(call.args) <= place:
                    continue
                looked_at += 1
                saw = call.args[place]
                is_passed_on = name in _PASSED_ON and ast.unparse(saw) in ("saw", "saw()")
                if not is_passed_on and not _is_said(saw, function, sayers, call.lineno):
                    bare.append(f"{name}:{call.lineno}: {ast.unparse(saw)}")
    assert bare == []
    assert looked_at > 200


def test_a_sentence_says_what_is_due() -> None:
    """Each sentence has both halves: what is, and where what is due."""
    halves = []
    for path in _KIT.glob("*.py"):
        for function in _functions(ast.parse(path.read_text("utf-8"))):
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and _name(call) == "Said" and call.args:
                    words = _last(call.args[0], function, call.lineno)
                    has_both = all(half in ast.unparse(words) for half in ("where ", "due"))
                    if not has_both and not isinstance(words, ast.Name):
                        halves.append(f"{path.name}: {ast.unparse(words)}")
    assert [one for one in halves if one not in _WHOLE] == []
