"""The control API on what was asked, answered and called back: the journal, verification, callbacks."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from mock_server.journal import MAX_BODY_BYTES
from tests.http.api import BASE_URL, START, VOICE, Api, api, app
from tests.support.receiver import Answer, Receiver

VOICES = "/v1/general/custom-voices"


def entries(mock: Api, query: str = "") -> list[dict[str, Any]]:
    """The entries of the journal."""
    status, value = mock.control("GET", "/journal" + query)
    assert status == 200
    found: list[dict[str, Any]] = value["entries"]
    return found


def verify(mock: Api, *expect: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The verdict on expectations."""
    status, value = mock.control("POST", "/journal/verify", {"expect": list(expect), **more})
    assert status == 200, value
    verdict: dict[str, Any] = value
    return verdict


def test_entry_tells_request_and_answer() -> None:
    """An entry has what was asked and what was answered, its number, and both instants."""
    mock = api("kkiai")
    mock.advance(1)
    made = mock.learn(headers={"x-mock-scenario": "slow"}, external_task_id="e")

    (entry,) = entries(mock)

    assert entry.pop("wall") > START
    assert entry.pop("took_ms") >= 0
    assert entry == {
        "number": 1,
        "at": START + 1000,
        "method": "POST",
        "path": "/kling" + VOICES,
        "query": "",
        "operation": "createCustomVoice",
        "dialect": "kkiai",
        "body": {**VOICE, "external_task_id": "e"},
        "body_truncated": False,
        "status": 200,
        "code": 0,
        "message": "",
        "request_id": made.value["request_id"],
        "task_id": made.data["task_id"],
        "scenario": "slow",
        "fault": "",
        "warning": "",
    }


def test_refusals_faults_and_warnings_are_noted() -> None:
    """A refusal is noted with its message, a struck request with the fault, a warning in its words."""
    mock = api()
    mock.voice("nobody")
    mock.control("POST", "/faults", {"fault": "5001", "when": {"count": 1}})
    mock.presets("?pageSize=2")
    mock.presets("?a=%20b")
    mock.call("GET", VOICES, headers={"x-mock-scenario": "slow"})

    refused, struck, passed, warned = entries(mock)

    assert (refused["status"], refused["code"]) == (400, 1201)
    assert "nobody" in refused["message"]
    assert (struck["status"], struck["code"], struck["fault"]) == (503, 5001, "5001")
    assert (struck["query"], passed["query"]) == ("pageSize=2", "a=%20b")
    assert "slow" in warned["warning"]


@pytest.mark.parametrize(
    ("sent", "body", "is_cut"),
    [
        (b"", None, False),
        (b"{", None, False),
        (b"\xff\xfe", None, False),
        (b"5", 5, False),
        (b'{"text": "\\u58f0"}', {"text": "声"}, False),
        (b'"' + b"x" * (MAX_BODY_BYTES - 2) + b'"', "x" * (MAX_BODY_BYTES - 2), False),
        (b'"' + b"x" * (MAX_BODY_BYTES - 1) + b'"', None, True),
        (b"x" * 1_000_001, None, True),
        (b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}", None, True),
        (b'{"a": ' + b"9" * 400 + b"}", ..., False),
        (b'{"a": 18446744073709551616}', ..., False),
    ],
    ids=lambda item: ascii(item)[:20],
)
def test_any_body_is_noted(sent: bytes, body: Any, is_cut: bool) -> None:
    """A body is shown decoded, or as null when it is no JSON, too long or too deep; the journal stays readable."""
    mock = api()
    mock.post("/v1/audio/tts", sent)

    (entry,) = entries(mock)

    assert body is ... or entry["body"] == body
    assert entry["body_truncated"] is is_cut


