"""What ``kling-mock listen`` reads from bodies, and what it remembers of earlier ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.task import TRANSITIONS, TaskStatus
from mock_server.documents import Documents
from mock_server.listen_body import EZMODEL, STANDARD, TASK, Body, Fields, read
from mock_server.listen_book import Book, Sighting
from tests.support.places import ROOT
from tests.support.tasks import quick

TASK_BODY = {"task_id": "1", "task_status": "succeed", "created_at": 1, "updated_at": 2}


def read_json(value: Any) -> Body:
    """Reads a value that is sent as JSON."""
    return read(json.dumps(value).encode())


def test_documented_body_is_unremarkable() -> None:
    """The task and its status are found, and nothing is said of what is documented."""
    body = read_json(
        {
            **TASK_BODY,
            "final_balance_deduction": {"quota": "1", "list_price": "1"},
            "task_info": {"external_task_id": "e", "parent_video": {"id": "v"}},
            "task_result": {"voices": [{"voice_id": "1"}], "videos": [{"duration": "5"}]},
        }
    )

    assert (body.task_id, body.status, body.error) == ("1", "succeed", "")
    assert (body.unknown, body.missing, body.remarks) == ((), (), ())


def test_unknown_and_missing_fields_are_named() -> None:
    """Undocumented fields are named by their path, once each; required ones that are not there are named too."""
    voices = [{"voice_id": "1", "mood": 1}, {"mood": 2}, 3]
    body = read_json({"task_id": "1", "code": 0, "task_result": {"voices": voices, "audios": []}})

    assert body.unknown == ("code", "task_result.voices[].mood", "task_result.audios")
    assert body.missing == ("task_status", "created_at", "updated_at")


@pytest.mark.parametrize(
    ("value", "told", "unknown"),
    [
        (
            {"id": "7", "status": "succeeded", "outputs": [{"x": 1}], "y": 1},
            ("7", "succeeded"),
            "y",
        ),
        ({"audio_id": "7", "duration": 1, "y": 1}, ("", ""), "y"),
    ],
)
def test_other_documented_bodies_are_known(value: Any, told: tuple[str, str], unknown: str) -> None:
    """The new standard of the vendor's test callback, and EzModel's flat record, are held against their own fields."""
    body = read_json(value)

    assert (body.task_id, body.status) == told
    assert (body.unknown, body.missing) == ((unknown,), ())


@pytest.mark.parametrize(
    ("changed", "remark"),
    [
        ({"task_status": "succeeded"}, "unknown status 'succeeded'; did you mean 'succeed'?"),
        ({"task_id": 7}, "task_id is no string"),
        ({"task_status": None}, "task_status is no string"),
    ],
)
def test_what_else_is_wrong_is_remarked(changed: dict[str, Any], remark: str) -> None:
    """A status that does not exist, and an id that is a number, are remarked."""
    assert read_json(TASK_BODY | changed).remarks == (remark,)


def test_number_still_names_its_task() -> None:
    """An id that is a number by mistake is followed all the same."""
    assert read_json(TASK_BODY | {"task_id": 7}).task_id == "7"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty body"),
        (b'{"a": ', "invalid JSON: Expecting value"),
        (b'{"a": NaN}', "invalid JSON: NaN is no JSON"),
        (b'{"a": 1e999}', "invalid JSON: a number is beyond all bounds"),
        (b'{"a": ' + b"9" * 5000 + b"}", "invalid JSON: Exceeds the limit"),
        (b'{"a": "\xff"}', "invalid JSON: no UTF-8 at byte 7"),
        (b"[" * 100_000, "invalid JSON: nested too deep"),
        (b"[" * 200 + b"]" * 200, "JSON that is nested deeper than 100 levels"),
    ],
)
def test_what_is_no_json_is_said(raw: bytes, words: str) -> None:
    """A body that cannot be decoded says why, and is kept as text."""
    body = read(raw)

    assert body.error.startswith(words)
    assert (body.value, body.task_id) == (None, "")
    assert body.text == raw.decode("utf-8", "replace")


@pytest.mark.parametrize("value", [[], [TASK_BODY], "text", 1, None, True])
def test_json_that_is_no_object_is_remarked(value: Any) -> None:
    """JSON of another kind is shown, and remarked."""
    assert read_json(value).remarks == ("the body is no JSON object",)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["task_id", "task_status", "task_result", "voices", "id", "status"])
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@quick
@given(st.binary(max_size=100) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_every_body_can_be_read(raw: bytes) -> None:
    """Whatever is posted is read, and what was read can be printed as JSON again."""
    body = read(raw)

    assert json.loads(json.dumps(body.value, allow_nan=False)) == body.value


def paths(fields: Fields, prefix: str = "") -> Iterator[str]:
    """Every field of a table, as a path."""
    for name, nested in fields.items():
        yield prefix + name
        if nested is not None:
            yield from paths(nested, f"{prefix}{name}.")


def schema_paths(schema: Mapping[str, Any], all_: Mapping[str, Any], prefix: str = "") -> set[str]:
    """Every property of a schema and of those in it, as a path."""
    found: set[str] = set()
    if "$ref" in schema:
        return schema_paths(all_[schema["$ref"].rpartition("/")[2]], all_, prefix)
    if "items" in schema:
        return schema_paths(schema["items"], all_, prefix)
    for name, inner in schema.get("properties", {}).items():
        found |= {prefix + name} | schema_paths(inner, all_, f"{prefix}{name}.")
    return found


@pytest.mark.parametrize(
    ("document", "schema", "fields"),
    [("klingai", "VoiceNotification", TASK), ("ezmodel", "EzSpeech", EZMODEL)],
)
def test_fields_are_those_of_the_documents(document: str, schema: str, fields: Fields) -> None:
    """Every field that openapi/ knows of a callback is known; only images and videos are known besides."""
    schemas = Documents(ROOT / "openapi").bundled(document)["components"]["schemas"]
    documented = schema_paths(schemas[schema], schemas)

    more = set(paths(fields)) - documented
    assert documented <= set(paths(fields))
    assert all("video" in name or "images" in name for name in more)


def test_fields_of_the_new_standard() -> None:
    """The new standard has the eight fields of the vendor's page."""
    assert len(list(paths(STANDARD))) == 8


