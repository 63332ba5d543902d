"""The documents of openapi/, each bundled into one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mock_server.datafile import BrokenFile
from mock_server.documents import CONTROL, DIALECTS, EXTENSIONS, Document, Documents
from tests.support.places import OPENAPI, copy_of, edit

NAMES = (*DIALECTS, EXTENSIONS, CONTROL)
SHIPPED = {name: Documents(OPENAPI).bundled(name) for name in NAMES}


def references(value: Any) -> Iterator[str]:
    """Every $ref inside a value."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def resolved(document: Document, reference: str) -> Any:
    """What a local reference leads to."""
    value: Any = document
    for key in reference.removeprefix("#/").split("/"):
        value = value[key]
    return value


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the documents that may be broken."""
    return copy_of(OPENAPI, tmp_path)


def test_all_documents_are_known() -> None:
    """There is a document for each dialect, one for the mock's extensions and one for its control API."""
    assert tuple(Documents(OPENAPI)) == NAMES
    assert {path.stem for path in OPENAPI.glob("*.yaml")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_is_self_contained(name: str) -> None:
    """Every reference of a bundled document stays inside it and leads somewhere."""
    found = set(references(SHIPPED[name]))
    assert found
    for reference in found:
        assert reference.startswith("#/components/"), reference
        assert isinstance(resolved(SHIPPED[name], reference), dict), reference


@pytest.mark.parametrize("name", NAMES)
def test_a_bundle_keeps_what_the_document_says(name: str) -> None:
    """Bundling changes references and nothing else: paths, rules and descriptions are those of the file."""
    source = yaml.safe_load((OPENAPI / f"{name}.yaml").read_text("utf-8"))

    def without_references(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: "there" if key == "$ref" else without_references(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [without_references(item) for item in value]
        return value

    own = source.pop("components", {})
    bundle = dict(SHIPPED[name])
    components = bundle.pop("components")
    assert without_references(bundle) == without_references(source)
    for section, items in own.items():
        for key, item in items.items():
            assert without_references(components[section][key]) == without_references(item)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_bundled_in_vain(name: str) -> None:
    """A bundled component of another file is one that the document refers to."""
    own = yaml.safe_load((OPENAPI / f"{name}.yaml").read_text("utf-8")).get("components", {})
    found = set(references(SHIPPED[name]))
    for section, items in SHIPPED[name]["components"].items():
        for key in items:
            assert key in own.get(section, {}) or f"#/components/{section}/{key}" in found


def test_bundling_twice_gives_the_same() -> None:
    """A document does not depend on which were bundled before it."""
    documents = Documents(OPENAPI)
    again = {name: documents.bundled(name) for name in reversed(NAMES)}
    assert again == SHIPPED


def small(folder: Path, paths: str, components: str = "", other: str = "{}") -> Document:
    """The bundle of a document with these paths, beside a file of components."""
    folder.mkdir(exist_ok=True)
    (folder / "other.yaml").write_text(f"components: {other}\n", "utf-8")
    (folder / "small.yaml").write_text(f"paths: {paths}\n{components}\n", "utf-8")
    return Documents(folder).bundled("small")


def test_a_component_may_refer_to_itself(tmp_path: Path) -> None:
    """A recursive schema of another file is bundled once and still refers to itself."""
    bundle = small(
        tmp_path,
        '{a: {$ref: "other.yaml#/components/schemas/Tree"}}',
        other='{schemas: {Tree: {items: {$ref: "#/components/schemas/Tree"}}}}',
    )
    assert bundle["components"] == {
        "schemas": {"Tree": {"items": {"$ref": "#/components/schemas/Tree"}}}
    }


def test_a_component_may_refer_back_to_the_document(tmp_path: Path) -> None:
    """A reference from another file to the document itself becomes one inside the document."""
    bundle = small(
        tmp_path,
        '{a: {$ref: "other.yaml#/components/schemas/B"}}',
        "components: {schemas: {A: {title: own}}}",
        '{schemas: {B: {items: {$ref: "small.yaml#/components/schemas/A"}}}}',
    )
    assert bundle["components"] == {
        "schemas": {
            "A": {"title": "own"},
            "B": {"items": {"$ref": "#/components/schemas/A"}},
        }
    }


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("nowhere.yaml#/components/schemas/A", "nowhere.yaml: No such file"),
        ("other.yaml#/components/schemas/B", "no component schemas/B"),
        ("other.yaml#/components/headers/A", "no component headers/A"),
        ("other.yaml#/paths/A", "does not lead to a component"),
        ("other.yaml", "does not lead to a component"),
        ("other.yaml#/components/schemas/A/items", "does not lead to a component"),
        ("#/components/schemas/B", "schemas/B"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(
    tmp_path: Path, reference: str, words: str
) -> None:
    """A reference to a missing file, to a missing component or to none, also in the same file, is refused by name."""
    with pytest.raises(BrokenFile) as refused:
        small(
            tmp_path,
            f'{{a: {{$ref: "{reference}"}}}}',
            "components: {schemas: {A: {}}}",
            "{schemas: {A: {}}}",
        )
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_one_name_for_two_components_is_refused(tmp_path: Path) -> None:
    """A component of another file does not silently take the place of the document's own of that name."""
    with pytest.raises(BrokenFile, match="schemas/A stands in both"):
        small(
            tmp_path,
            '{a: {$ref: "other.yaml#/components/schemas/A"}, b: {$ref: "#/components/schemas/A"}}',
            "components: {schemas: {A: {title: own}}}",
            "{schemas: {A: {title: other}}}",
        )


def test_a_missing_document_is_named(folder: Path) -> None:
    """A document that is not there is refused by name."""
    (folder / "kkiai.yaml").unlink()
    with pytest.raises(BrokenFile, match=r"kkiai\.yaml: No such file"):
        Documents(folder).bundled("kkiai")


def test_a_document_that_is_not_yaml_is_named(folder: Path) -> None:
    """A document that cannot be read is refused with its line."""
    line = edit(folder / "klingai.yaml", "openapi: 3.1.0", "openapi: [3.1.0")
    with pytest.raises(BrokenFile, match=rf"klingai\.yaml:{line + 1}: not YAML"):
        Documents(folder).bundled("klingai")
