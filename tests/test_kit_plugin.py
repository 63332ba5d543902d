"""The kit as a pytest suite: its options, its node ids, and what it costs to look at."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from contract_tests import clauses, documents

ROOT = Path(__file__).parents[1]


def collect(*options: str) -> subprocess.CompletedProcess[str]:
    """Collects the kit without running it."""
    command = [sys.executable, "-m", "pytest", "contract_tests", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "--collect-only", "-q", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def test_every_generated_test_has_a_node_id_of_its_own() -> None:
    """Each operation of each document is one item with an id of its own."""
    # pytest 9.2 gives all items of a parametrized schemathesis test one id; the kit's hook mends that.
    run = collect()
    ids = [line for line in run.stdout.splitlines() if "::" in line]
    assert len(set(ids)) == len(ids)
    operations = [
        f"[{name}][{operation.method} {operation.path}]"
        for name in documents.DIALECTS
        for operation in documents.document(name).operations.values()
    ]
    generated = [line for line in ids if "test_operations.py" in line]
    assert sorted(line[line.index("[") :] for line in generated) == sorted(operations)


def test_a_dialect_can_be_chosen() -> None:
    """With --contract-dialect nothing of another dialect is tested."""
    run = collect("--contract-dialect", "ezmodel")
    assert run.returncode == 0, run.stdout
    lines = [line for line in run.stdout.splitlines() if "::" in line]
    assert lines
    assert not [line for line in lines if "klingai" in line or "kkiai" in line]


def test_another_machine_is_not_called_unasked() -> None:
    """A server elsewhere may cost money: a usage error unless payment is agreed to."""
    run = collect("--contract-base-url", "https://api.example.com")
    assert run.returncode == 4
    assert "--contract-i-will-pay" in run.stderr
    assert (
        collect(
            "--contract-base-url", "https://api.example.com", "--contract-i-will-pay"
        ).returncode
        == 0
    )


def test_a_base_url_is_an_address() -> None:
    """A base URL without a scheme is a usage error."""
    run = collect("--contract-base-url", "localhost:8700")
    assert run.returncode == 4
    assert "http://" in run.stderr


def test_rules_named_by_docstrings_exist() -> None:
    """Each test of the kit names its clauses by ids that are in the catalogue."""
    modules = (ROOT / "contract_tests").glob("test_*.py")
    functions = [
        node
        for path in modules
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    ]
    docstrings = [ast.get_docstring(node) or "" for node in functions]
    sources = " ".join(text.partition("Source: ")[2] for text in docstrings)
    named = set(re.findall(r"[a-z-]+(?:[.][a-z0-9-]+)+", sources))
    assert named
    assert named <= set(clauses.catalogue())
