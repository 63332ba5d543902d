"""What is armed as a fault, a match or a plan: every kind that can be, and every mistake with its remedy."""

from __future__ import annotations

from typing import Any

import pytest

from mock_server import RunningServer
from tests.http.api import Api, api

SOCKETS = ["reset", "reset-in-body", "close", "short-body", "bad-chunk", "garbage"]

GOOD: list[Any] = [
    "5001",
    "server_unavailable",
    "504",
    "malformed",
    "html;status=503",
    "truncated;fraction=0",
    "dribble;over=0;chunks=1",
    "hang;commit=never",
    " 5001 ; retry-after = 0 ",
    "latency=0",
    "latency=uniform:0:0",
    "latency=lognormal:1:0.5:10",
    "scenario=slow",
    "commit=after;visible-after=0.5",
    {"reason": "rate_limit", "message": "Slow down", "retry_after": 86400, "latency": 3600},
    {"latency": {"lognormal": {"median": 1, "sigma": 0}}},
    {
        "edit": [
            {"op": "move", "from": "/data", "path": "/x"},
            {"op": "test", "path": "", "value": None},
        ]
    },
    {"commit": "before"},
]

#: A bad arming, and what its refusal must name.
BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "fault"),
    ({"fault": ""}, "fault"),
    ({"fault": " "}, "word"),
    ({"fault": None}, "fault"),
    ({"fault": 5001}, "fault"),
    ({"fault": []}, "fault"),
    ({"fault": {}}, "fault"),
    ({"fault": {"retry_after": 5}}, "fault"),
    ({"fault": "5009"}, "did you mean '500"),
    ({"fault": "resett"}, "did you mean 'reset'"),
    ({"fault": "429"}, "1302"),
    ({"fault": "5001;5000"}, "already"),
    ({"fault": "5001;retry=2"}, "did you mean 'retry-after'"),
    ({"fault": "5001;retry-after=soon"}, "'retry-after' must be a number"),
    ({"fault": "5001;retry-after=-1"}, "retry_after"),
    ({"fault": "5001;retry-after=86401"}, "86400"),
    ({"fault": "latency=3601"}, "3600"),
    ({"fault": "latency=uniform:2:1"}, "delay"),
    ({"fault": "malformed;fraction=0.5"}, "'fraction' goes with body: truncated"),
    ({"fault": "truncated;fraction=1"}, "fraction"),
    ({"fault": "html;5001"}, "reason"),
    ({"fault": "html;status=204"}, "204"),
    ({"fault": "reset;malformed"}, "reset"),
    ({"fault": "reset;chunks=2"}, "'chunks' goes with socket: dribble"),
    ({"fault": "commit=sometimes"}, "commit"),
    ({"fault": "5001;visible-after=1"}, "'visible_after' goes with commit: after"),
    ({"fault": "message=x"}, "needs one of"),
    ({"fault": {"reason": "server_unavailabel"}}, "did you mean 'server_unavailable'"),
    ({"fault": {"body": "html", "reason": "server_error"}}, "fault.reason"),
    ({"fault": {"edit": []}}, "fault.edit"),
    ({"fault": {"edit": [{"op": "replace", "path": "/code"}]}}, "value"),
    ({"fault": {"edit": [{"op": "move", "path": "/code"}]}}, "from"),
    ({"fault": {"edit": [{"op": "add", "path": "code", "value": 1}]}}, "path"),
    ({"fault": {"latency": {"uniform": [1]}}}, "latency"),
    ({"fault": {"latency": {"unifrm": [1, 2]}}}, "did you mean 'uniform'"),
    ({"fault": "5001", "id": "a b"}, "id"),
    ({"fault": "5001", "id": "x" * 65}, "id"),
    ({"fault": "5001", "id": "a\n"}, "id"),
    ({"fault": "5001", "when": {"count": 0}}, "when.count"),
    ({"fault": "5001", "when": {"after": -1}}, "when.after"),
    ({"fault": "5001", "when": {"probability": 0}}, "when.probability"),
    ({"fault": "5001", "when": {"probability": 1.1}}, "when.probability"),
    ({"fault": "5001", "when": {"window": [5, 5]}}, "window"),
    ({"fault": "5001", "when": {"window": [5]}}, "when.window"),
    ({"fault": "5001", "when": {"ttl": 0}}, "when.ttl"),
    ({"fault": "5001", "when": {"cuont": 1}}, "did you mean 'count'"),
    ({"fault": "5001", "match": {"method": "get"}}, "did you mean 'GET'"),
    ({"fault": "5001", "match": {"path": "v1"}}, "match.path"),
    ({"fault": "5001", "match": {"body": []}}, "match.body"),
    ({"fault": "5001", "match": {"query": {"a": 1}}}, "match.query.a"),
    ({"fault": "5001", "match": {"operation": []}}, "match.operation"),
    ({"fault": "5001", "match": {"status": 200}}, "status"),
]


