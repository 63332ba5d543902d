"""The report card as a function of what an account keeps: rows of requests in, items out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.core.callback import CallbackFault
from mock_server.core.card import auth, callbacks, ids, polling, recovery, retries
from mock_server.core.card.compose import compose
from mock_server.core.card.evidence import (
    MOST_PROOFS,
    Evidence,
    Item,
    Request,
    Told,
    Try,
    Verdict,
    chains,
    gap_s,
    interleaves,
    plural,
    span,
)
from mock_server.core.claims import Token
from mock_server.core.errors import Reason
from mock_server.core.fault import Fault, SocketFault
from mock_server.core.signing import SignatureFault
from mock_server.core.task import CustomVoice, Step, Task, TaskKind, TaskStatus
from tests.support.tasks import T0, quick

TASK_ID = "930801290416885794"
ENDS_MS = 9000
PEER = ("127.0.0.1", 4711)


def voice(task_id: str = TASK_ID, external_id: str = "job") -> Task:
    """A voice that is ready after nine seconds."""
    timeline = (Step(TaskStatus.SUBMITTED), Step(TaskStatus.SUCCEED, ENDS_MS))
    product = CustomVoice("8" + task_id[1:], "Ada", "1")
    return Task(task_id, TaskKind.CUSTOM_VOICE, "a", "klingai", T0, timeline, product, external_id)


def request(number: int, at_s: float, wall_s: float | None = None, **values: Any) -> Request:
    """A request, ``at_s`` seconds after the create; by the wall at the same time unless said otherwise."""
    wall_ms = T0 + (at_s if wall_s is None else wall_s) * 1000
    given: dict[str, Any] = {"peer": PEER, "target": "GET /x", **values}
    return Request(number, round(T0 + at_s * 1000), wall_ms, wall_ms, **given)


def polls(*at_s: float, **values: Any) -> list[Request]:
    """Queries of the task."""
    found = {"operation": "getCustomVoice", "path_id": TASK_ID, "task_id": TASK_ID, "order": "q"}
    return [request(number, at, **{**found, **values}) for number, at in enumerate(at_s, start=2)]


def evidence(requests: Sequence[Request], **values: Any) -> Evidence:
    """What an account with the one task knows."""
    given: dict[str, Any] = {"tasks": {TASK_ID: voice()}, "now": T0 + 3_600_000, **values}
    return Evidence(requests=requests, **given)


def interval(requests: Sequence[Request]) -> Item:
    """The item on the time between polls."""
    known = evidence(requests)
    return polling.interval(known, polling.polls_by_task(known))


# ---- time -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at_s", "wall_s", "gap"), [(5, 0, 5), (0, 3, 3), (2, 7, 7), (7, 2, 7), (0, 0, 0), (0, -1, 0)]
)
def test_the_longer_of_both_times_counts(at_s: float, wall_s: float, gap: float) -> None:
    """A test that moves the clock is quick by the wall, and a client that waits is not seen by a clock that stands."""
    assert gap_s(request(1, 0), request(2, at_s, wall_s)) == gap


def test_senders_are_told_apart_by_overlap_and_by_connections() -> None:
    """Two requests at once, or a connection after another and then again, are of two senders."""
    first, second = request(1, 0), request(2, 1)
    other = ("127.0.0.1", 1)

    assert not interleaves([first, second])
    assert interleaves([replace(first, answered=first.answered + 5000), second])
    assert not interleaves([first, replace(second, peer=other)])
    assert interleaves([first, replace(second, peer=other), request(3, 2)])


def test_chains_are_cut_where_another_connection_comes_in() -> None:
    """Unless the client had to open a new one, or opens one for each request."""
    one, two = PEER, ("127.0.0.1", 1)
    row = [request(n, n, peer=peer) for n, peer in enumerate([one, one, two, two])]
    lost = [replace(row[0]), replace(row[1], status=0), *row[2:]]
    single = [request(n, n, peer=("127.0.0.1", n)) for n in range(4)]

    assert [len(chain) for chain in chains(evidence(row), row)] == [2, 2]
    assert [len(chain) for chain in chains(evidence(lost), lost)] == [4]
    assert [len(chain) for chain in chains(evidence(single), single)] == [4]


# ---- polling --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at_s", "verdict"),
    [
        ((0.2, 0.4, 0.6, 0.8), Verdict.WARNING),
        ((0.9, 1.8, 2.7, 3.6), Verdict.WARNING),
        ((1, 2, 3, 4, 5), Verdict.OK),
        ((0.1, 0.2, 0.3), Verdict.NOT_SEEN),
        ((0.1, 2, 4, 4.1, 6), Verdict.OK),
        ((), Verdict.NOT_SEEN),
    ],
)
def test_the_median_interval_is_judged(at_s: tuple[float, ...], verdict: Verdict) -> None:
    """A second or more is well; three polls say nothing."""
    assert interval(polls(*at_s)).verdict is verdict


@quick
@given(st.lists(st.floats(1, 30), min_size=1, max_size=20))
def test_whoever_waits_a_second_is_never_hasty(pauses: list[float]) -> None:
    """Any pace of a second or more is no warning, whatever else varies."""
    assert interval(polls(*accumulate(pauses))).verdict is not Verdict.WARNING


def test_polls_that_move_the_task_have_no_interval() -> None:
    """With the progression by polls, time moves nothing."""
    known = evidence(polls(0, 0, 0, 0, 0), tasks={TASK_ID: voice()._replace(polls_per_step=9)})
    assert polling.interval(known, polling.polls_by_task(known)).verdict is Verdict.NOT_SEEN


def test_many_polls_should_slow_down() -> None:
    """More than twenty polls of a slow task at one pace are an advice; a growing pace is none."""
    slow = voice()._replace(timeline=(Step(TaskStatus.SUBMITTED), Step(TaskStatus.SUCCEED, 10**9)))
    for pauses, verdict in (
        ([2.0] * 30, Verdict.ADVICE),
        ([1.1**n for n in range(30)], Verdict.OK),
    ):
        known = evidence(polls(*accumulate(pauses)), tasks={TASK_ID: slow})
        item = polling.interval(known, polling.polls_by_task(known))
        assert item.verdict is verdict


@pytest.mark.parametrize(
    ("gaps", "pace"),
    [
        ([1, 1, 1], "constant"),
        ([1, 1.04, 0.97], "constant"),
        ([1, 2, 4, 8], "growing"),
        ([1, 2, 2, 2], "growing"),
        ([1, 3, 1], "varying"),
        ([0.001, 0.012, 0.004], "constant"),
    ],
)
def test_a_pace_has_a_name(gaps: list[float], pace: str) -> None:
    """Constant within a tenth, growing if it never goes back, else varying."""
    assert polling.pace(gaps) == pace


@pytest.mark.parametrize(
    ("more", "verdict"), [(1, Verdict.OK), (2, Verdict.ADVICE), (3, Verdict.WARNING)]
)
def test_polls_after_the_end_add_up(more: int, verdict: Verdict) -> None:
    """One more is a look, two are an advice, three are a habit."""
    known = evidence(polls(5, 10, *(11 + n for n in range(more))))
    assert polling.after_end(known, polling.polls_by_task(known)).verdict is verdict


def test_a_look_that_fails_is_no_poll() -> None:
    """A second look at the end that has to be retried is still one look."""
    row = polls(10, 11, 12, 13, 14)
    row[1:4] = [replace(item, status=503, is_retryable=True) for item in row[1:4]]
    known = evidence(row)
    assert polling.after_end(known, polling.polls_by_task(known)).verdict is Verdict.OK


def test_an_end_that_may_not_have_been_shown_is_none() -> None:
    """An answer that was edited, late or lost has shown nothing for certain."""
    for struck in (Fault(edit=({"op": "test"},)), Fault(socket=SocketFault.RESET_IN_BODY)):
        known = evidence(polls(10, 11, 12, 13, 14, struck=struck))
        item = polling.after_end(known, polling.polls_by_task(known))
        assert item.verdict is Verdict.NOT_SEEN


# ---- retries --------------------------------------------------------------------------------


def tries(*at_s: float, last_ok: bool = True, **values: Any) -> list[Request]:
    """Creates of the same, each refused but the last."""
    found = {"operation": "createSpeech", "order": "o", "stripped": "s"}
    row = [request(number, at, **{**found, **values}) for number, at in enumerate(at_s, start=1)]
    return [*row[:-1], replace(row[-1], status=200, reason=None)] if last_ok else row


BUSY: dict[str, Any] = {"status": 429, "reason": Reason.RATE_LIMIT, "is_retryable": True}
DOWN: dict[str, Any] = {"status": 503, "reason": Reason.SERVER_UNAVAILABLE, "is_retryable": True}
EMPTY: dict[str, Any] = {"status": 429, "reason": Reason.RESOURCE_PACK_USED_UP}


def judged(known: Evidence, name: str) -> Item:
    """One item on retries."""
    (found,) = (item for item in retries.items(known) if item.id == name)
    return found


@pytest.mark.parametrize(
    ("at_s", "refusal", "verdict"),
    [
        ((0, 1, 3, 7), BUSY, Verdict.OK),
        ((0, 0.01), BUSY, Verdict.WARNING),
        ((0, 0.5), BUSY, Verdict.ADVICE),
        ((0, 2, 4, 6), BUSY, Verdict.ADVICE),
        ((0, 0.1), DOWN, Verdict.OK),
        ((0, 0.1, 0.2, 0.3), DOWN, Verdict.WARNING),
        ((0, 0.5, 1.5, 3.5), DOWN, Verdict.OK),
        ((0, 400), DOWN, Verdict.NOT_SEEN),
    ],
)
def test_waits_before_retries_are_judged(
    at_s: tuple[float, ...], refusal: dict[str, Any], verdict: Verdict
) -> None:
    """At once is a warning where the client was told to slow down, and in a row; back-off with chance is well."""
    assert judged(evidence(tries(*at_s, **refusal)), "retries.back-off").verdict is verdict


@quick
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_exponential_back_off_with_jitter_is_never_a_warning(jitter: list[float]) -> None:
    """A second, doubled each time, plus up to a second by chance."""
    waits = [2**place + chance for place, chance in enumerate(jitter)]
    for refusal in (BUSY, DOWN):
        row = tries(0, *accumulate(waits), **refusal)
        assert judged(evidence(row), "retries.back-off").verdict is not Verdict.WARNING


@pytest.mark.parametrize(("back_s", "verdict"), [(3, "warning"), (4.95, "ok"), (5, "ok")])
def test_retry_after_is_heeded_or_not(back_s: float, verdict: str) -> None:
    """A little early is in time."""
    row = tries(0, back_s, **DOWN, struck=Fault(retry_after=5))
    assert judged(evidence(row), "retries.retry-after").verdict == verdict


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (tries(0, 1, **EMPTY, struck=Fault()), "warning"),
        (tries(0, 1, **EMPTY), "ok"),  # the cause is gone: the test has filled the pack
        (tries(0, 1, **EMPTY, last_ok=False), "warning"),
        (tries(0, 301, **EMPTY, last_ok=False), "ok"),
        (tries(0, **EMPTY, last_ok=False), "ok"),
        (tries(0, 1, status=401, reason=Reason.AUTHENTICATION_FAILED), "ok"),
    ],
)
def test_permanent_errors_are_not_retried(row: list[Request], verdict: str) -> None:
    """Sent again within five minutes, while nothing has changed."""
    assert judged(evidence(row), "retries.permanent").verdict == verdict


def test_several_senders_are_left_aside() -> None:
    """Requests that interleave say nothing about anybody's pauses, and the card says so."""
    row = tries(0, 0.01, 0.02, 0.03, **BUSY)
    row = [replace(item, peer=("h", number % 2)) for number, item in enumerate(row)]
    item = judged(evidence(row), "retries.back-off")

    assert item.verdict is Verdict.NOT_SEEN
    assert "several senders" in item.seen


