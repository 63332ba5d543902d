"""The battery: delivers case after case, judges the answers, sees whether the receiver lives, and gives up in time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from contract_tests import redaction
from contract_tests.probe import generated, hostile, signed, valid
from contract_tests.probe.cases import ACCEPT, FAILURE, FINDING, Case, Cases, Weight
from contract_tests.probe.curl import command
from contract_tests.probe.pen import Pen
from contract_tests.probe.tally import Breach, Tally
from contract_tests.probe.wire import Delivery, Late, Lost, Reply, Unreachable, Wire

#: Seconds that a whole run may take, by profile.
LONGEST_S = {"smoke": 60.0, "standard": 240.0, "thorough": 1200.0}
#: Deliveries in a row that were not answered in time, after which a receiver counts as stuck.
_LATE_IN_A_ROW = 3
#: Deliveries of a burst that are open at once: as many as the mock opens to one receiver.
_AT_ONCE = 4
#: Looks for a receiver that has gone away, and seconds between them: a supervisor may start it again.
_LOOKS, _LOOK_PAUSE_S = 6, 0.5
#: Times a busy receiver is asked again, and the longest wait (s) that it may ask for.
_BUSY_TIMES, _BUSY_LONGEST_S = 3, 5.0
_BUSY, _BUSY_S = 429, 1.0
_NOT_FOUND, _TOO_LARGE = 404, 413
#: What a 404 may mean for a receiver that is healthy.
LOOKED_UP = "if it looks its tasks up, give one that it knows with --task-id or --external-id"
_QUOTED = 160
_PAGE = re.compile(r"(?i)<!doctype html|<html")
_TITLE = re.compile(r"(?i)<title[^>]*>\s*([^<]*?)\s*</title")


class GaveUp(Exception):
    """Raised when looking on makes no sense; the message says why."""


@dataclass
class Battery:
    """One run against one receiver.

    Attributes:
        hidden: names of headers that are secrets, in lower case.
        texts: the secrets as they were given.
        sent: deliveries so far.
        naming: how names of headers are cased.
    """

    url: str
    wire: Wire
    pen: Pen
    tally: Tally
    profile: str
    seed: int
    hidden: Collection[str] = ()
    texts: Sequence[str] = ()
    sent: int = 0
    tell: Callable[[str], None] = lambda _: None
    naming: Callable[[str], str] = str
    _late: int = 0
    _ends_at: float = field(default=0.0)

    def run(self) -> None:
        """Sends everything.

        Raises:
            GaveUp: the receiver is gone or stuck, or the time is up.
        """
        self._ends_at = time.monotonic() + LONGEST_S[self.profile]
        count = generated.COUNTS[self.profile]
        for section in valid.VALID:
            self._section(section(self.pen))
        self._section(generated.valid(self.pen, count, self.seed))
        self._burst()
        if self.pen.keys:
            for section in signed.SIGNED:
                self._section(section(self.pen))
        for section in hostile.HOSTILE:
            self._section(section(self.pen))
        self._section(generated.broken(self.pen, count, self.seed))

    def _section(self, cases: Cases) -> None:
        for case in cases:
            if time.monotonic() > self._ends_at:
                raise GaveUp(self._slowly())
            self.look(case)
            if case.is_hostile:
                self._alive(case)

    def _slowly(self) -> str:
        longest_s = LONGEST_S[self.profile]
        return (
            f"the {longest_s:g} s of the profile are over after {self.sent} deliveries,"
            f" {longest_s / self.sent:.1f} s each: acknowledge first, and work afterwards"
        )

    def look(self, case: Case) -> Reply | None:
        """Sends a case and judges the answer, which is returned if there is one."""
        reply = self._exchanged(case)
        if reply is not None:
            self.judge(case, reply)
        return reply

    def ask(self, case: Case) -> Reply | None:
        """Sends a case and judges nothing."""
        try:
            return self._patiently(case.delivery)
        except (Late, Lost, Unreachable):
            return None

    def judge(self, case: Case, reply: Reply) -> None:
        """Judges an answer."""
        kind, weight = _kind(case, reply.status)
        saw = f"{case.what}: wanted {case.want.words}, saw {_shown(reply)}"
        if reply.status == _NOT_FOUND and case.want is ACCEPT:
            saw += f"; {LOOKED_UP}"
        if kind == "redirected":
            self.broke("receiver.no-redirect", FAILURE, case, saw)
        elif weight:
            # What is too large for it was not read: that says nothing of what its contents would have met.
            refused = case.on_refusal if reply.status != _TOO_LARGE else ""
            blamed = {"refused": refused, "crashed": case.on_crash}.get(kind, "")
            survived = [case.on_crash] if case.on_crash and kind != "crashed" else []
            self.tally.looked([blamed or case.clause, *survived])
            self.broke(blamed or case.clause, weight, case, saw)
        else:
            self.tally.looked(case.clauses)
        if case.want is ACCEPT and kind == "accepted":
            self.tally.looked(["receiver.status-200"])
            if reply.status != 200:
                self.broke("receiver.status-200", FINDING, case, saw.replace("2xx", "HTTP 200"))

    def _exchanged(self, case: Case) -> Reply | None:
        self.tally.looked(["receiver.quick", "receiver.no-redirect"])
        try:
            reply = self._patiently(case.delivery)
            if reply.status == _BUSY and case.want is ACCEPT:
                raise GaveUp(
                    "it limits the rate of notifications (HTTP 429), waiting does not help"
                )
        except Late:
            if case.clause != "receiver.large":
                self.in_vain(case)
            return None
        except Lost as error:
            self._lost(case, str(error))
            return None
        except Unreachable as error:
            self._gone(case, str(error))
            return None
        self._late = 0
        return reply

    def _patiently(self, delivery: Delivery) -> Reply:
        """The answer; a receiver that is busy is asked again when it says so."""
        for _ in range(_BUSY_TIMES):
            reply = self._once(delivery)
            if reply.status != _BUSY:
                return reply
            asked = reply.headers.get("retry-after", "")
            pause_s = float(asked) if asked.isascii() and asked.isdigit() else _BUSY_S
            time.sleep(min(pause_s, _BUSY_LONGEST_S))
        return self._once(delivery)

    def _once(self, delivery: Delivery) -> Reply:
        self.sent += 1
        self.tell(f"probing: {self.sent} deliveries ")
        return self.wire.send(self._named(delivery))

    def _named(self, delivery: Delivery) -> Delivery:
        headers = tuple((self.naming(name), value) for name, value in delivery.headers)
        return replace(delivery, headers=headers)

    def in_vain(self, case: Case) -> None:
        """Notes that a case was not answered in time.

        Raises:
            GaveUp: nothing has been for a while.
        """
        saw = f"{case.what}: no answer within {self.wire.timeout_s:g} s"
        self.broke("receiver.quick", FAILURE, case, saw)
        if case.is_hostile and case.want.crashed:  # a handler that dies of it may answer nothing
            self.tally.looked(case.clauses)
            self.broke(case.on_crash or case.clause, case.want.crashed, case, saw)
        self._late += 1
        if self._late >= _LATE_IN_A_ROW:
            raise GaveUp(f"{_LATE_IN_A_ROW} deliveries in a row were not answered in time")

    def _lost(self, case: Case, how: str) -> None:
        """No answer. Some servers hang up before the answer to a refusal is read, so that is tried twice."""
        if case.want is not ACCEPT:
            try:
                reply = self._once(case.delivery)
            except (Late, Lost, Unreachable):
                pass
            else:
                self.judge(case, reply)
                return
        self.tally.looked(case.clauses)
        if case.want.crashed:
            saw = f"{case.what}: wanted {case.want.words}, saw no answer: {how}"
            self.broke(case.on_crash or case.clause, case.want.crashed, case, saw)

    def _gone(self, case: Case, how: str) -> None:
        self.tally.looked(["receiver.survives"])
        saw = f"{case.what}, delivery {self.sent}: nobody is there any more: {how}"
        self.broke("receiver.survives", FAILURE, case, saw)
        for _ in range(_LOOKS):
            time.sleep(_LOOK_PAUSE_S)
            try:
                self._once(self.pen.post(self.pen.task()))
            except Unreachable:
                continue
            except (Late, Lost):
                return
            return
        raise GaveUp(f"the receiver is gone after {self.sent} deliveries")

    def _alive(self, after: Case) -> None:
        """Sees whether the next valid notification is taken."""
        what = f"a valid notification after another ({after.clause}: {after.what})"
        self.look(Case("receiver.survives", what, ACCEPT, self.pen.post(self.pen.task())))

    def _burst(self) -> None:
        """Sends many at once. No other connection is open then: a receiver may serve one at a time."""
        self.wire.close()
        deliveries = valid.burst(self.pen)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            outcomes = list(pool.map(self._apart, deliveries))
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            self.sent += 1
            what = f"one of {len(deliveries)} at once, {_AT_ONCE} of them open"
            case = Case("receiver.burst", what, ACCEPT, delivery)
            if isinstance(outcome, Reply) and outcome.status == _BUSY:
                self.look(case)  # once more, alone
            elif isinstance(outcome, Reply):
                self.judge(case, outcome)
            else:
                self.tally.looked(case.clauses)
                self.broke(case.clause, FAILURE, case, f"{what}: {outcome}")

    def _apart(self, delivery: Delivery) -> Reply | str:
        """What a connection of its own brings."""
        # Those that are open besides it come first in a receiver that serves one at a time.
        wire = Wire(self.url, self.wire.timeout_s * _AT_ONCE)
        try:
            return wire.send(self._named(delivery))
        except Late:
            return "no answer in time"
        except (Lost, Unreachable) as error:
            return f"no answer: {error}"
        finally:
            wire.close()

    def broke(self, clause: str, weight: Weight, case: Case, saw: str) -> None:
        """Notes that a case has broken a clause."""
        request = command(self.url, self._named(case.delivery), self.hidden)
        breach = Breach(weight, redaction.clean(saw), request, len(case.delivery.body))
        self.tally.broke(clause, breach)


def _kind(case: Case, status: int) -> tuple[str, Weight]:
    """What kind of answer a status is, and how bad that is for a case."""
    if 200 <= status < 300:
        return "accepted", case.want.accepted
    if 300 <= status < 400:
        return "redirected", FAILURE
    # A method that a server does not know is answered with 501.
    if status < 500 or (status == 501 and case.delivery.method != "POST"):
        return "refused", case.want.refused
    return "crashed", case.want.crashed


def _shown(reply: Reply) -> str:
    text = " ".join(reply.body[: 4 * _QUOTED].decode("utf-8", "replace").split())
    if _PAGE.match(text):  # of a page its title says most
        title = _TITLE.search(text)
        text = f"(a page: {title[1]})" if title else "(a page)"
    if reply.status in range(300, 400):
        text = f"to {reply.headers.get('location', 'nowhere')} {text}"
    return f"HTTP {reply.status} {text[:_QUOTED]}".strip()
