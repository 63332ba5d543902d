"""Custom voices: create, query, list, delete, and the ids that name them."""

from __future__ import annotations

import re
from itertools import chain
from typing import Any
from urllib.parse import quote

import pytest

from tests.http.api import NOTHING, PREFIXES, START, VOICE, Answer, Api, api

DIALECTS = sorted(PREFIXES)
PATH = "/v1/general/custom-voices"

#: External ids without a documented alphabet: separators, escapes, other scripts, controls, endless.
ODD_IDS = [
    "a/b",
    "a//b/",
    "..",
    ".",
    "a b",
    "a+b",
    "a?b=c#d",
    "%41",
    "%",
    "%2F",
    "a\0b",
    "\n",
    "声音",
    "🎵",
    "e\u0301",
    "‮x",
    "a;b,c&d",
    '"quoted"\\',
    "1" * 18,
    "x" * 3000,
]


def by(mock: Api, name: str) -> Answer:
    """Queries by an id of any characters; dots are encoded too, or the client would resolve them."""
    encoded = quote(name, safe="").replace(".", "%2E")
    return mock.get(f"{PATH}/{encoded}")


def voice_id_of(record: dict[str, Any]) -> str:
    """The id of the voice that a succeeded task made."""
    voice_id: str = record["task_result"]["voices"][0]["voice_id"]
    return voice_id


@pytest.mark.parametrize("dialect", DIALECTS)
def test_create_is_answered_with_the_submitted_task(dialect: str) -> None:
    """The create answers with five fields of the task; task_info is empty without an external id."""
    answer = api(dialect).learn()

    assert set(answer.value) == {"code", "message", "request_id", "data"}
    assert (answer.value["code"], answer.message) == (0, "SUCCEED")
    assert answer.data == {
        "task_id": answer.data["task_id"],
        "task_info": {},
        "task_status": "submitted",
        "created_at": START,
        "updated_at": START,
    }
    assert re.fullmatch("[1-9][0-9]{17}", answer.data["task_id"])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_voice_is_made_in_nine_seconds(dialect: str) -> None:
    """A task is submitted, processing from 2 s and succeed from 9 s on, each with its exact fields."""
    mock = api(dialect)
    task_id = mock.learn(external_task_id="ada-1").data["task_id"]
    common = {
        "task_id": task_id,
        "task_status_msg": "",
        "task_info": {"external_task_id": "ada-1"},
        "created_at": START,
    }
    submitted = {**common, "task_status": "submitted", "updated_at": START}
    processing = {**common, "task_status": "processing", "updated_at": START + 2000}

    assert mock.voice(task_id).data == submitted
    mock.advance(1.999)
    assert mock.voice(task_id).data == submitted
    mock.advance(0.001)
    assert mock.voice(task_id).data == processing
    mock.advance(6.999)
    assert mock.voice(task_id).data == processing
    mock.advance(0.001)
    record = mock.voice(task_id).data
    voice = record["task_result"]["voices"][0]
    assert record == {
        **common,
        "task_status": "succeed",
        "updated_at": START + 9000,
        "final_unit_deduction": "0.05",
        "task_result": {
            "voices": [
                {
                    "voice_id": voice["voice_id"],
                    "voice_name": "Ada",
                    "trial_url": mock.media_url(f"trial/{voice['voice_id']}.wav", START + 9000),
                    "owned_by": voice["owned_by"],
                }
            ]
        },
    }
    assert re.fullmatch("[1-9][0-9]{17}", voice["voice_id"])
    assert re.fullmatch("[1-9][0-9]*", voice["owned_by"])
    mock.advance(1e6)
    assert mock.voice(task_id).data == record


def test_failed_task_is_a_success_with_a_reason() -> None:
    """A failed task is HTTP 200, code 0, SUCCEED, with its reason, an empty task_result and no deduction."""
    mock = api()
    task_id = mock.learn(voice_name="mock:risk-control").data["task_id"]
    mock.advance(9)

    answer = mock.voice(task_id)

    assert (answer.value["code"], answer.message) == (0, "SUCCEED")
    assert answer.data == {
        "task_id": task_id,
        "task_status": "failed",
        "task_status_msg": "Failure to pass the risk control system",
        "task_info": {},
        "task_result": {},
        "created_at": START,
        "updated_at": START + 9000,
    }


def test_voices_of_an_account_have_one_owner() -> None:
    """All voices of an account carry the same owner, those of another account another one."""
    mock = api()
    other = mock.using(mock.key + "-other")
    owners = [
        item.ready_voice()["task_result"]["voices"][0]["owned_by"] for item in (mock, mock, other)
    ]

    assert owners[0] == owners[1] != owners[2]


