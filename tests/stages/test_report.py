"""The stage: from a results folder to the files of a report; and `reunlearn.load`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import reunlearn
from reunlearn.artifacts.gathered import Gathered
from reunlearn.base.errors import UserError
from reunlearn.stages import report
from reunlearn.stages.execution import Context
from reunlearn.stages.pages import write_list
from reunlearn.study import catalogue, paths
from reunlearn.study.inputs import ReportInputs
from tests.reporting import synthetic


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty project in which nobody asks for the catalogue: the specification has all cards."""

    def refuse() -> None:
        raise AssertionError("a report is made from its inputs alone")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalogue, "catalogue", refuse)
    return tmp_path


def run(results: Path, to: Path | None = None, *, figures: bool = True) -> Path:
    """Run the stage; return its folder. `to`: where it writes instead; `figures`: whether it draws any."""
    made = synthetic.read(synthetic.study(), results)
    job = made.job(inputs=ReportInputs(results=str(results)))
    if not figures:
        job = replace(job, sections={name: replace(s, figures=()) for name, s in job.sections.items()})
    report.run(Context(job, to or Path(job.folder)))
    return Path(job.folder)


def test_the_stage_writes_page_tables_and_figures(project):
    folder = run(synthetic.build(missing=("lur",), seeds=2))
    written = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {"index.html", "tables/class-3-methods.tex", "figures/random-0.2-roc.pdf"} <= written
    assert {Path(n).suffix for n in written if n.startswith("tables/")} == {".csv", ".tex", ".md"}
    assert not [name for name in written if "partial" in name]
    page = (folder / "index.html").read_text()
    assert "Incomplete" in page
    assert "a random 20 % of the training set: 60 of 300 samples" in page


def test_the_list_of_reports_is_written_and_drops_what_is_gone(project):
    run(synthetic.build(missing=("lur",), seeds=1), figures=False)
    summary = json.loads(Path("reports/synthetic/summary.json").read_text())
    assert summary["title"] == "Digits <quick & synthetic>"
    assert summary["missing"] > 0
    other, older = Path("reports/audits/mine"), Path("reports/before")
    for folder in (other, older):
        folder.mkdir(parents=True)
        (folder / "index.html").write_text("")
    (other / "summary.json").write_text(
        json.dumps(summary | {"kind": "audit", "missing": 0, "headline": "<far>"})
    )
    text = write_list().read_text()
    assert f"{summary['missing']} of {summary['jobs']} jobs missing" in text
    assert 'href="synthetic/index.html"' in text
    assert 'href="audits/mine/index.html"' in text and "&lt;far&gt;" in text and "complete" in text
    assert "made by an earlier version" in text
    shutil.rmtree("reports/synthetic")
    text = write_list().read_text()
    assert "synthetic/index.html" not in text and "audits/mine" in text


def test_the_list_of_nothing_says_how_to_begin(project):
    assert "make reproduce STUDY=quickstart" in write_list().read_text()


def test_the_stage_lists_its_own_report_before_it_lies_in_its_place(project):
    results = synthetic.build(seeds=1)
    folder = Path(paths.report("synthetic"))
    run(results, to=Path("elsewhere"), figures=False)
    assert f'href="{folder.name}/index.html"' in Path("reports/index.html").read_text()
    assert not (folder / "index.html").exists()


def test_a_log_tells_a_failed_job_from_one_not_begun(project):
    results = synthetic.build(missing=("all",), seeds=1)
    failed = next(f for f in Gathered.read(results).missing if f.endswith("/original/train0"))
    log = paths.log(failed)
    log.parent.mkdir(parents=True)
    log.write_text("out of memory\n")
    page = (run(results, figures=False) / "index.html").read_text()
    assert page.count('href="../../logs/') == 1
    assert f"<code>{log}</code></a>" in page


def test_load_gives_the_results(project):
    synthetic.build(seeds=1)
    table = reunlearn.load("synthetic")
    assert {"experiment", "method", "reading", "label", "metric", "value"} <= set(table.columns)
    assert set(table["experiment"]) == {"random-0.2", "class-3"}


def test_load_gives_any_table_of_one_experiment(project):
    synthetic.build(seeds=1)
    table = reunlearn.load("synthetic", "scores", experiment="class-3", columns=["method", "attack", "score"])
    assert list(table.columns) == ["method", "attack", "score"]
    assert len(table) == 11 * 2 * (synthetic.FORGET + synthetic.TEST)
    assert len(reunlearn.load("synthetic", "runs")) == 22
    with pytest.raises(UserError, match="no such table"):
        reunlearn.load("synthetic", "score")


def test_load_of_a_study_without_results_says_what_to_do(project):
    with pytest.raises(UserError, match="make reproduce STUDY=nowhere"):
        reunlearn.load("nowhere")


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, reunlearn; print([m for m in ('torch', 'pandas', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
