"""The requests that an account was sent, and assertions about them."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from mock_server.ctl_client import Call
from mock_server.terminal import count as counted
from mock_server.testing.asking import (
    Awaiting,
    Blocking,
    NotAsExpected,
    Part,
    Steps,
    Value,
    expecting,
    twin,
)
from mock_server.testing.words import (
    Expectation,
    Pattern,
    amount,
    joined,
    listed,
    request_line,
    said,
)


class _Requests(Part):
    """The journal of an account: requests and their answers, oldest first, each with a number from 1.

    A pattern names what matters: ``operation``, ``dialect``, ``method``, ``path`` (with ``*``), ``task``, ``body``
    (what it contains), ``query``, ``status``, ``code``, ``fault``, ``scenario``. What is left out is anything.
    """

    @twin
    def list(self, *, since: int = 0, **pattern: Unpack[Pattern]) -> Steps[builtins.list[Value]]:
        """The requests that match a pattern; without one, all.

        Args:
            since: only those with a greater number.

        Raises:
            ControlFailed: a key or value of the pattern is not known; the nearest is named.
        """
        if not pattern:
            return (yield Call("GET", "/journal", query={"since": since}))["entries"]  # type: ignore[no-any-return]
        try:
            return (yield from _found(pattern, since, 1, 0, skip=False))
        except NotAsExpected:
            return []

    @twin
    def last(self) -> Steps[int]:
        """The number of the newest request, 0 before the first: a mark for ``since``."""
        return int((yield Call("GET", "/journal", query={"limit": 1}))["last"])

    @twin
    def wait_for(
        self,
        *,
        count: int = 1,
        timeout: float = 10,
        skip: bool = False,
        since: int = 0,
        **pattern: Unpack[Pattern],
    ) -> Steps[builtins.list[Value]]:
        """Waits on the server's side until so many requests of a pattern were answered, and returns them.

        Args:
            timeout: seconds of the machine's clock.
            skip: moves the clock on to what is due next, as long as they have not come.
            since: only those with a greater number.

        Raises:
            NotAsExpected: they did not come in time; the message names the nearest that did.
            ControlFailed: a key or value of the pattern is not known.
        """
        found = yield from _found(pattern, since, count, timeout, skip=skip)
        self._via.expected.requests.update(entry["number"] for entry in found)
        return found

    @twin
    def verify(
        self, expect: Sequence[Expectation], *, in_order: bool = False, since: int = 0
    ) -> Steps[Value]:
        """Holds the requests against expectations, and returns the verdict without judging it.

        Args:
            expect: patterns, each with at most one of ``count``, ``at_least`` and ``at_most``.
            in_order: whether the verdict says that they came in this order.
        """
        return (yield _verification(expect, since, in_order=in_order))

    @twin
    def assert_received(
        self,
        *,
        count: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        since: int = 0,
        **pattern: Unpack[Pattern],
    ) -> Steps[None]:
        """Asserts how many requests match a pattern: at least 1 when nothing is said.

        Raises:
            NotAsExpected: another number does; the message shows the nearest, and why they do not match.
            TypeError: more than one number is given.
        """
        __tracebackhide__ = True
        wanted = amount("request", count, at_least, at_most)
        bounds = {"count": count, "at_least": at_least, "at_most": at_most}
        given = {name: value for name, value in bounds.items() if value is not None}
        verdict = yield _verification([{"match": pattern, **given}], since)  # type: ignore[typeddict-item]
        result = verdict["results"][0]
        if not result["ok"]:
            lines = [
                f"expected {wanted} like {said(pattern)}, found {_numbered(result)}",
                *_near(result),
            ]
            raise NotAsExpected(joined([*lines, *(yield from _all(since))]))
        self._via.expected.requests.update(result["numbers"])

    @twin
    def assert_none(self, *, since: int = 0, **pattern: Unpack[Pattern]) -> Steps[None]:
        """Asserts that no request matches a pattern; without one, that none came at all.

        Raises:
            NotAsExpected: some do; the message lists them.
        """
        __tracebackhide__ = True
        yield from _Requests.assert_received(self, count=0, since=since, **pattern)

    @twin
    def assert_order(self, patterns: Sequence[Pattern | str], *, since: int = 0) -> Steps[None]:
        """Asserts that requests came in this order; others may have come between them.

        Args:
            patterns: what each is like; a text is its operation.

        Raises:
            NotAsExpected: one is missing, or they came in another order; the message says which.
            ValueError: there is no pattern.
        """
        __tracebackhide__ = True
        if not patterns:
            raise ValueError("assert_order needs at least one pattern")
        expect: list[Expectation] = [
            {"match": {"operation": item} if isinstance(item, str) else item} for item in patterns
        ]
        verdict = yield _verification(expect, since, in_order=True)
        results = verdict["results"]
        if not verdict["ok"]:
            missing = [place for place, result in enumerate(results, start=1) if not result["ok"]]
            why = (
                f"number {missing[0]} of them is missing"
                if missing
                else "they came in another order"
            )
            lines = [f"expected {len(results)} requests in order; {why}"]
            for place, result in enumerate(results, start=1):
                lines += [
                    f"  {place}. {said(result['match'])}: found {_numbered(result)}",
                    *_near(result, "    "),
                ]
            raise NotAsExpected(joined([*lines, *(yield from _all(since))]))
        self._via.expected.requests.update(*(result["numbers"] for result in results))

    @twin
    def clear(self) -> Steps[int]:
        """Forgets the requests, and returns how many there were. Their numbers are not used again."""
        return int((yield Call("DELETE", "/journal"))["cleared"])


class Requests(_Requests, Blocking):
    """The journal of an account: what it was sent, and assertions about it."""


class AsyncRequests(_Requests, Awaiting):
    """The journal of an account; each operation is awaited."""


def _found(
    pattern: Pattern, since: int, count: int, timeout: float, *, skip: bool
) -> Steps[list[Value]]:
    body = {
        "for": "request",
        "match": pattern,
        "count": count,
        "timeout": timeout,
        "skip": skip,
        "since": since,
    }
    value = yield from expecting(Call("POST", "/wait", body, waits_s=timeout))
    return value["found"]  # type: ignore[no-any-return]


def _verification(expect: Sequence[Expectation], since: int, *, in_order: bool = False) -> Call:
    body: dict[str, Any] = {"expect": list(expect), "in_order": in_order, "since": since}
    return Call("POST", "/journal/verify", body)


def _numbered(result: Mapping[str, Any]) -> str:
    numbers = ", ".join(map(str, result["numbers"][:20]))
    more = ", ..." if len(result["numbers"]) > 20 else ""
    return f"{result['matched']} (no. {numbers}{more})" if numbers else str(result["matched"])


def _near(result: Mapping[str, Any], indent: str = "  ") -> list[str]:
    return [
        f"{indent}nearly: no. {miss['number']} {miss['request']}: {'; '.join(miss['mismatches'])}"
        for miss in result["near_misses"]
    ]


def _all(since: int) -> Steps[list[str]]:
    """What came, for a message."""
    value = yield Call("GET", "/journal", query={"since": since})
    lines = [request_line(entry) for entry in value["entries"]]
    return (
        listed(f"{counted(len(lines), 'request')} came:", lines) if lines else ["no request came"]
    )