def test_equal_orders_on_connections_of_their_own_are_left_aside() -> None:
    """Where each request has a connection of its own, two successes may be two orders, each with its retries."""
    row = [replace(item, peer=("h", item.number)) for item in tries(0, 0.01, 0.02, **BUSY)]
    more = replace(row[-1], number=4, peer=("h", 4), arrived=row[-1].arrived + 1)

    assert judged(evidence(row), "retries.back-off").verdict is Verdict.WARNING
    assert judged(evidence([*row, more]), "retries.back-off").verdict is Verdict.NOT_SEEN


def test_another_external_id_is_no_retry() -> None:
    """Only the same external id keeps a create from being executed twice."""
    first = request(
        1, 0, operation="createCustomVoice", status=0, stripped="s", task_id=TASK_ID,
        body={"external_task_id": "a"},
    )  # fmt: skip
    for name, verdict in (("a", Verdict.OK), ("b", Verdict.WARNING), ("", Verdict.WARNING)):
        again = replace(first, number=2, status=200, body={"external_task_id": name})
        known = evidence([first, again])
        assert judged(known, "retries.double-charge").verdict is verdict


# ---- recovery -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ([], "warning"),
        (polls(5), "ok"),
        ([request(2, 5, operation="listCustomVoices")], "ok"),
        ([request(2, 5, operation="listCustomVoices", status=500)], "warning"),
    ],
)
def test_a_lost_create_is_found_by_a_query_or_a_list(more: list[Request], verdict: str) -> None:
    """Anything that has shown the task to the client afterwards."""
    lost = request(1, 0, operation="createCustomVoice", status=0, task_id=TASK_ID)
    item = recovery.lost_voices(evidence([lost, *more]))
    assert item.verdict == verdict


