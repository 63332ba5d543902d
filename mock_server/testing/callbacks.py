"""The callbacks that an account sent, what a test does to them, and assertions about them."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Unpack

from mock_server.core.pattern import differences
from mock_server.ctl_client import Call, segment
from mock_server.terminal import count as counted
from mock_server.testing.asking import (
    Awaiting,
    Blocking,
    ControlFailed,
    NotAsExpected,
    Part,
    Steps,
    Value,
    expecting,
    twin,
)
from mock_server.testing.words import CallbackMatch, amount, attempt_line, joined, listed, said

#: Near misses shown for one pattern.
_NEAREST = 3
_KNOWN = frozenset(CallbackMatch.__annotations__)


class _Callbacks(Part):
    """The callbacks of an account. A delivery is one callback with its attempts; both are numbered from 1."""

    @twin
    def list(self, *, task: str = "", state: str = "") -> Steps[builtins.list[Value]]:
        """The deliveries with their bodies and attempts, oldest first.

        Args:
            task: only those of this task id or external id.
            state: only ``pending``, ``held``, ``delivered``, ``failed`` or ``dropped`` ones.
        """
        query = {"task": task or None, "state": state or None}
        return (yield Call("GET", "/deliveries", query=query))["deliveries"]  # type: ignore[no-any-return]

    @twin
    def attempts(
        self, *, since: int = 0, **match: Unpack[CallbackMatch]
    ) -> Steps[builtins.list[Value]]:
        """The attempts that match, in the order in which they ended, each with the ``body`` that was sent."""
        return (yield from _attempts(match, since))[0]

    @twin
    def wait_for(
        self,
        *,
        task: str = "",
        task_status: str = "",
        status: int | None = None,
        count: int = 1,
        timeout: float = 10,
        skip: bool = False,
        since: int = 0,
    ) -> Steps[builtins.list[Value]]:
        """Waits on the server's side until so many callbacks were attempted, and returns the attempts.

        Args:
            status: only those whose receiver answered with this HTTP status.
            timeout: seconds of the machine's clock.
            skip: moves the clock on to what is due next, as long as they have not come.
            since: only attempts with a greater number.

        Raises:
            NotAsExpected: they did not come in time; the message says what did.
        """
        given = {"task": task, "task_status": task_status, "status": status}
        match = {name: value for name, value in given.items() if value not in ("", None)}
        body = {"for": "callback", "match": match, "count": count, "timeout": timeout}
        body |= {"skip": skip, "since": since}
        value = yield from expecting(Call("POST", "/wait", body, waits_s=timeout))
        self._via.expected.deliveries.update(item["delivery"] for item in value["found"])
        return value["found"]  # type: ignore[no-any-return]

    @twin
    def assert_received(
        self,
        *,
        count: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        since: int = 0,
        **match: Unpack[CallbackMatch],
    ) -> Steps[None]:
        """Asserts how many callback attempts match: at least 1 when nothing is said.

        Raises:
            NotAsExpected: another number does; the message shows the nearest, and why they do not match.
            TypeError: more than one number is given, or a key is not known.
        """
        __tracebackhide__ = True
        wanted = amount("callback", count, at_least, at_most)
        found, rows, meant = yield from _attempts(match, since)
        least = at_least or (1 if count is None and at_most is None and at_least is None else 0)
        most = at_most
        if count is not None:
            least = most = count
        if len(found) < least or (most is not None and len(found) > most):
            numbers = ", ".join(str(item["number"]) for item in found)
            which = f" (no. {numbers})" if numbers else ""
            lines = [f"expected {wanted} like {said(match)}, found {len(found)}{which}"]
            near = _near(meant, rows) if len(found) < least else []
            raise NotAsExpected(joined([*lines, *near, *_all(rows)]))
        self._via.expected.deliveries.update(item["delivery"] for item in found)

    @twin
    def assert_none(self, *, since: int = 0, **match: Unpack[CallbackMatch]) -> Steps[None]:
        """Asserts that no callback attempt matches; without a pattern, that there was none at all.

        Raises:
            NotAsExpected: there was one; the message lists them.
        """
        __tracebackhide__ = True
        yield from _Callbacks.assert_received(self, count=0, since=since, **match)

    @twin
    def assert_order(
        self, matches: Sequence[CallbackMatch | str], *, since: int = 0
    ) -> Steps[None]:
        """Asserts that callback attempts came in this order; others may have come between them.

        Args:
            matches: what each is like; a text is the status that it tells.

        Raises:
            NotAsExpected: one did not come after the one before it; the message says which.
            ValueError: there is no pattern.
        """
        __tracebackhide__ = True
        if not matches:
            raise ValueError("assert_order needs at least one pattern")
        earliest = 0
        for place, given in enumerate(matches, start=1):
            match: CallbackMatch = {"task_status": given} if isinstance(given, str) else given
            found, rows, _ = yield from _attempts(match, since)
            later = [item for item in found if item["number"] > earliest]
            if not later:
                after = f" after no. {earliest}" if earliest else ""
                head = f"expected {counted(len(matches), 'callback')} in order; no. {place} of them, {said(match)},"
                raise NotAsExpected(joined([f"{head} did not come{after}", *_all(rows)]))
            earliest = later[0]["number"]
            self._via.expected.deliveries.add(later[0]["delivery"])

    @twin
    def hold(self, delivery: int | None = None) -> Steps[Value]:
        """Keeps back the callbacks that come, or a planned delivery, until they are released."""
        return (yield _acting("hold", delivery))

    @twin
    def release(self, delivery: int | None = None) -> Steps[Value]:
        """Sends what is held, and holds nothing more; or one delivery."""
        return (yield _acting("release", delivery))

    @twin
    def resend(self, delivery: int) -> Steps[Value]:
        """Sends a copy of a delivery now, whatever became of it, and returns the new delivery."""
        return (yield _acting("resend", delivery))

    @twin
    def fire(self, delivery: int) -> Steps[Value]:
        """Sends now what is held or planned for later."""
        return (yield _acting("fire", delivery))

    @twin
    def drop(self, delivery: int) -> Steps[Value]:
        """Calls a delivery off that was not sent yet."""
        return (yield _acting("drop", delivery))


class Callbacks(_Callbacks, Blocking):
    """The callbacks of an account. A delivery is one callback with its attempts; both are numbered from 1."""


class AsyncCallbacks(_Callbacks, Awaiting):
    """The callbacks of an account; each operation is awaited."""


def _acting(action: str, delivery: int | None) -> Call:
    if delivery is None:
        return Call("PUT", "/callbacks", {"hold": action == "hold"})
    return Call("POST", f"/deliveries/{delivery}", {"action": action}, waits_s=None)


def _attempts(
    match: Mapping[str, Any], since: int
) -> Steps[tuple[list[Value], list[Value], Value]]:
    """The attempts that match, and all, each with the body that was sent; and the match with the task's own id."""
    unknown = sorted(set(match) - _KNOWN)
    if unknown:
        raise TypeError(f"unknown {unknown[0]!r}; known are {', '.join(sorted(_KNOWN))}")
    deliveries = (yield Call("GET", "/deliveries"))["deliveries"]
    bodies = {item["number"]: item["body"] for item in deliveries}
    attempts = (yield Call("GET", "/callbacks"))["callbacks"]
    rows = [{**item, "body": bodies.get(item["delivery"])} for item in attempts]
    wanted = dict(match)
    if "task" in wanted:
        try:
            wanted["task"] = (yield Call("GET", f"/tasks/{segment(wanted['task'])}"))["task_id"]
        except ControlFailed as error:
            if error.status != 404:
                raise
    rows = [row for row in rows if row["number"] > since]
    return [row for row in rows if next(_mismatches(wanted, row), None) is None], rows, wanted


