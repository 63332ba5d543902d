"""Settings: a flag beats an environment variable beats kling-mock.toml beats the default."""

from __future__ import annotations

import os
from dataclasses import FrozenInstanceError, fields
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from mock_server.core.behaviour import Behaviour
from mock_server.core.limits import Limits, Rate
from mock_server.settings import (
    ENVIRONMENT_PREFIX,
    NAMES,
    Settings,
    SettingsError,
    build,
    default_of,
    flag,
    load,
)

#: For each setting three values that differ from each other and from the default: as text, and as read.
EXAMPLES: dict[str, list[tuple[str, Any]]] = {
    "host": [(text, text) for text in ("::1", "0.0.0.0", "h")],
    "port": [("1", 1), ("0", 0), ("65535", 65535)],
    "speed": [("0", 0.0), ("60", 60.0), ("2.5", 2.5)],
    "progression": [(text, text) for text in ("immediate", "manual", "polls")],
    "polls": [("2", 2), ("3", 3), ("1000", 1000)],
    "seed": [(text, text) for text in ("a", "b", "中")],
    "start": [
        ("1764547200001", 1764547200001),
        ("1764547200002", 1764547200002),
        ("2025-12-01T00:00:00Z", 1764547200000),
    ],
    "public_url": [(text, text) for text in ("http://a", "http://b", "https://c/d")],
    "api_key": [(text, text) for text in ("a", "b", "c")],
    "access_key": [(text, text) for text in ("a", "b", "c")],
    "secret_key": [(text, text) for text in ("a", "b", "c")],
    "control_token": [(text, text) for text in ("a", "b", "c")],
    "callback_timeout": [("1", 1.0), ("0.01", 0.01), ("3600", 3600.0)],
    "callback_retries": [(text, text) for text in ("fixed", "exponential", "standard-webhooks")],
    "webhook_secret": [
        (f"whsec_{letter * 32}", (f"whsec_{letter * 32}",)) for letter in ("A", "B", "C")
    ],
    "callback_allow": [("192.0.2.0/24", ("192.0.2.0/24",)), ("h", ("h",)), ("a, b", ("a", "b"))],
    "callback_rewrite": [
        ("a=b", ("a=b",)),
        ("LOCALHOST=host.docker.internal", ("localhost=host.docker.internal",)),
        ("a=b,c=d", ("a=b", "c=d")),
    ],
    "behaviour": [
        (f"page_size_max=500,delete_answer={word}", Behaviour(page_size_max="500", delete_answer=word))
        for word in ("stub", "none", "record")
    ],
    "scenarios": [(text, text) for text in ("a", "b", "c")],
    "scenario": [(text, text) for text in ("slow", "stuck", "mine")],
    "units": [("0", 0), ("1.5", 150), ("0.05", 5)],
    "slots": [("1", 1), ("7", 7), ("1000000", 1_000_000)],
    "rate_limit": [("10/1", Rate(10, 1.0)), ("1/0.5", Rate(1, 0.5)), (" 3 / 60 ", Rate(3, 60.0))],
    "journal": [("0", 0), ("1", 1), ("1000000", 1_000_000)],
    "auth_clock": [("virtual", "virtual")] * 3,
    "fixtures": [(text, text) for text in ("a", "b", "c")],
    "magic": [("false", False)] * 3,
    "strict": [("true", True)] * 3,
    "quiet": [("true", True)] * 3,
    "json": [("true", True)] * 3,
}  # fmt: skip
#: For each setting a value that cannot be used, as text; what is text can be wrong in a file only.
BAD = {
    "port": "x",
    "speed": "-1",
    "progression": "tim",
    "polls": "0",
    "start": "soon",
    "public_url": "h",
    "callback_timeout": "0",
    "behaviour": "page_size_max=7",
    "callback_retries": "fixd",
    "webhook_secret": "whsec_x",
    "callback_rewrite": "a",
    "units": "0.001",
    "slots": "0",
    "rate_limit": "10",
    "journal": "-1",
    "auth_clock": "virtul",
    "magic": "x",
    "strict": "x",
    "quiet": "x",
    "json": "x",
}
#: Settings that need another beside them.
PARTNER = {"access_key": "secret_key", "secret_key": "access_key"}
PLACES = ("flag", "environment", "file")
SECRETS = ("api_key", "access_key", "secret_key", "control_token", "webhook_secret")


