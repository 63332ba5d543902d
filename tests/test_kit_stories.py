"""Parts of the kit by themselves: stories judged as sets, notifications, signatures, links."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from contract_tests import checks, documents, links, notices, webhook
from contract_tests.checks import Broken
from contract_tests.observation import Answer, Notification, Request
from contract_tests.oracle import KnownVoice
from contract_tests.signatures import IllegalSecret
from contract_tests.story import Glimpse, judged

#: The vector of the vendor's callback page.
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
OTHER = "whsec_b3RoZXJzZWNyZXRvdGhlcnNlY3JldG90aGVyc2VjcmV0"
BODY = (
    b'{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,'
    b'"update_time":1781080794151}'
)
SIGNED = {
    "webhook-id": "9876543210",
    "webhook-timestamp": "1781080794",
    "webhook-signature": "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
}
NOW_S = 1781080800.0
BEGAN = 1_722_769_557_000


def record(status: str, after_ms: int = 0, **more: Any) -> dict[str, Any]:
    """A task as a query shows it, some time after it was made."""
    found: dict[str, Any] = {
        "task_id": "1",
        "task_status": status,
        "task_info": {},
        "created_at": BEGAN,
        "updated_at": BEGAN + after_ms,
        "task_result": {},
    }
    if status == "succeed":
        found["task_result"] = {"voices": [{"voice_id": "2", "voice_name": "Narrator"}]}
    return found | more


def glimpse(seen: dict[str, Any], began_s: float, ended_s: float | None = None) -> Glimpse:
    """A look that took no time, or until an instant."""
    return Glimpse(seen, began_s, began_s if ended_s is None else ended_s)


def broken_by(look: Callable[[], object]) -> str:
    """The clause that a look breaks, be it the end of the look or not; empty where none is."""
    checks.noted.clear()
    try:
        look()
    except Broken as broken:
        return broken.clause
    found = [one.clause for one in checks.noted if not isinstance(one, checks.Finding)]
    checks.noted.clear()
    return found[0] if found else ""


def story() -> list[Glimpse]:
    """An ordinary life, with two looks that overlap and arrive the wrong way round."""
    return [
        glimpse(record("submitted"), 0),
        glimpse(record("processing", 2000), 2),
        glimpse(record("succeed", 9000), 8.5, 9.5),
        glimpse(record("processing", 2000), 8.6, 9.6),
        glimpse(record("succeed", 9000), 11),
    ]


def test_a_story_is_judged_in_any_order() -> None:
    """Whatever the order in which looks are handed in, a healthy story is no failure."""
    for seed in range(50):
        looks = story()
        random.Random(seed).shuffle(looks)
        judged(looks)


@pytest.mark.parametrize(
    ("look", "clause"),
    [
        (glimpse(record("processing", 2000), 20), "task.status.terminal"),
        (glimpse(record("submitted", 3000), 2.5), "task.status.transitions"),
        (glimpse(record("processing", 1000), 3), "task.updated-at.monotone"),
        (glimpse(record("processing", 2000, created_at=BEGAN + 1), 3), "task.created-at.constant"),
        (glimpse(record("succeed", 9000, task_id="3"), 12), "task.id.constant"),
        (
            glimpse(record("succeed", 9000, task_result={"voices": [{"voice_id": "3"}]}), 12),
            "task.status.terminal",
        ),
    ],
)
def test_a_look_that_does_not_fit_breaks_the_story(look: Glimpse, clause: str) -> None:
    """One look that contradicts the others is found, wherever it stands among them."""
    for place in range(len(story()) + 1):
        looks = story()
        looks.insert(place, look)
        assert broken_by(partial(judged, looks)) == clause


def notification(body: object, number: int = 0) -> Notification:
    """What arrived."""
    return Notification(number, "POST", "/hook", {}, json.dumps(body).encode())


def known() -> KnownVoice:
    """A task that was seen to succeed."""
    task = KnownVoice({"voice_name": "Narrator", "voice_url": "http://x/sample.wav"}, [])
    for place, seen in enumerate([record("submitted"), record("succeed", 9000)]):
        task.seen.append(seen)
        task.glimpses.append(glimpse(seen, place))
    return task


def test_notifications_may_come_twice() -> None:
    """What was told may be told again in the same words, even later: delivery is at least once."""
    told = [record("processing", 2000), record("succeed", 9000), record("processing", 2000)]
    notices.agree(known(), [notification(body) for body in [*told, told[1]]])


@pytest.mark.parametrize(
    ("bodies", "clause"),
    [
        ([record("succeed", 9000), record("processing", 2000)], "callback.order"),
        ([record("succeed", 9000), record("processing", 9500)], "callback.order"),
        ([record("failed", 9000, task_status_msg="no")], "callback.agrees-with-query"),
        (
            [record("succeed", 9000, task_result={"voices": [{"voice_id": "3"}]})],
            "callback.agrees-with-query",
        ),
        ([record("succeed", 9000, task_id="7")], "callback.on-change"),
        ([record("succeed", 9000, task_info={"external_task_id": "x"})], "task.info.empty"),
        ([record("succeed", 9000, created_at=BEGAN - 1)], "callback.agrees-with-query"),
    ],
)
def test_notifications_that_contradict_are_found(bodies: list[Any], clause: str) -> None:
    """Another order, end, instant or task than queries showed is found."""
    assert (
        broken_by(lambda: notices.agree(known(), [notification(body) for body in bodies])) == clause
    )


@pytest.mark.parametrize("is_told", [False, True], ids=["seen", "told"])
def test_an_update_after_the_end_is_noted(is_told: bool) -> None:
    """Another updated_at of the same end, in a look or a notification, is a finding that ends nothing."""
    checks.noted.clear()
    if is_told:
        notices.agree(known(), [notification(record("succeed", 9001))])
    else:
        judged([*story(), glimpse(record("succeed", 9001), 20)])
    assert [noted.clause for noted in checks.noted] == ["task.updated-at.final"]
    checks.noted.clear()


def signed(headers: Mapping[str, str], body: bytes = BODY) -> Notification:
    """A notification with headers."""
    return Notification(0, "POST", "/hook", headers, body)


def signing(secrets: str = "") -> webhook.Signing:
    """What is known of an account with these secrets."""
    return webhook.Signing(webhook.keys(secrets))


def test_the_vendor_s_vector_is_valid() -> None:
    """The published example is signed with the published secret, alone or in a rotation."""
    webhook.signed(signed(SIGNED), signing(SECRET), NOW_S)
    webhook.signed(signed({}), signing(), NOW_S)


@pytest.mark.parametrize(
    ("headers", "secrets", "clause"),
    [
        ({}, SECRET, "callback.signature"),
        ({"webhook-id": "1"}, "", "callback.signature"),
        ({**SIGNED, "webhook-signature": "v1,AAAA"}, "", "callback.signature"),
        ({**SIGNED, "webhook-id": "1"}, SECRET, "callback.signature"),
        ({**SIGNED, "webhook-timestamp": "1781080795"}, SECRET, "callback.signature"),
        ({**SIGNED, "webhook-timestamp": "1781080794000"}, SECRET, "callback.signature"),
        (SIGNED, OTHER, "callback.signature"),
        (SIGNED, f"{SECRET},{OTHER}", "callback.signature.rotation"),
    ],
)
def test_wrong_signatures_are_found(headers: dict[str, str], secrets: str, clause: str) -> None:
    """Missing headers, another id, instant, unit or secret, and half a rotation are found."""
    with pytest.raises(Broken) as broken:
        webhook.signed(signed(headers), signing(secrets), NOW_S)
    assert broken.value.clause == clause


def test_an_old_signature_is_found() -> None:
    """A valid signature of an instant long past is stale."""
    with pytest.raises(Broken, match="webhook-timestamp"):
        webhook.signed(signed(SIGNED), signing(SECRET), NOW_S + 600)


def test_a_signature_of_a_time_to_come_is_found() -> None:
    """Unless the kit moves the clock, an instant that lies ahead is as wrong as one long past."""
    with pytest.raises(Broken, match="webhook-timestamp"):
        webhook.signed(signed(SIGNED), signing(), NOW_S - 600)
    webhook.signed(signed(SIGNED), webhook.Signing(may_be_ahead=True), NOW_S - 600)


def test_without_a_secret_nothing_is_called_kept() -> None:
    """Well-formed headers are no breach without a secret, and no proof either."""
    checks.looked.clear()
    webhook.signed(signed(SIGNED), signing(), NOW_S)
    assert "callback.signature" not in checks.looked


def test_what_is_no_secret_is_not_repeated() -> None:
    """A text that is no webhook secret is refused, and the message does not show it."""
    with pytest.raises(IllegalSecret) as refused:
        webhook.keys("whsec_hunter!")
    assert "hunter" not in str(refused.value)


def test_links_lead_on_from_an_exchange() -> None:
    """The expressions of a link are worked out from the exchange; one that leads to nothing is said."""
    found = {str(link): link for link in links.links(documents.document("klingai"))}
    assert {*found} == {
        "createCustomVoice.queryCreated",
        "getCustomVoice.pollAgain",
        "getCustomVoice.deleteVoice",
    }
    path = "/v1/general/custom-voices/{id}"
    asked = Request("GET", "http://x/v1/general/custom-voices/1?a=b", {"X-Y": "z"})
    answer = Answer(asked, 200, {}, json.dumps({"data": record("succeed")}).encode())
    deletion = found["getCustomVoice.deleteVoice"]
    assert links.call(deletion, answer, path).body == {"voice_id": "2"}
    words = ["$url", "$method", "$statusCode", "$request.path.id", "$request.query.a"]
    words += ["$request.header.x-y", "at {$response.body#/data/task_id}!"]
    link = links.Link("l", "getCustomVoice", 200, "x", {"q": words}, None)
    came_to = [asked.url, "GET", 200, "1", "b", "z", "at 1!"]
    assert links.call(link, answer, path).query == {"q": came_to}
    early = Answer(asked, 200, {}, json.dumps({"data": record("processing")}).encode())
    with pytest.raises(links.NoValue):
        links.call(deletion, early, path)
