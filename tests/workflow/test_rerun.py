"""What runs again after an edit. That Snakemake runs what the plan says is what test_decision.py is about."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from tests.workflow.project import EXPERIMENT, Executed, Project

pytestmark = pytest.mark.workflow

TAIL = {"aggregate", "report", "track"}
MEASURES = {"evaluation", "comparison", "entropy_logistic"}
METHODS = "src/reunlearn/unlearning/methods"


@pytest.fixture
def project(tiny: Project, tmp_path: Path) -> Project:
    """A copy of the finished project, to edit."""
    return tiny.copy(tmp_path / "project")


def stages(ran: Executed) -> set[str]:
    return {stage for stage, _ in ran}


def measures(ran: Executed) -> set[str]:
    """Return the names of what was measured."""
    return {folder.rsplit("/", 1)[1].split("~")[0] for stage, folder in ran if stage == "measure"}


def outside_tail(ran: Executed) -> Executed:
    return {(stage, folder) for stage, folder in ran if stage not in TAIL}


def folders_of(ran: Executed, *parts: str) -> bool:
    """Tell whether every job outside the tail belongs to a folder with one of these parts."""
    return all(any(part in folder for part in parts) for _, folder in outside_tail(ran))


def is_one_method(ran: Executed, name: str) -> bool:
    """Tell whether one method's run, all that is measured on it, and the tail ran."""
    whole = stages(ran) == {"unlearn", "measure"} | TAIL and measures(ran) == MEASURES
    return whole and folders_of(ran, f"/{name}~") and len(outside_tail(ran)) == 1 + len(MEASURES)


def test_nothing_to_do(project: Project) -> None:
    assert project.executed() == set()


def test_method_edit_runs_that_method_only(project: Project) -> None:
    project.edit(
        f"{METHODS}/finetune.py",
        r"lambda batch: task.loss\(model, batch\)",
        "lambda batch: 2 * task.loss(model, batch)",
    )
    announced = project.would_run()
    assert is_one_method(announced, "finetune")
    assert project.executed() == announced
    assert project.executed() == set()


def test_comment_and_docstring_run_nothing(project: Project) -> None:
    method = f"{METHODS}/finetune.py"
    project.edit(
        method, r'"""Return the model after `epochs` passes', '"""Return the model that comes of passes'
    )
    project.edit(method, r"(        return model\n)", r"        # a comment\n\1")
    assert project.would_run() == set()


@pytest.mark.thorough
def test_words_run_the_report_only(project: Project) -> None:
    """Summaries, help texts, papers' names and definition cards stand in the report's specification."""
    edits = [
        (f"{METHODS}/finetune.py", "Continue the training on the retain set only", "another summary"),
        (f"{METHODS}/finetune.py", "passes over the retain set", "another help text"),
        (f"{METHODS}/gradient_ascent.py", "Graves et al. 2021; baseline of GDR-GMA", "another paper"),
        ("src/reunlearn/attacks/entropy_logistic.py", "% of the forget set called member", "another unit"),
        ("src/reunlearn/measures/evaluation.py", "what the model answers on each set", "another comparison"),
    ]
    for path, words, others in edits:
        project.edit(path, f'"{words}', f'"{others}')
    assert project.would_run() == {("report", "reports/tiny")}


def test_hyperparameter_runs_that_method(project: Project) -> None:
    changed = copy.deepcopy(EXPERIMENT)
    changed["methods"][0]["settings"]["learning_rate"] = 0.02
    project.write_study("tiny", [changed])
    assert is_one_method(project.would_run(), "finetune")
    project.write_study("tiny", [EXPERIMENT])
    assert project.would_run() == set()


@pytest.mark.thorough
def test_touching_every_source_runs_nothing(project: Project) -> None:
    for path in [
        *project.root.glob("src/**/*.py"),
        *project.root.glob("workflow/**/*.smk"),
        project.root / "Snakefile",
    ]:
        path.touch()
    assert project.would_run() == set()


def test_new_seed_runs_that_seed_only(project: Project) -> None:
    project.write_study("tiny", [{**EXPERIMENT, "seeds": [0, 1]}])
    ran = project.would_run()
    assert folders_of(ran, "/train1", "/split1")
    assert stages(ran) == {"split", "original", "retrained", "unlearn", "measure"} | TAIL
    assert measures(ran) == MEASURES
    assert len(outside_tail(ran)) == 17


@pytest.mark.thorough
def test_batches_edit_runs_all_training_and_unlearning(project: Project) -> None:
    project.edit("src/reunlearn/data/batches.py", r"return len\(self\.y\)", "return len(self.y) + 0")
    ran = project.would_run()
    everything = {(s, f) for s, f in _all_jobs(project) if s in {"original", "retrained", "unlearn"}}
    assert everything <= ran
    assert not {"prepare", "split"} & stages(ran)


@pytest.mark.thorough
def test_architecture_edit_runs_its_runs_only(project: Project) -> None:
    base = {**EXPERIMENT, "attacks": [], "methods": EXPERIMENT["methods"][:1]}
    other = {**base, "name": "other", "architecture": {"name": "resnet18", "settings": {"width": 16}}}
    project.write_study("two", [base, other])
    before = project.digests("two")
    project.edit("src/reunlearn/models/resnet18.py", r"\(2, 2, 2, 2\)", "(2, 2, 2, 1)")
    now = project.digests("two")
    edited = {key for key in now if now[key] != before[key]}
    assert folders_of(edited, "/resnet18-")
    assert stages(edited) == {"original", "retrained", "unlearn", "measure"}


def test_template_edit_runs_the_report_only(project: Project) -> None:
    template = sorted(project.root.glob("src/reunlearn/reporting/pages/templates/*.html*"))[0]
    template.write_text(template.read_text() + "<!-- edited -->\n")
    assert stages(project.would_run()) == {"report"}


@pytest.mark.thorough
def test_records_edit_runs_nothing(project: Project) -> None:
    project.edit("src/reunlearn/artifacts/record.py", r"round\(value, 6\)", "round(value, 5)")
    assert project.would_run() == set()


@pytest.mark.thorough
def test_same_bits_again_run_nothing(project: Project) -> None:
    target = next(f for s, f in _all_jobs(project) if s == "unlearn" and "/finetune~" in f)
    manifest = (project.root / target / "manifest.json").read_bytes()
    forced = project.executed(f"{target}/manifest.json", "--force")
    assert forced == {("unlearn", target)}
    assert (project.root / target / "manifest.json").read_bytes() == manifest
    assert project.would_run() == set()


@pytest.mark.thorough
def test_two_studies_do_not_disturb_each_other(project: Project) -> None:
    changed = copy.deepcopy(EXPERIMENT)
    changed["methods"][0]["settings"]["learning_rate"] = 0.03
    project.write_study("second", [changed])
    announced = project.would_run("second")
    assert is_one_method(announced, "finetune")
    assert project.executed(study="second") == announced
    assert project.would_run() == project.would_run("second") == set()


def _all_jobs(project: Project) -> Executed:
    return {(project.stage(folder), folder) for folder in project.stamps()}