def test_journal_is_read_in_parts() -> None:
    """Since leaves out older entries, limit the older of the rest; oldest come first; control calls are not noted."""
    mock = api()
    for _ in range(5):
        mock.presets()

    assert [item["number"] for item in entries(mock)] == [1, 2, 3, 4, 5]
    assert [item["number"] for item in entries(mock, "?since=3")] == [4, 5]
    assert [item["number"] for item in entries(mock, "?limit=2")] == [4, 5]
    assert [item["number"] for item in entries(mock, "?since=1&limit=1")] == [5]
    assert entries(mock, "?since=5") == entries(mock, "?since=999999") == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "since=-1", "since=1.0", "since=", "limit="]
)
def test_journal_refuses_nonsense(query: str) -> None:
    """A since or limit that is no whole number is 400 and named."""
    status, value = api().control("GET", "/journal?" + query)

    assert status == 400
    assert query.partition("=")[0] in value["error"]


def test_journal_is_bounded_and_counts_what_it_dropped() -> None:
    """Beyond its size the oldest entries go, and are counted; clearing forgets entries but no numbers."""
    mock = api(journal=3)
    for _ in range(5):
        mock.presets()

    value = mock.control("GET", "/journal")[1]
    assert [item["number"] for item in value["entries"]] == [3, 4, 5]
    assert (value["dropped"], value["last"]) == (2, 5)
    assert mock.control("DELETE", "/journal") == (200, {"cleared": 3})
    mock.presets()
    value = mock.control("GET", "/journal")[1]
    assert ([item["number"] for item in value["entries"]], value["last"]) == ([6], 6)


def test_requests_without_a_credential_have_a_journal() -> None:
    """What came without a valid credential is in the journal of the account named -, to whatever path."""
    mock = api(seed="journal of nobody")
    mock.using("").learn()
    mock.using("").get("/v1/nowhere")
    mock.using("").call("PATCH", VOICES)
    assert entries(mock) == []

    noted = entries(mock, "?account=-")

    assert [(item["status"], item["code"]) for item in noted] == [
        (401, 1001),
        (404, 1203),
        (404, 1202),
    ]
    assert [item["operation"] for item in noted] == ["createCustomVoice", "", ""]


def test_requests_to_no_operation_are_in_the_journal_of_who_sent_them() -> None:
    """A wrong path or method is noted for the account of its credential, and has a request id of its own."""
    mock = api()
    mock.learn()
    mock.get("/v1/nowhere")
    mock.call("PATCH", VOICES)

    noted = entries(mock)

    assert [item["code"] for item in noted] == [0, 1203, 1202]
    assert [item["operation"] for item in noted] == ["createCustomVoice", "", ""]
    assert len({item["request_id"] for item in noted}) == 3


def test_verify_counts_what_matches() -> None:
    """Without a count at least one is wanted; count is exact, at_least and at_most are bounds."""
    mock = api()
    task_id = mock.learn(external_task_id="e").data["task_id"]
    mock.voice(task_id)
    mock.voice("e")

    cases: list[tuple[dict[str, Any], str, list[int], bool]] = [
        ({"match": {}}, "at least 1", [1, 2, 3], True),
        ({"match": {"operation": "getCustomVoice"}, "count": 2}, "exactly 2", [2, 3], True),
        ({"match": {"operation": "getCustomVoice"}, "count": 1}, "exactly 1", [2, 3], False),
        ({"match": {"task": task_id}, "at_least": 3}, "at least 3", [1, 2, 3], True),
        ({"match": {"task": "e"}, "at_least": 4}, "at least 4", [1, 2, 3], False),
        ({"match": {"method": "GET"}, "at_most": 1}, "at most 1", [2, 3], False),
        ({"match": {"method": "DELETE"}, "count": 0}, "exactly 0", [], True),
        (
            {"match": {"body": {"voice_name": "Ada"}, "status": 200, "code": 0}},
            "at least 1",
            [1],
            True,
        ),
        ({"match": {"scenario": "default"}, "at_least": 0}, "at least 0", [1, 2, 3], True),
        ({"match": {"fault": "*"}}, "at least 1", [], False),
    ]
    for expect, wanted, numbers, is_ok in cases:
        verdict = verify(mock, expect)
        (result,) = verdict["results"]
        found = (result["wanted"], result["numbers"], result["matched"], result["ok"])
        assert found == (wanted, numbers, len(numbers), is_ok), expect
        assert verdict["ok"] is is_ok
        assert (verdict["in_order"], result["match"]) == (None, expect["match"])