def toml(name: str, text: str) -> str:
    """A line of a settings file."""
    return f"{name} = '{text}'\n"


def loaded(
    folder: Path,
    flags: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    file: str = "",
) -> Settings:
    """The settings from three places; the file is written into ``folder``."""
    path = folder / "kling-mock.toml"
    path.write_text(file, "utf-8")
    return load(flags or {}, environment or {}, path)


def placed(folder: Path, where: dict[str, tuple[str, str]]) -> Settings:
    """The settings when each place of ``where`` gives one setting a text, beside the partner it needs."""
    flags: dict[str, Any] = {}
    environment: dict[str, str] = {}
    file = ""
    for place, (name, text) in where.items():
        for key, value in {name: text, PARTNER.get(name, name): text}.items():
            if place == "flag":
                flags[key] = value
            elif place == "environment":
                environment[variable(key)] = value
            else:
                file += toml(key, value)
    return loaded(folder, flags, environment, file)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{ENVIRONMENT_PREFIX}{name.upper()}"


def refusal(*arguments: Any, **options: Any) -> str:
    """The words, one line, with which settings are refused."""
    with pytest.raises(SettingsError) as refused:
        loaded(*arguments, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# ---- where a setting comes from -------------------------------------------------------------


def test_the_tables_of_these_tests_are_complete() -> None:
    """Every setting has its examples here, none of the first of which is the default."""
    assert set(EXAMPLES) == set(NAMES) == {item.name for item in fields(Settings)}
    assert set(BAD) <= set(NAMES)
    for name, examples in EXAMPLES.items():
        assert examples[0][1] != getattr(Settings(), name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "places",
    [places for places in product((False, True), repeat=3) if any(places)],
    ids=lambda places: "+".join(place for place, used in zip(PLACES, places, strict=True) if used),
)
def test_the_strongest_place_wins(tmp_path: Path, name: str, places: tuple[bool, ...]) -> None:
    """For every setting: a flag beats the environment beats the file beats the default."""
    used = [place for place, there in zip(PLACES, places, strict=True) if there]
    texts = {
        place: (name, example[0])
        for place, example in zip(PLACES, EXAMPLES[name], strict=True)
        if place in used
    }
    expected = EXAMPLES[name][PLACES.index(used[0])][1]
    settings = placed(tmp_path, texts)
    assert getattr(settings, name) == expected
    for other in set(NAMES) - {name, PARTNER.get(name)}:
        assert getattr(settings, other) == getattr(Settings(), other)


@pytest.mark.parametrize("name", ["magic", "strict", "quiet", "json"])
def test_a_stronger_place_can_take_a_switch_back(tmp_path: Path, name: str) -> None:
    """What a weaker place has switched, a stronger one switches back."""
    default = getattr(Settings(), name)
    there, back = str(not default).lower(), str(default).lower()
    for strong, weak in (("flag", "environment"), ("flag", "file"), ("environment", "file")):
        assert getattr(placed(tmp_path, {weak: (name, there)}), name) is not default
        assert (
            getattr(placed(tmp_path, {weak: (name, there), strong: (name, back)}), name) is default
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", True), ("true", True), ("YES", True), ("on", True), ("0", False), ("False", False)],
)
def test_switches_of_the_environment_have_many_spellings(
    tmp_path: Path, text: str, expected: bool
) -> None:
    """A switch in the environment is 1 or 0, true or false, yes or no, on or off."""
    settings = loaded(tmp_path, environment={"KLING_MOCK_STRICT": text, "KLING_MOCK_MAGIC": text})
    assert settings.strict is settings.magic is expected


def test_a_file_has_the_types_of_toml(tmp_path: Path) -> None:
    """In the file numbers, switches, instants and tables need no quotes, and names may have dashes."""
    settings = loaded(
        tmp_path,
        file="""
port = 1
speed = 2.5
seed = 7
strict = true
public-url = "http://h/"
start = 2025-12-01T00:00:00Z
[behaviour]
page_size_max = 500
""",
    )
    assert settings == build(
        port=1,
        speed=2.5,
        seed="7",
        strict=True,
        public_url="http://h",
        start=1764547200000,
        behaviour="page_size_max=500",
    )


def test_without_anything_the_defaults_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without flags, variables and a file there are the defaults."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith(ENVIRONMENT_PREFIX):
            monkeypatch.delenv(name)
    assert load({}) == build() == Settings()


def test_the_file_of_the_working_folder_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --config, kling-mock.toml of the working folder counts if it is there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KLING_MOCK_POLLS", "5")
    Path("kling-mock.toml").write_text("port = 1\npolls = 4\n", "utf-8")
    settings = load({})
    assert (settings.port, settings.polls) == (1, 5)


def test_the_file_can_be_named_by_a_variable(tmp_path: Path) -> None:
    """KLING_MOCK_CONFIG names the settings file; --config beats it, and a missing one is told."""
    named, flagged = tmp_path / "named.toml", tmp_path / "flagged.toml"
    named.write_text("port = 1", "utf-8")
    flagged.write_text("port = 2", "utf-8")
    environment = {"KLING_MOCK_CONFIG": str(named)}
    assert load({}, environment).port == 1
    assert load({}, environment, flagged).port == 2
    named.unlink()
    with pytest.raises(SettingsError, match=r"named\.toml: No such file"):
        load({}, environment)


def test_other_variables_are_not_ours(tmp_path: Path) -> None:
    """A variable without our prefix is not read."""
    environment = {"PORT": "x", "KLING_PORT": "x", "MY_KLING_MOCK_PORT": "x"}
    assert loaded(tmp_path, environment=environment) == Settings()


# ---- what cannot be used --------------------------------------------------------------------


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_is_named_by_its_place(tmp_path: Path, name: str) -> None:
    """A value that cannot be used is refused in one line that begins with its flag, variable, or file and line."""
    text = BAD[name]
    assert refusal(tmp_path, flags={name: text}).startswith(f"{flag(name)}: ")
    said = refusal(tmp_path, environment={variable(name): text})
    assert said.startswith(f"KLING_MOCK_{name.upper()}: ")
    for key in (name, name.replace("_", "-"), f'"{name}"'):
        said = refusal(tmp_path, file=f"# settings\n\nhost = 'h'\n{key} = '{text}'\n")
        assert said.startswith(f"{tmp_path / 'kling-mock.toml'}:4: ")
        assert name in said.replace("-", "_")
    with pytest.raises(SettingsError, match=f"^{name}: "):
        build(**{name: text})


@pytest.mark.parametrize("name", [name for name in NAMES if len(name) > 3])
def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path, name: str) -> None:
    """A misspelt setting is refused in each place, and the right name is offered."""
    wrong = name[:-2] + name[-1]
    words = f"unknown setting; did you mean '{name}'?"
    assert refusal(tmp_path, flags={wrong: "1"}) == f"{flag(wrong)}: {words}"
    assert refusal(tmp_path, environment={variable(wrong): "1"}) == f"{variable(wrong)}: {words}"
    path = tmp_path / "kling-mock.toml"
    assert refusal(tmp_path, file=f"\n{wrong} = 1\n") == f"{path}:2: {wrong}: {words}"
    assert refusal(tmp_path, file=f"\n[{wrong}]\na = 1\n") == f"{path}:2: {wrong}: {words}"
    with pytest.raises(SettingsError, match="did you mean"):
        build(**{wrong: 1})


