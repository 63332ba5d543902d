"""What a good receiver of callbacks does, clause by clause. They are the user's promises, not the server's."""

from __future__ import annotations

from functools import cache

from contract_tests import documents
from contract_tests.clauses import ASSUMED, Clause

_PAGE = "vendor callback page 2026-09 (OFF-09)"
_TAKEN = f"{_PAGE}: the receiver says with HTTP 200 that it has a notification"
_SHAPE = "the callback schema in openapi/"
_SPEC = "Standard Webhooks, which the vendor callback page 2026-09 (OFF-09) names"
_HTTP = "HTTP (RFC 9110): 4xx where the sender is wrong, 5xx where the receiver fails"
_FIELD = "receivers in the field guard against them; Standard Webhooks delivers at least once"
_UNUSED = "a receiver may be lenient with what it does not use"
_SILENT = "nothing documented"

#: id: text, source. Those without evidence are documented.
_ACCEPTING = {
    "receiver.accepts.plain": ("It answers a plain valid notification with 2xx.", _TAKEN),
    "receiver.accepts.statuses": (
        "It answers notifications of each status with 2xx, with and without an external id.",
        f"{_TAKEN}; {_SHAPE}",
    ),
    "receiver.accepts.failed": (
        "It answers the notification of a failed task with 2xx, whatever the reason.",
        f"{_TAKEN}; {_SHAPE}",
    ),
    "receiver.accepts.optional": (
        "It answers with 2xx when optional fields are absent.",
        f"{_TAKEN}; {_SHAPE}",
    ),
    "receiver.accepts.unknown-fields": (
        "It answers with 2xx when there are fields that it does not know.",
        f"{_SHAPE}; final_balance_deduction appeared in 2026",
    ),
    "receiver.accepts.unicode": (
        "It answers with 2xx whatever characters texts have: other scripts, right to left, beyond 16 bits.",
        f"{_TAKEN}; JSON (RFC 8259)",
    ),
    "receiver.accepts.bounds": (
        "It answers with 2xx at the bounds: long names and reasons, many voices, early and late instants.",
        f"{_TAKEN}; {_SHAPE}",
    ),
    "receiver.accepts.ids": (
        "It takes a task_id for the text that it is: letters, hyphens and many digits do not make it fail with a 5xx.",
        f"{_SHAPE}; ids.string: no format is promised, and gateways send ULIDs and UUIDs",
    ),
    "receiver.accepts.spelling": (
        "It answers with 2xx however the JSON is spelled: blanks, order of keys, escapes.",
        f"{_TAKEN}; JSON (RFC 8259)",
    ),
    "receiver.accepts.generated": (
        "It answers each generated body that fits the callback schema with 2xx.",
        f"{_TAKEN}; {_SHAPE}",
    ),
    "receiver.headers.content-type": (
        "It answers with 2xx whether or not the content type names its charset.",
        f"{_PAGE}, its example of headers",
    ),
    "receiver.headers.case": (
        "It finds headers however their names are cased.",
        f"{_PAGE}; HTTP (RFC 9110, 5.1)",
    ),
    "receiver.connection": (
        "It answers with 2xx on a new or a kept connection, closed after or not, and when a request comes in pieces.",
        "HTTP/1.1 (RFC 9112)",
    ),
    "receiver.quick": (
        "It answers every delivery within the time given with --timeout.",
        f"{_SPEC}: acknowledge at once, work later",
    ),
    "receiver.no-redirect": (
        "It does not redirect: a sender does not follow.",
        f"{_SPEC}: only 2xx is success",
    ),
}
_TIME = {
    "receiver.duplicate": ("It answers the same delivery with 2xx when it comes again.", _FIELD),
    "receiver.redelivery": (
        "It answers a second attempt (same id and body, signed anew) with 2xx.",
        _SPEC,
    ),
    "receiver.order": (
        "It answers notifications with 2xx that come late or out of order, a terminal one first.",
        _FIELD,
    ),
    "receiver.burst": ("It answers with 2xx when many notifications come at once.", _FIELD),
}
_SIGNED = {
    "receiver.signature.valid": ("It accepts a valid signature of the secret.", _SPEC),
    "receiver.signature.raw-bytes": (
        "It verifies the bytes that came, and not what its JSON library makes of them.",
        f"{_PAGE}: the raw body is signed",
    ),
    "receiver.signature.any-match": (
        "It accepts when any of several signatures is valid, whichever place it has.",
        f"{_PAGE}: any match is valid",
    ),
    "receiver.signature.versions": (
        "It passes over signatures of versions that it does not know, and takes none of them for v1.",
        _SPEC,
    ),
    "receiver.signature.rotation": (
        "While a secret is rotated it accepts what both secrets have signed, in either order.",
        f"{_PAGE}, rotation",
    ),
    "receiver.signature.either-secret": (
        "A receiver that was given two secrets accepts what either has signed alone.",
        f"{_PAGE}, rotation: before and after it only one signs",
    ),
    "receiver.signature.missing": (
        "It refuses a delivery that lacks any of the three headers.",
        f"{_PAGE}: the three headers come together",
    ),
    "receiver.signature.wrong": ("It refuses a signature that is wrong, be it by one bit.", _SPEC),
    "receiver.signature.other-secret": (
        "It refuses what another secret, an empty one, or the secret's own text has signed.",
        _SPEC,
    ),
    "receiver.signature.altered-body": (
        "It refuses a body that was altered after it was signed, be it by a blank.",
        _SPEC,
    ),
    "receiver.signature.altered-id": ("It refuses a webhook-id that was altered.", _SPEC),
    "receiver.signature.altered-timestamp": (
        "It refuses a webhook-timestamp that was altered.",
        _SPEC,
    ),
    "receiver.signature.stale": (
        "It refuses a timestamp that is more than five minutes old, though it is signed.",
        f"{_PAGE}: tolerance of five minutes",
    ),
    "receiver.signature.future": (
        "It refuses a timestamp more than five minutes ahead, though it is signed.",
        f"{_PAGE}: tolerance of five minutes",
    ),
    "receiver.signature.timestamp-format": (
        "It refuses a timestamp that is no number of seconds, though it is signed.",
        f"{_PAGE}: Unix seconds",
    ),
    "receiver.signature.malformed": (
        "It refuses a signature header that is cut off, empty, or in another encoding.",
        _SPEC,
    ),
    "receiver.signature.replay": (
        "It refuses another body under an id and signature that it has seen.",
        _SPEC,
    ),
}
_HOSTILE = {
    "receiver.malformed.json": ("It refuses what is not JSON with a 4xx.", _HTTP),
    "receiver.malformed.empty": ("It refuses an empty body with a 4xx.", _HTTP),
    "receiver.malformed.not-object": ("It refuses JSON that is no object with a 4xx.", _HTTP),
    "receiver.malformed.missing": (
        "It refuses a body without task_id or task_status with a 4xx.",
        f"{_HTTP}; {_SHAPE}",
    ),
    "receiver.malformed.types": (
        "It refuses a task_id or task_status of another type with a 4xx.",
        f"{_HTTP}; {_SHAPE}",
    ),
    "receiver.malformed.utf8": (
        "Bytes that are no UTF-8 do not make it fail, and it refuses what is not JSON for them.",
        f"{_HTTP}; JSON (RFC 8259, 8.1)",
    ),
    "receiver.malformed.generated": (
        "No generated body that breaks the callback schema makes it fail; without id or status it is refused.",
        f"{_HTTP}; {_SHAPE}",
    ),
    "receiver.malformed.other": (
        "No wrong value in another field, unknown status or envelope makes it fail with a 5xx.",
        f"{_HTTP}; {_SHAPE}",
    ),
    "receiver.large": ("A body that is too large does not make it fail with a 5xx.", _HTTP),
    "receiver.survives": (
        "After each hostile request it accepts the next valid notification.",
        _HTTP,
    ),
}
_ASSUMED = {
    "receiver.status-200": (
        "It answers with exactly HTTP 200.",
        f"{_PAGE}, stated for the test callback",
    ),
    "receiver.contradiction": (
        "It answers a notification with 2xx that contradicts an earlier one.",
        _SILENT,
    ),
    "receiver.same-id": ("A known webhook-id with a new, signed body is no failure.", _SILENT),
    "receiver.signature.tolerance": (
        "It accepts a signed timestamp within the tolerance of five minutes.",
        f"{_PAGE}; a receiver may be stricter",
    ),
    "receiver.malformed.status": (
        "It refuses a status that it does not know, and an empty or numeric id.",
        f"{_SHAPE}; a receiver may pass over what it does not know",
    ),
    "receiver.malformed.instants": (
        "It refuses instants that are absent, no integers, or not in milliseconds.",
        f"{_SHAPE}; {_UNUSED}",
    ),
    "receiver.malformed.optional": (
        "It refuses optional fields of another type, a success without voices, a failure without reason.",
        f"{_SHAPE}; {_UNUSED}",
    ),
    "receiver.malformed.envelope": (
        "It refuses a task in an envelope, and notifications of other products.",
        f"{_PAGE}: the body is the bare task; a receiver may take both",
    ),
    "receiver.malformed.text": (
        "It refuses a body whose texts are no UTF-8.",
        "JSON (RFC 8259, 8.1); many libraries replace such bytes",
    ),
    "receiver.extreme": (
        "Extreme JSON (deep nesting, lone surrogates, NUL, huge numbers, a byte order mark) does not make it fail.",
        _SILENT,
    ),
    "receiver.methods": (
        "Other methods than POST neither deliver a notification nor make it fail.",
        f"{_PAGE}: a notification is a POST",
    ),
}


@cache
def catalogue() -> dict[str, Clause]:
    """The clauses by id, in the order in which a run looks at them."""
    documented = {**_ACCEPTING, **_TIME, **_SIGNED, **_HOSTILE}
    rows = [(name, *row, "documented") for name, row in documented.items()]
    rows += [(name, *row, ASSUMED) for name, row in _ASSUMED.items()]
    return {
        name: Clause(name, text, evidence, source, documents.OFFICIAL)
        for name, text, source, evidence in rows
    }
