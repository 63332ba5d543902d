"""The documents of openapi/, each bundled into one: references between files become references inside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mock_server import datafile

#: The dialects, in the order in which they are shown. Each is one document.
DIALECTS = ("klingai", "kkiai", "ezmodel")
#: What else is described: operations only the mock has, and its control API.
EXTENSIONS = "extensions"
CONTROL = "control"

Document = dict[str, Any]
_OF_REQUESTS = ("operationId", "summary", "x-dialect", "requestBody")


class Documents:
    """Reads and bundles documents; a file is read once.

    Args:
        folder: the folder ``openapi``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Path, Any] = {}
        self._bundled: dict[str, Document] = {}

    def __iter__(self) -> Iterator[str]:
        """The names of all documents."""
        return iter((*DIALECTS, EXTENSIONS, CONTROL))

    def bundled(self, name: str) -> Document:
        """A document without references to other files.

        Raises:
            BrokenFile: a file is missing or broken, or a reference leads nowhere.
        """
        if name not in self._bundled:
            path = (self._folder / f"{name}.yaml").resolve()
            document = dict(self._file(path))
            bundle = _Bundle(self, path, dict(document.pop("components", {})))
            resolved = {key: bundle.local(value, path) for key, value in document.items()}
            self._bundled[name] = {**resolved, "components": bundle.components()}
        return self._bundled[name]

    def requests(self, name: str) -> Document:
        """A document cut down to what requests are matched and checked by; other files are not even read.

        Raises:
            BrokenFile: a file that is needed is missing or broken, or a reference leads nowhere.
        """
        path = (self._folder / f"{name}.yaml").resolve()
        document = self._file(path)
        schemas = document.get("components", {}).get("schemas", {})
        bundle = _Bundle(self, path, {"schemas": schemas})
        paths = {
            place: {
                method: {key: bundle.local(spec[key], path) for key in _OF_REQUESTS if key in spec}
                for method, spec in item.items()
                if isinstance(spec, dict)
            }
            for place, item in document["paths"].items()
        }
        return {"info": document["info"], "paths": paths, "components": bundle.components()}

    def target(self, file: Path, section: str, name: str) -> Any:
        """The component ``section/name`` of a file.

        Raises:
            BrokenFile: it is not there.
        """
        try:
            return self._file(file)["components"][section][name]
        except (KeyError, TypeError):
            raise datafile.BrokenFile(
                f"{file}: no component {section}/{name}, to which a $ref leads"
            ) from None

    def _file(self, path: Path) -> Any:
        if path not in self._files:
            self._files[path] = datafile.read(path)
        return self._files[path]


class _Bundle:
    """The components of one document while it is bundled."""

    def __init__(self, documents: Documents, root: Path, own: dict[str, dict[str, Any]]) -> None:
        self._documents = documents
        self._root = root
        self._own = own
        self._hoisted: dict[str, dict[str, Any]] = {}
        self._from: dict[tuple[str, str], Path] = {}
        self._sources: dict[tuple[Path, str], Path] = {}

    def local(self, value: Any, file: Path) -> Any:
        """A value of ``file`` with its references made local; what they lead to is hoisted."""
        if isinstance(value, list):
            return [self.local(item, file) for item in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if isinstance(reference, str):
            return {**value, "$ref": self._hoist(reference, file)}
        return {key: self.local(item, file) for key, item in value.items()}

    def components(self) -> Document:
        """The document's components: its own, and those hoisted."""
        own = {
            section: {name: self.local(item, self._root) for name, item in items.items()}
            for section, items in self._own.items()
        }
        sections = {*own, *self._hoisted}
        return {
            section: {**own.get(section, {}), **self._hoisted.get(section, {})}
            for section in sorted(sections)
        }

    def _source(self, file: Path, place: str) -> Path:
        source = self._sources.get((file, place))
        if source is None:
            source = self._sources[file, place] = (file.parent / place).resolve()
        return source

    def _hoist(self, reference: str, file: Path) -> str:
        place, _, pointer = reference.partition("#")
        source = self._source(file, place) if place else file
        try:
            _, components, section, name = pointer.split("/")
        except ValueError:
            components = ""
        if components != "components":
            raise datafile.BrokenFile(f"{file}: $ref {reference!r} does not lead to a component")
        if source == self._root:
            if name not in self._own.get(section, {}):
                self._documents.target(source, section, name)  # raises
            return f"#/components/{section}/{name}"
        is_own = name in self._own.get(section, {})
        known = self._root if is_own else self._from.setdefault((section, name), source)
        if known != source:
            self._documents.target(source, section, name)  # raises if there is none
            raise datafile.BrokenFile(f"{section}/{name} stands in both {known} and {source}")
        items = self._hoisted.setdefault(section, {})
        if name not in items:
            items[name] = None  # a component may refer to itself
            items[name] = self.local(self._documents.target(source, section, name), source)
        return f"#/components/{section}/{name}"