def test_a_name_like_none_gets_all_of_them(tmp_path: Path) -> None:
    """A name that resembles no setting is refused with all that there are."""
    said = refusal(tmp_path, environment={"KLING_MOCK_ZZZ": "1"})
    assert all(name in said for name in NAMES)


def test_a_name_given_twice_is_refused(tmp_path: Path) -> None:
    """Of one setting under two spellings in the file neither is dropped in silence."""
    assert "public" in refusal(tmp_path, file="public_url = 'http://a'\npublic-url = 'http://b'\n")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"port = ", "not TOML"),
        (b"port = 1\nport = 2\n", "not TOML"),
        (b"= 1\n", "not TOML"),
        (b"port = 2025-13-01\n", "not TOML"),
        (b"port = " + b"9" * 5000, "not TOML"),
        (b"\xff\xfe", "not UTF-8"),
        (None, "No such file"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_broken_file_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    """A file that is missing, garbled or not TOML is refused in one line that names it."""
    path = tmp_path / "kling-mock.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=words) as refused:
        load({}, {}, path)
    assert str(refused.value).startswith(f"{path}:")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("given", ["access_key", "secret_key"])
def test_access_key_and_secret_key_go_together(tmp_path: Path, given: str) -> None:
    """Half a pair is refused, and the missing half is named."""
    said = refusal(tmp_path, flags={given: "s3cret"})
    assert f"{PARTNER[given]} is missing" in said
    assert "s3cret" not in said


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_never_repeated(tmp_path: Path, name: str) -> None:
    """Whatever is wrong with a secret or beside it, the words of the refusal do not hold it."""
    secret = "s3cr3t-value"
    broken = [
        f"{name} = ['{secret}']\n",
        f"{name} = {{a = '{secret}'}}\n",
        f"[{name}]\nvalue = '{secret}'\n",
        f"{name} = '{secret}\n",
        f"{name} = {secret}\n",
        f"{name} '{secret}'\n",
        f"{name}x = '{secret}'\n",
        f"{name} = '{secret}'\nport = 'x'\n",
    ]
    for file in broken:
        assert secret not in refusal(tmp_path, file=file)
    assert secret not in refusal(tmp_path, environment={variable(name) + "X": secret})
    assert secret not in refusal(tmp_path, flags={f"{name}x": secret})
    assert secret not in refusal(tmp_path, flags={name: [secret]})


@pytest.mark.parametrize("url", ["ftp://u:s3cr3t@h", "http://u:s3cr3t@h?q=1", "http://h?t=s3cr3t"])
def test_a_secret_in_a_url_is_not_repeated(tmp_path: Path, url: str) -> None:
    """A public URL that is refused is shown without user information and query."""
    assert "s3cr3t" not in refusal(tmp_path, flags={"public_url": url})


# ---- the record -----------------------------------------------------------------------------


def test_settings_are_frozen() -> None:
    """Settings are read once and do not change."""
    with pytest.raises(FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.1", False),
        ("example.test", False),
        ("localhost.example.test", False),
        ("", False),
    ],
)
def test_a_server_is_local_on_loopback_only(host: str, local: bool) -> None:
    """A server is local when only this machine reaches it; a name that is not known to be so is not."""
    assert build(host=host).is_local is local


