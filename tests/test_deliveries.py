"""The deliveries of one account: numbers, states, and how many are kept."""

from __future__ import annotations

import pytest

from mock_server import deliveries as module
from mock_server.core.task import observe_step
from mock_server.deliveries import OVER, Deliveries, Delivery, DeliveryState
from tests.support.tasks import voice_task

TASK = voice_task(callback_url="http://receiver.test/")
SEEN = observe_step(TASK, 1)


def new(deliveries: Deliveries) -> Delivery:
    """Makes a delivery."""
    return deliveries.new("msg_1", TASK, SEEN, None)


def test_deliveries_are_numbered_in_their_order() -> None:
    """The first is 1; each is found by its number, and all are listed oldest first."""
    deliveries = Deliveries()
    made = [new(deliveries) for _ in range(3)]
    assert [item.number for item in made] == [1, 2, 3]
    assert list(deliveries) == made
    assert deliveries.get(2) is made[1]
    assert [deliveries.get(number) for number in (0, 4, -1)] == [None] * 3
    assert len(deliveries) == 3


def test_a_new_delivery_is_pending_and_not_rendered() -> None:
    """Nothing was tried, nothing is planned, and there are no bytes yet."""
    delivery = new(Deliveries())
    assert (delivery.state, delivery.attempts) == (DeliveryState.PENDING, [])
    assert (delivery.body, delivery.headers, delivery.next_at, delivery.original) == (None,) * 4


def test_equal_deliveries_are_not_the_same() -> None:
    """Two callbacks alike in everything are two."""
    deliveries = Deliveries()
    first, second = new(deliveries), new(deliveries)
    second.number = first.number
    assert first != second


@pytest.mark.parametrize("state", sorted(OVER))
def test_what_is_over_has_nothing_planned(state: DeliveryState) -> None:
    """A delivery that is over keeps no next attempt."""
    deliveries = Deliveries()
    delivery = new(deliveries)
    delivery.next_at = 5
    deliveries.finish(delivery, state)
    assert [(item.state, item.next_at) for item in deliveries] == [(state, None)]


def test_what_is_over_is_dropped_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of deliveries that are over the oldest of them goes, and is counted."""
    monkeypatch.setattr(module, "KEPT", 2)
    deliveries = Deliveries()
    made = [new(deliveries) for _ in range(5)]
    for item in (made[1], made[3], made[2], made[4]):
        deliveries.finish(item, DeliveryState.DELIVERED)
    # The first is pending: it is kept however old it is.
    assert list(deliveries) == [made[0], made[3], made[4]]
    assert deliveries.dropped == 2
    assert deliveries.get(2) is None
    assert new(deliveries).number == 6


def test_what_is_over_twice_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A delivery that is finished again takes no second place."""
    monkeypatch.setattr(module, "KEPT", 1)
    deliveries = Deliveries()
    delivery = new(deliveries)
    for state in (DeliveryState.FAILED, DeliveryState.DROPPED, DeliveryState.DELIVERED):
        deliveries.finish(delivery, state)
    assert list(deliveries) == [delivery]
    assert deliveries.dropped == 0


def test_deliveries_can_change_while_they_are_walked() -> None:
    """Whoever walks sees those that were there when it began."""
    deliveries = Deliveries()
    new(deliveries)
    for _ in deliveries:
        new(deliveries)
    assert len(deliveries) == 2