@pytest.mark.parametrize("external_id", ODD_IDS, ids=lambda item: ascii(item[:12]))
def test_task_is_found_by_any_external_id(external_id: str) -> None:
    """A percent-encoded external id finds its task and is echoed unchanged, whatever its characters."""
    mock = api()
    task_id = mock.learn(external_task_id=external_id).data["task_id"]

    found = by(mock, external_id).data

    assert found["task_id"] == task_id
    assert found["task_info"] == {"external_task_id": external_id}
    assert mock.voice(task_id).data == found


@pytest.mark.parametrize(
    "external_id", [*ODD_IDS, "0", "nobody"], ids=lambda item: ascii(item[:12])
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_unknown_id_is_a_bad_request(dialect: str, external_id: str) -> None:
    """An id that names nothing is 400/1201, never 404, and the message repeats it."""
    answer = by(api(dialect), external_id)

    assert answer.error == (400, 1201)
    assert answer.message == f"Task not found by id/external id: {external_id}"


@pytest.mark.parametrize("raw", ["%00", "%ff", "%2F", "%2e%2e", "%", "%zz", "%F0%9F", "x" * 3000])
def test_percent_encoding_of_any_kind_is_an_unknown_id(raw: str) -> None:
    """NUL, bytes that are no UTF-8, slashes and broken escapes in a path are ordinary unknown ids."""
    assert api().get(f"{PATH}/{raw}").error == (400, 1201)


def test_task_id_wins_over_an_external_id() -> None:
    """A name that is the task id of one task and the external id of another leads to the first."""
    mock = api()
    first = mock.learn().data["task_id"]
    mock.learn(external_task_id=first)

    assert mock.voice(first).data["task_id"] == first
    assert mock.voice(first).data["task_info"] == {}


def test_external_id_is_taken_for_good() -> None:
    """A used external id is 400/1201 '... already exists': at once, after success, after deletion, after failure."""
    mock = api()
    refusals = []
    task_id = mock.learn(external_task_id="e").data["task_id"]
    refusals.append(mock.learn(external_task_id="e"))
    mock.advance(9)
    refusals.append(mock.learn(external_task_id="e"))
    mock.delete(voice_id_of(mock.voice(task_id).data))
    refusals.append(mock.learn(external_task_id="e"))
    mock.learn(external_task_id="f", voice_name="mock:too-short")
    mock.advance(9)
    failed = mock.learn(external_task_id="f")

    assert {item.error for item in [*refusals, failed]} == {(400, 1201)}
    assert {item.message for item in refusals} == {"External_task_id e already exists"}
    assert failed.message == "External_task_id f already exists"
    assert len(mock.voices().data) == 2


def test_external_ids_are_apart_by_account() -> None:
    """Two accounts may use one external id; each finds its own task."""
    mock = api()
    other = mock.using(mock.key + "-other")
    mine = mock.learn(external_task_id="e").data["task_id"]
    theirs = other.learn(external_task_id="e").data["task_id"]

    assert mine != theirs
    assert mock.voice("e").data["task_id"] == mine
    assert other.voice("e").data["task_id"] == theirs


def test_another_accounts_task_is_unknown() -> None:
    """A foreign task is not found by its task id, is not listed, and its voice cannot be deleted."""
    mock = api()
    other = mock.using(mock.key + "-other")
    record = mock.ready_voice()

    assert other.voice(record["task_id"]).error == (400, 1201)
    assert other.voices().data == []
    assert other.delete(voice_id_of(record)).error == (400, 1201)
    assert mock.delete(voice_id_of(record)).status == 200


def test_empty_strings_are_absent_fields() -> None:
    """The official sample, with empty video_id, callback_url and external_task_id, is accepted twice."""
    mock = api()
    sample = {**VOICE, "video_id": "", "callback_url": "", "external_task_id": ""}

    assert [mock.post(PATH, sample).data["task_info"] for _ in range(2)] == [{}, {}]
    assert mock.learn(voice_url="", video_id="830460928805724256").status == 200
    assert mock.learn(video_id="830460928805724256").status == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"voice_name": None}, "voice_name", id="null name"),
        pytest.param({"voice_name": ""}, "voice_name", id="empty name"),
        pytest.param({"voice_name": "a" * 21}, "voice_name", id="long name"),
        pytest.param({"voice_name": 7}, "voice_name", id="number as name"),
        pytest.param({"voice_url": "ftp://example.com/a.mp3"}, "voice_url", id="other scheme"),
        pytest.param({"voice_url": "http://"}, "voice_url", id="no host"),
        pytest.param({"voice_url": "ada.mp3"}, "voice_url", id="no URL"),
        pytest.param({"voice_url": "http://a b/"}, "voice_url", id="blank in URL"),
        pytest.param({"voice_url": "http://a/\n"}, "voice_url", id="newline in URL"),
        pytest.param({"voice_url": "http://a/" + "a" * 4096}, "voice_url", id="long URL"),
        pytest.param({"voice_url": {"a": 1}}, "voice_url", id="object as URL"),
        pytest.param({"video_id": 830460928805724256}, "video_id", id="number as video"),
        pytest.param({"video_id": "1" * 257}, "video_id", id="long video"),
        pytest.param({"callback_url": "javascript:alert(1)"}, "callback_url", id="no http"),
        pytest.param({"callback_url": None}, "callback_url", id="null callback"),
        pytest.param({"external_task_id": 5}, "external_task_id", id="number as external id"),
        pytest.param({"external_task_id": None}, "external_task_id", id="null external id"),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_bad_field_is_refused_by_name(dialect: str, fields: dict[str, Any], words: str) -> None:
    """A wrong field is 400/1201, the message names it, and no task comes into being."""
    mock = api(dialect)

    answer = mock.learn(**fields)

    assert answer.error == (400, 1201)
    assert answer.message.startswith(words + " ")
    assert mock.voices().data == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"voice_name": "Ada"}, id="absent"),
        pytest.param({"voice_name": "Ada", "voice_url": ""}, id="empty url"),
        pytest.param({"voice_name": "Ada", "video_id": ""}, id="empty video"),
        pytest.param({"voice_name": "Ada", "voice_url": "", "video_id": ""}, id="both empty"),
    ],
)
def test_a_source_is_required(body: dict[str, Any]) -> None:
    """Without voice_url and video_id, absent or empty, the create is 400/1201 and the message names both."""
    answer = api().post(PATH, body)

    assert answer.error == (400, 1201)
    assert answer.message == "voice_url or video_id is required"


