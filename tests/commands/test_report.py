"""`reunlearn report`: a page again from its results alone, without Snakemake and without the runs."""

from __future__ import annotations

import lzma
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reunlearn.base.errors import UserError
from reunlearn.cli import app
from reunlearn.commands import report
from reunlearn.study.plan import Plan
from tests.reporting import synthetic


@pytest.fixture
def committed(tmp_path, monkeypatch) -> Path:
    """A committed report of a study: results and records, packed, without single samples; its runs are elsewhere."""
    monkeypatch.chdir(tmp_path)
    results = synthetic.build(seeds=2)
    folder = Path("reports/reference/synthetic")
    (folder / "results").mkdir(parents=True)
    for name in ("results", "runs", "classes", "histograms", "roc"):
        shutil.copyfile(results / f"{name}.parquet", folder / f"results/{name}.parquet")
    (folder / "results/runs.json.xz").write_bytes(lzma.compress((results / "runs.json").read_bytes()))
    job = synthetic.read(synthetic.study(2), results).job()
    shutil.rmtree("runs")
    shutil.rmtree("reports/synthetic")
    monkeypatch.setattr(report, "make_plan", lambda name: Plan(job.study, name, {job.folder: job}))
    monkeypatch.setattr(report, "catalogue", lambda: synthetic.CARDS)
    return folder


def ask(*words: str) -> str:
    """Return what the command prints."""
    done = CliRunner().invoke(app, ["report", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_committed_report_is_made_again_where_it_lies(committed):
    said = ask("synthetic", "--from", str(committed))
    assert f"report: {committed}/index.html" in said
    page = (committed / "index.html").read_text()
    assert "comes closest to Retrain" in page
    assert (committed / "figures/class-3-roc.svg").is_file()
    assert "<a href" not in (committed / "runs/class-3.html").read_text().partition("<main")[2]
    assert "reference/synthetic/index.html" in Path("reports/index.html").read_text()


def test_a_folder_to_write_and_a_single_file(committed):
    ask("synthetic", "--from", str(committed / "results"), "--to", "elsewhere", "--single-file")
    assert [p.name for p in Path("elsewhere").iterdir()] == ["synthetic.html"]
    page = Path("elsewhere/synthetic.html").read_text()
    assert "<svg" in page and "<img" not in page
    assert not (committed / "index.html").exists()


def test_without_a_study_the_list_is_written_alone(committed):
    assert ask() == "all reports: reports/index.html\n"
    assert not (committed / "index.html").exists()


def test_results_that_are_absent_or_of_another_version_are_one_line(committed):
    with pytest.raises(UserError, match=r"nowhere: holds no runs\.json"):
        report.run("synthetic", "nowhere")
    (committed / "results/runs.json").write_text('{"jobs": {}, "rows": []}')
    with pytest.raises(UserError, match="was written by another version"):
        report.run("synthetic", str(committed))


def test_a_specification_still_runs_the_stage(capfd):
    done = CliRunner().invoke(app, ["report", "reports/no/specification.json"])
    assert done.exit_code == 1
    assert "no such specification" in capfd.readouterr().err + done.output
