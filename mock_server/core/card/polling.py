"""How a client waits for its tasks: how often it asks, whether it stops, and whether it ever learns the end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf
from statistics import median

from mock_server.core.card.evidence import (
    QUERIES,
    Evidence,
    Item,
    Proof,
    Request,
    Subject,
    Verdict,
    gap_s,
    plural,
    senders,
    span,
)
from mock_server.core.task import TERMINAL, Task, observe

#: Polls of one task from which on their interval says something.
FEWEST_POLLS = 4
#: Seconds between polls below which a client is hasty (ours: a voice takes 9 to 10 seconds), with some slack.
SHORTEST_S = 0.95
#: Polls of one task at a constant interval from which on it should grow.
MANY_POLLS = 20
#: Seconds after which a query is no poll any more but somebody who looks again.
POLLING_S = 60.0
#: Polls after the end that are a look at the result, and those that are a habit.
_LOOKS, _HABIT = 1, 3
#: Lists in a row, while a task is in flight, that are polls.
_LISTS = 3

INTERVAL = Subject(
    "polling.interval",
    "Time between polls",
    "Wait a second or more between polls of one task, and let the interval grow. A test need not wait: let the"
    " client's sleep advance the clock.",
    "voice-create.duration",
)
AFTER_END = Subject(
    "polling.after-terminal",
    "Polls after the end",
    "Stop polling at succeed and at failed: neither changes any more. Look whether failed is taken for an end, and"
    " whether the status is read from data.task_status.",
    "task.status.terminal",
)
GAVE_UP = Subject(
    "polling.gave-up",
    "Ends that nobody saw",
    "What was paid for is lost when nobody fetches it. Poll for longer, or keep the id and ask again later.",
    "limits.price",
)
AFTER_CALLBACK = Subject(
    "polling.after-callback",
    "Polls after a callback told the end",
    "One query to check a callback is fine; more are not needed.",
    "callback.agrees-with-query",
)
LISTS = Subject(
    "polling.lists",
    "Lists in place of queries",
    "Query the one task by its task_id or external id: a list shows one page, and the task may be on another.",
    "voice-get.by-task-id",
)


def items(evidence: Evidence) -> Iterator[Item]:
    """The items on polling."""
    polls = polls_by_task(evidence)
    yield interval(evidence, polls)
    yield after_end(evidence, polls)
    yield after_callback(evidence, polls)
    yield gave_up(evidence, polls)
    yield lists(evidence)


Polls = dict[str, list[Request]]


def polls_by_task(evidence: Evidence) -> Polls:
    """The queries of each task that is known, oldest first, failed ones included."""
    found: Polls = {}
    for request in evidence.of(*QUERIES):
        task_id = request.task_id or evidence.names.get(request.path_id, "")
        if task_id in evidence.tasks:
            found.setdefault(task_id, []).append(request)
    return found


def shows_end(request: Request, task: Task) -> bool:
    """Whether a query has surely shown a terminal status: what was edited or late is given the benefit of the doubt."""
    struck = request.struck
    is_plain = struck is None or not (struck.edit or struck.latency)
    return request.is_ok and is_plain and observe(task, request.at).status in TERMINAL


def pace(gaps: Sequence[float]) -> str:
    """How a row of intervals goes: ``constant``, ``growing`` or ``varying``."""
    middle = median(gaps)
    if max(gaps) - min(gaps) <= max(0.1 * middle, 0.02):
        return "constant"
    grows = all(then >= 0.9 * before for before, then in pairwise(gaps))
    return "growing" if grows and gaps[-1] >= 1.3 * gaps[0] else "varying"


def interval(evidence: Evidence, polls: Polls) -> Item:
    """Whether polls come too soon, and at what pace."""
    gaps: list[float] = []
    hasty: list[Proof] = []
    tireless: list[Proof] = []
    judged = 0
    for task_id, all_polls in polls.items():
        task = evidence.tasks[task_id]
        if task.polls_per_step:
            continue  # polls move it, and time does not: no interval is too short
        for own in senders(evidence, _until_end(all_polls, task)):
            if len(own) < FEWEST_POLLS:
                continue
            between = [gap_s(before, then) for before, then in pairwise(own)]
            judged += 1
            gaps += between
            words = f"task {task_id}: {plural(len(own), 'poll')}, {pace(between)}, median {span(median(between))}"
            if median(between) < SHORTEST_S:
                hasty.append(Proof(words, own[1].number))
            elif len(own) > MANY_POLLS and pace(between) == "constant":
                tireless.append(Proof(words, own[1].number))
    if not judged:
        return INTERVAL.not_seen(f"no task was polled {FEWEST_POLLS} times before its end")
    numbers = {
        "tasks": judged,
        "intervals": len(gaps),
        "median_s": round(median(gaps), 3),
        "shortest_s": round(min(gaps), 3),
        "longest_s": round(max(gaps), 3),
        "hasty_tasks": len(hasty),
    }
    if hasty:
        seen = f"{plural(len(hasty), 'task')} polled less than a second apart, median {span(median(gaps))}"
        return INTERVAL.judged(Verdict.WARNING, seen, numbers, hasty)
    seen = f"median {span(median(gaps))}, {pace(gaps)} pace"
    if tireless:
        words = f"{seen}; {plural(len(tireless), 'task')} polled more than {MANY_POLLS} times without a longer wait"
        return INTERVAL.judged(Verdict.ADVICE, words, numbers, tireless)
    return INTERVAL.judged(Verdict.OK, seen, numbers)


def _until_end(polls: Sequence[Request], task: Task) -> list[Request]:
    kept: list[Request] = []
    for request in polls:
        kept.append(request)
        if shows_end(request, task):
            break
    return kept


def _after(polls: Sequence[Request], place: int) -> list[Request]:
    """The polls that follow on the one at ``place`` without a long pause; one that failed is a retry's affair."""
    found: list[Request] = []
    last = polls[place]
    for request in polls[place + 1 :]:
        if gap_s(last, request) > POLLING_S:
            break
        if request.is_ok:
            found.append(request)
        last = request
    return found


