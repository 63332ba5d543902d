"""Audio: an MP3 of exactly the length asked for, and a trial clip as WAV.

The MP3 is a loop of frames of one recording (fixtures/media/speech.mp3). It was encoded without a bit reservoir, so
every frame stands alone, and at a rate that needs no padding, so every frame is 96 bytes and 24 ms.
"""

from __future__ import annotations

from pathlib import Path

from mock_server.core.speech import FRAME_MS
from mock_server.datafile import BrokenFile

#: MPEG-2 Layer III, 32 kbit/s at 24 kHz: 72 * 32000 / 24000 bytes.
FRAME_BYTES = 96
_FRAME_HEADER = b"\xff\xf3\x44"
#: The longest audio served, in ms: the longest text of any dialect at its lowest speed stays below.
MAX_DURATION_MS = 2 * 60 * 60 * 1000


class Media:
    """The recordings of a fixtures folder.

    Args:
        fixtures: the folder; its ``media`` holds ``speech.mp3`` and ``trial.wav``.

    Raises:
        BrokenFile: one is missing or is not what it should be.
    """

    def __init__(self, fixtures: Path) -> None:
        self._folder = fixtures / "media"
        #: The trial clip of a custom voice: a WAV file (observed: trial_url ends in .wav).
        self.trial = self._read("trial.wav", b"RIFF")
        self._loop = self._read("speech.mp3", _FRAME_HEADER)
        if len(self._loop) % FRAME_BYTES:
            raise BrokenFile(f"{self._folder / 'speech.mp3'}: not a whole number of 96-byte frames")

    def speech(self, duration_ms: int) -> bytes:
        """MP3 audio that lasts exactly ``duration_ms``, a multiple of 24 between 24 and ``MAX_DURATION_MS``.

        Raises:
            ValueError: no audio has that length.
        """
        if not 0 < duration_ms <= MAX_DURATION_MS or duration_ms % FRAME_MS:
            raise ValueError(f"no audio lasts {duration_ms} ms")
        size = duration_ms // FRAME_MS * FRAME_BYTES
        return (self._loop * (size // len(self._loop) + 1))[:size]

    def _read(self, name: str, beginning: bytes) -> bytes:
        path = self._folder / name
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BrokenFile(f"{path}: {error.strerror}") from None
        if not content.startswith(beginning):
            raise BrokenFile(f"{path}: not the expected audio format")
        return content