def test_name_is_counted_in_characters() -> None:
    """A name of 20 code points is accepted, and echoed; two voices may share a name."""
    mock = api()
    name = "声🎵" * 10

    records = [mock.ready_voice(voice_name=name) for _ in range(2)]

    assert [item["task_result"]["voices"][0]["voice_name"] for item in records] == [name, name]


def test_list_shows_the_records_newest_first() -> None:
    """The list holds each task once, in every status, newest first, as its query shows it."""
    mock = api()
    ids = [mock.learn().data["task_id"]]
    mock.advance(5)
    ids.append(mock.learn(voice_name="mock:noisy").data["task_id"])
    mock.advance(6)
    ids.append(mock.learn().data["task_id"])

    listed = mock.voices().data

    assert [item["task_id"] for item in listed] == ids[::-1]
    assert [item["task_status"] for item in listed] == ["submitted", "failed", "succeed"]
    assert listed == [mock.voice(task_id).data for task_id in ids[::-1]]


def test_pages_together_are_the_list() -> None:
    """A page has 30 tasks unless said; pages follow without gap; beyond the last there is an empty one."""
    mock = api()
    ids = [mock.learn().data["task_id"] for _ in range(35)][::-1]

    def page(query: str) -> list[str]:
        return [item["task_id"] for item in mock.voices(query).data]

    assert page("") == page("?pageNum=1&pageSize=30") == ids[:30]
    assert page("?pageNum=2") == ids[30:]
    assert page("?pageNum=3") == []
    assert page("?pageSize=1000") == ids
    pages = (page(f"?pageSize=8&pageNum={number}") for number in range(1, 6))
    assert list(chain.from_iterable(pages)) == ids
    assert page("?pageNum=1000&pageSize=1") == []


def test_empty_account_has_an_empty_list() -> None:
    """An account that has created nothing lists nothing."""
    assert api().voices().data == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_delete_answers_with_the_task_and_works_once(dialect: str) -> None:
    """Deleting a voice answers with its full record; a second time is 400/1201 saying that it is deleted."""
    mock = api(dialect)
    record = mock.ready_voice(external_task_id="e")
    voice_id = voice_id_of(record)

    answer = mock.delete(voice_id)
    again = mock.delete(voice_id)

    assert set(answer.value) == {"code", "message", "request_id", "data"}
    assert answer.data == record
    assert again.error == (400, 1201)
    assert again.message == f"Voice already be deleted for id: {voice_id}"


