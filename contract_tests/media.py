"""Files that answers lead to."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from contract_tests import checks
from contract_tests.observation import Request
from contract_tests.saying import Said, quoted
from contract_tests.target import Target


def audio_of(data: dict[str, Any]) -> dict[str, Any]:
    """The audio of a speech, which is there at once.

    Raises:
        Broken: the task has not succeeded.
    """
    words = 'task_status is {}, where a speech is due "succeed" in its answer'
    saw = Said(words, data["task_status"], by=(data,))
    checks.require(data["task_status"] == "succeed", "speech.synchronous", saw)
    audio: dict[str, Any] = data["task_result"]["audios"][0]
    return audio


def fetched(
    target: Target, url: str, clause: str = "media.url.no-auth", *, data: Any = None
) -> bytes:
    """A file's content, fetched without credentials.

    Skips the test when the file is on another host than the target, and that is out of reach.

    Args:
        clause: what is broken when it is not there.
        data: what shows the address.
    """
    words = "the address of a file is {}, where one that begins with http:// or https:// is due"
    is_address = url.startswith(("http://", "https://"))
    checks.require(is_address, "schema.answer", Said(words, url, by=(data,) * (data is not None)))
    try:
        reply = target.plain("GET", url)
    except httpx2.TransportError as reason:
        if target.is_own(url):
            is_there = not isinstance(reason, httpx2.ConnectError | httpx2.ConnectTimeout)
            words = f"the file at {quoted(url)} gets no whole answer ({reason})"
            told = Said(f"{words}, where HTTP 200 is due", by=(Request("GET", url),))
            raise checks.Broken("server.answers" if is_there else clause, told) from None
        pytest.skip(f"not looked at: {url} cannot be reached from here ({reason})")
    words = f"the file at {{}} is answered with HTTP {reply.status}, where HTTP 200 is due"
    checks.require(reply.status == 200, clause, Said(words, url, by=(Request("GET", url),)))
    return reply.body
