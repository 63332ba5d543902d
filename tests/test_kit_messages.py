"""What the kit says of a breach: one sentence that says what is and what is due, what shows it, and the requests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests import checks, documents, mending
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
        (200, [], "envelope.json", "the body is no JSON object, where one is due"),
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
            "data is {}, where a refusal has no data",
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
