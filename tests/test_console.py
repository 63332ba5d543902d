"""What the command line prints."""

from __future__ import annotations

import io
import json
import re
from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mock_server import __version__, settings
from mock_server.console import PREFIXES, Console, curl, sentence
from mock_server.documents import DIALECTS
from mock_server.events import (
    CallbackAttempted,
    CallbackNotDelivered,
    Event,
    RequestAnswered,
    TaskMoved,
    ignore,
    plain,
)
from tests.support.tasks import quick

URL = "http://127.0.0.1:8700"
REQUEST = RequestAnswered("GET", "/v1/x", 200, 0, "key-1", 1.5)
MOVED = TaskMoved("123", "key-1", "custom_voice", "failed", 5, "too noisy")
ATTEMPT = CallbackAttempted("123", "key-1", "succeed", "http://h/cb", 1, 200, "", 2.5)
MISSED = CallbackNotDelivered("123", "key-1", "succeed", "http://h/cb", 1.5)
EVENTS: list[Event] = [REQUEST, MOVED, ATTEMPT, MISSED]


def console(stream: io.TextIOBase, **options: bool) -> Console:
    """A console with switches."""
    return Console(stream, settings.build(**options))  # a TextIO in all that counts


def printed(*events: Event, **options: bool) -> list[str]:
    """The lines that a console prints for events."""
    stream = io.StringIO()
    shown = console(stream, **options)
    for event in events:
        shown(event)
    return stream.getvalue().splitlines()


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (REQUEST, "request   GET /v1/x -> 200 code 0  (key-1, 1.5 ms)"),
        (RequestAnswered("GET", "/", 404, None, "-", 1.0), "request   GET / -> 404  (-, 1.0 ms)"),
        (
            RequestAnswered("POST", "/v1/x", 400, 1201, "-", 1.0, "text is required"),
            "request   POST /v1/x -> 400 code 1201: text is required  (-, 1.0 ms)",
        ),
        (MOVED, "task      123 custom_voice is failed: too noisy"),
        (TaskMoved("1", "k", "speech", "succeed", 5), "task      1 speech is succeed"),
        (ATTEMPT, "callback  123 succeed to http://h/cb -> 200  (2.5 ms)"),
        (
            CallbackAttempted("1", "k", "failed", "http://h", 1, None, "refused", 0.0),
            "callback  1 failed to http://h -> refused  (0.0 ms)",
        ),
        (MISSED, "callback  123 succeed to http://h/cb not delivered (due in 1.5 s)"),
        (
            CallbackNotDelivered("1", "k", "failed", "http://h", None),
            "callback  1 failed to http://h not delivered (was due)",
        ),
    ],
)
def test_an_event_is_one_readable_line(event: Event, words: str) -> None:
    """Each event is one line with the time in front of it."""
    assert sentence(event) == words
    (line,) = printed(event)
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d\d\d " + re.escape(words), line)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event)
def test_an_event_is_one_line_of_json(event: Event) -> None:
    """With --json each event is an object on a line, its kind under ``event``."""
    (line,) = printed(event, json=True)
    value = json.loads(line)
    assert value == plain(event)
    assert set(value) == {"event", *(item.name for item in fields(event))}


def test_every_event_has_a_sentence_and_a_kind() -> None:
    """The tables of these tests are complete, and kinds are told apart."""
    kinds = get_args(Event)
    assert {type(event) for event in EVENTS} == set(kinds)
    assert len({kind.event for kind in kinds}) == len(kinds)


def test_quiet_prints_only_what_was_not_delivered() -> None:
    """A quiet console prints no line per event, but a lost callback is shown and counted even so."""
    assert [line.split(" ", 1)[1] for line in printed(*EVENTS, quiet=True)] == [sentence(MISSED)]
    assert [json.loads(line)["event"] for line in printed(*EVENTS, quiet=True, json=True)] == [
        "callback_not_delivered"
    ]


def test_ready_says_where_to_go() -> None:
    """Ready prints where it listens, the seed, each dialect's base URL, and a curl line to paste."""
    stream = io.StringIO()
    console(stream).ready(URL, "a1b2")
    text = stream.getvalue()
    assert f"kling-mock {__version__} listens on {URL}  (seed a1b2)" in text
    for dialect, prefix in PREFIXES.items():
        assert re.search(rf"^  {dialect} +{re.escape(URL + prefix)} ", text, re.MULTILINE)
    assert curl(URL) in text
    assert tuple(PREFIXES) == DIALECTS


def test_ready_is_one_line_when_quiet() -> None:
    """A quiet console says where it listens and its seed, and nothing more."""
    stream = io.StringIO()
    console(stream, quiet=True).ready(URL, "a1b2")
    assert stream.getvalue() == f"kling-mock {__version__} listens on {URL}  (seed a1b2)\n"