def test_limits_are_three_settings() -> None:
    """What an account may do at first is read off units, slots and rate_limit; without them there is no limit."""
    assert build().limits == Limits()
    assert not build().limits
    found = build(units="0.15", slots=2, rate_limit="10/1").limits
    assert found == Limits(15, 2, Rate(10, 1.0))


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_has_a_flag_a_help_and_a_default(name: str) -> None:
    """A setting has a flag that is its name with dashes, a line of help and, unless made anew, a default."""
    (item,) = [item for item in fields(Settings) if item.name == name]
    assert flag(name) == f"--{name.replace('_', '-')}"
    assert item.metadata["help"]
    assert default_of(name) in (None, getattr(Settings(), name))


def test_readings_of_several_places_add_up(tmp_path: Path) -> None:
    """A behaviour named in one place stays as it is when another place names another; of one name the stronger wins."""
    file = tmp_path / "kling-mock.toml"
    file.write_text('[behaviour]\ndelete_answer = "stub"\nboth_sources = "refuse"\n', "utf-8")

    read = load(
        {"behaviour": ["both_sources=accept"]},
        {"KLING_MOCK_BEHAVIOUR": "page_size_max=500"},
        file,
    ).behaviour

    assert (read.delete_answer, read.page_size_max, read.both_sources) == ("stub", "500", "accept")


@pytest.mark.parametrize("name", ["api_key", "control_token"])
def test_an_empty_credential_is_refused(name: str) -> None:
    """An unset variable in a script must not open the server to everybody."""
    with pytest.raises(SettingsError, match="must not be empty"):
        load({name: ""}, {})
