"""The stage: from a results folder to the files of a report; and `reunlearn.load`."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import reunlearn
from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json
from reunlearn.stages import report
from reunlearn.stages.execution import Job
from reunlearn.study import paths

SYNTHETIC = runpy.run_path(str(Path(__file__).parents[1] / "reporting" / "synthetic.py"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project; the catalogue is that of the synthetic study."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "catalogue", lambda: SYNTHETIC["CATALOGUE"])
    return tmp_path


def run(results: Path) -> Path:
    """Run the stage; return its folder."""
    folder = Path(paths.report("synthetic"))
    report.run(Job({"study": "synthetic", "reported": {}, "inputs": {"results": str(results)}}, folder))
    return folder


def test_the_stage_writes_page_tables_and_figures(project):
    folder = run(SYNTHETIC["build"](missing=("lur",), seeds=2))
    written = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {"index.html", "tables/class-3-methods.tex", "figures/random-0.2-roc.pdf"} <= written
    assert {Path(n).suffix for n in written if n.startswith("tables/")} == {".csv", ".tex", ".md"}
    assert not [name for name in written if "partial" in name]
    assert "Incomplete" in (folder / "index.html").read_text()


def test_a_log_tells_a_failed_job_from_one_not_begun(project):
    results = SYNTHETIC["build"](missing=("all",), seeds=1)
    failed = next(p for p in read_json(results / "runs.json")["missing"] if p.endswith("/original/train0"))
    log = paths.log(failed)
    log.parent.mkdir(parents=True)
    log.write_text("out of memory\n")
    page = (run(results) / "index.html").read_text()
    assert page.count('href="../../logs/') == 1
    assert f"<code>{log}</code></a>" in page


def test_load_gives_the_results(project):
    SYNTHETIC["build"](seeds=1)
    table = reunlearn.load("synthetic")
    assert {"experiment", "row", "metric", "value"} <= set(table.columns)
    assert set(table["experiment"]) == {"random-0.2", "class-3"}


def test_load_of_a_study_without_results_says_what_to_do(project):
    with pytest.raises(UserError, match="make reproduce STUDY=nowhere"):
        reunlearn.load("nowhere")


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, reunlearn; print([m for m in ('torch', 'pandas', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
