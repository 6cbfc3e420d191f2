"""The house: imports only go down, and plugins are loaded by name, as docs/architecture.md says."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path("src/reunlearn")
PAGE = Path("docs/architecture.md")
ROW = re.compile(r"^\| (\d+) \| (.+?) \|")
HEAVY = {"torch", "numpy", "sklearn", "scipy", "pandas", "xgboost"}
# what a process imports that plans, digests code, or is a client of the warm worker
LIGHT = ("study/*.py", "artifacts/*.py", "base/[!a]*.py", "worker.py", "client.py", "cli.py")


def floors() -> dict[str, int]:
    """Return the floor of each folder of the package, as the page tells it."""
    rows = [match for line in PAGE.read_text(encoding="utf-8").splitlines() if (match := ROW.match(line))]
    return {name: int(row[1]) for row in rows for name in re.findall(r"`(\w+)`", row[2])}


def files() -> list[Path]:
    """Return the modules of the package, without package files."""
    return sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")


def folder_of(path: Path) -> str:
    """Return the top folder, or the top module, that a file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[str]:
    """Yield what a file imports, anywhere in it and also for type checkers alone."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def not_below(path: Path) -> set[str]:
    """Return the imports of a file that do not go down."""
    level, own = floors(), folder_of(path)
    others = {name.split(".")[1] for name in imported(path) if name.startswith("reunlearn.")}
    return {f"{path}: {own} imports {other}" for other in others - {own} if level[other] >= level[own]}


def test_the_page_has_every_folder_once() -> None:
    inside = {folder_of(path) for path in files()}
    text = "\n".join(line for line in PAGE.read_text(encoding="utf-8").splitlines() if ROW.match(line))
    names = [
        name for row in map(ROW.match, text.splitlines()) if row for name in re.findall(r"`(\w+)`", row[2])
    ]
    assert len(inside) > 15
    assert sorted(names) == sorted(inside)


def test_imports_only_go_down() -> None:
    assert [line for path in files() for line in sorted(not_below(path))] == []


@pytest.mark.parametrize(
    "line",
    [
        "def f():\n    from reunlearn.stages import split\n",
        "from reunlearn import worker\n",
        "import reunlearn.training.loop as loop\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from reunlearn.unlearning.task import Task\n",
    ],
)
def test_control_an_import_that_goes_up_is_seen(tmp_path: Path, monkeypatch, line: str) -> None:
    monkeypatch.setattr(__name__ + ".SOURCE", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/bad.py").write_text(line)
    assert len(not_below(tmp_path / "data/bad.py")) == 1


def test_control_an_import_on_the_same_floor_is_seen(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(__name__ + ".SOURCE", tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/bad.py").write_text("from reunlearn.gradients import flat\n")
    assert len(not_below(tmp_path / "models/bad.py")) == 1


def test_planning_imports_no_heavy_library() -> None:
    paths = [path for pattern in LIGHT for path in SOURCE.glob(pattern)]
    assert len(paths) > 30
    for path in paths:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        names = [a.name for node in body if isinstance(node, ast.Import) for a in node.names]
        names += [node.module or "" for node in body if isinstance(node, ast.ImportFrom)]
        assert not {name.split(".")[0] for name in names} & HEAVY, path


def test_no_import_is_relative() -> None:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path


def loads_by_name(path: Path) -> bool:
    """Tell whether a file imports a module whose name stands in a variable or a text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("import_module", "__import__"):
                return True
    return False


def test_the_page_names_every_file_that_loads_by_name() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## What is loaded by name")[2]
    assert page
    loading = {str(path.relative_to(SOURCE)) for path in files() if loads_by_name(path)}
    named = set(re.findall(r"`([\w/]+\.py)`", page))
    assert named == loading


def test_every_file_that_the_page_names_is_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:[\w]+/)+[\w.]*)`", page):
        place = re.sub(r"NAME\.\w+$", "", name)
        assert (SOURCE / place).exists() or Path(place).exists(), name
    assert len(page.splitlines()) <= 87


PLANNING = "reunlearn.worker, reunlearn.commands.running, reunlearn.study.asked, reunlearn.study.plan"


def test_what_the_snakefile_imports_loads_no_heavy_library() -> None:
    """Also by way of plugins that are loaded by name, such as the kinds of scenarios."""
    code = f"import sys, {PLANNING}; print([name for name in {sorted(HEAVY)} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