def test_a_lost_create_is_found_by_a_callback() -> None:
    """The callback names the task."""
    lost = request(1, 0, operation="createCustomVoice", status=0, task_id=TASK_ID)
    told = Told(1, TASK_ID, TaskStatus.SUCCEED, (Try(T0, T0, 200),))
    assert recovery.lost_voices(evidence([lost], callbacks=[told])).verdict is Verdict.OK


# ---- ids ------------------------------------------------------------------------------------


@quick
@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_ids_that_are_unlike_are_not_blamed(name: str) -> None:
    """Only what was made of an id of ours is a changed id."""
    asked = request(1, 0, operation="getCustomVoice", path_id=name, status=400)
    items = list(ids.items(evidence([asked])))
    is_like = name.strip().lower() in ("job", TASK_ID)
    assert is_like or items[0].verdict is Verdict.OK


@quick
@given(st.integers(2**53 + 1, 10**18 - 1))
def test_what_a_double_makes_of_an_id_is_seen(number: int) -> None:
    """Unless the id happens to survive."""
    task_id = str(number)
    damaged = str(int(float(number)))
    asked = request(1, 0, operation="getCustomVoice", path_id=damaged, status=400)
    known = evidence([asked], tasks={task_id: voice(task_id)})
    item = next(iter(ids.items(known)))
    assert (item.verdict is Verdict.WARNING) == (damaged != task_id)


