"""What the use cases need from outside, and what they may rely on."""

from __future__ import annotations

from typing import Protocol

from mock_server.core.scenario import Scenario
from mock_server.core.task import Observation, Task, TaskKind


class Clock(Protocol):
    """Virtual time. Never goes back, whatever is asked of it."""

    @property
    def rate(self) -> float:
        """Virtual seconds per real second; 0 stands still."""

    @property
    def jumped_ms(self) -> int:
        """Milliseconds it was moved by jumps, apart from its own running."""

    def now(self) -> int:
        """The present instant: milliseconds since the Unix epoch, UTC."""

    def set_rate(self, rate: float) -> None:
        """Changes the rate from now on."""

    def jump_to(self, instant: int) -> None:
        """Moves forward to an instant (ms); does nothing when it has passed already."""

    def real_delay_s(self, instant: int) -> float | None:
        """Real seconds until an instant (ms); ``None`` when a clock that stands still never gets there."""

    def copy(self) -> Clock:
        """A clock of its own that shows the same time now and runs at the same rate."""


class Ids(Protocol):
    """Makes identifiers. Equal arguments give equal ids, in every run with the same seed."""

    def number(self, account_id: str, kind: str, ordinal: int) -> str:
        """18 decimal digits as text."""

    def pair(self, account_id: str, kind: str, ordinal: int) -> tuple[str, str]:
        """Two such numbers: of a task, and of what it makes."""

    def fractions(self, account_id: str, kind: str, ordinal: int) -> tuple[float, float]:
        """Two numbers of [0, 1)."""


class Voices(Protocol):
    """Knows the voices a client can name."""

    @property
    def preset_ids(self) -> frozenset[str]:
        """Voice ids of the preset library."""

    def speaks(self, voice_id: str, language: str | None, dialect: str) -> bool:
        """Whether a voice exists in a dialect and speaks a language; ``None`` asks for any."""


class ScenarioBook(Protocol):
    """Knows the scenarios, and the magic values that choose them."""

    def default_for(self, kind: TaskKind) -> Scenario:
        """What happens to a kind of task when nobody asks for anything else; it has a plan for it."""

    def named(self, name: str) -> Scenario:
        """The scenario with this name. Raises ``UnknownScenario``."""


class Renderer(Protocol):
    """Turns a task into the body of a callback."""

    def __call__(self, task: Task, seen: Observation, /) -> bytes:
        """The bytes that are sent for a task that was seen so."""
