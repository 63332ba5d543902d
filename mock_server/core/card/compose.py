"""The card as a whole: all items, the table of lints, what it does not know, and all that in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mock_server.core.card import auth, callbacks, ids, polling, recovery, retries, voices
from mock_server.core.card.evidence import SEVERITY, Evidence, Item, Verdict, plural
from mock_server.core.card.linting import Lint
from mock_server.core.card.lints import lints

ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Card:
    """The report card on one client.

    Attributes:
        lints: what passes, or is refused, because of a rule that is open.
        blind: what the card cannot know, in sentences.
        assumed: how many assumed rules the client depends on.
    """

    evidence: Evidence
    items: Sequence[Item]
    lints: Sequence[Lint]
    blind: Sequence[str]
    assumed: int

    @property
    def worst(self) -> Verdict:
        """The worst verdict of items and lints."""
        found = [item.verdict for item in self.items] + [row.rule.verdict for row in self.lints]
        return max(found, key=SEVERITY.index, default=Verdict.NOT_SEEN)

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many items there are of each verdict, lints included."""
        found = [item.verdict for item in self.items] + [row.rule.verdict for row in self.lints]
        return {verdict: found.count(verdict) for verdict in reversed(SEVERITY)}

    @property
    def summary(self) -> str:
        """The card in one line."""
        counts = self.counts
        parts = [
            plural(counts[Verdict.WARNING], "warning"),
            plural(counts[Verdict.ADVICE], "advice", "advices"),
            f"{counts[Verdict.OK]} ok",
            f"{counts[Verdict.NOT_SEEN]} not seen",
            f"dependence on assumed rules: {self.assumed}",
        ]
        return ", ".join(parts)


def compose(evidence: Evidence, evidence_of_clauses: Mapping[str, str]) -> Card:
    """Judges a client.

    Args:
        evidence: what the account knows of it.
        evidence_of_clauses: by clause id, whether a clause is documented, observed or assumed.
    """
    found = [
        item
        for part in (polling, retries, recovery, ids, auth, callbacks, voices)
        for item in part.items(evidence)
    ]
    table = lints(evidence)
    assumed = {row.rule.clause for row in table} & {
        name for name, kind in evidence_of_clauses.items() if kind == ASSUMED
    }
    return Card(evidence, found, table, _blind(evidence), len(assumed))


def _blind(evidence: Evidence) -> list[str]:
    sentences = []
    if evidence.missing:
        sentences.append(
            f"{plural(evidence.missing, 'older request')} not judged: the journal keeps them no longer (serve with a"
            " larger --journal), it was cleared, or they are too many; nor is what happened to their tasks before"
        )
    if evidence.cut:
        sentences.append(
            f"{plural(evidence.cut, 'request body', 'request bodies')} kept in part: lints do not see them"
        )
    if not evidence.requests:
        sentences.append("no request was made with a valid credential of this account")
    return sentences
