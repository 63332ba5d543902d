"""The control API: health, documents, clock; who is let in; and that openapi/control.yaml describes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from mock_server import __version__
from mock_server.http.app import create_app
from tests.http import documents
from tests.http.api import BASE_URL, NOTHING, START, Api, api

NAMES = ["klingai", "kkiai", "ezmodel", "extensions", "control"]
YEAR_10_S = 315_360_000

#: Every operation of the control API, as (method, path, status without more).
OPERATIONS = [
    ("GET", "/health", 200),
    ("GET", "/openapi/", 200),
    ("GET", "/openapi/klingai.json", 200),
    ("GET", "/clock", 200),
    ("POST", "/clock/advance", 400),
    ("POST", "/tasks/1/transition", 404),
]


def test_health_says_which_world_this_is() -> None:
    """Health names product, version and seed, without a credential."""
    assert api(seed="a seed").using("").control("GET", "/health") == (
        200,
        {"server": "kling-mock", "version": __version__, "seed": "a seed"},
    )


def test_seed_is_random_unless_given() -> None:
    """Two servers without a seed have different ones, and say which."""
    seeds = {api(seed="", polls=number).control("GET", "/health")[1]["seed"] for number in (1, 2)}

    assert len(seeds) == 2
    assert "" not in seeds


def test_documents_are_listed_and_served_in_both_forms() -> None:
    """Each document is served as JSON and as YAML, both are equal, and neither refers to another file."""
    mock = api().using("")
    listed = mock.control("GET", "/openapi/")[1]
    assert list(listed) == NAMES

    for name, url in listed.items():
        assert url == f"{BASE_URL}/__mock__/openapi/{name}.json"
        as_json = mock.http.get(url)
        as_yaml = mock.http.get(url.replace(".json", ".yaml"))
        assert as_json.headers["content-type"] == "application/json"
        assert as_yaml.headers["content-type"].startswith("application/yaml")
        assert yaml.safe_load(as_yaml.text) == as_json.json() == documents.document(name)
        assert ".yaml#" not in as_json.text


@pytest.mark.parametrize(
    "name", ["klingai", "klingai.xml", ".json", "x.json", "..%2Fklingai.json", "json"]
)
def test_unknown_document_is_404_and_the_known_are_named(name: str) -> None:
    """A document that does not exist is 404 with the names of those that do."""
    status, value = api().control("GET", f"/openapi/{name}")

    assert status == 404
    assert "klingai" in value["error"]


def test_clock_is_the_accounts_own() -> None:
    """An advance moves the account's clock by exactly that much, and no other account's."""
    mock = api()
    other = mock.using(mock.key + "-other")
    account = mock.control("GET", "/clock")[1]["account"]

    status, value = mock.control("POST", "/clock/advance", {"by": 2.5})

    assert (status, value) == (
        200,
        {"account": account, "now": START + 2500, "rate": 0.0, "from": START, "events": []},
    )
    assert mock.control("GET", "/clock")[1] == {
        "account": account,
        "now": START + 2500,
        "rate": 0.0,
    }
    assert other.control("GET", "/clock")[1]["now"] == START


def test_advance_tells_what_happened_in_due_order() -> None:
    """The events of an advance are the transitions of all tasks on the way, ordered by their instants."""
    mock = api()
    first = mock.learn().data["task_id"]
    mock.advance(1)
    second = mock.learn(voice_name="mock:too-short").data["task_id"]

    events = mock.advance(8)

    told = [
        (item["at"] - START, item["task_id"], item["status"], item["message"]) for item in events
    ]
    assert told == [
        (2000, first, "processing", ""),
        (3000, second, "processing", ""),
        (5000, second, "failed", "The duration of the voice must be between 5 and 30 seconds"),
        (9000, first, "succeed", ""),
    ]
    assert {item["event"] for item in events} == {"transition"}
    assert {item["kind"] for item in events} == {"custom_voice"}


def test_advances_add_up() -> None:
    """Two advances do to tasks what one of their sum does."""
    one, two = api(), api()
    for mock in (one, two):
        mock.learn(external_task_id="e")
    one.advance(9)
    for _ in range(9):
        two.advance(1)

    mine, theirs = one.voice("e").data, two.voice("e").data

    assert mine["task_status"] == theirs["task_status"] == "succeed"
    assert mine["updated_at"] == theirs["updated_at"]


@pytest.mark.parametrize("seconds", [0, 0.0, -0.0, 1e-9, 0.001, 1, YEAR_10_S])
def test_advance_takes_seconds(seconds: float) -> None:
    """From 0 to ten years are accepted, to the millisecond."""
    mock = api()

    status, value = mock.control("POST", "/clock/advance", {"by": seconds})

    assert (status, value["now"]) == (200, START + round(seconds * 1000))


@pytest.mark.parametrize(
    "body",
    [
        NOTHING,
        b"",
        b"{",
        b"\xff",
        b"null",
        b"[]",
        b"9",
        b"{}",
        b'{"by": NaN}',
        b'{"by": Infinity}',
        b'{"by": 1e999}',
        b'{"by": -1}',
        b'{"by": -1e-9}',
        b'{"by": true}',
        b'{"by": null}',
        b'{"by": "9"}',
        b'{"by": [9]}',
        b'{"by": 315360001}',
        b'{"by": 1e308}',
        b'{"by": ' + b"9" * 400 + b"}",
        b'{"by": 9, "to": 9}',
        b'{"seconds": 9}',
        b"[" * 10_000,
    ],
    ids=lambda body: ascii(body)[:24],
)
def test_advance_by_anything_else_is_refused(body: Any) -> None:
    """No number, a negative, huge or not finite one, an unknown key or no object is 400, and the clock stands still."""
    mock = api()

    status, value = mock.control("POST", "/clock/advance", body)

    assert status == 400
    assert set(value) == {"error"}
    assert mock.control("GET", "/clock")[1]["now"] == START


def test_unknown_key_is_named() -> None:
    """The error of an unknown key names it and shows the right body."""
    _, value = api().control("POST", "/clock/advance", {"by": 9, "until": "succeed"})

    assert "'until'" in value["error"]
    assert "'by'" in value["error"]


def test_account_is_named_by_credential_or_parameter() -> None:
    """?account= names an account that was seen, and wins over the credential; unknown ones are 404 with the nearest."""
    mock = api()
    account = mock.control("GET", "/clock")[1]["account"]
    stranger = mock.using("")

    status, value = stranger.control("POST", f"/clock/advance?account={account}", {"by": 9})
    assert (status, value["now"]) == (200, START + 9000)
    assert mock.control("GET", "/clock")[1]["now"] == START + 9000
    other = mock.using(mock.key + "-other")
    assert other.control("GET", f"/clock?account={account}")[1]["account"] == account
    status, value = stranger.control("GET", f"/clock?account={account}x")
    assert status == 404
    assert account in value["error"]


@pytest.mark.parametrize("headers", [{}, {"authorization": ""}, {"authorization": "Basic x"}])
def test_nobody_has_no_clock(headers: dict[str, str]) -> None:
    """Without a credential or ?account= the clock is 401 with the remedy."""
    status, value = api().using("").control("GET", "/clock", headers=headers)

    assert status == 401
    assert "?account=" in value["error"]


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "https://mock.test.evil.example", "http://mock.test:1", ""],
)
def test_pages_of_other_sites_are_refused(origin: str) -> None:
    """A request of a page of another origin is 403 and moves nothing; health and documents stay open."""
    mock = api()
    headers = {"origin": origin}

    status, _ = mock.control("POST", "/clock/advance", {"by": 9}, headers)

    assert status == 403
    assert mock.control("GET", "/clock", headers=headers)[0] == 403
    assert mock.control("GET", "/clock")[1]["now"] == START
    assert mock.control("GET", "/health", headers=headers)[0] == 200


def test_pages_of_the_mock_itself_are_let_in() -> None:
    """A request whose Origin is the mock's own address is served."""
    for own in ("127.0.0.1:8700", "localhost:8700", "[::1]:8700"):
        headers = {"origin": f"http://{own}", "host": own}
        assert api().control("GET", "/clock", headers=headers)[0] == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_beyond_loopback_a_token_is_needed(host: str) -> None:
    """A server that listens beyond loopback refuses its control API until it is started with a token."""
    mock = api(host=host)

    for method, path, _ in OPERATIONS[3:]:
        status, value = mock.control(method, path, {"by": 9} if method == "POST" else NOTHING)
        assert status == 403
        assert "--control-token" in value["error"]
    assert mock.control("GET", "/health")[0] == 200
    assert mock.presets().status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_on_loopback_no_token_is_needed(host: str) -> None:
    """A server that listens on loopback only serves its control API without a token."""
    assert api(host=host).control("GET", "/clock")[0] == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("given", ["", "wrong", "the-token ", "the-tokenx", "é"])