def test_task_of_a_deleted_voice_is_still_found() -> None:
    """After the deletion the task is queried by both ids and listed as before."""
    mock = api()
    record = mock.ready_voice(external_task_id="e")
    mock.delete(voice_id_of(record))

    assert mock.voice(record["task_id"]).data == mock.voice("e").data == record
    assert mock.voices().data == [record]


def test_only_an_existing_custom_voice_can_be_deleted() -> None:
    """Unknown ids, task ids, presets, voices not made yet and voices that failed are 400/1201."""
    mock = api()
    task_id = mock.learn().data["task_id"]
    failed = mock.learn(voice_name="mock:too-short").data["task_id"]
    preset = mock.presets().data[0]["task_result"]["voices"][0]["voice_id"]
    twin = api()
    future = voice_id_of(twin.ready_voice())
    mock.advance(5)

    refusals = [mock.delete(name) for name in ("nobody", "\0", task_id, failed, preset, future)]

    assert {item.error for item in refusals} == {(400, 1201)}
    assert refusals[0].message == "Voice not found for id: nobody"
    assert "preset" in refusals[4].message or preset in refusals[4].message
    assert preset in str(mock.presets().data)


def test_voice_cannot_be_deleted_before_it_exists() -> None:
    """The id that a voice will have names nothing until the task succeeds."""
    one, two = api(seed="early"), api(seed="early", strict=True)  # equal seeds: equal ids
    two = Api(two.http, one.key)
    voice_id = voice_id_of(one.ready_voice())
    two.learn()

    assert two.delete(voice_id).error == (400, 1201)
    two.advance(8.999)
    assert two.delete(voice_id).error == (400, 1201)
    two.advance(0.001)
    assert two.delete(voice_id).data["task_status"] == "succeed"


@pytest.mark.parametrize(
    "body", [{}, {"voice_id": ""}, {"voice_id": 5}, {"voice_id": None}, {"voice_id": "1" * 257}]
)
def test_delete_needs_a_voice_id(body: dict[str, Any]) -> None:
    """A deletion without a proper voice_id is 400/1201 and the message names it."""
    answer = api().post("/v1/general/delete-voices", body)

    assert answer.error == (400, 1201)
    assert answer.message.startswith("voice_id ")


@pytest.mark.parametrize("body", [NOTHING, b"", b"{", b"null", b"[]", b'"x"', b"1", b"\xff", b"\0"])
@pytest.mark.parametrize("path", [PATH, "/v1/audio/tts", "/v1/general/delete-voices"])
def test_body_that_is_no_object_is_1200(path: str, body: Any) -> None:
    """No body, broken JSON and JSON that is no object are 400/1200."""
    assert api().post(path, body).error == (400, 1200)


def test_last_of_duplicate_keys_counts() -> None:
    """Of duplicate keys in a body the last counts, as in most JSON parsers."""
    body = b'{"voice_name": 5, "voice_name": "Ada", "video_id": "", "video_id": "1"}'

    assert api().post(PATH, body).data["task_status"] == "submitted"


@pytest.mark.parametrize(
    ("progression", "at_once", "later"),
    [
        ("immediate", "succeed", "succeed"),
        ("manual", "submitted", "submitted"),
        ("time", "submitted", "succeed"),
    ],
)
def test_progression_says_how_tasks_move(progression: str, at_once: str, later: str) -> None:
    """Immediate tasks are ready at once, manual ones never by themselves, others with the clock."""
    mock = api(progression=progression)
    created = mock.learn().data

    assert created["task_status"] == "submitted"
    assert mock.voice(created["task_id"]).data["task_status"] == at_once
    mock.advance(3600)
    assert mock.voice(created["task_id"]).data["task_status"] == later


def test_polls_move_a_task_and_lists_do_not() -> None:
    """Under polls each N-th query of a task brings its next step; lists and the clock move nothing."""
    mock = api(progression="polls", polls=2)
    task_id = mock.learn().data["task_id"]
    mock.advance(60)
    for _ in range(5):
        assert mock.voices().data[0]["task_status"] == "submitted"

    seen = [mock.voice(task_id).data["task_status"] for _ in range(6)]

    assert seen == ["submitted", "processing", "processing", "succeed", "succeed", "succeed"]
    assert mock.voices().data[0]["task_status"] == "succeed"
