"""The error table: each reason comes out with its HTTP status, code and words, in every dialect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from mock_server.core.errors import Reason, Refused
from tests.http import documents
from tests.http.api import BASE_URL, EZ_PATH, EZ_SPEECH, NOTHING, PREFIXES, Answer, Api, api, app

#: Reason: HTTP status and code of the official table, and EzModel's status. Written from the vendor's page.
TABLE = {
    "authentication_failed": (401, 1000, 401),
    "authorization_empty": (401, 1001, 401),
    "authorization_invalid": (401, 1002, 401),
    "authorization_not_yet_valid": (401, 1003, 401),
    "authorization_expired": (401, 1004, 401),
    "account_abnormal": (429, 1100, 429),
    "account_in_arrears": (429, 1101, 429),
    "resource_pack_used_up": (429, 1102, 429),
    "no_permission": (403, 1103, 401),
    "parameters_invalid": (400, 1200, 400),
    "parameter_illegal": (400, 1201, 400),
    "method_invalid": (404, 1202, 404),
    "resource_not_found": (404, 1203, 404),
    "platform_policy": (400, 1300, 400),
    "content_policy": (400, 1301, 400),
    "rate_limit": (429, 1302, 429),
    "concurrency_limit": (429, 1303, 429),
    "ip_not_allowed": (429, 1304, 429),
    "server_error": (500, 5000, 500),
    "server_unavailable": (503, 5001, 500),
    "server_timeout": (504, 5002, 500),
}
#: Words that were seen in answers of the live API.
OBSERVED = {
    "resource_pack_used_up": "Account balance not enough",
    "concurrency_limit": "parallel task over resource pack limit",
}


def refusing(problem: Exception, monkeypatch: pytest.MonkeyPatch) -> Api:
    """A mock whose use cases all end with an exception."""
    mock = app()

    def stub(*_: Any) -> Any:
        raise problem

    for name in ("create_speech", "create_custom_voice", "custom_voice", "delete_voice"):
        monkeypatch.setattr(mock.state.world.service, name, stub)
    return Api(TestClient(mock, base_url=BASE_URL))


def answers(mock: Api) -> dict[str, Answer]:
    """What each dialect answers to a create."""
    found = {name: Api(mock.http, prefix=prefix).speak() for name, prefix in PREFIXES.items()}
    return {**found, "ezmodel": mock.post(EZ_PATH, EZ_SPEECH)}


def test_table_has_every_reason_and_every_documented_code() -> None:
    """Reasons, this table and the documents' table of errors are the same 21 rows."""
    assert {reason.value for reason in Reason} == set(TABLE)
    pairs = {(status, code) for status, code, _ in TABLE.values()}
    assert pairs | {(200, 0)} == documents.error_table("klingai")
    flat = {(status, status) for _, _, status in TABLE.values()}
    assert flat | {(200, 0)} == documents.error_table("ezmodel")


