"""The account in a test's hands: credentials, clock, tasks, scenarios, faults, plans, limits."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from mock_server import MockAccount, RunningServer
from mock_server.testing import ControlFailed, NotAsExpected
from tests.http.api import EZ_PATH, EZ_SPEECH, START, Api


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """A server whose clock stands still."""
    with RunningServer(speed=0, start=START) as server:
        yield server


@pytest.fixture
def mock(server: RunningServer) -> MockAccount:
    """An account of its own."""
    return server.new_account("account")


def client(mock: MockAccount) -> Api:
    """The client under test."""
    return Api(mock.http.client, mock.api_key)


# ---- credentials ----------------------------------------------------------------------------


def listed(mock: MockAccount, token: str) -> httpx2.Response:
    """What a list of voices is answered with."""
    headers = {"authorization": f"Bearer {token}"}
    return mock.http.client.get("/v1/general/custom-voices", headers=headers)


def test_key_and_token_are_one_account(mock: MockAccount) -> None:
    """What the API key creates, a token signed by the account's pair lists."""
    task_id = client(mock).learn().data["task_id"]

    answer = listed(mock, mock.token())

    assert [item["task_id"] for item in answer.json()["data"]] == [task_id]
    mock.requests.assert_received(operation="listCustomVoices", count=1)


def test_tokens_of_an_account_are_verified(mock: MockAccount) -> None:
    """A token with another secret, an expired one and one without a known key are told apart, as by the vendor."""
    from mock_server.embedding import signed

    assert listed(mock, mock.token(-60)).json()["code"] == 1004
    assert listed(mock, signed(mock.access_key, "another secret")).json()["code"] == 1000
    assert listed(mock, signed("another key", "another secret")).json()["data"] == []


def test_pair_of_a_configured_server_is_its_own() -> None:
    """Where credentials are configured, an account has those."""
    with RunningServer(access_key="AK", secret_key="SK") as server:
        mock = server.account()

        assert (mock.access_key, mock.secret_key) == ("AK", "SK")
        assert listed(mock, mock.token()).status_code == 200
        with pytest.raises(RuntimeError, match="configured credentials only"):
            server.new_account()


def test_account_made_by_hand_has_no_pair(mock: MockAccount) -> None:
    """Without a pair a token cannot be signed, and the message says where one is to be had."""
    with pytest.raises(ControlFailed, match="no access key"):
        MockAccount(mock.base_url, "by-hand").token()


def test_headers_and_urls_are_those_of_the_dialects(mock: MockAccount) -> None:
    """A request with the headers to the base URL of a dialect is this account's, with the scenario it asks for."""
    answer = mock.http.client.post(
        mock.base_urls["ezmodel"] + "/v1/tts", json=EZ_SPEECH, headers=mock.headers()
    )
    assert answer.status_code == 200
    assert EZ_PATH.startswith("/kling")

    spoilt = mock.http.client.post(
        mock.base_urls["kkiai"] + "/v1/audio/tts", json={}, headers=mock.headers(fault="1303")
    )

    assert spoilt.json()["code"] == 1303
    assert mock.headers(scenario="slow")["X-Mock-Scenario"] == "slow"
    mock.requests.assert_received(dialect="ezmodel", count=1)


def test_variables_are_those_that_clients_read(mock: MockAccount) -> None:
    """Env names four variables by default, or those that are asked for; an unknown one is refused."""
    assert mock.env() == {
        "KLING_BASE_URL": mock.base_url,
        "KLING_API_KEY": mock.api_key,
        "KLING_ACCESS_KEY": mock.access_key,
        "KLING_SECRET_KEY": mock.secret_key,
    }
    assert mock.env(base_url="MY_URL") == {"MY_URL": mock.base_url}
    with pytest.raises(TypeError, match="unknown 'url'"):
        mock.env(url="MY_URL")


# ---- time and tasks -------------------------------------------------------------------------


