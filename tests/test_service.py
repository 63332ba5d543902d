"""The use cases: each refuses and changes nothing, or acts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.account import Account
from mock_server.core.behaviour import Behaviour
from mock_server.core.errors import Reason, Refused
from mock_server.core.limits import Limits, Rate
from mock_server.core.page import Page
from mock_server.core.scenario import Progression
from mock_server.core.task import CustomVoice, Speech, Task, observe
from tests.support.bench import Bench, bench, catalogue
from tests.support.tasks import FAILED, PROCESSING, SUBMITTED, SUCCEED, T0, quick

ILLEGAL = Reason.PARAMETER_ILLEGAL


def state(account: Account) -> dict[str, Any]:
    """Everything an account holds, comparable; the ordinals by what they will give next."""
    return {
        "tasks": list(account._tasks.values()),
        "external": dict(account._by_external_id),
        "voices": dict(account._by_voice_id),
        "speech": dict(account._speech),
        "agenda": list(account.agenda),
        "ordinals": {kind: repr(counter) for kind, counter in account.ordinals._counts.items()},
        "own clock": account._own_clock is not None,
    }


def refused(parts: Bench, act: Callable[..., object], *given: Any, **changes: Any) -> Refused:
    """How an act is refused; nothing changes and nothing is told."""
    before, told = state(parts.mine), list(parts.told.events)
    with pytest.raises(Refused) as refusal:
        act(*given, **changes)
    assert state(parts.mine) == before
    assert parts.told.events == told
    return refusal.value


def behaving(**readings: str) -> Bench:
    """A bench with readings of disputed rules."""
    record = Behaviour()
    for name, value in readings.items():
        record = record.replaced(name, value)
    return bench(behaviour=record)


def voice_id(task: Task) -> str:
    """The id of the voice a task makes."""
    assert isinstance(task.product, CustomVoice)
    return task.product.voice_id


def status(parts: Bench, task: Task) -> str:
    """What the task's status is now."""
    return observe(task, parts.mine.clock.now()).status


# ---- text-to-speech -------------------------------------------------------------------------


def test_speech_is_ready_at_once() -> None:
    """By default the create answers a task that has succeeded, with audio of the right length."""
    parts = bench()
    task = parts.speech(text="x" * 134)
    assert status(parts, task) == SUCCEED
    assert isinstance(task.product, Speech)
    assert task.product.duration_ms == 11_256
    assert parts.service.speech(parts.mine, task.id) is task


@pytest.mark.parametrize("speed", [0.8, 1.0, 2.0])
def test_speed_changes_the_length(speed: float) -> None:
    """The ordered speed divides the length of the audio."""
    product = bench().speech(text="x" * 134, speed=speed).product
    assert isinstance(product, Speech)
    assert abs(product.duration_ms - 11_256 / speed) <= 24


@pytest.mark.parametrize(
    "changes",
    [
        {"voice_id": "nobody"},
        {"voice_id": "oversea_male1", "language": "zh"},
        {"voice_id": "tiyuxi_xuedi", "language": "en"},
        {"voice_id": "voice_001"},
        {"voice_id": "850142319321288446"},
        {"voice_id": ""},
    ],
    ids=str,
)
def test_a_voice_that_does_not_speak_is_refused(changes: dict[str, Any]) -> None:
    """An unknown voice, one of another language or dialect, and a preset are refused alike (observed words)."""
    parts = bench()
    refusal = refused(parts, parts.speech, **changes)
    assert (refusal.reason, refusal.message) == (ILLEGAL, "Voice id not found")


def test_a_custom_voice_does_not_speak() -> None:
    """The voice a custom-voice task made is unknown to text-to-speech (observed)."""
    parts = bench()
    task = parts.voice()
    parts.clock.jump(9000)
    assert refused(parts, parts.speech, voice_id=voice_id(task)).message == "Voice id not found"


def test_a_dialect_without_languages_takes_any_voice_of_its_own() -> None:
    """EzModel names no language; each of its voices speaks."""
    parts = bench()
    for name in ("voice_001", "oversea_male1", "tiyuxi_xuedi"):
        assert parts.speech(dialect="ezmodel", voice_id=name, language=None).dialect == "ezmodel"


