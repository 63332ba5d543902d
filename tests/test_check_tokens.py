"""``kling-mock check`` with an access key and its secret: the kit signs tokens, good ones and bad ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mock_server import cli, settings
from mock_server.http.app import create_app
from tests.support.checking import check
from tests.test_cli import is_one_line

PAIR = ("the-access-key-1", "the secret key of more than thirty-two bytes")
GIVEN = ("--access-key", PAIR[0], "--secret-key", PAIR[1])
LOOKED_AT = {"auth.jwt", "auth.jwt.leeway", "auth.expired", "auth.not-yet-valid", "auth.account"}


def test_the_kit_signs_tokens_with_a_pair(tmp_path: Path) -> None:
    """Against a server that lets in tokens of one access key only, everything about tokens is looked at."""
    app = create_app(settings.build(quiet=True, access_key=PAIR[0], secret_key=PAIR[1]))
    run = check(app, *GIVEN, "--json", "--only", "auth", "--dialect", "klingai", cwd=tmp_path)
    assert run.code == 0, run.out
    assert {*LOOKED_AT, "auth.bad-signature"} <= set(run.of("passed"))
    assert not [word for word in PAIR if word in run.out + run.err]
    again = '--access-key "$KLING_MOCK_ACCESS_KEY" --secret-key "$KLING_MOCK_SECRET_KEY"'
    assert again in run.report["again"]


def test_a_pair_can_come_from_the_environment(tmp_path: Path) -> None:
    """The variables that the server reads, too, stand in for the options."""
    app = create_app(settings.build(quiet=True, access_key=PAIR[0], secret_key=PAIR[1]))
    env = dict(zip(("KLING_MOCK_ACCESS_KEY", "KLING_MOCK_SECRET_KEY"), PAIR, strict=True))
    only = ("--only", "auth.jwt", "--dialect", "klingai")
    assert check(app, *only, cwd=tmp_path, env=env).code == 0


def test_a_wrong_pair_is_no_verdict(tmp_path: Path) -> None:
    """Tokens that the server refuses are exit code 2, said in one line."""
    app = create_app(settings.build(quiet=True, access_key=PAIR[0], secret_key="another secret"))
    run = check(app, *GIVEN, cwd=tmp_path)
    assert run.code == 2
    assert is_one_line(run.err)
    assert "--access-key and --secret-key" in run.err


@pytest.mark.parametrize(
    ("given", "missing"), [(GIVEN[:2], "--secret-key"), (GIVEN[2:], "--access-key")]
)
def test_half_a_pair_is_a_mistake(
    given: tuple[str, ...], missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of the two without the other is exit code 2, and nothing is sent."""
    assert cli.main(["check", "http://127.0.0.1:9", "--json", *given]) == 2
    printed = capsys.readouterr()
    assert f"{missing} is missing" in printed.err
    assert f"{missing} is missing" in json.loads(printed.out)["error"]
    assert not [word for word in PAIR if word in printed.out + printed.err]
