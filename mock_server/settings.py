"""Settings: read once at the edge. A flag beats an environment variable beats kling-mock.toml beats the default."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from mock_server import values
from mock_server.core.behaviour import Behaviour
from mock_server.core.limits import Limits, Rate
from mock_server.core.retry import SCHEDULES
from mock_server.core.scenario import Progression
from mock_server.core.target import TargetPolicy

FILE_NAME = "kling-mock.toml"
ENVIRONMENT_PREFIX = "KLING_MOCK_"
#: Variables that ``kling-mock ctl`` reads: where the server is, and which account is meant.
OF_CTL = ("KLING_MOCK_URL", "KLING_MOCK_ACCOUNT")


class SettingsError(ValueError):
    """Raised when a setting cannot be used; the message is one line that names where it stands and the remedy."""


def setting(
    default: Any,
    read: Callable[[Any], Any],
    text: str,
    *,
    metavar: str = "",
    secret: bool = False,
) -> Any:
    """A field of the settings: its default, how a raw value is read, and its line of help."""
    metadata = {"read": read, "help": text, "metavar": metavar}
    if isinstance(default, Behaviour):
        return field(default_factory=Behaviour, metadata=metadata)
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server runs. Each field is a flag, an environment variable and a key of kling-mock.toml."""

    host: str = setting("127.0.0.1", values.text, "address to listen on", metavar="ADDRESS")
    port: int = setting(
        8700, values.whole(0, 65535), "port to listen on; 0 takes a free one", metavar="PORT"
    )
    speed: float = setting(
        1.0,
        values.number(0, 1e6),
        "virtual seconds per second; 0 stands still until told",
        metavar="FACTOR",
    )
    progression: Progression = setting(
        Progression.TIME,
        values.progression,
        "how tasks move: " + " | ".join(Progression),
        metavar="MODE",
    )
    polls: int = setting(
        1, values.whole(1, 1000), "queries per step under the polls progression", metavar="N"
    )
    seed: str = setting(
        "", values.text, "makes ids repeatable; random unless given", metavar="TEXT"
    )
    start: int | None = setting(
        None,
        values.instant,
        "instant at which the clock begins; now unless given",
        metavar="INSTANT",
    )
    public_url: str = setting(
        "",
        values.public_url,
        "base of the URLs handed out; else the Host of the request",
        metavar="URL",
    )
    api_key: str = setting(
        "", values.secret, "let in only this API key", metavar="KEY", secret=True
    )
    access_key: str = setting(
        "", values.secret, "let in only tokens of this access key", metavar="KEY", secret=True
    )
    secret_key: str = setting(
        "", values.text, "verify their signatures with this secret", metavar="SECRET", secret=True
    )
    control_token: str = setting(
        "",
        values.secret,
        "token the control API asks for in X-Mock-Token; needed beyond loopback",
        metavar="TOKEN",
        secret=True,
    )
    callback_timeout: float = setting(
        5.0,
        values.number(0.01, 3600),
        "seconds a callback's receiver has to answer",
        metavar="SECONDS",
    )
    callback_retries: str = setting(
        "none",
        values.one_of(*SCHEDULES),
        "when a callback that was not taken is tried again: " + " | ".join(SCHEDULES),
        metavar="SCHEDULE",
    )
    webhook_secret: tuple[str, ...] = setting(
        (),
        values.webhook_secrets,
        "sign callbacks with this whsec_... secret; given twice, both sign (a rotation)",
        metavar="SECRET",
        secret=True,
    )
    callback_allow: tuple[str, ...] = setting(
        (),
        values.texts,
        "network or host that callbacks may be sent to as well; may be repeated",
        metavar="TARGET",
    )
    callback_rewrite: tuple[str, ...] = setting(
        (),
        values.rewrites,
        "host reached in place of another, such as localhost=host.docker.internal; may be repeated",
        metavar="HOST=HOST",
    )
    behaviour: Behaviour = setting(
        Behaviour(),
        values.behaviour,
        "reading of a disputed rule, or a YAML file of them; may be repeated",
        metavar="NAME=VALUE",
    )
    scenarios: str = setting(
        "", values.text, "file or folder of your own scenarios", metavar="PATH"
    )
    scenario: str = setting(
        "default", values.text, "scenario that is followed when none is asked for", metavar="NAME"
    )
    units: int | None = setting(
        None,
        values.units,
        "resource pack of each account; 0.05 a task, 1102 when it is used up",
        metavar="UNITS",
    )
    slots: int | None = setting(
        None, values.whole(1, 1_000_000), "tasks in flight per account, else 1303", metavar="N"
    )
    rate_limit: Rate | None = setting(
        None, values.rate, "requests per seconds and account, else 1302", metavar="N/SECONDS"
    )
    journal: int = setting(
        1000, values.whole(0, 1_000_000), "requests that an account's journal keeps", metavar="N"
    )
    auth_clock: str = setting(
        "wall",
        values.one_of("wall", "virtual"),
        "clock that tokens expire by: wall | virtual (wall and what the account's was advanced)",
        metavar="CLOCK",
    )
    fixtures: str = setting("", values.text, "folder of fixtures to use instead", metavar="FOLDER")
    magic: bool = setting(True, values.switch, "let magic values choose scenarios")
    strict: bool = setting(False, values.switch, "refuse what would only be warned about")
    quiet: bool = setting(
        False, values.switch, "print no line per request, transition and callback"
    )
    json: bool = setting(
        False, values.switch, "print JSON lines: one when ready, then one per event"
    )

    def __post_init__(self) -> None:
        if bool(self.access_key) != bool(self.secret_key):
            missing = "secret_key" if self.access_key else "access_key"
            raise SettingsError(f"access_key and secret_key go together; {missing} is missing")

    @property
    def target_policy(self) -> TargetPolicy:
        """Which targets callbacks may be sent to."""
        networks, hosts = values.targets(self.callback_allow)
        rewrites = dict(pair.split("=", 1) for pair in self.callback_rewrite)
        return TargetPolicy(self.is_local, networks, hosts, rewrites)

    @property
    def limits(self) -> Limits:
        """What each account may do at first."""
        return Limits(self.units, self.slots, self.rate_limit)

    @property
    def is_local(self) -> bool:
        """Whether the server listens on loopback only."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


NAMES = tuple(item.name for item in fields(Settings))


def environment(variable: str) -> str:
    """An environment variable, empty when it is not set."""
    return os.environ.get(variable, "")


def flag(name: str) -> str:
    """The flag of a setting: ``public_url`` is ``--public-url``."""
    return "--" + name.replace("_", "-")


def build(**values: Any) -> Settings:
    """Settings from raw values by name, as an embedding test gives them.

    Raises:
        SettingsError: an unknown name, or a value that cannot be used.
    """
    return _build({name: (value, name) for name, value in values.items()})


def load(
    flags: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Settings from all four places.

    Args:
        flags: raw values by setting name; absent ones were not given.
        environment: variables, by default the process's.
        file: the settings file; by default that of KLING_MOCK_CONFIG, or kling-mock.toml of the working folder if it
            is there.

    Raises:
        SettingsError: the first value that cannot be used, with its place.
    """
    variables = _of_environment(os.environ if environment is None else environment)
    named, _ = variables.pop("config", (None, ""))
    of_file = _of_file(file or (Path(named) if named else None))
    of_flags = {name: (value, flag(name)) for name, value in flags.items()}
    raw: dict[str, tuple[Any, str]] = {}
    for source in (of_file, variables, of_flags):
        if "behaviour" in source and "behaviour" in raw:
            source["behaviour"] = _merged(raw["behaviour"], source["behaviour"])
        raw |= source
    return _build(raw)