def everything(mock: Api) -> Any:
    """All that is armed."""
    return mock.control("GET", "/faults")[1], mock.control("GET", "/plans")[1]


@pytest.mark.parametrize("fault", GOOD, ids=str)
def test_every_kind_of_fault_is_armed_and_scripted(fault: Any) -> None:
    """As text and as object: armed it is shown as an object that may be armed again; in a plan as it was written."""
    mock = api()

    status, value = mock.control("POST", "/faults", {"fault": fault})

    assert status == 201
    again = mock.control("POST", "/faults", {"fault": value["fault"]})[1]
    assert again["fault"] == value["fault"]
    plan = mock.control("POST", "/plans", {"steps": {"getSpeech": [fault]}})[1]
    shown = fault.strip() if isinstance(fault, str) else fault
    assert plan["steps"]["getSpeech"]["left"] == [shown]


@pytest.mark.parametrize(("body", "words"), BAD, ids=[str(item[0])[:60] for item in BAD])
def test_what_is_no_fault_is_refused(body: dict[str, Any], words: str) -> None:
    """A mistake in a fault, its match or its when is 400, names the place or the remedy, and arms nothing."""
    mock = api()
    before = everything(mock)

    status, value = mock.control("POST", "/faults", body)

    assert (status, words in value["error"]) == (400, True), value
    assert everything(mock) == before


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "steps"),
        ({"steps": {}}, "steps"),
        ({"steps": []}, "steps"),
        ({"steps": {"getSpeech": []}}, "steps.getSpeech"),
        ({"steps": {"getSpeech": "ok"}}, "steps.getSpeech"),
        ({"steps": {"getSpeech": [None]}}, "steps.getSpeech[0]"),
        ({"steps": {"getSpeech": ["ok", "okay"]}}, "steps.getSpeech[1]"),
        ({"steps": {"getSpeech": ["ok"], "getVoice": ["ok"]}}, "getVoice"),
        ({"id": "", "steps": {"getSpeech": ["ok"]}}, "id"),
    ],
    ids=str,
)
def test_what_is_no_plan_is_refused(body: dict[str, Any], words: str) -> None:
    """A mistake anywhere in a plan is 400, names the step, and adds nothing."""
    mock = api()
    before = everything(mock)

    status, value = mock.control("POST", "/plans", body)

    assert (status, words in value["error"]) == (400, True), value
    assert everything(mock) == before


def test_unknown_scenario_in_a_fault_is_404() -> None:
    """A fault's scenario must exist; the nearest is named with the step."""
    mock = api()
    before = everything(mock)

    alone = mock.control("POST", "/faults", {"fault": "scenario=slwo"})
    script = {"steps": {"createSpeech": ["ok", {"scenario": "slwo"}]}}
    scripted = mock.control("POST", "/plans", script)

    assert (alone[0], scripted[0]) == (404, 404)
    assert alone[1]["error"].startswith("fault: ")
    assert scripted[1]["error"].startswith("steps.createSpeech[1]: ")
    assert "did you mean 'slow'" in alone[1]["error"]
    assert everything(mock) == before


@pytest.mark.parametrize("kind", SOCKETS)
def test_connection_cannot_fail_in_process(kind: str) -> None:
    """In-process there is no connection: a fault that needs one is refused at arming, with the reason."""
    mock = api()
    before = everything(mock)

    for path, body in (
        ("/faults", {"fault": kind}),
        ("/plans", {"steps": {"getSpeech": ["ok", {"socket": kind}]}}),
    ):
        status, value = mock.control("POST", path, body)
        assert (status, "in-process" in value["error"], kind in value["error"]) == (400, True, True)
    assert everything(mock) == before


def test_connection_can_fail_on_a_socket() -> None:
    """A server that listens takes every fault of a connection, in rules and plans."""
    import httpx2

    with (
        RunningServer(speed=0) as server,
        httpx2.Client(base_url=server.base_url, trust_env=False) as client,
    ):
        mock = Api(client)
        for kind in SOCKETS:
            status, value = mock.control("POST", "/faults", {"fault": kind, "when": {"count": 1}})
            assert (status, value["fault"]) == (201, {"socket": kind})
        steps = {"getSpeech": [{"socket": kind} for kind in SOCKETS]}
        assert mock.control("POST", "/plans", {"steps": steps})[0] == 201


def test_deeply_nested_match_is_shown_or_refused() -> None:
    """A match that is nested too deeply to be shown again is refused, and the list of faults stays readable."""
    mock = api()
    nested = b'{"fault": "5001", "match": {"body": {"a": ' + b"[" * 300 + b"]" * 300 + b"}}}"

    assert mock.control("POST", "/faults", nested)[0] == 400
    assert mock.control("GET", "/faults") == (200, {"faults": []})
