"""Receivers of callbacks with exactly one fault each."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from tests.support.receivers import STATUSES, Answer, OnIts, Receiver, Refused

# ---- faults of signatures -------------------------------------------------------------------


class NoCheck(Receiver):
    """It never verifies."""

    @override
    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        return


class Reserialises(OnIts):
    """It verifies what its JSON library makes of the body, as JavaScript writes it."""

    @override
    def signed(self, headers: Mapping[str, str], body: bytes) -> bytes:
        text = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False)
        return super().signed(headers, text.encode("utf-8", "surrogatepass"))


class ReserialisesLikePython(OnIts):
    """It verifies what Python's JSON library makes of the body."""

    @override
    def signed(self, headers: Mapping[str, str], body: bytes) -> bytes:
        return super().signed(headers, json.dumps(json.loads(body)).encode())


class NoTolerance(OnIts):
    """It never looks how old a delivery is."""

    tolerance_s = 1e15


class OnlyThePast(OnIts):
    """It refuses what is old, and takes what comes from the future."""

    @override
    def _verify(self, headers: Mapping[str, str], body: bytes) -> None:
        if int(headers["webhook-timestamp"]) > time.time() + 10:
            self.tolerance_s = 1e15
        try:
            super()._verify(headers, body)
        finally:
            self.tolerance_s = 300


class OnlyTheTime(OnIts):
    """It looks at the timestamp, and at no signature."""

    @override
    def same(self, good: str, given: str) -> bool:
        return True


class Prefix(OnIts):
    """It compares the beginning of a signature."""

    @override
    def same(self, good: str, given: str) -> bool:
        return good[:12] == given[:12]


class AsLongAsGiven(OnIts):
    """It compares as many characters as came."""

    @override
    def same(self, good: str, given: str) -> bool:
        return good.startswith(given) and len(given) > 3


class OnlyTheFirst(OnIts):
    """It looks at the first signature of the header only."""

    @override
    def given(self, headers: Mapping[str, str]) -> list[str]:
        return super().given(headers)[:1]


class WholeHeader(OnIts):
    """It takes the header for one signature."""

    @override
    def given(self, headers: Mapping[str, str]) -> list[str]:
        super().given(headers)
        return [headers["webhook-signature"]]


class OnlyVersions1(OnIts):
    """It refuses everything when a version is unknown."""

    @override
    def given(self, headers: Mapping[str, str]) -> list[str]:
        if any(not item.startswith("v1,") for item in super().given(headers)):
            raise Refused(401)
        return super().given(headers)


class Contains(OnIts):
    """It looks for the right signature anywhere in the header."""

    @override
    def given(self, headers: Mapping[str, str]) -> list[str]:
        return [headers["webhook-signature"] if super().given(headers) else ""]

    @override
    def same(self, good: str, given: str) -> bool:
        return good in given


class AnyVersion1(OnIts):
    """It takes v1a and v10 for v1."""

    @override
    def same(self, good: str, given: str) -> bool:
        version, _, signature = given.partition(",")
        return version.startswith("v1") and super().same(good, f"v1,{signature}")


class OnlyTheEnd(Receiver):
    """It verifies only what has come to its end."""

    @override
    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        if b'"succeed"' in body or b'"failed"' in body:
            super().verify(headers, body)


class AllButFailed(Receiver):
    """It verifies all but failures."""

    @override
    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        if b'"failed"' not in body:
            super().verify(headers, body)


class OnlyTheOld(OnIts):
    """It was given two secrets, and tries the second only."""

    @override
    def _verify(self, headers: Mapping[str, str], body: bytes) -> None:
        both, self.secrets = self.secrets, self.secrets[-1:]
        try:
            super()._verify(headers, body)
        finally:
            self.secrets = both


class TextAsKey(OnIts):
    """It takes the text of the secret for the key."""

    @override
    def key(self, secret: str) -> bytes:
        return secret.encode()


class NoId(OnIts):
    """It does not verify the id."""

    known = ""

    @override
    def signed(self, headers: Mapping[str, str], body: bytes) -> bytes:
        for message_id in (headers["webhook-id"], *sorted(self.seen)):
            text = f"{message_id}.{headers['webhook-timestamp']}.".encode() + body
            key = self.key(self.secrets[0])
            good = "v1," + base64.b64encode(hmac.digest(key, text, "sha256")).decode()
            if good in headers["webhook-signature"]:
                return text
        return b""


class MissingId(Receiver):
    """It verifies only what has an id."""

    @override
    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        if "webhook-id" in headers:
            super().verify(headers, body)


