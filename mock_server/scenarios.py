"""The scenarios of the fixtures and of the user's own folder, and the magic values that choose them.

A scenario is one file whose name is the scenario's. The bundled ones are read when they are first asked for, so that a
start costs little; the user's own are read at the start, so that a mistake is said at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os.path import commonprefix
from pathlib import Path
from typing import Any, NamedTuple

from mock_server import datafile
from mock_server.core.scenario import Scenario, UnknownScenario
from mock_server.core.task import TaskKind
from mock_server.core.words import nearest
from mock_server.scenario_file import ScenarioFiles

DEFAULT = "default"
#: Characters that all magic words must share, for a text that begins with them to be taken for a misspelt one.
_TELLING = 4
#: The fields of a request in which a magic word or file name counts, by the kind of task.
_WORD_FIELDS = {TaskKind.SPEECH: "text", TaskKind.CUSTOM_VOICE: "voice_name"}
_FILE_FIELDS = {TaskKind.CUSTOM_VOICE: "voice_url"}


class Magic(NamedTuple):
    """A magic value: a word at the beginning of a text, or the name of a file, that asks for a scenario."""

    scenario: str
    word: str
    file: str


class Scenarios:
    """All scenarios by name.

    Args:
        fixtures: the folder that holds ``scenarios/*.yaml``, ``magic.yaml`` and ``schemas/``.
        files: reads scenario files.
        own: a file or folder of the user's, whose scenarios stand beside the bundled ones and before them.
        magic: whether magic values choose scenarios.
        default: the scenario that is followed when nobody asks for one.
        eager: reads all files at once, as suits fixtures that are not the bundled ones.

    Raises:
        BrokenFile: a file cannot be used; the message names file, line, key and remedy.
        UnknownScenario: there is no scenario named ``default``.
    """

    def __init__(
        self,
        fixtures: Path,
        files: ScenarioFiles,
        *,
        own: Path | None = None,
        magic: bool = True,
        default: str = DEFAULT,
        eager: bool = False,
    ) -> None:
        self._files = files
        self._paths = _paths_of(fixtures / "scenarios")
        self._read: dict[str, Scenario] = {}
        if DEFAULT not in self._paths:
            raise datafile.BrokenFile(f"{fixtures / 'scenarios'}: no scenario is named {DEFAULT!r}")
        self._read_default(None)
        schema = fixtures / "schemas" / "magic.yaml"
        self._magic = _magic_of(fixtures / "magic.yaml", schema) if magic else []
        if own is not None:
            self._add(own, schema, magic=magic)
        self._words = {row.word: row.scenario for row in self._magic if row.word}
        self._by_file = {row.file: row.scenario for row in self._magic if row.file}
        #: What all magic words, and all file names, begin with: most requests hold neither.
        self.word_hint = commonprefix(list(self._words))  # noqa: RUF071  # characters are meant
        self.file_hint = commonprefix(list(self._by_file))  # noqa: RUF071  # characters are meant
        if eager:
            list(self)
            self._check_magic(fixtures)
        self._default = self.named(default)
        #: Whether the default scenario does something to its tasks' requests.
        self.default_interferes = any(
            plan.faults or plan.is_early for plan in self._default.plans.values()
        )

    def __iter__(self) -> Iterator[Scenario]:
        """The scenarios by name; reads those that were not asked for yet."""
        return (self.named(name) for name in sorted(self._paths))

    def named(self, name: str) -> Scenario:
        """The scenario with this name.

        Raises:
            UnknownScenario: there is none.
            BrokenFile: its file cannot be used.
        """
        found = self._read.get(name)
        if found is not None:
            return found
        path = self._paths.get(name)
        if path is None:
            hint = nearest(name, self._paths) or f"; one of {', '.join(self._paths)}"
            raise UnknownScenario(f"unknown scenario {name!r}{hint}")
        found = self._read[name] = self._files.scenario(path, self._read[DEFAULT])
        return found

    def default_for(self, kind: TaskKind) -> Scenario:
        """What happens to a kind of task when nobody asks for anything else; it has a plan for it."""
        return self._default if kind in self._default.plans else self._read[DEFAULT]

    def asked_for(self, kind: TaskKind, body: Mapping[str, Any]) -> Scenario | None:
        """The scenario that a magic value in the body of a create asks for, if it applies to that kind of task."""
        is_speech = kind is TaskKind.SPEECH
        text: str = body.get("text" if is_speech else "voice_name", "")
        name = None
        if self._words and text.startswith(self.word_hint):
            name = self._words.get(text.partition(" ")[0])
        if name is None and not is_speech and self._by_file:
            url: str = body.get("voice_url", "")
            name = self._of_url(url) if self.file_hint in url else None
        if name is None:
            return None
        scenario = self.named(name)
        return scenario if kind in scenario.plans else None

    def nearly_asked(self, kind: TaskKind, body: Mapping[str, Any]) -> str:
        """What is wrong with a text that begins as all magic words do and is none that applies; usually nothing."""
        hint = self.word_hint
        text: str = body.get("text" if kind is TaskKind.SPEECH else "voice_name", "")
        if len(hint) < _TELLING or not text.startswith(hint):
            return ""
        word = text.partition(" ")[0][:60]
        if word in self._words:
            return f"scenario {self._words[word]} has no plan for this kind of task"
        return f"unknown magic value {word!r}{nearest(word, self._words)}"

    def magic_of(self, scenario: Scenario) -> list[dict[str, str]]:
        """The magic values that ask for a scenario: field, and value or file."""
        rows: list[dict[str, str]] = []
        for word, name in self._words.items():
            if name == scenario.name:
                rows += [{"field": _WORD_FIELDS[kind], "value": word} for kind in scenario.plans]
        for file, name in self._by_file.items():
            if name == scenario.name:
                kinds = (kind for kind in scenario.plans if kind in _FILE_FIELDS)
                rows += [{"field": _FILE_FIELDS[kind], "file": file} for kind in kinds]
        return rows

    def _of_url(self, url: str) -> str | None:
        """The magic file name: the last path segment of a URL, without its ending."""
        path = url.partition("://")[2].partition("?")[0].partition("#")[0]
        _, slash, name = path.rpartition("/")
        return self._by_file.get(name.rpartition(".")[0] or name) if slash else None

    def _add(self, own: Path, schema: Path, *, magic: bool) -> None:
        if own.is_file():
            paths = {own.stem: own}
        elif own.is_dir():
            paths = _paths_of(own)
            if not paths:
                raise datafile.BrokenFile(f"{own}: no scenario in it: no file ends in .yaml")
            paths.pop("magic", None)
        else:
            raise datafile.BrokenFile(f"{own}: no such file or folder")
        self._paths |= paths
        if DEFAULT in paths:  # first: the others take timelines from it
            self._read_default(self._read[DEFAULT])
        for name, path in paths.items():
            self._read[name] = self._files.scenario(path, self._read[DEFAULT])
        if magic and (own / "magic.yaml").is_file():
            self._magic += _magic_of(own / "magic.yaml", schema)
        self._check_magic(own)

    def _read_default(self, before: Scenario | None) -> None:
        path = self._paths[DEFAULT]
        self._read[DEFAULT] = default = self._files.scenario(path, before)
        for kind in TaskKind:
            if kind not in default.plans:
                raise datafile.BrokenFile(f"{path}: the default scenario lacks {kind}")

    def _check_magic(self, own: Path) -> None:
        """Every magic value of the user's leads to a scenario; those of the fixtures are checked by their tests."""
        path = own / "magic.yaml"
        for row in self._magic:
            if row.scenario not in self._paths:
                text = datafile.read_text(path)
                line = next(
                    (n for n, item in enumerate(text.splitlines(), 1) if row.scenario in item), 1
                )
                hint = nearest(row.scenario, self._paths)
                raise datafile.BrokenFile(
                    f"{path}:{line}: magic: unknown scenario {row.scenario!r}{hint}"
                )


def _paths_of(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.y*ml")):
        if path.stem in found:
            raise datafile.BrokenFile(f"{path}: {found[path.stem].name} has this name already")
        found[path.stem] = path
    return found


def _magic_of(path: Path, schema: Path) -> list[Magic]:
    rows = datafile.read_checked(path, datafile.read(schema))["magic"]
    found: dict[str, int] = {}
    for number, row in enumerate(rows):
        for value in (row.get("word"), row.get("file")):
            if value is not None and value in found:
                line = datafile.line_of(datafile.read_text(path), ["magic", number])
                raise datafile.BrokenFile(f"{path}:{line}: magic[{number}]: {value!r} stands twice")
            if value is not None:
                found[value] = number
    return [Magic(row["scenario"], row.get("word", ""), row.get("file", "")) for row in rows]
