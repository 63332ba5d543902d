"""Credentials: without one that is good nothing is answered but HTTP 401, whatever the operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from contract_tests import checks, redaction, samples, tokens
from contract_tests.api import Api
from contract_tests.faults import ILLEGAL
from contract_tests.fresh import LAG_S
from contract_tests.observation import Answer
from contract_tests.receiver import Receiver

#: Refusals of a credential that is missing, and of one that cannot be read or was not accepted.
EMPTY = frozenset({(401, 1001)})
UNREADABLE = frozenset({(401, 1000), (401, 1001), (401, 1002)})
NOT_ACCEPTED = frozenset({(401, 1000), (401, 1002)})
UNAUTHORIZED = frozenset({(401, 401)})
#: Seconds of validity, far beyond any tolerance of a clock.
HOUR_S = 3600.0
#: Seconds beyond the bounds of a token that only a tolerance of the clock lets pass.
JUST_S = 10.0
SECRET = "any secret of at least thirty-two bytes"
#: How a token is forged.
FORGED = {
    "another signature": tokens.otherwise_signed,
    "changed claims": tokens.changed,
    "no algorithm": tokens.without_algorithm,
}

#: Headers that are not the word Bearer, a blank and a credential, given a good key.
MALFORMED: dict[str, Callable[[str], str]] = {
    "Bearer alone": lambda _key: "Bearer",
    "Basic": lambda _key: f"Basic {redaction.invent('dXNlcjpwYXNz')}",
    "another scheme": lambda key: f"Token {key}",
    "no scheme": lambda key: key,
}


def _everywhere(
    api: Api,
    receiver: Receiver,
    header: str,
    clause: str,
    pairs: frozenset[tuple[int, int]],
    words: str = "",
    query: Mapping[str, str | int] | None = None,
) -> None:
    """Every operation refuses a header, though nothing else is wrong with the request; with a query, every list."""
    for operation, body in samples.bodies(api, receiver).items():
        if query is None or operation.startswith("list"):
            name = samples.NO_TASK
            answer = api.send(operation, body, name=name, query=query, authorization=header)
            api.refused(answer, operation, clause, pairs, words)


def test_a_credential_is_required(api: Api, receiver: Receiver) -> None:
    """Every operation without the header Authorization is HTTP 401, code 1001 (EzModel: 401), whatever its query.

    Source: auth.required, ez.errors.401.
    """
    official = api.dialect != "ezmodel"
    clause, pairs = ("auth.required", EMPTY) if official else ("ez.errors.401", UNAUTHORIZED)
    _everywhere(api, receiver, "", clause, pairs, "without a credential")
    query = {"pageNum": 1, "pageSize": 1}
    _everywhere(api, receiver, "", clause, pairs, "without a credential", query)


@pytest.mark.parametrize("kind", MALFORMED)
def test_a_malformed_credential_is_refused(api: Api, receiver: Receiver, kind: str) -> None:
    """An Authorization header that is not the word Bearer, a blank and a credential is HTTP 401 for every operation.

    Source: auth.required, auth.malformed, ez.errors.401.
    """
    official = api.dialect != "ezmodel"
    clause, pairs = ("auth.malformed", UNREADABLE) if official else ("ez.errors.401", UNAUTHORIZED)
    header = MALFORMED[kind](api.target.api_key)
    _everywhere(api, receiver, header, clause, pairs, f"for a malformed credential ({kind})")


def test_a_key_is_accepted(api: Api) -> None:
    """The key that the kit works with is let in as a bearer: an API key or a token, or the gateway's own.

    Source: auth.api-key, auth.jwt, auth.gateway-key, ez.auth.key.
    """
    official = "auth.jwt" if api.target.api_key.count(".") == 2 else "auth.api-key"
    operation = "createSpeech" if api.dialect == "ezmodel" else "listPresetVoices"
    answer = api.call(operation, {} if api.dialect == "ezmodel" else None)
    clause = {"klingai": official, "kkiai": "auth.gateway-key", "ezmodel": "ez.auth.key"}
    due = "anything but HTTP 401 for the key that was given"
    checks.require(answer.status != 401, clause[api.dialect], checks.not_due(answer, due))


def test_an_unknown_key_is_refused_everywhere(api: Api, receiver: Receiver) -> None:
    """A server that refuses an invented key refuses it for every operation; one that lets any key in is healthy too.

    Source: auth.required, auth.malformed, ez.errors.401.
    """
    official = api.dialect != "ezmodel"
    header = f"Bearer {redaction.invent(api.target.unique('invented'))}"
    look = "getCustomVoice" if official else "createSpeech"
    first = api.send(look, None if official else {}, name=samples.NO_TASK, authorization=header)
    if first.status != 401:
        return  # it lets any key in
    clause, pairs = ("auth.malformed", UNREADABLE) if official else ("ez.errors.401", UNAUTHORIZED)
    _everywhere(api, receiver, header, clause, pairs, "for an invented key")


def test_a_bad_credential_comes_before_a_bad_body(voices_api: Api) -> None:
    """Without a credential the body is not looked at: one that is no JSON is HTTP 401 all the same.

    Source: auth.before-body.
    """
    for operation in ("createSpeech", "createCustomVoice", "deleteVoice"):
        answer = voices_api.send(operation, b'{"text": ', authorization="")
        checks.envelope(answer, voices_api.dialect)
        if answer.status != 401:
            words = "since the credential is looked at before the body"
            told = checks.not_due(answer, "HTTP 401", words)
            raise checks.found("auth.before-body", told)
    checks.kept("auth.before-body")


def test_a_bad_path_comes_before_a_bad_credential(voices_api: Api) -> None:
    """An unknown path, and a wrong method, are HTTP 404 without a credential, too.

    Source: errors.order.
    """
    base = voices_api.document.raw["info"]["x-base-paths"][0]
    for method, path in (("GET", "/general/no-such-thing"), ("DELETE", "/general/presets-voices")):
        answer = voices_api.ask(method, base + path, authorization="")
        checks.envelope(answer, voices_api.dialect)
        if answer.status != 404:
            words = "since the path is looked at before the credential"
            raise checks.found("errors.order", checks.not_due(answer, "HTTP 404", words))
    checks.kept("errors.order")


def _let_in(api: Api, *, valid_from_s: float = -tokens.EARLIER_S, valid_to_s: float) -> str:
    """A token of the access key that was given, else of the kit's own, as a header."""
    access_key, secret = api.target.pair if _has_pair(api) else (api.target.run, SECRET)
    made = tokens.token(access_key, secret, valid_from_s=valid_from_s, valid_to_s=valid_to_s)
    return f"Bearer {made}"


