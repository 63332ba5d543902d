"""The links of the documents, walked one by one.

Schemathesis follows links too, but it cannot wait: that a voice is deleted which a task has made is beyond its stateful
phase wherever making takes time, and with a list that links on it never begins at create. So each link of the document
is followed here, from an exchange that can be its source; one that is not followed is said to be not looked at.
"""

from __future__ import annotations

import pytest

from contract_tests import checks, coverage, documents, links
from contract_tests.garden import LINKED, Garden
from contract_tests.links import Link, NoValue
from contract_tests.observation import Answer

pytestmark = pytest.mark.billable

#: What is broken when a link leads to a refusal, by the operation it leads to.
_ENDPOINTS = {
    "createSpeech": "speech.endpoint",
    "createCustomVoice": "voice-create.endpoint",
    "getCustomVoice": "voice-get.by-task-id",
    "listCustomVoices": "voice-list.endpoint",
    "listPresetVoices": "presets.endpoint",
    "deleteVoice": "voice-delete.endpoint",
}
#: Each link leads to these last, since they take away what others need.
_LAST = ("deleteVoice",)


def test_every_link_leads_on(garden: Garden) -> None:
    """Each link of the document, followed from an accepted answer, leads to a declared and successful one.

    Source: links.lead, voice-get.by-task-id, voice-delete.endpoint.
    """
    dialect = garden.api.dialect
    all_of = links.links(documents.document(dialect))
    unfollowed = []
    for link in sorted(all_of, key=lambda item: item.target in _LAST):
        reason = _followed(garden, link)
        if reason:
            unfollowed.append(f"link {link} was never followed ({reason})")
        else:
            coverage.seen.links[f"{dialect} {link}"] += 1
    if unfollowed:
        pytest.skip(f"not looked at: {'; '.join(unfollowed)}")
    checks.kept("links.lead")


def _followed(garden: Garden, link: Link) -> str:
    """Follows a link; returns why it could not be followed, or nothing."""
    source = _source(garden, link)
    if source is None:
        return "nothing that leads there was answered"
    path = garden.api.document.operations[link.source].path
    try:
        asked = links.call(link, source, path)
    except NoValue as reason:
        return f"{reason} leads to nothing in {source}"
    answer = garden.api.call(link.target, asked.body, name=asked.name, query=asked.query or None)
    clause = _ENDPOINTS.get(link.target, "links.lead")
    checks.accepted(answer, clause, f"by the link {link}")
    _remember(garden, link, answer)
    return ""


def _source(garden: Garden, link: Link) -> Answer | None:
    """An exchange from which a link can lead on: of a query, one that shows a voice."""
    if link.status != 200:
        return None
    if link.source == "createCustomVoice":
        return garden.create_answer(LINKED)
    if link.source == "getCustomVoice":
        task = garden.ripe(LINKED)
        answer = garden.api.call("getCustomVoice", name=task.id)
        return answer if answer.pair == (200, 0) else None
    if link.source in ("listCustomVoices", "listPresetVoices"):
        return garden.api.call(link.source)
    return None


def _remember(garden: Garden, link: Link, answer: Answer) -> None:
    if link.target == "deleteVoice":
        task = garden.planted(LINKED)
        garden.oracle.deleted(task, answer.data)
