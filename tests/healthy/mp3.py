"""Files of silence whose length is exact: MP3 frame by frame, and WAV."""

from __future__ import annotations

import io
import wave

#: MPEG-1 Layer III, 64 kbit/s, 48 kHz, mono: 192 bytes, 1152 samples.
_FRAME = b"\xff\xfb\x54\xc4".ljust(192, b"\0")
FRAME_S = 0.024
#: An empty ID3v2.4 tag with ten bytes of padding.
_TAG = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10)


def silence(frames: int, *, tagged: bool = False) -> bytes:
    """A file of so many frames of 24 ms, with a tag in front if wanted."""
    return (_TAG if tagged else b"") + _FRAME * frames


def frames_of(text: str, speed: float) -> int:
    """How many frames a text takes: some 70 ms a character, at least one."""
    return max(1, round(len(text) * 0.07 / speed / FRAME_S))


def sample() -> bytes:
    """A WAV file of a second."""
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(8000)
        recording.writeframes(bytes(16_000))
    return file.getvalue()
