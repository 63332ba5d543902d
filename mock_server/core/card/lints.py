"""The lints: for each finding the clause it rests on, and what may happen on the real API."""

from __future__ import annotations

from collections.abc import Iterator

from mock_server.core.card import finders
from mock_server.core.card.evidence import Evidence, Request, Verdict
from mock_server.core.card.linting import Lint, Rule, rows


def lints(evidence: Evidence) -> list[Lint]:
    """The table for an account: warnings first, then what concerns most requests."""
    found = [*rows(evidence, RULES), *_repeated_names(evidence)]
    return sorted(found, key=lambda row: (row.rule.verdict is not Verdict.WARNING, -row.count))


def _repeated_names(evidence: Evidence) -> Iterator[Lint]:
    """Names that two voices of the account have; it takes more than one request to see."""
    seen: dict[str, int] = {}

    def repeated(request: Request, _evidence: Evidence) -> str | None:
        name = request.fields.get("voice_name") if finders.is_voice(request) else None
        if not isinstance(name, str) or not request.task_id:
            return None
        first = seen.setdefault(name, request.number)
        return (
            None
            if first == request.number
            else f"voice_name {finders.quoted(name)}, as in no. {first}"
        )

    rule = Rule(
        "repeated-name",
        "voice-create.name.not-unique",
        "A second voice of the same name may be refused.",
        repeated,
    )
    return rows(evidence, (rule,))


RULES = (
    Rule(
        "mock-only-operation",
        "speech.no-query",
        "The real API has no such operation: speech cannot be queried.",
        finders.extension,
        verdict=Verdict.WARNING,
    ),
    Rule(
        "foreign-speech-fields",
        "speech.no-callback",
        "Nothing is called back and no id is stored: whoever waits for it waits for ever.",
        finders.foreign_fields,
        verdict=Verdict.WARNING,
    ),
    Rule(
        "unknown-fields",
        "request.unknown-fields",
        "A field that the reference does not name may be refused.",
        finders.official,
    ),
    Rule(
        "unknown-fields-ezmodel",
        "ez.unknown-fields",
        "A field that the page does not name may be refused.",
        finders.of_ezmodel,
    ),
    Rule(
        "unknown-parameters",
        "request.unknown-fields",
        "A parameter that the reference does not name may be refused, or do nothing.",
        finders.unknown_parameters,
    ),
    Rule(
        "content-type",
        "transport.content-type",
        "The header is documented as required: the body may not be read without it.",
        finders.content_type,
    ),
    Rule(
        "no-language",
        "speech.language.default",
        "The page calls the field required as well: a request without it may be refused.",
        finders.no_language,
    ),
    Rule(
        "speed-out-of-range",
        "speech.speed.clamped",
        "The speed may be another one, or the request refused.",
        finders.clamped,
    ),
    Rule(
        "speed-decimals",
        "speech.speed.one-decimal",
        "The speed is rounded to one decimal, and halves may go either way.",
        finders.rounded,
    ),
    Rule(
        "text-length",
        "speech.text.code-points",
        "Counted in other units the text is too long and refused.",
        finders.text_units,
    ),
    Rule(
        "text-length-ezmodel",
        "ez.text.max-length",
        "The gateway's published source allows 1,000 bytes: the text may be refused.",
        finders.ez_text_units,
    ),
    Rule(
        "empty-callback-ezmodel",
        "ez.callback-url.empty",
        "An empty address may be refused.",
        finders.ez_empty_callback,
    ),
    Rule(
        "both-sources",
        "voice-create.source.both",
        "The request may be refused, or the other source be taken.",
        finders.both_sources,
    ),
    Rule(
        "external-id-characters",
        "voice-create.external-id.no-bound",
        "The id may be refused, cut or changed; in a path it must be percent-encoded.",
        finders.odd_external_id,
    ),
    Rule(
        "name-length",
        "voice-create.name.max-length",
        "Counted in other units the name is too long and refused.",
        finders.name_units,
    ),
    Rule(
        "media-format",
        "voice-create.url.media",
        "The mock fetches nothing; the real API may fail the task.",
        finders.media_format,
    ),
    Rule(
        "callback-address",
        "voice-create.callback-url.format",
        "The callback may be refused, never arrive, or be read on its way.",
        finders.plain_callback,
    ),
    Rule(
        "read-after-delete",
        "voice-delete.task-stays",
        "The task may be gone with its voice.",
        finders.read_after_delete,
    ),
    Rule(
        "past-the-end",
        "paging.past-the-end",
        "A page behind the last one may be an error.",
        finders.past_end,
    ),
    Rule(
        "large-page",
        "paging.size.max",
        "More than 500 tasks on a page may be refused.",
        finders.large_page,
    ),
    Rule(
        "token-lifetime",
        "auth.jwt.lifetime",
        "A token that lives for longer than 30 minutes may be refused.",
        finders.long_token,
    ),
    Rule(
        "token-without-nbf",
        "auth.jwt",
        "A token without nbf may be refused.",
        finders.no_not_before,
    ),
    Rule(
        "token-margin",
        "auth.jwt.leeway",
        "Where the vendor's clock is behind, the token is not valid yet (1003); the sample sets nbf five seconds back.",
        finders.no_margin,
    ),
    Rule(
        "null",
        "request.null-is-a-wrong-type",
        "null may be taken for an absent field.",
        finders.null,
        is_refusal=True,
    ),
    Rule(
        "speed-as-text",
        "speech.speed.type",
        "A numeric text may be accepted.",
        finders.text_speed,
        is_refusal=True,
    ),
    Rule(
        "no-source",
        "voice-create.source.required",
        "The request may be accepted, and the task fail.",
        finders.no_source,
        is_refusal=True,
    ),
    Rule(
        "external-id-after-end",
        "voice-create.external-id.not-freed",
        "The id may be free again, and a second task be made and charged.",
        finders.reused_after_end,
        is_refusal=True,
    ),
    Rule(
        "page-out-of-range",
        "paging.out-of-range",
        "The page may be moved into the range in place of a refusal.",
        finders.bad_page,
        is_refusal=True,
    ),
)