def _has_pair(api: Api) -> bool:
    return all(api.target.pair)


def _asked(api: Api, header: str) -> Answer:
    return api.send("listPresetVoices", authorization=header)


def _needs_own_tokens(api: Api) -> None:
    """Skips the test where tokens that the kit signs are not let in, or are not read."""
    answer = _asked(api, _let_in(api, valid_to_s=HOUR_S))
    due = "HTTP 200 for a token of the access key and secret key that were given"
    is_in = answer.status == 200 or not _has_pair(api)
    checks.require(is_in, "auth.jwt", checks.not_due(answer, due))
    if answer.status != 200:
        pytest.skip(
            "not looked at: the target verifies signatures, and the kit has no secret key (--secret-key)"
        )
    if not api.target.control and _asked(api, f"Bearer {tokens.unreadable()}").status == 200:
        pytest.skip("not looked at: the target lets any credential in, and reads no tokens")
    checks.kept("auth.jwt")


@pytest.mark.parametrize(
    ("clause", "pair", "valid_from_s", "valid_to_s"),
    [
        ("auth.expired", (401, 1004), -2 * HOUR_S, -HOUR_S),
        ("auth.not-yet-valid", (401, 1003), HOUR_S, 2 * HOUR_S),
    ],
)
@pytest.mark.dialects("klingai")
def test_a_token_is_valid_in_its_time(
    voices_api: Api,
    receiver: Receiver,
    clause: str,
    pair: tuple[int, int],
    valid_from_s: float,
    valid_to_s: float,
) -> None:
    """A token whose exp has passed is HTTP 401, code 1004; one whose nbf lies ahead is HTTP 401, code 1003.

    That goes for every operation.

    Source: auth.jwt, auth.expired, auth.not-yet-valid.
    """
    _needs_own_tokens(voices_api)
    header = _let_in(voices_api, valid_from_s=valid_from_s, valid_to_s=valid_to_s)
    words = "for a token that is not valid at the time"
    _everywhere(voices_api, receiver, header, clause, frozenset({pair}), words)


