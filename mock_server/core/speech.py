"""How long a speech lasts.

The mock speaks no words; it hands out audio of a plausible and exact length. The audio is MPEG-2 Layer III at 24 kHz,
where a frame is 576 samples, so a length that is a whole number of 24 ms frames can be kept exactly.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

#: Length of one audio frame in ms: 576 samples at 24,000 samples a second.
FRAME_MS = 24
#: Observed: a clip of 134 Latin characters lasted 11.3 s (live calls 2026-09).
MS_PER_LATIN_CHARACTER = 84
#: Ours: an ordinary Chinese reading speed of some 270 characters a minute.
MS_PER_CJK_CHARACTER = 220

_CJK = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")

#: Documented range of voice_speed, and the step it is rounded to.
SPEED_MIN = Decimal("0.8")
SPEED_MAX = Decimal("2.0")
SPEED_STEP = Decimal("0.1")
#: The speeds that need no rounding.
_EXACT = frozenset(tenths / 10 for tenths in range(8, 21))


def duration_ms(text: str, speed: float) -> int:
    """Length of the audio for ``text`` at ``speed`` (1.0 is normal), in ms: a multiple of 24, at least 24."""
    wide = 0 if text.isascii() else len(_CJK.findall(text))
    plain = len(text) - wide
    frames = (wide * MS_PER_CJK_CHARACTER + plain * MS_PER_LATIN_CHARACTER) / (speed * FRAME_MS)
    return max(1, round(frames)) * FRAME_MS


def rounded_speed(speed: float) -> float:
    """The speed to one decimal, half up: 1.25 becomes 1.3 (documented; halves as the Chinese text has them)."""
    if speed in _EXACT:
        return float(speed)
    # Huge and tiny floats are legal JSON: bound them first, so that no exponent overflows the rounding.
    bounded = min(max(speed, -1000.0), 1000.0)
    return float(Decimal(repr(bounded)).quantize(SPEED_STEP, rounding=ROUND_HALF_UP))


def is_in_range(speed: float) -> bool:
    """Whether a rounded speed lies in the documented range [0.8, 2.0]."""
    return float(SPEED_MIN) <= speed <= float(SPEED_MAX)


def clamped(speed: float) -> float:
    """The nearest speed of the documented range."""
    return min(max(speed, float(SPEED_MIN)), float(SPEED_MAX))