def test_verify_shows_the_nearest_misses() -> None:
    """Where too little matches, the requests that came nearest are named, each with everything that differs."""
    mock = api()
    mock.voices()
    mock.learn(voice_name="Bob")
    mock.learn(voice_name="Cid")

    match = {"operation": "createCustomVoice", "body": {"voice_name": "Ada"}, "status": 200}
    (result,) = verify(mock, {"match": match})["results"]

    assert [item["number"] for item in result["near_misses"]] == [3, 2, 1]
    assert result["near_misses"][0] == {
        "number": 3,
        "request": f"POST {VOICES}",
        "mismatches": ["body.voice_name is 'Cid', not 'Ada'"],
    }
    assert len(result["near_misses"][2]["mismatches"]) == 2
    assert verify(mock, {"match": {}})["results"][0]["near_misses"] == []


def test_verify_looks_at_the_order_when_asked() -> None:
    """in_order holds when what matches each expectation came after the one before it; since leaves out the past."""
    mock = api()
    mock.learn(external_task_id="e")
    mock.voice("e")
    mock.voices()
    create, query, listing = (
        {"match": {"operation": name}}
        for name in ("createCustomVoice", "getCustomVoice", "listCustomVoices")
    )

    assert verify(mock, create, query, listing, in_order=True)["in_order"] is True
    backwards = verify(mock, listing, create, in_order=True)
    assert (backwards["in_order"], backwards["ok"]) == (False, False)
    assert [item["ok"] for item in backwards["results"]] == [True, True]
    assert verify(mock, listing, create)["ok"] is True
    assert verify(mock, create, since=1)["ok"] is False
    assert verify(mock, query, listing, since=1, in_order=True)["ok"] is True


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "expect"),
        ({"expect": []}, "expect"),
        ({"expect": [{}]}, "expect[0]"),
        ({"expect": [{"match": {}, "count": -1}]}, "expect[0].count"),
        ({"expect": [{"match": {}, "count": 1, "at_least": 1}]}, "expect[0]"),
        ({"expect": [{"match": {}, "at_most": 1, "at_least": 1}]}, "expect[0]"),
        ({"expect": [{"match": {"status": 99}}]}, "expect[0].match.status"),
        ({"expect": [{"match": {"code": "0"}}]}, "expect[0].match.code"),
        ({"expect": [{"match": {}}], "since": -1}, "since"),
        ({"expect": [{"match": {}}], "in_order": 1}, "in_order"),
    ],
    ids=str,
)
def test_verify_refuses_nonsense(body: dict[str, Any], words: str) -> None:
    """A mistake in an expectation is 400 and its place is named."""
    status, value = api().control("POST", "/journal/verify", body)

    assert (status, words in value["error"]) == (400, True), value


def test_callback_attempts_are_listed() -> None:
    """Each attempt has a number, what it reported, where it went without secrets, and how it ended."""
    with Receiver() as receiver, TestClient(app(callback_timeout=2), base_url=BASE_URL) as client:
        mock = Api(client)
        receiver.script.append(Answer(status=500))
        url = receiver.url("/hook").replace("http://", "http://user:pass@")
        task_id = mock.learn(callback_url=url + "?token=1").data["task_id"]
        gone = mock.learn(callback_url="http://127.0.0.1:1/gone").data["task_id"]
        assert mock.control("GET", "/callbacks")[1] == {"callbacks": [], "dropped": 0}
        mock.advance(9)

        shown = mock.control("GET", "/callbacks")[1]["callbacks"]

    assert [item["number"] for item in shown] == [1, 2, 3, 4]
    assert all(item["took_ms"] >= 0 for item in shown)
    mine = [item for item in shown if item["task_id"] == task_id]
    assert [(item["task_status"], item["status"], item["error"]) for item in mine] == [
        ("processing", 500, ""),
        ("succeed", 200, ""),
    ]
    assert [(item["url"], item["attempt"]) for item in mine] == [(receiver.url("/hook?..."), 1)] * 2
    assert [item["at"] - START for item in mine] == [2000, 9000]
    lost = [item for item in shown if item["task_id"] == gone]
    assert {item["status"] for item in lost} == {None}
    assert all(item["error"] for item in lost)