def test_configured_token_is_asked_for_everywhere(host: str, given: str) -> None:
    """With a token configured it is needed in X-Mock-Token on any address; the right one opens."""
    mock = api(host=host, control_token="the-tokén")
    headers = {b"x-mock-token": given.encode("latin-1"), b"authorization": b"Bearer k"}

    refused = mock.http.get("/__mock__/clock", headers=list(headers.items()))
    missing = mock.control("GET", "/clock")

    assert refused.status_code == missing[0] == 401
    assert mock.control("GET", "/health")[0] == 200
    opened = api(host=host, control_token="right").control(
        "GET", "/clock", headers={"x-mock-token": "right"}
    )
    assert opened[0] == 200


def test_description_has_exactly_the_operations_that_exist() -> None:
    """openapi/control.yaml and the routes name the same methods and paths."""
    described = {
        (method.upper(), path)
        for path, item in documents.document("control")["paths"].items()
        for method in item
    }
    served = {
        (method, "/__mock__" + route.path)
        for mount in create_app().routes
        if getattr(mount, "path", "") == "/__mock__"
        for route in getattr(mount, "routes", [])
        if route.path != "/{path:path}"
        for method in route.methods - {"HEAD"}
    }

    assert served == described


@pytest.mark.parametrize(("method", "path", "expected"), OPERATIONS)
def test_described_operations_answer_as_described(method: str, path: str, expected: int) -> None:
    """Each described operation answers, with a body that has the schema of its status."""
    status, _ = api().control(method, path)

    assert status == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("POST", "/nothing"),
        ("GET", "/clock/"),
        ("GET", "/openapi"),
        ("POST", "/health"),
        ("DELETE", "/clock"),
        ("PUT", "/clock/advance"),
        ("GET", "/clock/advance"),
        ("OPTIONS", "/clock"),
    ],
)
def test_what_does_not_exist_is_said_in_json(method: str, path: str) -> None:
    """An unknown control path, or a wrong method, is refused as JSON that names what was asked for."""
    status, value = api().control(method, path)

    assert status in (404, 405)
    assert set(value) == {"error"}
    assert f"{method} /__mock__{path}" in value["error"]


