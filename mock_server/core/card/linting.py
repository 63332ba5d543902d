"""What a lint is: a request that passes, or is refused, only because a rule is assumed or read in one of two ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mock_server.core.card.evidence import Evidence, Proof, Request, Verdict

#: Says what of a request a rule is about, in words, or nothing.
Find = Callable[[Request, Evidence], str | None]


@dataclass(frozen=True, slots=True)
class Rule:
    """A lint: the clause it rests on, and what may happen on the real API.

    Attributes:
        find: looks at one request.
        is_refusal: it is about requests that were refused, not about those that passed.
    """

    id: str
    clause: str
    consequence: str
    find: Find
    is_refusal: bool = False
    verdict: Verdict = Verdict.ADVICE


@dataclass(frozen=True, slots=True)
class Lint:
    """A row of the table: how many requests depend on a clause, and the first of them."""

    rule: Rule
    count: int
    example: Proof

    @property
    def outcome(self) -> str:
        """``passed`` or ``refused``: what happened here because of the rule."""
        return "refused" if self.rule.is_refusal else "passed"


def rows(evidence: Evidence, rules: tuple[Rule, ...]) -> Iterator[Lint]:
    """The lints of an account: a row for each rule that some request is about, in the order of the rules."""
    for rule in rules:
        count = 0
        example: Proof | None = None
        for request in evidence.requests:
            if not (_is_refused(request) if rule.is_refusal else _has_passed(request)):
                continue
            words = rule.find(request, evidence)
            if words:
                count += 1
                example = example or Proof(f"{request.target}: {words}", request.number)
        if example is not None:
            yield Lint(rule, count, example)


def _has_passed(request: Request) -> bool:
    return request.status == 200 or (request.is_of_tasks and bool(request.task_id))


def _is_refused(request: Request) -> bool:
    """Whether the mock itself has refused it, and not a fault."""
    return request.is_permanent and request.struck is None
