"""The command lines that show a breach: any shell runs them, and sends the very bytes again."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest

from contract_tests import curl

URL = "http://127.0.0.1:8700/v1/audio/tts"
#: A program in curl's place that says what it was given.
_STUB = (
    "import json, sys; print(json.dumps([sys.argv[1:], sys.stdin.buffer.read().decode('latin-1')]))"
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


def ran(line: str) -> tuple[list[str], bytes]:
    """The words and the input that curl would get."""
    shell = f'curl() {{ {sys.executable} -c {shlex.quote(_STUB)} "$@"; }}\n{line}\n'
    done = subprocess.run(
        ["/bin/sh", "-c", shell], stdin=subprocess.DEVNULL, capture_output=True, check=True
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


def test_credentials_are_left_out() -> None:
    """A line holds no credential of the header, whatever its scheme, and no header that curl sets itself."""
    for header in ("Bearer sk-planted", "Basic cGxhbnRlZA=="):
        line = curl.line("GET", URL, {"Authorization": header, "Host": "x"}, b"")
        assert header.partition(" ")[2] not in line
        assert "***" in line
        assert "Host" not in line


def test_what_is_shortened_says_so() -> None:
    """A body that is too long to show is cut, and the line says by how much; it is a line that runs."""
    line = curl.line("POST", URL, {}, b"a" * 10_000)
    assert line.endswith("# the body is shortened: 5904 more bytes")
    words, _ = ran(line)
    assert words[-1] == "a" * 4096
    assert "Content-Type:" in words