def _mismatches(match: Mapping[str, Any], row: Value) -> Iterator[str]:
    """Why an attempt is not meant, in words."""
    for name, wanted in match.items():
        if name == "body":
            yield from differences(wanted, row["body"], "body")
        elif name == "url":
            if not fnmatchcase(row["url"], wanted.replace("[", "[[]").replace("?", "[?]")):
                yield f"url is {row['url']}, not {wanted}"
        else:
            found = row["task_id" if name == "task" else name]
            if found != wanted:
                yield f"{name} is {found!r}, not {wanted!r}"


def _near(match: Mapping[str, Any], rows: list[Value]) -> list[str]:
    misses = [(list(_mismatches(match, row)), row) for row in rows]
    misses = [miss for miss in misses if miss[0]]
    # The fewest reasons first; among equals, the newest.
    misses.sort(key=lambda miss: (len(miss[0]), -miss[1]["number"]))
    return [f"  nearly: no. {row['number']}: {'; '.join(why)}" for why, row in misses[:_NEAREST]]


def _all(rows: list[Value]) -> list[str]:
    lines = [attempt_line(row) for row in rows]
    if not lines:
        return ["no callback was attempted"]
    verb = "was" if len(lines) == 1 else "were"
    return listed(f"{counted(len(lines), 'callback')} {verb} attempted:", lines)
