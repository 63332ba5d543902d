"""Who may use the control API, and for which account; and that it gives no secret away."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import jwt
import pytest

from mock_server import RunningServer
from tests.http.api import NOTHING, START, Answer, Api, api
from tests.http.test_control import operations

#: What anybody may ask.
OPEN = ("/health", "/openapi/", "/openapi/{name}")
GUARDED = [
    (method, path.replace("{id}", "1"), "requestBody" in item)
    for method, path, item in operations()
    if path not in OPEN
]
guarded = pytest.mark.parametrize(
    ("method", "path", "takes_body"), GUARDED, ids=[f"{item[0]} {item[1]}" for item in GUARDED]
)


def ask(mock: Api, method: str, path: str, takes_body: bool, **headers: str) -> tuple[int, str]:
    """Calls an operation with an empty object where it takes one: status and words."""
    status, value = mock.control(method, path, {} if takes_body else NOTHING, headers)
    return status, value.get("error", "")


#: Good bodies where the document gives no example.
BODIES = {"transitionTask": {"to": "succeed"}, "settle": {}, "setScenario": {"scenario": "slow"}}


def example(item: dict[str, Any]) -> Any:
    """A good body of an operation, if it takes one."""
    if "requestBody" not in item:
        return NOTHING
    media = item["requestBody"]["content"]["application/json"]
    examples = [found["value"] for found in media.get("examples", {}).values()]
    return [*examples, BODIES.get(item["operationId"])][0]


def test_nearly_everything_is_guarded() -> None:
    """Only health and the documents are open."""
    assert len(GUARDED) == len(operations()) - len(OPEN) > 30


@guarded
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_beyond_loopback_a_token_is_needed(
    host: str, method: str, path: str, takes_body: bool
) -> None:
    """A server that listens beyond loopback refuses its control API until it is started with a token."""
    status, words = ask(api(host=host), method, path, takes_body)

    assert status == 403
    assert "--control-token" in words


def test_health_documents_and_the_mocked_api_need_no_token() -> None:
    """What is open stays open beyond loopback, with and without a token configured."""
    for mock in (
        api(host="0.0.0.0"),
        api(host="0.0.0.0", control_token="t"),
        api(control_token="t"),
    ):
        for path in ("/health", "/openapi/", "/openapi/control.yaml", "/openapi/klingai.json"):
            assert mock.http.get("/__mock__" + path).status_code == 200
        assert mock.presets().status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_on_loopback_no_token_is_needed(host: str) -> None:
    """A server that listens on loopback only serves its control API without a token."""
    assert api(host=host).control("GET", "/clock")[0] == 200


@guarded
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_configured_token_is_asked_for_everywhere(
    host: str, method: str, path: str, takes_body: bool
) -> None:
    """With a token configured each guarded operation is 401 without it and with a wrong one; the right one opens."""
    mock = api(host=host, control_token="the-token")

    for given in (
        {},
        {"x-mock-token": ""},
        {"x-mock-token": "the-tokenx"},
        {"x-mock-token": "THE-TOKEN"},
    ):
        status, words = ask(mock, method, path, takes_body, **given)
        assert (status, "X-Mock-Token" in words) == (401, True)
    status, _ = ask(mock, method, path, takes_body, **{"x-mock-token": "the-token"})
    assert status in (200, 400, 404)


@pytest.mark.parametrize("given", ["wrong", "the-tokén ", "the-token", "é", "\u00ff" * 2000])
def test_token_is_compared_whatever_its_characters(given: str) -> None:
    """A wrong token of any length and alphabet is 401, never an error of the server."""
    mock = api(control_token="the-tokén")
    headers = {b"x-mock-token": given.encode("latin-1"), b"authorization": b"Bearer k"}

    assert mock.http.get("/__mock__/clock", headers=list(headers.items())).status_code == 401


def test_token_is_no_credential_and_no_credential_is_the_token() -> None:
    """The token names no account, and a credential opens nothing: they travel in headers of their own."""
    mock = api(control_token="t")

    assert ask(mock.using(""), "GET", "/clock", False, **{"x-mock-token": "t"})[0] == 401
    assert ask(mock.using("t"), "GET", "/clock", False)[0] == 401
    assert ask(mock, "GET", "/clock?token=t&x-mock-token=t", False)[0] == 401


@guarded
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://mock.test.evil.example"},
        {"origin": "http://mock.test:1"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {
            "origin": "http://127.0.0.1:8700",
            "sec-fetch-site": "cross-site",
            "host": "127.0.0.1:8700",
        },
        {"origin": "http://evil.example", "host": "evil.example"},
        {"sec-fetch-site": "same-origin", "host": "evil.example"},
    ],
    ids=str,
)
def test_pages_of_other_sites_are_refused(
    method: str, path: str, takes_body: bool, headers: dict[str, str]
) -> None:
    """A page of another origin, or one whose own name was rebound to this machine, is 403 everywhere."""
    status, words = ask(api(), method, path, takes_body, **headers)

    assert status == 403
    assert "other sites" in words


def test_rebound_page_cannot_read() -> None:
    """A GET of a page whose name was rebound to this machine shows in its Host alone; own names are served."""
    with (
        RunningServer(speed=0) as server,
        httpx2.Client(base_url=server.base_url, trust_env=False) as client,
    ):
        mock = Api(client)
        for path in ("/journal", "/tasks", "/clock", "/accounts"):
            status, words = ask(mock, "GET", path, False, host="evil.example:8700")
            assert (status, "evil.example" in words) == (403, True)
            for own in ("localhost:1", "127.0.0.1", "[::1]:8700"):
                assert ask(mock, "GET", path, False, host=own)[0] == 200


def test_refused_page_changes_nothing() -> None:
    """A refused page has moved no clock and reset no account; health stays open to it."""
    mock = api()
    task_id = mock.learn().data["task_id"]
    headers = {"origin": "http://evil.example"}

    assert mock.control("POST", "/clock/advance", {"by": 9}, headers)[0] == 403
    assert mock.control("POST", "/reset", headers=headers)[0] == 403
    assert mock.control("GET", "/health", headers=headers)[0] == 200
    assert mock.control("GET", "/clock")[1]["now"] == START
    assert mock.voice(task_id).status == 200


def test_token_does_not_open_for_foreign_pages() -> None:
    """A page of another site is refused even with the right token."""
    mock = api(control_token="t")

    headers = {"x-mock-token": "t", "origin": "http://evil.example"}
    assert ask(mock, "GET", "/clock", False, **headers)[0] == 403


@pytest.mark.parametrize("own", ["127.0.0.1:8700", "localhost:8700", "[::1]:8700", "a.localhost"])
@pytest.mark.parametrize("site", [None, "same-origin", "none"])
def test_pages_of_the_mock_itself_are_let_in(own: str, site: str | None) -> None:
    """A request whose Origin is the mock's own address is served; so is one that a person typed."""
    headers = {"origin": f"http://{own}", "host": own} | ({"sec-fetch-site": site} if site else {})

    assert api().control("GET", "/clock", headers=headers)[0] == 200


