"""Where the parts of this repository are."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OPENAPI = ROOT / "openapi"
FIXTURES = ROOT / "fixtures"


def copy_of(folder: Path, into: Path) -> Path:
    """A copy of a folder that a test may break."""
    target = into / folder.name
    shutil.copytree(folder, target)
    return target


def edit(path: Path, old: str, new: str) -> int:
    """Replaces the one place of a file that reads ``old``; returns its line, from 1."""
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), "utf-8")
    return text[: text.index(old)].count("\n") + 1
