"""What a strict test fails for: requests that nobody expected, faults that never struck, callbacks that failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mock_server.ctl_client import Call
from mock_server.store import ANONYMOUS
from mock_server.terminal import cell
from mock_server.testing.asking import Steps, Via
from mock_server.testing.faults import fared, is_used, played
from mock_server.testing.words import request_line

#: Codes of refusals of what the client sent: credential, body, field, method and path. Others, such as 1303, come of
#: limits that somebody has set.
_REFUSALS = frozenset((*range(1000, 1100), *range(1200, 1300)))


def problems(account: Via, *, since_anonymous: int, allow_refusals: bool) -> Steps[list[str]]:
    """What is wrong with what happened in an account, a line each; none when nothing is.

    Requests and callbacks that an assertion asked for are expected.

    Args:
        since_anonymous: requests without a valid credential after this number are this account's.
        allow_refusals: whether requests that were refused for what they are were expected.
    """
    found: list[str] = []
    journal = yield Call("GET", "/journal")
    if journal["dropped"]:
        found.append(f"{journal['dropped']} older requests are no longer kept; set journal to more")
    found += _unexpected(
        journal["entries"], account.expected.requests, allow_refusals=allow_refusals
    )
    query = {"account": ANONYMOUS, "since": since_anonymous}
    anonymous = (yield Call("GET", "/journal", query=query))["entries"]
    nobodys = _unexpected(anonymous, frozenset(), allow_refusals=allow_refusals)
    found += (f"{line} (without a valid credential)" for line in nobodys)
    faults = (yield Call("GET", "/faults"))["faults"]
    faults += (yield Call("GET", "/callback-faults"))["callback_faults"]
    # Whether one of chance strikes is chance.
    certain = [rule for rule in faults if rule["when"].get("probability", 1) == 1]
    found += (fared(rule) for rule in certain if not is_used(rule))
    plans = (yield Call("GET", "/plans"))["plans"]
    found += (played(plan) for plan in plans if not plan["completed"])
    failed = (yield Call("GET", "/deliveries", query={"state": "failed"}))["deliveries"]
    found += (
        _failed(item)
        for item in failed
        if not item["fault"] and item["number"] not in account.expected.deliveries
    )
    return found


def _unexpected(
    entries: Iterable[Mapping[str, Any]], expected: Iterable[int], *, allow_refusals: bool
) -> Iterator[str]:
    for entry in entries:
        if entry["number"] in expected or entry["fault"]:
            continue
        if not entry["operation"]:
            yield f"unexpected request: {request_line(entry)}"
        elif entry["code"] in _REFUSALS and not allow_refusals:
            yield f"refused request: {request_line(entry)}"


def _failed(delivery: Mapping[str, Any]) -> str:
    last = delivery["attempts"][-1] if delivery["attempts"] else {"error": "", "status": None}
    outcome = last["error"] or last["status"] or "never sent"
    times = len(delivery["attempts"])
    return cell(
        f"callback {delivery['number']} failed: {delivery['task_status']} of {delivery['task_id']} to"
        f" {delivery['url']} -> {outcome}, attempts: {times}"
    )
