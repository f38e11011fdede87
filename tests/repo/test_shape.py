"""The house rules that a program can check: sizes, docstrings, names, layers."""

import ast
import tomllib
from pathlib import Path
from typing import Any

from tests.repo.project import PACKAGE, ROOT, files, room, sources, text, tree

LINES_MAX = 400
TEST_LINES_MAX = 800
FUNCTION_LINES_MAX = 70

# Exceptions are the whole of what breaks a rule: one that is no longer needed fails as well.
LONG_FILES = {
    "src/bilag/exports/schema/0001_exports.sql": "one migration makes all tables of a room"
}
WITHOUT_DOCSTRING = {
    "src/bilag/app/postgres_cluster.py:is_postmaster": "to be written",
    "src/bilag/app/postgres_cluster.py:url_of": "to be written",
}
BANNED = {"common", "helper", "helpers", "manager", "managers", "misc", "service", "services",
          "util", "utils"}  # fmt: skip


def test_files_are_short() -> None:
    long = {
        str(path)
        for path in (*sources(".py", ".sql"), *_tests())
        if text(path).count("\n") > (TEST_LINES_MAX if path.parts[0] == "tests" else LINES_MAX)
    }
    assert long == set(LONG_FILES)


def test_functions_are_short() -> None:
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path in sources(".py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert not long


def test_every_module_has_a_docstring() -> None:
    without = [
        str(path)
        for path in (*sources(".py"), *_tests())
        if text(path).strip() and not ast.get_docstring(tree(path))
    ]
    assert not without


def test_every_public_function_and_class_has_a_docstring() -> None:
    without = {
        f"{path}:{node.name}"
        for path in sources(".py")
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    }
    assert without == set(WITHOUT_DOCSTRING)


def test_files_are_named_by_what_they_do() -> None:
    banned = [
        str(path)
        for path in (*sources(".py", ".sql"), *_tests())
        if any(BANNED & set(part.removesuffix(path.suffix).split("_")) for part in path.parts)
    ]
    assert not banned


def test_every_room_has_its_place_in_the_layers() -> None:
    contracts = _contracts()
    layers = _layers(contracts)
    outside = {module for c in contracts for module in c.get("source_modules", ())}
    rooms = {f"bilag.{path.name}" for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert rooms <= {*layers, *outside}
    assert layers[0] == "bilag.app"
    assert layers[-1] == "bilag.core"


def test_every_contract_speaks_of_modules_that_exist() -> None:
    named = {
        module
        for contract in _contracts()
        for key in ("source_modules", "forbidden_modules")
        for module in contract.get(key, ())
        if module.startswith("bilag.")
    } | set(_layers(_contracts()))
    assert named
    missing = [m for m in named if not _exists(PACKAGE.parent.joinpath(*m.split(".")))]
    assert not missing


def _layers(contracts: list[dict[str, Any]]) -> list[str]:
    """Return the modules of the layers from above; those that share one stand beside each other."""
    (layers,) = [c["layers"] for c in contracts if c["type"] == "layers"]
    return [module for layer in layers for module in layer.split(" | ")]


def test_the_engine_may_import_no_connector() -> None:
    """A connector's folder must stand in the contract, else the engine could know it by name."""
    (contract,) = [c for c in _contracts() if c["name"] == "delivery knows no system by name"]
    systems = [path for path in (PACKAGE / "connectors").iterdir() if path.is_dir()]
    folders = {f"bilag.connectors.{p.name}" for p in systems if (p / "__init__.py").is_file()}
    assert folders
    assert folders | {"bilag.connectors.registry"} == set(contract["forbidden_modules"])


def test_the_api_calls_verbs_and_no_connector() -> None:
    known = {
        f"{path}: {node.module}"
        for path in sources(".py")
        if room(path) == "api"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bilag.connectors")
    }
    assert not known


def test_pure_rooms_connectors_and_api_run_no_statement() -> None:
    speaking = {
        str(path)
        for path in sources(".py")
        if room(path) in ("api", "connectors", "core", "mapping")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in ("execute", "executemany", "copy")
    }
    assert not speaking


def _tests() -> list[Path]:
    return [path for path in files() if path.parts[0] == "tests" and path.suffix == ".py"]


def _contracts() -> list[dict[str, Any]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    return found


def _exists(module: Path) -> bool:
    return module.is_dir() or module.with_suffix(".py").is_file()
