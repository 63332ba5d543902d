"""Requests as command lines: for any POSIX shell, in visible ASCII, and without secrets."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from contract_tests import redaction

#: Bytes of a body that a line holds; the rest is left out, and the line says so.
MOST_BYTES = 4096
_SECRET = "authorization"
#: Headers that curl sets as the kit does, or that say nothing about the request.
_IMPLIED = frozenset(
    {
        "host",
        "content-length",
        "connection",
        "user-agent",
        "accept",
        "accept-encoding",
        "x-schemathesis-testcaseid",
    }
)
_TYPE = "content-type"


def line(method: str, url: str, headers: Mapping[str, str], body: bytes) -> str:
    """A command line that sends a request again."""
    words = ["curl", "-sS", "-X", method]
    if any(char in url for char in "[]{}"):
        words.append("-g")
    if "/." in url:
        words.append("--path-as-is")
    for name, value in headers.items():
        if name.lower() not in _IMPLIED:
            words += ["-H", f"{name}: {_shown(name, value)}"]
    if body and _TYPE not in {name.lower() for name in headers}:
        words += ["-H", "Content-Type:"]  # or curl invents one
    # A secret goes before anything is cut: what is cut in two is found no more.
    clean = redaction.clean(body.decode("utf-8", "surrogateescape"))
    whole = clean.encode("utf-8", "surrogateescape")
    shown = whole[:MOST_BYTES]
    quoted = " ".join(_word(redaction.clean(word)) for word in [*words, url])
    left_out = len(whole) - len(shown)
    note = f"  # the body is shortened: {left_out} more bytes" if left_out else ""
    if not body:
        return quoted
    if _is_plain(shown):
        return f"{quoted} --data-raw {shlex.quote(shown.decode())}{note}"
    return f"printf {_for_printf(shown)} | {quoted} --data-binary @-{note}"


def _shown(name: str, value: str) -> str:
    if name.lower() != _SECRET:
        return value
    scheme, blank, credential = value.partition(" ")
    return f"{scheme} {redaction.HIDDEN}" if blank and credential.strip() else value


def _word(text: str) -> str:
    """A word, quoted where it must be; what is no visible ASCII becomes a question mark."""
    return shlex.quote("".join(char if " " <= char <= "~" else "?" for char in text))


def _is_plain(body: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in body)


def _for_printf(body: bytes) -> str:
    """A body as the format of printf, which knows every byte by its octal number."""
    parts = []
    for at, byte in enumerate(body):
        char = chr(byte)
        if char == "%":
            parts.append("%%")
        elif 0x20 <= byte < 0x7F and char not in "\\'" and (at or char != "-"):
            parts.append(char)
        else:
            parts.append(f"\\{byte:03o}")
    return f"'{''.join(parts)}'"
