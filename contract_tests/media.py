"""Files that answers lead to."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from contract_tests import checks
from contract_tests.target import Target


def audio_of(data: dict[str, Any]) -> dict[str, Any]:
    """The audio of a speech, which is there at once.

    Raises:
        Broken: the task has not succeeded.
    """
    checks.require(data["task_status"] == "succeed", "speech.synchronous", data)
    audio: dict[str, Any] = data["task_result"]["audios"][0]
    return audio


def fetched(target: Target, url: str, clause: str = "media.url.no-auth") -> bytes:
    """A file's content, fetched without credentials.

    Skips the test when the file is on another host than the target, and that is out of reach.

    Args:
        clause: what is broken when it is not there.
    """
    checks.require(url.startswith(("http://", "https://")), clause, f"no address: {url}")
    try:
        reply = target.plain("GET", url)
    except httpx2.TransportError as reason:
        if target.is_own(url):
            raise checks.Broken(clause, f"{url}: {reason}") from None
        pytest.skip(f"not looked at: {url} cannot be reached from here ({reason})")
    checks.require(reply.status == 200, clause, f"HTTP {reply.status} at {url}")
    return reply.body
