"""Notifications: what reaches the kit's own receiver, task by task."""

from __future__ import annotations

import time

import pytest

from contract_tests import hearing, notices
from contract_tests.checks import kept, require
from contract_tests.garden import (
    DOOMED,
    EMPTY,
    FAILING,
    LINKED,
    PLAIN,
    SILENT,
    SPARE,
    Garden,
)
from contract_tests.saying import Said

pytestmark = pytest.mark.billable

#: Virtual seconds after the end of a task in which nothing more may arrive.
_LATER_S = 60.0
#: Real seconds of the same.
_LATE_S = 1.0
#: Tasks that are told of, to a receiver that takes everything.
TOLD = (PLAIN, SPARE, FAILING)
#: The same, whose voices are deleted meanwhile.
DELETED = (LINKED, DOOMED)


@pytest.mark.parametrize("kind", TOLD)
def test_an_end_is_notified(garden: Garden, kind: str) -> None:
    """With a callback_url, reaching succeed or failed is told there by a POST of the bare task as JSON.

    Every other notification of the task has that form too.

    Source: callback.terminal, callback.bare, callback.method, schema.notification.
    """
    garden.told(kind)


@pytest.mark.parametrize("kind", TOLD)
def test_notifications_agree_with_queries(garden: Garden, kind: str) -> None:
    """The notifications of a task are about it, arrive in the order of its changes and say what queries say.

    Source: callback.on-change, callback.order, callback.agrees-with-query, task.info.echo, task.updated-at.final.
    """
    told = garden.told(kind)
    task = garden.planted(kind)
    if not task.deleted:
        garden.look(task)
    notices.agree(task, told)


def test_a_made_voice_is_told(garden: Garden) -> None:
    """The notification of succeed holds the voice, as a query does.

    Source: callback.voices.
    """
    told = garden.told(PLAIN)
    if garden.planted(PLAIN).status != "succeed":
        pytest.skip("not looked at: the sample was refused")
    notices.voices_are_told(told)


def test_notifications_are_signed(garden: Garden) -> None:
    """With a webhook secret the three webhook headers come together, and one signature is valid over the raw bytes.

    Source: callback.signature, callback.signature.rotation, callback.signature.legacy.
    """
    if not garden.signing.keys:
        pytest.skip("not looked at: no webhook secret is given (--webhook-secret)")
    garden.told(PLAIN)  # each of them is held against the clauses


@pytest.mark.last
def test_every_end_is_notified(garden: Garden) -> None:
    """Of every task of the run whose create request named the kit's receiver the end is told, whatever it was made for.

    Source: callback.terminal, task.info.echo, voice.name.echo.
    """
    garden.told(PLAIN)
    hearing.all_told(garden)


@pytest.mark.last
def test_nothing_is_told_after_the_end(garden: Garden) -> None:
    """At the end of a run, a second after the end of each task at least, nothing new is told of it.

    Nothing at all is told of tasks without a callback_url, and nothing of the deletion of a voice.
    Whatever arrived anywhere is about the task whose create request named the address.

    Source: callback.on-change, callback.order, voice-create.callback-url.optional,
    voice-create.external-id.no-effect.
    """
    inbox = garden.receiver.inbox
    ends = [inbox.arrived_s[item.ordinal] for kind in TOLD for item in garden.told(kind)]
    for kind in (SILENT, EMPTY):
        garden.ripe(kind)
    if garden.api.target.control:
        garden.api.target.advance(_LATER_S)
    time.sleep(max(0.0, max(ends) + _LATE_S - time.time()))
    unasked = {garden.planted(kind).id: kind for kind in (SILENT, EMPTY)}
    for item in inbox.everything():
        about = item.json.get("task_id") if isinstance(item.json, dict) else None
        words = "a notification of task {} arrived, where none is due without a callback_url"
        saw = Said(words, about, by=(item,))
        require(about not in unasked, "voice-create.callback-url.optional", saw)
    kept("voice-create.callback-url.optional")
    for kind in (*TOLD, *(kind for kind in DELETED if garden.has_ended(kind))):
        notices.formed(inbox, garden.path(kind), garden.shape, garden.signing)
        notices.agree(garden.planted(kind), inbox.of(garden.path(kind)))
    if garden.duplicate().status == 400:
        strays = inbox.of(garden.duplicate_path)
        words = "a refused create is told of at its callback_url, where nothing is due"
        saw = Said(words, by=(*strays[:1], garden.duplicate()))
        require(not strays, "voice-create.external-id.no-effect", saw)