def test_risky_text_is_refused_or_fails() -> None:
    """Behaviour.speech_content_risk: risky text is refused with the content policy, or becomes a failed task."""
    parts = bench()
    refusal = refused(parts, parts.speech, scenario="risk-control")
    assert refusal.reason is Reason.CONTENT_POLICY
    assert refusal.scenario == "risk-control"
    assert refusal.message == "Failure to pass the risk control system"
    parts = behaving(speech_content_risk="fail")
    seen = observe(parts.speech(scenario="risk-control"), T0)
    assert (seen.status, seen.message) == (FAILED, "Failure to pass the risk control system")


def test_slow_speech_evolves_on_the_accounts_clock() -> None:
    """A scenario can make speech a task that takes its time."""
    parts = bench()
    task = parts.speech(scenario="slow")
    seen = []
    for jump in (0, 2000, 28_000):
        parts.clock.jump(jump)
        seen.append(status(parts, parts.service.speech(parts.mine, task.id)))
    assert seen == [SUBMITTED, PROCESSING, SUCCEED]


def test_an_unknown_speech_is_refused() -> None:
    """A speech task of another account, a voice task and an invented id are not found."""
    parts = bench()
    theirs = parts.speech(parts.accounts.get("yours"))
    voice = parts.voice()
    for name in (theirs.id, voice.id, "", "\0", "x" * 3000):
        refusal = refused(parts, parts.service.speech, parts.mine, name)
        assert refusal.reason is ILLEGAL
        assert name in refusal.message


@pytest.mark.parametrize(
    ("sent", "applied"), [(1, 1.0), (1.25, 1.3), (0.75, 0.8), (0.1, 0.8), (99, 2.0), (-5, 0.8)]
)
def test_speed_out_of_range_is_clamped_by_default(sent: float, applied: float) -> None:
    """A voice_speed has one decimal, half up, and is moved to the nearest bound (documented)."""
    parts = bench()
    assert parts.service.speech_speed(parts.mine, sent) == applied


def test_speed_out_of_range_can_be_refused() -> None:
    """Behaviour.speech_speed_out_of_range: the rounded speed is refused outside [0.8, 2.0], bounds included."""
    parts = behaving(speech_speed_out_of_range="refuse")
    for good, applied in ((0.75, 0.8), (0.8, 0.8), (2.0, 2.0), (2.04, 2.0)):
        assert parts.service.speech_speed(parts.mine, good) == applied
    for bad in (0.74, 2.05, -1, 1e300):
        refusal = refused(parts, parts.service.speech_speed, parts.mine, bad)
        assert refusal.reason is ILLEGAL


# ---- custom voices --------------------------------------------------------------------------


def test_a_voice_goes_its_way_while_it_is_asked_for() -> None:
    """A custom voice is submitted, then processing, then succeed; asking by either id sees the same."""
    parts = bench()
    task = parts.voice(external_id="order-1")
    seen = []
    for jump in (0, 1999, 1, 6999, 1, 10**9):
        parts.clock.jump(jump)
        by_id = parts.service.custom_voice(parts.mine, task.id)
        assert parts.service.custom_voice(parts.mine, "order-1") is by_id is task
        seen.append(status(parts, by_id))
    assert seen == [SUBMITTED, SUBMITTED, PROCESSING, PROCESSING, SUCCEED, SUCCEED]


@pytest.mark.parametrize(
    "changes",
    [
        {"voice_url": "", "video_id": "5"},
        {"voice_url": "http://h/a", "video_id": ""},
        {"voice_url": "http://h/a", "video_id": "5"},
    ],
    ids=str,
)
def test_one_source_is_enough_and_two_are_accepted(changes: dict[str, Any]) -> None:
    """By default a voice needs at least one source."""
    parts = bench()
    assert parts.voice(**changes).id


def test_no_source_is_refused() -> None:
    """Without voice_url and video_id, where empty is absent, nothing is created."""
    parts = bench()
    refusal = refused(parts, parts.voice, voice_url="", external_id="e")
    assert refusal.reason is ILLEGAL
    assert "voice_url or video_id" in refusal.message
    assert parts.voice(external_id="e").external_id == "e"


def test_both_sources_can_be_refused() -> None:
    """Behaviour.both_sources: two sources at once may be refused."""
    parts = behaving(both_sources="refuse")
    refusal = refused(parts, parts.voice, video_id="5")
    assert refusal.reason is ILLEGAL
    assert parts.voice().id
    assert parts.voice(voice_url="", video_id="5").id