def _merged(weaker: tuple[Any, str], stronger: tuple[Any, str]) -> tuple[Any, str]:
    """Readings from two places: each has its say by name."""
    record = Behaviour()
    place = ""
    for value, place in (weaker, stronger):
        try:
            record = values.behaviour(value, record)
        except ValueError as error:
            raise SettingsError(f"{place}: {error}") from None
    return record, place


def _build(raw: Mapping[str, tuple[Any, str]]) -> Settings:
    readers = {item.name: item.metadata["read"] for item in fields(Settings)}
    found: dict[str, Any] = {}
    for name, (value, place) in raw.items():
        if name not in readers:
            raise SettingsError(f"{place}: unknown setting{_nearest(name)}")
        try:
            found[name] = readers[name](value)
        except ValueError as error:
            raise SettingsError(f"{place}: {error}") from None
    return Settings(**found)


def _of_environment(environment: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    found: dict[str, tuple[Any, str]] = {}
    for variable, value in environment.items():
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in OF_CTL:
            found[variable.removeprefix(ENVIRONMENT_PREFIX).lower()] = (value, variable)
    return found


def _of_file(file: Path | None) -> dict[str, tuple[Any, str]]:
    path = file or Path(FILE_NAME)
    if file is None and not path.is_file():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8") from None
    except (
        ValueError
    ) as error:  # TOMLDecodeError is one; numbers of thousands of digits are another
        raise SettingsError(f"{path}: not TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    found: dict[str, tuple[Any, str]] = {}
    for key, value in table.items():
        name, place = key.replace("-", "_"), f"{path}:{_line(text, key)}: {key}"
        if name in found:
            raise SettingsError(f"{place}: stands twice")
        found[name] = (value, place)
    return found


def _line(text: str, key: str) -> int:
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(rf"\s*\[?\s*[\"']?{re.escape(key)}\b", line):
            return number
    return 1


def _nearest(name: str) -> str:
    near = get_close_matches(name, NAMES, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(NAMES)}"


def default_of(name: str) -> Any:
    """The default of a setting, ``None`` when it is made anew each time."""
    item = next(item for item in fields(Settings) if item.name == name)
    return None if item.default is MISSING else item.default
