"""Audio: an MP3 of exactly the length asked for, and a trial clip. An independent decoder is the judge."""

from __future__ import annotations

from pathlib import Path

import miniaudio  # type: ignore[import-untyped]  # it has no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_server.core.speech import FRAME_MS
from mock_server.datafile import BrokenFile
from mock_server.media import FRAME_BYTES, MAX_DURATION_MS, Media
from tests.support.places import FIXTURES, copy_of

MEDIA = Media(FIXTURES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the fixtures that may be broken."""
    return copy_of(FIXTURES, tmp_path)


def exact_ms(audio: bytes) -> float:
    """How long the decoder plays an MP3, in ms."""
    decoded = miniaudio.mp3_read_s16(audio)
    assert decoded.nchannels == 1
    return float(len(decoded.samples) * 1000 / decoded.sample_rate)


@pytest.mark.parametrize("frames", [1, 2, 3, 41, 42, 100, 469, 2500])
def test_an_mp3_lasts_exactly_as_long_as_asked(frames: int) -> None:
    """The MP3 decodes, and to the very length that was asked for, the shortest included."""
    assert exact_ms(MEDIA.speech(frames * FRAME_MS)) == frames * FRAME_MS


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 400))
def test_every_length_of_whole_frames_is_exact(frames: int) -> None:
    """Whatever the number of frames, size and length follow from it."""
    audio = MEDIA.speech(frames * FRAME_MS)
    assert len(audio) == frames * FRAME_BYTES
    assert exact_ms(audio) == frames * FRAME_MS


def test_an_mp3_is_what_the_design_says() -> None:
    """The audio is 24 kHz, mono, 32 kbit/s."""
    info = miniaudio.mp3_get_info(MEDIA.speech(2400))
    assert (info.sample_rate, info.nchannels) == (24_000, 1)
    assert len(MEDIA.speech(2400)) * 8 / 2.4 == 32_000


def test_the_same_length_is_the_same_audio() -> None:
    """Audio depends on its length alone, and a shorter one is the beginning of a longer."""
    assert MEDIA.speech(240) == Media(FIXTURES).speech(240)
    assert MEDIA.speech(2400).startswith(MEDIA.speech(240))


def test_the_longest_audio_has_its_size() -> None:
    """The longest audio is served in full."""
    assert len(MEDIA.speech(MAX_DURATION_MS)) == MAX_DURATION_MS // FRAME_MS * FRAME_BYTES


@pytest.mark.parametrize("duration_ms", [0, -24, 1, 23, 25, MAX_DURATION_MS + 24, 10**12])
def test_lengths_that_no_audio_has_are_refused(duration_ms: int) -> None:
    """A length that is not positive, not whole frames, or too long is refused."""
    with pytest.raises(ValueError, match=f"no audio lasts {duration_ms} ms"):
        MEDIA.speech(duration_ms)


def test_the_trial_clip_is_a_wav_that_decodes() -> None:
    """The trial clip is a WAV file with sound in it."""
    decoded = miniaudio.decode(MEDIA.trial)
    assert miniaudio.get_file_info(str(FIXTURES / "media" / "trial.wav")).file_format is (
        miniaudio.FileFormat.WAV
    )
    assert decoded.duration > 0
    assert any(decoded.samples)


def test_speech_is_not_silence() -> None:
    """Somebody who listens hears something."""
    assert any(miniaudio.mp3_read_s16(MEDIA.speech(2400)).samples)


def test_recordings_are_read_once(folder: Path) -> None:
    """The recordings are read when the server is made; what happens to the files later does not matter."""
    media = Media(folder)
    (folder / "media" / "speech.mp3").unlink()
    assert media.speech(FRAME_MS)


@pytest.mark.parametrize("name", ["speech.mp3", "trial.wav"])
def test_a_missing_or_wrong_recording_is_named(folder: Path, name: str) -> None:
    """A recording that is empty, of another kind or not there is refused by name before it is needed."""
    path = folder / "media" / name
    for content in (b"", b"ID3 something else"):
        path.write_bytes(content)
        with pytest.raises(BrokenFile, match="not the expected audio format") as refused:
            Media(folder)
        assert str(refused.value).startswith(str(path))
    path.unlink()
    with pytest.raises(BrokenFile, match="No such file") as refused:
        Media(folder)
    assert str(refused.value).startswith(str(path))


def test_a_cut_recording_is_refused(folder: Path) -> None:
    """A recording that is not a whole number of frames cannot be looped."""
    path = folder / "media" / "speech.mp3"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BrokenFile, match="whole number of 96-byte frames"):
        Media(folder)
