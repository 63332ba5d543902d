"""``kling-mock check --from-har``: recorded traffic held against all that answers alone can show."""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from contract_tests import (
    checks,
    coverage,
    documents,
    harread,
    library,
    options,
    redaction,
    report,
    routes,
)
from contract_tests.gathering import Gathered
from contract_tests.history import History
from contract_tests.outcome import Outcome
from contract_tests.results import FAILED
from contract_tests.sending import Exchange

_NOBODY = "this recording does not show it"
_CUT = "the recording does not hold the body of an answer"


@dataclass
class _Judged:
    """Where the judgement of a recording stands."""

    gathered: Gathered
    histories: dict[str, History] = field(default_factory=dict)
    judged: int = 0
    without_body: int = 0


def main(asked: Namespace) -> int:
    """Judges a recording; returns the exit code."""
    options.hide_secrets(asked)
    coverage.seen.clear()
    try:
        return _judged(asked)
    except (harread.BadRecording, OSError) as reason:
        message = redaction.clean(" ".join(str(reason).split()))
        if asked.json:
            report.write_json({"exit_code": 2, "error": message, "clauses": []})
        sys.stderr.write(f"kling-mock: {message}\n")
        return 2
    finally:
        redaction.forget()


def _judged(asked: Namespace) -> int:
    recording = harread.read(asked.from_har)
    wanted = tuple(asked.dialect) or documents.DIALECTS
    found = list(_of_the_api(recording.seen, asked.base_url, wanted))
    if not asked.dialect:
        found = _served(found)
    if not found:
        where = f" below {asked.base_url}" if asked.base_url else ""
        raise harread.BadRecording(f"{asked.from_har}: no entry is a request of the API{where}")
    dialects = tuple(
        name for name in documents.DIALECTS if any(route.dialect == name for _, route in found)
    )
    state = _Judged(Gathered(dialects, strict=asked.strict, nobody=lambda _: _NOBODY))
    for seen, route in found:
        _judge(seen, route, state)
    official = [name for name in dialects if name in documents.OFFICIAL]
    for item in recording.notifications if official else ():
        if isinstance(item.json, dict) and "audio_id" in item.json:
            continue  # EzModel's
        checks.looked.clear()
        try:
            library.check_notification(item, dialect=official[0])
        except AssertionError as error:
            state.gathered.failed(error, official[0], ())
        state.gathered.looked(checks.looked, official[0])
    return _published(asked, dialects, state)


def _of_the_api(
    recorded: list[harread.Seen], base_url: str, dialects: tuple[str, ...]
) -> Iterator[tuple[harread.Seen, routes.Route]]:
    """The exchanges that are meant, and their operations."""
    for seen in recorded:
        try:
            parts = urlsplit(seen.request.url)
        except ValueError:
            continue
        if base_url and not _is_below(seen.request.url, base_url):
            continue
        prefix = urlsplit(base_url).path.rstrip("/")
        route = (
            routes.find(seen.request.method, parts.path, prefix=prefix, dialects=dialects)
            if base_url
            else routes.find_anywhere(seen.request.method, parts.path, dialects)
        )
        if route is not None:
            yield seen, route


def _served(
    found: list[tuple[harread.Seen, routes.Route]],
) -> list[tuple[harread.Seen, routes.Route]]:
    """Those of the dialects that are there; of one that is not, every path is answered with HTTP 404."""
    there = {
        route.dialect for seen, route in found if seen.answer is None or seen.answer.status != 404
    }
    return [(seen, route) for seen, route in found if not there or route.dialect in there]


def _judge(seen: harread.Seen, route: routes.Route, state: _Judged) -> None:
    """Holds one exchange against what every answer must be, and against those before it."""
    answer, gathered = seen.answer, state.gathered
    coverage.seen.operations[f"{route.dialect} {route.operation.id}"] += 1
    if answer is None:
        state.without_body += 1
        return
    state.judged += 1
    coverage.seen.statuses[f"{route.operation.id} {answer.status}/{answer.code}"] += 1
    origin = seen.request.url.partition("://")[2].partition("/")[0]
    history = state.histories.setdefault(origin, History())
    exchange = Exchange(seen.request, answer, seen.began, seen.ended - seen.began)
    checks.looked.clear()
    checks.noted.clear()
    try:
        library.check_answer(answer, dialect=route.dialect, operation=route.operation.id)
        history.add(answer, route, began=seen.began, ended=seen.ended)
    except AssertionError as error:
        gathered.failed(error, route.dialect, [exchange])
    for noted in checks.noted:
        gathered.failed(noted, route.dialect, [exchange])
    gathered.looked(checks.looked, route.dialect)


def _published(asked: Namespace, dialects: tuple[str, ...], state: _Judged) -> int:
    if state.without_body:
        state.gathered.explained(
            ("schema.answer", "schema.status"), f"{_CUT} ({state.without_body} of them)"
        )
    outcome = Outcome(
        asked.from_har,
        f"recorded, {state.judged} answers judged, {state.without_body} without their body",
        None,
        asked.strict,
        dialects,
        (),
        "a recording",
        _again(asked),
        list(state.gathered.verdicts()),
        state.gathered.errors,
    )
    was_blind = not state.judged
    is_broken = any(verdict.result == FAILED for verdict in outcome.verdicts)
    code = 1 if is_broken else 2 if was_blind else 0
    report.publish(outcome, code, asked)
    return code


def _again(asked: Namespace) -> str:
    words = ["kling-mock", "check", "--from-har", asked.from_har]
    words += ["--base-url", asked.base_url] if asked.base_url else []
    words += [word for name in asked.dialect for word in ("--dialect", name)]
    return shlex.join([*words, *(["--strict"] if asked.strict else [])])


def _is_below(url: str, base_url: str) -> bool:
    """Whether an address begins with another, port and case of the host aside."""
    try:
        this, that = urlsplit(url), urlsplit(base_url)
        same = _origin(url) == _origin(base_url)
    except ValueError:
        return False
    return same and (this.path + "/").startswith(that.path.rstrip("/") + "/")


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
