"""A forget set that trained models choose, through the real Snakemake: the pool comes first, and decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from reunlearn.base.arrays import read_arrays
from reunlearn.metrics.memorisation import memorisation
from reunlearn.metrics.outputs import read_pool
from tests.workflow.project import EXPERIMENT, Project

pytestmark = pytest.mark.workflow

TARGET = "reports/tiny/manifest.json"
MEMORISED: dict[str, Any] = {"kind": "memorised", "count": 10}


def experiment(name: str, **scenario: Any) -> dict[str, Any]:
    """Return an experiment with one method and eight half models."""
    methods = EXPERIMENT["methods"][:1]
    return {
        **EXPERIMENT,
        "name": name,
        "methods": methods,
        "attacks": [],
        "shadows": {"halves": 8},
        "scenario": scenario,
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which the samples that are memorised most and least were forgotten."""
    project = Project.create(tmp_path_factory.mktemp("memorised") / "project")
    levels = [experiment(level, **MEMORISED, level=level) for level in ("high", "low")]
    worst = {"kind": "worst_case", "count": 10, "iterations": 2, "epochs": 1}
    project.write_study("tiny", [*levels, {**experiment("worst", **worst), "shadows": None}])
    project.snakemake(TARGET)
    return project


def split(project: Project, level: str) -> Path:
    """Return the split folder of a level."""
    (found,) = project.root.glob(f"runs/digits/split~*/memorised-{level}-10~*/split0")
    return found


def test_the_pool_decides_what_is_forgotten(project: Project) -> None:
    pool = read_pool(project.root.glob("runs/digits/*/pools/halves/*"))
    score_N = memorisation(pool.logits, pool.member, pool.label)
    for level, sign in (("high", 1), ("low", -1)):
        indices = read_arrays(split(project, level) / "indices.npz")
        scores = {name: score_N[np.searchsorted(pool.index, indices[name])] for name in ("forget", "retain")}
        assert len(scores["forget"]) == 10
        assert (sign * scores["forget"]).min() >= (sign * scores["retain"]).max()
        for name, values in scores.items():
            np.testing.assert_allclose(indices[f"score_{name}"], values)


def test_the_worst_case_is_chosen_by_the_weights_of_its_original(project: Project) -> None:
    (found,) = project.root.glob("runs/digits/split~*/worst-case-10-*/split0")
    indices = read_arrays(found / "indices.npz")
    (state,) = project.root.glob("runs/digits/*/state/forget_weights/train0-worst-case-10-*")
    weights = load_file(state / "state.safetensors")
    expected = weights["weight"][np.searchsorted(weights["index"], indices["forget"])]
    np.testing.assert_allclose(indices["score_forget"], expected)
    assert expected.min() >= indices["score_retain"].max()
    assert weights["weight"].sum() == pytest.approx(10)


def test_record_and_report_tell_the_mean_scores(project: Project) -> None:
    page = (project.root / "reports/tiny/index.html").read_text()
    means = []
    for level in ("high", "low"):
        scores = json.loads((split(project, level) / "record.json").read_text())["scores"]
        assert f"{scores['forget']:.3f} of forget, {scores['retain']:.3f} of retain" in page
        means.append(scores["forget"])
    assert means[0] > means[1]


def test_nothing_runs_again_and_a_changed_pool_chooses_again(project: Project) -> None:
    assert {stage for stage, _ in project.would_run()} == {"track"}  # it was not asked for
    (block,) = project.root.glob("runs/digits/*/pools/halves/*")
    (block / "outputs.npz").unlink()
    stages = {stage for stage, _ in project.would_run()}
    assert {"shadow", "split", "retrained", "unlearn"} <= stages
    assert "original" not in stages
