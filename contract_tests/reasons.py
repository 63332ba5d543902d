"""Why a clause is not looked at: what cannot be seen or provoked from outside, or not on every server."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a clause is not looked at.

    Attributes:
        is_conditional: whether a check looks at the clause where it can, so that this holds elsewhere only.
    """

    text: str
    is_conditional: bool


def _never(*identifiers: str, because: str) -> dict[str, Reason]:
    return {identifier: Reason(because, is_conditional=False) for identifier in identifiers}


def _unless(*identifiers: str, because: str) -> dict[str, Reason]:
    return {identifier: Reason(because, is_conditional=True) for identifier in identifiers}


#: By clause.
REASONS = MappingProxyType(
    {
        **_never(
            "speech.text.content-review",
            because="it would take offending text, which the kit sends to nobody's server",
        ),
        **_never(
            "task.failed.risk-control",
            because="no task is made that a review would refuse: the kit sends offending content to nobody's server",
        ),
        **_never(
            "envelope.request-id.opaque",
            "ids.decimal",
            because="it is advice to clients: whatever text a server sends, it keeps this",
        ),
        **_never(
            "billing.balance-deduction",
            because="it is advice to clients; where an answer holds the field, its shape is looked at",
        ),
        **_never(
            "errors.429.permanent",
            "errors.1102.message",
            because="a server cannot be made to run out of money, or to close an account, from outside",
        ),
        **_never(
            "limits.slot.kinds",
            because="no refusal for too many tasks at a time is provoked: how many an account may run is not"
            " known from outside, and finding out would take many paid ones",
        ),
        **_never(
            "limits.price",
            because="when units are deducted stands on the bill, which no operation shows",
        ),
        **_never(
            "errors.429.no-retry-after",
            because="nothing is promised, so that no answer can break it",
        ),
        **_never(
            "errors.5000",
            "errors.5001",
            "errors.5002",
            "ez.errors.500",
            because="a server cannot be made to fail on purpose; one that does breaks server.no-5xx",
        ),
        **_never("ez.price", because="no answer of the gateway names a price"),
        **_unless(
            "errors.1103",
            because="an account's permissions cannot be taken away from outside, and no answer was HTTP 403, code 1103",
        ),
        **_unless(
            "errors.1303.message",
            "errors.429.no-charge",
            "limits.slot.held",
            because="how many tasks an account may run at a time is not known from outside, and no create of this"
            " run was one too many",
        ),
        **_unless(
            "errors.429.transient",
            "ez.errors.429",
            because="how many calls are too many is not known from outside, and none was refused for it and let in"
            " later",
        ),
        **_unless(
            "auth.bad-signature",
            because="the target lets tokens of any access key in, so that it verifies no signature",
        ),
        **_unless(
            "auth.api-key",
            because="the credential given is a token and no API key",
        ),
        **_unless(
            "billing.unit-deduction",
            "speech.price",
            "voice-create.price",
            because="no answer that was looked at names the units that such a task cost, and none need",
        ),
        **_unless(
            "voice-create.url.media",
            "voice-create.url.duration",
            "voice-create.url.late-refusal",
            because="the server fetched no recording that the kit serves (a kling-mock never does), or each"
            " one that is accepted may cost",
        ),
        **_unless(
            "voice-create.video.origin",
            because="the account's earlier videos are not known from outside",
        ),
        **_unless(
            "voice-create.duration",
            because="no time is promised, so that no task can break it",
        ),
        **_unless(
            "task.failed.reason",
            "voice.result.failed-is-empty",
            "voice-create.external-id.not-freed",
            because="no task of this run was seen to fail",
        ),
        **_unless(
            "voice-create.not-for-speech",
            "voice-create.asynchronous",
            "voice-create.one-task",
            "voice.trial.wav",
            "voice-get.no-effect",
            "voice-get.task-id-first",
            "voice-list.newest-first",
            "voice-delete.task-stays",
            because="no voice of this run showed it",
        ),
        **_unless(
            "callback.on-change",
            "callback.voices",
            "voice-create.callback-url.optional",
            "voice-create.callback-url.harmless",
            because="no notification of this run showed it",
        ),
        **_unless(
            "callback.accepted",
            "callback.retries",
            because="it says what a receiver answers, and no number of attempts is promised",
        ),
        **_unless(
            "callback.signature",
            "callback.signature.legacy",
            because="the kit has no webhook secret to verify a signature with",
        ),
        **_unless(
            "callback.signature.rotation",
            because="a webhook secret cannot be replaced from outside",
        ),
    }
)

_NOBODY = "no check of this run looks at it"


def of(identifier: str) -> str:
    """Why a clause was not looked at, as far as that is known without the run."""
    reason = REASONS.get(identifier)
    return reason.text if reason is not None else _NOBODY
