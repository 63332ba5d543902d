"""What a create refused with 429/1303 says and leaves behind: nobody can provoke one, but who meets it can look."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from contract_tests import checks, routes, sending
from contract_tests.observation import Answer, Request, decoded
from contract_tests.saying import Said
from contract_tests.sending import Sender
from contract_tests.target import Target

#: Status and code of a refusal for want of a free slot, and its message.
FULL = (429, 1303)
MESSAGE = "parallel task over resource pack limit"
#: How many refusals are looked at for a task, in a run.
_MOST_LOOKS = 25
#: Seconds that a slot may take to be free, before it is asked whether anything is under way that holds it, and after.
_BEFORE_S, _AFTER_S = 15.0, 10.0

Records = list[dict[str, Any]]


class Slots:
    """What is known of the slots of a server.

    Attributes:
        were_full: whether a create was one too many.
    """

    def __init__(self) -> None:
        self.were_full = False
        self._looks_left = _MOST_LOOKS
        self._held: checks.Broken | None = None

    def refused(self, target: Target, answer: Answer) -> None:
        """Holds a create that was refused for want of a slot against what is said of such.

        Raises:
            Broken: a task of its external id exists, and none did before.
        """
        self.were_full = True
        message = answer.json.get("message")
        checks.kept("errors.1303.message")
        if MESSAGE not in str(message).lower():
            words = f"message is {{}}, where one that says {MESSAGE} is due"
            checks.note("errors.1303.message", Said(words, message, by=(answer,)))
        asked = decoded(answer.request.body)
        word = asked.get("external_task_id") if isinstance(asked, dict) else None
        if not isinstance(word, str) or not word or self._looks_left <= 0:
            return
        if not word.isprintable():
            return  # it may be none that fits into a path
        self._looks_left -= 1
        found = target.sender.send(_query(answer.request, word))
        if sending.is_busy(found):
            return
        checks.kept("errors.429.no-charge")
        record = found.data if isinstance(found.data, Mapping) else {}
        known = {made.task_id for made in target.sender.made}
        if found.pair == (200, 0) and str(record.get("task_id")) not in known:
            words = "external id {} is that of a task, where a create that was refused is due none"
            saw = Said(words, word, by=(answer, found))
            raise checks.Broken("errors.429.no-charge", saw)

    def awaited(
        self,
        target: Target,
        answer: Answer,
        send: Callable[[], Answer],
        tasks: Callable[[], Records],
    ) -> Answer:
        """Sends again until a slot is free, or patience ends.

        Args:
            answer: the refusal.
            tasks: shows all tasks of the account.

        Raises:
            Broken: none becomes free, although nothing is under way; where nobody else has the account.
        """
        if self._held is not None:
            raise self._held
        for patience_s in (_BEFORE_S, _AFTER_S):
            answer = target.unless_busy(answer, send, patience_s)
            if answer.pair != FULL:
                checks.kept("limits.slot.held")
                return answer
            if not _have_ended(tasks):
                return target.unless_busy(answer, send)
        if target.is_paid:
            pytest.skip("not looked at: no slot is free, although the list shows no task under way")
        words = "since all tasks in the list have ended"
        told = checks.not_due(answer, "HTTP 200, code 0", words)
        self._held = checks.Broken("limits.slot.held", told)
        raise self._held


_KNOWN: weakref.WeakKeyDictionary[Sender, Slots] = weakref.WeakKeyDictionary()


def of(target: Target) -> Slots:
    """What this run knows of the slots of a server."""
    return _KNOWN.setdefault(target.sender, Slots())


def _query(create: Request, word: str) -> Request:
    """The query of an external id, with the credential of a create."""
    headers = {name: create.headers[name] for name in create.headers if name == "authorization"}
    return Request("GET", f"{create.url.partition('?')[0]}/{routes.segment(word)}", headers)


def _have_ended(tasks: Callable[[], Records]) -> bool:
    """Whether the list shows tasks, and none that is under way."""
    shown = tasks()
    return bool(shown) and all(record["task_status"] in checks.TERMINAL for record in shown)
