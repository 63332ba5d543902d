"""How long an MP3 file lasts, counted frame by frame.

Source: the MPEG audio standards, ISO/IEC 11172-3 and 13818-3.
"""

from __future__ import annotations

#: kbit/s by the header's index, for Layer III of MPEG-1 and of MPEG-2 and 2.5.
_RATES_V1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0)
_RATES_V2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0)
#: Samples a second by version bits (3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5) and index.
_HERTZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_ID3_HEADER_BYTES = 10


class NotMp3(ValueError):
    """Raised when a file is no MP3."""


def duration_s(content: bytes) -> float:
    """Seconds of an MP3 file.

    Raises:
        NotMp3: it does not consist of Layer III frames.
    """
    position = _after_tag(content)
    seconds = 0.0
    while position + 4 <= len(content) and content[position : position + 3] != b"TAG":
        size, lasts_s = _frame(content, position)
        seconds += lasts_s
        position += size
    if not seconds:
        raise NotMp3("no frame in it")
    return seconds


def _after_tag(content: bytes) -> int:
    if content[:3] != b"ID3" or len(content) < _ID3_HEADER_BYTES:
        return 0
    size = 0
    for byte in content[6:_ID3_HEADER_BYTES]:
        size = size << 7 | byte & 0x7F
    return _ID3_HEADER_BYTES + size


def _frame(content: bytes, position: int) -> tuple[int, float]:
    """Bytes and seconds of the frame that begins at a position."""
    header = int.from_bytes(content[position : position + 4], "big")
    version, layer = header >> 19 & 3, header >> 17 & 3
    rate_index, hertz_index = header >> 12 & 15, header >> 10 & 3
    if header >> 21 != 0x7FF or layer != 1 or version == 1 or hertz_index == 3:
        raise NotMp3(f"no Layer III frame at byte {position}")
    kilobits = (_RATES_V1 if version == 3 else _RATES_V2)[rate_index]
    if not kilobits:
        raise NotMp3(f"a frame without a rate at byte {position}")
    hertz = _HERTZ[version][hertz_index]
    samples = 1152 if version == 3 else 576
    size = samples // 8 * kilobits * 1000 // hertz + (header >> 9 & 1)
    return size, samples / hertz