def after_end(evidence: Evidence, polls: Polls) -> Item:
    """Whether a client goes on polling a task that it has seen at its end."""
    worst, total, ended = 0, 0, 0
    proofs: list[Proof] = []
    for task_id, all_polls in polls.items():
        task = evidence.tasks[task_id]
        for own in senders(evidence, all_polls):
            place = next((n for n, item in enumerate(own) if shows_end(item, task)), None)
            if place is None:
                continue
            ended += 1
            more = _after(own, place)
            if len(more) > _LOOKS:
                total += len(more)
                worst = max(worst, len(more))
                words = f"task {task_id}: {plural(len(more), 'poll')} after the end was seen in no. {own[place].number}"
                proofs.append(Proof(words, more[0].number))
    if not ended:
        return AFTER_END.not_seen("no poll has shown the end of a task")
    numbers = {"ended_tasks": ended, "polls_after_end": total, "most_of_one_task": worst}
    if not proofs:
        return AFTER_END.judged(Verdict.OK, "polling stops at the end", numbers)
    verdict = Verdict.WARNING if worst >= _HABIT else Verdict.ADVICE
    return AFTER_END.judged(
        verdict, f"{plural(total, 'poll')} after the end was seen", numbers, proofs
    )


def after_callback(evidence: Evidence, polls: Polls) -> Item:
    """Whether a client goes on polling a task whose end a callback has told."""
    told = 0
    total = 0
    proofs: list[Proof] = []
    for callback in evidence.callbacks:
        taken = callback.taken
        if taken is None or callback.status not in TERMINAL or callback.is_copy:
            continue
        if callback.fault is not None:
            continue  # it may have been late, broken or forged
        told += 1
        done = taken.wall + taken.took_ms
        later = [item for item in polls.get(callback.task_id, ()) if item.arrived > done]
        most = max(senders(evidence, later), key=len, default=[])
        more = [most[0], *_after(most, 0)] if most else []
        if len(more) > _LOOKS + 1:
            total += len(more)
            words = f"task {callback.task_id}: {plural(len(more), 'poll')} after callback {callback.number}"
            proofs.append(Proof(words, more[0].number, callback.number))
    if not told:
        return AFTER_CALLBACK.not_seen("no callback has told the end of a task")
    numbers = {"told_tasks": told, "polls_after_callback": total}
    if not proofs:
        return AFTER_CALLBACK.judged(Verdict.OK, "what a callback told is believed", numbers)
    seen = f"{plural(total, 'poll')} of tasks whose end a callback had told"
    return AFTER_CALLBACK.judged(Verdict.ADVICE, seen, numbers, proofs)