# ---- what was received before ---------------------------------------------------------------


class Log:
    """A book, and deliveries by the dozen."""

    def __init__(self) -> None:
        self._book = Book()
        self._number = 0

    def __call__(
        self,
        status: str,
        webhook_id: str = "",
        *,
        task: str = "t",
        ok: bool = True,
        trusted: bool = True,
    ) -> Sighting:
        """Notes a delivery, and accepts it or not."""
        self._number += 1
        seen = self._book.note(self._number, webhook_id, task, status, is_trusted=trusted)
        if ok:
            self._book.accept(self._number, seen)
        return seen


@pytest.fixture
def log() -> Log:
    """An empty book."""
    return Log()


def test_attempts_are_counted_by_webhook_id(log: Log) -> None:
    """The same webhook-id is the next attempt; without one there is nothing to count."""
    assert [log("processing", name).attempt for name in ("a", "b", "a", "a", "")] == [1, 1, 2, 3, 0]


def test_what_was_accepted_and_comes_again_is_a_duplicate(log: Log) -> None:
    """The same webhook-id, or the same status of the same task, is a duplicate once it was accepted."""
    log("processing", "a")

    again = log("processing", "a")
    other = log("processing", "b")
    assert (again.duplicate_of, again.retry_of, again.same) == (1, 0, "webhook-id")
    assert (other.duplicate_of, other.same) == (2, "task and status")
    assert log("processing", "c", task="u").duplicate_of == 0
    assert log("succeed", "d").duplicate_of == 0


def test_what_was_not_accepted_and_comes_again_is_a_retry(log: Log) -> None:
    """A retry is no duplicate until one was accepted."""
    log("processing", "a", ok=False)

    first, second = log("processing", "a"), log("processing", "a")
    assert (first.duplicate_of, first.retry_of, first.same) == (0, 1, "webhook-id")
    assert (second.duplicate_of, second.retry_of) == (2, 0)


def test_untrusted_deliveries_say_nothing_of_a_task(log: Log) -> None:
    """What was refused for its signature makes nothing a duplicate or out of order."""
    log("succeed", "a", ok=False, trusted=False)

    assert log("processing", "b") == log("processing", "c", task="u")


@pytest.mark.parametrize("before", TaskStatus)
@pytest.mark.parametrize("after", TaskStatus)
def test_order_is_that_of_the_state_machine(
    before: TaskStatus, after: TaskStatus, log: Log
) -> None:
    """A status is out of order exactly when the task could not have moved there; the same one again is none."""
    log(before)

    legal = after is before or after in TRANSITIONS[before]
    assert (log(after).order == "") is legal


def test_words_of_the_order(log: Log) -> None:
    """What is out of order says after what; other tasks and unknown statuses are left alone."""
    log("processing")
    assert log("submitted").order == "submitted after processing goes back"
    log("succeed")
    assert log("processing").order == "processing after succeed, which is terminal"
    assert log("failed").order == "failed after succeed, which is terminal"
    assert [log("processing", task="u").order, log("odd").order, log("").order] == ["", "", ""]