def test_an_external_id_is_used_once_per_account() -> None:
    """An external id that an account has used is refused (observed words); another account may use it."""
    parts = bench()
    first = parts.voice(external_id="e")
    refusal = refused(parts, parts.voice, external_id="e")
    assert (refusal.reason, refusal.message) == (ILLEGAL, "External_task_id e already exists")
    assert parts.voice(parts.accounts.get("yours"), external_id="e").id != first.id
    assert parts.voice(external_id="E").external_id == "E"
    assert [parts.voice().external_id for _ in range(2)] == ["", ""]


@pytest.mark.parametrize("reading", ["taken", "free"])
def test_an_external_id_after_a_failure(reading: str) -> None:
    """Behaviour.external_id_after_failure: only the id of a task that has failed may be free again."""
    parts = behaving(external_id_after_failure=reading)
    parts.voice(external_id="e", scenario="noisy")
    refused(parts, parts.voice, external_id="e")
    parts.clock.jump(6000)
    if reading == "taken":
        refused(parts, parts.voice, external_id="e")
    else:
        again = parts.voice(external_id="e")
        assert parts.service.custom_voice(parts.mine, "e") is again
        refused(parts, parts.voice, external_id="e")


def test_an_external_id_of_a_success_is_never_free() -> None:
    """A task that succeeded keeps its external id under either reading, also when its voice is deleted."""
    for parts in (bench(), behaving(external_id_after_failure="free")):
        task = parts.voice(external_id="e")
        parts.clock.jump(9000)
        parts.service.delete_voice(parts.mine, voice_id(task))
        refused(parts, parts.voice, external_id="e")


def test_a_task_of_another_account_is_not_found() -> None:
    """A client sees its own account only, by task id and by external id."""
    parts = bench()
    task = parts.voice(parts.accounts.get("yours"), external_id="e")
    for name in (task.id, "e", voice_id(task), "", "a/b", "\0", "\ud800"):
        refusal = refused(parts, parts.service.custom_voice, parts.mine, name)
        assert refusal.reason is ILLEGAL
        assert refusal.message == f"Task not found by id/external id: {name}"


