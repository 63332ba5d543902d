"""The voices a client can name."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from mock_server.catalogue import Catalogue
from mock_server.datafile import BrokenFile
from mock_server.documents import DIALECTS
from tests.support.places import FIXTURES, copy_of, edit


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    """The catalogue that is shipped."""
    return Catalogue(FIXTURES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the fixtures that may be broken; it is usable before."""
    copy = copy_of(FIXTURES, tmp_path)
    Catalogue(copy)
    return copy


@pytest.mark.parametrize(
    ("dialect", "language", "count"),
    [
        ("klingai", None, 46),
        ("klingai", "zh", 35),
        ("klingai", "en", 27),
        ("kkiai", None, 46),
        ("kkiai", "zh", 35),
        ("kkiai", "en", 27),
        ("ezmodel", None, 47),
        ("klingai", "fr", 0),
        ("elsewhere", None, 0),
    ],
)
def test_the_shipped_voices(
    shipped: Catalogue, dialect: str, language: str | None, count: int
) -> None:
    """The official catalogue has 46 voices, 35 of which speak Chinese and 27 English; EzModel has one of its own."""
    speakers = [name for name in shipped.voices if shipped.speaks(name, language, dialect)]
    assert len(speakers) == count


def test_a_voice_speaks_the_languages_it_has_a_name_in(shipped: Catalogue) -> None:
    """For every voice, language and dialect: it speaks exactly what its entry says."""
    for voice, language, dialect in product(shipped.voices.values(), ("zh", "en"), DIALECTS):
        expected = language in voice.names and dialect in voice.dialects
        assert shipped.speaks(voice.voice_id, language, dialect) is expected


def test_voices_that_exist_in_one_dialect_only(shipped: Catalogue) -> None:
    """EzModel's example voice is unknown to the official API."""
    assert shipped.speaks("voice_001", None, "ezmodel")
    assert not shipped.speaks("voice_001", None, "klingai")


def test_unknown_voices_speak_nothing(shipped: Catalogue) -> None:
    """A voice that is not in the catalogue, a preset among them, does not speak."""
    for voice_id in ("", "nobody", "OVERSEA_MALE1", *shipped.preset_ids):
        assert not shipped.speaks(voice_id, None, "klingai")


def test_presets_have_numeric_ids_of_their_own(shipped: Catalogue) -> None:
    """Preset voices have ids of 18 digits, each once, and the first is Owen (observed)."""
    ids = [item.voice_id for item in shipped.presets] + [item.task_id for item in shipped.presets]
    assert len(set(ids)) == len(ids)
    assert all(len(item) == 18 and item.isdigit() for item in ids)
    assert shipped.presets[0].voice_name == "Owen"
    assert shipped.preset_ids == {item.voice_id for item in shipped.presets}


def refusal(folder: Path) -> str:
    """The words, one line, with which a folder is refused."""
    with pytest.raises(BrokenFile) as refused:
        Catalogue(folder)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("voices", "{voice_id: AOT, names", "{voice_id: AOT, name", "did you mean 'names'?"),
        ("voices", "names: {en: Ace}", "names: {fr: Ace}", "unknown key 'fr'"),
        ("voices", "{voice_id: AOT, ", "{voice_id: 5, ", "voice_id: 5 is not of type"),
        (
            "voices",
            "{en: Ace}, dialects: [klingai,",
            "{en: Ace}, dialects: [klingia,",
            "did you mean 'klingai'?",
        ),
        ("presets", "voice_name: Owen", "voice_nam: Owen", "did you mean 'voice_name'?"),
        ("presets", 'voice_id: "850142319321288446"', "voice_id: x", "voice_id:"),
        ("presets", "created_at: 1764547200000", "created_at: 2025-12-01", "created_at:"),
    ],
)
def test_a_broken_row_is_named(folder: Path, file: str, old: str, new: str, words: str) -> None:
    """A row that cannot be used is refused with file, line, key and remedy."""
    path = folder / f"{file}.yaml"
    line = edit(path, old, new)
    said = refusal(folder)
    assert words in said
    assert said.startswith(f"{path}:{line}:")


@pytest.mark.parametrize(
    ("file", "one", "other"),
    [
        ("voices", "voice_id: AOT,", "voice_id: uk_boy1,"),
        ("presets", 'voice_id: "850142319321288446"', 'voice_id: "850168809844587395"'),
    ],
)
def test_an_id_that_stands_twice_is_refused(folder: Path, file: str, one: str, other: str) -> None:
    """Of two rows with one voice_id the second is named; neither is dropped in silence."""
    path = folder / f"{file}.yaml"
    first = edit(path, other, one)
    second = max(first, path.read_text("utf-8").split(one)[0].count("\n") + 1)
    said = refusal(folder)
    assert "twice" in said
    assert said.startswith(f"{path}:{second}:")


@pytest.mark.parametrize("file", ["voices.yaml", "presets.yaml", "schemas/voices.yaml"])
def test_a_missing_or_garbled_file_is_named(folder: Path, file: str) -> None:
    """A file that is not UTF-8, not YAML or not there is refused by name."""
    path = folder / file
    path.write_bytes(b"\xff\xfe")
    assert refusal(folder) == f"{path}: not UTF-8"
    path.write_text("voices: [", "utf-8")
    assert refusal(folder).startswith(f"{path}:")
    path.unlink()
    assert refusal(folder).startswith(f"{path}: No such file")


def test_an_empty_catalogue_is_refused(folder: Path) -> None:
    """A catalogue without voices is no catalogue."""
    (folder / "voices.yaml").write_text("voices: []", "utf-8")
    assert "voices.yaml:1: voices:" in refusal(folder)
