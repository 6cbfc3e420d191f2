"""Two studies in one Snakemake run: what they share is made once, each has its report, its tracking, its failures."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.workflow.project import EXPERIMENT, Project

pytestmark = pytest.mark.workflow

BOTH = "tiny,other"
METHODS = "src/reunlearn/unlearning/methods"
OTHER = {**EXPERIMENT, "methods": [{"name": "neg_grad", "settings": {"epochs": 1}}]}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which the studies `tiny` and `other` have been run at once."""
    made = Project.create(tmp_path_factory.mktemp("several") / "project")
    made.write_study("other", [OTHER])
    ran = made.executed(study=BOTH)
    stages = [stage for stage, _ in ran]
    for stage in ("original", "retrained", "split", "prepare"):
        assert stages.count(stage) == 1, "one model for both"
    assert stages.count("unlearn") == 3
    for stage in ("aggregate", "report", "track"):
        assert sorted(folder.split("/")[1] for s, folder in ran if s == stage) == ["other", "tiny"]
    return made


def test_each_study_has_its_own_report_and_experiment(project: Project) -> None:
    for study, rows in {"tiny": {"finetune", "gradient_ascent"}, "other": {"neg_grad"}}.items():
        gathered = json.loads((project.root / f"reports/{study}/results/runs.json").read_text())
        methods = {run["row"]["method"] for run in gathered["runs"]}
        assert methods == {"original", "retrain", *rows}
    with sqlite3.connect(project.root / "mlflow.db") as store:
        names = {name for (name,) in store.execute("SELECT name FROM experiments")}
    assert names >= {"tiny", "other"}


@pytest.mark.thorough
def test_then_there_is_nothing_to_do_for_either_or_both(project: Project) -> None:
    for study in (BOTH, "tiny", "other"):
        done = project.snakemake(study=study)
        assert "Nothing to be done" in done.stdout + done.stderr, study
    found = json.loads(project.reunlearn("verify", BOTH, "--json").stdout)
    assert found["sound"] == found["jobs"] and not found["problems"]
    restored = json.loads(project.reunlearn("restore", BOTH, "--no-pull", "--json").stdout)
    assert [(entry["study"], entry["to_run"]) for entry in restored] == [("tiny", 0), ("other", 0)]


@pytest.mark.thorough
def test_a_failure_in_one_study_leaves_the_other_whole(project: Project, tmp_path: Path) -> None:
    copy = project.copy(tmp_path / "project")
    source = (copy.root / f"{METHODS}/neg_grad.py").read_text()
    assert source.count("    def unlearn(self") == 1
    head, tail = source.split("    def unlearn(self", 1)
    signature, body = tail.split(":\n", 1)
    broken = f'{head}    def unlearn(self{signature}:\n        raise RuntimeError("out of luck")\n{body}'
    (copy.root / f"{METHODS}/neg_grad.py").write_text(broken)
    whole = (copy.root / "reports/tiny/manifest.json").read_bytes()
    done = copy.snakemake(study=BOTH, check=False)
    assert done.returncode == 1
    assert "some runs are missing; the partial report names them: reports/other/index.html" in done.stdout
    assert "reports/tiny/index.html" not in done.stdout
    assert (copy.root / "reports/tiny/manifest.json").read_bytes() == whole
    assert not (copy.root / "reports/other/manifest.json").exists()


def test_a_name_that_fits_no_study_is_one_line(project: Project) -> None:
    done = project.snakemake("--dry-run", study="tiny,othr", check=False)
    assert done.returncode
    lines = (done.stdout + done.stderr).splitlines()
    assert any("no study 'othr' in config/studies; did you mean other" in line for line in lines)
    assert "Traceback" not in done.stderr