def test_public_name_is_the_mocks_own() -> None:
    """A page below --public-url is the mock's own."""
    mock = api(public_url="https://kling.example/base")
    headers = {"origin": "https://kling.example", "host": "kling.example"}

    assert mock.control("GET", "/clock", headers=headers)[0] == 200


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
    assert f"did you mean '{account}'" in value["error"]


@pytest.mark.parametrize("headers", [{}, {"authorization": ""}, {"authorization": "Basic x"}])
def test_nobody_has_no_account(headers: dict[str, str]) -> None:
    """Without a credential or ?account= an account's operation is 401 with the remedy."""
    nobody = api().using("")
    for method, path, item in operations():
        if path in (*OPEN, "/accounts", "/scenarios"):
            continue
        status, value = nobody.control(method, path.replace("{id}", "1"), example(item), headers)
        assert (status, "?account=" in value["error"]) == (401, True), path


def test_scenarios_and_accounts_need_no_account() -> None:
    """What belongs to the server is told without a credential."""
    nobody = api().using("")

    assert nobody.control("GET", "/scenarios")[0] == nobody.control("GET", "/accounts")[0] == 200


SECRETS = ("sk-planted-key", "PLANTEDUSER", "PLANTEDPASS", "PLANTEDQUERY", "PLANTEDSIGN")
LEAKY = {
    "voice_name": "Ada",
    "voice_url": "https://PLANTEDUSER:PLANTEDPASS@example.com/ada.mp3?X-Sig=PLANTEDSIGN",
    "callback_url": "http://PLANTEDUSER:PLANTEDPASS@127.0.0.1:9/hook?token=PLANTEDQUERY",
}
VOICES = "/v1/general/custom-voices"


