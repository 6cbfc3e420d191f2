"""What a user does: add a method, meet a failure, narrow a study, run without Snakemake."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.workflow.project import EXPERIMENT, Project

pytestmark = pytest.mark.workflow
METHODS = "src/reunlearn/unlearning/methods"


def test_a_method_is_one_file_and_one_line(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    before = project.stamps()
    project.reunlearn("new", "method", "my_method")
    project.write_study("tiny", [{**EXPERIMENT, "methods": [*EXPERIMENT["methods"], "my_method"]}])
    ran = project.executed()
    assert {stage for stage, _ in ran} == {"unlearn", "measure", "aggregate", "report", "track"}
    measured = {Path(folder).name.split("~")[0] for stage, folder in ran if stage == "measure"}
    assert measured == {"evaluation", "comparison", "entropy_logistic"}
    assert all("/my_method~" in folder for _, folder in ran if folder.startswith("runs/"))
    assert set(before) < set(project.stamps())
    page = (project.root / "reports/tiny/index.html").read_text()
    assert "my_method" in page.replace("<wbr>", "")


def test_a_failed_run_leaves_a_report_that_names_the_hole(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    line = r"        optimizer = self.make_optimizer\(model\)\n"
    project.edit(f"{METHODS}/finetune.py", line, '        raise RuntimeError("out of luck")\n')
    done = project.snakemake(check=False)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "out of luck" in line]
    assert [line.partition(" ")[0] for line in lines if "(log: " in line] == ["FAILED", "failed:"]
    page = (project.root / "reports/tiny/index.html").read_text()
    runs = json.loads((project.root / "reports/tiny/results/runs.json").read_text())
    hole = next(folder for folder in runs["missing"] if "/finetune~" in folder)
    assert hole in page
    log = project.root / "logs" / f"{hole}.log"
    assert "out of luck" in log.read_text()
    others = [f for f in project.stamps() if "/gradient_ascent~" in f]
    assert others, "the other runs stay"
    broken = r'        raise RuntimeError\("out of luck"\)\n'
    project.edit(f"{METHODS}/finetune.py", broken, "        optimizer = self.make_optimizer(model)\n")
    project.snakemake()
    runs = json.loads((project.root / "reports/tiny/results/runs.json").read_text())
    assert runs["missing"] == []


@pytest.mark.thorough
def test_a_diverged_run_is_a_result(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    wild = {"name": "gradient_ascent", "label": "wild", "settings": {"learning_rate": 1.0e30, "epochs": 3}}
    project.write_study("tiny", [{**EXPERIMENT, "methods": ["finetune", wild]}])
    project.snakemake()
    assert "diverged" in (project.root / "reports/tiny/index.html").read_text()


@pytest.mark.thorough
def test_narrowing_runs_less(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    project.write_study("tiny", [{**EXPERIMENT, "seeds": [0, 1]}])
    project.snakemake("--until", "unlearn", more=("methods=finetune", "seeds=1"))
    made = {folder for folder in project.stamps() if "/unlearned/" in folder and "/train1/" in folder}
    assert {Path(folder).parts[-2].split("~")[0] for folder in made} == {"finetune"}


def test_run_without_snakemake_makes_the_same_bits(tiny: Project, tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    project.reunlearn("run", "tiny", "--method", "finetune", "--seed", "0")
    made = {f for f in project.stamps() if f.startswith("runs/")}
    assert any("/finetune~" in f for f in made)
    for folder in made:
        here, there = (p.root / folder / "manifest.json" for p in (project, tiny))
        assert here.read_bytes() == there.read_bytes(), folder


@pytest.mark.thorough
def test_a_narrowed_run_leaves_the_whole_study_s_report_alone(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    before = {p: p.read_bytes() for p in project.root.glob("reports/tiny/**/*.*")}
    project.snakemake("reports/tiny~finetune/manifest.json", more=("methods=finetune",))
    assert {p: p.read_bytes() for p in project.root.glob("reports/tiny/**/*.*")} == before
    page = (project.root / "reports/tiny~finetune/index.html").read_text()
    assert "A test (only finetune)" in page and "gradient_ascent" not in page


@pytest.mark.thorough
def test_tracking_that_fails_leaves_a_complete_study_complete(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    shutil.rmtree(project.root / "reports/tiny/tracking")
    before = {p: p.read_bytes() for p in project.root.glob("reports/tiny/**/*.*")}
    done = project.snakemake(check=False, variables={"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"})
    assert done.returncode == 3
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("the study is complete: ")]
    assert "reports/tiny/index.html" in line and "http://127.0.0.1:9" in line
    assert {p: p.read_bytes() for p in before} == before, "results and page stay as they were"
    assert project.executed() == {("track", "reports/tiny/tracking")}
