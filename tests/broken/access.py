"""Defects of credentials, of accounts, and of what is refused."""

from __future__ import annotations

import base64
import json

from tests.broken.base import Exchange, Table
from tests.healthy.reading import PAIRS
from tests.healthy.rules import Refusal
from tests.healthy.server import Server

TABLE = Table()
wire = TABLE.wire
second = TABLE.second
#: The kit is given a pair of the server, and signs its tokens with it.
_PAIR = ("--contract-access-key", "AK1", "--contract-secret-key", PAIRS["AK1"])


def _open_list(seen: Exchange) -> None:
    if seen.operation == "list" and not seen.authorization:
        seen.authorization = "Bearer nobody"


def _open_deletion(seen: Exchange) -> None:
    if seen.operation == "delete" and not seen.authorization:
        seen.authorization = "Bearer nobody"


def _open_creation(seen: Exchange) -> None:
    if seen.operation == "create" and not seen.authorization:
        seen.authorization = "Bearer nobody"


def _any_scheme(seen: Exchange) -> None:
    if seen.authorization and not seen.authorization.startswith("Bearer "):
        seen.authorization = "Bearer " + seen.authorization.replace(" ", "-")


@wire("auth.required", before=_open_list)
def list_for_everybody(seen: Exchange) -> None:
    """The list needs no credential."""


@wire("auth.required", before=_open_deletion)
def deletion_for_everybody(seen: Exchange) -> None:
    """Deleting needs no credential."""


@wire("auth.required", before=_open_creation)
def creation_for_everybody(seen: Exchange) -> None:
    """Creating a voice needs no credential."""


@wire("auth.malformed|auth.required", before=_any_scheme)
def any_scheme(seen: Exchange) -> None:
    """Any scheme does for Bearer."""


@wire("auth.required")
def missing_credential_1000(seen: Exchange) -> None:
    """A missing credential is code 1000."""
    if seen.status == 401 and not seen.authorization:
        seen.body["code"] = 1000


@wire("auth.required")
def missing_credential_403(seen: Exchange) -> None:
    """A missing credential is HTTP 403, code 1103."""
    if seen.status == 401 and not seen.authorization:
        seen.refuse(403, 1103)


@wire("auth.required")
def missing_credential_of_queries(seen: Exchange) -> None:
    """A query without a credential is an unknown task."""
    if seen.status == 401 and seen.operation == "query":
        seen.refuse(400, 1201, "Task not found by id/external id: no")


@wire("auth.malformed|auth.required")
def malformed_credential_400(seen: Exchange) -> None:
    """A credential that cannot be read is HTTP 400."""
    if seen.status == 401 and seen.authorization:
        seen.refuse(400, 1200)


@wire("auth.expired")
def expired_code(seen: Exchange) -> None:
    """An expired token is code 1002."""
    if seen.body.get("code") == 1004:
        seen.body["code"] = 1002


@wire("auth.not-yet-valid")
def expired_for_both(seen: Exchange) -> None:
    """A token that is not valid yet is code 1004."""
    if seen.body.get("code") == 1003:
        seen.body["code"] = 1004


def _forgets_time(seen: Exchange) -> None:
    if seen.authorization.count(".") == 2 and seen.operation == "presets":
        seen.authorization = "Bearer somebody"


@wire("auth.expired", before=_forgets_time)
def ageless_tokens(seen: Exchange) -> None:
    """Tokens are taken for keys where the official voices are listed: they never expire."""


# ---- what is refused, and how -------------------------------------------------------------------


@wire("voice-get.unknown")
def unknown_task_404(seen: Exchange) -> None:
    """An unknown task is HTTP 404, code 1203."""
    if seen.operation == "query" and seen.status == 400:
        seen.refuse(404, 1203)


@wire("voice-get.unknown")
def unknown_task_1200(seen: Exchange) -> None:
    """An unknown task is code 1200."""
    if seen.operation == "query" and seen.status == 400:
        seen.body["code"] = 1200


@wire("voice-get.unknown|schema.answer")
def unknown_task_is_null(seen: Exchange) -> None:
    """An unknown task is a success without data."""
    if seen.operation == "query" and seen.status == 400:
        seen.accept(None)


@wire("voice-delete.twice")
def second_deletion_404(seen: Exchange) -> None:
    """A second deletion is HTTP 404, code 1203."""
    if seen.operation == "delete" and "already" in seen.body.get("message", ""):
        seen.refuse(404, 1203)


@wire("voice-delete.unknown")
def unknown_voice_is_deleted(seen: Exchange) -> None:
    """Deleting a voice that never was succeeds."""
    unknown = "already" not in seen.body.get("message", "already")
    if seen.operation == "delete" and seen.status == 400 and unknown and seen.asked.get("voice_id"):
        seen.accept()


@wire("voice-delete.endpoint")
def deletion_is_forbidden(seen: Exchange) -> None:
    """Voices cannot be deleted: HTTP 403."""
    if seen.operation == "delete" and seen.accepted:
        seen.refuse(403, 1103)


