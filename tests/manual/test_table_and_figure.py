"""The table and the figure of the manual: two new files and a study that names them are all it takes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.manual.fences import files

ROOT = Path(__file__).parents[2]
PAGES = ("docs/add-table.md", "docs/add-figure.md")
SCRIPT = """
from reunlearn.reporting.pages.study import make_report
from reunlearn.study.layout import layout_of
from tests.reporting import synthetic

made = synthetic.make()
first, second = made.study.experiments
asked = second.model_copy(update={"tables": ("methods", "worst_seeds"), "figures": ("gap_bars",)})
sections = {e.name: layout_of(e, made.cards, e.name) for e in (first, asked)}
report = make_report(made.job(sections=sections), made.tables, made.gathered)
print("\\n".join(sorted(report.files)))
print(report.files["tables/class-3-worst_seeds.md"])
"""


@pytest.fixture
def project(tmp_path) -> dict[str, str]:
    """A copy of the sources with the two files; return the environment that imports it."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shown = {path: text for page in PAGES for path, text in files(page).items() if path.startswith("src/")}
    assert [Path(path).stem for path in shown] == ["worst_seeds", "gap_bars"]
    for path, code in shown.items():
        (tmp_path / path).write_text(code)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "src"), str(ROOT)])}


@pytest.mark.thorough
def test_the_report_shows_them_where_they_are_named_and_nowhere_else(project, tmp_path):
    run = {"env": project, "cwd": tmp_path, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, "-c", SCRIPT], **run)
    assert done.returncode == 0, done.stderr
    files = set(done.stdout.split())
    assert {"figures/class-3-gap_bars.svg", "tables/class-3-worst_seeds.csv"} <= files
    assert not [name for name in files if "random-0.2-worst" in name or "class-3-attacks" in name]
    assert re.search(r"^\| pgu \|  \|  \| \d+\.\d\d \|$", done.stdout, re.MULTILINE)


@pytest.mark.thorough
def test_they_join_the_contracts_of_all_tables_and_figures(project, tmp_path):
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-vv",
        "-m",
        "",
        "-k",
        "(worst_seeds or gap_bars) and (thirty or diverged or card)",
    ]
    paths = [str(ROOT / f"tests/contracts/test_{kind}.py") for kind in ("tables", "figures")]
    done = subprocess.run([*command, *paths], env=project, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (
        done.stdout.count("PASSED") == 2 + 2 * 2 + 2
    )  # cards; two tests of tables, one of figures in two shapes
