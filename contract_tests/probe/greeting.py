"""The first deliveries to a receiver: whether anybody is there, which key it knows, and what it takes at all."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product

from contract_tests import signatures
from contract_tests.probe.battery import LOOKED_UP, Battery, GaveUp
from contract_tests.probe.cases import ACCEPT, FAILURE, Case
from contract_tests.probe.pen import JSON_TYPE, Style, ascii_only, compact, python_like
from contract_tests.probe.wire import Delivery, Late, Lost, Reply, Unreachable

#: Seconds to wait for the very first answer: one that comes late is a broken clause, none at all is nobody.
_PATIENCE_S = 30.0
_WANTS_SIGNATURE = re.compile(rb"(?i)signature|unsigned|not signed|webhook-(id|timestamp)")
_CSRF = re.compile(rb"(?i)csrf")
_STYLES: tuple[tuple[str, Style], ...] = (
    ("without blanks", compact),
    ("with escapes for what is not ASCII", ascii_only),
    ("with blanks, as Python writes it", python_like),
)
#: Clauses of headers, a content type and names with which the receiver may take what it refused, and what that means.
_MANNERS: tuple[tuple[str, str, Callable[[str], str], str], ...] = (
    (
        "receiver.headers.content-type",
        "application/json",
        str,
        f"it takes the content type application/json only, and refuses {JSON_TYPE}",
    ),
    (
        "receiver.headers.case",
        JSON_TYPE,
        str.title,
        "it finds headers only where their names have capitals, such as Webhook-Id",
    ),
)
#: What a receiver may hold signed instead, and the clauses that this breaks.
_SIGNED_LESS = (
    ("altered-id", "", "the body alone"),
    ("altered-id", "{at}.", "webhook-timestamp and body, without webhook-id"),
    ("altered-timestamp", "{id}.", "webhook-id and body, without webhook-timestamp"),
)


class CouldNotLook(Exception):
    """Raised when there is nothing to judge; the message is one line."""


def greet(battery: Battery, secrets: Sequence[str]) -> None:
    """Finds out how to talk to the receiver, and judges its first answers.

    Raises:
        CouldNotLook: nobody is there, or it lets nobody in.
        GaveUp: it takes nothing, so that there is nothing more to see.
    """
    pen, tally = battery.pen, battery.tally
    choices = [signatures.keys_of(secret) for secret in secrets]
    pen.keys = tuple(keys[0] for keys in choices)
    case = Case("receiver.accepts.plain", "a plain notification", ACCEPT, pen.post(pen.task()))
    reply = _first(battery, case)
    if reply is not None and 400 <= reply.status < 500:
        _is_open(reply, battery, case, has_secret=bool(secrets))
        if secrets and _understood(battery, choices):
            reply = None
        elif taken := _in_another_manner(battery):
            reply = taken
            tally.looked([case.clause])
    if reply is not None:
        battery.judge(case, reply)
        if reply.status < 300 and secrets:
            tally.looked(["receiver.signature.valid"])
    if reply is None or reply.status >= 300:
        _again(battery, reply, has_secret=bool(secrets))


def _first(battery: Battery, case: Case) -> Reply | None:
    """The very first answer, however late.

    Raises:
        CouldNotLook: there is none.
    """
    battery.sent += 1
    timeout_s = battery.wire.timeout_s
    tally = battery.tally
    tally.looked(["receiver.quick", "receiver.no-redirect"])
    try:
        reply = battery.wire.send(case.delivery, max(_PATIENCE_S, 3 * timeout_s))
    except Unreachable as error:
        raise CouldNotLook(
            f"nobody answers at {battery.url} ({error}); start the receiver, or correct the URL"
        ) from None
    except Late:
        _is_there(battery, max(_PATIENCE_S, 3 * timeout_s))
        tally.looked([case.clause])
        battery.broke(case.clause, FAILURE, case, f"{case.what}: wanted 2xx, saw no answer at all")
        battery.in_vain(case)
        return None
    except Lost as error:
        return _second(battery, case, str(error))
    if reply.took_s > timeout_s:
        saw = f"{case.what}: an answer after {reply.took_s:.1f} s, wanted within {timeout_s:g} s"
        battery.broke("receiver.quick", FAILURE, case, saw)
    return reply


def _is_there(battery: Battery, waited_s: float) -> None:
    """The first notification was not answered: whether anything is, as where a handler died of that one.

    Raises:
        CouldNotLook: nothing is.
    """
    pen = battery.pen
    tasks = [pen.post(pen.task(status)) for status in ("succeed", "failed")]
    deliveries = (*tasks, pen.post(b"{"), Delivery(b"", (("accept", "*/*"),), "GET"))
    if not any(battery.ask(Case("receiver.quick", "", ACCEPT, each)) for each in deliveries):
        raise CouldNotLook(
            f"{battery.url} takes the connection and answers nothing within {waited_s:g} s;"
            " is a receiver of HTTP there?"
        )


def _second(battery: Battery, case: Case, how: str) -> Reply | None:
    """The first connection ended without an answer: looks once more whether HTTP is spoken there.

    Raises:
        CouldNotLook: it is not.
    """
    battery.sent += 1
    try:
        reply = battery.wire.send(case.delivery)
    except (Unreachable, Late, Lost) as error:
        raise CouldNotLook(
            f"{battery.url} answers no HTTP ({str(error) or how}); is it the right port, http or https?"
        ) from None
    battery.tally.looked([case.clause])
    battery.broke(case.clause, FAILURE, case, f"{case.what}: wanted 2xx, saw no answer: {how}")
    return reply


def _is_open(reply: Reply, battery: Battery, case: Case, *, has_secret: bool) -> None:
    """Whether what was refused says something of the receiver.

    Raises:
        CouldNotLook: the address, or what was given to get in, is to blame.
    """
    status = reply.status
    if status == 405 or (status == 404 and not _takes_a_beginning(battery, case)):
        raise CouldNotLook(
            f"{battery.url} answers a notification with HTTP {status}: correct the path;"
            " or, if it does not know the task, give one that it knows with --task-id or --external-id"
        )
    if has_secret or _CSRF.search(reply.body):
        return
    if status in (401, 403, 407) or _WANTS_SIGNATURE.search(reply.body):
        raise CouldNotLook(
            f"{battery.url} refuses a notification that is not signed (HTTP {status}): give its secret"
            " with --secret, or what else lets in with --header"
        )


def _takes_a_beginning(battery: Battery, refused: Case) -> bool:
    """Whether it takes the first notification of a task: then it knows the way, and refuses what comes out of order."""
    pen = battery.pen
    reply = battery.ask(Case(refused.clause, "", ACCEPT, pen.post(pen.task("submitted"))))
    if reply is None or reply.status >= 300:
        return False
    battery.tally.looked(["receiver.order"])
    saw = f"{refused.what} of a task whose submitted it has not seen: wanted 2xx, saw HTTP 404"
    saw += f"; {LOOKED_UP}"
    battery.broke("receiver.order", FAILURE, refused, saw)
    return True


def _understood(battery: Battery, choices: Sequence[tuple[bytes, ...]]) -> bool:
    """Looks for a reading of the secrets, or a spelling of bodies, that the receiver takes; uses it from then on."""
    pen = battery.pen
    for keys, (words, style) in _readings(choices):
        pen.keys, pen.style = keys, style
        delivery = pen.post(pen.task(task_info={"external_task_id": "Zoë"}))
        case = Case("receiver.signature.raw-bytes", f"a body {words}", ACCEPT, delivery)
        reply = battery.ask(case)
        if reply is None or reply.status >= 300:
            continue
        battery.tally.looked(["receiver.accepts.plain", "receiver.signature.valid", case.clause])
        if style is not compact:
            _blame_spelling(battery, case, words)
        return True
    pen.keys, pen.style = tuple(keys[0] for keys in choices), compact
    _signs_otherwise(battery)
    return False


def _readings(
    choices: Sequence[tuple[bytes, ...]],
) -> Iterator[tuple[tuple[bytes, ...], tuple[str, Style]]]:
    for style in _STYLES:
        for keys in product(*choices):
            yield keys, style


def _blame_spelling(battery: Battery, taken: Case, words: str) -> None:
    pen = battery.pen
    delivery = pen.post(compact(pen.task()))
    saw = f"it takes a signed body only {words}, and refuses one without blanks, as senders send it"
    battery.broke(taken.clause, FAILURE, Case(taken.clause, "", ACCEPT, delivery), saw)


def _signs_otherwise(battery: Battery) -> None:
    """Looks whether the receiver takes a signature of less than it should, or the text of a secret for the key."""
    pen = battery.pen
    for clause, begin, words in _SIGNED_LESS:
        body, message_id, at = pen.style(pen.task()), pen.new_id(), str(int(time.time()))
        less = begin.format(id=message_id, at=at).encode() + body
        signature = " ".join(signatures.of_body(key, less) for key in pen.keys)
        instead = {signatures.SIGNATURE: signature}
        delivery = pen.post(body, message_id=message_id, at=at, instead=instead)
        case = Case(f"receiver.signature.{clause}", "", ACCEPT, delivery)
        reply = battery.ask(case)
        if reply is not None and reply.status < 300:
            battery.tally.looked([case.clause])
            saw = f"it takes a signature of {words}; signed are webhook-id, webhook-timestamp and body"
            battery.broke(case.clause, FAILURE, case, saw)
    for text in battery.texts:
        delivery = pen.post(pen.task(), keys=[text.encode()])
        case = Case("receiver.signature.other-secret", "signed with the text", ACCEPT, delivery)
        reply = battery.ask(case)
        if reply is not None and reply.status < 300:
            battery.tally.looked([case.clause])
            saw = "it takes the text of the secret for the key; the key is what it holds in base64"
            battery.broke(case.clause, FAILURE, case, saw)


def _in_another_manner(battery: Battery) -> Reply | None:
    """Looks whether it is the headers that the receiver does not take; sends those that it takes from then on."""
    pen = battery.pen
    usual = pen.content_type, battery.naming
    again = battery.ask(Case("receiver.accepts.plain", "", ACCEPT, pen.post(pen.task())))
    if again is None or again.status < 300:  # it was not the headers
        return None
    for clause, content_type, naming, saw in _MANNERS:
        refused = Case(clause, "", ACCEPT, pen.post(pen.task()))
        pen.content_type, battery.naming = content_type, naming
        reply = battery.ask(Case(clause, "", ACCEPT, pen.post(pen.task())))
        if reply is not None and reply.status < 300:
            battery.tally.looked([clause])
            battery.broke(clause, FAILURE, refused, saw)
            return reply
        pen.content_type, battery.naming = usual
    return None


def _again(battery: Battery, reply: Reply | None, *, has_secret: bool) -> None:
    """The first notification was not taken: whether others are.

    Raises:
        GaveUp: none is.
    """
    pen = battery.pen
    for status in ("processing", "succeed", "failed", "submitted"):
        case = Case(
            "receiver.accepts.statuses", f"a plain {status}", ACCEPT, pen.post(pen.task(status))
        )
        answer = battery.look(case)
        if answer is not None and answer.status < 300:
            pen.usual = status  # so that not every clause is broken by the same
            if has_secret:
                battery.tally.looked(["receiver.signature.valid"])
            return
    hint = "it takes no valid notification, so that refusing others says nothing"
    if has_secret and reply is not None and 400 <= reply.status < 500:
        battery.tally.looked(["receiver.signature.valid"])
        signed = Case("receiver.signature.valid", "", ACCEPT, pen.post(pen.task()))
        saw = f"what --secret has signed is refused (HTTP {reply.status}): is it the receiver's secret?"
        battery.broke(signed.clause, FAILURE, signed, saw)
        hint += "; is --secret the receiver's?"
    if reply is not None and _CSRF.search(reply.body):
        hint += "; a check against CSRF stands before it, which no sender passes: exempt this path"
    raise GaveUp(hint)
