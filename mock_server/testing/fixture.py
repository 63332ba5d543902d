"""The fixture ``kling_mock``: an account for one test, and what its report says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import fields
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mock_server.core.behaviour import Behaviour
from mock_server.core.limits import Rate
from mock_server.ctl_client import Call
from mock_server.embedding import MockAccount
from mock_server.settings import Settings, default_of, flag
from mock_server.testing.asking import ControlFailed, Http, blocking_of
from mock_server.testing.strictness import problems
from mock_server.testing.timeline import timeline_of

if TYPE_CHECKING:
    from mock_server.server import RunningServer

#: What a marker may say about the account of a test; everything else it says is about its server.
ACCOUNT_OPTIONS = ("scenario", "behaviours", "speed", "units", "slots", "rate_limit")
#: Settings that are the same for every server of a session, or nobody's business in a command.
_UNSAID = ("host", "port", "quiet", "json")
#: Settings whose values are shown nowhere.
_SECRETS = ("api_key", "access_key", "secret_key", "control_token", "webhook_secret")
_READABLE = 40


def key_of(test: str, run: int = 1) -> str:
    """The API key of a test: the same whenever it runs, so that its ids are.

    Args:
        test: the id of the test's node.
        run: how often it has begun in this session: one that is run again starts from nothing.
    """
    digest = sha256(test.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    name = re.sub(r"[^A-Za-z0-9]+", "-", test.rpartition("::")[2])[:_READABLE].strip("-")
    return f"{name or 'test'}-{digest}" + (f"-{run}" if run > 1 else "")


class KlingMock(MockAccount):
    """What the fixture ``kling_mock`` is: an account of its own for one test, on a server for all.

    Attributes:
        server: the server it is on.
        strict: whether the test fails at its end for what nobody expected.
    """

    def __init__(
        self,
        server: RunningServer,
        api_key: str,
        pair: tuple[str, str],
        http: Http,
        setenv: Callable[[str, str], None],
    ) -> None:
        super().__init__(server.base_url, api_key, pair=pair, http=http)
        self.server = server
        self.strict = False
        self.allow_refusals = False
        self._setenv = setenv
        self._options: Mapping[str, Any] = {}
        self._since_anonymous = 0
        self._section = ""
        self._ended = False

    def patch_env(self, **names: str) -> dict[str, str]:
        """Sets variables for a client that reads its environment, until the end of the test; returns them.

        Where the environment names a proxy, the mock is reached without it until then.

        Args:
            names: as :meth:`env` takes them: the variable of ``base_url``, ``api_key``, ``access_key``, ``secret_key``.

        Raises:
            TypeError: a name is none of these.
        """
        variables = self.env(**names)
        for variable, value in variables.items():
            self._setenv(variable, value)
        for variable, hosts in _without_proxy(self.base_url).items():
            self._setenv(variable, hosts)
        return variables

    def begin(self, options: Mapping[str, Any], *, strict: bool, allow_refusals: bool) -> str:
        """Sets up what a marker says about the account; returns why that cannot be, or nothing."""
        self._options = {name: options[name] for name in ACCOUNT_OPTIONS if name in options}
        self.strict, self.allow_refusals = strict, allow_refusals
        self._since_anonymous = self.server.anonymous_requests
        for name, value in self._options.items():
            try:
                self.http.value(_SETTING_UP[name](value), self.api_key)
            except ControlFailed as error:
                return f"{name}={value!r}: {error}"
            except (TypeError, ValueError):
                example = _EXAMPLES.get(name, "")
                return f"{name}={value!r} cannot be used{example and f'; such as {example}'}"
        return ""

    def problems(self) -> list[str]:
        """What strictness finds wrong by now, a line each.

        Raises:
            ControlFailed: the server does not answer.
        """
        steps = problems(
            self, since_anonymous=self._since_anonymous, allow_refusals=self.allow_refusals
        )
        return blocking_of(self, steps)

    def section(self) -> str:
        """What a failing test's report says: what happened, the seed, and how to serve the same world again.

        After the end of the account it is what it was when it was first asked for, or empty.
        """
        if not self._section and not self._ended:
            said = timeline_of(self, (self.secret_key,), since_anonymous=self._since_anonymous)
            lines = [said, *self._again()]
            self._section = "\n".join(lines)
        return self._section

    def _again(self) -> list[str]:
        settings, seed = self.server.settings, self.server.seed
        said = {"seed": seed or settings.seed} | {
            item.name: getattr(settings, item.name)
            for item in fields(Settings)
            if item.name not in (*_UNSAID, *_SECRETS, "seed", "behaviour")
            and getattr(settings, item.name) != default_of(item.name)
        }
        said |= {name: v for name, v in self._options.items() if name != "behaviours"}
        words = ["kling-mock", "serve"]
        for name, value in said.items():
            words += _as_flag(name, value)
        usual = Behaviour()
        readings = {item.name: getattr(settings.behaviour, item.name) for item in fields(Behaviour)}
        readings |= self._options.get("behaviours", {})
        for name, reading in readings.items():
            if reading != getattr(usual, name):
                words += ["--behaviour", f"{name}={reading}"]
        lines = [f"seed {said['seed']}; the same world again: {shlex.join(words)}"]
        if secret := [flag(name) for name in _SECRETS if getattr(settings, name)]:
            lines.append(
                f"besides, with the same secrets, which are not shown: {', '.join(secret)}"
            )
        if not (settings.api_key or settings.access_key):
            lines.append(f"API key of this test, which its ids come from: {self.api_key}")
        return lines

    def end(self) -> None:
        """Resets the account if it was used, so that nothing of it happens any more."""
        self._ended = True
        if self.server.has_seen(self.api_key):
            self.reset()
        self.close()


def _without_proxy(base_url: str) -> dict[str, str]:
    """What keeps clients from looking for a host at the proxy of the environment; nothing where there is none."""
    from urllib.request import getproxies_environment

    proxies = getproxies_environment()
    host, others = urlsplit(base_url).hostname or "", proxies.pop("no", "")
    if not proxies or others.strip() == "*":
        return {}
    hosts = ",".join(filter(None, (others, host)))
    return {"NO_PROXY": hosts, "no_proxy": hosts}


def _as_flag(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [flag(name) if value else flag(f"no_{name}")]
    if isinstance(value, tuple) and name != "rate_limit":
        return [word for item in value for word in (flag(name), str(item))]
    if name == "rate_limit":
        requests, seconds = _per(value)
        return [flag(name), f"{requests:g}/{seconds:g}"]
    if value is None:
        return []
    return [flag(name), f"{value:g}" if isinstance(value, float) else str(value)]


def _per(value: Any) -> tuple[float, float]:
    """Requests and seconds, of ``"10/1"`` or ``(10, 1)``."""
    if isinstance(value, Rate):
        return value.requests, value.seconds
    requests, seconds = value.split("/") if isinstance(value, str) else value
    return float(requests), float(seconds)


def _rate_limit(value: Any) -> Call:
    requests, seconds = _per(value)
    return Call("PUT", "/limits", {"rate": {"requests": int(requests), "seconds": seconds}})


#: What may be said of an account, where the control API cannot say what is wrong with it.
_EXAMPLES = {"rate_limit": "'10/1' or (10, 1)", "behaviours": "{'delete_answer': 'stub'}"}
_SETTING_UP: dict[str, Callable[[Any], Call]] = {
    "scenario": lambda value: Call("PUT", "/scenario", {"scenario": value}),
    "behaviours": lambda value: Call("PUT", "/behaviours", dict(value)),
    "speed": lambda value: Call("PUT", "/clock", {"rate": value}),
    "units": lambda value: Call("PUT", "/limits", {"units": value}),
    "slots": lambda value: Call("PUT", "/limits", {"slots": value}),
    "rate_limit": _rate_limit,
}
