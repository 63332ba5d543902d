"""What goes out with an attempt: bytes that are rendered once, and headers that are signed each time."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mock_server.account import Account
from mock_server.clock import VirtualClock
from mock_server.core.callback import callback_fault
from mock_server.core.signing import key_of, signature
from mock_server.core.task import Observation, Task, observe_step
from mock_server.deliveries import Deliveries, Delivery
from mock_server.outgoing import CONTENT_TYPE, Outgoing
from tests.support.clocks import still_clock
from tests.support.tasks import voice_task

KEY = key_of("whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=")
TASK = voice_task(callback_url="http://receiver.test/")
BODY = b'{"task_id":"1","task_status":"succeed"}'
NOW_S = 1_781_080_794


class Renders:
    """A renderer that counts."""

    def __init__(self) -> None:
        self.asked: list[Observation] = []

    def __call__(self, _task: Task, seen: Observation, /) -> bytes:
        """Renders."""
        self.asked.append(seen)
        return BODY


def new(fault: Any = None) -> Delivery:
    """A delivery, with a fault if one is given."""
    wrong = None if fault is None else callback_fault(fault)
    return Deliveries().new("msg_1", TASK, observe_step(TASK, 2), wrong)


def copy_of(first: Delivery, fault: Any = None) -> Delivery:
    """A copy of a delivery."""
    copy = new(fault)
    copy.original, copy.body, copy.headers = first, first.body, first.headers
    return copy


def account(clock: VirtualClock | None = None) -> Account:
    """An account."""
    return Account("mine", clock or still_clock())


def outgoing(*keys: bytes, renders: Renders | None = None, **options: Any) -> Outgoing:
    """What makes bytes and headers; the wall clock stands still."""
    return Outgoing(renders or Renders(), keys, lambda: NOW_S + 0.9, **options)


def body_of(fault: Any) -> bytes | None:
    """The bytes of a delivery with a fault."""
    delivery = new(fault)
    outgoing().prepare(account(), delivery)
    return delivery.body


def test_without_a_secret_there_is_the_content_type_alone() -> None:
    """A callback that is not signed has no header of a signature."""
    assert outgoing().prepare(account(), new()) == {"content-type": CONTENT_TYPE}


def test_a_callback_is_rendered_once() -> None:
    """Further attempts, and copies, have the bytes of the first, from the status that it reports."""
    renders = Renders()
    out, first = outgoing(renders=renders), new()
    for _ in range(3):
        out.prepare(account(), first)
    copy = copy_of(first)
    out.prepare(account(), copy)
    assert renders.asked == [observe_step(TASK, 2)]
    assert copy.body is first.body


def test_a_copy_that_goes_first_renders_for_both() -> None:
    """While the first is held its copy may go: the bytes are then those of both."""
    renders = Renders()
    out, first = outgoing(renders=renders), new()
    copy = copy_of(first)
    out.prepare(account(), copy)
    out.prepare(account(), first)
    assert len(renders.asked) == 1
    assert first.body is copy.body


def test_each_attempt_is_signed_anew_over_the_same_bytes() -> None:
    """Id and bytes stay; the timestamp is that of the attempt, in whole seconds of the wall clock."""
    instants = iter([NOW_S + 0.9, NOW_S + 60.1])
    out, delivery = Outgoing(Renders(), [KEY], lambda: next(instants)), new()
    sent = [out.prepare(account(), delivery) for _ in range(2)]
    for headers, at in zip(sent, (NOW_S, NOW_S + 60), strict=True):
        assert headers == {
            "content-type": CONTENT_TYPE,
            "webhook-id": "msg_1",
            "webhook-timestamp": str(at),
            "webhook-signature": signature(KEY, "msg_1", at, BODY),
        }


def test_a_replay_is_the_first_request_again() -> None:
    """A replay has the headers of the very first attempt, whatever time it is."""
    instants = iter(range(NOW_S, NOW_S + 9000, 3000))
    out, first = Outgoing(Renders(), [KEY], lambda: next(instants)), new()
    sent = out.prepare(account(), first)
    out.prepare(account(), first)
    replay = copy_of(first)
    replay.is_replay = True
    assert out.prepare(account(), replay) == sent


@pytest.mark.parametrize(("follows", "later_s"), [(True, 5), (False, 0)])
def test_timestamps_may_follow_the_account(follows: bool, later_s: int) -> None:
    """With auth_clock virtual a timestamp is as much later as the account's clock was advanced; else it is not."""
    mine = account()
    mine.own_clock().jump_to(mine.clock.now() + 5000)
    sent = outgoing(KEY, follows_clock=follows).prepare(mine, new())
    assert sent["webhook-timestamp"] == str(NOW_S + later_s)


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ("times=2", BODY),
        ("malformed", BODY[:-1] + b",}"),
        ("empty", b""),
        ("truncated", BODY[: len(BODY) // 2]),
        ("truncated;fraction=0", b""),
        ("wrong-type", BODY),
        (
            {"edit": [{"op": "replace", "path": "/task_status", "value": "成功"}]},
            '{"task_id":"1","task_status":"成功"}'.encode(),
        ),
        (
            {"edit": [{"op": "remove", "path": "/task_status"}], "body": "malformed"},
            b'{"task_id":"1",}',
        ),
        ({"edit": [{"op": "remove", "path": "/nothing"}]}, BODY),
        ({"edit": [{"op": "replace", "path": "", "value": []}]}, b"[]"),
    ],
    ids=str,
)
def test_a_body_can_be_spoilt(fault: Any, body: bytes) -> None:
    """Malformed, truncated, empty or edited; an edit that does not fit is not applied."""
    assert body_of(fault) == body


def test_a_malformed_body_is_no_json() -> None:
    """What is malformed cannot be decoded."""
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(body_of("malformed") or b"{}")


def test_a_spoilt_body_is_signed_as_it_is() -> None:
    """The signature is of the bytes that are sent, so that only the body is wrong."""
    sent = outgoing(KEY).prepare(account(), new("malformed"))
    spoilt = BODY[:-1] + b",}"
    assert sent["webhook-signature"] == signature(KEY, "msg_1", NOW_S, spoilt)


def test_a_wrong_type_is_that_of_the_header() -> None:
    """The body is whole JSON, and its header says text."""
    assert outgoing().prepare(account(), new("wrong-type")) == {
        "content-type": "text/plain; charset=utf-8"
    }


def test_a_wrong_signature_spares_the_body() -> None:
    """With a fault of the signature the bytes are as ever; unsigned has no header of a signature."""
    out = outgoing(KEY)
    good = out.prepare(account(), new())
    bad = out.prepare(account(), new("signature=bad"))
    assert bad["webhook-signature"] != good["webhook-signature"]
    assert {**bad, "webhook-signature": ""} == {**good, "webhook-signature": ""}
    assert out.prepare(account(), new("signature=unsigned")) == {"content-type": CONTENT_TYPE}
    assert body_of("signature=bad") == BODY
