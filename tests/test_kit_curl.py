"""The command lines that show a breach: any shell runs them, and sends the very bytes again."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from contract_tests import curl, redaction, tokens

URL = "http://127.0.0.1:8700/v1/audio/tts"
#: A program in curl's place that says what it was given.
_STUB = (
    "import json, sys; print(json.dumps([sys.argv[1:], sys.stdin.buffer.read().decode('latin-1')]))"
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


def ran(line: str, **variables: str) -> tuple[list[str], bytes]:
    """The words and the input that curl would get."""
    shell = f'curl() {{ {sys.executable} -c {shlex.quote(_STUB)} "$@"; }}\n{line}\n'
    done = subprocess.run(
        ["/bin/sh", "-c", shell],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        env={**os.environ, **variables},
    )
    words, given = json.loads(done.stdout)
    return words, given.encode("latin-1")


@pytest.mark.parametrize(
    "body",
    [b"it's $HOME `x` !", b"{}", b"%d %s \\n '", b"\0\xff\xfe\n", "温柔".encode(), b"@file"],
)
def test_the_same_bytes_are_sent(body: bytes) -> None:
    """Quotes, dollars, NUL, what is no UTF-8: the body arrives as it was."""
    line = curl.line("POST", URL, {"content-type": "application/json"}, body)
    assert line.isascii()
    words, given = ran(line)
    assert words[-1] in (URL, "@-") or words[-2] == "--data-raw"
    assert (
        words[words.index("--data-raw") + 1].encode() if "--data-raw" in words else given
    ) == body


@pytest.fixture
def secrets() -> Iterator[None]:
    """A run with two keys."""
    redaction.name_keys("sk-planted-one", "sk-planted-two")
    yield
    redaction.forget()


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Bearer sk-planted-one", "Bearer $KLING_MOCK_API_KEY"),
        ("Bearer sk-planted-two", "Bearer $KLING_MOCK_API_KEY2"),
        ("Token sk-planted-one", "Token $KLING_MOCK_API_KEY"),
        ("sk-planted-two", "$KLING_MOCK_API_KEY2"),
        ("Bearer sk-of-a-recording", "Bearer $KLING_MOCK_API_KEY"),
        ("Basic cGxhbnRlZA==", "Basic ***"),
        ("$(id) sk-planted-one", "$(id) ***"),
        ("Bearer", "Bearer"),
    ],
)
def test_variables_stand_for_keys(header: str, words: str) -> None:
    """A line holds no credential: a shell puts the variable's value there, and nothing else that may stand in it."""
    line = curl.line("GET", URL, {"Authorization": header, "Host": "x"}, b"")
    assert f"Authorization: {words}" in line
    assert "planted" not in line.replace(header, "")
    assert "Host" not in line
    assert redaction.clean(line) == line
    given, _ = ran(line, KLING_MOCK_API_KEY="one", KLING_MOCK_API_KEY2="two two")
    due = words.replace("$KLING_MOCK_API_KEY2", "two two").replace("$KLING_MOCK_API_KEY", "one")
    assert given[given.index("-H") + 1] == f"Authorization: {due}"


@pytest.mark.usefixtures("secrets")
def test_what_the_kit_made_up_is_shown() -> None:
    """An invented credential is no secret: it stands in the line as it was sent, and stays there; a user's does not."""
    token = tokens.token("ct-1", "s" * 32, valid_from_s=0, valid_to_s=9)
    for header in (f"Bearer {token}", f"Basic {redaction.invent('dXNlcjpwYXNz')}"):
        line = curl.line("GET", URL, {"Authorization": header}, b"")
        assert f"'Authorization: {header}'" in redaction.clean(line)
    redaction.invent("sk-planted-one")
    assert "planted" not in curl.line("GET", URL, {"Authorization": "Bearer sk-planted-one"}, b"")


def test_what_is_shortened_says_so() -> None:
    """A body that is too long to show is cut, and the line says by how much; it is a line that runs."""
    line = curl.line("POST", URL, {}, b"a" * 10_000)
    assert line.endswith("# the body is shortened: 5904 more bytes")
    words, _ = ran(line)
    assert words[-1] == "a" * 4096
    assert "Content-Type:" in words
