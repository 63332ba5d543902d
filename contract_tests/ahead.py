"""Tests and generated requests that share nothing: several at once, ahead of their turn, where answers take long.

A test that is run ahead is not run again: what came of it is kept, and counts when it is its turn. What got no answer
is not kept, so that it is tried again, alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pytest

from contract_tests import selecting
from contract_tests.checks import Broken
from contract_tests.meter import NotSent
from contract_tests.run import Run
from contract_tests.sending import Exchange

#: Tests of single requests that leave nothing behind by which another could be disturbed.
INDEPENDENT = frozenset(
    {
        "test_a_bad_credential_comes_before_a_bad_body",
        "test_a_bad_path_comes_before_a_bad_credential",
        "test_a_credential_is_required",
        "test_a_gateway_callback_is_an_address",
        "test_a_gateway_text_has_at_most_10000_characters",
        "test_a_malformed_credential_is_refused",
        "test_a_name_has_at_most_20_characters",
        "test_a_page_may_be_large",
        "test_a_short_page_is_the_last",
        "test_a_single_character_is_spoken",
        "test_a_speed_is_moved_to_the_nearest",
        "test_a_speed_out_of_range_is_adjusted",
        "test_a_text_has_at_most_1000_characters",
        "test_a_token_is_valid_in_its_time",
        "test_a_very_long_id_is_refused",
        "test_an_address_has_at_most_4096_characters",
        "test_an_external_id_may_be_anything",
        "test_an_unknown_key_is_refused_everywhere",
        "test_any_text_may_be_spoken",
        "test_bad_gateway_request_is_refused",
        "test_bad_request_is_refused",
        "test_odd_bodies_crash_nothing",
        "test_odd_characters_crash_nothing",
        "test_odd_ids_crash_nothing",
        "test_odd_queries_crash_nothing",
        "test_odd_values_crash_nothing",
        "test_the_content_type_of_a_request_is_not_looked_at",
        "test_the_ends_of_a_range_are_in_it",
        "test_unknown_fields_are_ignored",
        "test_unknown_path_is_refused",
        "test_wrong_method_is_refused",
    }
)
#: Tests that run ahead together, at most.
_MOST = 48

T = TypeVar("T")
Call = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class _Came:
    """What came of something.

    Attributes:
        error: what it ended in; ``None`` where all was well.
        exchanges: the requests that it took.
    """

    value: Any
    error: BaseException | None
    exchanges: deque[Exchange]

    @property
    def is_certain(self) -> bool:
        """Whether every request was answered."""
        if isinstance(self.error, NotSent) or any(one.answer is None for one in self.exchanges):
            return False
        return not (isinstance(self.error, Broken) and self.error.clause == "server.answers")


class Ahead:
    """What has come of what ran ahead in a run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._tests: dict[pytest.Item, _Came] = {}
        self._cases: dict[str, _Came] = {}

    def is_done(self, item: pytest.Function) -> bool:
        """Whether a test whose turn it is has run already, maybe just now; raises what it has ended in.

        Raises:
            BaseException: the test ended in it.
        """
        if item not in self._tests:
            if "sender" not in vars(self._run) or self._run.sender.pace.at_once == 1:
                return False
            if hasattr(item, "operation_label"):
                self._send_cases(item)
                return False
            self._run_tests(item)
        came = self._tests.pop(item, None)
        if came is None:
            return False
        self._run.sender.recent.extend(came.exchanges)
        if came.error is not None:
            raise came.error
        return True

    def answer(self, case: Any, ask: Callable[[Any], T]) -> T:
        """The answer to a generated request, which may be there already."""
        came = self._cases.pop(case.id, None)
        if came is None:
            return ask(case)
        self._run.sender.recent.extend(came.exchanges)
        answer: T = came.value
        return answer

    def _send_cases(self, item: pytest.Function) -> None:
        """Sends all requests of an operation that are known before."""
        ask = item.module.asked
        examples = getattr(item.obj, "hypothesis_explicit_examples", ())
        cases = [example.kwargs["case"] for example in examples if "case" in example.kwargs]
        calls = [partial(ask, case, self._run) for case in cases]
        for case, came in zip(cases, self._came(calls), strict=True):
            if came.is_certain and came.error is None:
                self._cases[case.id] = came

    def _run_tests(self, first: pytest.Function) -> None:
        """Runs a test and those like it that come next."""
        ready = [(item, call) for item in _alike(first) if (call := self._call(item)) is not None]
        if len(ready) < 2 or ready[0][0] is not first:
            return
        came = self._came([call for _, call in ready])
        for (item, _), one in zip(ready, came, strict=True):
            if one.is_certain:
                self._tests[item] = one

    def _call(self, item: pytest.Function) -> Call | None:
        """A test with its arguments; ``None`` where it has some that nobody here knows."""
        params: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        run, known = self._run, dict(params)
        for name, dialect in (("api", "dialect"), ("voices_api", "official")):
            if dialect in params:
                try:
                    known[name] = run.api(params[dialect])
                except pytest.skip.Exception:
                    return None
        names = item._fixtureinfo.argnames
        if "receiver" in names:
            known["receiver"] = run.receiver
        if any(name not in known for name in names) or item.get_closest_marker("skip"):
            return None
        return partial(item.obj, **{name: known[name] for name in names})

    def _came(self, calls: Sequence[Call]) -> list[_Came]:
        return self._run.sender.pace.each(self._apart, calls)

    def _apart(self, call: Call) -> _Came:
        with self._run.sender.recent.apart() as exchanges:
            try:
                return _Came(call(), None, exchanges)
            except (Exception, pytest.skip.Exception) as error:  # noqa: BLE001 - raised when it is its turn
                return _Came(None, error, exchanges)


def _alike(first: pytest.Function) -> Iterator[pytest.Function]:
    """A test and those that come right after it, as far as they share nothing with each other."""
    items = first.session.items
    begin = items.index(first)
    for item in items[begin : begin + _MOST]:
        is_one = isinstance(item, pytest.Function) and item.originalname in INDEPENDENT
        if not is_one or selecting.dialect_of(item) != selecting.dialect_of(first):
            return
        assert isinstance(item, pytest.Function)
        yield item