def test_a_neighbour_of_an_id_is_another_id() -> None:
    """A test that asks for the next number asks for what does not exist."""
    asked = request(1, 0, operation="getCustomVoice", path_id=str(int(TASK_ID) + 1), status=400)
    assert next(iter(ids.items(evidence([asked])))).verdict is Verdict.OK


# ---- tokens ---------------------------------------------------------------------------------


def with_token(number: int, at_s: float, mark: str, expires_s: float, **values: Any) -> Request:
    """A request with a token that expires so many seconds after the create."""
    token = Token(mark, "a", T0 / 1000 + at_s, T0 / 1000 + expires_s, T0 / 1000 - 5)
    return request(number, at_s, token=token, **values)


EXPIRED: dict[str, Any] = {"status": 401, "reason": Reason.AUTHORIZATION_EXPIRED}


def test_two_senders_may_meet_the_same_refusal() -> None:
    """Who has sent before the refusal can have come is not to blame; who comes back later is."""
    first = with_token(0, 10, "m", 5, **EXPIRED)
    other = replace(first, peer=("h", 2))
    later = replace(first, arrived=first.arrived + 2000, answered=first.answered + 2000)

    assert auth.expired(evidence([], untimely=[first, other])).verdict is Verdict.OK
    assert auth.expired(evidence([], untimely=[first, later])).verdict is Verdict.WARNING
    assert auth.expired(evidence([], untimely=[first, other, other, other])).verdict == "warning"


def test_a_token_that_is_about_to_expire_is_an_advice() -> None:
    """It may be dead on arrival."""
    item = auth.expired(evidence([with_token(1, 0, "m", 3)]))
    assert item.verdict is Verdict.OK  # it lives for eight seconds: on purpose
    item = auth.expired(evidence([with_token(1, 1790, "m", 1800)]))
    assert item.verdict is Verdict.ADVICE


def test_workers_with_a_token_each_do_not_mint() -> None:
    """Tokens that return are kept."""
    marks = [*"abcde", *"abcde"]
    row = [with_token(n, n, mark, 1800) for n, mark in enumerate(marks)]
    assert auth.minted(evidence(row)).verdict is Verdict.OK
    row = [with_token(n, n, f"m{n}", 1800 + n) for n in range(6)]
    assert auth.minted(evidence(row)).verdict is Verdict.ADVICE


# ---- callbacks ------------------------------------------------------------------------------


