"""Statuses, codes and the JSON around every answer: the only table of them.

Source: the vendor's error-code page (documented); see openapi/components/responses.yaml. Messages marked observed were
seen in answers of the live API (2026-09); the others are ours, for the vendor documents meanings and no words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mock_server.core.errors import Reason, Refused


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the error table.

    Attributes:
        status: HTTP status.
        code: business code, never the HTTP status.
        message: the words used when a refusal brings none of its own.
        retryable: whether the same request can succeed later; not every 429 is.
        ezmodel: the code, and HTTP status, EzModel documents for failures of this kind.
    """

    status: int
    code: int
    message: str
    retryable: bool
    ezmodel: int


#: The status that is told of a request whose client did not wait; never sent. The number is nginx's.
CLIENT_GONE = 499
#: The one row that is no refusal. Observed: the message of every success.
SUCCESS = Row(200, 0, "SUCCEED", False, 0)

ROWS: Mapping[Reason, Row] = {
    Reason.AUTHENTICATION_FAILED: Row(401, 1000, "Authentication failed", False, 401),
    Reason.AUTHORIZATION_EMPTY: Row(401, 1001, "Authorization is empty", False, 401),
    Reason.AUTHORIZATION_INVALID: Row(401, 1002, "Authorization is invalid", False, 401),
    Reason.AUTHORIZATION_NOT_YET_VALID: Row(
        401, 1003, "Authorization is not yet valid", False, 401
    ),
    Reason.AUTHORIZATION_EXPIRED: Row(401, 1004, "Authorization has expired", False, 401),
    Reason.ACCOUNT_ABNORMAL: Row(429, 1100, "The account is abnormal", False, 429),
    Reason.ACCOUNT_IN_ARREARS: Row(429, 1101, "The account is in arrears", False, 429),
    # Observed words.
    Reason.RESOURCE_PACK_USED_UP: Row(429, 1102, "Account balance not enough", False, 429),
    Reason.NO_PERMISSION: Row(403, 1103, "No permission for this API or model", False, 401),
    Reason.PARAMETERS_INVALID: Row(400, 1200, "Invalid request parameters", False, 400),
    Reason.PARAMETER_ILLEGAL: Row(400, 1201, "A parameter has an illegal value", False, 400),
    Reason.METHOD_INVALID: Row(404, 1202, "The request method is invalid", False, 404),
    Reason.RESOURCE_NOT_FOUND: Row(404, 1203, "The resource does not exist", False, 404),
    Reason.PLATFORM_POLICY: Row(400, 1300, "The platform policy was triggered", False, 400),
    Reason.CONTENT_POLICY: Row(400, 1301, "The content policy was triggered", False, 400),
    Reason.RATE_LIMIT: Row(429, 1302, "The API is called too fast", True, 429),
    # Observed words.
    Reason.CONCURRENCY_LIMIT: Row(429, 1303, "parallel task over resource pack limit", True, 429),
    Reason.IP_NOT_ALLOWED: Row(429, 1304, "The IP address is not on the whitelist", False, 429),
    Reason.SERVER_ERROR: Row(500, 5000, "Internal server error", True, 500),
    Reason.SERVER_UNAVAILABLE: Row(503, 5001, "The server is temporarily unavailable", True, 500),
    Reason.SERVER_TIMEOUT: Row(504, 5002, "The server timed out", True, 500),
}


def _codes_by_status() -> dict[str, list[str]]:
    by_status: dict[str, list[str]] = {}
    for row in ROWS.values():
        by_status.setdefault(str(row.status), []).append(str(row.code))
    return by_status


_CODES = {str(row.code): reason for reason, row in ROWS.items()}
#: The codes of each HTTP status: what a fault may mean by it.
CODES_BY_STATUS: Mapping[str, list[str]] = _codes_by_status()
#: The reason that a business code, or an HTTP status with one row only, stands for.
REASONS: Mapping[str, Reason] = _CODES | {
    status: _CODES[codes[0]] for status, codes in CODES_BY_STATUS.items() if len(codes) == 1
}


@dataclass(slots=True)
class Answer:
    """An HTTP answer with a JSON body.

    Attributes:
        code: its business code, for whoever looks on.
        note: what happened, in a word or two, for whoever looks on.
        scenario: the name of the scenario that was applied, unless it is the default.
        headers: more headers than every answer has.
    """

    status: int
    body: bytes
    code: int | None = None
    note: str = ""
    scenario: str = ""
    content_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


def kling_success(request_id: str, data: Any) -> Answer:
    """A success of the official envelope; ``data`` of ``...`` leaves it out."""
    value: dict[str, Any] = {"code": 0, "message": SUCCESS.message, "request_id": request_id}
    if data is not ...:
        value["data"] = data
    return Answer(200, orjson.dumps(value), 0)


def kling_error(refused: Refused, request_id: str) -> Answer:
    """A refusal in the official envelope: no ``data`` (observed, and the vendor's 1303 sample)."""
    row = ROWS[refused.reason]
    return _error(row.status, row.code, refused.message or row.message, request_id)


def ezmodel_success(request_id: str, data: Mapping[str, Any]) -> Answer:
    """A success of EzModel's documented envelope."""
    value = {"code": 0, "message": "success", "request_id": request_id, "data": data}
    return Answer(200, orjson.dumps(value), 0)


def ezmodel_error(refused: Refused, request_id: str) -> Answer:
    """A refusal in EzModel's documented envelope: the code is the HTTP status."""
    row = ROWS[refused.reason]
    return _error(row.ezmodel, row.ezmodel, refused.message or row.message, request_id)


def _error(status: int, code: int, message: str, request_id: str) -> Answer:
    value: dict[str, Any] = {"code": code, "message": _encodable(message), "request_id": request_id}
    return Answer(status, orjson.dumps(value), code, value["message"])


def _encodable(message: str) -> str:
    # What a client sent may be quoted; it must not make the answer unencodable.
    return message.encode("utf-8", "replace").decode("utf-8")
