"""The house: files and functions stay small, package files stay empty, what crosses a seam has a type."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median

import pytest

SOURCE = Path("src/reunlearn")
ANY = "dict[str, Any]"
# how often `dict[str, Any]` may stand in a folder: what JSON, pydantic or libraries give, never what crosses a seam
BOUNDS = {"base": 0, "study": 8, "artifacts": 2, "measures": 6, "stages": 10}


def test_package_files_are_empty() -> None:
    for path in SOURCE.rglob("__init__.py"):
        if path != SOURCE / "__init__.py":
            assert path.read_text() == "", path


def test_files_are_short() -> None:
    lengths = {p: len(p.read_text().splitlines()) for p in SOURCE.rglob("*.py") if p.name != "__init__.py"}
    assert median(lengths.values()) <= 120
    assert {path: length for path, length in lengths.items() if length > 300} == {}
    assert len(Path("Snakefile").read_text().splitlines()) < 60


def test_functions_are_short() -> None:
    long = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.end_lineno:
                docstring = ast.get_docstring(node) or ""
                lines = node.end_lineno - node.lineno + 1 - len(docstring.splitlines())
                if lines > 50:
                    long.append(f"{path}:{node.name} {lines}")
    assert long == []


def test_few_arguments_are_positional() -> None:
    many = []
    for path in sorted(SOURCE.rglob("*.py")):
        if path.name == "cli.py":  # there the arguments are options of a command
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                names = {argument.arg for argument in (*node.args.posonlyargs, *node.args.args)}
                if len(names - {"self", "cls"}) > 5:
                    many.append(f"{path}:{node.name} {len(names)}")
    assert many == []


@pytest.mark.parametrize("folder", BOUNDS)
def test_few_mappings_are_of_anything(folder: str) -> None:
    count = sum(path.read_text(encoding="utf-8").count(ANY) for path in (SOURCE / folder).rglob("*.py"))
    assert count <= BOUNDS[folder]