def test_ready_is_one_json_line_with_json() -> None:
    """With --json, ready is one object whose url is the base URL."""
    stream = io.StringIO()
    console(stream, json=True).ready(URL, "a1b2")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line) == {
        "event": "ready",
        "url": URL,
        "seed": "a1b2",
        "version": __version__,
    }


@pytest.mark.parametrize("count", [0, 1, 2])
def test_stopped_says_what_was_not_delivered(count: int) -> None:
    """At the end the number of callbacks that were not delivered is said, if there are any."""
    for as_json in (True, False):
        stream = io.StringIO()
        shown = console(stream, json=as_json)
        for _ in range(count):
            shown(MISSED)
        shown.stopped()
        assert shown.not_delivered == count
        line = stream.getvalue().splitlines()[-1]
        if as_json:
            assert json.loads(line) == {"event": "stopped", "callbacks_not_delivered": count}
        elif count:
            assert line.endswith(f" stopped; callbacks not delivered: {count}")
        else:
            assert line.endswith(" stopped")


# ---- what clients choose --------------------------------------------------------------------

#: Line ends, terminal escapes, text direction, unpaired surrogates, and what is harmless.
odd = st.text("a中é \n\r\t\x00\x1b\x7f\x9b\u2028\u202e\ud800", max_size=6)


def around(text: str) -> list[Event]:
    """Events that hold a text a client chose: as path, message, URL, and account that its token names."""
    return [
        RequestAnswered("GET", f"/{text}", 200, 0, "key-1", 1.0),
        RequestAnswered("GET", "/", 400, 1201, "key-1", 1.0, f"no {text}"),
        RequestAnswered("GET", "/", 200, 0, f"iss {text}", 1.0),
        TaskMoved("1", f"iss {text}", "speech", "failed", 5, f"why {text}"),
        CallbackAttempted("1", f"iss {text}", "failed", f"http://h/{text}", 1, None, text, 0.0),
        CallbackNotDelivered("1", f"iss {text}", "failed", f"http://h/{text}", None),
    ]


@quick
@given(odd)
@example("\x1b[2J\n")
def test_nothing_a_client_chose_reaches_the_terminal_raw(text: str) -> None:
    """An event is one line of printable characters, whatever path, message, URL or account a client chose."""
    for event in around(text):
        line = sentence(event)
        assert line.isprintable(), line


@quick
@given(odd)
@example("\ud800")
def test_every_event_is_one_line_of_json(text: str) -> None:
    """With --json no text that a client chose breaks the line or stops the printing."""
    for event in around(text):
        (line,) = printed(event, json=True)
        assert json.loads(line)["event"] == event.event


def test_endless_text_is_cut() -> None:
    """A very long path or message is cut, and says so."""
    line = sentence(RequestAnswered("GET", "/" + "x" * 3000, 200, 0, "k", 1.0, "y" * 3000))
    assert len(line) < 600
    assert "..." in line


# ---- streams that do not behave -------------------------------------------------------------


class Gone(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, _text: str, /) -> int:
        """Fails as a closed pipe does."""
        raise BrokenPipeError


def test_a_reader_that_has_gone_stops_nothing() -> None:
    """When nobody reads any more, the console falls silent, and still counts."""
    shown = console(Gone())
    for event in EVENTS:
        shown(event)
    shown.ready(URL, "a")
    shown.stopped()
    assert shown.not_delivered == 1


def test_a_closed_stream_stops_nothing() -> None:
    """A stream that was closed is no error of the server."""
    stream = io.StringIO()
    shown = console(stream)
    stream.close()
    shown(REQUEST)
    shown.stopped()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_narrow_stream_does_not_silence_the_console(encoding: str) -> None:
    """A character that the terminal has not is replaced; the lines after it are printed as ever."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    shown = console(stream)
    shown(TaskMoved("1", "k", "speech", "failed", 5, "失败"))
    shown(REQUEST)
    lines = raw.getvalue().decode(encoding).splitlines()
    assert len(lines) == 2
    assert lines[0].split(" ", 1)[1].startswith("task      1 speech is failed")
    assert lines[1].endswith(sentence(REQUEST))


def test_the_curl_line_can_be_pasted() -> None:
    """The curl line names the server, a credential and a body that is JSON."""
    line = curl(URL)
    assert line.startswith(f"curl {URL}/v1/audio/tts ")
    body: Any = json.loads(line.rpartition(" -d ")[2].strip("'"))
    assert set(body) == {"text", "voice_id", "voice_language"}


def test_a_quiet_observer_takes_every_event() -> None:
    """The observer of a server that nobody watches takes every event and does nothing."""
    for event in EVENTS:
        ignore(event)
