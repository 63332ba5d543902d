"""Reading our YAML files: errors name file, line, key and remedy in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server import datafile
from mock_server.datafile import BrokenFile
from mock_server.schema import dotted
from tests.support.tasks import quick

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["colour"],
    "properties": {
        "colour": {"enum": ["red", "green"]},
        "sizes": {"type": "array", "items": {"type": "number", "minimum": 1}},
        "inner": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"depth": {"type": "integer"}},
        },
    },
}


def refusal(path: Path, text: str) -> str:
    """The words with which a file of this text is refused; they are one line that names the file."""
    path.write_text(text, "utf-8")
    with pytest.raises(BrokenFile) as refused:
        datafile.read_checked(path, SCHEMA)
    words = str(refused.value)
    assert words.startswith(f"{path}:")
    assert "\n" not in words
    return words.removeprefix(f"{path}:")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("color: red", ["1: file: unknown key 'color'", "did you mean 'colour'?"]),
        ("colour: red\ninner:\n  dept: 1", ["3: inner:", "'dept'", "did you mean 'depth'?"]),
        ("colour: gren", ["1: colour: 'gren' is none of red, green", "did you mean 'green'?"]),
        ("colour: red\nsizes:\n- 1\n- 0", ["4: sizes[1]: 0 is less than"]),
        ("colour: red\nsizes: 5", ["2: sizes: 5 is not of type"]),
        ("sizes: []", ["1: file:", "colour", "required"]),
        ("", ["1: file: null is not of type"]),
        ("- a", ["1: file:", "is not of type"]),
        ("colour: red\nsizes: [1", ["not YAML"]),
        ("colour: red\n\tsizes: 1", ["2: not YAML"]),
        ("colour: !what red", ["1: not YAML", "!what"]),
        ("colour: *nowhere", ["1: not YAML"]),
        ("? [a]\n: b", ["1: not YAML"]),
        ("a: 1\n---\nb: 2", ["2: not YAML"]),
    ],
)
def test_a_broken_file_is_refused_by_place_and_remedy(
    tmp_path: Path, text: str, words: list[str]
) -> None:
    """The first broken place is named by file, line and key, with the nearest valid word where there is one."""
    said = refusal(tmp_path / "data.yaml", text)
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    "value",
    [
        "2025-13-01",
        "!!int abc",
        "2025-12-01",
        "!!binary aGk=",
        "!!set {x}",
        '"\0"',
        '"\x1b"',
        ".nan",
    ],
    ids=ascii,
)
def test_values_that_json_has_not_are_refused(tmp_path: Path, value: str) -> None:
    """A date, a set, a control character and the like are refused like any other mistake, in one line."""
    refusal(tmp_path / "data.yaml", f"colour: {value}")


def test_a_key_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """A number as a key is refused as an unknown key."""
    refusal(tmp_path / "data.yaml", "colour: red\n1: red")


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """Of a key that stands twice neither value is dropped in silence."""
    assert "colour" in refusal(tmp_path / "data.yaml", "colour: red\ncolour: green")


@pytest.mark.parametrize(
    ("content", "words"), [(None, "No such file"), (b"\xff\xfe\xfd", "not UTF-8")]
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    """A missing file and one that is not UTF-8 are refused by name and reason."""
    path = tmp_path / "data.yaml"
    if content is not None:
        path.write_bytes(content)
    for read in (datafile.read, datafile.read_text):
        with pytest.raises(BrokenFile, match=words) as refused:
            read(path)
        assert str(refused.value).startswith(f"{path}: ")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder in the place of a file is refused by name."""
    with pytest.raises(BrokenFile, match=str(tmp_path)):
        datafile.read(tmp_path)


def test_a_file_that_keeps_its_schema_is_its_value(tmp_path: Path) -> None:
    """A file that keeps its schema is given as it reads."""
    path = tmp_path / "data.yaml"
    path.write_text("colour: red\nsizes: [1, 2.5]  # 中\n", "utf-8")
    assert datafile.read_checked(path, SCHEMA) == {"colour": "red", "sizes": [1, 2.5]}
    assert datafile.read(path) == {"colour": "red", "sizes": [1, 2.5]}


@quick
@given(st.lists(st.sampled_from(["a", "b", 0, 12]), max_size=4))
def test_a_place_reads_as_people_write_it(place: list[str | int]) -> None:
    """A place is keys joined by dots and numbers in brackets; the whole file is ``file``."""
    words = dotted(place)
    if not place:
        assert words == "file"
    parts = words.replace("[", ".[").strip(".").split(".")
    read = [int(part[1:-1]) if part.startswith("[") else part for part in parts]
    assert read == (place or ["file"])


@quick
@given(st.integers(0, 4), st.integers(0, 3))
def test_a_line_is_counted_from_one(blank: int, index: int) -> None:
    """The line of a value is the one on which it begins."""
    text = "\n" * blank + "rows:\n" + "- {x: 1}\n" * 4
    assert datafile.line_of(text, ["rows", index, "x"]) == blank + 2 + index
    assert datafile.line_of(text, []) == blank + 1