@wire("voice-delete.data|schema.answer")
def deletion_answers_a_text(seen: Exchange) -> None:
    """A deletion answers with the text deleted."""
    if seen.operation == "delete" and seen.accepted:
        seen.body["data"] = "deleted"


@wire("voice-create.external-id.unique|errors.code-matches-status")
def duplicates_409(seen: Exchange) -> None:
    """A taken external id is HTTP 409."""
    if "already exists" in seen.body.get("message", ""):
        seen.status = 409


@wire("voice-create.external-id.unique")
def duplicates_1200(seen: Exchange) -> None:
    """A taken external id is code 1200."""
    if "already exists" in seen.body.get("message", ""):
        seen.body["code"] = 1200


@wire("voice-create.empty-is-absent|voice-create.endpoint|schema.request.accepted")
def empty_fields_are_bad(seen: Exchange) -> None:
    """An empty optional field is refused."""
    if seen.operation == "create" and "" in (
        seen.asked.get("video_id"),
        seen.asked.get("callback_url"),
    ):
        seen.refuse(400, 1201)


@wire("voice-create.name.max-length")
def names_of_nineteen(seen: Exchange) -> None:
    """A name has at most 19 characters."""
    if seen.operation == "create" and len(str(seen.asked.get("voice_name"))) == 20:
        seen.refuse(400, 1201)


@wire("voice-create.name.max-length")
def names_in_bytes(seen: Exchange) -> None:
    """The length of a name is that of its UTF-8."""
    name = str(seen.asked.get("voice_name")).encode("utf-8", "replace")
    if seen.operation == "create" and len(name) > 20:
        seen.refuse(400, 1201)


@wire("voice-create.name.max-length|voice-create.endpoint|schema.request.accepted")
def latin_names(seen: Exchange) -> None:
    """Only names of letters and digits are accepted."""
    if seen.operation == "create" and not str(seen.asked.get("voice_name")).isascii():
        seen.refuse(400, 1201)


@wire("voice-create.source.required")
def refused_video(seen: Exchange) -> None:
    """Without any source the code is 1301."""
    if seen.operation == "create" and not seen.asked.get("voice_url") and seen.status == 400:
        seen.body["code"] = 1301


@wire("presets.same-for-all|presets.endpoint|ids.unique")
def presets_twice(seen: Exchange) -> None:
    """The first official voice is listed twice."""
    if seen.operation == "presets" and seen.records and "pageNum=1" in seen.query:
        seen.data.append(seen.data[0])


@wire("paging.size|paging.number")
def second_page_first(seen: Exchange) -> None:
    """Without pageNum the list begins with its second task."""
    if seen.operation in ("presets", "list") and "pageNum" not in seen.query and seen.records:
        del seen.data[:1]


@wire("paging.past-the-end")
def past_the_end_404(seen: Exchange) -> None:
    """A page past the end is HTTP 404."""
    if seen.operation in ("presets", "list") and seen.accepted and not seen.data:
        seen.refuse(404, 1203)


@wire("paging.out-of-range")
def any_page(seen: Exchange) -> None:
    """A page that is out of range is an empty one."""
    if seen.operation in ("presets", "list") and seen.status == 400:
        seen.accept([])


@wire("schema.status|server.no-5xx|errors.code-matches-status")
def teapot(seen: Exchange) -> None:
    """Bad creations are HTTP 418."""
    if seen.operation == "create" and seen.status == 400:
        seen.status = 418


# ---- tokens, where the kit can sign them ----------------------------------------------------------


class _Forgiving(Server):
    """A second server that takes tokens although something is wrong with them."""

    forgiven = 0

    def named(self, credential: str) -> str:
        try:
            return super().named(credential)
        except Refusal as refusal:
            if refusal.code != self.forgiven or credential.count(".") != 2:
                raise
        return str(_decoded(credential.split(".")[1])["iss"])


def _decoded(part: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


@second("auth.expired", credentials="tokens", options=_PAIR)
class _ExpiredLetIn(_Forgiving):
    """Expired tokens are let in."""

    forgiven = 1004


@second("auth.not-yet-valid", credentials="tokens", options=_PAIR)
class _EarlyLetIn(_Forgiving):
    """Tokens are let in before they are valid."""

    forgiven = 1003


@second("auth.bad-signature", credentials="tokens", options=_PAIR)
class _ForgedLetIn(_Forgiving):
    """Signatures are not looked at."""

    forgiven = 1000


@second("auth.bad-signature", credentials="tokens", options=_PAIR)
class _UnsignedLetIn(_Forgiving):
    """A token is let in that says that nobody signed it."""

    def named(self, credential: str) -> str:
        self.forgiven = 1000 * credential.endswith(".")
        return super().named(credential)


@second("auth.jwt", credentials="tokens", options=_PAIR)
class _NoToken(Server):
    """Tokens are refused, however well they are signed."""

    def named(self, credential: str) -> str:
        if credential.count(".") == 2:
            raise Refusal(401, 1000, "The signature is wrong")
        return credential
