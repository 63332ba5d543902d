"""Why a request is refused.

A refused request is an exception that names its reason; statuses, codes and default words are in ``http/envelope.py``,
the only table of them. A task that fails is not an error but a value: see ``core/task.py``.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The reasons of the vendor's error table, one per row (documented: vendor error-code page)."""

    AUTHENTICATION_FAILED = "authentication_failed"
    AUTHORIZATION_EMPTY = "authorization_empty"
    AUTHORIZATION_INVALID = "authorization_invalid"
    AUTHORIZATION_NOT_YET_VALID = "authorization_not_yet_valid"
    AUTHORIZATION_EXPIRED = "authorization_expired"
    ACCOUNT_ABNORMAL = "account_abnormal"
    ACCOUNT_IN_ARREARS = "account_in_arrears"
    RESOURCE_PACK_USED_UP = "resource_pack_used_up"
    NO_PERMISSION = "no_permission"
    PARAMETERS_INVALID = "parameters_invalid"
    PARAMETER_ILLEGAL = "parameter_illegal"
    METHOD_INVALID = "method_invalid"
    RESOURCE_NOT_FOUND = "resource_not_found"
    PLATFORM_POLICY = "platform_policy"
    CONTENT_POLICY = "content_policy"
    RATE_LIMIT = "rate_limit"
    CONCURRENCY_LIMIT = "concurrency_limit"
    IP_NOT_ALLOWED = "ip_not_allowed"
    SERVER_ERROR = "server_error"
    SERVER_UNAVAILABLE = "server_unavailable"
    SERVER_TIMEOUT = "server_timeout"


class Refused(Exception):
    """Raised when a request is refused. Nothing changed.

    Attributes:
        reason: the row of the error table.
        message: words for the caller; empty means the row's own words.
        scenario: the name of the scenario that asked for the refusal, or empty.
    """

    def __init__(self, reason: Reason, message: str = "", scenario: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason
        self.message = message
        self.scenario = scenario