def gave_up(evidence: Evidence, polls: Polls) -> Item:
    """Whether a client stopped polling a task before it learned how it ended."""
    waited, lost = 0, []
    listed_at = max((item.at for item in evidence.of("listCustomVoices") if item.is_ok), default=0)
    told = {item.task_id for item in evidence.callbacks if item.taken and item.status in TERMINAL}
    for task_id, own in polls.items():
        task = evidence.tasks[task_id]
        if not any(item.is_ok for item in own):
            continue
        waited += 1
        seen = observe(task, evidence.now)
        silence_s = (evidence.now - max(own[-1].at, seen.updated_at)) / 1000
        if seen.status not in TERMINAL or silence_s < POLLING_S:
            continue
        is_listed = listed_at >= seen.updated_at
        is_seen = any(item.is_ok and item.at >= seen.updated_at for item in own)
        if not (is_seen or is_listed or task_id in told):
            words = f"task {task_id} ended as {seen.status}, and nobody has looked since no. {own[-1].number}"
            lost.append(Proof(words, own[-1].number))
    if not waited:
        return GAVE_UP.not_seen("no task was polled")
    numbers = {"polled_tasks": waited, "unseen_ends": len(lost)}
    if not lost:
        return GAVE_UP.judged(Verdict.OK, "no task has ended unseen", numbers)
    seen_words = f"{plural(len(lost), 'task')} ended after the last poll"
    return GAVE_UP.judged(Verdict.ADVICE, seen_words, numbers, lost)


def lists(evidence: Evidence) -> Item:
    """Whether a client polls the list in place of its task."""
    asked = list(evidence.of("listCustomVoices"))
    if not asked:
        return LISTS.not_seen("no list was asked for")
    waited_for = _in_flight(evidence)
    by_target: dict[str, list[Request]] = {}
    for request in asked:
        place = bisect_right(waited_for, (request.at, inf)) - 1
        if place >= 0 and request.at < waited_for[place][1]:
            by_target.setdefault(request.target, []).append(request)
    rows = [own for own in by_target.values() if len(own) >= _LISTS]
    numbers = {"lists": len(asked), "lists_as_polls": sum(map(len, rows))}
    if not rows:
        return LISTS.judged(Verdict.OK, "lists are not used to poll", numbers)
    proofs = [Proof(f"{own[0].target}: {len(own)} times", own[0].number) for own in rows]
    return LISTS.judged(Verdict.ADVICE, "the list is polled for a task", numbers, proofs)


def _in_flight(evidence: Evidence) -> list[tuple[float, float]]:
    """From when to when any task is in flight that is never queried: instants in ms, in order, apart."""
    queried = {item.task_id for item in evidence.of(*QUERIES)}
    spans: list[tuple[float, float]] = []
    for task in sorted(evidence.tasks.values(), key=lambda task: task.created_at):
        if task.id in queried:
            continue
        seen = observe(task, evidence.now)
        end = seen.updated_at if seen.status in TERMINAL else inf
        if spans and task.created_at <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((task.created_at, end))
    return spans