@pytest.mark.parametrize("reason", TABLE)
def test_refusal_has_the_status_and_code_of_its_row(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal has the row's HTTP status and code, words and a request id, and no data, in each dialect."""
    status, code, ez = TABLE[reason]
    mock = refusing(Refused(Reason(reason)), monkeypatch)

    found = answers(mock)

    assert {name: answer.error for name, answer in found.items()} == {
        "klingai": (status, code),
        "kkiai": (status, code),
        "ezmodel": (ez, ez),
    }
    words = {answer.message for answer in found.values()}
    assert len(words) == 1
    assert words == {OBSERVED.get(reason, words.copy().pop())} != {""}
    assert len({answer.value["request_id"] for answer in found.values()}) == 3


@pytest.mark.parametrize("operation", ["voice", "delete", "learn"])
def test_refusal_is_the_same_in_every_operation(
    operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Queries, deletions and creates refuse alike."""
    mock = refusing(Refused(Reason.RATE_LIMIT), monkeypatch)
    call: dict[str, Callable[[], Answer]] = {
        "voice": lambda: mock.voice("1"),
        "delete": lambda: mock.delete("1"),
        "learn": mock.learn,
    }

    assert call[operation]().error == (429, 1302)


@pytest.mark.parametrize(
    "words", ["Voice id not found", "声音 🎵", '"\\\n\0', "\ud800", "x" * 5000]
)
def test_words_of_a_refusal_are_passed_on(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal's own words replace the row's; what JSON cannot hold is replaced and breaks nothing."""
    mock = refusing(Refused(Reason.PARAMETER_ILLEGAL, words), monkeypatch)

    for answer in answers(mock).values():
        assert answer.status == 400
        assert answer.message == words.replace("\ud800", "?")


def test_bug_in_the_mock_is_the_dialects_server_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever breaks, the client gets 500/5000 as JSON, or EzModel's 500, and no word of the cause."""
    mock = refusing(RuntimeError("secret detail"), monkeypatch)

    found = answers(mock)

    assert {name: answer.error for name, answer in found.items()} == {
        "klingai": (500, 5000),
        "kkiai": (500, 5000),
        "ezmodel": (500, 500),
    }
    assert not any("secret detail" in answer.message for answer in found.values())
    assert "RuntimeError: secret detail" in capsys.readouterr().err
    assert mock.presets().status == 200


@pytest.mark.parametrize(
    ("method", "path", "key", "body", "error"),
    [
        ("GET", "/v1/general/custom-voices", "", NOTHING, (401, 1001)),
        ("GET", "/v1/general/custom-voices", "two words", NOTHING, (401, 1002)),
        ("POST", "/v1/audio/tts", "any", b"{", (400, 1200)),
        ("POST", "/v1/audio/tts", "any", {}, (400, 1201)),
        ("PUT", "/v1/audio/tts", "any", NOTHING, (404, 1202)),
        ("PATCH", "/v1/general/custom-voices", "any", NOTHING, (404, 1202)),
        ("DELETE", "/v1/general/custom-voices/1", "any", NOTHING, (404, 1202)),
        ("POST", "/v1/general/custom-voices/1", "any", {}, (404, 1202)),
        ("OPTIONS", "/v1/general/delete-voices", "any", NOTHING, (404, 1202)),
        ("POST", "/v1/general/presets-voices", "any", {}, (404, 1202)),
        ("GET", "/", "any", NOTHING, (404, 1203)),
        ("GET", "/v1", "any", NOTHING, (404, 1203)),
        ("GET", "/v2/general/custom-voices", "any", NOTHING, (404, 1203)),
        ("GET", "/v1/general/custom-voices/", "any", NOTHING, (404, 1203)),
        ("GET", "/v1/general/custom-voices/1/2", "any", NOTHING, (404, 1203)),
        ("GET", "//v1/general/custom-voices", "any", NOTHING, (404, 1203)),
        ("GET", "/v1/general%2Fcustom-voices", "any", NOTHING, (404, 1203)),
        ("GET", "/V1/general/custom-voices", "any", NOTHING, (404, 1203)),
        ("POST", "/v1/audio/tts/", "any", {}, (404, 1203)),
        ("GET", "/v1/general/../audio", "any", NOTHING, (404, 1203)),
        ("GET", "/__mock__", "any", NOTHING, (404, 1203)),
        ("GET", "/" + "a" * 3000, "any", NOTHING, (404, 1203)),
        (
            "POST",
            "/v1/audio/tts",
            "any",
            {"text": "mock:risk-control", "voice_id": "genshin_vindi2"},
            (400, 1301),
        ),
    ],
)
@pytest.mark.parametrize("dialect", sorted(PREFIXES))
def test_reachable_rows_are_reached_by_requests(
    dialect: str, method: str, path: str, key: str, body: Any, error: tuple[int, int]
) -> None:
    """Real requests reach the rows for credentials, parameters, methods, paths and content; nothing redirects."""
    mock = api(dialect)

    assert mock.using(key).call(method, path, body).error == error


def test_unknown_path_names_the_nearest() -> None:
    """The message of an unknown path names the known path next to it."""
    assert "did you mean /v1/audio/tts?" in api().post("/v1/audio/ttss", {}).message


def test_every_answer_has_a_request_id_of_its_own() -> None:
    """No two answers, successes, refusals and unauthenticated ones of all accounts among them, share a request id."""
    mock = api()
    other = mock.using(mock.key + "-other")
    anonymous = mock.using("")
    calls: list[Callable[[], Answer]] = [
        mock.presets,
        other.presets,
        anonymous.presets,
        mock.speak,
        lambda: mock.get("/"),
    ]

    ids = [call().value["request_id"] for _ in range(20) for call in calls]

    assert len(set(ids)) == 100
