"""What goes out with an attempt: the bytes of a callback, rendered once, and its headers, signed each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import orjson

from mock_server.account import Account
from mock_server.core import signing
from mock_server.core.callback import CallbackFault
from mock_server.core.fault import BodyFault
from mock_server.deliveries import Delivery
from mock_server.patching import patched
from mock_server.ports import Renderer

#: Documented: the header example of the vendor's callback page.
CONTENT_TYPE = "application/json; charset=utf-8"


class Outgoing:
    """Makes bodies and headers.

    Args:
        render: makes the body, from the task as it is at the due instant.
        keys: of the webhook secrets in force; without any nothing is signed.
        now_s: the wall clock in seconds: receivers compare timestamps with their own.
        follows_clock: timestamps are as much later as the account's clock was advanced (option auth_clock).
    """

    def __init__(
        self,
        render: Renderer,
        keys: Sequence[bytes] = (),
        now_s: Callable[[], float] = time.time,
        *,
        follows_clock: bool = False,
    ) -> None:
        self._render = render
        self._keys = keys
        self._now_s = now_s
        self._follows_clock = follows_clock

    def prepare(self, account: Account, delivery: Delivery) -> dict[str, str]:
        """The headers of the next attempt; renders the body if it was not yet."""
        first = delivery.original or delivery
        if delivery.body is None:
            if first.body is None:
                body = self._render(delivery.task, delivery.seen)
                first.body = _spoilt(body, delivery.fault)
            delivery.body = first.body
        if delivery.is_replay and first.headers is not None:
            return first.headers
        fault = delivery.fault
        is_json = fault is None or fault.body is not BodyFault.WRONG_TYPE
        headers = {"content-type": CONTENT_TYPE if is_json else "text/plain; charset=utf-8"}
        later_s = account.jumped_ms / 1000 if self._follows_clock else 0.0
        headers |= signing.headers(
            self._keys,
            delivery.id,
            int(self._now_s() + later_s),
            delivery.body,
            None if fault is None else fault.signature,
        )
        if delivery.headers is None:
            delivery.headers = headers
        return headers


def _spoilt(body: bytes, fault: CallbackFault | None) -> bytes:
    if fault is None:
        return body
    if fault.edit:
        edited = patched(orjson.loads(body), fault.edit)
        body = body if edited is None else edited
    match fault.body:
        case BodyFault.MALFORMED:
            return body[:-1] + b",}"
        case BodyFault.TRUNCATED:
            return body[: int(len(body) * fault.fraction)]
        case BodyFault.EMPTY:
            return b""
    return body