class MissingSignature(Receiver):
    """It verifies only what is signed."""

    @override
    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        if "webhook-signature" in headers:
            super().verify(headers, body)


class Stripped(OnIts):
    """It verifies the body without blanks around it."""

    @override
    def signed(self, headers: Mapping[str, str], body: bytes) -> bytes:
        return super().signed(headers, body.strip())


class KnownIds(Receiver):
    """It trusts whatever has an id that it has seen."""

    @override
    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        if headers.get("webhook-id") not in self.seen:
            super().verify(headers, body)


class NumberError(OnIts):
    """A timestamp that is no number makes it fail."""

    @override
    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        int(headers.get("webhook-timestamp") or 0)
        super().verify(headers, body)


# ---- faults of bodies -----------------------------------------------------------------------


class NoDuplicates(Receiver):
    """It refuses what it has seen."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        key = message_id or json.dumps(task)
        if key in self.seen:
            return 409, "already processed"
        self.seen.add(key)
        return super().take(message_id, task)


class UnknownFields(Receiver):
    """Fields that it does not know make it fail."""

    known = (
        *("task_id", "task_status", "task_status_msg", "task_info", "task_result"),
        *("created_at", "updated_at", "final_unit_deduction", "final_balance_deduction"),
    )

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        for name in task:
            self.known.index(name)
        return super().take(message_id, task)


class OutOfOrder(Receiver):
    """A task that goes back makes it fail."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        rank = STATUSES.index(task["task_status"])
        known = self.tasks.get(task["task_id"])
        if known is not None and STATUSES.index(known) > rank:
            raise RuntimeError("a task went back")
        return super().take(message_id, task)


class Utf8Crash(Receiver):
    """Bytes that are no UTF-8 end its connection."""

    @override
    def parse(self, body: bytes) -> Any:
        body.decode()
        return super().parse(body)


class JsonCrash(Receiver):
    """What is no JSON makes it fail."""

    @override
    def parse(self, body: bytes) -> Any:
        return json.loads(body)


class TakesAnything(Receiver):
    """What is no JSON is fine with it."""

    @override
    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        status, text = super().answer(headers, body)
        return (200, "whatever") if status in (400, 422) else (status, text)


class NoObjectCheck(Receiver):
    """JSON that is no object makes it fail."""

    @override
    def validate(self, task: Any) -> None:
        if task["task_status"] not in STATUSES or not isinstance(task["task_id"], str):
            raise Refused(422)


class MissingStatus(Receiver):
    """A task without status is fine with it."""

    @override
    def validate(self, task: Any) -> None:
        if isinstance(task, dict) and "task_status" not in task:
            task["task_status"] = "processing"
        super().validate(task)


class ResultType(Receiver):
    """A result of another type makes it fail."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        (task.get("task_result") or {}).get("voices")
        return super().take(message_id, task)


class NoFailed(Receiver):
    """It refuses failed tasks."""

    @override
    def validate(self, task: Any) -> None:
        super().validate(task)
        if task["task_status"] == "failed":
            raise Refused(422)


class NeedsExternalId(Receiver):
    """A task without external id makes it fail."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        task["task_info"]["external_task_id"]
        return super().take(message_id, task)


class Ascii(Receiver):
    """It refuses what is not ASCII."""

    @override
    def parse(self, body: bytes) -> Any:
        task = super().parse(body)
        if not json.dumps(task, ensure_ascii=False).isascii():
            raise Refused(400)
        return task


class Astral(Receiver):
    """Characters beyond the basic plane make it fail."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        if any(ord(char) > 0xFFFF for char in json.dumps(task, ensure_ascii=False)):
            raise RuntimeError("the database has three bytes per character")
        return super().take(message_id, task)


class NumericIds(Receiver):
    """It keeps a task_id as a number of 64 bits."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        if not -(2**63) <= int(task["task_id"]) < 2**63:
            raise OverflowError
        return super().take(message_id, task)


class Small(Receiver):
    """It refuses bodies over 4 kB."""

    @override
    def parse(self, body: bytes) -> Any:
        if len(body) > 4096:
            raise Refused(413)
        return super().parse(body)


class TooSmall(Receiver):
    """It reads no body over 450 bytes, and so verifies none."""

    @override
    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        if len(body) > 450:
            return 413, "too large"
        return super().answer(headers, body)


class FailsOnce(Receiver):
    """It fails the first time."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        if self.count == 1:
            raise RuntimeError("not warm yet")
        return super().take(message_id, task)


class FailsAtTwenty(Receiver):
    """It fails once, later."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        if self.count == 20:
            raise RuntimeError("a hiccup")
        return super().take(message_id, task)


