"""Requests as command lines: for any POSIX shell, in visible ASCII, and without secrets: variables stand for keys."""

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
#: Headers without a credential.
_SCHEMES = ("", "bearer", "basic", "token")


def line(method: str, url: str, headers: Mapping[str, str], body: bytes) -> str:
    """A command line that sends a request again."""
    words = ["curl", "-sS", "-X", method]
    if any(char in url for char in "[]{}"):
        words.append("-g")
    if "/." in url:
        words.append("--path-as-is")
    credential = ""
    for name, value in headers.items():
        if name.lower() == _SECRET:
            credential = f" -H {_credential(name, value)}"
        elif name.lower() not in _IMPLIED:
            words += ["-H", f"{name}: {value}"]
    if body and _TYPE not in {name.lower() for name in headers}:
        words += ["-H", "Content-Type:"]  # or curl invents one
    # A secret goes before anything is cut: what is cut in two is found no more.
    clean = redaction.clean(body.decode("utf-8", "surrogateescape"))
    whole = clean.encode("utf-8", "surrogateescape")
    shown = whole[:MOST_BYTES]
    options = " ".join(_word(redaction.clean(word)) for word in words)
    quoted = f"{options}{credential} {_word(redaction.clean(url))}"
    left_out = len(whole) - len(shown)
    note = f"  # the body is shortened: {left_out} more bytes" if left_out else ""
    if not body:
        return quoted
    if _is_plain(shown):
        return f"{quoted} --data-raw {shlex.quote(shown.decode())}{note}"
    return f"printf {_for_printf(shown)} | {quoted} --data-binary @-{note}"


def _credential(name: str, value: str) -> str:
    """The header of a credential as a word of the shell: a variable stands for a key that somebody gave.

    A credential that the kit has made up is shown as it was sent: often it is what a request is about.
    """
    scheme, blank, credential = value.partition(" ")
    if not credential.strip():
        scheme, blank, credential = "", "", value
    variable = redaction.variable_of(credential)
    is_bearer = scheme.lower() == "bearer"
    if not variable and is_bearer and not redaction.is_invented(credential):
        variable = redaction.KEY  # of a recording, say: nobody knows whose it is
    if variable and (not scheme or scheme.isalnum()):
        return f'"{name}: {scheme}{blank}${variable}"'
    is_public = value.strip().lower() in _SCHEMES or redaction.is_invented(credential)
    return _word(f"{name}: {scheme}{blank}{credential if is_public else redaction.HIDDEN}")


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
