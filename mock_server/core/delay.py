"""Delays: a fixed time, or one drawn from a distribution by two numbers that a hash made.

The names and parameters are those of other tools: uniform, and lognormal by median and sigma.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

#: The longest time a lognormal draw may take where no maximum is given, as a multiple of its median.
_LOGNORMAL_CAP = 100


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same ``seconds``."""

    seconds: float = 0.0

    def draw(self, _first: float, _second: float) -> float:
        """The seconds."""
        return self.seconds


@dataclass(frozen=True, slots=True)
class Uniform:
    """Anything from ``low`` to ``high`` seconds, equally likely."""

    low: float
    high: float

    def draw(self, first: float, _second: float) -> float:
        """Seconds for a number of [0, 1)."""
        return self.low + (self.high - self.low) * first


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Half of the draws are below ``median`` s; ``sigma`` is the spread of the logarithm; never over ``maximum``."""

    median: float
    sigma: float
    maximum: float | None = None

    def draw(self, first: float, second: float) -> float:
        """Seconds for two numbers of [0, 1), by the transform of Box and Muller."""
        normal = math.sqrt(-2 * math.log(1 - first)) * math.cos(2 * math.pi * second)
        cap = self.median * _LOGNORMAL_CAP if self.maximum is None else self.maximum
        exponent = min(self.sigma * normal, 700.0)  # beyond, exp() overflows
        return min(self.median * math.exp(exponent), cap)


Delay = Fixed | Uniform | Lognormal
