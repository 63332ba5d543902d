"""Defects of the envelope."""

from __future__ import annotations

import json

from tests.broken.base import Exchange, Table

TABLE = Table()
wire = TABLE.wire


# ---- envelope -----------------------------------------------------------------------------------


@wire("envelope.request-id")
def refusals_without_request_id(seen: Exchange) -> None:
    """Refusals carry no request_id."""
    if not seen.accepted:
        seen.body.pop("request_id", None)


@wire("envelope.request-id")
def empty_request_id(seen: Exchange) -> None:
    """The request_id of a list is empty."""
    if seen.operation == "list":
        seen.body["request_id"] = ""


@wire("envelope.request-id")
def one_request_id(seen: Exchange) -> None:
    """Every answer carries the same request_id."""
    seen.body["request_id"] = "9984d27b-a408-4073-ae28-17ca6a13622d"


@wire("envelope.request-id")
def request_id_of_the_task(seen: Exchange) -> None:
    """Queries of one task carry its task_id as their request_id."""
    if seen.operation == "query" and seen.accepted:
        seen.body["request_id"] = seen.data["task_id"]


@wire("envelope.request-id|schema.answer")
def numeric_request_id(seen: Exchange) -> None:
    """The request_id is a number."""
    seen.body["request_id"] = seen.nth("answer")


@wire("errors.code-is-integer")
def text_codes_of_refusals(seen: Exchange) -> None:
    """The code of a refusal is a text, as gateways send it."""
    if not seen.accepted:
        seen.body["code"] = str(seen.body["code"])


@wire("errors.code-is-integer")
def text_zero(seen: Exchange) -> None:
    """The code of a success is the text 0."""
    if seen.accepted:
        seen.body["code"] = "0"


@wire("errors.code-is-integer|envelope.code-zero")
def code_false(seen: Exchange) -> None:
    """The code of a success is false."""
    if seen.accepted:
        seen.body["code"] = False


@wire("envelope.code-zero")
def unknown_tasks_with_200(seen: Exchange) -> None:
    """Only the query of an unknown task is HTTP 200 with a code of refusal."""
    if seen.operation == "query" and seen.status == 400:
        seen.status = 200


@wire("envelope.code-zero")
def refusals_with_code_zero(seen: Exchange) -> None:
    """Deletions are refused with HTTP 400 and code 0."""
    if seen.operation == "delete" and seen.status == 400:
        seen.body["code"] = 0


@wire("envelope.code-zero|schema.status")
def created_201(seen: Exchange) -> None:
    """A created voice is HTTP 201."""
    if seen.operation == "create" and seen.accepted:
        seen.status = 201


@wire("errors.code-matches-status")
def unpaired_code(seen: Exchange) -> None:
    """Bad speech requests are HTTP 400 with code 1102."""
    if seen.operation == "speech" and seen.status == 400:
        seen.body["code"] = 1102


@wire("errors.code-matches-status")
def invented_code(seen: Exchange) -> None:
    """Duplicates have a code that stands in no table."""
    if "already exists" in seen.body.get("message", ""):
        seen.body["code"] = 1209


@wire("errors.no-data")
def null_data(seen: Exchange) -> None:
    """Refusals have data null."""
    if not seen.accepted:
        seen.body["data"] = None


@wire("errors.no-data")
def empty_data_of_deletions(seen: Exchange) -> None:
    """Refused deletions have empty data."""
    if seen.operation == "delete" and not seen.accepted:
        seen.body["data"] = {}


@wire("envelope.request-id|schema.answer|transport.json|envelope.json")
def plain_text_refusals(seen: Exchange) -> None:
    """Refusals are labelled as text."""
    if not seen.accepted:
        seen.content_type = "text/plain; charset=utf-8"


@wire("envelope.request-id|schema.answer|transport.json|envelope.json")
def no_content_type(seen: Exchange) -> None:
    """The list has no Content-Type."""
    if seen.operation == "list":
        seen.content_type = ""


@wire("envelope.message-succeed")
def another_message(seen: Exchange) -> None:
    """The text of a success is OK."""
    if seen.accepted:
        seen.body["message"] = "OK"


@wire("envelope.message-succeed|schema.answer|envelope.request-id|envelope.message")
def no_message(seen: Exchange) -> None:
    """Answers of deletions have no message."""
    if seen.operation == "delete":
        seen.body.pop("message", None)


@wire("schema.answer|errors.code-matches-status|envelope.request-id|envelope.message")
def empty_message(seen: Exchange) -> None:
    """Refusals of credentials have an empty message."""
    if seen.status == 401:
        seen.body["message"] = ""


@wire("errors.1203|envelope.json")
def web_page_for_unknown_paths(seen: Exchange) -> None:
    """An unknown path is a web page."""
    if not seen.operation and seen.status == 404:
        seen.raw, seen.content_type = b"<html>404</html>", "text/html"


@wire("errors.1202|errors.code-matches-status")
def method_not_allowed(seen: Exchange) -> None:
    """A wrong method is HTTP 405."""
    if seen.body.get("code") == 1202:
        seen.status = 405


@wire("errors.1202")
def unknown_for_methods(seen: Exchange) -> None:
    """A wrong method of a query is HTTP 404 with code 1203."""
    if seen.body.get("code") == 1202 and "/custom-voices/" in seen.path:
        seen.body["code"] = 1203


@wire("errors.1203")
def bad_request_for_unknown_paths(seen: Exchange) -> None:
    """An unknown path is HTTP 400 with code 1201."""
    if seen.body.get("code") == 1203:
        seen.refuse(400, 1201)


@wire("server.no-5xx")
def fails_now_and_then(seen: Exchange) -> None:
    """Every fiftieth request fails."""
    if seen.nth("request") % 50 == 0:
        seen.refuse(500, 5000)


@wire("server.no-5xx|schema.answer|envelope.request-id|envelope.json")
def cut_json(seen: Exchange) -> None:
    """Every fortieth answer is cut short."""
    if seen.nth("request") % 40 == 0:
        seen.raw = json.dumps(seen.body).encode()[:-3]


@wire("voice-get.object")
def list_of_one(seen: Exchange) -> None:
    """The query of a task answers with a list of one."""
    if seen.operation == "query" and seen.accepted:
        seen.body["data"] = [seen.data]


@wire("voice-list.endpoint|schema.answer")
def wrapped_list(seen: Exchange) -> None:
    """The list is an object with items and a total."""
    if seen.operation == "list" and seen.accepted:
        seen.body["data"] = {"items": seen.data, "total": len(seen.data)}


@wire("envelope.json")
def marked_answers(seen: Exchange) -> None:
    """Answers begin with a byte order mark."""
    seen.raw = b"\xef\xbb\xbf" + json.dumps(seen.body).encode()