@pytest.mark.parametrize(
    ("valid_from_s", "valid_to_s"), [(-HOUR_S, -JUST_S), (JUST_S, HOUR_S)], ids=["exp", "nbf"]
)
@pytest.mark.dialects("klingai")
def test_the_clock_has_no_tolerance(
    voices_api: Api, valid_from_s: float, valid_to_s: float
) -> None:
    """A token that expired ten seconds ago, or begins in ten seconds, is refused.

    Source: auth.jwt.leeway.
    """
    _needs_own_tokens(voices_api)
    header = _let_in(voices_api, valid_from_s=valid_from_s, valid_to_s=valid_to_s)
    answer = _asked(voices_api, header)
    checks.envelope(answer, voices_api.dialect)
    words = f"for a token that is off by {JUST_S:g} s"
    told = checks.not_due(answer, "HTTP 401", words)
    if answer.status == 200:
        raise checks.found("auth.jwt.leeway", told)
    checks.require(answer.status == 401, "auth.jwt.leeway", told)


@pytest.mark.dialects("klingai")
def test_a_token_may_be_valid_for_long(voices_api: Api) -> None:
    """A token that is valid for a day is let in.

    Source: auth.jwt.lifetime.
    """
    _needs_own_tokens(voices_api)
    answer = _asked(voices_api, _let_in(voices_api, valid_to_s=24 * HOUR_S))
    told = checks.not_due(answer, "HTTP 200", "for a token that is valid for a day")
    if answer.status == 401:
        raise checks.found("auth.jwt.lifetime", told)
    checks.require(answer.status == 200, "auth.jwt.lifetime", told)


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.dialects("klingai")
def test_a_wrong_signature_is_refused(voices_api: Api, forged: str) -> None:
    """A token with a wrong signature is HTTP 401, code 1000 or 1002, where signatures are verified.

    So is one whose claims were changed after it was signed, and one that says that nobody signed it.

    Source: auth.bad-signature.
    """
    api = voices_api
    made = _let_in(api, valid_to_s=HOUR_S)
    if not _has_pair(api):
        if _asked(api, made).status == 200:
            return  # it verifies no signatures, so that there is nothing to look at (reasons.py)
        if api.target.api_key.count(".") == 2:
            made = f"Bearer {api.target.api_key}"
    try:
        header = f"Bearer {FORGED[forged](made.partition(' ')[2])}"
    except (ValueError, TypeError):
        pytest.skip("not looked at: the key has three parts, but is no token")
    answer = _asked(api, header)
    if answer.status == 200:
        told = checks.not_due(answer, f"HTTP 401 for a token with {forged}")
        raise checks.found("auth.bad-signature", told)
    pairs = NOT_ACCEPTED if forged == "another signature" else UNREADABLE
    api.refused(answer, "listPresetVoices", "auth.bad-signature", pairs)


@pytest.mark.billable
@pytest.mark.dialects("klingai")
def test_the_credentials_of_an_account_see_the_same(voices_api: Api, receiver: Receiver) -> None:
    """A task made with one token of an access key is shown to a later token of that key, and to no other key's.

    Source: auth.account.
    """
    api = voices_api
    _needs_own_tokens(api)
    header = _let_in(api, valid_to_s=24 * HOUR_S)
    made = api.call("createCustomVoice", samples.voice(receiver), authorization=header)
    if made.pair != (200, 0):
        pytest.skip("not looked at: the token's account may make no voice")
    task_id, later = made.data["task_id"], _let_in(api, valid_to_s=2 * HOUR_S)

    def look() -> Answer | None:
        seen = api.call("getCustomVoice", name=task_id, authorization=later)
        return seen if seen.pair == (200, 0) else None

    # That a task can be queried at once is assumed, and looked at elsewhere.
    answer = api.target.within(LAG_S, look) or api.call(
        "getCustomVoice", name=task_id, authorization=later
    )
    if answer.pair != (200, 0) and not api.target.control and not _has_pair(api):
        due = "the task, which a token of the same access key made"
        told = checks.not_due(answer, due)
        raise checks.found("auth.account", told)  # it lets anybody in: its accounts may be others
    checks.accepted(answer, "auth.account")
    if api.target.control and not _has_pair(api):
        other = tokens.token(f"{api.target.run}-c", SECRET, valid_to_s=HOUR_S)
        answer = api.call("getCustomVoice", name=task_id, authorization=f"Bearer {other}")
        checks.refused(answer, api.dialect, "auth.account", ILLEGAL)