def _told(mock: Api) -> str:
    """All that the control API says of an account, refusals included."""
    told: list[Any] = []
    for method, path, takes_body in GUARDED:
        if (method, path) in (("POST", "/reset"), ("DELETE", "/journal")):
            continue
        told.append(mock.control(method, path, {} if takes_body else NOTHING))
    task_id = mock.control("GET", "/tasks")[1]["tasks"][0]["task_id"]
    told.append(mock.control("GET", f"/tasks/{task_id}"))
    wanted = {"voice_url": "x", "callback_url": "y", "voice_name": "z"}
    for match in ({"body": wanted}, {"task": "nobody"}, {"path": "/nowhere", "body": wanted}):
        told.append(mock.control("POST", "/journal/verify", {"expect": [{"match": match}]}))
        wait = {"for": "request", "match": match, "timeout": 0.01}
        told.append(mock.control("POST", "/wait", wait))
    wait = {"for": "callback", "match": {"task": task_id}, "timeout": 0.01}
    told.append(mock.control("POST", "/wait", wait))
    return json.dumps(told)


@pytest.mark.parametrize(
    "create",
    [
        pytest.param(lambda mock: mock.learn(**LEAKY), id="accepted"),
        pytest.param(lambda mock: mock.learn(**LEAKY, external_task_id=5), id="refused"),
        pytest.param(lambda mock: mock.post(VOICES, {**LEAKY, "x": LEAKY}), id="nested"),
        pytest.param(lambda mock: mock.post(VOICES, [LEAKY]), id="array"),
        pytest.param(lambda mock: mock.post("/nowhere", LEAKY), id="unknown path"),
        pytest.param(lambda mock: mock.post("/v1/audio/tts", LEAKY), id="another operation"),
    ],
)
def test_addresses_with_secrets_are_never_shown(create: Callable[[Api], Answer]) -> None:
    """User information, queries and signatures of a client's addresses appear in no answer, nor does its key."""
    mock = api().using("sk-planted-key")
    mock.control("POST", "/reset")
    mock.learn()
    create(mock)

    told = _told(mock)

    assert [secret for secret in SECRETS if secret in told] == []


def test_tokens_are_never_shown() -> None:
    """A JSON Web Token that names the account, good or bad, appears in no answer."""
    token = jwt.encode({"iss": "planted", "exp": 4_000_000_000}, "x" * 32, algorithm="HS256")
    mock = api().using(token)
    mock.learn()
    told = _told(mock) + json.dumps(mock.using(token + "x").control("GET", "/clock"))
    mock.using(token[:-8]).learn()
    told += json.dumps(mock.control("GET", "/journal?account=-"))

    assert mock.control("GET", "/clock")[1]["account"] == "planted"
    assert token.rpartition(".")[2] not in told
    assert token[:-8] not in told


def test_keys_of_refused_requests_are_never_shown() -> None:
    """The journal of requests without a valid credential holds none of what was sent as one."""
    mock = api(api_key="the-only-key").using("sk-planted-key")
    assert mock.learn(external_task_id="mine").status == 401

    mine = mock.using("the-only-key")
    entries = mine.control("GET", "/journal?account=-")[1]["entries"]

    assert [item["status"] for item in entries] == [401]
    assert "planted" not in json.dumps(entries)
    assert "the-only-key" not in json.dumps(mine.control("GET", "/accounts"))