def callback(status: int | None = 200, took_ms: float = 5, **values: Any) -> Told:
    """A callback with one attempt."""
    error = "" if status else "no answer"
    return Told(1, TASK_ID, TaskStatus.SUCCEED, (Try(T0, T0, status, error, took_ms),), **values)


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        (callback(), "ok"),
        (callback(204), "ok"),
        (callback(302), "warning"),
        (callback(500), "warning"),
        (callback(None), "advice"),
        (callback(400, fault=CallbackFault(signature=SignatureFault.BAD)), "not_seen"),
        (replace(callback(), tries=(Try(T0, T0, 500), Try(T0, T0, 200))), "advice"),
        (replace(callback(), tries=(Try(T0, T0, None, "refused", is_ours=True),)), "not_seen"),
    ],
)
def test_answers_to_good_callbacks_are_judged(told: Told, verdict: str) -> None:
    """What a receiver does with broken ones is its affair, and what the mock never sent is nobody's."""
    assert callbacks.answers(evidence([], callbacks=[told])).verdict == verdict


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        (callback(200, 900), "ok"),
        (callback(200, 6000), "advice"),
        (callback(None, 10_001), "warning"),
        (callback(None, 3), "ok"),
    ],
)
def test_slow_answers_are_judged(told: Told, verdict: str) -> None:
    """Half of the timeout is slow, all of it is too long; a refused connection is neither."""
    assert callbacks.slow(evidence([], callbacks=[told])).verdict == verdict


# ---- the whole ------------------------------------------------------------------------------


def test_proofs_are_bounded_and_numbers_are_not() -> None:
    """Ten proofs are shown; the numbers count all."""
    row = [
        replace(item, order=f"o{n}", number=2 * n + item.number)
        for n in range(30)
        for item in tries(0, 1, **EMPTY, last_ok=False)
    ]
    item = judged(evidence(row), "retries.permanent")

    assert len(item.proofs) == MOST_PROOFS
    assert item.numbers["sent_again"] == 30


def test_a_card_counts_its_verdicts_and_assumed_rules() -> None:
    """The worst verdict, one line, and how many assumed rules there are among the lints."""
    asked = request(1, 0, operation="createSpeech", body={"text": "a"}, content_type=None)
    card = compose(
        evidence([asked]),
        {"transport.content-type": "assumed", "speech.language.default": "documented"},
    )

    assert card.worst is Verdict.ADVICE
    assert card.assumed == 1
    assert sum(card.counts.values()) == len(card.items) + len(card.lints)
    assert card.summary.startswith("0 warnings, 2 advices, ")
    assert card.summary.endswith("dependence on assumed rules: 1")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["voice_id", "voice_url", "voice_name", "external_task_id", "text", "voice_speed",
         "callback_url", "x"]), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip
REQUESTS = st.builds(
    request,
    st.integers(0, 9),
    st.floats(0, 100),
    st.none() | st.floats(0, 100),
    operation=st.sampled_from(
        ["createSpeech", "createCustomVoice", "getCustomVoice", "getSpeech", "listCustomVoices",
         "listPresetVoices", "deleteVoice", ""]
    ),
    dialect=st.sampled_from(["klingai", "kkiai", "ezmodel"]),
    path_id=st.sampled_from(["", TASK_ID, "job", "x", "1e18"]),
    query=st.dictionaries(st.sampled_from(["pageNum", "pageSize", "key", "²"]), st.text(max_size=3)),
    body=JSON,
    order=st.sampled_from(["a", "b"]),
    stripped=st.sampled_from(["a", "b"]),
    status=st.sampled_from([0, 200, 400, 401, 429, 500, 502]),
    reason=st.none() | st.sampled_from(list(Reason)),
    is_retryable=st.booleans(),
    task_id=st.sampled_from(["", TASK_ID, "gone"]),
    peer=st.sampled_from([None, PEER, ("h", 1)]),
    content_type=st.none() | st.text(max_size=9),
    token=st.none() | st.builds(
        Token, st.sampled_from("ab"), st.just("a"), st.floats(0, 99), st.floats(0, 99),
        st.none() | st.floats(0, 99),
    ),
    struck=st.none() | st.just(Fault(retry_after=3)) | st.just(Fault(socket=SocketFault.HANG)),
)  # fmt: skip


@quick
@given(st.lists(REQUESTS, max_size=8), st.lists(REQUESTS, max_size=2), st.booleans())
def test_there_is_a_card_for_whatever_was_sent(
    requests: list[Request], untimely: list[Request], is_signed: bool
) -> None:
    """No row of requests breaks the card, and judging the same again gives the same."""
    known = evidence(requests, untimely=untimely, is_signed=is_signed, callbacks=[callback()])
    card = compose(known, {})

    assert [item.seen for item in card.items if not item.seen] == []
    again = compose(known, {})
    assert (card.items, card.summary) == (again.items, again.summary)


def test_numbers_in_words() -> None:
    """One thing, several things, and spans of time."""
    assert (plural(1, "poll"), plural(2, "poll"), plural(0, "copy", "copies")) == (
        "1 poll",
        "2 polls",
        "0 copies",
    )
    assert (span(0.004), span(0.5), span(12), span(1.234)) == ("4 ms", "0.5 s", "12 s", "1.23 s")
