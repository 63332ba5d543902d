"""How a client keeps house: voices that it leaves behind or deletes twice, and pages that it asks for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import pairwise

from mock_server.core.card.evidence import (
    Evidence,
    Item,
    Proof,
    Request,
    Subject,
    Verdict,
    interleaves,
    plural,
)
from mock_server.core.page import DEFAULT_PAGE_SIZE
from mock_server.core.task import CustomVoice, TaskStatus, observe

KEPT = Subject(
    "voices.kept",
    "Voices left behind",
    "Delete by its voice_id what is not needed any more; how many voices an account may have is not documented.",
    "voice-delete.endpoint",
)
TWICE = Subject(
    "voices.deleted-twice",
    "Voices deleted twice",
    "Remember what was deleted; a refusal of the second time is no failure.",
    "voice-delete.twice",
)
IN_SPEECH = Subject(
    "voices.in-speech",
    "Custom voices in speech",
    "Speech takes voices of the catalogue only; a custom voice serves the video products.",
    "voice-create.not-for-speech",
)
PAGES = Subject(
    "paging.pages",
    "Pages of lists",
    "Say pageSize, and go on until a page is shorter than that: there is no total, and the default is 30 tasks.",
    "voice-list.no-total",
)


def items(evidence: Evidence) -> Iterator[Item]:
    """The items on voices and pages."""
    yield kept(evidence)
    yield twice(evidence)
    yield in_speech(evidence)
    yield pages(evidence)


def kept(evidence: Evidence) -> Item:
    """Whether voices are left that nobody deleted."""
    left, made = [], 0
    creates = {item.task_id: item for item in evidence.of("createCustomVoice") if item.task_id}
    for task in evidence.voices.values():
        if task.id not in creates or observe(task, evidence.now).status is not TaskStatus.SUCCEED:
            continue
        made += 1
        if isinstance(task.product, CustomVoice) and task.product.deleted_at is None:
            words = f"voice {task.product.voice_id} of task {task.id}"
            left.append(Proof(words, creates[task.id].number))
    if not made:
        return KEPT.not_seen("no voice was made")
    numbers = {"made": made, "left": len(left)}
    if left:
        seen = f"{len(left)} of {plural(made, 'voice')} still there"
        return KEPT.judged(Verdict.ADVICE, seen, numbers, left)
    return KEPT.judged(Verdict.OK, f"{plural(made, 'voice')}, all deleted", numbers)


def twice(evidence: Evidence) -> Item:
    """Whether a voice is deleted again although its deletion was confirmed."""
    confirmed: dict[str, Request] = {}
    proofs: list[Proof] = []
    asked = 0
    for request in evidence.of("deleteVoice"):
        voice_id = str(request.fields.get("voice_id", ""))
        asked += 1
        is_own = voice_id in confirmed and (
            not evidence.keeps_connections or request.peer == confirmed[voice_id].peer
        )
        if is_own:
            words = f"voice {voice_id[:80]}: deleted in no. {confirmed[voice_id].number} already"
            proofs.append(Proof(words, request.number))
        if request.is_ok:
            confirmed[voice_id] = request
    if not asked:
        return TWICE.not_seen("no voice was deleted")
    numbers = {"deletions": asked, "again": len(proofs)}
    if proofs:
        seen = f"{plural(len(proofs), 'deletion')} of voices that were gone"
        return TWICE.judged(Verdict.ADVICE, seen, numbers, proofs)
    return TWICE.judged(Verdict.OK, "none", numbers)


def in_speech(evidence: Evidence) -> Item:
    """Whether speech is asked for in a custom voice."""
    asked = [item for item in evidence.of("createSpeech") if item.fields]
    if not asked:
        return IN_SPEECH.not_seen("no speech was asked for")
    proofs = [
        Proof(f"voice {item.fields['voice_id']} is a custom voice", item.number)
        for item in asked
        if isinstance(item.fields.get("voice_id"), str)
        and item.fields["voice_id"] in evidence.voices
    ]
    numbers = {"speeches": len(asked), "custom_voices": len(proofs)}
    if proofs:
        seen = f"{plural(len(proofs), 'speech', 'speeches')} in a custom voice"
        return IN_SPEECH.judged(Verdict.ADVICE, seen, numbers, proofs)
    return IN_SPEECH.judged(Verdict.OK, "none", numbers)


def page_of(query: Mapping[str, str]) -> tuple[int, int] | None:
    """The number and size of a page that was asked for, or ``None`` where they are no such numbers."""
    found = []
    for name, default in (("pageNum", 1), ("pageSize", DEFAULT_PAGE_SIZE)):
        text = query.get(name, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 5 and int(text)):
            return None
        found.append(int(text))
    return found[0], found[1]


def is_past_end(evidence: Evidence, request: Request) -> bool:
    """Whether a page of custom voices lies behind the last task; unknown while requests are missing."""
    page = page_of(request.query)
    if page is None or evidence.missing or request.operation != "listCustomVoices":
        return False
    return (page[0] - 1) * page[1] >= max(1, _tasks_at(evidence, request.at))


def _tasks_at(evidence: Evidence, at: int) -> int:
    return bisect_right(evidence.voices_made_at, at)


def pages(evidence: Evidence) -> Item:
    """Whether pages are missed, or asked for behind the last."""
    asked = [item for item in evidence.of("listCustomVoices") if item.is_ok]
    if not asked:
        return PAGES.not_seen("no list was asked for")
    behind = [
        then
        for before, then in pairwise(asked)
        if is_past_end(evidence, before) and is_past_end(evidence, then)
    ]
    behind = [] if interleaves(asked) else behind
    turns = any((page_of(item.query) or (1, 1))[0] > 1 for item in asked)
    blind = [
        item
        for item in asked
        if not turns and "pageSize" not in item.query and _tasks_at(evidence, item.at) > 30
    ]
    sized = sum("pageSize" in item.query for item in asked)
    numbers = {"lists": len(asked), "with_page_size": sized, "behind_the_end": len(behind)}
    if blind or behind:
        proofs = [Proof(f"{item.target}: only the newest 30", item.number) for item in blind]
        proofs += [
            Proof(f"{item.target}: the page before was empty", item.number) for item in behind
        ]
        seen = "only the first page is ever read" if blind else "pages behind an empty one"
        return PAGES.judged(Verdict.ADVICE, seen, numbers, proofs)
    return PAGES.judged(Verdict.OK, plural(len(asked), "list"), numbers)
