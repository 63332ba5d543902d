"""The direction of imports, the purity of the core, and the size of things: walked over the syntax trees."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.places import ROOT

PACKAGE = ROOT / "mock_server"
KIT = ROOT / "contract_tests"
ENTRY = ROOT / "kling_mock_pytest.py"

#: Source: DESIGN.md section 2: core <- ports <- service <- http <- server <- cli; adapters import core and ports.
SHELL = {
    *(
        "server",
        "process",
        "protocol",
        "foreground",
        "cli",
        "embedding",
        "console",
        "__main__",
        "terminal",
    ),
    *("listing", "ctl", "ctl_callbacks", "ctl_client", "ctl_command", "ctl_values"),
    *("ctl_time", "ctl_tasks", "ctl_faults", "ctl_account", "ctl_report"),
    *("listen", "listen_options", "listen_app", "listen_body", "listen_book"),
    *("listen_forward", "listen_print", "kit", "kit_probe"),
    *("testing.__init__", "testing.asking", "testing.words", "testing.clock", "testing.tasks"),
    *("testing.requests", "testing.callbacks", "testing.faults", "testing.timeline"),
    *("testing.strictness", "testing.fixture", "testing.account"),
}
SERVICE = {"service", "planning"}
#: One noun per file, each at the border to something outside.
ADAPTERS = {
    "account",
    "behaviour_file",
    "callback_rules",
    "catalogue",
    "clock",
    "contract",
    "credentials",
    "datafile",
    "deliveries",
    "documents",
    "events",
    "faults",
    "ids",
    "journal",
    "ledger",
    "media",
    "orders",
    "resources",
    "scenario_file",
    "scenarios",
    "schema",
    "sender",
    "settings",
    "outlet",
    "patching",
    "sockets",
    "store",
    "values",
}
#: What the core must not know: time, chance, effects.
IMPURE = {
    "asyncio",
    "concurrent",
    "contextvars",
    "datetime",
    "http",
    "io",
    "logging",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "selectors",
    "shutil",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "uuid",
    "warnings",
}
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 40


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"), str(path))


def files(folder: Path) -> list[Path]:
    """The Python files of a folder."""
    return sorted(folder.rglob("*.py"))


def name_of(path: Path) -> str:
    """The module name of a file below the package, without the package: ``http.wire``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts)


def package_of(path: Path) -> list[str]:
    """The package that relative imports of a file begin in."""
    return list(path.relative_to(ROOT).parts[:-1])


def imports(path: Path, *, top_level_only: bool = False) -> Iterator[str]:
    """The dotted names a file imports; ``from a import b`` gives ``a.b``. Type-checking imports count."""
    nodes = list(at_import(tree(path))) if top_level_only else list(ast.walk(tree(path)))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package_of(path)
            base = start[: len(start) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a module is imported: not those inside functions, nor those for type checkers."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from at_import(child)


def ours(path: Path) -> set[str]:
    """The modules of the package that a file imports, without the package: ``core.task``, ``http.wire``."""
    found: set[str] = set()
    for dotted in imports(path):
        first, _, rest = dotted.partition(".")
        if first != "mock_server":
            continue
        parts = rest.split(".")
        # The last part may be a name inside the module.
        for length in range(len(parts), 0, -1):
            candidate = PACKAGE.joinpath(*parts[:length])
            if candidate.with_suffix(".py").is_file():
                found.add(".".join(parts[:length]))
                break
            if (candidate / "__init__.py").is_file():
                found.add(".".join(parts[:length]))
                break
        else:
            found.add("__init__")
    return found


def outside(path: Path) -> set[str]:
    """The top-level packages a file imports that are not ours."""
    return {dotted.partition(".")[0] for dotted in imports(path)} - {"mock_server"}


CORE_FILES = files(PACKAGE / "core")
HTTP_FILES = files(PACKAGE / "http")
BY_NAME = {name_of(path): path for path in files(PACKAGE)}


def test_the_walk_sees_imports() -> None:
    """The walk below finds what it looks for: known imports of known files are seen."""
    assert "core.task" in ours(PACKAGE / "service.py")
    assert "contract" in ours(PACKAGE / "world.py")
    assert "httpx2" in outside(PACKAGE / "sender.py")
    assert "starlette" in outside(PACKAGE / "http" / "app.py")
    assert "foreground" in ours(PACKAGE / "cli.py")
    assert "httpx2.Client" not in imports(PACKAGE / "sender.py", top_level_only=True)


def test_every_module_has_its_place() -> None:
    """Each module of the package belongs to one layer; a new one has to be given its own."""
    placed = (
        {"__init__", "ports", "delivery", "outgoing", "sending", "waiting", "world"}
        | SHELL
        | SERVICE
        | ADAPTERS
    )
    top = {name for name in BY_NAME if not name.startswith(("core.", "http."))}
    assert top == placed


# ---- core -----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CORE_FILES, ids=name_of)
def test_the_core_knows_the_standard_library_and_itself(path: Path) -> None:
    """The core imports core and the standard library, without its time, chance and effects."""
    assert all(name.startswith("core") for name in ours(path))
    assert outside(path) <= set(sys.stdlib_module_names)
    assert not outside(path) & IMPURE


@pytest.mark.parametrize("path", CORE_FILES, ids=name_of)
def test_the_core_is_pure(path: Path) -> None:
    """The core neither waits nor reads or prints anything, and keeps nothing in global variables."""
    for node in ast.walk(tree(path)):
        kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Global)
        assert not isinstance(node, kinds), f"{path}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            forbidden = {"open", "print", "input", "exec", "eval", "__import__", "id", "hash"}
            assert called not in forbidden, f"{path}:{node.lineno}: {called}"
            assert not called.endswith((".now", ".today", ".utcnow")), f"{path}:{node.lineno}"


