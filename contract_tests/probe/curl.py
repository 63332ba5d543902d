"""A delivery as a command line that sends it again, secrets left out."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Collection

from contract_tests import redaction
from contract_tests.probe.wire import Delivery

#: Bytes of a body that a command line holds; of a longer one only its beginning is shown.
_LONGEST = 4096
_SHOWN = 60


def command(url: str, delivery: Delivery, hidden: Collection[str]) -> str:
    """The command line.

    Args:
        hidden: names, in lower case, of headers whose values are not shown.
    """
    words = ["curl", "-sS", "-X", delivery.method]
    for name, value in delivery.headers:
        shown = "***" if name.lower() in hidden else value
        words += ["-H", f"{name}: {shown}" if shown else f"{name};"]
    if delivery.method == "GET":
        return _joined([*words, url])
    text = _text(delivery.body)
    if text is not None:
        return _joined([*words, "--data-raw", text, url])
    sent = _joined([*words, "--data-binary", "@-", url])
    if len(delivery.body) <= _LONGEST:
        return f"printf %s {base64.b64encode(delivery.body).decode()} | base64 -d | {sent}"
    begin = delivery.body[:_SHOWN].decode("utf-8", "replace")
    return f"{sent} # the body: {len(delivery.body)} bytes, which begin with {begin!r}"


def _text(body: bytes) -> str | None:
    """A body as a word of a command line, if it can be one."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    is_word = text.isprintable() and not text.startswith("@") and len(body) <= _LONGEST
    return text if is_word else None


def _joined(words: list[str]) -> str:
    return " ".join(shlex.quote(redaction.clean(word)) for word in words)
