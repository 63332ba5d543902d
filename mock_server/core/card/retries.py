"""What a client does after a failure: whether it tries again where that is in vain, too soon, or at double cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from mock_server.core.card.evidence import (
    CREATES,
    QUERIES,
    Evidence,
    Item,
    Proof,
    Request,
    Subject,
    Verdict,
    chains,
    gap_s,
    is_mixed,
    plural,
    span,
)
from mock_server.core.errors import Reason

#: Seconds after which the same request is no retry any more but a new try.
RETRYING_S = 300.0
#: Queries are polled: so many refusals in a row are what polling makes of one.
_POLLS = 3
#: Repeats that a credential refused for no stated cause may have (observed: good tokens are refused now and then).
_DOUBTS = 3
_DOUBTFUL = (
    Reason.AUTHENTICATION_FAILED,
    Reason.AUTHORIZATION_INVALID,
    Reason.AUTHORIZATION_NOT_YET_VALID,
)
#: Seconds: a retry before is at once; a median before is hasty; the first wait the vendor advises, with some slack.
_AT_ONCE_S, _HASTY_S, _ADVISED_S = 0.1, 0.25, 0.9
#: How much earlier than told is still in time: rounding, and clocks that differ.
_EARLY_S, _EARLY = 0.05, 0.95
_LOOK_TRANSIENT = (
    Reason.ACCOUNT_ABNORMAL,
    Reason.ACCOUNT_IN_ARREARS,
    Reason.RESOURCE_PACK_USED_UP,
    Reason.IP_NOT_ALLOWED,
)
_SLOW_DOWN = (Reason.RATE_LIMIT, Reason.CONCURRENCY_LIMIT)

PERMANENT = Subject(
    "retries.permanent",
    "Retries of permanent errors",
    "Retry only what can pass: codes 1302, 1303 and 5xxx, and lost connections. Not every 429 can: 1100, 1101, 1102"
    " and 1304 stay.",
    "errors.429.permanent",
)
BACK_OFF = Subject(
    "retries.back-off",
    "Back-off between retries",
    "Wait a second before the first retry and longer before each further one, with some chance in it.",
    "errors.429.transient",
)
RETRY_AFTER = Subject(
    "retries.retry-after",
    "Retry-After",
    "Wait at least as many seconds as the header Retry-After says, where an answer has one.",
    "errors.429.no-retry-after",
)
DOUBLE = Subject(
    "retries.double-charge",
    "Creates sent again without knowing",
    "After 5000, 5002 or a lost answer the task may exist. Give every create an external_task_id and send the same one"
    " again: a second task is refused then.",
    "errors.5000",
)
SPEECH = Subject(
    "retries.speech",
    "Speech sent again without knowing",
    "Speech has no external id and no query, so a retry after 5000, 5002 or a lost answer may be charged twice. Retry"
    " it only where that is worth it, and few times.",
    "speech.no-query",
)


def items(evidence: Evidence) -> Iterator[Item]:
    """The items on retries."""
    rows, mixed = in_rows(evidence)
    yield permanent(evidence, rows, mixed)
    yield back_off(rows, mixed)
    yield retry_after(rows, mixed)
    yield double(evidence)
    yield speech(evidence)


def in_rows(evidence: Evidence) -> tuple[list[list[Request]], int]:
    """Requests that ask the same, in rows of one sender; and how many were left out because senders cannot be told."""
    by_order: dict[str, list[Request]] = {}
    for request in evidence.requests:
        by_order.setdefault(request.order, []).append(request)
    rows = [row for row in by_order.values() if len(row) > 1]
    clear: list[list[Request]] = []
    mixed = 0
    for row in rows:
        if is_mixed(evidence, row):
            mixed += len(row)
        else:
            clear += [chain for chain in chains(evidence, row) if len(chain) > 1]
    return clear, mixed


def _pairs(rows: Sequence[Sequence[Request]]) -> Iterator[tuple[Request, Request, float]]:
    """Requests and what followed on them as a retry, with the seconds between."""
    for row in rows:
        for before, then in pairwise(row):
            gap = gap_s(before, then)
            if gap <= RETRYING_S:
                yield before, then, gap


def _aside(mixed: int) -> str:
    return f"; {plural(mixed, 'request')} of several senders left aside" if mixed else ""


def _in_vain(row: Sequence[Request]) -> Iterator[tuple[Request, Request]]:
    """Requests of a row that were refused for good, each with the one that was sent all the same."""
    again = 0
    for before, then, _ in _pairs([row]):
        if not before.is_permanent:
            again = 0
            continue
        if then.is_ok and before.struck is None:
            continue  # the test has removed the cause
        if before.reason is Reason.AUTHORIZATION_EXPIRED and before.token is not None:
            continue  # with a new token it is another request; see auth.expired
        allowed = _POLLS if before.operation in QUERIES else 0
        allowed = max(allowed, _DOUBTS if before.reason in _DOUBTFUL else 0)
        again += 1
        if again > allowed:
            yield before, then


def permanent(evidence: Evidence, rows: Sequence[Sequence[Request]], mixed: int) -> Item:
    """Whether a request is sent again that was refused for good."""
    refused = sum(item.is_permanent for item in evidence.requests)
    if not refused:
        return PERMANENT.not_seen("nothing was refused for good")
    found = [pair for row in rows for pair in _in_vain(row)]
    numbers = {"refused_for_good": refused, "sent_again": len(found), "left_aside": mixed}
    if not found:
        seen = f"nothing was sent again that was refused for good{_aside(mixed)}"
        return PERMANENT.judged(Verdict.OK, seen, numbers)
    proofs = [
        Proof(
            f"{then.target}: sent again after {before.words or before.reason} (no. {before.number})",
            then.number,
        )
        for before, then in found
    ]
    seen = f"{plural(len(found), 'request')} sent again after a permanent error{_aside(mixed)}"
    item = PERMANENT.judged(Verdict.WARNING, seen, numbers, proofs)
    # The clause is about refusals that look as if they would pass; nobody thinks so of the others.
    is_it = any(before.reason in _LOOK_TRANSIENT for before, _ in found)
    return item if is_it else replace(item, clause="")


def _delays(row: Sequence[Request]) -> Iterator[tuple[list[float], Request]]:
    """The waits of each chain of failures that may pass, without those that were told; and the first failure."""
    delays: list[float] = []
    first: Request | None = None
    for before, then in pairwise(row):
        gap = gap_s(before, then)
        if before.is_transient and gap <= RETRYING_S:
            first = first or before
            if _told_s(before) is None:
                delays.append(gap)
            continue
        if delays and first is not None:
            yield delays, first
        delays, first = [], None
    if delays and first is not None:
        yield delays, first


def _is_hasty(delays: Sequence[float], first: Request) -> bool:
    if len(delays) > 1:
        return median(delays) < _HASTY_S
    return first.reason in _SLOW_DOWN and delays[0] < _AT_ONCE_S


def back_off(rows: Sequence[Sequence[Request]], mixed: int) -> Item:
    """Whether retries leave the server time, and more each time."""
    hasty, early, steady = [], [], []
    all_delays: list[float] = []
    for row in rows:
        for delays, first in _delays(row):
            all_delays += delays
            shown = ", ".join(span(delay) for delay in delays[:6])
            proof = Proof(f"{first.target}: retried after {shown}", first.number)
            if _is_hasty(delays, first):
                hasty.append(proof)
            elif first.reason in _SLOW_DOWN and delays[0] < _ADVISED_S:
                early.append(proof)
            elif len(delays) > 2 and max(delays) - min(delays) <= max(0.1 * median(delays), 0.02):
                steady.append(proof)
    if not all_delays:
        return BACK_OFF.not_seen(f"no failure that may pass was retried{_aside(mixed)}")
    numbers = {
        "retries": len(all_delays),
        "median_s": round(median(all_delays), 3),
        "shortest_s": round(min(all_delays), 3),
        "hasty": len(hasty),
        "left_aside": mixed,
    }
    if hasty:
        seen = f"{plural(len(hasty), 'row')} of retries without a pause{_aside(mixed)}"
        return BACK_OFF.judged(Verdict.WARNING, seen, numbers, [*hasty, *early, *steady])
    if early or steady:
        seen = "the first wait is short" if early else "the waits do not grow"
        return BACK_OFF.judged(Verdict.ADVICE, seen + _aside(mixed), numbers, [*early, *steady])
    seen = f"{plural(len(all_delays), 'retry', 'retries')}, median {span(median(all_delays))}"
    return BACK_OFF.judged(Verdict.OK, seen + _aside(mixed), numbers)


def _told_s(request: Request) -> int | None:
    """The seconds that a Retry-After has told the client, if it could read one."""
    struck = request.struck
    return None if struck is None or not request.status else struck.retry_after


def retry_after(rows: Sequence[Sequence[Request]], mixed: int) -> Item:
    """Whether a client comes back before it was told to."""
    told, proofs = 0, []
    for before, then, gap in _pairs(rows):
        wanted = _told_s(before)
        if wanted is None or before.status == 200:
            continue
        told += 1
        if gap < wanted * _EARLY - _EARLY_S:
            words = f"{then.target}: told to wait {wanted} s in no. {before.number}, back after {span(gap)}"
            proofs.append(Proof(words, then.number))
    if not told:
        return RETRY_AFTER.not_seen(f"nothing with a Retry-After was sent again{_aside(mixed)}")
    numbers = {"told": told, "ignored": len(proofs), "left_aside": mixed}
    if proofs:
        seen = f"{len(proofs)} of {told} came back before they were told to{_aside(mixed)}"
        return RETRY_AFTER.judged(Verdict.WARNING, seen, numbers, proofs)
    return RETRY_AFTER.judged(
        Verdict.OK, f"heeded {'once' if told == 1 else f'{told} times'}{_aside(mixed)}", numbers
    )


def _uncertain_again(evidence: Evidence, operation: str) -> Iterator[tuple[Request, Request]]:
    """Creates after which nobody knows, and what sent the same again; external ids may differ."""
    rows: dict[str, list[Request]] = {}
    for request in evidence.of(operation):
        rows.setdefault(request.stripped, []).append(request)
    for row in rows.values():
        if len(row) < 2 or is_mixed(evidence, row):
            continue
        for chain in chains(evidence, row):
            for before, then in pairwise(chain):
                if before.is_uncertain and gap_s(before, then) <= RETRYING_S:
                    yield before, then


def double(evidence: Evidence) -> Item:
    """Whether a create is sent again without the external id that keeps it from being charged twice."""
    proofs, safe, paid = [], 0, 0
    for before, then in _uncertain_again(evidence, "createCustomVoice"):
        if before.external_id and then.external_id == before.external_id:
            safe += 1
            continue
        is_paid = bool(before.task_id and then.task_id)
        paid += is_paid
        how = "another external id" if then.external_id else "no external id"
        words = f"no. {before.number} was sent again with {how}"
        proofs.append(Proof(words + (": two tasks exist" if is_paid else ""), then.number))
    numbers = {"sent_again": safe + len(proofs), "unsafe": len(proofs), "double_tasks": paid}
    if proofs:
        seen = f"{plural(len(proofs), 'create')} sent again unsafely, {plural(paid, 'task')} made twice"
        return DOUBLE.judged(Verdict.WARNING, seen, numbers, proofs)
    if not safe:
        return DOUBLE.not_seen("no voice was created again after an answer that leaves it open")
    return DOUBLE.judged(Verdict.OK, "the external id was sent again", numbers)


def speech(evidence: Evidence) -> Item:
    """What speech costs that was sent again without knowing."""
    proofs, paid = [], 0
    for before, then in _uncertain_again(evidence, CREATES[0]):
        is_paid = bool(before.task_id and then.task_id)
        paid += is_paid
        words = f"no. {before.number} was sent again" + (": both are charged" if is_paid else "")
        proofs.append(Proof(words, then.number))
    if not proofs:
        return SPEECH.not_seen("no speech was sent again after an answer that leaves it open")
    numbers = {"sent_again": len(proofs), "charged_twice": paid}
    seen = f"{plural(len(proofs), 'speech', 'speeches')} sent again, {paid} charged twice"
    return SPEECH.judged(Verdict.ADVICE, seen, numbers, proofs)