@quick
@given(st.integers(0, 7), st.integers(1, 4))
def test_a_list_is_newest_first_and_paged(count: int, size: int) -> None:
    """Pages of the list show each voice once, newest first, and are empty behind the last."""
    parts = bench()
    tasks = [parts.voice() for _ in range(count)]
    parts.voice(parts.accounts.get("yours"))
    parts.speech()
    pages = [
        parts.service.custom_voices(parts.mine, Page(number, size))
        for number in range(1, count // size + 3)
    ]
    assert [task for page in pages for task in page] == tasks[::-1]
    assert pages[-1] == []


def test_a_list_is_no_poll() -> None:
    """Under polls, a list moves nothing."""
    parts = bench(Progression.POLLS)
    task = parts.voice()
    for _ in range(5):
        assert parts.service.custom_voices(parts.mine, Page()) == [task]
    assert status(parts, task) == SUBMITTED


@pytest.mark.parametrize("per_step", [1, 2, 3])
def test_queries_move_a_polled_task(per_step: int) -> None:
    """Under polls, every N-th query of a task, by either of its names, moves it one step."""
    parts = bench(Progression.POLLS, polls=per_step)
    task = parts.voice(external_id="e")
    other = parts.voice()
    seen = []
    for number in range(3 * per_step):
        parts.clock.jump(10**6)
        name = "e" if number % 2 else task.id
        seen.append(status(parts, parts.service.custom_voice(parts.mine, name)))
    order = [SUBMITTED, PROCESSING, SUCCEED, SUCCEED]
    assert seen == [order[number // per_step] for number in range(1, 3 * per_step + 1)]
    assert status(parts, other) == SUBMITTED


def test_queries_move_a_polled_speech() -> None:
    """Under polls, a query of a slow speech moves it."""
    parts = bench(Progression.POLLS)
    task = parts.speech(scenario="slow")
    assert status(parts, parts.service.speech(parts.mine, task.id)) == PROCESSING
    assert status(parts, parts.service.speech(parts.mine, task.id)) == SUCCEED


def test_a_query_of_another_progression_changes_nothing() -> None:
    """Reading never writes: queries and lists leave an account as it was."""
    for progression in (Progression.TIME, Progression.MANUAL, Progression.IMMEDIATE):
        parts = bench(progression)
        task, speech = parts.voice(), parts.speech()
        before = state(parts.mine)
        parts.service.custom_voice(parts.mine, task.id)
        parts.service.custom_voices(parts.mine, Page())
        parts.service.speech(parts.mine, speech.id)
        assert state(parts.mine) == before


# ---- deleting -------------------------------------------------------------------------------


def test_the_life_of_a_voice() -> None:
    """A voice can be deleted once it exists, and once only; its task stays, and the external id is not freed."""
    parts = bench()
    task = parts.voice(external_id="e")
    for jump in (0, 2000, 6999):
        parts.clock.jump(jump)
        refusal = refused(parts, parts.service.delete_voice, parts.mine, voice_id(task))
        assert refusal.reason is ILLEGAL
        assert refusal.message == f"Voice not found for id: {voice_id(task)}"
    parts.clock.jump(1)
    before = observe(task, parts.clock.now())
    deleted = parts.service.delete_voice(parts.mine, voice_id(task))
    assert isinstance(deleted.product, CustomVoice)
    assert deleted.product.deleted_at == T0 + 9000
    assert observe(deleted, parts.clock.now()) == before
    assert parts.service.custom_voice(parts.mine, "e") is deleted
    assert parts.service.custom_voices(parts.mine, Page()) == [deleted]
    parts.clock.jump(5)
    refusal = refused(parts, parts.service.delete_voice, parts.mine, voice_id(task))
    assert refusal.reason is ILLEGAL
    assert refusal.message == f"Voice already be deleted for id: {voice_id(task)}"


def test_a_deleted_voice_can_be_hidden() -> None:
    """Behaviour.deleted_voice_task: the task of a deleted voice may vanish from queries; a second delete says so."""
    parts = behaving(deleted_voice_task="hidden")
    gone, kept = parts.voice(external_id="e"), parts.voice()
    parts.clock.jump(9000)
    assert parts.service.custom_voices(parts.mine, Page()) == [kept, gone]
    parts.service.delete_voice(parts.mine, voice_id(gone))
    assert parts.service.custom_voices(parts.mine, Page()) == [kept]
    assert parts.service.custom_voices(parts.mine, Page(2, 1)) == []
    for name in (gone.id, "e"):
        refusal = refused(parts, parts.service.custom_voice, parts.mine, name)
        assert refusal.message == f"Task not found by id/external id: {name}"
    refusal = refused(parts, parts.service.delete_voice, parts.mine, voice_id(gone))
    assert "already be deleted" in refusal.message
    refused(parts, parts.voice, external_id="e")


def test_what_is_no_voice_of_the_account_cannot_be_deleted() -> None:
    """A task id, an external id, another account's voice, a failed one and a stuck one are unknown voices."""
    parts = bench()
    mine, failed, stuck = (
        parts.voice(external_id="e"),
        parts.voice(scenario="noisy"),
        parts.voice(scenario="stuck"),
    )
    theirs = parts.voice(parts.accounts.get("yours"))
    parts.clock.jump(10**6)
    for name in (mine.id, "e", *map(voice_id, (failed, stuck, theirs)), "", "oversea_male1"):
        refusal = refused(parts, parts.service.delete_voice, parts.mine, name)
        assert (refusal.reason, refusal.message) == (ILLEGAL, f"Voice not found for id: {name}")


@pytest.mark.parametrize("name", sorted(catalogue().preset_ids))
def test_presets_cannot_be_deleted(name: str) -> None:
    """Voices of the official library cannot be deleted (documented)."""
    parts = bench()
    refusal = refused(parts, parts.service.delete_voice, parts.mine, name)
    assert refusal.reason is ILLEGAL
    assert "Only custom voices" in refusal.message


def test_what_a_refusal_changes_costs_no_id() -> None:
    """After any number of refusals the next task has the id it would have had without them."""
    clean, tried = bench(), bench()
    for changes in ({"voice_url": ""}, {"voice_url": "", "external_id": "e"}):
        refused(tried, tried.voice, **changes)
    refused(tried, tried.speech, voice_id="nobody")
    assert clean.voice(external_id="e") == tried.voice(external_id="e")


# ---- limits, and readings of an account -----------------------------------------------------


def limited(**limits: Any) -> Bench:
    """A bench whose accounts have limits."""
    return bench(limits=Limits(**limits))


def test_a_used_up_pack_refuses_creates() -> None:
    """When less is left than a task costs, with what is in flight set aside, creates are refused."""
    parts = limited(units=14)
    parts.voice()
    parts.speech()
    for create in (parts.voice, parts.speech):
        refused_for_limit(parts, create, Reason.RESOURCE_PACK_USED_UP)


def test_held_slots_refuse_creates() -> None:
    """When all slots are held creates are refused; a task holds its slot until its end, and no longer."""
    parts = limited(slots=1)
    parts.speech()
    parts.voice()
    for create in (parts.voice, parts.speech):
        refused_for_limit(parts, create, Reason.CONCURRENCY_LIMIT)
    parts.clock.jump(8999)
    refused_for_limit(parts, parts.voice, Reason.CONCURRENCY_LIMIT)
    parts.clock.jump(1)
    assert parts.voice().id


def test_a_rate_refuses_everything() -> None:
    """Beyond the rate every use case is refused, one that concerns no task too, and nothing changes."""
    parts = limited(rate=Rate(1, 1.0))
    task = parts.voice(scenario="slow")
    service, mine = parts.service, parts.mine
    for act, *arguments in (
        (parts.voice,),
        (parts.speech,),
        (service.custom_voice, mine, task.id),
        (service.custom_voices, mine, Page()),
        (service.speech, mine, "1"),
        (service.delete_voice, mine, voice_id(task)),
        (service.admit, mine),
    ):
        refused_for_limit(parts, act, Reason.RATE_LIMIT, *arguments)
    parts.clock.jump(1000)
    assert service.custom_voice(mine, task.id) is task


def test_a_polled_task_is_not_moved_beyond_the_rate() -> None:
    """A query that is refused for its rate is no poll."""
    parts = bench(Progression.POLLS, limits=Limits(rate=Rate(2, 1.0)))
    task = parts.voice()
    for _ in range(3):
        with suppress(Refused):
            parts.service.custom_voice(parts.mine, task.id)
    moved = parts.mine.task(task.id)
    assert moved is not None
    assert status(parts, moved) == PROCESSING


def test_limits_are_the_accounts_own() -> None:
    """Changing one account's limits leaves another's as they are."""
    parts = limited(slots=1)
    yours = parts.accounts.get("yours")
    parts.mine.limits = Limits()
    for _ in range(3):
        parts.voice()
    parts.voice(yours)
    with pytest.raises(Refused):
        parts.voice(yours)


def test_readings_are_the_accounts_own() -> None:
    """Changing one account's reading of a rule counts for it at once, and for nobody else."""
    parts = bench()
    yours = parts.accounts.get("yours")
    parts.mine.behaviour = Behaviour(both_sources="refuse", speech_speed_out_of_range="refuse")
    refused(parts, parts.voice, video_id="5")
    refused(parts, parts.service.speech_speed, parts.mine, 5)
    assert parts.voice(yours, video_id="5").id
    assert parts.service.speech_speed(yours, 5) == 2.0


def test_a_task_that_shows_later_is_not_found_before() -> None:
    """Queries and lists do not find a task before it shows; its external id is taken, and it ends in time."""
    parts = bench()
    voice = parts.voice(external_id="e", visible_after_ms=5000)
    speech = parts.speech(visible_after_ms=5000)
    parts.clock.jump(4999)
    for name in (voice.id, "e"):
        refused(parts, parts.service.custom_voice, parts.mine, name)
    refused(parts, parts.service.speech, parts.mine, speech.id)
    assert parts.service.custom_voices(parts.mine, Page()) == []
    refused(parts, parts.voice, external_id="e")
    parts.clock.jump(1)
    assert parts.service.custom_voice(parts.mine, "e") is voice
    assert parts.service.custom_voices(parts.mine, Page()) == [voice]
    assert parts.service.speech(parts.mine, speech.id) is speech


def refused_for_limit(
    parts: Bench, act: Callable[..., object], reason: Reason, *given: Any
) -> None:
    """Checks that an act is refused for a limit, changing nothing."""
    assert refused(parts, act, *given).reason is reason
