"""Writing notifications: tasks as the contract shows them, spelled and signed as a sender does."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contract_tests import signatures
from contract_tests.probe.wire import Delivery

Task = dict[str, Any]
Style = Callable[[Any], bytes]

STATUSES = ("submitted", "processing", "succeed", "failed")
#: Why tasks fail, in the vendor's words.
RISK = "Failure to pass the risk control system"
JSON_TYPE = "application/json; charset=utf-8"
AGENT = "kling-mock-probe"


def compact(value: Any) -> bytes:
    """JSON without blanks, characters as they are: what senders usually send."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def ascii_only(value: Any) -> bytes:
    """JSON without blanks, with escapes for what is not ASCII."""
    return json.dumps(value, separators=(",", ":")).encode()


def python_like(value: Any) -> bytes:
    """JSON as Python writes it unless told otherwise."""
    return json.dumps(value).encode()


class Pen:
    """Writes deliveries to one receiver.

    Args:
        run: unique to this run; ids come from it, so that no receiver knows them from an earlier one.
        keys: those that sign; none for a receiver without a secret.
        extra: headers of the user's own.
        task_id: the task of every notification, where the receiver looks it up.
        external_id: the external id of every notification that has one.

    Attributes:
        style: how bodies are spelled unless told otherwise.
        usual: the status of tasks unless told otherwise.
        content_type: that of notifications unless told otherwise.
    """

    def __init__(
        self,
        run: str,
        keys: Sequence[bytes] = (),
        *,
        extra: Sequence[tuple[str, str]] = (),
        task_id: str = "",
        external_id: str = "",
    ) -> None:
        self.keys = tuple(keys)
        self.style: Style = compact
        self.usual = "processing"
        self.content_type = JSON_TYPE
        self._run = run
        self._extra = tuple(extra)
        self._task_id = task_id
        self._external_id = external_id
        self._ordinals = itertools.count(1)

    @property
    def has_own_task(self) -> bool:
        """Whether every notification is about a task that the receiver looks up."""
        return bool(self._task_id or self._external_id)

    def task(self, status: str = "", **changes: Any) -> Task:
        """A task as notifications show it; a field that is changed to ``...`` is left out."""
        status = status or self.usual
        ordinal = next(self._ordinals)
        now = time.time_ns() // 1_000_000
        task = {
            "task_id": self._task_id or self.digits("task", ordinal),
            "task_status": status,
            "task_status_msg": RISK if status == "failed" else "",
            "task_info": {"external_task_id": self._external_id or f"probe-{self._run}-{ordinal}"},
            "task_result": {"voices": [self.voice()]} if status == "succeed" else {},
            "created_at": now - 9000,
            "updated_at": now,
        }
        if status == "succeed":
            task["final_unit_deduction"] = "0.05"
        return {name: value for name, value in {**task, **changes}.items() if value is not ...}

    def voice(self, **changes: Any) -> Task:
        """A voice as a succeeded task shows it; a field that is changed to ``...`` is left out."""
        voice_id = self.digits("voice", next(self._ordinals))
        voice = {
            "voice_id": voice_id,
            "voice_name": "Narrator",
            "trial_url": f"https://p1.example.com/trial/{voice_id}.wav",
            "owned_by": "8812203",
            **changes,
        }
        return {name: value for name, value in voice.items() if value is not ...}

    def digits(self, kind: str, ordinal: int) -> str:
        """An id of 18 digits that no other run has."""
        digest = hashlib.sha256(f"{self._run} {kind} {ordinal}".encode()).digest()
        return str(10**17 + int.from_bytes(digest[:8]) % (9 * 10**17))

    def new_id(self) -> str:
        """A webhook-id that was never used."""
        return self.digits("message", next(self._ordinals))

    def post(self, body: Task | bytes, **how: Any) -> Delivery:
        """A delivery of a task, or of bytes as they are; ``how`` is that of ``headers``."""
        content = body if isinstance(body, bytes) else self.style(body)
        return Delivery(content, self.headers(content, **how))

    def headers(
        self,
        body: bytes,
        *,
        message_id: str | None = None,
        at: str | None = None,
        keys: Sequence[bytes] | None = None,
        content_type: str = "",
        instead: Mapping[str, str | None] | None = None,
    ) -> tuple[tuple[str, str], ...]:
        """The headers of a delivery, signed now where there are keys.

        Args:
            at: the timestamp as it stands in the header, which is signed; by default now, in seconds.
            keys: those that sign, by default all.
            instead: values that stand in the signature's headers instead of the right ones; ``None`` leaves one out.
        """
        signed = self.signed(body, message_id or self.new_id(), at or str(int(time.time())), keys)
        chosen = {**signed, **(instead or {})} if signed else {}
        own = {"content-type": content_type or self.content_type, "accept": "*/*"}
        own["user-agent"] = AGENT
        present = {name: value for name, value in (own | chosen).items() if value is not None}
        return (*present.items(), *self._extra)

    def signed(
        self, body: bytes, message_id: str, at: str, keys: Sequence[bytes] | None = None
    ) -> dict[str, str]:
        """The three headers of a signature; none without a key."""
        chosen = self.keys if keys is None else tuple(keys)
        if not chosen:
            return {}
        return {
            signatures.ID: message_id,
            signatures.TIMESTAMP: at,
            signatures.SIGNATURE: " ".join(
                signatures.sign(key, message_id, at, body) for key in chosen
            ),
        }