class Slow(Receiver):
    """It works before it answers."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        time.sleep(1.5)
        return super().take(message_id, task)


class SlowOnSucceed(Receiver):
    """It fetches the voice before it answers."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        if task["task_status"] == "succeed":
            time.sleep(1.5)
        return super().take(message_id, task)


class BodyAlone(OnIts):
    """It verifies a signature of the body alone."""

    @override
    def signed(self, headers: Mapping[str, str], body: bytes) -> bytes:
        return body


class TimeAndBody(OnIts):
    """It verifies a signature of time and body, and not of the id."""

    @override
    def signed(self, headers: Mapping[str, str], body: bytes) -> bytes:
        return f"{headers['webhook-timestamp']}.".encode() + body


class IdAndBody(OnIts):
    """It verifies a signature of id and body, and not of the time."""

    @override
    def signed(self, headers: Mapping[str, str], body: bytes) -> bytes:
        return f"{headers['webhook-id']}.".encode() + body


class UnknownTask(Receiver):
    """It finds no task whose beginning it has not seen."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        if task["task_status"] != "submitted" and task["task_id"] not in self.tasks:
            return 404, "no such task"
        return super().take(message_id, task)


class CrossSite(Receiver):
    """Its framework wants a token that only its own forms have."""

    @override
    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        return 403, "<html><title>403 Forbidden</title><h1>CSRF verification failed</h1>"


class OnlyFinished(Receiver):
    """It refuses what has not come to its end."""

    @override
    def validate(self, task: Any) -> None:
        super().validate(task)
        if task["task_status"] not in ("succeed", "failed"):
            raise Refused(422)


class WantsEnvelope(Receiver):
    """It looks for the task in an envelope."""

    @override
    def parse(self, body: bytes) -> Any:
        task = super().parse(body)
        return task.get("data") if isinstance(task, dict) else None


class Redirects(Receiver):
    """It redirects."""

    @override
    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        return 308, "/elsewhere"


class ByStatus(Receiver):
    """It redirects what has succeeded."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        if task["task_status"] == "succeed":
            return 307, "/voices"
        return super().take(message_id, task)


class CasedHeaders(Receiver):
    """It finds headers in one spelling only."""

    is_cased = True

    @override
    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        if "content-type" not in headers:
            return 415, "no content type"
        return super().answer(headers, body)


class ExactType(Receiver):
    """It compares the content type as a text."""

    @override
    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        if headers.get("content-type") != "application/json; charset=utf-8":
            return 415, "no JSON"
        return super().answer(headers, body)


class BareType(Receiver):
    """It takes a content type without parameters only."""

    @override
    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        if headers.get("content-type") != "application/json":
            return 415, "no JSON"
        return super().answer(headers, body)


class Capitals(OnIts):
    """It looks for headers in the spelling of the documentation only."""

    is_cased = True

    @override
    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        spelled = {name.lower(): value for name, value in headers.items() if name[0].isupper()}
        return super().answer(spelled, body)


class HangsWithoutVoices(Receiver):
    """Its handler dies of a result without voices, and nobody answers then."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        if "voices" not in task["task_result"]:
            time.sleep(1.5)
        return super().take(message_id, task)


class HangsOnHtml(Receiver):
    """Its handler dies of a page, and nobody answers then."""

    @override
    def parse(self, body: bytes) -> Any:
        try:
            return super().parse(body)
        except Refused:
            if body.lstrip().startswith(b"<"):
                time.sleep(1.5)
            raise


class ShowsAPage(Receiver):
    """It shows a page of its framework when it fails."""

    @override
    def take(self, message_id: str | None, task: dict[str, Any]) -> Answer:
        if task["task_status"] == "failed":
            return 500, "<!doctype html>\n<html lang=en><title>Server Error</title><p>Sorry"
        return super().take(message_id, task)


class Dies(Receiver):
    """It is gone after some deliveries."""

    lives = 30


class DiesOfHtml(Receiver):
    """What is no JSON kills it."""

    @override
    def parse(self, body: bytes) -> Any:
        try:
            return super().parse(body)
        except Refused:
            self.lives = 0
            raise


class Broken(Receiver):
    """After something hostile it never takes anything again."""

    is_broken = False

    @override
    def answer(self, headers: Mapping[str, str], body: bytes) -> Answer:
        if self.is_broken:
            return 503, "out of order"
        status, text = super().answer(headers, body)
        self.is_broken = status in (400, 422)
        return status, text
