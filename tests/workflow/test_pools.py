"""Pools of shadow models grow by blocks: proven by running Snakemake and comparing the jobs that really ran."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reunlearn.metrics.outputs import read_pool
from reunlearn.study.pools import KINDS
from reunlearn.study.shadows import Shadows
from tests.workflow.project import EXPERIMENT, Executed, Project

pytestmark = pytest.mark.workflow

RESULTS = "reports/tiny/results/manifest.json"
TAIL = {"aggregate"}
COUNTS = {"with_forget": 2, "without_forget": 4, "halves": 10, "unlearned": 2}
ATTACKS = ["shadow_xgboost", "lira", "u_lira"]


def experiment(attacks: list[str] = ATTACKS, **counts: int) -> dict[str, Any]:
    """Return an experiment whose attacks read pools of all kinds."""
    wanted = copy.deepcopy(EXPERIMENT)
    return {**wanted, "methods": wanted["methods"][:1], "attacks": attacks, "shadows": {**COUNTS, **counts}}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose study `tiny` has been run with pools of all kinds."""
    project = Project.create(tmp_path_factory.mktemp("pools") / "project")
    project.write_study("tiny", [experiment()])
    ran = project.executed(RESULTS)
    assert blocks(ran, "/halves/") == ["0-9"]
    assert blocks(ran, "/with_forget/") == ["0-1"]
    return project


def blocks(ran: Executed, of: str) -> list[str]:
    """Return the blocks of a pool that were trained."""
    return sorted(folder.rsplit("/", 1)[1] for stage, folder in ran if stage == "shadow" and of in folder)


def test_asking_for_ten_more_trains_ten(project: Project) -> None:
    project.write_study("tiny", [experiment(halves=20)])
    ran = project.executed(RESULTS)
    trained = {folder for stage, folder in ran if stage == "shadow"}
    assert {folder.rsplit("/pools/", 1)[1] for folder in trained} == {"halves/10-19"}
    rest = {(stage, folder.rsplit("/", 1)[1]) for stage, folder in ran if stage not in {"shadow", *TAIL}}
    assert {(stage, name.split("~")[0]) for stage, name in rest} == {("measure", "lira")}
    folders = sorted(project.root.glob("runs/digits/*/pools/halves/*"))
    pool = read_pool(folders)
    assert pool.logits.shape == (20, 60, 10)
    assert pool.logits.dtype == np.float16
    assert (pool.member.sum(axis=0) == 10).all()
    assert {p.suffix for folder in folders for p in folder.iterdir()} == {".json", ".npz"}
    project.write_study("tiny", [experiment()])
    assert {stage for stage, _ in project.executed(RESULTS)} == TAIL, "the attack with ten is still there"


def test_what_a_pool_was_taught(project: Project) -> None:
    forget = np.load(next(project.root.glob("runs/digits/split~*/*/split0/indices.npz")))["forget"]
    for kind, learned in {"with_forget": 1.0, "without_forget": 0.0, "unlearned": 1.0}.items():
        folders = sorted(p.parent for p in project.root.glob(f"runs/digits/*/pools/{kind}/**/outputs.npz"))
        _, member = read_pool(folders[:1]).of(forget)
        assert member.mean() == learned, kind


@pytest.mark.thorough
def test_a_method_has_a_pool_of_its_own(project: Project, tmp_path: Path) -> None:
    changed = project.copy(tmp_path / "project")
    changed.edit(
        "src/reunlearn/unlearning/methods/finetune.py",
        r"lambda batch: task.loss",
        "lambda batch: 2 * task.loss",
    )
    ran = changed.would_run()
    assert {folder.split("/pools/")[1].split("/")[0] for stage, folder in ran if stage == "shadow"} == {
        "unlearned"
    }
    assert blocks(ran, "/unlearned/") == ["0-1"]


def test_what_no_attack_reads_is_not_trained(project: Project) -> None:
    project.write_study("plain", [experiment(attacks=["u_lira"], with_forget=30, halves=40)])
    assert {stage for stage, _ in project.would_run("plain")} == {"aggregate", "report", "track"}


def test_plan_and_study_know_the_same_pools() -> None:
    assert set(KINDS) == set(Shadows.model_fields)