# ---- the layers above -----------------------------------------------------------------------


def test_ports_know_the_core_only() -> None:
    """What the use cases need from outside is said in words of the core."""
    assert all(name.startswith("core") for name in ours(BY_NAME["ports"]))
    assert outside(BY_NAME["ports"]) <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_adapters_know_nothing_above_them(name: str) -> None:
    """An adapter imports core, ports and other adapters: no use case, no HTTP, no server."""
    allowed = ADAPTERS | {"ports"}
    found = {item for item in ours(BY_NAME[name]) if not item.startswith("core")}
    assert found <= allowed
    assert not outside(BY_NAME[name]) & {"starlette", "uvicorn", "uvloop", "argparse"}


@pytest.mark.parametrize("name", sorted(SERVICE))
def test_use_cases_know_values_and_ports(name: str) -> None:
    """Service and planning import core, ports, account, events and orders, and the standard library."""
    allowed = SERVICE | {"ports", "account", "events", "orders"}
    found = {item for item in ours(BY_NAME[name]) if not item.startswith("core")}
    assert found <= allowed
    assert outside(BY_NAME[name]) <= set(sys.stdlib_module_names) - IMPURE


@pytest.mark.parametrize(
    "name", sorted(SERVICE | {"account", "store", "ids", "clock", "faults", "journal", "ledger"})
)
def test_use_cases_are_synchronous(name: str) -> None:
    """Nothing that a use case touches awaits, so each use case is atomic on the event loop."""
    for node in ast.walk(tree(BY_NAME[name])):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), f"{name}:{node.lineno}"


def test_the_dispatcher_knows_no_http() -> None:
    """Delivering needs planning, sender and account; how a body looks is handed to it."""
    found = {item for item in ours(BY_NAME["delivery"]) if not item.startswith("core")}
    assert found <= {"account", "deliveries", "events", "planning", "sending"}


def test_sending_knows_no_http() -> None:
    """Sending needs accounts, deliveries and a sender; how a body looks is handed to it."""
    for name in ("sending", "outgoing"):
        found = {item for item in ours(BY_NAME[name]) if not item.startswith("core")}
        known = {"account", "deliveries", "events", "outgoing", "patching", "ports", "sender"}
        assert found <= known


def test_waiting_knows_no_http() -> None:
    """Waiting on the server's side needs the dispatcher and the account, and no request."""
    found = {item for item in ours(BY_NAME["waiting"]) if not item.startswith("core")}
    assert found <= {"account", "delivery", "events"}


@pytest.mark.parametrize("name", ["faults", "journal", "ledger"])
def test_what_an_account_holds_knows_the_core_only(name: str) -> None:
    """Faults, journal and ledger of an account are made of values; who uses them is above them."""
    assert all(item.startswith("core") for item in ours(BY_NAME[name]))


@pytest.mark.parametrize("path", HTTP_FILES, ids=name_of)
def test_http_knows_no_server(path: Path) -> None:
    """HTTP is served by somebody it does not know; only the app wires things."""
    found = ours(path)
    assert not found & SHELL
    assert not outside(path) & {"uvicorn", "argparse", "threading", "httpx2"}