def test_control_api_never_shows_the_credential() -> None:
    """No answer of the control API holds the key that named the account."""
    mock = api().using("sk-planted-key")

    for method, path, _ in OPERATIONS:
        assert "planted" not in json.dumps(mock.control(method, path)[1])
    mock.learn()
    assert "planted" not in json.dumps(mock.advance(9))


def test_browser_page_that_rebinds_its_name_is_another_site() -> None:
    """A page whose own name leads here (DNS rebinding) has an Origin equal to its Host, and is refused all the same."""
    mock = api()
    headers = {"origin": "http://evil.example", "host": "evil.example"}

    status, _ = mock.control("POST", "/clock/advance", {"by": 9}, headers)

    assert status == 403
    assert Api(mock.http, mock.key).control("GET", "/clock")[1]["now"] == START


def test_a_manual_task_moves_only_when_told() -> None:
    """Under the manual progression time moves nothing; a transition begins at once and is seen by the next query."""
    mock = api(progression="manual")
    task_id = mock.learn().data["task_id"]
    mock.advance(1000)
    assert mock.voice(task_id).data["task_status"] == "submitted"

    for status in ("processing", "succeed"):
        path = f"/tasks/{task_id}/transition"
        assert mock.control("POST", path, {"to": status})[1]["task_status"] == status
        assert mock.voice(task_id).data["task_status"] == status
    assert mock.voice(task_id).data["task_result"]["voices"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"to": "succeed"}, 409),
        ({"to": "processing"}, 409),
        ({"to": "succeeded"}, 400),
        ({}, 400),
        ({"to": 5}, 400),
        ({"to": "failed", "message": ""}, 400),
        ({"to": "failed", "message": 5}, 400),
        ({"to": "succeed", "message": "x"}, 400),
        ({"to": "succeed", "because": "x"}, 400),
        ([], 400),
    ],
)
def test_a_transition_that_cannot_be_changes_nothing(body: Any, status: int) -> None:
    """From a terminal status, to an unknown one or with odd words: refused, and the task is as it was."""
    mock = api()
    task_id = mock.learn().data["task_id"]
    mock.advance(9)
    before = mock.voice(task_id).data

    assert mock.control("POST", f"/tasks/{task_id}/transition", body)[0] == status

    assert mock.voice(task_id).data == before


def test_a_transition_cuts_the_plan() -> None:
    """What was planned after an intervention does not come any more, and what was seen before stays true."""
    mock = api()
    task_id = mock.learn().data["task_id"]
    mock.advance(2)

    told = mock.control("POST", f"/tasks/{task_id}/transition", {"to": "failed", "message": "No"})
    assert told[1]["task_status"] == "failed"

    assert mock.advance(100) == []
    found = mock.voice(task_id).data
    assert (found["task_status"], found["task_status_msg"]) == ("failed", "No")


def test_a_transition_of_another_accounts_task_is_not_found() -> None:
    """A task is moved by its own account only."""
    mock = api()
    task_id = mock.learn().data["task_id"]
    path = f"/tasks/{task_id}/transition"

    assert mock.using("somebody-else").control("POST", path, {"to": "succeed"})[0] == 404
