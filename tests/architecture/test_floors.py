"""The house: imports only go down, files stay small, package files stay empty."""

from __future__ import annotations

import ast
from pathlib import Path
from statistics import median

SOURCE = Path("src/reunlearn")
FLOORS = (
    {"cli", "commands", "worker", "client"},
    {"stages"},
    {"reporting", "unlearning", "attacks"},
    {"training", "objectives", "metrics"},
    {"data", "models", "gradients"},
    {"artifacts", "storage", "tracking"},
    {"study"},
    {"base"},
)
LEVEL = {name: level for level, names in enumerate(FLOORS) for name in names}


def imports(path: Path) -> set[str]:
    """Return the top folders of the package that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found.update(name.split(".")[1] for name in names if name.startswith("reunlearn."))
    return found


def upward(path: Path) -> list[str]:
    """Return the imports of a file that go up."""
    own = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    return [f"{path}: {own} imports {other}" for other in imports(path) if LEVEL[other] < LEVEL.get(own, -1)]


def test_imports_only_go_down() -> None:
    files = [p for p in SOURCE.rglob("*.py") if p.name != "__init__.py"]
    assert len(files) > 50
    assert [line for path in files for line in upward(path)] == []


def test_control_an_upward_import_is_seen(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(__name__ + ".SOURCE", tmp_path)
    (tmp_path / "data").mkdir()
    bad = tmp_path / "data" / "bad.py"
    bad.write_text("def f():\n    from reunlearn.stages import split\n")
    assert len(upward(bad)) == 1


def test_planning_floor_never_imports_torch() -> None:
    light = [
        *SOURCE.glob("study/*.py"),
        SOURCE / "artifacts/digest.py",
        SOURCE / "worker.py",
        SOURCE / "client.py",
    ]
    for path in light:
        tree = ast.parse(path.read_text())
        names = {
            (n.module if isinstance(n, ast.ImportFrom) else n.names[0].name)
            for n in tree.body
            if isinstance(n, (ast.Import, ast.ImportFrom))
        }
        heavy = {"torch", "numpy", "sklearn", "pandas", "xgboost"}
        assert not {str(n).split(".")[0] for n in names} & heavy, path


def test_package_files_are_empty() -> None:
    for path in SOURCE.rglob("__init__.py"):
        if path != SOURCE / "__init__.py":
            assert path.read_text() == "", path


def test_sizes() -> None:
    lengths = {p: len(p.read_text().splitlines()) for p in SOURCE.rglob("*.py") if p.name != "__init__.py"}
    assert median(lengths.values()) <= 120
    assert {p: n for p, n in lengths.items() if n > 300} == {}
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
