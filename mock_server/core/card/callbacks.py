"""How the receiver of a client's callbacks answers: in time, with 2xx, not to forgeries, and to copies as well."""

from __future__ import annotations

from collections.abc import Iterator

from mock_server.core.card.evidence import (
    Evidence,
    Item,
    Proof,
    Subject,
    Told,
    Try,
    Verdict,
    plural,
    span,
)
from mock_server.core.verifying import TOLERANCE_S

#: Part of the timeout, and seconds at least, from which on a receiver is slow.
_SLOW, _SLOW_S = 0.5, 1.0

ANSWERS = Subject(
    "callbacks.answers",
    "Answers to callbacks",
    "Answer 200 as soon as the callback is stored, at the address that was given: redirects are not followed, and no"
    " further attempt is documented.",
    "callback.accepted",
)
SLOW = Subject(
    "callbacks.slow",
    "Slow answers to callbacks",
    "Store the callback, answer, and work afterwards: how long the vendor waits is not documented.",
    "callback.retries",
)
SIGNATURE = Subject(
    "callbacks.signature",
    "Signatures of callbacks",
    "Verify the signature over the raw bytes, refuse timestamps more than five minutes away, and answer 4xx to what"
    " does not pass.",
    "callback.signature",
)
COPIES = Subject(
    "callbacks.copies",
    "Callbacks that come twice",
    "Answer 200 to a callback that was handled before, and do nothing else.",
    "callback.accepted",
)


def items(evidence: Evidence) -> Iterator[Item]:
    """The items on callbacks."""
    yield answers(evidence)
    yield slow(evidence)
    yield signature(evidence)
    yield copies(evidence)


def _is_good(told: Told) -> bool:
    """Whether a callback is one that a receiver takes: not broken, not forged."""
    fault = told.fault
    is_broken = fault is not None and bool(fault.body or fault.edit or fault.signature)
    return not is_broken and not told.is_replay


def _sent(told: Told) -> list[Try]:
    return [item for item in told.tries if not item.is_ours]


def _words(told: Told, item: Try) -> str:
    answer = f"HTTP {item.status}" if item.status is not None else item.error
    return f"task {told.task_id}, {told.status}: {answer}"


def answers(evidence: Evidence) -> Item:
    """Whether good callbacks are answered with 2xx."""
    good = [
        item for item in evidence.callbacks if _is_good(item) and _sent(item) and not item.is_copy
    ]
    if not good:
        return ANSWERS.not_seen("no callback was sent")
    moved: list[Proof] = []
    refused: list[Proof] = []
    late: list[Proof] = []
    unheard: list[Proof] = []
    for told in good:
        failures = [item for item in _sent(told) if not item.is_taken]
        if not failures:
            continue
        worst = failures[0]
        proof = Proof(_words(told, worst), None, told.number)
        if worst.status is not None and 300 <= worst.status < 400:
            moved.append(proof)
        elif worst.status is None:
            unheard.append(proof)
        else:
            (refused if told.taken is None else late).append(proof)
    numbers = {
        "callbacks": len(good),
        "redirects": len(moved),
        "refused": len(refused),
        "taken_late": len(late),
        "not_answered": len(unheard),
    }
    if moved or refused:
        seen = (
            f"{len(moved) + len(refused)} of {plural(len(good), 'callback')} not answered with 2xx"
        )
        return ANSWERS.judged(Verdict.WARNING, seen, numbers, [*moved, *refused, *late, *unheard])
    if late or unheard:
        seen = f"{len(late) + len(unheard)} of {plural(len(good), 'callback')} not answered at the first attempt"
        return ANSWERS.judged(Verdict.ADVICE, seen, numbers, [*late, *unheard])
    return ANSWERS.judged(Verdict.OK, f"{plural(len(good), 'callback')}, all taken", numbers)


def slow(evidence: Evidence) -> Item:
    """Whether a receiver takes its time."""
    every = [(told, item) for told in evidence.callbacks for item in _sent(told)]
    if not every:
        return SLOW.not_seen("no callback was sent")
    limit_ms = max(_SLOW_S, _SLOW * evidence.timeout_s) * 1000
    ran_out, near = [], []
    for told, item in every:
        if item.status is None and item.took_ms >= evidence.timeout_s * 990:
            ran_out.append(Proof(_words(told, item), None, told.number))
        elif item.took_ms > limit_ms:
            words = f"{_words(told, item)} after {span(item.took_ms / 1000)}"
            near.append(Proof(words, None, told.number))
    longest_s = max(item.took_ms for _, item in every) / 1000
    numbers = {
        "attempts": len(every),
        "longest_s": round(longest_s, 3),
        "slow": len(near),
        "ran_out": len(ran_out),
    }
    if ran_out:
        seen = f"{plural(len(ran_out), 'attempt')} without an answer in {span(evidence.timeout_s)}"
        return SLOW.judged(Verdict.WARNING, seen, numbers, [*ran_out, *near])
    if near:
        return SLOW.judged(Verdict.ADVICE, f"an answer took {span(longest_s)}", numbers, near)
    return SLOW.judged(Verdict.OK, f"at most {span(longest_s)}", numbers)


def _is_forged(told: Told) -> bool:
    fault = told.fault
    if fault is None:
        return False
    if told.is_replay:
        return fault.replay_after_s is not None and fault.replay_after_s > TOLERANCE_S
    return fault.signature is not None


def signature(evidence: Evidence) -> Item:
    """Whether a receiver refuses what is not signed as it should be."""
    if not evidence.is_signed:
        return SIGNATURE.not_seen("callbacks are not signed; serve with --webhook-secret")
    forged = [item for item in evidence.callbacks if _is_forged(item) and _heard(item)]
    if not forged:
        return SIGNATURE.not_seen(
            "no callback with a wrong signature was sent; arm signature=bad to see"
        )
    taken = [item for item in forged if item.taken is not None]
    numbers = {"forged": len(forged), "taken": len(taken)}
    if taken:
        proofs = [
            Proof(f"task {item.task_id}, {item.status}: taken with {_how(item)}", None, item.number)
            for item in taken
        ]
        seen = f"{len(taken)} of {plural(len(forged), 'forged callback')} taken"
        return SIGNATURE.judged(Verdict.WARNING, seen, numbers, proofs)
    return SIGNATURE.judged(
        Verdict.OK, f"{plural(len(forged), 'forged callback')} refused", numbers
    )


def _heard(told: Told) -> bool:
    return any(item.status is not None for item in told.tries)


def _how(told: Told) -> str:
    if told.is_replay:
        return "an old signature, replayed"
    return f"signature={told.fault.signature}" if told.fault and told.fault.signature else "-"


def copies(evidence: Evidence) -> Item:
    """Whether a receiver takes a callback that it has had before."""
    doubled = [
        item
        for item in evidence.callbacks
        if item.is_copy and not item.is_replay and _is_good(item) and _heard(item)
    ]
    if not doubled:
        return COPIES.not_seen("no callback was sent twice; arm times=2 to see")
    refused = [item for item in doubled if item.taken is None]
    numbers = {"copies": len(doubled), "refused": len(refused)}
    if refused:
        proofs = [Proof(_words(item, item.tries[-1]), None, item.number) for item in refused]
        seen = f"{len(refused)} of {plural(len(doubled), 'copy', 'copies')} refused"
        return COPIES.judged(Verdict.WARNING, seen, numbers, proofs)
    return COPIES.judged(Verdict.OK, f"{plural(len(doubled), 'copy', 'copies')} taken", numbers)
