"""How the contract is read where it leaves a choice, or where a rule is only assumed."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import jwt

#: The keys of a server that does not let everybody in, each with its account.
KEYS = MappingProxyType({"sk-first": "1001", "sk-first-again": "1001", "sk-second": "1002"})
#: Access keys and their secrets, for servers that take tokens only.
PAIRS = MappingProxyType(
    {
        "AK1": "a secret of more than thirty-two bytes 1",
        "AK2": "a secret of more than thirty-two bytes 2",
    }
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the contract. Each field is a choice that it leaves; the first value is the commonest.

    Attributes:
        seconds: how long a voice takes, in real time.
        stack: uvicorn, or threads of the standard library.
        credentials: any | keys | tokens.
        ids: decimal | uuid | base62 | prefixed.
        request_ids: uuid | base64 | long.
        order: of the list: newest | oldest | shuffled.
        statuses: all | skip (no processing) | begun (created as processing) | done (created as finished).
        callbacks: changes | with_submitted | terminal.
        twice: notifications are repeated, as at-least-once senders do.
        deleted: data of a deletion: record | stub | none.
        deleted_task: stays | unlisted | gone.
        freed: external ids that may be used again: none | failed | deleted | both.
        body_code: of a body that is no object.
        field_code: of a bad field.
        malformed_code: of a credential that cannot be read.
        largest_page: 1000 | 500.
        bad_page: refuse | clamp.
        past_end: empty | refuse.
        null: refuse | absent.
        unknown_fields: ignore | refuse.
        both_sources: accept | refuse.
        video: accept | refuse | fail, whoever's it is.
        language: default | required.
        names: free | unique, in an account.
        first: task | external, which id wins where one task has it and another is named so.
        lag: seconds in which a new task is neither found nor listed.
        plain: names may not begin or end with a blank nor hold marks, and external ids are ASCII words.
        slots: voices that may be in the making at a time; 0: any number.
        fetches: the recording is fetched, and a voice fails without one.
        heartbeat: updated_at of a running task is the instant of the look.
        lean: what may be missing is.
        rich: fields that nobody documents are there too.
        words: ours | other, the texts of refusals.
        lax: what only assumed rules forbid is accepted.
        body_first: the body is looked at before the credential.
        presets: official voices; 0 to many.
        ez_method: code and status of a wrong method at EzModel.
        ez_callback: bare | wrapped.
        signed: notifications are signed, with a secret that nobody tells.
        told: full | bare (notifications show no voices, as the vendor's callback page does).
        media: same | elsewhere (another port) | signed (anew in each answer).
        content_type: of every answer.
        chunked: answers have no Content-Length.
        gzip: answers are compressed for those who can.
        headers: more headers of every answer.
        slash: a slash at the end of a path does not matter.
        encoded_slash: id | refuse: what stands in front lets no %2F through.
        closes: connections are closed after some answers, which do not say so.
        dialects: those that are served.
    """

    seconds: float = 0.0
    stack: str = "uvicorn"
    credentials: str = "any"
    ids: str = "decimal"
    request_ids: str = "uuid"
    order: str = "newest"
    statuses: str = "all"
    callbacks: str = "changes"
    twice: bool = False
    deleted: str = "record"
    deleted_task: str = "stays"
    freed: str = "none"
    body_code: int = 1200
    field_code: int = 1201
    malformed_code: int = 1002
    largest_page: int = 1000
    bad_page: str = "refuse"
    past_end: str = "empty"
    null: str = "refuse"
    unknown_fields: str = "ignore"
    both_sources: str = "accept"
    video: str = "accept"
    language: str = "default"
    names: str = "free"
    first: str = "task"
    lag: float = 0.0
    plain: bool = False
    slots: int = 0
    fetches: bool = False
    heartbeat: bool = False
    lean: bool = False
    rich: bool = False
    words: str = "ours"
    lax: bool = False
    body_first: bool = False
    presets: int = 3
    ez_method: int = 404
    ez_callback: str = "bare"
    signed: bool = False
    told: str = "full"
    media: str = "same"
    content_type: str = "application/json"
    chunked: bool = False
    gzip: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    slash: bool = False
    encoded_slash: str = "id"
    closes: bool = False
    dialects: tuple[str, ...] = ("klingai", "kkiai", "ezmodel")

    @property
    def key(self) -> str:
        """A credential that is let in."""
        return "sk-first" if self.credentials == "keys" else self._token("AK1", "first")

    @property
    def key2(self) -> str:
        """One of another account."""
        return "sk-second" if self.credentials == "keys" else self._token("AK2", "second")

    def _token(self, access_key: str, otherwise: str) -> str:
        if self.credentials != "tokens":
            return otherwise
        now = int(time.time())
        claims = {"iss": access_key, "exp": now + 1800, "nbf": now - 5}
        return jwt.encode(claims, PAIRS[access_key], headers={"typ": "JWT"})


#: Healthy servers by name: each a plausible one, and together every choice at least once.
READINGS: Mapping[str, Reading] = MappingProxyType(
    {
        "plain": Reading(),
        "official": Reading(
            credentials="keys",
            request_ids="base64",
            callbacks="with_submitted",
            rich=True,
            content_type="application/json;charset=UTF-8",
            headers={"Server": "openresty", "X-Frame-Options": "DENY", "Vary": "Origin"},
            presets=45,
            signed=True,
            largest_page=500,
        ),
        "old-host": Reading(
            stack="threads",
            order="oldest",
            callbacks="terminal",
            deleted="none",
            deleted_task="gone",
            freed="both",
            field_code=1200,
            body_code=1201,
            malformed_code=1000,
            lean=True,
            words="other",
            language="required",
            encoded_slash="refuse",
            closes=True,
        ),
        "go-gateway": Reading(
            ids="uuid",
            request_ids="long",
            statuses="skip",
            deleted="stub",
            deleted_task="unlisted",
            freed="deleted",
            null="absent",
            past_end="refuse",
            bad_page="clamp",
            chunked=True,
            gzip=True,
            slash=True,
            headers={"Content-Language": "en", "Trace-Id": "0af7651916cd43dd"},
            ez_method=405,
        ),
        "tokens-only": Reading(
            credentials="tokens",
            ids="base62",
            statuses="begun",
            order="shuffled",
            media="elsewhere",
            words="other",
            freed="failed",
            heartbeat=True,
            dialects=("klingai",),
        ),
        "instant": Reading(
            statuses="done",
            callbacks="terminal",
            twice=True,
            ids="prefixed",
            media="signed",
            presets=0,
            both_sources="refuse",
            video="refuse",
            malformed_code=1001,
        ),
        "strict": Reading(
            unknown_fields="refuse",
            both_sources="refuse",
            video="fail",
            fetches=True,
            language="required",
            body_first=True,
            plain=True,
            told="bare",
        ),
        "unique-names": Reading(names="unique", callbacks="with_submitted", first="external"),
        "lax": Reading(
            stack="threads",
            lax=True,
            lag=0.2,
            null="absent",
            bad_page="clamp",
            ids="base62",
            ez_callback="wrapped",
            ez_method=405,
        ),
        "small-pack": Reading(
            seconds=0.3, slots=3, fetches=True, credentials="keys", callbacks="with_submitted"
        ),
    }
)


def taking(name: str, seconds: float) -> Reading:
    """A reading by name, whose voices take so long."""
    return replace(READINGS[name], seconds=seconds)
