"""Faults, plans and scenarios that a test has set up, each a handle to ask how it fared, and to take it away again."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from mock_server.ctl_client import Call, segment
from mock_server.ctl_faults import fault_text
from mock_server.terminal import cell
from mock_server.testing.asking import (
    Awaiting,
    Blocking,
    ControlFailed,
    NotAsExpected,
    Part,
    Steps,
    Value,
    Via,
    awaited_of,
    blocking_of,
    twin,
)
from mock_server.testing.words import said

_WHEN = ("after", "count", "probability", "window", "ttl")
_OF_CALLBACKS = frozenset(("drop", "hold", "early", "times", "delay", "replay", "signature"))
REQUESTS = "/faults"
CALLBACKS = "/callback-faults"


def arming(path: str, fault: str | Mapping[str, Any], options: Mapping[str, Any]) -> Call:
    """The call that arms a fault.

    Args:
        options: ``id``; ``match`` and ``when``, and beside them what may stand in either.
    """
    own = ("id", "match", "when", *_WHEN)
    match = dict(options.get("match") or {})
    match |= {name: value for name, value in options.items() if name not in own}
    when = dict(options.get("when") or {})
    when |= {name: value for name, value in options.items() if name in _WHEN}
    body: Value = {"fault": fault if isinstance(fault, str) else dict(fault)}
    body |= {"match": match} if match else {}
    body |= {"when": when} if when else {}
    body |= {"id": options["id"]} if options.get("id") else {}
    return Call("POST", path, body)


class _Handle(Part):
    """Something that was set up and has an id."""

    def __init__(self, via: Via, setting_up: Call) -> None:
        super().__init__(via)
        self._setting_up = setting_up
        self._kind = setting_up.path
        #: The id under which the control API knows it; empty until it is set up.
        self.id = ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id or 'not set up'}>"

    @property
    def _path(self) -> str:
        return f"{self._kind}/{segment(self.id)}"

    def _set_up(self) -> Steps[None]:
        if not self.id:
            self.id = (yield self._setting_up)["id"]

    def _taken_away(self) -> Steps[None]:
        try:
            yield Call("DELETE", self._path)
        except ControlFailed as error:
            if error.status != 404:  # the account was reset meanwhile
                raise


class _Fault(_Handle):
    """An armed fault."""

    @twin
    def show(self) -> Steps[Value]:
        """How it has fared: ``state``, ``matched``, ``consumed``, ``remaining`` and, of requests, ``bypassed``."""
        return (yield Call("GET", self._path))

    @twin
    def disarm(self) -> Steps[None]:
        """Takes it away; does nothing when it is gone."""
        yield from self._taken_away()

    @twin
    def assert_consumed(self, times: int | None = None) -> Steps[None]:
        """Asserts that it struck: so many times, or by default as often as its ``count`` says, else at least once.

        Raises:
            NotAsExpected: it did not; the message says what it matched.
        """
        __tracebackhide__ = True
        rule = yield Call("GET", self._path)
        if not is_used(rule) if times is None else rule["consumed"] != times:
            raise NotAsExpected(fared(rule))


class _Plan(_Handle):
    """A script of faults."""

    @twin
    def show(self) -> Steps[Value]:
        """How far it was played: per operation ``done`` and ``left``; and ``completed``."""
        return (yield Call("GET", self._path))

    @twin
    def drop(self) -> Steps[None]:
        """Takes it away; does nothing when it is gone."""
        yield from self._taken_away()

    @twin
    def assert_completed(self) -> Steps[None]:
        """Asserts that every step was played.

        Raises:
            NotAsExpected: some are left; the message lists them.
        """
        __tracebackhide__ = True
        plan = yield Call("GET", self._path)
        if not plan["completed"]:
            raise NotAsExpected(played(plan))


class Armed(_Fault, Blocking):
    """A fault that was armed; as a context manager, disarmed at the end."""

    def __init__(self, via: Via, setting_up: Call) -> None:
        __tracebackhide__ = True
        super().__init__(via, setting_up)
        blocking_of(via, self._set_up())

    @property
    def matched(self) -> int:
        """How many requests or callbacks it was for."""
        return int(self.show()["matched"])

    @property
    def consumed(self) -> int:
        """How many it struck."""
        return int(self.show()["consumed"])

    @property
    def remaining(self) -> int | None:
        """How many strikes are left; ``None`` without a count."""
        left: int | None = self.show()["remaining"]
        return left

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.disarm()


class Plan(_Plan, Blocking):
    """A plan that was added; as a context manager, dropped at the end."""

    def __init__(self, via: Via, setting_up: Call) -> None:
        __tracebackhide__ = True
        super().__init__(via, setting_up)
        blocking_of(via, self._set_up())

    @property
    def completed(self) -> bool:
        """Whether every step was played."""
        return bool(self.show()["completed"])

    @property
    def left(self) -> dict[str, list[Any]]:
        """The steps that are left, per operation."""
        return {name: steps["left"] for name, steps in self.show()["steps"].items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.drop()


class _Unawaited:
    """Says so, as coroutines do, when it is given up without ever having been awaited or entered."""

    _is_awaited = False

    def __del__(self) -> None:
        if not self._is_awaited:
            warnings.warn(
                f"{self!r} was never awaited, so it does nothing; await it, or enter it with async with",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )


class _Pending(_Unawaited, _Handle, Awaiting):
    """What is set up when it is awaited, or entered with ``async with``."""

    def __await__(self) -> Generator[Any, None, Self]:
        return self._ready().__await__()

    async def _ready(self) -> Self:
        self._is_awaited = True
        await awaited_of(self._via, self._set_up())
        return self

    async def __aenter__(self) -> Self:
        return await self._ready()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await awaited_of(self._via, self._taken_away())


class AsyncArmed(_Pending, _Fault):
    """A fault: ``fault = await mock.aio.fault(...)``, or ``async with``, which disarms it at the end."""


class AsyncPlan(_Pending, _Plan):
    """A plan: ``plan = await mock.aio.plan(...)``, or ``async with``, which drops it at the end."""


class _Scenario(Part):
    """The default scenario of an account, as it was before and as it was set."""

    def __init__(self, via: Via, name: str) -> None:
        super().__init__(via)
        self.name = name
        #: The scenario in force before.
        self.before = ""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def _put(self) -> Steps[None]:
        if not self.before:
            self.before = (yield Call("GET", "/scenario"))["scenario"]
            yield Call("PUT", "/scenario", {"scenario": self.name})

    def _put_back(self) -> Steps[None]:
        yield Call("PUT", "/scenario", {"scenario": self.before})


class Scenario(_Scenario, Blocking):
    """A default scenario that was set; as a context manager, the one before is in force again at the end."""

    def __init__(self, via: Via, name: str) -> None:
        __tracebackhide__ = True
        super().__init__(via, name)
        blocking_of(via, self._put())

    def restore(self) -> None:
        """Puts the scenario that was in force before into force again."""
        blocking_of(self._via, self._put_back())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.restore()


class AsyncScenario(_Unawaited, _Scenario, Awaiting):
    """A default scenario: ``await mock.aio.scenario(...)``, or ``async with``, which restores the one before."""

    def __await__(self) -> Generator[Any, None, Self]:
        return self.__aenter__().__await__()

    async def restore(self) -> None:
        """Puts the scenario that was in force before into force again."""
        await awaited_of(self._via, self._put_back())

    async def __aenter__(self) -> Self:
        self._is_awaited = True
        await awaited_of(self._via, self._put())
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.restore()


def is_used(rule: Mapping[str, Any]) -> bool:
    """Whether an armed fault struck as often as it was to."""
    if rule["remaining"] is None:
        return bool(rule["consumed"])
    return not rule["remaining"]


def fared(rule: Mapping[str, Any]) -> str:
    """How an armed fault fared, in words."""
    limit = rule["when"].get("count")
    wanted = f" of {limit}" if limit else ""
    bypassed = f", {rule['bypassed']} bypassed" if rule.get("bypassed") else ""
    what = said(rule["match"]) if rule["match"] else "anything"
    return (
        f"fault {rule['id']} ({_text(rule['fault'])} on {what}) struck {rule['consumed']}{wanted}"
        f" times: {rule['matched']} matched{bypassed}"
    )


def played(plan: Mapping[str, Any]) -> str:
    """What is left of a plan, in words."""
    left = [
        f"{name}: {_steps(steps['left'])}" for name, steps in plan["steps"].items() if steps["left"]
    ]
    return f"plan {plan['id']} was not played to its end; left are {'; '.join(left)}"


def _steps(steps: Sequence[Any]) -> str:
    return ", ".join(map(_text, steps))


def _text(fault: Any) -> str:
    """A fault as a text where one can say it; those of callbacks are other objects, and few."""
    if isinstance(fault, Mapping) and not _OF_CALLBACKS & set(fault):
        return cell(fault_text(fault))
    return cell(fault) if isinstance(fault, str) else said(fault)
