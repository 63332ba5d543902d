"""How a client deals with its credentials: tokens that have expired, tokens for every request, secrets in addresses.

Tokens live in wall time (they are signed with the client's clock), so nothing here looks at virtual time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mock_server.core.card.evidence import (
    Evidence,
    Item,
    Proof,
    Request,
    Subject,
    Verdict,
    plural,
    span,
)
from mock_server.core.errors import Reason

#: Wall ms in which requests of several senders may still meet the same refusal.
_AT_ONCE_MS = 1000
#: Uses of a token after its refusal that no number of senders explains.
_HABIT = 2
#: New tokens, while the one before had more than half of its life left, that are a habit.
_MINTED = 4
#: Seconds of life, and part of it, below which a token may be dead on arrival.
_NEARLY_S, _NEARLY = 30.0, 0.05
#: Seconds after which a token that is signed anew is another one.
_RESIGNED_S = 2.0
_SECRETS = (
    "api_key",
    "apikey",
    "api-key",
    "key",
    "token",
    "access_token",
    "authorization",
    "secret",
)

EXPIRED = Subject(
    "auth.expired",
    "Expired tokens",
    "Sign a new token some time before the old one expires, and when an answer is 401 with code 1004.",
    "auth.expired",
)
MINTED = Subject(
    "auth.minted",
    "New tokens",
    "Keep a token until shortly before it expires; signing one for every request is work for nothing.",
    "auth.jwt.lifetime",
)
IN_QUERY = Subject(
    "auth.in-query",
    "Credentials in addresses",
    "Send the credential in the header Authorization only: addresses end up in logs.",
    "auth.required",
)


def items(evidence: Evidence) -> Iterator[Item]:
    """The items on credentials."""
    yield expired(evidence)
    yield minted(evidence)
    yield in_query(evidence)


def _is_expiry(request: Request) -> bool:
    return request.reason is Reason.AUTHORIZATION_EXPIRED and not request.is_lost


def expired(evidence: Evidence) -> Item:
    """Whether a token is used again that was refused as expired."""
    every = sorted([*evidence.requests, *evidence.untimely], key=lambda item: item.answered)
    by_token: dict[str, list[Request]] = {}
    for request in every:
        if request.token is not None:
            by_token.setdefault(request.token.mark, []).append(request)
    if not by_token:
        return EXPIRED.not_seen("no token was sent")
    proofs: list[Proof] = []
    again = refused = 0
    for uses in by_token.values():
        place = next((n for n, item in enumerate(uses) if _is_expiry(item)), None)
        if place is None:
            continue
        refused += 1
        later = _reuses(uses[place], uses[place + 1 :])
        if uses[place].struck is not None:
            # It had not expired: a new token is the same one while its exp, in whole seconds, is.
            later = [item for item in later if _age_s(uses[0], item) >= _RESIGNED_S]
        if later:
            again += len(later)
            words = f"{later[0].target}: with a token that had expired, {plural(len(later), 'time')} after its refusal"
            proofs.append(Proof(words, later[0].number or None))
    nearly = [item for item in evidence.requests if _is_nearly_expired(item)]
    numbers = {
        "tokens": len(by_token),
        "refused": refused,
        "used_again": again,
        "nearly_expired": len(nearly),
    }
    if again:
        seen = f"{plural(again, 'request')} with a token that had been refused as expired"
        return EXPIRED.judged(Verdict.WARNING, seen, numbers, proofs)
    if nearly:
        seen = f"{plural(len(nearly), 'request')} with a token about to expire"
        return EXPIRED.judged(Verdict.ADVICE, seen, numbers, map(_nearly_words, nearly))
    seen = f"{refused} expired, none used again" if refused else "no token had expired"
    return EXPIRED.judged(Verdict.OK, seen, numbers)


def _age_s(first: Request, request: Request) -> float:
    """Seconds since a token was first used."""
    if first.token is None or request.token is None:
        return 0.0
    return request.token.judged_at - first.token.judged_at


def _reuses(refusal: Request, later: Sequence[Request]) -> list[Request]:
    """The uses of a token after its refusal that the sender of the refused request can have known of."""
    knowing = [
        item
        for item in later
        if item.arrived - refusal.answered > _AT_ONCE_MS
        or (item.peer is not None and item.peer == refusal.peer)
    ]
    return list(later) if len(later) > _HABIT else knowing


def _is_nearly_expired(request: Request) -> bool:
    token = request.token
    if token is None or token.not_before is None or not request.is_ok:
        return False
    life_s = token.expires_at - token.not_before
    return 0 < token.left_s < min(_NEARLY_S, _NEARLY * life_s)


def _nearly_words(request: Request) -> Proof:
    left_s = request.token.left_s if request.token is not None else 0.0
    return Proof(
        f"{request.target}: with a token that lived for {span(left_s)} more", request.number
    )


def minted(evidence: Evidence) -> Item:
    """Whether a token is signed for every request."""
    sent = [item for item in evidence.requests if item.token is not None]
    if len(sent) < 2:
        return MINTED.not_seen("no two tokens were sent")
    seen_marks: set[str] = set()
    early: list[Request] = []
    returns = 0
    last = None
    for request in sent:
        token = request.token
        if token is None:
            continue
        if last is not None and token.mark != last.mark:
            returns += token.mark in seen_marks
            if token.mark not in seen_marks and _has_half_its_life(request, last.expires_at):
                early.append(request)
        seen_marks.add(token.mark)
        last = token
    numbers = {"requests": len(sent), "tokens": len(seen_marks), "early": len(early)}
    words = f"{plural(len(seen_marks), 'token')} for {plural(len(sent), 'request')}"
    # Where tokens return, several senders have one each.
    if len(early) >= _MINTED and not returns and 2 * len(seen_marks) > len(sent):
        proofs = [Proof("a new token while the last one was good", item.number) for item in early]
        return MINTED.judged(Verdict.ADVICE, words, numbers, proofs)
    return MINTED.judged(Verdict.OK, words, numbers)


def _has_half_its_life(request: Request, last_expires_at: float) -> bool:
    """Whether the token before had as much time left as half of the new one's life."""
    token = request.token
    return token is not None and last_expires_at - token.judged_at > 0.5 * token.left_s


def in_query(evidence: Evidence) -> Item:
    """Whether something in an address looks like a credential."""
    if not evidence.requests:
        return IN_QUERY.not_seen("no request was made")
    proofs = [
        Proof(f"{request.target}: parameter {name!r}", request.number)
        for request in evidence.requests
        for name in request.query
        if name.lower() in _SECRETS
    ]
    if not proofs:
        return IN_QUERY.judged(Verdict.OK, "none", {"requests": 0})
    seen = f"{plural(len(proofs), 'request')} with a credential in the address"
    return IN_QUERY.judged(Verdict.WARNING, seen, {"requests": len(proofs)}, proofs)