@pytest.mark.parametrize(
    "path", [path for path in files(PACKAGE) if path not in HTTP_FILES], ids=name_of
)
def test_only_the_shell_knows_http(path: Path) -> None:
    """Below the server nothing imports HTTP, and Starlette is known to HTTP and the server alone."""
    if name_of(path) not in SHELL | {"__init__"}:
        assert not {item for item in ours(path) if item.partition(".")[0] == "http"}
        assert "starlette" not in outside(path)


def test_names_and_codes_have_one_place() -> None:
    """Statuses and codes stand in envelope alone: no other file of HTTP writes an official code."""
    for path in HTTP_FILES:
        if path.stem == "envelope":
            continue
        numbers = {
            node.value
            for node in ast.walk(tree(path))
            if isinstance(node, ast.Constant) and type(node.value) is int
        }
        assert not {number for number in numbers if 1000 < number < 1400 or 5000 <= number < 5100}


def test_the_environment_is_read_at_the_edge() -> None:
    """Settings alone read the environment."""
    for name, path in BY_NAME.items():
        found = {
            ast.unparse(node) for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)
        }
        assert name == "settings" or not {text for text in found if text.startswith("os.environ")}


def test_imports_have_no_circles() -> None:
    """No module imports, directly or through others, itself."""
    graph = {
        name: {item for item in ours(path) if item in BY_NAME} - {name}
        for name, path in BY_NAME.items()
        if name != "__init__"
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for item in sorted(graph.get(name, ())):
                visit(item, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


# ---- the kit, the plugin, and everybody else ------------------------------------------------


@pytest.mark.parametrize("path", files(KIT), ids=lambda path: path.stem)
def test_the_kit_stands_alone(path: Path) -> None:
    """The kit never imports the mock when it is imported: its oracle is written from the documents only."""
    top = {dotted.partition(".")[0] for dotted in imports(path, top_level_only=True)}
    assert "mock_server" not in top


def test_the_pytest_plugin_imports_lazily() -> None:
    """Loading the plugin costs nothing: it imports the mock inside its fixtures."""
    top = {dotted.partition(".")[0] for dotted in imports(ENTRY, top_level_only=True)}
    assert top <= set(sys.stdlib_module_names) | {"pytest"}


@pytest.mark.parametrize(
    "path", [*files(PACKAGE), *files(KIT), ENTRY], ids=lambda path: str(path.relative_to(ROOT))
)
def test_what_is_shipped_knows_no_tests(path: Path) -> None:
    """Neither the mock nor the kit imports tests or benchmarks."""
    assert not outside(path) & {"tests", "benchmarks"}


@pytest.mark.parametrize("path", files(PACKAGE), ids=name_of)
def test_the_mock_does_not_know_the_kit(path: Path) -> None:
    """The runtime works without the kit installed."""
    assert not outside(path) & {"contract_tests", "pytest", "hypothesis", "schemathesis"}


# ---- size -----------------------------------------------------------------------------------


def shipped() -> list[Path]:
    """The files whose size is bounded."""
    return [*files(PACKAGE), *files(KIT), ENTRY]


def test_modules_are_short() -> None:
    """No module has more than 400 lines."""
    long = {
        str(path.relative_to(ROOT)): count
        for path in shipped()
        if (count := len(path.read_text("utf-8").splitlines())) > MAX_MODULE_LINES
    }
    assert long == {}


def test_functions_are_short() -> None:
    """No function has more than 40 lines."""
    long = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": lines
        for path in shipped()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert long == {}


def test_every_public_thing_is_described() -> None:
    """Every module, and every public class and function of the package, has a docstring."""
    missing: list[str] = []
    for path in files(PACKAGE):
        nodes = [tree(path), *at_import(tree(path))]
        nodes += [child for node in nodes for child in ast.iter_child_nodes(node)]
        for node in nodes:
            if isinstance(node, ast.Module) or (
                isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
                and not node.name.startswith("_")
            ):
                name = getattr(node, "name", "module")
                decorators = [ast.unparse(item) for item in getattr(node, "decorator_list", [])]
                if any(item.endswith(".setter") for item in decorators):
                    continue  # its getter says what it is
                if ast.get_docstring(node) is None:
                    missing.append(f"{path.relative_to(ROOT)}: {name}")
    assert missing == []