def test_clock_goes_to_a_status_and_to_an_instant(mock: MockAccount) -> None:
    """Until moves to the status of a task, by default its last; advance_to to an instant; set_rate sets the pace."""
    client(mock).learn(external_task_id="e")

    assert [item["status"] for item in mock.clock.until("e", "processing")] == ["processing"]
    assert [item["status"] for item in mock.clock.until("e")] == ["succeed"]
    assert mock.clock.now() == START + 9_000
    assert mock.clock.advance_to(START + 10_000) == []
    assert mock.clock.set_rate(0)["mode"] == "manual"
    assert mock.clock.show()["next_due"] is None
    with pytest.raises(ControlFailed):
        mock.clock.advance_to(START)
    with pytest.raises(ControlFailed, match="nobody"):
        mock.clock.until("nobody")


def test_status_that_never_comes_is_an_assertion(mock: MockAccount) -> None:
    """A clock that would go until a status that is in no plan stands still, and says so."""
    client(mock).learn(external_task_id="e")

    with pytest.raises(NotAsExpected, match="never gets to failed"):
        mock.clock.until("e", "failed")

    assert mock.clock.now() == START


def test_tasks_are_listed_moved_and_waited_for(mock: MockAccount) -> None:
    """Tasks are found by either id; a transition lets a status begin; a wait with skip lets it come."""
    first = client(mock).learn(external_task_id="a").data["task_id"]
    client(mock).learn(external_task_id="b")

    assert mock.tasks.transition("a", "failed", "Too noisy")["task_status"] == "failed"
    assert mock.tasks.get(first)["message"] == "Too noisy"
    assert mock.tasks.wait_for("b", skip=True)["status"] == "succeed"

    assert [task["external_task_id"] for task in mock.tasks.list()] == ["b", "a"]
    assert [task["task_id"] for task in mock.tasks.list(status="failed", kind="custom_voice")] == [
        first
    ]
    assert len(mock.tasks.list(limit=1)) == 1
    with pytest.raises(NotAsExpected, match="never gets to"):
        mock.tasks.wait_for("a", "succeed")


def test_id_that_was_made_a_number_is_named(mock: MockAccount) -> None:
    """An id that is no text is said to be none, instead of what the standard library makes of it."""
    for operation in (mock.tasks.get, mock.clock.until):
        with pytest.raises(TypeError, match=r"ids are texts, .* not 12"):
            operation(12)  # type: ignore[arg-type]


def test_wait_for_a_task_whose_time_does_not_come_says_when(mock: MockAccount) -> None:
    """A wait that is over says which status the task has, and when the next is due."""
    client(mock).learn(external_task_id="e")

    with pytest.raises(NotAsExpected, match="next due in 2 s; the clock's rate is 0"):
        mock.tasks.wait_for("e", timeout=0.01)


# ---- what goes wrong ------------------------------------------------------------------------


def test_scenario_is_restored(mock: MockAccount) -> None:
    """In a with statement the scenario holds until its end; otherwise until restore()."""
    with mock.scenario("risk-control"):
        client(mock).learn(external_task_id="a")
    client(mock).learn(external_task_id="b")

    assert mock.tasks.wait_for("a", skip=True)["status"] == "failed"
    assert mock.tasks.wait_for("b", skip=True)["status"] == "succeed"

    kept = mock.scenario("slow")
    assert (kept.name, kept.before) == ("slow", "default")
    kept.restore()
    with pytest.raises(ControlFailed, match="did you mean 'slow'"):
        mock.scenario("slwo")


def test_fault_tells_how_it_fares(mock: MockAccount) -> None:
    """An armed fault strikes what it is for, counts, and is gone after its with statement."""
    with mock.fault("5001;retry-after=2", operation="createSpeech", count=2) as fault:
        assert client(mock).speak().error == (503, 5001)
        client(mock).presets()
        assert (fault.matched, fault.consumed, fault.remaining) == (1, 1, 1)
        with pytest.raises(NotAsExpected) as error:
            fault.assert_consumed()
        assert client(mock).speak().error == (503, 5001)
        fault.assert_consumed()
        fault.assert_consumed(2)

    assert str(error.value) == (
        f"fault {fault.id} (server_unavailable;retry-after=2 on operation=createSpeech) struck 1 of 2"
        " times: 1 matched"
    )
    assert client(mock).speak().status == 200
    fault.disarm()


