"""The profiles: how much a run looks at, and what it may cost. Data only."""

from __future__ import annotations

from dataclasses import dataclass

_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Profile:
    """How much a run looks at.

    Attributes:
        examples: generated examples per operation, and stories of the machine.
        requests: requests that are sent to a server that is not free, at most.
        billed: calls among them that may be charged, at most.
        seconds: after which nothing new is looked at.
        is_live: for a server that charges: what may be charged is sent by canaries only, of which there are ``billed``.
    """

    name: str
    examples: int
    requests: int
    billed: int
    seconds: float
    is_live: bool = False


#: By name. ``dev``, ``ci`` and ``nightly`` are for pytest, the others for ``kling-mock check`` too.
PROFILES = {
    profile.name: profile
    for profile in (
        Profile("smoke", 5, 500, 20, 300),
        Profile("standard", 12, 3000, 100, 900),
        Profile("thorough", 500, 30_000, 500, 2 * _HOUR_S),
        Profile("live-free", 20, 1500, 0, 900, is_live=True),
        Profile("live-canary", 5, 1500, 2, 1800, is_live=True),
        Profile("dev", 50, 3000, 100, 900),
        Profile("ci", 200, 10_000, 200, _HOUR_S),
        Profile("nightly", 2000, 100_000, 1000, 8 * _HOUR_S),
    )
}
DEFAULT = PROFILES["dev"]