def test_fault_may_be_an_object_with_an_id(mock: MockAccount) -> None:
    """A fault is a text or an object; its id is chosen or given; a mistake arms nothing."""
    fault = mock.fault({"reason": "rate_limit"}, id="mine", body={"text": "Hi"}, after=1)

    assert fault.id == "mine"
    assert fault.show()["when"] == {"after": 1}
    assert fault.remaining is None
    same = mock.fault("5001", match={"operation": "getSpeech"}, when={"count": 2}).show()
    assert (same["match"], same["when"]) == ({"operation": "getSpeech"}, {"count": 2})
    with pytest.raises(ControlFailed, match="5051"):
        mock.fault("5051")
    with pytest.raises(ControlFailed, match="did you mean 'operation'"):
        mock.fault("5001", operatoin="createSpeech")  # type: ignore[call-arg]


def test_plan_tells_what_is_left(mock: MockAccount) -> None:
    """A plan is played in order; what is left is told until it is completed."""
    plan = mock.plan({"createSpeech": ["5000", "ok"]})
    assert client(mock).speak().error == (500, 5000)

    assert plan.left == {"createSpeech": ["ok"]}
    with pytest.raises(NotAsExpected, match="not played to its end; left are createSpeech: ok"):
        plan.assert_completed()
    assert client(mock).speak().status == 200

    plan.assert_completed()
    assert plan.completed
    plan.drop()
    with mock.plan({"createSpeech": [{"reason": "rate_limit"}]}):
        pass
    with mock.plan({"createSpeech": "5000"}) as alone:
        assert alone.left == {"createSpeech": ["5000"]}
    assert client(mock).speak().status == 200


# ---- the account as a whole -----------------------------------------------------------------


def test_limits_books_and_behaviours_are_set_and_read(mock: MockAccount) -> None:
    """Each limit is changed alone; None is none. Behaviours are chosen by name, and all are returned."""
    assert mock.set_limits(units=1, rate=(10, 1)) == {
        "units": 1,
        "slots": None,
        "rate": {"requests": 10, "seconds": 1},
    }
    assert mock.set_limits(units=None, slots=3)["slots"] == 3
    assert mock.limits() == {"units": None, "slots": 3, "rate": {"requests": 10, "seconds": 1}}
    assert mock.ledger()["spent"] == 0
    assert mock.slots()["free"] == 3
    assert mock.behaviours(delete_answer="stub")["delete_answer"] == "stub"
    assert mock.behaviours()["delete_answer"] == "stub"
    with pytest.raises(ControlFailed, match="delete_answer"):
        mock.behaviours(delete_anser="stub")


def test_reset_begins_anew(mock: MockAccount) -> None:
    """After a reset there are no tasks, requests and faults."""
    client(mock).learn()
    mock.fault("5001")

    mock.reset()

    assert mock.tasks.list() == []
    assert mock.requests.last() == 0
    assert client(mock).learn().status == 200


def test_account_ends_with_its_with_statement(server: RunningServer) -> None:
    """An account in a with statement is reset at the end; an exception gets a note of what happened in it."""
    mock = server.new_account()
    client(mock).learn(external_task_id="e")
    with pytest.raises(ZeroDivisionError) as error, mock:
        raise ZeroDivisionError

    assert "POST /v1/general/custom-voices -> 200, code 0" in error.value.__notes__[0]
    assert mock.api_key not in error.value.__notes__[0]
    assert server.account(mock.api_key).tasks.list() == []


def test_new_accounts_are_apart(server: RunningServer) -> None:
    """Each new account is empty and has a key of its own."""
    with server.new_account() as one, server.new_account() as other:
        client(one).learn()

        assert other.tasks.list() == []
        assert one.api_key != other.api_key


def test_names_of_accounts_may_hold_anything(server: RunningServer) -> None:
    """A new account takes any name; a key may hold more than ASCII."""
    for mock in (server.new_account("a test [with] ünusual/name"), server.account("schlüssel")):
        mock.clock.advance(1)
        assert mock.requests.list() == []


def test_stopped_server_is_told_in_words() -> None:
    """An operation on an account whose server has stopped says so in one line."""
    with RunningServer() as server:
        mock = server.account()
        mock.clock.now()
        other = MockAccount(server.base_url, "k")

    with pytest.raises(ControlFailed, match="are closed"):
        mock.clock.now()
    with pytest.raises(ControlFailed, match="does the mock still run"):
        other.clock.now()
    other.close()
